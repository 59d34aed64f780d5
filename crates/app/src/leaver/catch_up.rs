//! Tasks of persons who leave more behind than fits into one commit.
//!
//! The commit that switches such a person off notes them; the server looks twice a second. What is to be done follows
//! from how things stand then, so that nothing is lost when it is interrupted, or when the person comes back meanwhile.

use super::leave::{self, Cause};
use super::owned;
use super::{AT_ONCE, COLLECTION, LATER};
use crate::Refusal;
use crate::app::App;
use crate::error::of_store;
use bailiwick_domain::handover::{Leaver, Task, TaskState, owed};
use bailiwick_domain::person::State;
use bailiwick_store::query::EntryQuery;
use bailiwick_store::rows::EntryRow;
use bailiwick_store::{ChangeSet, Error, Guard, Write};
use std::time::Duration;

/// Persons looked after at once.
const PERSONS: u32 = 16;
/// Persons who left with an integration, looked at in one step.
const CROWD: u32 = 200;
/// Things and tasks of one person that are taken into account. What is beyond shows in the health of ownership.
const MOST: usize = 20_000;
/// Tasks read at once.
const PAGE: u32 = 1_000;
/// Who did it, in events.
const ACTOR: &str = "server";

/// How often it is looked.
const EVERY: Duration = Duration::from_millis(500);

/// Looks after them for as long as the server runs.
pub async fn run(app: App) {
    loop {
        tokio::time::sleep(EVERY).await;
        if let Err(refusal) = catch_up(&app).await {
            tracing::debug!(detail = refusal.detail, "hand-overs wait");
        }
    }
}

/// Opens and closes the hand-over tasks that were too many for one commit. Any number of replicas may do it at once.
///
/// # Errors
/// When the store cannot answer.
pub async fn catch_up(app: &App) -> Result<(), Refusal> {
    let query = EntryQuery { collection: LATER.to_owned(), limit: PERSONS, ..EntryQuery::default() };
    for noted in app.store().entries(query).await.map_err(of_store)? {
        if noted.id.starts_with("per_") {
            while step(app, &noted).await? {}
        } else {
            crowd(app, &noted).await?;
        }
    }
    Ok(())
}

/// Notes everybody who left in the commit that wrote this note, and was responsible for something.
async fn crowd(app: &App, noted: &EntryRow) -> Result<(), Refusal> {
    let mut after = 0;
    loop {
        let left = app.store().left_at(noted.created, after, CROWD).await.map_err(of_store)?;
        let Some(last) = left.last() else { break };
        after = last.person;
        let mut set = ChangeSet { at: app.clock().now(), ..ChangeSet::default() };
        for state in &left {
            let Some(person) = app.store().person(state.person).await.map_err(of_store)? else { continue };
            let legacy = owned::left_by(app, &person, AT_ONCE).await?;
            if !legacy.things.is_empty() {
                set.writes.push(leave::put_later(&legacy.leaver));
            }
        }
        if !set.writes.is_empty() {
            app.store().commit(set).await.map_err(of_store)?;
        }
    }
    let (collection, id, version) = (LATER.to_owned(), noted.id.clone(), noted.version);
    let set = ChangeSet {
        at: app.clock().now(),
        guards: vec![Guard::Entry { collection: collection.clone(), id: id.clone(), version }],
        writes: vec![Write::DeleteEntry { collection, id }],
        ..ChangeSet::default()
    };
    match app.store().commit(set).await {
        Ok(_) | Err(Error::Stale) => Ok(()),
        Err(error) => Err(of_store(error)),
    }
}

/// A chunk of what is to be done for one person; tells whether there may be more.
async fn step(app: &App, noted: &EntryRow) -> Result<bool, Refusal> {
    let Some(person) = app.store().person_by_id(&noted.id).await.map_err(of_store)? else { return Ok(false) };
    let cause = Cause::by(app, &app.new_request_id(), ACTOR);
    // Replicas that do the same at once take turns.
    let version = app.store().guard(LATER).await.map_err(of_store)?;
    let mut set = ChangeSet { at: app.clock().now(), ..ChangeSet::default() };
    set.guards.push(Guard::Key { key: LATER.to_owned(), version, bump: true });
    set.guards.push(Guard::Person { seq: person.seq, epoch: person.epoch });
    if person.state == State::Active {
        let open = leave::open_tasks(app, &person.id, AT_ONCE).await?;
        leave::returned(app, &mut set, &person.id, open, &cause);
    } else {
        let leaver: Leaver = serde_json::from_str(&noted.doc).unwrap_or_else(|_| owned::leaver(&person));
        let things = owned::left_by(app, &person, MOST).await?.things;
        let mut owed = owed(things, &tasks_of(app, &person.id).await?);
        owed.truncate(AT_ONCE);
        leave::open(app, &mut set, &leaver, owed, &cause);
    }
    let done = set.writes.is_empty();
    if done {
        set.guards.push(Guard::Entry { collection: LATER.to_owned(), id: noted.id.clone(), version: noted.version });
        set.writes.push(Write::DeleteEntry { collection: LATER.to_owned(), id: noted.id.clone() });
    }
    match app.store().commit(set).await {
        Ok(_) => Ok(!done),
        // Somebody else is at it; it is looked again in a second.
        Err(Error::Stale) => Ok(false),
        Err(error) => Err(of_store(error)),
    }
}

/// All open tasks of a person.
async fn tasks_of(app: &App, person: &str) -> Result<Vec<Task>, Refusal> {
    let mut tasks = Vec::new();
    let mut after = None;
    loop {
        let query = EntryQuery {
            collection: COLLECTION.to_owned(),
            state: Some(TaskState::Open.as_str().to_owned()),
            parent: Some(person.to_owned()),
            after,
            limit: PAGE,
            ..EntryQuery::default()
        };
        let rows = app.store().entries(query).await.map_err(of_store)?;
        for row in &rows {
            tasks.push(leave::Kept::of(row)?.task);
        }
        match rows.last() {
            Some(last) if rows.len() == PAGE as usize => after = Some(last.id.clone()),
            _ => return Ok(tasks),
        }
    }
}
