//! Who was switched off, across all persons.

use crate::error::Error;
use crate::rows::StateRow;
use crate::sql::{Fields, Query, Sql, binds};
use bailiwick_domain::ids::Millis;
use bailiwick_domain::person::State;

/// Changes that ended somebody's access, the latest first, behind a moment and row.
pub(crate) fn left_since(since: Millis, behind: Option<(Millis, i64)>, limit: u32) -> Query<'static, StateRow> {
    let sql = Sql::same(
        "SELECT s.person, s.seq, s.at, s.before, s.after FROM person_state AS s
         WHERE s.before = 1 AND s.after <> 1 AND s.at >= ?1 AND (s.at, s.person) < (?2, ?3)
         ORDER BY s.at DESC, s.person DESC LIMIT ?4",
    );
    let (at, person) = behind.unwrap_or((Millis(i64::MAX), i64::MAX));
    Query::new(sql, binds![since.0, at.0, person, limit], row)
}

/// Whose access ended at that very moment, in the order of their rows.
pub(crate) fn left_at(at: Millis, after: i64, limit: u32) -> Query<'static, StateRow> {
    let sql = Sql::same(
        "SELECT s.person, s.seq, s.at, s.before, s.after FROM person_state AS s
         WHERE s.before = 1 AND s.after <> 1 AND s.at = ?1 AND s.person > ?2 ORDER BY s.person LIMIT ?3",
    );
    Query::new(sql, binds![at.0, after, limit], row)
}

fn row(row: &dyn Fields) -> Result<StateRow, Error> {
    let state = |column| -> Result<State, Error> {
        let number = row.int(column)?;
        State::from_number(number).ok_or_else(|| Error::Broken(format!("a state is {number}")))
    };
    Ok(StateRow { person: row.int(0)?, seq: row.int(1)?, at: Millis(row.int(2)?), before: state(3)?, after: state(4)? })
}
