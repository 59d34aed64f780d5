//! How SQLite runs what is written for both engines.

use crate::commit::EventLine;
use crate::error::Error;
use crate::sql::{Exec, Fields, Param, Query, Sql, Text, Value};
use crate::sqlite::is_unique_clash;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, Row, Rows, ToSql, params};
use std::future::ready;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

impl ToSql for Param<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Bytes(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
            Self::Flag(flag) => ToSqlOutput::Borrowed(ValueRef::Integer(i64::from(*flag))),
            Self::Int(int) | Self::MaybeInt(Some(int)) => ToSqlOutput::Borrowed(ValueRef::Integer(*int)),
            Self::Ints(ints) => ToSqlOutput::Owned(rusqlite::types::Value::Text(array(ints.iter()))),
            Self::MaybeInt(None) | Self::MaybeText(None) => ToSqlOutput::Borrowed(ValueRef::Null),
            Self::Real(real) => ToSqlOutput::Borrowed(ValueRef::Real(*real)),
            Self::Text(text) | Self::MaybeText(Some(text)) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Self::Texts(texts) => {
                let texts = texts.iter().map(|text| serde_json::Value::String(text.clone()));
                ToSqlOutput::Owned(rusqlite::types::Value::Text(array(texts)))
            }
        })
    }
}

/// A list as a JSON array.
fn array(items: impl Iterator<Item = impl ToString>) -> String {
    let items: Vec<String> = items.map(|item| item.to_string()).collect();
    format!("[{}]", items.join(","))
}

fn wrong(error: impl Into<rusqlite::Error>) -> Error {
    error.into().into()
}

impl Fields for Row<'_> {
    fn bytes(&self, column: usize) -> Result<&[u8], Error> {
        self.get_ref(column)?.as_blob().map_err(wrong)
    }

    fn flag(&self, column: usize) -> Result<bool, Error> {
        Ok(self.get(column)?)
    }

    fn int(&self, column: usize) -> Result<i64, Error> {
        Ok(self.get(column)?)
    }

    fn maybe_bytes(&self, column: usize) -> Result<Option<&[u8]>, Error> {
        self.get_ref(column)?.as_blob_or_null().map_err(wrong)
    }

    fn maybe_int(&self, column: usize) -> Result<Option<i64>, Error> {
        Ok(self.get(column)?)
    }

    fn maybe_text(&self, column: usize) -> Result<Option<&str>, Error> {
        self.get_ref(column)?.as_str_or_null().map_err(wrong)
    }

    fn text(&self, column: usize) -> Result<&str, Error> {
        self.get_ref(column)?.as_str().map_err(wrong)
    }

    fn value(&self, column: usize) -> Result<Value, Error> {
        Ok(match self.get_ref(column)? {
            ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
            ValueRef::Integer(int) => Value::Int(int),
            ValueRef::Null => Value::Null,
            ValueRef::Real(real) => Value::Real(real),
            text @ ValueRef::Text(_) => Value::Text(text.as_str().map_err(wrong)?.to_owned()),
        })
    }
}

/// Prepares a query with its parameters bound. A text that was put together may have fewer parameters than were
/// collected for it: a condition that turned out to be constant.
fn bound<'c, T>(connection: &'c Connection, query: &Query<'_, T>) -> Result<CachedStatement<'c>, Error> {
    let text = match &query.text {
        Text::Fixed(sql) => sql.sqlite,
        Text::Built(text) => text,
    };
    let mut statement = connection.prepare_cached(text)?;
    let wanted = statement.parameter_count();
    for (index, param) in query.params.iter().take(wanted).enumerate() {
        statement.raw_bind_parameter(index + 1, param)?;
    }
    Ok(statement)
}

/// All rows of a query.
pub(crate) fn all<T>(connection: &Connection, query: &Query<'_, T>) -> Result<Vec<T>, Error> {
    let mut statement = bound(connection, query)?;
    let mut rows: Rows<'_> = statement.raw_query();
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push((query.row)(row)?);
    }
    Ok(found)
}

/// The first row of a query.
pub(crate) fn one<T>(connection: &Connection, query: &Query<'_, T>) -> Result<Option<T>, Error> {
    let mut statement = bound(connection, query)?;
    let mut rows: Rows<'_> = statement.raw_query();
    rows.next()?.map(|row| (query.row)(row)).transpose()
}

fn execute(connection: &Connection, sql: Sql, params: &[Param<'_>]) -> rusqlite::Result<u64> {
    let changed = connection.prepare_cached(sql.sqlite)?.execute(rusqlite::params_from_iter(params))?;
    Ok(changed as u64)
}

fn append(connection: &Connection, lines: &[EventLine]) -> rusqlite::Result<()> {
    let mut event = connection.prepare_cached(
        "INSERT INTO event (seq, at, kind, integration, request, resource, person, actor, method, status, code,
           duration_us, digest)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    )?;
    let mut payload = connection.prepare_cached("INSERT INTO event_payload (seq, salt, body) VALUES (?1, ?2, ?3)")?;
    for line in lines {
        event.execute(params![
            line.seq,
            line.at,
            line.kind,
            line.integration,
            line.request,
            line.resource,
            line.person,
            line.actor,
            line.method,
            line.status,
            line.code,
            line.duration_us,
            line.digest,
        ])?;
        payload.execute(params![line.seq, line.salt, line.body])?;
    }
    Ok(())
}

impl Exec for &Connection {
    fn run(&self, sql: Sql, params: &[Param<'_>]) -> impl Future<Output = Result<u64, Error>> + Send {
        ready(execute(self, sql, params).map_err(Error::from))
    }

    fn run_unique(&self, sql: Sql, params: &[Param<'_>]) -> impl Future<Output = Result<Option<u64>, Error>> + Send {
        ready(match execute(self, sql, params) {
            Ok(changed) => Ok(Some(changed)),
            Err(error) if is_unique_clash(&error) => Ok(None),
            Err(error) => Err(error.into()),
        })
    }

    fn all<T: Send>(&self, query: Query<'_, T>) -> impl Future<Output = Result<Vec<T>, Error>> + Send {
        ready(all(self, &query))
    }

    fn one<T: Send>(&self, query: Query<'_, T>) -> impl Future<Output = Result<Option<T>, Error>> + Send {
        ready(one(self, &query))
    }

    fn append(&self, lines: &[EventLine]) -> impl Future<Output = Result<(), Error>> + Send {
        ready(append(self, lines).map_err(Error::from))
    }
}

/// The result of work on SQLite: every statement is done when its future is made, so one poll finishes it.
pub(crate) fn done<T>(work: impl Future<Output = T>) -> T {
    match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => panic!("a statement of SQLite is done when it returns"),
    }
}
