//! Entities: components, systems, domains, APIs, resources and other kinds.

use super::answer::Answer;
use super::items::{self, Contact, Dependency, HistoryEntry, ItemShown, Link, Place, RelationShown, Tag, Tool};
use super::listed::listed;
use super::request::{Request, encoded};
use super::table::{Access::May, Endpoint, Form, Param, delete, get, handler, param, patch, post};
use super::teams::history_of;
use crate::intake::Failure;
use bailiwick_app::catalog::{self, Author, Item, Wanted};
use bailiwick_app::rows::{ItemRow, RelationRow};
use bailiwick_domain::catalog::Kind;
use bailiwick_domain::policy::Action::{CatalogEdit, CatalogRead};
use bailiwick_scim::{Code, Error};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

const LIST: &[Param] = &[
    param("kind", Form::Kinds, "Of these kinds, parted by commas; of all but teams if nothing is said."),
    param("owner", Form::Text(300), "Owned by this team itself: inherited ownership is not looked at."),
    param("part_of", Form::Text(300), "Directly part of this system or domain, by id or reference with its kind."),
    param("search", Form::Text(200), "Title, name or alias contains this."),
    param("filter", Form::Filter, "A filter over the documents of entities."),
];

pub(super) const ROUTES: &[Endpoint] = &[
    get(May(CatalogRead), "/entities", "listEntities", handler!(list))
        .says("Lists entities in the order of their titles.")
        .query(LIST)
        .lists::<ItemShown>(),
    post(May(CatalogEdit), "/entities", "createEntity", handler!(create))
        .says("Makes an entity.")
        .takes::<EntityNew>()
        .makes::<ItemShown>(),
    get(May(CatalogRead), "/entities/{ref}", "readEntity", handler!(read))
        .says("Shows an entity: by id, by kind:namespace/name, or for components by name or alias alone.")
        .gives::<ItemShown>()
        .versioned(),
    patch(May(CatalogEdit), "/entities/{ref}", "changeEntity", handler!(change))
        .says("Changes an entity by a merge patch. A name it gives up leads to it still.")
        .takes::<EntityChange>()
        .gives::<ItemShown>()
        .versioned(),
    delete(May(CatalogEdit), "/entities/{ref}", "deleteEntity", handler!(remove))
        .says("Deletes an entity. What pointed to it keeps the reference.")
        .versioned(),
    get(May(CatalogRead), "/entities/{ref}/history", "readEntityHistory", handler!(history))
        .says("Lists what happened to an entity, from every source, the newest first.")
        .lists::<HistoryEntry>(),
    get(May(CatalogRead), "/entities/{ref}/dependencies", "listDependencies", handler!(dependencies))
        .says("Lists what an entity depends on, provides and consumes.")
        .lists::<RelationShown>(),
    get(May(CatalogRead), "/entities/{ref}/dependents", "listDependents", handler!(dependents))
        .says("Lists what depends on an entity, provides or consumes it.")
        .lists::<RelationShown>(),
];

/// A new entity.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "describes the body; the document is read by the catalog with every fault in its place")]
struct EntityNew {
    /// `component`, `system`, `domain`, `api`, `resource` or another kind.
    #[schemars(regex(pattern = r"^[A-Za-z][A-Za-z0-9]{0,62}$"))]
    kind: String,
    /// Name: letters, digits, `-`, `_` and `.`; unique within kind and namespace, letter case ignored.
    #[schemars(regex(pattern = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$"))]
    name: String,
    /// Namespace; `default` if nothing is said.
    #[schemars(regex(pattern = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"))]
    namespace: Option<String>,
    #[serde(flatten)]
    said: EntitySaid,
}

/// What to change; null takes away, what is not named stays. Lists are replaced as a whole.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "describes the body")]
struct EntityChange {
    /// Another name; the one it had stays an alias.
    #[schemars(regex(pattern = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$"))]
    name: Option<String>,
    #[serde(flatten)]
    said: EntitySaid,
}

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "describes the body")]
struct EntitySaid {
    /// What people call it.
    #[schemars(length(min = 1, max = 200))]
    title: Option<String>,
    /// What it is.
    #[schemars(length(max = 4000))]
    description: Option<String>,
    /// `service`, `library`, `openapi`, `database` ...
    #[serde(rename = "type")]
    #[schemars(length(min = 1, max = 200))]
    entity_type: Option<String>,
    /// A team by name, alias or reference; or a person (`user:ada`, an address, an id). It must be there.
    #[schemars(length(min = 1, max = 200))]
    owner: Option<String>,
    /// The system a component, API or resource is part of. It must be there.
    #[schemars(length(min = 1, max = 200))]
    system: Option<String>,
    /// The domain a system is part of. It must be there.
    #[schemars(length(min = 1, max = 200))]
    domain: Option<String>,
    /// The domain above a domain. It must be there.
    #[schemars(length(min = 1, max = 200))]
    parent: Option<String>,
    /// One of the tiers, where any is defined.
    #[schemars(length(min = 1, max = 200))]
    tier: Option<String>,
    /// One of the lifecycles, where any is defined.
    #[schemars(length(min = 1, max = 200))]
    lifecycle: Option<String>,
    /// Tags.
    #[schemars(length(max = 200))]
    tags: Option<Vec<Tag>>,
    /// Links.
    #[schemars(length(max = 200))]
    links: Option<Vec<Link>>,
    /// Tools.
    #[schemars(length(max = 200))]
    tools: Option<Vec<Tool>>,
    /// Contacts.
    #[schemars(length(max = 200))]
    contacts: Option<Vec<Contact>>,
    /// What it depends on, provides and consumes.
    #[schemars(length(max = 1000))]
    dependencies: Option<Vec<Dependency>>,
    /// Properties that are defined, by name.
    properties: Option<Map<String, Value>>,
    /// Further names.
    #[schemars(length(max = 100))]
    aliases: Option<Vec<String>>,
    /// Annotations: texts by name.
    annotations: Option<Map<String, Value>>,
    /// Labels: texts by name.
    labels: Option<Map<String, Value>>,
    /// Definition of an API.
    definition: Option<String>,
}

fn no_team(kind: &Kind) -> bool {
    !kind.is_team()
}

async fn entity(request: &Request) -> Result<Item, Failure> {
    let text = request.path("ref");
    Ok(catalog::read_item(&request.app, &request.principal, text, &Kind::Component, no_team).await?)
}

async fn row(request: &Request) -> Result<ItemRow, Failure> {
    Ok(entity(request).await?.row)
}

async fn list(request: Request) -> Result<Answer, Failure> {
    let page = request.page::<Place>()?;
    let part_of = match request.param("part_of") {
        Some(whole) => Some(catalog::find_item(&request.app, whole, &Kind::System, no_team).await?.seq),
        None => None,
    };
    let wanted = Wanted {
        kinds: items::kinds(request.param("kind"))?,
        owner: request.param("owner").map(str::to_owned),
        part_of,
        search: request.param("search").map(str::to_owned),
        filter: request.param("filter").map(str::to_owned),
        after: page.after,
        limit: page.limit,
        total: page.total,
    };
    let listing = catalog::list_items(&request.app, &request.principal, wanted).await?;
    let items: Vec<ItemShown> = listing.items.into_iter().map(items::shown).collect::<Result<_, _>>()?;
    Answer::page(&request, &items, listing.next.as_ref(), listing.total)
}

async fn create(request: Request) -> Result<Answer, Failure> {
    let document = items::body(&request)?;
    let is_team = document.get("kind").and_then(Value::as_str).and_then(|kind| Kind::parse(kind).ok());
    if is_team.is_some_and(|kind| kind.is_team()) {
        return Err(Error::new(Code::ValueInvalid, "A team is made at /teams.").into());
    }
    let item = catalog::create_item(&request.app, &request.principal, &document, Author::Hand).await?;
    let tag = items::version(&request.app, &item.row);
    let path = format!("/entities/{}", encoded(&item.row.id));
    Ok(Answer::made(&request, &path, &items::shown(item)?)?.versioned(&tag))
}

async fn read(request: Request) -> Result<Answer, Failure> {
    let item = entity(&request).await?;
    let tag = items::version(&request.app, &item.row);
    Ok(Answer::json(&items::shown(item)?)?.versioned(&tag))
}

async fn change(request: Request) -> Result<Answer, Failure> {
    let patch = items::body(&request)?;
    let row = row(&request).await?;
    let expected = items::expected(&request, &row)?;
    let item = catalog::change_item(&request.app, &request.principal, &row.id, &patch, Author::Hand, expected).await?;
    let tag = items::version(&request.app, &item.row);
    Ok(Answer::json(&items::shown(item)?)?.versioned(&tag))
}

async fn remove(request: Request) -> Result<Answer, Failure> {
    let row = row(&request).await?;
    let expected = items::expected(&request, &row)?;
    catalog::delete_item(&request.app, &request.principal, &row.id, expected).await?;
    Ok(Answer::empty())
}

async fn history(request: Request) -> Result<Answer, Failure> {
    let row = row(&request).await?;
    history_of(&request, &row).await
}

async fn dependencies(request: Request) -> Result<Answer, Failure> {
    let row = row(&request).await?;
    let rows = catalog::dependencies(&request.app, &request.principal, &row).await?;
    listed(&request, rows, relation_key, items::relation)
}

async fn dependents(request: Request) -> Result<Answer, Failure> {
    let row = row(&request).await?;
    let rows = catalog::dependents(&request.app, &request.principal, &row).await?;
    listed(&request, rows, relation_key, items::relation)
}

fn relation_key(row: &RelationRow) -> String {
    format!("{}\u{0}{}\u{0}{}", row.relation, row.target_ref, row.item.id)
}
