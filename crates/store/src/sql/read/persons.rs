//! Persons, candidates, the conflict queue.

use super::maybe_millis;
use crate::error::Error;
use crate::rows::{CandidateRow, ConflictRow, PersonRow, UserOfPerson};
use crate::sql::{Fields, Param, Query, Sql, binds};
use bailiwick_domain::ids::{IntegrationId, Millis};
use bailiwick_domain::person::State;
use bailiwick_scim::text::match_key;

/// Columns of a person, read by [`person_row`].
macro_rules! person_columns {
    () => {
        "p.seq, p.id, p.state, p.display, p.email, p.user_name, p.user_name_key, p.authority, p.local, p.admin, p.epoch,
         p.created, p.modified, EXISTS (SELECT 1 FROM local_account WHERE local_account.person = p.seq), "
    };
    (sqlite) => {
        concat!(person_columns!(), "json(p.doc)")
    };
    (postgres) => {
        concat!(person_columns!(), "p.doc::text")
    };
}

pub(super) use person_columns;

/// How many columns that are.
pub(super) const COLUMNS: usize = 15;

/// Persons; what follows is the condition and the order.
macro_rules! persons {
    ($engine:ident $rest:literal) => {
        concat!("SELECT ", person_columns!($engine), " FROM person AS p ", $rest)
    };
    ($rest:literal) => {
        Sql::each(persons!(sqlite $rest), persons!(postgres $rest))
    };
}

pub(crate) fn by_id(id: &str) -> Query<'_, PersonRow> {
    Query::new(persons!("WHERE p.id = ?1"), binds![id], person_row)
}

pub(crate) fn by_seq(seq: i64) -> Query<'static, PersonRow> {
    Query::new(persons!("WHERE p.seq = ?1"), binds![seq], person_row)
}

/// The next persons in the order of their rows.
pub(crate) fn behind(after: i64, limit: u32) -> Query<'static, PersonRow> {
    Query::new(persons!("WHERE p.seq > ?1 ORDER BY p.seq LIMIT ?2"), binds![after, limit], person_row)
}

/// The same, of those that stand so.
pub(crate) fn standing(after: i64, state: Option<State>, limit: u32) -> Query<'static, PersonRow> {
    let Some(state) = state else { return behind(after, limit) };
    let sql = persons!("WHERE p.seq > ?1 AND p.state = ?3 ORDER BY p.seq LIMIT ?2");
    Query::new(sql, binds![after, limit, state as i64], person_row)
}

/// The active persons who hold the admin role by hand.
pub(crate) fn active_admins() -> Query<'static, PersonRow> {
    // SQLite takes the index of admins for no other wording.
    let sql = Sql::each(
        persons!(sqlite "WHERE p.admin = 1 AND p.state = 1 ORDER BY p.seq"),
        persons!(postgres "WHERE p.admin AND p.state = 1 ORDER BY p.seq"),
    );
    Query::new(sql, [], person_row)
}

/// The persons behind Users: (User, person).
pub(crate) fn persons_of_users(users: &[i64]) -> Query<'_, (i64, i64)> {
    let sql = Sql::each(
        "SELECT seq, person FROM resource WHERE seq IN (SELECT value FROM json_each(?1)) AND person IS NOT NULL",
        "SELECT seq, person FROM resource WHERE seq = ANY (?1) AND person IS NOT NULL",
    );
    Query::new(sql, binds![users], |row| Ok((row.int(0)?, row.int(1)?)))
}

/// Whether a person shows something that contains the match key `wanted`. Names are compared here, since the engines'
/// own letter case is not ours.
pub(crate) fn shows(person: &PersonRow, wanted: &str) -> bool {
    let names = [Some(&person.display), person.email.as_ref(), person.user_name.as_ref(), Some(&person.id)];
    names.into_iter().flatten().any(|name| match_key(name).contains(wanted))
}

/// The Users of a person.
pub(crate) fn users_of(person: i64) -> Query<'static, UserOfPerson> {
    macro_rules! users {
        ($doc:literal) => {
            concat!(
                "SELECT r.seq, r.id, r.integration, r.active, p.authority IS NOT DISTINCT FROM r.seq, ",
                $doc,
                " FROM resource AS r JOIN person AS p ON p.seq = r.person WHERE r.person = ?1 ORDER BY r.seq"
            )
        };
    }
    let sql = Sql::each(users!("json(r.doc)"), users!("r.doc::text"));
    Query::new(sql, binds![person], |row| {
        Ok(UserOfPerson {
            seq: row.int(0)?,
            id: row.string(1)?,
            integration: IntegrationId(row.int(2)?),
            active: row.flag(3)?,
            authority: row.flag(4)?,
            doc: row.string(5)?,
        })
    })
}

/// The rows of everybody who answers to a userName or one of some addresses, and whether to the name, with repetitions:
/// by what is known of the person or by what any User of the person says. Names are indexed per integration: there are
/// few of those, so each is asked. What could be joins are look-ups inside the list: they take the index whatever is
/// known of the tables. `CANDIDATES` in `postgres/checks.rs` says the same of many names; the contract test
/// `guards_get_one_verdict_however_they_are_asked` holds the two together.
macro_rules! answers {
    ($among_the_addresses:literal) => {
        concat!(
            "SELECT seq, 1 AS named FROM person WHERE user_name_key = ?1
             UNION ALL
             SELECT (SELECT r.person FROM resource AS r WHERE r.integration = i.id AND r.name_unique = ?1), 1
             FROM integration AS i
             UNION ALL
             SELECT seq, 0 FROM person WHERE email_key ",
            $among_the_addresses,
            " UNION ALL
             SELECT (SELECT r.person FROM resource AS r WHERE r.seq = e.resource), 0 FROM email AS e WHERE e.key ",
            $among_the_addresses
        )
    };
}

/// The same, each row once and by which of the two it answers.
macro_rules! answering {
    ($among_the_addresses:literal) => {
        concat!(
            "(SELECT h.seq, max(h.named) AS named, max(1 - h.named) AS mailed FROM (",
            answers!($among_the_addresses),
            ") AS h GROUP BY h.seq) AS c"
        )
    };
}

/// Everybody, closed persons apart, who answers to a userName or one of some addresses, both as unique keys. Those of
/// the same name come first.
pub(crate) fn candidates<'a>(user_name_key: &'a str, email_keys: &'a [String]) -> Query<'a, CandidateRow> {
    macro_rules! candidates {
        ($engine:ident, $integrations:literal, $among_the_addresses:literal) => {
            concat!(
                "SELECT ",
                person_columns!($engine),
                ", c.named = 1, c.mailed = 1, (SELECT ",
                $integrations,
                " FROM resource AS r WHERE r.person = p.seq) FROM ",
                answering!($among_the_addresses),
                " CROSS JOIN person AS p WHERE p.seq = c.seq AND p.state <> 3 ORDER BY c.named DESC, p.seq"
            )
        };
    }
    let sql = Sql::each(
        candidates!(sqlite, "json_group_array(r.integration)", "IN (SELECT value FROM json_each(?2))"),
        candidates!(postgres, "coalesce(json_agg(r.integration), '[]')::text", "= ANY(?2)"),
    );
    Query::new(sql, binds![user_name_key, email_keys], |row| {
        let mut integrations: Vec<i64> = serde_json::from_str(row.text(17)?)
            .map_err(|error| Error::Broken(format!("a list of integrations is not one: {error}")))?;
        integrations.sort_unstable();
        integrations.dedup();
        Ok(CandidateRow {
            person: person_row(row)?,
            integrations: integrations.into_iter().map(IntegrationId).collect(),
            same_user_name: row.flag(15)?,
            same_email: row.flag(16)?,
        })
    })
}

/// The ids of the same persons, some perhaps more than once: what a commit compares with what was read. Every new User
/// asks it, most with one address.
pub(crate) fn candidate_ids<'a>(user_name_key: &'a str, email_keys: &'a [String]) -> Query<'a, String> {
    macro_rules! ids {
        ($among_the_addresses:literal) => {
            concat!(
                "SELECT p.id FROM (",
                answers!($among_the_addresses),
                ") AS c CROSS JOIN person AS p WHERE p.seq = c.seq AND p.state <> 3"
            )
        };
    }
    let (sql, addresses) = match email_keys {
        [one] => (Sql::same(ids!("= ?2")), Param::from(one)),
        list => (Sql::each(ids!("IN (SELECT value FROM json_each(?2))"), ids!("= ANY(?2)")), Param::from(list)),
    };
    Query::new(sql, [user_name_key.into(), addresses], |row| row.string(0))
}

/// Pairs of the conflict queue; what follows is the condition and the order.
macro_rules! conflicts {
    ($rest:literal) => {
        concat!(
            "SELECT id, integration, resource, user_name, user_name_key, person, why, state, created, decided
             FROM conflict WHERE ",
            $rest
        )
    };
}

/// The conflict queue, oldest first; of one state or whole.
pub(crate) fn conflicts(state: Option<&str>) -> Query<'_, ConflictRow> {
    Query::new(Sql::same(conflicts!("?1 IS NULL OR state = ?1 ORDER BY created, id")), binds![state], conflict_row)
}

pub(crate) fn conflict(id: &str) -> Query<'_, ConflictRow> {
    Query::new(Sql::same(conflicts!("id = ?1")), binds![id], conflict_row)
}

/// What an admin decided about a User of this name, latest first.
pub(crate) fn decided_pairs(integration: IntegrationId, user_name_key: &str) -> Query<'_, ConflictRow> {
    let sql = Sql::same(conflicts!(
        "integration = ?1 AND user_name_key = ?2 AND (state = 'kept' OR state = 'linked' AND resource IS NULL)
         ORDER BY decided DESC NULLS LAST"
    ));
    Query::new(sql, binds![integration.0, user_name_key], conflict_row)
}

/// The state of a person. A number that no version knows gives no access.
pub(crate) fn state(row: &dyn Fields, column: usize) -> Result<State, Error> {
    Ok(State::from_number(row.int(column)?).unwrap_or(State::Closed))
}

pub(super) fn person_row(row: &dyn Fields) -> Result<PersonRow, Error> {
    Ok(PersonRow {
        seq: row.int(0)?,
        id: row.string(1)?,
        state: state(row, 2)?,
        display: row.string(3)?,
        email: row.maybe_string(4)?,
        user_name: row.maybe_string(5)?,
        user_name_key: row.maybe_string(6)?,
        authority: row.maybe_int(7)?,
        local: row.flag(8)?,
        admin: row.flag(9)?,
        epoch: row.int(10)?,
        created: Millis(row.int(11)?),
        modified: Millis(row.int(12)?),
        account: row.flag(13)?,
        doc: row.string(14)?,
    })
}

fn conflict_row(row: &dyn Fields) -> Result<ConflictRow, Error> {
    Ok(ConflictRow {
        id: row.string(0)?,
        integration: IntegrationId(row.int(1)?),
        resource: row.maybe_string(2)?,
        user_name: row.string(3)?,
        user_name_key: row.string(4)?,
        person: row.string(5)?,
        why: row.string(6)?,
        state: row.string(7)?,
        created: Millis(row.int(8)?),
        decided: maybe_millis(row, 9)?,
    })
}
