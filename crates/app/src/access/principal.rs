//! What somebody may do, read from the store: roles with their origins, teams with their sub-teams, ownership by rule.

use super::roles::{self, DEFAULT_ROLE, NO_ROLE};
use crate::Refusal;
use crate::app::App;
use crate::error::of_store;
use bailiwick_domain::mapping::grant::parse_path;
use bailiwick_domain::mapping::{GrantKind, Origin, StepKind};
use bailiwick_domain::person::State;
use bailiwick_domain::policy::{ADMIN, HeldRole, PersonOf, Principal, PrincipalKind, Role, VIEWER, builtin};
use bailiwick_store::rows::{GrantRow, PersonRow};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// A person, by whatever credential.
pub(crate) async fn of_person(app: &App, credential: &str, person: &PersonRow) -> Result<Principal, Refusal> {
    let mut principal = Principal::new(credential, PrincipalKind::Person);
    principal.person = Some(PersonOf { seq: person.seq, id: person.id.clone(), display: person.display.clone() });
    principal.active = person.state == State::Active;
    let grants = app.store().grants_of(person.seq, true).await.map_err(of_store)?;
    let held = roles_of(app, person, &grants).await?;
    principal.teams = teams_of(app, &grants).await?;
    if grants.iter().any(|grant| grant.kind == GrantKind::Ownership) {
        principal.own = super::own::of_grants(&grants, &crate::catalog::standards(app).await?.properties);
    }
    Ok(principal.with_roles(held))
}

/// A service with the role its token carries. A role that is no more permits nothing.
pub(crate) async fn of_service(app: &App, credential: &str, role: Option<&str>) -> Result<Principal, Refusal> {
    let principal = Principal::new(credential, PrincipalKind::Service);
    let Some(role) = role else { return Ok(principal) };
    let held = roles::find(app, role).await?.map(|(role, _)| hold(role, "by the token".to_owned()));
    Ok(principal.with_roles(held.into_iter().collect()))
}

fn hold(role: Role, origin: String) -> HeldRole {
    HeldRole { role: Arc::new(role), origin }
}

/// The roles a person holds, each as often as there are ways to it. Whether somebody is an admin by hand is kept with
/// the person; the grant beside it tells since when.
async fn roles_of(app: &App, person: &PersonRow, grants: &[GrantRow]) -> Result<Vec<HeldRole>, Refusal> {
    let mut held: Vec<HeldRole> = Vec::new();
    if let Some(admin) = builtin(ADMIN).filter(|_| person.admin) {
        held.push(hold(admin, "by hand".to_owned()));
    }
    let mut found: HashMap<&str, Option<Role>> = HashMap::new();
    for grant in grants.iter().filter(|grant| grant.kind == GrantKind::Role) {
        if grant.object == ADMIN && grant.origin == "hand" {
            continue;
        }
        if !found.contains_key(grant.object.as_str()) {
            found.insert(&grant.object, roles::find(app, &grant.object).await?.map(|(role, _)| role));
        }
        if let Some(Some(role)) = found.get(grant.object.as_str()) {
            held.push(hold(role.clone(), origin(grant)));
        }
    }
    if held.is_empty()
        && let Some(role) = default_role(app).await?
    {
        held.push(hold(role, "by default".to_owned()));
    }
    Ok(held)
}

/// The role of everybody who has no other.
async fn default_role(app: &App) -> Result<Option<Role>, Refusal> {
    let said = app.store().setting(DEFAULT_ROLE).await.map_err(of_store)?;
    match said.as_deref() {
        Some(NO_ROLE) => Ok(None),
        Some(name) => Ok(roles::find(app, name).await?.map(|(role, _)| role)),
        None => Ok(builtin(VIEWER)),
    }
}

/// How a role came, in words that follow "held".
pub(crate) fn origin(grant: &GrantRow) -> String {
    match Origin::parse(&grant.origin) {
        Some(Origin::Hand) => "by hand".to_owned(),
        Some(Origin::Rule { rule, .. }) => {
            let path = parse_path(&grant.path);
            match path.iter().rev().find(|step| step.kind == StepKind::Group) {
                Some(group) => format!("by the rule \"{rule}\" through the group \"{}\"", group.name),
                None => format!("by the rule \"{rule}\""),
            }
        }
        Some(Origin::Feed { group }) => format!("through the group {group}"),
        None => format!("by {}", grant.origin),
    }
}

/// The rows of the person's teams and of all teams below them.
async fn teams_of(app: &App, grants: &[GrantRow]) -> Result<HashSet<i64>, Refusal> {
    let mut ids: Vec<&str> =
        grants.iter().filter(|grant| grant.kind == GrantKind::Team).map(|g| g.object.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    let mut teams = Vec::with_capacity(ids.len());
    for id in ids {
        teams.extend(app.store().item(id).await.map_err(of_store)?.map(|team| team.seq));
    }
    if teams.is_empty() {
        return Ok(HashSet::new());
    }
    let below = app.store().teams_below(&teams).await.map_err(of_store)?;
    Ok(teams.into_iter().chain(below).collect())
}
