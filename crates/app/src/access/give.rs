//! Giving and taking roles by hand.
//!
//! Whether somebody is an admin by hand is one flag of the person; the grant written beside it tells since when and by
//! whom. All other roles are grants alone.

use super::admins;
use super::require;
use super::roles::{self, is_admin, within_own};
use crate::Refusal;
use crate::app::App;
use crate::error::of_store;
use crate::manage::{ATTEMPTS, commit_guarded, event, missing};
use bailiwick_domain::event::EventKind;
use bailiwick_domain::failure::{self, ProductCode};
use bailiwick_domain::mapping::grant::path_text;
use bailiwick_domain::mapping::{GrantKind, Step, StepKind};
use bailiwick_domain::person::State;
use bailiwick_domain::policy::{ADMIN, Action, Object, Principal, Role};
use bailiwick_store::change::{GrantsWrite, NewGrant, PersonKey};
use bailiwick_store::rows::{GrantRow, PersonRow};
use bailiwick_store::{ChangeSet, Error, Guard, Write};
use serde_json::json;

/// Origin of what was given by hand.
pub(super) const HAND: &str = "hand";

/// Gives a role by hand. The person becomes local: no integration takes them over. Giving what is held already changes
/// nothing.
///
/// # Errors
/// No permission, an unknown role or person, a role stronger than the giver's own, or when the store cannot answer.
pub async fn give_role(app: &App, principal: &Principal, person: &str, role: &str) -> Result<(), Refusal> {
    for _ in 0..ATTEMPTS {
        let row = person_row(app, person).await?;
        let (found, version) = allowed(app, principal, &row, role).await?;
        if row.state == State::Closed {
            return Err(missing(format!("{} ({}) left for good: a closed person holds nothing.", row.display, row.id)));
        }
        let grants = app.store().grants_of(row.seq, true).await.map_err(of_store)?;
        let by_hand = |grant: &GrantRow| is_role(grant, role) && grant.origin == HAND;
        let already = grants.iter().any(by_hand) && (role != ADMIN || row.admin);
        if already {
            return Ok(());
        }
        let mut guards = roles::hold(app, &found, version).await?;
        guards.push(Guard::Person { seq: row.seq, epoch: row.epoch });
        let payload = json!({ "role": role, "person": { "id": row.id, "display": row.display } });
        let set = ChangeSet {
            at: app.clock().now(),
            guards,
            writes: given(PersonKey::Seq(row.seq), row.seq, role, principal),
            events: vec![event(app, EventKind::RoleGive, None, Some(row.id.clone()), payload)],
        };
        if commit_guarded(app, set).await?.is_some() {
            return Ok(());
        }
    }
    Err(of_store(Error::Stale))
}

/// The grant of a role by hand.
pub(crate) fn grant(person: PersonKey, role: &str, principal: &Principal) -> Write {
    let by = Step {
        kind: StepKind::Hand,
        id: principal.actor().to_owned(),
        name: principal.person.as_ref().map_or_else(|| principal.actor().to_owned(), |person| person.display.clone()),
    };
    let open = NewGrant {
        kind: GrantKind::Role,
        object: role.to_owned(),
        value: String::new(),
        origin: HAND.to_owned(),
        path: path_text(&[by]),
    };
    Write::Grants(GrantsWrite { person, open: vec![open], close: Vec::new(), settled: None })
}

fn given(key: PersonKey, seq: i64, role: &str, principal: &Principal) -> Vec<Write> {
    let admin = (role == ADMIN).then_some(true);
    vec![grant(key, role, principal), Write::SetPerson { person: seq, local: Some(true), admin }]
}

/// Takes a role that was given by hand. Who holds no role by hand any more and does not sign in by themselves is local
/// no longer.
///
/// # Errors
/// No permission, an unknown person, a role that is not held or not by hand, the last active admin, or when the store
/// cannot answer.
pub async fn take_role(app: &App, principal: &Principal, person: &str, role: &str) -> Result<(), Refusal> {
    for _ in 0..ATTEMPTS {
        let row = person_row(app, person).await?;
        allowed(app, principal, &row, role).await?;
        let grants = app.store().grants_of(row.seq, true).await.map_err(of_store)?;
        let close: Vec<i64> =
            grants.iter().filter(|grant| is_role(grant, role) && grant.origin == HAND).map(|grant| grant.seq).collect();
        let flagged = role == ADMIN && row.admin;
        if close.is_empty() && !flagged {
            return Err(not_by_hand(&row, &grants, role));
        }
        let mut guards = vec![Guard::Person { seq: row.seq, epoch: row.epoch }];
        let elsewhere = grants.iter().any(|grant| is_role(grant, ADMIN) && grant.origin != HAND);
        if role == ADMIN && !elsewhere && row.state == State::Active {
            guards.push(admins::without(app, row.seq).await?);
        }
        let other =
            grants.iter().any(|grant| grant.kind == GrantKind::Role && grant.origin == HAND && grant.object != role);
        let local = row.account || other || (row.admin && role != ADMIN);
        let closing = GrantsWrite { person: PersonKey::Seq(row.seq), open: Vec::new(), close, settled: None };
        let admin = flagged.then_some(false);
        let payload = json!({ "role": role, "person": { "id": row.id, "display": row.display } });
        let set = ChangeSet {
            at: app.clock().now(),
            guards,
            writes: vec![
                Write::Grants(closing),
                Write::SetPerson { person: row.seq, local: (!local).then_some(false), admin },
            ],
            events: vec![event(app, EventKind::RoleTake, None, Some(row.id.clone()), payload)],
        };
        if commit_guarded(app, set).await?.is_some() {
            return Ok(());
        }
    }
    Err(of_store(Error::Stale))
}

fn is_role(grant: &GrantRow, role: &str) -> bool {
    grant.kind == GrantKind::Role && grant.object == role
}

fn not_by_hand(row: &PersonRow, grants: &[GrantRow], role: &str) -> Refusal {
    match grants.iter().find(|grant| is_role(grant, role)) {
        Some(grant) => failure::error(
            ProductCode::ManagedRole,
            format!("{} holds \"{role}\" {}, not by hand.", row.display, super::principal::origin(grant)),
        ),
        None => missing(format!("{} ({}) does not hold the role \"{role}\" by hand.", row.display, row.id)),
    }
}

/// Whether the caller may give or take that role of that person.
async fn allowed(app: &App, principal: &Principal, row: &PersonRow, role: &str) -> Result<(Role, i64), Refusal> {
    require(app, principal, Action::RoleManage, &Object::Person { seq: row.seq }).await?;
    if principal.person_seq() == Some(row.seq) && !is_admin(principal) {
        return Err(failure::error(ProductCode::Forbidden, "Nobody but an admin changes their own roles."));
    }
    let (found, version) = roles::named(app, role).await?;
    within_own(principal, &found)?;
    Ok((found, version))
}

pub(super) async fn person_row(app: &App, id: &str) -> Result<PersonRow, Refusal> {
    let row = app.store().person_by_id(id).await.map_err(of_store)?;
    let shown: String = id.chars().filter(|c| !c.is_control()).take(80).collect();
    row.ok_or_else(|| missing(format!("There is no person with the id \"{shown}\". See: bailiwick person list")))
}
