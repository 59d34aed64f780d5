//! Lists of items.

use super::{Item, owners, read, standards};
use crate::Refusal;
use crate::access::{self, Action, Principal};
use crate::app::App;
use crate::error::of_store;
use bailiwick_domain::catalog::properties::Definitions;
use bailiwick_domain::catalog::{Kind, schema};
use bailiwick_store::query::ItemQuery;

/// What is wanted of a list.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Of these kinds; of all entities but teams when there is none.
    pub kinds: Vec<Kind>,
    /// Owned by the team of this name itself, without what it inherits.
    pub owner: Option<String>,
    /// Part of the item of this id or reference: sub-teams, components of a system.
    pub part_of: Option<i64>,
    /// Title, name or alias contains this.
    pub search: Option<String>,
    /// A filter over documents.
    pub filter: Option<String>,
    /// Behind this place.
    pub after: Option<(String, i64)>,
    /// Most items.
    pub limit: u32,
    /// Whether the total is wanted.
    pub total: bool,
}

/// A page of items.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// Items in the order of their titles.
    pub items: Vec<Item>,
    /// How many there are in all.
    pub total: Option<u64>,
    /// Where the next page begins.
    pub next: Option<(String, i64)>,
}

/// The kinds that are listed as entities when nothing is said: everything that is no team, as a filter.
const NO_TEAM: &str = "not (kind eq \"team\")";

/// Lists items.
///
/// # Errors
/// A filter that cannot be read, an unknown owner, what the policy does not permit, or when the store cannot answer.
pub async fn list_items(app: &App, principal: &Principal, wanted: Wanted) -> Result<Listing, Refusal> {
    let teams = !wanted.kinds.is_empty() && wanted.kinds.iter().all(Kind::is_team);
    let action = if teams { Action::TeamRead } else { Action::CatalogRead };
    access::require(app, principal, action, &access::Object::None).await?;
    let owner = match &wanted.owner {
        Some(text) => Some(super::find::team(app, text).await?.seq),
        None => None,
    };
    let text = match (&wanted.filter, wanted.kinds.is_empty()) {
        (Some(filter), true) => Some(format!("({filter}) and {NO_TEAM}")),
        (Some(filter), false) => Some(filter.clone()),
        (None, true) => Some(NO_TEAM.to_owned()),
        (None, false) => None,
    };
    let filter = match &text {
        Some(text) if text.to_ascii_lowercase().contains("properties.") => {
            Some(schema::filter(text, &standards(app).await?.properties)?)
        }
        Some(text) => {
            // A filter that is wrong by itself is told as it was written, not as it was completed.
            if let Some(said) = &wanted.filter {
                schema::filter(said, &Definitions::default())?;
            }
            Some(schema::filter(text, &Definitions::default())?)
        }
        None => None,
    };
    let query = ItemQuery {
        kinds: wanted.kinds.iter().map(|kind| kind.as_str().to_owned()).collect(),
        owner,
        parent: wanted.part_of,
        search: wanted.search,
        filter,
        after: wanted.after,
        limit: wanted.limit,
        total: wanted.total,
        ..ItemQuery::default()
    };
    let page = app.store().items(query).await.map_err(of_store)?;
    let owners = owners::effective_of(app, &page.rows).await?;
    let items = page.rows.into_iter().zip(owners).map(|(row, owner)| read::listed(row, owner));
    Ok(Listing { items: items.collect::<Result<_, _>>()?, total: page.total, next: page.next })
}
