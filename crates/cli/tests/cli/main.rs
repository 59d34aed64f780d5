//! The binary as scripts and people use it: exit codes, what is printed where, life and death of a server, a command
//! beside a server.

#![expect(clippy::disallowed_methods, reason = "processes are timed by the real clock")]
#![expect(clippy::unwrap_used, reason = "helpers of tests fail a test by panicking")]

mod catalog;
mod commands;
mod demo;
mod guides;
mod holds;
mod import;
mod journal;
mod kill;
mod migrate;
mod places;
mod rolling;
mod rules;
#[path = "../../../testkit/src/schema.rs"]
#[expect(dead_code, unreachable_pub, reason = "this is a module of another crate")]
mod schema;
mod serve;
mod support;
mod two;
mod webhook_tls;
mod webhooks;
