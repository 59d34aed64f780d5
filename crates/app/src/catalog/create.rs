//! Creating a team or an entity.

use super::draft::{Author, columns};
use super::find::{ENTITY_ID, TEAM_ID, by_reference};
use super::{
    ATTEMPTS, Invalid, Item, commit, edit_action, event, gave_up, guard, owners, place, read, standards, told,
};
use crate::Refusal;
use crate::access::{self, Principal};
use crate::app::App;
use crate::mapping;
use bailiwick_domain::catalog::{Entity, Owner, schema};
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
        require_create(app, principal, &entity).await?;
        let (mut guards, mut marks) = (Vec::new(), Vec::new());
        guards.extend(place::check(app, None, None, &entity).await?);
        if entity.kind().is_team() {
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

/// Who makes an item must be allowed to edit what it will be: of their own teams, or of nobody. A team below one's own
/// is one's own.
async fn require_create(app: &App, principal: &Principal, entity: &Entity) -> Result<(), Refusal> {
    let (mut owner, mut owner_person) = (None, None);
    if entity.kind().is_team() {
        if let Some(parent) = &entity.parent {
            owner = by_reference(app, parent).await?.map(|row| row.seq);
        }
    } else if let Some(Owner::Team(team)) = &entity.owner {
        owner = by_reference(app, team).await?.map(|row| row.seq);
    } else if let Some(Owner::Person(person)) = &entity.owner {
        if let super::find::Found::One(row) = super::find::person(app, person).await? {
            owner_person = Some(row.seq);
        }
    } else if let Some(above) = entity.above()
        && let Some(row) = by_reference(app, above).await?
        && let Some(inherited) = owners::effective(app, &row).await?
    {
        owner = inherited.team();
        owner_person = inherited.person();
    }
    let document = schema::searched(&entity.to_document(), "", None);
    let object =
        access::Object::Item { seq: 0, kind: entity.kind().as_str(), owner, owner_person, document: Some(&document) };
    access::require(app, principal, edit_action(entity.kind()), &object).await
}
