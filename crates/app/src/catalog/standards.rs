//! What admins define for all items: tiers, lifecycles, properties.

use super::{Invalid, commit, gave_up, missing};
use crate::Refusal;
use crate::access::{self, Action, Principal};
use crate::app::App;
use crate::error::of_store;
use bailiwick_domain::catalog::Fault;
use bailiwick_domain::catalog::levels::{LEVELS, Level, Levels, Scale};
use bailiwick_domain::catalog::properties::{DEFINITIONS, Definition, Definitions};
use bailiwick_domain::event::EventKind;
use bailiwick_scim::{Code, Object};
use bailiwick_store::change::EntryWrite;
use bailiwick_store::query::EntryQuery;
use bailiwick_store::rows::EntryRow;
use bailiwick_store::{ChangeSet, Error, Guard, Write};
use serde_json::{Value, json};

/// Where property definitions are kept.
const PROPERTY: &str = "property";

/// How often a definition is read and written again.
const ATTEMPTS: usize = 16;

async fn entries(app: &App, collection: &str, limit: usize) -> Result<Vec<EntryRow>, Refusal> {
    let limit = u32::try_from(limit).unwrap_or(u32::MAX);
    let query = EntryQuery { collection: collection.to_owned(), limit, ..EntryQuery::default() };
    app.store().entries(query).await.map_err(of_store)
}

fn object(row: &EntryRow) -> Result<Object, Refusal> {
    serde_json::from_str(&row.doc).map_err(|_| of_store(Error::Broken(format!("entry {} is no object", row.id))))
}

fn broken(id: &str, faults: &[Fault]) -> Refusal {
    of_store(Error::Broken(format!("entry {id}: {faults:?}")))
}

/// The tiers or lifecycles in order, each with its version.
///
/// # Errors
/// What the policy does not permit, or when the store cannot answer.
pub async fn levels(app: &App, principal: &Principal, scale: Scale) -> Result<Vec<(Level, i64)>, Refusal> {
    access::require(app, principal, Action::CatalogRead, &access::Object::None).await?;
    let mut all = read_levels(app, scale).await?;
    all.sort_by(|(left, _), (right, _)| (left.index, &left.alias).cmp(&(right.index, &right.alias)));
    Ok(all)
}

async fn read_levels(app: &App, scale: Scale) -> Result<Vec<(Level, i64)>, Refusal> {
    let mut all = Vec::new();
    for row in entries(app, scale.as_str(), LEVELS).await? {
        let level = Level::from_json(&row.id, &object(&row)?).map_err(|faults| broken(&row.id, &faults))?;
        all.push((level, row.version));
    }
    Ok(all)
}

/// One tier or lifecycle with its version.
///
/// # Errors
/// An unknown one, what the policy does not permit, or when the store cannot answer.
pub async fn read_level(app: &App, principal: &Principal, scale: Scale, alias: &str) -> Result<(Level, i64), Refusal> {
    let found = levels(app, principal, scale).await?.into_iter().find(|(level, _)| level.alias == alias);
    found.ok_or_else(|| missing(format!("There is no {} \"{}\".", scale.as_str(), super::find::shown(alias))))
}

/// Defines a tier or lifecycle, or changes it. `expected` is the version it must have, 0 for none.
///
/// # Errors
/// A document that is none of a level, too many levels, another version, what the policy does not permit, or when the
/// store cannot answer.
pub async fn put_level(
    app: &App,
    principal: &Principal,
    scale: Scale,
    alias: &str,
    document: &Object,
    expected: Option<i64>,
) -> Result<Level, Invalid> {
    access::require(app, principal, Action::StandardsManage, &access::Object::None).await?;
    let level = Level::from_json(alias, document)?;
    let write = Definer { collection: scale.as_str(), most: LEVELS, kind: EventKind::StandardSet };
    write.put(app, principal, alias, level.to_json(), expected).await?;
    Ok(level)
}

/// Takes a tier or lifecycle out of the list. Items that say it keep it until they are changed.
///
/// # Errors
/// An unknown one, another version, what the policy does not permit, or when the store cannot answer.
pub async fn delete_level(
    app: &App,
    principal: &Principal,
    scale: Scale,
    alias: &str,
    expected: Option<i64>,
) -> Result<(), Refusal> {
    access::require(app, principal, Action::StandardsManage, &access::Object::None).await?;
    remove(app, principal, scale.as_str(), alias, expected).await
}

/// The definitions of properties by name, each with its version.
///
/// # Errors
/// What the policy does not permit, or when the store cannot answer.
pub async fn properties(app: &App, principal: &Principal) -> Result<Vec<(Definition, i64)>, Refusal> {
    access::require(app, principal, Action::CatalogRead, &access::Object::None).await?;
    read_properties(app).await
}

async fn read_properties(app: &App) -> Result<Vec<(Definition, i64)>, Refusal> {
    let mut all = Vec::new();
    for row in entries(app, PROPERTY, DEFINITIONS).await? {
        let definition = Definition::from_json(&row.id, &object(&row)?).map_err(|faults| broken(&row.id, &faults))?;
        all.push((definition, row.version));
    }
    Ok(all)
}

/// One definition with its version.
///
/// # Errors
/// An unknown one, what the policy does not permit, or when the store cannot answer.
pub async fn property(app: &App, principal: &Principal, name: &str) -> Result<(Definition, i64), Refusal> {
    let found = properties(app, principal).await?.into_iter().find(|(definition, _)| definition.name == name);
    found.ok_or_else(|| missing(format!("There is no property \"{}\".", super::find::shown(name))))
}

/// Defines a property, or changes it. Values that are there already stay until their items are changed.
///
/// # Errors
/// A document that is no definition, too many of them, another version, what the policy does not permit, or when the
/// store cannot answer.
pub async fn put_property(
    app: &App,
    principal: &Principal,
    name: &str,
    document: &Object,
    expected: Option<i64>,
) -> Result<Definition, Invalid> {
    access::require(app, principal, Action::StandardsManage, &access::Object::None).await?;
    let definition = Definition::from_json(name, document)?;
    let write = Definer { collection: PROPERTY, most: DEFINITIONS, kind: EventKind::StandardSet };
    write.put(app, principal, name, definition.to_json(), expected).await?;
    Ok(definition)
}

/// Takes a definition away. Values stay until their items are changed; then they must go.
///
/// # Errors
/// An unknown one, another version, what the policy does not permit, or when the store cannot answer.
pub async fn delete_property(
    app: &App,
    principal: &Principal,
    name: &str,
    expected: Option<i64>,
) -> Result<(), Refusal> {
    access::require(app, principal, Action::StandardsManage, &access::Object::None).await?;
    remove(app, principal, PROPERTY, name, expected).await
}

/// Everything that is defined, ready to check documents with.
///
/// # Errors
/// When the store cannot answer.
pub async fn standards(app: &App) -> Result<super::Standards, Refusal> {
    let levels = |all: Vec<(Level, i64)>| Levels::new(all.into_iter().map(|(level, _)| level).collect());
    let definitions = read_properties(app).await?.into_iter().map(|(definition, _)| definition).collect();
    Ok(super::Standards {
        tiers: levels(read_levels(app, Scale::Tier).await?),
        lifecycles: levels(read_levels(app, Scale::Lifecycle).await?),
        properties: Definitions::compile(definitions).map_err(|reason| of_store(Error::Broken(reason)))?,
    })
}

struct Definer {
    collection: &'static str,
    most: usize,
    kind: EventKind,
}

impl Definer {
    async fn put(
        &self,
        app: &App,
        principal: &Principal,
        id: &str,
        document: Value,
        expected: Option<i64>,
    ) -> Result<(), Invalid> {
        for _ in 0..ATTEMPTS {
            let before = app.store().entry(self.collection, id).await.map_err(of_store)?;
            let version = before.as_ref().map_or(0, |row| row.version);
            check_version(version, expected)?;
            if version == 0 && entries(app, self.collection, self.most).await?.len() >= self.most {
                let detail = format!("There are {} of these already, which is as many as there may be.", self.most);
                return Err(Refusal::new(Code::TooMany, detail).into());
            }
            let old: Option<Value> = before.and_then(|row| serde_json::from_str(&row.doc).ok());
            if old.as_ref() == Some(&document) {
                return Ok(());
            }
            let payload = json!({"collection": self.collection, "name": id, "before": old, "after": document});
            let write = EntryWrite {
                collection: self.collection.to_owned(),
                id: id.to_owned(),
                parent: None,
                state: None,
                due: None,
                doc: document.to_string(),
            };
            let set = ChangeSet {
                at: app.clock().now(),
                guards: vec![entry_guard(self.collection, id, version)],
                writes: vec![Write::PutEntry(write)],
                events: vec![super::event(app, principal, self.kind, id, payload)],
            };
            if commit(app, set).await?.is_some() {
                return Ok(());
            }
        }
        Err(gave_up().into())
    }
}

async fn remove(
    app: &App,
    principal: &Principal,
    collection: &str,
    id: &str,
    expected: Option<i64>,
) -> Result<(), Refusal> {
    for _ in 0..ATTEMPTS {
        let before = app.store().entry(collection, id).await.map_err(of_store)?;
        let Some(before) = before else {
            return Err(missing(format!("There is no {collection} \"{}\".", super::find::shown(id))));
        };
        check_version(before.version, expected)?;
        let old: Option<Value> = serde_json::from_str(&before.doc).ok();
        let payload = json!({"collection": collection, "name": id, "before": old});
        let set = ChangeSet {
            at: app.clock().now(),
            guards: vec![entry_guard(collection, id, before.version)],
            writes: vec![Write::DeleteEntry { collection: collection.to_owned(), id: id.to_owned() }],
            events: vec![super::event(app, principal, EventKind::StandardDelete, id, payload)],
        };
        if commit(app, set).await?.is_some() {
            return Ok(());
        }
    }
    Err(gave_up())
}

fn entry_guard(collection: &str, id: &str, version: i64) -> Guard {
    Guard::Entry { collection: collection.to_owned(), id: id.to_owned(), version }
}

/// Refuses when another version is there than the one that was seen.
pub(super) fn check_version(version: i64, expected: Option<i64>) -> Result<(), Refusal> {
    if expected.is_none_or(|expected| expected == version) {
        return Ok(());
    }
    Err(Refusal::new(Code::PreconditionFailed, "Somebody changed this since it was read. Read it again first."))
}
