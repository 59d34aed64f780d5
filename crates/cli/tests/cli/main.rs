//! The binary as scripts and people use it: exit codes, what is printed where, life and death of a server, a command
//! beside a server.

#![expect(clippy::disallowed_methods, reason = "processes are timed by the real clock")]
#![expect(clippy::unwrap_used, reason = "helpers of tests fail a test by panicking")]

mod commands;
mod demo;
mod journal;
mod kill;
mod serve;
mod support;
mod two;
