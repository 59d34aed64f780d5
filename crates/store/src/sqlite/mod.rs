//! The SQLite engine: one appender writes, pooled readers answer point reads, threads of their own run scans.
//!
//! Where to start reading: [`Engine::open`] wires everything, `appender` is the one way in, what a set of changes
//! does to the rows is in [`crate::commit`], what is asked in [`crate::sql`].

mod appender;
pub(crate) mod copy;
pub(crate) mod exec;
pub(crate) mod functions;
mod lock;
mod migrate;
pub(crate) mod page;
mod pool;

pub(crate) use pool::PooledReader;

use crate::change::{ChangeSet, Committed};
use crate::error::Error;
use crate::lanes::COMMON;
use crate::migration;
use crate::rows::{Export, VerifyReport};
use crate::seal;
use crate::sql::Query;
use crate::sql::read::events;
use crate::store::{OpenOptions, Role};
use appender::Appender;
use bailiwick_domain::ids::IntegrationId;
use pool::{Pool, Scans};
use rusqlite::{Connection, ErrorCode, ffi};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// An open SQLite store. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Engine {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    pool: Arc<Pool>,
    scans: Scans,
    appender: Appender,
    etag_key: [u8; 32],
    store_id: String,
    // Fields are dropped in order: the lock is given up when nothing of this process uses the store any more.
    _lock: Option<lock::Held>,
}

impl Engine {
    /// Opens the store in a folder, setting it up or migrating it first.
    pub(crate) fn open(dir: &Path, options: &OpenOptions) -> Result<Self, Error> {
        create_dir(dir)?;
        let lock = match options.role {
            Role::Serve => Some(lock::acquire(dir)?),
            Role::Command => None,
        };
        let path = dir.join("bailiwick.db");
        create_file(dir, &path)?;
        let mut writer = pool::open_writer(&path)?;
        migrate::run(&mut writer, dir, lock.is_some(), (options.clock)().0, &*options.entropy)?;
        let (store_id, etag_key) = identity(&writer)?;
        let appender = Appender::start(writer, options.role, Arc::clone(&options.clock))?;
        let scans = Scans::start(&path)?;
        let pool = Pool::new(path);
        Ok(Self { inner: Arc::new(Inner { pool, scans, appender, etag_key, store_id, _lock: lock }) })
    }

    /// A reader for point reads, to be used at once and given back.
    pub(crate) fn reader(&self) -> Result<PooledReader, Error> {
        self.inner.pool.take()
    }

    pub(crate) fn one<T>(&self, query: &Query<'_, T>) -> Result<Option<T>, Error> {
        exec::one(&*self.reader()?, query)
    }

    pub(crate) fn all<T>(&self, query: &Query<'_, T>) -> Result<Vec<T>, Error> {
        exec::all(&*self.reader()?, query)
    }

    /// All rows of a query that may take long.
    pub(crate) async fn scan_all<T: Send + 'static>(
        &self,
        budget: Duration,
        query: Query<'static, T>,
    ) -> Result<Vec<T>, Error> {
        self.scan(budget, move |connection| exec::all(connection, &query)).await
    }

    /// Runs what may take long on a thread of its own and stops it when its budget is used up.
    pub(crate) async fn scan<T: Send + 'static>(
        &self,
        budget: Duration,
        work: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.inner.scans.run(COMMON, budget, work).await
    }

    /// The same for a search of an integration, which waits for its turn among the integrations.
    pub(crate) async fn search<T: Send + 'static>(
        &self,
        integration: IntegrationId,
        budget: Duration,
        work: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.inner.scans.run(integration.0, budget, work).await
    }

    pub(crate) async fn commit(&self, set: ChangeSet) -> Result<Committed, Error> {
        self.inner.appender.commit(set).await
    }

    pub(crate) async fn commit_all(&self, sets: Vec<ChangeSet>) -> Result<Vec<Result<Committed, Error>>, Error> {
        self.inner.appender.commit_all(sets).await
    }

    pub(crate) fn generation(&self) -> u64 {
        self.inner.appender.generation()
    }

    pub(crate) fn followed_within(&self, span: Duration) -> bool {
        self.inner.appender.followed_within(span)
    }

    pub(crate) fn writable(&self) -> Result<(), Error> {
        self.inner.appender.writable()
    }

    pub(crate) async fn verify(&self, budget: Duration) -> Result<VerifyReport, Error> {
        self.scan(budget, |connection| exec::done(seal::verify(&connection))).await
    }

    pub(crate) async fn export(&self, budget: Duration, after: i64, limit: u32) -> Result<Export, Error> {
        self.scan(budget, move |connection| {
            let moment = connection.unchecked_transaction()?;
            exec::done(events::export(&&*moment, after, limit))
        })
        .await
    }

    pub(crate) async fn seal(&self) -> Result<u64, Error> {
        self.inner.appender.run(appender::seal_all).await
    }

    pub(crate) async fn erase(&self, seqs: Vec<i64>) -> Result<u64, Error> {
        self.inner.appender.run(move |desk| appender::erase(desk, &seqs)).await
    }

    pub(crate) fn etag_key(&self) -> [u8; 32] {
        self.inner.etag_key
    }

    pub(crate) fn store_id(&self) -> &str {
        &self.inner.store_id
    }
}

fn create_dir(dir: &Path) -> Result<(), Error> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    let shown = dir.display();
    match fs::metadata(dir) {
        Ok(found) if found.is_dir() => Ok(()),
        Ok(_) => Err(Error::Unavailable(format!("{shown} is a file, a folder is needed"))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            builder.create(dir).map_err(|error| Error::Unavailable(format!("{shown} cannot be created: {error}")))
        }
        Err(error) => Err(Error::Unavailable(format!("{shown} cannot be used: {error}"))),
    }
}

/// Creates the database file, readable by its owner alone, and makes its name durable.
fn create_file(dir: &Path, path: &Path) -> Result<(), Error> {
    let mut options = fs::OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let shown = path.display();
    let made = match options.open(path) {
        Ok(file) => file.sync_all().and_then(|()| fs::File::open(dir)?.sync_all()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            fs::OpenOptions::new().read(true).write(true).open(path).map(drop)
        }
        Err(error) => Err(error),
    };
    made.map_err(|error| match error.kind() {
        std::io::ErrorKind::StorageFull => Error::Full,
        _ => Error::Unavailable(format!("{shown} cannot be written: {error}")),
    })
}

fn identity(connection: &Connection) -> Result<(String, [u8; 32]), Error> {
    let read = |key: &str| -> Result<String, Error> {
        Ok(connection.query_row("SELECT value FROM setting WHERE key = ?1", [key], |row| row.get(0))?)
    };
    migration::identity(read("store_id")?, &read("etag_key")?)
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        let rusqlite::Error::SqliteFailure(failure, _) = &error else {
            return Self::Unavailable(error.to_string());
        };
        match (failure.code, failure.extended_code) {
            // The index of the log grows by truncating a file: its failure is a full disk, whatever else it says.
            (ErrorCode::DiskFull, _) | (_, ffi::SQLITE_IOERR_SHMSIZE) => Self::Full,
            (ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked, _) => {
                Self::Busy("another process is writing to the store".to_owned())
            }
            (ErrorCode::OperationInterrupted, _) => Self::Budget,
            (ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase, _) => Self::Broken(error.to_string()),
            _ => Self::Unavailable(error.to_string()),
        }
    }
}

/// Whether a statement failed on a unique index. Which one follows from the statement.
pub(crate) fn is_unique_clash(error: &rusqlite::Error) -> bool {
    matches!(error, rusqlite::Error::SqliteFailure(failure, _)
        if matches!(failure.extended_code, ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY))
}
