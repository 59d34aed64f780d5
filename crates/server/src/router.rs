//! Every route, in one place.
//!
//! SCIM is served under `/scim/v2` and, for clients that cannot name a version, under `/scim` (RFC 7644 section 3.13).
//! Everything below `/scim` goes through one door, [`scim::answer`], which authenticates first and looks the rest of the
//! path up in [`SCIM`] afterwards: what is not listed cannot be reached, and nobody without a token learns what is. The
//! REST API below `/api/v1` has a door and a table of its own, of the same kind: [`crate::api`].

use crate::api::{self, Access, Api};
use crate::health;
use crate::scim::{self, Scim};
use axum::Router;
use axum::routing::{any, get};
use bailiwick_domain::ids::Kind;
use bailiwick_domain::policy::Action;
use std::sync::Arc;

/// Who may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auth {
    /// Everybody.
    Open,
    /// An integration, by its API token.
    Token,
    /// Whoever is known to the REST API, with the action asked of the policy if there is one.
    Principal(Option<Action>),
}

/// A route, for tests and documentation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteInfo {
    /// HTTP method.
    pub method: &'static str,
    /// Path; `{id}`, `{name}` and `{urn}` stand for one segment.
    pub path: String,
    /// Who may use it.
    pub auth: Auth,
}

/// What a path below the SCIM base means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Bulk,
    Me,
    Resource(Kind),
    ResourceType,
    ResourceTypes,
    Resources(Kind),
    Root,
    RootSearch,
    Schema,
    Schemas,
    Search(Kind),
    ServiceProviderConfig,
}

/// A line of the table.
pub(crate) struct ScimRoute {
    pattern: &'static str,
    pub(crate) endpoint: Endpoint,
    pub(crate) methods: &'static [&'static str],
    auth: Auth,
}

const fn route(pattern: &'static str, endpoint: Endpoint, methods: &'static [&'static str]) -> ScimRoute {
    ScimRoute { pattern, endpoint, methods, auth: Auth::Token }
}

/// Paths below the SCIM base. Of two lines that fit a path the first is meant. HEAD is served wherever GET is.
const SCIM: &[ScimRoute] = &[
    route("Users", Endpoint::Resources(Kind::User), &["GET", "POST"]),
    route("Users/.search", Endpoint::Search(Kind::User), &["POST"]),
    route("Users/{id}", Endpoint::Resource(Kind::User), &["GET", "PUT", "PATCH", "DELETE"]),
    route("Groups", Endpoint::Resources(Kind::Group), &["GET", "POST"]),
    route("Groups/.search", Endpoint::Search(Kind::Group), &["POST"]),
    route("Groups/{id}", Endpoint::Resource(Kind::Group), &["GET", "PUT", "PATCH", "DELETE"]),
    route("Bulk", Endpoint::Bulk, &["POST"]),
    route("", Endpoint::Root, &["GET"]),
    route(".search", Endpoint::RootSearch, &["POST"]),
    route("Me", Endpoint::Me, &["GET", "POST", "PUT", "PATCH", "DELETE"]),
    ScimRoute {
        pattern: "ServiceProviderConfig",
        endpoint: Endpoint::ServiceProviderConfig,
        methods: &["GET"],
        auth: Auth::Open,
    },
    route("ResourceTypes", Endpoint::ResourceTypes, &["GET"]),
    route("ResourceTypes/{name}", Endpoint::ResourceType, &["GET"]),
    route("Schemas", Endpoint::Schemas, &["GET"]),
    route("Schemas/{urn}", Endpoint::Schema, &["GET"]),
];

/// A path below `/scim`, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Place<'a> {
    /// A line of the table, and the segment that fills its braces, still percent-encoded.
    Known(&'static ScimRoute, &'a str),
    /// Another version of the protocol.
    Version,
    /// Nothing.
    Unknown,
}

impl Place<'_> {
    /// Whether everybody may read it.
    pub(crate) fn open(&self) -> bool {
        matches!(self, Place::Known(route, _) if route.auth == Auth::Open)
    }
}

impl PartialEq for ScimRoute {
    fn eq(&self, other: &Self) -> bool {
        self.endpoint == other.endpoint
    }
}

impl Eq for ScimRoute {}

impl std::fmt::Debug for ScimRoute {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.pattern)
    }
}

impl ScimRoute {
    /// The pattern, as logs show it.
    pub(crate) fn pattern(&self) -> &'static str {
        self.pattern
    }
}

/// The path below the SCIM base, without a slash in front or at the end, as it was sent.
pub(crate) fn below_base(path: &str) -> &str {
    let rest = path.strip_prefix("/scim").unwrap_or(path);
    let rest = rest.strip_prefix('/').unwrap_or(rest);
    let rest = match rest.strip_prefix("v2") {
        Some("") => "",
        Some(below) => below.strip_prefix('/').unwrap_or(rest),
        None => rest,
    };
    rest.strip_suffix('/').unwrap_or(rest)
}

/// Looks up what [`below_base`] returned. Segments are compared as they were sent: an encoded, doubled or dotted
/// spelling of an endpoint is unknown.
pub(crate) fn locate(below: &str) -> Place<'_> {
    let (first, second) = match below.split_once('/') {
        Some((first, second)) => (first, Some(second)),
        None => (below, None),
    };
    for route in SCIM {
        let (head, tail) = match route.pattern.split_once('/') {
            Some((head, tail)) => (head, Some(tail)),
            None => (route.pattern, None),
        };
        if head != first {
            continue;
        }
        match (tail, second) {
            (None, None) => return Place::Known(route, ""),
            (Some(tail), Some(second)) if tail == second => return Place::Known(route, ""),
            (Some(tail), Some(second)) if tail.starts_with('{') && !second.is_empty() && !second.contains('/') => {
                return Place::Known(route, second);
            }
            _ => {}
        }
    }
    let other_version = first.strip_prefix('v').is_some_and(|version| {
        version.starts_with(|digit: char| digit.is_ascii_digit())
            && version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
    });
    if other_version { Place::Version } else { Place::Unknown }
}

/// The router of the whole server.
pub(crate) fn build(scim: Arc<Scim>, api: Arc<Api>) -> Router {
    let rest = Router::new()
        .route("/api/v1", any(api::answer_api))
        .route("/api/v1/", any(api::answer_api))
        .route("/api/v1/{*rest}", any(api::answer_api))
        .with_state(api);
    Router::new()
        .merge(rest)
        .route("/docs/errors/{code}", get(health::error_page))
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/scim", any(scim::answer))
        .route("/scim/", any(scim::answer))
        .route("/scim/{*rest}", any(scim::answer))
        .fallback(health::not_found)
        .with_state(scim)
}

/// Every route, SCIM under both of its bases, the REST API below `/api/v1`.
#[must_use]
pub fn routes() -> Vec<RouteInfo> {
    let mut all: Vec<RouteInfo> =
        ["/healthz", "/readyz"].map(|path| RouteInfo { method: "GET", path: path.to_owned(), auth: Auth::Open }).into();
    for base in ["/scim/v2", "/scim"] {
        for route in SCIM {
            let path = if route.pattern.is_empty() { base.to_owned() } else { format!("{base}/{}", route.pattern) };
            let info = |&method: &&'static str| RouteInfo { method, path: path.clone(), auth: route.auth };
            all.extend(route.methods.iter().map(info));
        }
    }
    all.extend(api::routes().map(|endpoint| RouteInfo {
        method: endpoint.method,
        path: format!("/api/v1{}", endpoint.path),
        auth: match endpoint.access {
            Access::Everybody => Auth::Open,
            Access::Known => Auth::Principal(None),
            Access::May(action) => Auth::Principal(Some(action)),
        },
    }));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_mean_what_the_table_says() {
        let check = |path: &str, expect: Option<(Endpoint, &str)>| {
            let found = match locate(below_base(path)) {
                Place::Known(route, segment) => Some((route.endpoint, segment)),
                Place::Version | Place::Unknown => None,
            };
            assert_eq!(found, expect, "{path}");
        };
        for base in ["/scim/v2", "/scim"] {
            for end in ["", "/"] {
                let known = |below: &str, expect| check(&format!("{base}{below}{end}"), Some(expect));
                known("", (Endpoint::Root, ""));
                known("/Users", (Endpoint::Resources(Kind::User), ""));
                known("/Users/.search", (Endpoint::Search(Kind::User), ""));
                known("/Users/42", (Endpoint::Resource(Kind::User), "42"));
                known("/Groups/a%2Fb", (Endpoint::Resource(Kind::Group), "a%2Fb"));
                known("/.search", (Endpoint::RootSearch, ""));
                known("/Schemas/urn:x", (Endpoint::Schema, "urn:x"));
                known("/ServiceProviderConfig", (Endpoint::ServiceProviderConfig, ""));
            }
        }
        for path in [
            "/scim//Users",
            "/scim/v2//Users",
            "/scim/v2/Users//",
            "/scim/v2/Users//1",
            "/scim/v2/Users/1/x",
            "/scim/v2/./Users",
            "/scim/v2/../v2/Users",
            "/scim/v2/%55sers",
            "/scim/v2/users",
            "/scim/v2/v2/Users",
            "/scim/v2Users",
            "/scim/v1/Users",
            "/scim/v2.1/Users",
            "/scim/v2/ServiceProviderConfig/x",
            "/scim/v2/ServiceProviderConfig%2F..%2FUsers",
        ] {
            check(path, None);
        }
        for version in ["/scim/v1", "/scim/v1/Users", "/scim/v3/", "/scim/v2.1/Users", "/scim/v11"] {
            assert_eq!(locate(below_base(version)), Place::Version, "{version}");
        }
        assert_eq!(locate(below_base("/scim/vault")), Place::Unknown);
    }

    #[test]
    fn one_scim_route_is_open() {
        let mut open: Vec<String> =
            routes().into_iter().filter(|route| route.auth == Auth::Open).map(|route| route.path).collect();
        open.retain(|path| !path.starts_with("/api/"));
        open.sort();
        assert_eq!(open, ["/healthz", "/readyz", "/scim/ServiceProviderConfig", "/scim/v2/ServiceProviderConfig"]);
        assert!(routes().len() > 50);
    }
}
