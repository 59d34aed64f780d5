//! The entities that somebody owns or owned: by name, through teams and the teams below them, by what rules give.

use super::explain::{Has, Ownership};
use crate::Refusal;
use crate::app::App;
use crate::catalog::standards;
use crate::catalog::then::{Answers, Said, Then, Thing};
use crate::error::of_store;
use bailiwick_domain::catalog::properties::Definitions;
use bailiwick_domain::catalog::{Kind, Owner, Reference, schema};
use bailiwick_domain::ids::Millis;
use bailiwick_scim::filter::{Resolved, matches};
use bailiwick_scim::text::match_key;
use bailiwick_store::query::EventQuery;
use bailiwick_store::rows::PersonRow;
use serde_json::Value;
use std::collections::BTreeSet;

/// Entities shown of those a person owns.
const OWNED: usize = 200;

/// What somebody owns in a catalog.
pub(super) struct Owned {
    /// The first of them.
    pub(super) items: Vec<Ownership>,
    /// How many there are in all.
    pub(super) total: u64,
}

/// A filter that a rule gives, and the rule.
type Given<'a> = (Resolved, &'a str);

/// The entities of a catalog that a person owns, by title. `teams` are the ids of those the person belongs to.
pub(super) fn owned(then: &Then, person: &PersonRow, teams: &BTreeSet<&str>, filters: &[Given<'_>]) -> Owned {
    let mut items: Vec<(String, Ownership)> = Vec::new();
    for item in then.items.values().filter(|item| item.kind != "team") {
        let owner = then.owner(item);
        let by_owner = owner.as_ref().and_then(|answers| through(then, person, teams, answers));
        if let Some(through) = by_owner.or_else(|| by_filter(then, item, owner.as_ref(), person, filters)) {
            let (id, kind, title) = (item.id.clone(), item.kind.clone(), item.title.clone());
            items.push((match_key(&title).into_owned(), Ownership { id, kind, title, through }));
        }
    }
    items.sort_by(|one, other| (&one.0, &one.1.id).cmp(&(&other.0, &other.1.id)));
    let total = items.len() as u64;
    Owned { items: items.into_iter().take(OWNED).map(|(_, item)| item).collect(), total }
}

/// Through what the owner of an item is the person, in words.
fn through(then: &Then, person: &PersonRow, teams: &BTreeSet<&str>, answers: &Answers<'_>) -> Option<String> {
    let mut words = match answers.owner {
        Said::Person(seq) if *seq == person.seq => "by name".to_owned(),
        Said::Item(id) => {
            let team = then.items.get(id)?;
            if teams.contains(id.as_str()) {
                format!("as a member of the team {}", team.title)
            } else {
                let above = then.chain(team).into_iter().find(|above| teams.contains(above.id.as_str()))?;
                format!("as a member of the team {}, of which the owner is part", above.title)
            }
        }
        Said::Person(_) | Said::Text(_) => return None,
    };
    if let Some(place) = answers.through {
        words.push_str(&format!("; inherited from the {} {}", place.kind, place.title));
    }
    Some(words)
}

/// The rule that gives an item to the person, in words.
fn by_filter(
    then: &Then,
    item: &Thing,
    owner: Option<&Answers<'_>>,
    person: &PersonRow,
    filters: &[Given<'_>],
) -> Option<String> {
    if filters.is_empty() {
        return None;
    }
    let document = then.document(item)?;
    let owner = owner.and_then(|answers| match answers.owner {
        Said::Item(id) => {
            let team = then.document(then.items.get(id)?)?;
            let text = |key: &str| team.get(key).and_then(Value::as_str).map(str::to_owned);
            Some(Owner::Team(Reference { kind: Kind::Team, namespace: text("namespace")?, name: text("name")? }))
        }
        Said::Person(seq) if *seq == person.seq => Some(Owner::Person(person.id.clone())),
        Said::Person(_) | Said::Text(_) => None,
    });
    let searched = schema::searched(&document, &item.id, owner.as_ref());
    let (_, origin) = filters.iter().find(|(filter, _)| matches(filter, &searched))?;
    Some(format!("it matches what {origin} gives"))
}

/// The filters that can be asked; what cannot be told for the others is added to the gaps of a past moment.
pub(super) async fn filters<'a>(
    app: &App,
    has: &'a [Has],
    at: Option<Millis>,
    gaps: &mut Vec<String>,
) -> Result<Vec<Given<'a>>, Refusal> {
    let definitions = if has.is_empty() { Definitions::default() } else { standards(app).await?.properties };
    let mut given = Vec::new();
    for has in has {
        let origin = has.ways.first().map_or("by rule", |way| way.origin.as_str());
        match schema::filter(&has.object, &definitions) {
            Ok(filter) => given.push((filter, origin)),
            // One that no longer fits the catalog's schema makes nothing theirs: so does the policy read it.
            Err(_) if at.is_none() => {}
            Err(_) => gaps.push(format!(
                "What the filter {} of {origin} found then cannot be told: it no longer fits the properties that are defined.",
                has.object
            )),
        }
    }
    Ok(given)
}

/// Adds what makes ownership by name of a past moment uncertain: what was owned by somebody who turned out to be the
/// same human changed hands without a change of the entity.
pub(super) async fn linked_since(
    app: &App,
    person: &PersonRow,
    at: Millis,
    gaps: &mut Vec<String>,
) -> Result<(), Refusal> {
    let query = EventQuery {
        kind: Some("conflict:link".to_owned()),
        person: Some(person.id.clone()),
        since: Some(Millis(at.0.saturating_add(1))),
        limit: 1,
        ..EventQuery::default()
    };
    if !app.store().events(query).await.map_err(of_store)?.is_empty() {
        gaps.push(
            "This person was linked with another since then: entities that one of them owned by name are told of the one \
             who has them today."
                .to_owned(),
        );
    }
    Ok(())
}
