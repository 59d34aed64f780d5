//! What goes into the commit that changes a person's state.

use super::owned;
use super::{AT_ONCE, COLLECTION, LATER};
use crate::Refusal;
use crate::app::App;
use crate::call::Call;
use crate::error::of_store;
use bailiwick_domain::event::EventKind;
use bailiwick_domain::handover::{Decision, Leaver, Owned, Task, TaskState, owed};
use bailiwick_domain::ids::{IntegrationId, Millis, prefixed_id};
use bailiwick_domain::person::State;
use bailiwick_store::change::{CredentialKind, EntryWrite, NewEvent};
use bailiwick_store::query::EntryQuery;
use bailiwick_store::rows::{CredentialRow, EntryRow, PersonRow};
use bailiwick_store::{ChangeSet, Error, Guard, Write};
use serde_json::{Value, json};

/// Credentials named in the event of a leaver; the rest is counted.
const NAMED: usize = 200;

/// Who or what changes a person's state, and since when it is known.
#[derive(Clone, Debug)]
pub(crate) struct Cause {
    /// The integration that says so.
    pub(crate) integration: Option<IntegrationId>,
    /// Id of the call or command.
    pub(crate) request: String,
    /// Who: a token, a person, `host`, `server`.
    pub(crate) actor: String,
    /// When the first byte of it came.
    pub(crate) arrived: Millis,
}

impl Cause {
    /// A SCIM call.
    pub(crate) fn of_call(app: &App, call: &Call) -> Self {
        let since = app.clock().monotonic().saturating_sub(call.started);
        let since = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
        Self {
            integration: Some(call.caller.integration.id),
            request: call.request.clone(),
            actor: call.caller.token.to_string(),
            arrived: Millis(app.clock().now().0.saturating_sub(since)),
        }
    }

    /// Somebody, or the server itself, at this moment.
    pub(crate) fn by(app: &App, request: &str, actor: &str) -> Self {
        let (request, actor) = (request.to_owned(), actor.to_owned());
        Self { integration: None, request, actor, arrived: app.clock().now() }
    }

    fn event(&self, app: &App, kind: EventKind, person: &str, payload: Value) -> NewEvent {
        NewEvent {
            kind,
            integration: self.integration,
            request: self.request.clone(),
            resource: None,
            person: Some(person.to_owned()),
            actor: self.actor.clone(),
            call: None,
            payload,
            salt: app.random(),
        }
    }
}

/// Adds to a set that gives a person another state what this means for what they look after: tasks for who leaves, the
/// end of open tasks for who comes back, and the event that tells it. The set has to hold a guard on the person's epoch,
/// which keeps two of these apart. Nothing is added where the state stays.
pub(crate) async fn leave(
    app: &App,
    set: &mut ChangeSet,
    person: &PersonRow,
    state: State,
    cause: &Cause,
) -> Result<(), Refusal> {
    match (person.state, state) {
        // Boxed: every change of a User carries this, and few need it.
        (State::Active, State::Inactive | State::Closed) => Box::pin(go(app, set, person, state, cause)).await,
        (State::Inactive, State::Active) => Box::pin(come_back(app, set, person, cause)).await,
        // What was theirs has its tasks since they were switched off.
        _ => Ok(()),
    }
}

async fn go(app: &App, set: &mut ChangeSet, person: &PersonRow, state: State, cause: &Cause) -> Result<(), Refusal> {
    let mut payload = json!({ "state": state.as_str(), "arrived_ms": cause.arrived.0 });
    payload["credentials"] = credentials(app, person).await?;
    let left = owned::left_by(app, person, AT_ONCE).await?;
    let known = open_tasks(app, &person.id, AT_ONCE + 1).await?;
    let owed = if left.more || known.len() > AT_ONCE {
        payload["tasks_later"] = Value::from(true);
        set.writes.push(put_later(&left.leaver));
        Vec::new()
    } else {
        owed(left.things, &known.into_iter().map(|known| known.task).collect::<Vec<_>>())
    };
    payload["tasks"] = Value::from(owed.len());
    set.events.push(cause.event(app, EventKind::PersonLeave, &person.id, payload));
    open(app, set, &left.leaver, owed, cause);
    Ok(())
}

/// What ends with the person's access, by id and label: the rows themselves end in the commit.
async fn credentials(app: &App, person: &PersonRow) -> Result<Value, Refusal> {
    let mut all = app.store().credentials(person.seq).await.map_err(of_store)?;
    all.retain(|credential| credential.kind != CredentialKind::Service);
    // Tokens have labels that people know; of sessions there are many.
    all.sort_by_key(|credential| credential.kind == CredentialKind::Session);
    let shown = |credential: &CredentialRow| json!({ "id": credential.id, "kind": credential.kind.as_str(), "label": credential.label });
    Ok(all.iter().take(NAMED).map(shown).collect())
}

/// Adds an open task for each of these things, and one event that names them.
pub(super) fn open(app: &App, set: &mut ChangeSet, leaver: &Leaver, owed: Vec<Owned>, cause: &Cause) {
    let mut opened = Vec::new();
    for owned in owed {
        let id = prefixed_id("hov_", app.random());
        opened.push(json!({
            "id": id,
            "duty": owned.duty.as_str(),
            "kind": owned.thing.kind,
            "thing": owned.thing.id,
            "reference": owned.thing.reference,
        }));
        set.guards.push(Guard::Entry { collection: COLLECTION.to_owned(), id: id.clone(), version: 0 });
        set.writes.push(put(&id, &Task::open(leaver, owned, set.at)));
    }
    if !opened.is_empty() {
        let payload = json!({ "tasks": opened });
        set.events.push(cause.event(app, EventKind::HandoverOpen, &leaver.person.id, payload));
    }
}

async fn come_back(app: &App, set: &mut ChangeSet, person: &PersonRow, cause: &Cause) -> Result<(), Refusal> {
    let open = open_tasks(app, &person.id, AT_ONCE + 1).await?;
    let mut payload = json!({ "tasks": open.len(), "arrived_ms": cause.arrived.0 });
    if open.len() > AT_ONCE {
        payload = json!({ "tasks_later": true, "arrived_ms": cause.arrived.0 });
        set.writes.push(put_later(&owned::leaver(person)));
    } else {
        // What was not opened yet need not be.
        let (collection, id) = (LATER.to_owned(), person.id.clone());
        set.writes.push(Write::DeleteEntry { collection, id });
    }
    set.events.push(cause.event(app, EventKind::PersonReturn, &person.id, payload));
    if open.len() <= AT_ONCE {
        returned(app, set, &person.id, open, cause);
    }
    Ok(())
}

/// Closes these tasks because the person came back.
pub(super) fn returned(app: &App, set: &mut ChangeSet, person: &str, open: Vec<Kept>, cause: &Cause) {
    let ids: Vec<&str> = open.iter().map(|kept| kept.id.as_str()).collect();
    if ids.is_empty() {
        return;
    }
    set.events.push(cause.event(app, EventKind::HandoverReturn, person, json!({ "tasks": ids })));
    for mut kept in open {
        let by = cause.actor.clone();
        kept.task.decision = Some(Decision { state: TaskState::Returned, by, at: set.at, successor: None, note: None });
        set.guards.push(kept.guard());
        set.writes.push(put(&kept.id, &kept.task));
    }
}

/// A task as it is kept.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) id: String,
    pub(super) version: i64,
    pub(super) task: Task,
}

impl Kept {
    /// Reads an entry.
    pub(super) fn of(row: &EntryRow) -> Result<Self, Refusal> {
        let task = serde_json::from_str(&row.doc)
            .map_err(|error| of_store(Error::Broken(format!("the hand-over {} cannot be read: {error}", row.id))))?;
        Ok(Self { id: row.id.clone(), version: row.version, task })
    }

    /// Holds as long as nobody changed it.
    pub(super) fn guard(&self) -> Guard {
        Guard::Entry { collection: COLLECTION.to_owned(), id: self.id.clone(), version: self.version }
    }
}

/// The write that keeps a task.
pub(super) fn put(id: &str, task: &Task) -> Write {
    Write::PutEntry(EntryWrite {
        collection: COLLECTION.to_owned(),
        id: id.to_owned(),
        parent: Some(task.person.id.clone()),
        state: Some(task.state().as_str().to_owned()),
        due: Some(task.due),
        // Texts, numbers and lists always serialise.
        doc: serde_json::to_string(task).unwrap_or_default(),
    })
}

/// The write that notes a person whose tasks are too many for one commit.
pub(super) fn put_later(leaver: &Leaver) -> Write {
    Write::PutEntry(EntryWrite {
        collection: LATER.to_owned(),
        id: leaver.person.id.clone(),
        parent: None,
        state: None,
        due: None,
        doc: serde_json::to_string(leaver).unwrap_or_default(),
    })
}

/// The write that notes an integration that is deleted: everybody whom it leaves without any identity leaves at once.
pub(crate) fn leave_with(integration: IntegrationId) -> Write {
    Write::PutEntry(EntryWrite {
        collection: LATER.to_owned(),
        id: integration.printed(),
        parent: None,
        state: None,
        due: None,
        doc: "{}".to_owned(),
    })
}

/// The open tasks of a person, at most so many.
pub(super) async fn open_tasks(app: &App, person: &str, most: usize) -> Result<Vec<Kept>, Refusal> {
    let query = EntryQuery {
        collection: COLLECTION.to_owned(),
        state: Some(TaskState::Open.as_str().to_owned()),
        parent: Some(person.to_owned()),
        limit: u32::try_from(most).unwrap_or(u32::MAX),
        ..EntryQuery::default()
    };
    app.store().entries(query).await.map_err(of_store)?.iter().map(Kept::of).collect()
}
