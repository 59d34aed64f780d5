//! What can be asked of a store.

use bailiwick_domain::ids::{IntegrationId, Kind, Millis};
use bailiwick_domain::person::State;
use bailiwick_scim::filter::Resolved;
use bailiwick_scim::sort::Sort;

/// A page of resources of one kind.
#[derive(Clone, Debug)]
pub struct PageQuery {
    /// Whose.
    pub integration: IntegrationId,
    /// Users or groups.
    pub kind: Kind,
    /// Which.
    pub filter: Option<Resolved>,
    /// In which order; creation order without one, and always as the last key.
    pub sort: Option<Sort>,
    /// Where the page begins.
    pub from: From,
    /// Most rows.
    pub count: u64,
    /// Whether Users come with their groups.
    pub with_groups: bool,
    /// Whether the total is wanted (a cursor page may do without).
    pub total: bool,
    /// Base URL of the SCIM endpoint, for filters on `meta.location` and `$ref`.
    pub base: String,
    /// Key of the ETag, for filters on `meta.version`.
    pub etag_key: [u8; 32],
}

/// Where a page begins.
#[derive(Clone, Debug, PartialEq)]
pub enum From {
    /// After that row.
    After(Position),
    /// At the n-th row, counted from 0.
    Offset(u64),
}

/// The place of a row in an order.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Position {
    /// Row.
    pub seq: i64,
    /// Its sort key; `Null` when there is no sort or no value.
    pub key: serde_json::Value,
}

/// Which events of the journal.
#[derive(Clone, Debug, Default)]
pub struct EventQuery {
    /// Of one integration.
    pub integration: Option<IntegrationId>,
    /// Only calls that were refused or failed.
    pub failed: bool,
    /// Not reads of what is not there: many clients ask for an id they made up before they begin, and expect 404.
    pub without_probes: bool,
    /// Only ProvisioningRecords (events that carry a call).
    pub calls_only: bool,
    /// Of this kind, or, ending in `*`, of the kinds that begin so.
    pub kind: Option<String>,
    /// Of this call or command.
    pub request: Option<String>,
    /// Concerning this: a resource id, person id, request id, or text found in the payload (userName, displayName).
    pub target: Option<String>,
    /// Naming this person, by id: the history of a person.
    pub person: Option<String>,
    /// Naming this resource or item, by id.
    pub resource: Option<String>,
    /// Not before.
    pub since: Option<Millis>,
    /// Only after this sequence, ascending (a follower). Otherwise the newest first.
    pub after: Option<i64>,
    /// Only before this sequence (older pages, newest first).
    pub before: Option<i64>,
    /// Most rows.
    pub limit: u32,
    /// Whether payloads are wanted.
    pub payloads: bool,
}

/// Which persons.
#[derive(Clone, Debug, Default)]
pub struct PersonQuery {
    /// Name, e-mail or id contains this.
    pub search: Option<String>,
    /// After this row.
    pub after: Option<i64>,
    /// Most rows.
    pub limit: u32,
}

/// Which persons of a listing, in the order of their rows.
#[derive(Clone, Debug, Default)]
pub struct PersonListQuery {
    /// Name, e-mail or id contains this.
    pub search: Option<String>,
    /// What the person must satisfy: `id`, `displayName`, `userName`, `email`, `state`, `local`, `admin`, its attributes
    /// by name, and `properties`.
    pub filter: Option<Resolved>,
    /// Standing so.
    pub state: Option<State>,
    /// After this row.
    pub after: Option<i64>,
    /// Most rows.
    pub limit: u32,
    /// Whether the total is wanted.
    pub total: bool,
}

/// Which items, in the order of their titles.
#[derive(Clone, Debug, Default)]
pub struct ItemQuery {
    /// Of these kinds; of all when there is none.
    pub kinds: Vec<String>,
    /// Owned by this team.
    pub owner: Option<i64>,
    /// Owned by this person.
    pub owner_person: Option<i64>,
    /// Part of this item.
    pub parent: Option<i64>,
    /// Kept by this import source.
    pub source: Option<String>,
    /// Owned by nobody who is there.
    pub unowned: bool,
    /// Title, name or alias contains this.
    pub search: Option<String>,
    /// What the document must satisfy.
    pub filter: Option<Resolved>,
    /// Behind this place: match key of a title, and row.
    pub after: Option<(String, i64)>,
    /// Most rows.
    pub limit: u32,
    /// Whether the total is wanted.
    pub total: bool,
}

/// Which documents of the admins, in the order of their ids.
#[derive(Clone, Debug, Default)]
pub struct EntryQuery {
    /// Of this collection.
    pub collection: String,
    /// Standing so.
    pub state: Option<String>,
    /// Belonging to this entry.
    pub parent: Option<String>,
    /// Due before.
    pub due_before: Option<Millis>,
    /// Behind this id.
    pub after: Option<String>,
    /// Most rows.
    pub limit: u32,
}
