//! The change feed and the journal.

use super::narrow;
use crate::error::Error;
use crate::migration::hex;
use crate::query::EventQuery;
use crate::rows::{EventRow, Export, ExportedBlock, ExportedEvent, FailureGroup};
use crate::sql::{Dialect, Exec, Fields, Param, Query, Sql, binds};
use bailiwick_domain::ids::{IntegrationId, Millis};

/// Columns of an event, read by [`event_row`], and the payload if it is asked for.
macro_rules! events {
    ($payload:literal, $rest:literal) => {
        concat!(
            "SELECT e.seq, e.at, e.kind, e.integration, e.request, e.resource, e.person, e.actor, e.method, e.status,
               e.code, e.duration_us, p.seq IS NULL, ",
            $payload,
            " FROM event AS e LEFT JOIN event_payload AS p ON p.seq = e.seq WHERE ",
            $rest
        )
    };
}

/// Leaves out reads of what is not there.
macro_rules! no_probe {
    () => {
        "(e.method IS DISTINCT FROM 'GET' OR e.status IS DISTINCT FROM 404)"
    };
}

/// An event with its payload.
pub(crate) fn by_seq(seq: i64) -> Query<'static, EventRow> {
    Query::new(Sql::same(events!("p.body", "e.seq = ?1")), binds![seq], with_payload)
}

/// The events of one call or command with their payloads.
pub(crate) fn of_request(request: &str) -> Query<'_, EventRow> {
    Query::new(Sql::same(events!("p.body", "e.request = ?1 ORDER BY e.seq")), binds![request], with_payload)
}

/// Sequence of the newest event; 0 when there is none.
pub(crate) fn last_seq() -> Query<'static, i64> {
    Query::new(Sql::same("SELECT coalesce(max(seq), 0) FROM event"), [], |row| row.int(0))
}

/// Failures by integration and code, the latest first.
pub(crate) fn failure_groups(
    integration: Option<IntegrationId>,
    since: Option<Millis>,
) -> Query<'static, FailureGroup> {
    // Who a refused call was about stands in no column when nothing was stored: its payload says it.
    macro_rules! groups {
        ($named:literal) => {
            concat!(
                "SELECT e.integration, e.code, count(*), min(e.at), max(e.at),
                   count(DISTINCT coalesce(e.resource, ",
                $named,
                ", e.request)), max(e.seq)
                 FROM event AS e LEFT JOIN event_payload AS p ON p.seq = e.seq
                 WHERE e.code IS NOT NULL AND ",
                no_probe!(),
                " AND (?1 IS NULL OR e.integration = ?1) AND (?2 IS NULL OR e.at >= ?2)
                 GROUP BY e.integration, e.code ORDER BY max(e.seq) DESC"
            )
        };
    }
    let sql = Sql::each(
        groups!("p.body ->> '$.name', p.body ->> '$.target'"),
        // PostgreSQL has no text that holds the character 0, and refuses to look into a document that does.
        groups!(
            "CASE WHEN strpos(p.body, '\\u0000') = 0
               THEN coalesce(p.body::jsonb ->> 'name', p.body::jsonb ->> 'target') END"
        ),
    );
    Query::new(sql, binds![integration.map(|id| id.0), since.map(|at| at.0)], |row| {
        Ok(FailureGroup {
            integration: row.maybe_int(0)?.map(IntegrationId),
            code: row.string(1)?,
            count: row.count(2)?,
            first: Millis(row.int(3)?),
            last: Millis(row.int(4)?),
            affected: row.count(5)?,
            latest: row.int(6)?,
        })
    })
}

/// Events of the feed or the journal.
pub(crate) fn matching(query: &EventQuery, dialect: Dialect) -> Query<'_, EventRow> {
    let (text, row): (&str, crate::sql::Decode<EventRow>) = match query.payloads {
        true => (events!("p.body", "true"), with_payload),
        false => (events!("NULL", "true"), event_row),
    };
    let mut search = Search { text: text.to_owned(), params: Vec::new(), dialect };
    search.conditions(query);
    let order = if query.after.is_some() { "e.seq" } else { "e.seq DESC" };
    search.bind(query.limit, |at| format!(" ORDER BY {order} LIMIT {at}"));
    Query::built(search.text, search.params, row)
}

/// How many events there are of those that a query asks for, whatever its limit.
pub(crate) fn count(query: &EventQuery, dialect: Dialect) -> Query<'_, u64> {
    let text = "SELECT count(*) FROM event AS e LEFT JOIN event_payload AS p ON p.seq = e.seq WHERE true";
    let mut search = Search { text: text.to_owned(), params: Vec::new(), dialect };
    search.conditions(query);
    Query::built(search.text, search.params, |row| row.count(0))
}

/// A text that is put together with its parameters.
struct Search<'a> {
    text: String,
    params: Vec<Param<'a>>,
    dialect: Dialect,
}

impl<'a> Search<'a> {
    /// Adds a condition that is told how its parameter is written.
    fn bind(&mut self, value: impl Into<Param<'a>>, condition: impl FnOnce(&str) -> String) {
        let value = value.into();
        self.text += &condition(&self.dialect.parameter(self.params.len() + 1, &value));
        self.params.push(value);
    }

    /// What a query asks of an event.
    fn conditions(&mut self, query: &'a EventQuery) {
        if let Some(integration) = query.integration {
            self.bind(integration.0, |at| format!(" AND e.integration = {at}"));
        }
        if query.failed {
            // A call is refused or failed exactly when its status says so.
            self.text.push_str(" AND e.status >= 400");
        }
        if query.without_probes {
            self.text.push_str(concat!(" AND ", no_probe!()));
        }
        if query.calls_only {
            self.text.push_str(" AND e.method IS NOT NULL");
        }
        if let Some(kind) = &query.kind {
            match kind.strip_suffix('*') {
                // The length is a number of ours; what is compared is bound.
                Some(start) => {
                    let length = start.chars().count();
                    self.bind(start, |at| format!(" AND substr(e.kind, 1, {length}) = {at}"));
                }
                None => self.bind(kind, |at| format!(" AND e.kind = {at}")),
            }
        }
        if let Some(request) = &query.request {
            self.bind(request, |at| format!(" AND e.request = {at}"));
        }
        if let Some(person) = &query.person {
            self.bind(person, |at| format!(" AND e.person = {at}"));
        }
        if let Some(resource) = &query.resource {
            self.bind(resource, |at| format!(" AND e.resource = {at}"));
        }
        if let Some(since) = query.since {
            self.bind(since.0, |at| format!(" AND e.at >= {at}"));
        }
        if let Some(after) = query.after {
            self.bind(after, |at| format!(" AND e.seq > {at}"));
        }
        if let Some(before) = query.before {
            self.bind(before, |at| format!(" AND e.seq < {at}"));
        }
        if let Some(target) = &query.target {
            let dialect = self.dialect;
            self.bind(target, |at| {
                let said = format!("coalesce({}, false)", dialect.holds("p.body", at));
                format!(" AND (e.resource = {at} OR e.person = {at} OR e.request = {at} OR {said})")
            });
        }
    }
}

/// Events after a sequence with what is needed to check them, and the blocks that end among them. To be read on one
/// moment of the store.
pub(crate) async fn export<E: Exec>(exec: &E, after: i64, limit: u32) -> Result<Export, Error> {
    let sql = Sql::same(events!("p.body, e.digest, p.salt", "e.seq > ?1 ORDER BY e.seq LIMIT ?2"));
    let exported = Query::new(sql, binds![after, limit], |row| {
        Ok(ExportedEvent {
            event: event_row(row)?,
            body: row.maybe_string(13)?,
            digest: hex(row.bytes(14)?),
            salt: row.maybe_bytes(15)?.map(hex),
        })
    });
    let events = exec.all(exported).await?;
    let last = events.last().map_or(after, |exported| exported.event.seq);
    let sql = Sql::same(
        "SELECT number, first, last, count, previous, hash, at FROM block WHERE last > ?1 AND last <= ?2
         ORDER BY number",
    );
    let blocks = exec.all(Query::new(sql, binds![after, last], block)).await?;
    Ok(Export { events, blocks })
}

fn block(row: &dyn Fields) -> Result<ExportedBlock, Error> {
    Ok(ExportedBlock {
        number: row.int(0)?,
        first: row.int(1)?,
        last: row.int(2)?,
        count: row.int(3)?,
        previous: hex(row.bytes(4)?),
        hash: hex(row.bytes(5)?),
        at: Millis(row.int(6)?),
    })
}

fn with_payload(row: &dyn Fields) -> Result<EventRow, Error> {
    let parse = |text| {
        serde_json::from_str(text).map_err(|error| Error::Broken(format!("a payload is not a document: {error}")))
    };
    let payload = row.maybe_text(13)?.map(parse).transpose()?;
    Ok(EventRow { payload, ..event_row(row)? })
}

fn event_row(row: &dyn Fields) -> Result<EventRow, Error> {
    Ok(EventRow {
        seq: row.int(0)?,
        at: Millis(row.int(1)?),
        kind: row.string(2)?,
        integration: row.maybe_int(3)?.map(IntegrationId),
        request: row.string(4)?,
        resource: row.maybe_string(5)?,
        person: row.maybe_string(6)?,
        actor: row.string(7)?,
        method: row.maybe_string(8)?,
        status: row.maybe_int(9)?.map(narrow).transpose()?,
        code: row.maybe_string(10)?,
        duration_us: row.maybe_int(11)?.and_then(|us| u64::try_from(us).ok()),
        payload: None,
        erased: row.flag(12)?,
    })
}
