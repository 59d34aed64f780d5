//! Settings, guards, domains.

use crate::error::Error;
use crate::rows::DomainRow;
use crate::sql::{Fields, Query, Sql, binds};
use bailiwick_domain::ids::{IntegrationId, Millis};

pub(crate) fn value(key: &str) -> Query<'_, String> {
    Query::new(Sql::same("SELECT value FROM setting WHERE key = ?1"), binds![key], |row| row.string(0))
}

pub(crate) fn guard(key: &str) -> Query<'_, i64> {
    Query::new(Sql::same("SELECT version FROM guard WHERE key = ?1"), binds![key], |row| row.int(0))
}

pub(crate) fn domains() -> Query<'static, DomainRow> {
    Query::new(Sql::same("SELECT name, integration, method, created FROM domain ORDER BY name"), [], domain_row)
}

pub(crate) fn domain(name: &str) -> Query<'_, DomainRow> {
    let sql = Sql::same("SELECT name, integration, method, created FROM domain WHERE name = ?1");
    Query::new(sql, binds![name], domain_row)
}

fn domain_row(row: &dyn Fields) -> Result<DomainRow, Error> {
    Ok(DomainRow {
        name: row.string(0)?,
        integration: IntegrationId(row.int(1)?),
        method: row.string(2)?,
        created: Millis(row.int(3)?),
    })
}
