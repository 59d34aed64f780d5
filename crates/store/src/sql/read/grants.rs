//! Grants, what they follow from, who is to be evaluated again, who is held.

use super::maybe_millis;
use super::persons::{self, person_columns, person_row};
use crate::change::HeldState;
use crate::error::Error;
use crate::rows::{GrantRow, GroupNode, HeldRow, PersonRow, StateRow, UserOfPerson};
use crate::sql::words::each;
use crate::sql::{Fields, Query, Sql, binds};
use bailiwick_domain::ids::{IntegrationId, Millis};
use bailiwick_domain::mapping::GrantKind;

/// Columns of a grant, read by [`grant_at`].
macro_rules! grant_columns {
    () => {
        "g.seq, g.person, g.kind, g.object, g.value, g.origin, g.path, g.began, g.from_at, g.ended, g.until_at"
    };
}

/// Grants; what follows is the condition and the order.
macro_rules! grants {
    ($rest:literal) => {
        concat!("SELECT ", grant_columns!(), " FROM access_grant AS g WHERE ", $rest)
    };
}

/// The grants of a person: the open ones or all.
pub(crate) fn of_person(person: i64, open_only: bool) -> Query<'static, GrantRow> {
    let sql = match open_only {
        true => Sql::same(grants!("g.person = ?1 AND g.until_at IS NULL ORDER BY g.seq")),
        false => Sql::same(grants!("g.person = ?1 ORDER BY g.seq")),
    };
    Query::new(sql, binds![person], grant_row)
}

/// The open grants of persons.
pub(crate) fn of_persons(persons: &[i64]) -> Query<'_, GrantRow> {
    let sql = Sql::each(
        grants!("g.person IN (SELECT value FROM json_each(?1)) AND g.until_at IS NULL ORDER BY g.person, g.seq"),
        grants!("g.person = ANY (?1) AND g.until_at IS NULL ORDER BY g.person, g.seq"),
    );
    Query::new(sql, binds![persons], grant_row)
}

/// What a person held at a moment.
pub(crate) fn at(person: i64, at: Millis) -> Query<'static, GrantRow> {
    let sql = Sql::same(grants!(
        "g.person = ?1 AND g.from_at <= ?2 AND (g.until_at IS NULL OR g.until_at > ?2) ORDER BY g.seq"
    ));
    Query::new(sql, binds![person, at.0], grant_row)
}

/// What persons held at a moment.
pub(crate) fn of_persons_at(persons: &[i64], at: Millis) -> Query<'_, GrantRow> {
    let sql = Sql::each(
        grants!(
            "g.person IN (SELECT value FROM json_each(?1)) AND g.from_at <= ?2
             AND (g.until_at IS NULL OR g.until_at > ?2) ORDER BY g.person, g.seq"
        ),
        grants!(
            "g.person = ANY (?1) AND g.from_at <= ?2 AND (g.until_at IS NULL OR g.until_at > ?2)
             ORDER BY g.person, g.seq"
        ),
    );
    Query::new(sql, binds![persons, at.0], grant_row)
}

/// A grant of a kind that anybody held at a moment, if there is one.
pub(crate) fn any_at(kind: GrantKind, at: Millis) -> Query<'static, GrantRow> {
    let sql = Sql::same(grants!("g.kind = ?1 AND g.from_at <= ?2 AND (g.until_at IS NULL OR g.until_at > ?2) LIMIT 1"));
    Query::new(sql, binds![kind as i64, at.0], grant_row)
}

/// What everybody held at a moment, with the ids of the persons.
pub(crate) fn all_at(at: Millis, after: i64, limit: u32) -> Query<'static, (String, GrantRow)> {
    let sql = Sql::same(concat!(
        "SELECT ",
        grant_columns!(),
        ", p.id FROM access_grant AS g JOIN person AS p ON p.seq = g.person
         WHERE g.seq > ?2 AND g.from_at <= ?1 AND (g.until_at IS NULL OR g.until_at > ?1) ORDER BY g.seq LIMIT ?3"
    ));
    Query::new(sql, binds![at.0, after, limit], |row| Ok((row.string(11)?, grant_row(row)?)))
}

/// Who holds an object, so many persons, with every grant of it.
pub(crate) fn holders(
    kind: GrantKind,
    object: &str,
    after_person: i64,
    limit: u32,
) -> Query<'_, (PersonRow, GrantRow)> {
    macro_rules! holders {
        ($engine:ident) => {
            concat!(
                "SELECT ",
                person_columns!($engine),
                ", ",
                grant_columns!(),
                " FROM (SELECT DISTINCT person FROM access_grant
                        WHERE kind = ?1 AND object = ?2 AND until_at IS NULL AND person > ?3
                        ORDER BY person LIMIT ?4) AS h
                  JOIN access_grant AS g ON g.person = h.person AND g.kind = ?1 AND g.object = ?2
                    AND g.until_at IS NULL
                  JOIN person AS p ON p.seq = h.person ORDER BY p.seq, g.seq"
            )
        };
    }
    let params = binds![kind as i64, object, after_person, limit];
    Query::new(Sql::each(holders!(sqlite), holders!(postgres)), params, |row| {
        Ok((person_row(row)?, grant_at(row, persons::COLUMNS)?))
    })
}

/// How many hold an object.
pub(crate) fn holder_count(kind: GrantKind, object: &str) -> Query<'_, u64> {
    let sql = Sql::same(
        "SELECT count(DISTINCT person) FROM access_grant WHERE kind = ?1 AND object = ?2 AND until_at IS NULL",
    );
    Query::new(sql, binds![kind as i64, object], |row| row.count(0))
}

/// How many active persons hold an object.
pub(crate) fn active_holders(kind: GrantKind, object: &str) -> Query<'_, u64> {
    let sql = Sql::same(
        "SELECT count(DISTINCT g.person) FROM access_grant AS g JOIN person AS p ON p.seq = g.person
         WHERE g.kind = ?1 AND g.object = ?2 AND g.until_at IS NULL AND p.state = 1",
    );
    Query::new(sql, binds![kind as i64, object], |row| row.count(0))
}

/// How many active persons belong to each team that has any; of some teams, or of all.
pub(crate) fn team_sizes(teams: Option<&[String]>) -> Query<'_, (String, u64)> {
    macro_rules! sizes {
        ($condition:literal) => {
            concat!(
                "SELECT g.object, count(DISTINCT g.person) FROM access_grant AS g JOIN person AS p ON p.seq = g.person
                 WHERE g.kind = 1 AND g.until_at IS NULL AND p.state = 1",
                $condition,
                " GROUP BY g.object ORDER BY g.object"
            )
        };
    }
    let row: crate::sql::Decode<(String, u64)> = |row| Ok((row.string(0)?, row.count(1)?));
    match teams {
        None => Query::new(Sql::same(sizes!("")), [], row),
        Some(teams) => {
            let sql = Sql::each(
                sizes!(" AND g.object IN (SELECT value FROM json_each(?1))"),
                sizes!(" AND g.object = ANY (?1)"),
            );
            Query::new(sql, binds![teams], row)
        }
    }
}

/// Every change of a person's state.
pub(crate) fn states(person: i64) -> Query<'static, StateRow> {
    let sql = Sql::same("SELECT person, seq, at, before, after FROM person_state WHERE person = ?1 ORDER BY seq");
    Query::new(sql, binds![person], state_row)
}

/// Every change of the states of persons.
pub(crate) fn states_of(persons: &[i64]) -> Query<'_, StateRow> {
    let sql = Sql::each(
        "SELECT person, seq, at, before, after FROM person_state
         WHERE person IN (SELECT value FROM json_each(?1)) ORDER BY person, seq",
        "SELECT person, seq, at, before, after FROM person_state WHERE person = ANY (?1) ORDER BY person, seq",
    );
    Query::new(sql, binds![persons], state_row)
}

fn state_row(row: &dyn Fields) -> Result<StateRow, Error> {
    Ok(StateRow {
        person: row.int(0)?,
        seq: row.int(1)?,
        at: Millis(row.int(2)?),
        before: persons::state(row, 3)?,
        after: persons::state(row, 4)?,
    })
}

/// Persons by row.
pub(crate) fn subjects(persons: &[i64]) -> Query<'_, PersonRow> {
    macro_rules! subjects {
        ($engine:ident, $among:literal) => {
            concat!("SELECT ", person_columns!($engine), " FROM person AS p WHERE p.seq ", $among, " ORDER BY p.seq")
        };
    }
    let sql = Sql::each(subjects!(sqlite, "IN (SELECT value FROM json_each(?1))"), subjects!(postgres, "= ANY (?1)"));
    Query::new(sql, binds![persons], person_row)
}

/// The Users of persons, each with its person.
pub(crate) fn users(persons: &[i64]) -> Query<'_, (i64, UserOfPerson)> {
    macro_rules! users {
        ($doc:literal, $among:literal) => {
            concat!(
                "SELECT r.person, r.seq, r.id, r.integration, r.active, p.authority IS NOT DISTINCT FROM r.seq, ",
                $doc,
                " FROM resource AS r JOIN person AS p ON p.seq = r.person WHERE r.person ",
                $among,
                " ORDER BY r.seq"
            )
        };
    }
    let sql =
        Sql::each(users!("json(r.doc)", "IN (SELECT value FROM json_each(?1))"), users!("r.doc::text", "= ANY (?1)"));
    Query::new(sql, binds![persons], |row| {
        let user = UserOfPerson {
            seq: row.int(1)?,
            id: row.string(2)?,
            integration: IntegrationId(row.int(3)?),
            active: row.flag(4)?,
            authority: row.flag(5)?,
            doc: row.string(6)?,
        };
        Ok((row.int(0)?, user))
    })
}

/// Direct memberships of the Users of persons: person, User, Group.
pub(crate) fn memberships(persons: &[i64]) -> Query<'_, (i64, i64, i64)> {
    let sql = Sql::each(
        "SELECT r.person, m.member, m.grp FROM resource AS r CROSS JOIN membership AS m
         WHERE r.person IN (SELECT value FROM json_each(?1)) AND m.member = r.seq ORDER BY m.member, m.grp",
        "SELECT r.person, m.member, m.grp FROM resource AS r JOIN membership AS m ON m.member = r.seq
         WHERE r.person = ANY (?1) ORDER BY m.member, m.grp",
    );
    Query::new(sql, binds![persons], |row| Ok((row.int(0)?, row.int(1)?, row.int(2)?)))
}

/// Those of these persons who are to be evaluated again, and the integration whose call that follows from.
pub(crate) fn dirty_among(persons: &[i64]) -> Query<'_, (i64, i64, Option<i64>)> {
    let sql = each!("SELECT person, mark, cause FROM dirty WHERE person " (among 1));
    Query::new(sql, binds![persons], |row| Ok((row.int(0)?, row.int(1)?, row.maybe_int(2)?)))
}

/// Groups and all above them, up to what is wanted of each.
macro_rules! above {
    () => {
        "UNION SELECT m.grp FROM above JOIN membership AS m ON m.member = above.seq) SELECT "
    };
}

/// These groups and all above them.
pub(crate) fn groups_above(groups: &[i64]) -> Query<'_, GroupNode> {
    macro_rules! nodes {
        ($doc:literal) => {
            concat!(
                "r.seq, r.id, r.integration, r.display, r.external_id, ",
                $doc,
                ", r.version FROM above JOIN resource AS r ON r.seq = above.seq WHERE r.kind = 2 ORDER BY r.seq"
            )
        };
    }
    let sql = Sql::each(
        concat!("WITH RECURSIVE above (seq) AS (SELECT value FROM json_each(?1) ", above!(), nodes!("json(r.doc)")),
        concat!("WITH RECURSIVE above (seq) AS (SELECT unnest(?1) ", above!(), nodes!("r.doc::text")),
    );
    Query::new(sql, binds![groups], |row| {
        Ok(GroupNode {
            seq: row.int(0)?,
            id: row.string(1)?,
            integration: IntegrationId(row.int(2)?),
            display: row.string(3)?,
            external_id: row.maybe_string(4)?,
            doc: row.string(5)?,
            version: row.int(6)?,
        })
    })
}

/// The edges upwards from these groups and from all above them.
pub(crate) fn edges_above(groups: &[i64]) -> Query<'_, (i64, i64)> {
    macro_rules! edges {
        () => {
            "m.member, m.grp FROM above JOIN membership AS m ON m.member = above.seq ORDER BY m.member, m.grp"
        };
    }
    let sql = Sql::each(
        concat!("WITH RECURSIVE above (seq) AS (SELECT value FROM json_each(?1) ", above!(), edges!()),
        concat!("WITH RECURSIVE above (seq) AS (SELECT unnest(?1) ", above!(), edges!()),
    );
    Query::new(sql, binds![groups], |row| Ok((row.int(0)?, row.int(1)?)))
}

pub(crate) fn dirty(after: i64, limit: u32) -> Query<'static, i64> {
    let sql = Sql::same("SELECT person FROM dirty WHERE person > ?1 ORDER BY person LIMIT ?2");
    Query::new(sql, binds![after, limit], |row| row.int(0))
}

/// Persons marked after this mark because of what an integration said, behind `after`.
pub(crate) fn dirty_caused(mark: i64, after: i64, limit: u32) -> Query<'static, i64> {
    let sql = Sql::same(
        "SELECT person FROM dirty WHERE cause IS NOT NULL AND mark > ?1 AND person > ?2 ORDER BY person LIMIT ?3",
    );
    Query::new(sql, binds![mark, after, limit], |row| row.int(0))
}

pub(crate) fn dirty_count() -> Query<'static, u64> {
    Query::new(Sql::same("SELECT count(*) FROM dirty"), [], |row| row.count(0))
}

/// Whom a hold holds.
pub(crate) fn held(hold: &str) -> Query<'_, HeldRow> {
    let sql = Sql::same("SELECT person, hold, state, at FROM held WHERE hold = ?1 ORDER BY person");
    Query::new(sql, binds![hold], held_row)
}

/// How persons are held.
pub(crate) fn held_by(persons: &[i64]) -> Query<'_, HeldRow> {
    let sql = each!("SELECT person, hold, state, at FROM held WHERE person " (among 1) " ORDER BY person");
    Query::new(sql, binds![persons], held_row)
}

/// Who lost something through an integration.
pub(crate) fn removals(integration: IntegrationId, since: Millis) -> Query<'static, i64> {
    let sql = Sql::same("SELECT DISTINCT person FROM removal WHERE integration = ?1 AND at >= ?2 ORDER BY person");
    Query::new(sql, binds![integration.0, since.0], |row| row.int(0))
}

/// Who had a membership of a team that ended at or after a moment and has none now; at most so many.
pub(crate) fn left_team(team: &str, since: Millis, limit: u32) -> Query<'_, i64> {
    let sql = Sql::same(
        "SELECT DISTINCT g.person FROM access_grant AS g
         WHERE g.kind = 1 AND g.object = ?1 AND g.until_at IS NOT NULL AND g.until_at >= ?2
           AND NOT EXISTS (SELECT 1 FROM access_grant AS o WHERE o.person = g.person AND o.kind = 1
             AND o.object = g.object AND o.until_at IS NULL)
         ORDER BY g.person LIMIT ?3",
    );
    Query::new(sql, binds![team, since.0, limit], |row| row.int(0))
}

/// How many active Users were created before a moment.
pub(crate) fn users_older_than(integration: IntegrationId, before: Millis) -> Query<'static, u64> {
    let sql =
        Sql::same("SELECT count(*) FROM resource WHERE integration = ?1 AND kind = 1 AND active AND created < ?2");
    Query::new(sql, binds![integration.0, before.0], |row| row.count(0))
}

fn grant_row(row: &dyn Fields) -> Result<GrantRow, Error> {
    grant_at(row, 0)
}

/// A grant whose columns begin at `first`.
fn grant_at(row: &dyn Fields, first: usize) -> Result<GrantRow, Error> {
    let kind = GrantKind::from_number(row.int(first + 2)?);
    Ok(GrantRow {
        seq: row.int(first)?,
        person: row.int(first + 1)?,
        kind: kind.ok_or_else(|| Error::Broken("a grant is of no known kind".to_owned()))?,
        object: row.string(first + 3)?,
        value: row.string(first + 4)?,
        origin: row.string(first + 5)?,
        path: row.string(first + 6)?,
        began: row.int(first + 7)?,
        from: Millis(row.int(first + 8)?),
        ended: row.maybe_int(first + 9)?,
        until: maybe_millis(row, first + 10)?,
    })
}

fn held_row(row: &dyn Fields) -> Result<HeldRow, Error> {
    let state = HeldState::from_number(row.int(2)?);
    Ok(HeldRow {
        person: row.int(0)?,
        hold: row.string(1)?,
        state: state.ok_or_else(|| Error::Broken("a person is held in no known way".to_owned()))?,
        at: Millis(row.int(3)?),
    })
}
