//! Giving what somebody left behind to somebody else, as a part of the commit that decides it.

use super::draft::{Author, columns};
use super::{document, event, told};
use crate::Refusal;
use crate::access::Principal;
use crate::app::App;
use crate::error::of_store;
use bailiwick_domain::catalog::{Entity, Owner, Reference, history};
use bailiwick_domain::event::EventKind;
use bailiwick_domain::mapping::{GrantKind, Origin, Step, StepKind};
use bailiwick_store::change::{GrantsWrite, ItemUpdate, NewGrant, PersonKey};
use bailiwick_store::rows::{ItemRow, PersonRow};
use bailiwick_store::{ChangeSet, Error, Guard, Write};
use serde_json::json;

/// Who takes an item on.
#[derive(Debug)]
pub(crate) enum Successor {
    /// A team.
    Team(Box<ItemRow>),
    /// A person.
    Person(Box<PersonRow>),
}

/// Puts into the set that an entity has another owner; its history says for what reason. Whoever decides the hand-over was
/// asked for that alone.
pub(crate) async fn give(
    app: &App,
    principal: &Principal,
    set: &mut ChangeSet,
    row: &ItemRow,
    to: &Successor,
    reason: &str,
) -> Result<(), Refusal> {
    let old = document(row)?;
    let broken = |_| of_store(Error::Broken(format!("the document of {} cannot be read", row.id)));
    let before = Entity::from_document(&old).map_err(broken)?;
    let owner = match to {
        Successor::Team(team) => {
            let name = format!("team:{}/{}", team.namespace, team.name);
            let reference = Reference::parse(&name, &bailiwick_domain::catalog::Kind::Team);
            Owner::Team(reference.map_err(|reason| of_store(Error::Broken(reason)))?)
        }
        Successor::Person(person) => {
            let guarded = |guard: &Guard| matches!(guard, Guard::Person { seq, .. } if *seq == person.seq);
            if !set.guards.iter().any(guarded) {
                set.guards.push(Guard::Person { seq: person.seq, epoch: person.epoch });
            }
            Owner::Person(person.id.clone())
        }
    };
    let entity = Entity { owner: Some(owner), ..before.clone() };
    let columns = columns(app, &entity, Some((row, &before)), Author::Hand, &[]).await?;
    let payload = json!({
        "reference": entity.reference.to_string(),
        "title": entity.shown(),
        "changes": history::differences(&old, &entity.to_document()),
        "reason": reason,
    });
    set.guards.push(Guard::Item { seq: row.seq, version: row.version });
    set.writes.push(Write::UpdateItem(ItemUpdate { seq: row.seq, columns }));
    let kind = told(entity.kind(), EventKind::TeamChange, EventKind::EntityChange);
    set.events.push(event(app, principal, kind, &row.id, payload));
    Ok(())
}

/// Puts into the set that a person belongs to a team by hand, in this role.
pub(crate) fn join(
    app: &App,
    principal: &Principal,
    set: &mut ChangeSet,
    team: &ItemRow,
    person: &PersonRow,
    role: &str,
) {
    let name = principal.person.as_ref().map_or_else(|| principal.id.clone(), |person| person.display.clone());
    let path = [Step { kind: StepKind::Hand, id: principal.actor().to_owned(), name }];
    let grant = NewGrant {
        kind: GrantKind::Team,
        object: team.id.clone(),
        value: role.to_owned(),
        origin: Origin::Hand.to_string(),
        path: bailiwick_domain::mapping::grant::path_text(&path),
    };
    set.guards.push(Guard::Person { seq: person.seq, epoch: person.epoch });
    set.guards.push(Guard::Item { seq: team.seq, version: team.version });
    let person_key = PersonKey::Seq(person.seq);
    set.writes.push(Write::Grants(GrantsWrite {
        person: person_key,
        open: vec![grant],
        close: Vec::new(),
        settled: None,
    }));
    let payload = json!({ "team": team.id, "title": team.title, "role": role });
    let mut event = event(app, principal, EventKind::MemberAdd, &team.id, payload);
    event.person = Some(person.id.clone());
    set.events.push(event);
}
