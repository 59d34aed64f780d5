//! Users, Groups, members and their pages on SQLite: what is short is read inline, the rest on the threads for scans.

use bailiwick_domain::ids::{IntegrationId, Kind};
use rusqlite::Connection;

use super::exec::done;
use super::{Engine, SCAN_BUDGET};
use crate::error::Error;
use crate::query::PageQuery;
use crate::rows::{MemberRef, Page, ResourceRow};
use crate::sql::Dialect;
use crate::sql::page::{self, BUDGET, found_by_point, is_quick};
use crate::sql::read::resources;

/// More than this is read on a thread of its own.
const INLINE_ROWS: usize = 1_000;

impl Engine {
    pub(crate) fn resource(
        &self,
        integration: IntegrationId,
        kind: Kind,
        id: &str,
        with_groups: bool,
    ) -> Result<Option<ResourceRow>, Error> {
        self.one(&resources::by_id(integration, kind, id, with_groups))
    }

    pub(crate) async fn member_refs(
        &self,
        integration: IntegrationId,
        ids: &[String],
    ) -> Result<Vec<Option<MemberRef>>, Error> {
        let query = resources::member_refs(integration, ids);
        let found = match ids.len() <= INLINE_ROWS {
            true => self.all(&query)?,
            false => self.scan_all(SCAN_BUDGET, query.into_owned()).await?,
        };
        Ok(resources::in_order(ids, found))
    }

    pub(crate) async fn members(&self, group: i64, after: Option<i64>, limit: u64) -> Result<Vec<MemberRef>, Error> {
        let query = resources::members(group, after, limit);
        match limit <= INLINE_ROWS as u64 {
            true => self.all(&query),
            false => self.scan_all(SCAN_BUDGET, query).await,
        }
    }

    pub(crate) fn members_up_to(&self, group: i64, limit: u64) -> Result<u64, Error> {
        Ok(self.one(&resources::members_up_to(group, limit))?.unwrap_or(0))
    }

    pub(crate) async fn page(&self, query: PageQuery) -> Result<Page, Error> {
        let inline = {
            let reader = self.reader()?;
            match done(found_by_point(&&*reader, &query))? {
                None if is_quick(&query) => Some(read(&reader, &query)?),
                found => found,
            }
        };
        match inline {
            Some(page) => Ok(page),
            None => self.search(query.integration, BUDGET, move |connection| read(connection, &query)).await,
        }
    }
}

/// A page on one moment of the store.
pub(crate) fn read(connection: &Connection, query: &PageQuery) -> Result<Page, Error> {
    let _moment = Moment::begin(connection)?;
    done(page::read(&connection, query, Dialect::Sqlite))
}

/// A read transaction, ended when it is dropped.
struct Moment<'c>(&'c Connection);

impl<'c> Moment<'c> {
    fn begin(connection: &'c Connection) -> Result<Self, Error> {
        connection.prepare_cached("BEGIN")?.execute([])?;
        Ok(Self(connection))
    }
}

impl Drop for Moment<'_> {
    fn drop(&mut self) {
        // Nothing was written, so there is nothing to lose; an interrupted statement may have ended it already.
        if let Ok(mut statement) = self.0.prepare_cached("COMMIT") {
            let _ = statement.execute([]);
        }
        if !self.0.is_autocommit() {
            let _ = self.0.execute_batch("ROLLBACK");
        }
    }
}
