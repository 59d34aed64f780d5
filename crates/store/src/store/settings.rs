//! Reads of settings, guards and domains.

use super::Store;
use crate::error::Error;
use crate::rows::DomainRow;
use crate::sql::read::settings;

impl Store {
    /// A setting of the store.
    pub async fn setting(&self, key: &str) -> Result<Option<String>, Error> {
        self.engine.one(settings::value(key)).await
    }

    /// The version of a key of the guard table; 0 when it was never bumped.
    pub async fn guard(&self, key: &str) -> Result<i64, Error> {
        Ok(self.engine.one(settings::guard(key)).await?.unwrap_or(0))
    }

    /// The claimed domains, by name.
    pub async fn domains(&self) -> Result<Vec<DomainRow>, Error> {
        self.engine.all(settings::domains()).await
    }

    /// A claimed domain.
    pub async fn domain(&self, name: &str) -> Result<Option<DomainRow>, Error> {
        self.engine.one(settings::domain(name)).await
    }
}
