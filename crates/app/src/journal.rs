//! The journal: every write and every refused or failed call, in words.

use crate::Refusal;
use crate::app::App;
use crate::call::Call;
use crate::error::of_store;
use bailiwick_domain::event::EventKind;
use bailiwick_domain::failure;
use bailiwick_domain::ids::IntegrationId;
use bailiwick_domain::preset::Preset;
use bailiwick_domain::token;
use bailiwick_store::change::CallFacts;
use bailiwick_store::query::EventQuery;
use bailiwick_store::rows::{EventRow, FailureGroup};
use bailiwick_store::{ChangeSet, NewEvent};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::time::Duration;

/// Writes the ProvisioningRecord of a refused or failed call. Never fails the call: trouble is logged.
pub async fn record_refusal(app: &App, call: &Call, refusal: &Refusal) {
    record(app, vec![refused(app, call, refusal)]).await;
}

/// The ProvisioningRecord of a refused or failed call, to be written with [`record`].
pub(crate) fn refused(app: &App, call: &Call, refusal: &Refusal) -> NewEvent {
    app.count_use(&call.caller);
    let kind = if refusal.status == 401 || refusal.code == "integration-paused" {
        EventKind::CallUnauthenticated
    } else {
        EventKind::CallRefused
    };
    call.refused(app, kind, refusal)
}

/// A call of the REST API, as the journal keeps a refused one.
#[derive(Clone, Debug)]
pub struct ApiCall {
    /// HTTP method.
    pub method: &'static str,
    /// Name of the operation, or the path when nothing is there.
    pub operation: String,
    /// What the braces of the path stand for.
    pub target: String,
    /// User-Agent, at most 200 characters.
    pub agent: String,
    /// The person who calls, if it is one.
    pub person: Option<String>,
    /// Clock reading when the head was read.
    pub started: Duration,
}

/// Writes the record of a refused or failed call of the REST API. Never fails the call: trouble is logged. `app` acts
/// for the caller.
pub async fn record_api_refusal(app: &App, call: &ApiCall, refusal: &Refusal) {
    let duration = app.clock().monotonic().saturating_sub(call.started);
    let payload = json!({
        "operation": token::masked(&call.operation),
        "target": token::masked(&call.target),
        "agent": token::masked(&call.agent),
        "detail": token::masked(&refusal.detail),
    });
    let event = NewEvent {
        kind: EventKind::ApiRefused,
        integration: None,
        request: app.request_id(),
        resource: None,
        person: call.person.clone(),
        actor: app.actor().to_owned(),
        call: Some(CallFacts {
            method: call.method.to_owned(),
            status: refusal.status,
            code: Some(refusal.code.to_owned()),
            duration_us: u64::try_from(duration.as_micros()).unwrap_or(u64::MAX),
        }),
        payload,
        salt: app.random(),
    };
    record(app, vec![event]).await;
}

/// Writes records of calls that changed nothing.
pub(crate) async fn record(app: &App, events: Vec<NewEvent>) {
    if events.is_empty() {
        return;
    }
    let set = ChangeSet { at: app.clock().now(), events, ..ChangeSet::default() };
    if let Err(error) = app.store().commit(set).await {
        tracing::warn!(%error, "refusals not recorded");
    }
}

/// A line of the journal with what a person wants to know about it.
#[derive(Debug)]
pub struct Entry {
    /// The event.
    pub event: EventRow,
    /// Name of the integration.
    pub integration: Option<String>,
    /// Cause and remedy of a failure, in the provider's own terms.
    pub explained: Option<(&'static str, &'static str)>,
}

impl Entry {
    /// A text of the payload.
    #[must_use]
    pub fn said(&self, key: &str) -> Option<&str> {
        self.event.payload.as_ref()?.get(key)?.as_str()
    }

    /// Names of the quirks that repaired the request.
    #[must_use]
    pub fn repairs(&self) -> Vec<(&str, &str)> {
        let repairs = self.event.payload.as_ref().and_then(|payload| payload.get("repairs")).and_then(Value::as_array);
        repairs
            .into_iter()
            .flatten()
            .filter_map(|repair| Some((repair.get("quirk")?.as_str()?, repair.get("note")?.as_str()?)))
            .collect()
    }
}

/// Reads the journal.
///
/// # Errors
/// When the store cannot answer.
pub async fn list_log(app: &App, query: EventQuery) -> Result<Vec<Entry>, Refusal> {
    let events = app.store().events(query).await.map_err(of_store)?;
    explain(app, events).await
}

/// One entry by its number (`evt_12` or `12`), or all that one request caused by its id.
///
/// # Errors
/// When the store cannot answer.
pub async fn show_log(app: &App, id: &str) -> Result<Vec<Entry>, Refusal> {
    let number = id.strip_prefix("evt_").unwrap_or(id).parse::<i64>().ok();
    let events = match number {
        Some(seq) => app.store().event(seq).await.map_err(of_store)?.into_iter().collect(),
        None => app.store().events_of_request(id).await.map_err(of_store)?,
    };
    explain(app, events).await
}

/// Equal failures, grouped, with cause and remedy.
#[derive(Debug)]
pub struct FailureSummary {
    /// The group.
    pub group: FailureGroup,
    /// Name of the integration.
    pub integration: Option<String>,
    /// One sentence.
    pub cause: &'static str,
    /// One sentence.
    pub remedy: &'static str,
}

/// Groups failures of one integration or of all.
///
/// # Errors
/// When the store cannot answer.
pub async fn failure_groups(
    app: &App,
    integration: Option<IntegrationId>,
    since: Option<bailiwick_domain::ids::Millis>,
) -> Result<Vec<FailureSummary>, Refusal> {
    let names = integrations(app).await?;
    let groups = app.store().failure_groups(integration, since).await.map_err(of_store)?;
    let summary = |group: FailureGroup| {
        let known = group.integration.and_then(|id| names.get(&id));
        let preset = known.map_or(Preset::Generic, |(_, preset)| *preset);
        let (cause, remedy) = failure::explain(&group.code, preset);
        FailureSummary { integration: known.map(|(name, _)| name.clone()), group, cause, remedy }
    };
    Ok(groups.into_iter().map(summary).collect())
}

async fn explain(app: &App, events: Vec<EventRow>) -> Result<Vec<Entry>, Refusal> {
    let names = integrations(app).await?;
    let entry = |event: EventRow| {
        let known = event.integration.and_then(|id| names.get(&id));
        let preset = known.map_or(Preset::Generic, |(_, preset)| *preset);
        let explained = event.code.as_deref().map(|code| failure::explain(code, preset));
        Entry { integration: known.map(|(name, _)| name.clone()), explained, event }
    };
    Ok(events.into_iter().map(entry).collect())
}

async fn integrations(app: &App) -> Result<HashMap<IntegrationId, (String, Preset)>, Refusal> {
    let rows = app.store().integrations().await.map_err(of_store)?;
    let named = |row: bailiwick_store::rows::IntegrationRow| {
        (row.id, (row.name, Preset::from_name(&row.preset).unwrap_or(Preset::Generic)))
    };
    Ok(rows.into_iter().map(named).collect())
}
