//! What a person is responsible for.

use crate::Refusal;
use crate::app::App;
use crate::error::of_store;
use crate::mapping;
use bailiwick_domain::handover::{Duty, Leaver, Owned, Party, PartyKind, Task, Thing};
use bailiwick_domain::ids::{Kind, Millis};
use bailiwick_domain::mapping::{GrantKind, Rule};
use bailiwick_domain::names;
use bailiwick_domain::person::State;
use bailiwick_scim::text::unique_key;
use bailiwick_store::query::ItemQuery;
use bailiwick_store::rows::{GrantRow, ItemRow, PersonRow};
use serde_json::Value;

/// The membership role of who answers for a team.
pub(super) const MANAGER: &str = "manager";
/// Holders of a team read at once.
const HOLDERS: u32 = 200;
/// Items read at once.
const ITEMS: u32 = 500;
/// Where the enterprise attributes of a User are (RFC 7643 section 4.3).
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// A person who leaves, and what is left behind.
#[derive(Debug)]
pub(super) struct Legacy {
    pub(super) leaver: Leaver,
    pub(super) things: Vec<Owned>,
    /// There is more than was asked for.
    pub(super) more: bool,
}

/// A person as a party.
pub(super) fn party(person: &PersonRow) -> Party {
    Party { kind: PartyKind::Person, id: person.id.clone(), name: person.display.clone() }
}

/// A person of whom no more is known than who it is.
pub(super) fn leaver(person: &PersonRow) -> Leaver {
    Leaver { person: party(person), teams: Vec::new(), manager: None }
}

/// A team as a party.
pub(super) fn team_party(team: &ItemRow) -> Party {
    Party { kind: PartyKind::Team, id: team.id.clone(), name: team.title.clone() }
}

/// What people know an item by.
pub(super) fn thing(item: &ItemRow) -> Thing {
    Thing {
        kind: item.kind.clone(),
        id: item.id.clone(),
        reference: format!("{}:{}/{}", item.kind, item.namespace, item.name),
        title: item.title.clone(),
        owner: None,
    }
}

/// Everything a person is responsible for, or the first `most` of it.
pub(super) async fn left_by(app: &App, person: &PersonRow, most: usize) -> Result<Legacy, Refusal> {
    let grants = held(app, person).await?;
    let mut teams = memberships(&grants);
    let manager = manager_of(app, person).await?;
    let ids = teams.iter().take(most).map(|(team, _)| (*team).to_owned()).collect();
    let leaver = Leaver { person: party(person), teams: ids, manager };
    let mut things = entities(app, person.seq, most).await?;
    let mut more = teams.len() > most || things.len() > most;
    teams.truncate(most);
    for (team, manages) in teams {
        things.extend(duty_in(app, person.seq, team, manages).await?);
    }
    things.extend(rules(app, person).await);
    more |= things.len() > most;
    things.truncate(most);
    Ok(Legacy { leaver, things, more })
}

/// What a person holds; of somebody who is closed, what they held when they left.
async fn held(app: &App, person: &PersonRow) -> Result<Vec<GrantRow>, Refusal> {
    if person.state != State::Closed {
        return app.store().grants_of(person.seq, true).await.map_err(of_store);
    }
    let states = app.store().person_states(person.seq).await.map_err(of_store)?;
    match states.iter().rev().find(|state| state.before == State::Active) {
        Some(left) => app.store().grants_at(person.seq, Millis(left.at.0 - 1)).await.map_err(of_store),
        None => Ok(Vec::new()),
    }
}

/// The teams of a person, each once, and whether they manage it.
fn memberships(grants: &[GrantRow]) -> Vec<(&str, bool)> {
    let mut teams: Vec<(&str, bool)> = Vec::new();
    for grant in grants.iter().filter(|grant| grant.kind == GrantKind::Team) {
        let manages = grant.value == MANAGER;
        match teams.iter_mut().find(|(team, _)| *team == grant.object) {
            Some((_, known)) => *known |= manages,
            None => teams.push((&grant.object, manages)),
        }
    }
    teams
}

/// The mapping rules whose owner is this person. Rules that cannot be read keep nobody from leaving.
async fn rules(app: &App, person: &PersonRow) -> Vec<Owned> {
    let Ok(rules) = mapping::current(app).await else { return Vec::new() };
    let user_name = person.user_name_key.as_deref();
    let email = person.email.as_deref().map(names::email_key);
    let theirs = |owner: &str| {
        owner == person.id
            || user_name == Some(unique_key(owner).as_str())
            || (names::is_email_form(owner) && email.as_deref() == Some(names::email_key(owner).as_str()))
    };
    let owned = rules.set().rules.iter().filter(|rule| theirs(&rule.owner));
    owned.map(|rule| Owned { duty: Duty::Rule, thing: rule_thing(rule) }).collect()
}

fn rule_thing(rule: &Rule) -> Thing {
    Thing {
        kind: "rule".to_owned(),
        id: rule.id.clone(),
        reference: rule.id.clone(),
        title: rule.description.clone().unwrap_or_else(|| rule.id.clone()),
        owner: Some(rule.owner.clone()),
    }
}

/// Whether the rule of a task has another owner by now, or is gone.
pub(super) async fn rule_is_settled(app: &App, task: &Task) -> Result<bool, Refusal> {
    let rules = mapping::current(app).await?;
    Ok(rules.set().rule(&task.thing.id).is_none_or(|rule| Some(&rule.owner) != task.thing.owner.as_ref()))
}

/// The entities a person owns; one more than `most` says that there are more.
async fn entities(app: &App, person: i64, most: usize) -> Result<Vec<Owned>, Refusal> {
    let mut owned = Vec::new();
    let mut after = None;
    loop {
        let limit = u32::try_from((most + 1).saturating_sub(owned.len())).unwrap_or(ITEMS).min(ITEMS);
        let query = ItemQuery { owner_person: Some(person), after, limit, ..ItemQuery::default() };
        let page = app.store().items(query).await.map_err(of_store)?;
        owned.extend(page.rows.iter().map(|item| Owned { duty: Duty::Owner, thing: thing(item) }));
        after = page.next;
        if after.is_none() || owned.len() > most {
            return Ok(owned);
        }
    }
}

/// What a team loses with this person: its only manager, or the only one who looks after what it owns.
async fn duty_in(app: &App, person: i64, team: &str, manages: bool) -> Result<Option<Owned>, Refusal> {
    let Some(item) = app.store().item(team).await.map_err(of_store)? else { return Ok(None) };
    let others = others(app, team, person, manages).await?;
    if !others.member && owns(app, item.seq).await? {
        return Ok(Some(Owned { duty: Duty::LastMember, thing: thing(&item) }));
    }
    Ok((manages && !others.manager).then(|| Owned { duty: Duty::Manager, thing: thing(&item) }))
}

async fn owns(app: &App, team: i64) -> Result<bool, Refusal> {
    let query = ItemQuery { owner: Some(team), limit: 1, ..ItemQuery::default() };
    Ok(!app.store().items(query).await.map_err(of_store)?.rows.is_empty())
}

/// Whether somebody else in a team is active.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Others {
    pub(super) member: bool,
    pub(super) manager: bool,
}

/// Looks for others who are active, no further than needed.
pub(super) async fn others(app: &App, team: &str, but: i64, for_manager: bool) -> Result<Others, Refusal> {
    let mut found = Others::default();
    let mut after = 0;
    loop {
        let page = app.store().holders(GrantKind::Team, team, after, HOLDERS).await.map_err(of_store)?;
        let Some((last, _)) = page.last() else { return Ok(found) };
        after = last.seq;
        for (person, grant) in &page {
            let other = person.seq != but && person.state == State::Active;
            found.member |= other;
            found.manager |= other && grant.value == MANAGER;
        }
        if found.member && (found.manager || !for_manager) {
            return Ok(found);
        }
    }
}

/// The manager of a person by the authority's word, if that names somebody.
async fn manager_of(app: &App, person: &PersonRow) -> Result<Option<Party>, Refusal> {
    let Some(authority) = person.authority else { return Ok(None) };
    let users = app.store().person_users(person.seq).await.map_err(of_store)?;
    let Some(user) = users.iter().find(|user| user.seq == authority) else { return Ok(None) };
    let document: Value = serde_json::from_str(&user.doc).unwrap_or_default();
    let Some(id) = document[ENTERPRISE]["manager"]["value"].as_str() else { return Ok(None) };
    let manager = app.store().resource(user.integration, Kind::User, id, false).await.map_err(of_store)?;
    let Some(found) = manager.and_then(|manager| manager.person) else { return Ok(None) };
    let row = app.store().person(found.seq).await.map_err(of_store)?;
    Ok(row.filter(|row| row.seq != person.seq).map(|row| party(&row)))
}
