//! What admins do with webhooks.

use super::courier::{Courier, Delivered};
use super::record::{self, DELIVERIES, Delivery, HEALTH, Health, MOST, WEBHOOKS, Webhook};
use super::send::{secret, send};
use crate::Refusal;
use crate::access::{Action, Object, Principal, require};
use crate::app::App;
use crate::error::of_store;
use crate::feed;
use bailiwick_domain::event::EventKind;
use bailiwick_domain::ids::{Millis, prefixed_id};
use bailiwick_domain::network::Network;
use bailiwick_scim::Code;
use bailiwick_store::change::NewEvent;
use bailiwick_store::{ChangeSet, Error, Guard, Write};
use serde_json::{Value, json};

/// The setting that names networks which are not public and may be called all the same.
const NETWORKS: &str = "webhook_private_networks";
/// Longest address, in characters.
const URL_CHARS: usize = 2_000;
/// Longest description, in characters.
const DESCRIPTION_CHARS: usize = 200;
/// Most kinds that are named.
const KINDS: usize = 50;
/// How long the secret before is signed with, too.
const OVERLAP_MS: i64 = 24 * 60 * 60 * 1000;
/// Deliveries that are kept.
pub(super) const KEPT: usize = 50;

/// A webhook to be made.
#[derive(Clone, Debug)]
pub struct NewWebhook {
    /// Where to.
    pub url: String,
    /// Kinds of events.
    pub kinds: Vec<String>,
    /// What it is for.
    pub description: String,
}

/// A webhook that was just made, or given another secret: the only place where that is shown.
pub struct Created {
    /// The webhook.
    pub webhook: Webhook,
    /// The secret.
    pub secret: String,
}

impl std::fmt::Debug for Created {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Created").field("webhook", &self.webhook).finish_non_exhaustive()
    }
}

/// What to change; `None` stays.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// Where to.
    pub url: Option<String>,
    /// Kinds of events.
    pub kinds: Option<Vec<String>>,
    /// What it is for.
    pub description: Option<String>,
    /// Whether events are delivered.
    pub active: Option<bool>,
}

/// A webhook and how it fares.
#[derive(Debug)]
pub struct Report {
    /// The webhook.
    pub webhook: Webhook,
    /// How it fares.
    pub health: Health,
}

/// All webhooks, by id.
///
/// # Errors
/// When they are not the caller's to read, or the store cannot answer.
pub async fn list(app: &App, principal: &Principal) -> Result<Vec<Report>, Refusal> {
    require(app, principal, Action::WebhookRead, &Object::None).await?;
    let mut reports = Vec::new();
    for webhook in record::webhooks(app, None).await? {
        reports.push(report(app, webhook).await?);
    }
    Ok(reports)
}

/// One webhook.
///
/// # Errors
/// When it is not the caller's to read, there is none, or the store cannot answer.
pub async fn find(app: &App, principal: &Principal, id: &str) -> Result<Report, Refusal> {
    require(app, principal, Action::WebhookRead, &Object::None).await?;
    report(app, known(app, id).await?).await
}

async fn report(app: &App, webhook: Webhook) -> Result<Report, Refusal> {
    Ok(Report { health: record::health(app, &webhook.id).await?, webhook })
}

async fn known(app: &App, id: &str) -> Result<Webhook, Refusal> {
    let missing = || Refusal::new(Code::NotFound, "There is no webhook of this id. See: bailiwick webhook list");
    record::webhook(app, id).await?.ok_or_else(missing)
}

/// Who sends the journal elsewhere must be allowed to read it.
async fn may_manage(app: &App, principal: &Principal) -> Result<(), Refusal> {
    require(app, principal, Action::WebhookManage, &Object::None).await?;
    require(app, principal, Action::AuditRead, &Object::None).await
}

/// Makes a webhook. It begins with what happens from now on.
///
/// # Errors
/// When the caller may not, the address or a kind cannot be used, there are too many, or the store cannot answer.
pub async fn create(
    app: &App,
    courier: &dyn Courier,
    principal: &Principal,
    new: NewWebhook,
) -> Result<Created, Refusal> {
    may_manage(app, principal).await?;
    check_url(app, courier, &new.url).await?;
    check_kinds(&new.kinds)?;
    check_description(&new.description)?;
    if record::webhooks(app, None).await?.len() >= MOST as usize {
        return Err(invalid(format!("There are {MOST} webhooks already. Delete one first.")));
    }
    let webhook = Webhook {
        id: prefixed_id("whk_", app.random()),
        version: 0,
        created: Millis(0),
        modified: Millis(0),
        url: new.url,
        kinds: new.kinds,
        description: new.description,
        active: true,
        disabled: None,
        start: feed::newest(app).await?,
        secret: secret(app.random()),
        previous: None,
    };
    let event = told(app, EventKind::WebhookCreate, &webhook, Value::Null);
    let set = ChangeSet {
        at: app.clock().now(),
        guards: vec![guard(&webhook)],
        writes: vec![Write::PutEntry(webhook.write()?)],
        events: vec![event],
    };
    app.store().commit(set).await.map_err(of_store)?;
    let (id, secret) = (webhook.id, webhook.secret);
    Ok(Created { webhook: known(app, &id).await?, secret })
}

/// Changes a webhook; with a version, only that version.
///
/// # Errors
/// As [`create`]; and when there is none, or another version is there.
pub async fn change(
    app: &App,
    courier: &dyn Courier,
    principal: &Principal,
    id: &str,
    version: Option<i64>,
    change: Change,
) -> Result<Report, Refusal> {
    may_manage(app, principal).await?;
    if let Some(url) = &change.url {
        check_url(app, courier, url).await?;
    }
    change.kinds.as_deref().map_or(Ok(()), check_kinds)?;
    change.description.as_deref().map_or(Ok(()), check_description)?;
    let revive = change.active == Some(true);
    update(app, id, version, revive, |webhook| {
        let mut changed = Vec::new();
        let mut note = |name: &'static str, differs: bool| {
            if differs {
                changed.push(name)
            }
        };
        if let Some(url) = &change.url {
            note("url", *url != webhook.url);
            webhook.url.clone_from(url);
        }
        if let Some(kinds) = &change.kinds {
            note("kinds", *kinds != webhook.kinds);
            webhook.kinds.clone_from(kinds);
        }
        if let Some(description) = &change.description {
            note("description", *description != webhook.description);
            webhook.description.clone_from(description);
        }
        if let Some(active) = change.active {
            note("active", active != webhook.active || webhook.disabled.is_some());
            (webhook.active, webhook.disabled) = (active, None);
        }
        changed
    })
    .await?;
    find(app, principal, id).await
}

/// Gives a webhook another secret. What is sent within a day is signed with both.
///
/// # Errors
/// When the caller may not, there is no such webhook, or the store cannot answer.
pub async fn rotate(app: &App, principal: &Principal, id: &str) -> Result<Created, Refusal> {
    may_manage(app, principal).await?;
    let fresh = secret(app.random());
    let until = Millis(app.clock().now().0.saturating_add(OVERLAP_MS));
    update(app, id, None, false, |webhook| {
        webhook.previous = Some((std::mem::replace(&mut webhook.secret, fresh.clone()), until));
        vec!["secret"]
    })
    .await?;
    Ok(Created { webhook: known(app, id).await?, secret: fresh })
}

/// Reads, changes and commits until nobody was in between. `revive`: what failed is tried again at once.
async fn update(
    app: &App,
    id: &str,
    version: Option<i64>,
    revive: bool,
    apply: impl Fn(&mut Webhook) -> Vec<&'static str>,
) -> Result<(), Refusal> {
    for _ in 0..crate::manage::ATTEMPTS {
        let mut webhook = known(app, id).await?;
        if version.is_some_and(|version| version != webhook.version) {
            let detail = "Somebody changed the webhook since the version that If-Match names. Read it again first.";
            return Err(Refusal::new(Code::PreconditionFailed, detail));
        }
        let guard = guard(&webhook);
        let changed = apply(&mut webhook);
        if changed.is_empty() {
            return Ok(());
        }
        let mut writes = vec![Write::PutEntry(webhook.write()?)];
        if revive {
            writes.push(Write::DeleteEntry { collection: HEALTH.to_owned(), id: id.to_owned() });
        }
        let event = told(app, EventKind::WebhookChange, &webhook, json!(changed));
        let set = ChangeSet { at: app.clock().now(), guards: vec![guard], writes, events: vec![event] };
        match app.store().commit(set).await {
            Ok(_) => return Ok(()),
            Err(Error::Stale) => {}
            Err(error) => return Err(of_store(error)),
        }
    }
    Err(of_store(Error::Stale))
}

/// Deletes a webhook with its deliveries; with a version, only that version.
///
/// # Errors
/// When the caller may not, there is none, another version is there, or the store cannot answer.
pub async fn delete(app: &App, principal: &Principal, id: &str, version: Option<i64>) -> Result<(), Refusal> {
    may_manage(app, principal).await?;
    for _ in 0..crate::manage::ATTEMPTS {
        let webhook = known(app, id).await?;
        if version.is_some_and(|version| version != webhook.version) {
            let detail = "Somebody changed the webhook since the version that If-Match names. Read it again first.";
            return Err(Refusal::new(Code::PreconditionFailed, detail));
        }
        let gone = |collection: &str, id: String| Write::DeleteEntry { collection: collection.to_owned(), id };
        let mut writes = vec![gone(WEBHOOKS, id.to_owned()), gone(HEALTH, id.to_owned())];
        let deliveries = record::delivery_rows(app, id).await?;
        writes.extend(deliveries.into_iter().map(|(row, _)| gone(DELIVERIES, row)));
        let event = told(app, EventKind::WebhookDelete, &webhook, Value::Null);
        let set = ChangeSet { at: app.clock().now(), guards: vec![guard(&webhook)], writes, events: vec![event] };
        match app.store().commit(set).await {
            Ok(_) => return Ok(()),
            Err(Error::Stale) => {}
            Err(error) => return Err(of_store(error)),
        }
    }
    Err(of_store(Error::Stale))
}

/// Sends something to see whether it arrives. Nothing is kept of it.
///
/// # Errors
/// When the caller may not, there is no such webhook, or the store cannot answer.
pub async fn test(app: &App, courier: &dyn Courier, principal: &Principal, id: &str) -> Result<Delivered, Refusal> {
    may_manage(app, principal).await?;
    let webhook = known(app, id).await?;
    let message = prefixed_id("msg_", app.random());
    let at = app.clock().now().to_string();
    send(app, courier, &webhook, &message, "webhook:test", &at, json!({ "webhook": webhook.id })).await
}

/// The last deliveries, the newest first.
///
/// # Errors
/// When they are not the caller's to read, there is no such webhook, or the store cannot answer.
pub async fn deliveries(app: &App, principal: &Principal, id: &str) -> Result<Vec<Delivery>, Refusal> {
    require(app, principal, Action::WebhookRead, &Object::None).await?;
    known(app, id).await?;
    let rows = record::delivery_rows(app, id).await?;
    Ok(rows.into_iter().rev().take(KEPT).map(|(_, delivery)| delivery).collect())
}

/// Delivers an event once more, now and out of turn.
///
/// # Errors
/// When the caller may not, there is no such webhook or event, the event is not for it, or the store cannot answer.
pub async fn redeliver(
    app: &App,
    courier: &dyn Courier,
    principal: &Principal,
    id: &str,
    event: &str,
) -> Result<Delivery, Refusal> {
    may_manage(app, principal).await?;
    let webhook = known(app, id).await?;
    let told = feed::find(app, principal, event).await?;
    if !webhook.wants(&told.kind) {
        return Err(invalid(format!("The webhook is not for events of the kind {}.", told.kind)));
    }
    let before = record::delivery_rows(app, id).await?.into_iter().find(|(_, delivery)| delivery.event == told.id);
    let attempts = before.map_or(0, |(_, delivery)| delivery.attempts) + 1;
    let data = serde_json::to_value(&told).unwrap_or_default();
    let outcome = send(app, courier, &webhook, &told.id, &told.kind, &told.at, data).await?;
    let delivery = delivery(app, &told, attempts, outcome);
    let write = Write::PutEntry(delivery.write(id, told.seq)?);
    // If the webhook is gone meanwhile, nothing is left behind.
    let set =
        ChangeSet { at: app.clock().now(), guards: vec![guard(&webhook)], writes: vec![write], ..ChangeSet::default() };
    match app.store().commit(set).await {
        Ok(_) | Err(Error::Stale) => Ok(delivery),
        Err(error) => Err(of_store(error)),
    }
}

pub(super) fn delivery(app: &App, told: &feed::Told, attempts: u32, outcome: Delivered) -> Delivery {
    Delivery {
        event: told.id.clone(),
        kind: told.kind.clone(),
        at: app.clock().now(),
        attempts,
        delivered: outcome.well(),
        status: outcome.status,
        why: outcome.why,
        took_ms: u64::try_from(outcome.took.as_millis()).unwrap_or(u64::MAX),
    }
}

/// The networks that are not public and may be called all the same.
///
/// # Errors
/// When the store cannot answer.
pub async fn networks(app: &App) -> Result<Vec<Network>, Refusal> {
    let text = app.store().setting(NETWORKS).await.map_err(of_store)?.unwrap_or_default();
    Network::parse_all(&text).map_err(|why| of_store(Error::Broken(why)))
}

/// Says which networks that are not public may be called: on the host only.
///
/// # Errors
/// A text that names no network, or when the store cannot answer.
pub async fn set_networks(app: &App, text: &str) -> Result<Vec<Network>, Refusal> {
    let networks = Network::parse_all(text).map_err(invalid)?;
    let value = networks.iter().map(Network::to_string).collect::<Vec<_>>().join(",");
    let before = app.store().setting(NETWORKS).await.map_err(of_store)?.unwrap_or_default();
    if before == value {
        return Ok(networks);
    }
    let payload = json!({ "setting": NETWORKS, "before": before, "after": value });
    let event = crate::manage::event(app, EventKind::SettingSet, None, None, payload);
    crate::manage::commit(app, vec![Write::SetSetting { key: NETWORKS.to_owned(), value }], vec![event]).await?;
    Ok(networks)
}

pub(super) fn guard(webhook: &Webhook) -> Guard {
    Guard::Entry { collection: WEBHOOKS.to_owned(), id: webhook.id.clone(), version: webhook.version }
}

/// What the feed tells of a webhook: neither its secret nor the path of its address, which may hold one.
pub(super) fn told(app: &App, kind: EventKind, webhook: &Webhook, changed: Value) -> NewEvent {
    let origin: Vec<&str> = webhook.url.splitn(4, '/').take(3).collect();
    let mut payload = json!({ "webhook": webhook.id, "origin": origin.join("/"), "kinds": webhook.kinds });
    if !changed.is_null() {
        payload["changed"] = changed;
        payload["active"] = json!(webhook.active);
    }
    NewEvent {
        kind,
        integration: None,
        request: app.request_id(),
        resource: None,
        person: None,
        actor: app.actor().to_owned(),
        call: None,
        payload,
        salt: app.random(),
    }
}

async fn check_url(app: &App, courier: &dyn Courier, url: &str) -> Result<(), Refusal> {
    if url.chars().count() > URL_CHARS {
        return Err(invalid(format!("An address has at most {URL_CHARS} characters.")));
    }
    let networks = networks(app).await?;
    courier.check(url, &networks).map_err(|why| invalid(format!("The address cannot be used: {why}.")))
}

fn check_kinds(kinds: &[String]) -> Result<(), Refusal> {
    if kinds.is_empty() || kinds.len() > KINDS {
        return Err(invalid(format!("Name 1 to {KINDS} kinds of events; \"*\" stands for all.")));
    }
    let fits = |kind: &str| EventKind::ALL.iter().any(|known| feed::is_of_kind(known.as_str(), kind));
    match kinds.iter().find(|kind| !fits(kind)) {
        Some(kind) => {
            let shown: String = kind.chars().filter(|char| !char.is_control()).take(60).collect();
            Err(invalid(format!("No event is of the kind \"{shown}\". See the kinds in docs/reference.")))
        }
        None => Ok(()),
    }
}

fn check_description(text: &str) -> Result<(), Refusal> {
    if text.chars().count() > DESCRIPTION_CHARS || text.chars().any(char::is_control) {
        let detail = format!("A description has at most {DESCRIPTION_CHARS} characters and no control characters.");
        return Err(invalid(detail));
    }
    Ok(())
}

fn invalid(detail: impl Into<String>) -> Refusal {
    Refusal::new(Code::ValueInvalid, detail)
}
