//! Who may do what, through the REST API: roles, tokens, sessions, invitations, and that all of it ends with the person.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod invites;
mod last_admin;
mod leavers;
mod matrix;
mod roles;
mod sessions;
mod support;
mod tokens;
