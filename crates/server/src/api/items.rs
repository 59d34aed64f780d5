//! Items of the catalog on the wire: what teams and entities have in common.

use super::request::Request;
use super::wire::{Moment, tag};
use crate::intake::{Failure, Fault, internal};
use bailiwick_app::catalog::{EffectiveOwner, GivenOwner, Invalid, Item, Member, OwnerOf};
use bailiwick_app::rows::{EventRow, ItemRef, ItemRow, RelationRow};
use bailiwick_app::{App, Refusal};
use bailiwick_domain::catalog::{Kind, Reference};
use bailiwick_domain::mapping::grant::parse_path;
use bailiwick_scim::{Code, Error, Object};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A tag.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Tag {
    /// The key of a value under a key.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 200))]
    key: Option<String>,
    /// The text.
    #[schemars(length(min = 1, max = 200))]
    value: String,
}

/// A link.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Link {
    /// Where to.
    #[schemars(length(min = 1, max = 2000))]
    url: String,
    /// What people call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 200))]
    title: Option<String>,
    /// Name of an icon.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 200))]
    icon: Option<String>,
    /// `dashboard`, `runbook` ...
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 200))]
    kind: Option<String>,
}

/// A tool that is used to run the item.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Tool {
    /// What people call it.
    #[schemars(length(min = 1, max = 200))]
    name: String,
    /// `logs`, `metrics` ...
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 200))]
    category: Option<String>,
    /// `production` ...
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 200))]
    environment: Option<String>,
    /// Where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 2000))]
    url: Option<String>,
}

/// How to reach whoever answers.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Contact {
    /// `email`, `slack`, `web` ...
    #[serde(rename = "type")]
    #[schemars(length(min = 1, max = 200))]
    kind: String,
    /// The address there.
    #[schemars(length(min = 1, max = 2000))]
    address: String,
    /// What people call it.
    #[serde(rename = "displayName", skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 200))]
    display_name: Option<String>,
}

/// What an item has to do with another.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Dependency {
    /// `dependsOn`, `providesApi`, `consumesApi`, `subcomponentOf` or another word.
    #[schemars(regex(pattern = r"^[A-Za-z][A-Za-z0-9]{0,62}$"))]
    relation: String,
    /// The other item: `kind:namespace/name`. It need not exist yet.
    #[schemars(length(min = 1, max = 200))]
    target: String,
    /// Why, in free text.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4000))]
    note: Option<String>,
}

/// Where an item comes from.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Source {
    /// Import source.
    id: String,
    /// File within it.
    path: String,
    /// Line at which the item begins.
    line: u32,
}

/// What the document of a team or entity says.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub(super) struct Said {
    /// `team`, `component`, `system`, `domain`, `api`, `resource` or another kind.
    kind: String,
    /// Namespace.
    namespace: String,
    /// Name.
    name: String,
    /// What people call it.
    title: Option<String>,
    /// What it is.
    description: Option<String>,
    /// Type within the kind.
    #[serde(rename = "type")]
    item_type: Option<String>,
    /// Who answers for it, as it was said: a team, or a person (allowed, and flagged).
    owner: Option<String>,
    /// The system it is part of.
    system: Option<String>,
    /// The domain a system is part of.
    domain: Option<String>,
    /// The parent of a team or domain.
    parent: Option<String>,
    /// Tier.
    tier: Option<String>,
    /// Lifecycle.
    lifecycle: Option<String>,
    /// What a team answers for.
    responsibilities: Option<String>,
    /// Tags.
    tags: Vec<Tag>,
    /// Links.
    links: Vec<Link>,
    /// Tools.
    tools: Vec<Tool>,
    /// Contacts.
    contacts: Vec<Contact>,
    /// Dependencies.
    dependencies: Vec<Dependency>,
    /// Properties by name.
    properties: Map<String, Value>,
    /// Further names, as written.
    aliases: Vec<String>,
    /// Annotations.
    annotations: Map<String, Value>,
    /// Labels.
    labels: Map<String, Value>,
    /// Definition of an API, or where it is.
    definition: Option<Value>,
    /// What its file says besides.
    unknown: Map<String, Value>,
    /// The file it comes from; null by hand.
    source: Option<Source>,
}

/// Another item.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Other {
    /// Id.
    id: String,
    /// `kind:namespace/name`.
    reference: String,
    /// What people call it.
    title: String,
}

/// The owner that counts.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Owner {
    /// `team`, `person`, or `missing` for one that is named but is not there.
    kind: &'static str,
    /// Id; null for a missing one.
    id: Option<String>,
    /// What people call it.
    title: String,
    /// Whether a person may act; null for others.
    active: Option<bool>,
    /// The system or domain it is inherited from; null when the item says it itself.
    through: Option<Other>,
}

/// A filter of mapping rules that finds the item: who was given it owns the item.
#[derive(Debug, Serialize, JsonSchema)]
struct OwnedByRules {
    /// The filter.
    filter: String,
    /// Ids of the rules that give it.
    rules: Vec<String>,
    /// Active people who have it now.
    people: u64,
}

impl From<GivenOwner> for OwnedByRules {
    fn from(given: GivenOwner) -> Self {
        Self { filter: given.filter, rules: given.rules, people: given.people }
    }
}

/// A team or entity.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct ItemShown {
    /// Id.
    id: String,
    /// `kind:namespace/name`.
    reference: String,
    #[serde(flatten)]
    said: Said,
    /// Who answers for it today, own or inherited; null when nobody does, and for teams.
    effective_owner: Option<Owner>,
    /// What mapping rules give of it, to people besides the owner; empty in lists.
    owned_by_rules: Vec<OwnedByRules>,
    /// What it is part of, as far as that is there.
    part_of: Option<Other>,
    /// Every name it answers to; empty in lists.
    names: Vec<String>,
    /// Made.
    created_at: Moment,
    /// Last modified.
    modified_at: Moment,
}

fn printed(kind: &str, namespace: &str, name: &str) -> String {
    let kind = Kind::parse(kind).unwrap_or_else(|_| Kind::Other(kind.into()));
    Reference { kind, namespace: namespace.to_owned(), name: name.to_owned() }.to_string()
}

pub(super) fn other(item: &ItemRef) -> Other {
    Other {
        id: item.id.clone(),
        reference: printed(&item.kind, &item.namespace, &item.name),
        title: item.title.clone(),
    }
}

fn owner(owner: &EffectiveOwner) -> Owner {
    let (kind, id, title, active) = match &owner.owner {
        OwnerOf::Team(team) => ("team", Some(team.id.clone()), team.title.clone(), None),
        OwnerOf::Person { id, display, active, .. } => ("person", Some(id.clone()), display.clone(), Some(*active)),
        OwnerOf::Missing(text) => ("missing", None, text.clone(), None),
    };
    Owner { kind, id, title, active, through: owner.through.as_ref().map(other) }
}

pub(super) fn shown(item: Item) -> Result<ItemShown, Failure> {
    let row = item.row;
    Ok(ItemShown {
        reference: printed(&row.kind, &row.namespace, &row.name),
        said: serde_json::from_value(Value::Object(item.document)).map_err(|_| internal())?,
        effective_owner: item.owner.as_ref().map(owner),
        owned_by_rules: item.given.into_iter().map(OwnedByRules::from).collect(),
        part_of: row.parent.as_ref().map(other),
        names: item.names,
        created_at: Moment(row.created),
        modified_at: Moment(row.modified),
        id: row.id,
    })
}

/// The version of an item as clients see it.
pub(super) fn version(app: &App, row: &ItemRow) -> String {
    tag(app, &[b"item", row.id.as_bytes(), &row.version.to_be_bytes()])
}

/// The version that If-Match asks for, once it was compared with the present one.
pub(super) fn expected(request: &Request, row: &ItemRow) -> Result<Option<i64>, Failure> {
    request.expects(&version(&request.app, row))?;
    Ok(request.expects_a_version().then_some(row.version))
}

/// The document in the body, as it is: the use case reads it and tells every fault. Where an item comes from is the
/// business of imports.
pub(super) fn body(request: &Request) -> Result<Object, Failure> {
    let Value::Object(document) = request.json() else {
        return Err(Error::new(Code::JsonSyntax, "The body must be a JSON object.").into());
    };
    if document.contains_key("source") {
        let fault = Fault {
            pointer: Some("/source".to_owned()),
            detail: "is kept by imports alone.".to_owned(),
            ..Fault::default()
        };
        let refusal = Error::new(Code::ValueInvalid, "Where an item comes from cannot be said by hand.");
        return Err(Failure::from(refusal).at(vec![fault]));
    }
    Ok(document.clone())
}

impl From<Invalid> for Failure {
    fn from(invalid: Invalid) -> Self {
        let fault = |fault: bailiwick_domain::catalog::Fault| Fault {
            pointer: Some(fault.pointer),
            detail: format!("{}.", fault.message),
            ..Fault::default()
        };
        Failure::from(invalid.refusal).at(invalid.faults.into_iter().map(fault).collect())
    }
}

/// An entry of the history of an item.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct HistoryEntry {
    /// Number of the event.
    id: i64,
    /// When.
    at: Moment,
    /// What happened: `team:change`, `entity:create`, `member:add` ...
    kind: String,
    /// Who did it: a person, a credential, or `host`.
    actor: String,
    /// The person it was about.
    person: Option<String>,
    /// Id of the request.
    request: String,
    /// What was said and what changed, with `before` and `after`; null when it was erased.
    detail: Option<Value>,
}

pub(super) fn history_entry(event: EventRow) -> HistoryEntry {
    HistoryEntry {
        id: event.seq,
        at: Moment(event.at),
        kind: event.kind,
        actor: event.actor,
        person: event.person,
        request: event.request,
        detail: event.payload,
    }
}

/// A relation between two items.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct RelationShown {
    /// The item that says it.
    item: Other,
    /// `dependsOn`, `providesApi` ...
    relation: String,
    /// The other item, as it was said.
    target_reference: String,
    /// The other item; null when it is not there.
    target: Option<Other>,
    /// Why.
    note: Option<String>,
}

pub(super) fn relation(row: RelationRow) -> RelationShown {
    RelationShown {
        item: other(&row.item),
        relation: row.relation,
        target_reference: row.target_ref,
        target: row.target.as_ref().map(other),
        note: row.note,
    }
}

/// Why somebody is a member.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct MemberOrigin {
    /// `hand`, `feed:GROUP` or `rule:RULE:GROUP`.
    origin: String,
    /// The membership role it gives.
    role: String,
    /// How it came: User, groups, rule or feed, in order.
    path: Vec<PathStep>,
    /// Since when.
    since: Moment,
}

/// One step of the way something came.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct PathStep {
    /// `user`, `group`, `rule`, `feed` or `hand`.
    kind: Value,
    /// Id.
    id: String,
    /// What it was called.
    name: String,
}

/// A member of a team.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct MemberShown {
    /// Id of the person.
    person: String,
    /// Name shown.
    display: String,
    /// E-mail address.
    email: Option<String>,
    /// `active`, `inactive` or `closed`.
    state: &'static str,
    /// The strongest of the membership roles.
    role: String,
    /// Everything that makes them a member.
    origins: Vec<MemberOrigin>,
    /// The team below through which they belong; null for members of the team itself.
    via: Option<Other>,
}

pub(super) fn member(member: Member) -> MemberShown {
    let origin = |grant: bailiwick_app::rows::GrantRow| MemberOrigin {
        path: parse_path(&grant.path)
            .into_iter()
            .map(|step| PathStep {
                kind: serde_json::to_value(step.kind).unwrap_or_default(),
                id: step.id,
                name: step.name,
            })
            .collect(),
        origin: grant.origin,
        role: grant.value,
        since: Moment(grant.from),
    };
    MemberShown {
        state: member.person.state.as_str(),
        person: member.person.id,
        display: member.person.display,
        email: member.person.email,
        role: member.role,
        origins: member.grants.into_iter().map(origin).collect(),
        via: member.via.as_ref().map(other),
    }
}

/// Which kinds a parameter names: several are parted by commas.
pub(super) fn kinds(text: Option<&str>) -> Result<Vec<Kind>, Refusal> {
    let words = text.unwrap_or_default().split(',').map(str::trim).filter(|word| !word.is_empty());
    words
        .map(|word| Kind::parse(word).map_err(|why| Error::new(Code::ParameterInvalid, format!("In kind, {why}."))))
        .collect()
}

/// Where a page of a list by titles goes on.
pub(super) type Place = (String, i64);
