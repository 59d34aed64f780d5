//! Carrying out what was held: everything is derived anew from what the identity provider says now.

use super::groups::observing;
use super::{evaluate, forget_standing, integration_observed};
use crate::Refusal;
use crate::app::App;
use crate::attributes;
use crate::directory;
use crate::error::of_store;
use crate::leaver;
use crate::manage;
use crate::mapping::{self, Cause, Outcome};
use bailiwick_domain::event::EventKind;
use bailiwick_domain::mapping::{Compiled, Diff};
use bailiwick_domain::person::State;
use bailiwick_store::change::{HeldState, PersonFacts, PersonKey, PersonUpdate};
use bailiwick_store::rows::SubjectRow;
use bailiwick_store::{ChangeSet, Error, Write};
use serde_json::json;

/// Persons looked at between two steps.
const CHUNK: usize = 200;
/// Sets handed to the store at once.
const SETS: usize = 64;
/// How often persons that somebody else changes meanwhile are looked at again.
const ATTEMPTS: usize = 16;

/// What became of people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Carried {
    /// Rows of those of whom it was carried out.
    pub(super) done: Vec<i64>,
    /// Ids of those who stay, because nobody else would be an active admin.
    pub(super) admins: Vec<String>,
}

/// Releases people from a hold and carries out what was held.
pub(super) async fn out(app: &App, hold: &str, persons: &[i64], actor: &str) -> Result<Carried, Refusal> {
    let mut carried = Carried::default();
    for chunk in persons.chunks(CHUNK) {
        let mut left = chunk.to_vec();
        for _ in 0..ATTEMPTS {
            left = once(app, hold, &left, actor, &mut carried).await?;
            if left.is_empty() {
                break;
            }
        }
        if !left.is_empty() {
            return Err(of_store(Error::Stale));
        }
        tokio::task::yield_now().await;
    }
    Ok(carried)
}

/// One attempt; answers who was changed by somebody else meanwhile.
async fn once(app: &App, hold: &str, persons: &[i64], actor: &str, carried: &mut Carried) -> Result<Vec<i64>, Refusal> {
    let (mut sets, mut whose) = (Vec::new(), Vec::new());
    let rules = mapping::current(app).await?;
    for (outcome, state) in evaluate::of_held(app, &rules, persons, |row| waits(row, hold)).await? {
        let (person, id) = (outcome.row.person.seq, outcome.row.person.id.clone());
        match set(app, &rules, hold, (outcome, state), actor).await {
            Ok(None) => {}
            Ok(Some(set)) => {
                whose.push(person);
                sets.push(set);
            }
            Err(refusal) if refusal.code == "last-admin" => carried.admins.push(id),
            Err(refusal) => return Err(refusal),
        }
    }
    let mut stale = Vec::new();
    let mut sets = sets.into_iter().peekable();
    let mut whose = whose.into_iter();
    while sets.peek().is_some() {
        let batch: Vec<ChangeSet> = sets.by_ref().take(SETS).collect();
        for committed in app.store().commit_all(batch).await.map_err(of_store)? {
            let Some(person) = whose.next() else { break };
            match committed {
                Ok(_) => carried.done.push(person),
                Err(Error::Stale) => stale.push(person),
                Err(error) => return Err(of_store(error)),
            }
        }
    }
    Ok(stale)
}

fn waits(row: &SubjectRow, hold: &str) -> bool {
    row.held.as_ref().is_some_and(|held| held.hold == hold && held.state == HeldState::Waiting)
}

/// The set that brings one person up to date; none while the integration that they wait for is observed again.
async fn set(
    app: &App,
    rules: &Compiled,
    hold: &str,
    (mut outcome, state): (Outcome, State),
    actor: &str,
) -> Result<Option<ChangeSet>, Refusal> {
    let person = outcome.row.person.clone();
    if let Some(integration) = integration_observed(hold)
        && observing(app, integration, &mut outcome).await?
    {
        return Ok(None);
    }
    // Who is marked when an integration is applied was so by what came after that was looked at: it is weighed later.
    let mut settled = outcome.row.dirty.unwrap_or(0);
    if integration_observed(hold).is_some() && outcome.row.dirty.is_some() {
        (outcome.diff, settled) = (Diff::default(), 0);
    }
    let mut set = ChangeSet { at: app.clock().now(), ..ChangeSet::default() };
    directory::guard_admins(app, &mut set, &person, state).await?;
    leaver::leave(app, &mut set, &person, state, &leaver::Cause::by(app, &app.request_id(), actor)).await?;
    let mut outcomes = mapping::weigh(app, Cause::Decided, vec![outcome]).await?;
    let Some(mut outcome) = outcomes.pop() else { return Ok(None) };
    let derived = derived(app, &mut outcome, state).await?;
    set.guards.extend(outcome.guards);
    set.guards.push(mapping::in_force(rules));
    set.writes.push(Write::Release { persons: vec![person.seq] });
    set.writes.push(forget_standing(&person.id));
    set.writes.extend(derived);
    set.writes.extend(outcome.writes);
    if state != State::Closed {
        set.writes.push(mapping::grants_write(PersonKey::Seq(person.seq), &outcome.diff, settled));
    }
    let payload = json!({ "hold": hold, "before": person.state, "after": state });
    let mut told = manage::event(app, EventKind::HoldApprove, None, Some(person.id.clone()), payload);
    actor.clone_into(&mut told.actor);
    set.events.push(told);
    set.events.extend(mapping::change_event(app, &person.id, &outcome.diff, "approved"));
    set.events.extend(outcome.events);
    Ok(Some(set))
}

/// What is known of a person by what their Users say now, and how they would stand. Nothing where it is so already. The
/// outcome is guarded by the attribute mapping that says so.
pub(super) async fn derived(app: &App, outcome: &mut Outcome, state: State) -> Result<Vec<Write>, Refusal> {
    let row = &outcome.row;
    let person = &row.person;
    let authority = row.users.iter().find(|user| user.authority);
    let document = authority.map(|user| mapping::subject::object(&user.doc));
    let facts = match (state, &document) {
        (State::Closed, _) => PersonFacts {
            state,
            display: person.display.clone(),
            email: None,
            email_key: None,
            user_name: None,
            user_name_key: None,
        },
        (_, Some(document)) => directory::facts_by(document, state),
        (_, None) => PersonFacts { state, ..directory::facts_of(person) },
    };
    let mut writes = Vec::new();
    let same = facts.state == person.state
        && facts.display == person.display
        && facts.email == person.email
        && facts.user_name == person.user_name;
    if !same {
        writes.push(Write::UpdatePerson(PersonUpdate { seq: person.seq, facts, authority: None }));
    }
    if let (Some(user), Some(document)) = (authority, &document)
        && state != State::Closed
        && let Some(integration) = app.integration_now(user.integration).await?
    {
        outcome.guards.push(attributes::settings_guard(&integration));
        let doc = attributes::follow(&integration.mapping, &person.doc, &user.id, document);
        writes.extend(doc.map(|doc| Write::SetAttributes { person: person.seq, doc }));
    }
    Ok(writes)
}
