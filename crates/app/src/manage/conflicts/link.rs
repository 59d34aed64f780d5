//! One human: the User joins the person, and what the person it leaves had by hand comes along.

use super::Decision;
use crate::Refusal;
use crate::access::{Principal, admins};
use crate::app::App;
use crate::catalog::{self, Successor};
use crate::error::of_store;
use crate::leaver::{self, Cause};
use crate::manage::{ATTEMPTS, commit_guarded, invalid};
use bailiwick_domain::event::EventKind;
use bailiwick_domain::ids::Kind;
use bailiwick_domain::mapping::{GrantKind, Origin};
use bailiwick_domain::person::{State, UserView, state_of};
use bailiwick_domain::policy::ADMIN;
use bailiwick_store::change::{Dirty, GrantsWrite, NewGrant, PersonFacts, PersonKey, PersonUpdate};
use bailiwick_store::query::ItemQuery;
use bailiwick_store::rows::{GrantRow, PersonRow, ResourceRow};
use bailiwick_store::{ChangeSet, Error, Guard, Write};
use serde_json::{Value, json};

/// Most entities whose owner changes with a link.
const OWNED: u32 = 1_000;

/// Declares the pair one human. A User that was stored moves to the person and contributes its groups; a User that was
/// refused will be taken when the identity provider sends it again. The person the User leaves is closed; teams, roles
/// and ownership that it had by hand are the other's afterwards.
///
/// # Errors
/// `forbidden`, an unknown or decided pair, a person that is closed, a User whose present person has other identities,
/// or when the store cannot answer.
pub async fn link_conflict(app: &App, principal: &Principal, id: &str, note: Option<&str>) -> Result<(), Refusal> {
    let decision = Decision::new(app, principal, id, note).await?;
    for _ in 0..ATTEMPTS {
        let (mut set, conflict) = decision.begin().await?;
        let person = app.store().person_by_id(&conflict.person).await.map_err(of_store)?;
        let person = person.filter(|person| person.state != State::Closed);
        let Some(person) = person else { return Err(invalid("The person of this pair is closed.")) };
        set.guards.push(Guard::Person { seq: person.seq, epoch: person.epoch });
        let mut did = json!({});
        if let Some(resource) = &conflict.resource {
            let user =
                app.store().resource(conflict.integration, Kind::User, resource, false).await.map_err(of_store)?;
            let Some(user) = user else { return Err(invalid("The User of this pair was deleted meanwhile.")) };
            did = move_user(app, principal, &mut set, &user, &person).await?;
        }
        decision.end(&mut set, &conflict, EventKind::ConflictLink, "linked", did);
        if commit_guarded(app, set).await?.is_some() {
            return Ok(());
        }
    }
    Err(of_store(Error::Stale))
}

/// Moves a User to the person, and tells what that does.
async fn move_user(
    app: &App,
    principal: &Principal,
    set: &mut ChangeSet,
    user: &ResourceRow,
    to: &PersonRow,
) -> Result<Value, Refusal> {
    if user.person.as_ref().is_some_and(|person| person.seq == to.seq) {
        return Ok(json!({}));
    }
    set.guards.push(Guard::Resource { seq: user.seq, version: user.version });
    set.writes.push(Write::SetResourcePerson { seq: user.seq, person: to.seq });
    set.writes.push(Write::MarkDirty(Dirty::Persons(vec![to.seq])));
    let state = join(app, set, user, to).await?;
    let mut did = json!({ "user": user.id, "state": state.as_str() });
    if let Some(from) = &user.person {
        let from = present(app, user, from.seq).await?;
        set.guards.push(Guard::Person { seq: from.seq, epoch: from.epoch });
        did["closed"] = Value::from(from.id.as_str());
        let grants = carry_grants(app, set, &from, to).await?;
        did["carried"] = grants.iter().map(told).collect();
        did["owned"] = Value::from(carry_ownership(app, principal, set, &from, to).await?);
        carry_flags(set, &from, to);
        guard_admins(app, set, Some(&from), to, state).await?;
        close(set, from);
    } else {
        guard_admins(app, set, None, to, state).await?;
    }
    Ok(did)
}

/// The person the User belongs to so far: nothing else may be left of it.
pub(super) async fn present(app: &App, user: &ResourceRow, from: i64) -> Result<PersonRow, Refusal> {
    let others = app.store().person_users(from).await.map_err(of_store)?;
    let row = app.store().person(from).await.map_err(of_store)?;
    let alone = others.iter().all(|other| other.seq == user.seq);
    row.filter(|row| alone && !row.account)
        .ok_or_else(|| invalid("The User's present person has other identities. Keep the pair, or link those first."))
}

/// What one more User means for the person's state. A person whom nobody provisions so far follows the User from now on.
async fn join(app: &App, set: &mut ChangeSet, user: &ResourceRow, person: &PersonRow) -> Result<State, Refusal> {
    let users = app.store().person_users(person.seq).await.map_err(of_store)?;
    if users.is_empty() && !person.account {
        let state = state_of(&[UserView { authority: true, active: user.active }], false);
        let facts = crate::directory::facts_from(user, state)?;
        leaver::leave(app, set, person, state, &Cause::by(app, &app.request_id(), app.actor())).await?;
        let authority = Some(Some(user.seq));
        set.writes.push(Write::UpdatePerson(PersonUpdate { seq: person.seq, facts, authority }));
        return Ok(state);
    }
    let known = users.iter().filter(|other| other.seq != user.seq);
    let mut views: Vec<UserView> =
        known.map(|other| UserView { authority: other.authority, active: other.active }).collect();
    views.push(UserView { authority: false, active: user.active });
    let state = state_of(&views, person.account);
    if state != person.state {
        let facts = PersonFacts { state, ..crate::directory::facts_of(person) };
        leaver::leave(app, set, person, state, &Cause::by(app, &app.request_id(), app.actor())).await?;
        set.writes.push(Write::UpdatePerson(PersonUpdate { seq: person.seq, facts, authority: None }));
    }
    Ok(state)
}

/// What the person had that no rule and no group gave: it was meant for the human. What rules and groups give follows
/// the User and is evaluated anew.
pub(super) async fn by_hand(app: &App, from: i64) -> Result<Vec<GrantRow>, Refusal> {
    let grants = app.store().grants_of(from, true).await.map_err(of_store)?;
    Ok(grants.into_iter().filter(|grant| !Origin::is_derived(&grant.origin)).collect())
}

async fn carry_grants(
    app: &App,
    set: &mut ChangeSet,
    from: &PersonRow,
    to: &PersonRow,
) -> Result<Vec<GrantRow>, Refusal> {
    let grants = by_hand(app, from.seq).await?;
    if !grants.is_empty() {
        let open = grants.iter().map(|grant| NewGrant {
            kind: grant.kind,
            object: grant.object.clone(),
            value: grant.value.clone(),
            origin: grant.origin.clone(),
            path: grant.path.clone(),
        });
        set.writes.push(Write::Grants(GrantsWrite {
            person: PersonKey::Seq(to.seq),
            open: open.collect(),
            close: Vec::new(),
            settled: None,
        }));
    }
    Ok(grants)
}

pub(super) fn told(grant: &GrantRow) -> Value {
    json!({ "kind": grant.kind.as_str(), "object": grant.object, "value": grant.value })
}

/// Entities that the person owns by name are the other's: in their documents, so that no later edit or import that
/// leaves the owner alone brings back who is closed.
async fn carry_ownership(
    app: &App,
    principal: &Principal,
    set: &mut ChangeSet,
    from: &PersonRow,
    to: &PersonRow,
) -> Result<usize, Refusal> {
    let query = ItemQuery { owner_person: Some(from.seq), limit: OWNED, ..ItemQuery::default() };
    let owned = app.store().items(query).await.map_err(of_store)?;
    if owned.next.is_some() {
        let detail = format!("The User's present person owns more than {OWNED} entities. Hand them over first.");
        return Err(invalid(detail));
    }
    let reason = format!("{} and {} are one person: the pair was linked.", from.id, to.id);
    let successor = Successor::Person(Box::new(to.clone()));
    for item in &owned.rows {
        catalog::give(app, principal, set, item, &successor, &reason).await?;
    }
    Ok(owned.rows.len())
}

/// The last active admin does not go by a link: who is closed, or is switched off by the User that joins them, ends as
/// one. The role by hand comes along; what rules give is evaluated later and counts for nobody yet.
async fn guard_admins(
    app: &App,
    set: &mut ChangeSet,
    from: Option<&PersonRow>,
    to: &PersonRow,
    state: State,
) -> Result<(), Refusal> {
    let mut leaving = Vec::new();
    let concerned = match from {
        Some(from) => admins::is_one(app, from).await?,
        None => false,
    };
    let already = admins::is_one(app, to).await?;
    if already && to.state == State::Active && state != State::Active {
        leaving.push(to.seq);
    }
    if let Some(from) = from.filter(|from| concerned && from.state == State::Active) {
        let by_hand = from.admin || by_hand(app, from.seq).await?.iter().any(is_admin);
        if state != State::Active || !(already || by_hand) {
            leaving.push(from.seq);
        }
    }
    if !leaving.is_empty() {
        set.guards.push(admins::without_all(app, &leaving).await?);
    } else if concerned {
        set.guards.push(crate::directory::admins_guard(app).await?);
    }
    Ok(())
}

fn is_admin(grant: &GrantRow) -> bool {
    grant.kind == GrantKind::Role && grant.object == ADMIN
}

/// The admin role by hand, and that somebody signs in by themselves, belong to the human.
fn carry_flags(set: &mut ChangeSet, from: &PersonRow, to: &PersonRow) {
    if from.admin || from.local {
        let (local, admin) = ((from.local && !to.local).then_some(true), (from.admin && !to.admin).then_some(true));
        set.writes.push(Write::SetPerson { person: to.seq, local, admin });
    }
}

fn close(set: &mut ChangeSet, from: PersonRow) {
    let facts = PersonFacts {
        state: State::Closed,
        display: from.display,
        email: None,
        email_key: None,
        user_name: None,
        user_name_key: None,
    };
    set.writes.push(Write::UpdatePerson(PersonUpdate { seq: from.seq, facts, authority: Some(None) }));
}
