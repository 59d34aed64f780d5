//! Invitations: an admin invites an e-mail address; whoever has the token makes the account.

use super::give::{self, grant};
use super::roles::{self, within_own};
use super::sessions::live;
use super::terms::Terms;
use super::{password, require};
use crate::Refusal;
use crate::app::App;
use crate::error::of_store;
use crate::manage::{ATTEMPTS, commit_guarded, event, invalid, missing, taken};
use bailiwick_domain::event::EventKind;
use bailiwick_domain::failure::{self, ProductCode};
use bailiwick_domain::ids::{Millis, prefixed_id};
use bailiwick_domain::mapping::GrantKind;
use bailiwick_domain::names;
use bailiwick_domain::person::State;
use bailiwick_domain::policy::{ADMIN, Action, Object, Principal};
use bailiwick_domain::token::{self, Token, TokenKind};
use bailiwick_scim::text;
use bailiwick_store::change::{CredentialKind, NewCredential, NewPerson, PersonFacts, PersonKey, PersonUpdate};
use bailiwick_store::rows::{CredentialRow, PersonRow};
use bailiwick_store::{ChangeSet, Constraint, Error, Guard, Write};
use serde_json::json;
use std::time::Duration;

/// How long an invitation is good.
const LIFE: Duration = Duration::from_secs(72 * 3_600);
/// Most live invitations.
const INVITES_MAX: usize = 1_000;
/// Longest name shown, in characters.
pub(super) const DISPLAY_CHARS: usize = 200;

/// An invitation, without its secret.
#[derive(Clone, Debug)]
pub struct Invite {
    /// Id.
    pub id: String,
    /// The address that was invited.
    pub email: String,
    /// The person it is for.
    pub person: Option<String>,
    /// The role that comes with it.
    pub role: Option<String>,
    /// Who invited.
    pub by: Option<String>,
    /// Made.
    pub created: Millis,
    /// Good until.
    pub expires: Option<Millis>,
}

/// An invitation that was just made. The only place where its text exists.
pub struct InviteMade {
    /// The invitation.
    pub invite: Invite,
    /// The text: shown this once.
    pub text: String,
}

impl std::fmt::Debug for InviteMade {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InviteMade").field("invite", &self.invite).finish_non_exhaustive()
    }
}

/// What is said when an invitation is accepted.
pub struct Acceptance {
    /// The invitation.
    pub token: String,
    /// Name to sign in with.
    pub user_name: String,
    /// Password.
    pub password: String,
    /// Name shown; the one given with the invitation if empty.
    pub display: Option<String>,
}

impl std::fmt::Debug for Acceptance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Acceptance").field("user_name", &self.user_name).finish_non_exhaustive()
    }
}

/// Whom an invitation is for.
enum Invited {
    /// Nobody known: a person is made.
    New,
    /// Somebody who was made by hand or by an import and has no account.
    Known(Box<PersonRow>),
}

/// Invites an address, with a role that is given when the invitation is accepted. The person is there at once, so that
/// teams and ownership can be prepared.
///
/// # Errors
/// No permission, an address that is none or belongs to somebody who can sign in already or holds a stronger role, an
/// unknown or stronger role, or when the store cannot answer.
pub async fn create_invite(
    app: &App,
    principal: &Principal,
    email: &str,
    display: Option<&str>,
    role: Option<&str>,
) -> Result<InviteMade, Refusal> {
    require(app, principal, Action::PersonEdit, &Object::None).await?;
    let email = email.trim();
    if !names::is_email_form(email) {
        return Err(invalid("An invitation needs an e-mail address."));
    }
    let display = display.map(shown).transpose()?;
    for _ in 0..ATTEMPTS {
        let mut guards = Vec::new();
        if let Some(role) = role {
            require(app, principal, Action::RoleManage, &Object::None).await?;
            let (found, version) = roles::named(app, role).await?;
            within_own(principal, &found)?;
            guards = roles::hold(app, &found, version).await?;
        }
        let now = app.clock().now();
        room_for_one(app, now).await?;
        let (invited, candidates) = whom(app, email).await?;
        guards.push(candidates);
        let (key, person, write) = match &invited {
            Invited::New => {
                let id = prefixed_id("per_", app.random());
                let write = Write::InsertPerson(new_person(&id, email, display.as_deref()));
                (PersonKey::New(id.clone()), id, write)
            }
            Invited::Known(row) => {
                within_held(app, principal, row).await?;
                guards.push(Guard::Person { seq: row.seq, epoch: row.epoch });
                let write = Write::SetPerson { person: row.seq, local: Some(true), admin: None };
                (PersonKey::Seq(row.seq), row.id.clone(), write)
            }
        };
        let terms = Terms { scopes: None, role: role.map(str::to_owned), by: Some(principal.actor().to_owned()) };
        let token = Token::of_kind(TokenKind::Invite, app.random());
        let life = i64::try_from(LIFE.as_millis()).unwrap_or(i64::MAX);
        let expires = Millis(now.0.saturating_add(life));
        let id = prefixed_id("inv_", app.random());
        let credential = NewCredential {
            id: id.clone(),
            kind: CredentialKind::Invite,
            person: Some(key),
            service: None,
            label: email.to_owned(),
            digest: token.digest,
            scopes: terms.to_text(),
            expires: Some(expires),
        };
        let writes = vec![write, Write::InsertCredential(credential)];
        let payload = json!({ "invite": id, "email": email, "role": role, "expires": expires.to_string() });
        let events = vec![event(app, EventKind::InviteCreate, None, Some(person.clone()), payload)];
        let set = ChangeSet { at: now, guards, writes, events };
        if commit_guarded(app, set).await?.is_some() {
            let (email, person, expires) = (email.to_owned(), Some(person), Some(expires));
            let invite = Invite { id, email, person, role: terms.role, by: terms.by, created: now, expires };
            return Ok(InviteMade { invite, text: token.text });
        }
    }
    Err(of_store(Error::Stale))
}

/// Refuses to decide about the sign-in of somebody who has more than the caller: whoever has their invitation or address
/// becomes that person.
pub(crate) async fn within_held(app: &App, principal: &Principal, row: &PersonRow) -> Result<(), Refusal> {
    let grants = app.store().grants_of(row.seq, true).await.map_err(of_store)?;
    let held = grants.into_iter().filter(|grant| grant.kind == GrantKind::Role).map(|grant| grant.object);
    for name in held.chain(row.admin.then(|| ADMIN.to_owned())) {
        // A role that is no more gives nothing.
        let Some((role, _)) = roles::find(app, &name).await? else { continue };
        within_own(principal, &role).map_err(|refusal| {
            let detail = format!("{} ({}) holds the role \"{name}\" already. {}", row.display, row.id, refusal.detail);
            failure::error(ProductCode::Forbidden, detail)
        })?;
    }
    Ok(())
}

/// Refuses when too many invitations are open.
async fn room_for_one(app: &App, now: Millis) -> Result<(), Refusal> {
    let there = app.store().credentials_of_kind(CredentialKind::Invite).await.map_err(of_store)?;
    let open = there.iter().filter(|row| row.revoked.is_none() && row.expires.is_none_or(|end| end > now));
    match open.count() >= INVITES_MAX {
        true => Err(invalid(format!("There are {INVITES_MAX} open invitations: take some back first."))),
        false => Ok(()),
    }
}

fn new_person(id: &str, email: &str, display: Option<&str>) -> NewPerson {
    let facts = PersonFacts {
        state: State::Active,
        display: display.unwrap_or(email).to_owned(),
        email: Some(email.to_owned()),
        email_key: Some(names::email_key(email)),
        user_name: None,
        user_name_key: None,
    };
    NewPerson { id: id.to_owned(), facts, local: true, admin: false, doc: "{}".to_owned() }
}

/// A name as it is shown.
pub(super) fn shown(text: &str) -> Result<String, Refusal> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > DISPLAY_CHARS || text.chars().any(char::is_control) {
        return Err(invalid(format!("A name shown has 1 to {DISPLAY_CHARS} characters.")));
    }
    Ok(text.to_owned())
}

/// Who answers to the address, and the guard that nobody comes or goes meanwhile.
async fn whom(app: &App, email: &str) -> Result<(Invited, Guard), Refusal> {
    let email_keys = vec![names::email_key(email)];
    let found = app.store().candidates("", &email_keys).await.map_err(of_store)?;
    let mut persons: Vec<String> = found.iter().map(|candidate| candidate.person.id.clone()).collect();
    persons.sort_unstable();
    let guard = Guard::Candidates { user_name_key: String::new(), email_keys, persons };
    let mut found = found.into_iter();
    match (found.next(), found.next()) {
        (None, _) => Ok((Invited::New, guard)),
        (Some(only), None)
            if only.integrations.is_empty() && !only.person.account && only.person.state == State::Active =>
        {
            Ok((Invited::Known(Box::new(only.person)), guard))
        }
        (Some(other), _) => Err(taken(format!(
            "{} ({}) has this address already and signs in by other means, or is switched off.",
            other.person.display, other.person.id
        ))),
    }
}

/// The open invitations.
///
/// # Errors
/// No permission, or when the store cannot answer.
pub async fn list_invites(app: &App, principal: &Principal) -> Result<Vec<Invite>, Refusal> {
    require(app, principal, Action::TokenRead, &Object::None).await?;
    let now = app.clock().now();
    let mut all = app.store().credentials_of_kind(CredentialKind::Invite).await.map_err(of_store)?;
    all.retain(|row| row.revoked.is_none() && row.expires.is_none_or(|end| end > now));
    let mut invites = Vec::with_capacity(all.len());
    for row in all {
        let person = match row.person {
            Some(seq) => app.store().person(seq).await.map_err(of_store)?.map(|person| person.id),
            None => None,
        };
        let terms = Terms::parse(&row.scopes);
        let (email, role, by) = (row.label, terms.role, terms.by);
        invites.push(Invite { id: row.id, email, person, role, by, created: row.created, expires: row.expires });
    }
    Ok(invites)
}

/// Takes an invitation back. The person stays, without an account, and is local no longer unless for another reason.
///
/// # Errors
/// No permission, an unknown invitation or one that has ended, or when the store cannot answer.
pub async fn revoke_invite(app: &App, principal: &Principal, id: &str) -> Result<(), Refusal> {
    require(app, principal, Action::PersonEdit, &Object::None).await?;
    let ended = || missing("There is no open invitation with that id.".to_owned());
    for _ in 0..ATTEMPTS {
        let all = app.store().credentials_of_kind(CredentialKind::Invite).await.map_err(of_store)?;
        let row = all.into_iter().find(|row| row.id == id && row.revoked.is_none()).ok_or_else(ended)?;
        let seq = row.person.ok_or_else(ended)?;
        let person = app.store().person(seq).await.map_err(of_store)?.ok_or_else(ended)?;
        let mut writes = vec![Write::RevokeCredential { id: row.id.clone() }];
        if person.local && !stays_local(app, &person, &row).await? {
            writes.push(Write::SetPerson { person: seq, local: Some(false), admin: None });
        }
        let payload = json!({ "invite": row.id, "email": row.label });
        let set = ChangeSet {
            at: app.clock().now(),
            guards: vec![Guard::Person { seq, epoch: person.epoch }],
            writes,
            events: vec![event(app, EventKind::InviteRevoke, None, Some(person.id), payload)],
        };
        if commit_guarded(app, set).await?.is_some() {
            return Ok(());
        }
    }
    Err(of_store(Error::Stale))
}

async fn stays_local(app: &App, person: &PersonRow, without: &CredentialRow) -> Result<bool, Refusal> {
    if person.account || person.admin {
        return Ok(true);
    }
    let invites = live(app, person.seq, CredentialKind::Invite).await?;
    if invites.iter().any(|invite| invite.id != without.id) {
        return Ok(true);
    }
    let grants = app.store().grants_of(person.seq, true).await.map_err(of_store)?;
    Ok(grants.iter().any(|grant| grant.kind == GrantKind::Role && grant.origin == give::HAND))
}

/// Accepts an invitation: the person has a local account from now on. Of many at once one succeeds.
///
/// # Errors
/// An invitation that has ended, a bad or taken name, a bad password, or when the store cannot answer.
pub async fn accept_invite(app: &App, said: Acceptance) -> Result<PersonRow, Refusal> {
    let ended = || failure::error(ProductCode::InviteEnded, "This invitation has ended, or never was one.");
    if TokenKind::of(&said.token) != Some(TokenKind::Invite) {
        return Err(ended());
    }
    let digest = token::digest(&said.token);
    // Before anything costly: whoever has no invitation gets nothing done here.
    open_invite(app, &digest).await?.ok_or_else(ended)?;
    let user_name = said.user_name.trim();
    names::check_user_name(user_name)
        .map_err(|reason| failure::error(ProductCode::UserNameForm, format!("This name cannot be used: {reason}.")))?;
    let display = said.display.as_deref().map(shown).transpose()?;
    let password_hash = password::hash(app, &said.password).await?;
    for _ in 0..ATTEMPTS {
        let (invite, person) = open_invite(app, &digest).await?.ok_or_else(ended)?;
        let set = acceptance(app, &invite, &person, user_name, display.clone(), password_hash.clone()).await?;
        match app.store().commit(set).await {
            Ok(_) => return give::person_row(app, &person.id).await,
            Err(Error::Stale) => {}
            Err(Error::Conflict(Constraint::LocalName)) => return Err(name_taken(user_name)),
            Err(error) => return Err(of_store(error)),
        }
    }
    Err(of_store(Error::Stale))
}

fn name_taken(user_name: &str) -> Refusal {
    taken(format!("Somebody answers to the name \"{user_name}\" already. Choose another."))
}

async fn open_invite(app: &App, digest: &[u8; 32]) -> Result<Option<(CredentialRow, PersonRow)>, Refusal> {
    let now = app.clock().now();
    let found = app.store().credential_by_digest(digest).await.map_err(of_store)?;
    Ok(found.and_then(|(row, person)| {
        let open =
            row.kind == CredentialKind::Invite && row.revoked.is_none() && row.expires.is_none_or(|end| end > now);
        let person = person.filter(|person| open && person.state == State::Active && !person.account)?;
        Some((row, person))
    }))
}

async fn acceptance(
    app: &App,
    invite: &CredentialRow,
    person: &PersonRow,
    user_name: &str,
    display: Option<String>,
    password_hash: String,
) -> Result<ChangeSet, Refusal> {
    let key = text::unique_key(user_name);
    let found = app.store().candidates(&key, &[]).await.map_err(of_store)?;
    let mut persons: Vec<String> = found.iter().map(|candidate| candidate.person.id.clone()).collect();
    persons.sort_unstable();
    if persons.iter().any(|id| *id != person.id) {
        return Err(name_taken(user_name));
    }
    let mut facts = crate::directory::facts_of(person);
    facts.display = display.unwrap_or(facts.display);
    facts.user_name = Some(user_name.to_owned());
    facts.user_name_key = Some(key.clone());
    let terms = Terms::parse(&invite.scopes);
    let mut guards = vec![
        Guard::Person { seq: person.seq, epoch: person.epoch },
        Guard::Candidates { user_name_key: key, email_keys: Vec::new(), persons },
    ];
    let account =
        Write::InsertLocalAccount { person: PersonKey::Seq(person.seq), password_hash, recovery_digests: Vec::new() };
    let mut writes = vec![
        Write::UpdatePerson(PersonUpdate { seq: person.seq, facts, authority: None }),
        account,
        Write::RevokeCredential { id: invite.id.clone() },
    ];
    let mut admin = None;
    if let Some(role) = &terms.role {
        // A role that is no more comes with nothing; the account is made all the same.
        if let Some((found, version)) = roles::find(app, role).await? {
            guards.extend(roles::hold(app, &found, version).await?);
            let by =
                Principal::new(terms.by.as_deref().unwrap_or("host"), bailiwick_domain::policy::PrincipalKind::Host);
            writes.push(grant(PersonKey::Seq(person.seq), role, &by));
            admin = (role == ADMIN).then_some(true);
        }
    }
    writes.push(Write::SetPerson { person: person.seq, local: Some(true), admin });
    let payload = json!({ "invite": invite.id, "role": terms.role });
    let mut told = event(app, EventKind::InviteAccept, None, Some(person.id.clone()), payload);
    told.actor.clone_from(&person.id);
    Ok(ChangeSet { at: app.clock().now(), guards, writes, events: vec![told] })
}
