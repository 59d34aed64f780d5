//! The change feed, as it flows out: pages of events, followers that wait for the next ones, webhooks.
//!
//! Every follower has a place of its own in the feed and reads on from there; nobody waits for anybody. What is told is
//! one form ([`Told`]) for everybody who may read the journal.

mod pulse;
mod told;
pub mod webhooks;

pub use pulse::{Ear, Pulse, beat};
pub use told::{Told, ToldCall, after, count, find, is_of_kind, newest, page};
