//! How items are named: kind, namespace and name, as Backstage writes them; aliases may be freer.

use super::limits::{ALIAS_CHARS, NAME_CHARS};
use crate::names;
use bailiwick_scim::text::match_key;
use std::fmt;
use std::sync::Arc;

/// The namespace of whoever says none.
pub const DEFAULT_NAMESPACE: &str = "default";

/// What an item is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A team: Backstage's Group.
    Team,
    /// A component, of which a service is the usual type.
    Component,
    /// A system of components.
    System,
    /// A domain of systems.
    Domain,
    /// An API.
    Api,
    /// A resource: a database, a bucket.
    Resource,
    /// Another kind of Backstage's, kept under its name in lower case.
    Other(Arc<str>),
}

impl Kind {
    /// The kinds that mean something here.
    pub const KNOWN: &[Kind] = &[Self::Team, Self::Component, Self::System, Self::Domain, Self::Api, Self::Resource];

    /// The stable text, lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Team => "team",
            Self::Component => "component",
            Self::System => "system",
            Self::Domain => "domain",
            Self::Api => "api",
            Self::Resource => "resource",
            Self::Other(name) => name,
        }
    }

    /// The kind of that name in any letter case; `Group` is a team and `Service` a component. A person is no item, so
    /// `User` is refused.
    ///
    /// # Errors
    /// A sentence fragment.
    pub fn parse(text: &str) -> Result<Self, String> {
        let lower = text.to_ascii_lowercase();
        Ok(match lower.as_str() {
            "team" | "group" => Self::Team,
            "component" | "service" => Self::Component,
            "system" => Self::System,
            "domain" => Self::Domain,
            "api" => Self::Api,
            "resource" => Self::Resource,
            "user" | "person" => return Err("a person is no item of the catalog".to_owned()),
            _ if is_kind(&lower) => Self::Other(lower.into()),
            _ => return Err(format!("{text:?} is no kind: letters and digits, at most {NAME_CHARS}")),
        })
    }

    /// Whether this is a team.
    #[must_use]
    pub fn is_team(&self) -> bool {
        *self == Self::Team
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

fn is_kind(text: &str) -> bool {
    (1..=NAME_CHARS).contains(&text.len())
        && text.as_bytes().first().is_some_and(u8::is_ascii_alphabetic)
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Names an item: `[kind:][namespace/]name`. Printed in lower case; equal when their keys are.
#[derive(Clone, Debug)]
pub struct Reference {
    /// Kind.
    pub kind: Kind,
    /// Namespace, lower case.
    pub namespace: String,
    /// Name as written; in what points somewhere it may be an alias.
    pub name: String,
}

impl Reference {
    /// A reference in the default namespace.
    #[must_use]
    pub fn of(kind: Kind, name: impl Into<String>) -> Self {
        Self { kind, namespace: DEFAULT_NAMESPACE.to_owned(), name: name.into() }
    }

    /// Reads a reference to an item by its name.
    ///
    /// # Errors
    /// A sentence fragment that names the part that does not follow the rules.
    pub fn parse(text: &str, kind: &Kind) -> Result<Self, String> {
        let reference = Self::split(text, kind, DEFAULT_NAMESPACE)?;
        check_name(&reference.name)?;
        Ok(reference)
    }

    /// Reads what points to an item: the name may be an alias, which holds nearly anything. What the text leaves out
    /// is taken from `kind` and `namespace`.
    ///
    /// # Errors
    /// A sentence fragment.
    pub fn pointing(text: &str, kind: &Kind, namespace: &str) -> Result<Self, String> {
        let reference = Self::split(text, kind, namespace)?;
        check_alias(&reference.name)?;
        Ok(reference)
    }

    fn split(text: &str, kind: &Kind, namespace: &str) -> Result<Self, String> {
        let (kind, rest) = match text.split_once(':') {
            Some((head, rest)) if is_kind(head) => (Kind::parse(head)?, rest),
            _ => (kind.clone(), text),
        };
        let (namespace, name) = match rest.split_once('/') {
            Some((head, name)) if is_namespace(&head.to_ascii_lowercase()) => (head, name),
            _ => (namespace, rest),
        };
        Ok(Self { kind, namespace: namespace.to_ascii_lowercase(), name: name.to_owned() })
    }

    /// `kind:namespace`: where a name or alias is unique.
    #[must_use]
    pub fn space(&self) -> String {
        space(&self.kind, &self.namespace)
    }

    /// The key of the name within its space.
    #[must_use]
    pub fn name_key(&self) -> String {
        match_key(&self.name).into_owned()
    }

    /// As short as it can be where `kind` is expected: without the kind and the default namespace.
    #[must_use]
    pub fn short(&self, kind: &Kind) -> String {
        let own_namespace = self.namespace == DEFAULT_NAMESPACE;
        let name = self.name_key();
        match (self.kind == *kind, own_namespace) {
            _ if name.contains([':', '/']) => self.to_string(),
            (true, true) => name,
            (true, false) => format!("{}/{name}", self.namespace),
            (false, true) => format!("{}:{name}", self.kind),
            (false, false) => self.to_string(),
        }
    }
}

/// `kind:namespace`: where a name or alias is unique.
fn space(kind: &Kind, namespace: &str) -> String {
    format!("{kind}:{namespace}")
}

impl PartialEq for Reference {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind && self.namespace == other.namespace && self.name_key() == other.name_key()
    }
}

impl Eq for Reference {}

/// `component:default/cart`, lower case.
impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}/{}", self.kind, self.namespace, self.name_key())
    }
}

/// Whether an item may have this name: `[A-Za-z0-9][-A-Za-z0-9_.]*`, at most 63.
///
/// # Errors
/// A sentence fragment.
pub fn check_name(name: &str) -> Result<(), String> {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let reason = if name.is_empty() {
        "is empty"
    } else if name.len() > NAME_CHARS {
        "is longer than 63 characters"
    } else if !name.as_bytes()[0].is_ascii_alphanumeric() {
        "must begin with a letter or digit"
    } else if !name.bytes().all(inner) {
        "may hold only letters, digits, -, _ and ."
    } else {
        return Ok(());
    };
    Err(format!("the name {name:?} {reason}"))
}

/// Whether a namespace may have this name: a DNS label in lower case.
///
/// # Errors
/// A sentence fragment.
pub(super) fn check_namespace(name: &str) -> Result<(), String> {
    if is_namespace(name) {
        return Ok(());
    }
    Err(format!("the namespace {name:?} is no label of letters, digits and inner hyphens, at most {NAME_CHARS}"))
}

fn is_namespace(name: &str) -> bool {
    (1..=NAME_CHARS).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !name.starts_with('-')
        && !name.ends_with('-')
}

/// Whether this may be an alias: 1 to 200 characters, none of them a control character, no blank at either end.
///
/// # Errors
/// A sentence fragment.
pub fn check_alias(alias: &str) -> Result<(), String> {
    let reason = if alias.is_empty() {
        "is empty"
    } else if alias.chars().count() > ALIAS_CHARS {
        "is longer than 200 characters"
    } else if alias.chars().any(names::unfit_in_line) {
        "holds a control character or one that turns the direction of writing"
    } else if alias.trim() != alias {
        "begins or ends with white space"
    } else {
        return Ok(());
    };
    Err(format!("the alias {alias:?} {reason}"))
}

/// A name made of free text: `Payments & Billing` gives `payments-billing`. `None` where no letter or digit of ASCII is
/// left.
#[must_use]
pub fn slug(text: &str) -> Option<String> {
    let mut out = String::new();
    for character in match_key(text).chars() {
        if out.len() == NAME_CHARS {
            break;
        }
        match character {
            'a'..='z' | '0'..='9' => out.push(character),
            '.' | '_' if !out.is_empty() => out.push(character),
            _ if !out.is_empty() && !out.ends_with('-') => out.push('-'),
            _ => {}
        }
    }
    let slug = out.trim_end_matches(['-', '.', '_']);
    (!slug.is_empty()).then(|| slug.to_owned())
}

/// Whether a text where an owner or member is expected means a person: `user:ada`, an e-mail address or a person's id.
#[must_use]
pub fn is_person_text(text: &str) -> bool {
    match text.split_once(':') {
        Some((head, _)) if is_kind(head) => ["user", "person"].iter().any(|word| head.eq_ignore_ascii_case(word)),
        _ => names::is_email_form(text) || is_person_id(text),
    }
}

fn is_person_id(text: &str) -> bool {
    text.strip_prefix("per_").is_some_and(|rest| rest.len() == 24 && rest.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_read_and_printed() {
        let check = |text: &str, expect: Result<&str, &str>| {
            let read = Reference::parse(text, &Kind::Component).map(|reference| reference.to_string());
            match (read, expect) {
                (Ok(read), Ok(expect)) => assert_eq!(read, expect, "{text}"),
                (Err(read), Err(expect)) => assert!(read.contains(expect), "{text}: {read}"),
                (read, _) => panic!("{text}: {read:?}"),
            }
        };
        check("Cart", Ok("component:default/cart"));
        check("API:Cart_v1.2", Ok("api:default/cart_v1.2"));
        check("Group:Team-A/Payments", Ok("team:team-a/payments"));
        check("template:x/y", Ok("template:x/y"));
        check("service:cart", Ok("component:default/cart"));
        check("", Err("is empty"));
        check("a b", Err("may hold only"));
        check("-a", Err("must begin"));
        check("a/b/c", Err("may hold only"));
        check("a_b/c", Err("may hold only"));
        check("user:ada", Err("no item"));
        check(&"a".repeat(64), Err("63"));
        check("käse", Err("may hold only"));
    }

    #[test]
    fn what_points_may_be_an_alias() {
        for (text, expect, short) in [
            ("payments", "team:default/payments", "payments"),
            ("Payments Team", "team:default/payments team", "payments team"),
            ("group:ops/Night Shift", "team:ops/night shift", "ops/night shift"),
            ("ÉQUIPE 1: nuit", "team:default/équipe 1: nuit", "team:default/équipe 1: nuit"),
            ("component:cart", "component:default/cart", "component:cart"),
            ("component:x/cart", "component:x/cart", "component:x/cart"),
        ] {
            let read = Reference::pointing(text, &Kind::Team, DEFAULT_NAMESPACE).unwrap();
            assert_eq!(read.to_string(), expect);
            assert_eq!(read.short(&Kind::Team), short);
            for again in [expect, short] {
                assert_eq!(Reference::pointing(again, &Kind::Team, DEFAULT_NAMESPACE).unwrap(), read, "{again}");
            }
        }
        for bad in ["", " a", "a\nb", &"x".repeat(201)] {
            assert!(Reference::pointing(bad, &Kind::Team, DEFAULT_NAMESPACE).is_err(), "{bad}");
        }
    }

    #[test]
    fn free_text_becomes_a_name() {
        for (text, expect) in [
            ("Payments & Billing", Some("payments-billing")),
            ("  --  A.b_c-", Some("a.b_c")),
            ("支払い", None),
            ("", None),
            ("ＡＢＣ", Some("abc")),
        ] {
            assert_eq!(slug(text).as_deref(), expect, "{text}");
        }
        let long = slug(&"ab-".repeat(60)).unwrap();
        check_name(&long).unwrap();
    }

    #[test]
    fn persons_are_told_from_teams() {
        for (text, expect) in [
            ("user:ada", true),
            ("User:default/ada", true),
            ("ada@example.com", true),
            ("per_0123456789abcdef01234567", true),
            ("per_x", false),
            ("payments", false),
            ("group:ada", false),
        ] {
            assert_eq!(is_person_text(text), expect, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn printing_and_reading_are_inverse(text in "[ -~é]{1,40}") {
            if let Ok(read) = Reference::pointing(&text, &Kind::Team, DEFAULT_NAMESPACE) {
                let again = Reference::pointing(&read.to_string(), &Kind::Component, "other").unwrap();
                proptest::prop_assert_eq!(&again, &read);
                let again = Reference::pointing(&read.short(&Kind::Team), &Kind::Team, DEFAULT_NAMESPACE).unwrap();
                proptest::prop_assert_eq!(&again, &read);
            }
        }

        #[test]
        fn a_slug_is_a_name(text in "\\PC{0,80}") {
            if let Some(slug) = slug(&text) {
                proptest::prop_assert!(check_name(&slug).is_ok(), "{}", slug);
            }
        }
    }
}
