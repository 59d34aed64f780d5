//! Settings, guards, domains.

use crate::error::Error;
use crate::rows::DomainRow;
use crate::sqlite::Engine;
use bailiwick_domain::ids::{IntegrationId, Millis};
use rusqlite::{OptionalExtension as _, Row};

impl Engine {
    pub(crate) fn setting(&self, key: &str) -> Result<Option<String>, Error> {
        let reader = self.reader()?;
        let mut statement = reader.prepare_cached("SELECT value FROM setting WHERE key = ?1")?;
        Ok(statement.query_row([key], |row| row.get(0)).optional()?)
    }

    pub(crate) fn guard(&self, key: &str) -> Result<i64, Error> {
        let reader = self.reader()?;
        let mut statement = reader.prepare_cached("SELECT version FROM guard WHERE key = ?1")?;
        Ok(statement.query_row([key], |row| row.get(0)).optional()?.unwrap_or(0))
    }

    pub(crate) fn domains(&self) -> Result<Vec<DomainRow>, Error> {
        let reader = self.reader()?;
        let mut statement =
            reader.prepare_cached("SELECT name, integration, method, created FROM domain ORDER BY name")?;
        Ok(statement.query_map([], domain)?.collect::<rusqlite::Result<_>>()?)
    }

    pub(crate) fn domain(&self, name: &str) -> Result<Option<DomainRow>, Error> {
        let reader = self.reader()?;
        let mut statement =
            reader.prepare_cached("SELECT name, integration, method, created FROM domain WHERE name = ?1")?;
        Ok(statement.query_row([name], domain).optional()?)
    }
}

fn domain(row: &Row<'_>) -> rusqlite::Result<DomainRow> {
    Ok(DomainRow {
        name: row.get(0)?,
        integration: IntegrationId(row.get(1)?),
        method: row.get(2)?,
        created: Millis(row.get(3)?),
    })
}
