//! `Idempotency-Key`: a POST that is repeated is answered with what the first one got.

use super::answer::{Answer, Content};
use super::door::carry_out;
use super::request::Request;
use super::table::Endpoint;
use crate::intake::Failure;
use bailiwick_app::idempotency::{self, Begun, KEPT_BYTES, Kept};
use bailiwick_domain::failure::{self, ProductCode};
use bytes::Bytes;
use http::header::LOCATION;
use http::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::time::Duration;

pub(super) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// Longest key, in characters.
pub(super) const KEY_CHARS: usize = 255;
/// How much longer than its work may take a key stays taken when nobody frees it.
const MARGIN: Duration = Duration::from_secs(30);

/// What is kept besides status and body.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Head {
    /// The body is not there: it showed a secret, or was too long.
    gone: bool,
    headers: Vec<(String, String)>,
}

/// Runs the handler, or answers what the first request with this key got.
pub(super) async fn carry_out_once(
    endpoint: &'static Endpoint,
    request: Request,
    span: Duration,
) -> Result<Answer, Failure> {
    // Nobody's requests have nobody's keys.
    let Some(key) = request.header(&IDEMPOTENCY_KEY).filter(|_| endpoint.method == "POST" && request.principal.active)
    else {
        return carry_out(endpoint, request).await;
    };
    if key.is_empty() || key.len() > KEY_CHARS || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        let detail = format!("An Idempotency-Key is 1 to {KEY_CHARS} visible ASCII characters, without quotes around.");
        return Err(failure::error(ProductCode::HeaderMalformed, detail).into());
    }
    let app = request.app.clone();
    match idempotency::begin(&app, &request.principal.id, &key, digest(endpoint, &request), span + MARGIN).await? {
        Begun::Before(kept) => repeated(kept),
        Begun::Fresh(reservation) => {
            let outcome = carry_out(endpoint, request).await;
            match &outcome {
                Ok(answer) => idempotency::keep(&app, reservation, kept(endpoint, answer)).await,
                Err(_) => idempotency::release(&app, &reservation).await,
            }
            outcome
        }
    }
}

/// Digest of everything that says what is asked for.
fn digest(endpoint: &'static Endpoint, request: &Request) -> [u8; 32] {
    let query: Vec<(&str, &str)> = request.said().collect();
    let asked = serde_json::to_vec(&(endpoint.operation, request.filled(), query)).unwrap_or_default();
    let mut digest = Sha256::new();
    digest.update((asked.len() as u64).to_be_bytes());
    digest.update(&asked);
    digest.update(request.bytes());
    digest.finalize().into()
}

/// What is kept of an answer.
fn kept(endpoint: &'static Endpoint, answer: &Answer) -> Kept {
    let text = |value: &HeaderValue| value.to_str().unwrap_or_default().to_owned();
    let headers = answer.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
    let body = match &answer.body {
        Content::Whole(body) if !endpoint.once && body.len() <= KEPT_BYTES => std::str::from_utf8(body).ok(),
        _ => None,
    };
    let head = Head { gone: body.is_none(), headers };
    Kept {
        status: answer.status,
        headers: serde_json::to_string(&head).unwrap_or_default(),
        body: body.unwrap_or_default().to_owned(),
    }
}

fn repeated(kept: Kept) -> Result<Answer, Failure> {
    let head: Head = serde_json::from_str(&kept.headers).unwrap_or_default();
    if head.gone {
        let place = head.headers.iter().find(|(name, _)| *name == LOCATION.as_str());
        let place = place.map_or(String::new(), |(_, place)| format!(" It made {place}."));
        let detail = format!("The first request with this key was carried out; its answer is shown once.{place}");
        return Err(failure::error(ProductCode::IdempotencyShownOnce, detail).into());
    }
    let mut answer = Answer::empty().with_status(kept.status);
    answer.body = Content::Whole(Bytes::from(kept.body));
    for (name, value) in head.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            answer.headers.push((name, value));
        }
    }
    Ok(answer.header(REPLAYED, "true"))
}
