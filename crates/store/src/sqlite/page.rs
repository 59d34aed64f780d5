//! Pages of Users and Groups on SQLite: what is short is read inline, the rest on the threads for scans.

use rusqlite::Connection;

use super::Engine;
use super::exec::done;
use crate::error::Error;
use crate::query::PageQuery;
use crate::rows::Page;
use crate::sql::Dialect;
use crate::sql::page::{self, BUDGET, found_by_point, is_quick};

impl Engine {
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
