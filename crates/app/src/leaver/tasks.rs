//! Hand-over tasks: who looks after them, and what becomes of them.

use super::COLLECTION;
use super::leave::{self, Kept};
use super::owned::{self, MANAGER};
use super::successor::Search;
use crate::Refusal;
use crate::access::{Action, Object, Principal, require};
use crate::app::App;
use crate::catalog::{self, Successor};
use crate::error::of_store;
use bailiwick_domain::catalog::{Kind, is_person_text};
use bailiwick_domain::event::EventKind;
use bailiwick_domain::failure::{self, ProductCode};
use bailiwick_domain::handover::{Decision, Duty, Leaver, Party, PartyKind, Suggestion, Task, TaskState};
use bailiwick_domain::person::State;
use bailiwick_scim::Code;
use bailiwick_store::change::NewEvent;
use bailiwick_store::query::EntryQuery;
use bailiwick_store::rows::ItemRow;
use bailiwick_store::{ChangeSet, Error};
use serde_json::{Value, json};

/// How often a decision is made again when others decide at the same moment.
const ATTEMPTS: usize = 16;
/// Tasks read at once, and tasks that one page looks through at most.
const CHUNK: u32 = 500;
const SCANNED: usize = 20_000;
/// Longest note, in characters.
const NOTE_CHARS: usize = 1_000;
/// Membership role of who takes a team on that has nobody else.
const MEMBER: &str = "contributor";

/// A hand-over task with what there is to know about it now.
#[derive(Clone, Debug)]
pub struct Handover {
    /// Id, `hov_...`.
    pub id: String,
    /// Version.
    pub version: i64,
    /// The task.
    pub task: Task,
    /// Who could take it on, best first; only for open ones.
    pub suggestions: Vec<Suggestion>,
    /// Somebody else looks after the thing by now, or it is gone.
    pub settled: bool,
}

/// Which tasks.
#[derive(Clone, Debug, Default)]
pub struct HandoverQuery {
    /// Standing so.
    pub state: Option<TaskState>,
    /// Of this person, by id.
    pub person: Option<String>,
    /// Of this thing, by id.
    pub thing: Option<String>,
    /// Assigned to this person or team, by id.
    pub assignee: Option<String>,
    /// Behind this id.
    pub after: Option<String>,
    /// Most tasks.
    pub limit: u32,
}

/// A page of tasks in the order of their ids.
#[derive(Clone, Debug, Default)]
pub struct HandoverPage {
    /// The tasks.
    pub tasks: Vec<Handover>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<String>,
}

/// What becomes of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// This person or team takes the thing on, by reference; without one somebody else looks after it already.
    Done {
        /// A team's name or id, a person's id.
        successor: Option<String>,
    },
    /// Nobody has to.
    Declined,
}

/// A page of tasks.
///
/// # Errors
/// `forbidden`, or when the store cannot answer.
pub async fn list_handovers(app: &App, principal: &Principal, query: &HandoverQuery) -> Result<HandoverPage, Refusal> {
    require(app, principal, Action::HandoverRead, &Object::None).await?;
    let limit = query.limit as usize;
    let (mut found, more) = matching(app, query, limit + 1).await?;
    let full = found.len() > limit;
    found.truncate(limit);
    let next = if full { found.last().map(|last| last.id.clone()) } else { more };
    let mut search = Search::new(app);
    let mut tasks = Vec::with_capacity(found.len());
    for kept in found {
        tasks.push(shown(app, &mut search, kept).await?);
    }
    Ok(HandoverPage { tasks, next })
}

/// How many tasks there are, wherever a page begins; no more are counted than one page looks through.
///
/// # Errors
/// `forbidden`, or when the store cannot answer.
pub async fn count_handovers(app: &App, principal: &Principal, query: &HandoverQuery) -> Result<u64, Refusal> {
    require(app, principal, Action::HandoverRead, &Object::None).await?;
    let all = HandoverQuery { after: None, ..query.clone() };
    Ok(matching(app, &all, SCANNED).await?.0.len() as u64)
}

/// Tasks in the order of their ids, at most so many, and where it was stopped when the search took too long.
async fn matching(app: &App, query: &HandoverQuery, most: usize) -> Result<(Vec<Kept>, Option<String>), Refusal> {
    let mut found = Vec::new();
    let mut after = query.after.clone();
    let mut scanned = 0;
    while scanned < SCANNED {
        let entries = EntryQuery {
            collection: COLLECTION.to_owned(),
            state: query.state.map(|state| state.as_str().to_owned()),
            parent: query.person.clone(),
            after: after.clone(),
            limit: CHUNK,
            ..EntryQuery::default()
        };
        let rows = app.store().entries(entries).await.map_err(of_store)?;
        scanned += rows.len();
        for row in &rows {
            let kept = Kept::of(row)?;
            if wanted(query, &kept.task) {
                found.push(kept);
            }
            if found.len() >= most {
                return Ok((found, None));
            }
        }
        match rows.last() {
            Some(last) if rows.len() == CHUNK as usize => after = Some(last.id.clone()),
            _ => return Ok((found, None)),
        }
    }
    Ok((found, after))
}

fn wanted(query: &HandoverQuery, task: &Task) -> bool {
    query.thing.as_ref().is_none_or(|thing| *thing == task.thing.id || *thing == task.thing.reference)
        && query.assignee.as_ref().is_none_or(|id| task.assignee.as_ref().is_some_and(|assignee| assignee.id == *id))
}

/// One task.
///
/// # Errors
/// `not-found`, `forbidden`, or when the store cannot answer.
pub async fn show_handover(app: &App, principal: &Principal, id: &str) -> Result<Handover, Refusal> {
    require(app, principal, Action::HandoverRead, &Object::None).await?;
    let kept = read(app, id).await?;
    shown(app, &mut Search::new(app), kept).await
}

/// Names who looks after a task. It stays open.
///
/// # Errors
/// `not-found`, `handover-decided`, `forbidden`, an unknown person or team, or when the store cannot answer.
pub async fn assign_handover(app: &App, principal: &Principal, id: &str, to: &str) -> Result<Handover, Refusal> {
    for _ in 0..ATTEMPTS {
        let mut kept = open(app, principal, id).await?;
        let party = match find(app, to).await? {
            Successor::Person(person) => owned::party(&person),
            Successor::Team(team) => owned::team_party(&team),
        };
        let mut set = ChangeSet { at: app.clock().now(), guards: vec![kept.guard()], ..ChangeSet::default() };
        let payload = json!({ "task": id, "assignee": party });
        set.events.push(event(app, principal, EventKind::HandoverAssign, &kept.task, payload));
        kept.task.assignee = Some(party);
        set.writes.push(leave::put(id, &kept.task));
        if commit(app, set).await? {
            return show_handover(app, principal, id).await;
        }
    }
    Err(of_store(Error::Stale))
}

/// Decides a task. A successor takes the thing on in the same commit.
///
/// # Errors
/// `not-found`, `handover-decided`, `handover-open`, `forbidden`, an unknown successor or one that does not fit, or when
/// the store cannot answer.
pub async fn decide_handover(
    app: &App,
    principal: &Principal,
    id: &str,
    verdict: &Verdict,
    note: Option<&str>,
) -> Result<Handover, Refusal> {
    if note.is_some_and(|note| note.chars().count() > NOTE_CHARS) {
        return Err(invalid(format!("A note has at most {NOTE_CHARS} characters.")));
    }
    for _ in 0..ATTEMPTS {
        let mut kept = open(app, principal, id).await?;
        let mut set = ChangeSet { at: app.clock().now(), guards: vec![kept.guard()], ..ChangeSet::default() };
        let (state, kind, successor) = match verdict {
            Verdict::Declined => (TaskState::Declined, EventKind::HandoverDecline, None),
            Verdict::Done { successor: None } => {
                if !is_settled(app, &kept.task).await? {
                    return Err(still_theirs(&kept.task));
                }
                (TaskState::Done, EventKind::HandoverDone, None)
            }
            Verdict::Done { successor: Some(to) } => {
                let party = take_on(app, principal, &mut set, &kept.task, to).await?;
                (TaskState::Done, EventKind::HandoverDone, Some(party))
            }
        };
        let payload = json!({ "task": id, "successor": successor, "note": note });
        set.events.push(event(app, principal, kind, &kept.task, payload));
        let (by, note) = (principal.actor().to_owned(), note.map(str::to_owned));
        kept.task.decision = Some(Decision { state, by, at: set.at, successor, note });
        set.writes.push(leave::put(id, &kept.task));
        if commit(app, set).await? {
            return show_handover(app, principal, id).await;
        }
    }
    Err(of_store(Error::Stale))
}

/// Puts into the set that somebody takes a thing on.
async fn take_on(
    app: &App,
    principal: &Principal,
    set: &mut ChangeSet,
    task: &Task,
    to: &str,
) -> Result<Party, Refusal> {
    let found = find(app, to).await?;
    if let Successor::Person(person) = &found
        && person.state != State::Active
    {
        return Err(invalid(format!("{} is not active and cannot take anything on.", person.display)));
    }
    if task.duty == Duty::Rule {
        return Err(failure::error(
            ProductCode::HandoverOpen,
            "The owner of a mapping rule stands in the rule file. Change it there, apply the file, and close the task \
             without a successor.",
        ));
    }
    let Some(item) = item_of(app, task).await? else {
        return Err(invalid("The thing is gone. Close the task without a successor."));
    };
    if task.duty == Duty::Owner && owned_by_another(app, task, &item).await? {
        return Err(failure::error(
            ProductCode::HandoverDecided,
            format!(
                "{} has another owner by now: nothing is taken from them here. Close the task without a successor.",
                task.thing.reference
            ),
        ));
    }
    match (task.duty, &found) {
        (Duty::Manager | Duty::LastMember, Successor::Team(_)) => {
            Err(invalid("A team is managed and filled by persons. Name one by id, e-mail address or userName."))
        }
        (Duty::Manager | Duty::LastMember, Successor::Person(person)) => {
            let role = if task.duty == Duty::Manager { MANAGER } else { MEMBER };
            catalog::join(app, principal, set, &item, person, role);
            Ok(owned::party(person))
        }
        (Duty::Owner | Duty::Rule, found) => {
            let reason = format!("{} ({}) left, and it was handed over.", task.person.name, task.person.id);
            catalog::give(app, principal, set, &item, found, &reason).await?;
            Ok(match found {
                Successor::Person(person) => owned::party(person),
                Successor::Team(team) => owned::team_party(team),
            })
        }
    }
}

/// Finds a team or a person by what people call them. A team is meant where both would be.
async fn find(app: &App, text: &str) -> Result<Successor, Refusal> {
    let text = text.trim();
    if !is_person_text(text) {
        match catalog::find_item(app, text, &Kind::Team, Kind::is_team).await {
            Ok(team) => return Ok(Successor::Team(Box::new(team))),
            Err(refusal) if refusal.code == Code::NotFound.as_str() => {}
            Err(refusal) => return Err(refusal),
        }
    }
    match catalog::find_person(app, text).await {
        Ok(person) => Ok(Successor::Person(Box::new(person))),
        Err(refusal) if refusal.code == Code::NotFound.as_str() => {
            let shown: String = text.chars().filter(|char| !char.is_control()).take(80).collect();
            Err(invalid(format!("There is no team or person \"{shown}\".")))
        }
        Err(refusal) => Err(refusal),
    }
}

/// Whether somebody else owns the thing by now. One that nobody owns can be taken on.
async fn owned_by_another(app: &App, task: &Task, item: &ItemRow) -> Result<bool, Refusal> {
    if item.owner.is_some() {
        return Ok(true);
    }
    let person = app.store().person_by_id(&task.person.id).await.map_err(of_store)?;
    Ok(item.owner_person.is_some() && item.owner_person != person.map(|person| person.seq))
}

/// Whether the thing is no longer the person's to look after.
async fn is_settled(app: &App, task: &Task) -> Result<bool, Refusal> {
    if task.duty == Duty::Rule {
        return owned::rule_is_settled(app, task).await;
    }
    let Some(item) = item_of(app, task).await? else { return Ok(true) };
    match task.duty {
        Duty::Owner | Duty::Rule => {
            let person = app.store().person_by_id(&task.person.id).await.map_err(of_store)?;
            Ok(item.owner_person.is_none() || item.owner_person != person.map(|person| person.seq))
        }
        Duty::Manager | Duty::LastMember => {
            let others = owned::others(app, &item.id, 0, task.duty == Duty::Manager).await?;
            Ok(if task.duty == Duty::Manager { others.manager } else { others.member })
        }
    }
}

async fn item_of(app: &App, task: &Task) -> Result<Option<ItemRow>, Refusal> {
    match task.duty {
        Duty::Rule => Ok(None),
        Duty::Owner | Duty::Manager | Duty::LastMember => app.store().item(&task.thing.id).await.map_err(of_store),
    }
}

async fn shown(app: &App, search: &mut Search<'_>, kept: Kept) -> Result<Handover, Refusal> {
    let Kept { id, version, task } = kept;
    let open = task.state() == TaskState::Open;
    let settled = !open || is_settled(app, &task).await?;
    let mut suggestions = Vec::new();
    if !settled {
        let item = item_of(app, &task).await?;
        let (person, teams, manager) = (task.person.clone(), task.teams.clone(), task.manager.clone());
        let leaver = Leaver { person, teams, manager };
        suggestions = search.suggest(task.duty, item.as_ref(), Some(&leaver)).await?;
    }
    Ok(Handover { id, version, task, suggestions, settled })
}

async fn read(app: &App, id: &str) -> Result<Kept, Refusal> {
    let row = app.store().entry(COLLECTION, id).await.map_err(of_store)?;
    let missing = || {
        let shown: String = id.chars().take(80).collect();
        Refusal::new(Code::NotFound, format!("There is no hand-over \"{shown}\". See: bailiwick handover list"))
    };
    Kept::of(&row.ok_or_else(missing)?)
}

/// A task that waits for a decision by this principal.
async fn open(app: &App, principal: &Principal, id: &str) -> Result<Kept, Refusal> {
    let kept = read(app, id).await?;
    let concerned = Concerned::of(app, &kept.task).await?;
    require(app, principal, Action::HandoverDecide, &concerned.object()).await?;
    match &kept.task.decision {
        None => Ok(kept),
        Some(decision) => {
            let detail = format!("This hand-over is {} since {}.", decision.state.as_str(), decision.at);
            Err(failure::error(ProductCode::HandoverDecided, detail))
        }
    }
}

/// Whose affair a task is, for the policy.
#[derive(Clone, Copy, Debug)]
struct Concerned {
    owner: Option<i64>,
    assignee: Option<i64>,
}

impl Concerned {
    async fn of(app: &App, task: &Task) -> Result<Self, Refusal> {
        let owner = item_of(app, task).await?.and_then(|item| match task.duty {
            Duty::Manager | Duty::LastMember => Some(item.seq),
            Duty::Owner | Duty::Rule => item.owner.map(|owner| owner.seq),
        });
        let assignee = match &task.assignee {
            Some(Party { kind: PartyKind::Person, id, .. }) => {
                app.store().person_by_id(id).await.map_err(of_store)?.map(|person| person.seq)
            }
            _ => None,
        };
        Ok(Self { owner, assignee })
    }

    fn object(self) -> Object<'static> {
        Object::Task { owner: self.owner, assignee: self.assignee }
    }
}

fn still_theirs(task: &Task) -> Refusal {
    let detail = format!(
        "{} is still {} {}. Name a successor, or decline the hand-over.",
        task.person.name,
        task.duty.words(),
        task.thing.reference
    );
    failure::error(ProductCode::HandoverOpen, detail)
}

fn invalid(detail: impl Into<String>) -> Refusal {
    Refusal::new(Code::ValueInvalid, detail)
}

fn event(app: &App, principal: &Principal, kind: EventKind, task: &Task, payload: Value) -> NewEvent {
    NewEvent {
        kind,
        integration: None,
        request: app.request_id(),
        resource: (task.duty != Duty::Rule).then(|| task.thing.id.clone()),
        person: Some(task.person.id.clone()),
        actor: principal.actor().to_owned(),
        call: None,
        payload,
        salt: app.random(),
    }
}

/// Whether it was committed; false when a precondition was stale.
async fn commit(app: &App, set: ChangeSet) -> Result<bool, Refusal> {
    match app.store().commit(set).await {
        Ok(_) => Ok(true),
        Err(Error::Stale) => Ok(false),
        Err(error) => Err(of_store(error)),
    }
}
