//! Who has what and through what, now and at any past moment.

use super::answer::Answer;
use super::request::Request;
use super::table::{Access::May, Endpoint, Form, Param, get, handler, param};
use super::wire::Moment;
use crate::intake::Failure;
use bailiwick_app::mapping::{self, AccessLine, Explained, Has, Listing, Ownership, Place, Way};
use bailiwick_domain::policy::Action::AccessRead;
use http::header::LINK;
use schemars::JsonSchema;
use serde::Serialize;

const CSV: &str = "text/csv";
const AT: Param = param("at", Form::Instant, "The moment; now if nothing is said.");

pub(super) const ROUTES: &[Endpoint] = &[
    get(May(AccessRead), "/access", "listAccess", handler!(list))
        .says("Lists what everybody has or had at a moment, one line for each way: first what was given, then the entities that are owned; as CSV for who accepts it.")
        .query(&[AT])
        .lists::<Access>()
        .also_text(CSV),
    get(May(AccessRead), "/people/{id}/access", "explainAccess", handler!(explain))
        .says("Explains every role, team, property and ownership of a person, with the ways that gave them.")
        .query(&[AT])
        .gives::<PersonAccess>(),
];

/// Something somebody has or had, by one way.
#[derive(Serialize, JsonSchema)]
struct Access {
    /// Id of the person; empty in a gap that concerns everybody.
    person: String,
    /// Name today.
    name: String,
    /// E-mail address today.
    email: Option<String>,
    /// `team`, `role`, `property` or `ownership` of what was given; `entity` of what is owned; `gap` of what cannot be
    /// told of the entities owned, with the sentence as `way`.
    kind: &'static str,
    /// Id of the team or entity, name of the role or property, filter of what is owned.
    object: String,
    /// What it is called: today, or at the moment for an entity.
    object_name: String,
    /// Membership role, value, or kind of the entity.
    value: String,
    /// `hand`, `feed:...`, `rule:...`; null for entities, whose `way` says it.
    origin: Option<String>,
    /// The way in words.
    way: String,
    /// Since when; null for entities, of which it is not kept.
    from: Option<Moment>,
    /// Until when, if it ended.
    until: Option<Moment>,
    /// Where the person stood at the moment: `active`, `inactive` or `closed`. Only an active person can use what they
    /// have. Null before the person was known, and in a gap that concerns everybody.
    state: Option<&'static str>,
}

fn line(line: &AccessLine) -> Access {
    Access {
        person: line.person.clone(),
        name: line.name.clone(),
        email: line.email.clone(),
        kind: line.kind,
        object: line.object.clone(),
        object_name: line.object_name.clone(),
        value: line.value.clone(),
        origin: Some(line.origin.clone()).filter(|origin| !origin.is_empty()),
        way: line.way.clone(),
        from: line.from.map(Moment),
        until: line.until.map(Moment),
        state: line.state.map(|state| state.as_str()),
    }
}

async fn list(request: Request) -> Result<Answer, Failure> {
    let page = request.page::<Place>()?;
    let behind = page.after.unwrap_or_default();
    let mut listing = Listing::of(&request.app, &request.principal, None, request.instant("at")).await?;
    let found = listing.page(behind, page.limit + 1).await?;
    let limit = page.limit as usize;
    let next = found.get(limit.saturating_sub(1)).filter(|_| found.len() > limit).map(|last| last.place);
    let shown = &found[..found.len().min(limit)];
    if request.wants_second_form() {
        let head = if page.after.is_none() { mapping::CSV_HEAD } else { "" };
        let answer = Answer::text(CSV, format!("{head}{}", mapping::access_csv(shown)));
        return Ok(match next {
            Some(next) => answer.header(LINK, &request.next_link(&request.cursor_behind(&next))),
            None => answer,
        });
    }
    let items: Vec<Access> = shown.iter().map(line).collect();
    let total = if page.total { Some(listing.count().await?) } else { None };
    Answer::page(&request, &items, next.as_ref(), total)
}

/// Everything a person has, and why.
#[derive(Serialize, JsonSchema)]
struct PersonAccess {
    /// Id.
    person: String,
    /// Name.
    name: String,
    /// E-mail address.
    email: Option<String>,
    /// The moment it is about.
    at: Moment,
    /// `active`, `inactive` or `closed`; null before the person was known.
    state: Option<&'static str>,
    /// Whether it has any effect: only an active person may act.
    effective: bool,
    /// Roles, the strongest first.
    roles: Vec<AccessTo>,
    /// Teams.
    teams: Vec<AccessTo>,
    /// Properties.
    properties: Vec<AccessTo>,
    /// What is owned by rules: filters over the catalog.
    ownership: Vec<AccessTo>,
    /// Entities owned by name, through teams, systems and domains, and by rules, as the catalog stood at the moment: the
    /// first 200.
    owns: Vec<AccessOwned>,
    /// How many there are in all.
    owns_total: u64,
    /// What cannot be told of the entities owned, in sentences; empty when the answer is whole.
    owns_gaps: Vec<String>,
}

/// Something a person has.
#[derive(Serialize, JsonSchema)]
struct AccessTo {
    /// Id of the team, name of the role or property, filter of what is owned.
    object: String,
    /// What it is called.
    name: String,
    /// The strongest membership role, or the value.
    value: String,
    /// Whether it is the strongest of the roles.
    strongest: bool,
    /// Teams above, the nearest first.
    above: Vec<String>,
    /// Every way it came.
    ways: Vec<AccessWay>,
}

/// A way in which somebody has something.
#[derive(Serialize, JsonSchema)]
struct AccessWay {
    /// `hand`, `feed:...`, `rule:...`.
    origin: String,
    /// Membership role, or value.
    value: String,
    /// In words.
    words: String,
    /// Step by step.
    path: Vec<AccessStep>,
    /// Since when.
    from: Moment,
    /// Until when, if it ended.
    until: Option<Moment>,
}

/// A step of a way.
#[derive(Serialize, JsonSchema)]
struct AccessStep {
    /// `user`, `group`, `rule`, `feed` or `hand`.
    kind: String,
    /// Id.
    id: String,
    /// What it was called.
    name: String,
}

/// An entity a person owns.
#[derive(Serialize, JsonSchema)]
struct AccessOwned {
    /// Id.
    id: String,
    /// Kind.
    kind: String,
    /// Title.
    title: String,
    /// Through what, in words.
    through: String,
}

fn way(way: Way) -> AccessWay {
    let step = |step: bailiwick_domain::mapping::Step| AccessStep {
        kind: step.kind.as_str().to_owned(),
        id: step.id,
        name: step.name,
    };
    AccessWay {
        origin: way.origin,
        value: way.value,
        words: way.words,
        path: way.path.into_iter().map(step).collect(),
        from: Moment(way.from),
        until: way.until.map(Moment),
    }
}

fn all(all: Vec<Has>) -> Vec<AccessTo> {
    let one = |has: Has| AccessTo {
        object: has.object,
        name: has.name,
        value: has.value,
        strongest: has.strongest,
        above: has.above,
        ways: has.ways.into_iter().map(way).collect(),
    };
    all.into_iter().map(one).collect()
}

async fn explain(request: Request) -> Result<Answer, Failure> {
    let found: Explained =
        mapping::explain(&request.app, &request.principal, request.path("id"), request.instant("at")).await?;
    let owned =
        |item: Ownership| AccessOwned { id: item.id, kind: item.kind, title: item.title, through: item.through };
    Answer::json(&PersonAccess {
        person: found.person,
        name: found.name,
        email: found.email,
        at: Moment(found.at),
        state: found.state.map(|state| state.as_str()),
        effective: found.effective,
        roles: all(found.roles),
        teams: all(found.teams),
        properties: all(found.properties),
        ownership: all(found.ownership),
        owns: found.owns.into_iter().map(owned).collect(),
        owns_total: found.owns_total,
        owns_gaps: found.owns_gaps,
    })
}
