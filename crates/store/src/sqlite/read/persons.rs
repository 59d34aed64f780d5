//! Persons, candidates, the conflict queue.

use crate::error::Error;
use crate::query::PersonQuery;
use crate::rows::{CandidateRow, ConflictRow, PersonRow, UserOfPerson};
use crate::sqlite::{Engine, SCAN_BUDGET};
use bailiwick_domain::ids::{IntegrationId, Millis};
use bailiwick_domain::person::State;
use bailiwick_scim::text::match_key;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

/// Columns of a person, read by [`person`].
macro_rules! person_columns {
    () => {
        "p.seq, p.id, p.state, p.display, p.email, p.user_name, p.user_name_key, p.authority, p.local, p.admin, p.epoch,
         p.created, p.modified, EXISTS (SELECT 1 FROM local_account WHERE local_account.person = p.seq)"
    };
}

impl Engine {
    pub(crate) fn person_by_id(&self, id: &str) -> Result<Option<PersonRow>, Error> {
        let reader = self.reader()?;
        let mut statement =
            reader.prepare_cached(concat!("SELECT ", person_columns!(), " FROM person AS p WHERE p.id = ?1"))?;
        Ok(statement.query_row([id], person).optional()?)
    }

    pub(crate) fn person(&self, seq: i64) -> Result<Option<PersonRow>, Error> {
        by_seq(&*self.reader()?, seq)
    }

    pub(crate) async fn persons(&self, query: PersonQuery) -> Result<Vec<PersonRow>, Error> {
        self.scan(SCAN_BUDGET, move |connection| search(connection, &query)).await
    }

    pub(crate) fn person_users(&self, seq: i64) -> Result<Vec<UserOfPerson>, Error> {
        let reader = self.reader()?;
        let mut statement = reader.prepare_cached(
            "SELECT r.seq, r.id, r.integration, r.active, p.authority IS r.seq, json(r.doc)
             FROM resource AS r JOIN person AS p ON p.seq = r.person WHERE r.person = ?1 ORDER BY r.seq",
        )?;
        let rows = statement.query_map([seq], |row| {
            Ok(UserOfPerson {
                seq: row.get(0)?,
                id: row.get(1)?,
                integration: IntegrationId(row.get(2)?),
                active: row.get(3)?,
                authority: row.get(4)?,
                doc: row.get(5)?,
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    pub(crate) fn candidates(&self, user_name_key: &str, email_keys: &[String]) -> Result<Vec<CandidateRow>, Error> {
        let reader = self.reader()?;
        let mut candidates = Vec::new();
        for matched in candidate_matches(&reader, user_name_key, email_keys)? {
            let Some(person) = by_seq(&reader, matched.person)? else { continue };
            let mut statement =
                reader.prepare_cached("SELECT DISTINCT integration FROM resource WHERE person = ?1 ORDER BY 1")?;
            let integrations = statement
                .query_map([matched.person], |row| Ok(IntegrationId(row.get(0)?)))?
                .collect::<rusqlite::Result<_>>()?;
            let CandidateMatch { same_user_name, same_email, .. } = matched;
            candidates.push(CandidateRow { person, integrations, same_user_name, same_email });
        }
        Ok(candidates)
    }

    pub(crate) fn active_admins(&self) -> Result<Vec<PersonRow>, Error> {
        let reader = self.reader()?;
        let mut statement = reader.prepare_cached(concat!(
            "SELECT ",
            person_columns!(),
            " FROM person AS p WHERE p.admin = 1 AND p.state = 1 ORDER BY p.seq"
        ))?;
        Ok(statement.query_map([], person)?.collect::<rusqlite::Result<_>>()?)
    }

    pub(crate) async fn conflicts(&self, state: Option<String>) -> Result<Vec<ConflictRow>, Error> {
        self.scan(SCAN_BUDGET, move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, integration, resource, user_name, user_name_key, person, why, state, created, decided
                 FROM conflict WHERE ?1 IS NULL OR state = ?1 ORDER BY created, id",
            )?;
            Ok(statement.query_map([state], conflict)?.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    pub(crate) fn conflict(&self, id: &str) -> Result<Option<ConflictRow>, Error> {
        let reader = self.reader()?;
        let mut statement = reader.prepare_cached(
            "SELECT id, integration, resource, user_name, user_name_key, person, why, state, created, decided
             FROM conflict WHERE id = ?1",
        )?;
        Ok(statement.query_row([id], conflict).optional()?)
    }

    pub(crate) fn decided_pairs(
        &self,
        integration: IntegrationId,
        user_name_key: &str,
    ) -> Result<Vec<ConflictRow>, Error> {
        let reader = self.reader()?;
        let mut statement = reader.prepare_cached(
            "SELECT id, integration, resource, user_name, user_name_key, person, why, state, created, decided
             FROM conflict WHERE integration = ?1 AND user_name_key = ?2
               AND (state = 'kept' OR state = 'linked' AND resource IS NULL)
             ORDER BY decided DESC",
        )?;
        Ok(statement.query_map(params![integration.0, user_name_key], conflict)?.collect::<rusqlite::Result<_>>()?)
    }
}

/// A person who answers to an incoming name or address.
pub(crate) struct CandidateMatch {
    pub(crate) person: i64,
    pub(crate) same_user_name: bool,
    pub(crate) same_email: bool,
}

/// Everybody, closed persons apart, who answers to a userName or one of some addresses: by what is known of the person
/// or by what any User of the person says.
pub(crate) fn candidate_matches(
    connection: &Connection,
    user_name_key: &str,
    email_keys: &[String],
) -> Result<Vec<CandidateMatch>, Error> {
    let mut found: Vec<CandidateMatch> = Vec::new();
    let mut note = |person: i64, name: bool| match found.iter_mut().find(|candidate| candidate.person == person) {
        Some(known) if name => known.same_user_name = true,
        Some(known) => known.same_email = true,
        None => found.push(CandidateMatch { person, same_user_name: name, same_email: !name }),
    };
    // Names are indexed per integration: there are few of those, so each is asked.
    let mut by_name = connection.prepare_cached(
        "SELECT seq FROM person WHERE user_name_key = ?1 AND state <> 3
         UNION ALL
         SELECT p.seq FROM integration AS i
         CROSS JOIN resource AS r ON r.integration = i.id AND r.name_unique = ?1
         CROSS JOIN person AS p ON p.seq = r.person AND p.state <> 3",
    )?;
    let mut rows = by_name.query([user_name_key])?;
    while let Some(row) = rows.next()? {
        note(row.get(0)?, true);
    }
    let mut by_email = connection.prepare_cached(
        "SELECT seq FROM person WHERE email_key = ?1 AND state <> 3
         UNION ALL
         SELECT p.seq FROM email AS e
         CROSS JOIN resource AS r ON r.seq = e.resource
         CROSS JOIN person AS p ON p.seq = r.person AND p.state <> 3
         WHERE e.key = ?1",
    )?;
    for key in email_keys {
        let mut rows = by_email.query([key])?;
        while let Some(row) = rows.next()? {
            note(row.get(0)?, false);
        }
    }
    Ok(found)
}

fn by_seq(connection: &Connection, seq: i64) -> Result<Option<PersonRow>, Error> {
    let mut statement =
        connection.prepare_cached(concat!("SELECT ", person_columns!(), " FROM person AS p WHERE p.seq = ?1"))?;
    Ok(statement.query_row([seq], person).optional()?)
}

/// Names are compared by their match keys here, since the engine's own letter case knows ASCII only.
fn search(connection: &Connection, query: &PersonQuery) -> Result<Vec<PersonRow>, Error> {
    let wanted = query.search.as_deref().map(match_key);
    let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
    let mut statement = connection.prepare_cached(concat!(
        "SELECT ",
        person_columns!(),
        " FROM person AS p WHERE p.seq > ?1 ORDER BY p.seq"
    ))?;
    let mut rows = statement.query([query.after.unwrap_or(i64::MIN)])?;
    let mut found = Vec::new();
    while found.len() < limit
        && let Some(row) = rows.next()?
    {
        let row = person(row)?;
        let names = [Some(&row.display), row.email.as_ref(), row.user_name.as_ref(), Some(&row.id)];
        let hit = |wanted: &str| names.into_iter().flatten().any(|name| match_key(name).contains(wanted));
        if wanted.as_deref().is_none_or(hit) {
            found.push(row);
        }
    }
    Ok(found)
}

/// The state of a person. A number that no version knows gives no access.
pub(super) fn state(row: &Row<'_>, index: usize) -> rusqlite::Result<State> {
    Ok(State::from_number(row.get(index)?).unwrap_or(State::Closed))
}

fn person(row: &Row<'_>) -> rusqlite::Result<PersonRow> {
    Ok(PersonRow {
        seq: row.get(0)?,
        id: row.get(1)?,
        state: state(row, 2)?,
        display: row.get(3)?,
        email: row.get(4)?,
        user_name: row.get(5)?,
        user_name_key: row.get(6)?,
        authority: row.get(7)?,
        local: row.get(8)?,
        admin: row.get(9)?,
        epoch: row.get(10)?,
        created: Millis(row.get(11)?),
        modified: Millis(row.get(12)?),
        account: row.get(13)?,
    })
}

fn conflict(row: &Row<'_>) -> rusqlite::Result<ConflictRow> {
    Ok(ConflictRow {
        id: row.get(0)?,
        integration: IntegrationId(row.get(1)?),
        resource: row.get(2)?,
        user_name: row.get(3)?,
        user_name_key: row.get(4)?,
        person: row.get(5)?,
        why: row.get(6)?,
        state: row.get(7)?,
        created: Millis(row.get(8)?),
        decided: row.get::<_, Option<i64>>(9)?.map(Millis),
    })
}
