//! Deleting a team or an entity.

use super::standards::check_version;
use super::{ATTEMPTS, change, commit, document, event, gave_up, guard, kind_of, require_edit, told};
use crate::Refusal;
use crate::access::Principal;
use crate::app::App;
use bailiwick_domain::event::EventKind;
use bailiwick_store::{ChangeSet, Guard, Write};
use serde_json::{Value, json};

/// Deletes an item. Its names are free again; whoever pointed to it keeps the reference and shows it as missing, and a
/// team that takes the name takes them, which takes the right to edit them; memberships of a team are closed. `expected` is the version it must have.
///
/// # Errors
/// An item that is gone, another version than the one expected, what the policy does not permit, or when the store
/// cannot answer.
pub async fn delete_item(app: &App, principal: &Principal, id: &str, expected: Option<i64>) -> Result<(), Refusal> {
    for _ in 0..ATTEMPTS {
        let row = change::row(app, id).await?;
        require_edit(app, principal, &row).await?;
        check_version(row.version, expected)?;
        let kind = kind_of(&row);
        let mut guards = vec![Guard::Item { seq: row.seq, version: row.version }];
        if kind.is_team() {
            guards.push(guard(app, "teams", true).await?);
            guards.push(guard(app, "rules", true).await?);
        }
        let payload = json!({"reference": format!("{}:{}/{}", row.kind, row.namespace, row.name_key),
            "title": row.title, "before": Value::Object(document(&row)?), "source": row.source});
        let told = told(&kind, EventKind::TeamDelete, EventKind::EntityDelete);
        let set = ChangeSet {
            at: app.clock().now(),
            guards,
            writes: vec![Write::DeleteItem { seq: row.seq }],
            events: vec![event(app, principal, told, &row.id, payload)],
        };
        if commit(app, set).await?.is_some() {
            return Ok(());
        }
    }
    Err(gave_up())
}
