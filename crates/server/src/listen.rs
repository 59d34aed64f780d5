//! Accepts connections and lets them go again.

use crate::api::Api;
use crate::gate::Gate;
use crate::outbound::HttpCourier;
use crate::scim::Scim;
use crate::wire::{Link, Watched, tls};
use crate::{guard, limits, router};
use axum::Router;
use axum::body::Body;
use bailiwick_app::App;
use bailiwick_app::feed::webhooks::Courier;
use http::header::{CONNECTION, HeaderValue};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tower::Service;

/// What a server needs to know besides the use cases.
#[derive(Debug)]
pub struct ServerOptions {
    /// Address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Certificate chain and private key, both PEM; plain HTTP without.
    pub tls: Option<(Vec<u8>, Vec<u8>)>,
    /// Whether `/readyz` may say ready.
    pub ready: Gate,
    /// Who carries what is sent to other services; over HTTP if nobody is named.
    pub courier: Option<Arc<dyn Courier>>,
}

impl ServerOptions {
    /// Plain HTTP, ready as soon as the store is.
    #[must_use]
    pub fn new(listen: SocketAddr) -> Self {
        Self { listen, tls: None, ready: Gate::opened(), courier: None }
    }
}

/// A bound address on which nobody is answered yet: what is needed to know the port before the use cases are wired.
pub struct Bound {
    /// The address, with its real port.
    pub address: SocketAddr,
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    ready: Gate,
    courier: Option<Arc<dyn Courier>>,
}

impl std::fmt::Debug for Bound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bound").field("address", &self.address).field("tls", &self.tls.is_some()).finish()
    }
}

/// A server that is running in the background of the runtime.
#[derive(Debug)]
pub struct Running {
    /// The address, with its real port.
    pub address: SocketAddr,
    wanted: watch::Sender<Phase>,
    task: JoinHandle<()>,
}

impl Running {
    /// Says that the server is about to stop, and goes on serving for [`limits::NOTICE`]: `/readyz` answers 503, and every
    /// connection is closed after its next answer, so that load balancers send their next requests elsewhere.
    pub async fn give_notice(&self) {
        let _ = self.wanted.send(Phase::Notice);
        sleep(limits::NOTICE).await;
    }

    /// Stops accepting, lets requests in flight finish and returns when all connections are gone. What has not finished
    /// after [`limits::DRAIN`] is cut.
    pub async fn stop(self) {
        let _ = self.wanted.send(Phase::Drain);
        let _ = self.task.await;
    }
}

/// Binds the address and reads the certificate.
///
/// # Errors
/// When the address cannot be bound or certificate and key do not fit.
pub async fn bind(options: ServerOptions) -> io::Result<Bound> {
    let tls = options.tls.as_ref().map(|(chain, key)| tls::acceptor(chain, key)).transpose()?;
    let socket = if options.listen.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A server that was just killed leaves connections in TIME_WAIT; they must not keep the port.
    socket.set_reuseaddr(true)?;
    socket.bind(options.listen)?;
    let listener = socket.listen(limits::BACKLOG)?;
    let address = listener.local_addr()?;
    Ok(Bound { address, listener, tls, ready: options.ready, courier: options.courier })
}

impl Bound {
    /// Serves in the background until [`Running::stop`], or until the handle is dropped.
    #[must_use]
    pub fn start(self, app: App) -> Running {
        let (wanted, asked) = watch::channel(Phase::Open);
        let address = self.address;
        Running { address, wanted, task: tokio::spawn(self.serve(app, asked)) }
    }

    async fn serve(self, app: App, mut asked: watch::Receiver<Phase>) {
        let Self { listener, tls, ready, courier, .. } = self;
        let scim = Arc::new(Scim::new(app.clone(), ready.clone()));
        let (phase, follow) = watch::channel(Phase::Open);
        let courier = courier.unwrap_or_else(|| Arc::new(HttpCourier::new(app.wired_clock())));
        let api = Api::new(app.clone(), ready.clone(), Arc::clone(&courier));
        let server = Arc::new(Server { router: router::build(scim, api), tls, http: builder(), phase: follow });
        let places = Arc::new(Semaphore::new(limits::CONNECTIONS));
        let housekeeping = tokio::spawn(keep_house(app.clone()));
        let pulse = tokio::spawn(bailiwick_app::feed::beat(app.clone()));
        let handovers = tokio::spawn(bailiwick_app::leaver::run(app.clone()));
        let webhooks = tokio::spawn(bailiwick_app::feed::webhooks::run(app.clone(), courier));
        let recomputing = tokio::spawn(bailiwick_app::mapping::recompute(app.clone()));
        // A handle that is dropped stops the server, too.
        let stopped = async {
            let _ = asked.wait_for(|asked| *asked >= Phase::Notice).await;
            ready.stop();
            let _ = phase.send(Phase::Notice);
            let _ = asked.wait_for(|asked| *asked >= Phase::Drain).await;
        };
        tokio::select! {
            () = stopped => {}
            () = accept(&listener, &server, &places) => {}
        }
        accept_waiting(&listener, &server, &places);
        drop(listener);
        let _ = phase.send(Phase::Drain);
        let all = u32::try_from(limits::CONNECTIONS).unwrap_or(u32::MAX);
        if timeout(limits::DRAIN, places.acquire_many(all)).await.is_err() {
            tracing::warn!(connections = limits::CONNECTIONS - places.available_permits(), "connections cut");
            let _ = phase.send(Phase::Cut);
        }
        housekeeping.abort();
        pulse.abort();
        handovers.abort();
        webhooks.abort();
        recomputing.abort();
        app.flush().await;
    }
}

/// What connections are to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
enum Phase {
    Open,
    /// End after the next answer.
    Notice,
    /// End after the answer that is under way.
    Drain,
    Cut,
}

struct Server {
    router: Router,
    tls: Option<TlsAcceptor>,
    http: http1::Builder,
    phase: watch::Receiver<Phase>,
}

fn builder() -> http1::Builder {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        // Heads and idle connections are timed by `Watched`, which tells the two apart.
        .header_read_timeout(None)
        .max_buf_size(limits::HEAD_BYTES)
        // A client that has said everything may close its side and still get its answer.
        .half_close(true)
        .keep_alive(true);
    http
}

async fn accept(listener: &TcpListener, server: &Arc<Server>, places: &Arc<Semaphore>) {
    loop {
        let Ok(place) = Arc::clone(places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, peer)) => drop(tokio::spawn(connect(Arc::clone(server), stream, peer, place))),
            Err(error) => {
                // Mostly too many open files. Those that are open go on; new ones wait.
                tracing::warn!(%error, "connection not accepted");
                sleep(std::time::Duration::from_millis(50)).await;
            }
        }
    }
}

/// Takes what has connected already, so that nobody who was let in by the kernel is turned away.
fn accept_waiting(listener: &TcpListener, server: &Arc<Server>, places: &Arc<Semaphore>) {
    let mut context = Context::from_waker(Waker::noop());
    while let Ok(place) = Arc::clone(places).try_acquire_owned()
        && let Poll::Ready(Ok((stream, peer))) = listener.poll_accept(&mut context)
    {
        drop(tokio::spawn(connect(Arc::clone(server), stream, peer, place)));
    }
}

async fn connect(server: Arc<Server>, stream: TcpStream, peer: SocketAddr, place: OwnedSemaphorePermit) {
    let _ = stream.set_nodelay(true);
    let link = Arc::new(Link::new(peer, Some(place)));
    let Some(tls) = &server.tls else { return converse(&server, stream, link).await };
    // Boxed, so that connections without TLS do not carry the room for it.
    let handshake = Box::pin(timeout(limits::HANDSHAKE, tls.accept(stream)));
    let shaken = tokio::select! {
        shaken = handshake => shaken,
        () = reached(&server, Phase::Drain) => return,
    };
    match shaken {
        Ok(Ok(stream)) => Box::pin(converse(&server, stream, link)).await,
        Ok(Err(error)) => tracing::debug!(%error, "TLS handshake failed"),
        Err(_) => tracing::debug!("TLS handshake took too long"),
    }
}

async fn converse(server: &Server, stream: impl AsyncRead + AsyncWrite + Unpin, link: Arc<Link>) {
    let router = server.router.clone();
    let (requests, watched) = (Arc::clone(&link), Arc::clone(&link));
    let phase = server.phase.clone();
    let service = service_fn(move |request| {
        let (answer, phase) = (respond(router.clone(), Arc::clone(&requests), request), phase.clone());
        async move {
            let mut answer = answer.await?;
            if *phase.borrow() >= Phase::Notice {
                answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Ok::<_, Infallible>(answer)
        }
    });
    let stream = TokioIo::new(Watched::new(stream, watched));
    let mut connection = std::pin::pin!(server.http.serve_connection(stream, service));
    tokio::select! {
        outcome = connection.as_mut() => return ended(outcome),
        () = reached(server, Phase::Drain) => connection.as_mut().graceful_shutdown(),
    }
    tokio::select! {
        outcome = connection.as_mut() => ended(outcome),
        () = nothing_in_flight(&link) => {}
        () = reached(server, Phase::Cut) => {}
    }
}

/// Waits until the connection does nothing but wait for the rest of a head.
async fn nothing_in_flight(link: &Link) {
    loop {
        sleep(limits::DRAIN_HEAD).await;
        if link.waits_for_head() {
            return;
        }
    }
}

/// Waits until the server is in this phase or a later one.
async fn reached(server: &Server, awaited: Phase) {
    let mut phase = server.phase.clone();
    // The sender lives as long as the server; when it is gone, that is a later phase too.
    let _ = phase.wait_for(|phase| *phase >= awaited).await;
}

fn ended(outcome: hyper::Result<()>) {
    if let Err(error) = outcome {
        tracing::debug!(%error, "connection ended");
    }
}

async fn respond(
    mut router: Router,
    link: Arc<Link>,
    request: http::Request<Incoming>,
) -> Result<http::Response<Body>, Infallible> {
    let (mut parts, body) = request.into_parts();
    if let Some(why) = guard::refuse(&parts, &link) {
        link.answer();
        return Ok(crate::scim::refuse_connection(why));
    }
    parts.extensions.insert(Arc::clone(&link));
    let response = router.call(http::Request::from_parts(parts, Body::new(body))).await;
    link.answer();
    response
}

async fn keep_house(app: App) {
    loop {
        sleep(limits::HOUSEKEEPING).await;
        app.flush().await;
    }
}
