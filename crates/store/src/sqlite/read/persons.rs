//! Persons, as commits and reads of resources see them.

use crate::error::Error;
use bailiwick_domain::person::State;
use rusqlite::{Connection, Row};

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

/// The state of a person. A number that no version knows gives no access.
pub(super) fn state(row: &Row<'_>, index: usize) -> rusqlite::Result<State> {
    Ok(State::from_number(row.get(index)?).unwrap_or(State::Closed))
}
