//! Who can administer: the last active admin cannot go by anything.

use crate::Refusal;
use crate::app::App;
use crate::error::of_store;
use bailiwick_domain::failure::{self, ProductCode};
use bailiwick_domain::mapping::GrantKind;
use bailiwick_domain::person::State;
use bailiwick_domain::policy::ADMIN;
use bailiwick_store::Guard;
use bailiwick_store::rows::PersonRow;
use std::collections::HashSet;

/// Holders of the role read at once.
const CHUNK: u32 = 200;

/// The active admins, by hand and by rule, each once; no more than needed to know that there are `enough`.
pub(crate) async fn active(app: &App, enough: usize) -> Result<Vec<PersonRow>, Refusal> {
    let mut admins = app.store().active_admins().await.map_err(of_store)?;
    let mut known: HashSet<i64> = admins.iter().map(|admin| admin.seq).collect();
    let mut after = i64::MIN;
    while admins.len() < enough {
        let holders = app.store().holders(GrantKind::Role, ADMIN, after, CHUNK).await.map_err(of_store)?;
        let Some((last, _)) = holders.last() else { break };
        after = last.seq;
        for (person, _) in holders {
            if person.state == State::Active && known.insert(person.seq) {
                admins.push(person);
            }
        }
    }
    Ok(admins)
}

/// Whether a person is an admin, by hand or by rule, whatever their state.
pub(crate) async fn is_one(app: &App, person: &PersonRow) -> Result<bool, Refusal> {
    if person.admin {
        return Ok(true);
    }
    let grants = app.store().grants_of(person.seq, true).await.map_err(of_store)?;
    Ok(grants.iter().any(|grant| grant.kind == GrantKind::Role && grant.object == ADMIN))
}

/// The guard of a change that ends somebody's being an admin; refuses when no other active admin is left.
pub(crate) async fn without(app: &App, person: i64) -> Result<Guard, Refusal> {
    without_all(app, &[person]).await
}

/// As [`without`], of several who end together.
pub(crate) async fn without_all(app: &App, persons: &[i64]) -> Result<Guard, Refusal> {
    let guard = crate::directory::admins_guard(app).await?;
    if active(app, persons.len() + 1).await?.iter().any(|admin| !persons.contains(&admin.seq)) {
        return Ok(guard);
    }
    Err(failure::error(
        ProductCode::LastAdmin,
        "This is the last active admin of Bailiwick. Make another admin first; nothing was changed.",
    ))
}
