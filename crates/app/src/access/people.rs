//! Persons through the API: listed, shown, made by hand, changed where nobody else decides, switched off and on.

use super::admins;
use super::give::person_row;
use super::invites::{shown, within_held};
use super::{principal, require};
use crate::Refusal;
use crate::app::App;
use crate::attributes::{Provisioner, check_unlocked, profile, provisioner};
use crate::error::of_store;
use crate::leaver::{self, Cause};
use crate::manage::{self, ATTEMPTS, PersonReport, commit_guarded, event, invalid, taken};
use bailiwick_domain::attributes::{Attribute, Field, Lock, Profile, Source, VALUE_BYTES};
use bailiwick_domain::event::EventKind;
use bailiwick_domain::failure::{self, ProductCode};
use bailiwick_domain::ids::prefixed_id;
use bailiwick_domain::mapping::GrantKind;
use bailiwick_domain::person::State;
use bailiwick_domain::policy::{Action, HeldRole, Object, Principal};
use bailiwick_domain::{names, people};
use bailiwick_scim::Code;
use bailiwick_store::change::{NewPerson, PersonFacts, PersonUpdate};
use bailiwick_store::query::{ItemQuery, PersonListQuery};
use bailiwick_store::rows::{GrantRow, ItemRow, PersonPage, PersonRow};
use bailiwick_store::{ChangeSet, Error, Guard, Write};
use serde_json::{Map, Value, json};

/// Which persons are listed.
#[derive(Clone, Debug, Default)]
pub struct PeopleQuery {
    /// Name, e-mail or id contains this.
    pub search: Option<String>,
    /// In the filter language, over the fields of persons.
    pub filter: Option<String>,
    /// Standing so.
    pub state: Option<State>,
    /// After this row.
    pub after: Option<i64>,
    /// Most rows.
    pub limit: u32,
    /// Whether the total is wanted.
    pub total: bool,
}

/// Everything about a person that the API shows.
#[derive(Debug)]
pub struct PersonDetail {
    /// The person, Users and pairs of the conflict queue.
    pub report: PersonReport,
    /// Fields with their sources, and why some cannot be changed here.
    pub fields: Vec<(String, Attribute, Option<Lock>)>,
    /// Why name and address cannot be changed here.
    pub lock: Option<Lock>,
    /// Roles, the strongest first.
    pub roles: Vec<HeldRole>,
    /// Teams with the grant that gives each.
    pub teams: Vec<(ItemRow, GrantRow)>,
    /// How many items the person owns.
    pub owned: u64,
}

/// What is changed of a person; `None` leaves it.
#[derive(Clone, Debug, Default)]
pub struct PersonChange {
    /// Name shown.
    pub display: Option<String>,
    /// E-mail address; `Some(None)` takes it away.
    pub email: Option<Option<String>>,
    /// Fields by name; null takes one away.
    pub fields: Map<String, Value>,
}

/// Lists persons in the order of their rows.
///
/// # Errors
/// No permission, a filter that cannot be read, or when the store cannot answer.
pub async fn list_people(app: &App, principal: &Principal, query: PeopleQuery) -> Result<PersonPage, Refusal> {
    require(app, principal, Action::PersonRead, &Object::None).await?;
    let filter = query.filter.as_deref().map(people::filter).transpose()?;
    let PeopleQuery { search, state, after, limit, total, .. } = query;
    let query = PersonListQuery { search, filter, state, after, limit, total };
    app.store().person_page(query).await.map_err(of_store)
}

/// Shows a person. Everybody may look at themselves.
///
/// # Errors
/// No permission, an unknown person, or when the store cannot answer.
pub async fn show_person(app: &App, principal: &Principal, id: &str) -> Result<PersonDetail, Refusal> {
    let row = person_row(app, id).await?;
    require(app, principal, Action::PersonRead, &Object::Person { seq: row.seq }).await?;
    let report = manage::show_person(app, id).await?;
    let owner = provisioner(app, &report.row).await?;
    let grants = app.store().grants_of(report.row.seq, true).await.map_err(of_store)?;
    let profile = profile(&report.row, &grants);
    let lock = |field: &str| profile.lock(field, owner.as_ref().map(Provisioner::owner));
    let fields = profile.attributes().map(|(name, held)| (name.to_owned(), held.clone(), lock(name))).collect();
    let roles = principal::of_person(app, id, &report.row).await?.roles;
    let mut teams = Vec::new();
    for grant in grants.into_iter().filter(|grant| grant.kind == GrantKind::Team) {
        if let Some(team) = app.store().item(&grant.object).await.map_err(of_store)? {
            teams.push((team, grant));
        }
    }
    let query = ItemQuery { owner_person: Some(report.row.seq), limit: 1, total: true, ..ItemQuery::default() };
    let owned = app.store().items(query).await.map_err(of_store)?.total.unwrap_or(0);
    Ok(PersonDetail { lock: lock("display"), fields, roles, teams, owned, report })
}

/// Makes a person by hand: without an account, known until an identity provider takes them over.
///
/// # Errors
/// No permission, a bad name or address, an address that somebody answers to already, or when the store cannot answer.
pub async fn create_person(
    app: &App,
    principal: &Principal,
    display: &str,
    email: Option<&str>,
) -> Result<PersonRow, Refusal> {
    require(app, principal, Action::PersonEdit, &Object::None).await?;
    let display = shown(display)?;
    let email = email.map(address).transpose()?;
    for _ in 0..ATTEMPTS {
        let email_keys: Vec<String> = email.iter().map(|email| names::email_key(email)).collect();
        if !email_keys.is_empty() {
            free(app, &email_keys, None).await?;
        }
        let id = prefixed_id("per_", app.random());
        let facts = PersonFacts {
            state: State::Active,
            display: display.clone(),
            email: email.clone(),
            email_key: email_keys.first().cloned(),
            user_name: None,
            user_name_key: None,
        };
        let person = NewPerson { id: id.clone(), facts, local: false, admin: false, doc: "{}".to_owned() };
        let payload = json!({ "display": display, "email": email });
        let guard = Guard::Candidates { user_name_key: String::new(), email_keys, persons: Vec::new() };
        let set = ChangeSet {
            at: app.clock().now(),
            guards: if email.is_some() { vec![guard] } else { Vec::new() },
            writes: vec![Write::InsertPerson(person)],
            events: vec![event(app, EventKind::PersonCreate, None, Some(id.clone()), payload)],
        };
        if commit_guarded(app, set).await?.is_some() {
            return person_row(app, &id).await;
        }
    }
    Err(of_store(Error::Stale))
}

fn address(email: &str) -> Result<String, Refusal> {
    let email = email.trim();
    if names::is_email_form(email) { Ok(email.to_owned()) } else { Err(invalid("This is not an e-mail address.")) }
}

/// Refuses an address that somebody else answers to.
async fn free(app: &App, email_keys: &[String], but: Option<&str>) -> Result<(), Refusal> {
    let found = app.store().candidates("", email_keys).await.map_err(of_store)?;
    match found.iter().find(|other| Some(other.person.id.as_str()) != but) {
        Some(other) => {
            let person = &other.person;
            Err(taken(format!("{} ({}) has this address already.", person.display, person.id)))
        }
        None => Ok(()),
    }
}

/// Changes what nobody else decides about. `epoch` is the one the person must have.
///
/// # Errors
/// No permission, an unknown person, the address of somebody who has more than the caller, a field that an identity
/// provider or a rule owns, a bad value, another epoch, or when the store cannot answer.
pub async fn change_person(
    app: &App,
    principal: &Principal,
    id: &str,
    epoch: Option<i64>,
    change: PersonChange,
) -> Result<PersonRow, Refusal> {
    for _ in 0..ATTEMPTS {
        let row = open_person(app, principal, id).await?;
        if epoch.is_some_and(|epoch| epoch != row.epoch) {
            return Err(Refusal::new(Code::PreconditionFailed, "Somebody changed this person since. Read it again."));
        }
        let identity = [change.display.as_ref().map(|_| "display"), change.email.as_ref().map(|_| "email")];
        let named: Vec<&str> = identity.into_iter().flatten().chain(change.fields.keys().map(String::as_str)).collect();
        check_unlocked(app, &row, &named).await?;
        let mut writes = Vec::new();
        let mut guards = vec![Guard::Person { seq: row.seq, epoch: row.epoch }];
        let mut facts = crate::directory::facts_of(&row);
        if let Some(display) = &change.display {
            facts.display = shown(display)?;
        }
        if let Some(email) = &change.email {
            facts.email = email.as_deref().map(address).transpose()?;
            facts.email_key = facts.email.as_deref().map(names::email_key);
            let email_keys: Vec<String> = facts.email_key.iter().cloned().collect();
            if !email_keys.is_empty() {
                free(app, &email_keys, Some(id)).await?;
                let persons = if row.email.as_deref().map(names::email_key) == facts.email_key {
                    vec![row.id.clone()]
                } else {
                    Vec::new()
                };
                guards.push(Guard::Candidates { user_name_key: String::new(), email_keys, persons });
            }
        }
        let before = Profile::parse(&row.doc);
        let after = with_fields(&before, &change.fields, principal)?;
        check_properties(app, &change.fields).await?;
        let changes = before.changes(&after);
        let payload = json!({
            "before": { "display": row.display, "email": row.email },
            "after": { "display": facts.display, "email": facts.email },
            "fields": changes,
        });
        if facts.email != row.email {
            within_held(app, principal, &row).await?;
        }
        if facts.display != row.display || facts.email != row.email {
            writes.push(Write::UpdatePerson(PersonUpdate { seq: row.seq, facts, authority: None }));
        }
        if !changes.is_empty() {
            writes.push(Write::SetAttributes { person: row.seq, doc: after.to_text() });
        }
        if writes.is_empty() {
            return Ok(row);
        }
        let events = vec![event(app, EventKind::PersonSet, None, Some(row.id.clone()), payload)];
        if commit_guarded(app, ChangeSet { at: app.clock().now(), guards, writes, events }).await?.is_some() {
            return person_row(app, id).await;
        }
    }
    Err(of_store(Error::Stale))
}

fn with_fields(before: &Profile, fields: &Map<String, Value>, principal: &Principal) -> Result<Profile, Refusal> {
    let mut after = before.clone();
    for (name, value) in fields {
        let field = Field::from_text(name).map_err(invalid)?;
        let plain = value.is_string() || value.is_number() || value.is_boolean() || value.is_null();
        if (!plain && matches!(field, Field::Named(_))) || value.to_string().len() > VALUE_BYTES {
            return Err(invalid(format!("\"{name}\" is a text, number or boolean of at most {VALUE_BYTES} bytes.")));
        }
        let source = Source::Hand { by: principal.actor().to_owned() };
        after.put(&field, (!value.is_null()).then(|| Attribute { value: value.clone(), source }));
    }
    Ok(after)
}

/// Refuses a property that is not defined, is not meant for persons, or has another form than its definition asks for.
async fn check_properties(app: &App, fields: &Map<String, Value>) -> Result<(), Refusal> {
    let property = |(name, value): (&String, &Value)| match Field::from_text(name) {
        Ok(Field::Property(property)) if !value.is_null() => Some((property, value.clone())),
        _ => None,
    };
    let said: Map<String, Value> = fields.iter().filter_map(property).collect();
    if said.is_empty() {
        return Ok(());
    }
    let faults = crate::catalog::standards(app).await?.properties.check("person", &said);
    let told: Vec<String> = faults.iter().map(|fault| format!("{} {}", fault.pointer, fault.message)).collect();
    if told.is_empty() { Ok(()) } else { Err(invalid(format!("{}. Nothing was changed.", told.join("; ")))) }
}

async fn open_person(app: &App, principal: &Principal, id: &str) -> Result<PersonRow, Refusal> {
    let row = person_row(app, id).await?;
    require(app, principal, Action::PersonEdit, &Object::Person { seq: row.seq }).await?;
    if row.state == State::Closed {
        return Err(manage::missing(format!("{} ({}) left for good: nothing of them changes.", row.display, row.id)));
    }
    Ok(row)
}

/// Switches off a person that no identity provider decides about. Sessions, tokens and invitations end in the same
/// commit; memberships and ownership stay for a return.
///
/// # Errors
/// No permission, an unknown or provisioned person, one who has more than the caller, the last active admin, or when the store cannot answer.
pub async fn deactivate_person(app: &App, principal: &Principal, id: &str) -> Result<(), Refusal> {
    turn(app, principal, id, State::Inactive, EventKind::PersonDeactivate).await
}

/// Switches on a person that was switched off by [`deactivate_person`].
///
/// # Errors
/// No permission, an unknown or provisioned person, or when the store cannot answer.
pub async fn activate_person(app: &App, principal: &Principal, id: &str) -> Result<(), Refusal> {
    turn(app, principal, id, State::Active, EventKind::PersonActivate).await
}

async fn turn(app: &App, principal: &Principal, id: &str, to: State, kind: EventKind) -> Result<(), Refusal> {
    for _ in 0..ATTEMPTS {
        let row = open_person(app, principal, id).await?;
        by_hand(app, &row).await?;
        if row.state == to {
            return Ok(());
        }
        within_held(app, principal, &row).await?;
        let mut guards = vec![Guard::Person { seq: row.seq, epoch: row.epoch }];
        if to != State::Active && admins::is_one(app, &row).await? {
            guards.push(admins::without(app, row.seq).await?);
        }
        let mut facts = crate::directory::facts_of(&row);
        facts.state = to;
        let mut set = ChangeSet {
            at: app.clock().now(),
            guards,
            writes: vec![Write::UpdatePerson(PersonUpdate { seq: row.seq, facts, authority: None })],
            events: vec![event(app, kind, None, Some(row.id.clone()), json!({ "display": row.display }))],
        };
        let cause = Cause::by(app, &app.request_id(), principal.actor());
        leaver::leave(app, &mut set, &row, to, &cause).await?;
        if commit_guarded(app, set).await?.is_some() {
            return Ok(());
        }
    }
    Err(of_store(Error::Stale))
}

/// Refuses a person with Users: their identity provider decides.
async fn by_hand(app: &App, row: &PersonRow) -> Result<(), Refusal> {
    let users = app.store().person_users(row.seq).await.map_err(of_store)?;
    let Some(user) = users.iter().find(|user| user.authority).or(users.first()) else { return Ok(()) };
    let integration = app.store().integration(user.integration).await.map_err(of_store)?;
    let name = integration.map_or_else(String::new, |integration| integration.name);
    let detail = format!("{} is provisioned by \"{name}\": switch them off and on there.", row.display);
    Err(failure::error(ProductCode::ManagedPerson, detail))
}
