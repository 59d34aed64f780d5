//! Bringing what persons have up to date with the rules, the groups and themselves.

use super::current;
use super::subject::{self, Subjects};
use super::weigh::{Cause, Outcome, gains_admin, weigh};
use crate::Refusal;
use crate::app::App;
use crate::attributes;
use crate::error::of_store;
use crate::holds::Foreseen;
use bailiwick_domain::event::EventKind;
use bailiwick_domain::mapping::grant::path_text;
use bailiwick_domain::mapping::{Compiled, Diff, Grant, GroupMatches, HeldGrant, diff, evaluate};
use bailiwick_store::change::{GrantsWrite, NewEvent, NewGrant, PersonKey};
use bailiwick_store::{ChangeSet, Error, Write};
use serde_json::{Value, json};

/// Persons settled at once.
pub(crate) const CHUNK: usize = 500;
/// Sets handed to the store at once: it lets others write in between.
const SETS: usize = 64;
/// Persons without change whose marks are taken away by one set.
pub(super) const TOGETHER: usize = 100;
/// The same for persons whose sets were stale before: one who changes all the time keeps nobody else waiting.
pub(super) const ALONE: usize = 1;
/// Opened and closed grants that the event of a change tells; the rest is counted.
pub(crate) const TOLD: usize = 200;

/// What became of a chunk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// Persons that were brought up to date.
    pub settled: usize,
    /// Of these, persons for whom something changed.
    pub changed: usize,
    /// Persons that somebody else changed meanwhile: they are still marked.
    pub stale: usize,
}

/// Brings the grants of these persons up to date. Whoever was changed meanwhile stays marked.
///
/// # Errors
/// Rules that cannot be evaluated, or when the store cannot answer.
pub async fn settle(app: &App, persons: &[i64]) -> Result<Settled, Refusal> {
    let (mut memo, mut foreseen) = (GroupMatches::default(), Foreseen::default());
    let mut done = Settled::default();
    for chunk in persons.chunks(CHUNK) {
        let rules = current(app).await?;
        let one = Box::pin(settle_chunk(app, &rules, &mut memo, chunk, &mut foreseen)).await?;
        done.settled += one.settled;
        done.changed += one.changed;
        done.stale += one.stale;
    }
    Ok(done)
}

/// At most [`CHUNK`] persons.
async fn settle_chunk(
    app: &App,
    rules: &Compiled,
    memo: &mut GroupMatches,
    persons: &[i64],
    foreseen: &mut Foreseen,
) -> Result<Settled, Refusal> {
    commit(app, decide(app, rules, memo, persons, foreseen, ALONE).await?).await
}

/// What was decided of some persons: sets that each settle so many of them.
#[derive(Debug, Default)]
pub(super) struct Decided {
    sets: Vec<(usize, ChangeSet)>,
    persons: usize,
    changed: usize,
}

/// Says what becomes of at most [`CHUNK`] persons; of `unchanged` of them in one set where nothing changes.
pub(super) async fn decide(
    app: &App,
    rules: &Compiled,
    memo: &mut GroupMatches,
    persons: &[i64],
    foreseen: &mut Foreseen,
    unchanged: usize,
) -> Result<Decided, Refusal> {
    let subjects = Box::pin(subject::read(app, rules, persons)).await?;
    Box::pin(foreseen.look(app, rules, memo, &subjects.rows)).await?;
    let mut outcomes = outcomes(rules, memo, &subjects);
    Box::pin(attributes::settle(app, &mut outcomes)).await?;
    let outcomes = Box::pin(weigh(app, Cause::Recompute(foreseen), outcomes)).await?;
    let (mut changed, same): (Vec<Outcome>, Vec<Outcome>) = outcomes.into_iter().partition(acts);
    // Who becomes an admin has others looked at again: that mark must come after what is decided of them here.
    changed.sort_by_key(gains_admin);
    let count = changed.len();
    let settling = same.chunks(unchanged).map(|part| (part.len(), settling(app, rules, part)));
    let sets = settling.chain(changed.into_iter().map(|outcome| (1, changing(app, rules, outcome)))).collect();
    Ok(Decided { sets, persons: persons.len(), changed: count })
}

/// Does what was decided. Whoever was changed meanwhile stays marked.
pub(super) async fn commit(app: &App, decided: Decided) -> Result<Settled, Refusal> {
    let mut done = Settled { changed: decided.changed, ..Settled::default() };
    let mut sets = decided.sets.into_iter().peekable();
    while sets.peek().is_some() {
        let (sizes, batch): (Vec<usize>, Vec<ChangeSet>) = sets.by_ref().take(SETS).unzip();
        for (size, committed) in sizes.into_iter().zip(app.store().commit_all(batch).await.map_err(of_store)?) {
            match committed {
                Ok(_) => done.settled += size,
                Err(Error::Stale) => done.stale += size,
                Err(error) => return Err(of_store(error)),
            }
        }
    }
    // Persons that are not there any more have nothing to be settled.
    done.settled += decided.persons.saturating_sub(done.settled + done.stale);
    Ok(done)
}

fn acts(outcome: &Outcome) -> bool {
    !outcome.diff.is_empty() || !outcome.writes.is_empty() || !outcome.events.is_empty()
}

/// What the rules say of each.
pub(crate) fn outcomes(rules: &Compiled, memo: &mut GroupMatches, subjects: &Subjects) -> Vec<Outcome> {
    let one = |row: &bailiwick_store::rows::SubjectRow| {
        let wanted = evaluate(rules, memo, &subject::subject(row, &subjects.web));
        Outcome {
            before: row.person.state,
            diff: diff(&subject::held(&row.grants), &wanted),
            guards: subjects.guards(row),
            writes: Vec::new(),
            events: Vec::new(),
            row: row.clone(),
        }
    };
    subjects.rows.iter().map(one).collect()
}

/// The set that says of these persons that they are up to date.
fn settling(app: &App, rules: &Compiled, outcomes: &[Outcome]) -> ChangeSet {
    let mut set = ChangeSet { at: app.clock().now(), guards: vec![current::in_force(rules)], ..ChangeSet::default() };
    for outcome in outcomes {
        for guard in &outcome.guards {
            // Those of nesting are the same for many.
            if !matches!(guard, bailiwick_store::Guard::Key { .. }) || !holds(&set, guard) {
                set.guards.push(guard.clone());
            }
        }
    }
    let persons = outcomes.iter().map(|outcome| outcome.row.person.seq).collect();
    let mark = outcomes.iter().filter_map(|outcome| outcome.row.dirty).max().unwrap_or(0);
    set.writes.push(Write::Settle { persons, mark });
    set
}

fn holds(set: &ChangeSet, guard: &bailiwick_store::Guard) -> bool {
    use bailiwick_store::Guard::Key;
    let Key { key, .. } = guard else { return false };
    set.guards.iter().any(|known| matches!(known, Key { key: other, .. } if other == key))
}

/// The set that changes one person.
fn changing(app: &App, rules: &Compiled, outcome: Outcome) -> ChangeSet {
    let mut set = ChangeSet { at: app.clock().now(), guards: vec![current::in_force(rules)], ..ChangeSet::default() };
    set.guards.extend(outcome.guards);
    set.writes.extend(outcome.writes);
    let person = PersonKey::Seq(outcome.row.person.seq);
    if let Some(event) = change_event(app, &outcome.row.person.id, &outcome.diff, "recompute") {
        set.events.push(event);
    }
    set.writes.push(grants_write(person, &outcome.diff, outcome.row.dirty.unwrap_or(0)));
    set.events.extend(outcome.events);
    set
}

/// The write that carries a diff out and says that the person is up to date with what asked for it up to this mark.
pub(crate) fn grants_write(person: PersonKey, diff: &Diff, mark: i64) -> Write {
    let new = |grant: &Grant| NewGrant {
        kind: grant.kind,
        object: grant.object.clone(),
        value: grant.value.clone(),
        origin: grant.origin.to_string(),
        path: path_text(&grant.path),
    };
    let closed = diff.close.iter().chain(diff.moved.iter().map(|(held, _)| held));
    let opened = diff.open.iter().chain(diff.moved.iter().map(|(_, grant)| grant));
    Write::Grants(GrantsWrite {
        person,
        open: opened.map(new).collect(),
        close: closed.map(|grant| grant.seq).collect(),
        settled: Some(mark),
    })
}

/// The event that tells a diff; `None` if there is nothing to tell.
pub(crate) fn change_event(app: &App, person: &str, diff: &Diff, why: &str) -> Option<NewEvent> {
    if diff.is_empty() {
        return None;
    }
    let opened: Vec<Value> = diff.open.iter().take(TOLD).map(told_new).collect();
    let closed: Vec<Value> = diff.close.iter().take(TOLD).map(told_held).collect();
    let mut payload = json!({ "opened": opened, "closed": closed, "why": why });
    if !diff.moved.is_empty() {
        payload["moved"] = diff.moved.iter().take(TOLD).map(|(_, grant)| told_new(grant)).collect();
    }
    if diff.open.len() > TOLD || diff.close.len() > TOLD {
        payload["counts"] = json!({ "opened": diff.open.len(), "closed": diff.close.len() });
    }
    Some(NewEvent {
        kind: EventKind::GrantChange,
        integration: None,
        request: app.request_id(),
        resource: None,
        person: Some(person.to_owned()),
        actor: "server".to_owned(),
        call: None,
        payload,
        salt: app.random(),
    })
}

fn told_new(grant: &Grant) -> Value {
    json!({ "kind": grant.kind, "object": grant.object, "value": grant.value, "origin": grant.origin.to_string() })
}

fn told_held(grant: &HeldGrant) -> Value {
    json!({ "kind": grant.kind, "object": grant.object, "value": grant.value, "origin": grant.origin })
}
