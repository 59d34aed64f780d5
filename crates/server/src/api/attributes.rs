//! The attribute mapping of an integration: which places of a User fill which fields of the person.

use super::answer::Answer;
use super::request::Request;
use super::table::{Access::May, Endpoint, get, handler, post, put};
use crate::intake::{Failure, Fault};
use bailiwick_app::attributes::{self, MappingShown};
use bailiwick_domain::attributes::{Effect, FieldCount};
use bailiwick_domain::policy::Action::{IntegrationManage, IntegrationRead};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

pub(super) const ROUTES: &[Endpoint] = &[
    get(May(IntegrationRead), "/integrations/{name}/mapping", "readMapping", handler!(read))
        .says("Shows which places of a User fill which fields of the person.")
        .gives::<AttributeMapping>(),
    put(May(IntegrationManage), "/integrations/{name}/mapping", "replaceMapping", handler!(replace))
        .says(
            "Sets the attribute mapping of an integration. Everybody it provisions is derived again in the background.",
        )
        .takes::<AttributeMappingNew>()
        .gives::<AttributeMapping>(),
    post(May(IntegrationRead), "/integrations/{name}/mapping/preview", "previewMapping", handler!(preview))
        .says("Shows what an attribute mapping would change for whom. Nothing is changed.")
        .takes::<AttributeMappingNew>()
        .gives::<MappingEffect>()
        .reads()
        .slow(),
];

/// The attribute mapping of an integration.
#[derive(Debug, Serialize, JsonSchema)]
struct AttributeMapping {
    /// Name of the integration.
    integration: String,
    /// Nobody has set one: the attributes of RFC 7643 are taken.
    standard: bool,
    /// By field: a SCIM path, or an object with `path`, `lower` or `join` (and `with`), and `default`.
    mapping: Map<String, Value>,
}

/// An attribute mapping to be set or tried.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AttributeMappingNew {
    /// By field: a SCIM path, or an object with `path`, `lower` or `join` (and `with`), and `default`. Null goes back to
    /// the attributes of RFC 7643.
    mapping: Option<Map<String, Value>>,
}

/// What a mapping would change.
#[derive(Debug, Serialize, JsonSchema)]
struct MappingEffect {
    /// People looked at.
    people: u64,
    /// People of whom at least one field changes.
    changed: u64,
    /// By field.
    fields: BTreeMap<String, MappingField>,
    /// Some of those people.
    sample: Vec<MappingPerson>,
}

/// How many people a field changes for.
#[derive(Debug, Serialize, JsonSchema)]
struct MappingField {
    /// It has a value where there was none.
    set: u64,
    /// It has another value.
    changed: u64,
    /// It has no value any more.
    removed: u64,
    /// Only its source is another.
    source: u64,
    /// Of these: what somebody wrote by hand is lost.
    by_hand: u64,
}

/// A person with what changes.
#[derive(Debug, Serialize, JsonSchema)]
struct MappingPerson {
    /// Id.
    person: String,
    /// Name shown.
    display: String,
    /// The fields.
    changes: Vec<MappingChange>,
}

/// A field that changes.
#[derive(Debug, Serialize, JsonSchema)]
struct MappingChange {
    /// The field.
    field: String,
    /// Value and source before.
    before: Value,
    /// Value and source afterwards.
    after: Value,
}

fn shown(mapping: MappingShown) -> AttributeMapping {
    let fields = match mapping.mapping.to_json() {
        Value::Object(fields) => fields,
        _ => Map::new(),
    };
    AttributeMapping { integration: mapping.integration, standard: mapping.standard, mapping: fields }
}

async fn read(request: Request) -> Result<Answer, Failure> {
    let found = attributes::show_mapping(&request.app, &request.principal, request.path("name")).await?;
    Answer::json(&shown(found))
}

/// What was asked for, with the place of each fault in the body.
async fn asked(request: &Request) -> Result<Value, Failure> {
    let Some(mapping) = request.body::<AttributeMappingNew>()?.mapping else { return Ok(Value::Null) };
    let value = Value::Object(mapping);
    let faults = attributes::faults(&request.app, &value).await?;
    if faults.is_empty() {
        return Ok(value);
    }
    let refusal = attributes::form(&faults);
    let place = |fault: bailiwick_domain::attributes::Fault| Fault {
        pointer: Some(format!("/mapping{}", fault.pointer)),
        detail: format!("{}.", fault.message),
        ..Fault::default()
    };
    Err(Failure::from(refusal).at(faults.into_iter().map(place).collect()))
}

async fn replace(request: Request) -> Result<Answer, Failure> {
    let value = asked(&request).await?;
    let saved = attributes::save_mapping(&request.app, &request.principal, request.path("name"), &value).await?;
    Answer::json(&shown(saved))
}

async fn preview(request: Request) -> Result<Answer, Failure> {
    let value = asked(&request).await?;
    let effect = attributes::preview_mapping(&request.app, &request.principal, request.path("name"), &value).await?;
    Answer::json(&effect_of(effect))
}

fn effect_of(effect: Effect) -> MappingEffect {
    let field = |count: FieldCount| MappingField {
        set: count.set,
        changed: count.changed,
        removed: count.removed,
        source: count.source,
        by_hand: count.by_hand,
    };
    let side = |attribute: Option<bailiwick_domain::attributes::Attribute>| {
        serde_json::to_value(attribute).unwrap_or_default()
    };
    let person = |person: bailiwick_domain::attributes::PersonChange| MappingPerson {
        person: person.person,
        display: person.display,
        changes: person
            .changes
            .into_iter()
            .map(|change| MappingChange { field: change.field, before: side(change.before), after: side(change.after) })
            .collect(),
    };
    MappingEffect {
        people: effect.people,
        changed: effect.changed,
        fields: effect.fields.into_iter().map(|(name, count)| (name, field(count))).collect(),
        sample: effect.sample.into_iter().map(person).collect(),
    }
}
