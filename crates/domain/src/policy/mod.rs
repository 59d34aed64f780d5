//! Who may do what: one decision point that every route and use case asks.
//!
//! A [`Principal`] is who asks, an [`Action`] what is asked for, an [`Object`] what it concerns. [`Role`]s permit actions
//! everywhere or on what the person's teams own; they unite. Scopes of a token only narrow. What nothing permits is
//! refused. [`permits`] is the fast yes or no, [`decide`] says why.

mod action;
mod decide;
mod principal;
mod role;
mod scopes;

pub use action::{Action, ActionSet};
pub use decide::{Because, Decision, Named, Object, Reason, decide, permits};
pub use principal::{HeldRole, Own, PersonOf, Principal, PrincipalKind};
pub use role::{ADMIN, Permit, Reach, Role, RoleFault, VIEWER, builtin, builtins};
pub use scopes::{Scope, Scopes};
