//! The targets. Each states what must hold for any input whatever.

use crate::soup::{self, Bytes};
use bailiwick_domain::yaml::{self, Limits, Version};
use bailiwick_scim::filter::{self, Unknown};
use bailiwick_scim::patch;
use bailiwick_scim::path::PatchPath;
use bailiwick_scim::quirks::{Quirks, Repairs};
use bailiwick_scim::schema::{Registry, ResourceType};
use bailiwick_scim::{Object, json, keys, redact, resource};
use serde_json::{Map, Value, json};
use std::sync::LazyLock;

static REGISTRY: LazyLock<Registry> = LazyLock::new(Registry::standard);

const FILTER_WORDS: &[&str] = &[
    "userName",
    "emails",
    "emails.value",
    "emails.type",
    "name.familyName",
    "active",
    "meta.created",
    "groups",
    "members",
    "id",
    "externalId",
    "schemas",
    "password",
    "roles",
    "x509Certificates",
    "unknown",
    "$ref",
    "value",
    "type",
    "primary",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager",
    "urn:ietf:params:scim:schemas:core:2.0:User:name.givenName",
    "eq",
    "ne",
    "co",
    "sw",
    "ew",
    "pr",
    "gt",
    "ge",
    "lt",
    "le",
    "EQ",
    "Pr",
    "and",
    "or",
    "not",
    "AND",
    "NOT",
    "(",
    ")",
    "[",
    "]",
    "\"a\"",
    "\"\"",
    "\"a\\\"b\"",
    "\"\\u00e9\"",
    "\"True\"",
    "\"2024-01-01T00:00:00Z\"",
    "true",
    "false",
    "null",
    "0",
    "-1.5e3",
    "bob",
    ".",
    ",",
    "\"",
    "'",
];

const PATH_WORDS: &[&str] = &[
    "userName",
    "name",
    "name.givenName",
    "emails",
    "emails[",
    "]",
    ".value",
    ".type",
    "type eq \"work\"",
    "primary eq true",
    "members",
    "members[value eq \"a\"]",
    "addresses",
    "manager",
    "manager.value",
    "schemas",
    "meta",
    "id",
    "groups",
    "password",
    "roles",
    "urn:ietf:params:scim:schemas:core:2.0:User:",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:",
    "urn:scim:schemas:core:1.0:",
    "[0]",
    "/",
    "and",
    "or",
    "not (",
    ")",
    ".",
    ":",
    "[",
    "$ref",
    "value pr",
    "\"",
];

fn quirks(input: &mut Bytes<'_>) -> Quirks {
    match input.byte() % 4 {
        0 => Quirks::none(),
        _ => Quirks::all(),
    }
}

fn resource_type(input: &mut Bytes<'_>) -> &'static ResourceType {
    if input.byte().is_multiple_of(3) { REGISTRY.group() } else { REGISTRY.user() }
}

fn sample(kind: &ResourceType) -> Object {
    let whole = if kind.name == "Group" {
        json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "id": "g", "displayName": "Tour guides",
               "members": [{"value": "a", "type": "User"}, {"value": "b", "type": "User"}]})
    } else {
        json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "id": "u", "userName": "bjensen", "active": true,
               "name": {"givenName": "Barbara", "familyName": "Jensen"},
               "emails": [{"value": "b@example.com", "type": "work", "primary": true}, {"value": "b@home.example"}],
               "roles": [{"value": "admin"}], "meta": {"created": "2024-01-01T00:00:00Z"},
               "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "Tours", "manager": {"value": "m"}}})
    };
    match whole {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}

/// A filter that parses prints to a text that parses to the same filter; resolving and matching never panic.
pub fn filter(bytes: &[u8]) {
    let mut input = Bytes::new(bytes);
    let (quirks, kind) = (quirks(&mut input), resource_type(&mut input));
    let text =
        if input.byte().is_multiple_of(4) { soup::soup(&mut input, FILTER_WORDS) } else { soup::filter(&mut input) };
    let mut repairs = Repairs::default();
    let Ok(parsed) = filter::parse(&text, quirks, &mut repairs) else { return };
    let printed = parsed.to_string();
    let again = filter::parse(&printed, Quirks::none(), &mut Repairs::default());
    assert_eq!(again.as_ref(), Ok(&parsed), "{text:?} prints as {printed:?}");
    for unknown in [Unknown::Refuse, Unknown::Unassigned] {
        if let Ok(resolved) = filter::resolve(&REGISTRY, kind, &parsed, unknown, quirks, &mut repairs) {
            let _ = filter::matches(&resolved, &sample(kind));
            let _ = filter::matches(&resolved, &Object::new());
        }
    }
}

/// A path that parses prints to a text that parses to the same path; resolving never panics.
pub fn path(bytes: &[u8]) {
    let mut input = Bytes::new(bytes);
    let (quirks, kind) = (quirks(&mut input), resource_type(&mut input));
    let text = if input.byte().is_multiple_of(4) {
        // Paths have no blanks between their parts.
        soup::soup(&mut input, PATH_WORDS).replace(' ', "")
    } else {
        soup::path(&mut input)
    };
    let mut repairs = Repairs::default();
    let Ok(parsed) = PatchPath::parse(&text, quirks, &mut repairs) else { return };
    let printed = parsed.to_string();
    let again = PatchPath::parse(&printed, Quirks::none(), &mut Repairs::default());
    assert_eq!(again.as_ref(), Ok(&parsed), "{text:?} prints as {printed:?}");
    // Whether it means anything is the schema's business; the answer must come.
    drop(parsed.resolve(&REGISTRY, kind, quirks, &mut repairs));
}

/// A PATCH that is applied leaves a valid resource in its final form, without a password.
pub fn patch(bytes: &[u8]) {
    let mut input = Bytes::new(bytes);
    let (quirks, kind) = (quirks(&mut input), resource_type(&mut input));
    let Some(body) = wire(&patch_body(&mut input)) else { return };
    let mut repairs = Repairs::default();
    let Ok(request) = patch::parse_request(body.clone(), quirks, &mut repairs) else { return };
    let Ok(plan) = patch::plan(&REGISTRY, kind, request, quirks, &mut repairs) else { return };
    let _ = plan.canonical();
    let before = sample(kind);
    let mut after = before.clone();
    if patch::apply(&REGISTRY, kind, &plan, &mut after, quirks, &mut repairs).is_err() {
        return;
    }
    assert!(!after.contains_key("password"), "the password was kept by {body}");
    let mut checked = after.clone();
    let finished = resource::finish(&REGISTRY, kind, &mut checked);
    assert!(finished.is_ok(), "{body} leaves what is no resource: {finished:?}");
    assert_eq!(checked, after, "{body} leaves what is not in its final form");
    let _ = keys::comparison_keys(&REGISTRY, kind, &after);
}

/// A PATCH message whose operations, paths and values are put together at random.
fn patch_body(input: &mut Bytes<'_>) -> Value {
    let mut operations = Vec::new();
    for _ in 0..=input.byte() % 3 {
        let op = input.one_of(&["add", "replace", "remove", "add", "Replace", "Remove", "add", "replace", "move"]);
        let likely = input.one_of(LIKELY);
        let mut operation = Map::new();
        operation.insert("op".to_owned(), Value::from(op));
        match input.byte() % 8 {
            0 => {}
            1 => drop(operation.insert("path".to_owned(), Value::from(soup::path(input)))),
            _ => drop(operation.insert("path".to_owned(), Value::from(likely.0))),
        }
        let fits = !input.byte().is_multiple_of(4) && operation.contains_key("path");
        let given = if fits { serde_json::from_str(likely.1).unwrap_or_default() } else { value(input, 0) };
        if op.eq_ignore_ascii_case("remove") != input.byte().is_multiple_of(16) {
            drop(given);
        } else {
            operation.insert("value".to_owned(), given);
        }
        operations.push(Value::Object(operation));
    }
    json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations})
}

/// Paths with a value that fits.
const LIKELY: &[(&str, &str)] = &[
    ("userName", "\"other\""),
    ("displayName", "\"Other\""),
    ("name", "{\"givenName\": \"B\"}"),
    ("name.familyName", "\"J\""),
    ("emails", "[{\"value\": \"x@y.example\", \"primary\": true}]"),
    ("emails", "{\"value\": \"b@example.com\", \"type\": \"work\"}"),
    ("emails[type eq \"work\"]", "{\"primary\": false}"),
    ("emails[type eq \"work\"].value", "\"w@y.example\""),
    ("emails[type eq \"other\"].value", "\"o@y.example\""),
    ("emails[primary eq true].primary", "true"),
    ("emails[not (type pr)].primary", "\"True\""),
    ("active", "\"False\""),
    ("roles", "[{\"value\": \"r\"}]"),
    ("roles[primary eq \"True\"].value", "\"r\""),
    ("members", "[{\"value\": \"c\"}]"),
    ("members[value eq \"a\"]", "null"),
    ("password", "\"secret\""),
    ("schemas", "[\"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User\"]"),
    ("manager", "\"m2\""),
    ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", "{\"costCenter\": \"1\"}"),
    ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager", "[{\"value\": \"\"}]"),
    ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber", "17"),
    ("externalId", "4711"),
    ("addresses[type eq \"work\"].country", "\"NL\""),
    ("x509Certificates", "[{\"value\": \"AAEC\"}]"),
    ("title", "null"),
];

/// What arrives of a body: one that names a key twice, in whatever letters, gets no further than the JSON reader.
fn wire(body: &Value) -> Option<Value> {
    json::parse(body.to_string().as_bytes()).ok()
}

const KEYS: &[&str] = &[
    "value",
    "type",
    "primary",
    "display",
    "$ref",
    "givenName",
    "name",
    "emails",
    "members",
    "userName",
    "displayName",
    "active",
    "schemas",
    "id",
    "meta",
    "password",
    "name.givenName",
    "manager",
    "unknown",
    "emails[type eq \"work\"].value",
    "roles",
    "VALUE",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
    "urn:scim:schemas:extension:enterprise:1.0",
    "photos",
];

/// A JSON value, two levels deep at most.
fn value(input: &mut Bytes<'_>, depth: u8) -> Value {
    match input.byte() % if depth < 3 { 12 } else { 8 } {
        0 => Value::Null,
        1 => Value::from(true),
        2 => Value::from("False"),
        3 => Value::from(input.byte()),
        4 => Value::from(""),
        5 => Value::from("work"),
        6 => Value::from("a"),
        7 => Value::from("{\"id\":\"1\",\"value\":\"v\",\"displayName\":\"d\"}"),
        8 => (0..input.byte() % 4).map(|_| value(input, depth + 1)).collect(),
        _ => {
            let mut object = Map::new();
            for _ in 0..input.byte() % 5 {
                let key = input.one_of(KEYS).to_owned();
                object.insert(key, value(input, depth + 1));
            }
            Value::Object(object)
        }
    }
}

/// Bytes that are read as JSON say what serde_json says; a body that is accepted is a valid resource without secrets,
/// and accepting it again changes nothing.
pub fn json(bytes: &[u8]) {
    let mut input = Bytes::new(bytes);
    let (quirks, kind) = (quirks(&mut input), resource_type(&mut input));
    let body = if input.byte().is_multiple_of(2) {
        let text = soup::soup(&mut input, JSON_WORDS);
        let Ok(body) = json::parse(text.as_bytes()) else { return };
        assert_eq!(serde_json::from_str::<Value>(&text).ok().as_ref(), Some(&body), "{text:?}");
        body
    } else {
        let Some(body) = wire(&body(&mut input, kind)) else { return };
        body
    };
    let _ = redact::redact_body(&REGISTRY, Some(kind), &body);
    let _ = redact::redact_body(&REGISTRY, None, &body);
    let Ok(accepted) = resource::accept(&REGISTRY, kind, body.clone(), quirks, &mut Repairs::default()) else { return };
    assert!(!accepted.contains_key("password"), "the password was kept of {body}");
    let mut finished = accepted.clone();
    assert!(resource::finish(&REGISTRY, kind, &mut finished).is_ok(), "{body} is accepted and is no resource");
    let again =
        resource::accept(&REGISTRY, kind, Value::Object(accepted.clone()), Quirks::none(), &mut Repairs::default());
    assert_eq!(again.as_ref(), Ok(&accepted), "{body}");
    let _ = keys::comparison_keys(&REGISTRY, kind, &accepted);
}

const JSON_WORDS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\"schemas\"",
    "\"urn:ietf:params:scim:schemas:core:2.0:User\"",
    "\"userName\"",
    "\"emails\"",
    "\"value\"",
    "\"a\"",
    "\"A\"",
    "true",
    "false",
    "null",
    "0",
    "-1",
    "1e400",
    "1.5",
    "\"\\u0000\"",
    "\"\\ud83d\\ude00\"",
    "\"\\ud800\"",
    "NaN",
    "01",
    "{\"a\":",
    "[[[[",
    "]]]]",
    "{}",
    "[]",
    "\"a\":1",
    "\t",
    "\n",
];

/// A body that has at least its schemas and a name.
fn body(input: &mut Bytes<'_>, kind: &ResourceType) -> Value {
    let mut object = Map::new();
    object.insert("schemas".to_owned(), json!([format!("urn:ietf:params:scim:schemas:core:2.0:{}", kind.name)]));
    object.insert(if kind.name == "Group" { "displayName" } else { "userName" }.to_owned(), Value::from("a name"));
    for _ in 0..input.byte() % 6 {
        let key = input.one_of(KEYS).to_owned();
        object.insert(key, value(input, 0));
    }
    Value::Object(object)
}

/// Whatever is read stays within its limits, and written again it is the same.
pub fn yaml(bytes: &[u8]) {
    let text = soup::soup(&mut Bytes::new(bytes), YAML_WORDS);
    let limits = Limits { nodes: 500, text_bytes: 10_000, ..Limits::default() };
    let mut nodes = 0;
    for document in yaml::documents(&text, &limits).iter().flatten() {
        let json = document.to_json(Version::V1_2);
        nodes += count(&json);
        let written = yaml::write(&json);
        let again = yaml::read(&written, &Limits::default());
        let again =
            again.as_ref().map(|found| found.iter().map(|node| node.to_json(Version::V1_2)).collect::<Vec<_>>());
        assert_eq!(again, Ok(vec![json]), "{text:?} is written as {written:?}");
    }
    assert!(nodes <= limits.nodes, "{text:?} has {nodes} values");
}

fn count(json: &Value) -> usize {
    match json {
        Value::Array(items) => 1 + items.iter().map(count).sum::<usize>(),
        Value::Object(entries) => 1 + entries.values().map(|value| 1 + count(value)).sum::<usize>(),
        _ => 1,
    }
}

const YAML_WORDS: &[&str] = &[
    "a",
    "b: ",
    "c:\n",
    "- ",
    "\n- ",
    "\n",
    "\n  ",
    "\n    ",
    "[",
    "]",
    "{",
    "}",
    ",",
    ": ",
    "? ",
    "|\n  ",
    ">-\n  ",
    "'",
    "\"",
    "&x ",
    "*x",
    "<<: *x",
    "!!str ",
    "!!int ",
    "! ",
    "#",
    "---\n",
    "...\n",
    "%YAML 1.1\n",
    "~",
    "null",
    "yes",
    "1",
    "1.10",
    "012",
    "1e3",
    ".inf",
    "\t",
    "\\",
    "\\x41",
    "\r\n",
    "\u{feff}",
    "\u{85}",
    "\u{2028}",
    " ",
];
