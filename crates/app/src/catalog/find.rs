//! Finding items, persons and groups by what people call them.

use super::missing;
use crate::Refusal;
use crate::app::App;
use crate::call::resource_type;
use crate::error::of_store;
use bailiwick_domain::catalog::{DEFAULT_NAMESPACE, Kind, Reference};
use bailiwick_domain::ids::Kind as ResourceKind;
use bailiwick_domain::names;
use bailiwick_domain::person::State;
use bailiwick_scim::filter;
use bailiwick_scim::quirks::{Quirks, Repairs};
use bailiwick_scim::{Code, text};
use bailiwick_store::query::{From, PageQuery};
use bailiwick_store::rows::{ItemRow, PersonRow, ResourceRow};
use serde_json::json;

/// Prefix of the ids of teams.
pub(super) const TEAM_ID: &str = "team_";
/// Prefix of the ids of entities.
pub(super) const ENTITY_ID: &str = "ent_";
/// Groups of one name and integration that are told apart.
const SAME_NAME: u64 = 5;

/// Finds an item by its id, by `[kind:][namespace/]name`, or by any alias. `kind` is taken where none is said, and
/// `wanted` limits what may be found.
///
/// # Errors
/// Nothing of that name, or when the store cannot answer.
pub async fn find_item(app: &App, text: &str, kind: &Kind, wanted: impl Fn(&Kind) -> bool) -> Result<ItemRow, Refusal> {
    let row = lookup(app, text, kind).await?.filter(|row| wanted(&super::kind_of(row)));
    row.ok_or_else(|| missing(format!("There is no {kind} called \"{}\" here.", shown(text))))
}

/// Finds a team by its id, name or alias.
pub(super) async fn team(app: &App, text: &str) -> Result<ItemRow, Refusal> {
    find_item(app, text, &Kind::Team, Kind::is_team).await
}

async fn lookup(app: &App, text: &str, kind: &Kind) -> Result<Option<ItemRow>, Refusal> {
    if text.starts_with(TEAM_ID) || text.starts_with(ENTITY_ID) {
        let found = app.store().item(text).await.map_err(of_store)?;
        if found.is_some() {
            return Ok(found);
        }
    }
    match Reference::pointing(text, kind, DEFAULT_NAMESPACE) {
        Ok(reference) => by_reference(app, &reference).await,
        Err(_) => Ok(None),
    }
}

/// The item a reference means.
pub(super) async fn by_reference(app: &App, reference: &Reference) -> Result<Option<ItemRow>, Refusal> {
    app.store().item_by_alias(&reference.space(), &reference.name_key()).await.map_err(of_store)
}

/// Finds a person by id, userName or e-mail address. Who is closed holds no name and is found by id alone.
///
/// # Errors
/// Nobody, or more than one, or when the store cannot answer.
pub async fn find_person(app: &App, text: &str) -> Result<PersonRow, Refusal> {
    match person(app, text).await? {
        Found::One(person) => Ok(*person),
        Found::Nobody => Err(missing(format!("There is no person \"{}\" here.", shown(text)))),
        Found::Several(ids) => {
            let detail = format!("\"{}\" is more than one person: {}. Name one by id.", shown(text), ids.join(", "));
            Err(Refusal::new(Code::ValueInvalid, detail))
        }
    }
}

pub(super) enum Found {
    Nobody,
    One(Box<PersonRow>),
    Several(Vec<String>),
}

/// Who is meant by an id, a userName or an e-mail address.
pub(super) async fn person(app: &App, text: &str) -> Result<Found, Refusal> {
    if text.starts_with("per_") {
        let found = app.store().person_by_id(text).await.map_err(of_store)?;
        if let Some(person) = found {
            return Ok(Found::One(Box::new(person)));
        }
    }
    let emails = [names::email_key(text)];
    let emails = if names::is_email_form(text) { emails.as_slice() } else { &[] };
    let candidates = app.store().candidates(&text::unique_key(text), emails).await.map_err(of_store)?;
    let mut named: Vec<PersonRow> = candidates
        .iter()
        .filter(|candidate| candidate.same_user_name && candidate.person.state != State::Closed)
        .map(|candidate| candidate.person.clone())
        .collect();
    if named.is_empty() {
        named = candidates.into_iter().map(|one| one.person).filter(|one| one.state != State::Closed).collect();
    }
    Ok(match named.len() {
        0 => Found::Nobody,
        1 => Found::One(Box::new(named.remove(0))),
        _ => Found::Several(named.into_iter().map(|person| person.id).collect()),
    })
}

/// As [`person`], but not who is closed: they take nothing on.
pub(super) async fn living(app: &App, text: &str) -> Result<Found, Refusal> {
    Ok(match person(app, text).await? {
        Found::One(person) if person.state == State::Closed => Found::Nobody,
        found => found,
    })
}

/// Finds a group of any integration by its id, or by its displayName where only one group has it.
///
/// # Errors
/// No such group, several of that name, or when the store cannot answer.
pub async fn find_group(app: &App, text: &str) -> Result<ResourceRow, Refusal> {
    let integrations = app.store().integrations().await.map_err(of_store)?;
    for integration in &integrations {
        let found = app.store().resource(integration.id, ResourceKind::Group, text, false).await.map_err(of_store)?;
        if let Some(group) = found {
            return Ok(group);
        }
    }
    let named = json!(text).to_string();
    let mut repairs = Repairs::default();
    let parsed = filter::parse(&format!("displayName eq {named}"), Quirks::none(), &mut repairs)?;
    let kind = resource_type(app, ResourceKind::Group);
    let wanted = filter::resolve(app.registry(), kind, &parsed, filter::Unknown::Refuse, Quirks::none(), &mut repairs)?;
    let mut named = Vec::new();
    for integration in &integrations {
        let query = PageQuery {
            integration: integration.id,
            kind: ResourceKind::Group,
            filter: Some(wanted.clone()),
            sort: None,
            from: From::Offset(0),
            count: SAME_NAME,
            with_groups: false,
            total: false,
            base: app.scim_base().to_owned(),
            etag_key: *app.etag_key(),
        };
        let page = app.store().page(query).await.map_err(of_store)?;
        named.extend(page.rows.into_iter().map(|group| (group, integration.name.as_str())));
    }
    if named.len() > 1 {
        let all: Vec<String> = named.iter().map(|(group, name)| format!("{} ({name})", group.id)).collect();
        let detail = format!("\"{}\" is more than one group: {}. Name one by id.", shown(text), all.join(", "));
        return Err(Refusal::new(Code::ValueInvalid, detail));
    }
    let nothing = || missing(format!("There is no group with the id or name \"{}\".", shown(text)));
    named.pop().map(|(group, _)| group).ok_or_else(nothing)
}

/// A name from outside, cut to what fits a sentence.
pub(super) fn shown(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(80).collect()
}
