//! What the catalog keeps: teams, and the entities they own (components, systems, domains, APIs, resources).
//!
//! [`Reference`] names an item, [`Entity`] is what its document means ([`Entity::from_document`] and
//! [`Entity::to_document`] are the one JSON form of it), [`schema`] lets the filter language ask about items,
//! [`properties`] and [`levels`] hold what admins defined, [`hierarchy`] keeps parents free of circles, [`ownership`]
//! says who answers for an item and whether that holds, [`history`] tells what changed.

mod document;
mod entity;
pub mod hierarchy;
pub mod history;
pub mod levels;
mod merge;
pub mod ownership;
pub mod properties;
mod reference;
pub mod schema;

pub use entity::{Contact, Dependency, Entity, Link, Owner, Source, Tag, Tool};
pub use merge::merge_patch;
pub use reference::{DEFAULT_NAMESPACE, Kind, Reference, check_alias, check_name, is_person_text, slug};

use bailiwick_scim::Object;
use serde_json::Value;
use std::fmt;

/// The limits of a catalog item, in one place. Units are last in the name.
pub mod limits {
    /// Longest name of an item, in characters (as in Backstage).
    pub const NAME_CHARS: usize = 63;
    /// Longest alias, in characters.
    pub const ALIAS_CHARS: usize = 200;
    /// Longest text of one line: a title, a type, the name of a tool; in characters.
    pub const LINE_CHARS: usize = 200;
    /// Longest name or description of what admins define (a level, a property), in characters.
    pub const SENTENCE_CHARS: usize = 500;
    /// Longest text of several lines: a description, a note; in bytes.
    pub const TEXT_BYTES: usize = 16 * 1024;
    /// Longest URL or address, in bytes.
    pub const URL_BYTES: usize = 2_000;
    /// Most tags, links, tools or contacts of one item, each.
    pub const LIST_VALUES: usize = 200;
    /// Most dependencies of one item.
    pub const DEPENDENCIES: usize = 1_000;
    /// Most aliases written in one document.
    pub const ALIASES: usize = 100;
    /// Most properties, annotations or labels of one item, each.
    pub const ENTRIES: usize = 500;
    /// Largest value of one property, in bytes of JSON.
    pub const PROPERTY_BYTES: usize = 64 * 1024;
    /// Largest document of one item, in bytes of JSON: an API definition is part of it.
    pub const DOCUMENT_BYTES: usize = 768 * 1024;
    /// Most levels of parents above an item.
    pub const LEVELS: usize = 32;
}

/// What is wrong with a document, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// JSON pointer (RFC 6901) into the document: `/links/0/url`; empty for the document itself.
    pub pointer: String,
    /// What is wrong there: a sentence fragment.
    pub message: String,
}

impl Fault {
    /// A fault at a place.
    #[must_use]
    pub fn new(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), message: message.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.pointer.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.pointer, self.message)
        }
    }
}

/// A name or a description in a document of an admin.
fn sentence(document: &Object, key: &str, faults: &mut Vec<Fault>) -> Option<String> {
    const MOST: usize = limits::SENTENCE_CHARS;
    match document.get(key) {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) if text.chars().count() <= MOST && !text.contains('\0') => Some(text.clone()),
        Some(_) => {
            faults.push(Fault::new(format!("/{key}"), format!("must be text of at most {MOST} characters")));
            None
        }
    }
}

/// One step of a JSON pointer, escaped.
pub(crate) fn step(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}
