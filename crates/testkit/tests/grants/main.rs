//! Grants by mapping rules and feeds: through SCIM and the use cases, as identity providers and admins bring them about.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod commit;
mod explain;
mod histories;
mod last_admin;
mod rules;
mod support;
