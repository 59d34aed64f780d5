//! Finding items, persons and groups by what people call them.

use super::missing;
use crate::Refusal;
use crate::app::App;
use crate::error::of_store;
use bailiwick_domain::catalog::{DEFAULT_NAMESPACE, Kind, Reference};
use bailiwick_domain::ids::Kind as ResourceKind;
use bailiwick_domain::names;
use bailiwick_domain::person::State;
use bailiwick_scim::{Code, text};
use bailiwick_store::rows::{ItemRow, PersonRow, ResourceRow};

/// Prefix of the ids of teams.
pub(super) const TEAM_ID: &str = "team_";
/// Prefix of the ids of entities.
pub(super) const ENTITY_ID: &str = "ent_";

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

/// Finds a group by its id within all integrations, or by its displayName within one.
///
/// # Errors
/// No such group, several of that name, or when the store cannot answer.
pub async fn find_group(app: &App, id: &str) -> Result<ResourceRow, Refusal> {
    for integration in app.store().integrations().await.map_err(of_store)? {
        let found = app.store().resource(integration.id, ResourceKind::Group, id, false).await.map_err(of_store)?;
        if let Some(group) = found {
            return Ok(group);
        }
    }
    Err(missing(format!("There is no group with the id \"{}\".", shown(id))))
}

/// A name from outside, cut to what fits a sentence.
pub(super) fn shown(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(80).collect()
}
