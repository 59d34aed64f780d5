//! One User or Group: create, read, replace, patch, delete (RFC 7644 sections 3.3 to 3.6).

use super::exchange::Exchange;
use super::response::{self, Pieces};
use super::view::{self, Names, View};
use super::{Ask, body, query};
use crate::intake::Failure;
use axum::response::Response;
use bailiwick_app::Refusal;
use bailiwick_app::call::JOURNAL_BYTES;
use bailiwick_app::directory::{self, Resource};
use bailiwick_domain::ids::Kind;
use bailiwick_scim::etag::Precondition;
use http::header::{ETAG, HeaderName, IF_MATCH, IF_NONE_MATCH, LOCATION};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::{Value, json};

/// `POST /Users`, `POST /Groups`.
pub(super) async fn create(exchange: &mut Exchange, kind: Kind, ask: Ask) -> Result<Response, Failure> {
    let (names, said) = understand(exchange, kind, ask.body).await?;
    let app = exchange.scim.app.clone();
    let view = View::new(&app, exchange.scim.shapes, kind, &names)?.with_written(&said);
    let resource = directory::create_resource(&app, &mut exchange.call, kind, said).await?;
    let mut response = show(&view, &resource, StatusCode::CREATED).await?;
    let mut location = String::new();
    view::address(&app, &mut location, kind, &resource.row.id);
    put(&mut response, LOCATION, &location);
    Ok(response)
}

/// `GET /Users/{id}`, `GET /Groups/{id}`.
pub(super) async fn read(exchange: &mut Exchange, kind: Kind, ask: &Ask) -> Result<Response, Failure> {
    let names = names(exchange)?;
    let app = exchange.scim.app.clone();
    let view = View::new(&app, exchange.scim.shapes, kind, &names)?;
    exchange.call.resource = Some(ask.segment.clone());
    let resource = directory::read_resource(&app, &exchange.call.caller, kind, &ask.segment, view.wants()).await?;
    exchange.mark("read");
    let known = joined(&ask.headers, IF_NONE_MATCH).map(|header| Precondition::parse_if_none_match(&header));
    if known.is_some_and(|known| known.matches(&resource.etag)) {
        let mut response = response::empty(StatusCode::NOT_MODIFIED);
        put(&mut response, ETAG, &resource.etag);
        return Ok(response);
    }
    Ok(show(&view, &resource, StatusCode::OK).await?)
}

/// `PUT /Users/{id}`, `PUT /Groups/{id}`.
pub(super) async fn replace(exchange: &mut Exchange, kind: Kind, ask: Ask) -> Result<Response, Failure> {
    let precondition = if_match(&ask.headers);
    exchange.call.resource = Some(ask.segment.clone());
    let (names, said) = understand(exchange, kind, ask.body).await?;
    let app = exchange.scim.app.clone();
    let view = View::new(&app, exchange.scim.shapes, kind, &names)?.with_written(&said);
    let call = &mut exchange.call;
    let resource = directory::replace_resource(&app, call, kind, &ask.segment, said, precondition.as_ref()).await?;
    Ok(show(&view, &resource, StatusCode::OK).await?)
}

/// `PATCH /Users/{id}`, `PATCH /Groups/{id}`.
pub(super) async fn patch(exchange: &mut Exchange, kind: Kind, ask: Ask) -> Result<Response, Failure> {
    let precondition = if_match(&ask.headers);
    exchange.call.resource = Some(ask.segment.clone());
    let (names, said) = understand(exchange, kind, ask.body).await?;
    let app = exchange.scim.app.clone();
    let view = View::new(&app, exchange.scim.shapes, kind, &names)?;
    let call = &mut exchange.call;
    let (precondition, shown) = (precondition.as_ref(), names.given());
    let patched = directory::patch_resource(&app, call, kind, &ask.segment, said, precondition, shown).await?;
    if patched.quiet {
        let mut response = response::empty(StatusCode::NO_CONTENT);
        put(&mut response, ETAG, &patched.resource.etag);
        return Ok(response);
    }
    Ok(show(&view.with_written(&patched.written), &patched.resource, StatusCode::OK).await?)
}

/// `DELETE /Users/{id}`, `DELETE /Groups/{id}`.
pub(super) async fn delete(exchange: &mut Exchange, kind: Kind, ask: Ask) -> Result<Response, Failure> {
    let precondition = if_match(&ask.headers);
    exchange.call.resource = Some(ask.segment.clone());
    let app = exchange.scim.app.clone();
    directory::delete_resource(&app, &mut exchange.call, kind, &ask.segment, precondition.as_ref()).await?;
    Ok(response::empty(StatusCode::NO_CONTENT))
}

/// Reads query and body of a write, before anything is written.
async fn understand(exchange: &mut Exchange, kind: Kind, bytes: bytes::Bytes) -> Result<(Names, Value), Failure> {
    let length = bytes.len();
    let said = body::parse(&mut exchange.call, bytes).await?;
    hear(exchange, Some(kind), &said, length);
    exchange.mark("parse");
    Ok((names(exchange)?, said))
}

/// Notes the body for the journal. One that is certainly too long for it is not copied to find that out.
pub(super) fn hear(exchange: &mut Exchange, kind: Option<Kind>, said: &Value, length: usize) {
    if length > 8 * JOURNAL_BYTES {
        let note = json!({"too_long_for_the_journal": true, "kept_bytes_max": JOURNAL_BYTES, "bytes": length});
        exchange.call.said = Some(note);
    } else {
        exchange.call.heard(&exchange.scim.app, kind, said);
    }
}

/// `attributes` and `excludedAttributes` of the query (RFC 7644 section 3.9).
fn names(exchange: &mut Exchange) -> Result<Names, Refusal> {
    let quirks = exchange.call.caller.integration.quirks;
    let pairs = query::pairs(exchange.query.as_deref(), quirks, &mut exchange.call.repairs)?;
    let list = |wanted: &str| {
        let values = pairs.iter().filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
        let names = values.flat_map(|(_, value)| value.split(',')).map(str::trim).filter(|name| !name.is_empty());
        let names: Vec<String> = names.map(str::to_owned).collect();
        (!names.is_empty()).then_some(names)
    };
    Ok(Names { attributes: list("attributes"), excluded: list("excludedAttributes") })
}

async fn show(view: &View<'_>, resource: &Resource, status: StatusCode) -> Result<Response, Refusal> {
    let mut out = Pieces::default();
    view.write(resource, &mut out).await?;
    let mut response = response::pieces(status, out);
    put(&mut response, ETAG, &resource.etag);
    Ok(response)
}

fn put(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

fn if_match(headers: &HeaderMap) -> Option<Precondition> {
    joined(headers, IF_MATCH).map(|header| Precondition::parse_if_match(&header))
}

/// All lines of a header that holds a list, as one.
fn joined(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    let lines: Vec<_> = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
    (!lines.is_empty()).then(|| lines.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_lines_are_one_list() {
        let mut headers = HeaderMap::new();
        assert!(if_match(&headers).is_none());
        headers.append(IF_MATCH, HeaderValue::from_static("W/\"a\""));
        headers.append(IF_MATCH, HeaderValue::from_static("W/\"b\""));
        assert!(if_match(&headers).is_some_and(|it| it.matches("W/\"b\"") && !it.matches("W/\"c\"")));
        let mut garbage = HeaderMap::new();
        garbage.append(IF_MATCH, HeaderValue::from_bytes(b"\xff").unwrap());
        assert!(if_match(&garbage).is_some_and(|it| !it.matches("W/\"a\"")));
    }
}
