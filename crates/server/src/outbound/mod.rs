//! Calls that go out: webhooks. This is the only place of the server that calls an address somebody named.
//!
//! A name is resolved once and the address that was checked is the one that is called: what a second look-up would say
//! does not matter. Addresses that are not public are refused unless a network that was named on the host holds them.
//! Redirects are not followed, and what comes back is read to a small limit.

mod target;

use axum::body::Body;
use bailiwick_app::Clock;
use bailiwick_app::feed::webhooks::{Courier, Delivered, Parcel};
use bailiwick_domain::network::{Network, is_public};
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, USER_AGENT};
use http::{HeaderName, HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use target::Target;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// How long a delivery may take from the look-up of the name to the last byte that is read.
pub const DELIVERY: Duration = Duration::from_secs(10);
/// How much of an answer is read, in bytes.
pub const ANSWER_BYTES: usize = 4 * 1024;
/// How much of an answer is kept to say why something was refused, in characters.
const SHOWN_CHARS: usize = 200;

const AGENT: HeaderValue = HeaderValue::from_static(concat!("bailiwick/", env!("CARGO_PKG_VERSION")));

/// Carries parcels over HTTP.
#[derive(Debug)]
pub struct HttpCourier {
    clock: Arc<dyn Clock>,
    tls: OnceLock<Result<Arc<ClientConfig>, String>>,
}

impl HttpCourier {
    /// A courier that trusts the certificates of the machine.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, tls: OnceLock::new() }
    }

    async fn send(&self, parcel: &Parcel) -> Result<(u16, String), String> {
        let target = Target::parse(&parcel.url)?;
        let address = resolve(&target, &parcel.networks).await?;
        let stream = TcpStream::connect(address).await.map_err(|error| format!("no connection: {error}"))?;
        // A small request should not wait for company.
        let _ = stream.set_nodelay(true);
        let request = request(&target, parcel)?;
        let answer = match target.secure {
            false => exchange(stream, request).await?,
            true => {
                let config = self.tls.get_or_init(trust).clone()?;
                let name = ServerName::try_from(target.host.clone()).map_err(|_| "no host name".to_owned())?;
                let stream = TlsConnector::from(config).connect(name, stream).await;
                exchange(stream.map_err(|error| format!("no TLS: {error}"))?, request).await?
            }
        };
        let status = answer.status().as_u16();
        Ok((status, beginning(answer.into_body()).await))
    }
}

impl Courier for HttpCourier {
    fn check(&self, url: &str, networks: &[Network]) -> Result<(), String> {
        let target = Target::parse(url)?;
        if let Some(address) = target.address() {
            allowed(&target, address, networks)?;
        }
        if !target.secure && networks.is_empty() {
            return Err("it must begin with https://".to_owned());
        }
        Ok(())
    }

    fn carry(&self, parcel: Parcel) -> Pin<Box<dyn Future<Output = Delivered> + Send + '_>> {
        Box::pin(async move {
            let started = self.clock.monotonic();
            let outcome = timeout(DELIVERY, self.send(&parcel)).await;
            let took = self.clock.monotonic().saturating_sub(started);
            match outcome {
                Ok(Ok((status, _))) if (200..300).contains(&status) => {
                    Delivered { status: Some(status), why: None, took }
                }
                Ok(Ok((status, said))) => {
                    let why = format!("it answered {status}: {said}");
                    Delivered { status: Some(status), why: Some(why), took }
                }
                Ok(Err(why)) => Delivered { status: None, why: Some(why), took },
                Err(_) => {
                    let why = format!("no answer within {} seconds", DELIVERY.as_secs());
                    Delivered { status: None, why: Some(why), took }
                }
            }
        })
    }
}

/// The address to call: the first the name stands for that may be called.
async fn resolve(target: &Target, networks: &[Network]) -> Result<SocketAddr, String> {
    let found = lookup_host((target.host.as_str(), target.port)).await;
    let found = found.map_err(|_| format!("the name {} leads nowhere", target.host))?;
    let mut refused = format!("the name {} leads nowhere", target.host);
    for address in found {
        match allowed(target, address.ip(), networks) {
            Ok(()) => return Ok(address),
            Err(why) => refused = why,
        }
    }
    Err(refused)
}

/// Whether this address may be called: a public one with TLS, or one of a network that was named. Without TLS only the
/// machine itself.
fn allowed(target: &Target, address: std::net::IpAddr, networks: &[Network]) -> Result<(), String> {
    let named = networks.iter().any(|network| network.contains(address));
    if !is_public(address) && !named {
        return Err("it leads to a machine or network that is not public".to_owned());
    }
    let on_this_machine = named && address.to_canonical().is_loopback();
    if !target.secure && !on_this_machine {
        return Err("it must begin with https://".to_owned());
    }
    Ok(())
}

/// The certificates of the machine.
fn trust() -> Result<Arc<ClientConfig>, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err("this machine trusts no certificate authority".to_owned());
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("no TLS: {error}"))?;
    Ok(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
}

fn request(target: &Target, parcel: &Parcel) -> Result<Request<Full<Bytes>>, String> {
    let body = Bytes::from(parcel.body.clone());
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = target.path.parse().map_err(|_| "its path is malformed".to_owned())?;
    let headers = request.headers_mut();
    headers.insert(HOST, HeaderValue::from_str(&target.authority()).map_err(|_| "no host name".to_owned())?);
    headers.insert(USER_AGENT, AGENT);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(parcel.body.len()));
    for (name, value) in &parcel.headers {
        let value = HeaderValue::from_str(value).map_err(|_| format!("the header {name} is malformed"))?;
        headers.insert(HeaderName::from_static(name), value);
    }
    Ok(request)
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    request: Request<Full<Bytes>>,
) -> Result<Response<Incoming>, String> {
    let (mut sender, connection) =
        handshake(TokioIo::new(stream)).await.map_err(|error| format!("no connection: {error}"))?;
    // It ends when the answer is read or dropped, or with the timeout of the whole.
    let driver = tokio::spawn(connection);
    let answer = sender.send_request(request).await;
    if answer.is_err() {
        driver.abort();
    }
    answer.map_err(|error| format!("no answer: {error}"))
}

/// The beginning of an answer, as it can be shown.
async fn beginning(body: Incoming) -> String {
    let mut body = Body::new(body);
    let mut read = Vec::new();
    while read.len() < ANSWER_BYTES
        && let Some(Ok(frame)) = body.frame().await
    {
        if let Some(data) = frame.data_ref() {
            let room = ANSWER_BYTES - read.len();
            read.extend_from_slice(&data[..data.len().min(room)]);
        }
    }
    let text = String::from_utf8_lossy(&read);
    text.chars().map(|char| if char.is_control() { ' ' } else { char }).take(SHOWN_CHARS).collect()
}

#[cfg(test)]
mod tests;
