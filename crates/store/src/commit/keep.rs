//! Documents of the admins, positions of consumers, answers to requests with an idempotency key.

use super::work::{Then, Work};
use crate::change::{Answer, EntryWrite};
use crate::sql::words::each;
use crate::sql::{Exec, Sql, binds};

/// How long an answer is kept.
const ANSWER_MS: i64 = 86_400_000;

/// Documents of the admins say how everything else is to be understood: whoever keeps one in memory is told.
pub(super) fn put_entry<'a, E: Exec>(work: &mut Work<'a, E>, entry: &'a EntryWrite) {
    let EntryWrite { collection, id, parent, state, due, doc } = entry;
    let sql = each!(
        "INSERT INTO entry (collection, id, parent, state, due, doc, version, created, modified)
         VALUES (?1, ?2, ?3, ?4, ?5, " (json 6) ", ?7, ?8, ?8)
         ON CONFLICT (collection, id) DO UPDATE SET parent = excluded.parent, state = excluded.state,
           due = excluded.due, doc = excluded.doc, version = excluded.version,
           modified = " greatest "(entry.modified, excluded.modified)
         WHERE entry.parent IS DISTINCT FROM excluded.parent OR entry.state IS DISTINCT FROM excluded.state
           OR entry.due IS DISTINCT FROM excluded.due OR entry.doc IS DISTINCT FROM excluded.doc"
    );
    let params = binds![collection, id, parent, state, due.map(|at| at.0), doc, work.version, work.at];
    work.later(sql, params, Then::Touched);
}

pub(super) fn delete_entry<'a, E: Exec>(work: &mut Work<'a, E>, collection: &'a str, id: &'a str) {
    let sql = Sql::same("DELETE FROM entry WHERE collection = ?1 AND id = ?2");
    work.later(sql, binds![collection, id], Then::Touched);
}

pub(super) fn set_position<'a, E: Exec>(work: &mut Work<'a, E>, consumer: &'a str, position: i64) {
    let sql = Sql::same(
        "INSERT INTO consumer (name, position, at) VALUES (?1, ?2, ?3)
         ON CONFLICT (name) DO UPDATE SET position = excluded.position, at = excluded.at",
    );
    let params = binds![consumer, position, work.at];
    work.later(sql, params, Then::Go);
}

/// Keeps an answer, and forgets old ones. Of two requests with one key the later one finds that it is late.
pub(super) fn put_answer<'a, E: Exec>(work: &mut Work<'a, E>, answer: &'a Answer) {
    let Answer { caller, key, digest, status, headers, body } = answer;
    let at = work.at;
    work.later(Sql::same("DELETE FROM answer WHERE at < ?1"), binds![at.saturating_sub(ANSWER_MS)], Then::Go);
    let sql = Sql::same(
        "INSERT INTO answer (caller, key, digest, status, headers, body, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (caller, key) DO NOTHING",
    );
    work.later(sql, binds![caller, key, digest, i64::from(*status), headers, body, at], Then::Found);
}
