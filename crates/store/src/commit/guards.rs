//! Preconditions.

use super::work::{Then, Work};
use crate::change::Guard;
use crate::error::Error;
use crate::sql::read::persons::candidate_ids;
use crate::sql::words::each;
use crate::sql::{Exec, Query, Sql, binds};

/// Refuses a set whose precondition no longer holds.
pub(super) async fn check<E: Exec>(exec: &E, guard: &Guard) -> Result<(), Error> {
    let holds = match guard {
        Guard::Candidates { user_name_key, email_keys, persons } => {
            let mut found = exec.all(candidate_ids(user_name_key, email_keys)).await?;
            found.sort_unstable();
            found.dedup();
            found == *persons
        }
        Guard::Document { seq, version } => {
            number(exec, Sql::same("SELECT version FROM resource WHERE seq = ?1"), *seq).await? == Some(*version)
        }
        Guard::Entry { collection, id, version } => entry_version(exec, collection, id).await? == *version,
        Guard::Feed { after, kinds } => quiet(&exec.all(since(*after)).await?, *after, kinds),
        Guard::Item { seq, version } => {
            number(exec, Sql::same("SELECT version FROM item WHERE seq = ?1"), *seq).await? == Some(*version)
        }
        Guard::Key { key, version, .. } => key_version(exec, key).await? == *version,
        Guard::Person { seq, epoch } => {
            number(exec, Sql::same("SELECT epoch FROM person WHERE seq = ?1"), *seq).await? == Some(*epoch)
        }
        Guard::Resource { seq, version } => number(exec, EFFECTIVE, *seq).await? == Some(*version),
    };
    if holds { Ok(()) } else { Err(Error::Stale) }
}

/// The version of a resource: for a Group the greater of its row and its last member change.
const EFFECTIVE: Sql = each!(
    "SELECT " greatest "(version, coalesce((SELECT max(seq) FROM member_change WHERE grp = ?1), 0))
     FROM resource WHERE seq = ?1"
);

/// So many events behind a number are looked at; more are as good as one that counts.
const LOOKED_AT: u32 = 10_000;

/// The numbers and kinds of the events behind a number.
pub(crate) fn since<'a>(after: i64) -> Query<'a, (i64, String)> {
    let sql = Sql::same("SELECT seq, kind FROM event WHERE seq > ?1 ORDER BY seq LIMIT ?2");
    Query::new(sql, binds![after, LOOKED_AT], |row| Ok((row.int(0)?, row.string(1)?)))
}

/// Whether none of these events, read by [`since`], is of a kind that begins so.
pub(crate) fn quiet(events: &[(i64, String)], after: i64, kinds: &[&str]) -> bool {
    events.len() < LOOKED_AT as usize
        && !events.iter().any(|(seq, kind)| *seq > after && kinds.iter().any(|start| kind.starts_with(start)))
}

async fn number<E: Exec>(exec: &E, sql: Sql, seq: i64) -> Result<Option<i64>, Error> {
    exec.one(Query::new(sql, binds![seq], |row| row.int(0))).await
}

async fn key_version<E: Exec>(exec: &E, key: &str) -> Result<i64, Error> {
    let sql = Sql::same("SELECT version FROM guard WHERE key = ?1");
    Ok(exec.one(Query::new(sql, binds![key], |row| row.int(0))).await?.unwrap_or(0))
}

async fn entry_version<E: Exec>(exec: &E, collection: &str, id: &str) -> Result<i64, Error> {
    let sql = Sql::same("SELECT version FROM entry WHERE collection = ?1 AND id = ?2");
    Ok(exec.one(Query::new(sql, binds![collection, id], |row| row.int(0))).await?.unwrap_or(0))
}

/// Bumps a key if the guard asks for it.
pub(super) fn bump<'a, E: Exec>(work: &mut Work<'a, E>, guard: &'a Guard) {
    if let Guard::Key { key, bump: true, .. } = guard {
        bump_key(work, key);
    }
}

/// Bumps a key.
pub(super) fn bump_key<'a, E: Exec>(work: &mut Work<'a, E>, key: &'a str) {
    let sql = Sql::same(
        "INSERT INTO guard (key, version) VALUES (?1, 1)
             ON CONFLICT (key) DO UPDATE SET version = guard.version + 1",
    );
    work.later(sql, binds![key], Then::Go);
}
