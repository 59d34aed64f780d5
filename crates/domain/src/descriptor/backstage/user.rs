//! Backstage's User: somebody, not an item of the catalog.

use super::super::draft::{Draft, Fields};
use super::super::{Content, Descriptor, Membership, Person};
use super::{API_VERSION, OWN, refuse_left};
use crate::catalog::{DEFAULT_NAMESPACE, Kind, Reference, check_name};
use crate::names;
use crate::yaml::{self, Node, Value};
use bailiwick_scim::Object;
use serde_json::Value as Json;

/// Reads a User.
pub(super) fn person(
    root: &Node,
    top: &Fields<'_>,
    version: Option<String>,
    mut draft: Draft,
    kind: &str,
) -> Descriptor {
    let empty = Node { value: Value::Mapping(Vec::new()), line: root.line, column: root.column };
    let mut metadata = Fields::of(root.get("metadata").unwrap_or(&empty), "metadata", &mut draft);
    let mut spec = Fields::of(root.get("spec").unwrap_or(&empty), "spec", &mut draft);
    let name = if metadata.node().entries().is_some() { metadata.required("name", &mut draft) } else { None };
    if let Some((node, name)) = &name
        && let Err(reason) = check_name(name)
    {
        draft.fault(node, "metadata.name", reason);
    }
    let namespace = metadata.text("namespace", &mut draft).map(|(_, text)| text.to_ascii_lowercase());
    let within = namespace.clone().unwrap_or_else(|| DEFAULT_NAMESPACE.to_owned());
    let title = metadata.text("title", &mut draft);
    let mut profile = Fields::of(spec.take("profile").unwrap_or(&empty), "spec.profile", &mut draft);
    let display = profile.text("displayName", &mut draft);
    let email = profile.text("email", &mut draft);
    let picture = profile.text("picture", &mut draft);
    if let Some((node, address)) = &email
        && !names::is_email_form(address)
    {
        draft.fault(node, "spec.profile.email", format!("{} is no e-mail address", yaml::shown(address)));
    }
    let mut teams = teams(&mut spec, &within, &mut draft);
    if let Some(own) = metadata.take(OWN) {
        roles(own, &within, &mut teams, &mut draft);
    }
    let shown = display.or(title.clone()).or(name.clone());
    if let Some((node, text)) = &shown
        && let Some(reason) = names::line_fault(text)
    {
        draft.fault(node, "spec.profile.displayName", reason);
    }
    let parts = [("metadata", metadata.rest()), ("spec", spec.rest()), ("profile", profile.rest())];
    let unknown = kept(top, parts, version, title.map(|(_, text)| text));
    let name = name.map(|(_, name)| name);
    let person = Person {
        name: name.clone(),
        namespace,
        display: shown.map(|(_, text)| text).unwrap_or_default(),
        email: email.map(|(_, address)| address),
        teams,
        fields: picture.into_iter().map(|(_, url)| ("photo".to_owned(), url)).collect(),
        unknown,
    };
    draft.finish(kind, name.unwrap_or_default(), Some(Content::Person(Box::new(person))))
}

/// The teams this person belongs to, as far as they are said.
fn teams(spec: &mut Fields<'_>, within: &str, draft: &mut Draft) -> Vec<Membership> {
    let mut teams = Vec::new();
    for (node, text, field) in spec.texts("memberOf", draft) {
        match Reference::pointing(&text, &Kind::Team, within) {
            Ok(team) if team.kind.is_team() => teams.push(Membership { team, role: None }),
            Ok(other) => draft.fault(node, field, format!("a team is expected, not a {}", other.kind)),
            Err(reason) => draft.fault(node, field, reason),
        }
    }
    teams
}

/// The membership roles that stand under `metadata.bailiwick`: `{team, role}`, for teams that `spec.memberOf` names.
fn roles(node: &Node, within: &str, teams: &mut [Membership], draft: &mut Draft) {
    let mut own = Fields::of(node, "metadata.bailiwick", draft);
    for (node, field) in own.list("roles", draft) {
        let mut entry = Fields::of(node, &field, draft);
        let (team, role) = (entry.required("team", draft), entry.required("role", draft));
        refuse_left(&entry, "membership", draft);
        let (Some((place, text)), Some((_, role))) = (team, role) else { continue };
        let team = Reference::pointing(&text, &Kind::Team, within);
        match teams.iter_mut().find(|one| Ok(&one.team) == team.as_ref()) {
            Some(membership) => membership.role = Some(role),
            None => draft.fault(place, entry.field("team"), "is no team that spec.memberOf names"),
        }
    }
    refuse_left(&own, "User", draft);
}

/// What is said besides, for the export.
fn kept(top: &Fields<'_>, parts: [(&str, Object); 3], version: Option<String>, title: Option<String>) -> Object {
    let mut unknown = top.rest();
    unknown.extend(version.filter(|text| text != API_VERSION).map(|text| ("apiVersion".to_owned(), text.into())));
    unknown.extend(title.map(|text| ("title".to_owned(), text.into())));
    let parts = parts.into_iter().filter(|(_, rest)| !rest.is_empty());
    unknown.extend(parts.map(|(part, rest)| (part.to_owned(), Json::Object(rest))));
    unknown
}
