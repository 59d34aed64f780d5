//! The change feed over HTTP: pages, single events, and a stream.

use super::answer::Answer;
use super::request::{Page, Request};
use super::stream;
use super::table::{Access::May, Endpoint, Form, Param, get, handler, param};
use crate::intake::Failure;
use bailiwick_app::feed::{self, Told};
use bailiwick_app::query::EventQuery;
use bailiwick_domain::policy::Action::AuditRead;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

pub(super) const ROUTES: &[Endpoint] = &[
    get(May(AuditRead), "/events", "listEvents", handler!(list))
        .says("Lists events, the newest first.")
        .query(FILTERS)
        .lists::<Event>(),
    get(May(AuditRead), "/events/{id}", "readEvent", handler!(read)).says("Shows one event.").gives::<Event>(),
    get(May(AuditRead), "/events/stream", "streamEvents", handler!(follow))
        .says("Sends events as they happen (text/event-stream). The id of a message is the sequence of its event.")
        .query(STREAM)
        .gives_text("text/event-stream"),
];

const FILTERS: &[Param] = &[
    param("kind", Form::Text(100), "Of this kind, or, ending in `*`, of the kinds that begin so: `prov:*`."),
    param("integration", Form::Text(63), "Of the integration of this name."),
    param("person", Form::Text(100), "Naming the person of this id."),
    param("resource", Form::Text(100), "Naming the resource, team or entity of this id."),
    param("request", Form::Text(100), "Caused by the request or command of this id."),
    param("since", Form::Instant, "Not before."),
    param("failed", Form::Flag, "Only calls that were refused or failed."),
];

const STREAM: &[Param] = &[
    param(
        "after",
        Form::Number(0, i64::MAX),
        "Begin behind the event of this sequence; with what happens from now on if nothing is said.",
    ),
    param("kind", Form::Text(100), "Of this kind, or, ending in `*`, of the kinds that begin so: `prov:*`."),
];

/// An event.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Event {
    /// Id, `evt_12`.
    id: String,
    /// Sequence: the order of the feed.
    seq: i64,
    /// When it was committed.
    #[schemars(extend("format" = "date-time"))]
    at: String,
    /// What happened, in the words of the feed.
    kind: String,
    /// Name of the integration.
    integration: Option<String>,
    /// Id of the request or command.
    request_id: String,
    /// Id of the resource, team or entity.
    resource: Option<String>,
    /// Id of the person.
    person: Option<String>,
    /// Who did it: the id of a credential, `host`, `server`, `anonymous`.
    actor: String,
    /// The call that this is the record of.
    call: Option<EventCall>,
    /// What was said and what changed, without secrets. Null when it was erased.
    details: Value,
}

/// The facts of a call.
#[derive(Debug, Serialize, JsonSchema)]
struct EventCall {
    /// HTTP method.
    method: String,
    /// Status answered.
    status: u16,
    /// Stable code of a failure.
    code: Option<String>,
    /// Microseconds.
    duration_us: u64,
}

impl From<Told> for Event {
    fn from(told: Told) -> Self {
        let call = told.call.map(|call| EventCall {
            method: call.method,
            status: call.status,
            code: call.code,
            duration_us: call.duration_us,
        });
        Self {
            id: told.id,
            seq: told.seq,
            at: told.at,
            kind: told.kind,
            integration: told.integration,
            request_id: told.request_id,
            resource: told.resource,
            person: told.person,
            actor: told.actor,
            call,
            details: told.details,
        }
    }
}

async fn list(request: Request) -> Result<Answer, Failure> {
    let page = request.page::<i64>()?;
    let text = |name: &str| request.param(name).map(str::to_owned);
    let query = EventQuery {
        kind: text("kind"),
        person: text("person"),
        resource: text("resource"),
        request: text("request"),
        since: request.instant("since"),
        failed: request.flag("failed"),
        before: page.after,
        limit: page.limit + 1,
        ..EventQuery::default()
    };
    page_of(&request, &page, query).await
}

/// A page of events, and how many there are if that is asked.
pub(super) async fn page_of(request: &Request, page: &Page<i64>, query: EventQuery) -> Result<Answer, Failure> {
    let integration = request.param("integration");
    let total = match page.total {
        true => Some(feed::count(&request.app, &request.principal, integration, query.clone()).await?),
        false => None,
    };
    let mut told = feed::page(&request.app, &request.principal, integration, query).await?;
    let more = told.len() > page.limit as usize;
    told.truncate(page.limit as usize);
    let next = told.last().filter(|_| more).map(|last| last.seq);
    let items: Vec<Event> = told.into_iter().map(Event::from).collect();
    Answer::page(request, &items, next.as_ref(), total)
}

async fn read(request: Request) -> Result<Answer, Failure> {
    let told = feed::find(&request.app, &request.principal, request.path("id")).await?;
    Answer::json(&Event::from(told))
}

async fn follow(request: Request) -> Result<Answer, Failure> {
    stream::open(&request, Event::from).await
}
