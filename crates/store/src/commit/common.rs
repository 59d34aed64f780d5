//! Statements that most sets run and of which no set needs the answer. An engine may gather those of several sets that
//! run at once into one statement of many rows, see `postgres/gather.rs`.

use crate::sql::Sql;
use crate::sql::words::each;

/// seq, id, state, display, email, email_key, user_name, user_name_key, local, admin, at, doc
pub(crate) const INSERT_PERSON: Sql = each!(
    "INSERT INTO person (seq, id, state, display, email, email_key, user_name, user_name_key, local, admin, epoch,
       created, modified, doc)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 1, ?11, ?11, " (json 12) ")"
);

/// person, seq of its User
pub(crate) const SET_AUTHORITY: Sql = Sql::same("UPDATE person SET authority = ?2 WHERE seq = ?1");

/// person
pub(crate) const BUMP_EPOCH: Sql = Sql::same("UPDATE person SET epoch = epoch + 1 WHERE seq = ?1");

/// seq, person, kind, object, value, origin, path, version, at. A grant that is open already stays as it is.
pub(crate) const INSERT_GRANT: Sql = Sql::same(
    "INSERT INTO access_grant (seq, person, kind, object, value, origin, path, began, from_at)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING",
);

/// The guard key that is there when there is anything to evaluate: a rule or a feed.
pub(crate) const MAPPING: &str = "mapping";

/// person, version, cause. Marks a person to be evaluated again, if there is anything to evaluate.
pub(crate) const MARK_DIRTY: Sql = Sql::same(
    "INSERT INTO dirty (person, mark, cause)
     SELECT ?1, ?2, CAST(?3 AS bigint) WHERE EXISTS (SELECT 1 FROM guard WHERE key = 'mapping')
     ON CONFLICT (person) DO UPDATE SET mark = excluded.mark, cause = coalesce(excluded.cause, dirty.cause)",
);

/// person, mark. A mark that is newer than the one that was read stays.
pub(crate) const SETTLE: Sql = Sql::same("DELETE FROM dirty WHERE person = ?1 AND mark <= ?2");

/// seq, id, integration, kind, name_unique, name_match, display, external_id, active, person, manager, doc, keys,
/// version, at. The one unique index that it can hit is that of the userName. Nothing is inserted when the integration
/// is gone: who created the resource may have signed in before it went.
pub(crate) const INSERT_RESOURCE: Sql = each!(
    "INSERT INTO resource (seq, id, integration, kind, name_unique, name_match, display, external_id, active,
       person, manager, doc, keys, version, created, modified)
     SELECT ?1, ?2, i.id, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, " (json 12) ", " (json 13) ", ?14, ?15, ?15
     FROM integration AS i WHERE i.id = ?3
     ON CONFLICT (id) DO NOTHING"
);

/// resource, key
pub(crate) const INSERT_EMAIL: Sql =
    Sql::same("INSERT INTO email (key, resource) VALUES (?2, ?1) ON CONFLICT DO NOTHING");

/// group, version, at
pub(crate) const NOTE_CHANGE: Sql =
    Sql::same("INSERT INTO member_change (grp, seq, at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING");
