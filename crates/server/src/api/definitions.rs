//! What admins define for all items: tiers, lifecycles, properties.

use super::answer::Answer;
use super::listed::listed;
use super::request::Request;
use super::table::{Access::May, Endpoint, delete, get, handler, put};
use super::wire::tag;
use crate::intake::Failure;
use bailiwick_app::App;
use bailiwick_app::catalog;
use bailiwick_domain::catalog::levels::{Level, Scale};
use bailiwick_domain::catalog::properties::Definition;
use bailiwick_domain::policy::Action::{CatalogRead, StandardsManage};
use bailiwick_scim::{Code, Error, Object};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(super) const ROUTES: &[Endpoint] = &[
    get(May(CatalogRead), "/tiers", "listTiers", handler!(list_tiers))
        .says("Lists the tiers in order.")
        .lists::<LevelShown>(),
    get(May(CatalogRead), "/tiers/{alias}", "readTier", handler!(read_tier))
        .says("Shows a tier.")
        .gives::<LevelShown>()
        .versioned(),
    put(May(StandardsManage), "/tiers/{alias}", "putTier", handler!(put_tier))
        .says("Defines a tier, or changes it.")
        .takes::<LevelNew>()
        .gives::<LevelShown>()
        .versioned(),
    delete(May(StandardsManage), "/tiers/{alias}", "deleteTier", handler!(delete_tier))
        .says("Takes a tier out of the list. Entities that say it keep it until they are changed.")
        .versioned(),
    get(May(CatalogRead), "/lifecycles", "listLifecycles", handler!(list_lifecycles))
        .says("Lists the lifecycles in order.")
        .lists::<LevelShown>(),
    get(May(CatalogRead), "/lifecycles/{alias}", "readLifecycle", handler!(read_lifecycle))
        .says("Shows a lifecycle.")
        .gives::<LevelShown>()
        .versioned(),
    put(May(StandardsManage), "/lifecycles/{alias}", "putLifecycle", handler!(put_lifecycle))
        .says("Defines a lifecycle, or changes it.")
        .takes::<LevelNew>()
        .gives::<LevelShown>()
        .versioned(),
    delete(May(StandardsManage), "/lifecycles/{alias}", "deleteLifecycle", handler!(delete_lifecycle))
        .says("Takes a lifecycle out of the list. Entities that say it keep it until they are changed.")
        .versioned(),
    get(May(CatalogRead), "/properties", "listProperties", handler!(list_properties))
        .says("Lists the properties that are defined, by name.")
        .lists::<PropertyShown>(),
    get(May(CatalogRead), "/properties/{name}", "readProperty", handler!(read_property))
        .says("Shows the definition of a property.")
        .gives::<PropertyShown>()
        .versioned(),
    put(May(StandardsManage), "/properties/{name}", "putProperty", handler!(put_property))
        .says("Defines a property by JSON Schema, or changes it. Values that are there stay until their item changes.")
        .takes::<PropertyNew>()
        .gives::<PropertyShown>()
        .versioned(),
    delete(May(StandardsManage), "/properties/{name}", "deleteProperty", handler!(delete_property))
        .says("Takes the definition of a property away.")
        .versioned(),
];

/// A tier or lifecycle.
#[derive(Serialize, JsonSchema)]
struct LevelShown {
    /// What documents say.
    alias: String,
    /// What people call it.
    name: String,
    /// What it means.
    description: Option<String>,
    /// Its place: the lowest comes first.
    index: u32,
}

/// A tier or lifecycle to be.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "describes the body; it is read with every fault in its place")]
struct LevelNew {
    /// What people call it; the alias if nothing is said.
    #[schemars(length(max = 500))]
    name: Option<String>,
    /// What it means.
    #[schemars(length(max = 500))]
    description: Option<String>,
    /// Its place: the lowest comes first.
    index: u32,
}

fn level_shown(level: Level) -> LevelShown {
    LevelShown { alias: level.alias, name: level.name, description: level.description, index: level.index }
}

fn version(app: &App, collection: &str, name: &str, version: i64) -> String {
    tag(app, &[b"standard", collection.as_bytes(), name.as_bytes(), &version.to_be_bytes()])
}

fn body(request: &Request) -> Result<Object, Failure> {
    match request.json() {
        Value::Object(document) => Ok(document.clone()),
        _ => Err(Error::new(Code::JsonSyntax, "The body must be a JSON object.").into()),
    }
}

/// The version that If-Match asks for, once it was compared with the present one; `found` is what is there.
fn expected<T>(
    request: &Request,
    collection: &str,
    name: &str,
    found: Result<(T, i64), bailiwick_app::Refusal>,
) -> Result<Option<i64>, Failure> {
    if !request.expects_a_version() {
        return Ok(None);
    }
    match found {
        Ok((_, number)) => {
            request.expects(&version(&request.app, collection, name, number))?;
            Ok(Some(number))
        }
        Err(refusal) if refusal.status == 404 => {
            request.expects("")?;
            Ok(Some(0))
        }
        Err(refusal) => Err(refusal.into()),
    }
}

async fn list_levels(request: &Request, scale: Scale) -> Result<Answer, Failure> {
    let levels = catalog::levels(&request.app, &request.principal, scale).await?;
    let key = |(level, _): &(Level, i64)| format!("{:010}\u{0}{}", level.index, level.alias);
    listed(request, levels, key, |(level, _)| level_shown(level))
}

async fn read_level(request: &Request, scale: Scale) -> Result<Answer, Failure> {
    let (level, number) = catalog::read_level(&request.app, &request.principal, scale, request.path("alias")).await?;
    let tag = version(&request.app, scale.as_str(), &level.alias, number);
    Ok(Answer::json(&level_shown(level))?.versioned(&tag))
}

async fn put_level(request: &Request, scale: Scale) -> Result<Answer, Failure> {
    let alias = request.path("alias");
    let found = catalog::read_level(&request.app, &request.principal, scale, alias).await;
    let expected = expected(request, scale.as_str(), alias, found)?;
    catalog::put_level(&request.app, &request.principal, scale, alias, &body(request)?, expected).await?;
    read_level(request, scale).await
}

async fn delete_level(request: &Request, scale: Scale) -> Result<Answer, Failure> {
    let alias = request.path("alias");
    let found = catalog::read_level(&request.app, &request.principal, scale, alias).await;
    let expected = expected(request, scale.as_str(), alias, found)?;
    catalog::delete_level(&request.app, &request.principal, scale, alias, expected).await?;
    Ok(Answer::empty())
}

async fn list_tiers(request: Request) -> Result<Answer, Failure> {
    list_levels(&request, Scale::Tier).await
}

async fn read_tier(request: Request) -> Result<Answer, Failure> {
    read_level(&request, Scale::Tier).await
}

async fn put_tier(request: Request) -> Result<Answer, Failure> {
    put_level(&request, Scale::Tier).await
}

async fn delete_tier(request: Request) -> Result<Answer, Failure> {
    delete_level(&request, Scale::Tier).await
}

async fn list_lifecycles(request: Request) -> Result<Answer, Failure> {
    list_levels(&request, Scale::Lifecycle).await
}

async fn read_lifecycle(request: Request) -> Result<Answer, Failure> {
    read_level(&request, Scale::Lifecycle).await
}

async fn put_lifecycle(request: Request) -> Result<Answer, Failure> {
    put_level(&request, Scale::Lifecycle).await
}

async fn delete_lifecycle(request: Request) -> Result<Answer, Failure> {
    delete_level(&request, Scale::Lifecycle).await
}

/// A property that items may have.
#[derive(Serialize, JsonSchema)]
struct PropertyShown {
    /// Name.
    name: String,
    /// What people call it.
    title: Option<String>,
    /// What it means.
    description: Option<String>,
    /// JSON Schema of its value; null for any value.
    schema: Value,
    /// On which kinds it may stand; on all when there is none.
    kinds: Vec<String>,
    /// Whether files may not set it.
    locked: bool,
    /// Whether pages leave it out.
    hidden: bool,
}

/// A property to be.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "describes the body; it is read with every fault in its place")]
struct PropertyNew {
    /// What people call it.
    #[schemars(length(max = 500))]
    title: Option<String>,
    /// What it means.
    #[schemars(length(max = 500))]
    description: Option<String>,
    /// JSON Schema (draft 2020-12) of its value; any value is fine without one. It must stand by itself.
    schema: Option<Value>,
    /// On which kinds it may stand: `component`, `team`, `person` ...
    kinds: Option<Vec<String>>,
    /// Whether files may not set it.
    locked: Option<bool>,
    /// Whether pages leave it out.
    hidden: Option<bool>,
}

fn property_shown(definition: Definition) -> PropertyShown {
    let Definition { name, title, description, schema, kinds, locked, hidden } = definition;
    PropertyShown { name, title, description, schema, kinds, locked, hidden }
}

async fn list_properties(request: Request) -> Result<Answer, Failure> {
    let all = catalog::properties(&request.app, &request.principal).await?;
    listed(&request, all, |(definition, _)| definition.name.clone(), |(definition, _)| property_shown(definition))
}

async fn shown_property(request: &Request) -> Result<Answer, Failure> {
    let (definition, number) = catalog::property(&request.app, &request.principal, request.path("name")).await?;
    let tag = version(&request.app, "property", &definition.name, number);
    Ok(Answer::json(&property_shown(definition))?.versioned(&tag))
}

async fn read_property(request: Request) -> Result<Answer, Failure> {
    shown_property(&request).await
}

async fn put_property(request: Request) -> Result<Answer, Failure> {
    let name = request.path("name");
    let found = catalog::property(&request.app, &request.principal, name).await;
    let expected = expected(&request, "property", name, found)?;
    catalog::put_property(&request.app, &request.principal, name, &body(&request)?, expected).await?;
    shown_property(&request).await
}

async fn delete_property(request: Request) -> Result<Answer, Failure> {
    let name = request.path("name");
    let found = catalog::property(&request.app, &request.principal, name).await;
    let expected = expected(&request, "property", name, found)?;
    catalog::delete_property(&request.app, &request.principal, name, expected).await?;
    Ok(Answer::empty())
}
