//! The history of an item: every change from every source.

use super::{kind_of, read_action};
use crate::Refusal;
use crate::access::{self, Principal};
use crate::app::App;
use crate::error::of_store;
use bailiwick_store::query::EventQuery;
use bailiwick_store::rows::{EventRow, ItemRow};

/// Events about an item, the newest first, older than `before`.
///
/// # Errors
/// What the policy does not permit, or when the store cannot answer.
pub async fn history(
    app: &App,
    principal: &Principal,
    row: &ItemRow,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<EventRow>, Refusal> {
    access::require(app, principal, read_action(&kind_of(row)), &access::Object::None).await?;
    let query = EventQuery { resource: Some(row.id.clone()), before, limit, payloads: true, ..EventQuery::default() };
    app.store().events(query).await.map_err(of_store)
}

/// How many events there are about an item.
///
/// # Errors
/// As [`history`].
pub async fn count_history(app: &App, principal: &Principal, row: &ItemRow) -> Result<u64, Refusal> {
    access::require(app, principal, read_action(&kind_of(row)), &access::Object::None).await?;
    let query = EventQuery { resource: Some(row.id.clone()), ..EventQuery::default() };
    app.store().count_events(query).await.map_err(of_store)
}
