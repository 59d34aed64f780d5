//! The OpenAPI 3.1 document, made from the route table: it cannot say anything else than the routes do.

use super::GROUPS;
use super::answer::JSON;
use super::problem::{PROBLEM, Problem};
use super::repeat::KEY_CHARS;
use super::request::PAGING;
use super::table::{Access, Endpoint, FILTER_CHARS, Form, Gives, KIND_CHARS, KINDS_CHARS, Param, SchemaOf, Takes};
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};
use std::sync::OnceLock;

/// The document.
#[must_use]
pub fn document() -> Value {
    let mut schemas = Schemas::new();
    let mut paths: Map<String, Value> = Map::new();
    for group in GROUPS {
        for endpoint in group.endpoints {
            let operation = operation(group.tag, endpoint, &mut schemas);
            let path = paths.entry(endpoint.path).or_insert_with(|| json!({}));
            path[endpoint.method.to_lowercase()] = operation;
        }
    }
    let tags: Vec<Value> = GROUPS.iter().map(|group| json!({"name": group.tag, "description": group.about})).collect();
    let problem = schemas.answer(|generator| generator.subschema_for::<Problem>());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Bailiwick",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The service catalog in which the identity provider is the authority. Times are RFC 3339, \
                            ids are opaque. Every error is application/problem+json with a stable code.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/api/v1"}],
        "tags": tags,
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {
                "type": "http",
                "scheme": "bearer",
                "description": "A session, or a personal or service token.",
            }},
            "responses": {"Problem": {
                "description": "Refused or failed; the code says why.",
                "headers": {"X-Request-Id": {"schema": {"type": "string"}}},
                "content": {PROBLEM: {"schema": problem}},
            }},
            "schemas": schemas.into_definitions(),
        },
    })
}

/// The document as it is answered.
pub(super) fn text() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| document().to_string())
}

/// Schemas of bodies and of answers: what may be left out differs, and a type is used for one of the two.
struct Schemas {
    bodies: SchemaGenerator,
    answers: SchemaGenerator,
}

impl Schemas {
    fn new() -> Self {
        let settings = || {
            SchemaSettings::draft2020_12().with(|settings| {
                settings.definitions_path = "/components/schemas".into();
                settings.meta_schema = None;
            })
        };
        Self {
            bodies: settings().for_deserialize().into_generator(),
            answers: settings().for_serialize().into_generator(),
        }
    }

    fn body(&mut self, schema: SchemaOf) -> Value {
        schema(&mut self.bodies).to_value()
    }

    fn answer(&mut self, schema: SchemaOf) -> Value {
        schema(&mut self.answers).to_value()
    }

    fn into_definitions(mut self) -> Map<String, Value> {
        let mut all = self.answers.take_definitions(true);
        for (name, schema) in self.bodies.take_definitions(true) {
            all.entry(name).or_insert(schema);
        }
        all.sort_keys();
        all.values_mut().for_each(bound);
        all
    }
}

/// Says how large a number may be where only its format does: readers of the document need not know the words for it.
fn bound(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            let most = match object.get("format").and_then(Value::as_str) {
                Some("uint8") => Some(u64::from(u8::MAX)),
                Some("uint16") => Some(u64::from(u16::MAX)),
                Some("uint32") => Some(u64::from(u32::MAX)),
                Some("int32") => Some(u64::from(i32::MAX.unsigned_abs())),
                // What every JSON reader holds exactly (RFC 8259 section 6).
                Some("uint64" | "int64") => Some((1 << 53) - 1),
                _ => None,
            };
            if let Some(most) = most.filter(|_| !object.contains_key("maximum")) {
                object.insert("maximum".to_owned(), most.into());
            }
            object.values_mut().for_each(bound);
        }
        Value::Array(values) => values.iter_mut().for_each(bound),
        _ => {}
    }
}

fn operation(tag: &str, endpoint: &Endpoint, schemas: &mut Schemas) -> Value {
    let mut operation = Map::new();
    operation.insert("operationId".to_owned(), endpoint.operation.into());
    operation.insert("tags".to_owned(), json!([tag]));
    operation.insert("summary".to_owned(), endpoint.summary.into());
    match endpoint.access {
        Access::Everybody => drop(operation.insert("security".to_owned(), json!([]))),
        Access::Known => {}
        Access::May(action) => drop(operation.insert("x-bailiwick-action".to_owned(), action.as_str().into())),
    }
    let parameters = parameters(endpoint);
    if !parameters.is_empty() {
        operation.insert("parameters".to_owned(), parameters.into());
    }
    let content = match endpoint.takes {
        Takes::Nothing => None,
        Takes::Json(schema) => Some(json!({JSON: {"schema": schemas.body(schema)}})),
        Takes::Text(media) => {
            let each = media.iter().map(|media| ((*media).to_owned(), json!({"schema": {"type": "string"}})));
            Some(Value::Object(each.collect()))
        }
    };
    if let Some(content) = content {
        operation.insert("requestBody".to_owned(), json!({"required": true, "content": content}));
    }
    operation.insert("responses".to_owned(), responses(endpoint, schemas));
    Value::Object(operation)
}

fn parameters(endpoint: &Endpoint) -> Vec<Value> {
    let text = json!({"type": "string", "minLength": 1});
    let mut all: Vec<Value> = endpoint
        .path_params()
        .map(|name| json!({"name": name, "in": "path", "required": true, "schema": text}))
        .collect();
    let paging = if endpoint.paged() { PAGING } else { &[] };
    all.extend(endpoint.query.iter().chain(paging).map(parameter));
    let header = |name: &str, says: &str| json!({"name": name, "in": "header", "description": says, "schema": {"type": "string"}});
    if endpoint.versioned && endpoint.method == "GET" {
        all.push(header("If-None-Match", "Versions that are known already: 304 if one of them is the present one."));
    }
    if endpoint.versioned && endpoint.method != "GET" {
        all.push(header("If-Match", "The version that is to be changed: 412 if it is not the present one."));
    }
    if endpoint.method == "POST" && endpoint.writes && endpoint.access != Access::Everybody {
        let says = "Stands for this request for 24 hours: a repetition gets the first answer.";
        let schema = json!({"type": "string", "pattern": "^[!-~]+$", "minLength": 1, "maxLength": KEY_CHARS});
        all.push(json!({"name": "Idempotency-Key", "in": "header", "description": says, "schema": schema}));
    }
    all
}

/// What no text of a query holds.
const NO_NUL: &str = r"^[^\u0000]*$";

/// Kinds parted by commas.
fn kinds() -> String {
    let kind = format!("[A-Za-z][A-Za-z0-9]{{0,{}}}", KIND_CHARS - 1);
    format!("^({kind}(,{kind})*)?$")
}

fn parameter(param: &Param) -> Value {
    let schema = match param.form {
        Form::Text(longest) => json!({"type": "string", "maxLength": longest, "pattern": NO_NUL}),
        Form::Number(least, most) => json!({"type": "integer", "minimum": least, "maximum": most}),
        Form::Flag => json!({"type": "boolean"}),
        Form::Instant => json!({"type": "string", "format": "date-time"}),
        Form::Word(words) => json!({"type": "string", "enum": words}),
        Form::Kinds => json!({"type": "string", "maxLength": KINDS_CHARS, "pattern": kinds()}),
        Form::Filter => json!({"type": "string", "maxLength": FILTER_CHARS}),
    };
    let mut said = json!({"name": param.name, "in": "query", "description": param.summary, "schema": schema});
    if param.required {
        said["required"] = true.into();
    }
    said
}

fn responses(endpoint: &Endpoint, schemas: &mut Schemas) -> Value {
    let mut fine = Map::new();
    fine.insert("description".to_owned(), endpoint.summary.into());
    let mut headers = Map::from_iter([("X-Request-Id".to_owned(), json!({"schema": {"type": "string"}}))]);
    let mut content = match endpoint.gives {
        Gives::Nothing => json!({}),
        Gives::Json(schema) => json!({JSON: {"schema": schemas.answer(schema)}}),
        Gives::Page(schema) => {
            headers.insert("Link".to_owned(), json!({"schema": {"type": "string"}}));
            json!({JSON: {"schema": page(schemas.answer(schema))}})
        }
        Gives::Text(media) => json!({media: {"schema": {"type": "string"}}}),
    };
    if let Some(media) = endpoint.also {
        content[media] = json!({"schema": {"type": "string"}});
    }
    if content.as_object().is_some_and(|content| !content.is_empty()) {
        fine.insert("content".to_owned(), content);
    }
    if endpoint.status == 201 {
        headers.insert("Location".to_owned(), json!({"schema": {"type": "string"}}));
    }
    if endpoint.versioned && !matches!(endpoint.gives, Gives::Nothing) {
        headers.insert("ETag".to_owned(), json!({"schema": {"type": "string"}}));
    }
    fine.insert("headers".to_owned(), headers.into());
    let mut all = Map::new();
    all.insert(endpoint.status.to_string(), fine.into());
    if endpoint.versioned && endpoint.method == "GET" {
        all.insert("304".to_owned(), json!({"description": "The version is known already."}));
    }
    for status in refusals(endpoint) {
        all.insert(status.to_owned(), json!({"$ref": "#/components/responses/Problem"}));
    }
    Value::Object(all)
}

fn page(items: Value) -> Value {
    json!({
        "type": "object",
        "properties": {
            "items": {"type": "array", "items": items},
            "next_cursor": {"type": ["string", "null"], "description": "Where to go on; null on the last page."},
            "total": {"type": "integer", "minimum": 0, "description": "All items, where asked for."},
        },
        "required": ["items", "next_cursor"],
    })
}

/// The statuses that a refusal of this route may have.
fn refusals(endpoint: &Endpoint) -> Vec<&'static str> {
    let body = !matches!(endpoint.takes, Takes::Nothing);
    let mut all = vec!["400", "401", "403", "404"];
    let mut also = |status, when: bool| {
        if when {
            all.push(status)
        }
    };
    also("406", !matches!(endpoint.gives, Gives::Nothing));
    also("409", endpoint.writes);
    also("412", endpoint.versioned && endpoint.method != "GET");
    also("413", endpoint.method != "GET");
    also("415", body);
    also("422", endpoint.writes);
    all.extend(["429", "500", "503"]);
    all
}
