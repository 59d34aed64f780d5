//! Reads of integrations, tokens and calls.

use super::{Engine, Store};
use crate::error::Error;
use crate::rows::{CallTotal, IntegrationRow, TokenRow};
use bailiwick_domain::ids::IntegrationId;

impl Store {
    /// The token of that digest and its integration, whatever state they are in.
    pub async fn token_by_digest(&self, digest: &[u8; 32]) -> Result<Option<(TokenRow, IntegrationRow)>, Error> {
        match &self.engine {
            Engine::Sqlite(engine) => engine.token_by_digest(digest),
        }
    }

    /// The tokens of one integration, or all.
    pub async fn tokens(&self, of: Option<IntegrationId>) -> Result<Vec<TokenRow>, Error> {
        match &self.engine {
            Engine::Sqlite(engine) => engine.tokens(of),
        }
    }

    /// All integrations, by name.
    pub async fn integrations(&self) -> Result<Vec<IntegrationRow>, Error> {
        match &self.engine {
            Engine::Sqlite(engine) => engine.integrations(),
        }
    }

    /// An integration.
    pub async fn integration(&self, id: IntegrationId) -> Result<Option<IntegrationRow>, Error> {
        match &self.engine {
            Engine::Sqlite(engine) => engine.integration(id),
        }
    }

    /// An integration by its name.
    pub async fn integration_by_name(&self, name: &str) -> Result<Option<IntegrationRow>, Error> {
        match &self.engine {
            Engine::Sqlite(engine) => engine.integration_by_name(name),
        }
    }

    /// How many calls an integration made, by method and status: those counted and those recorded.
    pub async fn call_totals(&self, id: IntegrationId) -> Result<Vec<CallTotal>, Error> {
        match &self.engine {
            Engine::Sqlite(engine) => engine.call_totals(id).await,
        }
    }
}
