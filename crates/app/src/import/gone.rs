//! What a source kept before and does not name any more.
//!
//! Something is gone only when the file that held it was read without a fault, or is no part of the source any more. An
//! empty source takes nothing away, nor does one that lost more than the guard lets pass; a team that has members stays,
//! and so does the last import that keeps a team from being empty, unless whoever imports says that it is meant.

use super::items::Plan;
use super::people::Folk;
use super::person::{PEOPLE, closing, empties, entry_id, find_team, origin};
use super::read::Found;
use super::report::Report;
use super::{ATTEMPTS, Options, Upload};
use crate::Refusal;
use crate::access::{Action, Object, Principal, require};
use crate::app::App;
use crate::catalog::delete_item;
use crate::error::of_store;
use crate::leaver::{self, Cause};
use crate::manage::event;
use bailiwick_domain::event::EventKind;
use bailiwick_domain::mapping::GrantKind;
use bailiwick_domain::person::State;
use bailiwick_store::change::{GrantsWrite, PersonFacts, PersonKey, PersonUpdate};
use bailiwick_store::query::{EntryQuery, ItemQuery};
use bailiwick_store::rows::{EntryRow, ItemRow, PersonRow};
use bailiwick_store::{ChangeSet, Guard, Write};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Rows of one page.
const PAGE: u32 = 500;

/// What is removed.
#[derive(Debug, Default)]
pub(super) struct Gone {
    items: Vec<ItemRow>,
    people: Vec<EntryRow>,
}

pub(super) async fn plan(
    app: &App,
    upload: &Upload,
    found: &Found,
    plan: &Plan,
    folk: &mut Folk,
    options: Options,
    report: &mut Report,
) -> Result<Gone, Refusal> {
    let (items, all_items) = items(app, upload, found, plan).await?;
    let (people, all_people) = people(app, upload, found, folk).await?;
    let mut gone = Gone { items, people };
    let closing = folk.steps.iter().filter_map(|step| step.outcome.as_ref()).filter(|one| !one.close.is_empty());
    let losing = gone.people.len() + closing.count();
    let refused = if found.documents == 0 && !options.accept_removals && all_items + all_people > 0 {
        Some("the source is empty: nothing is removed".to_owned())
    } else if gone.items.is_empty() && losing == 0 {
        None
    } else if !options.permits(gone.items.len(), all_items) {
        Some(format!("{} of {all_items} items would be removed", gone.items.len()))
    } else if !options.permits(losing, all_people) {
        Some(format!("{losing} of {all_people} people would lose something"))
    } else {
        None
    };
    if let Some(reason) = refused {
        report.removals.refused = Some(format!("{reason}; say that this is meant with --accept-removals"));
        report.removals.left.extend(gone.items.iter().map(shown));
        folk.keep.all = true;
        return Ok(Gone::default());
    }
    if !options.accept_removals {
        let mut kept = Vec::new();
        for row in std::mem::take(&mut gone.items) {
            let members = match row.kind.as_str() {
                "team" => app.store().holders(GrantKind::Team, &row.id, 0, 1).await.map_err(of_store)?,
                _ => Vec::new(),
            };
            if members.is_empty() {
                kept.push(row);
            } else {
                report.removals.left.push(format!("{}: it has members", shown(&row)));
            }
        }
        gone.items = kept;
        emptied(app, &upload.source, &mut gone, folk, report).await?;
    }
    report.removals.removed.extend(gone.items.iter().map(shown));
    report
        .removals
        .removed
        .extend(gone.people.iter().map(|entry| format!("person {}", name_of(&upload.source, entry))));
    Ok(gone)
}

/// Whether what this path held is to be compared with what the source says now.
fn is_read(found: &Found, path: &str) -> bool {
    !found.faulty.contains(path)
}

/// The items that are gone, and how many the source keeps.
async fn items(app: &App, upload: &Upload, found: &Found, plan: &Plan) -> Result<(Vec<ItemRow>, usize), Refusal> {
    let kept: HashSet<&str> = plan.steps.iter().filter_map(|step| step.id()).collect();
    let named: HashSet<String> = found.items.iter().map(|item| item.entity.reference.to_string()).collect();
    let (mut gone, mut all) = (Vec::new(), 0);
    let mut after = None;
    loop {
        let query = ItemQuery { source: Some(upload.source.clone()), after, limit: PAGE, ..ItemQuery::default() };
        let page = app.store().items(query).await.map_err(of_store)?;
        all += page.rows.len();
        for row in page.rows {
            let document: Value = serde_json::from_str(&row.doc).unwrap_or_default();
            let path = document["source"]["path"].as_str().unwrap_or_default();
            let there = kept.contains(row.id.as_str()) || named.contains(&shown(&row));
            if !there && is_read(found, path) {
                gone.push(row);
            }
        }
        after = page.next;
        if after.is_none() {
            return Ok((gone, all));
        }
    }
}

fn shown(row: &ItemRow) -> String {
    format!("{}:{}/{}", row.kind, row.namespace, row.name_key)
}

fn name_of<'a>(source: &str, entry: &'a EntryRow) -> &'a str {
    let key = entry.id.strip_prefix(source).and_then(|rest| rest.strip_prefix('/')).unwrap_or(&entry.id);
    key.strip_prefix("mail:").unwrap_or(key)
}

/// The people who are gone, and how many the source knows.
async fn people(app: &App, upload: &Upload, found: &Found, folk: &Folk) -> Result<(Vec<EntryRow>, usize), Refusal> {
    let known: HashSet<String> = folk.steps.iter().map(|step| entry_id(&upload.source, &step.someone.key)).collect();
    // Whom the source meant by a name before and means by an address now is not gone.
    let meant: HashSet<&str> = folk
        .steps
        .iter()
        .filter_map(|step| step.outcome.as_ref()?.row.as_ref())
        .map(|person| person.id.as_str())
        .collect();
    let (mut gone, mut all) = (Vec::new(), 0);
    let mut after = None;
    loop {
        let query = EntryQuery {
            collection: PEOPLE.to_owned(),
            parent: Some(upload.source.clone()),
            after,
            limit: PAGE,
            ..EntryQuery::default()
        };
        let rows = app.store().entries(query).await.map_err(of_store)?;
        let Some(last) = rows.last() else { return Ok((gone, all)) };
        after = Some(last.id.clone());
        all += rows.len();
        for entry in rows {
            let document: Value = serde_json::from_str(&entry.doc).unwrap_or_default();
            let path = document["path"].as_str().unwrap_or_default();
            let elsewhere = document["person"].as_str().is_some_and(|person| meant.contains(person));
            if !known.contains(&entry.id) && !elsewhere && is_read(found, path) {
                gone.push(entry);
            }
        }
    }
}

/// Leaves the memberships of teams that would have nobody any more, whoever comes with the same import.
async fn emptied(
    app: &App,
    source: &str,
    gone: &mut Gone,
    folk: &mut Folk,
    report: &mut Report,
) -> Result<(), Refusal> {
    let mut losses: BTreeMap<String, HashSet<i64>> = BTreeMap::new();
    let (mut named, mut coming) = (HashSet::new(), HashSet::new());
    for outcome in folk.steps.iter().filter_map(|step| step.outcome.as_ref()) {
        for (team, _) in outcome.open.iter().filter(|_| outcome.is_active()) {
            // Only once for each team.
            if named.insert(team.to_string()) {
                coming.extend(find_team(app, team).await?.map(|row| row.id));
            }
        }
        for grant in &outcome.close {
            losses.entry(grant.object.clone()).or_default().insert(grant.seq);
        }
    }
    let mut of_entry: HashMap<String, Vec<String>> = HashMap::new();
    for entry in &gone.people {
        let Some(person) = person_of(app, entry).await? else { continue };
        for grant in app.store().grants_of(person.seq, true).await.map_err(of_store)? {
            if grant.kind == GrantKind::Team && grant.origin == origin(source) {
                losses.entry(grant.object.clone()).or_default().insert(grant.seq);
                of_entry.entry(entry.id.clone()).or_default().push(grant.object);
            }
        }
    }
    let mut empty = HashSet::new();
    for (team, lost) in losses {
        if !coming.contains(&team) && empties(app, &team, &lost).await? {
            let row = app.store().item(&team).await.map_err(of_store)?;
            let name = row.as_ref().map_or_else(|| team.clone(), shown);
            report.removals.left.push(format!("the members of {name}: it would have none any more"));
            empty.insert(team);
        }
    }
    for outcome in folk.steps.iter_mut().filter_map(|step| step.outcome.as_mut()) {
        outcome.close.retain(|grant| !empty.contains(&grant.object));
    }
    folk.keep.teams.clone_from(&empty);
    gone.people
        .retain(|entry| !of_entry.get(&entry.id).is_some_and(|teams| teams.iter().any(|team| empty.contains(team))));
    Ok(())
}

async fn person_of(app: &App, entry: &EntryRow) -> Result<Option<PersonRow>, Refusal> {
    let document: Value = serde_json::from_str(&entry.doc).unwrap_or_default();
    let Some(id) = document["person"].as_str() else { return Ok(None) };
    app.store().person_by_id(id).await.map_err(of_store)
}

pub(super) async fn apply(
    app: &App,
    principal: &Principal,
    source: &str,
    gone: &Gone,
    options: Options,
    report: &mut Report,
) {
    let failed = |report: &mut Report, what: String, message: String| {
        report.removals.removed.retain(|removed| *removed != what);
        report.removals.left.push(format!("{what}: {message}"));
    };
    // Children before their parents: nobody is left pointing up for a moment.
    for row in gone.items.iter().rev() {
        if let Err(refusal) = delete_item(app, principal, &row.id, Some(row.version)).await {
            failed(report, shown(row), refusal.detail);
        }
    }
    for entry in &gone.people {
        if let Err(message) = leave(app, principal, source, entry, options).await {
            failed(report, format!("person {}", name_of(source, entry)), message);
        }
    }
}

/// Whether another source describes the same person.
async fn elsewhere(app: &App, source: &str, entry: &EntryRow) -> Result<bool, Refusal> {
    let Some(key) = entry.id.strip_prefix(source) else { return Ok(true) };
    let query = EntryQuery { collection: super::SOURCE.to_owned(), limit: PAGE, ..EntryQuery::default() };
    for other in app.store().entries(query).await.map_err(of_store)? {
        let there = app.store().entry(PEOPLE, &format!("{}{key}", other.id)).await.map_err(of_store)?;
        if other.id != source && there.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Takes back what a source said of somebody: its memberships, and the person where nothing else knows them.
async fn leave(
    app: &App,
    principal: &Principal,
    source: &str,
    entry: &EntryRow,
    options: Options,
) -> Result<(), String> {
    let detail = |refusal: Refusal| refusal.detail;
    require(app, principal, Action::PersonEdit, &Object::None).await.map_err(detail)?;
    for _ in 0..ATTEMPTS {
        let Some(row) = person_of(app, entry).await.map_err(detail)? else { return Ok(()) };
        let held = app.store().grants_of(row.seq, true).await.map_err(|error| of_store(error).detail)?;
        let (own, other): (Vec<_>, Vec<_>) = held.into_iter().partition(|grant| grant.origin == origin(source));
        let users = app.store().person_users(row.seq).await.map_err(|error| of_store(error).detail)?;
        let document: Value = serde_json::from_str(&entry.doc).unwrap_or_default();
        let alone = document["made"] == true && !elsewhere(app, source, entry).await.map_err(detail)?;
        let sole = alone && users.is_empty() && other.is_empty();
        let closes = sole && !row.local && !row.account && !row.admin && row.state != State::Closed;
        let mut set = ChangeSet {
            at: app.clock().now(),
            guards: vec![
                Guard::Person { seq: row.seq, epoch: row.epoch },
                Guard::Entry { collection: PEOPLE.to_owned(), id: entry.id.clone(), version: entry.version },
            ],
            writes: vec![Write::DeleteEntry { collection: PEOPLE.to_owned(), id: entry.id.clone() }],
            events: Vec::new(),
        };
        let memberships: Vec<_> = own.iter().filter(|grant| grant.kind == GrantKind::Team).cloned().collect();
        let guards = closing(app, principal, &memberships, &HashSet::new(), options).await;
        set.guards.extend(guards.map_err(|unwritten| unwritten.message)?);
        let close: Vec<i64> = own.iter().map(|grant| grant.seq).collect();
        if !close.is_empty() {
            let grants = GrantsWrite { person: PersonKey::Seq(row.seq), open: Vec::new(), close, settled: None };
            set.writes.push(Write::Grants(grants));
        }
        let payload = json!({"source": source, "name": row.display, "gone": true});
        let kind = if closes { EventKind::PersonClose } else { EventKind::PersonSet };
        let mut told = event(app, kind, None, Some(row.id.clone()), payload);
        told.actor = principal.actor().to_owned();
        set.events.push(told);
        if closes {
            let cause = Cause::by(app, &app.request_id(), principal.actor());
            leaver::leave(app, &mut set, &row, State::Closed, &cause).await.map_err(detail)?;
            let facts = PersonFacts {
                state: State::Closed,
                display: row.display,
                email: None,
                email_key: None,
                user_name: None,
                user_name_key: None,
            };
            set.writes.push(Write::UpdatePerson(PersonUpdate { seq: row.seq, facts, authority: None }));
        }
        if crate::manage::commit_guarded(app, set).await.map_err(detail)?.is_some() {
            return Ok(());
        }
    }
    Err("others change this person all the time: import again".to_owned())
}
