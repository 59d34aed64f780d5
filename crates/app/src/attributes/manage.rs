//! The attribute mapping of an integration, as admins see and change it.

use super::mapping_of;
use crate::Refusal;
use crate::access::{self, Action, Object, Principal};
use crate::app::App;
use crate::catalog;
use crate::error::of_store;
use crate::manage;
use bailiwick_domain::attributes::{Fault, Field, Mapping};
use bailiwick_domain::event::EventKind;
use bailiwick_domain::failure::{self, ProductCode};
use bailiwick_domain::preset::Preset;
use bailiwick_store::change::{Dirty, IntegrationSettings};
use bailiwick_store::{ChangeSet, Error, Guard, NewEvent, Write};
use serde_json::{Value, json};

/// How often a command reads and decides again.
const ATTEMPTS: usize = 16;
/// Most faults told at once.
const FAULTS_TOLD: usize = 20;

/// A mapping as it holds.
#[derive(Clone, Debug)]
pub struct MappingShown {
    /// Name of the integration.
    pub integration: String,
    /// The mapping.
    pub mapping: Mapping,
    /// Nobody has set one: the attributes of the RFC are taken.
    pub standard: bool,
}

/// Shows the mapping of an integration.
///
/// # Errors
/// `forbidden`, an unknown integration, or when the store cannot answer.
pub async fn show_mapping(app: &App, principal: &Principal, name: &str) -> Result<MappingShown, Refusal> {
    access::require(app, principal, Action::IntegrationRead, &Object::None).await?;
    let row = manage::find_integration(app, name).await?;
    let mapping = mapping_of(&row, app.registry());
    Ok(MappingShown { integration: row.name, standard: mapping.is_standard(), mapping })
}

/// Sets the mapping of an integration; `null` goes back to the standard one. Everybody whom the integration provisions
/// is looked at again in the background.
///
/// # Errors
/// `forbidden`, an unknown integration, `mapping-form` with every fault, or when the store cannot answer.
pub async fn save_mapping(
    app: &App,
    principal: &Principal,
    name: &str,
    value: &Value,
) -> Result<MappingShown, Refusal> {
    access::require(app, principal, Action::IntegrationManage, &Object::None).await?;
    let own = read(app, value).await?;
    for _ in 0..ATTEMPTS {
        let id = manage::find_integration(app, name).await?.id;
        let version = app.store().guard(&manage::settings_key(id)).await.map_err(of_store)?;
        let row = manage::find_integration(app, name).await?;
        let text = own.as_ref().map(|mapping| mapping.to_json().to_string());
        let shown = |row: &bailiwick_store::rows::IntegrationRow| {
            let mapping = mapping_of(row, app.registry());
            MappingShown { integration: row.name.clone(), standard: mapping.is_standard(), mapping }
        };
        if text == row.settings.mapping {
            return Ok(shown(&row));
        }
        let (before, settings) =
            (row.settings.mapping.clone(), IntegrationSettings { mapping: text, ..row.settings.clone() });
        let payload = json!({ "before": json_of(before.as_deref()), "after": json_of(settings.mapping.as_deref()) });
        let event = manage::event(app, EventKind::IntegrationMapping, Some(row.id), None, payload);
        let set = ChangeSet {
            at: app.clock().now(),
            guards: vec![Guard::Key { key: manage::settings_key(row.id), version, bump: true }],
            writes: vec![
                Write::UpdateIntegration { id: row.id, settings: settings.clone() },
                Write::MarkDirty(Dirty::Integration(row.id)),
            ],
            events: vec![NewEvent { actor: principal.actor().to_owned(), ..event }],
        };
        match app.store().commit(set).await {
            Ok(_) => {
                app.mapping().wake();
                return Ok(shown(&bailiwick_store::rows::IntegrationRow { settings, ..row }));
            }
            Err(Error::Stale) => {}
            Err(error) => return Err(of_store(error)),
        }
    }
    Err(of_store(Error::Stale))
}

fn json_of(text: Option<&str>) -> Value {
    text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

/// Reads a mapping as said by an admin; `None` for `null`.
pub(super) async fn read(app: &App, value: &Value) -> Result<Option<Mapping>, Refusal> {
    if value.is_null() {
        return Ok(None);
    }
    mapping(app, value).await?.map(Some).map_err(|faults| form(&faults))
}

/// What is wrong with a mapping as said by an admin, each fault with its place.
///
/// # Errors
/// When the store cannot answer.
pub async fn faults(app: &App, value: &Value) -> Result<Vec<Fault>, Refusal> {
    if value.is_null() {
        return Ok(Vec::new());
    }
    Ok(mapping(app, value).await?.err().unwrap_or_default())
}

async fn mapping(app: &App, value: &Value) -> Result<Result<Mapping, Vec<Fault>>, Refusal> {
    let mapping = match Mapping::parse(value, app.registry()) {
        Ok(mapping) => mapping,
        Err(faults) => return Ok(Err(faults)),
    };
    let faults = match mapping.fields().any(|field| matches!(field, Field::Property(_))) {
        true => mapping.misfits(&catalog::standards(app).await?.properties),
        false => Vec::new(),
    };
    Ok(if faults.is_empty() { Ok(mapping) } else { Err(faults) })
}

/// The mapping that a value asks for, in effect.
pub(super) async fn candidate(app: &App, preset: &str, value: &Value) -> Result<Mapping, Refusal> {
    let preset = Preset::from_name(preset).unwrap_or(Preset::Generic);
    Ok(read(app, value).await?.unwrap_or_else(|| Mapping::standard(preset, app.registry())))
}

/// The refusal of a mapping with faults.
#[must_use]
pub fn form(faults: &[Fault]) -> Refusal {
    let mut told: Vec<String> = faults.iter().take(FAULTS_TOLD).map(Fault::to_string).collect();
    if faults.len() > FAULTS_TOLD {
        told.push(format!("and {} more", faults.len() - FAULTS_TOLD));
    }
    failure::error(ProductCode::MappingForm, format!("The attribute mapping cannot be used: {}.", told.join("; ")))
}
