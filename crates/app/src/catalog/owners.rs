//! Who answers for items: their own owner, else that of the system or domain they are part of.

use crate::Refusal;
use crate::app::App;
use crate::error::of_store;
use bailiwick_domain::catalog::limits::LEVELS;
use bailiwick_domain::catalog::ownership::{self, Effective};
use bailiwick_domain::catalog::{DEFAULT_NAMESPACE, Kind, Owner, Reference};
use bailiwick_domain::person::State;
use bailiwick_store::rows::{ItemRef, ItemRow, PersonRow};
use std::collections::HashMap;

/// An owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OwnerOf {
    /// A team.
    Team(ItemRef),
    /// A person.
    Person {
        /// Row.
        seq: i64,
        /// Id.
        id: String,
        /// Name shown.
        display: String,
        /// Whether they may act.
        active: bool,
    },
    /// One that is named but is not there.
    Missing(String),
}

impl OwnerOf {
    /// What documents call it today.
    #[must_use]
    pub fn as_domain(&self) -> Option<Owner> {
        match self {
            Self::Team(team) => {
                let name = team.name.clone();
                Some(Owner::Team(Reference { kind: Kind::Team, namespace: team.namespace.clone(), name }))
            }
            Self::Person { id, .. } => Some(Owner::Person(id.clone())),
            Self::Missing(text) => Owner::parse(text, DEFAULT_NAMESPACE).ok(),
        }
    }
}

/// The owner that counts, and through what it is inherited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EffectiveOwner {
    /// The owner.
    pub owner: OwnerOf,
    /// The system or domain that says so; `None` when the item does.
    pub through: Option<ItemRef>,
}

impl EffectiveOwner {
    /// Row of the team, if it is one.
    #[must_use]
    pub fn team(&self) -> Option<i64> {
        match &self.owner {
            OwnerOf::Team(team) => Some(team.seq),
            _ => None,
        }
    }

    /// Id of the team or person; of what is not there there is none.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        match &self.owner {
            OwnerOf::Team(team) => Some(&team.id),
            OwnerOf::Person { id, .. } => Some(id),
            OwnerOf::Missing(_) => None,
        }
    }

    /// Row of the person, if it is one.
    #[must_use]
    pub fn person(&self) -> Option<i64> {
        match &self.owner {
            OwnerOf::Person { seq, .. } => Some(*seq),
            _ => None,
        }
    }
}

/// The owner of one item.
pub(super) async fn effective(app: &App, row: &ItemRow) -> Result<Option<EffectiveOwner>, Refusal> {
    let mut found = effective_of(app, std::slice::from_ref(row)).await?;
    Ok(found.pop().flatten())
}

/// The owners of items, in their order. What they are part of is read once for all of them.
pub(super) async fn effective_of(app: &App, rows: &[ItemRow]) -> Result<Vec<Option<EffectiveOwner>>, Refusal> {
    let above = above(app, rows).await?;
    let mut persons = Persons::default();
    let mut all = Vec::with_capacity(rows.len());
    for row in rows {
        let chain = chain(row, &above);
        let told = chain.iter().map(|place| (reference(place), own(place)));
        let found = match row.kind.as_str() {
            "team" => None,
            _ => ownership::effective(own(row), told),
        };
        all.push(match found {
            None => None,
            Some(Effective { owner, through }) => {
                Some(EffectiveOwner { owner: persons.named(app, owner).await?, through })
            }
        });
    }
    Ok(all)
}

/// What a row says about its owner.
enum Said {
    Team(ItemRef),
    Person(i64),
    Missing(String),
}

fn own(row: &ItemRow) -> Option<Said> {
    if let Some(team) = &row.owner {
        return Some(Said::Team(team.clone()));
    }
    match (row.owner_person, &row.owner_ref) {
        (Some(person), _) => Some(Said::Person(person)),
        (None, Some(text)) => Some(Said::Missing(text.clone())),
        (None, None) => None,
    }
}

pub(super) fn of_person(row: PersonRow) -> OwnerOf {
    OwnerOf::Person { seq: row.seq, id: row.id, display: row.display, active: row.state == State::Active }
}

pub(super) fn reference(row: &ItemRow) -> ItemRef {
    ItemRef {
        seq: row.seq,
        id: row.id.clone(),
        kind: row.kind.clone(),
        namespace: row.namespace.clone(),
        name: row.name.clone(),
        title: row.title.clone(),
    }
}

/// Everything above items that say no owner themselves.
async fn above(app: &App, rows: &[ItemRow]) -> Result<HashMap<i64, ItemRow>, Refusal> {
    let mut known: HashMap<i64, ItemRow> = HashMap::new();
    let mut next: Vec<i64> = rows.iter().filter_map(further).collect();
    for _ in 0..=LEVELS {
        next.sort_unstable();
        next.dedup();
        next.retain(|seq| !known.contains_key(seq));
        if next.is_empty() {
            break;
        }
        let found = app.store().items_by_seq(&next).await.map_err(of_store)?;
        next = found.iter().filter_map(further).collect();
        known.extend(found.into_iter().map(|row| (row.seq, row)));
    }
    Ok(known)
}

/// Where to look on when an item says no owner.
fn further(row: &ItemRow) -> Option<i64> {
    if row.kind == "team" || own(row).is_some() {
        return None;
    }
    row.parent.as_ref().map(|parent| parent.seq)
}

/// What an item is part of, nearest first. A circle, which cannot be, ends at its first repetition.
fn chain<'a>(row: &ItemRow, above: &'a HashMap<i64, ItemRow>) -> Vec<&'a ItemRow> {
    let mut chain: Vec<&ItemRow> = Vec::new();
    let mut next = row.parent.as_ref().map(|parent| parent.seq);
    while let Some(place) = next.and_then(|seq| above.get(&seq)) {
        if chain.len() > LEVELS || chain.iter().any(|known| known.seq == place.seq) {
            break;
        }
        chain.push(place);
        next = place.parent.as_ref().map(|parent| parent.seq);
    }
    chain
}

/// Persons by row, each read once.
#[derive(Default)]
struct Persons(HashMap<i64, OwnerOf>);

impl Persons {
    async fn named(&mut self, app: &App, said: Said) -> Result<OwnerOf, Refusal> {
        let seq = match said {
            Said::Team(team) => return Ok(OwnerOf::Team(team)),
            Said::Missing(text) => return Ok(OwnerOf::Missing(text)),
            Said::Person(seq) => seq,
        };
        if let Some(known) = self.0.get(&seq) {
            return Ok(known.clone());
        }
        let found = app.store().person(seq).await.map_err(of_store)?;
        let owner = match found {
            Some(person) => of_person(person),
            None => OwnerOf::Missing(format!("person {seq}")),
        };
        self.0.insert(seq, owner.clone());
        Ok(owner)
    }
}
