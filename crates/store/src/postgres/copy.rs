//! A store in a database, as either end of a copy.

use super::DURABLE;
use super::batch::LOCK;
use super::connect::Connector;
use super::fault;
use super::migrate::COMMIT;
use super::row::Bound;
use super::session::{Session, Usage};
use super::url::DatabaseUrl;
use crate::copy::tables::{Kind, TABLES, Table, quoted};
use crate::copy::{CHUNK_BYTES, CHUNK_ROWS, CopyError, Row, check_schema, refuse_full, refuse_same, refused, weight};
use crate::error::Error;
use crate::migration::Taken;
use crate::rows::VerifyReport;
use crate::seal;
use crate::sql::{Exec as _, Fields as _, Param, Query, Sql, Value, binds};
use crate::store::Entropy;
use bytes::{BufMut as _, BytesMut};
use futures_util::TryStreamExt as _;
use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

const CONNECT_TIME: Duration = Duration::from_secs(2);

/// A copy takes as long as it takes, but it waits for nobody.
const SETTINGS: &str = "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0;
    SET lock_timeout = '5s'; SET application_name = 'bailiwick migrate'";

async fn connect(url: &DatabaseUrl, entropy: &Entropy) -> Result<Session, Error> {
    let usage = Usage { settings: format!("{SETTINGS}; {DURABLE}"), bell: None, budgeted: true };
    Connector::new(url, Arc::clone(entropy))?.connect(&usage, CONNECT_TIME).await
}

/// The store to be copied. Nobody else can write to it.
pub(crate) struct Source {
    /// Reads everything as it is at one moment.
    reader: Session,
    /// Holds the lock of all writers. It has a transaction of its own: the moment that the other one shows must come
    /// after the last commit of those who had the lock before.
    writers: Session,
    url: DatabaseUrl,
}

impl Source {
    pub(crate) async fn open(url: &DatabaseUrl, entropy: &Entropy) -> Result<Self, CopyError> {
        let writers = connect(url, entropy).await?;
        if !has_table(&writers, "migration").await? {
            return refused(format!("there is no store in {url}"));
        }
        begin(&writers, url).await?;
        let reader = connect(url, entropy).await?;
        reader.simple("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
        let unicode = match has_table(&reader, "setting").await? {
            true => setting(&reader, "unicode").await?,
            false => None,
        };
        let migrate = "bailiwick migrate with BAILIWICK_DATABASE_URL set";
        check_schema(&steps(&reader).await?, unicode.as_deref(), |sql| sql.postgres, migrate)?;
        Ok(Self { reader, writers, url: url.clone() })
    }

    pub(crate) async fn setting(&self, key: &str) -> Result<Option<String>, Error> {
        setting(&self.reader, key).await
    }

    /// Refuses what a server has begun to use meanwhile.
    pub(crate) async fn check_unused(&self) -> Result<(), CopyError> {
        check_unused(&self.writers, &self.url).await
    }

    /// The highest id that an integration ever had.
    pub(crate) async fn last_integration(&self) -> Result<i64, Error> {
        let name = built("SELECT pg_get_serial_sequence('integration', 'id')", |row| row.maybe_string(0));
        let name = self.reader.one(name).await?.flatten();
        let name = name.ok_or_else(|| Error::Broken("integrations have no sequence".to_owned()))?;
        let sql = format!("SELECT CASE WHEN is_called THEN last_value ELSE last_value - 1 END FROM {name}");
        Ok(self.reader.one(built(&sql, |row| row.int(0))).await?.unwrap_or(0))
    }

    pub(crate) async fn verify(&self) -> Result<VerifyReport, Error> {
        seal::verify(&self.reader).await
    }

    pub(crate) async fn count(&self, table: &Table) -> Result<u64, Error> {
        count(&self.reader, table).await
    }

    /// The rows after a key, as many as are held at a time.
    pub(crate) async fn chunk(&self, table: &Table, after: Option<&[&Value]>) -> Result<Vec<Row>, Error> {
        let key = table.key_names();
        let params: Vec<Param<'_>> = after.unwrap_or_default().iter().map(|value| param(value)).collect();
        let beyond = (1..=params.len()).map(|place| format!("${place}")).collect::<Vec<_>>().join(", ");
        let beyond = if params.is_empty() { String::new() } else { format!(" AND ({key}) > ({beyond})") };
        let sql = format!(
            "SELECT {} FROM {} WHERE {}{beyond} ORDER BY {key} LIMIT {CHUNK_ROWS}",
            table.read(|name| format!("{name}::text")),
            quoted(table.name),
            table.condition()
        );
        let typed = params.iter().map(|param| (Bound(param), super::row::type_of(param)));
        let mut found = pin!(self.reader.client().query_typed_raw(&sql, typed).await.map_err(failed)?);
        let (mut chunk, mut bytes) = (Vec::new(), 0);
        // What is left when there is enough is read again with the next chunk.
        while bytes < CHUNK_BYTES {
            let Some(row) = found.try_next().await.map_err(failed)? else { break };
            let row = (0..table.columns.len()).map(|index| row.value(index)).collect::<Result<Row, Error>>()?;
            bytes += weight(&row);
            chunk.push(row);
        }
        Ok(chunk)
    }
}

/// The empty store to be filled.
pub(crate) struct Target {
    session: Session,
    url: DatabaseUrl,
}

impl Target {
    /// Opens a store that was set up. What it holds from that is cleared; anything more is a reason to refuse.
    pub(crate) async fn open(url: &DatabaseUrl, entropy: &Entropy) -> Result<Self, CopyError> {
        let session = connect(url, entropy).await?;
        begin(&session, url).await?;
        if holds_data(&session).await? {
            return refuse_full(&url.to_string());
        }
        for table in TABLES.iter().filter(|table| table.fresh) {
            session.simple(&format!("DELETE FROM {} WHERE {}", quoted(table.name), table.condition())).await?;
        }
        Ok(Self { session, url: url.clone() })
    }

    pub(crate) async fn write(&self, table: &Table, rows: &[Row]) -> Result<(), Error> {
        if rows.is_empty() {
            return Ok(());
        }
        let sql = format!("COPY {} ({}) FROM STDIN (FORMAT binary)", quoted(table.name), table.names());
        let types: Vec<Type> = table.columns.iter().map(|column| type_of(column.kind)).collect();
        let sink = self.session.client().copy_in(&sql).await.map_err(failed)?;
        let mut writer = pin!(BinaryCopyInWriter::new(sink, &types));
        for row in rows {
            if row.iter().any(|value| matches!(value, Value::Text(text) if text.contains('\0'))) {
                let name = table.name;
                return Err(Error::Broken(format!("a row of {name} holds U+0000, which PostgreSQL cannot keep")));
            }
            writer.as_mut().write_raw(row.iter().map(Cell)).await.map_err(failed)?;
        }
        writer.finish().await.map(drop).map_err(failed)
    }

    pub(crate) async fn count(&self, table: &Table) -> Result<u64, Error> {
        count(&self.session, table).await
    }

    pub(crate) async fn set_last_integration(&self, id: i64) -> Result<(), Error> {
        // Unlike setval it is undone with the transaction.
        let next = id.saturating_add(1);
        self.session.simple(&format!("ALTER TABLE integration ALTER COLUMN id RESTART WITH {next}")).await
    }

    pub(crate) async fn verify(&self) -> Result<VerifyReport, Error> {
        seal::verify(&self.session).await
    }

    /// Refuses what a server has begun to use meanwhile: what it knows of the store would no longer be so.
    pub(crate) async fn check_unused(&self) -> Result<(), CopyError> {
        check_unused(&self.session, &self.url).await
    }

    pub(crate) async fn commit(self) -> Result<(), Error> {
        self.session.simple(COMMIT).await?;
        // The planner would learn of the rows by itself, but not before the first requests.
        let names: Vec<String> = TABLES.iter().map(|table| quoted(table.name)).collect();
        let _ = self.session.simple(&format!("ANALYZE {}", names.join(", "))).await;
        Ok(())
    }
}

/// Looks at a database without changing it.
pub(crate) async fn look(url: &DatabaseUrl, entropy: &Entropy, store_id: &str) -> Result<(), CopyError> {
    let session = connect(url, entropy).await?;
    let shown = url.to_string();
    if has_table(&session, "setting").await? && setting(&session, "store_id").await?.as_deref() == Some(store_id) {
        return refuse_same(&shown);
    }
    if holds_data(&session).await? { refuse_full(&shown) } else { Ok(()) }
}

/// The steps that the schema of a store has taken.
pub(crate) async fn taken(url: &DatabaseUrl, entropy: &Entropy) -> Result<Vec<Taken>, Error> {
    let session = connect(url, entropy).await?;
    if has_table(&session, "migration").await? { steps(&session).await } else { Ok(Vec::new()) }
}

/// Begins a transaction that keeps all writers out.
async fn begin(session: &Session, url: &DatabaseUrl) -> Result<(), CopyError> {
    session.simple("BEGIN").await?;
    session.one(Query::new(LOCK, binds![], |_| Ok(()))).await?;
    check_unused(session, url).await
}

/// Refuses a store that a server uses: it would find itself unable to write, and go on afterwards with a store that is
/// no longer the one.
async fn check_unused(session: &Session, url: &DatabaseUrl) -> Result<(), CopyError> {
    let held = built("SELECT EXISTS (SELECT 1 FROM lease WHERE until > clock_timestamp())", |row| row.flag(0));
    if session.one(held).await?.unwrap_or(false) {
        return refused(format!(
            "a bailiwick serve uses {url}: stop every replica first (one that was killed counts for some seconds)"
        ));
    }
    Ok(())
}

async fn steps(session: &Session) -> Result<Vec<Taken>, Error> {
    let sql = Sql::same("SELECT number, checksum, oldest FROM migration ORDER BY number");
    let step = |row: &dyn crate::sql::Fields| {
        Ok(Taken { number: row.int(0)?, checksum: row.string(1)?, oldest: row.string(2)? })
    };
    session.all(Query::new(sql, binds![], step)).await
}

async fn has_table(session: &Session, name: &str) -> Result<bool, Error> {
    let sql = Sql::same(
        "SELECT EXISTS (SELECT 1 FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relname = ?1
           AND relkind = 'r')",
    );
    Ok(session.one(Query::new(sql, binds![name], |row| row.flag(0))).await?.unwrap_or(false))
}

async fn setting(session: &Session, key: &str) -> Result<Option<String>, Error> {
    let sql = Sql::same("SELECT value FROM setting WHERE key = ?1");
    session.one(Query::new(sql, binds![key], |row| row.string(0))).await
}

async fn count(session: &Session, table: &Table) -> Result<u64, Error> {
    Ok(session.one(built(&table.count(), |row| row.count(0))).await?.unwrap_or(0))
}

/// Whether there is more than a store has that was just set up.
async fn holds_data(session: &Session) -> Result<bool, Error> {
    for table in TABLES.iter().filter(|table| !table.fresh) {
        if has_table(session, table.name).await? {
            let any = format!("SELECT EXISTS (SELECT 1 FROM {})", quoted(table.name));
            if session.one(built(&any, |row| row.flag(0))).await?.unwrap_or(false) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

fn built<T>(sql: &str, row: crate::sql::Decode<T>) -> Query<'static, T> {
    Query::built(sql.to_owned(), Vec::new(), row)
}

fn failed(error: tokio_postgres::Error) -> Error {
    fault::of(&error)
}

fn type_of(kind: Kind) -> Type {
    match kind {
        Kind::Bytes => Type::BYTEA,
        Kind::Flag => Type::BOOL,
        Kind::Int => Type::INT8,
        Kind::Json => Type::JSONB,
        Kind::Text => Type::TEXT,
    }
}

/// A part of a key.
fn param(value: &Value) -> Param<'_> {
    match value {
        Value::Bytes(bytes) => Param::from(bytes.as_slice()),
        Value::Flag(flag) => Param::Flag(*flag),
        Value::Int(int) => Param::Int(*int),
        Value::Null => Param::MaybeText(None),
        Value::Real(real) => Param::Real(*real),
        Value::Text(text) => Param::from(text),
    }
}

/// A value to be written. It is never shown: the driver would log it.
struct Cell<'a>(&'a Value);

impl fmt::Debug for Cell<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("_")
    }
}

impl ToSql for Cell<'_> {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self.0 {
            Value::Bytes(bytes) => bytes.to_sql(kind, out),
            Value::Flag(flag) => flag.to_sql(kind, out),
            Value::Int(int) => int.to_sql(kind, out),
            Value::Null => Ok(IsNull::Yes),
            Value::Real(real) => real.to_sql(kind, out),
            Value::Text(text) if *kind == Type::JSONB => {
                // The version of the binary form, then the text.
                out.put_u8(1);
                out.put_slice(text.as_bytes());
                Ok(IsNull::No)
            }
            Value::Text(text) => text.to_sql(kind, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}
