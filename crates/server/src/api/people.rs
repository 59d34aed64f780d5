//! Persons.

use super::answer::Answer;
use super::events::{Event, page_of};
use super::request::{Request, encoded};
use super::session::RoleHeld;
use super::table::{Access::Known, Access::May, Endpoint, Form, Param, get, handler, param, patch, post};
use super::wire::{Moment, said, tag};
use crate::intake::Failure;
use bailiwick_app::App;
use bailiwick_app::access::{self, PeopleQuery, PersonChange, PersonDetail};
use bailiwick_app::query::EventQuery;
use bailiwick_app::rows::PersonRow;
use bailiwick_domain::attributes::{Lock, Source};
use bailiwick_domain::person::State;
use bailiwick_domain::policy::Action::{AuditRead, PersonEdit, PersonRead};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

const FILTERS: &[Param] = &[
    param("search", Form::Text(200), "Whose name, address or id contains this."),
    param("state", Form::Word(&["active", "inactive", "closed"]), "Standing so."),
    param("filter", Form::Filter, "Over the fields of persons: `department eq \"Payments\"`."),
];

pub(super) const ROUTES: &[Endpoint] = &[
    get(May(PersonRead), "/people", "listPeople", handler!(list))
        .says("Lists persons in the order in which they came.")
        .query(FILTERS)
        .lists::<Person>(),
    post(May(PersonEdit), "/people", "createPerson", handler!(create))
        .says("Makes a person by hand, without an account.")
        .takes::<PersonNew>()
        .makes::<Person>(),
    get(Known, "/people/{id}", "readPerson", handler!(read))
        .says("Shows a person with fields and their sources, identities, roles and teams.")
        .gives::<PersonShown>()
        .versioned(),
    patch(May(PersonEdit), "/people/{id}", "changePerson", handler!(change))
        .says("Changes what no identity provider and no rule decides about; what is not named stays.")
        .takes::<PersonPatch>()
        .gives::<Person>()
        .versioned(),
    post(May(PersonEdit), "/people/{id}/deactivate", "deactivatePerson", handler!(deactivate))
        .says("Switches off a person that no integration provisions: sessions, tokens and invitations end at once."),
    post(May(PersonEdit), "/people/{id}/activate", "activatePerson", handler!(activate))
        .says("Switches on a person that was switched off here."),
    get(May(AuditRead), "/people/{id}/events", "listEventsOfPerson", handler!(events))
        .says("Lists the events that name a person, the newest first.")
        .lists::<Event>(),
];

/// A person.
#[derive(Serialize, JsonSchema)]
struct Person {
    /// Id, `per_...`.
    id: String,
    /// Where they stand: `active`, `inactive` or `closed`.
    state: &'static str,
    /// Name shown.
    display: String,
    /// E-mail address.
    email: Option<String>,
    /// Name of the deciding User or the local account.
    user_name: Option<String>,
    /// Whether they sign in by themselves, were invited, or hold a role by hand.
    local: bool,
    /// Whether they have a local account.
    account: bool,
    /// Whether they hold the admin role by hand.
    admin: bool,
    /// Made.
    created_at: Moment,
    /// Last modified.
    modified_at: Moment,
}

impl From<&PersonRow> for Person {
    fn from(row: &PersonRow) -> Self {
        Self {
            id: row.id.clone(),
            state: row.state.as_str(),
            display: row.display.clone(),
            email: row.email.clone(),
            user_name: row.user_name.clone(),
            local: row.local,
            account: row.account,
            admin: row.admin,
            created_at: Moment(row.created),
            modified_at: Moment(row.modified),
        }
    }
}

fn version(app: &App, row: &PersonRow) -> String {
    tag(app, &[b"person", row.id.as_bytes(), &row.epoch.to_be_bytes()])
}

async fn list(request: Request) -> Result<Answer, Failure> {
    let page = request.page::<i64>()?;
    let text = |name: &str| request.param(name).map(str::to_owned);
    let states = [State::Active, State::Inactive, State::Closed];
    let query = PeopleQuery {
        search: text("search"),
        filter: text("filter"),
        state: request.param("state").and_then(|said| states.into_iter().find(|state| state.as_str() == said)),
        after: page.after,
        limit: page.limit,
        total: page.total,
    };
    let found = access::list_people(&request.app, &request.principal, query).await?;
    let items: Vec<Person> = found.rows.iter().map(Person::from).collect();
    Answer::page(&request, &items, found.next.as_ref(), found.total)
}

/// A person to be made.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PersonNew {
    /// Name shown.
    #[schemars(length(min = 1, max = 200))]
    display: String,
    /// E-mail address.
    #[schemars(length(min = 3, max = 320))]
    email: Option<String>,
}

async fn create(request: Request) -> Result<Answer, Failure> {
    let new: PersonNew = request.body()?;
    let row = access::create_person(&request.app, &request.principal, &new.display, new.email.as_deref()).await?;
    Answer::made(&request, &format!("/people/{}", encoded(&row.id)), &Person::from(&row))
}

/// A person with everything about them.
#[derive(Serialize, JsonSchema)]
struct PersonShown {
    #[serde(flatten)]
    person: Person,
    /// Why name and address cannot be changed here; null when they can.
    locked: Option<PersonLock>,
    /// Fields by name.
    fields: Vec<PersonField>,
    /// What integrations say about them.
    identities: Vec<PersonIdentity>,
    /// Roles, the strongest first.
    roles: Vec<RoleHeld>,
    /// Teams, as often as there are ways to each.
    teams: Vec<PersonTeam>,
    /// How many items they own themselves.
    owned: u64,
}

/// Why something cannot be changed here, and where it can.
#[derive(Serialize, JsonSchema)]
struct PersonLock {
    /// Who owns it.
    reason: String,
    /// What to do instead.
    remedy: String,
}

impl From<Lock> for PersonLock {
    fn from(lock: Lock) -> Self {
        Self { reason: lock.reason, remedy: lock.remedy }
    }
}

/// A field with its source.
#[derive(Serialize, JsonSchema)]
struct PersonField {
    /// Name, such as `title` or `property:badge`.
    name: String,
    /// Value.
    value: Value,
    /// Where it comes from: `integration`, `hand`, `import` or `rule`.
    source: &'static str,
    /// The User, person, import source or rule it comes from.
    from: String,
    /// Why it cannot be changed here; null when it can.
    locked: Option<PersonLock>,
}

/// A User of the person.
#[derive(Serialize, JsonSchema)]
struct PersonIdentity {
    /// Id of the User.
    user: String,
    /// Name of the integration.
    integration: String,
    /// Whether the User is active.
    active: bool,
    /// Whether it decides who the person is.
    authority: bool,
    /// Names of its groups.
    groups: Vec<String>,
}

/// A membership.
#[derive(Serialize, JsonSchema)]
struct PersonTeam {
    /// Id of the team.
    id: String,
    /// Title.
    title: String,
    /// Role in the team.
    role: String,
    /// Where it comes from: `hand`, `feed:...` or `rule:...`.
    origin: String,
}

fn shown(detail: PersonDetail) -> PersonShown {
    let field = |(name, held, lock): (String, bailiwick_domain::attributes::Attribute, Option<Lock>)| {
        let (source, from) = match held.source {
            Source::Integration { user, .. } => ("integration", user),
            Source::Hand { by } => ("hand", by),
            Source::Import { source } => ("import", source),
            Source::Rule { rule } => ("rule", rule),
        };
        PersonField { name, value: held.value, source, from, locked: lock.map(PersonLock::from) }
    };
    let identities = detail.report.users.iter().map(|(user, integration, groups)| PersonIdentity {
        user: user.id.clone(),
        integration: integration.clone(),
        active: user.active,
        authority: user.authority,
        groups: groups.iter().map(|group| group.display.clone()).collect(),
    });
    let teams = detail.teams.into_iter().map(|(team, grant)| PersonTeam {
        id: team.id,
        title: team.title,
        role: grant.value,
        origin: grant.origin,
    });
    PersonShown {
        person: Person::from(&detail.report.row),
        locked: detail.lock.map(PersonLock::from),
        fields: detail.fields.into_iter().map(field).collect(),
        identities: identities.collect(),
        roles: detail.roles.iter().map(RoleHeld::from).collect(),
        teams: teams.collect(),
        owned: detail.owned,
    }
}

async fn read(request: Request) -> Result<Answer, Failure> {
    let detail = access::show_person(&request.app, &request.principal, request.path("id")).await?;
    let tag = version(&request.app, &detail.report.row);
    Ok(Answer::json(&shown(detail))?.versioned(&tag))
}

/// What to change; what is not named stays.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PersonPatch {
    /// Name shown.
    #[schemars(length(min = 1, max = 200))]
    display: Option<String>,
    /// E-mail address; null for none.
    #[serde(default, deserialize_with = "said")]
    #[schemars(length(max = 320))]
    email: Option<Option<String>>,
    /// Fields by name; null takes one away.
    // Not a `serde_json::Map`, which takes null for an empty one.
    #[serde(default)]
    fields: BTreeMap<String, Value>,
}

async fn change(request: Request) -> Result<Answer, Failure> {
    let id = request.path("id");
    let patch: PersonPatch = request.body()?;
    let mut epoch = None;
    if request.expects_a_version() {
        let detail = access::show_person(&request.app, &request.principal, id).await?;
        request.expects(&version(&request.app, &detail.report.row))?;
        epoch = Some(detail.report.row.epoch);
    }
    let change =
        PersonChange { display: patch.display, email: patch.email, fields: patch.fields.into_iter().collect() };
    let row = access::change_person(&request.app, &request.principal, id, epoch, change).await?;
    Ok(Answer::json(&Person::from(&row))?.versioned(&version(&request.app, &row)))
}

async fn deactivate(request: Request) -> Result<Answer, Failure> {
    access::deactivate_person(&request.app, &request.principal, request.path("id")).await?;
    Ok(Answer::empty())
}

async fn activate(request: Request) -> Result<Answer, Failure> {
    access::activate_person(&request.app, &request.principal, request.path("id")).await?;
    Ok(Answer::empty())
}

async fn events(request: Request) -> Result<Answer, Failure> {
    let page = request.page::<i64>()?;
    let query = EventQuery {
        person: Some(request.path("id").to_owned()),
        before: page.after,
        limit: page.limit + 1,
        ..EventQuery::default()
    };
    page_of(&request, &page, query).await
}
