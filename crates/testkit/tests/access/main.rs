//! Who may do what, through the REST API: roles, tokens, sessions, invitations, and that all of it ends with the person.

mod invites;
mod last_admin;
mod leavers;
mod matrix;
mod roles;
mod sessions;
mod support;
mod tokens;
