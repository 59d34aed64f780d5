//! Pages of resources: which rows, in which order, how many in all.
//!
//! A page is found in two steps: a statement that walks row numbers and sort keys only, then a point read for each row
//! of the page. Both run in one read transaction, so that a page and its total tell of one moment.

mod order;
#[cfg(test)]
mod tests;

use bailiwick_domain::ids::{IntegrationId, Kind};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, Statement};
use std::fmt::Write as _;
use std::time::Duration;

use crate::error::Error;
use crate::query::{From, PageQuery, Position};
use crate::rows::{Page, ResourceRow};
use crate::sqlite::Engine;
use crate::sqlite::filter::{Compiler, Driver, Scope, driver, point};
use crate::sqlite::read::resources::{by_point, by_seq, signed};
use order::Stretch;

/// How long a page may take.
const BUDGET: Duration = Duration::from_secs(2);
/// Rows of one equality that are read at once and cut to the page in memory.
const POINT_ROWS: usize = 32;
/// A page without a filter is read inline up to this size and this far from the beginning.
const INLINE: u64 = 100;

impl Engine {
    pub(crate) async fn page(&self, query: PageQuery) -> Result<Page, Error> {
        if let Some(page) = found_by_point(self, &query)? {
            return Ok(page);
        }
        if is_quick(&query) {
            return read(&*self.reader()?, &query);
        }
        self.search(query.integration, BUDGET, move |connection| read(connection, &query)).await
    }
}

/// Whether few rows have to be looked at.
fn is_quick(query: &PageQuery) -> bool {
    let Some(filter) = &query.filter else {
        let near = match query.from {
            From::After(_) => true,
            From::Offset(offset) => offset <= INLINE,
        };
        return query.sort.is_none() && near && query.count <= INLINE;
    };
    driver(filter, query.kind, &mut Compiler::new(scope(query, false))).1
}

fn scope(query: &PageQuery, nested: bool) -> Scope<'_> {
    let PageQuery { integration, kind, base, etag_key, .. } = query;
    Scope { integration: *integration, kind: *kind, nested, base, etag_key }
}

/// The answer to one equality: a single statement. `None` if it is no such query, or too many rows have the value.
fn found_by_point(engine: &Engine, query: &PageQuery) -> Result<Option<Page>, Error> {
    let Some(point) = query.filter.as_ref().and_then(|filter| point(filter, query.kind)) else {
        return Ok(None);
    };
    let limit = signed(POINT_ROWS as u64 + 1);
    let mut rows = by_point(&*engine.reader()?, query.integration, query.kind, point, query.with_groups, limit)?;
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

/// Any page, on one moment of the store.
pub(crate) fn read(connection: &Connection, query: &PageQuery) -> Result<Page, Error> {
    let _moment = Moment::begin(connection)?;
    let holdings = Holdings::read(connection, query.integration)?;
    let scope = scope(query, holdings.nested);
    let mut keys = Vec::new();
    if query.count > 0 {
        let wanted = query.count.saturating_add(1);
        for stretch in order::stretches(query) {
            let missing = wanted - keys.len() as u64;
            if missing > 0 {
                walk(connection, query, scope, &stretch, missing, &mut keys)?;
            }
        }
    }
    let more = keys.len() as u64 > query.count;
    keys.truncate(usize::try_from(query.count).unwrap_or(usize::MAX));
    let total = match query.total {
        true => Some(total(connection, query, scope, &holdings, keys.len() as u64, more)?),
        false => None,
    };
    let rows = rows(connection, query, &keys)?;
    let next = keys.pop().filter(|_| more).map(|(seq, key)| Position { seq, key: order::key_out(key) });
    Ok(Page { rows, total, next })
}

/// Row numbers and sort keys of a stretch of the order.
fn walk(
    connection: &Connection,
    query: &PageQuery,
    scope: Scope<'_>,
    stretch: &Stretch,
    limit: u64,
    keys: &mut Vec<(i64, Value)>,
) -> Result<(), Error> {
    let mut compiler = Compiler::new(scope);
    let Some(sql) = walk_sql(query, stretch, limit, &mut compiler) else {
        return Ok(());
    };
    let mut statement = connection.prepare_cached(&sql)?;
    bind(&mut statement, compiler)?;
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next()? {
        keys.push((row.get(0)?, row.get(1)?));
    }
    Ok(())
}

/// `None` when the stretch holds no row.
fn walk_sql(query: &PageQuery, stretch: &Stretch, limit: u64, compiler: &mut Compiler<'_>) -> Option<String> {
    let conditions = conditions(query, compiler);
    let part = stretch.compile(query, compiler)?;
    let (limit, key, order) = (compiler.bind(signed(limit)), part.key, part.order);
    let mut sql = format!("SELECT r.seq, {key} AS k FROM resource r WHERE {conditions}");
    for condition in part.conditions {
        let _ = write!(sql, " AND {condition}");
    }
    let _ = write!(sql, " ORDER BY {order} LIMIT {limit}");
    if let (From::Offset(offset @ 1..), Stretch::All) = (&query.from, stretch) {
        let _ = write!(sql, " OFFSET {}", compiler.bind(signed(*offset)));
    }
    Some(sql)
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

fn total(
    connection: &Connection,
    query: &PageQuery,
    scope: Scope<'_>,
    holdings: &Holdings,
    found: u64,
    more: bool,
) -> Result<u64, Error> {
    if query.filter.is_none() {
        return Ok(match query.kind {
            Kind::Group => holdings.groups,
            Kind::User => holdings.users,
        });
    }
    match query.from {
        From::Offset(offset) if !more && query.count > 0 && (found > 0 || offset == 0) => return Ok(offset + found),
        _ => {}
    }
    let mut compiler = Compiler::new(scope);
    let sql = format!("SELECT count(*) FROM resource r WHERE {}", conditions(query, &mut compiler));
    let mut statement = connection.prepare_cached(&sql)?;
    bind(&mut statement, compiler)?;
    let count = statement.raw_query().next()?.map_or(Ok(0), |row| row.get::<_, i64>(0))?;
    Ok(count.unsigned_abs())
}

/// Hands the parameters over. The last ones may be missing in the text: a condition that turned out to be constant.
fn bind(statement: &mut Statement<'_>, compiler: Compiler<'_>) -> Result<(), Error> {
    let count = statement.parameter_count();
    for (index, value) in compiler.into_params().into_iter().take(count).enumerate() {
        statement.raw_bind_parameter(index + 1, value)?;
    }
    Ok(())
}

fn rows(connection: &Connection, query: &PageQuery, keys: &[(i64, Value)]) -> Result<Vec<ResourceRow>, Error> {
    let mut rows = Vec::with_capacity(keys.len());
    for (seq, _) in keys {
        rows.extend(by_seq(connection, query.kind, *seq, query.with_groups)?);
    }
    Ok(rows)
}

/// What an integration holds.
#[derive(Debug, Default)]
struct Holdings {
    users: u64,
    groups: u64,
    nested: bool,
}

impl Holdings {
    fn read(connection: &Connection, integration: IntegrationId) -> Result<Self, Error> {
        let mut statement = connection.prepare_cached("SELECT users, groups, nested FROM integration WHERE id = ?1")?;
        let found = statement.query_row([integration.0], |row| {
            let count = |index| row.get::<_, i64>(index).map(i64::unsigned_abs);
            Ok(Self { users: count(0)?, groups: count(1)?, nested: count(2)? > 0 })
        });
        Ok(found.optional()?.unwrap_or_default())
    }
}

/// A read transaction, ended when it is dropped.
struct Moment<'c>(&'c Connection);

impl<'c> Moment<'c> {
    fn begin(connection: &'c Connection) -> Result<Self, Error> {
        connection.prepare_cached("BEGIN")?.execute([])?;
        Ok(Self(connection))
    }
}

impl Drop for Moment<'_> {
    fn drop(&mut self) {
        // Nothing was written, so there is nothing to lose; an interrupted statement may have ended it already.
        if let Ok(mut statement) = self.0.prepare_cached("COMMIT") {
            let _ = statement.execute([]);
        }
        if !self.0.is_autocommit() {
            let _ = self.0.execute_batch("ROLLBACK");
        }
    }
}
