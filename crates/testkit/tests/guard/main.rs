//! The removal guard: what a directory removes beyond its threshold waits, and SCIM answers as always.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod api;
mod attributes;
mod groups;
mod leavers;
mod observe;
mod races;
mod sources;
mod support;
