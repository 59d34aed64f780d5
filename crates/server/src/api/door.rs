//! The door of the REST API: the same steps for every request. Who calls, how often, what is asked for, whether they may,
//! the query, the body; then the handler, and one place for what it answers or refuses.

use super::answer::{Answer, Content};
use super::repeat::carry_out_once;
use super::request::{self, Request};
use super::table::{Access, Endpoint, Gives, Place, Takes, locate};
use super::{Api, GROUPS, problem};
use crate::intake::{Entity, Failure, bearer, caught, internal};
use crate::limits;
use crate::scim::method_name;
use crate::wire::Link;
use axum::extract::State;
use axum::response::Response;
use bailiwick_app::journal::{ApiCall, record_api_refusal};
use bailiwick_app::{App, Stages, access, within};
use bailiwick_domain::failure::{self, ProductCode};
use bailiwick_domain::policy::{Object, Principal, PrincipalKind};
use bailiwick_scim::etag::Precondition;
use bailiwick_scim::{Code, Error, json};
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, IF_NONE_MATCH, USER_AGENT, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::Value;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// How long the store may take to say whose token it is.
const AUTH_TIME: Duration = Duration::from_millis(1_000);
/// How long the store may take to do what is asked for.
const WORK_TIME: Duration = Duration::from_secs(10);
/// The same for what is known to take long.
const SLOW_TIME: Duration = Duration::from_secs(300);
/// Largest body.
const BODY_BYTES: usize = bailiwick_scim::limits::BODY_BYTES;
/// Largest body of an import.
const LARGE_BODY_BYTES: usize = 16 * 1024 * 1024;

/// One request on its way through the door.
struct Passage {
    api: Arc<Api>,
    /// Acts for the caller once they are known.
    app: App,
    id: String,
    principal: Arc<Principal>,
    /// Whether a credential of ours was shown.
    known: bool,
    method: &'static str,
    operation: &'static str,
    target: String,
    agent: String,
    address: IpAddr,
    stages: Stages,
    started: Duration,
}

/// Answers everything below `/api/v1`.
pub(crate) async fn answer(State(api): State<Arc<Api>>, request: axum::extract::Request) -> Response {
    let started = api.app.clock().monotonic();
    let (parts, body) = request.into_parts();
    let mut entity = Entity::new(body, &parts.headers);
    let response = admit(api, parts, &mut entity, started).await;
    entity.linger();
    response
}

async fn admit(api: Arc<Api>, mut parts: Parts, entity: &mut Entity, started: Duration) -> Response {
    let method = method_name(&parts.method);
    let path = parts.uri.path().strip_prefix("/api/v1").unwrap_or_default();
    let place = locate(GROUPS, path, method);
    let mut passage = Passage::new(api, method, &parts, started);
    let open = matches!(&place, Place::Found(endpoint, _) if endpoint.access == Access::Everybody);
    if !open && let Err(failure) = passage.identify(&parts.headers).await {
        return passage.conclude(Err(failure)).await;
    }
    passage.mark("auth");
    let request = match passage.prepare(place, &mut parts, entity).await {
        Ok(request) => request,
        Err(failure) => return passage.conclude(Err(failure)).await,
    };
    let endpoint = request.endpoint;
    let (id, link) = (passage.id.clone(), parts.extensions.get::<Arc<Link>>().cloned());
    let none_match = request::header(&request.headers, &IF_NONE_MATCH);
    let work = async move {
        let time = if endpoint.slow { SLOW_TIME } else { WORK_TIME };
        let outcome = within(time, carry_out_once(endpoint, request, time)).await;
        let response = passage.conclude(outcome.map(|answer| settled(answer, none_match.as_deref()))).await;
        drop(link);
        response
    };
    if !endpoint.writes {
        return work.await;
    }
    // The work goes on when the connection breaks: a change is made, or refused.
    tokio::spawn(work).await.unwrap_or_else(|_| problem::answer(&Failure::internal(), &id))
}

/// Runs the handler; a panic is a fault of ours.
pub(super) async fn carry_out(endpoint: &'static Endpoint, request: Request) -> Result<Answer, Failure> {
    caught((endpoint.handler)(request)).await.unwrap_or_else(|| Err(Failure::internal()))
}

/// A read whose version the client has already needs no body.
fn settled(mut answer: Answer, none_match: Option<&str>) -> Answer {
    let known = none_match
        .zip(answer.tag())
        .is_some_and(|(said, tag)| answer.status == 200 && Precondition::parse_if_none_match(said).matches(tag));
    if known {
        answer.status = StatusCode::NOT_MODIFIED.as_u16();
        answer.headers.retain(|(name, _)| *name != CONTENT_TYPE);
        answer.body = Content::Whole(Bytes::new());
    }
    answer
}

/// Nobody: who calls a route for everybody.
fn nobody() -> Principal {
    Principal { active: false, ..Principal::new("anonymous", PrincipalKind::Person) }
}

impl Passage {
    fn new(api: Arc<Api>, method: &'static str, parts: &Parts, started: Duration) -> Self {
        let id = api.app.new_request_id();
        let peer = parts.extensions.get::<Arc<Link>>().map(|link| link.peer.ip());
        let agent = parts.headers.get(USER_AGENT).map_or("".into(), |agent| String::from_utf8_lossy(agent.as_bytes()));
        Self {
            app: api.app.acting("anonymous", &id),
            id,
            principal: Arc::new(nobody()),
            known: false,
            method,
            operation: "unknown",
            target: parts.uri.path().chars().take(limits::TARGET_CHARS).collect(),
            agent: agent.chars().filter(|char| !char.is_control()).take(200).collect(),
            address: peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
            stages: Stages::from(started),
            started,
            api,
        }
    }

    fn mark(&mut self, stage: &'static str) {
        self.stages.mark(stage, self.api.app.clock());
    }

    /// Finds out who calls, by the bearer token and by nothing else.
    async fn identify(&mut self, headers: &HeaderMap) -> Result<(), Failure> {
        let token = bearer(headers).map_err(|(code, why)| Failure::unauthenticated(failure::error(code, why), true))?;
        match within(AUTH_TIME, access::identify_api(&self.api.app, token)).await {
            Ok(principal) => {
                self.app = self.api.app.acting(principal.actor(), &self.id);
                self.principal = principal;
                Ok(())
            }
            Err(refused) => {
                // What a known credential is refused is recorded under it.
                if let Some(known) = &refused.known {
                    self.app = self.api.app.acting(known, &self.id);
                    self.known = true;
                }
                Err(Failure::unauthenticated(refused.refusal, token.is_some()))
            }
        }
    }

    /// Everything that is checked before the handler runs.
    async fn prepare(&mut self, place: Place, parts: &mut Parts, entity: &mut Entity) -> Result<Request, Failure> {
        self.api.rates.check(&Arc::from(self.pace().as_str()), None)?;
        let (endpoint, segments) = match place {
            Place::Found(endpoint, segments) => (endpoint, segments),
            Place::Other(methods) => return Err(Failure::method(&methods)),
            Place::Unknown => {
                return Err(Error::new(Code::NotFound, "There is no such route. See /api/v1/openapi.json.").into());
            }
        };
        self.operation = endpoint.operation;
        if let Access::May(action) = endpoint.access {
            access::require(&self.app, &self.principal, action, &Object::Any).await?;
        }
        let second = acceptable(endpoint, &parts.headers)?;
        let query = request::query(endpoint, parts.uri.query())?;
        let headers = std::mem::take(&mut parts.headers);
        let (bytes, json) = self.read_body(endpoint, &headers, entity).await?;
        Ok(Request {
            app: self.app.clone(),
            principal: Arc::clone(&self.principal),
            address: self.address,
            api: Arc::clone(&self.api),
            endpoint,
            segments,
            query,
            headers,
            bytes,
            json,
            second,
        })
    }

    /// Whose calls are counted together: those of a credential, or those of an address that names none.
    fn pace(&self) -> String {
        match self.principal.active {
            true => self.principal.id.clone(),
            false => self.address.to_string(),
        }
    }

    async fn read_body(
        &mut self,
        endpoint: &'static Endpoint,
        headers: &HeaderMap,
        entity: &mut Entity,
    ) -> Result<(Bytes, Value), Failure> {
        if endpoint.method == "GET" {
            return Ok((Bytes::new(), Value::Null));
        }
        let limit = if endpoint.large { LARGE_BODY_BYTES } else { BODY_BYTES };
        if let Takes::Nothing = endpoint.takes {
            let bytes = entity.read(limit).await?;
            if bytes.is_empty() {
                return Ok((bytes, Value::Null));
            }
            return Err(Error::new(Code::JsonSyntax, "This route takes no body. Nothing was done.").into());
        }
        check_media(endpoint, headers)?;
        let bytes = entity.read(limit).await?;
        self.mark("body");
        if let Takes::Text(_) = endpoint.takes {
            return Ok((bytes, Value::Null));
        }
        let json = if bytes.len() < limits::PARSE_INLINE_BYTES {
            json::parse(&bytes)?
        } else {
            let copy = bytes.clone();
            tokio::task::spawn_blocking(move || json::parse(&copy)).await.map_err(|_| internal())??
        };
        Ok((bytes, json))
    }

    /// Turns the outcome into the answer. Refusals are recorded, and everything is logged.
    async fn conclude(mut self, outcome: Result<Answer, Failure>) -> Response {
        let mut response = match outcome {
            Ok(answer) => answer.into_response(),
            Err(failure) => {
                self.record(&failure).await;
                problem::answer(&failure, &self.id)
            }
        };
        self.mark("work");
        let headers = response.headers_mut();
        if let Ok(id) = HeaderValue::from_str(&self.id) {
            headers.insert(REQUEST_ID, id);
        }
        if let Ok(timing) = HeaderValue::from_str(&self.stages.header()) {
            headers.insert(SERVER_TIMING, timing);
        }
        self.log(response.status().as_u16());
        response
    }

    /// A call that no token identifies is counted; everything else that is refused gets a record.
    async fn record(&self, failure: &Failure) {
        if !self.known && failure.headers.iter().any(|(name, _)| *name == WWW_AUTHENTICATE) {
            return self.api.app.count_anonymous(self.address);
        }
        if !failure.recorded {
            return;
        }
        let call = ApiCall {
            method: self.method,
            operation: self.operation.to_owned(),
            target: self.target.clone(),
            agent: self.agent.clone(),
            person: self.principal.person_id().map(str::to_owned),
            started: self.started,
        };
        within(WORK_TIME, record_api_refusal(&self.app, &call, &failure.refusal)).await;
    }

    /// One line per request. No header, body or query value ever stands in it.
    fn log(&self, status: u16) {
        let duration = self.api.app.clock().monotonic().saturating_sub(self.started);
        let us = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let (operation, caller) = (self.operation, self.principal.id.as_str());
        if status >= 400 {
            tracing::info!(method = self.method, operation, status, us, request = self.id, caller, "call");
        } else {
            tracing::debug!(method = self.method, operation, status, us, request = self.id, caller, "call");
        }
    }
}

/// Whether the client takes what the route gives, and whether it wants the second form of it.
fn acceptable(endpoint: &'static Endpoint, headers: &HeaderMap) -> Result<bool, Failure> {
    let Some(said) = request::header(headers, &ACCEPT) else { return Ok(false) };
    let first = match endpoint.gives {
        Gives::Nothing => return Ok(false),
        Gives::Json(_) | Gives::Page(_) => super::answer::JSON,
        Gives::Text(media) => media,
    };
    let takes = |media: &str| {
        let bare = media.split(';').next().unwrap_or(media);
        said.split(',').any(|range| {
            let mut parts = range.split(';').map(str::trim);
            let range = parts.next().unwrap_or_default();
            let refused = parts.any(|part| matches!(part, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"));
            let fits = range == "*/*"
                || range.eq_ignore_ascii_case(bare)
                || range.strip_suffix("/*").is_some_and(|kind| bare.split('/').next() == Some(kind));
            fits && !refused
        })
    };
    if takes(first) {
        return Ok(false);
    }
    match endpoint.also {
        Some(second) if takes(second) => Ok(true),
        second => {
            let forms: Vec<&str> = [Some(first), second].into_iter().flatten().collect();
            let detail = format!("This route answers {} and nothing else.", forms.join(" or "));
            Err(failure::error(ProductCode::NotAcceptable, detail).into())
        }
    }
}

/// The body is of a type that the route takes. A missing type is taken as the usual one.
fn check_media(endpoint: &'static Endpoint, headers: &HeaderMap) -> Result<(), Failure> {
    let refused = |detail: String| Failure::from(Error::new(Code::UnsupportedMediaType, detail));
    let identity = |value: &HeaderValue| value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"identity");
    if !headers.get_all(CONTENT_ENCODING).iter().all(identity) {
        return Err(refused("Compressed bodies are not read. Send the body as it is.".to_owned()));
    }
    let taken: &[&str] = match endpoint.takes {
        Takes::Nothing => return Ok(()),
        Takes::Json(_) if endpoint.method == "PATCH" => &["application/json", "application/merge-patch+json"],
        Takes::Json(_) => &["application/json"],
        Takes::Text(media) => media,
    };
    let fits = |value: &HeaderValue| {
        let essence = value.as_bytes().split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii();
        taken.iter().any(|media| essence.eq_ignore_ascii_case(media.as_bytes()))
    };
    if headers.get_all(CONTENT_TYPE).iter().all(fits) {
        return Ok(());
    }
    Err(refused(format!("The body must be {}.", taken.join(" or "))))
}
