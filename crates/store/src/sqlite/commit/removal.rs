//! Deleting an integration with all it had provisioned.

use super::Work;
use crate::error::Error;
use bailiwick_domain::ids::IntegrationId;
use bailiwick_domain::person::State;
use rusqlite::params;

/// In this order: what names a resource goes before it.
const CLEAR: &[&str] = &[
    "DELETE FROM membership WHERE grp IN (SELECT seq FROM resource WHERE integration = ?1 AND kind = 2)",
    "DELETE FROM member_change WHERE grp IN (SELECT seq FROM resource WHERE integration = ?1 AND kind = 2)",
    "DELETE FROM email WHERE resource IN (SELECT seq FROM resource WHERE integration = ?1 AND kind = 1)",
    "UPDATE person SET authority = NULL WHERE authority IN (SELECT seq FROM resource WHERE integration = ?1)",
    "DELETE FROM resource WHERE integration = ?1",
    "DELETE FROM token WHERE integration = ?1",
    "DELETE FROM domain WHERE integration = ?1",
    "DELETE FROM conflict WHERE integration = ?1",
    "DELETE FROM call_count WHERE integration = ?1",
    "DELETE FROM integration_seen WHERE integration = ?1",
    "DELETE FROM integration WHERE id = ?1",
];

pub(super) fn delete_integration(work: &mut Work<'_>, id: IntegrationId) -> Result<(), Error> {
    if !work.exists("SELECT 1 FROM integration WHERE id = ?1", [id.0])? {
        return Err(Error::Stale);
    }
    let persons = persons_of(work, id)?;
    for sql in CLEAR {
        work.run(sql, [id.0])?;
    }
    work.run("DELETE FROM guard WHERE key = ?1", [format!("nesting/{}", id.0)])?;
    for person in persons {
        settle(work, person)?;
        work.bump(person);
    }
    work.tally.touched = true;
    work.changed();
    Ok(())
}

fn persons_of(work: &Work<'_>, id: IntegrationId) -> Result<Vec<i64>, Error> {
    let mut statement = work
        .connection
        .prepare_cached("SELECT DISTINCT person FROM resource WHERE integration = ?1 AND person IS NOT NULL")?;
    Ok(statement.query_map([id.0], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
}

/// Closes a person who is left without User and local account. Of the others, who was active and has no authority any
/// more stands as the remaining Users and the account say; who was switched off stays off, because a deletion gives no
/// access back. An authority of another integration goes on deciding.
fn settle(work: &Work<'_>, person: i64) -> Result<(), Error> {
    let closed = work.run(
        "UPDATE person SET state = ?2, display = '', email = NULL, email_key = NULL, user_name = NULL,
           user_name_key = NULL, local = 0, admin = 0, modified = max(modified, ?3)
         WHERE seq = ?1 AND NOT EXISTS (SELECT 1 FROM resource WHERE resource.person = ?1)
           AND NOT EXISTS (SELECT 1 FROM local_account WHERE local_account.person = ?1)",
        params![person, State::Closed as i64, work.at],
    )?;
    if closed > 0 {
        super::persons::drop_open_conflicts(work, person)?;
    } else {
        work.run(
            "UPDATE person SET modified = max(modified, ?4), state = CASE
               WHEN EXISTS (SELECT 1 FROM local_account WHERE local_account.person = ?1) THEN ?2
               WHEN EXISTS (SELECT 1 FROM resource WHERE resource.person = ?1 AND resource.active = 1) THEN ?2
               ELSE ?3 END
             WHERE seq = ?1 AND authority IS NULL AND state = ?2",
            params![person, State::Active as i64, State::Inactive as i64, work.at],
        )?;
    }
    Ok(())
}
