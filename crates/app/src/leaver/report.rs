//! The report of a leaver: when the word came, when access ended, what ended, and what is left to do.

use super::COLLECTION;
use super::tasks::{Handover, HandoverQuery, list_handovers};
use crate::Refusal;
use crate::access::{Action, Object, Principal, require};
use crate::app::App;
use crate::error::of_store;
use bailiwick_domain::event::EventKind;
use bailiwick_domain::handover::TaskState;
use bailiwick_domain::ids::{IntegrationId, Millis};
use bailiwick_domain::mapping::GrantKind;
use bailiwick_domain::person::State;
use bailiwick_scim::Code;
use bailiwick_store::query::{EntryQuery, EventQuery};
use bailiwick_store::rows::{EventRow, GrantRow, PersonRow, StateRow};
use serde_json::Value;
use std::collections::HashMap;

/// Events of one call that name one person.
const EVENTS: u32 = 50;
/// Tasks of one person in a report.
const TASKS: u32 = 1_000;
/// Events of a person among which the word is looked for that a hold keeps waiting.
const LATEST: u32 = 200;

/// How somebody's access ended.
#[derive(Clone, Debug)]
pub struct Leaving {
    /// Who.
    pub person: PersonRow,
    /// Where the change left them: inactive or closed. Active: it waits for a decision.
    pub state: State,
    /// When the first byte of the word came, as far as it is known.
    pub arrived: Option<Millis>,
    /// When access ended; `None` while it waits.
    pub ended: Option<Millis>,
    /// Name of the integration that said so.
    pub integration: Option<String>,
    /// Who said so: a token, a person, `host`, `server`.
    pub actor: Option<String>,
    /// Number of the event that tells it.
    pub event: Option<i64>,
    /// Sessions, tokens and invites that ended.
    pub revoked: Vec<Credential>,
    /// The hold that keeps it waiting.
    pub hold: Option<String>,
    /// When the person came back.
    pub returned: Option<Millis>,
    /// Tasks that are open.
    pub open_tasks: usize,
}

impl Leaving {
    /// From the word to the end of access, in milliseconds.
    #[must_use]
    pub fn span_ms(&self) -> Option<u64> {
        let (arrived, ended) = (self.arrived?, self.ended?);
        Some(u64::try_from(ended.0.saturating_sub(arrived.0)).unwrap_or(0))
    }
}

/// A session, token or invite that ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// Id.
    pub id: String,
    /// `session`, `personal`, `invite`.
    pub kind: String,
    /// Its label, while the event that holds it is not erased.
    pub label: Option<String>,
}

/// Everything about one leaver.
#[derive(Clone, Debug)]
pub struct Left {
    /// How it went.
    pub leaving: Leaving,
    /// Teams, roles, properties and ownership by rules that have no effect since.
    pub grants: Vec<WithoutEffect>,
    /// What was theirs, and what becomes of it.
    pub tasks: Vec<Handover>,
}

/// A grant that has no effect any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WithoutEffect {
    /// The grant, as it was held.
    pub grant: GrantRow,
    /// Title of the team; the name of the role or property; the filter of what was owned.
    pub title: String,
}

/// The report of one person: of the last time they left.
///
/// # Errors
/// `not-found` for who is unknown or never left, `forbidden`, or when the store cannot answer.
pub async fn report(app: &App, principal: &Principal, id: &str) -> Result<Left, Refusal> {
    require(app, principal, Action::HandoverRead, &Object::None).await?;
    let missing = || {
        let shown: String = id.chars().take(80).collect();
        Refusal::new(Code::NotFound, format!("There is no person \"{shown}\"."))
    };
    let person = app.store().person_by_id(id).await.map_err(of_store)?.ok_or_else(missing)?;
    let names = integrations(app).await?;
    let states = app.store().person_states(person.seq).await.map_err(of_store)?;
    let last = states.iter().rposition(|state| state.before == State::Active && state.after != State::Active);
    let leaving = match last {
        Some(at) => {
            let returned = states[at + 1..].iter().find(|state| state.after == State::Active).map(|state| state.at);
            leaving(app, &names, person, &states[at], returned).await?
        }
        None => waiting(app, &names, person).await?,
    };
    let mut grants = Vec::new();
    if let Some(ended) = leaving.ended {
        let before = Millis(ended.0 - 1);
        for grant in app.store().grants_at(leaving.person.seq, before).await.map_err(of_store)? {
            grants.push(without_effect(app, grant).await?);
        }
    }
    let query = HandoverQuery { person: Some(id.to_owned()), limit: TASKS, ..HandoverQuery::default() };
    let mut tasks = list_handovers(app, principal, &query).await?.tasks;
    tasks.retain(|handover| leaving.ended.is_some_and(|ended| handover.task.opened.0 >= ended.0 - SLACK_MS));
    Ok(Left { leaving, grants, tasks })
}

/// Tasks are stamped before the commit that ends access, so they are a little older than it.
const SLACK_MS: i64 = 60_000;

/// Who left since then, the latest first; at most so many, behind a moment and the row of a person. And where the next
/// page begins.
///
/// # Errors
/// `forbidden`, or when the store cannot answer.
pub async fn list_leavers(
    app: &App,
    principal: &Principal,
    since: Millis,
    behind: Option<(Millis, i64)>,
    limit: u32,
) -> Result<(Vec<Leaving>, Option<(Millis, i64)>), Refusal> {
    require(app, principal, Action::HandoverRead, &Object::None).await?;
    let names = integrations(app).await?;
    let mut out = Vec::new();
    let mut states = app.store().left_since(since, behind, limit.saturating_add(1)).await.map_err(of_store)?;
    let more = states.len() > limit as usize;
    states.truncate(limit as usize);
    let next = states.last().filter(|_| more).map(|last| (last.at, last.person));
    for state in states {
        let Some(person) = app.store().person(state.person).await.map_err(of_store)? else { continue };
        let later = app.store().person_states(person.seq).await.map_err(of_store)?;
        let back = |later: &&StateRow| later.seq > state.seq && later.after == State::Active;
        let returned = later.iter().find(back).map(|later| later.at);
        out.push(leaving(app, &names, person, &state, returned).await?);
    }
    Ok((out, next))
}

/// How one change of a person's state went.
async fn leaving(
    app: &App,
    names: &HashMap<IntegrationId, String>,
    person: PersonRow,
    state: &StateRow,
    returned: Option<Millis>,
) -> Result<Leaving, Refusal> {
    let query = EventQuery {
        person: Some(person.id.clone()),
        after: Some(state.seq - 1),
        limit: EVENTS,
        payloads: true,
        ..EventQuery::default()
    };
    let mut events = app.store().events(query).await.map_err(of_store)?;
    let request = events.first().map(|first| first.request.clone());
    events.retain(|event| Some(&event.request) == request.as_ref() && event.at == state.at);
    let first = events.first();
    let told = events.iter().find(|event| event.kind == EventKind::PersonLeave.as_str());
    let arrived = told.and_then(arrived_in).or_else(|| first.map(arrived_of));
    let mut open_tasks = 0;
    if returned.is_none() {
        open_tasks = open_tasks_of(app, &person.id).await?;
    }
    Ok(Leaving {
        state: state.after,
        arrived,
        ended: Some(state.at),
        integration: first.and_then(|event| names.get(&event.integration?).cloned()),
        actor: first.map(|event| event.actor.clone()),
        event: first.map(|event| event.seq),
        revoked: revoked(&events, told),
        hold: None,
        returned,
        open_tasks,
        person,
    })
}

/// Somebody whose end waits for a decision. Who is simply here has no report.
async fn waiting(app: &App, names: &HashMap<IntegrationId, String>, person: PersonRow) -> Result<Leaving, Refusal> {
    let held = app.store().held_by(&[person.seq]).await.map_err(of_store)?.pop();
    let Some(held) = held else {
        let why = match person.state {
            State::Active => "has not left",
            State::Inactive | State::Closed => "never had access",
        };
        return Err(Refusal::new(Code::NotFound, format!("{} {why}.", person.display)));
    };
    let query = EventQuery { person: Some(person.id.clone()), limit: LATEST, payloads: true, ..EventQuery::default() };
    let ends = [EventKind::Deactivate.as_str(), EventKind::Delete.as_str()];
    let events = app.store().events(query).await.map_err(of_store)?;
    let word = events.iter().find(|event| ends.contains(&event.kind.as_str()));
    Ok(Leaving {
        state: person.state,
        arrived: word.map(arrived_of),
        ended: None,
        integration: word.and_then(|event| names.get(&event.integration?).cloned()),
        actor: word.map(|event| event.actor.clone()),
        event: word.map(|event| event.seq),
        revoked: Vec::new(),
        hold: Some(held.hold),
        returned: None,
        open_tasks: 0,
        person,
    })
}

/// When the word came, as the event of the leaver says.
fn arrived_in(event: &EventRow) -> Option<Millis> {
    event.payload.as_ref()?.get("arrived_ms")?.as_i64().map(Millis)
}

/// The same from a record alone: its time, less what the call had taken until then.
fn arrived_of(event: &EventRow) -> Millis {
    let took = event.duration_us.map_or(0, |duration| duration.div_ceil(1_000));
    Millis(event.at.0.saturating_sub(i64::try_from(took).unwrap_or(i64::MAX)))
}

/// What the commit says has ended, with the labels that were noted before it.
fn revoked(events: &[EventRow], told: Option<&EventRow>) -> Vec<Credential> {
    let list = |event: &EventRow, key: &str| {
        let payload = event.payload.as_ref();
        payload.and_then(|payload| payload.get(key)).and_then(Value::as_array).cloned().unwrap_or_default()
    };
    let labels: HashMap<String, String> = told
        .map(|event| list(event, "credentials"))
        .unwrap_or_default()
        .iter()
        .filter_map(|entry| Some((entry.get("id")?.as_str()?.to_owned(), entry.get("label")?.as_str()?.to_owned())))
        .collect();
    let ended = events.iter().flat_map(|event| list(event, "revoked"));
    let credential = |entry: Value| {
        let id = entry.get("id")?.as_str()?.to_owned();
        let kind = entry.get("kind")?.as_str()?.to_owned();
        Some(Credential { label: labels.get(&id).cloned(), id, kind })
    };
    ended.filter_map(credential).collect()
}

async fn without_effect(app: &App, grant: GrantRow) -> Result<WithoutEffect, Refusal> {
    let team = match grant.kind {
        GrantKind::Team => app.store().item(&grant.object).await.map_err(of_store)?,
        GrantKind::Role | GrantKind::Property | GrantKind::Ownership => None,
    };
    let title = team.map_or_else(|| grant.object.clone(), |team| team.title);
    Ok(WithoutEffect { grant, title })
}

async fn open_tasks_of(app: &App, person: &str) -> Result<usize, Refusal> {
    let query = EntryQuery {
        collection: COLLECTION.to_owned(),
        state: Some(TaskState::Open.as_str().to_owned()),
        parent: Some(person.to_owned()),
        limit: TASKS,
        ..EntryQuery::default()
    };
    Ok(app.store().entries(query).await.map_err(of_store)?.len())
}

async fn integrations(app: &App) -> Result<HashMap<IntegrationId, String>, Refusal> {
    let rows = app.store().integrations().await.map_err(of_store)?;
    Ok(rows.into_iter().map(|row| (row.id, row.name)).collect())
}
