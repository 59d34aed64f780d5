//! Preconditions.

use crate::change::Guard;
use crate::error::Error;
use crate::sqlite::read::persons::candidate_matches;
use rusqlite::{Connection, OptionalExtension as _};

/// Refuses a set whose precondition no longer holds.
pub(super) fn check(connection: &Connection, guard: &Guard) -> Result<(), Error> {
    let holds = match guard {
        Guard::Candidates { user_name_key, email_keys, persons } => {
            let mut found = Vec::new();
            for matched in candidate_matches(connection, user_name_key, email_keys)? {
                let mut statement = connection.prepare_cached("SELECT id FROM person WHERE seq = ?1")?;
                found.push(statement.query_row([matched.person], |row| row.get::<_, String>(0))?);
            }
            found.sort_unstable();
            found == *persons
        }
        Guard::Document { seq, version } => {
            let mut statement = connection.prepare_cached("SELECT version FROM resource WHERE seq = ?1")?;
            statement.query_row([seq], |row| row.get::<_, i64>(0)).optional()? == Some(*version)
        }
        Guard::Key { key, version, .. } => key_version(connection, key)? == *version,
        Guard::Person { seq, epoch } => {
            let mut statement = connection.prepare_cached("SELECT epoch FROM person WHERE seq = ?1")?;
            statement.query_row([seq], |row| row.get::<_, i64>(0)).optional()? == Some(*epoch)
        }
        Guard::Resource { seq, version } => effective_version(connection, *seq)? == Some(*version),
    };
    if holds { Ok(()) } else { Err(Error::Stale) }
}

/// Bumps the keys that ask for it.
pub(super) fn bump(connection: &Connection, guards: &[Guard]) -> Result<(), Error> {
    for guard in guards {
        if let Guard::Key { key, bump: true, .. } = guard {
            connection
                .prepare_cached(
                    "INSERT INTO guard (key, version) VALUES (?1, 1)
                     ON CONFLICT (key) DO UPDATE SET version = version + 1",
                )?
                .execute([key])?;
        }
    }
    Ok(())
}

fn key_version(connection: &Connection, key: &str) -> Result<i64, Error> {
    let mut statement = connection.prepare_cached("SELECT version FROM guard WHERE key = ?1")?;
    Ok(statement.query_row([key], |row| row.get(0)).optional()?.unwrap_or(0))
}

/// The version of a resource: for a Group the greater of its row and its last member change.
fn effective_version(connection: &Connection, seq: i64) -> Result<Option<i64>, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT max(version, coalesce((SELECT max(seq) FROM member_change WHERE grp = ?1), 0))
         FROM resource WHERE seq = ?1",
    )?;
    Ok(statement.query_row([seq], |row| row.get(0)).optional()?)
}
