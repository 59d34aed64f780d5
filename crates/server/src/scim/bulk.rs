//! `POST /Bulk` (RFC 7644 section 3.7).

use super::exchange::Exchange;
use super::resources::hear;
use super::{Ask, body, response};
use crate::intake::Failure;
use axum::response::Response;
use bailiwick_app::directory;
use bailiwick_scim::bulk;
use http::StatusCode;

/// Carries out the operations. Each has its own outcome; the whole is 200 when the message was understood.
pub(super) async fn execute(exchange: &mut Exchange, ask: Ask) -> Result<Response, Failure> {
    let length = ask.body.len();
    let message = body::parse(&mut exchange.call, ask.body).await?;
    hear(exchange, None, &message, length);
    let request = bulk::parse(message)?;
    let results = directory::execute_bulk(&exchange.scim.app, &mut exchange.call, request).await?;
    let body = serde_json::to_string(&bulk::response(results)).map_err(|_| crate::intake::internal())?;
    Ok(response::json(StatusCode::OK, body))
}
