//! The one place that everything passes which is about to change what persons have.

use crate::Refusal;
use crate::access::admins;
use crate::app::App;
use crate::directory::admins_guard;
use crate::error::of_store;
use crate::holds::Foreseen;
use bailiwick_domain::event::EventKind;
use bailiwick_domain::ids::IntegrationId;
use bailiwick_domain::mapping::effects::ADMIN;
use bailiwick_domain::mapping::{Diff, GrantKind, HeldGrant, Origin};
use bailiwick_domain::person::State;
use bailiwick_store::change::{Dirty, NewEvent};
use bailiwick_store::rows::SubjectRow;
use bailiwick_store::{Guard, Write};
use serde_json::json;
use std::collections::HashSet;

/// Why grants are evaluated.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cause<'a> {
    /// A call of an integration.
    Call(IntegrationId),
    /// Something changed before, and the persons were marked; with what else that is known to take away.
    Recompute(&'a Foreseen),
    /// Somebody has seen it and decided.
    Decided,
}

/// What is to become of one person.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The person as read, or as going to be.
    pub row: SubjectRow,
    /// Where the person stood before.
    pub before: State,
    /// What must change.
    pub diff: Diff,
    /// What the decision rests on.
    pub guards: Vec<Guard>,
    /// What is written besides the grants.
    pub writes: Vec<Write>,
    /// What is told besides the change of grants.
    pub events: Vec<NewEvent>,
}

/// Weighs outcomes before they become writes: who is held keeps everything until somebody decides, and the last active
/// admin stays one.
///
/// # Errors
/// When the store cannot answer.
pub(crate) async fn weigh(app: &App, cause: Cause<'_>, mut outcomes: Vec<Outcome>) -> Result<Vec<Outcome>, Refusal> {
    crate::holds::weigh(app, cause, &mut outcomes).await?;
    keep_the_last_admin(app, &mut outcomes).await?;
    look_again_at_admins(app, &mut outcomes).await?;
    Ok(outcomes)
}

/// Whether somebody becomes an admin by a rule.
pub(super) fn gains_admin(outcome: &Outcome) -> bool {
    outcome.diff.open.iter().any(|grant| grant.kind == GrantKind::Role && grant.object == ADMIN)
}

/// With one more admin, who kept the role only for want of another need not keep it: admins by rule are evaluated again.
async fn look_again_at_admins(app: &App, outcomes: &mut [Outcome]) -> Result<(), Refusal> {
    let Some(outcome) = outcomes.iter_mut().find(|outcome| gains_admin(outcome)) else { return Ok(()) };
    const MOST: u32 = 1_000;
    let holders = app.store().holders(GrantKind::Role, ADMIN, 0, MOST).await.map_err(of_store)?;
    let derived = holders.into_iter().filter(|(_, grant)| Origin::is_derived(&grant.origin));
    let persons: Vec<i64> =
        derived.map(|(person, _)| person.seq).filter(|seq| *seq != outcome.row.person.seq).collect();
    if !persons.is_empty() {
        outcome.writes.push(Write::MarkDirty(Dirty::Persons(persons)));
    }
    Ok(())
}

/// Leaves the role to the first of those who would lose it, if nobody else would have it.
async fn keep_the_last_admin(app: &App, outcomes: &mut [Outcome]) -> Result<(), Refusal> {
    let losing: HashSet<i64> =
        outcomes.iter().filter(|outcome| loses_admin(outcome)).map(|outcome| outcome.row.person.seq).collect();
    if losing.is_empty() {
        return Ok(());
    }
    let guard = admins_guard(app).await?;
    let admins = admins::active(app, losing.len() + 1).await?;
    let mut left = admins.iter().any(|admin| !losing.contains(&admin.seq));
    for outcome in outcomes.iter_mut().filter(|outcome| losing.contains(&outcome.row.person.seq)) {
        outcome.guards.push(guard.clone());
        if left {
            continue;
        }
        left = true;
        let is_admin = |grant: &HeldGrant| grant.kind == GrantKind::Role && grant.object == ADMIN;
        let Some(at) = outcome.diff.close.iter().position(is_admin) else { continue };
        let kept = outcome.diff.close.remove(at);
        outcome.diff.kept.push(kept.seq);
        outcome.events.push(NewEvent {
            kind: EventKind::GrantKept,
            integration: None,
            request: app.request_id(),
            resource: None,
            person: Some(outcome.row.person.id.clone()),
            actor: "server".to_owned(),
            call: None,
            payload: json!({ "kind": "role", "object": ADMIN, "origin": kept.origin, "why": "last-admin" }),
            salt: app.random(),
        });
    }
    Ok(())
}

/// Whether somebody who is an active admin by a rule would be none any more. Who is switched off or closed is none of
/// the business here: that was decided where it was done.
fn loses_admin(outcome: &Outcome) -> bool {
    let person = &outcome.row.person;
    if person.admin || person.state != State::Active || outcome.before != State::Active {
        return false;
    }
    let closed: HashSet<i64> = outcome.diff.close.iter().map(|grant| grant.seq).collect();
    let admin = |kind: GrantKind, object: &str| kind == GrantKind::Role && object == ADMIN;
    let mut had = outcome.row.grants.iter().filter(|grant| admin(grant.kind, &grant.object)).peekable();
    had.peek().is_some()
        && had.all(|grant| closed.contains(&grant.seq))
        && !outcome.diff.open.iter().any(|grant| admin(grant.kind, &grant.object))
}
