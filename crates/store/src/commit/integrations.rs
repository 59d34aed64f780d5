//! Integrations, tokens, domains, settings, counters. Whoever keeps one of these in memory is told by the generation.

use super::work::{Then, Work};
use crate::change::{CallCount, IntegrationSettings, NewIntegration, NewToken};
use crate::error::{Constraint, Error};
use crate::sql::{Exec, Param, Query, Sql, binds};
use bailiwick_domain::ids::{IntegrationId, Millis};

pub(super) const INTEGRATION: Sql = Sql::same("SELECT 1 FROM integration WHERE id = ?1");
const TOKEN: Sql = Sql::same("SELECT 1 FROM token WHERE id = ?1");

pub(super) async fn insert<'a, E: Exec>(work: &mut Work<'a, E>, new: &'a NewIntegration) -> Result<(), Error> {
    let sql = Sql::same(
        "INSERT INTO integration (quirks, paused, rate_limit, user_name_email, sign_in_claim, observe, guard_percent,
           guard_people, mapping, name, preset, created)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) ON CONFLICT (name) DO NOTHING RETURNING id",
    );
    let mut params = settings(&new.settings).to_vec();
    params.extend(binds![&new.name, &new.preset, work.at]);
    let id = work.one(Query::new(sql, params, |row| row.int(0))).await?;
    work.committed.integration = Some(IntegrationId(id.ok_or(Error::Conflict(Constraint::IntegrationName))?));
    work.touched();
    Ok(())
}

/// The settings in the order of their numbers.
fn settings(settings: &IntegrationSettings) -> [Param<'_>; 9] {
    let IntegrationSettings {
        quirks,
        paused,
        rate_limit,
        user_name_email,
        sign_in_claim,
        observe,
        guard_percent,
        guard_people,
        mapping,
    } = settings;
    let rate_limit = rate_limit.map(i64::from);
    binds![
        *quirks,
        *paused,
        rate_limit,
        *user_name_email,
        sign_in_claim,
        *observe,
        *guard_percent,
        *guard_people,
        mapping
    ]
}

pub(super) async fn update<'a, E: Exec>(
    work: &mut Work<'a, E>,
    id: IntegrationId,
    new: &'a IntegrationSettings,
) -> Result<(), Error> {
    let sql = Sql::same(
        "UPDATE integration SET quirks = ?1, paused = ?2, rate_limit = ?3, user_name_email = ?4, sign_in_claim = ?5,
           observe = ?6, guard_percent = ?7, guard_people = ?8, mapping = ?9
         WHERE id = ?10 AND (quirks <> ?1 OR paused <> ?2 OR user_name_email <> ?4 OR rate_limit IS DISTINCT FROM ?3
           OR sign_in_claim IS DISTINCT FROM ?5 OR observe <> ?6 OR guard_percent <> ?7 OR guard_people <> ?8
           OR mapping IS DISTINCT FROM ?9)",
    );
    let mut params = settings(new).to_vec();
    params.extend(binds![id.0]);
    let changed = work.run(sql, &params).await?;
    touched_or_known(work, changed, INTEGRATION, binds![id.0]).await
}

pub(super) fn insert_token<'a, E: Exec>(work: &mut Work<'a, E>, new: &'a NewToken) -> Result<(), Error> {
    let integration = new.integration.or(work.committed.integration).ok_or(Error::Stale)?;
    let sql = Sql::same(
        "INSERT INTO token (id, integration, label, digest, created, expires)
         SELECT ?1, id, ?3, ?4, ?5, ?6 FROM integration WHERE id = ?2",
    );
    let expires = new.expires.map(|at| at.0);
    let params = binds![&new.id, integration.0, &new.label, &new.digest, work.at, expires];
    work.later(sql, params, Then::Found);
    work.touched();
    Ok(())
}

/// Brings the end of a token forward; never puts it off.
pub(super) async fn end_token<E: Exec>(work: &mut Work<'_, E>, id: &str, expires: Millis) -> Result<(), Error> {
    let sql = Sql::same("UPDATE token SET expires = ?2 WHERE id = ?1 AND (expires IS NULL OR expires > ?2)");
    let changed = work.run(sql, &binds![id, expires.0]).await?;
    touched_or_known(work, changed, TOKEN, binds![id]).await
}

pub(super) async fn revoke_token<E: Exec>(work: &mut Work<'_, E>, id: &str) -> Result<(), Error> {
    let sql = Sql::same("UPDATE token SET revoked = ?2 WHERE id = ?1 AND revoked IS NULL");
    let params = binds![id, work.at];
    let changed = work.run(sql, &params).await?;
    touched_or_known(work, changed, TOKEN, binds![id]).await
}

pub(super) fn touch_tokens<'a, E: Exec>(work: &mut Work<'a, E>, tokens: &'a [(String, Millis)]) {
    for (id, at) in tokens {
        let sql = Sql::same("UPDATE token SET last_used = ?2 WHERE id = ?1 AND (last_used IS NULL OR last_used < ?2)");
        work.later(sql, binds![id, at.0], Then::Go);
    }
}

pub(super) async fn claim_domain<E: Exec>(
    work: &mut Work<'_, E>,
    name: &str,
    integration: IntegrationId,
    method: &str,
) -> Result<(), Error> {
    known(work, INTEGRATION, binds![integration.0]).await?;
    let sql = Sql::same(
        "INSERT INTO domain (name, integration, method, created) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (name) DO NOTHING",
    );
    let params = binds![name, integration.0, method, work.at];
    if work.run(sql, &params).await? > 0 {
        work.touched();
        return Ok(());
    }
    let owner = Sql::same("SELECT 1 FROM domain WHERE name = ?1 AND integration = ?2");
    let own = work.exists(owner, binds![name, integration.0]).await?;
    if own { Ok(()) } else { Err(Error::Conflict(Constraint::Domain)) }
}

pub(super) fn release_domain<'a, E: Exec>(work: &mut Work<'a, E>, name: &'a str) {
    work.later(Sql::same("DELETE FROM domain WHERE name = ?1"), binds![name], Then::Touched);
}

pub(super) fn set_setting<'a, E: Exec>(work: &mut Work<'a, E>, key: &'a str, value: &'a str) {
    let sql = Sql::same(
        "INSERT INTO setting (key, value) VALUES (?1, ?2)
         ON CONFLICT (key) DO UPDATE SET value = excluded.value WHERE setting.value <> excluded.value",
    );
    work.later(sql, binds![key, value], Then::Touched);
}

pub(super) fn count_calls<E: Exec>(work: &mut Work<'_, E>, counts: &[CallCount]) {
    for count in counts {
        let calls = i64::try_from(count.calls).unwrap_or(i64::MAX);
        work.tally.saw(count.integration.0, count.last.0, &count.method, count.status, calls);
    }
}

/// A change of nothing is fine as long as there is something.
pub(super) async fn touched_or_known<E: Exec>(
    work: &mut Work<'_, E>,
    changed: u64,
    sql: Sql,
    key: [Param<'_>; 1],
) -> Result<(), Error> {
    if changed > 0 {
        work.touched();
        return Ok(());
    }
    known(work, sql, key).await
}

async fn known<E: Exec>(work: &mut Work<'_, E>, sql: Sql, key: [Param<'_>; 1]) -> Result<(), Error> {
    if work.exists(sql, key).await? { Ok(()) } else { Err(Error::Stale) }
}
