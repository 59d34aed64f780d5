//! Putting people into the open hold of an integration.

use super::{HOLDS, OPEN, holds_key};
use crate::Refusal;
use crate::app::App;
use crate::error::of_store;
use bailiwick_domain::event::EventKind;
use bailiwick_domain::guard::{Hold, Reason};
use bailiwick_domain::ids::{IntegrationId, prefixed_id};
use bailiwick_store::change::{EntryWrite, HeldState, NewEvent};
use bailiwick_store::query::EntryQuery;
use bailiwick_store::{ChangeSet, Guard, Write};
use serde_json::{Value, json};

/// People who are to wait.
#[derive(Clone, Copy, Debug)]
pub(super) struct Batch<'a> {
    /// Whose removals.
    pub(super) integration: IntegrationId,
    /// Rows of the people.
    pub(super) persons: &'a [i64],
    /// The person, if it is one.
    pub(super) person: Option<&'a str>,
    /// Why.
    pub(super) reasons: &'a [Reason],
    /// The call that brings it.
    pub(super) request: &'a str,
    /// Who called.
    pub(super) actor: &'a str,
}

/// Adds to the set what puts the people into the hold, and answers its id.
pub(super) async fn put(app: &App, set: &mut ChangeSet, batch: Batch<'_>) -> Result<String, Refusal> {
    let key = holds_key(batch.integration);
    // Before the hold is read: it cannot be decided or opened in between.
    let version = app.store().guard(&key).await.map_err(of_store)?;
    let known = open(app, batch.integration).await?;
    let opens = known.is_none();
    let mut hold =
        known.unwrap_or_else(|| Hold::new(prefixed_id("hld_", app.random()), batch.integration, app.clock().now()));
    hold.add(batch.request, batch.persons.len() as u64, batch.reasons);
    set.guards.push(Guard::Key { key, version, bump: true });
    set.writes.push(Write::Hold { persons: batch.persons.to_vec(), hold: hold.id.clone(), state: HeldState::Waiting });
    set.writes.push(entry(&hold, OPEN));
    let reasons: Vec<String> = batch.reasons.iter().map(ToString::to_string).collect();
    set.events.push(NewEvent {
        kind: if opens { EventKind::HoldOpen } else { EventKind::HoldAdd },
        integration: Some(batch.integration),
        request: batch.request.to_owned(),
        resource: None,
        person: batch.person.map(str::to_owned),
        actor: batch.actor.to_owned(),
        call: None,
        payload: json!({ "hold": hold.id, "people": batch.persons.len(), "reasons": reasons }),
        salt: app.random(),
    });
    Ok(hold.id)
}

/// The open hold of an integration.
pub(super) async fn open(app: &App, integration: IntegrationId) -> Result<Option<Hold>, Refusal> {
    let query = EntryQuery {
        collection: HOLDS.to_owned(),
        state: Some(OPEN.to_owned()),
        parent: Some(integration.printed()),
        limit: 1,
        ..EntryQuery::default()
    };
    let entries = app.store().entries(query).await.map_err(of_store)?;
    Ok(entries.into_iter().next().and_then(|entry| serde_json::from_str(&entry.doc).ok()))
}

/// The hold as it is kept.
pub(super) fn entry(hold: &Hold, state: &str) -> Write {
    Write::PutEntry(EntryWrite {
        collection: HOLDS.to_owned(),
        id: hold.id.clone(),
        parent: Some(hold.integration.printed()),
        state: Some(state.to_owned()),
        due: None,
        // Plain structs always serialise.
        doc: serde_json::to_value(hold).unwrap_or(Value::Null).to_string(),
    })
}
