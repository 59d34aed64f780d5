//! The conflict queue: pairs of a User and a Person that may be one human. Nobody is adopted silently.

use super::{ATTEMPTS, commit_guarded, event, invalid, missing};
use crate::Refusal;
use crate::app::App;
use crate::error::of_store;
use bailiwick_domain::event::EventKind;
use bailiwick_domain::ids::Kind;
use bailiwick_domain::person::{State, UserView, state_of};
use bailiwick_store::change::{PersonFacts, PersonUpdate};
use bailiwick_store::rows::{ConflictRow, PersonRow, ResourceRow};
use bailiwick_store::{ChangeSet, Error, Guard, Write};
use serde_json::json;

/// The key of the guard that decisions about pairs compare and bump.
const QUEUE: &str = "conflicts";

/// The pairs in that state (`open`, `linked`, `kept`), or all.
///
/// # Errors
/// When the store cannot answer.
pub async fn list_conflicts(app: &App, state: Option<&str>) -> Result<Vec<ConflictRow>, Refusal> {
    app.store().conflicts(state).await.map_err(of_store)
}

/// Declares the pair two humans.
///
/// # Errors
/// An unknown or decided pair, or when the store cannot answer.
pub async fn keep_conflict(app: &App, id: &str) -> Result<(), Refusal> {
    for _ in 0..ATTEMPTS {
        let guard = queue_guard(app).await?;
        let conflict = open(app, id).await?;
        let set = ChangeSet {
            at: app.clock().now(),
            guards: vec![guard],
            events: vec![decided(app, EventKind::ConflictKeep, &conflict)],
            writes: vec![Write::SetConflict { id: conflict.id, state: "kept".to_owned() }],
        };
        if commit_guarded(app, set).await?.is_some() {
            return Ok(());
        }
    }
    Err(of_store(Error::Stale))
}

/// Declares the pair one human. A User that was stored moves to the person and contributes its groups; a User that was
/// refused will be taken when the identity provider sends it again.
///
/// # Errors
/// An unknown or decided pair, a person that is closed, or when the store cannot answer.
pub async fn link_conflict(app: &App, id: &str) -> Result<(), Refusal> {
    for _ in 0..ATTEMPTS {
        let guard = queue_guard(app).await?;
        let conflict = open(app, id).await?;
        let person = app.store().person_by_id(&conflict.person).await.map_err(of_store)?;
        let person = person.filter(|person| person.state != State::Closed);
        let Some(person) = person else { return Err(invalid("The person of this pair is closed.")) };
        let mut set = ChangeSet { at: app.clock().now(), ..ChangeSet::default() };
        set.guards.push(guard);
        set.guards.push(Guard::Person { seq: person.seq, epoch: person.epoch });
        if let Some(resource) = &conflict.resource {
            let user =
                app.store().resource(conflict.integration, Kind::User, resource, false).await.map_err(of_store)?;
            let Some(user) = user else { return Err(invalid("The User of this pair was deleted meanwhile.")) };
            move_user(app, &mut set, &user, &person).await?;
            join(app, &mut set, &user, &person).await?;
        }
        set.writes.push(Write::SetConflict { id: conflict.id.clone(), state: "linked".to_owned() });
        set.events.push(decided(app, EventKind::ConflictLink, &conflict));
        if commit_guarded(app, set).await?.is_some() {
            return Ok(());
        }
    }
    Err(of_store(Error::Stale))
}

/// What one more User means for the person's state.
async fn join(app: &App, set: &mut ChangeSet, user: &ResourceRow, person: &PersonRow) -> Result<(), Refusal> {
    let users = app.store().person_users(person.seq).await.map_err(of_store)?;
    let known = users.iter().filter(|other| other.seq != user.seq);
    let mut views: Vec<UserView> =
        known.map(|other| UserView { authority: other.authority, active: other.active }).collect();
    views.push(UserView { authority: false, active: user.active });
    let state = state_of(&views, person.account);
    if state != person.state {
        let facts = PersonFacts { state, ..crate::directory::facts_of(person) };
        set.writes.push(Write::UpdatePerson(PersonUpdate { seq: person.seq, facts, authority: None }));
    }
    Ok(())
}

/// Holds as long as nobody decided a pair: of two decisions about one pair the second finds it decided.
async fn queue_guard(app: &App) -> Result<Guard, Refusal> {
    let version = app.store().guard(QUEUE).await.map_err(of_store)?;
    Ok(Guard::Key { key: QUEUE.to_owned(), version, bump: true })
}

/// Moves a User to the person. The person it leaves is closed when nothing else is left of it.
async fn move_user(app: &App, set: &mut ChangeSet, user: &ResourceRow, to: &PersonRow) -> Result<(), Refusal> {
    let Some(from) = &user.person else { return Ok(()) };
    if from.seq == to.seq {
        return Ok(());
    }
    set.guards.push(Guard::Resource { seq: user.seq, version: user.version });
    set.guards.push(Guard::Person { seq: from.seq, epoch: from.epoch });
    set.writes.push(Write::SetResourcePerson { seq: user.seq, person: to.seq });
    let others = app.store().person_users(from.seq).await.map_err(of_store)?;
    let row = app.store().person(from.seq).await.map_err(of_store)?;
    let alone = others.iter().all(|other| other.seq == user.seq);
    let Some(row) = row.filter(|row| alone && !row.account) else {
        return Err(invalid("The User's present person has other identities. Keep the pair, or link those first."));
    };
    let facts = PersonFacts {
        state: State::Closed,
        display: row.display,
        email: None,
        email_key: None,
        user_name: None,
        user_name_key: None,
    };
    set.writes.push(Write::UpdatePerson(PersonUpdate { seq: from.seq, facts, authority: Some(None) }));
    Ok(())
}

async fn open(app: &App, id: &str) -> Result<ConflictRow, Refusal> {
    let conflict = app.store().conflict(id).await.map_err(of_store)?;
    match conflict {
        Some(conflict) if conflict.state == "open" => Ok(conflict),
        Some(conflict) => Err(invalid(format!("This pair was decided already: {}.", conflict.state))),
        None => Err(missing(format!("There is no pair with the id \"{id}\". See: bailiwick conflict list"))),
    }
}

fn decided(app: &App, kind: EventKind, conflict: &ConflictRow) -> bailiwick_store::NewEvent {
    let payload = json!({ "conflict": conflict.id, "name": conflict.user_name, "why": conflict.why });
    let mut event = event(app, kind, Some(conflict.integration), Some(conflict.person.clone()), payload);
    event.resource.clone_from(&conflict.resource);
    event
}
