//! Creating a team or an entity.

use super::draft::{Author, columns};
use super::find::{ENTITY_ID, TEAM_ID};
use super::{ATTEMPTS, Invalid, Item, commit, event, gave_up, guard, place, read, standards, told, whose};
use crate::access::Principal;
use crate::app::App;
use crate::mapping;
use bailiwick_domain::catalog::Entity;
use bailiwick_domain::event::EventKind;
use bailiwick_domain::ids;
use bailiwick_scim::Object;
use bailiwick_store::change::NewItem;
use bailiwick_store::{ChangeSet, Write};
use serde_json::json;

/// Creates an item from its document.
///
/// # Errors
/// A document with faults, a taken name or alias, a place that is none, what the policy does not permit, or when the
/// store cannot answer.
pub async fn create_item(app: &App, principal: &Principal, document: &Object, author: Author) -> Result<Item, Invalid> {
    let mut entity = Entity::from_document(document)?;
    standards(app).await?.check(&mut entity, None, author)?;
    for _ in 0..ATTEMPTS {
        whose::require_create(app, principal, &entity).await?;
        let (mut guards, mut marks) = (Vec::new(), Vec::new());
        guards.extend(place::check(app, None, None, &entity).await?);
        if entity.kind().is_team() {
            whose::require_names(app, principal, &entity).await?;
            // Rules name teams: what they compile to depends on which there are.
            guards.push(guard(app, "rules", true).await?);
            marks.extend(mapping::new_team_name(app).await?);
        }
        let columns = columns(app, &entity, None, author, &[]).await?;
        let prefix = if entity.kind().is_team() { TEAM_ID } else { ENTITY_ID };
        let id = ids::prefixed_id(prefix, app.random());
        let payload = json!({"reference": entity.reference.to_string(), "title": entity.shown(),
            "after": entity.to_document(), "source": entity.source.as_ref().map(|source| &source.id)});
        let kind = told(entity.kind(), EventKind::TeamCreate, EventKind::EntityCreate);
        let set = ChangeSet {
            at: app.clock().now(),
            guards,
            writes: std::iter::once(Write::InsertItem(NewItem { id: id.clone(), columns })).chain(marks).collect(),
            events: vec![event(app, principal, kind, &id, payload)],
        };
        if commit(app, set).await?.is_some() {
            return Ok(read::by_id(app, &id).await?);
        }
    }
    Err(gave_up().into())
}
