//! Persons, local accounts, the conflict queue.

use super::Work;
use crate::change::{NewConflict, NewPerson, PersonFacts, PersonKey, PersonUpdate};
use crate::error::{Constraint, Error};
use bailiwick_domain::person::State;
use rusqlite::params;

pub(super) fn insert(work: &mut Work<'_>, new: NewPerson) -> Result<(), Error> {
    let seq = work.draw_row();
    let PersonFacts { state, display, email, email_key, user_name, user_name_key } = &new.facts;
    work.run(
        "INSERT INTO person (seq, id, state, display, email, email_key, user_name, user_name_key, local, admin, epoch,
           created, modified)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 1, ?11, ?11)",
        params![
            seq,
            new.id,
            *state as i64,
            display,
            email,
            email_key,
            user_name,
            user_name_key,
            new.local,
            new.admin,
            work.at
        ],
    )?;
    work.new_persons.insert(new.id, seq);
    work.changed();
    Ok(())
}

pub(super) fn update(work: &mut Work<'_>, update: &PersonUpdate) -> Result<(), Error> {
    let PersonFacts { state, display, email, email_key, user_name, user_name_key } = &update.facts;
    let found = work.run(
        "UPDATE person SET state = ?2, display = ?3, email = ?4, email_key = ?5, user_name = ?6, user_name_key = ?7,
           authority = CASE WHEN ?8 THEN ?9 ELSE authority END, modified = max(modified, ?10)
         WHERE seq = ?1",
        params![
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
        ],
    )?;
    if found == 0 {
        return Err(Error::Stale);
    }
    if *state == State::Closed {
        end_account(work, update.seq)?;
        drop_open_conflicts(work, update.seq)?;
    }
    work.bump(update.seq);
    work.changed();
    Ok(())
}

/// Who is closed cannot sign in and holds no role: access ends in the commit that ends it.
fn end_account(work: &Work<'_>, person: i64) -> Result<(), Error> {
    work.run("DELETE FROM recovery_code WHERE person = ?1", [person])?;
    work.run("DELETE FROM local_account WHERE person = ?1", [person])?;
    work.run("UPDATE person SET local = 0, admin = 0 WHERE seq = ?1", [person])?;
    Ok(())
}

/// Takes the pairs of a closed person out of the queue: it matches nothing, so there is nothing left to decide.
pub(super) fn drop_open_conflicts(work: &Work<'_>, person: i64) -> Result<(), Error> {
    work.run(
        "DELETE FROM conflict WHERE state = 'open' AND person = (SELECT id FROM person WHERE seq = ?1)",
        [person],
    )?;
    Ok(())
}

/// Makes a person local. Local accounts are told apart by their userName, whatever SCIM says elsewhere.
pub(super) fn insert_account(
    work: &mut Work<'_>,
    person: &PersonKey,
    password_hash: &str,
    recovery_digests: &[[u8; 32]],
) -> Result<(), Error> {
    let seq = work.person(person)?;
    let taken = work.exists(
        "SELECT 1 FROM person AS new JOIN person AS old ON old.user_name_key = new.user_name_key
         JOIN local_account ON local_account.person = old.seq WHERE new.seq = ?1",
        [seq],
    )?;
    if taken {
        return Err(Error::Conflict(Constraint::LocalName));
    }
    if work.run("UPDATE person SET local = 1, modified = max(modified, ?2) WHERE seq = ?1", [seq, work.at])? == 0 {
        return Err(Error::Stale);
    }
    work.run(
        "INSERT INTO local_account (person, password_hash, created, changed) VALUES (?1, ?2, ?3, ?3)",
        params![seq, password_hash, work.at],
    )?;
    replace_codes(work, seq, recovery_digests)?;
    work.bump(seq);
    work.changed();
    Ok(())
}

pub(super) fn recover_account(
    work: &mut Work<'_>,
    person: i64,
    password_hash: &str,
    recovery_digests: &[[u8; 32]],
) -> Result<(), Error> {
    let found = work.run(
        "UPDATE local_account SET password_hash = ?2, changed = ?3 WHERE person = ?1",
        params![person, password_hash, work.at],
    )?;
    if found == 0 {
        return Err(Error::Stale);
    }
    replace_codes(work, person, recovery_digests)?;
    work.bump(person);
    work.changed();
    Ok(())
}

fn replace_codes(work: &Work<'_>, person: i64, digests: &[[u8; 32]]) -> Result<(), Error> {
    work.run("DELETE FROM recovery_code WHERE person = ?1", [person])?;
    for digest in digests {
        work.run("INSERT INTO recovery_code (digest, person) VALUES (?1, ?2)", params![digest, person])?;
    }
    Ok(())
}

/// Opens a pair. One that is there already keeps its state: what an admin decided is not asked again.
pub(super) fn insert_conflict(work: &mut Work<'_>, new: &NewConflict) -> Result<(), Error> {
    let inserted = work.run(
        "INSERT INTO conflict (id, integration, resource, user_name, user_name_key, person, why, state, created)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'open', ?8) ON CONFLICT (integration, user_name_key, person) DO NOTHING",
        params![
            new.id,
            new.integration.0,
            new.resource,
            new.user_name,
            new.user_name_key,
            new.person,
            new.why,
            work.at
        ],
    )?;
    if inserted > 0 {
        work.changed();
    }
    Ok(())
}

pub(super) fn set_conflict(work: &mut Work<'_>, id: &str, state: &str) -> Result<(), Error> {
    let changed = work.run(
        "UPDATE conflict SET state = ?2, decided = CASE WHEN ?2 = 'open' THEN NULL ELSE ?3 END
         WHERE id = ?1 AND state <> ?2",
        params![id, state, work.at],
    )?;
    if changed > 0 {
        work.changed();
        return Ok(());
    }
    if work.exists("SELECT 1 FROM conflict WHERE id = ?1", [id])? { Ok(()) } else { Err(Error::Stale) }
}
