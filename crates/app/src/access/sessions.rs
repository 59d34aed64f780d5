//! Signing in with a local account, and sessions.
//!
//! This is the way in when no identity provider answers: a password or a recovery code, which is used up by it.

use super::password;
use super::require;
use super::terms::Terms;
use crate::Refusal;
use crate::app::App;
use crate::error::of_store;
use crate::manage::{ATTEMPTS, commit_guarded, event, missing};
use bailiwick_domain::event::EventKind;
use bailiwick_domain::failure::{self, ProductCode};
use bailiwick_domain::ids::{Millis, prefixed_id};
use bailiwick_domain::person::State;
use bailiwick_domain::policy::{Action, Object, Principal, permits};
use bailiwick_domain::token::{self, Token, TokenKind};
use bailiwick_scim::text;
use bailiwick_store::change::{CredentialKind, NewCredential, NewEvent, PersonKey};
use bailiwick_store::rows::{CredentialRow, PersonRow};
use bailiwick_store::{ChangeSet, Error, Guard, Write};
use serde_json::json;
use std::net::IpAddr;
use std::time::Duration;

/// How long a session lasts.
const SESSION: Duration = Duration::from_secs(12 * 3_600);
/// Most sessions of a person at once; the oldest makes room.
const SESSIONS_MAX: usize = 100;
/// Longest description of the device, in characters.
const AGENT_CHARS: usize = 200;

/// What is said at sign-in.
pub struct SignIn {
    /// Name of the local account.
    pub user_name: String,
    /// Password or recovery code.
    pub secret: Secret,
    /// Where the connection comes from.
    pub address: IpAddr,
    /// What the browser or program calls itself.
    pub agent: String,
}

/// What proves who it is.
pub enum Secret {
    /// The password.
    Password(String),
    /// One of the recovery codes.
    RecoveryCode(String),
}

impl std::fmt::Debug for SignIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignIn").field("address", &self.address).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

/// A session that was just begun. The only place where its text exists.
pub struct SessionMade {
    /// Id.
    pub id: String,
    /// The person's id.
    pub person: String,
    /// Name shown.
    pub display: String,
    /// The bearer token: shown this once.
    pub token: String,
    /// End of life.
    pub expires_at: Millis,
}

impl std::fmt::Debug for SessionMade {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionMade").field("id", &self.id).field("person", &self.person).finish_non_exhaustive()
    }
}

/// A refused sign-in: why, and how long to wait if that would help.
#[derive(Debug)]
pub struct SignInRefused {
    /// Why.
    pub refusal: Refusal,
    /// Seconds until the next attempt is let through.
    pub retry_after: Option<u64>,
}

impl From<Refusal> for SignInRefused {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, retry_after: None }
    }
}

impl From<SignInRefused> for Refusal {
    fn from(refused: SignInRefused) -> Self {
        refused.refusal
    }
}

/// Begins a session of a local account.
///
/// # Errors
/// A wrong name or secret, somebody who is not active, too many failures before, or when the store cannot answer.
pub async fn sign_in(app: &App, said: SignIn) -> Result<SessionMade, SignInRefused> {
    let key = text::unique_key(said.user_name.trim());
    let account = token::digest(&key);
    let now = app.clock().monotonic();
    let attempt = app.access().attempts.begin(account, said.address, now).map_err(locked)?;
    let person = account_of(app, &key).await?;
    let made = match &said.secret {
        Secret::Password(password) => by_password(app, person.as_ref(), password, &said).await?,
        Secret::RecoveryCode(code) => by_code(app, person.as_ref(), code, &said).await?,
    };
    match made {
        Some(made) => {
            app.access().attempts.succeeded(&attempt);
            Ok(made)
        }
        None => {
            if attempt.last {
                tell_lock(app, person.as_ref(), said.address).await;
            }
            Err(refused().into())
        }
    }
}

fn refused() -> Refusal {
    failure::error(ProductCode::SignInRefused, "The name, the password or the recovery code is wrong.")
}

fn locked(seconds: u64) -> SignInRefused {
    let detail = format!("Too many sign-ins to this account failed here. Try again in {seconds} seconds.");
    SignInRefused { refusal: failure::error(ProductCode::SignInLocked, detail), retry_after: Some(seconds) }
}

/// The active person with a local account of that name.
async fn account_of(app: &App, user_name_key: &str) -> Result<Option<PersonRow>, Refusal> {
    let found = app.store().candidates(user_name_key, &[]).await.map_err(of_store)?;
    let fits = |person: &PersonRow| {
        person.account && person.state == State::Active && person.user_name_key.as_deref() == Some(user_name_key)
    };
    Ok(found.into_iter().map(|candidate| candidate.person).find(fits))
}

async fn by_password(
    app: &App,
    person: Option<&PersonRow>,
    said: &str,
    sign_in: &SignIn,
) -> Result<Option<SessionMade>, Refusal> {
    if said.len() > password::PASSWORD_BYTES {
        return Ok(None);
    }
    let stored = match person {
        Some(person) => app.store().local_account(person.seq).await.map_err(of_store)?,
        None => None,
    };
    if !password::fits(app, stored, said).await? {
        return Ok(None);
    }
    let Some(person) = person else { return Ok(None) };
    begin(app, person, sign_in, None).await
}

async fn by_code(
    app: &App,
    person: Option<&PersonRow>,
    said: &str,
    sign_in: &SignIn,
) -> Result<Option<SessionMade>, Refusal> {
    if said.len() > password::PASSWORD_BYTES || !token::recovery_well_formed(said) {
        return Ok(None);
    }
    let digest = token::recovery_digest(said);
    let found = app.store().recovery_code(&digest).await.map_err(of_store)?;
    match (person, found) {
        (Some(person), Some((of, false))) if of == person.seq => begin(app, person, sign_in, Some(digest)).await,
        _ => Ok(None),
    }
}

/// Stores the session, if the person is active still and the code is not used yet. `None` when somebody else used the
/// code at this moment, or the person was switched off.
async fn begin(
    app: &App,
    person: &PersonRow,
    sign_in: &SignIn,
    code: Option<[u8; 32]>,
) -> Result<Option<SessionMade>, Refusal> {
    for _ in 0..ATTEMPTS {
        let Some(row) = app.store().person(person.seq).await.map_err(of_store)? else { return Ok(None) };
        if row.state != State::Active || !row.account || row.user_name_key != person.user_name_key {
            return Ok(None);
        }
        if let Some(digest) = &code
            && app.store().recovery_code(digest).await.map_err(of_store)? != Some((row.seq, false))
        {
            return Ok(None);
        }
        let (made, credential) = draw(app, &row, &sign_in.agent);
        let mut writes = room(app, &row).await?;
        let mut events = vec![began(app, &row, &made, sign_in.address, code.is_some())];
        if let Some(digest) = code {
            writes.push(Write::UseRecoveryCode { digest, person: row.seq });
            let payload = json!({ "session": made.id, "address": sign_in.address.to_string() });
            let mut used = event(app, EventKind::BreakGlassUse, None, Some(row.id.clone()), payload);
            used.request.clone_from(&events[0].request);
            used.actor.clone_from(&row.id);
            events.push(used);
        }
        writes.push(Write::InsertCredential(credential));
        let guards = vec![Guard::Person { seq: row.seq, epoch: row.epoch }];
        let set = ChangeSet { at: app.clock().now(), guards, writes, events };
        if commit_guarded(app, set).await?.is_some() {
            return Ok(Some(made));
        }
    }
    Err(of_store(Error::Stale))
}

fn draw(app: &App, person: &PersonRow, agent: &str) -> (SessionMade, NewCredential) {
    let token = Token::of_kind(TokenKind::Session, app.random());
    let life = i64::try_from(SESSION.as_millis()).unwrap_or(i64::MAX);
    let expires_at = Millis(app.clock().now().0.saturating_add(life));
    let id = prefixed_id("ses_", app.random());
    let agent: String = agent.chars().filter(|c| !c.is_control()).take(AGENT_CHARS).collect();
    let credential = NewCredential {
        id: id.clone(),
        kind: CredentialKind::Session,
        person: Some(PersonKey::Seq(person.seq)),
        service: None,
        label: token::masked(&agent).into_owned(),
        digest: token.digest,
        scopes: Terms::default().to_text(),
        expires: Some(expires_at),
    };
    let (person, display) = (person.id.clone(), person.display.clone());
    (SessionMade { id, person, display, token: token.text, expires_at }, credential)
}

fn began(app: &App, person: &PersonRow, made: &SessionMade, address: IpAddr, code: bool) -> NewEvent {
    let by = if code { "recovery code" } else { "password" };
    let payload = json!({ "session": made.id, "by": by, "address": address.to_string() });
    let mut event = event(app, EventKind::SessionBegin, None, Some(person.id.clone()), payload);
    event.actor.clone_from(&person.id);
    event
}

/// Ends the oldest sessions of somebody who has too many.
async fn room(app: &App, person: &PersonRow) -> Result<Vec<Write>, Refusal> {
    let live = live(app, person.seq, CredentialKind::Session).await?;
    let too_many = (live.len() + 1).saturating_sub(SESSIONS_MAX);
    Ok(live.into_iter().take(too_many).map(|session| Write::RevokeCredential { id: session.id }).collect())
}

/// The credentials of a kind that are neither revoked nor expired, the oldest first.
pub(super) async fn live(app: &App, person: i64, kind: CredentialKind) -> Result<Vec<CredentialRow>, Refusal> {
    let now = app.clock().now();
    let mut all = app.store().credentials(person).await.map_err(of_store)?;
    all.retain(|row| row.kind == kind && row.revoked.is_none() && row.expires.is_none_or(|end| end > now));
    Ok(all)
}

/// Tells the journal that an account was closed to an address. A name that nobody has is not kept: it may be a password
/// in the wrong field.
async fn tell_lock(app: &App, person: Option<&PersonRow>, address: IpAddr) {
    let payload = json!({ "address": address.to_string(), "failures": super::attempts::FAILURES });
    let id = person.map(|person| person.id.clone());
    let mut event = event(app, EventKind::SessionRefuse, None, id, payload);
    "anonymous".clone_into(&mut event.actor);
    let set = ChangeSet { at: app.clock().now(), events: vec![event], ..ChangeSet::default() };
    if let Err(error) = app.store().commit(set).await {
        tracing::warn!(%error, "a closed account was not told to the journal");
    }
}

/// The live sessions of a person: their own, or anybody's for who may see tokens.
///
/// # Errors
/// No permission, an unknown person, or when the store cannot answer.
pub async fn list_sessions(app: &App, principal: &Principal, person: &str) -> Result<Vec<CredentialRow>, Refusal> {
    let row = super::give::person_row(app, person).await?;
    let on = Object::Token { person: Some(row.seq) };
    if !permits(principal, Action::ProfileOwn, &on) {
        require(app, principal, Action::TokenRead, &on).await?;
    }
    live(app, row.seq, CredentialKind::Session).await
}

/// Ends a session of a person: one's own, or anybody's for who manages tokens.
///
/// # Errors
/// No permission, an unknown person or session, or when the store cannot answer.
pub async fn end_session(app: &App, principal: &Principal, person: &str, id: &str) -> Result<(), Refusal> {
    let row = super::give::person_row(app, person).await?;
    may_end(app, principal, &row).await?;
    let sessions = live(app, row.seq, CredentialKind::Session).await?;
    let session = sessions.iter().find(|session| session.id == id);
    let session = session.ok_or_else(|| missing(format!("{} has no live session with that id.", row.display)))?;
    end(app, &row, std::slice::from_ref(session)).await
}

/// Ends every session of a person. Says how many there were.
///
/// # Errors
/// As [`end_session`].
pub async fn end_sessions(app: &App, principal: &Principal, person: &str) -> Result<usize, Refusal> {
    let row = super::give::person_row(app, person).await?;
    may_end(app, principal, &row).await?;
    let sessions = live(app, row.seq, CredentialKind::Session).await?;
    if !sessions.is_empty() {
        end(app, &row, &sessions).await?;
    }
    Ok(sessions.len())
}

/// Signs out: ends the session that is used for it.
///
/// # Errors
/// When it is no session that calls, or the store cannot answer.
pub async fn sign_out(app: &App, principal: &Principal) -> Result<(), Refusal> {
    match principal.person_id() {
        Some(person) => end_session(app, principal, person, &principal.id).await,
        None => Err(missing("This token belongs to no person: there is no session to end.".to_owned())),
    }
}

async fn may_end(app: &App, principal: &Principal, person: &PersonRow) -> Result<(), Refusal> {
    let on = Object::Token { person: Some(person.seq) };
    if permits(principal, Action::ProfileOwn, &on) {
        return Ok(());
    }
    require(app, principal, Action::TokenManage, &on).await
}

async fn end(app: &App, person: &PersonRow, sessions: &[CredentialRow]) -> Result<(), Refusal> {
    let ids: Vec<&str> = sessions.iter().map(|session| session.id.as_str()).collect();
    let told = event(app, EventKind::SessionEnd, None, Some(person.id.clone()), json!({ "sessions": ids }));
    let writes = sessions.iter().map(|session| Write::RevokeCredential { id: session.id.clone() });
    crate::manage::commit(app, writes.collect(), vec![told]).await?;
    Ok(())
}
