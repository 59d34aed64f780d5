//! SCIM over HTTP: one door for everything below `/scim`.
//!
//! [`answer`] goes through the same steps for every request: who calls, how often, what is asked for, the body; then
//! one of the modules carries it out, and [`error`] turns whatever was refused into the one answer and the one record.

mod body;
mod bulk;
mod discovery;
mod error;
mod exchange;
mod list;
mod me;
mod query;
mod resources;
mod response;
mod view;

pub(crate) use error::refuse_connection;

use crate::gate::Gate;
use crate::intake::{Entity, Failure, Rates, authenticate, caught, check_media, decode_segment};
use crate::router::{self, Endpoint, Place};
use crate::wire::Link;
use axum::extract::{Request, State};
use axum::response::Response;
use bailiwick_app::{App, within};
use bailiwick_scim::{Code, Error, limits};
use bytes::Bytes;
use exchange::Exchange;
use http::request::Parts;
use http::{HeaderMap, Method};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

/// How long the store may take to say whose token it is, and to do what is asked for: together less than the five
/// seconds after which a request must have ended, whatever became of the database.
const AUTH_TIME: Duration = Duration::from_millis(1_000);
const WORK_TIME: Duration = Duration::from_millis(3_700);

/// What the handlers share.
#[derive(Debug)]
pub(crate) struct Scim {
    pub(crate) app: App,
    pub(crate) gate: Gate,
    discovery: discovery::Documents,
    rates: Rates,
    shapes: view::Shapes,
}

impl Scim {
    pub(crate) fn new(app: App, gate: Gate) -> Self {
        let discovery = discovery::Documents::new(&app);
        let shapes = view::Shapes::new(app.registry());
        let rates = Rates::new(app.clone());
        Self { app, gate, discovery, rates, shapes }
    }
}

/// What is asked for, read completely.
struct Ask {
    endpoint: Endpoint,
    /// The id, name or URN in the path, decoded.
    segment: String,
    headers: HeaderMap,
    body: Bytes,
}

impl Ask {
    /// Whether it may change something. Such work is finished even when the client goes away meanwhile.
    fn writes(&self, method: &str) -> bool {
        let query = matches!(self.endpoint, Endpoint::Search(_) | Endpoint::RootSearch);
        !query && matches!(method, "POST" | "PUT" | "PATCH" | "DELETE")
    }
}

/// Answers everything below `/scim`.
pub(crate) async fn answer(State(scim): State<Arc<Scim>>, request: Request) -> Response {
    let started = scim.app.clock().monotonic();
    let (parts, body) = request.into_parts();
    let mut entity = Entity::new(body, &parts.headers);
    let response = admit(scim, parts, &mut entity, started).await;
    entity.linger();
    response
}

async fn admit(scim: Arc<Scim>, mut parts: Parts, entity: &mut Entity, started: Duration) -> Response {
    let method = method_name(&parts.method);
    let place = router::locate(router::below_base(parts.uri.path()));
    if place.open() && matches!(method, "GET" | "HEAD") {
        return scim.discovery.config();
    }
    let address = parts.extensions.get::<Arc<Link>>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |link| link.peer.ip());
    let caller = match within(AUTH_TIME, authenticate(&scim.app, &parts.headers)).await {
        Ok(caller) => caller,
        Err(refused) => {
            return match refused.known {
                Some(known) => {
                    let exchange = Exchange::new(scim, known, method, &parts, started);
                    within(WORK_TIME, exchange.conclude(Err(refused.failure))).await
                }
                None => {
                    scim.app.count_anonymous(address);
                    error::answer(&refused.failure, &scim.app.new_request_id())
                }
            };
        }
    };
    let mut exchange = Exchange::new(scim, caller, method, &parts, started);
    exchange.mark("auth");
    let headers = std::mem::take(&mut parts.headers);
    match prepare(&mut exchange, &place, headers, entity).await {
        Err(failure) => within(WORK_TIME, exchange.conclude(Err(failure))).await,
        Ok(ask) if ask.writes(method) => {
            // The work goes on when the connection breaks: a change is made and recorded, or refused and recorded.
            let link = parts.extensions.get::<Arc<Link>>().cloned();
            let request = exchange.call.request.clone();
            let work = tokio::spawn(async move {
                let response = run(exchange, ask).await;
                drop(link);
                response
            });
            work.await.unwrap_or_else(|_| error::answer(&Failure::internal(), &request))
        }
        Ok(ask) => run(exchange, ask).await,
    }
}

/// Carries out what is asked for. A store that is away or slow keeps nobody waiting beyond its time; a bulk request is
/// many changes, and each has its own.
async fn run(exchange: Exchange, ask: Ask) -> Response {
    match ask.endpoint {
        Endpoint::Bulk => carry_out(exchange, ask).await,
        _ => within(WORK_TIME, carry_out(exchange, ask)).await,
    }
}

async fn carry_out(mut exchange: Exchange, ask: Ask) -> Response {
    let outcome = match caught(dispatch(&mut exchange, ask)).await {
        Some(outcome) => outcome,
        None => Err(Failure::internal()),
    };
    exchange.conclude(outcome).await
}

/// Everything that is checked before the request is understood.
async fn prepare(
    exchange: &mut Exchange,
    place: &Place<'_>,
    headers: HeaderMap,
    entity: &mut Entity,
) -> Result<Ask, Failure> {
    let caller = &exchange.call.caller;
    exchange.scim.rates.check(&caller.token, caller.integration.rate_limit)?;
    let (route, segment) = match place {
        Place::Known(route, segment) => (*route, decode_segment(segment)),
        Place::Version => {
            return Err(
                Error::new(Code::VersionUnsupported, "Only version 2 of SCIM is served, under /scim/v2.").into()
            );
        }
        Place::Unknown => return Err(Error::new(Code::NotFound, "There is no such endpoint.").into()),
    };
    exchange.route = route.pattern();
    let method = exchange.call.method;
    if !route.methods.contains(&if method == "HEAD" { "GET" } else { method }) {
        return Err(Failure::method(route.methods));
    }
    let body = if matches!(method, "POST" | "PUT" | "PATCH") && route.endpoint != Endpoint::Me {
        check_media(&headers)?;
        entity.read(body_limit(route.endpoint)).await?
    } else {
        Bytes::new()
    };
    Ok(Ask { endpoint: route.endpoint, segment, headers, body })
}

fn body_limit(endpoint: Endpoint) -> usize {
    use bailiwick_domain::ids::Kind::Group;
    match endpoint {
        Endpoint::Resources(Group) | Endpoint::Resource(Group) => limits::GROUP_BODY_BYTES,
        Endpoint::Bulk => limits::BULK_BODY_BYTES,
        _ => limits::BODY_BYTES,
    }
}

async fn dispatch(exchange: &mut Exchange, ask: Ask) -> Result<Response, Failure> {
    use bailiwick_domain::ids::Kind::{Group, User};
    match (ask.endpoint, exchange.call.method) {
        (Endpoint::Resources(kind), "POST") => resources::create(exchange, kind, ask).await,
        (Endpoint::Resources(kind), _) => list::get(exchange, &[kind]).await,
        (Endpoint::Resource(kind), "PUT") => resources::replace(exchange, kind, ask).await,
        (Endpoint::Resource(kind), "PATCH") => resources::patch(exchange, kind, ask).await,
        (Endpoint::Resource(kind), "DELETE") => resources::delete(exchange, kind, ask).await,
        (Endpoint::Resource(kind), _) => resources::read(exchange, kind, &ask).await,
        (Endpoint::Search(kind), _) => list::search(exchange, &[kind], ask).await,
        (Endpoint::Root, _) => list::get(exchange, &[User, Group]).await,
        (Endpoint::RootSearch, _) => list::search(exchange, &[User, Group], ask).await,
        (Endpoint::Bulk, _) => bulk::execute(exchange, ask).await,
        (Endpoint::Me, _) => Err(me::refusal().into()),
        (Endpoint::ServiceProviderConfig, _) => Ok(exchange.scim.discovery.config()),
        (Endpoint::ResourceType | Endpoint::ResourceTypes | Endpoint::Schema | Endpoint::Schemas, _) => {
            discovery::read(exchange, &ask)
        }
    }
}

/// The methods that are served, and one word for all others.
pub(crate) fn method_name(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "OTHER",
    }
}
