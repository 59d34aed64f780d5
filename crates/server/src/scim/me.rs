//! `/Me` (RFC 7644 section 3.11): a token stands for an integration, not for a user, so it is not offered.

use bailiwick_app::Refusal;
use bailiwick_domain::failure::{self, ProductCode};

/// 501, for every method.
pub(super) fn refusal() -> Refusal {
    let detail = "The token stands for an integration, not for a user, so there is no /Me.";
    failure::error(ProductCode::MeNotOffered, detail)
}
