//! Grants, who is to be evaluated again, who is held, and the window of the removal guard.

use super::common::INSERT_GRANT;
use super::work::{Then, Work};
use crate::change::{Dirty, GrantsWrite, HeldState, NewGrant};
use crate::error::Error;
use crate::sql::words::each;
use crate::sql::{Exec, Param, Query, Sql, binds};
use bailiwick_domain::ids::IntegrationId;
use bailiwick_domain::mapping::GrantKind;
use bailiwick_domain::person::State;

/// How long the removal guard looks back.
const WINDOW_MS: i64 = 86_400_000;

pub(super) fn write<'a, E: Exec>(work: &mut Work<'a, E>, write: &'a GrantsWrite) -> Result<(), Error> {
    let person = work.person(&write.person)?;
    let close = each!(
        "UPDATE access_grant SET ended = ?1, until_at = ?2 WHERE until_at IS NULL AND person = ?3 AND seq " (among 4)
    );
    if !write.close.is_empty() {
        let params = [work.version.into(), work.at.into(), person.into(), Param::Ints(write.close.as_slice().into())];
        work.later(close, params, Then::Granted(person));
    }
    for grant in &write.open {
        let NewGrant { kind, object, value, origin, path } = grant;
        let seq = work.draw_row();
        let params = binds![seq, person, *kind as i64, object, value, origin, path, work.version, work.at];
        work.later(INSERT_GRANT, params, Then::Granted(person));
    }
    if let Some(mark) = write.settled {
        work.settled_person(person, mark);
    }
    Ok(())
}

/// Closes every open grant of an object.
pub(super) async fn close_object<E: Exec>(work: &mut Work<'_, E>, kind: GrantKind, object: &str) -> Result<(), Error> {
    let sql = Sql::same(
        "UPDATE access_grant SET ended = ?1, until_at = ?2 WHERE kind = ?3 AND object = ?4 AND until_at IS NULL
         RETURNING person",
    );
    let params = binds![work.version, work.at, kind as i64, object];
    for person in work.all(Query::new(sql, params, |row| row.int(0))).await? {
        work.bump(person);
        work.changed();
    }
    Ok(())
}

/// Ends what persons of this list hold who are closed: nothing is left to evaluate or to hold.
pub(super) fn end_closed<E: Exec>(work: &mut Work<'_, E>, persons: &[i64]) {
    let list = || Param::Ints(persons.to_vec().into());
    let closed = State::Closed as i64;
    let close = each!(
        "UPDATE access_grant SET ended = ?1, until_at = ?2 WHERE until_at IS NULL
           AND person IN (SELECT seq FROM person WHERE seq " (among 3) " AND state = ?4)"
    );
    work.later(close, [work.version.into(), work.at.into(), list(), closed.into()], Then::Go);
    for sql in [
        each!("DELETE FROM held WHERE person IN (SELECT seq FROM person WHERE seq " (among 1) " AND state = ?2)"),
        each!("DELETE FROM dirty WHERE person IN (SELECT seq FROM person WHERE seq " (among 1) " AND state = ?2)"),
    ] {
        work.later(sql, [list(), closed.into()], Then::Go);
    }
}

/// Has persons evaluated again.
pub(super) async fn mark<E: Exec>(work: &mut Work<'_, E>, whom: &Dirty) -> Result<(), Error> {
    let sql = match whom {
        Dirty::Persons(persons) => {
            work.mark(persons);
            return Ok(());
        }
        Dirty::Below(groups) => {
            let persons = super::members::persons_below(work, groups).await?;
            work.mark(&persons);
            return Ok(());
        }
        Dirty::All => Sql::same(
            "INSERT INTO dirty (person, mark) SELECT seq, ?1 FROM person WHERE state <> 3
             ON CONFLICT (person) DO UPDATE SET mark = excluded.mark",
        ),
        Dirty::Integration(_) => Sql::same(
            "INSERT INTO dirty (person, mark) SELECT DISTINCT person, ?1 FROM resource
             WHERE integration = ?2 AND kind = 1 AND person IS NOT NULL
             ON CONFLICT (person) DO UPDATE SET mark = excluded.mark",
        ),
    };
    let mut params = binds![work.version].to_vec();
    if let Dirty::Integration(IntegrationId(id)) = whom {
        params.extend(binds![*id]);
    }
    work.later(sql, params, Then::MarkedMore);
    Ok(())
}

pub(super) fn settle<'a, E: Exec>(work: &mut Work<'a, E>, persons: &'a [i64], mark: i64) {
    let sql = each!("DELETE FROM dirty WHERE mark <= ?2 AND person " (among 1));
    work.later(sql, binds![persons, mark], Then::Go);
}

pub(super) fn hold<'a, E: Exec>(work: &mut Work<'a, E>, persons: &'a [i64], hold: &'a str, state: HeldState) {
    let sql = each!(
        "INSERT INTO held (person, hold, state, at) SELECT given.value, ?2, ?3, ?4 FROM " (given 1) " WHERE true
         ON CONFLICT (person) DO UPDATE SET hold = excluded.hold, state = excluded.state, at = excluded.at
           WHERE held.hold <> excluded.hold OR held.state <> excluded.state"
    );
    let params = binds![persons, hold, state as i64, work.at];
    work.later(sql, params, Then::Changed);
    persons.iter().for_each(|person| work.bump(*person));
}

pub(super) fn release<'a, E: Exec>(work: &mut Work<'a, E>, persons: &'a [i64]) {
    let sql = each!("DELETE FROM held WHERE person " (among 1));
    work.later(sql, binds![persons], Then::Changed);
    persons.iter().for_each(|person| work.bump(*person));
}

pub(super) fn note_removals<'a, E: Exec>(work: &mut Work<'a, E>, integration: IntegrationId, persons: &'a [i64]) {
    let forget = Sql::same("DELETE FROM removal WHERE integration = ?1 AND at < ?2");
    let at = work.at;
    work.later(forget, binds![integration.0, at.saturating_sub(WINDOW_MS)], Then::Go);
    let note = each!(
        "INSERT INTO removal (integration, at, person) SELECT ?1, ?2, given.value FROM " (given 3) " WHERE true
         ON CONFLICT DO NOTHING"
    );
    work.later(note, binds![integration.0, at, persons], Then::Go);
}
