//! Reads of integrations, tokens and calls.

use super::{SCAN_BUDGET, Store};
use crate::error::Error;
use crate::rows::{CallTotal, IntegrationRow, TokenRow};
use crate::sql::read::integrations;
use bailiwick_domain::ids::IntegrationId;

impl Store {
    /// The token of that digest and its integration, whatever state they are in.
    pub async fn token_by_digest(&self, digest: &[u8; 32]) -> Result<Option<(TokenRow, IntegrationRow)>, Error> {
        self.engine.one(integrations::by_token(digest)).await
    }

    /// The tokens of one integration, or all.
    pub async fn tokens(&self, of: Option<IntegrationId>) -> Result<Vec<TokenRow>, Error> {
        self.engine.all(integrations::tokens(of)).await
    }

    /// All integrations, by name.
    pub async fn integrations(&self) -> Result<Vec<IntegrationRow>, Error> {
        self.engine.all(integrations::all()).await
    }

    /// An integration.
    pub async fn integration(&self, id: IntegrationId) -> Result<Option<IntegrationRow>, Error> {
        self.engine.one(integrations::by_id(id)).await
    }

    /// An integration by its name.
    pub async fn integration_by_name(&self, name: &str) -> Result<Option<IntegrationRow>, Error> {
        self.engine.one(integrations::by_name(name)).await
    }

    /// How many calls an integration made, by method and status: those counted and those recorded.
    pub async fn call_totals(&self, id: IntegrationId) -> Result<Vec<CallTotal>, Error> {
        self.engine.scan(SCAN_BUDGET, integrations::call_totals(id)).await
    }
}
