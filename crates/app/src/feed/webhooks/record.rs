//! What is kept of webhooks.

use crate::Refusal;
use crate::app::App;
use crate::error::of_store;
use bailiwick_domain::ids::Millis;
use bailiwick_store::Error;
use bailiwick_store::change::EntryWrite;
use bailiwick_store::query::EntryQuery;
use bailiwick_store::rows::EntryRow;
use serde::{Deserialize, Serialize};

pub(super) const WEBHOOKS: &str = "webhook";
pub(super) const HEALTH: &str = "webhook-health";
pub(super) const DELIVERIES: &str = "webhook-delivery";
/// The state of a webhook to which is delivered; every other is `off`.
pub(super) const ON: &str = "on";
/// Most webhooks of a store.
pub(super) const MOST: u32 = 50;

/// A webhook.
#[derive(Clone, Serialize, Deserialize)]
pub struct Webhook {
    /// Id, `whk_...`.
    #[serde(skip)]
    pub id: String,
    /// Version, for guards.
    #[serde(skip)]
    pub version: i64,
    /// Made.
    #[serde(skip)]
    pub created: Millis,
    /// Changed.
    #[serde(skip)]
    pub modified: Millis,
    /// Where to.
    pub url: String,
    /// Kinds of events; one that ends in `*` stands for all that begin so.
    pub kinds: Vec<String>,
    /// What it is for.
    pub description: String,
    /// Whether events are delivered.
    pub active: bool,
    /// Why it was switched off, if not by somebody.
    pub disabled: Option<String>,
    /// Sequence behind which it begins.
    pub start: i64,
    /// `whsec_` and base64.
    pub(super) secret: String,
    /// The secret before, with which is signed, too, until that moment.
    pub(super) previous: Option<(String, Millis)>,
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhook").field("id", &self.id).field("active", &self.active).finish_non_exhaustive()
    }
}

impl Webhook {
    /// Whether an event of this kind is to be delivered.
    #[must_use]
    pub fn wants(&self, kind: &str) -> bool {
        self.kinds.iter().any(|asked| crate::feed::is_of_kind(kind, asked))
    }

    pub(super) fn of_row(row: EntryRow) -> Result<Self, Refusal> {
        let mut webhook: Self = parsed(&row.doc)?;
        (webhook.id, webhook.version, webhook.created, webhook.modified) =
            (row.id, row.version, row.created, row.modified);
        Ok(webhook)
    }

    pub(super) fn write(&self) -> Result<EntryWrite, Refusal> {
        Ok(EntryWrite {
            collection: WEBHOOKS.to_owned(),
            id: self.id.clone(),
            parent: None,
            state: Some(if self.active { ON } else { "off" }.to_owned()),
            due: None,
            doc: text(self)?,
        })
    }

    /// Name of its place in the feed.
    pub(super) fn consumer(&self) -> String {
        format!("webhook/{}", self.id)
    }
}

/// How a webhook fares.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// Since when nothing gets through.
    pub failing_since: Option<Millis>,
    /// Attempts at the event that does not get through.
    pub attempts: u32,
    /// When the next one is made.
    pub next_attempt: Option<Millis>,
    /// Why the last one failed.
    pub last_error: Option<String>,
    /// When something got through last.
    pub last_success: Option<Millis>,
}

/// An attempt to deliver an event, the last one at it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Id of the event, `evt_12`.
    pub event: String,
    /// Kind of the event.
    pub kind: String,
    /// When.
    pub at: Millis,
    /// How many attempts were made.
    pub attempts: u32,
    /// Whether it got through.
    pub delivered: bool,
    /// Status of the answer, if there was one.
    pub status: Option<u16>,
    /// Why not.
    pub why: Option<String>,
    /// Milliseconds it took.
    pub took_ms: u64,
}

impl Delivery {
    pub(super) fn write(&self, webhook: &str, seq: i64) -> Result<EntryWrite, Refusal> {
        Ok(EntryWrite {
            collection: DELIVERIES.to_owned(),
            // In the order of ids they are in the order of the feed.
            id: format!("{webhook}/{seq:020}"),
            parent: Some(webhook.to_owned()),
            state: None,
            due: None,
            doc: text(self)?,
        })
    }
}

/// A webhook by id.
pub(super) async fn webhook(app: &App, id: &str) -> Result<Option<Webhook>, Refusal> {
    app.store().entry(WEBHOOKS, id).await.map_err(of_store)?.map(Webhook::of_row).transpose()
}

/// Webhooks, by id.
pub(super) async fn webhooks(app: &App, state: Option<&str>) -> Result<Vec<Webhook>, Refusal> {
    let query = EntryQuery {
        collection: WEBHOOKS.to_owned(),
        state: state.map(str::to_owned),
        limit: MOST,
        ..EntryQuery::default()
    };
    app.store().entries(query).await.map_err(of_store)?.into_iter().map(Webhook::of_row).collect()
}

/// How a webhook fares.
pub(super) async fn health(app: &App, id: &str) -> Result<Health, Refusal> {
    let row = app.store().entry(HEALTH, id).await.map_err(of_store)?;
    row.map_or_else(|| Ok(Health::default()), |row| parsed(&row.doc))
}

pub(super) fn health_write(id: &str, health: &Health) -> Result<EntryWrite, Refusal> {
    Ok(EntryWrite {
        collection: HEALTH.to_owned(),
        id: id.to_owned(),
        parent: Some(id.to_owned()),
        state: None,
        due: None,
        doc: text(health)?,
    })
}

/// The deliveries of a webhook that are kept, in the order of the feed, with their ids.
pub(super) async fn delivery_rows(app: &App, id: &str) -> Result<Vec<(String, Delivery)>, Refusal> {
    let query = EntryQuery {
        collection: DELIVERIES.to_owned(),
        parent: Some(id.to_owned()),
        limit: 1_000,
        ..EntryQuery::default()
    };
    let rows = app.store().entries(query).await.map_err(of_store)?;
    rows.into_iter().map(|row| Ok((row.id, parsed(&row.doc)?))).collect()
}

fn parsed<'a, T: Deserialize<'a>>(doc: &'a str) -> Result<T, Refusal> {
    serde_json::from_str(doc).map_err(|error| of_store(Error::Broken(format!("a document of webhooks: {error}"))))
}

fn text<T: Serialize>(value: &T) -> Result<String, Refusal> {
    serde_json::to_string(value).map_err(|error| of_store(Error::Broken(format!("a document of webhooks: {error}"))))
}
