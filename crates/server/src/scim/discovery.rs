//! `/ServiceProviderConfig`, `/ResourceTypes`, `/Schemas` (RFC 7644 section 4): written once, when the server starts.

use super::exchange::Exchange;
use super::{Ask, query, response};
use crate::intake::Failure;
use crate::router::Endpoint;
use axum::response::Response;
use bailiwick_app::App;
use bailiwick_scim::list::{ListPage, write_list};
use bailiwick_scim::{Code, Error, discovery};
use bytes::Bytes;
use http::StatusCode;
use serde_json::Value;

/// The documents, as they are sent.
#[derive(Debug)]
pub(super) struct Documents {
    config: Bytes,
    types: Family,
    schemas: Family,
}

/// Documents of one kind, and the list of all.
#[derive(Debug)]
struct Family {
    list: Bytes,
    single: Vec<(String, Bytes)>,
}

impl Family {
    fn new(key: &str, documents: &[Value]) -> Self {
        let name = |document: &Value| document.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let texts: Vec<String> = documents.iter().map(Value::to_string).collect();
        let total = texts.len() as u64;
        let page = ListPage { total, start_index: Some(1), items_per_page: total, ..ListPage::default() };
        let mut list = String::new();
        write_list(&page, &texts, &mut list);
        let single = documents.iter().map(name).zip(texts.into_iter().map(Bytes::from)).collect();
        Self { list: Bytes::from(list), single }
    }

    fn find(&self, name: &str) -> Option<Bytes> {
        self.single.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, document)| document.clone())
    }
}

impl Documents {
    pub(super) fn new(app: &App) -> Self {
        let (registry, base) = (app.registry(), app.scim_base());
        Self {
            config: Bytes::from(discovery::service_provider_config(base).to_string()),
            types: Family::new("name", &discovery::resource_types(registry, base)),
            schemas: Family::new("id", &discovery::schemas(registry, base)),
        }
    }

    /// What the server can do. Query parameters are ignored.
    pub(super) fn config(&self) -> Response {
        response::json(StatusCode::OK, self.config.clone())
    }
}

/// Resource types and schemas. They cannot be filtered; sorting and paging are ignored.
pub(super) fn read(exchange: &mut Exchange, ask: &Ask) -> Result<Response, Failure> {
    let quirks = exchange.call.caller.integration.quirks;
    let pairs = query::pairs(exchange.query.as_deref(), quirks, &mut exchange.call.repairs)?;
    if pairs.iter().any(|(name, _)| name.eq_ignore_ascii_case("filter")) {
        return Err(Error::new(Code::DiscoveryFilter, "Discovery documents cannot be filtered.").into());
    }
    let documents = &exchange.scim.discovery;
    let found = match ask.endpoint {
        Endpoint::ResourceTypes => Some(documents.types.list.clone()),
        Endpoint::ResourceType => documents.types.find(&ask.segment),
        Endpoint::Schemas => Some(documents.schemas.list.clone()),
        _ => documents.schemas.find(&ask.segment),
    };
    match found {
        Some(document) => Ok(response::json(StatusCode::OK, document)),
        None => Err(Error::new(Code::NotFound, "There is no such resource type or schema.").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn documents_are_found_by_name_in_any_case() {
        let family = Family::new("id", &[json!({"id": "urn:A"}), json!({"id": "urn:B"})]);
        assert_eq!(family.find("URN:a").unwrap(), r#"{"id":"urn:A"}"#);
        assert!(family.find("urn:c").is_none());
        let list: Value = serde_json::from_slice(&family.list).unwrap();
        assert_eq!((&list["totalResults"], list["Resources"].as_array().map(Vec::len)), (&json!(2), Some(2)));
    }
}
