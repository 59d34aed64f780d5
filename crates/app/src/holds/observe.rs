//! Observe mode: what an integration says is stored, and nothing follows from it until an admin has seen what would.
//!
//! A new User has no person yet; persons who were there before are held. [`observe_integration`] shows the whole
//! difference, [`apply_integration`] carries it out from what is stored: nothing needs to be sent again.

mod adopt;
mod people;

pub use people::{ObservedUser, observed_persons, observed_users};

use super::decide::waiting;
use super::show::{HeldPerson, would_be};
use super::{carry, evaluate, observed};
use crate::Refusal;
use crate::access::{self, Action, Object, Principal};
use crate::app::App;
use crate::attributes::page;
use crate::caller::Integration;
use crate::error::of_store;
use crate::manage::{self, settings_key};
use crate::mapping;
use bailiwick_domain::event::EventKind;
use bailiwick_domain::failure::{self, ProductCode};
use bailiwick_domain::guard::Thresholds;
use bailiwick_domain::ids::{IntegrationId, Kind};
use bailiwick_domain::mapping::{Danger, Effects};
use bailiwick_scim::Code;
use bailiwick_store::change::IntegrationSettings;
use bailiwick_store::rows::ResourceRow;
use bailiwick_store::{ChangeSet, Error, Guard, NewEvent, Write};
use serde_json::json;
use std::collections::BTreeMap;

/// Most people shown of each kind.
const SAMPLE: usize = 100;
/// How often a decision reads and decides again.
const ATTEMPTS: usize = 16;

/// What would follow from what an integration has said.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// Name of the integration.
    pub integration: String,
    /// Whether it is in observe mode.
    pub observing: bool,
    /// Users that would get a person of their own.
    pub create: u64,
    /// Users that would join a person who is there.
    pub link: u64,
    /// Users that would wait in the conflict queue: somebody who signs in here answers to them.
    pub refused: u64,
    /// Pairs that would be opened in the conflict queue.
    pub conflicts: u64,
    /// Persons who wait with changes.
    pub waiting: u64,
    /// Of these, persons who would be switched off or closed.
    pub ended: u64,
    /// Some of the Users, each with what would become of it.
    pub users: Vec<(String, &'static str)>,
    /// Some of the persons who wait.
    pub persons: Vec<HeldPerson>,
    /// Teams, roles and the like, added up.
    pub effects: Effects,
    /// Titles of the teams that change, by id.
    pub team_names: BTreeMap<String, String>,
    /// What is dangerous about it.
    pub dangers: Vec<Danger>,
    /// To apply exactly what was looked at.
    pub basis: String,
}

impl Observed {
    /// Whether applying was interrupted: the mode has ended, and there is something left of what was looked at.
    #[must_use]
    pub fn unfinished(&self) -> bool {
        !self.observing && self.create + self.link + self.waiting > 0
    }
}

/// What applying did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Users that got a person of their own.
    pub created: u64,
    /// Users that joined a person.
    pub linked: u64,
    /// Users that wait in the conflict queue.
    pub refused: u64,
    /// Persons whose changes were carried out.
    pub changed: u64,
    /// Ids of those who stay, because nobody else would be an active admin.
    pub kept_admins: Vec<String>,
}

/// Shows what would follow. Nothing is changed.
///
/// # Errors
/// `forbidden`, an unknown integration, or when the store cannot answer.
pub async fn observe_integration(app: &App, principal: &Principal, name: &str) -> Result<Observed, Refusal> {
    access::require(app, principal, Action::IntegrationRead, &Object::None).await?;
    look(app, name).await
}

async fn look(app: &App, name: &str) -> Result<Observed, Refusal> {
    // Before anything else is read: nobody waits who is not shown, and what comes after this makes the basis stale.
    let position = mapping::quiet(app).await?;
    let integration = &named(app, name).await?;
    let mut seen = Observed {
        integration: integration.name.clone(),
        observing: integration.observe,
        basis: basis(app, integration, position),
        ..Observed::default()
    };
    let mut after = None;
    loop {
        let users = page(app, Kind::User, integration.id, after).await?;
        let without: Vec<ResourceRow> = users.rows.into_iter().filter(|user| user.person.is_none()).collect();
        adopt::look(app, integration, &without, &mut seen).await?;
        after = users.next;
        if after.is_none() {
            break;
        }
        tokio::task::yield_now().await;
    }
    held(app, integration, &mut seen).await?;
    among_all(app, integration, &mut seen).await?;
    let thresholds: Thresholds = integration.thresholds;
    seen.dangers = seen.effects.dangers(thresholds);
    seen.effects.keep_changed_teams();
    seen.team_names = mapping::team_names(app, seen.effects.teams.keys()).await?;
    Ok(seen)
}

/// Adds the persons who wait.
async fn held(app: &App, integration: &Integration, seen: &mut Observed) -> Result<(), Refusal> {
    let all = waiting(app, &observed(integration.id)).await?;
    seen.waiting = all.len() as u64;
    let rules = mapping::current(app).await?;
    for chunk in all.chunks(200) {
        for (outcome, becomes) in evaluate::of_held(app, &rules, chunk, |_| true).await? {
            evaluate::add(&mut seen.effects, &outcome, becomes);
        }
        let persons = would_be(app, chunk).await?;
        seen.ended += persons.iter().filter(|person| person.would_be != person.state).count() as u64;
        let room = SAMPLE.saturating_sub(seen.persons.len());
        seen.persons.extend(persons.into_iter().take(room));
    }
    Ok(())
}

/// Makes of what changes for those who wait what it means for all.
async fn among_all(app: &App, integration: &Integration, seen: &mut Observed) -> Result<(), Refusal> {
    let teams: Vec<String> = seen.effects.teams.keys().cloned().collect();
    let sizes = app.store().team_sizes(Some(&teams)).await.map_err(of_store)?.into_iter().collect();
    let admins = access::admins::active(app, usize::MAX).await?.len() as u64;
    let users = app.store().users_older_than(integration.id, app.clock().now()).await.map_err(of_store)?;
    // Their Users are switched off already.
    seen.effects.among(&sizes, admins, users + seen.ended);
    Ok(())
}

/// Carries out what was looked at and ends observe mode; where that was interrupted, it goes on, whatever the basis.
///
/// # Errors
/// `forbidden`, an unknown integration, one that is not in observe mode, `apply-stale`, or when the store cannot answer.
pub async fn apply_integration(app: &App, principal: &Principal, name: &str, basis: &str) -> Result<Applied, Refusal> {
    access::require(app, principal, Action::IntegrationManage, &Object::None).await?;
    let integration = named(app, name).await?;
    if integration.observe {
        // What waits to be evaluated was said before, too: it belongs to what was looked at.
        mapping::settle_everybody(app).await?;
        end(app, principal, name, basis).await?;
    } else if !look(app, name).await?.unfinished() {
        let detail =
            format!("The integration \"{name}\" is not in observe mode: everything it says is applied at once.");
        return Err(Refusal::new(Code::ValueInvalid, detail));
    }
    // The mode has ended in the commit that found nothing changed since it was looked at: what comes from now on is weighed
    // as ever, also for people whom this has not reached yet. Who is interrupted begins again: what was done is done.
    let mut applied = Applied::default();
    let integration = named(app, name).await?;
    carry_out(app, principal, &integration, &mut applied).await?;
    if named(app, name).await?.observe {
        let detail = format!(
            "\"{name}\" was set to be observed again before everything was applied. Look at what is left and apply it."
        );
        return Err(failure::error(ProductCode::ApplyStale, detail));
    }
    mapping::settle_everybody(app).await?;
    Ok(applied)
}

async fn named(app: &App, name: &str) -> Result<Integration, Refusal> {
    let id = manage::find_integration(app, name).await?.id;
    let integration = app.integration_now(id).await?;
    integration.ok_or_else(|| Refusal::new(Code::NotFound, format!("There is no integration named \"{name}\".")))
}

async fn carry_out(
    app: &App,
    principal: &Principal,
    integration: &Integration,
    applied: &mut Applied,
) -> Result<(), Refusal> {
    let mut after = None;
    loop {
        let users = page(app, Kind::User, integration.id, after).await?;
        for user in users.rows.iter().filter(|user| user.person.is_none()) {
            adopt::adopt(app, integration.id, &user.id, applied).await?;
        }
        after = users.next;
        if after.is_none() {
            break;
        }
        tokio::task::yield_now().await;
    }
    let hold = observed(integration.id);
    let all = waiting(app, &hold).await?;
    let carried = carry::out(app, &hold, &all, principal.actor()).await?;
    applied.changed += carried.done.len() as u64;
    applied.kept_admins = carried.admins;
    Ok(())
}

/// Ends observe mode, if what was looked at still holds.
async fn end(app: &App, principal: &Principal, name: &str, basis: &str) -> Result<(), Refusal> {
    for _ in 0..ATTEMPTS {
        let unchanged = check(app, &named(app, name).await?, basis).await?;
        let id = manage::find_integration(app, name).await?.id;
        let key = settings_key(id);
        let version = app.store().guard(&key).await.map_err(of_store)?;
        let row = manage::find_integration(app, name).await?;
        if !row.settings.observe {
            return Ok(());
        }
        let settings = IntegrationSettings { observe: false, ..row.settings.clone() };
        let payload = json!({ "before": row.settings, "after": settings });
        let event = manage::event(app, EventKind::IntegrationApply, Some(id), None, payload);
        let set = ChangeSet {
            at: app.clock().now(),
            guards: vec![unchanged, Guard::Key { key, version, bump: true }],
            writes: vec![Write::UpdateIntegration { id, settings }],
            events: vec![NewEvent { actor: principal.actor().to_owned(), ..event }],
        };
        match app.store().commit(set).await {
            Ok(_) => return Ok(()),
            Err(Error::Stale) => {}
            Err(error) => return Err(of_store(error)),
        }
    }
    Err(of_store(Error::Stale))
}

/// Ties an application to what was looked at.
fn basis(app: &App, integration: &Integration, position: i64) -> String {
    let id = integration.id.0.to_be_bytes();
    format!("{position}.{}", app.seal(&[b"observe", &id, &position.to_be_bytes()]))
}

/// What holds it true that nothing changed since it was looked at.
async fn check(app: &App, integration: &Integration, said: &str) -> Result<Guard, Refusal> {
    let stale = |detail: String| failure::error(ProductCode::ApplyStale, detail);
    let position = said.split('.').next().and_then(|text| text.parse::<i64>().ok());
    let Some(position) = position.filter(|position| basis(app, integration, *position) == said) else {
        return Err(stale(
            "This is no basis of this integration. Look at what would follow and use its basis.".to_owned(),
        ));
    };
    match mapping::changed_since(app, position).await? {
        mapping::Looked::Changed(what) => {
            Err(stale(format!("Something changed since this was looked at: {what}. Look at it again.")))
        }
        mapping::Looked::Same { position } => Ok(mapping::quiet_since(position)),
    }
}

/// Gives a User its person, if it has none and its integration is not only observed.
pub(crate) async fn adopt_user(app: &App, integration: IntegrationId, user: &str) -> Result<(), Refusal> {
    adopt::adopt(app, integration, user, &mut Applied::default()).await
}
