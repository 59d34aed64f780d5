//! The way back: items and people as Backstage's descriptors.
//!
//! What Backstage has a place for stands there. What only Bailiwick knows stands under `metadata.bailiwick`, which
//! Backstage leaves alone: `tier`, `responsibilities`, `aliases`, `tags` (those with a key, and those that Backstage would
//! refuse), `tools`, `contacts`, `dependencies` (those with a note, and relations that Backstage does not have),
//! `properties`, `opslevel`; of a User `roles`, the membership roles. Where Backstage asks for something that the item
//! does not say, `unknown` stands there, and `unsaid` lists the key. Keys that the file of an item had and the catalog
//! has no place for are put back where they were. Reading the result gives the same item.

use super::backstage::{
    API_VERSION, OPTIONAL, OWN, PRESENCE, RELATIONS, UNKNOWN, UNSAID, is_tag, kind_shown, required,
};
use super::{Item, Person};
use crate::catalog::{DEFAULT_NAMESPACE, Dependency, Entity, Kind, Owner, Reference, Tag};
use bailiwick_scim::Object;
use serde_json::{Value, json};

/// The relation that a component has to one other at most.
const PART: &str = "subcomponentOf";

/// Labels and annotations whose name says that they hold the tier.
fn named_tier(entity: &Entity) -> Option<&Value> {
    let named = |entries: &'_ Object| entries.keys().find(|name| *name == "tier" || name.ends_with("/tier")).cloned();
    named(&entity.labels)
        .and_then(|name| entity.labels.get(&name))
        .or_else(|| named(&entity.annotations).and_then(|name| entity.annotations.get(&name)))
}

/// One item as a descriptor.
#[must_use]
pub fn item(item: &Item) -> Value {
    let entity = &item.entity;
    let mut metadata = Object::new();
    metadata.insert("name".to_owned(), entity.reference.name.as_str().into());
    if entity.reference.namespace != DEFAULT_NAMESPACE {
        metadata.insert("namespace".to_owned(), entity.reference.namespace.as_str().into());
    }
    if let Some(title) = entity.title.as_deref().filter(|title| Some(*title) != profile(entity, "displayName")) {
        metadata.insert("title".to_owned(), title.into());
    }
    put(&mut metadata, "description", entity.description.as_deref());
    for (key, entries) in [("labels", &entity.labels), ("annotations", &entity.annotations)] {
        if !entries.is_empty() {
            metadata.insert(key.to_owned(), Value::Object(entries.clone()));
        }
    }
    let flat = entity.tags.iter().filter(|tag| tag_fits(tag)).map(|tag| Value::from(tag.value.as_str()));
    put_list(&mut metadata, "tags", flat.collect());
    let document = entity.to_document();
    let mut kept = entity.unknown.get("metadata").and_then(Value::as_object).cloned().unwrap_or_default();
    let more = kept.shift_remove("links");
    put_list(&mut metadata, "links", links(&document, more.as_ref()));
    let mut spec = spec(item);
    if let Some(kept) = entity.unknown.get("spec").and_then(Value::as_object) {
        restore(&mut spec, kept);
    }
    let mut own = own(entity, &document);
    let unsaid = required(entity.kind().as_str()).iter().filter(|key| !spec.contains_key(**key));
    let mut unsaid: Vec<Value> = unsaid.map(|key| Value::from(*key)).collect();
    for key in unsaid.iter().filter_map(Value::as_str) {
        spec.insert(key.to_owned(), UNKNOWN.into());
    }
    if entity.kind().as_str() == "location" && !spec.contains_key(PRESENCE) {
        // What it points to is exported by itself; the files are not there any more.
        spec.insert(PRESENCE.to_owned(), OPTIONAL.into());
        unsaid.push(PRESENCE.into());
    }
    put_list(&mut own, UNSAID, unsaid);
    if !own.is_empty() {
        metadata.insert(OWN.to_owned(), Value::Object(own));
    }
    let mut out = Object::new();
    out.insert("apiVersion".to_owned(), API_VERSION.into());
    out.insert("kind".to_owned(), kind_shown(entity.kind()).into());
    restore(&mut metadata, &kept);
    out.insert("metadata".to_owned(), Value::Object(metadata));
    out.insert("spec".to_owned(), Value::Object(spec));
    for (key, value) in &entity.unknown {
        if !matches!(key.as_str(), "metadata" | "spec" | "opslevel") {
            out.insert(key.clone(), value.clone());
        }
    }
    Value::Object(out)
}

/// What a Group's profile says, kept as its file had it.
fn profile<'a>(entity: &'a Entity, key: &str) -> Option<&'a str> {
    if !entity.kind().is_team() {
        return None;
    }
    entity.unknown.get("spec")?.get("profile")?.get(key)?.as_str()
}

/// A tag that Backstage takes.
fn tag_fits(tag: &Tag) -> bool {
    tag.key.is_none() && is_tag(&tag.value)
}

/// Puts back what is not there.
fn restore(into: &mut Object, kept: &Object) {
    for (key, value) in kept {
        into.entry(key.clone()).or_insert_with(|| value.clone());
    }
}

/// The links with what their file said of them besides, by URL.
fn links(document: &Object, more: Option<&Value>) -> Vec<Value> {
    let mut links: Vec<Value> = document.get("links").and_then(Value::as_array).cloned().unwrap_or_default();
    for link in links.iter_mut().filter_map(Value::as_object_mut) {
        let more = more.zip(link.get("url").and_then(Value::as_str)).and_then(|(more, url)| more.get(url));
        if let Some(more) = more.and_then(Value::as_object) {
            restore(link, more);
        }
    }
    links
}

/// What only Bailiwick knows.
fn own(entity: &Entity, document: &Object) -> Object {
    let mut own = Object::new();
    let tier = entity.tier.as_deref();
    if named_tier(entity).and_then(Value::as_str) != tier {
        own.insert("tier".to_owned(), tier.map_or(Value::Null, Value::from));
    }
    put(&mut own, "responsibilities", entity.responsibilities.as_deref());
    let carry = |own: &mut Object, key: &str, keep: &dyn Fn(usize) -> bool| {
        let values = document.get(key).and_then(Value::as_array).into_iter().flatten();
        let kept = values.enumerate().filter(|(index, _)| keep(*index)).map(|(_, value)| value.clone());
        put_list(own, key, kept.collect());
    };
    carry(&mut own, "aliases", &|_| true);
    carry(&mut own, "tags", &|index| !tag_fits(&entity.tags[index]));
    carry(&mut own, "tools", &|_| true);
    let said = json!({"type": "email", "address": profile(entity, "email")});
    let contacts = document.get("contacts").and_then(Value::as_array);
    carry(&mut own, "contacts", &|index| contacts.is_none_or(|all| all[index] != said));
    carry(&mut own, "dependencies", &|index| place(entity, &entity.dependencies[index]).is_none());
    if !entity.properties.is_empty() {
        own.insert("properties".to_owned(), Value::Object(entity.properties.clone()));
    }
    if let Some(kept) = entity.unknown.get("opslevel") {
        own.insert("opslevel".to_owned(), kept.clone());
    }
    own
}

/// The key of `spec` that says a dependency, if one does.
fn place(entity: &Entity, dependency: &Dependency) -> Option<&'static str> {
    if dependency.note.is_some() {
        return None;
    }
    if dependency.relation == PART {
        let first = entity.dependencies.iter().find(|other| other.relation == PART && other.note.is_none());
        return first.filter(|first| *first == dependency).map(|_| PART);
    }
    let known = RELATIONS.iter().find(|(_, relation, _)| *relation == dependency.relation);
    known.map(|(key, _, _)| *key)
}

fn spec(item: &Item) -> Object {
    let entity = &item.entity;
    let within = entity.reference.namespace.as_str();
    let mut spec = Object::new();
    put(&mut spec, "type", entity.item_type.as_deref());
    put(&mut spec, "lifecycle", entity.lifecycle.as_deref());
    let owner = entity.owner.as_ref().map(|owner| match owner {
        Owner::Team(team) => reference(team, &Kind::Team, within),
        Owner::Person(person) => format!("user:{person}"),
    });
    put(&mut spec, "owner", owner.as_deref());
    let parent = if entity.kind().is_team() { "parent" } else { "subdomainOf" };
    for (key, above, kind) in [
        ("system", &entity.system, Kind::System),
        ("domain", &entity.domain, Kind::Domain),
        (parent, &entity.parent, entity.kind().clone()),
    ] {
        put(&mut spec, key, above.as_ref().map(|above| reference(above, &kind, within)).as_deref());
    }
    let whole = entity.dependencies.iter().find(|dependency| place(entity, dependency) == Some(PART));
    let whole = whole.map(|dependency| reference(&dependency.target, &Kind::Component, within));
    put(&mut spec, PART, whole.as_deref());
    for (key, _, kind) in RELATIONS {
        let said = entity.dependencies.iter().filter(|dependency| place(entity, dependency) == Some(*key));
        // Backstage has no usual kind of thing that something depends on.
        let usual = if matches!(kind, Kind::Component) { None } else { Some(kind) };
        let written = said.map(|dependency| match usual {
            Some(kind) => reference(&dependency.target, kind, within),
            None => long_reference(&dependency.target),
        });
        put_list(&mut spec, key, written.map(Value::from).collect());
    }
    if entity.kind().is_team() {
        let children = item.children.iter().map(|child| Value::from(reference(child, &Kind::Team, within)));
        spec.insert("children".to_owned(), Value::Array(children.collect()));
        let members = item.members.iter().map(|member| Value::from(member.as_str()));
        put_list(&mut spec, "members", members.collect());
    }
    if let Some(definition) = &entity.definition {
        spec.insert("definition".to_owned(), definition.clone());
    }
    spec
}

/// A reference as short as Backstage understands it within a namespace.
fn reference(to: &Reference, kind: &Kind, within: &str) -> String {
    let name = to.name_key();
    if to.kind == *kind && to.namespace == within && !name.contains([':', '/']) { name } else { long_reference(to) }
}

/// `group:default/payments`
fn long_reference(to: &Reference) -> String {
    let kind = if to.kind.is_team() { "group" } else { to.kind.as_str() };
    format!("{kind}:{}/{}", to.namespace, to.name_key())
}

/// A person as a User. One without a name of its own is called by the local part of the address.
#[must_use]
pub fn person(person: &Person, name: &str) -> Value {
    let part = |key: &str| person.unknown.get(key).and_then(Value::as_object).cloned().unwrap_or_default();
    let namespace = person.namespace.as_deref().unwrap_or(DEFAULT_NAMESPACE);
    let mut metadata = Object::new();
    metadata.insert("name".to_owned(), name.into());
    if let Some(namespace) = &person.namespace {
        metadata.insert("namespace".to_owned(), namespace.as_str().into());
    }
    if let Some(title) = person.unknown.get("title") {
        metadata.insert("title".to_owned(), title.clone());
    }
    let roles = person.teams.iter().filter_map(|one| {
        let role = one.role.as_deref()?;
        Some(json!({"team": reference(&one.team, &Kind::Team, namespace), "role": role}))
    });
    let roles: Vec<Value> = roles.collect();
    if !roles.is_empty() {
        metadata.insert(OWN.to_owned(), json!({"roles": roles}));
    }
    restore(&mut metadata, &part("metadata"));
    let mut profile = Object::new();
    profile.insert("displayName".to_owned(), person.display.as_str().into());
    put(&mut profile, "email", person.email.as_deref());
    put(&mut profile, "picture", person.fields.get("photo").map(String::as_str));
    restore(&mut profile, &part("profile"));
    let teams = person.teams.iter().map(|one| Value::from(reference(&one.team, &Kind::Team, namespace)));
    let mut spec = Object::new();
    spec.insert("profile".to_owned(), Value::Object(profile));
    spec.insert("memberOf".to_owned(), Value::Array(teams.collect()));
    restore(&mut spec, &part("spec"));
    let mut out = Object::new();
    out.insert("apiVersion".to_owned(), API_VERSION.into());
    out.insert("kind".to_owned(), "User".into());
    out.insert("metadata".to_owned(), Value::Object(metadata));
    out.insert("spec".to_owned(), Value::Object(spec));
    for (key, value) in &person.unknown {
        if !matches!(key.as_str(), "metadata" | "spec" | "profile" | "title") {
            out.insert(key.clone(), value.clone());
        }
    }
    Value::Object(out)
}

fn put(out: &mut Object, key: &str, text: Option<&str>) {
    if let Some(text) = text {
        out.insert(key.to_owned(), text.into());
    }
}

fn put_list(out: &mut Object, key: &str, values: Vec<Value>) {
    if !values.is_empty() {
        out.insert(key.to_owned(), Value::Array(values));
    }
}
