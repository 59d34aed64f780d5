//! What a User means for the person behind it.

use crate::Refusal;
use crate::access::admins;
use crate::app::App;
use crate::call::Call;
use crate::error::of_store;
use crate::holds::{self, Held};
use bailiwick_domain::names;
use bailiwick_domain::person::{Facts, State, UserView, state_after_delete, state_of};
use bailiwick_store::change::{PersonFacts, PersonUpdate};
use bailiwick_store::rows::{PersonRef, PersonRow, ResourceRow};
use bailiwick_store::{ChangeSet, Guard};

/// The key of the guard that whatever could remove an active admin compares and bumps.
const ADMINS: &str = "admins";

/// What is known of a person from its authority User.
pub(super) fn facts(user: &Facts, state: State) -> PersonFacts {
    PersonFacts {
        state,
        display: user.display_name.clone(),
        email: user.email.clone(),
        email_key: user.email.as_deref().map(names::email_key),
        user_name: user.user_name.clone(),
        user_name_key: user.user_name.as_deref().map(bailiwick_scim::text::unique_key),
    }
}

/// What is known of a person already.
pub(super) fn known(person: &PersonRow, state: State) -> PersonFacts {
    PersonFacts {
        state,
        display: person.display.clone(),
        email: person.email.clone(),
        email_key: person.email.as_deref().map(names::email_key),
        user_name: person.user_name.clone(),
        user_name_key: person.user_name_key.clone(),
    }
}

/// Adds to the set what a changed User means for its person: new facts, and a new state when `active` changed. What the
/// removal guard holds waits; how the person is held is answered, if it was asked.
pub(super) async fn follow(
    app: &App,
    call: &Call,
    set: &mut ChangeSet,
    row: &ResourceRow,
    before: &Facts,
    after: &Facts,
) -> Result<Option<Held>, Refusal> {
    let Some(person) = &row.person else { return Ok(None) };
    let decides = person.authority;
    if before == after || (!decides && before.active == after.active) {
        return Ok(None);
    }
    let held = holds::held(app, person).await?;
    // Who was pinned against an earlier word is looked at anew as a whole.
    let state = if before.active == after.active && !matches!(held, Held::Pinned) {
        held.state(person.state)
    } else {
        state_with(app, set, row.seq, person, after.active).await?
    };
    // Also where nothing follows: what follows depends on the person's other Users, and they may change at this moment.
    set.guards.push(Guard::Person { seq: person.seq, epoch: person.epoch });
    if !decides && state == held.state(person.state) {
        return Ok(Some(held));
    }
    let facts = if decides { facts(after, state) } else { known(&read(app, person).await?, state) };
    let update = PersonUpdate { seq: person.seq, facts, authority: None };
    let done = holds::consequence(app, call, set, row, &held, update).await?;
    Ok(Some(if done || held.waits() { held } else { Held::Waiting { hold: String::new(), state: Some(state) } }))
}

/// The state of the person when this User becomes active or inactive; refuses the end of the last admin.
async fn state_with(
    app: &App,
    set: &mut ChangeSet,
    user: i64,
    person: &PersonRef,
    active: bool,
) -> Result<State, Refusal> {
    // The authority decides alone: who is switched on needs no further look.
    if person.authority && active {
        return Ok(State::Active);
    }
    let users = app.store().person_users(person.seq).await.map_err(of_store)?;
    let views: Vec<UserView> = users
        .iter()
        .map(|other| UserView {
            authority: other.authority,
            active: if other.seq == user { active } else { other.active },
        })
        .collect();
    let row = read(app, person).await?;
    let state = state_of(&views, row.account);
    guard_admins(app, set, &row, state).await?;
    Ok(state)
}

/// Adds to the set what the deletion of a User means for its person.
/// The new state is answered, unless it is held.
pub(super) async fn leave(
    app: &App,
    call: &Call,
    set: &mut ChangeSet,
    user: &ResourceRow,
) -> Result<Option<State>, Refusal> {
    let Some(person) = &user.person else { return Ok(None) };
    let users = app.store().person_users(person.seq).await.map_err(of_store)?;
    let view =
        |other: &bailiwick_store::rows::UserOfPerson| UserView { authority: other.authority, active: other.active };
    let rest: Vec<UserView> = users.iter().filter(|other| other.seq != user.seq).map(view).collect();
    let row = read(app, person).await?;
    let deleted = UserView { authority: person.authority, active: user.active };
    let held = holds::held(app, person).await?;
    let state = state_after_delete(held.state(row.state), deleted, &rest, row.account);
    guard_admins(app, set, &row, state).await?;
    let facts = if state == State::Closed {
        PersonFacts { state, display: row.display, email: None, email_key: None, user_name: None, user_name_key: None }
    } else {
        known(&row, state)
    };
    let authority = person.authority.then_some(None);
    set.guards.push(Guard::Person { seq: person.seq, epoch: person.epoch });
    let update = PersonUpdate { seq: person.seq, facts, authority };
    let done = holds::consequence(app, call, set, user, &held, update).await?;
    Ok(done.then_some(state))
}

/// The last active admin cannot be removed by anything: whoever could do it compares and bumps one guard.
pub(crate) async fn guard_admins(
    app: &App,
    set: &mut ChangeSet,
    person: &PersonRow,
    state: State,
) -> Result<(), Refusal> {
    if person.state == State::Active && state != State::Active && admins::is_one(app, person).await? {
        set.guards.push(admins::without(app, person.seq).await?);
    }
    Ok(())
}

/// The guard of whatever could remove an active admin; read before the admins are counted.
pub(crate) async fn admins_guard(app: &App) -> Result<Guard, Refusal> {
    let version = app.store().guard(ADMINS).await.map_err(of_store)?;
    Ok(Guard::Key { key: ADMINS.to_owned(), version, bump: true })
}

pub(crate) async fn read(app: &App, person: &PersonRef) -> Result<PersonRow, Refusal> {
    let row = app.store().person(person.seq).await.map_err(of_store)?;
    row.ok_or_else(super::commit::gave_up)
}
