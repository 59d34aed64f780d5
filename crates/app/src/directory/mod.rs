//! What identity providers do: create, read, replace, patch, delete, query, bulk.
//!
//! Every verb reads rows, decides with pure functions and commits one `ChangeSet`; a stale precondition makes it read
//! and decide again. [`draft`] turns a document into columns, [`who`] finds the person behind a User, [`person`] says
//! what a changed User means for that person.

mod bulk;
mod change;
mod commit;
mod create;
mod cursor;
mod delete;
mod draft;
mod list;
mod members;
mod merge;
mod patch;
mod person;
mod read;
mod replace;
mod who;

pub use bulk::execute_bulk;
pub use create::create_resource;
pub use delete::delete_resource;
pub use list::list_resources;
pub use members::members_page;
pub use patch::patch_resource;
pub(crate) use person::{admins_guard, guard_admins, read as person_of};
pub(crate) use read::document as document_of;
pub use read::read_resource;
pub use replace::replace_resource;
pub(crate) use who::{Who, find_person};

use bailiwick_domain::person::{Facts, State};
use bailiwick_scim::Object;
use bailiwick_store::change::PersonFacts;
use bailiwick_store::rows::{PersonRow, ResourceRow};

/// What is known of a person, unchanged.
pub(crate) fn facts_of(person: &PersonRow) -> PersonFacts {
    person::known(person, person.state)
}

/// What the User says of the person whose authority it is.
pub(crate) fn facts_from(user: &ResourceRow, state: State) -> Result<PersonFacts, crate::Refusal> {
    Ok(facts_by(&read::document(user)?, state))
}

/// What a document of a User says of the person whose authority it is.
pub(crate) fn facts_by(document: &Object, state: State) -> PersonFacts {
    person::facts(&Facts::of_user(document), state)
}

/// What an answer needs beyond the document; what is not wanted is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wants {
    /// The groups of Users.
    pub groups: bool,
    /// The members of groups; they are read page by page with [`members_page`].
    pub members: bool,
    /// Name of the manager.
    pub manager: bool,
}

impl Wants {
    /// Everything.
    pub const ALL: Self = Self { groups: true, members: true, manager: true };
    /// Only what the row holds.
    pub const ROW: Self = Self { groups: false, members: false, manager: false };
}

/// A User or Group with what is computed at reading.
#[derive(Clone, Debug)]
pub struct Resource {
    /// The row: document, version, times, groups.
    pub row: ResourceRow,
    /// Entity tag, weak, with its quotes.
    pub etag: String,
    /// The manager of a User.
    pub manager: Option<ManagerShown>,
}

/// The manager of a User.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManagerShown {
    /// The id the client said.
    pub id: String,
    /// Name of that User; `None` when this integration has no such User (yet), then there is no `$ref` either.
    pub display: Option<String>,
}

/// The outcome of a PATCH.
#[derive(Clone, Debug)]
pub struct Patched {
    /// The resource afterwards.
    pub resource: Resource,
    /// Answer 204 without a body.
    pub quiet: bool,
    /// The names of what was written: shown even where the schema says "only on request" (RFC 7643 section 7).
    pub written: serde_json::Value,
}

/// A page of resources.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// The page.
    pub resources: Vec<Resource>,
    /// How many there are in all.
    pub total: u64,
    /// Position of the first, counted from 1; absent with a cursor.
    pub start_index: Option<u64>,
    /// Cursor of the next page; absent on the last and without cursor paging.
    pub next_cursor: Option<String>,
}
