//! Changing a team or an entity.

use super::draft::{Author, columns};
use super::standards::check_version;
use super::{
    ATTEMPTS, Invalid, Item, at, commit, document, event, gave_up, guard, kind_of, place, read, require_edit,
    standards, told, whose,
};
use crate::Refusal;
use crate::access::Principal;
use crate::app::App;
use crate::error::of_store;
use crate::mapping;
use bailiwick_domain::catalog::{Entity, history, merge_patch};
use bailiwick_domain::event::EventKind;
use bailiwick_scim::Object;
use bailiwick_store::change::ItemUpdate;
use bailiwick_store::rows::ItemRow;
use bailiwick_store::{ChangeSet, Error, Guard, Write};
use serde_json::json;

/// Changes an item by a JSON merge patch (RFC 7396) of its document: `null` takes a key away. `expected` is the version
/// it must have.
///
/// # Errors
/// As [`super::create_item`], an item that is gone, or another version than the one expected.
pub async fn change_item(
    app: &App,
    principal: &Principal,
    id: &str,
    patch: &Object,
    author: Author,
    expected: Option<i64>,
) -> Result<Item, Invalid> {
    let make = |before: &Object| {
        let mut after = before.clone();
        merge_patch(&mut after, patch);
        after
    };
    write(app, principal, id, make, author, expected).await
}

/// Gives an item another document. Names it had lead to it still.
///
/// # Errors
/// As [`change_item`].
pub async fn replace_item(
    app: &App,
    principal: &Principal,
    id: &str,
    document: &Object,
    author: Author,
    expected: Option<i64>,
) -> Result<Item, Invalid> {
    write(app, principal, id, |_| document.clone(), author, expected).await
}

async fn write(
    app: &App,
    principal: &Principal,
    id: &str,
    make: impl Fn(&Object) -> Object,
    author: Author,
    expected: Option<i64>,
) -> Result<Item, Invalid> {
    let standards = standards(app).await?;
    for _ in 0..ATTEMPTS {
        let row = row(app, id).await?;
        require_edit(app, principal, &row).await?;
        check_version(row.version, expected)?;
        let old = document(&row)?;
        let before = Entity::from_document(&old).map_err(|faults| broken(&row, &faults))?;
        let mut entity = Entity::from_document(&make(&old))?;
        if *entity.kind() != kind_of(&row) {
            return Err(at("/kind", "what something is cannot be changed: make another and delete this one"));
        }
        standards.check(&mut entity, Some(&before), author)?;
        let new = entity.to_document();
        let changes = history::differences(&old, &new);
        if changes.is_empty() {
            return Ok(read::shown(app, row).await?);
        }
        let mut guards = vec![Guard::Item { seq: row.seq, version: row.version }];
        guards.extend(place::check(app, Some(&row), Some(&before), &entity).await?);
        let renamed = before.reference != entity.reference || before.aliases != entity.aliases;
        let mut marks = Vec::new();
        if renamed && entity.kind().is_team() {
            whose::require_names(app, principal, &entity).await?;
            guards.push(guard(app, "rules", true).await?);
            marks.extend(mapping::new_team_name(app).await?);
        }
        let columns = columns(app, &entity, Some((&row, &before)), author, &[]).await?;
        let payload = json!({"reference": entity.reference.to_string(), "title": entity.shown(), "changes": changes,
            "source": entity.source.as_ref().map(|source| &source.id)});
        let kind = told(entity.kind(), EventKind::TeamChange, EventKind::EntityChange);
        let set = ChangeSet {
            at: app.clock().now(),
            guards,
            writes: std::iter::once(Write::UpdateItem(ItemUpdate { seq: row.seq, columns })).chain(marks).collect(),
            events: vec![event(app, principal, kind, &row.id, payload)],
        };
        if commit(app, set).await?.is_some() {
            return Ok(read::by_id(app, id).await?);
        }
    }
    Err(gave_up().into())
}

/// The row of an id that was found before.
pub(super) async fn row(app: &App, id: &str) -> Result<ItemRow, Refusal> {
    let row = app.store().item(id).await.map_err(of_store)?;
    row.ok_or_else(|| super::missing("This item was deleted meanwhile."))
}

fn broken(row: &ItemRow, faults: &[bailiwick_domain::catalog::Fault]) -> Refusal {
    of_store(Error::Broken(format!("the document of {}: {faults:?}", row.id)))
}
