//! Deleting a User or Group.

use super::commit::{ATTEMPTS, Turn, commit, counted, gave_up, refresh};
use super::{change, draft, person, read};
use crate::Refusal;
use crate::app::App;
use crate::call::Call;
use bailiwick_domain::event::EventKind;
use bailiwick_domain::ids::Kind;
use bailiwick_domain::person::State;
use bailiwick_scim::etag::Precondition;
use bailiwick_store::{ChangeSet, Guard, Write};
use serde_json::{Value, json};

/// Deletes a resource with its memberships. A person who loses the last User is closed.
///
/// # Errors
/// `not-found`, `precondition-failed`, `last-admin`, or when the store cannot answer.
pub async fn delete_resource(
    app: &App,
    call: &mut Call,
    kind: Kind,
    id: &str,
    if_match: Option<&Precondition>,
) -> Result<(), Refusal> {
    call.resource = Some(id.to_owned());
    let mut turn = Turn::default();
    for _ in 0..ATTEMPTS {
        let row = read::row(app, call.caller.integration.id, kind, id, false).await?;
        change::check(app, &row, if_match)?;
        let document = read::document(&row)?;
        let name = document.get(if kind == Kind::User { "userName" } else { "displayName" }).and_then(Value::as_str);
        call.name = name.map(str::to_owned);
        call.stages.mark("read", app.clock());
        let mut set = ChangeSet { at: app.clock().now(), ..ChangeSet::default() };
        set.guards.push(Guard::Document { seq: row.seq, version: row.document_version });
        if if_match.is_some() {
            set.guards.extend(change::exact(&row));
        }
        let state = person::leave(app, call, &mut set, &row).await?;
        set.writes.push(Write::DeleteResource { seq: row.seq, kind });
        let changes = draft::differences(&document, &bailiwick_scim::Object::new());
        let mut record = call.record(app, EventKind::Delete, 204, changes);
        record.person = row.person.as_ref().map(|person| person.id.clone());
        // The record of the call is its first event.
        set.events.insert(0, record);
        if state == Some(State::Closed) {
            let person = row.person.as_ref().map(|person| person.id.clone());
            set.events.push(call.side_event(app, EventKind::PersonClose, person, json!({ "name": call.name })));
        }
        call.stages.mark("decide", app.clock());
        let counted = counted(&set);
        if commit(app, set).await?.is_some() {
            call.stages.mark("commit", app.clock());
            return Ok(());
        }
        turn.take(app, id, counted.as_deref()).await;
        refresh(app, call).await?;
    }
    Err(gave_up())
}
