//! Queries: a page of one kind of resource, or of all kinds.

use super::{Listing, Wants, cursor, merge, read};
use crate::Refusal;
use crate::app::App;
use crate::call::{Call, resource_type};
use crate::error::of_store;
use bailiwick_domain::ids::Kind;
use bailiwick_scim::filter::{self, Resolved, Unknown};
use bailiwick_scim::search::{Paging, Query};
use bailiwick_scim::sort::{self, Sort};
use bailiwick_scim::{Code, limits};
use bailiwick_store::query::{From, PageQuery};
use bailiwick_store::rows::{Page, ResourceRow};

/// Answers a query over these kinds, in their order.
///
/// # Errors
/// What is wrong with filter, sort or paging; `too-many`; or when the store cannot answer.
pub async fn list_resources(
    app: &App,
    call: &mut Call,
    kinds: &[Kind],
    query: &Query,
    wants: Wants,
) -> Result<Listing, Refusal> {
    let filters = resolve_filters(app, call, kinds, query)?;
    let sorts = resolve_sorts(app, kinds, query)?;
    let asked = Asked { app, call, kinds, query, filters, sorts, wants };
    let (rows, mut listing) = match &query.paging {
        Paging::Cursor { cursor, count } => asked.by_cursor(cursor, *count).await?,
        Paging::Index { start, count } if kinds.len() > 1 && query.sort_by.is_some() => {
            asked.merged(*start, *count).await?
        }
        Paging::Index { start, count } => asked.by_index(*start, *count).await?,
    };
    for row in rows {
        listing.resources.push(read::complete(app, row, wants).await?);
    }
    Ok(listing)
}

/// A query with its paths resolved, once per kind.
struct Asked<'a> {
    app: &'a App,
    call: &'a Call,
    kinds: &'a [Kind],
    query: &'a Query,
    filters: Vec<Option<Resolved>>,
    sorts: Vec<Option<Sort>>,
    wants: Wants,
}

impl Asked<'_> {
    async fn page(&self, kind: usize, from: From, count: u64, total: bool) -> Result<Page, Refusal> {
        let query = PageQuery {
            integration: self.call.caller.integration.id,
            kind: self.kinds[kind],
            filter: self.filters[kind].clone(),
            sort: self.sorts[kind].clone(),
            from,
            count,
            with_groups: self.wants.groups,
            total,
            base: self.app.scim_base().to_owned(),
            etag_key: *self.app.etag_key(),
        };
        self.app.store().page(query).await.map_err(of_store)
    }

    async fn by_index(&self, start: u64, count: u64) -> Result<(Vec<ResourceRow>, Listing), Refusal> {
        let (mut rows, mut total, mut skip) = (Vec::new(), 0, start.saturating_sub(1));
        for kind in 0..self.kinds.len() {
            let left = count.saturating_sub(rows.len() as u64);
            let page = self.page(kind, From::Offset(skip), left, true).await?;
            let found = page.total.unwrap_or_default();
            total += found;
            skip = skip.saturating_sub(found);
            rows.extend(page.rows);
        }
        Ok((rows, Listing { total, start_index: Some(start), ..Listing::default() }))
    }

    /// Sorting over several kinds: the heads of all are merged.
    async fn merged(&self, start: u64, count: u64) -> Result<(Vec<ResourceRow>, Listing), Refusal> {
        let head = start.saturating_sub(1).saturating_add(count);
        if head > limits::MERGED_RESOURCES {
            let detail = "A sorted query over all resource types is not paged this far. Query one resource type.";
            return Err(Refusal::new(Code::TooMany, detail));
        }
        let (mut kinds, mut total) = (Vec::new(), 0);
        for kind in 0..self.kinds.len() {
            let page = self.page(kind, From::Offset(0), head, true).await?;
            total += page.total.unwrap_or_default();
            kinds.push(page.rows);
        }
        let rows = match self.sorts.iter().flatten().next() {
            Some(sort) => merge::merge(sort, kinds)?,
            None => kinds.into_iter().flatten().collect(),
        };
        let page = rows.into_iter().skip(usize::try_from(start - 1).unwrap_or(usize::MAX));
        let rows = page.take(usize::try_from(count).unwrap_or(usize::MAX)).collect();
        Ok((rows, Listing { total, start_index: Some(start), ..Listing::default() }))
    }

    async fn by_cursor(&self, text: &str, count: u64) -> Result<(Vec<ResourceRow>, Listing), Refusal> {
        let (caller, query) = (&self.call.caller, self.query);
        if self.kinds.len() > 1 && query.sort_by.is_some() {
            let detail = "A sorted query over all resource types has no cursor. Query one resource type.";
            return Err(Refusal::new(Code::SortInvalid, detail));
        }
        let first = text.is_empty();
        let (mut kind, mut after, mut total) = (0, None, 0);
        if first {
            for kind in 0..self.kinds.len() {
                total += self.page(kind, From::Offset(0), 0, true).await?.total.unwrap_or_default();
            }
        } else {
            let cursor = cursor::read(self.app, caller, self.kinds, query, text)?;
            (kind, after, total) = (cursor.kind, cursor.after, cursor.total);
        }
        let mut rows = Vec::new();
        let mut next_cursor = None;
        while kind < self.kinds.len() {
            let left = count.saturating_sub(rows.len() as u64);
            if left == 0 {
                next_cursor = Some(cursor::write(self.app, caller, self.kinds, query, kind, after, total));
                break;
            }
            let from = after.take().map_or(From::Offset(0), From::After);
            let page = self.page(kind, from, left, false).await?;
            rows.extend(page.rows);
            match page.next {
                Some(position) => after = Some(position),
                None => kind += 1,
            }
        }
        Ok((rows, Listing { total, next_cursor, ..Listing::default() }))
    }
}

/// The filter for each kind. An attribute that one of several kinds does not have is unassigned there; one that none
/// has is refused.
fn resolve_filters(
    app: &App,
    call: &mut Call,
    kinds: &[Kind],
    query: &Query,
) -> Result<Vec<Option<Resolved>>, Refusal> {
    let Some(text) = &query.filter else { return Ok(vec![None; kinds.len()]) };
    let quirks = call.caller.integration.quirks;
    let parsed = filter::parse(text, quirks, &mut call.repairs)?;
    let mut resolve = |kind: Kind, unknown| {
        filter::resolve(app.registry(), resource_type(app, kind), &parsed, unknown, quirks, &mut call.repairs)
    };
    let strict: Vec<_> = kinds.iter().map(|&kind| resolve(kind, Unknown::Refuse)).collect();
    match strict.iter().find_map(|resolved| resolved.as_ref().err()) {
        None => Ok(strict.into_iter().map(Result::ok).collect()),
        Some(error) if strict.iter().all(Result::is_err) && mixed(&strict) => Err(error.clone()),
        Some(_) => kinds.iter().map(|&kind| resolve(kind, Unknown::Unassigned).map(Some)).collect(),
    }
}

/// Whether every kind refused for a reason that another kind cannot mend: with one kind always, with several when the
/// reasons are the same.
fn mixed(strict: &[Result<Resolved, Refusal>]) -> bool {
    strict.windows(2).all(|pair| match pair {
        [Err(left), Err(right)] => left.detail == right.detail,
        _ => false,
    })
}

fn resolve_sorts(app: &App, kinds: &[Kind], query: &Query) -> Result<Vec<Option<Sort>>, Refusal> {
    let Some(by) = &query.sort_by else { return Ok(vec![None; kinds.len()]) };
    let sorts: Vec<Result<Sort, Refusal>> = kinds
        .iter()
        .map(|&kind| sort::resolve(app.registry(), resource_type(app, kind), by, query.descending))
        .collect();
    match sorts.iter().find_map(|sort| sort.as_ref().err()) {
        Some(error) if sorts.iter().all(Result::is_err) => Err(error.clone()),
        _ => Ok(sorts.into_iter().map(Result::ok).collect()),
    }
}
