//! Whether what a mapping gives can stand in the properties it fills.

use super::{Fault, Field, Mapping, Rule};
use crate::catalog::properties::Definitions;
use bailiwick_scim::Object;
use bailiwick_scim::schema::Type;
use serde_json::Value;

/// Deepest nesting of a schema that is looked into; what lies deeper is not judged.
const LOOKED_DEEP: usize = 32;

impl Mapping {
    /// What is wrong with the properties it fills: one that nobody has defined, one that is not for persons, one whose
    /// schema does not take the type that the User gives, a default that is no value of it. Places are those of the JSON
    /// form.
    #[must_use]
    pub fn misfits(&self, definitions: &Definitions) -> Vec<Fault> {
        let mut faults = Vec::new();
        for field in self.fields() {
            if let (Field::Property(name), Some(rule)) = (field, self.rule(field)) {
                misfits(definitions, name, rule, &format!("/{field}"), &mut faults);
            }
        }
        faults
    }
}

fn misfits(definitions: &Definitions, name: &str, rule: &Rule, pointer: &str, faults: &mut Vec<Fault>) {
    let Some(definition) = definitions.get(name) else {
        let message = format!("there is no property \"{name}\"; define it first");
        faults.push(Fault { pointer: pointer.to_owned(), message });
        return;
    };
    if !definition.kinds.is_empty() && !definition.kinds.iter().any(|kind| kind == "person") {
        let message = format!("the property \"{name}\" is for {}, not for a person", definition.kinds.join(", "));
        faults.push(Fault { pointer: pointer.to_owned(), message });
        return;
    }
    let kind = kind(rule);
    if !takes(&definition.schema, &definition.schema, kind, LOOKED_DEEP) {
        let message = format!("the property \"{name}\" takes no {kind}, which is what {rule} gives");
        faults.push(Fault { pointer: pointer.to_owned(), message });
    }
    if let Rule::Default(_, text) = rule {
        let mut properties = Object::new();
        properties.insert(name.to_owned(), Value::from(text.as_str()));
        let wrong = definitions.check("person", &properties);
        let place = format!("{pointer}/default");
        faults.extend(wrong.into_iter().map(|fault| Fault { pointer: place.clone(), message: fault.message }));
    }
}

/// The type of JSON that a rule reads from a User.
fn kind(rule: &Rule) -> &'static str {
    match rule {
        Rule::Direct(place) => match place.kind() {
            Type::Boolean => "boolean",
            Type::Integer => "integer",
            Type::Decimal => "number",
            Type::Binary | Type::Complex | Type::DateTime | Type::Reference | Type::String => "string",
        },
        Rule::Default(inner, _) => kind(inner),
        Rule::Lower(_) | Rule::Join { .. } => "string",
    }
}

/// Whether a schema takes any value of that type. What is not understood here takes everything.
fn takes(schema: &Value, root: &Value, kind: &str, depth: usize) -> bool {
    let Some(depth) = depth.checked_sub(1) else { return true };
    let object = match schema {
        Value::Bool(all) => return *all,
        Value::Object(object) => object,
        _ => return true,
    };
    let named = |said: &Value| said.as_str().is_some_and(|said| said == kind || said == "number" && kind == "integer");
    let list = |key: &str| object.get(key).and_then(Value::as_array);
    let inner = |schema: &Value| takes(schema, root, kind, depth);
    let of_type =
        object.get("type").is_none_or(|said| said.as_array().map_or(named(said), |all| all.iter().any(named)));
    let there = |target: &Value| root.pointer(target.as_str().and_then(|text| text.strip_prefix('#')).unwrap_or("?"));
    of_type
        && list("enum").is_none_or(|values| values.iter().any(|value| is(value, kind)))
        && object.get("const").is_none_or(|value| is(value, kind))
        && list("anyOf").is_none_or(|all| all.iter().any(inner))
        && list("oneOf").is_none_or(|all| all.iter().any(inner))
        && list("allOf").is_none_or(|all| all.iter().all(inner))
        && object.get("$ref").and_then(there).is_none_or(inner)
}

fn is(value: &Value, kind: &str) -> bool {
    match kind {
        "boolean" => value.is_boolean(),
        "integer" | "number" => value.is_number(),
        _ => value.is_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::properties::Definition;
    use bailiwick_scim::schema::Registry;
    use serde_json::json;

    #[test]
    fn what_cannot_stand_in_a_property_is_named_with_its_place() {
        let check = |definition: Value, rule: Value, expect: &[(&str, &str)]| {
            let definition = Definition::from_json("badge", definition.as_object().unwrap()).unwrap();
            let definitions = Definitions::compile(vec![definition]).unwrap();
            let mapping = Mapping::parse(&json!({ "property:badge": rule, "title": "title" }), &Registry::standard());
            let faults = mapping.unwrap().misfits(&definitions);
            let told: Vec<&str> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
            assert_eq!(told, expect.iter().map(|(place, _)| *place).collect::<Vec<_>>(), "{rule}: {faults:?}");
            for (fault, (_, words)) in faults.iter().zip(expect) {
                assert!(fault.message.contains(words), "{rule}: {fault}");
            }
        };
        let here = "/property:badge";
        let (text, whole) = (json!({"schema": {"type": "string"}}), json!({"schema": {"type": "integer"}}));
        check(json!({}), json!("title"), &[]);
        check(text.clone(), json!("title"), &[]);
        check(text.clone(), json!("active"), &[(here, "takes no boolean, which is what active gives")]);
        check(text.clone(), json!({"lower": "active"}), &[]);
        check(whole.clone(), json!("title"), &[(here, "takes no string")]);
        check(whole.clone(), json!({"join": ["title"]}), &[(here, "takes no string")]);
        check(
            whole,
            json!({"path": "title", "default": "x"}),
            &[(here, "takes no string"), ("/property:badge/default", "")],
        );
        check(json!({"kinds": ["component"]}), json!("title"), &[(here, "is for component, not for a person")]);
        check(json!({"kinds": ["component", "person"]}), json!("title"), &[]);
        check(json!({"schema": {"type": ["null", "string"]}}), json!("title"), &[]);
        check(json!({"schema": {"enum": [1, 2]}}), json!("title"), &[(here, "takes no string")]);
        check(json!({"schema": {"const": true}}), json!("active"), &[]);
        check(json!({"schema": {"anyOf": [{"type": "null"}, {"type": "string"}]}}), json!("title"), &[]);
        check(json!({"schema": {"allOf": [{"type": "null"}, {}]}}), json!("title"), &[(here, "takes no string")]);
        let led = json!({"schema": {"$ref": "#/$defs/n", "$defs": {"n": {"type": "number"}}}});
        check(led, json!("title"), &[(here, "takes no string")]);
        let short = json!({"schema": {"type": "string", "maxLength": 3}});
        check(short.clone(), json!({"path": "title", "default": "none"}), &[("/property:badge/default", "")]);
        check(short, json!({"path": "title", "default": "no"}), &[]);
        let unknown = Mapping::parse(&json!({ "property:x": "title" }), &Registry::standard()).unwrap();
        let faults = unknown.misfits(&Definitions::default());
        assert_eq!(faults[0].to_string(), "/property:x: there is no property \"x\"; define it first");
    }
}
