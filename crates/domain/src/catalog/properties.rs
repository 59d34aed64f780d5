//! Typed properties: what admins define by JSON Schema, and whether the properties of an item fit.
//!
//! A schema is of draft 2020-12. It must stand by itself: references lead only into its own `$defs`, never round in a
//! circle, and a schema that grows beyond [`SCHEMA_NODES`] when its references are written out is refused. Nothing is
//! ever fetched.

use super::limits::PROPERTY_BYTES;
use super::{Fault, sentence, step};
use bailiwick_scim::Object;
use boon::{Compiler, Draft, SchemaIndex, Schemas};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Longest schema of a property, in bytes of JSON.
pub const SCHEMA_BYTES: usize = 16 * 1024;
/// Largest schema with its references written out, in JSON values.
pub const SCHEMA_NODES: usize = 10_000;
/// Deepest nesting of a schema with its references written out.
const SCHEMA_DEPTH: usize = 64;
/// Most different patterns in a schema: each may take megabytes when it is made ready.
pub const PATTERNS: usize = 50;
/// How much of a pattern is shown when it cannot be used.
const SHOWN_CHARS: usize = 80;
/// Most definitions.
pub const DEFINITIONS: usize = 500;
/// Where schemas live for the compiler; nothing is there.
const PLACE: &str = "https://bailiwick.invalid/property";
/// The only `$schema` that is understood.
const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

/// What a property may hold, and where.
#[derive(Clone, Debug, PartialEq)]
pub struct Definition {
    /// Its name: a letter, then letters, digits, `-` and `_`, at most 63, so that filters can name it.
    pub name: String,
    /// What people call it.
    pub title: Option<String>,
    /// What it means.
    pub description: Option<String>,
    /// JSON Schema of its value.
    pub schema: Value,
    /// On which kinds it may stand (`component`, `team`, `person` ...); on all when there is none.
    pub kinds: Vec<String>,
    /// Whether files may not set it.
    pub locked: bool,
    /// Whether pages leave it out.
    pub hidden: bool,
}

impl Definition {
    /// Reads a definition as it is kept and sent: `{title, description, schema, kinds, locked, hidden}`.
    ///
    /// # Errors
    /// Every fault with its place.
    pub fn from_json(name: &str, document: &Object) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        if !is_name(name) {
            let rule = "must be a letter, then letters, digits, - and _, at most 63";
            faults.push(Fault::new("", format!("the name {name:?} {rule}")));
        }
        let definition = Self {
            name: name.to_owned(),
            title: sentence(document, "title", &mut faults),
            description: sentence(document, "description", &mut faults),
            schema: document.get("schema").cloned().unwrap_or(Value::Null),
            kinds: kinds(document, &mut faults),
            locked: flag(document, "locked", &mut faults),
            hidden: flag(document, "hidden", &mut faults),
        };
        const KNOWN: [&str; 7] = ["name", "title", "description", "schema", "kinds", "locked", "hidden"];
        for key in document.keys().filter(|key| !KNOWN.contains(&key.as_str())) {
            faults.push(Fault::new(format!("/{}", step(key)), "is not known here"));
        }
        if let Err(reason) = compile(&definition.schema) {
            faults.push(Fault::new("/schema", reason));
        }
        if faults.is_empty() { Ok(definition) } else { Err(faults) }
    }

    /// The form it is kept in.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({"title": self.title, "description": self.description, "schema": self.schema, "kinds": self.kinds,
            "locked": self.locked, "hidden": self.hidden})
    }
}

fn is_name(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=63).contains(&name.len())
        && name.as_bytes().first().is_some_and(u8::is_ascii_alphabetic)
        && name.bytes().all(inner)
}

fn flag(document: &Object, key: &str, faults: &mut Vec<Fault>) -> bool {
    match document.get(key) {
        None | Some(Value::Null) => false,
        Some(Value::Bool(value)) => *value,
        Some(_) => {
            faults.push(Fault::new(format!("/{key}"), "must be true or false"));
            false
        }
    }
}

fn kinds(document: &Object, faults: &mut Vec<Fault>) -> Vec<String> {
    let values = match document.get("kinds") {
        None | Some(Value::Null) => return Vec::new(),
        Some(Value::Array(values)) => values.as_slice(),
        Some(_) => &[Value::Null],
    };
    let known = |value: &Value| match value.as_str()? {
        "person" => Some("person".to_owned()),
        text => super::Kind::parse(text).ok().map(|kind| kind.as_str().to_owned()),
    };
    let kinds: Option<Vec<String>> = values.iter().map(known).collect();
    kinds.unwrap_or_else(|| {
        faults.push(Fault::new("/kinds", "must be a list of kinds such as component, team or person"));
        Vec::new()
    })
}

/// The definitions, ready to check values with.
#[derive(Default)]
pub struct Definitions(BTreeMap<String, (Definition, Option<Compiled>)>);

struct Compiled {
    schemas: Schemas,
    index: SchemaIndex,
}

impl fmt::Debug for Definitions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl Definitions {
    /// Makes definitions ready.
    ///
    /// # Errors
    /// The name of the property whose schema is no schema, and why.
    pub fn compile(definitions: Vec<Definition>) -> Result<Self, String> {
        let mut all = BTreeMap::new();
        for definition in definitions {
            let compiled = compile(&definition.schema).map_err(|reason| format!("{}: {reason}", definition.name))?;
            all.insert(definition.name.clone(), (definition, compiled));
        }
        Ok(Self(all))
    }

    /// The definitions by name.
    pub fn iter(&self) -> impl Iterator<Item = &Definition> {
        self.0.values().map(|(definition, _)| definition)
    }

    /// The definition of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Definition> {
        self.0.get(name).map(|(definition, _)| definition)
    }

    /// Whether the properties of something of that kind fit: every one defined, meant for the kind, and of the right
    /// form. Places begin with `/properties`.
    #[must_use]
    pub fn check(&self, kind: &str, properties: &Object) -> Vec<Fault> {
        let mut faults = Vec::new();
        for (name, value) in properties {
            let place = format!("/properties/{}", step(name));
            let Some((definition, compiled)) = self.0.get(name) else {
                faults.push(Fault::new(place, "no property of this name is defined"));
                continue;
            };
            if !definition.kinds.is_empty() && !definition.kinds.iter().any(|one| one == kind) {
                let kinds = definition.kinds.join(", ");
                faults.push(Fault::new(place, format!("this property is for {kinds}, not for a {kind}")));
                continue;
            }
            if serde_json::to_vec(value).is_ok_and(|bytes| bytes.len() > PROPERTY_BYTES) {
                faults.push(Fault::new(place, format!("is larger than {PROPERTY_BYTES} bytes")));
                continue;
            }
            if let Some(compiled) = compiled
                && let Err(error) = compiled.schemas.validate(value, compiled.index)
            {
                leaves(&error, &place, &mut faults);
            }
        }
        faults
    }

    /// The locked properties that differ: a file must not set them.
    #[must_use]
    pub fn locked_changes(&self, before: &Object, after: &Object) -> Vec<Fault> {
        let locked = self
            .iter()
            .filter(|definition| definition.locked && before.get(&definition.name) != after.get(&definition.name));
        locked
            .map(|definition| {
                let place = format!("/properties/{}", step(&definition.name));
                Fault::new(place, "this property is locked: it is set by rules or by hand, never by a file")
            })
            .collect()
    }
}

/// Most faults told of one value.
const FAULTS: usize = 20;

/// The faults at the ends of a tree of them: the branches say nothing more.
fn leaves(error: &boon::ValidationError<'_, '_>, place: &str, faults: &mut Vec<Fault>) {
    if faults.len() >= FAULTS {
        return;
    }
    if error.causes.is_empty() {
        faults.push(Fault::new(format!("{place}{}", error.instance_location), error.kind.to_string()));
    }
    for cause in &error.causes {
        leaves(cause, place, faults);
    }
}

/// No schema is fetched from anywhere.
struct Nowhere;

impl boon::UrlLoader for Nowhere {
    fn load(&self, url: &str) -> Result<Value, Box<dyn std::error::Error>> {
        Err(format!("{url} is not read: a schema must stand by itself").into())
    }
}

/// `None` for a property without schema: every value is fine.
fn compile(schema: &Value) -> Result<Option<Compiled>, String> {
    if schema.is_null() {
        return Ok(None);
    }
    let patterns = check_schema(schema)?;
    // As names of properties first: boon tells what is wrong with those, of a `pattern` it says that it is at fault.
    let named: Object = patterns.into_iter().map(|pattern| (pattern.to_owned(), Value::Bool(true))).collect();
    build(json!({ "patternProperties": named }))?;
    build(schema.clone()).map(Some)
}

fn build(schema: Value) -> Result<Compiled, String> {
    let mut schemas = Schemas::new();
    let mut compiler = Compiler::new();
    compiler.set_default_draft(Draft::V2020_12);
    compiler.enable_format_assertions();
    compiler.use_loader(Box::new(Nowhere));
    let wrong = |error: boon::CompileError| match &error {
        boon::CompileError::InvalidRegex { regex, src, .. } => {
            let shown: String = regex.chars().take(SHOWN_CHARS).collect();
            format!("is no JSON Schema: the pattern {shown:?} cannot be used: {}", one_line(&src.to_string()))
        }
        _ => format!("is no JSON Schema: {}", one_line(&error.to_string())),
    };
    compiler.add_resource(PLACE, schema).map_err(wrong)?;
    let index = compiler.compile(PLACE, &mut schemas).map_err(wrong)?;
    Ok(Compiled { schemas, index })
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace(PLACE, "")
}

/// The patterns of a schema that stands by itself and has its measure.
fn check_schema(schema: &Value) -> Result<BTreeSet<&str>, String> {
    if !schema.is_object() && !schema.is_boolean() {
        return Err("must be an object".to_owned());
    }
    if serde_json::to_vec(schema).is_ok_and(|bytes| bytes.len() > SCHEMA_BYTES) {
        return Err(format!("is longer than {SCHEMA_BYTES} bytes"));
    }
    let mut walk = Walk { root: schema, open: Vec::new(), left: SCHEMA_NODES, patterns: BTreeSet::new() };
    walk.visit(schema, SCHEMA_DEPTH)?;
    if walk.patterns.len() > PATTERNS {
        return Err(format!("has more than {PATTERNS} patterns"));
    }
    Ok(walk.patterns)
}

/// A walk through a schema as if every reference were written out.
struct Walk<'a> {
    root: &'a Value,
    /// The references that are being followed.
    open: Vec<&'a str>,
    /// How many values there may still be.
    left: usize,
    patterns: BTreeSet<&'a str>,
}

impl<'a> Walk<'a> {
    fn visit(&mut self, node: &'a Value, depth: usize) -> Result<(), String> {
        let left = self.left.checked_sub(1);
        self.left = left.ok_or_else(|| format!("grows beyond {SCHEMA_NODES} values when written out"))?;
        let depth = depth.checked_sub(1).ok_or_else(|| format!("is nested more than {SCHEMA_DEPTH} levels deep"))?;
        match node {
            Value::Array(values) => values.iter().try_for_each(|value| self.visit(value, depth)),
            Value::Object(object) => object.iter().try_for_each(|(key, value)| self.keyword(key, value, depth)),
            _ => Ok(()),
        }
    }

    fn keyword(&mut self, key: &'a str, value: &'a Value, depth: usize) -> Result<(), String> {
        match (key, value) {
            // What stands there is data, not schema.
            ("enum" | "const" | "default" | "examples", _) => Ok(()),
            // What stands there are names, whatever they are, with a schema each.
            (
                "properties" | "patternProperties" | "$defs" | "definitions" | "dependentSchemas",
                Value::Object(named),
            ) => {
                if key == "patternProperties" {
                    self.patterns.extend(named.keys().map(String::as_str));
                }
                named.values().try_for_each(|value| self.visit(value, depth))
            }
            ("pattern", Value::String(pattern)) => {
                self.patterns.insert(pattern);
                Ok(())
            }
            ("$schema", Value::String(draft)) if draft.trim_end_matches('#') != DRAFT => {
                Err(format!("only {DRAFT} is understood"))
            }
            ("$ref", Value::String(target)) => self.follow(target, depth),
            (
                "$id" | "$anchor" | "$dynamicRef" | "$dynamicAnchor" | "$recursiveRef" | "$vocabulary",
                Value::String(_),
            ) => Err(format!("{key} is not understood here")),
            _ => self.visit(value, depth),
        }
    }

    fn follow(&mut self, target: &'a str, depth: usize) -> Result<(), String> {
        let pointer = target.strip_prefix('#').filter(|rest| rest.starts_with("/$defs/"));
        let pointer = pointer.ok_or("$ref may lead only into the schema's own $defs")?;
        if self.open.contains(&target) {
            return Err(format!("{target} refers to itself"));
        }
        let there = self.root.pointer(pointer).ok_or_else(|| format!("{target} leads nowhere"))?;
        self.open.push(target);
        self.visit(there, depth)?;
        self.open.pop();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn define(name: &str, document: Value) -> Definition {
        Definition::from_json(name, document.as_object().unwrap()).unwrap()
    }

    fn definitions() -> Definitions {
        Definitions::compile(vec![
            define("tier-note", json!({"schema": {"type": "string", "maxLength": 5}, "locked": true})),
            define(
                "port",
                json!({"schema": {"type": "integer", "minimum": 1, "maximum": 65535}, "kinds": ["Service"]}),
            ),
            define(
                "people",
                json!({"schema": {"type": "array", "items": {"$ref": "#/$defs/one"},
                "$defs": {"one": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"},
                    "mail": {"type": "string", "format": "email"}}}}}}),
            ),
            define("badge", json!({"schema": {"enum": ["a", "b"]}, "kinds": ["person"]})),
            define("free", json!({})),
        ])
        .unwrap()
    }

    #[test]
    fn values_are_checked_with_their_places() {
        let check = |kind: &str, properties: Value, expect: &[(&str, &str)]| {
            let faults = definitions().check(kind, properties.as_object().unwrap());
            assert_eq!(faults.len(), expect.len(), "{properties} {faults:?}");
            for ((place, part), fault) in expect.iter().zip(&faults) {
                assert_eq!(fault.pointer, format!("/properties/{place}"), "{fault}");
                assert!(fault.message.contains(part), "{fault}");
            }
        };
        check("component", json!({"port": 80, "free": [{}], "people": [{"name": "a"}]}), &[]);
        check("person", json!({"badge": "a"}), &[]);
        check("component", json!({"port": 0}), &[("port", ">=1")]);
        check("component", json!({"port": "80"}), &[("port", "integer")]);
        check("team", json!({"port": 80}), &[("port", "for component, not for a team")]);
        check("component", json!({"badge": "a"}), &[("badge", "for person")]);
        check("component", json!({"tier-note": "toolong", "x": 1}), &[("tier-note", "<=5"), ("x", "no property")]);
        check(
            "component",
            json!({"people": [{"name": "a"}, {}, {"name": 1, "mail": "x"}]}),
            &[("people/1", "name"), ("people/2/name", "string"), ("people/2/mail", "email")],
        );
        check("component", json!({"free": "x".repeat(PROPERTY_BYTES)}), &[("free", "larger")]);
    }

    #[test]
    fn files_leave_locked_properties_alone() {
        let object = |value: Value| value.as_object().unwrap().clone();
        let faults = definitions().locked_changes(&object(json!({})), &object(json!({"tier-note": "a", "port": 1})));
        assert_eq!(faults.len(), 1);
        assert_eq!(faults[0].pointer, "/properties/tier-note");
        let same = object(json!({"tier-note": "a"}));
        assert!(definitions().locked_changes(&same, &same).is_empty());
    }

    #[test]
    fn schemas_that_reach_out_or_explode_are_refused() {
        let mut bomb = json!({"$defs": {"d0": {"type": "string"}}, "$ref": "#/$defs/d20"});
        for level in 1..=20 {
            let below = json!({"$ref": format!("#/$defs/d{}", level - 1)});
            bomb["$defs"][format!("d{level}")] = json!({"allOf": [below, below]});
        }
        for (schema, part) in [
            (json!({"$ref": "https://example.com/schema.json"}), "own $defs"),
            (json!({"$ref": "file:///etc/passwd"}), "own $defs"),
            (json!({"$ref": "#"}), "own $defs"),
            (json!({"$ref": "#/$defs/x"}), "leads nowhere"),
            (json!({"$ref": "#/$defs/a", "$defs": {"a": {"items": {"$ref": "#/$defs/a"}}}}), "refers to itself"),
            (bomb, "grows beyond"),
            (json!({"$schema": "http://json-schema.org/draft-04/schema#"}), "only https"),
            (json!({"$id": "https://example.com/x"}), "$id"),
            (json!({"type": "strng"}), "no JSON Schema"),
            (json!({"pattern": "("}), "no JSON Schema"),
            (json!({"properties": {"enum": {"$ref": "#"}}}), "own $defs"),
            (json!({"pattern": "(a{1000}){1000}"}), "size limit"),
            (json!({"not": {"pattern": "(?i)\\p{L}{1000}"}}), "size limit"),
            (json!({"$defs": {"a": {"pattern": "a{2000000}"}}}), "size limit"),
            (json!({"properties": {"const": {"items": {"pattern": "(a{1000}){1000}"}}}}), "size limit"),
            (json!({"patternProperties": {"(a{1000}){1000}": {}}}), "size limit"),
            (json!({"pattern": "(?-u)\\W"}), "cannot be used"),
            (
                json!({"allOf": (0..=PATTERNS).map(|one| json!({"pattern": one.to_string()})).collect::<Vec<_>>()}),
                "more than 50",
            ),
            (json!("string"), "must be an object"),
            (json!({"description": "x".repeat(SCHEMA_BYTES)}), "longer"),
        ] {
            let document = json!({ "schema": schema });
            let faults = Definition::from_json("p", document.as_object().unwrap()).unwrap_err();
            assert_eq!(faults[0].pointer, "/schema");
            assert!(faults[0].message.contains(part), "{part}: {faults:?}");
        }
    }

    /// The format is about the text: nothing makes it ready.
    #[test]
    fn values_that_are_patterns_are_only_read() {
        let all = Definitions::compile(vec![define("p", json!({"schema": {"format": "regex"}}))]).unwrap();
        for (value, faults) in [("(a{1000}){1000}", 0), ("(", 1)] {
            assert_eq!(all.check("team", json!({ "p": value }).as_object().unwrap()).len(), faults, "{value}");
        }
    }

    #[test]
    fn a_definition_is_read_strictly() {
        for (name, document, place) in [
            ("1a", json!({}), ""),
            ("a b", json!({}), ""),
            ("a", json!({"kinds": "team"}), "/kinds"),
            ("a", json!({"kinds": ["user"]}), "/kinds"),
            ("a", json!({"locked": "yes"}), "/locked"),
            ("a", json!({"lock": true}), "/lock"),
            ("a", json!({"title": 1}), "/title"),
        ] {
            let faults = Definition::from_json(name, document.as_object().unwrap()).unwrap_err();
            assert_eq!(faults[0].pointer, place, "{document}");
        }
        let port = definitions().get("port").unwrap().clone();
        assert_eq!(port.kinds, ["component"]);
        assert_eq!(Definition::from_json("port", port.to_json().as_object().unwrap()).unwrap(), port);
    }
}
