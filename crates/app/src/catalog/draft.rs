//! An item as the store keeps it.

use super::find::{self, Found};
use super::{Invalid, at};
use crate::app::App;
use bailiwick_domain::catalog::levels::{Levels, Scale};
use bailiwick_domain::catalog::properties::Definitions;
use bailiwick_domain::catalog::{Entity, Fault, Owner, Reference, schema};
use bailiwick_scim::Object;
use bailiwick_scim::text::match_key;
use bailiwick_store::change::{ItemColumns, NewRelation};
use bailiwick_store::rows::ItemRow;

/// What admins defined for all items.
#[derive(Debug, Default)]
pub struct Standards {
    /// Tiers.
    pub tiers: Levels,
    /// Lifecycles.
    pub lifecycles: Levels,
    /// Properties.
    pub properties: Definitions,
}

/// Who writes an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Author {
    /// Somebody, by hand: what is referred to must be there.
    Hand,
    /// An import: what is not there yet is kept as a reference, and locked properties are left alone.
    Import,
}

impl Standards {
    /// Checks an item against what is defined, and puts tier and lifecycle into their canonical spelling.
    ///
    /// # Errors
    /// Every fault with its place.
    pub fn check(&self, entity: &mut Entity, before: Option<&Entity>, author: Author) -> Result<(), Vec<Fault>> {
        let mut faults = Vec::new();
        // What stood there before a level was taken out of the list may stay.
        let kept = |now: &Option<String>, old: Option<&Option<String>>| now.is_some() && old == Some(now);
        let pairs = [
            ("/tier", Scale::Tier, &self.tiers, &mut entity.tier, before.map(|before| &before.tier)),
            (
                "/lifecycle",
                Scale::Lifecycle,
                &self.lifecycles,
                &mut entity.lifecycle,
                before.map(|before| &before.lifecycle),
            ),
        ];
        for (place, scale, levels, now, old) in pairs {
            if kept(now, old) {
                continue;
            }
            if let Some(text) = now {
                match levels.resolve(scale, text) {
                    Ok(alias) => *text = alias,
                    Err(reason) => faults.push(Fault::new(place, reason)),
                }
            }
        }
        let empty = Object::new();
        let old = before.map_or(&empty, |before| &before.properties);
        let unsaid = |(name, value): &(&String, &serde_json::Value)| old.get(*name) != Some(*value);
        let changed: Object =
            entity.properties.iter().filter(unsaid).map(|(name, value)| (name.clone(), value.clone())).collect();
        faults.extend(self.properties.check(entity.kind().as_str(), &changed));
        if author == Author::Import {
            faults.extend(self.properties.locked_changes(old, &entity.properties));
        }
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }
}

/// The columns of an item; `before` is what it was. `keep` are further aliases it is to answer to.
pub(super) async fn columns(
    app: &App,
    entity: &Entity,
    before: Option<(&ItemRow, &Entity)>,
    author: Author,
    keep: &[String],
) -> Result<ItemColumns, Invalid> {
    let document = entity.to_document();
    let title = entity.shown().to_owned();
    let (owner_person, owner_ref) = owner(app, entity, before, author).await?;
    let parent = entity.above().map(ToString::to_string);
    if author == Author::Hand && before.is_none_or(|(_, before)| before.above() != entity.above()) {
        must_be_there(app, entity.above(), entity).await?;
    }
    let mut aliases: Vec<String> = entity.aliases.iter().map(|alias| match_key(alias).into_owned()).collect();
    aliases.extend(keep.iter().cloned());
    let relations = entity.dependencies.iter().map(|dependency| NewRelation {
        relation: dependency.relation.clone(),
        target_ref: dependency.target.to_string(),
        target: None,
        note: dependency.note.clone(),
    });
    Ok(ItemColumns {
        kind: entity.kind().as_str().to_owned(),
        namespace: entity.reference.namespace.clone(),
        name: entity.reference.name.clone(),
        name_key: entity.reference.name_key(),
        title_key: match_key(&title).into_owned(),
        title,
        owner: None,
        owner_person,
        owner_ref,
        parent: None,
        parent_ref: parent,
        item_type: entity.item_type.clone(),
        tier: entity.tier.clone(),
        lifecycle: entity.lifecycle.clone(),
        source: entity.source.as_ref().map(|source| source.id.clone()),
        doc: text(&document),
        keys: text(&schema::comparison_keys(&document)),
        aliases,
        relations: Some(relations.collect()),
    })
}

fn text(object: &Object) -> String {
    // A map of JSON values always serialises: its keys are strings and its numbers finite.
    serde_json::to_string(object).unwrap_or_default()
}

/// Row of the owning person, and the owner as a reference; the store ties a team's reference to its row.
async fn owner(
    app: &App,
    entity: &Entity,
    before: Option<(&ItemRow, &Entity)>,
    author: Author,
) -> Result<(Option<i64>, Option<String>), Invalid> {
    let Some(owner) = &entity.owner else { return Ok((None, None)) };
    let unchanged = before.filter(|(_, before)| before.owner.as_ref() == Some(owner));
    let known = unchanged.and_then(|(row, _)| row.owner_person);
    let strict = author == Author::Hand && unchanged.is_none();
    match owner {
        Owner::Team(team) => {
            if strict && find::by_reference(app, team).await?.is_none() {
                return Err(at("/owner", unknown(team)));
            }
            Ok((None, Some(team.to_string())))
        }
        // Whoever owned it goes on to, under another name or closed: what a leaver left is handed over.
        Owner::Person(_) if known.is_some() => Ok((known, Some(owner.to_string()))),
        Owner::Person(person) => match find::living(app, person).await? {
            Found::One(row) => Ok((Some(row.seq), Some(owner.to_string()))),
            Found::Nobody if strict => {
                Err(at("/owner", format!("there is no person {person:?}; who is closed takes nothing on")))
            }
            Found::Several(_) if strict => {
                Err(at("/owner", format!("{person:?} is more than one person: name one by id")))
            }
            Found::Nobody | Found::Several(_) => Ok((None, Some(owner.to_string()))),
        },
    }
}

async fn must_be_there(app: &App, above: Option<&Reference>, entity: &Entity) -> Result<(), Invalid> {
    let Some(above) = above else { return Ok(()) };
    let found = find::by_reference(app, above).await?;
    if found.is_some() || *above == entity.reference {
        return Ok(());
    }
    let key = match entity.kind().as_str() {
        "team" | "domain" => "/parent",
        "system" => "/domain",
        _ => "/system",
    };
    Err(at(key, unknown(above)))
}

fn unknown(reference: &Reference) -> String {
    format!("there is no {} {:?}", reference.kind, reference.short(&reference.kind))
}
