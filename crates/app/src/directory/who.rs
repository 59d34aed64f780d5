//! Who is behind an incoming User: reads the persons that answer to it and lets the identity rules decide.

use crate::Refusal;
use crate::app::App;
use crate::call::Call;
use crate::caller::Integration;
use crate::error::of_store;
use bailiwick_domain::event::EventKind;
use bailiwick_domain::failure::{self, ProductCode};
use bailiwick_domain::identity::{self, Candidate, Incoming, Linking, Why};
use bailiwick_domain::ids::{IntegrationId, Kind, prefixed_id};
use bailiwick_domain::person::Facts;
use bailiwick_scim::Object;
use bailiwick_store::change::{Columns, HeldState, NewConflict};
use bailiwick_store::rows::{CandidateRow, ConflictRow, PersonRow};
use bailiwick_store::{ChangeSet, Guard, Write};
use serde_json::json;

/// What was found out about an incoming User.
#[derive(Debug)]
pub(crate) struct Who {
    /// What the rules decided.
    pub(crate) linking: Linking,
    /// Holds as long as the same persons answer to the same name and addresses.
    pub(crate) guard: Guard,
    candidates: Vec<CandidateRow>,
}

impl Who {
    /// The person of that id among those found.
    pub(crate) fn person(&self, id: &str) -> Option<&PersonRow> {
        self.candidates.iter().map(|candidate| &candidate.person).find(|person| person.id == id)
    }
}

/// Finds the persons that answer to the User. `own` is the person it belongs to already: it is no candidate.
pub(super) async fn find(
    app: &App,
    call: &Call,
    columns: &Columns,
    facts: &Facts,
    own: Option<&str>,
) -> Result<Who, Refusal> {
    let names = (columns.name_unique.clone().unwrap_or_default(), columns.email_keys.clone());
    find_by(app, call.caller.integration.id, names, facts, own).await
}

/// The same for a User that is stored and has no person yet.
pub(crate) async fn find_person(
    app: &App,
    integration: &Integration,
    document: &Object,
    facts: &Facts,
) -> Result<Who, Refusal> {
    let columns = super::draft::draft(app, integration, Kind::User, document)?.columns;
    let names = (columns.name_unique.unwrap_or_default(), columns.email_keys);
    find_by(app, integration.id, names, facts, None).await
}

async fn find_by(
    app: &App,
    integration: IntegrationId,
    (user_name_key, mut email_keys): (String, Vec<String>),
    facts: &Facts,
    own: Option<&str>,
) -> Result<Who, Refusal> {
    if bailiwick_domain::names::is_email_form(facts.user_name.as_deref().unwrap_or_default())
        && !email_keys.contains(&user_name_key)
    {
        email_keys.push(user_name_key.clone());
    }
    let mut rows = app.store().candidates(&user_name_key, &email_keys).await.map_err(of_store)?;
    let mut persons: Vec<String> = rows.iter().map(|row| row.person.id.clone()).collect();
    persons.sort_unstable();
    let guard = Guard::Candidates { user_name_key: user_name_key.clone(), email_keys, persons };
    rows.retain(|row| Some(row.person.id.as_str()) != own);
    drop_leavers(app, &mut rows).await?;
    if rows.is_empty() {
        return Ok(Who { linking: Linking::New { conflicts: Vec::new() }, guard, candidates: rows });
    }
    let decided = app.store().decided_pairs(integration, &user_name_key).await.map_err(of_store)?;
    let candidates: Vec<Candidate> = rows.iter().map(|row| candidate(row, &decided)).collect();
    let domains = app.store().domains().await.map_err(of_store)?;
    let claimed: Vec<String> =
        domains.into_iter().filter(|domain| domain.integration == integration).map(|domain| domain.name).collect();
    let incoming = Incoming { integration, emails: &facts.emails, claimed_domains: &claimed };
    Ok(Who { linking: identity::decide(&incoming, &candidates), guard, candidates: rows })
}

/// Whose last User was deleted, with the closing held, is as good as closed: a new User is a new person, without any old
/// right. Whoever decided that nothing is taken away made the person one of those who are here.
async fn drop_leavers(app: &App, rows: &mut Vec<CandidateRow>) -> Result<(), Refusal> {
    let leaver = |row: &&CandidateRow| row.integrations.is_empty() && row.person.authority.is_none();
    let persons: Vec<i64> = rows.iter().filter(leaver).map(|row| row.person.seq).collect();
    if persons.is_empty() {
        return Ok(());
    }
    let held = app.store().held_by(&persons).await.map_err(of_store)?;
    let waits = |person: i64| held.iter().any(|row| row.person == person && row.state == HeldState::Waiting);
    rows.retain(|row| !(leaver(&row) && waits(row.person.seq)));
    Ok(())
}

fn candidate(row: &CandidateRow, decided: &[ConflictRow]) -> Candidate {
    let was = |state: &str| decided.iter().any(|pair| pair.state == state && pair.person == row.person.id);
    Candidate {
        person: row.person.id.clone(),
        state: row.person.state,
        local: row.person.local,
        has_authority: row.person.authority.is_some(),
        integrations: row.integrations.clone(),
        same_user_name: row.same_user_name,
        same_email: row.same_email,
        email: row.person.email.clone(),
        approved: was("linked"),
        kept: was("kept"),
    }
}

/// Puts the pairs into the conflict queue with the set that stores the User.
pub(super) fn queue(
    app: &App,
    call: &Call,
    set: &mut ChangeSet,
    columns: &Columns,
    name: &str,
    pairs: &[(String, Why)],
) {
    for (person, why) in pairs {
        set.writes.push(Write::InsertConflict(pair(app, call, call.resource.clone(), columns, name, person, *why)));
        let payload = json!({ "name": name, "why": why.as_str() });
        set.events.push(call.side_event(app, EventKind::ConflictOpen, Some(person.clone()), payload));
    }
}

/// Refuses a User that a local person answers to, and leaves a pending link for an admin to approve.
pub(super) async fn refuse(
    app: &App,
    call: &Call,
    columns: &Columns,
    name: &str,
    person: &str,
    why: Why,
) -> Result<Refusal, Refusal> {
    let pair = pair(app, call, None, columns, name, person, why);
    let payload = json!({ "name": name, "why": why.as_str() });
    let event = call.side_event(app, EventKind::ConflictOpen, Some(person.to_owned()), payload);
    let set = ChangeSet {
        at: app.clock().now(),
        guards: Vec::new(),
        writes: vec![Write::InsertConflict(pair)],
        events: vec![event],
    };
    app.store().commit(set).await.map_err(of_store)?;
    Ok(failure::error(
        ProductCode::LocalPerson,
        format!(
            "Somebody who signs in here without this integration answers to this User: {why}. An admin can link them."
        ),
    ))
}

fn pair(
    app: &App,
    call: &Call,
    resource: Option<String>,
    columns: &Columns,
    name: &str,
    person: &str,
    why: Why,
) -> NewConflict {
    NewConflict {
        id: prefixed_id("con_", app.random()),
        integration: call.caller.integration.id,
        resource,
        user_name: name.to_owned(),
        user_name_key: columns.name_unique.clone().unwrap_or_default(),
        person: person.to_owned(),
        why: why.as_str().to_owned(),
    }
}
