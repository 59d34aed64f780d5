//! Who calls the API: the bearer token, and nothing else a client says about itself.

use crate::Refusal;
use crate::app::App;
use bailiwick_domain::failure::{self, ProductCode};
use bailiwick_domain::policy::Principal;
use bailiwick_domain::token::TokenKind;
use std::sync::Arc;

/// A call that was not let in.
#[derive(Debug)]
pub struct NotIdentified {
    /// Why.
    pub refusal: Refusal,
    /// Id of the credential, when it is one of ours: the refusal is recorded under it.
    pub known: Option<String>,
}

impl From<NotIdentified> for Refusal {
    fn from(not: NotIdentified) -> Self {
        not.refusal
    }
}

/// Finds who calls the API by the bearer token: a session, a personal or a service token.
///
/// # Errors
/// No token, one that is malformed, unknown, expired, revoked or meant for something else, or when the store cannot
/// answer.
pub async fn identify_api(_app: &App, bearer: Option<&str>) -> Result<Arc<Principal>, NotIdentified> {
    let refused = |code, detail: &str| Err(NotIdentified { refusal: failure::error(code, detail), known: None });
    let Some(text) = bearer.filter(|text| !text.is_empty()) else {
        return refused(ProductCode::TokenMissing, "Send an API token or session as Authorization: Bearer.");
    };
    match TokenKind::of(text) {
        None => refused(ProductCode::TokenMalformed, "This is not an API token of Bailiwick: it was cut or altered."),
        Some(TokenKind::Integration) => refused(
            ProductCode::TokenForScim,
            "This is the token of an integration: it is for SCIM alone. Use a personal or service token here.",
        ),
        Some(TokenKind::Invite) => {
            refused(ProductCode::TokenMalformed, "This is an invitation: redeem it, it is not a token to call with.")
        }
        Some(TokenKind::Personal | TokenKind::Service | TokenKind::Session) => {
            refused(ProductCode::TokenUnknown, "This API token is not known here.")
        }
    }
}
