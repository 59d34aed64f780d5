//! The entities that people own or owned: by name, through teams and the teams above them, by what rules give.

use super::explain::{Has, Ownership};
use crate::Refusal;
use crate::app::App;
use crate::catalog::standards;
use crate::catalog::then::{self, Answers, Said, Then, Thing};
use crate::error::of_store;
use bailiwick_domain::catalog::properties::Definitions;
use bailiwick_domain::catalog::{Kind, Owner, Reference, schema};
use bailiwick_domain::ids::Millis;
use bailiwick_scim::filter::{Resolved, matches};
use bailiwick_scim::text::match_key;
use bailiwick_store::query::EventQuery;
use bailiwick_store::rows::PersonRow;
use serde_json::Value;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Who owns what in a catalog as it stood, put in order once and asked for one person after the other.
#[derive(Debug)]
pub(super) struct Owners {
    /// The catalog.
    pub(super) then: Then,
    at: Option<Millis>,
    definitions: Definitions,
    /// What is owned by a team, by its id: the item and where the ownership is inherited from.
    of_team: HashMap<String, Vec<Owned>>,
    /// What is owned by a person by name, by row.
    of_person: HashMap<i64, Vec<Owned>>,
    /// The owning teams that are part of a team, by the id of the one above.
    below: HashMap<String, Vec<String>>,
    /// What a filter finds, by its text; `None` for one that no longer fits the properties that are defined.
    found: HashMap<String, Option<Vec<String>>>,
}

/// An item that is owned, by its id.
#[derive(Debug)]
struct Owned {
    id: String,
    /// `; inherited from ...`, if it is.
    inherited: String,
}

/// What a person owns.
#[derive(Debug, Default)]
pub(super) struct Belongings {
    /// By title.
    pub(super) items: Vec<Ownership>,
    /// What cannot be told, in sentences.
    pub(super) gaps: Vec<String>,
}

impl Owners {
    /// Of the catalog at a moment, or now; `filters` when filters will be asked.
    pub(super) async fn read(app: &App, at: Option<Millis>, filters: bool) -> Result<Self, Refusal> {
        let then = then::at(app, at, filters).await?;
        let definitions = if filters { standards(app).await?.properties } else { Definitions::default() };
        let mut owners = Self {
            at,
            definitions,
            of_team: HashMap::new(),
            of_person: HashMap::new(),
            below: HashMap::new(),
            found: HashMap::new(),
            then: Then::default(),
        };
        for item in then.items.values().filter(|item| item.kind != "team") {
            let Some(answers) = then.owner(item) else { continue };
            let place = answers.through;
            let inherited = place.map(|place| format!("; inherited from the {} {}", place.kind, place.title));
            let owned = Owned { id: item.id.clone(), inherited: inherited.unwrap_or_default() };
            match answers.owner {
                Said::Item(team) => owners.of_team.entry(team.clone()).or_default().push(owned),
                Said::Person(person) => owners.of_person.entry(*person).or_default().push(owned),
                Said::Text(_) => {}
            }
        }
        for team in owners.of_team.keys() {
            for above in then.items.get(team).map(|item| then.chain(item)).unwrap_or_default() {
                owners.below.entry(above.id.clone()).or_default().push(team.clone());
            }
        }
        owners.then = then;
        Ok(owners)
    }

    /// What a person owns who belongs to teams of these ids and was given these filters.
    pub(super) fn of(&mut self, person: &PersonRow, teams: &BTreeSet<&str>, filters: &[Has]) -> Belongings {
        let mut ways: BTreeMap<String, String> = BTreeMap::new();
        for owned in self.of_person.get(&person.seq).into_iter().flatten() {
            ways.insert(owned.id.clone(), format!("by name{}", owned.inherited));
        }
        let direct = teams.iter().map(|team| ((*team).to_owned(), true));
        let below = teams.iter().filter_map(|team| self.below.get(*team)).flatten();
        let below = below.filter(|team| !teams.contains(team.as_str())).map(|team| (team.clone(), false));
        for (team, direct) in direct.chain(below).collect::<BTreeMap<_, _>>() {
            let Some(item) = self.then.items.get(&team) else { continue };
            let nearest = || self.then.chain(item).into_iter().find(|above| teams.contains(above.id.as_str()));
            let (theirs, part) = match (direct, nearest()) {
                (false, Some(above)) => (above, ", of which the owner is part"),
                _ => (item, ""),
            };
            for owned in self.of_team.get(&team).into_iter().flatten() {
                let way = format!("as a member of the team {}{part}{}", theirs.title, owned.inherited);
                ways.insert(owned.id.clone(), way);
            }
        }
        let mut gaps = Vec::new();
        for has in filters {
            let origin = has.ways.first().map_or("by rule", |way| way.origin.as_str());
            self.ask(&has.object);
            match self.found.get(&has.object).and_then(Option::as_ref) {
                Some(found) => {
                    for id in found {
                        if let Entry::Vacant(vacant) = ways.entry(id.clone()) {
                            vacant.insert(format!("it matches what {origin} gives"));
                        }
                    }
                }
                // One that no longer fits the catalog's schema makes nothing theirs: so does the policy read it.
                None if self.at.is_none() => {}
                None => gaps.push(format!(
                    "What the filter {} of {origin} found then cannot be told: it no longer fits the properties that are \
                     defined.",
                    has.object
                )),
            }
        }
        Belongings { items: self.in_order(ways), gaps }
    }

    fn in_order(&self, ways: BTreeMap<String, String>) -> Vec<Ownership> {
        let items = ways.into_iter().filter_map(|(id, through)| {
            let item = self.then.items.get(&id)?;
            let key = match_key(&item.title).into_owned();
            Some((key, Ownership { id, kind: item.kind.clone(), title: item.title.clone(), through }))
        });
        let mut items: Vec<(String, Ownership)> = items.collect();
        items.sort_by(|one, other| (&one.0, &one.1.id).cmp(&(&other.0, &other.1.id)));
        items.into_iter().map(|(_, item)| item).collect()
    }

    /// Asks a filter, once for everybody who was given it. Who is named as the owner of an item owns it anyway: what a
    /// filter says of them changes nothing.
    fn ask(&mut self, text: &str) {
        if self.found.contains_key(text) {
            return;
        }
        let found = schema::filter(text, &self.definitions).ok().map(|filter| {
            let items = self.then.items.values().filter(|item| item.kind != "team");
            items.filter(|item| fits(&self.then, item, &filter)).map(|item| item.id.clone()).collect()
        });
        self.found.insert(text.to_owned(), found);
    }
}

fn fits(then: &Then, item: &Thing, filter: &Resolved) -> bool {
    let Some(document) = then.document(item) else { return false };
    let owner = then.owner(item).and_then(|answers| team_of(then, &answers));
    matches(filter, &schema::searched(&document, &item.id, owner.as_ref()))
}

fn team_of(then: &Then, answers: &Answers<'_>) -> Option<Owner> {
    let Said::Item(id) = answers.owner else { return None };
    let team = then.document(then.items.get(id)?)?;
    let text = |key: &str| team.get(key).and_then(Value::as_str).map(str::to_owned);
    Some(Owner::Team(Reference { kind: Kind::Team, namespace: text("namespace")?, name: text("name")? }))
}

/// What makes ownership by name of a past moment uncertain, of a person or of everybody: what was owned by somebody who
/// turned out to be the same human changed hands without a change of the entity.
pub(super) async fn linked_since(app: &App, person: Option<&PersonRow>, at: Millis) -> Result<Option<String>, Refusal> {
    let query = EventQuery {
        kind: Some("conflict:link".to_owned()),
        person: person.map(|person| person.id.clone()),
        since: Some(Millis(at.0.saturating_add(1))),
        limit: 1,
        ..EventQuery::default()
    };
    if app.store().events(query).await.map_err(of_store)?.is_empty() {
        return Ok(None);
    }
    let who = if person.is_some() { "This person was" } else { "Persons were" };
    let one = if person.is_some() { "one" } else { "either" };
    Ok(Some(format!(
        "{who} linked with another since then: entities that {one} of them owned by name are told of the one who has them \
         today."
    )))
}
