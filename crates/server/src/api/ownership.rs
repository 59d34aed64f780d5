//! The health of ownership, live.

use super::answer::Answer;
use super::handovers::HandoverSuggestion;
use super::items::{self, ItemShown, Place};
use super::request::Request;
use super::table::{Access::May, Endpoint, Form, Param, get, handler, param};
use crate::intake::Failure;
use bailiwick_app::catalog::{HealthCounts, HealthQuery, ownership_health};
use bailiwick_domain::catalog::ownership::Unhealthy;
use bailiwick_domain::policy::Action::CatalogRead;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// The words of [`Unhealthy`].
const STATES: &[&str] =
    &["unowned", "owner-missing", "owner-inactive", "owned-by-person", "team-empty", "team-without-manager"];

const LIST: &[Param] = &[
    param("state", Form::Word(STATES), "In this state; in any if nothing is said."),
    param("kind", Form::Kinds, "Of these kinds, parted by commas; of all if nothing is said."),
];
const COUNTS: &[Param] = &[param("kind", Form::Kinds, "Of these kinds, parted by commas; of all if nothing is said.")];

pub(super) const ROUTES: &[Endpoint] = &[
    get(May(CatalogRead), "/ownership", "listOwnership", handler!(list))
        .says("Lists what nobody answers for, and what only seems to be answered for. A page may be short, even empty.")
        .query(LIST)
        .lists::<Unwell>(),
    get(May(CatalogRead), "/ownership/counts", "countOwnership", handler!(count))
        .says("Counts items by the state of their ownership.")
        .query(COUNTS)
        .gives::<Counts>(),
];

/// An item whose ownership does not hold.
#[derive(Serialize, JsonSchema)]
struct Unwell {
    /// What is wrong.
    states: Vec<&'static str>,
    /// The item.
    item: ItemShown,
    /// Who could put it right, best first: an owner for an entity, a manager for a team.
    suggestions: Vec<HandoverSuggestion>,
}

/// Items by the state of their ownership.
#[derive(Serialize, JsonSchema)]
struct Counts {
    /// Items looked at.
    items: u64,
    /// Items without any fault.
    healthy: u64,
    /// By state; an item may be in several.
    states: BTreeMap<&'static str, u64>,
}

async fn list(request: Request) -> Result<Answer, Failure> {
    let page = request.page::<Place>()?;
    let query = HealthQuery {
        states: request.param("state").and_then(Unhealthy::from_text).into_iter().collect(),
        kinds: items::kinds(request.param("kind"))?,
        after: page.after,
        limit: page.limit,
    };
    let total = match page.total {
        true => Some(query.count(&request.app, &request.principal).await?),
        false => None,
    };
    let found = ownership_health(&request.app, &request.principal, query).await?;
    let mut shown = Vec::with_capacity(found.items.len());
    for health in found.items {
        let states = health.states.iter().map(|state| state.as_str()).collect();
        let suggestions = health.suggestions.into_iter().map(HandoverSuggestion::from).collect();
        shown.push(Unwell { states, item: items::shown(health.item)?, suggestions });
    }
    Answer::page(&request, &shown, found.next.as_ref(), total)
}

async fn count(request: Request) -> Result<Answer, Failure> {
    let kinds = items::kinds(request.param("kind"))?;
    let counts = HealthCounts::read(&request.app, &request.principal, kinds).await?;
    let states = counts.states.into_iter().map(|(state, count)| (state.as_str(), count)).collect();
    Answer::json(&Counts { items: counts.items, healthy: counts.healthy, states })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_can_be_asked_for() {
        let states: Vec<&str> = Unhealthy::ALL.iter().map(|state| state.as_str()).collect();
        assert_eq!(states, STATES);
    }
}
