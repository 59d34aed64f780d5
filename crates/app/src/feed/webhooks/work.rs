//! Delivers: one task for each webhook that has something to do, under a lease for the whole store.
//!
//! What is delivered twice is no harm (the id of a message is that of its event), what is left out would be: a position
//! moves only behind what got through, or is not wanted. An event that does not get through is tried again ever more
//! seldom, and nothing overtakes it; after a day the webhook is switched off, with an event that says so.

use super::courier::Courier;
use super::manage::{KEPT, delivery, guard, told};
use super::record::{self, DELIVERIES, Health, ON, Webhook, health_write};
use super::send::send;
use crate::Refusal;
use crate::app::App;
use crate::error::of_store;
use crate::feed;
use bailiwick_domain::event::EventKind;
use bailiwick_domain::ids::{Millis, prefixed_id};
use bailiwick_store::change::EntryWrite;
use bailiwick_store::{ChangeSet, Error, Guard, Write};
use serde_json::json;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// How often is looked for webhooks.
const TICK: Duration = Duration::from_secs(1);
/// Events read at a time.
const BATCH: u32 = 100;
/// Deliveries after which the position is kept.
const KEEP_EVERY: usize = 20;
/// Events that are not wanted after which the position is kept.
const SKIP_EVERY: i64 = 1_000;
/// When an event is tried again; the last of these counts from then on.
const RETRIES_S: [i64; 6] = [5, 30, 120, 600, 3_600, 21_600];
/// How long nothing gets through before a webhook is switched off.
const GIVE_UP_MS: i64 = 24 * 60 * 60 * 1000;
/// How long the lease lasts, and how much of it must be left.
const LEASE_MS: i64 = 30_000;
const LEASE_LEFT_MS: i64 = 20_000;
const LEASES: &str = "lease";
const LEASE: &str = "webhooks";

/// What is remembered of a webhook between its tasks.
#[derive(Clone, Copy, Debug)]
struct Known {
    version: i64,
    position: i64,
    /// Nothing is to be done before there is an event behind this...
    idle_at: i64,
    /// ...or before this moment.
    not_before: Option<Millis>,
}

/// Delivers for as long as the server runs.
pub async fn run(app: App, courier: Arc<dyn Courier>) {
    let holder = prefixed_id("svr_", app.random());
    let mut known: HashMap<String, Known> = HashMap::new();
    let mut busy: HashMap<tokio::task::Id, String> = HashMap::new();
    let mut tasks: JoinSet<Result<Known, Refusal>> = JoinSet::new();
    loop {
        tokio::time::sleep(TICK).await;
        while let Some(ended) = tasks.try_join_next_with_id() {
            let (id, outcome) = match ended {
                Ok((id, outcome)) => (id, outcome),
                Err(error) => (error.id(), Err(of_store(Error::Broken("a delivery stopped".to_owned())))),
            };
            let Some(webhook) = busy.remove(&id) else { continue };
            match outcome {
                Ok(after) => drop(known.insert(webhook, after)),
                Err(refusal) => {
                    tracing::warn!(webhook, code = refusal.code, "webhook not worked off");
                    known.remove(&webhook);
                }
            }
        }
        let Ok(webhooks) = record::webhooks(&app, Some(ON)).await else { continue };
        if webhooks.is_empty() || !holds_lease(&app, &holder).await {
            known.clear();
            continue;
        }
        let Ok(newest) = feed::newest(&app).await else { continue };
        let now = app.clock().now();
        for webhook in webhooks {
            let before = known.get(&webhook.id).filter(|known| known.version == webhook.version).copied();
            let due = before.is_none_or(|before| match before.not_before {
                Some(moment) => moment <= now,
                None => newest > before.idle_at,
            });
            if due && !busy.values().any(|id| *id == webhook.id) {
                let id = webhook.id.clone();
                let position = before.map(|before| before.position);
                let task = tasks.spawn(work_off(app.clone(), Arc::clone(&courier), webhook, position));
                busy.insert(task.id(), id);
            }
        }
    }
}

/// Whether this process holds the lease; takes or renews it where that is due.
async fn holds_lease(app: &App, holder: &str) -> bool {
    let now = app.clock().now();
    let Ok(row) = app.store().entry(LEASES, LEASE).await else { return false };
    let left = row.as_ref().and_then(|row| row.due).map_or(0, |due| due.0 - now.0);
    let ours = row.as_ref().is_some_and(|row| row.doc.contains(holder));
    if ours && left > LEASE_LEFT_MS {
        return true;
    }
    if !ours && left > 0 {
        return false;
    }
    let write = EntryWrite {
        collection: LEASES.to_owned(),
        id: LEASE.to_owned(),
        parent: None,
        state: None,
        due: Some(Millis(now.0 + LEASE_MS)),
        doc: json!({ "holder": holder }).to_string(),
    };
    let version = row.map_or(0, |row| row.version);
    let guard = Guard::Entry { collection: LEASES.to_owned(), id: LEASE.to_owned(), version };
    let set = ChangeSet { at: now, guards: vec![guard], writes: vec![Write::PutEntry(write)], ..ChangeSet::default() };
    app.store().commit(set).await.is_ok()
}

/// One webhook on its way along the feed.
struct Way {
    app: App,
    webhook: Webhook,
    position: i64,
    /// The position that is stored.
    stored: i64,
    health: Health,
    /// What is to be written with the next step.
    log: Vec<EntryWrite>,
}

async fn work_off(
    app: App,
    courier: Arc<dyn Courier>,
    webhook: Webhook,
    position: Option<i64>,
) -> Result<Known, Refusal> {
    let stored = app.store().position(&webhook.consumer()).await.map_err(of_store)?.unwrap_or(webhook.start);
    let position = position.map_or(stored, |position| position.max(stored));
    let health = record::health(&app, &webhook.id).await?;
    let mut way = Way { app, webhook, position, stored, health, log: Vec::new() };
    if way.health.next_attempt.is_none_or(|next| next <= way.app.clock().now()) {
        way.go(&*courier).await?;
    }
    Ok(Known {
        version: way.webhook.version,
        position: way.position,
        idle_at: way.position,
        not_before: way.health.next_attempt,
    })
}

impl Way {
    /// Goes on until there is nothing to do, something does not get through, or the webhook was changed.
    async fn go(&mut self, courier: &dyn Courier) -> Result<(), Refusal> {
        loop {
            let events = feed::after(&self.app, self.position, BATCH).await?;
            if events.is_empty() {
                return self.keep(false).await.map(drop);
            }
            for told in events {
                if !self.webhook.wants(&told.kind) {
                    self.position = told.seq;
                    continue;
                }
                let data = serde_json::to_value(&told).unwrap_or_default();
                let outcome = send(&self.app, courier, &self.webhook, &told.id, &told.kind, &told.at, data).await?;
                let delivery = delivery(&self.app, &told, self.health.attempts + 1, outcome);
                self.log.push(delivery.write(&self.webhook.id, told.seq)?);
                if !delivery.delivered {
                    let why = delivery.why.or_else(|| delivery.status.map(|status| format!("it answered {status}")));
                    return self.failed(why.unwrap_or_default()).await;
                }
                self.position = told.seq;
                let now = Some(self.app.clock().now());
                self.health = Health { last_success: now, ..Health::default() };
                if self.log.len() >= KEEP_EVERY && !self.keep(true).await? {
                    return Ok(());
                }
            }
            if self.log.is_empty() && self.position - self.stored < SKIP_EVERY {
                continue;
            }
            if !self.keep(true).await? {
                return Ok(());
            }
        }
    }

    /// Notes that an event did not get through, and when to try again; or switches the webhook off.
    async fn failed(&mut self, why: String) -> Result<(), Refusal> {
        let now = self.app.clock().now();
        let since = *self.health.failing_since.get_or_insert(now);
        let wait = RETRIES_S.get(self.health.attempts as usize).or(RETRIES_S.last()).copied().unwrap_or(5);
        self.health.attempts += 1;
        self.health.next_attempt = Some(Millis(now.0 + wait * 1_000));
        self.health.last_error = Some(why);
        if now.0 - since.0 < GIVE_UP_MS {
            return self.keep(true).await.map(drop);
        }
        self.webhook.active = false;
        self.webhook.disabled = Some("Nothing got through for 24 hours.".to_owned());
        let event = told(&self.app, EventKind::WebhookDisable, &self.webhook, json!(["active"]));
        let set = ChangeSet {
            at: now,
            guards: vec![guard(&self.webhook)],
            writes: vec![Write::PutEntry(self.webhook.write()?)],
            events: vec![event],
        };
        self.keep(true).await?;
        match self.app.store().commit(set).await {
            // Somebody changed it meanwhile: it is tried once more as it is now.
            Ok(_) | Err(Error::Stale) => Ok(()),
            Err(error) => Err(of_store(error)),
        }
    }

    /// Stores where it stands. False when the webhook was changed or deleted meanwhile.
    async fn keep(&mut self, health: bool) -> Result<bool, Refusal> {
        if self.log.is_empty() && self.position - self.stored < SKIP_EVERY {
            return Ok(true);
        }
        let id = self.webhook.id.clone();
        let mut writes: Vec<Write> = std::mem::take(&mut self.log).into_iter().map(Write::PutEntry).collect();
        if !writes.is_empty() {
            let kept = record::delivery_rows(&self.app, &id).await?;
            let surplus = (kept.len() + writes.len()).saturating_sub(KEPT);
            let old = kept.into_iter().take(surplus).map(|(row, _)| row);
            writes.extend(old.map(|row| Write::DeleteEntry { collection: DELIVERIES.to_owned(), id: row }));
        }
        if health {
            writes.push(Write::PutEntry(health_write(&id, &self.health)?));
        }
        writes.push(Write::SetPosition { consumer: self.webhook.consumer(), position: self.position });
        let set = ChangeSet {
            at: self.app.clock().now(),
            guards: vec![guard(&self.webhook)],
            writes,
            ..ChangeSet::default()
        };
        match self.app.store().commit(set).await {
            Ok(_) => {
                self.stored = self.position;
                Ok(true)
            }
            // What was delivered is delivered again if its place was not kept: at least once.
            Err(Error::Stale) => match record::webhook(&self.app, &id).await? {
                Some(now) if now.active => {
                    let write = Write::SetPosition { consumer: now.consumer(), position: self.position };
                    let set = ChangeSet { at: self.app.clock().now(), writes: vec![write], ..ChangeSet::default() };
                    self.app.store().commit(set).await.map_err(of_store)?;
                    Ok(false)
                }
                _ => Ok(false),
            },
            Err(error) => Err(of_store(error)),
        }
    }
}
