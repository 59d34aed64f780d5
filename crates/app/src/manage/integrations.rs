//! Integrations: connected directories, side by side and isolated from each other.

use super::tokens::{self, TokenMade};
use super::{ATTEMPTS, commit_guarded, event, invalid, named, taken};
use crate::Refusal;
use crate::app::App;
use crate::error::of_store;
use crate::journal::{FailureSummary, failure_groups};
use bailiwick_domain::event::EventKind;
use bailiwick_domain::failure::{self, ProductCode};
use bailiwick_domain::ids::IntegrationId;
use bailiwick_domain::names;
use bailiwick_domain::preset::Preset;
use bailiwick_scim::Code;
use bailiwick_scim::quirks::Quirk;
use bailiwick_scim::quirks::Quirks;
use bailiwick_store::change::{self, IntegrationSettings};
use bailiwick_store::rows::{CallTotal, DomainRow, IntegrationRow, TokenRow};
use bailiwick_store::{ChangeSet, Constraint, Error, Guard, Write};
use serde_json::json;

/// Highest rate limit that can be set.
pub const RATE_MAX_PER_SECOND: u32 = 1_000_000;

/// What an admin says when connecting a directory.
#[derive(Clone, Debug)]
pub struct NewIntegration {
    /// Name, `[a-z0-9][a-z0-9-]{0,62}`.
    pub name: String,
    /// Preset.
    pub preset: Preset,
    /// Requests a second; `None` the default, `Some(0)` off.
    pub rate_limit: Option<u32>,
    /// Only stores what it says, until an admin has seen what would follow and applies it.
    pub observe: bool,
}

/// A new integration and its first token.
#[derive(Debug)]
pub struct CreatedIntegration {
    /// Id.
    pub id: IntegrationId,
    /// Name.
    pub name: String,
    /// URL to paste into the identity provider.
    pub scim_url: String,
    /// The first token: shown this once.
    pub token: TokenMade,
}

/// Connects a directory: an integration with its first token.
///
/// # Errors
/// A bad or taken name, or when the store cannot answer.
pub async fn create_integration(app: &App, new: NewIntegration) -> Result<CreatedIntegration, Refusal> {
    names::integration_name(&new.name).map_err(invalid)?;
    check_rate(new.rate_limit)?;
    let settings = IntegrationSettings {
        quirks: new.preset.quirks().bits(),
        rate_limit: new.rate_limit,
        observe: new.observe,
        ..IntegrationSettings::default()
    };
    let (token, text) = tokens::draw(app, "first", None)?;
    let made = tokens::made(&token, &new.name, text);
    let payload = json!({ "name": new.name, "preset": new.preset.as_str(), "settings": settings });
    let created = event(app, EventKind::IntegrationCreate, None, None, payload);
    let mut token_created =
        event(app, EventKind::TokenCreate, None, None, json!({ "token": token.id, "label": token.label }));
    token_created.request.clone_from(&created.request);
    let row = change::NewIntegration { name: new.name.clone(), preset: new.preset.as_str().to_owned(), settings };
    let set = ChangeSet {
        at: app.clock().now(),
        guards: Vec::new(),
        writes: vec![Write::InsertIntegration(row), Write::InsertToken(token)],
        events: vec![created, token_created],
    };
    let committed = app.store().commit(set).await.map_err(|error| match error {
        Error::Conflict(Constraint::IntegrationName) => {
            taken(format!("An integration named \"{}\" exists already. Choose another name.", new.name))
        }
        error => of_store(error),
    })?;
    let id = committed.integration.ok_or_else(|| of_store(Error::Broken("no id for an integration".to_owned())))?;
    Ok(CreatedIntegration { id, name: new.name, scim_url: app.scim_base().to_owned(), token: made })
}

/// All integrations.
///
/// # Errors
/// When the store cannot answer.
pub async fn list_integrations(app: &App) -> Result<Vec<IntegrationRow>, Refusal> {
    app.store().integrations().await.map_err(of_store)
}

/// One integration by its name.
///
/// # Errors
/// An unknown integration, or when the store cannot answer.
pub async fn find_integration(app: &App, name: &str) -> Result<IntegrationRow, Refusal> {
    named(app, name).await
}

/// Everything about one integration.
#[derive(Debug)]
pub struct IntegrationReport {
    /// The row: settings, counts, last calls.
    pub row: IntegrationRow,
    /// Quirks that are on.
    pub quirks: Quirks,
    /// Calls by result.
    pub calls: Vec<CallTotal>,
    /// Its tokens.
    pub tokens: Vec<TokenRow>,
    /// Its domains.
    pub domains: Vec<DomainRow>,
    /// Failures, grouped, with cause and remedy.
    pub failures: Vec<FailureSummary>,
    /// Pairs waiting in the conflict queue.
    pub open_conflicts: usize,
}

/// Shows an integration.
///
/// # Errors
/// An unknown integration, or when the store cannot answer.
pub async fn show_integration(app: &App, name: &str) -> Result<IntegrationReport, Refusal> {
    app.flush().await;
    let row = named(app, name).await?;
    let id = row.id;
    let store = app.store();
    let domains = store.domains().await.map_err(of_store)?;
    let conflicts = store.conflicts(Some("open")).await.map_err(of_store)?;
    Ok(IntegrationReport {
        quirks: Quirks::from_bits(row.settings.quirks),
        calls: store.call_totals(id).await.map_err(of_store)?,
        tokens: store.tokens(Some(id)).await.map_err(of_store)?,
        domains: domains.into_iter().filter(|domain| domain.integration == id).collect(),
        failures: failure_groups(app, Some(id), None).await?,
        open_conflicts: conflicts.iter().filter(|conflict| conflict.integration == id).count(),
        row,
    })
}

/// Refuses its calls until it is resumed; nothing it provisioned changes.
///
/// # Errors
/// An unknown integration, or when the store cannot answer.
pub async fn pause_integration(app: &App, name: &str) -> Result<(), Refusal> {
    change(app, name, EventKind::IntegrationPause, None, |settings| settings.paused = true).await
}

/// Takes its calls again.
///
/// # Errors
/// An unknown integration, or when the store cannot answer.
pub async fn resume_integration(app: &App, name: &str) -> Result<(), Refusal> {
    change(app, name, EventKind::IntegrationResume, None, |settings| settings.paused = false).await
}

/// A setting of an integration.
#[derive(Clone, Debug)]
pub enum Setting {
    /// Switches one quirk.
    Quirk(Quirk, bool),
    /// Requests a second; `None` the default, `Some(0)` off.
    RateLimit(Option<u32>),
    /// The sign-in claim and the attribute it must equal, e.g. `oid=externalId`.
    SignInClaim(Option<String>),
    /// Whether userName must be an e-mail address.
    UserNameEmail(bool),
    /// The share of its people in per cent that it may remove within an hour without asking.
    GuardPercent(u32),
    /// How many people it may remove within an hour whatever the share.
    GuardPeople(u32),
    /// Only stores what it says from now on.
    Observe,
}

fn check_rate(limit: Option<u32>) -> Result<(), Refusal> {
    match limit {
        Some(limit) if limit > RATE_MAX_PER_SECOND => {
            Err(invalid(format!("A rate limit is at most {RATE_MAX_PER_SECOND} calls a second; 0 is none.")))
        }
        _ => Ok(()),
    }
}

/// The version of an integration's settings: different after every change.
///
/// # Errors
/// When the store cannot answer.
pub async fn integration_version(app: &App, id: IntegrationId) -> Result<i64, Refusal> {
    app.store().guard(&settings_key(id)).await.map_err(of_store)
}

/// The key of the guard that a change of settings bumps, and that whoever decided by them compares.
pub(crate) fn settings_key(id: IntegrationId) -> String {
    format!("integration/{}", id.0)
}

/// Changes settings.
///
/// # Errors
/// As [`set_integration_at`].
pub async fn set_integration(app: &App, name: &str, chosen: Vec<Setting>) -> Result<(), Refusal> {
    set_integration_at(app, name, None, chosen).await
}

/// Changes settings; with a version, only those of that version.
///
/// # Errors
/// An unknown integration, a malformed setting, another version, or when the store cannot answer.
pub async fn set_integration_at(
    app: &App,
    name: &str,
    version: Option<i64>,
    chosen: Vec<Setting>,
) -> Result<(), Refusal> {
    for setting in &chosen {
        match setting {
            Setting::SignInClaim(Some(claim)) => names::sign_in_claim(claim).map_err(invalid)?,
            Setting::RateLimit(limit) => check_rate(*limit)?,
            Setting::GuardPercent(percent) if *percent > 100 => {
                return Err(invalid("The share of people is given in per cent: 0 to 100."));
            }
            _ => {}
        }
    }
    let apply = |settings: &mut IntegrationSettings| {
        for setting in &chosen {
            match setting {
                Setting::Quirk(quirk, on) => {
                    let quirks = Quirks::from_bits(settings.quirks);
                    settings.quirks = if *on { quirks.with(*quirk) } else { quirks.without(*quirk) }.bits();
                }
                Setting::RateLimit(limit) => settings.rate_limit = *limit,
                Setting::SignInClaim(claim) => settings.sign_in_claim.clone_from(claim),
                Setting::UserNameEmail(on) => settings.user_name_email = *on,
                Setting::GuardPercent(percent) => settings.guard_percent = *percent,
                Setting::GuardPeople(people) => settings.guard_people = *people,
                Setting::Observe => settings.observe = true,
            }
        }
    };
    change(app, name, EventKind::IntegrationSet, version, apply).await
}

/// Changes the settings that are there: of two who change at once, the second changes what the first made of them.
async fn change(
    app: &App,
    name: &str,
    kind: EventKind,
    expected: Option<i64>,
    apply: impl Fn(&mut IntegrationSettings),
) -> Result<(), Refusal> {
    for _ in 0..ATTEMPTS {
        let id = named(app, name).await?.id;
        let version = integration_version(app, id).await?;
        if expected.is_some_and(|expected| expected != version) {
            let detail = "Somebody changed the integration since the version that If-Match names. Read it again first.";
            return Err(Refusal::new(Code::PreconditionFailed, detail));
        }
        // Read after the version: what the guard holds true is at least as old.
        let row = named(app, name).await?;
        let mut settings = row.settings.clone();
        apply(&mut settings);
        if settings == row.settings {
            return Ok(());
        }
        let payload = json!({ "before": row.settings, "after": settings });
        let set = ChangeSet {
            at: app.clock().now(),
            guards: vec![Guard::Key { key: settings_key(id), version, bump: true }],
            writes: vec![Write::UpdateIntegration { id: row.id, settings }],
            events: vec![event(app, kind, Some(row.id), None, payload)],
        };
        if commit_guarded(app, set).await?.is_some() {
            return Ok(());
        }
    }
    Err(of_store(Error::Stale))
}

/// Deletes an integration with everything it provisioned. Persons it leaves without User and local account are closed.
///
/// # Errors
/// An unknown integration, one whose deletion would remove the last active admin, or when the store cannot answer.
pub async fn delete_integration(app: &App, name: &str) -> Result<(), Refusal> {
    for _ in 0..ATTEMPTS {
        let row = named(app, name).await?;
        let payload = json!({ "name": row.name, "users": row.users, "groups": row.groups });
        let set = ChangeSet {
            at: app.clock().now(),
            guards: vec![admins_without(app, row.id).await?],
            writes: vec![Write::DeleteIntegration(row.id), crate::leaver::leave_with(row.id)],
            events: vec![event(app, EventKind::IntegrationDelete, Some(row.id), None, payload)],
        };
        if commit_guarded(app, set).await?.is_some() {
            return Ok(());
        }
    }
    Err(of_store(Error::Stale))
}

/// Refuses when no active admin would be left without this integration; the guard holds that answer true.
async fn admins_without(app: &App, integration: IntegrationId) -> Result<Guard, Refusal> {
    let guard = crate::directory::admins_guard(app).await?;
    let admins = crate::access::admins::active(app, usize::MAX).await?;
    for admin in &admins {
        let users = app.store().person_users(admin.seq).await.map_err(of_store)?;
        if users.iter().all(|user| user.integration != integration) {
            return Ok(guard);
        }
    }
    if admins.is_empty() {
        return Ok(guard);
    }
    Err(failure::error(
        ProductCode::LastAdmin,
        "Every active admin is linked to this integration. Make another with: bailiwick admin create",
    ))
}
