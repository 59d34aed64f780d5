//! What rule files may name, looked up, and rule files read with it.

use super::NotTaken;
use crate::Refusal;
use crate::app::App;
use crate::error::of_store;
use bailiwick_domain::catalog::properties::{Definition, Definitions};
use bailiwick_domain::catalog::schema;
use bailiwick_domain::mapping::rule::FILE_BYTES;
use bailiwick_domain::mapping::{RuleSet, TeamEntry, Teams, Vocabulary, parse};
use bailiwick_domain::names;
use bailiwick_domain::policy;
use bailiwick_domain::yaml::{self, Fault, Node};
use bailiwick_scim::Code;
use bailiwick_scim::text::{match_key, unique_key};
use bailiwick_store::query::{EntryQuery, ItemQuery};
use bailiwick_store::rows::ItemRow;
use futures_util::future::try_join_all;
use std::collections::HashSet;
use std::sync::Arc;

/// Teams read at once.
const PAGE: u32 = 1_000;
/// Documents of admins read at once.
const ENTRIES: u32 = 1_000;

/// Reads a rule file, YAML or JSON, and looks up everything it names.
///
/// # Errors
/// Every fault with its place, or when the store cannot answer.
pub async fn read_rules(app: &App, text: &str) -> Result<RuleSet, NotTaken> {
    let limits = yaml::Limits { bytes: FILE_BYTES, documents: 1, ..yaml::Limits::default() };
    let documents = yaml::read(text, &limits).map_err(|fault| NotTaken::Faults(vec![fault]))?;
    let Some(document) = documents.first() else {
        let message = "the file is empty; write `version: 1` and `rules:`".to_owned();
        return Err(NotTaken::Faults(vec![Fault { line: 1, column: 1, message }]));
    };
    let owners = parse::owners(document);
    let named: Vec<String> = team_names(document).into_iter().chain(owners.iter().cloned()).collect();
    let mut teams = teams(app, &named).await?;
    let mut persons = HashSet::new();
    for owner in owners.iter().filter(|owner| teams.find(owner).is_none()) {
        if is_person(app, owner).await? {
            persons.insert(owner.clone());
        }
    }
    if named.iter().any(|name| teams.find(name).is_none() && !persons.contains(name)) {
        // Somebody misspelt: what there is serves to say what may be meant.
        for team in page(app, None).await?.0 {
            add(&mut teams, &team);
        }
    }
    let integrations: Vec<String> =
        app.store().integrations().await.map_err(of_store)?.into_iter().map(|row| row.name).collect();
    let roles = roles(app).await?;
    let definitions = definitions(app).await?;
    let vocabulary = Vocabulary {
        registry: app.registry(),
        teams: &teams,
        roles: &roles,
        integrations: &integrations,
        person: &|reference| persons.contains(reference),
        property: &|name, value| property(&definitions, name, value),
        own: &|text| schema::filter(text, &definitions).map(|_| ()).map_err(|error| error.detail),
    };
    parse(document, &vocabulary).map_err(NotTaken::Faults)
}

fn property(definitions: &Definitions, name: &str, value: &serde_json::Value) -> Result<(), String> {
    let mut properties = bailiwick_scim::Object::new();
    properties.insert(name.to_owned(), value.clone());
    match definitions.check("person", &properties).first() {
        Some(fault) => Err(format!("the property \"{name}\" cannot be given: {}", fault.message)),
        None => Ok(()),
    }
}

/// The teams a document names under `then`.
fn team_names(document: &Node) -> Vec<String> {
    let rules = document.get("rules").and_then(Node::items).unwrap_or_default();
    let entries = rules.iter().filter_map(|rule| rule.get("then")?.items()).flatten();
    let mut names: Vec<String> = entries.filter_map(|entry| entry.get("team")?.as_str().map(str::to_owned)).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The teams of these references; those that name none are left out.
pub(super) async fn teams(app: &App, references: &[String]) -> Result<Teams, Refusal> {
    let distinct: HashSet<&str> = references.iter().map(String::as_str).collect();
    let look_up = distinct.into_iter().map(|reference| async move {
        let key = match_key(reference.trim()).into_owned();
        let key = key.strip_prefix("team:").or_else(|| key.strip_prefix("group:")).unwrap_or(&key);
        let (namespace, name) = key.split_once('/').unwrap_or(("default", key));
        let found = app.store().item_by_alias(&format!("team:{namespace}"), name).await.map_err(of_store)?;
        Ok::<_, Refusal>(found.map(|team| (namespace.to_owned(), name.to_owned(), team)))
    });
    let mut teams = Teams::default();
    for (namespace, name, team) in try_join_all(look_up).await?.into_iter().flatten() {
        let entry = Arc::new(entry(&team));
        teams.add(&alias(&namespace, &name), &entry);
    }
    Ok(teams)
}

/// Every team by every name and alias.
pub(super) async fn every_team(app: &App) -> Result<Teams, Refusal> {
    let mut teams = Teams::default();
    let mut after = None;
    loop {
        let (rows, next) = page(app, after).await?;
        let aliases = try_join_all(rows.iter().map(|row| app.store().aliases(row.seq))).await.map_err(of_store)?;
        for (row, aliases) in rows.iter().zip(aliases) {
            let entry = Arc::new(entry(row));
            for known in aliases {
                let namespace = known.space.split_once(':').map_or("default", |(_, namespace)| namespace);
                teams.add(&alias(namespace, &known.key), &entry);
            }
        }
        match next {
            Some(next) => after = Some(next),
            None => return Ok(teams),
        }
    }
}

type Place = (String, i64);

async fn page(app: &App, after: Option<Place>) -> Result<(Vec<ItemRow>, Option<Place>), Refusal> {
    let query = ItemQuery { kinds: vec!["team".to_owned()], after, limit: PAGE, ..ItemQuery::default() };
    let page = app.store().items(query).await.map_err(of_store)?;
    Ok((page.rows, page.next))
}

fn add(teams: &mut Teams, row: &ItemRow) {
    teams.add(&alias(&row.namespace, &row.name_key), &Arc::new(entry(row)));
}

fn alias(namespace: &str, name: &str) -> String {
    if namespace == "default" { name.to_owned() } else { format!("{namespace}/{name}") }
}

fn entry(row: &ItemRow) -> TeamEntry {
    TeamEntry { id: row.id.clone(), title: row.title.clone() }
}

/// Which of these owners are there: teams or persons.
pub(super) async fn owners_there(app: &App, owners: &[String]) -> Result<HashSet<String>, Refusal> {
    let teams = teams(app, owners).await?;
    let mut there = HashSet::new();
    for owner in owners {
        if teams.find(owner).is_some() || is_person(app, owner).await? {
            there.insert(owner.clone());
        }
    }
    Ok(there)
}

/// Whether there is such a person: an id, a userName or an e-mail address.
async fn is_person(app: &App, reference: &str) -> Result<bool, Refusal> {
    if reference.starts_with("per_") {
        return Ok(app.store().person_by_id(reference).await.map_err(of_store)?.is_some());
    }
    let emails = if names::is_email_form(reference) { vec![names::email_key(reference)] } else { Vec::new() };
    let found = app.store().candidates(&unique_key(reference), &emails).await.map_err(of_store)?;
    Ok(!found.is_empty())
}

async fn roles(app: &App) -> Result<Vec<String>, Refusal> {
    let mut roles: Vec<String> = policy::builtins().into_iter().map(|role| role.name).collect();
    let query = EntryQuery { collection: "role".to_owned(), limit: ENTRIES, ..EntryQuery::default() };
    roles.extend(app.store().entries(query).await.map_err(of_store)?.into_iter().map(|entry| entry.id));
    Ok(roles)
}

async fn definitions(app: &App) -> Result<Definitions, Refusal> {
    let query = EntryQuery { collection: "property".to_owned(), limit: ENTRIES, ..EntryQuery::default() };
    let entries = app.store().entries(query).await.map_err(of_store)?;
    let definition = |entry: &bailiwick_store::rows::EntryRow| {
        let document = serde_json::from_str(&entry.doc).ok()?;
        Definition::from_json(&entry.id, &document).ok()
    };
    let known = entries.iter().filter_map(definition).collect();
    Definitions::compile(known).map_err(|reason| Refusal::new(Code::ValueInvalid, reason))
}
