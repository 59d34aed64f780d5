//! The one JSON form of an item: read strictly, with every fault and its place; written so that equal items give equal
//! documents.
//!
//! Keys in order: `kind`, `namespace`, `name`, `title`, `description`, `type`, `owner`, `system`, `domain`, `parent`,
//! `tier`, `lifecycle`, `responsibilities`, `tags` (`{value}` or `{key, value}`; plain text is read too), `links`
//! (`{url, title, icon, type}`), `tools` (`{name, category, environment, url}`), `contacts` (`{type, address,
//! displayName}`), `dependencies` (`{relation, target, note}`), `properties`, `aliases`, `annotations`, `labels`,
//! `definition`, `unknown`, `source` (`{id, path, line, digest}`). What is empty is left out, except kind, namespace and name.

use super::entity::{Contact, Dependency, Entity, Link, Owner, Source, Tag, Tool};
use super::limits::{ALIASES, DEPENDENCIES, DOCUMENT_BYTES, ENTRIES, LINE_CHARS, LIST_VALUES, TEXT_BYTES, URL_BYTES};
use super::reference::{check_alias, check_name, check_namespace};
use super::{DEFAULT_NAMESPACE, Fault, Kind, Reference, step};
use bailiwick_scim::Object;
use serde_json::{Value, json};

mod reader;
use reader::{Reader, Width};

/// The keys a document may have.
pub(super) const KEYS: &[&str] = &[
    "kind",
    "namespace",
    "name",
    "title",
    "description",
    "type",
    "owner",
    "system",
    "domain",
    "parent",
    "tier",
    "lifecycle",
    "responsibilities",
    "tags",
    "links",
    "tools",
    "contacts",
    "dependencies",
    "properties",
    "aliases",
    "annotations",
    "labels",
    "definition",
    "unknown",
    "source",
];

impl Entity {
    /// Reads a document. `null` counts as left out.
    ///
    /// # Errors
    /// Every fault, each with its place.
    pub fn from_document(document: &Object) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new(document);
        let entity = read(&mut reader);
        let mut faults = reader.finish(KEYS);
        if let Some(entity) = &entity {
            faults.extend(misplaced(entity));
        }
        let size = serde_json::to_vec(document).map_or(0, |bytes| bytes.len());
        if size > DOCUMENT_BYTES {
            faults.push(Fault::new("", format!("the document is larger than {DOCUMENT_BYTES} bytes")));
        }
        match entity {
            Some(entity) if faults.is_empty() => Ok(entity),
            _ => Err(faults),
        }
    }

    /// Writes the document.
    #[must_use]
    pub fn to_document(&self) -> Object {
        let mut out = Object::new();
        out.insert("kind".to_owned(), self.kind().as_str().into());
        out.insert("namespace".to_owned(), self.reference.namespace.as_str().into());
        out.insert("name".to_owned(), self.reference.name.as_str().into());
        let above = |reference: &Option<Reference>, kind: Kind| reference.as_ref().map(|name| name.short(&kind));
        let texts = [
            ("title", self.title.clone()),
            ("description", self.description.clone()),
            ("type", self.item_type.clone()),
            ("owner", self.owner.as_ref().map(ToString::to_string)),
            ("system", above(&self.system, Kind::System)),
            ("domain", above(&self.domain, Kind::Domain)),
            ("parent", above(&self.parent, self.kind().clone())),
            ("tier", self.tier.clone()),
            ("lifecycle", self.lifecycle.clone()),
            ("responsibilities", self.responsibilities.clone()),
        ];
        for (key, text) in texts {
            put(&mut out, key, text);
        }
        put_list(&mut out, "tags", &self.tags, |tag| {
            object([("key", tag.key.clone()), ("value", Some(tag.value.clone()))])
        });
        put_list(&mut out, "links", &self.links, link);
        put_list(&mut out, "tools", &self.tools, tool);
        put_list(&mut out, "contacts", &self.contacts, contact);
        put_list(&mut out, "dependencies", &self.dependencies, |dependency| {
            object([
                ("relation", Some(dependency.relation.clone())),
                ("target", Some(dependency.target.to_string())),
                ("note", dependency.note.clone()),
            ])
        });
        put_object(&mut out, "properties", &self.properties);
        put_list(&mut out, "aliases", &self.aliases, |alias| Value::from(alias.as_str()));
        put_object(&mut out, "annotations", &self.annotations);
        put_object(&mut out, "labels", &self.labels);
        if let Some(definition) = &self.definition {
            out.insert("definition".to_owned(), definition.clone());
        }
        put_object(&mut out, "unknown", &self.unknown);
        if let Some(source) = &self.source {
            let mut said = json!({"id": source.id, "path": source.path, "line": source.line});
            if let Some(digest) = &source.digest {
                said["digest"] = Value::from(digest.as_str());
            }
            out.insert("source".to_owned(), said);
        }
        out
    }
}

fn put(out: &mut Object, key: &str, text: Option<String>) {
    if let Some(text) = text {
        out.insert(key.to_owned(), Value::from(text));
    }
}

fn put_list<T>(out: &mut Object, key: &str, values: &[T], write: impl Fn(&T) -> Value) {
    if !values.is_empty() {
        out.insert(key.to_owned(), Value::Array(values.iter().map(write).collect()));
    }
}

fn put_object(out: &mut Object, key: &str, values: &Object) {
    if !values.is_empty() {
        out.insert(key.to_owned(), Value::Object(values.clone()));
    }
}

fn object<const N: usize>(texts: [(&str, Option<String>); N]) -> Value {
    let mut out = Object::new();
    for (key, text) in texts {
        put(&mut out, key, text);
    }
    Value::Object(out)
}

fn link(link: &Link) -> Value {
    object([
        ("url", Some(link.url.clone())),
        ("title", link.title.clone()),
        ("icon", link.icon.clone()),
        ("type", link.kind.clone()),
    ])
}

fn tool(tool: &Tool) -> Value {
    object([
        ("name", Some(tool.name.clone())),
        ("category", tool.category.clone()),
        ("environment", tool.environment.clone()),
        ("url", tool.url.clone()),
    ])
}

fn contact(contact: &Contact) -> Value {
    object([
        ("type", Some(contact.kind.clone())),
        ("address", Some(contact.address.clone())),
        ("displayName", contact.display_name.clone()),
    ])
}

/// `None` only where the item cannot even be named.
fn read(reader: &mut Reader<'_>) -> Option<Entity> {
    let kind = reader.required("kind", Width::Line);
    let kind = kind.and_then(|text| reader.checked("kind", Kind::parse(&text)));
    let namespace =
        reader.text("namespace", Width::Line).map_or_else(|| DEFAULT_NAMESPACE.to_owned(), |text| text.to_lowercase());
    reader.checked("namespace", check_namespace(&namespace));
    let name = reader.required("name", Width::Line);
    if let Some(name) = &name {
        reader.checked("name", check_name(name));
    }
    let kind_or_any = kind.clone().unwrap_or(Kind::Component);
    let owner = reader.text("owner", Width::Line);
    let owner = owner.and_then(|text| reader.checked("owner", Owner::parse(&text, DEFAULT_NAMESPACE)));
    let mut entity =
        Entity::new(Reference { kind: kind_or_any.clone(), namespace, name: name.clone().unwrap_or_default() });
    entity.title = reader.text("title", Width::Line);
    entity.description = reader.text("description", Width::Text);
    entity.item_type = reader.text("type", Width::Line);
    entity.owner = owner;
    entity.system = above(reader, "system", Kind::System);
    entity.domain = above(reader, "domain", Kind::Domain);
    entity.parent = above(reader, "parent", kind_or_any);
    entity.tier = reader.text("tier", Width::Line);
    entity.lifecycle = reader.text("lifecycle", Width::Line);
    entity.responsibilities = reader.text("responsibilities", Width::Text);
    entity.tags = reader.list("tags", LIST_VALUES, tag_of);
    entity.links = reader.list("links", LIST_VALUES, link_of);
    entity.tools = reader.list("tools", LIST_VALUES, tool_of);
    entity.contacts = reader.list("contacts", LIST_VALUES, contact_of);
    entity.dependencies = reader.list("dependencies", DEPENDENCIES, dependency_of);
    entity.properties = reader.object("properties", ENTRIES);
    entity.aliases = reader.list("aliases", ALIASES, alias_of);
    entity.annotations = reader.texts("annotations", ENTRIES);
    entity.labels = reader.texts("labels", ENTRIES);
    entity.definition = definition(reader);
    entity.unknown = reader.object("unknown", ENTRIES);
    entity.source = reader.list_of_one("source", source_of);
    twice(reader, &entity);
    (kind.is_some() && name.is_some()).then_some(entity)
}

fn above(reader: &mut Reader<'_>, key: &str, kind: Kind) -> Option<Reference> {
    let text = reader.text(key, Width::Line)?;
    let read = Reference::pointing(&text, &kind, DEFAULT_NAMESPACE).and_then(|reference| {
        if reference.kind == kind {
            Ok(reference)
        } else {
            Err(format!("a {kind} is expected, not a {}", reference.kind))
        }
    });
    reader.checked(key, read)
}

fn definition(reader: &mut Reader<'_>) -> Option<Value> {
    let value = reader.value("definition")?;
    match value {
        Value::String(_) => Some(value.clone()),
        Value::Object(placeholder) if placeholder.len() == 1 && placeholder.keys().all(|key| key.starts_with('$')) => {
            Some(value.clone())
        }
        _ => {
            reader.fault("definition", "must be text, or a placeholder such as {\"$text\": \"./openapi.yaml\"}");
            None
        }
    }
}

fn tag_of(value: &Value, place: &str, faults: &mut Vec<Fault>) -> Option<Tag> {
    if let Value::String(text) = value {
        return reader::check_text(text, Width::Line, place, faults).then(|| Tag { key: None, value: text.clone() });
    }
    let mut reader = Reader::inside(value, place, faults)?;
    let tag =
        Tag { key: reader.text("key", Width::Line), value: reader.required("value", Width::Line).unwrap_or_default() };
    reader.close(faults, &["key", "value"]);
    Some(tag)
}

fn link_of(value: &Value, place: &str, faults: &mut Vec<Fault>) -> Option<Link> {
    let mut reader = Reader::inside(value, place, faults)?;
    let link = Link {
        url: reader.required("url", Width::Url).unwrap_or_default(),
        title: reader.text("title", Width::Line),
        icon: reader.text("icon", Width::Line),
        kind: reader.text("type", Width::Line),
    };
    reader.close(faults, &["url", "title", "icon", "type"]);
    Some(link)
}

fn tool_of(value: &Value, place: &str, faults: &mut Vec<Fault>) -> Option<Tool> {
    let mut reader = Reader::inside(value, place, faults)?;
    let tool = Tool {
        name: reader.required("name", Width::Line).unwrap_or_default(),
        category: reader.text("category", Width::Line),
        environment: reader.text("environment", Width::Line),
        url: reader.text("url", Width::Url),
    };
    reader.close(faults, &["name", "category", "environment", "url"]);
    Some(tool)
}

fn contact_of(value: &Value, place: &str, faults: &mut Vec<Fault>) -> Option<Contact> {
    let mut reader = Reader::inside(value, place, faults)?;
    let contact = Contact {
        kind: reader.required("type", Width::Line).unwrap_or_default(),
        address: reader.required("address", Width::Address).unwrap_or_default(),
        display_name: reader.text("displayName", Width::Line),
    };
    reader.close(faults, &["type", "address", "displayName"]);
    Some(contact)
}

fn dependency_of(value: &Value, place: &str, faults: &mut Vec<Fault>) -> Option<Dependency> {
    let mut reader = Reader::inside(value, place, faults)?;
    let relation = reader.text("relation", Width::Line).unwrap_or_else(|| "dependsOn".to_owned());
    let well_formed = relation.as_bytes().first().is_some_and(u8::is_ascii_alphabetic)
        && relation.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !well_formed {
        reader.fault("relation", "may hold only letters and digits, such as dependsOn");
    }
    let target = reader.required("target", Width::Line);
    let kind = Dependency::default_kind(&relation);
    let target = target.and_then(|text| reader.checked("target", Reference::pointing(&text, &kind, DEFAULT_NAMESPACE)));
    let note = reader.text("note", Width::Text);
    reader.close(faults, &["relation", "target", "note"]);
    Some(Dependency { relation, target: target?, note })
}

fn alias_of(value: &Value, place: &str, faults: &mut Vec<Fault>) -> Option<String> {
    let Value::String(alias) = value else {
        faults.push(Fault::new(place, "must be text"));
        return None;
    };
    match check_alias(alias) {
        Ok(()) => Some(alias.clone()),
        Err(reason) => {
            faults.push(Fault::new(place, reason));
            None
        }
    }
}

fn source_of(value: &Value, place: &str, faults: &mut Vec<Fault>) -> Option<Source> {
    let mut reader = Reader::inside(value, place, faults)?;
    let line = reader.value("line").and_then(Value::as_u64).and_then(|line| u32::try_from(line).ok());
    let source = Source {
        id: reader.required("id", Width::Line).unwrap_or_default(),
        path: reader.required("path", Width::Url).unwrap_or_default(),
        line: line.unwrap_or(1),
        digest: reader.text("digest", Width::Line),
    };
    reader.close(faults, &["id", "path", "line", "digest"]);
    Some(source)
}

/// The same tag, alias or dependency twice would be two rows of one meaning.
fn twice(reader: &mut Reader<'_>, entity: &Entity) {
    let dependencies = entity.dependencies.iter().map(|one| (one.relation.as_str(), one.target.to_string()));
    if let Some(index) = repeated(dependencies) {
        reader.fault_at(format!("/dependencies/{index}"), "stands there twice");
    }
    if let Some(index) = repeated(entity.aliases.iter().map(|alias| bailiwick_scim::text::match_key(alias))) {
        reader.fault_at(format!("/aliases/{index}"), "stands there twice");
    }
}

fn repeated<T: Eq + std::hash::Hash>(values: impl Iterator<Item = T>) -> Option<usize> {
    let mut seen = std::collections::HashSet::new();
    values.enumerate().find_map(|(index, value)| (!seen.insert(value)).then_some(index))
}

/// What is said but does not belong to the kind.
fn misplaced(entity: &Entity) -> Vec<Fault> {
    let kind = entity.kind();
    let other = matches!(kind, Kind::Other(_));
    let team = kind.is_team();
    let part = other || matches!(kind, Kind::Component | Kind::Api | Kind::Resource);
    [
        ("owner", entity.owner.is_some() && team),
        ("system", entity.system.is_some() && !part),
        ("domain", entity.domain.is_some() && *kind != Kind::System),
        ("parent", entity.parent.is_some() && !team && *kind != Kind::Domain),
        ("tier", entity.tier.is_some() && team),
        ("lifecycle", entity.lifecycle.is_some() && team),
        ("responsibilities", entity.responsibilities.is_some() && !team),
        ("dependencies", !entity.dependencies.is_empty() && team),
        ("definition", entity.definition.is_some() && *kind != Kind::Api),
    ]
    .into_iter()
    .filter(|(_, wrong)| *wrong)
    .map(|(key, _)| Fault::new(format!("/{key}"), format!("a {kind} has no {key}")))
    .collect()
}

#[cfg(test)]
mod tests;
