//! Rows of the catalog: items, grants, credentials, holds, the documents of admins.

use super::{PersonRow, UserOfPerson};
use crate::change::{CredentialKind, HeldState};
use bailiwick_domain::ids::{IntegrationId, Millis};
use bailiwick_domain::mapping::GrantKind;
use bailiwick_domain::person::State;

/// An item as others refer to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemRef {
    /// Row.
    pub seq: i64,
    /// Id.
    pub id: String,
    /// Kind.
    pub kind: String,
    /// Namespace.
    pub namespace: String,
    /// Name as written.
    pub name: String,
    /// Title.
    pub title: String,
}

/// A team or catalog entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemRow {
    /// Row.
    pub seq: i64,
    /// Id.
    pub id: String,
    /// `team`, `component`, ...
    pub kind: String,
    /// Namespace.
    pub namespace: String,
    /// Name as written.
    pub name: String,
    /// Its match key.
    pub name_key: String,
    /// Title.
    pub title: String,
    /// Its match key.
    pub title_key: String,
    /// The owning team.
    pub owner: Option<ItemRef>,
    /// The owning person.
    pub owner_person: Option<i64>,
    /// The owner as a reference.
    pub owner_ref: Option<String>,
    /// The item it is part of.
    pub parent: Option<ItemRef>,
    /// The same as a reference.
    pub parent_ref: Option<String>,
    /// Type within the kind.
    pub item_type: Option<String>,
    /// Tier.
    pub tier: Option<String>,
    /// Lifecycle.
    pub lifecycle: Option<String>,
    /// Id of the import source that keeps it.
    pub source: Option<String>,
    /// The document as JSON text.
    pub doc: String,
    /// The comparison keys as JSON text.
    pub keys: String,
    /// Version.
    pub version: i64,
    /// Created.
    pub created: Millis,
    /// Last modified.
    pub modified: Millis,
}

/// A page of items.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ItemPage {
    /// Rows in order.
    pub rows: Vec<ItemRow>,
    /// How many there are in all, if asked for.
    pub total: Option<u64>,
    /// Where the next page begins, for [`crate::query::ItemQuery::after`]; `None` on the last.
    pub next: Option<(String, i64)>,
}

/// A relation between items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelationRow {
    /// The item that has it.
    pub item: ItemRef,
    /// What it is.
    pub relation: String,
    /// The other item as a reference.
    pub target_ref: String,
    /// The other item, if there is one.
    pub target: Option<ItemRef>,
    /// A remark.
    pub note: Option<String>,
}

/// A name that an item answers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AliasRow {
    /// `kind:namespace`.
    pub space: String,
    /// Match key of the name.
    pub key: String,
    /// The item.
    pub item: i64,
    /// Since when.
    pub at: Millis,
}

/// A group whose members belong to a team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedRow {
    /// The team.
    pub team: i64,
    /// Its id.
    pub team_id: String,
    /// The group.
    pub group: i64,
    /// Its id.
    pub group_id: String,
    /// Whose group.
    pub integration: IntegrationId,
    /// The role its members have in the team.
    pub role: String,
}

/// Something that was given to a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantRow {
    /// Row.
    pub seq: i64,
    /// Whose.
    pub person: i64,
    /// What kind of thing.
    pub kind: GrantKind,
    /// The team's id, the name of the role or property, the id of the entity.
    pub object: String,
    /// More of it.
    pub value: String,
    /// The rule or feed it comes from, or that it was given by hand.
    pub origin: String,
    /// How it came about, as JSON text.
    pub path: String,
    /// The version that opened it.
    pub began: i64,
    /// When.
    pub from: Millis,
    /// The version that closed it.
    pub ended: Option<i64>,
    /// When.
    pub until: Option<Millis>,
}

/// A change of a person's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateRow {
    /// The person.
    pub person: i64,
    /// The version of the change.
    pub seq: i64,
    /// When.
    pub at: Millis,
    /// Where the person stood.
    pub before: State,
    /// Where it has stood since.
    pub after: State,
}

/// Everything of a person that grants depend on.
#[derive(Clone, Debug)]
pub struct SubjectRow {
    /// The person. It was read before the rest: whatever changed since shows in its epoch.
    pub person: PersonRow,
    /// Its Users.
    pub users: Vec<UserOfPerson>,
    /// Direct memberships of its Users: (User, Group).
    pub memberships: Vec<(i64, i64)>,
    /// What it holds now.
    pub grants: Vec<GrantRow>,
    /// Whether and how it is held.
    pub held: Option<HeldRow>,
    /// The mark by which it waits to be evaluated: the version of the change that asked for it last.
    pub dirty: Option<i64>,
    /// The integration whose call that follows from, if it does.
    pub cause: Option<IntegrationId>,
}

/// A group in a web of groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupNode {
    /// Row.
    pub seq: i64,
    /// Id.
    pub id: String,
    /// Whose.
    pub integration: IntegrationId,
    /// displayName.
    pub display: String,
    /// externalId.
    pub external_id: Option<String>,
    /// The document as JSON text.
    pub doc: String,
    /// Version of the document; changes of members leave it.
    pub version: i64,
}

/// Groups and what is above them, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupWeb {
    /// The groups.
    pub groups: Vec<GroupNode>,
    /// Who is a member of whom: (member, group).
    pub edges: Vec<(i64, i64)>,
}

/// How a person is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldRow {
    /// The person.
    pub person: i64,
    /// Id of the hold.
    pub hold: String,
    /// How.
    pub state: HeldState,
    /// Since when.
    pub at: Millis,
}

/// A credential, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialRow {
    /// Id.
    pub id: String,
    /// Kind.
    pub kind: CredentialKind,
    /// Whose.
    pub person: Option<i64>,
    /// Name of the service.
    pub service: Option<String>,
    /// Label.
    pub label: String,
    /// SHA-256 of the secret.
    pub digest: [u8; 32],
    /// What it may be used for, as JSON text.
    pub scopes: String,
    /// Made.
    pub created: Millis,
    /// End of life.
    pub expires: Option<Millis>,
    /// Revoked.
    pub revoked: Option<Millis>,
    /// Last used, to the second or so.
    pub last_used: Option<Millis>,
}

/// A document of the admins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryRow {
    /// Collection.
    pub collection: String,
    /// Id within it.
    pub id: String,
    /// The entry it belongs to.
    pub parent: Option<String>,
    /// Where it stands.
    pub state: Option<String>,
    /// When something is to happen with it.
    pub due: Option<Millis>,
    /// The document as JSON text.
    pub doc: String,
    /// Version, for [`crate::Guard::Entry`].
    pub version: i64,
    /// Created.
    pub created: Millis,
    /// Last modified.
    pub modified: Millis,
}

/// An answer that was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerRow {
    /// What was answered.
    pub answer: crate::change::Answer,
    /// When.
    pub at: Millis,
}

/// A page of persons.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PersonPage {
    /// Rows in order.
    pub rows: Vec<PersonRow>,
    /// How many there are in all, if asked for.
    pub total: Option<u64>,
    /// Where the next page begins, for [`crate::query::PersonListQuery::after`]; `None` on the last.
    pub next: Option<i64>,
}
