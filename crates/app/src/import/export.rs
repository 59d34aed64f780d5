//! The catalog as Backstage's descriptors.

use super::person::PEOPLE;
use crate::Refusal;
use crate::access::{self, Action, Principal};
use crate::app::App;
use crate::catalog::CONTRIBUTOR;
use crate::error::of_store;
use crate::mapping::memberships;
use bailiwick_domain::attributes::Profile;
use bailiwick_domain::catalog::{DEFAULT_NAMESPACE, Entity, Kind, Reference, check_name, slug};
use bailiwick_domain::descriptor::backstage::user_reference;
use bailiwick_domain::descriptor::{self, Item, Membership, Person};
use bailiwick_domain::mapping::GrantKind;
use bailiwick_domain::person::State;
use bailiwick_store::query::{EntryQuery, ItemQuery, PersonListQuery};
use bailiwick_store::rows::{ItemRow, PersonRow};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Rows of one page.
const PAGE: u32 = 500;

/// One descriptor.
#[derive(Clone, Debug)]
pub struct Exported {
    /// Its kind, lower case: `component`, `group`, `user`.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The document.
    pub document: Value,
}

/// Writes items as descriptors, and the people who are not closed as Users. `kinds` limits it: `component`, `group` or
/// `team`, `user` ...; nothing means all.
///
/// # Errors
/// A kind that is none, what the policy does not permit, or when the store cannot answer.
pub async fn export(app: &App, principal: &Principal, kinds: &[String]) -> Result<Vec<Exported>, Refusal> {
    for action in [Action::CatalogRead, Action::TeamRead, Action::PersonRead] {
        access::require(app, principal, action, &access::Object::None).await?;
    }
    let is_user = |kind: &String| kind.eq_ignore_ascii_case("user") || kind.eq_ignore_ascii_case("person");
    let users = kinds.is_empty() || kinds.iter().any(is_user);
    let mut wanted = Vec::new();
    for kind in kinds.iter().filter(|kind| !is_user(kind)) {
        let kind = Kind::parse(kind).map_err(|reason| crate::manage::invalid(format!("No such kind: {reason}.")))?;
        wanted.push(kind.as_str().to_owned());
    }
    let people = people(app).await?;
    let mut out = Vec::new();
    let mut teams: HashMap<String, Reference> = HashMap::new();
    if kinds.is_empty() || !wanted.is_empty() {
        for row in rows(app, wanted).await? {
            let exported = item(app, &row, &people).await?;
            out.push(exported);
        }
    }
    if users {
        for row in rows(app, vec!["team".to_owned()]).await? {
            let reference = Reference { kind: Kind::Team, namespace: row.namespace.clone(), name: row.name.clone() };
            teams.insert(row.id, reference);
        }
        for (row, known) in people.rows.iter().zip(&people.known) {
            out.push(user(app, row, known, &teams).await?);
        }
    }
    out.sort_by(|left, right| {
        (&left.kind, &left.namespace, &left.name).cmp(&(&right.kind, &right.namespace, &right.name))
    });
    Ok(out)
}

async fn rows(app: &App, kinds: Vec<String>) -> Result<Vec<ItemRow>, Refusal> {
    let mut all = Vec::new();
    let mut after = None;
    loop {
        let query = ItemQuery { kinds: kinds.clone(), after, limit: PAGE, ..ItemQuery::default() };
        let page = app.store().items(query).await.map_err(of_store)?;
        all.extend(page.rows);
        after = page.next;
        if after.is_none() {
            return Ok(all);
        }
    }
}

/// Everybody who is not closed, and how descriptors call them.
struct People {
    rows: Vec<PersonRow>,
    known: Vec<Known>,
    by_seq: HashMap<i64, usize>,
}

/// What descriptors say of somebody.
#[derive(Clone, Default)]
struct Known {
    name: String,
    namespace: Option<String>,
    unknown: bailiwick_scim::Object,
}

async fn people(app: &App) -> Result<People, Refusal> {
    let sources = sources(app).await?;
    let mut people = People { rows: Vec::new(), known: Vec::new(), by_seq: HashMap::new() };
    let mut taken = HashSet::new();
    let mut after = None;
    loop {
        let query = PersonListQuery { after, limit: PAGE, ..PersonListQuery::default() };
        let page = app.store().person_page(query).await.map_err(of_store)?;
        for row in page.rows.into_iter().filter(|row| row.state != State::Closed) {
            let mut known = sources.get(&row.id).cloned().unwrap_or_default();
            known.name = name_of(&row, &known, &taken);
            let namespace = known.namespace.as_deref().unwrap_or(DEFAULT_NAMESPACE);
            taken.insert(user_reference(namespace, &known.name));
            people.by_seq.insert(row.seq, people.rows.len());
            people.rows.push(row);
            people.known.push(known);
        }
        after = page.next;
        if after.is_none() {
            return Ok(people);
        }
    }
}

/// The name that a file gave; else the userName, the local part of the address or the display name as a name; else the
/// id, which nobody else has.
fn name_of(row: &PersonRow, known: &Known, taken: &HashSet<String>) -> String {
    let local = row.email.as_deref().and_then(|email| email.split('@').next()).map(str::to_owned);
    let plain = row.user_name.as_deref().map(|name| name.split('@').next().unwrap_or(name).to_owned());
    let said = Some(known.name.clone()).filter(|name| !name.is_empty());
    let all = [said, plain, local, slug(&row.display)];
    let namespace = known.namespace.as_deref().unwrap_or(DEFAULT_NAMESPACE);
    let free = |name: &String| check_name(name).is_ok() && !taken.contains(&user_reference(namespace, name));
    all.into_iter().flatten().find(free).unwrap_or_else(|| row.id.clone())
}

/// What imports know of people, by their id.
async fn sources(app: &App) -> Result<HashMap<String, Known>, Refusal> {
    let mut all = HashMap::new();
    let mut after = None;
    loop {
        let query = EntryQuery { collection: PEOPLE.to_owned(), after, limit: PAGE, ..EntryQuery::default() };
        let rows = app.store().entries(query).await.map_err(of_store)?;
        let Some(last) = rows.last() else { return Ok(all) };
        after = Some(last.id.clone());
        for row in rows {
            let document: Value = serde_json::from_str(&row.doc).unwrap_or_default();
            let text = |key: &str| document[key].as_str().map(str::to_owned);
            let Some(person) = text("person") else { continue };
            let known = Known {
                name: text("name").unwrap_or_default(),
                namespace: text("namespace"),
                unknown: document["unknown"].as_object().cloned().unwrap_or_default(),
            };
            if !known.name.is_empty() || !all.contains_key(&person) {
                all.insert(person, known);
            }
        }
    }
}

async fn item(app: &App, row: &ItemRow, people: &People) -> Result<Exported, Refusal> {
    let broken = || of_store(bailiwick_store::Error::Broken(format!("the document of {}", row.id)));
    let document = serde_json::from_str(&row.doc).map_err(|_| broken())?;
    let entity = Entity::from_document(&document).map_err(|_| broken())?;
    let mut whole = Item { entity, children: Vec::new(), members: Vec::new() };
    if whole.entity.kind().is_team() {
        for child in app.store().team_children(row.seq).await.map_err(of_store)? {
            whole.children.push(Reference { kind: Kind::Team, namespace: child.namespace, name: child.name });
        }
        whole.members = members(app, row, people).await?;
    }
    let kind = match whole.entity.kind() {
        Kind::Team => "group".to_owned(),
        kind => kind.as_str().to_owned(),
    };
    let document = descriptor::export::item(&whole);
    Ok(Exported { kind, namespace: row.namespace.clone(), name: row.name.clone(), document })
}

async fn members(app: &App, row: &ItemRow, people: &People) -> Result<Vec<String>, Refusal> {
    let mut members = Vec::new();
    let mut after = 0;
    loop {
        let held = app.store().holders(GrantKind::Team, &row.id, after, PAGE).await.map_err(of_store)?;
        let Some((last, _)) = held.last() else { break };
        after = last.seq;
        for index in held.iter().filter_map(|(person, _)| people.by_seq.get(&person.seq)) {
            let known = &people.known[*index];
            members.push(user_reference(known.namespace.as_deref().unwrap_or(DEFAULT_NAMESPACE), &known.name));
        }
    }
    members.sort();
    members.dedup();
    Ok(members)
}

async fn user(
    app: &App,
    row: &PersonRow,
    known: &Known,
    teams: &HashMap<String, Reference>,
) -> Result<Exported, Refusal> {
    let grants = app.store().grants_of(row.seq, true).await.map_err(of_store)?;
    let member_of = memberships(&grants).into_iter().filter_map(|(team, role)| Some((teams.get(&team)?, role)));
    // What is said of everybody is not said again.
    let role = |role: String| Some(role).filter(|role| role != CONTRIBUTOR);
    let of: BTreeMap<String, Membership> =
        member_of.map(|(team, held)| (team.to_string(), Membership { team: team.clone(), role: role(held) })).collect();
    let profile = Profile::parse(&row.doc);
    let photo = profile.get("photo").and_then(|photo| photo.value.as_str()).map(str::to_owned);
    let person = Person {
        name: Some(known.name.clone()),
        namespace: known.namespace.clone(),
        display: row.display.clone(),
        email: row.email.clone(),
        teams: of.into_values().collect(),
        fields: photo.into_iter().map(|photo| ("photo".to_owned(), photo)).collect(),
        unknown: known.unknown.clone(),
    };
    let namespace = known.namespace.clone().unwrap_or_else(|| DEFAULT_NAMESPACE.to_owned());
    let document = descriptor::export::person(&person, &known.name);
    Ok(Exported { kind: "user".to_owned(), namespace, name: known.name.clone(), document })
}
