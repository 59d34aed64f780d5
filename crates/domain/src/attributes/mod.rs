//! What a person is beyond name and state: title, department, manager and the company's own properties.
//!
//! Each integration has a [`Mapping`] from places in a User to fields of the person; [`Mapping::derive`] reads a User by
//! it. A [`Profile`] holds the fields with the source of each, and says which of them nobody but the identity provider
//! may change ([`Profile::lock`]). [`Effect`] adds up what a new mapping would change.

mod effect;
mod fit;
mod mapping;
mod place;
mod profile;

pub use effect::{Effect, FieldCount, PersonChange, SAMPLE};
pub use mapping::{Derived, Given, Mapping, Rule};
pub use place::Place;
pub use profile::{Attribute, FieldChange, Lock, Owner, Profile, Source, provider};

use std::fmt;

/// Most fields of a mapping.
pub const FIELDS_MAX: usize = 100;
/// Most parts of a join.
pub const JOIN_MAX: usize = 10;
/// Deepest nesting of `lower` and `join`.
pub const DEPTH_MAX: usize = 4;
/// Longest default or separator, in characters.
pub const TEXT_CHARS: usize = 1_000;
/// Longest value taken from a User, in bytes; a longer one (a picture as text, say) is left where it is.
pub const VALUE_BYTES: usize = 4_096;

/// What a key of a mapping or a profile begins with when it names a property of the company's own.
const PROPERTY: &str = "property:";

/// A field of a person.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// One that every person has: a name of [`Field::NAMED`].
    Named(&'static str),
    /// A property of the company's own, by its name.
    Property(String),
}

impl Field {
    /// The named fields, with the place in a User that fills each when no mapping says otherwise (RFC 7643 sections 4.1
    /// and 4.3).
    pub const NAMED: &[(&'static str, Option<&'static str>)] = &[
        ("cost_center", Some("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:costCenter")),
        ("department", Some("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department")),
        ("division", Some("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:division")),
        ("employee_number", Some("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber")),
        ("employee_type", Some("userType")),
        ("github", None),
        ("language", Some("preferredLanguage")),
        ("locale", Some("locale")),
        ("location", Some("addresses.locality")),
        ("manager", Some("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value")),
        ("nickname", Some("nickName")),
        ("organization", Some("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:organization")),
        ("phone", Some("phoneNumbers.value")),
        ("photo", Some("photos.value")),
        ("profile_url", Some("profileUrl")),
        ("timezone", Some("timezone")),
        ("title", Some("title")),
    ];

    /// The field of that name: `title`, `property:badge`.
    ///
    /// # Errors
    /// A sentence that says why there is none.
    pub fn from_text(text: &str) -> Result<Self, String> {
        if let Some((name, _)) = Self::NAMED.iter().find(|(name, _)| *name == text) {
            return Ok(Self::Named(name));
        }
        let Some(name) = text.strip_prefix(PROPERTY) else {
            let known: Vec<&str> = Self::NAMED.iter().map(|(name, _)| *name).collect();
            let shown: String = text.chars().take(80).collect();
            return Err(format!(
                "a person has no field \"{shown}\"; there are {}, and property:NAME for a property",
                known.join(", ")
            ));
        };
        let sound = |char: char| char.is_ascii_alphanumeric() || matches!(char, '-' | '_' | '.');
        if name.is_empty() || name.len() > 63 || !name.chars().all(sound) || !name.as_bytes()[0].is_ascii_alphanumeric()
        {
            return Err("the name of a property has 1 to 63 letters, digits, dashes, dots and underscores".to_owned());
        }
        Ok(Self::Property(name.to_owned()))
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(name) => f.write_str(name),
            Self::Property(name) => write!(f, "{PROPERTY}{name}"),
        }
    }
}

/// What is wrong with a mapping, and where.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Fault {
    /// The place as a JSON pointer (RFC 6901).
    pub pointer: String,
    /// What is wrong, as a fragment of a sentence.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.pointer, self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_known_by_name() {
        let check = |text: &str, expect: Option<Field>| assert_eq!(Field::from_text(text).ok(), expect, "{text}");
        check("title", Some(Field::Named("title")));
        check("property:badge", Some(Field::Property("badge".to_owned())));
        check("property:a.b-c_9", Some(Field::Property("a.b-c_9".to_owned())));
        for text in ["", "Title", "display", "userName", "property:", "property:-x", "property:a b", "property:\u{e9}"]
        {
            check(text, None);
        }
        for (name, _) in Field::NAMED {
            assert_eq!(Field::from_text(name).unwrap().to_string(), *name);
        }
        assert!(Field::NAMED.is_sorted());
    }
}
