//! What the document of an item means.

use super::reference::is_person_text;
use super::{DEFAULT_NAMESPACE, Kind, Reference, check_alias};
use bailiwick_scim::Object;
use serde_json::Value;
use std::fmt;

/// An item of the catalog: a team or an entity. What does not belong to its kind is empty.
#[derive(Clone, Debug, PartialEq)]
pub struct Entity {
    /// Kind, namespace and name.
    pub reference: Reference,
    /// What people call it; its name if it has none.
    pub title: Option<String>,
    /// What it is.
    pub description: Option<String>,
    /// `service`, `library`, `openapi`, `database` ...; of a team `squad`, `department` ...
    pub item_type: Option<String>,
    /// Who answers for it. A team has no owner.
    pub owner: Option<Owner>,
    /// The system a component, API or resource is part of.
    pub system: Option<Reference>,
    /// The domain a system is part of.
    pub domain: Option<Reference>,
    /// The parent of a team, or of a domain.
    pub parent: Option<Reference>,
    /// Alias of a tier.
    pub tier: Option<String>,
    /// Alias of a lifecycle.
    pub lifecycle: Option<String>,
    /// What a team answers for, in free text.
    pub responsibilities: Option<String>,
    /// Tags in order.
    pub tags: Vec<Tag>,
    /// Links in order.
    pub links: Vec<Link>,
    /// Tools in order.
    pub tools: Vec<Tool>,
    /// Contacts in order.
    pub contacts: Vec<Contact>,
    /// What it depends on, provides or consumes.
    pub dependencies: Vec<Dependency>,
    /// Typed properties by name.
    pub properties: Object,
    /// Further names under which it is found, as written.
    pub aliases: Vec<String>,
    /// Annotations: texts by name.
    pub annotations: Object,
    /// Labels: texts by name.
    pub labels: Object,
    /// The definition of an API: its text, or a placeholder (`{"$text": "./openapi.yaml"}`) as it was written.
    pub definition: Option<Value>,
    /// What the file it comes from says besides, kept for the export.
    pub unknown: Object,
    /// Where it comes from; `None` by hand.
    pub source: Option<Source>,
}

impl Entity {
    /// An item that says nothing yet.
    #[must_use]
    pub fn new(reference: Reference) -> Self {
        Self {
            reference,
            title: None,
            description: None,
            item_type: None,
            owner: None,
            system: None,
            domain: None,
            parent: None,
            tier: None,
            lifecycle: None,
            responsibilities: None,
            tags: Vec::new(),
            links: Vec::new(),
            tools: Vec::new(),
            contacts: Vec::new(),
            dependencies: Vec::new(),
            properties: Object::new(),
            aliases: Vec::new(),
            annotations: Object::new(),
            labels: Object::new(),
            definition: None,
            unknown: Object::new(),
            source: None,
        }
    }

    /// What it is.
    #[must_use]
    pub fn kind(&self) -> &Kind {
        &self.reference.kind
    }

    /// What people call it: the title, else the name.
    #[must_use]
    pub fn shown(&self) -> &str {
        self.title.as_deref().unwrap_or(&self.reference.name)
    }

    /// What it is part of: the parent of a team or domain, the domain of a system, the system of anything else.
    #[must_use]
    pub fn above(&self) -> Option<&Reference> {
        match self.kind() {
            Kind::Team | Kind::Domain => self.parent.as_ref(),
            Kind::System => self.domain.as_ref(),
            _ => self.system.as_ref(),
        }
    }
}

/// Who answers for an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// A team, by name or alias.
    Team(Reference),
    /// A person, by id, e-mail address or userName.
    Person(String),
}

impl Owner {
    /// Reads an owner: `user:ada`, an e-mail address and a person's id mean a person, everything else a team. What a
    /// team's name leaves out is taken from `namespace`.
    ///
    /// # Errors
    /// A sentence fragment.
    pub fn parse(text: &str, namespace: &str) -> Result<Self, String> {
        if !is_person_text(text) {
            let reference = Reference::pointing(text, &Kind::Team, namespace)?;
            if !reference.kind.is_team() {
                return Err(format!("a {} cannot be an owner: name a team or a person", reference.kind));
            }
            return Ok(Self::Team(reference));
        }
        let bare = match text.split_once(':') {
            Some((_, rest)) => rest.strip_prefix("default/").unwrap_or(rest),
            None => text,
        };
        check_alias(bare)?;
        Ok(Self::Person(bare.to_owned()))
    }
}

/// As short as it can be read again: `payments`, `ops/night`, `ada@example.com`, `user:ada`.
impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Team(team) => {
                let short = team.short(&Kind::Team);
                // An alias of a team may look like an address.
                if is_person_text(&short) { write!(f, "{team}") } else { f.write_str(&short) }
            }
            Self::Person(person) => {
                let bare = matches!(Self::parse(person, DEFAULT_NAMESPACE), Ok(Self::Person(read)) if read == *person);
                let prefix = if person.starts_with("default/") { "user:default/" } else { "user:" };
                write!(f, "{}{person}", if bare { "" } else { prefix })
            }
        }
    }
}

/// A tag: flat text, or a value under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// The key, if it has one.
    pub key: Option<String>,
    /// The text or value.
    pub value: String,
}

/// A link.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// Where to.
    pub url: String,
    /// What people call it.
    pub title: Option<String>,
    /// Name of an icon.
    pub icon: Option<String>,
    /// `dashboard`, `runbook` ...
    pub kind: Option<String>,
}

/// A tool that is used to run the item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tool {
    /// What people call it.
    pub name: String,
    /// `logs`, `metrics`, `incidents` ...
    pub category: Option<String>,
    /// `production` ...
    pub environment: Option<String>,
    /// Where it is.
    pub url: Option<String>,
}

/// How to reach whoever answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contact {
    /// `email`, `slack`, `web` ...
    pub kind: String,
    /// The address there.
    pub address: String,
    /// What people call it.
    pub display_name: Option<String>,
}

/// What an item has to do with another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// `dependsOn`, `providesApi`, `consumesApi`, `subcomponentOf` or another relation of Backstage's.
    pub relation: String,
    /// The other item; it need not exist yet.
    pub target: Reference,
    /// Why, in free text.
    pub note: Option<String>,
}

impl Dependency {
    /// The relations that mean something here, with the kind of item they point to where none is said.
    pub const RELATIONS: &[(&'static str, Kind)] = &[
        ("dependsOn", Kind::Component),
        ("providesApi", Kind::Api),
        ("consumesApi", Kind::Api),
        ("subcomponentOf", Kind::Component),
    ];

    /// The kind of item a relation points to where none is said.
    #[must_use]
    pub fn default_kind(relation: &str) -> Kind {
        let known = Self::RELATIONS.iter().find(|(name, _)| *name == relation);
        known.map_or(Kind::Component, |(_, kind)| kind.clone())
    }
}

/// Where an item comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Id of the import source.
    pub id: String,
    /// Path of the file within it.
    pub path: String,
    /// Line at which the item begins.
    pub line: u32,
    /// Digest of what the file said: where the document differs from it, somebody edited it since.
    pub digest: Option<String>,
}

/// Reads an owner in the default namespace, for what is not relative to anything.
impl std::str::FromStr for Owner {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::parse(text, DEFAULT_NAMESPACE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_are_read_and_printed() {
        for (text, expect) in [
            ("payments", "payments"),
            ("group:default/Payments", "payments"),
            ("team:ops/Night", "ops/night"),
            ("Payments Team", "payments team"),
            ("Ada@Example.com", "Ada@Example.com"),
            ("user:default/ada", "user:ada"),
            ("person:ada@example.com", "ada@example.com"),
            ("user:ops/ada", "user:ops/ada"),
            ("per_0123456789abcdef01234567", "per_0123456789abcdef01234567"),
            ("team:default/ada@example.com", "team:default/ada@example.com"),
        ] {
            let read: Owner = text.parse().unwrap();
            assert_eq!(read.to_string(), expect, "{text}");
            assert_eq!(expect.parse::<Owner>().unwrap(), read);
        }
        for (text, part) in [("", "is empty"), ("component:cart", "cannot be an owner"), ("user:", "is empty")] {
            assert!(text.parse::<Owner>().unwrap_err().contains(part), "{text}");
        }
    }
}
