//! The change feed, the journal, the seal.

use super::integrations::unsigned;
use crate::error::Error;
use crate::query::EventQuery;
use crate::rows::{EventRow, Export, ExportedBlock, ExportedEvent, FailureGroup, VerifyReport};
use crate::sqlite::{Engine, SCAN_BUDGET, migrate::hex, seal};
use bailiwick_domain::ids::{IntegrationId, Millis};
use rusqlite::types::Value as Sql;
use rusqlite::{Connection, OptionalExtension as _, Row, params, params_from_iter};
use std::time::Duration;

/// Verifying reads everything there is; it stops only if the machine is beyond help.
const VERIFY_BUDGET: Duration = Duration::from_secs(3_600);

/// Columns of an event, read by [`event`]; a payload that is not asked for is not read.
const HEAD: &str = "SELECT e.seq, e.at, e.kind, e.integration, e.request, e.resource, e.person, e.actor, e.method,
    e.status, e.code, e.duration_us, p.seq IS NULL";
const FROM: &str = "FROM event AS e LEFT JOIN event_payload AS p ON p.seq = e.seq";

/// Leaves out reads of what is not there.
const NO_PROBE: &str = "(e.method IS NOT 'GET' OR e.status IS NOT 404)";

impl Engine {
    pub(crate) async fn events(&self, query: EventQuery) -> Result<Vec<EventRow>, Error> {
        self.scan(SCAN_BUDGET, move |connection| select(connection, &query)).await
    }

    pub(crate) fn event(&self, seq: i64) -> Result<Option<EventRow>, Error> {
        let reader = self.reader()?;
        let mut statement = reader.prepare_cached(&format!("{HEAD}, p.body {FROM} WHERE e.seq = ?1"))?;
        Ok(statement.query_row([seq], |row| event(row, true)).optional()?)
    }

    pub(crate) fn events_of_request(&self, request: &str) -> Result<Vec<EventRow>, Error> {
        let reader = self.reader()?;
        let mut statement =
            reader.prepare_cached(&format!("{HEAD}, p.body {FROM} WHERE e.request = ?1 ORDER BY e.seq"))?;
        Ok(statement.query_map([request], |row| event(row, true))?.collect::<rusqlite::Result<_>>()?)
    }

    pub(crate) async fn failure_groups(
        &self,
        integration: Option<IntegrationId>,
        since: Option<Millis>,
    ) -> Result<Vec<FailureGroup>, Error> {
        self.scan(SCAN_BUDGET, move |connection| {
            // Who a refused call was about stands in no column when nothing was stored: its payload says it.
            let mut statement = connection.prepare_cached(&format!(
                "SELECT e.integration, e.code, count(*), min(e.at), max(e.at),
                   count(DISTINCT coalesce(e.resource, p.body ->> '$.name', p.body ->> '$.target', e.request)),
                   max(e.seq)
                 FROM event AS e LEFT JOIN event_payload AS p ON p.seq = e.seq
                 WHERE e.code IS NOT NULL AND {NO_PROBE} AND (?1 IS NULL OR e.integration = ?1)
                   AND (?2 IS NULL OR e.at >= ?2)
                 GROUP BY e.integration, e.code ORDER BY max(e.seq) DESC",
            ))?;
            let rows = statement.query_map(params![integration.map(|id| id.0), since.map(|at| at.0)], |row| {
                Ok(FailureGroup {
                    integration: row.get::<_, Option<i64>>(0)?.map(IntegrationId),
                    code: row.get(1)?,
                    count: unsigned(row, 2)?,
                    first: Millis(row.get(3)?),
                    last: Millis(row.get(4)?),
                    affected: unsigned(row, 5)?,
                    latest: row.get(6)?,
                })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    pub(crate) fn last_seq(&self) -> Result<i64, Error> {
        let reader = self.reader()?;
        let mut statement = reader.prepare_cached("SELECT coalesce(max(seq), 0) FROM event")?;
        Ok(statement.query_row([], |row| row.get(0))?)
    }

    pub(crate) async fn verify(&self) -> Result<VerifyReport, Error> {
        self.scan(VERIFY_BUDGET, seal::verify).await
    }

    pub(crate) async fn export(&self, after: i64, limit: u32) -> Result<Export, Error> {
        self.scan(SCAN_BUDGET, move |connection| export(connection, after, limit)).await
    }
}

fn select(connection: &Connection, query: &EventQuery) -> Result<Vec<EventRow>, Error> {
    let mut sql = format!("{HEAD}, {} {FROM} WHERE 1", if query.payloads { "p.body" } else { "NULL" });
    let mut values: Vec<Sql> = Vec::new();
    let mut bind = |sql: &mut String, condition: &str, value: Sql| {
        values.push(value);
        sql.push_str(&condition.replace("?#", &format!("?{}", values.len())));
    };
    if let Some(integration) = query.integration {
        bind(&mut sql, " AND e.integration = ?#", Sql::Integer(integration.0));
    }
    if query.failed {
        // A call is refused or failed exactly when its status says so.
        sql.push_str(" AND e.status >= 400");
    }
    if query.without_probes {
        sql.push_str(" AND ");
        sql.push_str(NO_PROBE);
    }
    if query.calls_only {
        sql.push_str(" AND e.method IS NOT NULL");
    }
    if let Some(since) = query.since {
        bind(&mut sql, " AND e.at >= ?#", Sql::Integer(since.0));
    }
    if let Some(after) = query.after {
        bind(&mut sql, " AND e.seq > ?#", Sql::Integer(after));
    }
    if let Some(before) = query.before {
        bind(&mut sql, " AND e.seq < ?#", Sql::Integer(before));
    }
    if let Some(target) = &query.target {
        let condition =
            " AND (e.resource = ?# OR e.person = ?# OR e.request = ?# OR coalesce(instr(p.body, ?#), 0) > 0)";
        bind(&mut sql, condition, Sql::Text(target.clone()));
    }
    bind(
        &mut sql,
        if query.after.is_some() { " ORDER BY e.seq LIMIT ?#" } else { " ORDER BY e.seq DESC LIMIT ?#" },
        Sql::Integer(i64::from(query.limit)),
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(params_from_iter(values), |row| event(row, query.payloads))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Events with what is needed to check them, and the blocks that end among them.
fn export(connection: &Connection, after: i64, limit: u32) -> Result<Export, Error> {
    let snapshot = connection.unchecked_transaction()?;
    let mut statement = snapshot
        .prepare_cached(&format!("{HEAD}, p.body, e.digest, p.salt {FROM} WHERE e.seq > ?1 ORDER BY e.seq LIMIT ?2"))?;
    let rows = statement.query_map(params![after, limit], |row| {
        Ok(ExportedEvent {
            event: event(row, false)?,
            body: row.get(13)?,
            digest: hex(&row.get::<_, [u8; 32]>(14)?),
            salt: row.get::<_, Option<Vec<u8>>>(15)?.map(|salt| hex(&salt)),
        })
    })?;
    let events = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    let last = events.last().map_or(after, |exported| exported.event.seq);
    let blocks = seal::blocks_between(&snapshot, after, last)?.into_iter().map(|block| ExportedBlock {
        number: block.number,
        first: block.first,
        last: block.last,
        count: block.count,
        previous: hex(&block.previous),
        hash: hex(&block.hash),
        at: Millis(block.at),
    });
    Ok(Export { blocks: blocks.collect(), events })
}

fn event(row: &Row<'_>, payload: bool) -> rusqlite::Result<EventRow> {
    let erased: bool = row.get(12)?;
    let body = if payload { row.get_ref(13)?.as_str_or_null()? } else { None };
    let parse = |text: &str| {
        serde_json::from_str(text)
            .map_err(|error| rusqlite::Error::FromSqlConversionFailure(13, rusqlite::types::Type::Text, error.into()))
    };
    Ok(EventRow {
        seq: row.get(0)?,
        at: Millis(row.get(1)?),
        kind: row.get(2)?,
        integration: row.get::<_, Option<i64>>(3)?.map(IntegrationId),
        request: row.get(4)?,
        resource: row.get(5)?,
        person: row.get(6)?,
        actor: row.get(7)?,
        method: row.get(8)?,
        status: row.get(9)?,
        code: row.get(10)?,
        duration_us: row.get::<_, Option<i64>>(11)?.and_then(|us| u64::try_from(us).ok()),
        payload: body.map(parse).transpose()?,
        erased,
    })
}
