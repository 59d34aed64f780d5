//! Documents of the admins, credentials, positions of consumers, answers to requests with an idempotency key.

use super::persons::{self, person_columns, person_row};
use super::{maybe_millis, narrow};
use crate::change::{Answer, CredentialKind};
use crate::error::Error;
use crate::query::EntryQuery;
use crate::rows::{AnswerRow, CredentialRow, EntryRow, PersonRow};
use crate::sql::{Dialect, Fields, Param, Query, Sql, binds};
use bailiwick_domain::ids::Millis;

/// Columns of an entry, read by [`entry_row`].
macro_rules! entry_columns {
    (sqlite) => {
        "SELECT collection, id, parent, state, due, json(doc), version, created, modified FROM entry WHERE "
    };
    (postgres) => {
        "SELECT collection, id, parent, state, due, doc::text, version, created, modified FROM entry WHERE "
    };
}

pub(crate) fn entry<'a>(collection: &'a str, id: &'a str) -> Query<'a, EntryRow> {
    let sql = Sql::each(
        concat!(entry_columns!(sqlite), "collection = ?1 AND id = ?2"),
        concat!(entry_columns!(postgres), "collection = ?1 AND id = ?2"),
    );
    Query::new(sql, binds![collection, id], entry_row)
}

pub(crate) fn entries(query: &EntryQuery, dialect: Dialect) -> Query<'static, EntryRow> {
    let columns = match dialect {
        Dialect::Postgres => entry_columns!(postgres),
        Dialect::Sqlite => entry_columns!(sqlite),
    };
    let mut params: Vec<Param<'static>> = Vec::new();
    let mut text = columns.to_owned();
    let mut bind = |condition: &str, value: Param<'static>| {
        text += condition;
        text += &dialect.parameter(params.len() + 1, &value);
        params.push(value);
    };
    bind("collection = ", query.collection.clone().into());
    if let Some(state) = &query.state {
        bind(" AND state = ", state.clone().into());
    }
    if let Some(parent) = &query.parent {
        bind(" AND parent = ", parent.clone().into());
    }
    if let Some(due) = query.due_before {
        bind(" AND due < ", due.0.into());
    }
    if let Some(after) = &query.after {
        bind(" AND id > ", after.clone().into());
    }
    bind(" ORDER BY id LIMIT ", query.limit.into());
    Query::built(text, params, entry_row)
}

/// Columns of a credential, read by [`credential_at`].
macro_rules! credential_columns {
    () => {
        "c.id, c.kind, c.person, c.service, c.label, c.digest, c.scopes, c.created, c.expires, c.revoked, c.last_used"
    };
}

/// A credential with its person.
pub(crate) fn by_digest(digest: &[u8; 32]) -> Query<'_, (CredentialRow, Option<PersonRow>)> {
    macro_rules! by_digest {
        ($engine:ident) => {
            concat!(
                "SELECT ",
                person_columns!($engine),
                ", ",
                credential_columns!(),
                " FROM credential AS c LEFT JOIN person AS p ON p.seq = c.person WHERE c.digest = ?1"
            )
        };
    }
    Query::new(Sql::each(by_digest!(sqlite), by_digest!(postgres)), binds![digest], |row| {
        let person = match row.maybe_int(0)? {
            Some(_) => Some(person_row(row)?),
            None => None,
        };
        Ok((credential_at(row, persons::COLUMNS)?, person))
    })
}

/// The credentials of a person.
pub(crate) fn credentials(person: i64) -> Query<'static, CredentialRow> {
    let sql = Sql::same(concat!(
        "SELECT ",
        credential_columns!(),
        " FROM credential AS c WHERE c.person = ?1 ORDER BY c.created, c.id"
    ));
    Query::new(sql, binds![person], credential_row)
}

/// The credentials of a kind.
pub(crate) fn credentials_of_kind(kind: CredentialKind) -> Query<'static, CredentialRow> {
    let sql = Sql::same(concat!(
        "SELECT ",
        credential_columns!(),
        " FROM credential AS c WHERE c.kind = ?1 ORDER BY c.created, c.id"
    ));
    Query::new(sql, binds![kind as i64], credential_row)
}

pub(crate) fn local_account(person: i64) -> Query<'static, String> {
    let sql = Sql::same("SELECT password_hash FROM local_account WHERE person = ?1");
    Query::new(sql, binds![person], |row| row.string(0))
}

pub(crate) fn recovery_code(digest: &[u8; 32]) -> Query<'_, (i64, bool)> {
    let sql = Sql::same("SELECT person, used FROM recovery_code WHERE digest = ?1");
    Query::new(sql, binds![digest], |row| Ok((row.int(0)?, row.maybe_int(1)?.is_some())))
}

pub(crate) fn position(consumer: &str) -> Query<'_, i64> {
    Query::new(Sql::same("SELECT position FROM consumer WHERE name = ?1"), binds![consumer], |row| row.int(0))
}

pub(crate) fn answer<'a>(caller: &'a str, key: &'a str) -> Query<'a, AnswerRow> {
    let sql =
        Sql::same("SELECT caller, key, digest, status, headers, body, at FROM answer WHERE caller = ?1 AND key = ?2");
    Query::new(sql, binds![caller, key], |row| {
        let answer = Answer {
            caller: row.string(0)?,
            key: row.string(1)?,
            digest: digest(row, 2)?,
            status: narrow(row.int(3)?)?,
            headers: row.string(4)?,
            body: row.string(5)?,
        };
        Ok(AnswerRow { answer, at: Millis(row.int(6)?) })
    })
}

fn entry_row(row: &dyn Fields) -> Result<EntryRow, Error> {
    Ok(EntryRow {
        collection: row.string(0)?,
        id: row.string(1)?,
        parent: row.maybe_string(2)?,
        state: row.maybe_string(3)?,
        due: maybe_millis(row, 4)?,
        doc: row.string(5)?,
        version: row.int(6)?,
        created: Millis(row.int(7)?),
        modified: Millis(row.int(8)?),
    })
}

fn credential_row(row: &dyn Fields) -> Result<CredentialRow, Error> {
    credential_at(row, 0)
}

/// A credential whose columns begin at `first`.
fn credential_at(row: &dyn Fields, first: usize) -> Result<CredentialRow, Error> {
    let kind = CredentialKind::from_number(row.int(first + 1)?);
    Ok(CredentialRow {
        id: row.string(first)?,
        kind: kind.ok_or_else(|| Error::Broken("a credential is of no known kind".to_owned()))?,
        person: row.maybe_int(first + 2)?,
        service: row.maybe_string(first + 3)?,
        label: row.string(first + 4)?,
        digest: digest(row, first + 5)?,
        scopes: row.string(first + 6)?,
        created: Millis(row.int(first + 7)?),
        expires: maybe_millis(row, first + 8)?,
        revoked: maybe_millis(row, first + 9)?,
        last_used: maybe_millis(row, first + 10)?,
    })
}

fn digest(row: &dyn Fields, column: usize) -> Result<[u8; 32], Error> {
    row.bytes(column)?.try_into().map_err(|_| Error::Broken("a digest is not 32 bytes long".to_owned()))
}
