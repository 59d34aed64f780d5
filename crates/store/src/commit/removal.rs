//! Deleting an integration with all it had provisioned.

use super::grants;
use super::integrations::INTEGRATION;
use super::work::{Then, Work};
use crate::error::Error;
use crate::sql::words::each;
use crate::sql::{Exec, Param, Query, Sql, binds};
use bailiwick_domain::ids::IntegrationId;
use bailiwick_domain::person::State;

/// In this order: what names a resource goes before it.
const CLEAR: &[&str] = &[
    "DELETE FROM team_feed WHERE grp IN (SELECT seq FROM resource WHERE integration = ?1 AND kind = 2)",
    "DELETE FROM removal WHERE integration = ?1",
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

/// A person who is left without User and local account is closed.
const CLOSE: Sql = each!(
    "UPDATE person SET state = ?2, display = '', email = NULL, email_key = NULL, user_name = NULL,
       user_name_key = NULL, local = false, admin = false, doc = " empty ", modified = " greatest "(modified, ?3)
     WHERE seq " (among 1) " AND NOT EXISTS (SELECT 1 FROM resource WHERE resource.person = person.seq)
       AND NOT EXISTS (SELECT 1 FROM local_account WHERE local_account.person = person.seq)"
);
/// What that changes of their states, and what [`STAND`] does.
const LOG_CLOSE: Sql = each!(
    "INSERT INTO person_state (person, seq, at, before, after)
     SELECT seq, ?4, ?3, state, ?2 FROM person
     WHERE seq " (among 1) " AND state <> ?2 AND NOT EXISTS (SELECT 1 FROM resource WHERE resource.person = person.seq)
       AND NOT EXISTS (SELECT 1 FROM local_account WHERE local_account.person = person.seq)
     ON CONFLICT (person, seq) DO UPDATE SET after = excluded.after"
);
const LOG_STAND: Sql = each!(
    "INSERT INTO person_state (person, seq, at, before, after)
     SELECT seq, ?5, ?4, state, ?3 FROM person
     WHERE seq " (among 1) " AND authority IS NULL AND state = ?2
       AND NOT EXISTS (SELECT 1 FROM local_account WHERE local_account.person = person.seq)
       AND NOT EXISTS (SELECT 1 FROM resource WHERE resource.person = person.seq AND resource.active)
     ON CONFLICT (person, seq) DO UPDATE SET after = excluded.after"
);
/// Who is closed matches nothing, so there is nothing left to decide.
const DROP_CONFLICTS: Sql = each!(
    "DELETE FROM conflict WHERE state = 'open'
       AND person IN (SELECT id FROM person WHERE seq " (among 1) " AND state = ?2)"
);
/// Of the others, who was active and has no authority any more stands as the remaining Users and the account say; who
/// was switched off stays off, because a deletion gives no access back. An authority of another integration goes on
/// deciding.
const STAND: Sql = each!(
    "UPDATE person SET modified = " greatest "(modified, ?4), state = CASE
       WHEN EXISTS (SELECT 1 FROM local_account WHERE local_account.person = person.seq) THEN ?2
       WHEN EXISTS (SELECT 1 FROM resource WHERE resource.person = person.seq AND resource.active) THEN ?2
       ELSE ?3 END
     WHERE seq " (among 1) " AND authority IS NULL AND state = ?2"
);

pub(super) async fn delete_integration<E: Exec>(work: &mut Work<'_, E>, id: IntegrationId) -> Result<(), Error> {
    if !work.exists(INTEGRATION, binds![id.0]).await? {
        return Err(Error::Stale);
    }
    let persons = Sql::same("SELECT DISTINCT person FROM resource WHERE integration = ?1 AND person IS NOT NULL");
    let persons = work.all(Query::new(persons, binds![id.0], |row| row.int(0))).await?;
    for sql in CLEAR {
        work.later(Sql::same(sql), binds![id.0], Then::Go);
    }
    work.later(Sql::same("DELETE FROM guard WHERE key = ?1"), binds![format!("nesting/{}", id.0)], Then::Go);
    let (active, inactive, closed) = (State::Active as i64, State::Inactive as i64, State::Closed as i64);
    let (list, at) = (|| Param::Ints(persons.clone().into()), work.at);
    let version = work.version;
    work.later(LOG_CLOSE, [list(), closed.into(), at.into(), version.into()], Then::Go);
    work.later(CLOSE, [list(), closed.into(), at.into()], Then::Go);
    work.later(DROP_CONFLICTS, [list(), closed.into()], Then::Go);
    work.later(LOG_STAND, [list(), active.into(), inactive.into(), at.into(), version.into()], Then::Go);
    work.later(STAND, [list(), active.into(), inactive.into(), at.into()], Then::Go);
    grants::end_closed(work, &persons);
    for person in persons {
        work.concern(person);
        work.end_access(person, false);
    }
    work.forget();
    work.touched();
    Ok(())
}
