//! Access: who calls outside SCIM, what they may do, and what gives it to them.
//!
//! [`identify_api`] turns a bearer token into a [`Principal`], [`require`] asks the one decision point of
//! `domain::policy`. Every use case of the catalog takes a principal and asks.

mod identify;
mod require;

pub use bailiwick_domain::policy::{
    self, Action, Decision, HeldRole, Object, Permit, PersonOf, Principal, PrincipalKind, Reach, Reason, Role, Scope,
    Scopes, decide, permits,
};
pub use identify::{NotIdentified, identify_api};
pub use require::require;
