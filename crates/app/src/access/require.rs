//! Asking the policy, with an answer that says what to do about a no.

use crate::Refusal;
use crate::app::App;
use bailiwick_domain::failure::{self, ProductCode};
use bailiwick_domain::policy::{self, Action, Object, Principal, Reason};

/// Refuses with 403 what the policy does not permit: why, which roles would permit it, and whom to ask.
///
/// # Errors
/// `forbidden`.
pub async fn require(_app: &App, principal: &Principal, action: Action, on: &Object<'_>) -> Result<(), Refusal> {
    if policy::permits(principal, action, on) {
        return Ok(());
    }
    let reasons: Vec<String> = policy::decide(principal, action, on).reasons.iter().map(Reason::to_string).collect();
    let asked = action.says().trim_end_matches('.');
    let detail = format!("{action} ({asked}) is not permitted: {}.", reasons.join("; "));
    Err(failure::error(ProductCode::Forbidden, detail))
}
