//! Backstage's descriptors: `catalog-info.yaml`, one or more documents, every kind.
//!
//! Read as `@backstage/catalog-model` reads them, but told instead of dropped: where Backstage hides an entity for a
//! wrong tag, the author gets line and reason. What only Bailiwick knows (tiers, tools, aliases ...) stands under
//! `metadata.bailiwick`, which Backstage leaves alone; see [`super::export`].

mod user;

use super::draft::{Draft, Fields, text_of, unreadable};
use super::{Descriptor, Target};
use crate::catalog::{DEFAULT_NAMESPACE, Kind, Owner, Reference, check_name};
use crate::names;
use crate::yaml::{self, Limits, Node, Value, Version};
use bailiwick_scim::Object;
use serde_json::{Value as Json, json};

/// The versions of the envelope that mean the same.
const API_VERSIONS: &[&str] = &["backstage.io/v1alpha1", "backstage.io/v1beta1"];

/// The version that is written when a document said none of its own.
pub(super) const API_VERSION: &str = "backstage.io/v1alpha1";

/// The key of `metadata` that holds what Backstage has no place for.
pub(super) const OWN: &str = "bailiwick";

/// What stands where Backstage asks for something that nobody has said.
pub(super) const UNKNOWN: &str = "unknown";

/// The key of [`OWN`] that names the keys of `spec` which hold [`UNKNOWN`] only because Backstage asks for them.
pub(super) const UNSAID: &str = "unsaid";

/// The key of a Location that says whether its targets must be there, and the word for that they need not.
pub(super) const PRESENCE: &str = "presence";
pub(super) const OPTIONAL: &str = "optional";

/// The keys of a link that Backstage knows.
const LINK: &[&str] = &["url", "title", "icon", "type"];

/// The kinds of Backstage's own, as it writes them.
pub(super) const KINDS: &[(&str, &str)] = &[
    ("component", "Component"),
    ("api", "API"),
    ("resource", "Resource"),
    ("system", "System"),
    ("domain", "Domain"),
    ("team", "Group"),
    ("group", "Group"),
    ("user", "User"),
    ("location", "Location"),
    ("template", "Template"),
    ("airesource", "AiResource"),
];

/// Lists of references in `spec`, with the relation each means and the kind it points to.
pub(super) const RELATIONS: &[(&str, &str, Kind)] = &[
    ("providesApis", "providesApi", Kind::Api),
    ("consumesApis", "consumesApi", Kind::Api),
    ("dependsOn", "dependsOn", Kind::Component),
    ("dependencyOf", "dependencyOf", Kind::Component),
];

/// Reads every document of a file.
#[must_use]
pub fn read(text: &str) -> Vec<Descriptor> {
    let documents = yaml::documents(text, &Limits::default());
    documents
        .into_iter()
        .filter(|document| !matches!(document, Ok(node) if node.is_null()))
        .map(|document| match document {
            Ok(node) => descriptor(&node),
            Err(fault) => unreadable(fault.into()),
        })
        .collect()
}

fn descriptor(root: &Node) -> Descriptor {
    let mut draft = Draft::new(root);
    let mut top = Fields::of(root, "", &mut draft);
    if root.entries().is_none() {
        return draft.finish("", String::new(), None);
    }
    let version = top.required("apiVersion", &mut draft);
    let kind = top.required("kind", &mut draft);
    let name = root.get("metadata").and_then(|metadata| metadata.get("name")).and_then(Node::as_str);
    let Some((kind_node, kind)) = kind else {
        return draft.finish("", name.unwrap_or_default().to_owned(), None);
    };
    if let Some((node, version)) = &version {
        check_version(&kind, version, node, &mut draft);
    }
    for key in ["metadata", "spec"] {
        if top.take(key).is_none() && !(key == "spec" && kind.eq_ignore_ascii_case("user")) {
            draft.fault(root, key, "is missing");
        }
    }
    if kind.eq_ignore_ascii_case("user") {
        return user::person(root, &top, version.map(|(_, text)| text), draft, &kind);
    }
    let mut rest = top.rest();
    if let Some((_, version)) = version.filter(|(_, version)| version != API_VERSION) {
        rest.insert("apiVersion".to_owned(), version.into());
    }
    item(root, rest, draft, &kind, kind_node)
}

/// Documents of Backstage's own kinds carry its own versions; other kinds carry those of whoever made them.
fn check_version(kind: &str, version: &str, node: &Node, draft: &mut Draft) {
    let own = KINDS.iter().any(|(name, _)| kind.eq_ignore_ascii_case(name));
    let lower = kind.to_ascii_lowercase();
    let known = match lower.as_str() {
        "template" => version.starts_with("scaffolder.backstage.io/") || version.starts_with("backstage.io/"),
        _ => API_VERSIONS.contains(&version),
    };
    if own && !known {
        let shown = yaml::shown(version);
        let expect = if lower == "template" { "scaffolder.backstage.io/v1beta3" } else { API_VERSION };
        draft.fault(node, "apiVersion", format!("is {shown}, which is not known for a {kind}: write {expect}"));
    }
}

/// Everything that is not a User.
fn item(root: &Node, rest: Object, mut draft: Draft, written: &str, kind_node: &Node) -> Descriptor {
    let kind = match Kind::parse(written) {
        Ok(kind) => kind,
        Err(reason) => {
            draft.fault(kind_node, "kind", reason);
            Kind::Component
        }
    };
    draft.set("kind", kind.as_str(), kind_node, "kind");
    keep_top(&mut draft, rest, written, &kind);
    let empty = Node { value: Value::Mapping(Vec::new()), line: root.line, column: root.column };
    let metadata = root.get("metadata").unwrap_or(&empty);
    let (namespace, unsaid) = read_metadata(metadata, &kind, &mut draft);
    let spec_node = root.get("spec").unwrap_or(&empty);
    let mut spec = Fields::of(spec_node, "spec", &mut draft);
    if root.get("spec").is_some_and(|node| node.entries().is_some()) {
        check_required(written, &mut spec, &mut draft);
    }
    read_spec(&mut spec, &kind, &namespace, &mut draft);
    for key in unsaid.iter().filter(|key| spec_node.get(key).and_then(Node::as_str) == Some(UNKNOWN)) {
        draft.document.shift_remove(key);
    }
    let (children, members) = match kind {
        Kind::Team => team_parts(&mut spec, &namespace, &mut draft),
        _ => (Vec::new(), Vec::new()),
    };
    if kind.as_str() == "location" {
        draft.targets = targets(spec_node, &mut draft);
    }
    let mut rest = spec.rest();
    if unsaid.iter().any(|key| key == PRESENCE) && rest.get(PRESENCE).and_then(Json::as_str) == Some(OPTIONAL) {
        rest.shift_remove(PRESENCE);
    }
    draft.keep("spec", rest);
    draft.item(written, children, members)
}

/// Keys beside `metadata` and `spec`, and the kind where lower case does not say how it was written.
fn keep_top(draft: &mut Draft, mut rest: Object, written: &str, kind: &Kind) {
    if kind_shown(kind) != written {
        rest.insert("kind".to_owned(), written.into());
    }
    for (key, value) in rest {
        let unknown = draft.document.entry("unknown".to_owned()).or_insert_with(|| Json::Object(Object::new()));
        if let Json::Object(unknown) = unknown {
            unknown.insert(key, value);
        }
    }
}

/// The kind as Backstage writes it.
pub(super) fn kind_shown(kind: &Kind) -> String {
    let known = KINDS.iter().find(|(name, _)| *name == kind.as_str());
    known.map_or_else(|| kind.as_str().to_owned(), |(_, shown)| (*shown).to_owned())
}

/// The keys of `spec` that Backstage asks for by kind. Each has the name of the key in the document of an item.
pub(super) fn required(kind: &str) -> &'static [&'static str] {
    match kind.to_ascii_lowercase().as_str() {
        "component" | "airesource" => &["type", "lifecycle", "owner"],
        "api" => &["type", "lifecycle", "owner", "definition"],
        "resource" => &["type", "owner"],
        "system" | "domain" => &["owner"],
        "group" | "team" | "template" => &["type"],
        _ => &[],
    }
}

/// Whether everything is there that Backstage asks for.
fn check_required(kind: &str, spec: &mut Fields<'_>, draft: &mut Draft) {
    for key in required(kind) {
        if spec.take(key).is_none() {
            let node = spec.raw(key).unwrap_or(spec.node());
            draft.fault(node, spec.field(key), "is missing");
        }
    }
}

/// Reads `metadata` and gives the namespace, and the keys of `spec` that say nothing.
fn read_metadata(node: &Node, kind: &Kind, draft: &mut Draft) -> (String, Vec<String>) {
    let mut metadata = Fields::of(node, "metadata", draft);
    if node.entries().is_some() {
        metadata.carry_required("name", "name", draft);
    }
    let mut kept = Object::new();
    let mut namespace = DEFAULT_NAMESPACE.to_owned();
    if let Some((node, text)) = metadata.text("namespace", draft) {
        draft.set("namespace", text.as_str(), node, "metadata.namespace");
        if text == DEFAULT_NAMESPACE {
            kept.insert("namespace".to_owned(), text.into());
        } else {
            namespace = text.to_ascii_lowercase();
        }
    }
    metadata.carry("title", "title", draft);
    metadata.carry("description", "description", draft);
    texts_by_name(&mut metadata, "labels", draft);
    texts_by_name(&mut metadata, "annotations", draft);
    tags(&mut metadata, draft);
    let more = links(&mut metadata, draft);
    if !more.is_empty() {
        kept.insert("links".to_owned(), Json::Object(more));
    }
    tier(draft);
    let unsaid = metadata.take(OWN).map(|own| read_own(own, kind, &namespace, draft)).unwrap_or_default();
    kept.extend(metadata.rest());
    draft.keep("metadata", kept);
    (namespace, unsaid)
}

/// Labels and annotations: texts by name.
fn texts_by_name(metadata: &mut Fields<'_>, key: &str, draft: &mut Draft) {
    let Some(node) = metadata.take(key) else { return };
    let field = metadata.field(key);
    if node.entries().is_none() {
        draft.fault(node, field, format!("must be a mapping, not {}", node.describe()));
        return;
    }
    for (name, value) in node.entries().unwrap_or_default() {
        let name = name.text().unwrap_or_default();
        let field = format!("{field}.{name}");
        match value.as_str() {
            Some(text) => draft.entry(key, name, text.into(), value, field),
            None => draft.fault(value, field, format!("must be text, not {}", value.describe())),
        }
    }
}

/// The tier has no place in Backstage; people put it into a label or an annotation called `tier` or `something/tier`.
fn tier(draft: &mut Draft) {
    let named = |key: &str| {
        let entries = draft.document.get(key)?.as_object()?;
        let (name, value) = entries.iter().find(|(name, _)| *name == "tier" || name.ends_with("/tier"))?;
        let pointer = format!("/{key}/{}", name.replace('~', "~0").replace('/', "~1"));
        Some((value.clone(), draft.places.0.get(&pointer)?.clone()))
    };
    if let Some((value, place)) = named("labels").or_else(|| named("annotations")) {
        draft.document.insert("tier".to_owned(), value);
        draft.places.0.insert("/tier".to_owned(), place);
    }
}

/// Tags as strict as Backstage's: it hides the whole entity for one that does not fit, and says nothing.
fn tags(metadata: &mut Fields<'_>, draft: &mut Draft) {
    for (node, tag, field) in metadata.texts("tags", draft) {
        if is_tag(&tag) {
            draft.push("tags", json!({"value": tag}), node, field);
        } else {
            let rule = "may hold only a to z, 0 to 9, :, + and #, in words joined by -, at most 63 characters";
            draft.fault(node, field, format!("is the tag {}, which {rule}", yaml::shown(&tag)));
        }
    }
}

/// `[a-z0-9:+#]+(-[a-z0-9:+#]+)*`, 1 to 63 characters.
pub(super) fn is_tag(text: &str) -> bool {
    let word = |word: &str| {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b":+#".contains(&byte);
        !word.is_empty() && word.bytes().all(fits)
    };
    text.len() <= 63 && text.split('-').all(word)
}

/// Reads the links and gives what they say besides, by their URL.
fn links(metadata: &mut Fields<'_>, draft: &mut Draft) -> Object {
    let mut more = Object::new();
    for (node, field) in metadata.list("links", draft) {
        let rest = object(draft, "links", node, &field, LINK, &["url"]).rest();
        if let Some(url) = node.get("url").and_then(Node::as_str)
            && !rest.is_empty()
        {
            more.insert(url.to_owned(), Json::Object(rest));
        }
    }
    more
}

/// Adds an object of texts to a list of the document. Keys besides `known` are refused: a list keeps nothing else.
pub(super) fn objects(draft: &mut Draft, list: &str, node: &Node, field: &str, known: &[&str], needed: &[&str]) {
    let fields = object(draft, list, node, field, known, needed);
    let left: Vec<&Node> = fields.left().collect();
    for name in left {
        let key = name.text().unwrap_or_default();
        draft.fault(name, fields.field(key), format!("is not known here; known are {}", known.join(", ")));
    }
}

/// Adds an object of texts to a list of the document and gives what was not taken.
pub(super) fn object<'a>(
    draft: &mut Draft,
    list: &str,
    node: &'a Node,
    field: &str,
    known: &[&str],
    needed: &[&str],
) -> Fields<'a> {
    let mut fields = Fields::of(node, field, draft);
    if node.entries().is_none() {
        return fields;
    }
    let mut value = Object::new();
    let index = draft.document.get(list).and_then(Json::as_array).map_or(0, Vec::len);
    for key in known {
        let found = if needed.contains(key) { fields.required(key, draft) } else { fields.text(key, draft) };
        if let Some((node, text)) = found {
            draft.places.note(format!("/{list}/{index}/{key}"), node, fields.field(key));
            value.insert((*key).to_owned(), text.into());
        }
    }
    draft.push(list, Json::Object(value), node, field);
    fields
}

/// What `spec` says of an item, as far as the catalog has a place for it.
fn read_spec(spec: &mut Fields<'_>, kind: &Kind, namespace: &str, draft: &mut Draft) {
    spec.carry("type", "type", draft);
    match kind {
        Kind::Team => {
            above(spec, "parent", "parent", &Kind::Team, namespace, draft);
            profile(spec.node(), draft);
            return;
        }
        Kind::Domain => above(spec, "subdomainOf", "parent", &Kind::Domain, namespace, draft),
        Kind::System => above(spec, "domain", "domain", &Kind::Domain, namespace, draft),
        _ => above(spec, "system", "system", &Kind::System, namespace, draft),
    }
    spec.carry("lifecycle", "lifecycle", draft);
    if let Some((node, text)) = spec.text("owner", draft) {
        match Owner::parse(&text, namespace) {
            Ok(owner) => draft.set("owner", owner.to_string(), node, "spec.owner"),
            Err(reason) => draft.fault(node, "spec.owner", reason),
        }
    }
    if let Some((node, text)) = spec.text("subcomponentOf", draft) {
        relation(node, "spec.subcomponentOf", &text, "subcomponentOf", (&Kind::Component, namespace), draft);
    }
    for (key, name, target) in RELATIONS {
        for (node, text, field) in spec.texts(key, draft) {
            relation(node, &field, &text, name, (target, namespace), draft);
        }
    }
    if *kind == Kind::Api
        && let Some(node) = spec.take("definition")
    {
        definition(node, draft);
    }
}

/// The system, domain or parent.
fn above(spec: &mut Fields<'_>, key: &str, into: &str, kind: &Kind, namespace: &str, draft: &mut Draft) {
    let Some((node, text)) = spec.text(key, draft) else { return };
    match Reference::pointing(&text, kind, namespace) {
        Ok(reference) => draft.set(into, reference.to_string(), node, spec.field(key)),
        Err(reason) => draft.fault(node, spec.field(key), reason),
    }
}

fn relation(node: &Node, field: &str, text: &str, name: &str, target: (&Kind, &str), draft: &mut Draft) {
    match Reference::pointing(text, target.0, target.1) {
        Ok(reference) => {
            let value = json!({"relation": name, "target": reference.to_string()});
            draft.push("dependencies", value, node, field);
        }
        Err(reason) => draft.fault(node, field, reason),
    }
}

/// The definition of an API: its text, or a placeholder, which is kept and not resolved.
fn definition(node: &Node, draft: &mut Draft) {
    if node.entries().is_some() {
        let json = node.to_json(Version::V1_2);
        let placeholder = json.as_object().filter(|object| object.len() == 1).and_then(|object| {
            let (key, value) = object.iter().next()?;
            ["$text", "$json", "$yaml", "$openapi", "$asyncapi"].contains(&key.as_str()).then_some((key, value))
        });
        match placeholder {
            Some((key, value)) => {
                let target = value.as_str().unwrap_or_default();
                draft.note(
                    node,
                    "spec.definition",
                    format!("is {key} {}: kept as it is, not read", yaml::shown(target)),
                );
            }
            None => {
                let expect = "must be text, or a placeholder such as {$text: ./openapi.yaml}";
                draft.fault(node, "spec.definition", expect);
                return;
            }
        }
        draft.set("definition", json, node, "spec.definition");
    } else if let Some(text) = text_of(node, "spec.definition", draft) {
        draft.set("definition", text, node, "spec.definition");
    }
}

/// A Group's profile is kept as it is; what it says besides `metadata` is the name and the address of the team.
fn profile(spec: &Node, draft: &mut Draft) {
    let Some(node) = spec.get("profile").filter(|node| !node.is_null()) else { return };
    let mut profile = Fields::of(node, "spec.profile", draft);
    if let Some((node, text)) = profile.text("displayName", draft)
        && !draft.document.contains_key("title")
    {
        draft.set("title", text, node, "spec.profile.displayName");
    }
    if let Some((node, text)) = profile.text("email", draft) {
        let contact = json!({"type": "email", "address": text});
        let known = draft.document.get("contacts").and_then(Json::as_array).is_some_and(|all| all.contains(&contact));
        if !known {
            draft.push("contacts", contact, node, "spec.profile.email");
        }
    }
}

fn team_parts(spec: &mut Fields<'_>, namespace: &str, draft: &mut Draft) -> (Vec<Reference>, Vec<String>) {
    let mut children = Vec::new();
    for (node, text, field) in spec.texts("children", draft) {
        match Reference::pointing(&text, &Kind::Team, namespace) {
            Ok(reference) if reference.kind.is_team() => children.push(reference),
            Ok(reference) => draft.fault(node, field, format!("a team is expected, not a {}", reference.kind)),
            Err(reason) => draft.fault(node, field, reason),
        }
    }
    let mut members = Vec::new();
    for (node, text, field) in spec.texts("members", draft) {
        match person_name(&text, namespace) {
            Ok(name) => members.push(name),
            Err(reason) => draft.fault(node, field, reason),
        }
    }
    (children, members)
}

/// Whom a member list means: an address as it is, everything else as `user:namespace/name`.
fn person_name(text: &str, namespace: &str) -> Result<String, String> {
    let bare = match text.split_once(':') {
        Some((kind, rest)) if kind.eq_ignore_ascii_case("user") => rest,
        Some((kind, _)) => return Err(format!("a person is expected, not a {kind}")),
        None => text,
    };
    if names::is_email_form(bare) {
        return Ok(bare.to_owned());
    }
    let (namespace, name) = bare.split_once('/').unwrap_or((namespace, bare));
    check_name(name)?;
    Ok(user_reference(namespace, name))
}

/// How documents of one source mean a person.
#[must_use]
pub fn user_reference(namespace: &str, name: &str) -> String {
    format!("user:{}/{}", namespace.to_ascii_lowercase(), name.to_ascii_lowercase())
}

/// What a Location points to.
fn targets(spec: &Node, draft: &mut Draft) -> Vec<Target> {
    let mut fields = Fields::of(spec, "spec", draft);
    let required = match fields.text(PRESENCE, draft) {
        Some((_, presence)) if presence == OPTIONAL => false,
        Some((node, presence)) if presence != "required" => {
            draft.fault(node, "spec.presence", "must be required or optional");
            true
        }
        _ => true,
    };
    let mut found = fields.texts("targets", draft);
    if let Some((node, text)) = fields.text("target", draft) {
        found.insert(0, (node, text, "spec.target".to_owned()));
    }
    let target = |(node, text, field): (&Node, String, String)| Target {
        path: text,
        required,
        line: node.line,
        column: node.column,
        field,
    };
    found.into_iter().map(target).collect()
}

/// What stands under `metadata.bailiwick`, as [`super::export`] writes it. Gives the keys of `spec` that say nothing.
fn read_own(node: &Node, kind: &Kind, namespace: &str, draft: &mut Draft) -> Vec<String> {
    let at = format!("metadata.{OWN}");
    let mut own = Fields::of(node, &at, draft);
    if let Some(tier) = own.raw("tier") {
        draft.document.shift_remove("tier");
        if !tier.is_null() {
            own.carry("tier", "tier", draft);
        }
    }
    own.carry("responsibilities", "responsibilities", draft);
    for (node, alias, field) in own.texts("aliases", draft) {
        draft.push("aliases", alias, node, field);
    }
    for (node, field) in own.list("tags", draft) {
        objects(draft, "tags", node, &field, &["key", "value"], &["value"]);
    }
    for (node, field) in own.list("tools", draft) {
        objects(draft, "tools", node, &field, &["name", "category", "environment", "url"], &["name"]);
    }
    for (node, field) in own.list("contacts", draft) {
        objects(draft, "contacts", node, &field, &["type", "address", "displayName"], &["type", "address"]);
    }
    for (node, field) in own.list("dependencies", draft) {
        own_dependency(node, &field, namespace, draft);
    }
    if let Some(node) = own.take("properties") {
        properties(node, &format!("{at}.properties"), draft);
    }
    if let Some(node) = own.take("opslevel")
        && let Json::Object(kept) = node.to_json(Version::V1_2)
    {
        draft.keep("opslevel", kept);
    }
    let unsaid = own.texts(UNSAID, draft);
    refuse_left(&own, kind.as_str(), draft);
    unsaid.into_iter().map(|(_, key, _)| key).collect()
}

/// Refuses what is left under `metadata.bailiwick`: nobody else writes there.
fn refuse_left(own: &Fields<'_>, kind: &str, draft: &mut Draft) {
    let left: Vec<&Node> = own.left().collect();
    for name in left {
        draft.fault(name, own.field(name.text().unwrap_or_default()), format!("is not known here for a {kind}"));
    }
}

/// Properties by name.
pub(super) fn properties(node: &Node, at: &str, draft: &mut Draft) {
    if node.entries().is_none() {
        draft.fault(node, at, format!("must be a mapping, not {}", node.describe()));
    }
    for (name, value) in node.entries().unwrap_or_default() {
        let key = name.text().unwrap_or_default();
        draft.entry("properties", key, value.to_json(Version::V1_2), value, format!("{at}.{key}"));
    }
}

/// A dependency with its note; the note goes to the one of `spec`, if it is there.
fn own_dependency(node: &Node, field: &str, namespace: &str, draft: &mut Draft) {
    let mut fields = Fields::of(node, field, draft);
    let relation = fields.text("relation", draft).map_or_else(|| "dependsOn".to_owned(), |(_, text)| text);
    let kind = crate::catalog::Dependency::default_kind(&relation);
    let target = fields.required("target", draft);
    let note = fields.text("note", draft).map(|(_, text)| text);
    let Some((target_node, target)) = target else { return };
    match Reference::pointing(&target, &kind, namespace) {
        Ok(target) => {
            let mut value = json!({"relation": relation, "target": target.to_string()});
            if let Some(note) = note {
                value["note"] = note.into();
            }
            draft.push("dependencies", value, node, field);
        }
        Err(reason) => draft.fault(target_node, fields.field("target"), reason),
    }
}
