//! What `team` and `entity` have in common: documents typed as flags, and items shown.

use crate::args::{Json, Said};
use crate::out::{self, Done, Failure, refused};
use bailiwick_app::App;
use bailiwick_app::access::Principal;
use bailiwick_app::catalog::{self, EffectiveOwner, Item, OwnerOf};
use bailiwick_domain::catalog::Reference;
use bailiwick_scim::Object;
use bailiwick_store::rows::{EventRow, ItemRef, ItemRow};
use serde_json::{Map, Value, json};
use std::io::Read as _;
use std::path::Path;

/// Longest document, in bytes.
const DOCUMENT_BYTES: u64 = 1024 * 1024;
/// The word that takes something away.
pub(super) const NONE: &str = "none";

/// What a flag says: a text, or null for what is to go.
pub(super) fn put(patch: &mut Object, key: &str, said: Option<String>) {
    if let Some(text) = said {
        patch.insert(key.to_owned(), if text == NONE { Value::Null } else { Value::from(text) });
    }
}

/// A list that replaces the one there was; the one word `none` takes it away.
pub(super) fn put_list(
    patch: &mut Object,
    key: &str,
    said: &[String],
    read: impl Fn(&str) -> Result<Value, Failure>,
) -> Done {
    match said {
        [] => {}
        [none] if none == NONE => drop(patch.insert(key.to_owned(), Value::Null)),
        texts => {
            let values: Vec<Value> = texts.iter().map(|text| read(text)).collect::<Result<_, _>>()?;
            patch.insert(key.to_owned(), Value::Array(values));
        }
    }
    Ok(())
}

/// `TITLE=URL` or a URL alone, which may hold `=` itself.
pub(super) fn titled(text: &str) -> (Option<&str>, &str) {
    match text.split_once('=') {
        Some((title, url)) if !title.contains("://") => (Some(title), url),
        _ => (None, text),
    }
}

/// Texts by name, laid over those there are.
fn put_texts(patch: &mut Object, key: &str, flag: &str, said: Vec<String>) -> Done {
    for text in said {
        let Some((name, value)) = text.split_once('=') else {
            return Err(Failure::Usage(format!("{flag} {text}: KEY=VALUE is expected")));
        };
        let value = if value == NONE { Value::Null } else { Value::from(value) };
        match patch.entry(key.to_owned()).or_insert_with(|| Value::Object(Map::new())) {
            Value::Object(all) => drop(all.insert(name.to_owned(), value)),
            _ => return refused(format!("\"{key}\" of the document must be an object")),
        }
    }
    Ok(())
}

/// A merge patch of what was typed; a file first, flags above it. `aliases` are those there are already.
pub(super) fn patch(said: Said, aliases: &[Value]) -> Result<Object, Failure> {
    let mut patch = match &said.document {
        Some(file) => read(file)?,
        None => Map::new(),
    };
    put(&mut patch, "title", said.title);
    put(&mut patch, "description", said.description);
    put(&mut patch, "type", said.item_type);
    put_list(&mut patch, "tags", &said.tags, |tag| match tag.split_once('=') {
        Some((key, value)) => Ok(json!({ "key": key, "value": value })),
        None => Ok(json!({ "value": tag })),
    })?;
    put_list(&mut patch, "links", &said.links, |link| match titled(link) {
        (Some(title), url) => Ok(json!({ "title": title, "url": url })),
        (None, url) => Ok(json!({ "url": url })),
    })?;
    put_list(&mut patch, "contacts", &said.contacts, |contact| match contact.split_once('=') {
        Some((kind, address)) => Ok(json!({ "type": kind, "address": address })),
        None => Err(Failure::Usage(format!("--contact {contact}: TYPE=ADDRESS is expected, such as slack=#payments"))),
    })?;
    put_texts(&mut patch, "annotations", "--annotation", said.annotations)?;
    put_texts(&mut patch, "labels", "--label", said.labels)?;
    if !said.aliases.is_empty() {
        let mut all = aliases.to_vec();
        all.extend(said.aliases.into_iter().map(Value::from).filter(|alias| !aliases.contains(alias)));
        patch.insert("aliases".to_owned(), Value::Array(all));
    }
    for property in said.properties {
        let Some((name, value)) = property.split_once('=') else {
            return Err(Failure::Usage(format!("--property {property}: NAME=VALUE is expected")));
        };
        let value = typed(value);
        let all = patch.entry("properties".to_owned()).or_insert_with(|| Value::Object(Map::new()));
        match all {
            Value::Object(all) => drop(all.insert(name.to_owned(), value)),
            _ => return refused("\"properties\" of the document must be an object"),
        }
    }
    Ok(patch)
}

/// A value as it is typed: `none` is null, and what is no JSON is text.
pub(super) fn typed(text: &str) -> Value {
    match text {
        NONE => Value::Null,
        text => serde_json::from_str(text).unwrap_or_else(|_| Value::from(text)),
    }
}

/// A JSON object in a file; `-` is standard input.
pub(super) fn read(file: &Path) -> Result<Object, Failure> {
    let unread = |error: std::io::Error| Failure::Refused(format!("{}: {error}", file.display()));
    let mut bytes = Vec::new();
    if file == Path::new("-") {
        std::io::stdin().take(DOCUMENT_BYTES + 1).read_to_end(&mut bytes).map_err(unread)?;
    } else {
        let open = std::fs::File::open(file).map_err(unread)?;
        open.take(DOCUMENT_BYTES + 1).read_to_end(&mut bytes).map_err(unread)?;
    }
    if bytes.len() as u64 > DOCUMENT_BYTES {
        return refused(format!("{}: longer than {DOCUMENT_BYTES} bytes", file.display()));
    }
    bailiwick_scim::json::parse_object(&bytes)
        .map_err(|refusal| Failure::Refused(format!("{}: {}", file.display(), refusal.detail)))
}

/// `kind:namespace/name` of a row.
pub(super) fn reference(row: &ItemRow) -> String {
    named(&row.kind, &row.namespace, &row.name)
}

fn named(kind: &str, namespace: &str, name: &str) -> String {
    use bailiwick_domain::catalog::Kind;
    let kind = Kind::parse(kind).unwrap_or_else(|_| Kind::Other(kind.into()));
    Reference { kind, namespace: namespace.to_owned(), name: name.to_owned() }.to_string()
}

pub(super) fn other(item: &ItemRef) -> String {
    named(&item.kind, &item.namespace, &item.name)
}

/// An item as JSON: the document with what is computed at reading.
pub(super) fn value(item: &Item) -> Value {
    let row = &item.row;
    let mut value = json!({ "id": row.id, "reference": reference(row) });
    if let Some(object) = value.as_object_mut() {
        object.extend(item.document.clone());
        object.insert("effective_owner".to_owned(), item.owner.as_ref().map_or(Value::Null, owner_value));
        let given = item
            .given
            .iter()
            .map(|given| json!({ "filter": given.filter, "rules": given.rules, "people": given.people }));
        object.insert("owned_by_rules".to_owned(), given.collect());
        let part_of = row.parent.as_ref().map_or(Value::Null, |parent| other(parent).into());
        object.insert("part_of".to_owned(), part_of);
        object.insert("names".to_owned(), item.names.iter().map(String::as_str).collect());
        object.insert("created".to_owned(), row.created.to_string().into());
        object.insert("modified".to_owned(), row.modified.to_string().into());
    }
    value
}

fn owner_value(owner: &EffectiveOwner) -> Value {
    let through = owner.through.as_ref().map(other);
    match &owner.owner {
        OwnerOf::Team(team) => json!({ "kind": "team", "id": team.id, "title": team.title, "through": through }),
        OwnerOf::Person { id, display, active, .. } => {
            json!({ "kind": "person", "id": id, "title": display, "active": active, "through": through })
        }
        OwnerOf::Missing(text) => json!({ "kind": "missing", "id": null, "title": text, "through": through }),
    }
}

/// An owner for people.
pub(super) fn owner(owner: Option<&EffectiveOwner>) -> String {
    let Some(owner) = owner else { return "nobody".to_owned() };
    let name = match &owner.owner {
        OwnerOf::Team(team) => team.title.clone(),
        OwnerOf::Person { display, active: true, .. } => format!("{display} (a person)"),
        OwnerOf::Person { display, active: false, .. } => format!("{display} (a person, not active)"),
        OwnerOf::Missing(text) => format!("{text} (not there)"),
    };
    match &owner.through {
        Some(place) => format!("{name}, through {}", other(place)),
        None => name,
    }
}

/// Lines that an item of any kind has.
pub(super) fn sheet(item: &Item) -> Vec<String> {
    let row = &item.row;
    let mut lines = vec![format!("{} ({})", row.title, row.id), format!("  reference    {}", reference(row))];
    let text = |key: &str| item.document.get(key).and_then(Value::as_str);
    for (label, key) in [("description", "description"), ("type", "type"), ("tier", "tier"), ("lifecycle", "lifecycle")]
    {
        if let Some(text) = text(key) {
            lines.push(format!("  {label:<11}  {text}"));
        }
    }
    if let Some(parent) = &row.parent {
        lines.push(format!("  part of      {}", other(parent)));
    }
    if row.kind != "team" {
        lines.push(format!("  owner        {}", owner(item.owner.as_ref())));
    }
    for given in &item.given {
        let people = out::count(given.people, "person", "people");
        lines.push(format!("  by rule      {} to {people}: {}", given.rules.join(", "), given.filter));
    }
    let names: Vec<&str> = item.names.iter().map(String::as_str).filter(|name| *name != row.name_key).collect();
    if !names.is_empty() {
        lines.push(format!("  also called  {}", names.join(", ")));
    }
    let tags: Vec<String> =
        item.document.get("tags").and_then(Value::as_array).into_iter().flatten().map(tag).collect();
    if !tags.is_empty() {
        lines.push(format!("  tags         {}", tags.join(", ")));
    }
    lines.extend(ways(&item.document));
    if let Some(source) = item.document.get("source") {
        let path = source["path"].as_str().unwrap_or_default();
        lines.push(format!("  comes from   {path}, line {}", source["line"]));
    }
    lines.push(format!("  modified     {}", out::moment(row.modified)));
    lines
}

/// Where to look and whom to ask: links, tools, contacts; and the properties.
fn ways(document: &Object) -> Vec<String> {
    let list = |key: &str| document.get(key).and_then(Value::as_array).into_iter().flatten();
    let text = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
    let mut lines = Vec::new();
    for link in list("links") {
        let title = link["title"].as_str().map(|title| format!("{title}: ")).unwrap_or_default();
        lines.push(format!("  link         {title}{}", text(link, "url")));
    }
    for tool in list("tools") {
        let about: Vec<&str> = ["category", "environment"].iter().filter_map(|key| tool[*key].as_str()).collect();
        let about = if about.is_empty() { String::new() } else { format!(" ({})", about.join(", ")) };
        lines.push(format!("  tool         {}{about} {}", text(tool, "name"), text(tool, "url")).trim_end().to_owned());
    }
    for contact in list("contacts") {
        let name = contact["displayName"].as_str().map(|name| format!(" ({name})")).unwrap_or_default();
        lines.push(format!("  contact      {} {}{name}", text(contact, "type"), text(contact, "address")));
    }
    for (name, value) in document.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        lines.push(format!("  property     {name} = {value}"));
    }
    lines
}

fn tag(tag: &Value) -> String {
    let value = tag["value"].as_str().unwrap_or_default();
    tag["key"].as_str().map_or_else(|| value.to_owned(), |key| format!("{key}={value}"))
}

/// Prints what happened to an item.
pub(super) async fn print_history(app: &App, host: &Principal, item: &Item, limit: u32, json: Json) -> Done {
    let events = catalog::history(app, host, &item.row, None, limit).await?;
    if json.json { out::json(&events.iter().map(event_value).collect()) } else { out::lines(&history(&events)) }
}

/// A history for people: who did what, and what changed by it.
fn history(events: &[EventRow]) -> Vec<String> {
    let mut lines = Vec::new();
    for event in events {
        lines.push(format!("{}  {}  by {}", out::moment(event.at), event.kind, event.actor));
        let payload = event.payload.as_ref();
        if let Some(reason) = payload.and_then(|payload| payload["reason"].as_str()) {
            lines.push(format!("    why: {reason}"));
        }
        let changes = payload.and_then(|payload| payload["changes"].as_array());
        for change in changes.into_iter().flatten() {
            let side = |key: &str| change.get(key).map_or_else(|| "nothing".to_owned(), Value::to_string);
            let path = change["path"].as_str().unwrap_or_default();
            lines.push(format!("    {path}: {} -> {}", side("before"), side("after")));
        }
    }
    lines
}

/// An entry of a history as JSON.
fn event_value(event: &EventRow) -> Value {
    json!({ "id": event.seq, "at": event.at.to_string(), "kind": event.kind, "actor": event.actor,
        "person": event.person, "request": event.request, "detail": event.payload })
}

/// Every fault of a refused document on one line.
pub(super) fn said(invalid: bailiwick_app::catalog::Invalid) -> Failure {
    Failure::Refused(invalid.refusal.detail)
}
