//! Who calls: the integration comes from the token alone.

use crate::Refusal;
use crate::app::App;
use crate::error::of_store;
use bailiwick_domain::attributes::Mapping;
use bailiwick_domain::failure::{self, ProductCode};
use bailiwick_domain::guard::Thresholds;
use bailiwick_domain::ids::IntegrationId;
use bailiwick_domain::preset::Preset;
use bailiwick_domain::token::{self, TokenKind};
use bailiwick_scim::quirks::Quirks;
use bailiwick_scim::schema::Registry;
use bailiwick_store::rows::IntegrationRow;
use std::sync::Arc;

/// An integration as a call sees it.
#[derive(Clone, Debug)]
pub struct Integration {
    /// Id.
    pub id: IntegrationId,
    /// Name.
    pub name: String,
    /// Preset.
    pub preset: Preset,
    /// Quirks that are on.
    pub quirks: Quirks,
    /// Requests a second; `None` the default, 0 off.
    pub rate_limit: Option<u32>,
    /// Insists on a userName in e-mail form.
    pub user_name_email: bool,
    /// Whether its calls are refused for now.
    pub paused: bool,
    /// Whether what it says has no consequences yet.
    pub observe: bool,
    /// How much it may remove within an hour.
    pub thresholds: Thresholds,
    /// Which places of its Users fill which fields of persons.
    pub mapping: Arc<Mapping>,
    /// The version of mapping and mode, for whoever decides by them.
    pub settings_version: i64,
}

impl Integration {
    /// The row, read after the version of its settings was.
    pub(crate) fn of_row(row: &IntegrationRow, registry: &Registry, settings_version: i64) -> Self {
        Self {
            id: row.id,
            name: row.name.clone(),
            preset: Preset::from_name(&row.preset).unwrap_or(Preset::Generic),
            quirks: Quirks::from_bits(row.settings.quirks),
            rate_limit: row.settings.rate_limit,
            user_name_email: row.settings.user_name_email,
            paused: row.settings.paused,
            observe: row.settings.observe,
            thresholds: Thresholds { percent: row.settings.guard_percent, people: row.settings.guard_people },
            mapping: Arc::new(crate::attributes::mapping_of(row, registry)),
            settings_version,
        }
    }
}

impl App {
    /// The integration as it is now; `None` when it is gone.
    pub(crate) async fn integration_now(&self, id: IntegrationId) -> Result<Option<Integration>, Refusal> {
        // Version first: what changes in between makes the version too old, never the settings.
        let version = self.store().guard(&crate::manage::settings_key(id)).await.map_err(of_store)?;
        let row = self.store().integration(id).await.map_err(of_store)?;
        Ok(row.map(|row| Integration::of_row(&row, self.registry(), version)))
    }
}

/// An authenticated caller.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Whose token it is.
    pub integration: Arc<Integration>,
    /// Id of the token.
    pub token: Arc<str>,
}

/// The outcome of authentication.
#[derive(Debug)]
pub enum Identified {
    /// Known and allowed.
    Caller(Caller),
    /// Refused; `known` when the token is one of ours, so that the refusal is recorded under its integration.
    Refused {
        /// Why.
        refusal: Refusal,
        /// Whose token it was.
        known: Option<Caller>,
    },
}

impl App {
    /// Authenticates a bearer token.
    pub async fn identify(&self, bearer: Option<&str>) -> Identified {
        let Some(text) = bearer.filter(|text| !text.is_empty()) else {
            return refused(ProductCode::TokenMissing, "Send the integration's API token as Authorization: Bearer.");
        };
        if TokenKind::of(text).is_some_and(|kind| kind != TokenKind::Integration) {
            return refused(
                ProductCode::TokenForApi,
                "This token is for the API of Bailiwick. SCIM takes the token of an integration.",
            );
        }
        if !token::well_formed(text) {
            return refused(
                ProductCode::TokenMalformed,
                "This is not an API token of Bailiwick: it was cut or altered.",
            );
        }
        let known = match self.tokens().find(self, &token::digest(text)).await {
            Ok(known) => known,
            Err(refusal) => return Identified::Refused { refusal, known: None },
        };
        let Some(known) = known else {
            return refused(ProductCode::TokenUnknown, "This API token is not known here.");
        };
        let caller = Caller { integration: known.integration.clone(), token: known.id.clone() };
        let refusal = if known.revoked {
            failure::error(ProductCode::TokenRevoked, "This API token was revoked.")
        } else if known.expires.is_some_and(|expires| expires <= self.clock().now()) {
            failure::error(ProductCode::TokenExpired, "This API token has expired.")
        } else if caller.integration.paused {
            failure::error(ProductCode::IntegrationPaused, "This integration is paused by an admin.")
        } else {
            return Identified::Caller(caller);
        };
        Identified::Refused { refusal, known: Some(caller) }
    }
}

fn refused(code: ProductCode, detail: &str) -> Identified {
    Identified::Refused { refusal: failure::error(code, detail), known: None }
}
