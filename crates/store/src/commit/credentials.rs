//! Credentials: sessions, tokens, invitations, recovery codes. What is kept of them in memory is told by the generation.

use super::integrations::touched_or_known;
use super::work::{Then, Work};
use crate::change::{CredentialKind, NewCredential};
use crate::error::Error;
use crate::sql::words::each;
use crate::sql::{Exec, Param, Query, Sql, binds};
use bailiwick_domain::ids::Millis;
use bailiwick_domain::person::State;

/// A credential that went with the access of its person.
#[derive(Debug)]
pub(super) struct Revoked {
    /// Id of the person.
    pub(super) person: String,
    pub(super) id: String,
    pub(super) kind: CredentialKind,
}

/// Stores a credential. That of a person is stored only under the eyes of the commit that may end all access: the person
/// has to be active now.
pub(super) fn insert<'a, E: Exec>(work: &mut Work<'a, E>, new: &'a NewCredential) -> Result<(), Error> {
    let NewCredential { id, kind, person, service, label, digest, scopes, expires } = new;
    let person = person.as_ref().map(|key| work.person(key)).transpose()?;
    if *kind == CredentialKind::Session {
        // Sessions come and go: those that are over are swept out by the next one.
        let over = Sql::same("DELETE FROM credential WHERE kind = 1 AND expires < ?1");
        let at = work.at;
        work.later(over, binds![at], Then::Go);
    }
    let sql = Sql::same(
        "INSERT INTO credential (id, kind, person, service, label, digest, scopes, created, expires)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9
         WHERE ?3 IS NULL OR EXISTS (SELECT 1 FROM person WHERE person.seq = ?3 AND person.state = ?10)",
    );
    let active = State::Active as i64;
    let expires = expires.map(|at| at.0);
    let params = binds![id, *kind as i64, person, service, label, digest, scopes, work.at, expires, active];
    work.later(sql, params, Then::Found);
    work.touched();
    Ok(())
}

const KNOWN: Sql = Sql::same("SELECT 1 FROM credential WHERE id = ?1");

/// Brings the end of a credential forward; never puts it off. One that is revoked or has ended is stale: a successor that
/// is made in the same commit does not outlive it.
pub(super) async fn end<E: Exec>(work: &mut Work<'_, E>, id: &str, expires: Millis) -> Result<(), Error> {
    let sql = Sql::same(
        "UPDATE credential SET expires = CASE WHEN expires < ?2 THEN expires ELSE ?2 END
         WHERE id = ?1 AND revoked IS NULL AND (expires IS NULL OR expires > ?3)",
    );
    let at = work.at;
    if work.run(sql, &binds![id, expires.0, at]).await? == 0 {
        return Err(Error::Stale);
    }
    work.touched();
    Ok(())
}

pub(super) async fn revoke<E: Exec>(work: &mut Work<'_, E>, id: &str) -> Result<(), Error> {
    let sql = Sql::same("UPDATE credential SET revoked = ?2 WHERE id = ?1 AND revoked IS NULL");
    let params = binds![id, work.at];
    let changed = work.run(sql, &params).await?;
    touched_or_known(work, changed, KNOWN, binds![id]).await
}

pub(super) fn touch<'a, E: Exec>(work: &mut Work<'a, E>, credentials: &'a [(String, Millis)]) {
    for (id, at) in credentials {
        let sql =
            Sql::same("UPDATE credential SET last_used = ?2 WHERE id = ?1 AND (last_used IS NULL OR last_used < ?2)");
        work.later(sql, binds![id, at.0], Then::Go);
    }
}

pub(super) fn use_recovery_code<'a, E: Exec>(work: &mut Work<'a, E>, digest: &'a [u8; 32], person: i64) {
    let sql = Sql::same("UPDATE recovery_code SET used = ?3 WHERE digest = ?1 AND person = ?2 AND used IS NULL");
    let params = binds![digest, person, work.at];
    work.later(sql, params, Then::Found);
    work.changed();
}

/// Takes the sessions, personal tokens and invitations of those of these persons who are not active now.
pub(super) fn end_access(persons: Vec<i64>) -> Query<'static, Revoked> {
    let sql = each!(
        "DELETE FROM credential WHERE person " (among 1) " AND kind IN (1, 2, 4)
           AND EXISTS (SELECT 1 FROM person AS p WHERE p.seq = credential.person AND p.state <> ?2)
         RETURNING (SELECT p.id FROM person AS p WHERE p.seq = credential.person), id, kind"
    );
    Query::new(sql, [Param::Ints(persons.into()), Param::Int(State::Active as i64)], |row| {
        let kind = CredentialKind::from_number(row.int(2)?);
        let kind = kind.ok_or_else(|| Error::Broken("a credential is of no known kind".to_owned()))?;
        Ok(Revoked { person: row.string(0)?, id: row.string(1)?, kind })
    })
}
