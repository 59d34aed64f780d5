//! Reads of settings, guards and domains.

use super::{Engine, Store};
use crate::error::Error;
use crate::rows::DomainRow;

impl Store {
    /// A setting of the store.
    pub async fn setting(&self, key: &str) -> Result<Option<String>, Error> {
        match &self.engine {
            Engine::Sqlite(engine) => engine.setting(key),
        }
    }

    /// The version of a key of the guard table; 0 when it was never bumped.
    pub async fn guard(&self, key: &str) -> Result<i64, Error> {
        match &self.engine {
            Engine::Sqlite(engine) => engine.guard(key),
        }
    }

    /// The claimed domains, by name.
    pub async fn domains(&self) -> Result<Vec<DomainRow>, Error> {
        match &self.engine {
            Engine::Sqlite(engine) => engine.domains(),
        }
    }

    /// A claimed domain.
    pub async fn domain(&self, name: &str) -> Result<Option<DomainRow>, Error> {
        match &self.engine {
            Engine::Sqlite(engine) => engine.domain(name),
        }
    }
}
