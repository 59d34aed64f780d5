//! Asking the policy, with an answer that says what to do about a no.

use super::admins;
use crate::Refusal;
use crate::app::App;
use bailiwick_domain::failure::{self, ProductCode};
use bailiwick_domain::mapping::GrantKind;
use bailiwick_domain::mapping::grant::membership_rank;
use bailiwick_domain::person::State;
use bailiwick_domain::policy::{self, Action, Named, Object, Principal, Reason};
use bailiwick_store::rows::PersonRow;
use std::collections::BTreeSet;

/// People named at most.
const NAMED: usize = 3;
/// Members of a team looked at for managers.
const MEMBERS: u32 = 200;
/// The rank of a manager among membership roles.
const MANAGER: u8 = 2;

/// Refuses with 403 what the policy does not permit: why, which roles would permit it, and whom to ask.
///
/// # Errors
/// `forbidden`.
pub async fn require(app: &App, principal: &Principal, action: Action, on: &Object<'_>) -> Result<(), Refusal> {
    if policy::permits(principal, action, on) {
        return Ok(());
    }
    let reasons = policy::decide(principal, action, on).reasons;
    let said: Vec<String> = reasons.iter().map(Reason::to_string).collect();
    let asked = action.says().trim_end_matches('.');
    let mut detail = format!("{action} ({asked}) is not permitted: {}.", said.join("; "));
    // Whoever is not active, or holds a token that is meant for less, is helped by no role.
    if reasons.iter().any(|reason| matches!(reason, Reason::NoRole { .. })) {
        detail = format!("{detail} {}", whom_to_ask(app, on).await);
    }
    Err(failure::error(ProductCode::Forbidden, detail))
}

/// Who can help: the managers of the team that owns it, and the admins. What cannot be read now is left out: the refusal
/// stands without it.
async fn whom_to_ask(app: &App, on: &Object<'_>) -> String {
    let mut said = String::new();
    let team = match on {
        Object::Item { owner, .. } => owner.and_then(Named::team),
        Object::Task { owner, .. } => *owner,
        _ => None,
    };
    if let Object::Item { owner: Some(Named::Missing), kind, .. } = on
        && *kind != "team"
    {
        said = "The owner it names is not there. ".to_owned();
    } else if let Some(team) = team
        && let Ok(Some(team)) = app.store().item_by_seq(team).await
    {
        let held = app.store().holders(GrantKind::Team, &team.id, 0, MEMBERS).await.unwrap_or_default();
        let managers = held.iter().filter(|(person, grant)| active(person) && membership_rank(&grant.value) == MANAGER);
        let names = names(managers.map(|(person, _)| person));
        said = match names.is_empty() {
            true => format!("It belongs to the team {}. ", team.title),
            false => format!("It belongs to the team {}: ask {names}. ", team.title),
        };
    }
    let admins = admins::active(app, NAMED).await.unwrap_or_default();
    let names = names(&admins);
    match names.is_empty() {
        true => said + "Ask whoever runs Bailiwick for such a role.",
        false => said + &format!("Ask an admin for such a role: {names}."),
    }
}

fn active(person: &PersonRow) -> bool {
    person.state == State::Active
}

/// The first few by name.
fn names<'a>(persons: impl IntoIterator<Item = &'a PersonRow>) -> String {
    let names: BTreeSet<&str> = persons.into_iter().map(|person| person.display.as_str()).collect();
    names.into_iter().take(NAMED).collect::<Vec<_>>().join(", ")
}
