//! What comes back from a store: rows, as plain data.

mod catalog;

pub use catalog::{
    AliasRow, AnswerRow, CredentialRow, EntryRow, FeedRow, GrantRow, GroupNode, GroupWeb, HeldRow, ItemPage, ItemRef,
    ItemRow, PersonPage, RelationRow, StateRow, SubjectRow,
};

use bailiwick_domain::ids::{IntegrationId, Kind, Millis};
use bailiwick_domain::person::State;
use serde_json::Value;

/// A User or Group.
#[derive(Clone, Debug)]
pub struct ResourceRow {
    /// Row.
    pub seq: i64,
    /// Id shown to clients.
    pub id: String,
    /// User or Group.
    pub kind: Kind,
    /// Whose.
    pub integration: IntegrationId,
    /// The document as JSON text: an object with at least `schemas`.
    pub doc: String,
    /// Unique key of userName (Users).
    pub name_unique: Option<String>,
    /// What a reference to it shows.
    pub display: String,
    /// active.
    pub active: bool,
    /// The manager's id as said.
    pub manager: Option<String>,
    /// Effective version: for a Group the greater of the row and its last member change.
    pub version: i64,
    /// Version of the document alone: changes of members leave it.
    pub document_version: i64,
    /// Created.
    pub created: Millis,
    /// Last modified, likewise effective.
    pub modified: Millis,
    /// The person behind a User.
    pub person: Option<PersonRef>,
    /// Direct and indirect groups of a User, when asked for.
    pub groups: Vec<GroupRef>,
}

impl ResourceRow {
    /// The ETag shown for this row: of its id, its version and the epoch of its person (0 without one). Filters on
    /// `meta.version` compare with the same.
    #[must_use]
    pub fn etag(&self, key: &[u8; 32]) -> String {
        etag(key, &self.id, self.version, self.person.as_ref().map_or(0, |person| person.epoch))
    }
}

/// An ETag, as SQL computes it too.
pub(crate) fn etag(key: &[u8; 32], id: &str, version: i64, epoch: i64) -> String {
    bailiwick_scim::etag::tag(key, &[id.as_bytes(), &version.to_be_bytes(), &epoch.to_be_bytes()])
}

/// The person behind a User.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonRef {
    /// Row.
    pub seq: i64,
    /// Id.
    pub id: String,
    /// State.
    pub state: State,
    /// Epoch.
    pub epoch: i64,
    /// Whether this User is its authority.
    pub authority: bool,
    /// Holds the admin role by hand.
    pub admin: bool,
}

/// A group a resource belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRef {
    /// Id.
    pub id: String,
    /// displayName.
    pub display: String,
    /// Member itself, or through a nested group.
    pub direct: bool,
}

/// A member of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberRef {
    /// Row.
    pub seq: i64,
    /// Id.
    pub id: String,
    /// User or Group.
    pub kind: Kind,
    /// What it shows.
    pub display: String,
}

/// A page of resources.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// Rows in order.
    pub rows: Vec<ResourceRow>,
    /// How many there are in all, if asked for.
    pub total: Option<u64>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<crate::query::Position>,
}

/// An integration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntegrationRow {
    /// Id.
    pub id: IntegrationId,
    /// Name.
    pub name: String,
    /// Preset.
    pub preset: String,
    /// Settings.
    pub settings: crate::change::IntegrationSettings,
    /// Users held.
    pub users: u64,
    /// Groups held.
    pub groups: u64,
    /// Group-in-group edges held.
    pub nested: u64,
    /// Created.
    pub created: Millis,
    /// Last call of any kind.
    pub last_call: Option<Millis>,
    /// Last call that succeeded.
    pub last_success: Option<Millis>,
    /// Last call that failed.
    pub last_failure: Option<Millis>,
}

/// A token, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRow {
    /// Id.
    pub id: String,
    /// Whose.
    pub integration: IntegrationId,
    /// Label.
    pub label: String,
    /// SHA-256 of the token.
    pub digest: [u8; 32],
    /// Made.
    pub created: Millis,
    /// End of life.
    pub expires: Option<Millis>,
    /// Revoked.
    pub revoked: Option<Millis>,
    /// Last used, to the second or so.
    pub last_used: Option<Millis>,
}

/// A person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonRow {
    /// Row.
    pub seq: i64,
    /// Id.
    pub id: String,
    /// State.
    pub state: State,
    /// Name shown.
    pub display: String,
    /// Address chosen.
    pub email: Option<String>,
    /// userName of the authority or local account.
    pub user_name: Option<String>,
    /// Its unique key.
    pub user_name_key: Option<String>,
    /// Row of the User that decides.
    pub authority: Option<i64>,
    /// Signs in by itself, was invited, or holds a role by hand.
    pub local: bool,
    /// Has a local account (password).
    pub account: bool,
    /// Holds the admin role by hand.
    pub admin: bool,
    /// Epoch.
    pub epoch: i64,
    /// Created.
    pub created: Millis,
    /// Last modified.
    pub modified: Millis,
    /// Attributes with where each came from, as JSON text.
    pub doc: String,
}

/// A User of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserOfPerson {
    /// Row.
    pub seq: i64,
    /// Id.
    pub id: String,
    /// Whose.
    pub integration: IntegrationId,
    /// active.
    pub active: bool,
    /// Whether it is the authority.
    pub authority: bool,
    /// The document as JSON text.
    pub doc: String,
}

/// A person that answers to an incoming name or address. Closed persons never do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CandidateRow {
    /// The person.
    pub person: PersonRow,
    /// The integrations of its Users.
    pub integrations: Vec<IntegrationId>,
    /// Same userName.
    pub same_user_name: bool,
    /// Shares an e-mail address.
    pub same_email: bool,
}

/// A pair of the conflict queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConflictRow {
    /// Id.
    pub id: String,
    /// Whose User.
    pub integration: IntegrationId,
    /// The User, if stored.
    pub resource: Option<String>,
    /// Its userName.
    pub user_name: String,
    /// Its unique key.
    pub user_name_key: String,
    /// The person's id.
    pub person: String,
    /// Why.
    pub why: String,
    /// open, linked, kept.
    pub state: String,
    /// Opened.
    pub created: Millis,
    /// Decided.
    pub decided: Option<Millis>,
}

/// A claimed domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainRow {
    /// Name.
    pub name: String,
    /// Whose.
    pub integration: IntegrationId,
    /// How it was claimed.
    pub method: String,
    /// When.
    pub created: Millis,
}

/// An event of the feed.
#[derive(Clone, Debug, PartialEq)]
pub struct EventRow {
    /// Sequence.
    pub seq: i64,
    /// Committed time.
    pub at: Millis,
    /// Kind, as its stable text.
    pub kind: String,
    /// Whose.
    pub integration: Option<IntegrationId>,
    /// Id of the call or command.
    pub request: String,
    /// Resource.
    pub resource: Option<String>,
    /// Person.
    pub person: Option<String>,
    /// Who did it.
    pub actor: String,
    /// HTTP method of the call this is the record of.
    pub method: Option<String>,
    /// Status answered.
    pub status: Option<u16>,
    /// Stable code of a failure.
    pub code: Option<String>,
    /// Duration.
    pub duration_us: Option<u64>,
    /// Payload; `None` when not asked for or erased.
    pub payload: Option<Value>,
    /// Whether the payload was erased.
    pub erased: bool,
}

/// Equal failures of one integration, grouped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailureGroup {
    /// Whose.
    pub integration: Option<IntegrationId>,
    /// Stable code.
    pub code: String,
    /// How many.
    pub count: u64,
    /// First.
    pub first: Millis,
    /// Last.
    pub last: Millis,
    /// Distinct resources or names concerned.
    pub affected: u64,
    /// Sequence of the latest, for `log show`.
    pub latest: i64,
}

/// Calls of one integration by result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallTotal {
    /// HTTP method.
    pub method: String,
    /// Status.
    pub status: u16,
    /// How many.
    pub calls: u64,
}

/// What verifying the seal found.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct VerifyReport {
    /// Blocks checked.
    pub blocks: u64,
    /// Events covered by them.
    pub events: u64,
    /// Events not yet sealed; no error.
    pub unsealed: u64,
    /// Payloads erased; no error.
    pub erased: u64,
    /// The first bad record, in words; `None` when all is well.
    pub first_bad: Option<String>,
    /// Hash of the newest block, hexadecimal.
    pub head: Option<String>,
}

/// A stretch of the journal with what is needed to check it elsewhere.
#[derive(Clone, Debug, PartialEq)]
pub struct Export {
    /// Events in order.
    pub events: Vec<ExportedEvent>,
    /// The blocks that end among them.
    pub blocks: Vec<ExportedBlock>,
}

/// An event as it is sealed.
#[derive(Clone, Debug, PartialEq)]
pub struct ExportedEvent {
    /// Its metadata; the payload is in `body`.
    pub event: EventRow,
    /// The payload, byte for byte as its digest covers it; `None` when erased.
    pub body: Option<String>,
    /// Salted digest of the payload, hexadecimal.
    pub digest: String,
    /// The salt, hexadecimal; erased with the payload.
    pub salt: Option<String>,
}

/// A block of the seal.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct ExportedBlock {
    /// Number; the first is 1.
    pub number: i64,
    /// Sequence of its first event.
    pub first: i64,
    /// Sequence of its last event.
    pub last: i64,
    /// How many events it covers.
    pub count: i64,
    /// Hash of the block before it, hexadecimal.
    pub previous: String,
    /// Its hash, hexadecimal.
    pub hash: String,
    /// When it was sealed.
    pub at: Millis,
}
