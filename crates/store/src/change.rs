//! What can be written: a [`ChangeSet`] is atomic and carries its preconditions.

mod catalog;

pub use catalog::{
    Answer, CredentialKind, Dirty, EntryWrite, GrantsWrite, HeldState, ItemColumns, ItemKey, ItemUpdate, NewCredential,
    NewGrant, NewItem, NewRelation,
};

use bailiwick_domain::event::EventKind;
use bailiwick_domain::ids::{IntegrationId, Kind, Millis};
use bailiwick_domain::mapping::GrantKind;
use bailiwick_domain::person::State;
use serde_json::Value;

/// One atomic change: guards, writes, events.
#[derive(Clone, Debug, Default)]
pub struct ChangeSet {
    /// When it was decided. The store never lets time go back: the committed time is the greater of this and the last.
    pub at: Millis,
    /// Preconditions; one that fails makes the whole set [`crate::Error::Stale`].
    pub guards: Vec<Guard>,
    /// Writes, in order.
    pub writes: Vec<Write>,
    /// Events, in order. The first that changes a resource gives it its version.
    pub events: Vec<NewEvent>,
}

/// A precondition.
#[derive(Clone, Debug)]
pub enum Guard {
    /// The persons that answer to this name and these addresses are exactly these (ids sorted): nobody came or went
    /// since the identity rules decided.
    Candidates { user_name_key: String, email_keys: Vec<String>, persons: Vec<String> },
    /// The document of the resource has this version, whatever became of its members meanwhile.
    Document { seq: i64, version: i64 },
    /// The document of the admins has this version; 0: there is none.
    Entry { collection: String, id: String, version: i64 },
    /// Nothing behind this number of the feed is of a kind that begins so. A set with this guard runs alone, so that
    /// all that was committed before it is seen.
    Feed { after: i64, kinds: &'static [&'static str] },
    /// The item exists and has this version.
    Item { seq: i64, version: i64 },
    /// The key of the guard table has this version (0 when absent); bumped by the commit when `bump`.
    Key { key: String, version: i64, bump: bool },
    /// The person exists with this epoch.
    Person { seq: i64, epoch: i64 },
    /// The resource exists and its effective version (for a Group: with its last member change) is this one.
    Resource { seq: i64, version: i64 },
}

/// A write.
///
/// The store itself marks persons whose grants are to be evaluated again: everybody whose epoch a set bumps because of
/// documents, memberships, nesting or deletions, and the person of a new User, unless the same set holds settled
/// [`Write::Grants`] of that person. It does so only where the guard key `mapping` exists, which whoever makes the first
/// rule or feed creates, marking everybody.
#[derive(Clone, Debug)]
pub enum Write {
    /// Makes stale what was decided under this key ([`Guard::Key`]), whatever version it has: for whoever decides
    /// nothing by it themselves, so that many writers do not turn each other away.
    Bump { key: String },
    /// Claims a domain.
    ClaimDomain { name: String, integration: IntegrationId, method: String },
    /// Closes every open grant of an object and bumps the epochs of who held one.
    CloseGrants { kind: GrantKind, object: String },
    /// Adds to the counters of successful calls; creates no event.
    CountCalls(Vec<CallCount>),
    /// Deletes a document of the admins.
    DeleteEntry { collection: String, id: String },
    /// Deletes an item with its names, relations and feeds, and closes what others were given of it. Whoever pointed to
    /// it keeps the reference.
    DeleteItem { seq: i64 },
    /// Opens and closes grants of a person.
    Grants(GrantsWrite),
    /// Holds persons, by a hold that takes the place of one they may have, and bumps their epochs.
    Hold { persons: Vec<i64>, hold: String, state: HeldState },
    /// Opens a pair in the conflict queue; an equal pair stays as it is.
    InsertConflict(NewConflict),
    /// Stores a credential; stale when its person is not active.
    InsertCredential(NewCredential),
    /// Creates an integration; its id is returned in [`Committed::integration`].
    InsertIntegration(NewIntegration),
    /// Creates an item. What named it only by reference is tied to it.
    InsertItem(NewItem),
    /// Makes a person local with a password and recovery codes.
    InsertLocalAccount { person: PersonKey, password_hash: String, recovery_digests: Vec<[u8; 32]> },
    /// Creates a person.
    InsertPerson(NewPerson),
    /// Creates a User or Group.
    InsertResource(NewResource),
    /// Stores a token.
    InsertToken(NewToken),
    /// Has grants evaluated again, whether there are rules or not.
    MarkDirty(Dirty),
    /// Changes members of a group; the rows really changed are told in the events of the set. `wide`: it concerns far
    /// more than it names (groups are among those who come or go, or a large group is replaced), so that it runs by
    /// itself and is given more time.
    Members { group: ResourceKey, change: MemberWrite, wide: bool },
    /// Deletes an integration with its resources, tokens, domains, conflicts; persons left without User are closed.
    DeleteIntegration(IntegrationId),
    /// Deletes a User or Group with its memberships on both sides and its e-mail rows. A Group, which may have any
    /// number of members, is deleted by itself.
    DeleteResource { seq: i64, kind: Kind },
    /// Notes for the removal guard that these persons lost something. Notes older than a day are dropped.
    NoteRemovals { integration: IntegrationId, persons: Vec<i64> },
    /// Keeps the answer to a request with an idempotency key; stale when there is one already.
    PutAnswer(Answer),
    /// Creates or replaces a document of the admins.
    PutEntry(EntryWrite),
    /// Holds these persons no longer, and bumps their epochs.
    Release { persons: Vec<i64> },
    /// Replaces password and recovery codes of a local account.
    RecoverLocalAccount { person: i64, password_hash: String, recovery_digests: Vec<[u8; 32]> },
    /// Gives up a domain.
    ReleaseDomain { name: String },
    /// Sets the end of life of a credential; the earlier of the present and the new one holds. Stale when it is revoked or
    /// has ended.
    EndCredential { id: String, expires: Millis },
    /// Sets the end of life of a token; the earlier of the present and the new one holds.
    EndToken { id: String, expires: Millis },
    /// Revokes a credential at once.
    RevokeCredential { id: String },
    /// Replaces the attributes of a person and bumps its epoch.
    SetAttributes { person: i64, doc: String },
    /// Feeds a team by a group with a role, or no longer.
    SetFeed { team: i64, group: i64, role: Option<String> },
    /// Makes a person local or an admin by hand, or no longer, and bumps its epoch.
    SetPerson { person: i64, local: Option<bool>, admin: Option<bool> },
    /// Remembers how far a consumer has read the feed.
    SetPosition { consumer: String, position: i64 },
    /// Has these persons evaluated no more, as far as it was asked for up to this mark.
    Settle { persons: Vec<i64>, mark: i64 },
    /// Notes when credentials were last used; creates no event.
    TouchCredentials(Vec<(String, Millis)>),
    /// Replaces the columns of an item. What named it only by a name that it gained is tied to it.
    UpdateItem(ItemUpdate),
    /// Uses up a recovery code of a person; stale when there is none or it is used.
    UseRecoveryCode { digest: [u8; 32], person: i64 },
    /// Revokes a token at once.
    RevokeToken { id: String },
    /// Decides a pair of the conflict queue.
    SetConflict { id: String, state: String },
    /// Changes an integration's settings.
    UpdateIntegration { id: IntegrationId, settings: IntegrationSettings },
    /// Gives a User a person, which may be made by the same set; with `authority` the person follows it from now on.
    AdoptResource { seq: i64, person: PersonKey, authority: bool },
    /// Moves a User to another person.
    SetResourcePerson { seq: i64, person: i64 },
    /// Remembers a setting of the store.
    SetSetting { key: String, value: String },
    /// Notes when tokens were last used; creates no event.
    TouchTokens(Vec<(String, Millis)>),
    /// Replaces what is known of a person and bumps its epoch. Of who is not active any more, the sessions, personal
    /// tokens and invitations go in the same commit: see [`Committed::revoked`].
    UpdatePerson(PersonUpdate),
    /// Replaces the document of a resource.
    UpdateResource(ResourceUpdate),
}

/// Names a resource within a set: a known row, or one inserted by the same set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResourceKey {
    /// By row.
    Seq(i64),
    /// By the id of a resource inserted in the same set.
    New(String),
}

/// Names a person within a set: a known row, or one inserted by the same set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PersonKey {
    /// By row.
    Seq(i64),
    /// By the id of a person inserted in the same set.
    New(String),
}

/// A change of members.
#[derive(Clone, Debug)]
pub enum MemberWrite {
    /// These become members.
    Add(Vec<ResourceKey>),
    /// Nobody is a member.
    Clear,
    /// These are no longer members.
    Remove(Vec<ResourceKey>),
    /// Exactly these are members.
    Set(Vec<ResourceKey>),
}

/// A new User or Group.
#[derive(Clone, Debug)]
pub struct NewResource {
    /// Id shown to clients.
    pub id: String,
    /// Whose it is.
    pub integration: IntegrationId,
    /// User or Group.
    pub kind: Kind,
    /// Everything that is derived from the document.
    pub columns: Columns,
    /// The person behind a User.
    pub person: Option<PersonKey>,
    /// Whether this User becomes the authority of that person.
    pub authority: bool,
}

/// The document of a resource and what is derived from it.
#[derive(Clone, Debug)]
pub struct Columns {
    /// Users: unique key of userName.
    pub name_unique: Option<String>,
    /// Match key of userName or displayName.
    pub name_match: String,
    /// What a reference to it shows.
    pub display: String,
    /// externalId.
    pub external_id: Option<String>,
    /// active; true for groups.
    pub active: bool,
    /// The manager's id as the client said.
    pub manager: Option<String>,
    /// Unique keys of all e-mail addresses.
    pub email_keys: Vec<String>,
    /// The document as JSON text.
    pub doc: String,
    /// The comparison keys as JSON text.
    pub keys: String,
}

/// A new document for a known resource.
#[derive(Clone, Debug)]
pub struct ResourceUpdate {
    /// Row.
    pub seq: i64,
    /// Everything derived from the new document.
    pub columns: Columns,
}

/// A new person.
#[derive(Clone, Debug)]
pub struct NewPerson {
    /// Id, `per_...`.
    pub id: String,
    /// What is known.
    pub facts: PersonFacts,
    /// Signs in by itself, was invited, or holds a role by hand.
    pub local: bool,
    /// Holds the admin role by hand.
    pub admin: bool,
    /// Attributes with where each came from, as JSON text: an object.
    pub doc: String,
}

/// What is known of a person.
#[derive(Clone, Debug)]
pub struct PersonFacts {
    /// active, inactive, closed.
    pub state: State,
    /// Name shown.
    pub display: String,
    /// The address chosen.
    pub email: Option<String>,
    /// Its unique key.
    pub email_key: Option<String>,
    /// userName of the authority.
    pub user_name: Option<String>,
    /// Its unique key.
    pub user_name_key: Option<String>,
}

/// New facts for a known person. Its epoch is bumped.
#[derive(Clone, Debug)]
pub struct PersonUpdate {
    /// Row.
    pub seq: i64,
    /// What is known now.
    pub facts: PersonFacts,
    /// `Some(Some(seq))` makes that User the authority, `Some(None)` leaves none, `None` keeps it.
    pub authority: Option<Option<i64>>,
}

/// A new integration.
#[derive(Clone, Debug)]
pub struct NewIntegration {
    /// Name.
    pub name: String,
    /// Preset.
    pub preset: String,
    /// Settings.
    pub settings: IntegrationSettings,
}

/// The settings of an integration.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct IntegrationSettings {
    /// Quirk bits.
    pub quirks: u32,
    /// Whether its calls are refused for now.
    pub paused: bool,
    /// Requests a second; `None` the default, 0 off.
    pub rate_limit: Option<u32>,
    /// Insists on a userName in e-mail form.
    pub user_name_email: bool,
    /// The sign-in claim and the attribute it must equal.
    pub sign_in_claim: Option<String>,
    /// Its groups and attributes give nothing yet: what they would give is only shown.
    pub observe: bool,
    /// Removals are held when they concern more than this share of its Users...
    pub guard_percent: u32,
    /// ...and more than this many persons.
    pub guard_people: u32,
    /// Which attribute of its Users becomes what, as JSON text; `None` the preset's.
    pub mapping: Option<String>,
}

impl Default for IntegrationSettings {
    /// Those of an integration that nobody has set anything for, without any quirk.
    fn default() -> Self {
        Self {
            quirks: 0,
            paused: false,
            rate_limit: None,
            user_name_email: false,
            sign_in_claim: None,
            observe: false,
            guard_percent: 10,
            guard_people: 5,
            mapping: None,
        }
    }
}

/// A new token: only its digest is stored.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// Id, `tok_...`.
    pub id: String,
    /// Whose; `None` names the integration inserted in the same set.
    pub integration: Option<IntegrationId>,
    /// Label.
    pub label: String,
    /// SHA-256 of the token.
    pub digest: [u8; 32],
    /// End of life.
    pub expires: Option<Millis>,
}

/// A pair for the conflict queue.
#[derive(Clone, Debug)]
pub struct NewConflict {
    /// Id, `con_...`.
    pub id: String,
    /// The integration that spoke.
    pub integration: IntegrationId,
    /// The User, if it was stored.
    pub resource: Option<String>,
    /// Its userName.
    pub user_name: String,
    /// Its unique key.
    pub user_name_key: String,
    /// The person it may be.
    pub person: String,
    /// Why, as a stable word.
    pub why: String,
}

/// Successful calls to be counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallCount {
    /// Whose.
    pub integration: IntegrationId,
    /// HTTP method.
    pub method: String,
    /// Status answered.
    pub status: u16,
    /// How many.
    pub calls: u64,
    /// The latest of them.
    pub last: Millis,
}

/// An event to be appended with the writes of its set.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// What it tells. A set whose writes turned out to change nothing (members that were there already) has
    /// [`EventKind::CallUnchanged`] in its place, and events without a call are then left out.
    pub kind: EventKind,
    /// Whose; `None` for the store itself or, with [`Write::InsertIntegration`] in the set, that integration.
    pub integration: Option<IntegrationId>,
    /// Id of the call or command.
    pub request: String,
    /// The resource concerned.
    pub resource: Option<String>,
    /// The person concerned.
    pub person: Option<String>,
    /// Who did it: a token id, `host`, `server`, `anonymous`.
    pub actor: String,
    /// The call, on the one event that is its ProvisioningRecord.
    pub call: Option<CallFacts>,
    /// What was said and what changed: an object. Members really added and removed are put in as `members`,
    /// the credentials that went with the access of the person concerned as `revoked`.
    pub payload: Value,
    /// 16 random bytes for the digest of the payload.
    pub salt: [u8; 16],
}

/// The facts of a call that are not personal.
#[derive(Clone, Debug)]
pub struct CallFacts {
    /// HTTP method.
    pub method: String,
    /// Status answered.
    pub status: u16,
    /// Stable code of a failure.
    pub code: Option<String>,
    /// Time from the first byte to this record, in microseconds.
    pub duration_us: u64,
}

/// What a commit did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Committed {
    /// Sequence of the first event; the version of what was changed.
    pub seq: i64,
    /// Committed time.
    pub at: Millis,
    /// Whether any row of product data changed.
    pub changed: bool,
    /// Id of an integration inserted.
    pub integration: Option<IntegrationId>,
    /// Rows of resources and items inserted: (id, seq).
    pub inserted: Vec<(String, i64)>,
    /// Persons whom the set marked to be evaluated again, if they are few enough.
    pub dirty: Vec<i64>,
    /// It marked more than are named.
    pub dirty_more: bool,
    /// Credentials that went because their person is active no more.
    pub revoked: Vec<(String, CredentialKind)>,
}
