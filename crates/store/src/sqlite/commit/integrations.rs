//! Integrations, tokens, domains, settings, counters. Whoever keeps one of these in memory is told by the generation.

use super::Work;
use crate::change::{CallCount, IntegrationSettings, NewIntegration, NewToken};
use crate::error::{Constraint, Error};
use crate::sqlite::is_unique_clash;
use bailiwick_domain::ids::{IntegrationId, Millis};
use rusqlite::{OptionalExtension as _, params};

pub(super) fn insert(work: &mut Work<'_>, new: &NewIntegration) -> Result<(), Error> {
    let IntegrationSettings { quirks, paused, rate_limit, user_name_email, sign_in_claim } = &new.settings;
    let result = work
        .connection
        .prepare_cached(
            "INSERT INTO integration (name, preset, quirks, paused, rate_limit, user_name_email, sign_in_claim, created)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![new.name, new.preset, quirks, paused, rate_limit, user_name_email, sign_in_claim, work.at]);
    match result {
        Ok(_) => {}
        Err(error) if is_unique_clash(&error) => return Err(Error::Conflict(Constraint::IntegrationName)),
        Err(error) => return Err(error.into()),
    }
    work.committed.integration = Some(IntegrationId(work.connection.last_insert_rowid()));
    touched(work);
    Ok(())
}

pub(super) fn update(work: &mut Work<'_>, id: IntegrationId, settings: &IntegrationSettings) -> Result<(), Error> {
    let IntegrationSettings { quirks, paused, rate_limit, user_name_email, sign_in_claim } = settings;
    let changed = work.run(
        "UPDATE integration SET quirks = ?2, paused = ?3, rate_limit = ?4, user_name_email = ?5, sign_in_claim = ?6
         WHERE id = ?1 AND (quirks, paused, user_name_email) IS NOT (?2, ?3, ?5)
            OR id = ?1 AND (rate_limit, sign_in_claim) IS NOT (?4, ?6)",
        params![id.0, quirks, paused, rate_limit, user_name_email, sign_in_claim],
    )?;
    if changed > 0 {
        touched(work);
        return Ok(());
    }
    known(work, "SELECT 1 FROM integration WHERE id = ?1", id.0)
}

pub(super) fn insert_token(work: &mut Work<'_>, new: &NewToken) -> Result<(), Error> {
    let integration = new.integration.or(work.committed.integration).ok_or(Error::Stale)?;
    known(work, "SELECT 1 FROM integration WHERE id = ?1", integration.0)?;
    work.run(
        "INSERT INTO token (id, integration, label, digest, created, expires) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![new.id, integration.0, new.label, new.digest, work.at, new.expires.map(|at| at.0)],
    )?;
    touched(work);
    Ok(())
}

/// Brings the end of a token forward; never puts it off.
pub(super) fn end_token(work: &mut Work<'_>, id: &str, expires: Millis) -> Result<(), Error> {
    let changed = work.run(
        "UPDATE token SET expires = ?2 WHERE id = ?1 AND (expires IS NULL OR expires > ?2)",
        params![id, expires.0],
    )?;
    if changed > 0 {
        touched(work);
        return Ok(());
    }
    known(work, "SELECT 1 FROM token WHERE id = ?1", id)
}

pub(super) fn revoke_token(work: &mut Work<'_>, id: &str) -> Result<(), Error> {
    let changed = work.run("UPDATE token SET revoked = ?2 WHERE id = ?1 AND revoked IS NULL", params![id, work.at])?;
    if changed > 0 {
        touched(work);
        return Ok(());
    }
    known(work, "SELECT 1 FROM token WHERE id = ?1", id)
}

pub(super) fn touch_tokens(work: &mut Work<'_>, tokens: &[(String, Millis)]) -> Result<(), Error> {
    for (id, at) in tokens {
        work.run(
            "UPDATE token SET last_used = ?2 WHERE id = ?1 AND (last_used IS NULL OR last_used < ?2)",
            params![id, at.0],
        )?;
    }
    Ok(())
}

pub(super) fn claim_domain(
    work: &mut Work<'_>,
    name: &str,
    integration: IntegrationId,
    method: &str,
) -> Result<(), Error> {
    known(work, "SELECT 1 FROM integration WHERE id = ?1", integration.0)?;
    let mut statement = work.connection.prepare_cached("SELECT integration FROM domain WHERE name = ?1")?;
    match statement.query_row([name], |row| row.get::<_, i64>(0)).optional()? {
        Some(owner) if owner == integration.0 => return Ok(()),
        Some(_) => return Err(Error::Conflict(Constraint::Domain)),
        None => {}
    }
    work.run(
        "INSERT INTO domain (name, integration, method, created) VALUES (?1, ?2, ?3, ?4)",
        params![name, integration.0, method, work.at],
    )?;
    touched(work);
    Ok(())
}

pub(super) fn release_domain(work: &mut Work<'_>, name: &str) -> Result<(), Error> {
    if work.run("DELETE FROM domain WHERE name = ?1", [name])? > 0 {
        touched(work);
    }
    Ok(())
}

pub(super) fn set_setting(work: &mut Work<'_>, key: &str, value: &str) -> Result<(), Error> {
    let changed = work.run(
        "INSERT INTO setting (key, value) VALUES (?1, ?2)
         ON CONFLICT (key) DO UPDATE SET value = excluded.value WHERE value <> excluded.value",
        [key, value],
    )?;
    if changed > 0 {
        touched(work);
    }
    Ok(())
}

pub(super) fn count_calls(work: &mut Work<'_>, counts: &[CallCount]) -> Result<(), Error> {
    for count in counts {
        let calls = i64::try_from(count.calls).unwrap_or(i64::MAX);
        work.tally.saw(count.integration.0, count.last.0, &count.method, count.status, calls);
    }
    Ok(())
}

fn touched(work: &mut Work<'_>) {
    work.tally.touched = true;
    work.changed();
}

fn known(work: &Work<'_>, sql: &str, key: impl rusqlite::ToSql) -> Result<(), Error> {
    if work.exists(sql, [key])? { Ok(()) } else { Err(Error::Stale) }
}
