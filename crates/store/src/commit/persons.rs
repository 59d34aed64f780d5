//! Persons, local accounts, the conflict queue.

use super::common::INSERT_PERSON;
use super::grants;
use super::work::{Then, Work};
use crate::change::{NewConflict, NewPerson, PersonFacts, PersonKey, PersonUpdate};
use crate::error::{Constraint, Error};
use crate::sql::words::each;
use crate::sql::{Exec, Sql, binds};
use bailiwick_domain::person::State;

pub(super) fn insert<'a, E: Exec>(work: &mut Work<'a, E>, new: &'a NewPerson) {
    let seq = work.draw_row();
    let PersonFacts { state, display, email, email_key, user_name, user_name_key } = &new.facts;
    let params = binds![
        seq,
        &new.id,
        *state as i64,
        display,
        email,
        email_key,
        user_name,
        user_name_key,
        new.local,
        new.admin,
        work.at,
        &new.doc
    ];
    work.later(INSERT_PERSON, params, Then::Go);
    work.new_person(&new.id, seq);
    work.changed();
}

pub(super) fn update<'a, E: Exec>(work: &mut Work<'a, E>, update: &'a PersonUpdate) {
    let PersonFacts { state, display, email, email_key, user_name, user_name_key } = &update.facts;
    let sql = each!(
        "UPDATE person SET state = ?2, display = ?3, email = ?4, email_key = ?5, user_name = ?6, user_name_key = ?7,
           authority = CASE WHEN ?8 THEN ?9 ELSE authority END, modified = " greatest "(modified, ?10)
         WHERE seq = ?1"
    );
    let params = binds![
        update.seq,
        *state as i64,
        display,
        email,
        email_key,
        user_name,
        user_name_key,
        update.authority.is_some(),
        update.authority.flatten(),
        work.at,
    ];
    let log = Sql::same(
        "INSERT INTO person_state (person, seq, at, before, after)
         SELECT seq, ?2, ?3, state, ?4 FROM person WHERE seq = ?1 AND state <> ?4
         ON CONFLICT (person, seq) DO UPDATE SET after = excluded.after",
    );
    let logged = binds![update.seq, work.version, work.at, *state as i64];
    work.later(log, logged, Then::Go);
    work.later(sql, params, Then::Found);
    if *state != State::Active {
        work.end_access(update.seq, *state == State::Closed);
    }
    if *state == State::Closed {
        end_account(work, update.seq);
    }
    work.bump(update.seq);
    work.changed();
}

/// Who is closed cannot sign in and holds no role: access ends in the commit that ends it. The person matches nothing,
/// so there is nothing left to decide in the queue.
fn end_account<E: Exec>(work: &mut Work<'_, E>, person: i64) {
    for sql in [
        Sql::same("DELETE FROM recovery_code WHERE person = ?1"),
        Sql::same("DELETE FROM local_account WHERE person = ?1"),
        each!("UPDATE person SET local = false, admin = false, doc = " empty " WHERE seq = ?1"),
        Sql::same("DELETE FROM conflict WHERE state = 'open' AND person = (SELECT id FROM person WHERE seq = ?1)"),
    ] {
        work.later(sql, binds![person], Then::Go);
    }
    grants::end_closed(work, &[person]);
}

/// Replaces the attributes of a person.
pub(super) fn set_attributes<'a, E: Exec>(work: &mut Work<'a, E>, person: i64, doc: &'a str) {
    let sql = each!(
        "UPDATE person SET doc = " (json 2) ", modified = " greatest "(modified, ?3) WHERE seq = ?1"
    );
    let params = binds![person, doc, work.at];
    work.later(sql, params, Then::Found);
    work.bump(person);
    work.changed();
}

/// Makes a person local or an admin by hand, or no longer.
pub(super) fn set<E: Exec>(work: &mut Work<'_, E>, person: i64, local: Option<bool>, admin: Option<bool>) {
    let sql = each!(
        "UPDATE person SET local = CASE WHEN ?2 THEN ?3 ELSE local END, admin = CASE WHEN ?4 THEN ?5 ELSE admin END,
           modified = " greatest "(modified, ?6) WHERE seq = ?1"
    );
    let params =
        binds![person, local.is_some(), local.unwrap_or_default(), admin.is_some(), admin.unwrap_or_default(), work.at];
    work.later(sql, params, Then::Found);
    work.bump(person);
    work.changed();
}

/// Makes a person local. Local accounts are told apart by their userName, whatever SCIM says elsewhere.
pub(super) async fn insert_account<'a, E: Exec>(
    work: &mut Work<'a, E>,
    person: &PersonKey,
    password_hash: &'a str,
    recovery_digests: &'a [[u8; 32]],
) -> Result<(), Error> {
    let seq = work.person(person)?;
    let taken = Sql::same(
        "SELECT 1 FROM person AS new JOIN person AS old ON old.user_name_key = new.user_name_key
         JOIN local_account ON local_account.person = old.seq WHERE new.seq = ?1",
    );
    if work.exists(taken, binds![seq]).await? {
        return Err(Error::Conflict(Constraint::LocalName));
    }
    let local = each!("UPDATE person SET local = true, modified = " greatest "(modified, ?2) WHERE seq = ?1");
    let account =
        Sql::same("INSERT INTO local_account (person, password_hash, created, changed) VALUES (?1, ?2, ?3, ?3)");
    let at = work.at;
    work.later(local, binds![seq, at], Then::Found);
    work.later(account, binds![seq, password_hash, at], Then::Go);
    replace_codes(work, seq, recovery_digests);
    work.bump(seq);
    work.changed();
    Ok(())
}

pub(super) fn recover_account<'a, E: Exec>(
    work: &mut Work<'a, E>,
    person: i64,
    password_hash: &'a str,
    recovery_digests: &'a [[u8; 32]],
) {
    let sql = Sql::same("UPDATE local_account SET password_hash = ?2, changed = ?3 WHERE person = ?1");
    let params = binds![person, password_hash, work.at];
    work.later(sql, params, Then::Found);
    replace_codes(work, person, recovery_digests);
    work.bump(person);
    work.changed();
}

fn replace_codes<'a, E: Exec>(work: &mut Work<'a, E>, person: i64, digests: &'a [[u8; 32]]) {
    work.later(Sql::same("DELETE FROM recovery_code WHERE person = ?1"), binds![person], Then::Go);
    for digest in digests {
        let sql = Sql::same("INSERT INTO recovery_code (digest, person) VALUES (?1, ?2)");
        work.later(sql, binds![digest, person], Then::Go);
    }
}

/// Opens a pair. One that is there already keeps its state: what an admin decided is not asked again.
pub(super) fn insert_conflict<'a, E: Exec>(work: &mut Work<'a, E>, new: &'a NewConflict) {
    let sql = Sql::same(
        "INSERT INTO conflict (id, integration, resource, user_name, user_name_key, person, why, state, created)
         SELECT ?1, id, ?3, ?4, ?5, ?6, ?7, 'open', ?8 FROM integration WHERE id = ?2
         ON CONFLICT (integration, user_name_key, person) DO NOTHING",
    );
    let params = binds![
        &new.id,
        new.integration.0,
        &new.resource,
        &new.user_name,
        &new.user_name_key,
        &new.person,
        &new.why,
        work.at
    ];
    work.later(sql, params, Then::Changed);
}

pub(super) async fn set_conflict<E: Exec>(work: &mut Work<'_, E>, id: &str, state: &str) -> Result<(), Error> {
    let sql = Sql::same(
        "UPDATE conflict SET state = ?2, decided = CASE WHEN ?2 = 'open' THEN NULL ELSE ?3 END
         WHERE id = ?1 AND state <> ?2",
    );
    let params = binds![id, state, work.at];
    if work.run(sql, &params).await? > 0 {
        work.changed();
        return Ok(());
    }
    let there = work.exists(Sql::same("SELECT 1 FROM conflict WHERE id = ?1"), binds![id]).await?;
    if there { Ok(()) } else { Err(Error::Stale) }
}
