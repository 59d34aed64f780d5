//! From what identity providers say to what somebody has: grants by mapping rules and feeds.
//!
//! Pure. [`grant`] is what a person has and how it came.

pub mod grant;

pub use grant::{Grant, GrantKind, Origin, Step, StepKind};
