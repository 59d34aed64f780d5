//! What admins do, on the command line today: integrations, tokens, persons, conflicts, admins, domains.

mod admins;
mod conflicts;
mod domains;
mod integrations;
mod persons;
mod tokens;

pub use admins::{Admin, NewAdmin, create_admin, list_admins, recover_admin};
pub use conflicts::{
    Decided, Evidence, IfLinked, Side, SideGrant, SideUser, keep_conflict, link_conflict, list_conflicts,
    rename_conflict, show_conflict,
};
pub use domains::{claim_domain, list_domains, release_domain};
pub(crate) use integrations::settings_key;
pub use integrations::{
    CreatedIntegration, IntegrationReport, NewIntegration, RATE_MAX_PER_SECOND, Setting, create_integration,
    delete_integration, find_integration, integration_version, list_integrations, pause_integration,
    resume_integration, set_integration, set_integration_at, show_integration,
};
pub use persons::{PersonReport, list_persons, show_person};
pub use tokens::{TokenMade, create_token, list_tokens, revoke_token, rotate_token};

use crate::Refusal;
use crate::app::App;
use crate::error::of_store;
use bailiwick_domain::event::EventKind;
use bailiwick_domain::ids::IntegrationId;
use bailiwick_scim::Code;
use bailiwick_store::change::NewEvent;
use bailiwick_store::rows::IntegrationRow;
use bailiwick_store::{ChangeSet, Committed, Error, Write};
use serde_json::Value;

/// How often a command reads and decides again.
pub(crate) const ATTEMPTS: usize = 16;

/// An event caused by whoever acts. Who has the host is trusted, and named `host`.
pub(crate) fn event(
    app: &App,
    kind: EventKind,
    integration: Option<IntegrationId>,
    person: Option<String>,
    payload: Value,
) -> NewEvent {
    NewEvent {
        kind,
        integration,
        request: app.request_id(),
        resource: None,
        person,
        actor: app.actor().to_owned(),
        call: None,
        payload,
        salt: app.random(),
    }
}

/// Commits writes with their events.
pub(crate) async fn commit(app: &App, writes: Vec<Write>, events: Vec<NewEvent>) -> Result<Committed, Refusal> {
    let set = ChangeSet { at: app.clock().now(), guards: Vec::new(), writes, events };
    app.store().commit(set).await.map_err(of_store)
}

/// `None` when a precondition was stale.
pub(crate) async fn commit_guarded(app: &App, set: ChangeSet) -> Result<Option<Committed>, Refusal> {
    match app.store().commit(set).await {
        Ok(committed) => Ok(Some(committed)),
        Err(Error::Stale) => Ok(None),
        Err(error) => Err(of_store(error)),
    }
}

async fn named(app: &App, name: &str) -> Result<IntegrationRow, Refusal> {
    app.store().integration_by_name(name).await.map_err(of_store)?.ok_or_else(|| unknown(name))
}

fn unknown(name: &str) -> Refusal {
    missing(format!("There is no integration named \"{name}\". See: bailiwick integration list"))
}

pub(crate) fn missing(detail: String) -> Refusal {
    Refusal::new(Code::NotFound, detail)
}

pub(crate) fn invalid(detail: impl Into<String>) -> Refusal {
    Refusal::new(Code::ValueInvalid, detail)
}

pub(crate) fn taken(detail: String) -> Refusal {
    Refusal::new(Code::Uniqueness, detail)
}
