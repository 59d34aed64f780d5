//! API tokens: personal ones act as their person, service ones carry a role of their own. The text is shown once.

use super::roles::{self, within_own};
use super::sessions::live;
use super::terms::Terms;
use super::{give, require};
use crate::Refusal;
use crate::app::App;
use crate::error::of_store;
use crate::manage::{ATTEMPTS, commit, commit_guarded, event, invalid, missing};
use bailiwick_domain::event::EventKind;
use bailiwick_domain::failure::{self, ProductCode};
use bailiwick_domain::ids::{Millis, prefixed_id};
use bailiwick_domain::names::unfit_in_line;
use bailiwick_domain::person::State;
use bailiwick_domain::policy::{Action, Object, Principal, Scopes, permits};
use bailiwick_domain::token::{Token, TokenKind};
use bailiwick_store::change::{CredentialKind, NewCredential, PersonKey};
use bailiwick_store::rows::CredentialRow;
use bailiwick_store::{ChangeSet, Error, Guard, Write};
use serde_json::json;
use std::time::Duration;

/// Life of a token when nothing is said.
pub const LIFE: Duration = Duration::from_secs(90 * 86_400);
/// Longest life of a token.
pub const LIFE_MAX: Duration = Duration::from_secs(366 * 86_400);
/// Longest time for which a token lives on beside its successor.
pub const OVERLAP_MAX: Duration = Duration::from_secs(30 * 86_400);
/// Longest label and longest name of a service, in characters.
const LABEL_CHARS: usize = 100;
/// Most live tokens of one person, and of all services.
const PERSONAL_MAX: usize = 100;
const SERVICE_MAX: usize = 1_000;

/// What is said when making a token.
#[derive(Clone, Debug)]
pub struct NewApiToken {
    /// What it is for.
    pub label: String,
    /// What it may be used for at most.
    pub scopes: Scopes,
    /// How long it lives; [`LIFE`] when nothing is said.
    pub life: Option<Duration>,
}

/// A token that was just made. The only place where its text exists.
pub struct ApiTokenMade {
    /// The token as lists show it.
    pub token: ApiToken,
    /// The text: shown this once.
    pub text: String,
}

impl std::fmt::Debug for ApiTokenMade {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ApiTokenMade").field("token", &self.token).finish_non_exhaustive()
    }
}

/// A token, without its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiToken {
    /// Id.
    pub id: String,
    /// Personal or service.
    pub kind: CredentialKind,
    /// Name of the service.
    pub service: Option<String>,
    /// Label.
    pub label: String,
    /// What it may be used for.
    pub scopes: Vec<String>,
    /// Role of a service.
    pub role: Option<String>,
    /// Who made it.
    pub by: Option<String>,
    /// Made.
    pub created: Millis,
    /// End of life.
    pub expires: Option<Millis>,
    /// Revoked.
    pub revoked: Option<Millis>,
    /// Last used, to the second or so.
    pub last_used: Option<Millis>,
}

impl ApiToken {
    /// A token as the store has it.
    #[must_use]
    pub fn of_row(row: CredentialRow) -> Self {
        let terms = Terms::parse(&row.scopes);
        Self {
            id: row.id,
            kind: row.kind,
            service: row.service,
            label: row.label,
            scopes: terms.scopes.unwrap_or_default(),
            role: terms.role,
            by: terms.by,
            created: row.created,
            expires: row.expires,
            revoked: row.revoked,
            last_used: row.last_used,
        }
    }
}

fn plain(what: &str, text: &str) -> Result<String, Refusal> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > LABEL_CHARS || text.chars().any(unfit_in_line) {
        return Err(invalid(format!("{what} has 1 to {LABEL_CHARS} characters.")));
    }
    Ok(text.to_owned())
}

fn end_of(app: &App, life: Option<Duration>) -> Result<Millis, Refusal> {
    let life = life.unwrap_or(LIFE);
    if life.is_zero() || life > LIFE_MAX {
        return Err(invalid(format!("A token lives for at most {} days.", LIFE_MAX.as_secs() / 86_400)));
    }
    let life = i64::try_from(life.as_millis()).unwrap_or(i64::MAX);
    Ok(Millis(app.clock().now().0.saturating_add(life)))
}

/// A token made with a token reaches no further than that.
fn within_scopes(principal: &Principal, scopes: &Scopes) -> Result<(), Refusal> {
    let Some(own) = &principal.scopes else { return Ok(()) };
    let more = scopes.actions().without(own.actions());
    if more.is_empty() {
        return Ok(());
    }
    let detail = format!("The token that asks has only the scopes {own}: it cannot make one for {more}.");
    Err(failure::error(ProductCode::Forbidden, detail))
}

fn draw(
    app: &App,
    kind: (CredentialKind, TokenKind),
    label: String,
    terms: &Terms,
    expires: Millis,
) -> (NewCredential, String) {
    let token = Token::of_kind(kind.1, app.random());
    let credential = NewCredential {
        id: prefixed_id("crd_", app.random()),
        kind: kind.0,
        person: None,
        service: None,
        label,
        digest: token.digest,
        scopes: terms.to_text(),
        expires: Some(expires),
    };
    (credential, token.text)
}

fn made(app: &App, credential: &NewCredential, terms: Terms, text: String) -> ApiTokenMade {
    let token = ApiToken {
        id: credential.id.clone(),
        kind: credential.kind,
        service: credential.service.clone(),
        label: credential.label.clone(),
        scopes: terms.scopes.unwrap_or_default(),
        role: terms.role,
        by: terms.by,
        created: app.clock().now(),
        expires: credential.expires,
        revoked: None,
        last_used: None,
    };
    ApiTokenMade { token, text }
}

fn words(scopes: &Scopes) -> Option<Vec<String>> {
    Some(scopes.words().into_iter().map(str::to_owned).collect())
}

/// Makes a token that acts as a person: the caller, or on the host anybody.
///
/// # Errors
/// No permission, scopes beyond those of the caller, a bad label or life, somebody who is not active, or when the store
/// cannot answer.
pub async fn create_personal_token(
    app: &App,
    principal: &Principal,
    person: &str,
    new: NewApiToken,
) -> Result<ApiTokenMade, Refusal> {
    let label = plain("A label", &new.label)?;
    let expires = end_of(app, new.life)?;
    for _ in 0..ATTEMPTS {
        let row = give::person_row(app, person).await?;
        require(app, principal, Action::TokenOwn, &Object::Token { person: Some(row.seq) }).await?;
        within_scopes(principal, &new.scopes)?;
        if row.state != State::Active {
            return Err(invalid(format!("{} is not active: nobody can act as them.", row.display)));
        }
        if live(app, row.seq, CredentialKind::Personal).await?.len() >= PERSONAL_MAX {
            return Err(invalid(format!("{} has {PERSONAL_MAX} live tokens: revoke some first.", row.display)));
        }
        let terms = Terms { scopes: words(&new.scopes), role: None, by: Some(principal.actor().to_owned()) };
        let kind = (CredentialKind::Personal, TokenKind::Personal);
        let (mut credential, text) = draw(app, kind, label.clone(), &terms, expires);
        credential.person = Some(PersonKey::Seq(row.seq));
        let payload = json!({ "token": credential.id, "kind": "personal", "label": label, "scopes": terms.scopes,
            "expires": expires.to_string() });
        let made = made(app, &credential, terms, text);
        let set = ChangeSet {
            at: app.clock().now(),
            guards: vec![Guard::Person { seq: row.seq, epoch: row.epoch }],
            writes: vec![Write::InsertCredential(credential)],
            events: vec![event(app, EventKind::ApiTokenCreate, None, Some(row.id), payload)],
        };
        if commit_guarded(app, set).await?.is_some() {
            return Ok(made);
        }
    }
    Err(of_store(Error::Stale))
}

/// Makes a token for a service, with a role no stronger than the maker's own.
///
/// # Errors
/// No permission, an unknown or stronger role, scopes beyond those of the caller, a bad name, label or life, or when the
/// store cannot answer.
pub async fn create_service_token(
    app: &App,
    principal: &Principal,
    service: &str,
    role: &str,
    new: NewApiToken,
) -> Result<ApiTokenMade, Refusal> {
    require(app, principal, Action::TokenManage, &Object::Token { person: None }).await?;
    let service = plain("The name of a service", service)?;
    let label = plain("A label", &new.label)?;
    let expires = end_of(app, new.life)?;
    within_scopes(principal, &new.scopes)?;
    for _ in 0..ATTEMPTS {
        let (found, version) = roles::named(app, role).await?;
        within_own(principal, &found)?;
        let there = app.store().credentials_of_kind(CredentialKind::Service).await.map_err(of_store)?;
        if there.iter().filter(|row| is_live(app, row)).count() >= SERVICE_MAX {
            return Err(invalid(format!("There are {SERVICE_MAX} live service tokens: revoke some first.")));
        }
        let terms =
            Terms { scopes: words(&new.scopes), role: Some(role.to_owned()), by: Some(principal.actor().to_owned()) };
        let kind = (CredentialKind::Service, TokenKind::Service);
        let (mut credential, text) = draw(app, kind, label.clone(), &terms, expires);
        credential.service = Some(service.clone());
        let payload = json!({ "token": credential.id, "kind": "service", "service": service, "role": role,
            "label": label, "scopes": terms.scopes, "expires": expires.to_string() });
        let made = made(app, &credential, terms, text);
        let set = ChangeSet {
            at: app.clock().now(),
            guards: roles::hold(app, &found, version).await?,
            writes: vec![Write::InsertCredential(credential)],
            events: vec![event(app, EventKind::ApiTokenCreate, None, None, payload)],
        };
        if commit_guarded(app, set).await?.is_some() {
            return Ok(made);
        }
    }
    Err(of_store(Error::Stale))
}

fn is_live(app: &App, row: &CredentialRow) -> bool {
    row.revoked.is_none() && row.expires.is_none_or(|end| end > app.clock().now())
}

/// The personal tokens of a person, those that have ended included: their own, or anybody's for who may see tokens.
///
/// # Errors
/// No permission, an unknown person, or when the store cannot answer.
pub async fn list_personal_tokens(app: &App, principal: &Principal, person: &str) -> Result<Vec<ApiToken>, Refusal> {
    let row = give::person_row(app, person).await?;
    let on = Object::Token { person: Some(row.seq) };
    if !permits(principal, Action::TokenOwn, &on) {
        require(app, principal, Action::TokenRead, &on).await?;
    }
    let all = app.store().credentials(row.seq).await.map_err(of_store)?;
    Ok(all.into_iter().filter(|row| row.kind == CredentialKind::Personal).map(ApiToken::of_row).collect())
}

/// The tokens of services, those that have ended included.
///
/// # Errors
/// No permission, or when the store cannot answer.
pub async fn list_service_tokens(app: &App, principal: &Principal) -> Result<Vec<ApiToken>, Refusal> {
    require(app, principal, Action::TokenRead, &Object::Token { person: None }).await?;
    let all = app.store().credentials_of_kind(CredentialKind::Service).await.map_err(of_store)?;
    Ok(all.into_iter().map(ApiToken::of_row).collect())
}

/// A personal or service token by its id, if the caller may change it; to others it is as if it were not there.
async fn changeable(app: &App, principal: &Principal, id: &str) -> Result<CredentialRow, Refusal> {
    let shown: String = id.chars().filter(|c| !c.is_control()).take(80).collect();
    let unknown = || missing(format!("There is no API token with the id \"{shown}\". See: bailiwick api-token list"));
    let mut found = None;
    for kind in [CredentialKind::Personal, CredentialKind::Service] {
        let all = app.store().credentials_of_kind(kind).await.map_err(of_store)?;
        found = found.or_else(|| all.into_iter().find(|row| row.id == id));
    }
    let row = found.ok_or_else(unknown)?;
    let on = Object::Token { person: row.person };
    if permits(principal, Action::TokenOwn, &on) || permits(principal, Action::TokenManage, &on) {
        return Ok(row);
    }
    if permits(principal, Action::TokenRead, &on) {
        require(app, principal, Action::TokenManage, &on).await?;
    }
    Err(unknown())
}

async fn holder(app: &App, row: &CredentialRow) -> Result<Option<String>, Refusal> {
    match row.person {
        Some(seq) => Ok(app.store().person(seq).await.map_err(of_store)?.map(|person| person.id)),
        None => Ok(None),
    }
}

/// Revokes a token at once. Revoking what is revoked changes nothing.
///
/// # Errors
/// No permission, an unknown token, or when the store cannot answer.
pub async fn revoke_api_token(app: &App, principal: &Principal, id: &str) -> Result<(), Refusal> {
    let row = changeable(app, principal, id).await?;
    if row.revoked.is_some() {
        return Ok(());
    }
    let payload = json!({ "token": row.id, "kind": row.kind.as_str(), "label": row.label, "service": row.service });
    let told = event(app, EventKind::ApiTokenRevoke, None, holder(app, &row).await?, payload);
    commit(app, vec![Write::RevokeCredential { id: row.id }], vec![told]).await?;
    Ok(())
}

/// Makes a successor with the same terms; the old token lives on for `overlap`, so that nothing stands still meanwhile.
///
/// # Errors
/// No permission, a personal token of somebody else, an unknown token or one that has ended, a role stronger than the caller's own, a bad span, or when the
/// store cannot answer.
pub async fn rotate_api_token(
    app: &App,
    principal: &Principal,
    id: &str,
    overlap: Duration,
    life: Option<Duration>,
) -> Result<ApiTokenMade, Refusal> {
    if overlap > OVERLAP_MAX {
        return Err(invalid(format!("A token lives on for at most {} days.", OVERLAP_MAX.as_secs() / 86_400)));
    }
    let expires = end_of(app, life)?;
    for _ in 0..ATTEMPTS {
        let row = changeable(app, principal, id).await?;
        if row.kind == CredentialKind::Personal {
            // It acts as its person: nobody else is told a text of it. Who manages tokens may revoke it.
            require(app, principal, Action::TokenOwn, &Object::Token { person: row.person }).await?;
        }
        if !is_live(app, &row) {
            return Err(invalid("This token has ended already: make a new one."));
        }
        let mut terms = Terms::parse(&row.scopes);
        terms.by = Some(principal.actor().to_owned());
        within_scopes(principal, &terms.scopes().unwrap_or_else(|| Scopes::of(Vec::new())))?;
        let mut guards = Vec::new();
        if let Some(role) = &terms.role {
            let (found, version) = roles::named(app, role).await?;
            within_own(principal, &found)?;
            guards = roles::hold(app, &found, version).await?;
        }
        let kind = if row.kind == CredentialKind::Service { TokenKind::Service } else { TokenKind::Personal };
        let (mut credential, text) = draw(app, (row.kind, kind), row.label.clone(), &terms, expires);
        credential.person = row.person.map(PersonKey::Seq);
        credential.service.clone_from(&row.service);
        let until = Millis(app.clock().now().0.saturating_add(i64::try_from(overlap.as_millis()).unwrap_or(i64::MAX)));
        let payload = json!({ "token": row.id, "successor": credential.id, "until": until.to_string() });
        let made = made(app, &credential, terms, text);
        let set = ChangeSet {
            at: app.clock().now(),
            guards,
            writes: vec![
                Write::InsertCredential(credential),
                Write::EndCredential { id: row.id.clone(), expires: until },
            ],
            events: vec![event(app, EventKind::ApiTokenRotate, None, holder(app, &row).await?, payload)],
        };
        if commit_guarded(app, set).await?.is_some() {
            return Ok(made);
        }
    }
    Err(of_store(Error::Stale))
}
