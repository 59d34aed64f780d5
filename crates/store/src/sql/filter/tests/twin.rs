//! The rows of a world on PostgreSQL, where the tests have one.

use rusqlite::Connection;
use std::cell::RefCell;
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::types::{IsNull, ToSql, Type, private::BytesMut};
use tokio_postgres::{Client, NoTls, Row};

use super::schema::Schema;
use crate::commit::EventLine;
use crate::error::Error;
use crate::query::PageQuery;
use crate::rows::Page;
use crate::sql::{Dialect, Exec, Param, Query, Sql, Text, page};

/// The tables that pages are read from, and how SQLite tells a row as JSON.
const TABLES: [(&str, &str); 6] = [
    (
        "integration",
        "'id', id, 'name', name, 'preset', preset, 'quirks', quirks, 'paused', json('false'), \
      'user_name_email', json('false'), 'users', users, 'groups', groups, 'nested', nested, 'created', created",
    ),
    (
        "person",
        "'seq', seq, 'id', id, 'state', state, 'display', display, 'local', json('false'), 'admin', \
      json('false'), 'epoch', epoch, 'created', created, 'modified', modified",
    ),
    (
        "resource",
        "'seq', seq, 'id', id, 'integration', integration, 'kind', kind, 'name_unique', name_unique, \
      'name_match', name_match, 'display', display, 'external_id', external_id, 'active', \
      json(iif(active, 'true', 'false')), 'person', person, 'manager', manager, 'doc', json(doc), 'keys', json(keys), \
      'version', version, 'created', created, 'modified', modified",
    ),
    ("email", "'key', key, 'resource', resource"),
    ("membership", "'grp', grp, 'member', member"),
    ("member_change", "'grp', grp, 'seq', seq, 'at', at"),
];

/// A schema with the tables, kept by each thread of the tests from world to world.
pub(crate) struct Bench {
    pub(crate) runtime: Runtime,
    pub(crate) client: Client,
    _schema: Schema,
}

thread_local! {
    static BENCH: RefCell<Option<Bench>> = RefCell::new(Bench::new());
}

impl Bench {
    /// A fresh one; `None` without a database for tests.
    pub(crate) fn new() -> Option<Self> {
        let schema = Schema::of_environment()?;
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let client = runtime.block_on(async {
            let (client, connection) = tokio_postgres::connect(&schema.url(), NoTls).await.unwrap();
            tokio::spawn(connection);
            client.batch_execute(include_str!("../../../../../../migrations/postgres/0001_base.sql")).await.unwrap();
            client.batch_execute(include_str!("../../../../../../migrations/postgres/0002_search.sql")).await.unwrap();
            client
        });
        Some(Self { runtime, client, _schema: schema })
    }

    /// The rows of a query, as a session of the engine would get them.
    pub(crate) fn rows(&self, text: &str, params: &[Param<'_>]) -> Vec<Row> {
        self.runtime.block_on(rows(&self.client, text, params))
    }

    fn fill(&self, from: &Connection) {
        let names = TABLES.map(|(table, _)| table).join(", ");
        let mut text = format!("TRUNCATE {names}; ");
        for (table, columns) in TABLES {
            let sql = format!("SELECT json_group_array(json_object({columns})) FROM {table}");
            let rows: String = from.query_row(&sql, [], |row| row.get(0)).unwrap();
            let rows = rows.replace('\'', "''");
            text += &format!("INSERT INTO {table} SELECT * FROM jsonb_populate_recordset(NULL::{table}, '{rows}'); ");
        }
        self.runtime.block_on(self.client.batch_execute(&text)).unwrap_or_else(|error| panic!("{error:?}"));
    }
}

pub(super) struct Twin;

impl Twin {
    /// Copies the rows of a world; `None` without a database for tests.
    pub(super) fn of(from: &Connection) -> Option<Self> {
        BENCH.with_borrow(|bench| bench.as_ref().map(|bench| bench.fill(from)))?;
        Some(Self)
    }

    pub(super) fn change(&self, sql: &str) {
        BENCH.with_borrow(|bench| {
            let bench = bench.as_ref().unwrap();
            bench.runtime.block_on(bench.client.batch_execute(sql)).unwrap();
        });
    }

    /// The page on every way to it.
    pub(super) fn pages(&self, query: &PageQuery) -> Vec<(&'static str, Option<Page>)> {
        BENCH.with_borrow(|bench| {
            let bench = bench.as_ref().unwrap();
            let client = &bench.client;
            bench.runtime.block_on(async {
                vec![
                    ("PostgreSQL", Some(page::read(client, query, Dialect::Postgres).await.unwrap())),
                    ("PostgreSQL, quick", page::quick(client, query, Dialect::Postgres).await.unwrap()),
                    ("PostgreSQL, one equality", page::found_by_point(client, query).await.unwrap()),
                ]
            })
        })
    }
}

#[derive(Debug)]
struct Bound<'a>(&'a Param<'a>);

impl ToSql for Bound<'_> {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self.0 {
            Param::Bytes(bytes) => bytes.as_ref().to_sql(kind, out),
            Param::Flag(flag) => flag.to_sql(kind, out),
            Param::Int(int) => int.to_sql(kind, out),
            Param::Real(real) => real.to_sql(kind, out),
            Param::Text(text) => text.as_ref().to_sql(kind, out),
            other => panic!("pages bind no {other:?}"),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    tokio_postgres::types::to_sql_checked!();
}

fn has_nul(param: &Param<'_>) -> bool {
    matches!(param, Param::Text(text) if text.contains('\0'))
}

fn type_of(param: &Param<'_>) -> Type {
    match param {
        Param::Bytes(_) => Type::BYTEA,
        Param::Flag(_) => Type::BOOL,
        Param::Int(_) => Type::INT8,
        Param::Real(_) => Type::FLOAT8,
        _ => Type::TEXT,
    }
}

async fn rows(client: &Client, text: &str, params: &[Param<'_>]) -> Vec<Row> {
    let bound: Vec<(Bound<'_>, Type)> = params.iter().map(|param| (Bound(param), type_of(param))).collect();
    let params: Vec<(&(dyn ToSql + Sync), Type)> =
        bound.iter().map(|(param, kind)| (param as &(dyn ToSql + Sync), kind.clone())).collect();
    client.query_typed(text, &params).await.unwrap_or_else(|error| panic!("{error:?}: {text}"))
}

impl Exec for Client {
    async fn run(&self, _: Sql, _: &[Param<'_>]) -> Result<u64, Error> {
        unreachable!("pages write nothing")
    }

    async fn run_unique(&self, _: Sql, _: &[Param<'_>]) -> Result<Option<u64>, Error> {
        unreachable!("pages write nothing")
    }

    async fn append(&self, _: &[EventLine]) -> Result<(), Error> {
        unreachable!("pages write nothing")
    }

    async fn all<T: Send>(&self, query: Query<'_, T>) -> Result<Vec<T>, Error> {
        let text = match query.text {
            Text::Built(text) => text,
            // The engine takes an equality with what cannot be stored for one that finds nothing.
            Text::Fixed(_) if query.params.iter().any(has_nul) => return Ok(Vec::new()),
            Text::Fixed(sql) => sql.postgres.replace('?', "$"),
        };
        rows(self, &text, &query.params).await.iter().map(|row| (query.row)(row)).collect()
    }

    async fn one<T: Send>(&self, query: Query<'_, T>) -> Result<Option<T>, Error> {
        Ok(self.all(query).await?.into_iter().next())
    }
}
