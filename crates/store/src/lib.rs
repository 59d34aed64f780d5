//! Rows and SQL: the store, its appender, the change feed and the seal.
//!
//! This crate must never know HTTP, the permissions of callers or the meaning of rules. Reads return rows, the one way
//! to write is [`Store::commit`] with a [`ChangeSet`] that carries its preconditions. Where to start reading: [`change`]
//! is what can be written, [`rows`] what comes back, [`query`] what can be asked. `sql` and `commit` hold
//! what both engines share, `sqlite` and `postgres` what each does in its own way.

pub mod change;
mod commit;
mod copy;
mod deadline;
pub mod error;
mod lanes;
mod migration;
mod postgres;
pub mod query;
mod rekey;
pub mod rows;
// Shared with the tests of everything above the store, which have more to ask of it.
#[cfg(test)]
#[expect(dead_code, unreachable_pub, reason = "this is a module of another crate")]
#[path = "../../testkit/src/schema.rs"]
mod schema;
mod seal;
mod sql;
mod sqlite;
mod store;
mod ticks;
mod weight;

pub use change::{ChangeSet, Committed, Guard, NewEvent, Write};
pub use copy::{Copied, CopyError, Progress, copy, schema};
pub use deadline::within;
pub use error::{Constraint, Error};
pub use postgres::DatabaseUrl;
pub use store::{Clock, Entropy, Location, OpenOptions, Role, Store};
