//! Deciding a hold: approved, in whole or in part, or rejected with a reason.

use super::show::read;
use super::{OPEN, carry, forget_standing, holds_key, put};
use crate::Refusal;
use crate::access::{self, Action, Object, Principal};
use crate::app::App;
use crate::error::of_store;
use crate::manage;
use bailiwick_domain::event::EventKind;
use bailiwick_domain::failure::{self, ProductCode};
use bailiwick_domain::guard::{Decision, Hold, HoldState};
use bailiwick_scim::Code;
use bailiwick_store::change::HeldState;
use bailiwick_store::{ChangeSet, Error, Guard, NewEvent, Write};
use serde_json::json;
use std::collections::HashSet;

/// How often a decision reads and decides again.
const ATTEMPTS: usize = 16;
/// Persons of one set.
const CHUNK: usize = 500;
/// Longest reason, in characters.
const REASON_CHARS: usize = 2_000;
/// Most persons named of an approval in part.
const NAMED: usize = 10_000;

/// What a decision did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// Where the hold stands now.
    pub state: HoldState,
    /// Persons it concerned.
    pub people: u64,
    /// Persons who still wait.
    pub waiting: u64,
    /// Ids of those who stay, because nobody else would be an active admin.
    pub kept_admins: Vec<String>,
}

/// Carries out what was held: of these persons, or of everybody in the hold. It is derived anew from what the identity
/// provider says now. A hold in which nobody waits any more, because all was taken back, is closed by any decision.
///
/// # Errors
/// `forbidden`, an unknown hold, `hold-decided`, or when the store cannot answer.
pub async fn approve_hold(
    app: &App,
    principal: &Principal,
    id: &str,
    persons: Option<&[String]>,
) -> Result<Decided, Refusal> {
    access::require(app, principal, Action::HoldDecide, &Object::None).await?;
    let hold = undecided(app, id).await?;
    let waiting = waiting(app, id).await?;
    let chosen = match persons {
        None => waiting,
        Some(named) => chosen(app, id, named, &waiting).await?,
    };
    let carried = carry::out(app, id, &chosen, principal.actor()).await?;
    let people = carried.done.len() as u64;
    let decision =
        Decision { by: principal.actor().to_owned(), at: app.clock().now(), approved: true, people, reason: None };
    let (state, waiting) = note(app, &hold, decision).await?;
    Ok(Decided { state, people, waiting, kept_admins: carried.admins })
}

/// Decides that nothing is taken away from whoever waits, until the identity provider says something new about them.
///
/// # Errors
/// `forbidden`, an unknown hold, `hold-decided`, no reason, or when the store cannot answer.
pub async fn reject_hold(app: &App, principal: &Principal, id: &str, reason: &str) -> Result<Decided, Refusal> {
    access::require(app, principal, Action::HoldDecide, &Object::None).await?;
    let reason = reason.trim();
    if reason.is_empty() || reason.chars().count() > REASON_CHARS {
        let detail = format!("Say in at most {REASON_CHARS} characters why, for whoever looks later.");
        return Err(Refusal::new(Code::ValueInvalid, detail));
    }
    let hold = undecided(app, id).await?;
    let all = waiting(app, id).await?;
    let mut people = 0;
    for chunk in all.chunks(CHUNK) {
        people += pin(app, id, chunk, principal.actor(), reason).await?;
    }
    let decision = Decision {
        by: principal.actor().to_owned(),
        at: app.clock().now(),
        approved: false,
        people,
        reason: Some(reason.to_owned()),
    };
    let (state, waiting) = note(app, &hold, decision).await?;
    Ok(Decided { state, people, waiting, kept_admins: Vec::new() })
}

/// Pins those of these persons who still wait.
async fn pin(app: &App, hold: &str, persons: &[i64], actor: &str, reason: &str) -> Result<u64, Refusal> {
    for _ in 0..ATTEMPTS {
        let mut rows = app.store().subjects(persons).await.map_err(of_store)?;
        let waits = |held: &bailiwick_store::rows::HeldRow| held.hold == hold && held.state == HeldState::Waiting;
        rows.retain(|row| row.held.as_ref().is_some_and(waits));
        let persons: Vec<i64> = rows.iter().map(|row| row.person.seq).collect();
        let mut set = ChangeSet { at: app.clock().now(), ..ChangeSet::default() };
        for row in &rows {
            set.guards.push(Guard::Person { seq: row.person.seq, epoch: row.person.epoch });
            set.writes.push(forget_standing(&row.person.id));
            let payload = json!({ "hold": hold, "reason": reason });
            let person = Some(row.person.id.clone());
            let told = manage::event(app, EventKind::HoldReject, None, person, payload);
            set.events.push(NewEvent { actor: actor.to_owned(), ..told });
        }
        let count = persons.len() as u64;
        let mark = rows.iter().filter_map(|row| row.dirty).max().unwrap_or(0);
        set.writes.push(Write::Settle { persons: persons.clone(), mark });
        set.writes.push(Write::Hold { persons, hold: hold.to_owned(), state: HeldState::Pinned });
        match app.store().commit(set).await {
            Ok(_) => return Ok(count),
            Err(Error::Stale) => {}
            Err(error) => return Err(of_store(error)),
        }
    }
    Err(of_store(Error::Stale))
}

async fn undecided(app: &App, id: &str) -> Result<Hold, Refusal> {
    let (hold, state) = read(app, id).await?;
    if state != OPEN {
        return Err(failure::error(
            ProductCode::HoldDecided,
            format!("The hold \"{id}\" was decided already: {state}."),
        ));
    }
    Ok(hold)
}

/// Rows of the persons who wait in a hold.
pub(super) async fn waiting(app: &App, id: &str) -> Result<Vec<i64>, Refusal> {
    let held = app.store().held(id).await.map_err(of_store)?;
    Ok(held.into_iter().filter(|row| row.state == HeldState::Waiting).map(|row| row.person).collect())
}

/// The rows of the persons named, all of whom must wait in the hold.
async fn chosen(app: &App, hold: &str, named: &[String], waiting: &[i64]) -> Result<Vec<i64>, Refusal> {
    if named.is_empty() || named.len() > NAMED {
        let detail = format!("Name 1 to {NAMED} persons, or nobody to approve the hold as a whole.");
        return Err(Refusal::new(Code::ValueInvalid, detail));
    }
    let waiting: HashSet<i64> = waiting.iter().copied().collect();
    let mut chosen = Vec::with_capacity(named.len());
    for id in named {
        let person = app.store().person_by_id(id).await.map_err(of_store)?;
        let Some(person) = person.filter(|person| waiting.contains(&person.seq)) else {
            let shown: String = id.chars().take(80).collect();
            let detail = format!("The person \"{shown}\" does not wait in the hold \"{hold}\". Nothing was decided.");
            return Err(failure::error(ProductCode::HoldDecided, detail));
        };
        chosen.push(person.seq);
    }
    chosen.sort_unstable();
    chosen.dedup();
    Ok(chosen)
}

/// Writes the decision down, and where the hold stands with it.
async fn note(app: &App, hold: &Hold, decision: Decision) -> Result<(HoldState, u64), Refusal> {
    let key = holds_key(hold.integration);
    for _ in 0..ATTEMPTS {
        let version = app.store().guard(&key).await.map_err(of_store)?;
        let (mut hold, _) = read(app, &hold.id).await?;
        let waiting = waiting(app, &hold.id).await?.len() as u64;
        hold.decisions.push(decision.clone());
        let state = hold.state(waiting);
        let set = ChangeSet {
            at: app.clock().now(),
            guards: vec![Guard::Key { key: key.clone(), version, bump: true }],
            writes: vec![put::entry(&hold, state.as_str())],
            events: Vec::new(),
        };
        match app.store().commit(set).await {
            Ok(_) => return Ok((state, waiting)),
            Err(Error::Stale) => {}
            Err(error) => return Err(of_store(error)),
        }
    }
    Err(of_store(Error::Stale))
}
