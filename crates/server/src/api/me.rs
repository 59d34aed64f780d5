//! The service itself: its description.

use super::answer::Answer;
use super::openapi;
use super::request::Request;
use super::table::{Access::Known, Endpoint, get, handler};
use crate::intake::Failure;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

pub(super) const ROUTES: &[Endpoint] = &[get(Known, "/openapi.json", "readOpenApi", handler!(document))
    .says("Describes every route of this API (OpenAPI 3.1).")
    .gives::<OpenApi>()];

/// An OpenAPI 3.1 document.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(transparent)]
struct OpenApi(Map<String, Value>);

async fn document(_: Request) -> Result<Answer, Failure> {
    Ok(Answer::text("application/json", openapi::text()))
}
