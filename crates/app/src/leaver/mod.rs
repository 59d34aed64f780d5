//! The leaver's path: what happens beside the end of somebody's access, and what there is to tell about it.
//!
//! Sessions, API tokens and invites end in the commit that switches a person off: the store sees to that itself. Every
//! change of a person's state passes [`leave`], which puts into the same commit what was theirs to look after, as
//! hand-over tasks. Memberships and ownership stay, for a return. [`report`] tells how long it took and what ended.

mod catch_up;
mod leave;
mod owned;
mod report;
mod successor;
mod tasks;

pub use catch_up::{catch_up, run};
pub use report::{Credential, Leaving, Left, WithoutEffect, list_leavers, report};
pub use successor::suggest;
pub(crate) use successor::suggest_all;
pub use tasks::{
    Handover, HandoverPage, HandoverQuery, Verdict, assign_handover, count_handovers, decide_handover, list_handovers,
    show_handover,
};

pub(crate) use leave::{Cause, leave, leave_with};

/// Where hand-over tasks are kept.
pub(crate) const COLLECTION: &str = "handover";
/// Persons whose tasks are too many for the commit that switches them off, and integrations that took persons along.
const LATER: &str = "handover-later";
/// Things a person may leave behind for which tasks are opened in that commit; more are opened within a second.
pub const AT_ONCE: usize = 200;
