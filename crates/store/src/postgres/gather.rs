//! Rows of several sets in one statement.
//!
//! Sets that run at once insert persons, Users and so on one by one, and none of them needs the answer. Each statement
//! costs the server more than the row it inserts; so they are collected here while the sets are applied, and written as
//! one statement of many rows a table when all are done. Until then the sets do not see those rows, and need not: what
//! does is a set that runs alone (see [`super::footprint`]).

use super::journal::{Typed, column};
use super::session::Session;
use crate::commit::EventLine;
use crate::commit::common::{
    BUMP_EPOCH, INSERT_EMAIL, INSERT_PERSON, INSERT_RESOURCE, MARK_DIRTY, NOTE_CHANGE, SET_AUTHORITY, SETTLE,
};
use crate::error::Error;
use crate::sql::{Exec, Param, Query, Sql};
use futures_util::future::{try_join, try_join3};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio_postgres::types::Type;

const PERSONS: &str = "INSERT INTO person
      (seq, id, state, display, email, email_key, user_name, user_name_key, local, admin, epoch, created, modified,
       doc, authority)
    SELECT n.seq, n.id, n.state, n.display, n.email, n.email_key, n.user_name, n.user_name_key, n.local, n.admin, 1,
      n.at, n.at, n.doc::jsonb, n.authority
    FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) AS n
      (seq, id, state, display, email, email_key, user_name, user_name_key, local, admin, at, doc, authority)";
const RESOURCES: &str = "INSERT INTO resource
      (seq, id, integration, kind, name_unique, name_match, display, external_id, active, person, manager, doc, keys,
       version, created, modified)
    SELECT n.seq, n.id, i.id, n.kind, n.name_unique, n.name_match, n.display, n.external_id, n.active,
      n.person, n.manager, n.doc::jsonb, n.keys::jsonb, n.version, n.at, n.at
    FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) AS n
      (seq, id, integration, kind, name_unique, name_match, display, external_id, active, person, manager, doc, keys,
       version, at)
    JOIN integration AS i ON i.id = n.integration";
const EMAILS: &str = "INSERT INTO email (resource, key) SELECT * FROM unnest($1, $2) ON CONFLICT DO NOTHING";
const EPOCHS: &str = "UPDATE person SET epoch = epoch + n.times FROM unnest($1, $2) AS n (seq, times)
    WHERE person.seq = n.seq";
const MARKS: &str = "INSERT INTO dirty (person, mark, cause) SELECT * FROM unnest($1, $2, $3)
    ON CONFLICT (person) DO UPDATE SET mark = excluded.mark, cause = coalesce(excluded.cause, dirty.cause)";
const SETTLED: &str = "DELETE FROM dirty USING unnest($1, $2) AS n (person, mark)
    WHERE dirty.person = n.person AND dirty.mark <= n.mark";
const CHANGES: &str =
    "INSERT INTO member_change (grp, seq, at) SELECT * FROM unnest($1, $2, $3) ON CONFLICT DO NOTHING";

type Row = Vec<Param<'static>>;

/// A session that collects what it may.
#[derive(Debug)]
pub(super) struct Gatherer<'s> {
    session: &'s Session,
    /// Whether there is anything to evaluate: without, nobody is marked.
    mapping: bool,
    rows: Mutex<Rows>,
}

#[derive(Debug, Default)]
struct Rows {
    /// By number, so that an authority finds its person.
    persons: BTreeMap<i64, Row>,
    resources: Vec<Row>,
    emails: Vec<Row>,
    epochs: BTreeMap<i64, i64>,
    changes: Vec<Row>,
    /// The version, and by whose call.
    marks: BTreeMap<i64, (i64, Option<i64>)>,
    settled: Vec<Row>,
}

impl<'s> Gatherer<'s> {
    pub(super) fn new(session: &'s Session, mapping: bool) -> Self {
        Self { session, mapping, rows: Mutex::default() }
    }

    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many rows the statement will change, if it is one of those that are collected; it is then.
    fn takes(&self, sql: Sql, params: &[Param<'_>]) -> Option<u64> {
        let mut rows = self.rows();
        let owned = || params.iter().cloned().map(Param::into_owned).collect::<Row>();
        match (sql, params) {
            (INSERT_PERSON, [Param::Int(seq), ..]) => {
                let mut row = owned();
                row.push(Param::MaybeInt(None));
                rows.persons.insert(*seq, row);
            }
            (SET_AUTHORITY, [Param::Int(person), Param::Int(user)]) => {
                let authority = rows.persons.get_mut(person).and_then(|row| row.last_mut())?;
                *authority = Param::MaybeInt(Some(*user));
            }
            (INSERT_RESOURCE, _) => rows.resources.push(owned()),
            (INSERT_EMAIL, _) => rows.emails.push(owned()),
            (BUMP_EPOCH, [Param::Int(person)]) => *rows.epochs.entry(*person).or_default() += 1,
            (NOTE_CHANGE, _) => rows.changes.push(owned()),
            (MARK_DIRTY, _) if !self.mapping => return Some(0),
            (MARK_DIRTY, [Param::Int(person), Param::Int(mark), Param::MaybeInt(cause)]) => {
                let before = rows.marks.get(person).and_then(|(_, cause)| *cause);
                rows.marks.insert(*person, (*mark, cause.or(before)));
            }
            (SETTLE, _) => rows.settled.push(owned()),
            _ => return None,
        }
        Some(1)
    }

    /// Writes what was collected. When it fails, which sets it fails for is not known: one that would put a resource into
    /// an integration that is gone is among the reasons.
    pub(super) async fn write(self) -> Result<(), Error> {
        let Self { session, rows, .. } = self;
        let Rows { persons, resources, emails, epochs, changes, marks, settled } =
            rows.into_inner().unwrap_or_else(PoisonError::into_inner);
        let persons: Vec<Row> = persons.into_values().collect();
        let pairs = |pairs: BTreeMap<i64, i64>| -> Vec<Row> {
            pairs.into_iter().map(|(one, other)| vec![Param::Int(one), Param::Int(other)]).collect()
        };
        let epochs = pairs(epochs);
        let mark = |(person, (at, cause))| vec![Param::Int(person), Param::Int(at), Param::MaybeInt(cause)];
        let marks: Vec<Row> = marks.into_iter().map(mark).collect();
        let insert = async |text: &'static str, rows: Vec<Row>| -> Result<u64, Error> {
            if rows.is_empty() { Ok(0) } else { session.insert(text, columns(&rows)).await }
        };
        let given = resources.len() as u64;
        let resources = async { if insert(RESOURCES, resources).await? == given { Ok(()) } else { Err(Error::Stale) } };
        let rows = try_join3(insert(PERSONS, persons), resources, insert(EMAILS, emails));
        // Nobody is among both: a set that settles a person has it for itself, and does not mark it.
        let dirty = try_join(insert(SETTLED, settled), insert(MARKS, marks));
        let notes = try_join3(insert(EPOCHS, epochs), insert(CHANGES, changes), dirty);
        try_join(rows, notes).await.map(drop)
    }
}

/// Rows as columns. All rows hold the same kinds of values in the same places.
fn columns(rows: &[Row]) -> Vec<Typed<'_>> {
    (0..rows.first().map_or(0, Vec::len))
        .map(|index| match &rows[0][index] {
            Param::Flag(_) => column(rows, Type::BOOL_ARRAY, move |row| match row[index] {
                Param::Flag(flag) => Some(flag),
                _ => None,
            }),
            Param::Int(_) | Param::MaybeInt(_) => column(rows, Type::INT8_ARRAY, move |row| match row[index] {
                Param::Int(int) => Some(int),
                Param::MaybeInt(int) => int,
                _ => None,
            }),
            _ => column(rows, Type::TEXT_ARRAY, move |row| match &row[index] {
                Param::Text(text) | Param::MaybeText(Some(text)) => Some(&**text),
                _ => None,
            }),
        })
        .collect()
}

impl Exec for Gatherer<'_> {
    async fn run(&self, sql: Sql, params: &[Param<'_>]) -> Result<u64, Error> {
        if let Some(count) = self.takes(sql, params) {
            return Ok(count);
        }
        self.session.run(sql, params).await
    }

    async fn run_unique(&self, sql: Sql, params: &[Param<'_>]) -> Result<Option<u64>, Error> {
        if let Some(count) = self.takes(sql, params) {
            return Ok(Some(count));
        }
        self.session.run_unique(sql, params).await
    }

    async fn all<T: Send>(&self, query: Query<'_, T>) -> Result<Vec<T>, Error> {
        self.session.all(query).await
    }

    async fn one<T: Send>(&self, query: Query<'_, T>) -> Result<Option<T>, Error> {
        self.session.one(query).await
    }

    async fn append(&self, lines: &[EventLine]) -> Result<(), Error> {
        self.session.append(lines).await
    }
}
