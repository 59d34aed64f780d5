//! Events in the form in which they are told outside.

use crate::Refusal;
use crate::access::{Action, Object, Principal, require};
use crate::app::App;
use crate::error::of_store;
use bailiwick_domain::ids::IntegrationId;
use bailiwick_scim::Code;
use bailiwick_store::query::EventQuery;
use bailiwick_store::rows::EventRow;
use serde::Serialize;
use serde_json::Value;
use std::collections::HashMap;

/// An event as it is told.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Told {
    /// Id, `evt_12`.
    pub id: String,
    /// Sequence: the order of the feed.
    pub seq: i64,
    /// When it was committed, RFC 3339.
    pub at: String,
    /// What happened, in the words of the feed.
    pub kind: String,
    /// Name of the integration.
    pub integration: Option<String>,
    /// Id of the request or command.
    pub request_id: String,
    /// Id of the resource, team or entity.
    pub resource: Option<String>,
    /// Id of the person.
    pub person: Option<String>,
    /// Who did it: the id of a credential, `host`, `server`, `anonymous`.
    pub actor: String,
    /// The call that this is the record of.
    pub call: Option<ToldCall>,
    /// What was said and what changed, without secrets. Null when it was erased.
    pub details: Value,
}

/// The facts of a call.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ToldCall {
    /// HTTP method.
    pub method: String,
    /// Status answered.
    pub status: u16,
    /// Stable code of a failure.
    pub code: Option<String>,
    /// Microseconds.
    pub duration_us: u64,
}

/// A page of events, the newest first, or from `query.after` on in order.
///
/// # Errors
/// When the journal is not the caller's to read, the integration is unknown, or the store cannot answer.
pub async fn page(
    app: &App,
    principal: &Principal,
    integration: Option<&str>,
    query: EventQuery,
) -> Result<Vec<Told>, Refusal> {
    require(app, principal, Action::AuditRead, &Object::None).await?;
    let query = EventQuery { payloads: true, ..of_integration(app, integration, query).await? };
    let events = app.store().events(query).await.map_err(of_store)?;
    tell(app, events).await
}

/// How many events there are of those that [`page`] goes through, on all its pages.
///
/// # Errors
/// As [`page`].
pub async fn count(
    app: &App,
    principal: &Principal,
    integration: Option<&str>,
    query: EventQuery,
) -> Result<u64, Refusal> {
    require(app, principal, Action::AuditRead, &Object::None).await?;
    let query = EventQuery { before: None, after: None, ..of_integration(app, integration, query).await? };
    app.store().count_events(query).await.map_err(of_store)
}

async fn of_integration(app: &App, name: Option<&str>, query: EventQuery) -> Result<EventQuery, Refusal> {
    let Some(name) = name else { return Ok(query) };
    let integration = Some(crate::manage::find_integration(app, name).await?.id);
    Ok(EventQuery { integration, ..query })
}

/// One event by its number, `evt_12` or `12`.
///
/// # Errors
/// When the journal is not the caller's to read, there is no such event, or the store cannot answer.
pub async fn find(app: &App, principal: &Principal, id: &str) -> Result<Told, Refusal> {
    require(app, principal, Action::AuditRead, &Object::None).await?;
    let seq = id.strip_prefix("evt_").unwrap_or(id).parse::<i64>().ok();
    let event = match seq {
        Some(seq) => app.store().event(seq).await.map_err(of_store)?,
        None => None,
    };
    let missing = || Refusal::new(Code::NotFound, "There is no event of this id.");
    tell(app, event.into_iter().collect()).await?.pop().ok_or_else(missing)
}

/// Events behind a sequence in order, for followers of this server: nobody is asked whether they may.
///
/// # Errors
/// When the store cannot answer.
pub async fn after(app: &App, seq: i64, limit: u32) -> Result<Vec<Told>, Refusal> {
    let query = EventQuery { after: Some(seq), limit, payloads: true, ..EventQuery::default() };
    let events = app.store().events(query).await.map_err(of_store)?;
    tell(app, events).await
}

/// Sequence of the newest event; 0 when there is none.
///
/// # Errors
/// When the store cannot answer.
pub async fn newest(app: &App) -> Result<i64, Refusal> {
    app.store().last_seq().await.map_err(of_store)
}

async fn tell(app: &App, events: Vec<EventRow>) -> Result<Vec<Told>, Refusal> {
    let mut names: HashMap<IntegrationId, String> = HashMap::new();
    if events.iter().any(|event| event.integration.is_some()) {
        let rows = app.store().integrations().await.map_err(of_store)?;
        names.extend(rows.into_iter().map(|row| (row.id, row.name)));
    }
    Ok(events.into_iter().map(|event| told(event, &names)).collect())
}

fn told(event: EventRow, names: &HashMap<IntegrationId, String>) -> Told {
    let call = event.method.zip(event.status).map(|(method, status)| ToldCall {
        method,
        status,
        code: event.code,
        duration_us: event.duration_us.unwrap_or_default(),
    });
    // An integration that is gone is named by its id.
    let name = |id: IntegrationId| names.get(&id).cloned().unwrap_or_else(|| id.printed());
    Told {
        id: format!("evt_{}", event.seq),
        seq: event.seq,
        at: event.at.to_string(),
        kind: event.kind,
        integration: event.integration.map(name),
        request_id: event.request,
        resource: event.resource,
        person: event.person,
        actor: event.actor,
        call,
        details: event.payload.unwrap_or_default(),
    }
}

/// Whether a kind is the one that is asked for, or, where that ends in `*`, begins so.
#[must_use]
pub fn is_of_kind(kind: &str, asked: &str) -> bool {
    match asked.strip_suffix('*') {
        Some(start) => kind.starts_with(start),
        None => kind == asked,
    }
}
