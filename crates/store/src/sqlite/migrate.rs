//! Setting a store up and bringing its schema forward. Forward only; each step is one transaction.

use crate::error::Error;
use crate::migration::{self, MIGRATIONS, Migration, Taken};
use crate::rekey;
use crate::sqlite::{exec, lock};
use bailiwick_scim::text;
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};
use std::path::Path;
use std::time::Duration;

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
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    exec::done(rekey::run(&&*transaction))?;
    Ok(transaction.commit()?)
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
    migration::check(&taken(connection)?, |sql| sql.sqlite)
}

/// The steps the store has taken.
fn taken(connection: &Connection) -> Result<Vec<Taken>, Error> {
    let mut statement = connection.prepare("SELECT number, checksum, oldest FROM migration ORDER BY number")?;
    let rows = statement
        .query_map([], |row| Ok(Taken { number: row.get(0)?, checksum: row.get(1)?, oldest: row.get(2)? }))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(rows)
}

fn pending(connection: &Connection) -> Result<bool, Error> {
    if !has_table(connection, "migration")? || !has_table(connection, "setting")? {
        return Ok(true);
    }
    if migration::lacks_any(&taken(connection)?) {
        return Ok(true);
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
    transaction.execute_batch(migration.sql.sqlite)?;
    transaction.execute(
        "INSERT INTO migration (number, name, checksum, oldest, applied) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![migration.number, migration.name, migration::checksum(migration.sql.sqlite), migration.oldest, now],
    )?;
    transaction.commit()?;
    tracing::info!(number = migration.number, name = migration.name, "schema migrated");
    Ok(())
}

fn settings(connection: &mut Connection, entropy: &dyn Fn(&mut [u8])) -> Result<(), Error> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for (key, value) in migration::settings(entropy) {
        transaction.execute("INSERT OR IGNORE INTO setting (key, value) VALUES (?1, ?2)", [key, &value])?;
    }
    transaction.commit()?;
    Ok(())
}

fn has_table(connection: &Connection, name: &str) -> Result<bool, Error> {
    let sql = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1)";
    Ok(connection.query_row(sql, [name], |row| row.get(0))?)
}
