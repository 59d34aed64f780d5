//! The fields of one person, each with its source.

use super::{Derived, Field, Mapping};
use crate::preset::Preset;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The key of the fields in the document of a person.
const ATTRIBUTES: &str = "attributes";

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Source {
    /// The person's authority User said it.
    Integration {
        /// Id of that User.
        user: String,
        /// The place in it.
        path: String,
    },
    /// Somebody wrote it.
    Hand {
        /// Who.
        by: String,
    },
    /// A file said it.
    Import {
        /// Name of the import source.
        source: String,
    },
    /// A mapping rule gave it.
    Rule {
        /// Id of the rule.
        rule: String,
    },
}

/// A value with its source.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Attribute {
    /// Text, number or boolean; properties may be any JSON value.
    pub value: Value,
    /// Where it comes from.
    pub source: Source,
}

/// Who provisions a person, for as long as there is an authority User.
#[derive(Clone, Copy, Debug)]
pub struct Owner<'a> {
    /// Name of the integration.
    pub integration: &'a str,
    /// Its preset.
    pub preset: Preset,
    /// Its mapping.
    pub mapping: &'a Mapping,
}

/// Why a field cannot be changed here, and where it can.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Lock {
    /// Who owns the field.
    pub reason: String,
    /// What to do instead.
    pub remedy: String,
}

/// A field that has another value afterwards.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct FieldChange {
    /// The field.
    pub field: String,
    /// The value before; `None` when there was none.
    pub before: Option<Attribute>,
    /// The value afterwards; `None` when there is none.
    pub after: Option<Attribute>,
}

/// The document of a person. Keys other than `attributes` are kept as they are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Profile {
    attributes: BTreeMap<String, Attribute>,
    rest: Map<String, Value>,
}

impl Profile {
    /// Reads the document of a person.
    #[must_use]
    pub fn parse(doc: &str) -> Self {
        let mut rest: Map<String, Value> = serde_json::from_str(doc).unwrap_or_default();
        let attributes = rest.remove(ATTRIBUTES).and_then(|value| serde_json::from_value(value).ok());
        Self { attributes: attributes.unwrap_or_default(), rest }
    }

    /// The document, to be stored.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut document = self.rest.clone();
        if !self.attributes.is_empty() {
            // Text keys and JSON values always serialise.
            document.insert(ATTRIBUTES.to_owned(), serde_json::to_value(&self.attributes).unwrap_or_default());
        }
        Value::Object(document).to_string()
    }

    /// The fields in order of their names.
    pub fn attributes(&self) -> impl Iterator<Item = (&str, &Attribute)> {
        self.attributes.iter().map(|(name, attribute)| (name.as_str(), attribute))
    }

    /// The field of that name: `title`, `property:badge`.
    #[must_use]
    pub fn get(&self, field: &str) -> Option<&Attribute> {
        self.attributes.get(field)
    }

    /// Lays a property that a rule gives over whatever the document says, for as long as the rule gives it.
    pub fn lay(&mut self, property: &str, value: Value, rule: &str) {
        let attribute = Attribute { value, source: Source::Rule { rule: rule.to_owned() } };
        self.put(&Field::Property(property.to_owned()), Some(attribute));
    }

    /// Sets a field, or takes it away.
    pub fn put(&mut self, field: &Field, attribute: Option<Attribute>) {
        match attribute {
            Some(attribute) => drop(self.attributes.insert(field.to_string(), attribute)),
            None => drop(self.attributes.remove(&field.to_string())),
        }
    }

    /// Follows what the authority User says by the mapping of its integration. Where the mapping was written by an
    /// admin, its fields are the identity provider's alone: what the User does not say is empty. The standard mapping
    /// fills what the User says and leaves other values to whoever wrote them. A field that is not mapped (any more)
    /// keeps its value and may be changed by hand.
    pub fn follow(&mut self, user: &str, mapping: &Mapping, derived: Derived) {
        for (field, given) in derived {
            let name = field.to_string();
            match given {
                Some(given) => {
                    let source = Source::Integration { user: user.to_owned(), path: given.path };
                    self.attributes.insert(name, Attribute { value: given.value, source });
                }
                None => {
                    let by_provider = |attribute: &Attribute| matches!(attribute.source, Source::Integration { .. });
                    if !mapping.is_standard() || self.attributes.get(&name).is_some_and(by_provider) {
                        self.attributes.remove(&name);
                    }
                }
            }
        }
    }

    /// Why a field cannot be changed by hand. `owner` is whoever provisions the person, if anybody does. Besides the
    /// fields there are the three that make an identity: `user_name`, `display` and `email`.
    #[must_use]
    pub fn lock(&self, field: &str, owner: Option<Owner<'_>>) -> Option<Lock> {
        let held = self.attributes.get(field).map(|attribute| &attribute.source);
        if let Some(Source::Rule { rule }) = held {
            return Some(Lock {
                reason: format!("given by the mapping rule {rule}"),
                remedy: "change the rule, see: bailiwick rule show".to_owned(),
            });
        }
        let owner = owner?;
        let (name, place) = (owner.integration, provider(owner.preset));
        if matches!(field, "user_name" | "display" | "email") {
            return Some(Lock { reason: format!("managed by {name}"), remedy: format!("change it in {place}") });
        }
        let mapped = owner.mapping.rule(&Field::from_text(field).ok()?)?;
        let said = matches!(held, Some(Source::Integration { .. }));
        (said || !owner.mapping.is_standard()).then(|| Lock {
            reason: format!("managed by {name} ({mapped})"),
            remedy: format!("change it in {place}, or unmap it with: bailiwick integration mapping {name} set FILE"),
        })
    }

    /// What is different in another profile of the same person.
    #[must_use]
    pub fn changes(&self, after: &Self) -> Vec<FieldChange> {
        let mut names: Vec<&String> = self.attributes.keys().chain(after.attributes.keys()).collect();
        names.sort_unstable();
        names.dedup();
        let change = |name: &String| {
            let (before, after) = (self.attributes.get(name), after.attributes.get(name));
            (before != after).then(|| FieldChange {
                field: name.clone(),
                before: before.cloned(),
                after: after.cloned(),
            })
        };
        names.into_iter().filter_map(change).collect()
    }
}

/// What an admin calls the place where the people of such an integration are kept.
#[must_use]
pub fn provider(preset: Preset) -> &'static str {
    match preset {
        Preset::Entra => "Microsoft Entra ID",
        Preset::Google => "Google Workspace",
        Preset::Jumpcloud => "JumpCloud",
        Preset::Okta => "Okta",
        Preset::Onelogin => "OneLogin",
        Preset::Ping => "Ping",
        Preset::Generic | Preset::Strict => "the identity provider",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bailiwick_scim::schema::Registry;
    use serde_json::json;

    fn mapping(value: Value) -> Mapping {
        Mapping::parse(&value, &Registry::standard()).unwrap()
    }

    fn hand(value: &str) -> Attribute {
        Attribute { value: Value::from(value), source: Source::Hand { by: "per_1".to_owned() } }
    }

    fn follow(profile: &mut Profile, mapping: &Mapping, user: &Value) {
        profile.follow("u-1", mapping, mapping.derive(user.as_object().unwrap()));
    }

    fn values(profile: &Profile) -> Value {
        profile
            .attributes()
            .map(|(name, attribute)| (name.to_owned(), attribute.value.clone()))
            .collect::<Map<_, _>>()
            .into()
    }

    #[test]
    fn a_document_is_kept_whole() {
        let text = r#"{"attributes":{"title":{"value":"Dr","source":{"kind":"integration","user":"u","path":"title"}}},"note":1}"#;
        let profile = Profile::parse(text);
        assert_eq!(profile.get("title").unwrap().value, "Dr");
        assert_eq!(Profile::parse(&profile.to_text()), profile);
        assert!(profile.to_text().contains("\"note\":1"));
        assert_eq!(Profile::parse("{}").to_text(), "{}");
    }

    #[test]
    fn the_authority_writes_what_it_says_and_clears_what_it_owned() {
        let standard = Mapping::standard(Preset::Okta, &Registry::standard());
        let mut profile = Profile::default();
        profile.put(&Field::Named("location"), Some(hand("Basel")));
        profile.put(&Field::Named("github"), Some(hand("ada")));
        follow(&mut profile, &standard, &json!({"title": "Dr", "locale": "de"}));
        assert_eq!(values(&profile), json!({"title": "Dr", "locale": "de", "location": "Basel", "github": "ada"}));
        follow(&mut profile, &standard, &json!({"locale": "fr"}));
        assert_eq!(values(&profile), json!({"locale": "fr", "location": "Basel", "github": "ada"}));
        let own = mapping(json!({"location": "title", "locale": "locale"}));
        follow(&mut profile, &own, &json!({"locale": "fr"}));
        assert_eq!(values(&profile), json!({"locale": "fr", "github": "ada"}));
    }

    #[test]
    fn locks_say_who_owns_a_field_and_where_it_is_changed() {
        let standard = Mapping::standard(Preset::Okta, &Registry::standard());
        let own = mapping(json!({"location": "addresses.locality"}));
        let mut profile = Profile::default();
        follow(&mut profile, &standard, &json!({"title": "Dr"}));
        profile.put(
            &Field::Property("cost".to_owned()),
            Some(Attribute { value: json!(1), source: Source::Rule { rule: "r-1".to_owned() } }),
        );
        let check = |field: &str, mapping: Option<&Mapping>, expect: Option<&str>| {
            let owner = mapping.map(|mapping| Owner { integration: "okta-main", preset: Preset::Okta, mapping });
            assert_eq!(profile.lock(field, owner).map(|lock| lock.reason).as_deref(), expect, "{field}");
        };
        check("title", Some(&standard), Some("managed by okta-main (title)"));
        check("location", Some(&standard), None);
        check("location", Some(&own), Some("managed by okta-main (addresses.locality)"));
        check("title", Some(&own), None);
        check("github", Some(&standard), None);
        check("display", Some(&own), Some("managed by okta-main"));
        check("display", None, None);
        check("title", None, None);
        check("property:cost", None, Some("given by the mapping rule r-1"));
        let owner = Owner { integration: "okta-main", preset: Preset::Okta, mapping: &standard };
        assert!(profile.lock("title", Some(owner)).unwrap().remedy.starts_with("change it in Okta, or unmap it"));
    }

    #[test]
    fn changes_name_the_fields_that_differ() {
        let (mut before, mut after) = (Profile::default(), Profile::default());
        before.put(&Field::Named("title"), Some(hand("a")));
        before.put(&Field::Named("phone"), Some(hand("1")));
        after.put(&Field::Named("title"), Some(hand("b")));
        after.put(&Field::Named("locale"), Some(hand("de")));
        let fields: Vec<String> = before.changes(&after).into_iter().map(|change| change.field).collect();
        assert_eq!(fields, ["locale", "phone", "title"]);
        assert!(before.changes(&before).is_empty());
    }
}
