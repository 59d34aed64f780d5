//! Deleting a User or Group.

use super::commit::{ATTEMPTS, commit, gave_up};
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
    for _ in 0..ATTEMPTS {
        let row = read::row(app, call.caller.integration.id, kind, id, false).await?;
        change::check(app, &row, if_match)?;
        call.name = Some(row.display.clone());
        call.stages.mark("read", app.clock());
        let mut set = ChangeSet { at: app.clock().now(), ..ChangeSet::default() };
        set.guards.push(Guard::Resource { seq: row.seq, version: row.version });
        let state = person::leave(app, &mut set, &row).await?;
        set.writes.push(Write::DeleteResource { seq: row.seq });
        let changes = draft::differences(&read::document(&row)?, &bailiwick_scim::Object::new());
        let mut record = call.record(app, EventKind::Delete, 204, changes);
        record.person = row.person.as_ref().map(|person| person.id.clone());
        set.events.push(record);
        if state == Some(State::Closed) {
            let person = row.person.as_ref().map(|person| person.id.clone());
            set.events.push(call.side_event(
                app,
                EventKind::PersonClose,
                person,
                json!({ "name": Value::from(row.display) }),
            ));
        }
        call.stages.mark("decide", app.clock());
        if commit(app, set).await?.is_some() {
            call.stages.mark("commit", app.clock());
            return Ok(());
        }
    }
    Err(gave_up())
}
