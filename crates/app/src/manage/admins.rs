//! Break-glass admins: they live outside SCIM, so that a broken identity provider locks nobody out.

use super::{ATTEMPTS, commit_guarded, event, invalid, missing, taken};
use crate::Refusal;
use crate::access::{grant_by_hand, hash_password};
use crate::app::App;
use crate::error::of_store;
use crate::leaver::{self, Cause};
use bailiwick_domain::event::EventKind;
use bailiwick_domain::failure::{self, ProductCode};
use bailiwick_domain::ids::prefixed_id;
use bailiwick_domain::names;
use bailiwick_domain::person::State;
use bailiwick_domain::policy::{ADMIN, Principal};
use bailiwick_domain::token;
use bailiwick_scim::text;
use bailiwick_store::change::{NewPerson, PersonFacts, PersonKey};
use bailiwick_store::rows::PersonRow;
use bailiwick_store::{ChangeSet, Constraint, Error, Guard, Write};
use serde_json::json;

/// Recovery codes handed out at once.
const RECOVERY_CODES: usize = 8;

/// What is said when making a break-glass admin.
pub struct NewAdmin {
    /// Name to sign in with.
    pub user_name: String,
    /// Name shown; the user name if empty.
    pub display: String,
    /// E-mail address.
    pub email: Option<String>,
    /// Password.
    pub password: String,
}

impl std::fmt::Debug for NewAdmin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewAdmin").field("user_name", &self.user_name).finish_non_exhaustive()
    }
}

/// A break-glass admin with fresh recovery codes, shown this once.
pub struct Admin {
    /// Id of the person.
    pub person: String,
    /// Name to sign in with.
    pub user_name: String,
    /// One-time codes.
    pub recovery_codes: Vec<String>,
}

impl std::fmt::Debug for Admin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Admin").field("person", &self.person).finish_non_exhaustive()
    }
}

/// Makes a break-glass admin. A name or address that a person already answers to is refused: an account is never
/// grafted onto what an identity provider made.
///
/// # Errors
/// A bad name or password, one that is taken, or when the store cannot answer.
pub async fn create_admin(app: &App, new: NewAdmin) -> Result<Admin, Refusal> {
    let user_name = new.user_name.trim().to_owned();
    names::check_user_name(&user_name)
        .map_err(|reason| failure::error(ProductCode::UserNameForm, format!("This name cannot be used: {reason}.")))?;
    if let Some(email) = new.email.as_deref().filter(|email| !names::is_email_form(email)) {
        return Err(invalid(format!("\"{email}\" is not an e-mail address.")));
    }
    let password_hash = hash_password(app, &new.password).await?;
    let (recovery_codes, recovery_digests) = recovery(app);
    let user_name_key = text::unique_key(&user_name);
    let email_key = new.email.as_deref().map(names::email_key);
    let email_keys: Vec<String> = email_key.iter().cloned().collect();
    let found = app.store().candidates(&user_name_key, &email_keys).await.map_err(of_store)?;
    if let Some(other) = found.first() {
        return Err(taken(format!(
            "{} ({}) answers to this name or address already.",
            other.person.display, other.person.id
        )));
    }
    let id = prefixed_id("per_", app.random());
    let display = if new.display.trim().is_empty() { user_name.clone() } else { new.display.trim().to_owned() };
    let facts = PersonFacts {
        state: State::Active,
        display,
        email: new.email,
        email_key,
        user_name: Some(user_name.clone()),
        user_name_key: Some(user_name_key.clone()),
    };
    let account = Write::InsertLocalAccount { person: PersonKey::New(id.clone()), password_hash, recovery_digests };
    let role = grant_by_hand(PersonKey::New(id.clone()), ADMIN, &Principal::host());
    let set = ChangeSet {
        at: app.clock().now(),
        guards: vec![Guard::Candidates { user_name_key, email_keys, persons: Vec::new() }],
        writes: vec![
            Write::InsertPerson(NewPerson { id: id.clone(), facts, local: true, admin: true, doc: "{}".to_owned() }),
            account,
            role,
        ],
        events: vec![event(app, EventKind::AdminCreate, None, Some(id.clone()), json!({ "name": user_name }))],
    };
    match app.store().commit(set).await {
        Ok(_) => Ok(Admin { person: id, user_name, recovery_codes }),
        Err(Error::Conflict(Constraint::LocalName) | Error::Stale) => {
            Err(taken(format!("Somebody answers to the name \"{user_name}\" already.")))
        }
        Err(error) => Err(of_store(error)),
    }
}

/// The active admins, by hand and by rule.
///
/// # Errors
/// When the store cannot answer.
pub async fn list_admins(app: &App) -> Result<Vec<PersonRow>, Refusal> {
    crate::access::admins::active(app, usize::MAX).await
}

/// Gives a break-glass admin a new password and new recovery codes; a deactivated one is made active again.
///
/// # Errors
/// An unknown admin, a bad password, or when the store cannot answer.
pub async fn recover_admin(app: &App, user_name: &str, password: &str) -> Result<Admin, Refusal> {
    let password_hash = hash_password(app, password).await?;
    for _ in 0..ATTEMPTS {
        let person = find(app, user_name).await?;
        let (recovery_codes, recovery_digests) = recovery(app);
        let mut facts = crate::directory::facts_of(&person);
        facts.state = State::Active;
        let write =
            Write::RecoverLocalAccount { person: person.seq, password_hash: password_hash.clone(), recovery_digests };
        let mut set = ChangeSet {
            at: app.clock().now(),
            guards: vec![Guard::Person { seq: person.seq, epoch: person.epoch }],
            writes: vec![write],
            events: vec![event(
                app,
                EventKind::AdminRecover,
                None,
                Some(person.id.clone()),
                json!({ "name": user_name }),
            )],
        };
        if person.state != State::Active {
            let update = bailiwick_store::change::PersonUpdate { seq: person.seq, facts, authority: None };
            set.writes.push(Write::UpdatePerson(update));
            let cause = Cause::by(app, &app.new_request_id(), "host");
            leaver::leave(app, &mut set, &person, State::Active, &cause).await?;
        }
        if commit_guarded(app, set).await?.is_some() {
            let user_name = person.user_name.unwrap_or_default();
            return Ok(Admin { person: person.id, user_name, recovery_codes });
        }
    }
    Err(of_store(Error::Stale))
}

async fn find(app: &App, user_name: &str) -> Result<PersonRow, Refusal> {
    let found = app.store().candidates(&text::unique_key(user_name.trim()), &[]).await.map_err(of_store)?;
    let admin = found.into_iter().map(|candidate| candidate.person).find(|person| person.admin && person.account);
    admin.ok_or_else(|| missing(format!("There is no break-glass admin named \"{user_name}\".")))
}

fn recovery(app: &App) -> (Vec<String>, Vec<[u8; 32]>) {
    let codes: Vec<String> = (0..RECOVERY_CODES).map(|_| token::recovery_code(app.random())).collect();
    let digests = codes.iter().map(|code| token::recovery_digest(code)).collect();
    (codes, digests)
}
