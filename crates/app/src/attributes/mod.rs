//! Attributes of persons: what an integration's mapping makes of a User, who owns a field, and changing the mapping.
//!
//! A directory's call writes the fields in its own commit ([`fresh`], [`follow`]); a new mapping is previewed, saved and
//! carried out person by person in the background.

mod lock;
mod manage;
mod preview;
mod settle;

pub use lock::{Provisioner, check_unlocked, profile, provisioner};
pub use manage::{MappingShown, faults, form, save_mapping, show_mapping};
pub(crate) use preview::page;
pub use preview::preview_mapping;
pub(crate) use settle::settle;

use crate::caller::Integration;
use crate::manage::settings_key;
use bailiwick_domain::attributes::{Mapping, Profile};
use bailiwick_domain::preset::Preset;
use bailiwick_scim::Object;
use bailiwick_scim::schema::Registry;
use bailiwick_store::Guard;
use bailiwick_store::rows::IntegrationRow;

/// The mapping of an integration: its own, else the standard one.
pub(crate) fn mapping_of(row: &IntegrationRow, registry: &Registry) -> Mapping {
    match &row.settings.mapping {
        Some(text) => Mapping::stored(text, registry),
        None => Mapping::standard(Preset::from_name(&row.preset).unwrap_or(Preset::Generic), registry),
    }
}

/// Holds as long as the integration's mapping and mode are those the call knows.
pub(crate) fn settings_guard(integration: &Integration) -> Guard {
    Guard::Key { key: settings_key(integration.id), version: integration.settings_version, bump: false }
}

/// The document of a person who is made from a User.
pub(crate) fn fresh(mapping: &Mapping, user: &str, document: &Object) -> String {
    let mut profile = Profile::default();
    profile.follow(user, mapping, mapping.derive(document));
    profile.to_text()
}

/// Whether a changed User says something else about its person.
pub(crate) fn differs(mapping: &Mapping, before: &Object, after: &Object) -> bool {
    mapping.derive(before) != mapping.derive(after)
}

/// The document of a person whose authority User says this; `None` when it stays as it is.
pub(crate) fn follow(mapping: &Mapping, doc: &str, user: &str, document: &Object) -> Option<String> {
    let before = Profile::parse(doc);
    let mut after = before.clone();
    after.follow(user, mapping, mapping.derive(document));
    (after != before).then(|| after.to_text())
}
