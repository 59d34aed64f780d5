//! Who could take a thing on: reads whom there is to ask and lets `domain::handover` rank them.

use super::owned::{MANAGER, party, team_party};
use crate::Refusal;
use crate::app::App;
use crate::error::of_store;
use bailiwick_domain::handover::{self, ACTIVE_MS, Candidate, Duty, Leaver, Party, Relation, Suggestion};
use bailiwick_domain::ids::Millis;
use bailiwick_domain::mapping::GrantKind;
use bailiwick_domain::person::State;
use bailiwick_store::query::{EventQuery, ItemQuery};
use bailiwick_store::rows::{ItemRow, PersonRow};
use std::collections::{BTreeMap, HashMap};

/// How far up owners are looked for: from an API over its system and domain, and a few domains more.
const LEVELS: usize = 8;
/// Holders of a team among whom managers and active members are looked for.
const HOLDERS: u32 = 200;
/// Things of a team whose changes count for it, and changes of each.
const THINGS: u32 = 5;
const CHANGES: u32 = 200;
/// Teams of a leaver whose managers are asked.
const TEAMS: usize = 5;

/// Suggests who could take on a duty for an item, best first. `leaver` is who has it now; without one it is a thing that
/// nobody looks after.
///
/// # Errors
/// When the store cannot answer.
pub async fn suggest(
    app: &App,
    duty: Duty,
    item: &ItemRow,
    leaver: Option<&Leaver>,
) -> Result<Vec<Suggestion>, Refusal> {
    Search::new(app).suggest(duty, Some(item), leaver).await
}

/// Suggests for many things that nobody looks after; what is read for one is not read again for the next.
pub(crate) async fn suggest_all(app: &App, things: &[(Duty, &ItemRow)]) -> Result<Vec<Vec<Suggestion>>, Refusal> {
    let mut search = Search::new(app);
    let mut all = Vec::with_capacity(things.len());
    for (duty, item) in things {
        all.push(search.suggest(*duty, Some(item), None).await?);
    }
    Ok(all)
}

/// The reads of one answer; what was read for one thing is not read again for the next.
pub(super) struct Search<'a> {
    app: &'a App,
    teams: HashMap<i64, Option<Staff>>,
    persons: HashMap<String, Option<PersonRow>>,
}

/// A team and who is active in it.
#[derive(Clone, Debug)]
struct Staff {
    team: ItemRow,
    /// Whether they manage it.
    members: Vec<(Party, bool)>,
}

impl<'a> Search<'a> {
    pub(super) fn new(app: &'a App) -> Self {
        Self { app, teams: HashMap::new(), persons: HashMap::new() }
    }

    pub(super) async fn suggest(
        &mut self,
        duty: Duty,
        item: Option<&ItemRow>,
        leaver: Option<&Leaver>,
    ) -> Result<Vec<Suggestion>, Refusal> {
        let mut candidates = Vec::new();
        let mut near: Vec<Staff> = Vec::new();
        if let Some(item) = item {
            self.above(item, &mut candidates, &mut near).await?;
        }
        for team in leaver.iter().flat_map(|leaver| leaver.teams.iter().take(TEAMS)) {
            // Who manages another team of the leaver has no say in this one.
            let wanted = matches!(duty, Duty::Owner | Duty::Rule);
            if let Some(row) = self.app.store().item(team).await.map_err(of_store)?.filter(|_| wanted) {
                near.extend(self.staff(row.seq).await?);
            }
        }
        for staff in &near {
            candidates.extend(staff.members.iter().filter(|(_, manages)| *manages).map(|(member, _)| Candidate {
                party: member.clone(),
                relation: Relation::TeamManager,
                of: staff.team.title.clone(),
                able: true,
                changes: 0,
            }));
        }
        if let Some(manager) = leaver.and_then(|leaver| leaver.manager.as_ref()) {
            let row = self.person(&manager.id).await?;
            candidates.extend(row.map(|row| Candidate {
                party: party(&row),
                relation: Relation::OwnManager,
                of: leaver.map(|leaver| leaver.person.name.clone()).unwrap_or_default(),
                able: row.state == State::Active,
                changes: 0,
            }));
        }
        if let Some(item) = item {
            self.busy(item, &near, &mut candidates).await?;
        }
        let leaver = leaver.map_or("", |leaver| leaver.person.id.as_str());
        Ok(handover::suggest(duty, leaver, &candidates))
    }

    /// The teams above an item: owners of what it is part of, the parent of its owner; for a team its parent. Those and
    /// its own team are whose managers are asked.
    async fn above(
        &mut self,
        item: &ItemRow,
        candidates: &mut Vec<Candidate>,
        near: &mut Vec<Staff>,
    ) -> Result<(), Refusal> {
        let mut add = |staff: &Staff, of: &str| {
            candidates.push(Candidate {
                party: team_party(&staff.team),
                relation: Relation::ParentTeam,
                of: of.to_owned(),
                able: !staff.members.is_empty(),
                changes: 0,
            });
        };
        if item.kind == "team" {
            near.extend(self.staff(item.seq).await?);
            let parent = match &item.parent {
                Some(parent) => self.staff(parent.seq).await?,
                None => None,
            };
            if let Some(parent) = parent {
                add(&parent, &item.title);
                near.push(parent);
            }
            return Ok(());
        }
        if let Some(owner) = &item.owner
            && let Some(staff) = self.staff(owner.seq).await?
        {
            let parent = staff.team.parent.as_ref().map(|parent| parent.seq);
            near.push(staff.clone());
            if let Some(parent) = parent
                && let Some(parent) = self.staff(parent).await?
            {
                add(&parent, &staff.team.title);
                near.push(parent);
            }
        }
        let mut next = item.parent.as_ref().map(|parent| parent.seq);
        for _ in 0..LEVELS {
            let Some(seq) = next else { break };
            let Some(above) = self.app.store().item_by_seq(seq).await.map_err(of_store)? else { break };
            if let Some(owner) = &above.owner
                && let Some(staff) = self.staff(owner.seq).await?
            {
                add(&staff, &above.title);
                near.push(staff);
                break;
            }
            next = above.parent.map(|parent| parent.seq);
        }
        Ok(())
    }

    /// Who changed the item most of late; for a team, what it owns as well. In a team only its members count.
    async fn busy(&mut self, item: &ItemRow, near: &[Staff], candidates: &mut Vec<Candidate>) -> Result<(), Refusal> {
        let mut made: BTreeMap<String, u64> = BTreeMap::new();
        self.count(&item.id, &mut made).await?;
        if item.kind == "team" {
            let query = ItemQuery { owner: Some(item.seq), limit: THINGS, ..ItemQuery::default() };
            for thing in self.app.store().items(query).await.map_err(of_store)?.rows {
                self.count(&thing.id, &mut made).await?;
            }
        }
        for (actor, changes) in made {
            let Some(person) = self.person(&actor).await? else { continue };
            let team = near.iter().find(|staff| staff.members.iter().any(|(member, _)| member.id == person.id));
            let of = match team {
                Some(staff) => staff.team.title.clone(),
                None if item.kind == "team" => continue,
                None => String::new(),
            };
            let able = person.state == State::Active;
            candidates.push(Candidate { party: party(&person), relation: Relation::Active, of, able, changes });
        }
        Ok(())
    }

    /// Counts the changes of an item by who made them.
    async fn count(&self, item: &str, made: &mut BTreeMap<String, u64>) -> Result<(), Refusal> {
        let since = Millis(self.app.clock().now().0.saturating_sub(ACTIVE_MS));
        let query =
            EventQuery { resource: Some(item.to_owned()), since: Some(since), limit: CHANGES, ..EventQuery::default() };
        for event in self.app.store().events(query).await.map_err(of_store)? {
            if event.actor.starts_with("per_") {
                *made.entry(event.actor).or_default() += 1;
            }
        }
        Ok(())
    }

    async fn person(&mut self, id: &str) -> Result<Option<PersonRow>, Refusal> {
        if let Some(known) = self.persons.get(id) {
            return Ok(known.clone());
        }
        let row = self.app.store().person_by_id(id).await.map_err(of_store)?;
        self.persons.insert(id.to_owned(), row.clone());
        Ok(row)
    }

    /// A team and the first of its active members.
    async fn staff(&mut self, team: i64) -> Result<Option<Staff>, Refusal> {
        if let Some(known) = self.teams.get(&team) {
            return Ok(known.clone());
        }
        let staff = match self.app.store().item_by_seq(team).await.map_err(of_store)? {
            None => None,
            Some(row) => {
                let holders = self.app.store().holders(GrantKind::Team, &row.id, 0, HOLDERS).await.map_err(of_store)?;
                let mut members: Vec<(Party, bool)> = Vec::new();
                for (person, grant) in holders.iter().filter(|(person, _)| person.state == State::Active) {
                    let manages = grant.value == MANAGER;
                    match members.iter_mut().find(|(member, _)| member.id == person.id) {
                        Some((_, known)) => *known |= manages,
                        None => members.push((party(person), manages)),
                    }
                }
                Some(Staff { team: row, members })
            }
        };
        self.teams.insert(team, staff.clone());
        Ok(staff)
    }
}
