//! PATCH (RFC 7644 section 3.5.2): request, plan, apply.
//!
//! [`parse_request`] reads the message, [`plan`] ties every operation to the schema and checks its value without
//! looking at the resource, [`apply`] changes the resource. Memberships are kept apart from the resource by a store,
//! so [`PatchPlan::split`] takes them out and [`member_changes`] says what to do with them.

mod append;
mod apply;
mod element;
mod members;
mod pathless;
mod plan;
mod repair;
mod request;
mod values;

#[cfg(test)]
mod tests;

pub use apply::apply;
pub use members::{MemberChange, member_changes};
pub use plan::{PatchPlan, Step, plan};
pub use request::{Op, Operation, PatchRequest, parse_request};
