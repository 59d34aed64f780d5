//! Claimed e-mail domains: one belongs to one integration. Who has the host is trusted to claim.

use super::{commit, event, invalid, missing, named, taken};
use crate::Refusal;
use crate::app::App;
use crate::error::of_store;
use bailiwick_domain::event::EventKind;
use bailiwick_domain::names;
use bailiwick_store::rows::DomainRow;
use bailiwick_store::{ChangeSet, Constraint, Error, Write};
use serde_json::json;

/// Claims a domain for an integration.
///
/// # Errors
/// An unknown integration, a malformed or taken domain, or when the store cannot answer.
pub async fn claim_domain(app: &App, domain: &str, integration: &str) -> Result<(), Refusal> {
    let name = names::domain_name(domain).map_err(invalid)?;
    let integration = named(app, integration).await?;
    let event = event(app, EventKind::DomainClaim, Some(integration.id), None, json!({ "domain": name }));
    let write = Write::ClaimDomain { name: name.clone(), integration: integration.id, method: "host".to_owned() };
    let set = ChangeSet { at: app.clock().now(), guards: Vec::new(), writes: vec![write], events: vec![event] };
    match app.store().commit(set).await {
        Ok(_) => Ok(()),
        Err(Error::Conflict(Constraint::Domain)) => Err(taken(format!("The domain {name} is claimed already."))),
        Err(error) => Err(of_store(error)),
    }
}

/// Gives up a claim.
///
/// # Errors
/// A domain that is not claimed, or when the store cannot answer.
pub async fn release_domain(app: &App, domain: &str) -> Result<(), Refusal> {
    let name = names::domain_name(domain).map_err(invalid)?;
    let row = app.store().domain(&name).await.map_err(of_store)?;
    let row = row.ok_or_else(|| missing(format!("The domain {name} is not claimed.")))?;
    let event = event(app, EventKind::DomainRelease, Some(row.integration), None, json!({ "domain": name }));
    commit(app, vec![Write::ReleaseDomain { name }], vec![event]).await?;
    Ok(())
}

/// All claimed domains with the integration's name.
///
/// # Errors
/// When the store cannot answer.
pub async fn list_domains(app: &App) -> Result<Vec<(DomainRow, String)>, Refusal> {
    let integrations = app.store().integrations().await.map_err(of_store)?;
    let domains = app.store().domains().await.map_err(of_store)?;
    let named = |row: DomainRow| {
        let name = integrations.iter().find(|integration| integration.id == row.integration)?.name.clone();
        Some((row, name))
    };
    Ok(domains.into_iter().filter_map(named).collect())
}
