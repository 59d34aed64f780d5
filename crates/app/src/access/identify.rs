//! Who calls the API: the bearer token, and nothing else a client says about itself.

use super::cache::{Known, TRUST};
use super::principal;
use super::terms::Terms;
use crate::Refusal;
use crate::app::App;
use crate::error::of_store;
use bailiwick_domain::failure::{self, ProductCode};
use bailiwick_domain::person::State;
use bailiwick_domain::policy::Principal;
use bailiwick_domain::token::{self, TokenKind};
use bailiwick_store::rows::{CredentialRow, PersonRow};
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

impl From<Refusal> for NotIdentified {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, known: None }
    }
}

fn unknown(code: ProductCode, detail: &str) -> NotIdentified {
    failure::error(code, detail).into()
}

fn ended(credential: &str, code: ProductCode, detail: &str) -> NotIdentified {
    NotIdentified { refusal: failure::error(code, detail), known: Some(credential.to_owned()) }
}

/// Finds who calls the API by the bearer token: a session, a personal or a service token.
///
/// # Errors
/// No token, one that is malformed, unknown, expired, revoked or meant for something else, or when the store cannot
/// answer.
pub async fn identify_api(app: &App, bearer: Option<&str>) -> Result<Arc<Principal>, NotIdentified> {
    let Some(text) = bearer.filter(|text| !text.is_empty()) else {
        return Err(unknown(ProductCode::TokenMissing, "Send an API token or session as Authorization: Bearer."));
    };
    match TokenKind::of(text) {
        None => {
            Err(unknown(ProductCode::TokenMalformed, "This is not an API token of Bailiwick: it was cut or altered."))
        }
        Some(TokenKind::Integration) => Err(unknown(
            ProductCode::TokenForScim,
            "This is the token of an integration: it is for SCIM alone. Use a personal or service token here.",
        )),
        Some(TokenKind::Invite) => Err(unknown(
            ProductCode::TokenMalformed,
            "This is an invitation: it makes an account, it is not a token to call with.",
        )),
        Some(TokenKind::Personal | TokenKind::Service | TokenKind::Session) => find(app, text).await,
    }
}

async fn find(app: &App, text: &str) -> Result<Arc<Principal>, NotIdentified> {
    let digest = token::digest(text);
    let generation = app.store().generation();
    let held = match app.store().followed_within(TRUST) {
        true => app.access().principals.find(generation, &digest),
        false => None,
    };
    if let Some(known) = held {
        if known.expires.is_some_and(|expires| expires <= app.clock().now()) {
            return Err(ended(&known.id, ProductCode::TokenExpired, "This token has expired."));
        }
        if still_true(app, &known).await? {
            app.count_credential(&known.id);
            return Ok(known.principal.clone());
        }
    }
    let known = Arc::new(read(app, &digest).await?);
    app.count_credential(&known.id);
    let principal = known.principal.clone();
    app.access().principals.keep(generation, digest, known);
    Ok(principal)
}

/// Whether who was read a moment ago is who is there now. The person is always looked at: access ends in the commit
/// that ends it, on every replica.
async fn still_true(app: &App, known: &Known) -> Result<bool, Refusal> {
    if app.clock().monotonic().saturating_sub(known.read) >= TRUST {
        return Ok(false);
    }
    let Some((seq, epoch)) = known.person else { return Ok(true) };
    let person = app.store().person(seq).await.map_err(of_store)?;
    Ok(person.is_some_and(|person| person.epoch == epoch && person.state == State::Active))
}

async fn read(app: &App, digest: &[u8; 32]) -> Result<Known, NotIdentified> {
    let found = app.store().credential_by_digest(digest).await.map_err(of_store)?;
    let Some((credential, person)) = found else {
        return Err(unknown(ProductCode::TokenUnknown, "This token is not known here, or it has ended."));
    };
    if credential.revoked.is_some() {
        return Err(ended(&credential.id, ProductCode::TokenRevoked, "This token was revoked."));
    }
    if credential.expires.is_some_and(|expires| expires <= app.clock().now()) {
        return Err(ended(&credential.id, ProductCode::TokenExpired, "This token has expired."));
    }
    if person.as_ref().is_some_and(|person| person.state != State::Active) {
        return Err(ended(&credential.id, ProductCode::TokenRevoked, "The person behind this token is not active."));
    }
    let read = app.clock().monotonic();
    let principal = behind(app, &credential, person.as_ref()).await?;
    Ok(Known {
        id: Arc::from(credential.id.as_str()),
        expires: credential.expires,
        person: person.map(|person| (person.seq, person.epoch)),
        principal: Arc::new(principal),
        read,
    })
}

async fn behind(app: &App, credential: &CredentialRow, person: Option<&PersonRow>) -> Result<Principal, Refusal> {
    let terms = Terms::parse(&credential.scopes);
    let mut principal = match person {
        Some(person) => principal::of_person(app, &credential.id, person).await?,
        None => principal::of_service(app, &credential.id, terms.role.as_deref()).await?,
    };
    principal.scopes = terms.scopes();
    Ok(principal)
}
