//! Use cases: read, decide, commit.
//!
//! Each verb has a file that fits a screen: it reads rows, lets the pure rooms decide, and hands one `ChangeSet` to the
//! store. This crate is the only caller of `Store::commit` for product data. It must never know HTTP types, headers,
//! cookies, HTML or SQL text. Where to start reading: [`directory`] is what identity providers do, [`manage`] what
//! admins do, [`access`] who may do what, [`journal`] what is remembered of it.

pub mod access;
mod app;
pub mod attributes;
pub mod audit;
pub mod call;
pub mod caller;
pub mod catalog;
pub mod counters;
pub mod directory;
mod error;
pub mod feed;
pub mod holds;
pub mod idempotency;
pub mod import;
pub mod journal;
pub mod leaver;
pub mod manage;
pub mod mapping;
mod tokens;

pub use app::{App, Clock, Ids, Wiring};
pub use bailiwick_store::{query, rows, within};
pub use call::{Call, Stages};
pub use caller::{Caller, Identified, Integration};

/// Why a use case refused: the one error of every use case. It carries the HTTP status it is answered with, the
/// `scimType`, a stable code and a sentence.
pub type Refusal = bailiwick_scim::Error;
