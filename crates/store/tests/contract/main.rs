//! What every engine of the store promises. The modules know the public API only, so that each engine runs the same: on
//! SQLite, or on PostgreSQL when BAILIWICK_TEST_POSTGRES names a database. What is true of one engine alone is in the
//! modules `sqlite_only` and `postgres_only`.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod access;
mod batches;
mod evaluation;
mod feed;
mod grants;
mod guards;
mod identity;
mod item_filters;
mod items;
mod keep;
mod leavers;
mod members;
mod opening;
mod pages;
mod postgres_only;
mod processes;
mod removal;
mod resources;
// Shared with the tests of everything above the store, which have more to ask of it.
#[expect(dead_code, unreachable_pub, reason = "this is a module of another crate")]
#[path = "../../../testkit/src/schema.rs"]
mod schema;
mod seal;
mod sqlite_only;
mod support;
mod verdicts;
