//! A document of the catalog in the making: values are taken out of a file one by one, each with its place.

use super::{Content, Descriptor, Fault, Item, Places, Target};
use crate::catalog::Entity;
use crate::yaml::{Node, Version};
use bailiwick_scim::Object;
use serde_json::Value;
use std::collections::BTreeSet;

/// What becomes an item.
pub(super) struct Draft {
    pub(super) document: Object,
    pub(super) places: Places,
    pub(super) faults: Vec<Fault>,
    pub(super) notes: Vec<Fault>,
    pub(super) targets: Vec<Target>,
    line: u32,
    column: u32,
}

impl Draft {
    pub(super) fn new(root: &Node) -> Self {
        let mut places = Places::default();
        places.note(String::new(), root, String::new());
        Self {
            document: Object::new(),
            places,
            faults: Vec::new(),
            notes: Vec::new(),
            targets: Vec::new(),
            line: root.line,
            column: root.column,
        }
    }

    pub(super) fn fault(&mut self, node: &Node, field: impl Into<String>, message: impl Into<String>) {
        self.faults.push(Fault::at(node, field, message));
    }

    pub(super) fn note(&mut self, node: &Node, field: impl Into<String>, message: impl Into<String>) {
        self.notes.push(Fault::at(node, field, message));
    }

    /// Sets a key of the document and remembers where it stands.
    pub(super) fn set(&mut self, key: &str, value: impl Into<Value>, node: &Node, field: impl Into<String>) {
        self.document.insert(key.to_owned(), value.into());
        self.places.note(format!("/{key}"), node, field.into());
    }

    /// Adds a value to a list of the document.
    pub(super) fn push(&mut self, key: &str, value: impl Into<Value>, node: &Node, field: impl Into<String>) {
        let list = self.document.entry(key.to_owned()).or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(values) = list {
            self.places.note(format!("/{key}/{}", values.len()), node, field.into());
            values.push(value.into());
        }
    }

    /// Puts an entry into an object of the document.
    pub(super) fn entry(&mut self, key: &str, name: &str, value: Value, node: &Node, field: impl Into<String>) {
        let object = self.document.entry(key.to_owned()).or_insert_with(|| Value::Object(Object::new()));
        if let Value::Object(entries) = object {
            entries.insert(name.to_owned(), value);
            let step = name.replace('~', "~0").replace('/', "~1");
            self.places.note(format!("/{key}/{step}"), node, field.into());
        }
    }

    /// Keeps what has no place of its own: `unknown.<part>`.
    pub(super) fn keep(&mut self, part: &str, rest: Object) {
        if rest.is_empty() {
            return;
        }
        let unknown = self.document.entry("unknown".to_owned()).or_insert_with(|| Value::Object(Object::new()));
        if let Value::Object(unknown) = unknown {
            let kept = unknown.entry(part.to_owned()).or_insert_with(|| Value::Object(Object::new()));
            if let Value::Object(kept) = kept {
                kept.extend(rest);
            }
        }
    }

    /// The item, if nothing is wrong with it.
    pub(super) fn item(
        mut self,
        kind: &str,
        children: Vec<crate::catalog::Reference>,
        members: Vec<String>,
    ) -> Descriptor {
        let name = self.document.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        let read = Entity::from_document(&self.document);
        let content = match read {
            Ok(entity) if self.faults.is_empty() => Some(Content::Item(Box::new(Item { entity, children, members }))),
            Ok(_) => None,
            Err(faults) => {
                // A kind or name that is missing was said in the words of the file already.
                let told = !self.faults.is_empty();
                let more = faults.iter().filter(|fault| {
                    !(told && fault.message == "is missing" && matches!(fault.pointer.as_str(), "/kind" | "/name"))
                });
                let more: Vec<Fault> = more.map(|fault| self.places.locate(fault)).collect();
                self.faults.extend(more);
                None
            }
        };
        self.finish(kind, name, content)
    }

    pub(super) fn finish(mut self, kind: &str, name: String, content: Option<Content>) -> Descriptor {
        self.faults.sort();
        self.faults.dedup();
        Descriptor {
            kind: kind.to_owned(),
            name,
            line: self.line,
            column: self.column,
            content: content.filter(|_| self.faults.is_empty()),
            targets: self.targets,
            faults: self.faults,
            notes: self.notes,
            places: self.places,
        }
    }
}

/// A descriptor of which only its fault is known.
pub(super) fn unreadable(fault: Fault) -> Descriptor {
    Descriptor {
        kind: String::new(),
        name: String::new(),
        line: fault.line,
        column: fault.column,
        content: None,
        targets: Vec::new(),
        faults: vec![fault],
        notes: Vec::new(),
        places: Places::default(),
    }
}

/// A mapping of the file whose keys are taken one by one; what is left over is kept.
pub(super) struct Fields<'a> {
    node: &'a Node,
    entries: &'a [(Node, Node)],
    prefix: String,
    taken: BTreeSet<&'a str>,
}

impl<'a> Fields<'a> {
    /// The mapping; anything else is a fault, an empty place an empty mapping.
    pub(super) fn of(node: &'a Node, prefix: &str, draft: &mut Draft) -> Self {
        let entries = node.entries().unwrap_or_default();
        if node.entries().is_none() && !node.is_null() {
            draft.fault(node, prefix, format!("must be a mapping, not {}", node.describe()));
        }
        Self { node, entries, prefix: prefix.to_owned(), taken: BTreeSet::new() }
    }

    pub(super) fn node(&self) -> &'a Node {
        self.node
    }

    /// `spec.owner`
    pub(super) fn field(&self, key: &str) -> String {
        if self.prefix.is_empty() { key.to_owned() } else { format!("{}.{key}", self.prefix) }
    }

    /// Takes a value, an empty place as well.
    pub(super) fn raw(&mut self, key: &str) -> Option<&'a Node> {
        let (name, value) = self.entries.iter().find(|(name, _)| name.text() == Some(key))?;
        self.taken.extend(name.text());
        Some(value)
    }

    /// Takes a value that says something.
    pub(super) fn take(&mut self, key: &str) -> Option<&'a Node> {
        self.raw(key).filter(|node| !node.is_null())
    }

    /// Takes a text with its place.
    pub(super) fn text(&mut self, key: &str, draft: &mut Draft) -> Option<(&'a Node, String)> {
        let node = self.take(key)?;
        Some((node, text_of(node, &self.field(key), draft)?))
    }

    /// Takes a text that must be there.
    pub(super) fn required(&mut self, key: &str, draft: &mut Draft) -> Option<(&'a Node, String)> {
        if self.take(key).is_none() {
            let place = self.raw(key).unwrap_or(self.node);
            draft.fault(place, self.field(key), "is missing");
        }
        self.text(key, draft)
    }

    /// Takes the values of a list, each with the name of its field.
    pub(super) fn list(&mut self, key: &str, draft: &mut Draft) -> Vec<(&'a Node, String)> {
        let Some(node) = self.take(key) else { return Vec::new() };
        let field = self.field(key);
        match node.items() {
            Some(items) => items.iter().enumerate().map(|(index, item)| (item, format!("{field}[{index}]"))).collect(),
            None => {
                draft.fault(node, field, format!("must be a list, not {}", node.describe()));
                Vec::new()
            }
        }
    }

    /// Takes a list of texts.
    pub(super) fn texts(&mut self, key: &str, draft: &mut Draft) -> Vec<(&'a Node, String, String)> {
        let items = self.list(key, draft);
        items.into_iter().filter_map(|(node, field)| Some((node, text_of(node, &field, draft)?, field))).collect()
    }

    /// Sets a key of the document from a text of the file.
    pub(super) fn carry(&mut self, key: &str, into: &str, draft: &mut Draft) {
        if let Some((node, text)) = self.text(key, draft) {
            draft.set(into, text, node, self.field(key));
        }
    }

    /// As [`Self::carry`]; a fault if there is nothing.
    pub(super) fn carry_required(&mut self, key: &str, into: &str, draft: &mut Draft) {
        if let Some((node, text)) = self.required(key, draft) {
            draft.set(into, text, node, self.field(key));
        }
    }

    /// What was not taken.
    pub(super) fn rest(&self) -> Object {
        let left = self.entries.iter().filter(|(name, _)| name.text().is_some_and(|key| !self.taken.contains(key)));
        left.map(|(name, value)| (name.text().unwrap_or_default().to_owned(), value.to_json(Version::V1_2))).collect()
    }

    /// The keys that were not taken, with their nodes.
    pub(super) fn left(&self) -> impl Iterator<Item = &'a Node> + use<'a, '_> {
        let entries: &'a [(Node, Node)] = self.entries;
        entries.iter().map(|(name, _)| name).filter(|name| name.text().is_some_and(|key| !self.taken.contains(key)))
    }
}

/// The text that stands there. Numbers are taken as they are written; true and false are a mistake where text belongs.
pub(super) fn text_of(node: &Node, field: &str, draft: &mut Draft) -> Option<String> {
    if node.as_bool(Version::V1_2).is_some() {
        draft.fault(node, field, "must be text, not true or false: put it in quotes");
        return None;
    }
    match node.as_str() {
        Some(text) => Some(text.to_owned()),
        None => {
            draft.fault(node, field, format!("must be text, not {}", node.describe()));
            None
        }
    }
}
