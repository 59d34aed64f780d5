//! The monotonic clock behind budgets and polling. It never decides what is stored.

use std::time::Instant;

/// Now, for measuring spans only.
#[expect(clippy::disallowed_methods, reason = "budgets of the engine measure real time; nothing stored depends on it")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
