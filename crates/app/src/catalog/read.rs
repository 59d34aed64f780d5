//! Reading one item, and what it has to do with others.

use super::given::{Given, GivenOwner};
use super::owners::{self, EffectiveOwner};
use super::{change, document, find, kind_of, read_action};
use crate::Refusal;
use crate::access::{self, Principal};
use crate::app::App;
use crate::error::of_store;
use bailiwick_domain::catalog::Kind;
use bailiwick_scim::Object;
use bailiwick_store::rows::{AliasRow, ItemRow, RelationRow};

/// An item with what is computed at reading.
#[derive(Clone, Debug)]
pub struct Item {
    /// The row.
    pub row: ItemRow,
    /// Its document.
    pub document: Object,
    /// Who answers for it, and through what; nobody answers for a team.
    pub owner: Option<EffectiveOwner>,
    /// What rules give of it, to people besides the owner; empty in lists.
    pub given: Vec<GivenOwner>,
    /// Keys of every name it answers to, its own included; empty in lists.
    pub names: Vec<String>,
}

/// Reads an item by its id, name or alias. `kind` is taken where none is said, and `wanted` limits what may be found.
///
/// # Errors
/// Nothing of that name, what the policy does not permit, or when the store cannot answer.
pub async fn read_item(
    app: &App,
    principal: &Principal,
    text: &str,
    kind: &Kind,
    wanted: impl Fn(&Kind) -> bool,
) -> Result<Item, Refusal> {
    access::require(app, principal, read_action(kind), &access::Object::None).await?;
    let row = find::find_item(app, text, kind, wanted).await?;
    shown(app, row).await
}

/// The item of an id.
pub(super) async fn by_id(app: &App, id: &str) -> Result<Item, Refusal> {
    let row = change::row(app, id).await?;
    shown(app, row).await
}

pub(super) async fn shown(app: &App, row: ItemRow) -> Result<Item, Refusal> {
    let names = app.store().aliases(row.seq).await.map_err(of_store)?;
    let owner = owners::effective(app, &row).await?;
    let names = names.into_iter().map(|AliasRow { key, .. }| key).collect();
    let given = Given::read(app).await?.of(app, &row, owner.as_ref()).await?;
    Ok(Item { given, names, ..listed(row, owner)? })
}

/// An item as lists show it.
pub(super) fn listed(row: ItemRow, owner: Option<EffectiveOwner>) -> Result<Item, Refusal> {
    Ok(Item { document: document(&row)?, owner, given: Vec::new(), names: Vec::new(), row })
}

/// What an item depends on, provides and consumes.
///
/// # Errors
/// Nothing of that name, what the policy does not permit, or when the store cannot answer.
pub async fn dependencies(app: &App, principal: &Principal, row: &ItemRow) -> Result<Vec<RelationRow>, Refusal> {
    access::require(app, principal, read_action(&kind_of(row)), &access::Object::None).await?;
    app.store().relations(row.seq).await.map_err(of_store)
}

/// What depends on an item, provides or consumes it.
///
/// # Errors
/// Nothing of that name, what the policy does not permit, or when the store cannot answer.
pub async fn dependents(app: &App, principal: &Principal, row: &ItemRow) -> Result<Vec<RelationRow>, Refusal> {
    access::require(app, principal, read_action(&kind_of(row)), &access::Object::None).await?;
    app.store().dependents(row.seq).await.map_err(of_store)
}
