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

/// Text of a client as it may appear in an error or a note: cut to a length that fits one line.
pub(crate) fn shown(text: &str) -> &str {
    const LONGEST_BYTES: usize = 120;
    if text.len() <= LONGEST_BYTES {
        return text;
    }
    let end = (0..=LONGEST_BYTES).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    &text[..end]
}
