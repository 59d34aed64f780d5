//! The store handle: one API, whichever engine is behind it.

mod catalog;
mod engine;
mod events;
mod grants;
mod integrations;
mod keep;
mod leavers;
mod persons;
mod resources;
mod settings;

pub(crate) use engine::SCAN_BUDGET;

use crate::change::{ChangeSet, Committed};
use crate::error::Error;
use crate::postgres::DatabaseUrl;
use bailiwick_domain::ids::Millis;
use engine::Engine;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The wall clock handed in at wiring.
pub type Clock = Arc<dyn Fn() -> Millis + Send + Sync>;
/// Fills bytes at random; handed in at wiring.
pub type Entropy = Arc<dyn Fn(&mut [u8]) + Send + Sync>;

/// What the process is to the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The one server: holds the lock of the store and seals events.
    Serve,
    /// A command, beside a server or without one.
    Command,
}

/// Where a store is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// In a folder of this machine, by SQLite; made if missing.
    Folder(PathBuf),
    /// In a database of PostgreSQL.
    Postgres(DatabaseUrl),
}

/// How to open a store.
#[derive(Clone)]
pub struct OpenOptions {
    /// Where it is.
    pub location: Location,
    /// What the process is to it.
    pub role: Role,
    /// The wall clock.
    pub clock: Clock,
    /// Randomness for the secrets of a new store.
    pub entropy: Entropy,
}

impl fmt::Debug for OpenOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenOptions")
            .field("location", &self.location)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

/// One store = one organisation. Cheap to clone; the store is closed with its last handle.
#[derive(Clone, Debug)]
pub struct Store {
    engine: Engine,
}

impl Store {
    /// Opens a store, setting it up or migrating it first. Blocks while it does; meant for the start of a process. On
    /// PostgreSQL it needs a tokio runtime, which has to live as long as the store.
    pub async fn open(options: &OpenOptions) -> Result<Self, Error> {
        Ok(Self { engine: Engine::open(options).await? })
    }

    /// Commits one set of changes, durably and as a whole.
    pub async fn commit(&self, set: ChangeSet) -> Result<Committed, Error> {
        self.engine.commit(set).await
    }

    /// Commits several sets in order and in one transaction; each succeeds or fails by itself.
    pub async fn commit_all(&self, sets: Vec<ChangeSet>) -> Result<Vec<Result<Committed, Error>>, Error> {
        self.engine.commit_all(sets).await
    }

    /// Changes whenever something that callers keep in memory (integrations, tokens, domains, settings) may have
    /// changed, by this process or another.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.engine.generation()
    }

    /// Whether changes of other processes were looked for within this span. If not, nothing kept in memory counts.
    #[must_use]
    pub fn followed_within(&self, span: Duration) -> bool {
        self.engine.followed_within(span)
    }

    /// Whether commits can succeed, as far as the last ones tell. Cheap.
    pub fn writable(&self) -> Result<(), Error> {
        self.engine.writable()
    }

    /// Gives back at once what other processes wait for, at the orderly end of a server. What was begun goes on; the
    /// store is closed with its last handle.
    pub async fn close(&self) {
        self.engine.close().await;
    }

    /// The key of the ETags of this store.
    #[must_use]
    pub fn etag_key(&self) -> [u8; 32] {
        self.engine.etag_key()
    }

    /// The id of this store, the same for ever.
    #[must_use]
    pub fn store_id(&self) -> &str {
        self.engine.store_id()
    }
}
