//! Pages of resources: which rows, in which order, how many in all.
//!
//! A page is found in two steps: a walk over row numbers and sort keys only, then the rows themselves. SQLite reads
//! each row by itself, which costs next to nothing; PostgreSQL joins them to the walk. The engine opens a read
//! transaction around [`read`], so that a page and its total tell of one moment; [`found_by_point`] and [`quick`] need
//! none.

mod order;
#[cfg(test)]
mod tests;

use bailiwick_domain::ids::{IntegrationId, Kind};
use std::fmt::Write as _;
use std::time::Duration;

use crate::error::Error;
use crate::query::{From, PageQuery, Position};
use crate::rows::{Page, ResourceRow};
use crate::sql::filter::{Compiler, Driver, Scope, driver, point};
use crate::sql::read::resources::{by_point, by_seq, signed, walked};
use crate::sql::{Dialect, Exec, Query, Sql, Value, binds};
use order::Stretch;

/// How long a page may take.
pub(crate) const BUDGET: Duration = Duration::from_secs(2);
/// Rows of one equality that are read at once and cut to the page in memory.
const POINT_ROWS: usize = 32;
/// A page without a filter is quick up to this size and this far from the beginning.
const NEAR: u64 = 100;

/// Whether few rows have to be looked at.
pub(crate) fn is_quick(query: &PageQuery) -> bool {
    let Some(filter) = &query.filter else {
        let near = match query.from {
            From::After(_) => true,
            From::Offset(offset) => offset <= NEAR,
        };
        return query.sort.is_none() && near && query.count <= NEAR;
    };
    // Which engine asks makes no difference here.
    driver(filter, query.kind, &mut Compiler::new(scope(query, Dialect::Sqlite, false))).1
}

fn scope(query: &PageQuery, dialect: Dialect, nested: bool) -> Scope<'_> {
    let PageQuery { integration, kind, base, etag_key, .. } = query;
    Scope { dialect, integration: *integration, kind: Some(*kind), nested, base, etag_key }
}

/// The answer to one equality: a single statement. `None` if it is no such query, or too many rows have the value.
pub(crate) async fn found_by_point<E: Exec>(exec: &E, query: &PageQuery) -> Result<Option<Page>, Error> {
    let Some(point) = query.filter.as_ref().and_then(|filter| point(filter, query.kind)) else {
        return Ok(None);
    };
    let limit = POINT_ROWS as u64 + 1;
    let mut rows = exec.all(by_point(query.integration, query.kind, point, query.with_groups, limit)).await?;
    if rows.len() > POINT_ROWS || rows.len() > 1 && query.sort.is_some() {
        return Ok(None);
    }
    let total = query.total.then_some(rows.len() as u64);
    match &query.from {
        // In a sorted walk the one row there is may lie on either side; the walk tells.
        From::After(_) if query.sort.is_some() => return Ok(None),
        From::After(position) => rows.retain(|row| row.seq > position.seq),
        From::Offset(offset) => drop(rows.drain(..rows.len().min(usize::try_from(*offset).unwrap_or(usize::MAX)))),
    }
    let more = rows.len() as u64 > query.count;
    rows.truncate(usize::try_from(query.count).unwrap_or(usize::MAX));
    let next = rows.last().filter(|_| more).map(|row| Position { seq: row.seq, key: serde_json::Value::Null });
    Ok(Some(Page { rows, total, next }))
}

/// A page for which [`is_quick`] holds, outside of a transaction: its rows come with one statement, and at the same time
/// those totals that are kept. `None` if more has to be asked, which only [`read`] does on one moment.
pub(crate) async fn quick<E: Exec>(exec: &E, query: &PageQuery, dialect: Dialect) -> Result<Option<Page>, Error> {
    let stretches = order::stretches(query);
    let [stretch] = stretches.as_slice() else {
        return Ok(None);
    };
    // Groups may hold groups or not: the longer condition is right for both.
    let scope = scope(query, dialect, true);
    let wanted = if query.count > 0 { query.count.saturating_add(1) } else { 0 };
    let holdings = async {
        match query.total && query.filter.is_none() {
            true => Holdings::read(exec, query.integration).await.map(Some),
            false => Ok(None),
        }
    };
    let walk = walk(exec, query, scope, stretch, wanted);
    let (mut found, holdings) = futures_util::future::try_join(walk, holdings).await?;
    let more = cut(&mut found, query.count);
    let total = match (query.total, holdings) {
        (false, _) => None,
        (true, Some(holdings)) => Some(holdings.of(query.kind)),
        (true, None) => match told_by_rows(query, found.len() as u64, more) {
            Some(total) => Some(total),
            None => return Ok(None),
        },
    };
    page(exec, query, found, more, total).await.map(Some)
}

/// Any page, on one moment of the store.
pub(crate) async fn read<E: Exec>(exec: &E, query: &PageQuery, dialect: Dialect) -> Result<Page, Error> {
    let holdings = Holdings::read(exec, query.integration).await?;
    let scope = scope(query, dialect, holdings.nested);
    let mut found = Vec::new();
    if query.count > 0 {
        let wanted = query.count.saturating_add(1);
        for stretch in order::stretches(query) {
            let missing = wanted - found.len() as u64;
            if missing > 0 {
                found.extend(walk(exec, query, scope, &stretch, missing).await?);
            }
        }
    }
    let more = cut(&mut found, query.count);
    let total = match query.total {
        true if query.filter.is_none() => Some(holdings.of(query.kind)),
        true => match told_by_rows(query, found.len() as u64, more) {
            Some(total) => Some(total),
            None => Some(counted(exec, query, scope).await?),
        },
        false => None,
    };
    page(exec, query, found, more, total).await
}

/// What a walk found.
struct Found {
    seq: i64,
    key: Value,
    /// The row itself, if the walk read it.
    row: Option<ResourceRow>,
}

/// Cuts what was found to the page; whether there was more.
fn cut(found: &mut Vec<Found>, count: u64) -> bool {
    let more = found.len() as u64 > count;
    found.truncate(usize::try_from(count).unwrap_or(usize::MAX));
    more
}

async fn page<E: Exec>(
    exec: &E,
    query: &PageQuery,
    found: Vec<Found>,
    more: bool,
    total: Option<u64>,
) -> Result<Page, Error> {
    let last = found.last().filter(|_| more);
    let next = last.map(|last| Position { seq: last.seq, key: order::key_out(&last.key) });
    let mut rows = Vec::with_capacity(found.len());
    for Found { seq, row, .. } in found {
        match row {
            Some(row) => rows.push(row),
            None => rows.extend(exec.one(by_seq(query.kind, seq, query.with_groups)).await?),
        }
    }
    Ok(Page { rows, total, next })
}

/// A stretch of the order.
async fn walk<E: Exec>(
    exec: &E,
    query: &PageQuery,
    scope: Scope<'_>,
    stretch: &Stretch,
    limit: u64,
) -> Result<Vec<Found>, Error> {
    let mut compiler = Compiler::new(scope);
    let Some(walk) = Walk::compile(query, stretch, limit, &mut compiler).filter(|_| limit > 0) else {
        return Ok(Vec::new());
    };
    let params = compiler.into_params();
    if scope.dialect.reads_row_by_row() {
        let keys = Query::built(walk.text, params, |row| Ok(Found { seq: row.int(0)?, key: row.value(1)?, row: None }));
        return exec.all(keys).await;
    }
    let rows = exec.all(walked(query.kind, query.with_groups, &walk.text, &walk.order, params)).await?;
    Ok(rows.into_iter().map(|(row, key)| Found { seq: row.seq, key, row: Some(row) }).collect())
}

/// A statement that gives row numbers and sort keys, and the order it puts them in.
struct Walk {
    text: String,
    order: String,
}

impl Walk {
    /// `None` when the stretch holds no row.
    fn compile(query: &PageQuery, stretch: &Stretch, limit: u64, compiler: &mut Compiler<'_>) -> Option<Self> {
        let conditions = conditions(query, compiler);
        let part = stretch.compile(query, compiler)?;
        let (limit, key, order) = (compiler.limit(signed(limit)), part.key, part.order);
        let mut text = format!("SELECT r.seq, {key} AS k FROM resource r WHERE {conditions}");
        for condition in part.conditions {
            let _ = write!(text, " AND {condition}");
        }
        let _ = write!(text, " ORDER BY {order} LIMIT {limit}");
        if let (From::Offset(offset @ 1..), Stretch::All) = (&query.from, stretch) {
            let _ = write!(text, " OFFSET {}", compiler.bind(signed(*offset)));
        }
        Some(Self { text, order })
    }
}

/// What a row must satisfy whatever the order.
fn conditions(query: &PageQuery, compiler: &mut Compiler<'_>) -> String {
    let (integration, kind) = (compiler.bind(query.integration.0), query.kind as i64);
    let Some(filter) = &query.filter else {
        return format!("r.integration = {integration} AND r.kind = {kind}");
    };
    let (driver, _) = driver(filter, query.kind, compiler);
    // A plus sign before a column keeps the planner from its indexes.
    let plus = if matches!(driver, Driver::Rows(_)) { "+" } else { "" };
    let mut conditions = format!("{plus}r.integration = {integration} AND {plus}r.kind = {kind}");
    if let Driver::Rows(Some(rows)) = driver {
        conditions = conditions + " AND " + &rows;
    }
    conditions + " AND " + &compiler.condition(filter)
}

/// The total, where the rows of the page tell it.
fn told_by_rows(query: &PageQuery, found: u64, more: bool) -> Option<u64> {
    match query.from {
        From::Offset(offset) if !more && query.count > 0 && (found > 0 || offset == 0) => Some(offset + found),
        _ => None,
    }
}

async fn counted<E: Exec>(exec: &E, query: &PageQuery, scope: Scope<'_>) -> Result<u64, Error> {
    let mut compiler = Compiler::new(scope);
    let text = format!("SELECT count(*) FROM resource r WHERE {}", conditions(query, &mut compiler));
    let count = exec.one(Query::built(text, compiler.into_params(), |row| row.count(0))).await?;
    Ok(count.unwrap_or(0))
}

/// What an integration holds.
#[derive(Debug, Default)]
struct Holdings {
    users: u64,
    groups: u64,
    nested: bool,
}

const HOLDINGS: Sql = Sql::same("SELECT users, groups, nested FROM integration WHERE id = ?1");

impl Holdings {
    async fn read<E: Exec>(exec: &E, integration: IntegrationId) -> Result<Self, Error> {
        let holdings = Query::new(HOLDINGS, binds![integration.0], |row| {
            Ok(Self { users: row.count(0)?, groups: row.count(1)?, nested: row.int(2)? > 0 })
        });
        Ok(exec.one(holdings).await?.unwrap_or_default())
    }

    fn of(&self, kind: Kind) -> u64 {
        match kind {
            Kind::Group => self.groups,
            Kind::User => self.users,
        }
    }
}
