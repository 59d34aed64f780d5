//! The engines, behind one set of methods. Every method names each of them, so that none can be forgotten. An open store
//! branches between them nowhere else; moving one from engine to engine does so in `copy.rs`.

use super::{Location, OpenOptions};
use crate::change::{ChangeSet, Committed};
use crate::error::Error;
use crate::query::PageQuery;
use crate::rows::{Export, Page, VerifyReport};
use crate::sql::{Dialect, Query};
use crate::{postgres, sqlite};
use std::time::Duration;

/// How long a listing, a search or a report may take.
pub(crate) const SCAN_BUDGET: Duration = Duration::from_secs(10);
/// Verifying reads everything there is; it stops only if the machine is beyond help.
const VERIFY_BUDGET: Duration = Duration::from_secs(3_600);

/// An open store. Cheap to clone.
///
/// What waits for a database or a thread is boxed: it is kilobytes large, and a use case that reads several things at
/// once holds several of them, inside of whatever called it. Beside the wait an allocation is nothing.
#[derive(Clone, Debug)]
pub(crate) enum Engine {
    Postgres(postgres::Engine),
    Sqlite(sqlite::Engine),
}

impl Engine {
    pub(super) async fn open(options: &OpenOptions) -> Result<Self, Error> {
        match &options.location {
            Location::Folder(dir) => Ok(Self::Sqlite(sqlite::Engine::open(dir, options)?)),
            Location::Postgres(url) => Ok(Self::Postgres(postgres::Engine::open(url, options).await?)),
        }
    }

    pub(super) fn dialect(&self) -> Dialect {
        match self {
            Self::Postgres(_) => Dialect::Postgres,
            Self::Sqlite(_) => Dialect::Sqlite,
        }
    }

    /// The first row of a query that looks at few rows.
    pub(super) async fn one<T: Send + 'static>(&self, query: Query<'_, T>) -> Result<Option<T>, Error> {
        match self {
            Self::Postgres(engine) => Box::pin(engine.one(&query)).await,
            Self::Sqlite(engine) => engine.one(&query),
        }
    }

    /// All rows of a query that looks at few rows.
    pub(super) async fn all<T: Send + 'static>(&self, query: Query<'_, T>) -> Result<Vec<T>, Error> {
        match self {
            Self::Postgres(engine) => Box::pin(engine.all(&query)).await,
            Self::Sqlite(engine) => engine.all(&query),
        }
    }

    /// All rows of a query that may take long, and is stopped when its budget is used up.
    pub(super) async fn scan<T: Send + 'static>(
        &self,
        budget: Duration,
        query: Query<'static, T>,
    ) -> Result<Vec<T>, Error> {
        match self {
            Self::Postgres(engine) => Box::pin(engine.scan_all(budget, &query)).await,
            Self::Sqlite(engine) => Box::pin(engine.scan_all(budget, query)).await,
        }
    }

    pub(super) async fn page(&self, query: PageQuery) -> Result<Page, Error> {
        match self {
            Self::Postgres(engine) => Box::pin(engine.page(query)).await,
            Self::Sqlite(engine) => Box::pin(engine.page(query)).await,
        }
    }

    pub(super) async fn verify(&self) -> Result<VerifyReport, Error> {
        match self {
            Self::Postgres(engine) => Box::pin(engine.verify(VERIFY_BUDGET)).await,
            Self::Sqlite(engine) => Box::pin(engine.verify(VERIFY_BUDGET)).await,
        }
    }

    pub(super) async fn export(&self, after: i64, limit: u32) -> Result<Export, Error> {
        match self {
            Self::Postgres(engine) => Box::pin(engine.export(SCAN_BUDGET, after, limit)).await,
            Self::Sqlite(engine) => Box::pin(engine.export(SCAN_BUDGET, after, limit)).await,
        }
    }

    pub(super) async fn seal(&self) -> Result<u64, Error> {
        match self {
            Self::Postgres(engine) => engine.seal().await,
            Self::Sqlite(engine) => engine.seal().await,
        }
    }

    pub(super) async fn erase(&self, seqs: Vec<i64>) -> Result<u64, Error> {
        match self {
            Self::Postgres(engine) => engine.erase(seqs).await,
            Self::Sqlite(engine) => engine.erase(seqs).await,
        }
    }

    pub(super) async fn commit(&self, set: ChangeSet) -> Result<Committed, Error> {
        match self {
            Self::Postgres(engine) => engine.commit(set).await,
            Self::Sqlite(engine) => engine.commit(set).await,
        }
    }

    pub(super) async fn commit_all(&self, sets: Vec<ChangeSet>) -> Result<Vec<Result<Committed, Error>>, Error> {
        match self {
            Self::Postgres(engine) => engine.commit_all(sets).await,
            Self::Sqlite(engine) => engine.commit_all(sets).await,
        }
    }

    pub(super) fn generation(&self) -> u64 {
        match self {
            Self::Postgres(engine) => engine.generation(),
            Self::Sqlite(engine) => engine.generation(),
        }
    }

    pub(super) fn followed_within(&self, span: Duration) -> bool {
        match self {
            Self::Postgres(engine) => engine.followed_within(span),
            Self::Sqlite(engine) => engine.followed_within(span),
        }
    }

    pub(super) fn writable(&self) -> Result<(), Error> {
        match self {
            Self::Postgres(engine) => engine.writable(),
            Self::Sqlite(engine) => engine.writable(),
        }
    }

    pub(super) async fn close(&self) {
        match self {
            Self::Postgres(engine) => engine.close().await,
            Self::Sqlite(_) => {}
        }
    }

    pub(super) fn etag_key(&self) -> [u8; 32] {
        match self {
            Self::Postgres(engine) => engine.etag_key(),
            Self::Sqlite(engine) => engine.etag_key(),
        }
    }

    pub(super) fn store_id(&self) -> &str {
        match self {
            Self::Postgres(engine) => engine.store_id(),
            Self::Sqlite(engine) => engine.store_id(),
        }
    }
}
