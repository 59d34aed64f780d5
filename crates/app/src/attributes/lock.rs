//! Who owns a field of a person.

use crate::Refusal;
use crate::app::App;
use crate::error::of_store;
use bailiwick_domain::attributes::{Mapping, Owner, Profile};
use bailiwick_domain::failure::{self, ProductCode};
use bailiwick_domain::mapping::GrantKind;
use bailiwick_domain::mapping::grant::Origin;
use bailiwick_domain::preset::Preset;
use bailiwick_store::rows::{GrantRow, PersonRow};

/// The integration that decides about a person.
#[derive(Clone, Debug)]
pub struct Provisioner {
    /// Its name.
    pub integration: String,
    /// Its preset.
    pub preset: Preset,
    /// Its mapping.
    pub mapping: Mapping,
}

impl Provisioner {
    /// As [`Profile::lock`] asks for it.
    #[must_use]
    pub fn owner(&self) -> Owner<'_> {
        Owner { integration: &self.integration, preset: self.preset, mapping: &self.mapping }
    }
}

/// The integration of the person's authority User; `None` for a person whom no identity provider decides about.
///
/// # Errors
/// When the store cannot answer.
pub async fn provisioner(app: &App, person: &PersonRow) -> Result<Option<Provisioner>, Refusal> {
    if person.authority.is_none() {
        return Ok(None);
    }
    let users = app.store().person_users(person.seq).await.map_err(of_store)?;
    let Some(authority) = users.into_iter().find(|user| user.authority) else { return Ok(None) };
    let row = app.store().integration(authority.integration).await.map_err(of_store)?;
    Ok(row.map(|row| Provisioner {
        preset: Preset::from_name(&row.preset).unwrap_or(Preset::Generic),
        mapping: super::mapping_of(&row, app.registry()),
        integration: row.name,
    }))
}

/// The fields of a person as they are today: what the document says, and over it the properties that rules give. Where
/// rules give different values it is the one that [`explain`](crate::mapping::explain) shows.
#[must_use]
pub fn profile(person: &PersonRow, grants: &[GrantRow]) -> Profile {
    let mut given: Vec<&GrantRow> = grants.iter().filter(|grant| grant.kind == GrantKind::Property).collect();
    given.sort_by(|one, other| {
        (&one.object, &other.value, &other.origin).cmp(&(&other.object, &one.value, &one.origin))
    });
    let mut profile = Profile::parse(&person.doc);
    for grant in given {
        if let Some(Origin::Rule { rule, .. }) = Origin::parse(&grant.origin)
            && let Ok(value) = serde_json::from_str(&grant.value)
        {
            // The last one stays: the smallest value, of the first rule that gives it.
            profile.lay(&grant.object, value, &rule);
        }
    }
    profile
}

/// Refuses a change by hand of a field that is not free: `title`, `property:badge`, `display`, `email`, `user_name`.
///
/// # Errors
/// `managed-attribute`, which says who owns the field and where it is changed, or when the store cannot answer.
pub async fn check_unlocked(app: &App, person: &PersonRow, fields: &[&str]) -> Result<(), Refusal> {
    let provisioner = provisioner(app, person).await?;
    let grants = app.store().grants_of(person.seq, true).await.map_err(of_store)?;
    let profile = profile(person, &grants);
    let owner = || provisioner.as_ref().map(Provisioner::owner);
    let locks = fields.iter().filter_map(|field| Some((field, profile.lock(field, owner())?)));
    let told: Vec<String> = locks.map(|(field, lock)| format!("{field} is {}: {}", lock.reason, lock.remedy)).collect();
    if told.is_empty() {
        return Ok(());
    }
    Err(failure::error(ProductCode::ManagedAttribute, format!("{}. Nothing was changed.", told.join("; "))))
}
