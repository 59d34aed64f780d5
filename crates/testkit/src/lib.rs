//! For tests only: a running Bailiwick on a fresh store, a clock that can be moved, ids that repeat, an HTTP client with
//! control over every header, and the player of the dialogues in `fixtures/`.
//!
//! Where to start reading: [`TestApp`] is what most tests want, [`tape`] is how identity providers are replayed. This
//! crate may panic: a test that cannot be set up has failed.

mod app;
mod client;
pub mod postgres;
pub mod proxy;
pub mod replica;
mod schema;
pub mod tape;
mod time;

pub use app::{TestApp, TestOptions};
pub use client::{Answer, Client, raw};
pub use time::{FakeClock, SeededIds};
