//! Setting a store up and bringing its schema forward. Forward only; each step is one transaction.

use crate::error::Error;
use crate::sqlite::{lock, rekey};
use bailiwick_domain::ids::prefixed_id;
use bailiwick_scim::text;
use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, params};
use std::path::Path;
use std::time::Duration;

/// One step of the schema.
struct Migration {
    number: i64,
    name: &'static str,
    sql: &'static str,
    /// The oldest Bailiwick that may run on a store with this step.
    oldest: &'static str,
}

const MIGRATIONS: &[Migration] = &[
    Migration {
        number: 1,
        name: "base",
        sql: include_str!("../../../../migrations/sqlite/0001_base.sql"),
        oldest: "0.1.0",
    },
    Migration {
        number: 2,
        name: "search",
        sql: include_str!("../../../../migrations/sqlite/0002_search.sql"),
        oldest: "0.1.0",
    },
];

const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Pages of 4 KiB: commits touch many pages in random places, and what a commit costs is the bytes of its pages.
const PAGE_BYTES: i64 = 4096;
/// How long a command waits for another one that is setting the store up.
const LOCK_TRIES: u32 = 20;
const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// Brings the store up to date. `held` tells that the caller holds the lock of the store.
pub(crate) fn run(
    connection: &mut Connection,
    dir: &Path,
    held: bool,
    now: i64,
    entropy: &dyn Fn(&mut [u8]),
) -> Result<(), Error> {
    prepare(connection)?;
    check_program(connection)?;
    if !pending(connection)? {
        return Ok(());
    }
    let fresh = !has_table(connection, "migration")?;
    // Beside a running server only a store that nobody uses yet may be set up.
    let _lock = if held || fresh { None } else { wait_for_lock(connection, dir)? };
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS migration (
           number INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, oldest TEXT NOT NULL,
           applied INTEGER NOT NULL)",
    )?;
    for migration in MIGRATIONS {
        apply(connection, migration, now)?;
    }
    settings(connection, entropy)?;
    rekey::run(connection)
}

/// Switches to a write-ahead log. The page size holds from the first page on, so it comes first.
fn prepare(connection: &Connection) -> Result<(), Error> {
    connection.pragma_update(None, "page_size", PAGE_BYTES)?;
    let mut tries = 0;
    loop {
        let mode: rusqlite::Result<String> = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0));
        match mode {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(mode) => return Err(Error::Unavailable(format!("the file system allows no write-ahead log ({mode})"))),
            // The busy handler is not asked for this step.
            Err(rusqlite::Error::SqliteFailure(failure, _))
                if failure.code == rusqlite::ErrorCode::DatabaseBusy && tries < 100 =>
            {
                tries += 1;
                std::thread::sleep(LOCK_PAUSE);
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Refuses files of other programs and stores of a Bailiwick too new for this one.
fn check_program(connection: &Connection) -> Result<(), Error> {
    if !has_table(connection, "migration")? {
        let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        return match tables {
            0 => Ok(()),
            _ => Err(Error::Broken("the database was not made by bailiwick".to_owned())),
        };
    }
    let mut statement = connection.prepare("SELECT number, name, checksum, oldest FROM migration ORDER BY number")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (number, oldest): (i64, String) = (row.get(0)?, row.get(3)?);
        match MIGRATIONS.iter().find(|migration| migration.number == number) {
            Some(known) if checksum(known.sql) != row.get::<_, String>(2)? => {
                let name = known.name;
                return Err(Error::Broken(format!("its migration {number} ({name}) is not the one of this program")));
            }
            None if triple(&oldest) > triple(VERSION) => {
                return Err(Error::Version(format!(
                    "the store needs bailiwick {oldest} or newer, this is bailiwick {VERSION}"
                )));
            }
            _ => {}
        }
    }
    Ok(())
}

fn pending(connection: &Connection) -> Result<bool, Error> {
    if !has_table(connection, "migration")? || !has_table(connection, "setting")? {
        return Ok(true);
    }
    let mut known = connection.prepare("SELECT 1 FROM migration WHERE number = ?1")?;
    for migration in MIGRATIONS {
        if !known.exists([migration.number])? {
            return Ok(true);
        }
    }
    let ready: i64 = connection.query_row(
        "SELECT count(*) FROM setting WHERE key IN ('store_id', 'etag_key') OR (key = 'unicode' AND value = ?1)",
        [text::UNICODE],
        |row| row.get(0),
    )?;
    Ok(ready < 3)
}

/// The lock, or `None` when another process finished the work meanwhile.
fn wait_for_lock(connection: &Connection, dir: &Path) -> Result<Option<lock::Held>, Error> {
    let mut tries = 0;
    loop {
        match lock::acquire(dir) {
            Ok(held) => return Ok(Some(held)),
            Err(Error::Busy(_)) if tries < LOCK_TRIES => {
                if !pending(connection)? {
                    return Ok(None);
                }
                tries += 1;
                std::thread::sleep(LOCK_PAUSE);
            }
            Err(Error::Busy(holder)) => {
                return Err(Error::Busy(format!("the store must be migrated first, but {holder}")));
            }
            Err(error) => return Err(error),
        }
    }
}

fn apply(connection: &mut Connection, migration: &Migration, now: i64) -> Result<(), Error> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let done = transaction
        .query_row("SELECT 1 FROM migration WHERE number = ?1", [migration.number], |_| Ok(()))
        .optional()?;
    if done.is_some() {
        return Ok(());
    }
    transaction.execute_batch(migration.sql)?;
    transaction.execute(
        "INSERT INTO migration (number, name, checksum, oldest, applied) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![migration.number, migration.name, checksum(migration.sql), migration.oldest, now],
    )?;
    transaction.commit()?;
    tracing::info!(number = migration.number, name = migration.name, "schema migrated");
    Ok(())
}

fn settings(connection: &mut Connection, entropy: &dyn Fn(&mut [u8])) -> Result<(), Error> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut id = [0; 16];
    entropy(&mut id);
    let mut key = [0; 32];
    entropy(&mut key);
    put(&transaction, "store_id", &prefixed_id("sto_", id))?;
    put(&transaction, "etag_key", &hex(&key))?;
    // A store without any row has nothing to re-key.
    put(&transaction, "unicode", text::UNICODE)?;
    transaction.commit()?;
    Ok(())
}

fn put(transaction: &Transaction<'_>, key: &str, value: &str) -> Result<(), Error> {
    transaction.execute("INSERT OR IGNORE INTO setting (key, value) VALUES (?1, ?2)", [key, value])?;
    Ok(())
}

fn has_table(connection: &Connection, name: &str) -> Result<bool, Error> {
    let sql = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1)";
    Ok(connection.query_row(sql, [name], |row| row.get(0))?)
}

/// FNV-1a: it tells that a released migration was edited, not that somebody attacked it.
fn checksum(sql: &str) -> String {
    let hash = sql
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    format!("{hash:016x}")
}

fn triple(version: &str) -> [u64; 3] {
    let mut parts = version.split(['.', '-', '+']).map(|part| part.parse().unwrap_or(0));
    [(); 3].map(|()| parts.next().unwrap_or(0))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// The 32 bytes behind 64 hexadecimal digits.
pub(crate) fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut out = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (index, byte) in out.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[index * 2..index * 2 + 2], 16).ok()?;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_number() {
        assert!(triple("0.10.0") > triple("0.9.9"));
        assert!(triple("1.0.0-rc.1") >= triple("1.0.0"));
        assert_eq!(triple("x"), [0, 0, 0]);
    }

    #[test]
    fn hexadecimal_round_trip() {
        let bytes: [u8; 32] = std::array::from_fn(|index| u8::try_from(index * 7).unwrap());
        assert_eq!(unhex(&hex(&bytes)), Some(bytes));
        assert_eq!(unhex("zz"), None);
    }

    #[test]
    fn migrations_are_numbered_without_gap() {
        for (index, migration) in MIGRATIONS.iter().enumerate() {
            assert_eq!(migration.number, i64::try_from(index).unwrap() + 1);
        }
    }
}
