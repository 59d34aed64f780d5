//! Integrations, their tokens and how they fare.

use crate::change::IntegrationSettings;
use crate::error::Error;
use crate::rows::{CallTotal, IntegrationRow, TokenRow};
use crate::sqlite::{Engine, SCAN_BUDGET};
use bailiwick_domain::ids::{IntegrationId, Millis};
use rusqlite::{OptionalExtension as _, Row};

/// Columns of an integration, read by [`integration`].
macro_rules! integration_columns {
    () => {
        "i.id, i.name, i.preset, i.quirks, i.paused, i.rate_limit, i.user_name_email, i.sign_in_claim, i.users,
         i.groups, i.nested, i.created, s.last_call, s.last_success, s.last_failure"
    };
}

/// Columns of a token, read by [`token`].
macro_rules! token_columns {
    () => {
        "t.id, t.integration, t.label, t.digest, t.created, t.expires, t.revoked, t.last_used"
    };
}

impl Engine {
    pub(crate) fn token_by_digest(&self, digest: &[u8; 32]) -> Result<Option<(TokenRow, IntegrationRow)>, Error> {
        let reader = self.reader()?;
        let mut statement = reader.prepare_cached(concat!(
            "SELECT ",
            token_columns!(),
            ", ",
            integration_columns!(),
            " FROM token AS t JOIN integration AS i ON i.id = t.integration
             LEFT JOIN integration_seen AS s ON s.integration = i.id WHERE t.digest = ?1"
        ))?;
        Ok(statement.query_row([digest], |row| Ok((token(row)?, integration(row, 8)?))).optional()?)
    }

    pub(crate) fn tokens(&self, of: Option<IntegrationId>) -> Result<Vec<TokenRow>, Error> {
        let reader = self.reader()?;
        let mut statement = reader.prepare_cached(concat!(
            "SELECT ",
            token_columns!(),
            " FROM token AS t WHERE ?1 IS NULL OR t.integration = ?1 ORDER BY t.integration, t.created, t.id"
        ))?;
        Ok(statement.query_map([of.map(|id| id.0)], token)?.collect::<rusqlite::Result<_>>()?)
    }

    pub(crate) fn integrations(&self) -> Result<Vec<IntegrationRow>, Error> {
        let reader = self.reader()?;
        let mut statement = reader.prepare_cached(concat!(
            "SELECT ",
            integration_columns!(),
            " FROM integration AS i LEFT JOIN integration_seen AS s ON s.integration = i.id ORDER BY i.name"
        ))?;
        Ok(statement.query_map([], |row| integration(row, 0))?.collect::<rusqlite::Result<_>>()?)
    }

    pub(crate) fn integration(&self, id: IntegrationId) -> Result<Option<IntegrationRow>, Error> {
        let reader = self.reader()?;
        let mut statement = reader.prepare_cached(concat!(
            "SELECT ",
            integration_columns!(),
            " FROM integration AS i LEFT JOIN integration_seen AS s ON s.integration = i.id WHERE i.id = ?1"
        ))?;
        Ok(statement.query_row([id.0], |row| integration(row, 0)).optional()?)
    }

    pub(crate) fn integration_by_name(&self, name: &str) -> Result<Option<IntegrationRow>, Error> {
        let reader = self.reader()?;
        let mut statement = reader.prepare_cached(concat!(
            "SELECT ",
            integration_columns!(),
            " FROM integration AS i LEFT JOIN integration_seen AS s ON s.integration = i.id WHERE i.name = ?1"
        ))?;
        Ok(statement.query_row([name], |row| integration(row, 0)).optional()?)
    }

    /// Calls counted by the hour and calls recorded one by one, added up.
    pub(crate) async fn call_totals(&self, id: IntegrationId) -> Result<Vec<CallTotal>, Error> {
        self.scan(SCAN_BUDGET, move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT method, status, sum(calls) FROM call_count WHERE integration = ?1
                 GROUP BY method, status ORDER BY method, status",
            )?;
            let rows = statement.query_map([id.0], |row| {
                Ok(CallTotal { method: row.get(0)?, status: row.get(1)?, calls: unsigned(row, 2)? })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }
}

fn token(row: &Row<'_>) -> rusqlite::Result<TokenRow> {
    Ok(TokenRow {
        id: row.get(0)?,
        integration: IntegrationId(row.get(1)?),
        label: row.get(2)?,
        digest: row.get(3)?,
        created: Millis(row.get(4)?),
        expires: millis(row, 5)?,
        revoked: millis(row, 6)?,
        last_used: millis(row, 7)?,
    })
}

fn integration(row: &Row<'_>, first: usize) -> rusqlite::Result<IntegrationRow> {
    Ok(IntegrationRow {
        id: IntegrationId(row.get(first)?),
        name: row.get(first + 1)?,
        preset: row.get(first + 2)?,
        settings: IntegrationSettings {
            quirks: row.get(first + 3)?,
            paused: row.get(first + 4)?,
            rate_limit: row.get(first + 5)?,
            user_name_email: row.get(first + 6)?,
            sign_in_claim: row.get(first + 7)?,
        },
        users: unsigned(row, first + 8)?,
        groups: unsigned(row, first + 9)?,
        nested: unsigned(row, first + 10)?,
        created: Millis(row.get(first + 11)?),
        last_call: millis(row, first + 12)?,
        last_success: millis(row, first + 13)?,
        last_failure: millis(row, first + 14)?,
    })
}

pub(super) fn millis(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<Millis>> {
    Ok(row.get::<_, Option<i64>>(index)?.map(Millis))
}

pub(super) fn unsigned(row: &Row<'_>, index: usize) -> rusqlite::Result<u64> {
    Ok(u64::try_from(row.get::<_, i64>(index)?).unwrap_or(0))
}
