//! The health of ownership, live: what nobody answers for, and what only seems to be answered for.

use super::given::Given;
use super::owners::{self, EffectiveOwner, OwnerOf};
use super::{Item, kind_of, read};
use crate::Refusal;
use crate::access::{self, Action, Principal};
use crate::app::App;
use crate::error::of_store;
use crate::leaver;
use bailiwick_domain::catalog::Kind;
use bailiwick_domain::catalog::ownership::{OwnerFacts, Unhealthy, health, team_health};
use bailiwick_domain::handover::{Duty, Suggestion};
use bailiwick_domain::mapping::GrantKind;
use bailiwick_domain::mapping::grant::membership_rank;
use bailiwick_domain::person::State;
use bailiwick_store::query::ItemQuery;
use bailiwick_store::rows::ItemRow;
use std::collections::HashMap;

/// Items read at once.
const CHUNK: u32 = 500;
/// Items looked at for one page; what is left is for the next.
const LOOKED_AT: usize = 5_000;

/// What is wanted.
#[derive(Clone, Debug, Default)]
pub struct HealthQuery {
    /// With one of these states; with any when there is none.
    pub states: Vec<Unhealthy>,
    /// Of these kinds; of all when there is none.
    pub kinds: Vec<Kind>,
    /// Behind this place.
    pub after: Option<(String, i64)>,
    /// Most items.
    pub limit: u32,
}

/// An item whose ownership does not hold.
#[derive(Clone, Debug)]
pub struct Health {
    /// The item.
    pub item: Item,
    /// What is wrong.
    pub states: Vec<Unhealthy>,
    /// Who could put it right, best first: an owner for what has none who acts, a manager for a team without one.
    pub suggestions: Vec<Suggestion>,
}

/// A page of them.
#[derive(Clone, Debug, Default)]
pub struct HealthPage {
    /// In the order of their titles. A page may hold fewer than asked for, even none, although more follow.
    pub items: Vec<Health>,
    /// Where the next page begins.
    pub next: Option<(String, i64)>,
}

/// How many items there are, and how many in each state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HealthCounts {
    /// Items looked at.
    pub items: u64,
    /// Items without any fault.
    pub healthy: u64,
    /// By state; an item may be in several.
    pub states: Vec<(Unhealthy, u64)>,
}

/// Lists items whose ownership does not hold.
///
/// # Errors
/// What the policy does not permit, or when the store cannot answer.
pub async fn ownership_health(app: &App, principal: &Principal, query: HealthQuery) -> Result<HealthPage, Refusal> {
    access::require(app, principal, Action::CatalogRead, &access::Object::None).await?;
    let mut page = unwell(app, query).await?;
    let things: Vec<(Duty, &ItemRow)> =
        page.items.iter().map(|health| (wanted_of(&health.item.row), &health.item.row)).collect();
    let suggested = leaver::suggest_all(app, &things).await?;
    for (health, suggestions) in page.items.iter_mut().zip(suggested) {
        // Who owns it now by name is no way out of that.
        let owner = health.item.owner.as_ref().and_then(EffectiveOwner::id).unwrap_or_default().to_owned();
        health.suggestions = suggestions.into_iter().filter(|one| one.party.id != owner).collect();
    }
    Ok(page)
}

/// What somebody is wanted for.
fn wanted_of(row: &ItemRow) -> Duty {
    if kind_of(row).is_team() { Duty::Manager } else { Duty::Owner }
}

async fn unwell(app: &App, query: HealthQuery) -> Result<HealthPage, Refusal> {
    let sizes = Sizes::read(app).await?;
    let mut page = HealthPage::default();
    let mut after = query.after.clone();
    let mut looked_at = 0;
    loop {
        let chunk = chunk(app, &query, after).await?;
        looked_at += chunk.rows.len();
        let found = sizes.judge(app, &chunk.rows).await?;
        for (row, (owner, states)) in chunk.rows.into_iter().zip(found) {
            if !query.wants(&states) {
                continue;
            }
            let place = (row.title_key.clone(), row.seq);
            page.items.push(Health { item: read::listed(row, owner)?, states, suggestions: Vec::new() });
            if page.items.len() >= query.limit as usize {
                page.next = Some(place);
                return Ok(page);
            }
        }
        after = chunk.next;
        if after.is_none() || looked_at >= LOOKED_AT {
            page.next = after;
            return Ok(page);
        }
    }
}

impl HealthQuery {
    /// How many items [`ownership_health`] lists in all.
    ///
    /// # Errors
    /// What the policy does not permit, or when the store cannot answer.
    pub async fn count(&self, app: &App, principal: &Principal) -> Result<u64, Refusal> {
        access::require(app, principal, Action::CatalogRead, &access::Object::None).await?;
        let sizes = Sizes::read(app).await?;
        let (mut after, mut count) = (None, 0);
        loop {
            let chunk = chunk(app, self, after).await?;
            let judged = sizes.judge(app, &chunk.rows).await?;
            count += judged.iter().filter(|(_, states)| self.wants(states)).count() as u64;
            after = chunk.next;
            if after.is_none() {
                return Ok(count);
            }
        }
    }

    fn wants(&self, states: &[Unhealthy]) -> bool {
        !states.is_empty() && (self.states.is_empty() || states.iter().any(|state| self.states.contains(state)))
    }
}

impl HealthCounts {
    /// Counts everything of these kinds, or all there is.
    ///
    /// # Errors
    /// What the policy does not permit, or when the store cannot answer.
    pub async fn read(app: &App, principal: &Principal, kinds: Vec<Kind>) -> Result<Self, Refusal> {
        access::require(app, principal, Action::CatalogRead, &access::Object::None).await?;
        let sizes = Sizes::read(app).await?;
        let query = HealthQuery { kinds, ..HealthQuery::default() };
        let mut counts = Self::default();
        let mut by_state: HashMap<Unhealthy, u64> = HashMap::new();
        let mut after = None;
        loop {
            let chunk = chunk(app, &query, after).await?;
            for (_, states) in sizes.judge(app, &chunk.rows).await? {
                counts.items += 1;
                counts.healthy += u64::from(states.is_empty());
                states.into_iter().for_each(|state| *by_state.entry(state).or_default() += 1);
            }
            after = chunk.next;
            if after.is_none() {
                break;
            }
        }
        let count = |state: &Unhealthy| (*state, by_state.get(state).copied().unwrap_or(0));
        counts.states = Unhealthy::ALL.iter().map(count).collect();
        Ok(counts)
    }
}

async fn chunk(
    app: &App,
    query: &HealthQuery,
    after: Option<(String, i64)>,
) -> Result<bailiwick_store::rows::ItemPage, Refusal> {
    let kinds = query.kinds.iter().map(|kind| kind.as_str().to_owned()).collect();
    let items = ItemQuery { kinds, after, limit: CHUNK, ..ItemQuery::default() };
    app.store().items(items).await.map_err(of_store)
}

type Judged = (Option<owners::EffectiveOwner>, Vec<Unhealthy>);

/// How many active members each team has, and what rules give.
struct Sizes {
    teams: HashMap<String, u64>,
    given: Given,
}

impl Sizes {
    async fn read(app: &App) -> Result<Self, Refusal> {
        let teams = app.store().team_sizes(None).await.map_err(of_store)?.into_iter().collect();
        Ok(Self { teams, given: Given::read(app).await? })
    }

    fn of(&self, team: &str) -> u64 {
        self.teams.get(team).copied().unwrap_or(0)
    }

    async fn judge(&self, app: &App, rows: &[ItemRow]) -> Result<Vec<Judged>, Refusal> {
        let owners = owners::effective_of(app, rows).await?;
        let mut all = Vec::with_capacity(rows.len());
        for (row, owner) in rows.iter().zip(owners) {
            let kind = kind_of(row);
            let states = if kind.is_team() {
                let active = self.of(&row.id);
                let managers = if active > 0 { managers(app, &row.id).await? } else { 0 };
                team_health(active, managers)
            } else {
                let facts = match owner.as_ref().map(|owner| &owner.owner) {
                    None if !self.given.of(app, row, None).await?.is_empty() => OwnerFacts::ByRule,
                    None => OwnerFacts::None,
                    Some(OwnerOf::Missing(_)) => OwnerFacts::Missing,
                    Some(OwnerOf::Team(team)) => OwnerFacts::Team { active: self.of(&team.id) },
                    Some(OwnerOf::Person { active, .. }) => OwnerFacts::Person { active: *active },
                };
                health(&kind, facts)
            };
            all.push((owner, states));
        }
        Ok(all)
    }
}

/// Whether a team has an active manager: 1 if so.
async fn managers(app: &App, team: &str) -> Result<u64, Refusal> {
    let mut after = 0;
    loop {
        let held = app.store().holders(GrantKind::Team, team, after, CHUNK).await.map_err(of_store)?;
        let is_manager = |grant: &str| membership_rank(grant) == membership_rank("manager");
        if held.iter().any(|(person, grant)| person.state == State::Active && is_manager(&grant.value)) {
            return Ok(1);
        }
        match held.last() {
            Some((person, _)) => after = person.seq,
            None => return Ok(0),
        }
    }
}
