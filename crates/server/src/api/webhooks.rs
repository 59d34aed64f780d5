//! Webhooks: events sent to addresses that admins name.

use super::answer::Answer;
use super::listed::listed;
use super::request::Request;
use super::table::{Access::May, Endpoint, delete, get, handler, patch, post};
use super::wire::{Moment, tag};
use crate::intake::Failure;
use bailiwick_app::App;
use bailiwick_app::feed::webhooks::{self, Change, Created, Delivered, Delivery, NewWebhook, Report};
use bailiwick_domain::policy::Action::{WebhookManage, WebhookRead};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) const ROUTES: &[Endpoint] = &[
    get(May(WebhookRead), "/webhooks", "listWebhooks", handler!(list)).says("Lists the webhooks.").lists::<Webhook>(),
    post(May(WebhookManage), "/webhooks", "createWebhook", handler!(create))
        .says("Makes a webhook, beginning with what happens from now on. Its secret is shown this once.")
        .takes::<WebhookNew>()
        .makes::<WebhookMade>()
        .once(),
    get(May(WebhookRead), "/webhooks/{id}", "readWebhook", handler!(read))
        .says("Shows a webhook.")
        .gives::<Webhook>()
        .versioned(),
    patch(May(WebhookManage), "/webhooks/{id}", "changeWebhook", handler!(change))
        .says("Changes a webhook; what is not named stays. One that is switched on again goes on where it stood.")
        .takes::<WebhookChange>()
        .gives::<Webhook>()
        .versioned(),
    delete(May(WebhookManage), "/webhooks/{id}", "deleteWebhook", handler!(remove))
        .says("Deletes a webhook with its deliveries.")
        .versioned(),
    post(May(WebhookManage), "/webhooks/{id}/rotate", "rotateWebhookSecret", handler!(rotate))
        .says("Gives a webhook another secret, shown this once; for a day messages are signed with both.")
        .gives::<WebhookMade>()
        .once(),
    post(May(WebhookManage), "/webhooks/{id}/test", "testWebhook", handler!(test))
        .says("Sends a message of the type `webhook:test` at once, and says whether it arrived.")
        .gives::<WebhookOutcome>()
        .slow(),
    get(May(WebhookRead), "/webhooks/{id}/deliveries", "listWebhookDeliveries", handler!(deliveries))
        .says("Shows how a webhook fares and its last 50 deliveries, the newest first.")
        .gives::<WebhookDeliveries>(),
    post(May(WebhookManage), "/webhooks/{id}/deliveries/{event}/redeliver", "redeliverWebhook", handler!(redeliver))
        .says("Delivers an event once more, now and out of turn.")
        .gives::<WebhookDelivery>()
        .slow(),
];

/// A webhook.
#[derive(Debug, Serialize, JsonSchema)]
struct Webhook {
    /// Id, `whk_...`.
    id: String,
    /// Where events are sent.
    url: String,
    /// Kinds of events; one that ends in `*` stands for all that begin so.
    kinds: Vec<String>,
    /// What it is for.
    description: String,
    /// Whether events are delivered.
    active: bool,
    /// Why it was switched off, if not by somebody.
    disabled_because: Option<String>,
    /// Made.
    created_at: Moment,
}

impl From<Report> for Webhook {
    fn from(Report { webhook, .. }: Report) -> Self {
        Self {
            id: webhook.id,
            url: webhook.url,
            kinds: webhook.kinds,
            description: webhook.description,
            active: webhook.active,
            disabled_because: webhook.disabled,
            created_at: Moment(webhook.created),
        }
    }
}

/// A webhook to be made.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct WebhookNew {
    /// Where to: https, to a public address. Others must be allowed on the host.
    #[schemars(length(min = 1, max = 2_000))]
    url: String,
    /// Kinds of events; one that ends in `*` stands for all that begin so.
    #[schemars(length(min = 1, max = 50))]
    kinds: Vec<String>,
    /// What it is for.
    #[serde(default)]
    #[schemars(length(max = 200))]
    description: String,
}

/// A webhook with its secret: the only place where that is shown.
#[derive(Debug, Serialize, JsonSchema)]
struct WebhookMade {
    /// Id, `whk_...`.
    id: String,
    /// Where events are sent.
    url: String,
    /// The secret that messages are signed with (Standard Webhooks).
    secret: String,
}

impl From<Created> for WebhookMade {
    fn from(Created { webhook, secret }: Created) -> Self {
        Self { id: webhook.id, url: webhook.url, secret }
    }
}

/// What to change; what is not named stays.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct WebhookChange {
    /// Where to.
    #[schemars(length(min = 1, max = 2_000))]
    url: Option<String>,
    /// Kinds of events.
    #[schemars(length(min = 1, max = 50))]
    kinds: Option<Vec<String>>,
    /// What it is for.
    #[schemars(length(max = 200))]
    description: Option<String>,
    /// Whether events are delivered.
    active: Option<bool>,
}

/// What became of a message.
#[derive(Debug, Serialize, JsonSchema)]
struct WebhookOutcome {
    /// Whether the other side took it.
    delivered: bool,
    /// Status of the answer, if there was one.
    status: Option<u16>,
    /// Why not.
    why: Option<String>,
    /// Milliseconds it took.
    took_ms: u64,
}

impl From<Delivered> for WebhookOutcome {
    fn from(outcome: Delivered) -> Self {
        Self {
            delivered: outcome.well(),
            status: outcome.status,
            why: outcome.why,
            took_ms: u64::try_from(outcome.took.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

/// How a webhook fares, and its last deliveries.
#[derive(Debug, Serialize, JsonSchema)]
struct WebhookDeliveries {
    /// Since when nothing gets through.
    failing_since: Option<Moment>,
    /// Attempts at the event that does not get through.
    attempts: u32,
    /// When the next one is made.
    next_attempt_at: Option<Moment>,
    /// Why the last one failed.
    last_error: Option<String>,
    /// When something got through last, noted from time to time.
    last_success_at: Option<Moment>,
    /// The last deliveries, the newest first.
    items: Vec<WebhookDelivery>,
}

/// The last attempt to deliver an event.
#[derive(Debug, Serialize, JsonSchema)]
struct WebhookDelivery {
    /// Id of the event, `evt_12`.
    event: String,
    /// Kind of the event.
    kind: String,
    /// When.
    at: Moment,
    /// How many attempts were made.
    attempts: u32,
    /// Whether the other side took it.
    delivered: bool,
    /// Status of the answer, if there was one.
    status: Option<u16>,
    /// Why not.
    why: Option<String>,
    /// Milliseconds it took.
    took_ms: u64,
}

impl From<Delivery> for WebhookDelivery {
    fn from(delivery: Delivery) -> Self {
        Self {
            event: delivery.event,
            kind: delivery.kind,
            at: Moment(delivery.at),
            attempts: delivery.attempts,
            delivered: delivery.delivered,
            status: delivery.status,
            why: delivery.why,
            took_ms: delivery.took_ms,
        }
    }
}

fn version_tag(app: &App, report: &Report) -> String {
    tag(app, &[b"webhook", report.webhook.id.as_bytes(), &report.webhook.version.to_be_bytes()])
}

async fn list(request: Request) -> Result<Answer, Failure> {
    let reports = webhooks::list(&request.app, &request.principal).await?;
    listed(&request, reports, |report| report.webhook.id.clone(), Webhook::from)
}

async fn create(request: Request) -> Result<Answer, Failure> {
    let new: WebhookNew = request.body()?;
    let new = NewWebhook { url: new.url, kinds: new.kinds, description: new.description };
    let made = webhooks::create(&request.app, request.courier(), &request.principal, new).await?;
    let path = format!("/webhooks/{}", made.webhook.id);
    Answer::made(&request, &path, &WebhookMade::from(made))
}

async fn read(request: Request) -> Result<Answer, Failure> {
    let report = webhooks::find(&request.app, &request.principal, request.path("id")).await?;
    let tag = version_tag(&request.app, &report);
    Ok(Answer::json(&Webhook::from(report))?.versioned(&tag))
}

/// The version that If-Match names, proven to be the present one; the use case holds it true.
async fn expected(request: &Request) -> Result<Option<i64>, Failure> {
    if !request.expects_a_version() {
        return Ok(None);
    }
    let report = webhooks::find(&request.app, &request.principal, request.path("id")).await?;
    request.expects(&version_tag(&request.app, &report))?;
    Ok(Some(report.webhook.version))
}

async fn change(request: Request) -> Result<Answer, Failure> {
    let WebhookChange { url, kinds, description, active } = request.body()?;
    let change = Change { url, kinds, description, active };
    let version = expected(&request).await?;
    let id = request.path("id");
    let report = webhooks::change(&request.app, request.courier(), &request.principal, id, version, change).await?;
    let tag = version_tag(&request.app, &report);
    Ok(Answer::json(&Webhook::from(report))?.versioned(&tag))
}

async fn remove(request: Request) -> Result<Answer, Failure> {
    let version = expected(&request).await?;
    webhooks::delete(&request.app, &request.principal, request.path("id"), version).await?;
    Ok(Answer::empty())
}

async fn rotate(request: Request) -> Result<Answer, Failure> {
    let made = webhooks::rotate(&request.app, &request.principal, request.path("id")).await?;
    Answer::json(&WebhookMade::from(made))
}

async fn test(request: Request) -> Result<Answer, Failure> {
    let id = request.path("id");
    let outcome = webhooks::test(&request.app, request.courier(), &request.principal, id).await?;
    Answer::json(&WebhookOutcome::from(outcome))
}

async fn deliveries(request: Request) -> Result<Answer, Failure> {
    let deliveries = webhooks::deliveries(&request.app, &request.principal, request.path("id")).await?;
    let Report { health, .. } = webhooks::find(&request.app, &request.principal, request.path("id")).await?;
    Answer::json(&WebhookDeliveries {
        failing_since: health.failing_since.map(Moment),
        attempts: health.attempts,
        next_attempt_at: health.next_attempt.map(Moment),
        last_error: health.last_error,
        last_success_at: health.last_success.map(Moment),
        items: deliveries.into_iter().map(WebhookDelivery::from).collect(),
    })
}

async fn redeliver(request: Request) -> Result<Answer, Failure> {
    let (id, event) = (request.path("id"), request.path("event"));
    let delivery = webhooks::redeliver(&request.app, request.courier(), &request.principal, id, event).await?;
    Answer::json(&WebhookDelivery::from(delivery))
}
