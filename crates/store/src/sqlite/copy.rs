//! A store in a folder, as either end of a copy.

use super::pool::open_writer;
use super::{exec, lock};
use crate::copy::tables::{Kind, TABLES, Table, quoted};
use crate::copy::{CHUNK_BYTES, CHUNK_ROWS, CopyError, Row, check_schema, refuse_full, refuse_same, refused, weight};
use crate::error::Error;
use crate::migration::Taken;
use crate::rows::VerifyReport;
use crate::seal;
use crate::sql::Value;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, ToSql, params_from_iter};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

const FILE: &str = "bailiwick.db";
const LOCK: &str = "serve.lock";

/// The store to be copied. Nobody else can write to it.
pub(crate) struct Source {
    connection: Connection,
    _lock: lock::Held,
}

impl Source {
    pub(crate) fn open(dir: &Path) -> Result<Self, CopyError> {
        let path = dir.join(FILE);
        if !path.is_file() {
            return refused(format!("there is no store in {}", dir.display()));
        }
        let lock = in_use(lock::acquire(dir))?;
        let connection = open_writer(&path)?;
        // A command beside the copy would write what the copy no longer sees.
        connection.execute_batch("BEGIN IMMEDIATE").map_err(Error::from)?;
        let unicode = match has_table(&connection, "setting")? {
            true => setting(&connection, "unicode")?,
            false => None,
        };
        let migrate = format!("bailiwick migrate --data {}", dir.display());
        check_schema(&steps(&connection)?, unicode.as_deref(), |sql| sql.sqlite, &migrate)?;
        Ok(Self { connection, _lock: lock })
    }

    pub(crate) fn setting(&self, key: &str) -> Result<Option<String>, Error> {
        setting(&self.connection, key)
    }

    /// The highest id that an integration ever had.
    pub(crate) fn last_integration(&self) -> Result<i64, Error> {
        let sql = "SELECT seq FROM sqlite_sequence WHERE name = 'integration'";
        Ok(self.connection.query_row(sql, [], |row| row.get(0)).optional()?.unwrap_or(0))
    }

    pub(crate) fn verify(&self) -> Result<VerifyReport, Error> {
        exec::done(seal::verify(&&self.connection))
    }

    pub(crate) fn count(&self, table: &Table) -> Result<u64, Error> {
        count(&self.connection, table)
    }

    /// The rows after a key, as many as are held at a time.
    pub(crate) fn chunk(&self, table: &Table, after: Option<&[&Value]>) -> Result<Vec<Row>, Error> {
        let key = table.key_names();
        let beyond = after.map(|values| {
            let places: Vec<String> = (1..=values.len()).map(|place| format!("?{place}")).collect();
            format!(" AND ({key}) > ({})", places.join(", "))
        });
        let sql = format!(
            "SELECT {} FROM {} WHERE {}{} ORDER BY {key}",
            table.read(|name| format!("json({name})")),
            quoted(table.name),
            table.condition(),
            beyond.unwrap_or_default()
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut found = statement.query(params_from_iter(after.unwrap_or_default().iter().map(|value| Cell(value))))?;
        let (mut chunk, mut bytes) = (Vec::new(), 0);
        while chunk.len() < CHUNK_ROWS && bytes < CHUNK_BYTES {
            let Some(row) = found.next()? else { break };
            let values = table.columns.iter().enumerate().map(|(index, column)| {
                value(row.get_ref(index)?, column.kind)
                    .ok_or_else(|| Error::Broken(format!("{}.{} holds what it must not", table.name, column.name)))
            });
            let row = values.collect::<Result<Row, Error>>()?;
            bytes += weight(&row);
            chunk.push(row);
        }
        Ok(chunk)
    }
}

/// The empty store to be filled.
pub(crate) struct Target {
    connection: Connection,
    _lock: lock::Held,
}

impl Target {
    /// Opens a store that was set up. What it holds from that is cleared; anything more is a reason to refuse.
    pub(crate) fn open(dir: &Path) -> Result<Self, CopyError> {
        let lock = in_use(lock::acquire(dir))?;
        let connection = open_writer(&dir.join(FILE))?;
        connection.execute_batch("BEGIN IMMEDIATE").map_err(Error::from)?;
        if holds_data(&connection)? {
            return refuse_full(&dir.display().to_string());
        }
        for table in TABLES.iter().filter(|table| table.fresh) {
            let sql = format!("DELETE FROM {} WHERE {}", quoted(table.name), table.condition());
            connection.execute(&sql, []).map_err(Error::from)?;
        }
        Ok(Self { connection, _lock: lock })
    }

    pub(crate) fn write(&self, table: &Table, rows: &[Row]) -> Result<(), Error> {
        let places: Vec<String> = table
            .columns
            .iter()
            .zip(1..)
            .map(|(column, place)| match column.kind {
                Kind::Json => format!("jsonb(?{place})"),
                _ => format!("?{place}"),
            })
            .collect();
        let sql = format!("INSERT INTO {} ({}) VALUES ({})", quoted(table.name), table.names(), places.join(", "));
        let mut statement = self.connection.prepare_cached(&sql)?;
        for row in rows {
            statement.execute(params_from_iter(row.iter().map(Cell)))?;
        }
        Ok(())
    }

    pub(crate) fn count(&self, table: &Table) -> Result<u64, Error> {
        count(&self.connection, table)
    }

    pub(crate) fn set_last_integration(&self, id: i64) -> Result<(), Error> {
        // The table has no key; a row is there once an integration was written.
        self.connection.execute("DELETE FROM sqlite_sequence WHERE name = 'integration'", [])?;
        self.connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('integration', ?1)", [id])?;
        Ok(())
    }

    pub(crate) fn verify(&self) -> Result<VerifyReport, Error> {
        exec::done(seal::verify(&&self.connection))
    }

    pub(crate) fn commit(self) -> Result<(), Error> {
        self.connection.execute_batch("COMMIT")?;
        // Everything lies in the log still. If it stays there nothing is lost: the next start takes it over.
        let _ = self.connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)");
        Ok(())
    }
}

/// What is made where there was no store.
pub(crate) struct Made {
    /// A folder that will have been made.
    dir: Option<PathBuf>,
    /// Files that will have been made.
    files: Vec<PathBuf>,
}

/// Looks at a folder without changing it.
pub(crate) fn look(dir: &Path, store_id: &str) -> Result<Made, CopyError> {
    let path = dir.join(FILE);
    if !path.exists() {
        let files = ["", "-wal", "-shm"].iter().map(|end| dir.join(format!("{FILE}{end}")));
        let files = files.chain([dir.join(LOCK)]).collect();
        return Ok(Made { dir: (!dir.exists()).then(|| dir.to_owned()), files });
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(&path, flags).map_err(Error::from)?;
    connection.pragma_update(None, "query_only", true).map_err(Error::from)?;
    let shown = dir.display().to_string();
    if has_table(&connection, "setting")? && setting(&connection, "store_id")?.as_deref() == Some(store_id) {
        return refuse_same(&shown);
    }
    if holds_data(&connection)? { refuse_full(&shown) } else { Ok(Made { dir: None, files: Vec::new() }) }
}

impl Made {
    /// Removes what was made. What cannot be removed is an empty store, and in nobody's way.
    pub(crate) fn undo(self) {
        for file in self.files {
            let _ = fs::remove_file(file);
        }
        if let Some(dir) = self.dir {
            let _ = fs::remove_dir(dir);
        }
    }
}

/// The steps that the schema of a store has taken.
pub(crate) fn taken(dir: &Path) -> Result<Vec<Taken>, Error> {
    let path = dir.join(FILE);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    match fs::metadata(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        _ => steps(&Connection::open_with_flags(&path, flags)?),
    }
}

fn steps(connection: &Connection) -> Result<Vec<Taken>, Error> {
    if !has_table(connection, "migration")? {
        return Err(Error::Broken("the database was not made by bailiwick".to_owned()));
    }
    let mut statement = connection.prepare("SELECT number, checksum, oldest FROM migration ORDER BY number")?;
    let steps =
        statement.query_map([], |row| Ok(Taken { number: row.get(0)?, checksum: row.get(1)?, oldest: row.get(2)? }))?;
    Ok(steps.collect::<rusqlite::Result<_>>()?)
}

/// A server is told apart from other reasons: its end helps.
fn in_use(lock: Result<lock::Held, Error>) -> Result<lock::Held, CopyError> {
    match lock {
        Err(Error::Busy(holder)) => refused(format!("{holder}: stop it first")),
        other => Ok(other?),
    }
}

fn has_table(connection: &Connection, name: &str) -> Result<bool, Error> {
    let sql = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1)";
    Ok(connection.query_row(sql, [name], |row| row.get(0))?)
}

fn setting(connection: &Connection, key: &str) -> Result<Option<String>, Error> {
    let sql = "SELECT value FROM setting WHERE key = ?1";
    Ok(connection.query_row(sql, [key], |row| row.get(0)).optional()?)
}

fn count(connection: &Connection, table: &Table) -> Result<u64, Error> {
    let rows: i64 = connection.query_row(&table.count(), [], |row| row.get(0))?;
    Ok(u64::try_from(rows).unwrap_or(0))
}

/// Whether there is more than a store has that was just set up.
fn holds_data(connection: &Connection) -> Result<bool, Error> {
    for table in TABLES.iter().filter(|table| !table.fresh) {
        if has_table(connection, table.name)? {
            let any = format!("SELECT EXISTS (SELECT 1 FROM {})", quoted(table.name));
            if connection.query_row(&any, [], |row| row.get(0))? {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// A value of a column; `None` if it is not of its type.
fn value(found: ValueRef<'_>, kind: Kind) -> Option<Value> {
    match (found, kind) {
        (ValueRef::Null, _) => Some(Value::Null),
        (ValueRef::Blob(bytes), Kind::Bytes) => Some(Value::Bytes(bytes.to_vec())),
        (ValueRef::Integer(flag @ (0 | 1)), Kind::Flag) => Some(Value::Flag(flag == 1)),
        (ValueRef::Integer(int), Kind::Int) => Some(Value::Int(int)),
        (ValueRef::Text(text), Kind::Json | Kind::Text) => Some(Value::Text(str::from_utf8(text).ok()?.to_owned())),
        _ => None,
    }
}

/// A value to be bound.
struct Cell<'a>(&'a Value);

impl ToSql for Cell<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0 {
            Value::Bytes(bytes) => ValueRef::Blob(bytes),
            Value::Flag(flag) => ValueRef::Integer(i64::from(*flag)),
            Value::Int(int) => ValueRef::Integer(*int),
            Value::Null => ValueRef::Null,
            Value::Real(real) => ValueRef::Real(*real),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}
