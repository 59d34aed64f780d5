//! What is written of the catalog: items, grants, credentials, holds, the documents of admins.

use super::PersonKey;
use bailiwick_domain::ids::{IntegrationId, Millis};
use bailiwick_domain::mapping::GrantKind;

/// Names an item within a set: a known row, or one inserted before by the same set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ItemKey {
    /// By row.
    Seq(i64),
    /// By the id of an item inserted before in the same set.
    New(String),
}

/// A new team or catalog entity.
#[derive(Clone, Debug)]
pub struct NewItem {
    /// Id.
    pub id: String,
    /// Everything else.
    pub columns: ItemColumns,
}

/// New columns for a known item.
#[derive(Clone, Debug)]
pub struct ItemUpdate {
    /// Row.
    pub seq: i64,
    /// Everything, as it is now to be.
    pub columns: ItemColumns,
}

/// What an item is. A reference is `kind:namespace/name` in lower case. One that is given without the row it means is
/// tied to that row when an item of this name or alias is there, or as soon as one comes; when that item is deleted, the
/// reference stays and waits for the next of its name.
#[derive(Clone, Debug, Default)]
pub struct ItemColumns {
    /// `team`, `component`, `system`, `domain`, `api`, `resource`, or another kind in lower case.
    pub kind: String,
    /// Namespace.
    pub namespace: String,
    /// Name as written.
    pub name: String,
    /// Match key of the name: unique within kind and namespace.
    pub name_key: String,
    /// Title, or the name where there is none.
    pub title: String,
    /// Match key of the title.
    pub title_key: String,
    /// The owning team.
    pub owner: Option<ItemKey>,
    /// The owning person.
    pub owner_person: Option<i64>,
    /// The owner as a reference.
    pub owner_ref: Option<String>,
    /// Team: its parent team. Component, API, resource: its system. System: its domain. Domain: its parent domain.
    pub parent: Option<ItemKey>,
    /// The parent as a reference.
    pub parent_ref: Option<String>,
    /// Type within the kind.
    pub item_type: Option<String>,
    /// Tier.
    pub tier: Option<String>,
    /// Lifecycle.
    pub lifecycle: Option<String>,
    /// Id of the import source that keeps it; none for what is kept by hand.
    pub source: Option<String>,
    /// The document as JSON text.
    pub doc: String,
    /// The comparison keys as JSON text.
    pub keys: String,
    /// Match keys of further names it answers to, added to those it has. Its own name is always one.
    pub aliases: Vec<String>,
    /// Replaces all its relations.
    pub relations: Option<Vec<NewRelation>>,
}

/// A relation of an item to another. There is one of each type to a reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRelation {
    /// What it is: `dependsOn`, `providesApi`, ...
    pub relation: String,
    /// The other item as a reference.
    pub target_ref: String,
    /// The other item, if it is known.
    pub target: Option<ItemKey>,
    /// A remark.
    pub note: Option<String>,
}

/// What a person is given and what is taken away. The epoch is bumped if anything changed.
#[derive(Clone, Debug)]
pub struct GrantsWrite {
    /// Whose.
    pub person: PersonKey,
    /// To be opened; one equal to an open grant in all but its path changes nothing.
    pub open: Vec<NewGrant>,
    /// Rows to be closed. It is done before any is opened.
    pub close: Vec<i64>,
    /// The newest mark that this settles, if the grants were evaluated with everything the set does: a newer one stays,
    /// and the set itself does not mark the person.
    pub settled: Option<i64>,
}

/// Something given to a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewGrant {
    /// What kind of thing.
    pub kind: GrantKind,
    /// The team's id, the name of the role or property, the id of the entity.
    pub object: String,
    /// More of it: the role in a team, the value of a property.
    pub value: String,
    /// The rule or feed it comes from, or that it was given by hand.
    pub origin: String,
    /// How it came about, as JSON text.
    pub path: String,
}

/// Whose grants are to be evaluated again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dirty {
    /// Everybody's who is not closed.
    All,
    /// These persons'.
    Persons(Vec<i64>),
    /// Those of the persons in these groups and the groups below them.
    Below(Vec<i64>),
    /// Those of the persons whom this integration provisions.
    Integration(IntegrationId),
}

/// How a person is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum HeldState {
    /// What would be taken away waits for somebody to decide.
    Waiting = 1,
    /// It was decided that nothing is taken away.
    Pinned = 2,
}

impl HeldState {
    /// The stable text.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Pinned => "pinned",
        }
    }

    /// The state of a stored number.
    #[must_use]
    pub fn from_number(number: i64) -> Option<Self> {
        [Self::Waiting, Self::Pinned].into_iter().find(|state| *state as i64 == number)
    }
}

/// The kinds of credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum CredentialKind {
    /// A session of a browser.
    Session = 1,
    /// An API token of a person.
    Personal = 2,
    /// An API token of a service.
    Service = 3,
    /// An invitation.
    Invite = 4,
}

impl CredentialKind {
    /// The stable text.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Personal => "personal",
            Self::Service => "service",
            Self::Invite => "invite",
        }
    }

    /// The kind of a stored number.
    #[must_use]
    pub fn from_number(number: i64) -> Option<Self> {
        [Self::Session, Self::Personal, Self::Service, Self::Invite].into_iter().find(|kind| *kind as i64 == number)
    }
}

/// A new credential: only the digest of its secret is stored. One of a person is stored only if the person is active.
#[derive(Clone, Debug)]
pub struct NewCredential {
    /// Id.
    pub id: String,
    /// Kind.
    pub kind: CredentialKind,
    /// Whose, unless it is a service's.
    pub person: Option<PersonKey>,
    /// Name of the service.
    pub service: Option<String>,
    /// Label.
    pub label: String,
    /// SHA-256 of the secret.
    pub digest: [u8; 32],
    /// What it may be used for, as JSON text.
    pub scopes: String,
    /// End of life.
    pub expires: Option<Millis>,
}

/// A document of the admins. An equal one changes nothing.
#[derive(Clone, Debug)]
pub struct EntryWrite {
    /// `roles`, `rules`, `holds`, ...
    pub collection: String,
    /// Id within the collection.
    pub id: String,
    /// The entry it belongs to.
    pub parent: Option<String>,
    /// Where it stands, as a stable word.
    pub state: Option<String>,
    /// When something is to happen with it.
    pub due: Option<Millis>,
    /// The document as JSON text.
    pub doc: String,
}

/// The answer given to a request with an idempotency key. It is kept for a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Who asked.
    pub caller: String,
    /// The key.
    pub key: String,
    /// SHA-256 of the request.
    pub digest: [u8; 32],
    /// Status answered.
    pub status: u16,
    /// Headers as JSON text.
    pub headers: String,
    /// Body.
    pub body: String,
}
