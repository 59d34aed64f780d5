//! Looking at holds: who waits, and what would become of them.

use super::decide::waiting;
use super::{HOLDS, evaluate};
use crate::Refusal;
use crate::access::{self, Action, Object, Principal};
use crate::app::App;
use crate::error::of_store;
use crate::manage;
use crate::mapping::{self, subject};
use bailiwick_domain::guard::{Hold, Reason};
use bailiwick_domain::mapping::GrantKind;
use bailiwick_domain::mapping::effects::{Thing, having, having_after};
use bailiwick_domain::person::State;
use bailiwick_scim::Code;
use bailiwick_store::query::EntryQuery;
use std::collections::{BTreeMap, BTreeSet};

/// Persons looked at between two steps.
const CHUNK: usize = 200;
/// Holds counted at once.
const COUNTED: u32 = 1_000;

/// A hold in a list.
#[derive(Clone, Debug)]
pub struct HoldSummary {
    /// What is kept of it.
    pub hold: Hold,
    /// `open`, `approved`, `rejected`, `partly`.
    pub state: String,
    /// Name of the integration.
    pub integration: String,
    /// Persons who wait.
    pub waiting: u64,
    /// Why, in words: each of the reasons of the hold, with what teams are called.
    pub words: Vec<String>,
}

/// A hold with who waits in it.
#[derive(Clone, Debug)]
pub struct HoldShown {
    /// What a list shows, too.
    pub summary: HoldSummary,
    /// Persons who wait, behind the place asked for.
    pub persons: Vec<HeldPerson>,
    /// Where to go on; `None` at the end.
    pub next: Option<i64>,
}

/// A person who waits, and what would become of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldPerson {
    /// Row: the place in the list.
    pub seq: i64,
    /// Id.
    pub id: String,
    /// Name shown.
    pub display: String,
    /// Where the person stands.
    pub state: State,
    /// Where the person would stand.
    pub would_be: State,
    /// Teams, roles and the like that the person would lose.
    pub loses: Vec<HeldThing>,
    /// What the person would get.
    pub gains: Vec<HeldThing>,
}

/// Something that a person has or would have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldThing {
    /// `team`, `role`, `property` or `ownership`.
    pub kind: &'static str,
    /// Id of the team, name of the role or property, filter of what is owned.
    pub object: String,
    /// What to call it: the title of the team, else the object.
    pub name: String,
}

/// What things are called.
#[derive(Debug, Default)]
pub(super) struct Names(BTreeMap<String, String>);

impl Names {
    /// With the titles of the teams among these things.
    pub(super) async fn learn(&mut self, app: &App, things: impl Iterator<Item = &Thing>) -> Result<(), Refusal> {
        let teams = things.filter(|thing| thing.kind == GrantKind::Team).map(|thing| &thing.object);
        let unknown: BTreeSet<&String> = teams.filter(|team| !self.0.contains_key(*team)).collect();
        self.0.extend(mapping::team_names(app, unknown.into_iter()).await?);
        Ok(())
    }

    pub(super) fn of(&self, thing: &Thing) -> HeldThing {
        let name = self.0.get(&thing.object).filter(|_| thing.kind == GrantKind::Team);
        let name = name.unwrap_or(&thing.object).clone();
        HeldThing { kind: thing.kind.as_str(), object: thing.object.clone(), name }
    }
}

/// Which holds.
#[derive(Clone, Debug, Default)]
pub struct HoldQuery {
    /// Standing so.
    pub state: Option<String>,
    /// Of the integration with that name.
    pub integration: Option<String>,
    /// Behind that id.
    pub after: Option<String>,
}

impl HoldQuery {
    /// Those in which people wait.
    #[must_use]
    pub fn open() -> Self {
        Self { state: Some(super::OPEN.to_owned()), ..Self::default() }
    }

    async fn of_entries(&self, app: &App, limit: u32) -> Result<EntryQuery, Refusal> {
        let parent = match &self.integration {
            Some(name) => Some(manage::find_integration(app, name).await?.id.printed()),
            None => None,
        };
        let (state, after) = (self.state.clone(), self.after.clone());
        Ok(EntryQuery { collection: HOLDS.to_owned(), state, parent, after, limit, ..EntryQuery::default() })
    }
}

/// So many of these holds, by id.
///
/// # Errors
/// `forbidden`, an unknown integration, or when the store cannot answer.
pub async fn list_holds(
    app: &App,
    principal: &Principal,
    query: &HoldQuery,
    limit: u32,
) -> Result<Vec<HoldSummary>, Refusal> {
    access::require(app, principal, Action::HoldRead, &Object::None).await?;
    let query = query.of_entries(app, limit).await?;
    let mut holds = Vec::new();
    for entry in app.store().entries(query).await.map_err(of_store)? {
        let Ok(hold) = serde_json::from_str::<Hold>(&entry.doc) else { continue };
        holds.push(summary(app, hold, entry.state.unwrap_or_default()).await?);
    }
    Ok(holds)
}

/// How many of these holds there are, wherever the list begins.
///
/// # Errors
/// `forbidden`, an unknown integration, or when the store cannot answer.
pub async fn count_holds(app: &App, principal: &Principal, query: &HoldQuery) -> Result<u64, Refusal> {
    access::require(app, principal, Action::HoldRead, &Object::None).await?;
    let mut query = EntryQuery { after: None, ..query.of_entries(app, COUNTED).await? };
    let mut count = 0;
    loop {
        let page = app.store().entries(query.clone()).await.map_err(of_store)?;
        count += page.len() as u64;
        match page.last() {
            Some(last) => query.after = Some(last.id.clone()),
            None => return Ok(count),
        }
    }
}

async fn summary(app: &App, hold: Hold, state: String) -> Result<HoldSummary, Refusal> {
    let row = app.store().integration(hold.integration).await.map_err(of_store)?;
    let integration = row.map_or_else(|| hold.integration.printed(), |row| row.name);
    let mut words = Vec::with_capacity(hold.reasons.len());
    for reason in &hold.reasons {
        words.push(in_words(app, reason).await?);
    }
    Ok(HoldSummary { waiting: waiting(app, &hold.id).await?.len() as u64, integration, state, words, hold })
}

/// The reason with what its team is called instead of the id.
async fn in_words(app: &App, reason: &Reason) -> Result<String, Refusal> {
    let Reason::EmptiesTeam { team, people } = reason else { return Ok(reason.to_string()) };
    let item = app.store().item(team).await.map_err(of_store)?;
    let team = item.map_or_else(|| team.clone(), |item| item.title);
    Ok(Reason::EmptiesTeam { team, people: *people }.to_string())
}

/// One hold, with so many of the persons who wait behind that row.
///
/// # Errors
/// `forbidden`, an unknown hold, or when the store cannot answer.
pub async fn show_hold(
    app: &App,
    principal: &Principal,
    id: &str,
    after: Option<i64>,
    limit: u32,
) -> Result<HoldShown, Refusal> {
    access::require(app, principal, Action::HoldRead, &Object::None).await?;
    let (hold, state) = read(app, id).await?;
    let (persons, next) = part(app, id, after, limit).await?;
    Ok(HoldShown { summary: summary(app, hold, state).await?, persons, next })
}

/// So many of the persons who wait in a hold behind that row, and where to go on.
pub(super) async fn part(
    app: &App,
    hold: &str,
    after: Option<i64>,
    limit: u32,
) -> Result<(Vec<HeldPerson>, Option<i64>), Refusal> {
    let mut all = waiting(app, hold).await?;
    all.sort_unstable();
    all.retain(|person| after.is_none_or(|after| *person > after));
    let more = all.len() > limit as usize;
    all.truncate(limit as usize);
    let next = all.last().copied().filter(|_| more);
    let mut persons = Vec::with_capacity(all.len());
    for chunk in all.chunks(CHUNK) {
        persons.extend(would_be(app, chunk).await?);
    }
    Ok((persons, next))
}

/// What would become of these persons if nothing were held.
pub(super) async fn would_be(app: &App, persons: &[i64]) -> Result<Vec<HeldPerson>, Refusal> {
    let (mut shown, mut names) = (Vec::new(), Names::default());
    let rules = mapping::current(app).await?;
    for (outcome, would_be) in evaluate::of_held(app, &rules, persons, |_| true).await? {
        let person = &outcome.row.person;
        let held = subject::held(&outcome.row.grants);
        let before = having(&held);
        let after = if would_be == State::Closed { Default::default() } else { having_after(&held, &outcome.diff) };
        names.learn(app, before.keys().chain(after.keys())).await?;
        let gone = before.keys().filter(|thing| !after.contains_key(thing));
        let new = after.keys().filter(|thing| !before.contains_key(thing));
        shown.push(HeldPerson {
            seq: person.seq,
            id: person.id.clone(),
            display: person.display.clone(),
            state: person.state,
            would_be,
            loses: gone.map(|thing| names.of(thing)).collect(),
            gains: new.map(|thing| names.of(thing)).collect(),
        });
    }
    Ok(shown)
}

/// A hold and where it stands.
pub(super) async fn read(app: &App, id: &str) -> Result<(Hold, String), Refusal> {
    let entry = app.store().entry(HOLDS, id).await.map_err(of_store)?;
    let missing =
        || Refusal::new(Code::NotFound, format!("There is no hold with the id \"{id}\". See: bailiwick hold list"));
    let entry = entry.ok_or_else(missing)?;
    let hold = serde_json::from_str(&entry.doc)
        .map_err(|error| of_store(bailiwick_store::Error::Broken(format!("hold {id}: {error}"))))?;
    Ok((hold, entry.state.unwrap_or_default()))
}
