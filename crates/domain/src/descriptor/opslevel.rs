//! OpsLevel's config as code: `opslevel.yml`, `version: 1`, with `service:` (old), `component:` (new) or `repository:`.
//!
//! OpsLevel reads YAML 1.1, where `yes` is a boolean; here every value stays as it is written. What has no place of its
//! own (`alert_sources`, keys that nobody knows, entries of lists that hold one) is kept under `opslevel` of the item's
//! `unknown`.

use super::Descriptor;
use super::backstage::{object, properties};
use super::draft::{Draft, Fields, unreadable};
use crate::catalog::{Kind, Owner, Reference, check_name, slug};
use crate::yaml::{self, Limits, Node, Version};
use bailiwick_scim::Object;
use serde_json::{Value as Json, json};

/// The forms of a file, with the kind of item each makes.
const FORMS: &[(&str, &str)] = &[("service", "component"), ("component", "component"), ("repository", "repository")];

/// What begins the names of the annotations that hold `product`, `language` and `framework`.
pub const ANNOTATIONS: &str = "opslevel.com/";

/// The keys of a tool.
const TOOL: &[&str] = &["name", "category", "environment", "url"];

/// What is said of a key that has no place here.
const KEPT: &str = "is not known here; it is kept";

/// Keys kept as annotations.
const ANNOTATED: &[&str] = &["product", "language", "framework"];

/// Reads a file. A repository that does not name itself is called like the folder.
#[must_use]
pub fn read(text: &str, folder: &str) -> Vec<Descriptor> {
    let documents = yaml::documents(text, &Limits::default());
    documents
        .into_iter()
        .filter(|document| !matches!(document, Ok(node) if node.is_null()))
        .flat_map(|document| match document {
            Ok(node) => forms(&node, folder),
            Err(fault) => vec![unreadable(fault.into())],
        })
        .collect()
}

/// One item for each form that stands in the document.
fn forms(root: &Node, folder: &str) -> Vec<Descriptor> {
    let mut head = Draft::new(root);
    let mut top = Fields::of(root, "", &mut head);
    if root.entries().is_none() {
        return vec![head.finish("", String::new(), None)];
    }
    if let Some((node, version)) = top.required("version", &mut head)
        && version != "1"
    {
        head.fault(node, "version", format!("is {}; only version 1 is known", yaml::shown(&version)));
    }
    let found: Vec<(&str, &str, &Node)> =
        FORMS.iter().filter_map(|(form, kind)| Some((*form, *kind, top.take(form)?))).collect();
    if found.is_empty() {
        head.fault(root, "", "holds none of service, component and repository");
    }
    if let [("service", _, _), ("component", _, node), ..] = found.as_slice() {
        head.fault(node, "component", "stands beside service: a file describes one of them");
    }
    if !head.faults.is_empty() {
        return vec![head.finish("", String::new(), None)];
    }
    let left: Vec<&Node> = top.left().collect();
    for name in left {
        head.note(name, name.text().unwrap_or_default(), KEPT);
    }
    let mut rest = top.rest();
    let mut notes = head.notes;
    found
        .into_iter()
        .map(|(form, kind, node)| {
            let mut draft = Draft::new(node);
            draft.notes.append(&mut notes);
            let file = std::mem::take(&mut rest);
            if !file.is_empty() {
                draft.keep("opslevel", Object::from_iter([("file".to_owned(), Json::Object(file))]));
            }
            item(draft, form, kind, node, folder)
        })
        .collect()
}

fn item(mut draft: Draft, form: &str, kind: &str, node: &Node, folder: &str) -> Descriptor {
    let mut fields = Fields::of(node, form, &mut draft);
    draft.set("kind", kind, node, form);
    let aliases = fields.texts("aliases", &mut draft);
    for (node, alias, field) in &aliases {
        draft.push("aliases", alias.as_str(), node, field);
    }
    name(&mut fields, form, &aliases, folder, &mut draft);
    fields.carry("description", "description", &mut draft);
    if form != "repository" {
        fields.carry("type", "type", &mut draft);
        draft.document.entry("type".to_owned()).or_insert_with(|| "service".into());
    }
    fields.carry("tier", "tier", &mut draft);
    fields.carry("lifecycle", "lifecycle", &mut draft);
    if let Some((node, text)) = fields.text("owner", &mut draft) {
        // An owner is always a team, whatever it looks like.
        match Reference::pointing(&text, &Kind::Team, crate::catalog::DEFAULT_NAMESPACE) {
            Ok(team) => draft.set("owner", Owner::Team(team).to_string(), node, fields.field("owner")),
            Err(reason) => draft.fault(node, fields.field("owner"), reason),
        }
    }
    if let Some((node, text)) = fields.text("system", &mut draft) {
        let system = Reference::of(Kind::System, text);
        draft.set("system", system.to_string(), node, fields.field("system"));
    }
    for key in ANNOTATED {
        if let Some((node, text)) = fields.text(key, &mut draft) {
            draft.entry("annotations", &format!("{ANNOTATIONS}{key}"), text.into(), node, fields.field(key));
        }
    }
    let mut entries = Object::new();
    for list in ["tags", "tools", "dependencies"] {
        let mut kept = Vec::new();
        for (node, field) in fields.list(list, &mut draft) {
            let entry = match list {
                // The same key may stand there more than once.
                "tags" => object(&mut draft, list, node, &field, &["key", "value"], &["key", "value"]),
                "tools" => object(&mut draft, list, node, &field, TOOL, &["name"]),
                _ => dependency(node, &field, &mut draft),
            };
            let left: Vec<&Node> = entry.left().collect();
            for name in &left {
                draft.note(name, entry.field(name.text().unwrap_or_default()), KEPT);
            }
            if !left.is_empty() {
                kept.push(node.to_json(Version::V1_2));
            }
        }
        if !kept.is_empty() {
            entries.insert(list.to_owned(), Json::Array(kept));
        }
    }
    if let Some(node) = fields.take("properties") {
        properties(node, &fields.field("properties"), &mut draft);
    }
    let left: Vec<&Node> = fields.left().filter(|name| name.text() != Some("alert_sources")).collect();
    for name in left {
        draft.note(name, fields.field(name.text().unwrap_or_default()), KEPT);
    }
    let mut kept = fields.rest();
    kept.extend(entries);
    if form != "component" {
        kept.insert("form".to_owned(), form.into());
    }
    draft.keep("opslevel", kept);
    draft.item(form, Vec::new(), Vec::new())
}

/// A name in OpsLevel is free text, and its alias is made of it. The item is called by the slug of its name, else by the
/// first alias that is a name; what is written is its title.
fn name(fields: &mut Fields<'_>, form: &str, aliases: &[(&Node, String, String)], folder: &str, draft: &mut Draft) {
    let written = if form == "repository" { fields.text("name", draft) } else { fields.required("name", draft) };
    let place = written.as_ref().map_or(fields.node(), |(node, _)| node);
    let text = match &written {
        Some((_, text)) => text.as_str(),
        None if form == "repository" => folder,
        None => return,
    };
    let alias = || aliases.iter().map(|(_, alias, _)| alias).find(|alias| check_name(alias).is_ok()).cloned();
    let Some(name) = slug(text).or_else(alias) else {
        let reason = "holds no letter a to z and no digit, and there is no alias that could be its name";
        draft.fault(place, fields.field("name"), reason);
        return;
    };
    if written.is_some() && text != name {
        draft.set("title", text, place, fields.field("name"));
    }
    if let Some(alias) = made_alias(text)
        && alias != name
        && !aliases.iter().any(|(_, known, _)| known.eq_ignore_ascii_case(&alias))
    {
        draft.push("aliases", alias, place, fields.field("name"));
    }
    draft.set("name", name, place, fields.field("name"));
}

/// The alias that OpsLevel makes of a name, by which other files mean it: `Shopping Cart` gives `shopping_cart`.
fn made_alias(name: &str) -> Option<String> {
    let words: Vec<String> = name
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    (!words.is_empty()).then(|| words.join("_")).filter(|alias| check_name(alias).is_ok())
}

/// `{alias, notes}`; gives what was not taken.
fn dependency<'a>(node: &'a Node, field: &str, draft: &mut Draft) -> Fields<'a> {
    let mut fields = Fields::of(node, field, draft);
    if node.entries().is_none() {
        return fields;
    }
    let alias = fields.required("alias", draft);
    let notes = fields.text("notes", draft);
    let Some((place, alias)) = alias else { return fields };
    let target = Reference::of(Kind::Component, alias);
    if let Err(reason) = crate::catalog::check_alias(&target.name) {
        draft.fault(place, fields.field("alias"), reason);
        return fields;
    }
    let mut value = json!({"relation": "dependsOn", "target": target.to_string()});
    if let Some((_, notes)) = notes {
        value["note"] = notes.into();
    }
    draft.push("dependencies", value, node, field);
    fields
}
