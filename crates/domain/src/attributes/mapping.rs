//! A mapping: which places of a User fill which fields of the person.

use super::{DEPTH_MAX, FIELDS_MAX, Fault, Field, JOIN_MAX, Place, TEXT_CHARS, VALUE_BYTES};
use crate::preset::Preset;
use bailiwick_scim::Object;
use bailiwick_scim::schema::Registry;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fmt;

/// How a value comes about.
#[derive(Clone, Debug, PartialEq)]
pub enum Rule {
    /// As it stands there.
    Direct(Place),
    /// In lower case.
    Lower(Box<Rule>),
    /// The values that there are, with the separator between them.
    Join {
        /// Stands between two values.
        separator: String,
        /// Where they come from, in order.
        parts: Vec<Rule>,
    },
    /// A fixed text where the inner rule gives nothing.
    Default(Box<Rule>, String),
}

/// The mapping of one integration.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mapping {
    rules: BTreeMap<Field, Rule>,
    standard: bool,
}

/// A value and where it came from.
#[derive(Clone, Debug, PartialEq)]
pub struct Given {
    /// Text, number or boolean.
    pub value: Value,
    /// The place in words: a path, or a path within `lower(...)`, `join(...)`; `default` for a fixed text.
    pub path: String,
}

/// What a User says by a mapping: every field that is mapped, `None` where the User says nothing.
pub type Derived = BTreeMap<Field, Option<Given>>;

impl Mapping {
    /// What holds for an integration without a mapping of its own: the attributes of the RFC. An identity provider of
    /// whom it is known that the first telephone number may be a fax is asked for the one at work.
    #[must_use]
    pub fn standard(preset: Preset, registry: &Registry) -> Self {
        let work = matches!(preset, Preset::Entra | Preset::Google | Preset::Onelogin);
        let path = |name: &str, path: Option<&'static str>| match (name, path) {
            ("phone", Some(_)) if work => Some("phoneNumbers[type eq \"work\"].value"),
            (_, path) => path,
        };
        let rule = |(name, default): &(&'static str, Option<&'static str>)| {
            let place = Place::parse(path(name, *default)?, registry).ok()?;
            Some((Field::Named(name), Rule::Direct(place)))
        };
        Self { rules: Field::NAMED.iter().filter_map(rule).collect(), standard: true }
    }

    /// Reads the JSON form: `{"title": "title", "cost_center": {"path": "urn:...:costCenter", "default": "none"},
    /// "github": {"lower": "nickName"}, "property:badge": {"join": ["name.givenName", "name.familyName"], "with": " "}}`.
    /// A field that is `null` or absent is not mapped.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with its place.
    pub fn parse(value: &Value, registry: &Registry) -> Result<Self, Vec<Fault>> {
        let (mapping, faults) = read(value, registry);
        if faults.is_empty() { Ok(mapping) } else { Err(faults) }
    }

    /// Reads a mapping that was accepted once. What a schema served today does not know any more is left out, so that
    /// the other fields go on.
    #[must_use]
    pub fn stored(text: &str, registry: &Registry) -> Self {
        read(&serde_json::from_str(text).unwrap_or_default(), registry).0
    }

    /// Whether it is the one that holds when nobody has said anything.
    #[must_use]
    pub fn is_standard(&self) -> bool {
        self.standard
    }

    /// The rule of a field.
    #[must_use]
    pub fn rule(&self, field: &Field) -> Option<&Rule> {
        self.rules.get(field)
    }

    /// The fields it fills.
    pub fn fields(&self) -> impl Iterator<Item = &Field> {
        self.rules.keys()
    }

    /// The JSON form; reading it gives the same mapping.
    #[must_use]
    pub fn to_json(&self) -> Value {
        Value::Object(self.rules.iter().map(|(field, rule)| (field.to_string(), rule.to_json())).collect())
    }

    /// What a User says.
    #[must_use]
    pub fn derive(&self, document: &Object) -> Derived {
        let given = |rule: &Rule| {
            let (value, path) = rule.read(document)?;
            let fits = value.as_str().is_none_or(|text| text.len() <= VALUE_BYTES);
            fits.then_some(Given { value, path })
        };
        self.rules.iter().map(|(field, rule)| (field.clone(), given(rule))).collect()
    }
}

impl Rule {
    fn read(&self, document: &Object) -> Option<(Value, String)> {
        match self {
            Self::Direct(place) => Some((place.read(document)?.clone(), place.to_string())),
            Self::Lower(inner) => {
                let (value, path) = inner.read(document)?;
                Some((Value::from(text(&value).to_lowercase()), format!("lower({path})")))
            }
            Self::Join { separator, parts } => {
                let (values, paths): (Vec<String>, Vec<String>) = parts
                    .iter()
                    .filter_map(|part| part.read(document))
                    .map(|(value, path)| (text(&value), path))
                    .unzip();
                (!values.is_empty())
                    .then(|| (Value::from(values.join(separator)), format!("join({})", paths.join(", "))))
            }
            Self::Default(inner, otherwise) => {
                Some(inner.read(document).unwrap_or_else(|| (Value::from(otherwise.as_str()), "default".to_owned())))
            }
        }
    }

    fn to_json(&self) -> Value {
        match self {
            Self::Direct(place) => Value::from(place.to_string()),
            Self::Lower(inner) => json!({ "lower": inner.to_json() }),
            Self::Join { separator, parts } => {
                json!({ "join": parts.iter().map(Self::to_json).collect::<Value>(), "with": separator })
            }
            Self::Default(inner, otherwise) => match inner.to_json() {
                Value::Object(mut object) => {
                    object.insert("default".to_owned(), Value::from(otherwise.as_str()));
                    Value::Object(object)
                }
                path => json!({ "path": path, "default": otherwise }),
            },
        }
    }
}

/// In words: `title`, `lower(userName)`, `join(name.givenName, name.familyName)`.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Direct(place) => write!(f, "{place}"),
            Self::Lower(inner) => write!(f, "lower({inner})"),
            Self::Join { parts, .. } => {
                let parts: Vec<String> = parts.iter().map(Self::to_string).collect();
                write!(f, "join({})", parts.join(", "))
            }
            Self::Default(inner, otherwise) => write!(f, "{inner}, else \"{otherwise}\""),
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Reads as much as can be understood, and says what cannot.
fn read(value: &Value, registry: &Registry) -> (Mapping, Vec<Fault>) {
    let mut reader = Reader { registry, faults: Vec::new() };
    let mut mapping = Mapping::default();
    match value {
        Value::Object(fields) if fields.len() > FIELDS_MAX => {
            reader.fault("", format!("at most {FIELDS_MAX} fields can be mapped"));
        }
        Value::Object(fields) => {
            for (name, value) in fields.iter().filter(|(_, value)| !value.is_null()) {
                let pointer = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
                match Field::from_text(name) {
                    Ok(field) => {
                        let rule = reader.rule(&pointer, value, 1);
                        mapping.rules.extend(rule.map(|rule| (field, rule)));
                    }
                    Err(message) => reader.fault(&pointer, message),
                }
            }
        }
        _ => reader.fault("", "a mapping is an object of fields".to_owned()),
    }
    (mapping, reader.faults)
}

struct Reader<'a> {
    registry: &'a Registry,
    faults: Vec<Fault>,
}

impl Reader<'_> {
    fn fault(&mut self, pointer: &str, message: String) {
        self.faults.push(Fault { pointer: pointer.to_owned(), message });
    }

    fn rule(&mut self, pointer: &str, value: &Value, depth: usize) -> Option<Rule> {
        if depth > DEPTH_MAX {
            self.fault(pointer, format!("rules stand in one another at most {DEPTH_MAX} deep"));
            return None;
        }
        match value {
            Value::String(path) => match Place::parse(path, self.registry) {
                Ok(place) => Some(Rule::Direct(place)),
                Err(message) => {
                    self.fault(pointer, message);
                    None
                }
            },
            Value::Object(object) => self.compound(pointer, object, depth),
            _ => {
                self.fault(pointer, "a rule is a path, or an object with path, lower or join".to_owned());
                None
            }
        }
    }

    fn compound(&mut self, pointer: &str, object: &Map<String, Value>, depth: usize) -> Option<Rule> {
        let before = self.faults.len();
        let kinds: Vec<&str> =
            ["path", "lower", "join"].into_iter().filter(|kind| object.contains_key(*kind)).collect();
        for key in object.keys().filter(|key| !["path", "lower", "join", "with", "default"].contains(&key.as_str())) {
            self.fault(pointer, format!("a rule knows no \"{key}\""));
        }
        let [kind] = kinds.as_slice() else {
            self.fault(pointer, "a rule has exactly one of path, lower and join".to_owned());
            return None;
        };
        if object.contains_key("with") && *kind != "join" {
            self.fault(pointer, "\"with\" belongs to a join".to_owned());
        }
        let (inner, place) = (&object[*kind], format!("{pointer}/{kind}"));
        let rule = match *kind {
            "path" if !inner.is_string() => {
                self.fault(&place, "a path is text".to_owned());
                None
            }
            "path" => self.rule(&place, inner, depth),
            "lower" => self.rule(&place, inner, depth + 1).map(|inner| Rule::Lower(Box::new(inner))),
            _ => {
                let separator = self.text(pointer, object, "with");
                self.join(&place, inner, depth, separator.unwrap_or_else(|| " ".to_owned()))
            }
        };
        let otherwise = self.text(pointer, object, "default");
        if self.faults.len() > before {
            return None;
        }
        Some(match otherwise {
            Some(otherwise) => Rule::Default(Box::new(rule?), otherwise),
            None => rule?,
        })
    }

    fn join(&mut self, pointer: &str, value: &Value, depth: usize, separator: String) -> Option<Rule> {
        let Some(parts) = value.as_array().filter(|parts| (1..=JOIN_MAX).contains(&parts.len())) else {
            self.fault(pointer, format!("a join is a list of 1 to {JOIN_MAX} rules"));
            return None;
        };
        let rules: Vec<Rule> = parts
            .iter()
            .enumerate()
            .filter_map(|(index, part)| self.rule(&format!("{pointer}/{index}"), part, depth + 1))
            .collect();
        (rules.len() == parts.len()).then_some(Rule::Join { separator, parts: rules })
    }

    fn text(&mut self, pointer: &str, object: &Map<String, Value>, key: &str) -> Option<String> {
        let value = object.get(key)?;
        match value.as_str().filter(|text| text.chars().count() <= TEXT_CHARS) {
            Some(text) => Some(text.to_owned()),
            None => {
                self.fault(&format!("{pointer}/{key}"), format!("this is text of at most {TEXT_CHARS} characters"));
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(value: impl Into<Value>, path: &str) -> Option<Given> {
        Some(Given { value: value.into(), path: path.to_owned() })
    }

    #[test]
    fn a_user_is_read_by_the_rule_of_each_field() {
        let user = json!({"userName": "Ada.L", "name": {"givenName": "Ada"}, "title": "Countess", "active": true});
        let check = |rule: Value, expect: Option<Given>| {
            let mapping = Mapping::parse(&json!({ "title": rule }), &Registry::standard()).unwrap();
            let derived = mapping.derive(user.as_object().unwrap());
            assert_eq!(derived[&Field::Named("title")], expect, "{rule}");
            assert_eq!(Mapping::parse(&mapping.to_json(), &Registry::standard()).unwrap(), mapping, "{rule}");
        };
        check(json!("title"), given("Countess", "title"));
        check(json!({"path": "title"}), given("Countess", "title"));
        check(json!("nickName"), None);
        check(json!("active"), given(true, "active"));
        check(json!({"path": "nickName", "default": "none"}), given("none", "default"));
        check(json!({"path": "title", "default": "none"}), given("Countess", "title"));
        check(json!({"lower": "userName"}), given("ada.l", "lower(userName)"));
        check(json!({"lower": {"path": "nickName", "default": "NO"}}), given("no", "lower(default)"));
        let full = json!({"join": ["name.givenName", "name.familyName", "userName"], "with": "-"});
        check(full, given("Ada-Ada.L", "join(name.givenName, userName)"));
        check(json!({"join": ["name.familyName", "nickName"]}), None);
        check(json!({"join": ["name.familyName"], "default": "x"}), given("x", "default"));
        check(
            json!({"lower": {"join": ["name.givenName", "title"]}}),
            given("ada countess", "lower(join(name.givenName, title))"),
        );
    }

    #[test]
    fn every_fault_is_told_with_its_place() {
        let check = |mapping: Value, expect: &[&str]| {
            let faults = Mapping::parse(&mapping, &Registry::standard()).unwrap_err();
            let places: Vec<&str> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
            assert_eq!(places, expect, "{mapping}: {faults:?}");
        };
        check(json!([]), &[""]);
        check(json!({"titel": "title", "title": "titel", "phone": 7}), &["/titel", "/title", "/phone"]);
        check(json!({"a/b~c": "title"}), &["/a~1b~0c"]);
        check(json!({"title": {}}), &["/title"]);
        check(json!({"title": {"path": "title", "lower": "title"}}), &["/title"]);
        check(json!({"title": {"path": {"lower": "title"}}}), &["/title/path"]);
        check(json!({"title": {"path": "title", "with": " "}}), &["/title"]);
        check(json!({"title": {"path": "title", "upper": true}}), &["/title"]);
        check(json!({"title": {"path": "title", "default": 1}}), &["/title/default"]);
        check(json!({"title": {"join": []}}), &["/title/join"]);
        check(json!({"title": {"join": ["title", "x", 1]}}), &["/title/join/1", "/title/join/2"]);
        check(json!({"title": {"join": vec!["title"; 11]}}), &["/title/join"]);
        let deep = json!({"lower": {"lower": {"lower": {"lower": "title"}}}});
        check(json!({ "title": deep }), &["/title/lower/lower/lower/lower"]);
        check(json!({"title": "password"}), &["/title"]);
        let many: Map<String, Value> =
            (0..=FIELDS_MAX).map(|index| (format!("property:p{index}"), json!("title"))).collect();
        check(Value::Object(many), &[""]);
    }

    #[test]
    fn null_leaves_a_field_out_and_the_standard_covers_the_rfc() {
        let registry = Registry::standard();
        let mapping = Mapping::parse(&json!({"title": null, "phone": "title"}), &registry).unwrap();
        assert_eq!(mapping.fields().map(Field::to_string).collect::<Vec<_>>(), ["phone"]);
        for preset in Preset::ALL {
            let standard = Mapping::standard(*preset, &registry);
            let mapped = Field::NAMED.iter().filter(|(_, path)| path.is_some()).count();
            assert_eq!(standard.fields().count(), mapped, "{preset:?}");
            assert!(standard.is_standard() && !mapping.is_standard());
        }
    }

    #[test]
    fn what_a_schema_lost_is_left_out_of_a_stored_mapping() {
        let stored = Mapping::stored(r#"{"title": "title", "phone": "urn:acme:User:desk"}"#, &Registry::standard());
        assert_eq!(stored.fields().map(Field::to_string).collect::<Vec<_>>(), ["title"]);
        assert_eq!(Mapping::stored("not json", &Registry::standard()).fields().count(), 0);
    }
}
