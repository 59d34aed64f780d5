//! Persons, as admins look at them.

use super::missing;
use crate::Refusal;
use crate::app::App;
use crate::error::of_store;
use bailiwick_domain::ids::IntegrationId;
use bailiwick_store::query::PersonQuery;
use bailiwick_store::rows::{ConflictRow, GroupRef, PersonRow, UserOfPerson};

/// Everything about one person.
#[derive(Debug)]
pub struct PersonReport {
    /// The row.
    pub row: PersonRow,
    /// Their Users, with the integration's name and the groups of each.
    pub users: Vec<(UserOfPerson, String, Vec<GroupRef>)>,
    /// Pairs of the conflict queue they are part of.
    pub conflicts: Vec<ConflictRow>,
}

/// Persons whose name, address or id contains the text.
///
/// # Errors
/// When the store cannot answer.
pub async fn list_persons(app: &App, query: PersonQuery) -> Result<Vec<PersonRow>, Refusal> {
    app.store().persons(query).await.map_err(of_store)
}

/// One person by id.
///
/// # Errors
/// An unknown person, or when the store cannot answer.
pub async fn show_person(app: &App, id: &str) -> Result<PersonReport, Refusal> {
    let row = app.store().person_by_id(id).await.map_err(of_store)?;
    let row =
        row.ok_or_else(|| missing(format!("There is no person with the id \"{id}\". See: bailiwick person list")))?;
    let integrations = app.store().integrations().await.map_err(of_store)?;
    let name = |id: IntegrationId| {
        integrations.iter().find(|row| row.id == id).map_or_else(String::new, |row| row.name.clone())
    };
    let mut users = Vec::new();
    for user in app.store().person_users(row.seq).await.map_err(of_store)? {
        let kind = bailiwick_domain::ids::Kind::User;
        let resource = app.store().resource(user.integration, kind, &user.id, true).await.map_err(of_store)?;
        let groups = resource.map(|resource| resource.groups).unwrap_or_default();
        let integration = name(user.integration);
        users.push((user, integration, groups));
    }
    let conflicts = app.store().conflicts(None).await.map_err(of_store)?;
    let mine = |conflict: &ConflictRow| {
        conflict.person == row.id
            || users.iter().any(|(user, _, _)| conflict.resource.as_deref() == Some(user.id.as_str()))
    };
    let conflicts = conflicts.into_iter().filter(mine).collect();
    Ok(PersonReport { conflicts, users, row })
}
