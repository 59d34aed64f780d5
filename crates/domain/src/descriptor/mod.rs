//! Files in which people describe what the catalog should hold: Backstage's `catalog-info.yaml`, `opslevel.yml`, a CSV
//! of people. Text in, items and people out; and the way back, [`export`].
//!
//! Every document is read by itself, so one that is wrong never takes the others with it, and every fault has a line, a
//! column, a field and a reason. What a document says and the catalog has no place for is kept (`unknown` of the item)
//! and exported again.

pub mod backstage;
mod draft;
pub mod export;
pub mod location;
pub mod opslevel;
pub mod people;

#[cfg(test)]
mod tests;

pub use location::{Target, Unfollowed};

use crate::catalog::{self, Entity, Reference};
use crate::yaml;
use bailiwick_scim::Object;
use std::collections::BTreeMap;
use std::fmt;

/// How a file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Backstage's descriptors.
    Backstage,
    /// OpsLevel's config as code.
    OpsLevel,
    /// A CSV of people.
    People,
}

impl Format {
    /// The format that a file's name says. `catalog-info` in any folder; `opslevel`; a CSV whose name begins with
    /// `people`.
    #[must_use]
    pub fn of_name(path: &str) -> Option<Self> {
        let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
        match name.as_str() {
            "catalog-info.yaml" | "catalog-info.yml" => Some(Self::Backstage),
            "opslevel.yml" | "opslevel.yaml" => Some(Self::OpsLevel),
            _ if name.starts_with("people") && name.ends_with(".csv") => Some(Self::People),
            _ => None,
        }
    }

    /// The format of a file that somebody named: by its ending where its name says nothing. Other YAML is Backstage's.
    #[must_use]
    pub fn of_given(path: &str) -> Option<Self> {
        let lower = path.to_ascii_lowercase();
        Self::of_name(path).or_else(|| match lower.rsplit('.').next() {
            Some("csv") => Some(Self::People),
            Some("yaml" | "yml" | "json") => Some(Self::Backstage),
            _ => None,
        })
    }
}

/// Something a file says that cannot be used, or that its author should know.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Fault {
    /// The line, counted from 1.
    pub line: u32,
    /// The column, counted from 1.
    pub column: u32,
    /// The field as the file names it: `spec.owner`, `metadata.tags[2]`; empty for the document as a whole.
    pub field: String,
    /// A sentence fragment: "is missing".
    pub message: String,
}

impl Fault {
    /// A fault at the beginning of a value.
    #[must_use]
    pub fn at(node: &yaml::Node, field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { line: node.line, column: node.column, field: field.into(), message: message.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.line, self.column)?;
        if !self.field.is_empty() {
            write!(f, "{} ", self.field)?;
        }
        f.write_str(&self.message)
    }
}

impl From<yaml::Fault> for Fault {
    fn from(fault: yaml::Fault) -> Self {
        Self { line: fault.line, column: fault.column, field: String::new(), message: fault.message }
    }
}

/// Where in the file each part of an item's document stands, by JSON pointer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places(BTreeMap<String, Place>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    line: u32,
    column: u32,
    field: String,
}

impl Places {
    fn note(&mut self, pointer: String, node: &yaml::Node, field: String) {
        self.0.insert(pointer, Place { line: node.line, column: node.column, field });
    }

    /// A fault of the document as a fault of the file: at the place of the pointer, or the nearest above it.
    #[must_use]
    pub fn locate(&self, fault: &catalog::Fault) -> Fault {
        let mut pointer = fault.pointer.as_str();
        loop {
            if let Some(place) = self.0.get(pointer) {
                let field = format!("{}{}", place.field, inner(&fault.pointer[pointer.len()..]));
                return Fault { line: place.line, column: place.column, field, message: fault.message.clone() };
            }
            let Some(end) = pointer.rfind('/') else {
                let field = inner(&fault.pointer).trim_start_matches('.').to_owned();
                return Fault { line: 1, column: 1, field, message: fault.message.clone() };
            };
            pointer = &pointer[..end];
        }
    }
}

/// `/0/url` as it stands behind a field: `[0].url`.
fn inner(pointer: &str) -> String {
    pointer.split('/').skip(1).fold(String::new(), |mut out, step| {
        match step.parse::<usize>() {
            Ok(index) => out.push_str(&format!("[{index}]")),
            Err(_) => {
                out.push('.');
                out.push_str(&step.replace("~1", "/").replace("~0", "~"));
            }
        }
        out
    })
}

/// What one document (or one row) says.
#[derive(Clone, Debug, PartialEq)]
pub struct Descriptor {
    /// What the document calls it: `Component`, `service`, `person`.
    pub kind: String,
    /// Its name as the document says, as far as it can be read.
    pub name: String,
    /// Line at which it begins.
    pub line: u32,
    /// Column at which it begins.
    pub column: u32,
    /// What it means; nothing where there are faults.
    pub content: Option<Content>,
    /// Files it points to.
    pub targets: Vec<Target>,
    /// Why it cannot be used.
    pub faults: Vec<Fault>,
    /// What its author should know.
    pub notes: Vec<Fault>,
    /// Where its parts stand.
    pub places: Places,
}

/// What a document means.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// A team or an entity.
    Item(Box<Item>),
    /// Somebody.
    Person(Box<Person>),
}

/// A team or an entity, and what else its document says of a team.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// The item.
    pub entity: Entity,
    /// Of a team: the teams right below it.
    pub children: Vec<Reference>,
    /// Of a team: who belongs to it, as the document names them: `user:ada`, an e-mail address.
    pub members: Vec<String>,
}

/// Somebody, as a file knows them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Person {
    /// The name by which other documents of the same source mean them.
    pub name: Option<String>,
    /// The namespace of that name.
    pub namespace: Option<String>,
    /// What they are called.
    pub display: String,
    /// E-mail address.
    pub email: Option<String>,
    /// Teams they belong to.
    pub teams: Vec<Membership>,
    /// Further values by field or column.
    pub fields: BTreeMap<String, String>,
    /// What the document says besides, kept for the export.
    pub unknown: Object,
}

/// One membership.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The team.
    pub team: Reference,
    /// The membership role; nothing means the usual one.
    pub role: Option<String>,
}

/// Reads a file. `folder` is what the folder of the file is called, for documents that do not name themselves.
#[must_use]
pub fn read(format: Format, text: &str, folder: &str) -> Vec<Descriptor> {
    match format {
        Format::Backstage => backstage::read(text),
        Format::OpsLevel => opslevel::read(text, folder),
        Format::People => people::read(text),
    }
}
