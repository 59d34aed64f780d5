//! Integrations, their tokens and how they fare.

use super::{maybe_millis, narrow};
use crate::change::IntegrationSettings;
use crate::error::Error;
use crate::rows::{CallTotal, IntegrationRow, TokenRow};
use crate::sql::{Fields, Query, Sql, binds};
use bailiwick_domain::ids::{IntegrationId, Millis};

/// Columns of an integration, read by [`integration_at`].
macro_rules! integration_columns {
    () => {
        "i.id, i.name, i.preset, i.quirks, i.paused, i.rate_limit, i.user_name_email, i.sign_in_claim, i.users,
         i.groups, i.nested, i.created, i.observe, i.guard_percent, i.guard_people, i.mapping, s.last_call, s.last_success, s.last_failure"
    };
}

/// Integrations with what was last seen of them; what follows is the condition or the order.
macro_rules! integrations {
    ($rest:literal) => {
        concat!(
            "SELECT ",
            integration_columns!(),
            " FROM integration AS i LEFT JOIN integration_seen AS s ON s.integration = i.id ",
            $rest
        )
    };
}

/// Columns of a token, read by [`token_row`].
macro_rules! token_columns {
    () => {
        "t.id, t.integration, t.label, t.digest, t.created, t.expires, t.revoked, t.last_used"
    };
}

/// A token with its integration.
pub(crate) fn by_token(digest: &[u8; 32]) -> Query<'_, (TokenRow, IntegrationRow)> {
    let sql = Sql::same(concat!(
        "SELECT ",
        token_columns!(),
        ", ",
        integration_columns!(),
        " FROM token AS t JOIN integration AS i ON i.id = t.integration
         LEFT JOIN integration_seen AS s ON s.integration = i.id WHERE t.digest = ?1"
    ));
    Query::new(sql, binds![digest], |row| Ok((token_row(row)?, integration_at(row, 8)?)))
}

/// The tokens of one integration, or all.
pub(crate) fn tokens(of: Option<IntegrationId>) -> Query<'static, TokenRow> {
    let sql = Sql::same(concat!(
        "SELECT ",
        token_columns!(),
        " FROM token AS t WHERE ?1 IS NULL OR t.integration = ?1 ORDER BY t.integration, t.created, t.id"
    ));
    Query::new(sql, binds![of.map(|id| id.0)], token_row)
}

pub(crate) fn all() -> Query<'static, IntegrationRow> {
    Query::new(Sql::same(integrations!("ORDER BY i.name")), [], integration_row)
}

pub(crate) fn by_id(id: IntegrationId) -> Query<'static, IntegrationRow> {
    Query::new(Sql::same(integrations!("WHERE i.id = ?1")), binds![id.0], integration_row)
}

pub(crate) fn by_name(name: &str) -> Query<'_, IntegrationRow> {
    Query::new(Sql::same(integrations!("WHERE i.name = ?1")), binds![name], integration_row)
}

/// Calls counted by the hour and calls recorded one by one, added up.
pub(crate) fn call_totals(id: IntegrationId) -> Query<'static, CallTotal> {
    let sql = Sql::same(
        "SELECT method, status, CAST(sum(calls) AS bigint) FROM call_count WHERE integration = ?1
         GROUP BY method, status ORDER BY method, status",
    );
    Query::new(sql, binds![id.0], |row| {
        Ok(CallTotal { method: row.string(0)?, status: narrow(row.int(1)?)?, calls: row.count(2)? })
    })
}

fn token_row(row: &dyn Fields) -> Result<TokenRow, Error> {
    let digest = row.bytes(3)?.try_into();
    Ok(TokenRow {
        id: row.string(0)?,
        integration: IntegrationId(row.int(1)?),
        label: row.string(2)?,
        digest: digest.map_err(|_| Error::Broken("the digest of a token is not 32 bytes long".to_owned()))?,
        created: Millis(row.int(4)?),
        expires: maybe_millis(row, 5)?,
        revoked: maybe_millis(row, 6)?,
        last_used: maybe_millis(row, 7)?,
    })
}

fn integration_row(row: &dyn Fields) -> Result<IntegrationRow, Error> {
    integration_at(row, 0)
}

/// An integration whose columns begin at `first`.
fn integration_at(row: &dyn Fields, first: usize) -> Result<IntegrationRow, Error> {
    Ok(IntegrationRow {
        id: IntegrationId(row.int(first)?),
        name: row.string(first + 1)?,
        preset: row.string(first + 2)?,
        settings: IntegrationSettings {
            quirks: narrow(row.int(first + 3)?)?,
            paused: row.flag(first + 4)?,
            rate_limit: row.maybe_int(first + 5)?.map(narrow).transpose()?,
            user_name_email: row.flag(first + 6)?,
            sign_in_claim: row.maybe_string(first + 7)?,
            observe: row.flag(first + 12)?,
            guard_percent: narrow(row.int(first + 13)?)?,
            guard_people: narrow(row.int(first + 14)?)?,
            mapping: row.maybe_string(first + 15)?,
        },
        users: row.count(first + 8)?,
        groups: row.count(first + 9)?,
        nested: row.count(first + 10)?,
        created: Millis(row.int(first + 11)?),
        last_call: maybe_millis(row, first + 16)?,
        last_success: maybe_millis(row, first + 17)?,
        last_failure: maybe_millis(row, first + 18)?,
    })
}
