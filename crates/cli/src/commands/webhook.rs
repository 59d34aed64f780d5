//! `webhook`: events sent to other services.

use crate::args::{Json, Switch, WebhookCommand, WebhookSet};
use crate::out::{self, Done, refused};
use bailiwick_app::App;
use bailiwick_app::access::Principal;
use bailiwick_app::feed::webhooks::{self, Change, Created, Delivery, NewWebhook, Report};
use bailiwick_domain::network::Network;
use bailiwick_server::outbound::HttpCourier;
use serde_json::{Value, json};

pub(super) async fn run(app: &App, command: WebhookCommand) -> Done {
    let (host, courier) = (Principal::host(), HttpCourier::new(app.wired_clock()));
    match command {
        WebhookCommand::List { json } => list(app, json).await,
        WebhookCommand::Create { url, kinds, description, json } => {
            let new = NewWebhook { url, kinds, description };
            let made = webhooks::create(app, &courier, &host, new).await?;
            once(&made, json, &format!("Webhook {} is made. Its secret, shown this once:", made.webhook.id))
        }
        WebhookCommand::Show { id, json } => sheet(&webhooks::find(app, &host, &id).await?, json),
        WebhookCommand::Set { id, change, json } => {
            sheet(&webhooks::change(app, &courier, &host, &id, None, changed(change)).await?, json)
        }
        WebhookCommand::Rotate { id, json } => {
            let made = webhooks::rotate(app, &host, &id).await?;
            let line = format!("Webhook {id} has another secret, shown this once; the old one signs for a day, too:");
            once(&made, json, &line)
        }
        WebhookCommand::Deliveries { id, json } => deliveries(&webhooks::deliveries(app, &host, &id).await?, json),
        WebhookCommand::Redeliver { id, event, json } => {
            redelivered(webhooks::redeliver(app, &courier, &host, &id, &event).await?, json)
        }
        WebhookCommand::Delete { id, json } => {
            webhooks::delete(app, &host, &id, None).await?;
            if json.json {
                return out::json(&json!({ "id": id, "deleted": true }));
            }
            out::line(&format!("Webhook {id} is deleted."))
        }
        WebhookCommand::Test { id, json } => {
            let outcome = webhooks::test(app, &courier, &host, &id).await?;
            if json.json {
                let value = json!({
                    "id": id,
                    "delivered": outcome.well(),
                    "status": outcome.status,
                    "why": outcome.why,
                    "took_ms": u64::try_from(outcome.took.as_millis()).unwrap_or(u64::MAX),
                });
                out::json(&value)?;
            }
            if !outcome.well() {
                return refused(format!("nothing arrived: {}", outcome.why.unwrap_or_default()));
            }
            if json.json { Ok(()) } else { out::line("The message arrived.") }
        }
        WebhookCommand::Networks { networks, json } => {
            let networks = match networks.as_deref() {
                None => webhooks::networks(app).await?,
                Some("none") => webhooks::set_networks(app, "").await?,
                Some(text) => webhooks::set_networks(app, text).await?,
            };
            let texts: Vec<String> = networks.iter().map(Network::to_string).collect();
            if json.json {
                return out::json(&json!({ "networks": texts }));
            }
            if texts.is_empty() {
                return out::line("Webhooks may call public addresses only.");
            }
            out::line(&format!("Besides public addresses webhooks may call: {}", texts.join(", ")))
        }
    }
}

/// Shows a secret, once.
fn once(made: &Created, json: Json, line: &str) -> Done {
    if json.json {
        return out::json(&json!({ "id": made.webhook.id, "url": made.webhook.url, "secret": made.secret }));
    }
    out::line(line)?;
    out::line(&format!("  {}", made.secret))
}

fn redelivered(delivery: Delivery, json: Json) -> Done {
    if json.json {
        out::json(&delivered(&delivery))?;
    }
    if !delivery.delivered {
        return refused(format!("nothing arrived: {}", delivery.why.unwrap_or_default()));
    }
    if json.json { Ok(()) } else { out::line(&format!("{} arrived.", delivery.event)) }
}

fn changed(said: WebhookSet) -> Change {
    Change {
        url: said.url,
        kinds: (!said.kinds.is_empty()).then_some(said.kinds),
        description: said.description,
        active: said.active.map(|active| active == Switch::On),
    }
}

fn sheet(report: &Report, json: Json) -> Done {
    if json.json {
        return out::json(&shown(report));
    }
    let (webhook, health) = (&report.webhook, &report.health);
    let mut lines = vec![
        format!("{} ({})", webhook.url, webhook.id),
        format!("  state         {}", state(report)),
        format!("  kinds         {}", webhook.kinds.join(" ")),
        format!("  last success  {}", out::moment_or(health.last_success, "never")),
    ];
    if !webhook.description.is_empty() {
        lines.push(format!("  description   {}", webhook.description));
    }
    if let Some(why) = webhook.disabled.as_ref().or(health.last_error.as_ref()) {
        lines.push(format!("  because       {why}"));
    }
    if let Some(at) = health.next_attempt {
        lines.push(format!("  next attempt  {}", out::moment(at)));
    }
    out::lines(&lines)
}

fn deliveries(all: &[Delivery], json: Json) -> Done {
    if json.json {
        return out::json(&all.iter().map(delivered).collect());
    }
    if all.is_empty() {
        return out::line("Nothing was delivered yet.");
    }
    let cells = all.iter().map(|one| {
        let said = one.status.map_or_else(String::new, |status| status.to_string());
        let arrived = if one.delivered { "arrived" } else { "failed" };
        let why = one.why.clone().unwrap_or_default();
        vec![out::moment(one.at), one.event.clone(), one.kind.clone(), arrived.to_owned(), said, why]
    });
    out::lines(&out::table(&["AT", "EVENT", "KIND", "", "STATUS", "WHY"], &cells.collect::<Vec<_>>()))
}

fn delivered(one: &Delivery) -> Value {
    json!({ "event": one.event, "kind": one.kind, "at": one.at.to_string(), "attempts": one.attempts,
        "delivered": one.delivered, "status": one.status, "why": one.why, "took_ms": one.took_ms })
}

async fn list(app: &App, json: Json) -> Done {
    let reports = webhooks::list(app, &Principal::host()).await?;
    if json.json {
        return out::json(&reports.iter().map(shown).collect());
    }
    if reports.is_empty() {
        return out::line("No webhook yet. Make one with: bailiwick webhook create URL --kind KIND");
    }
    let cells = reports.iter().map(|report| {
        let webhook = &report.webhook;
        vec![
            webhook.id.clone(),
            state(report).to_owned(),
            webhook.kinds.join(" "),
            out::plain(&webhook.url).into_owned(),
            out::moment_or(report.health.last_success, "never"),
        ]
    });
    let head = ["ID", "STATE", "KINDS", "URL", "LAST SUCCESS"];
    out::lines(&out::table(&head, &cells.collect::<Vec<_>>()))
}

fn state(report: &Report) -> &'static str {
    match (&report.webhook.disabled, report.webhook.active, report.health.failing_since) {
        (Some(_), ..) => "given up",
        (None, false, _) => "off",
        (None, true, Some(_)) => "failing",
        (None, true, None) => "on",
    }
}

fn shown(report: &Report) -> Value {
    let (webhook, health) = (&report.webhook, &report.health);
    json!({
        "id": webhook.id,
        "url": webhook.url,
        "kinds": webhook.kinds,
        "description": webhook.description,
        "active": webhook.active,
        "state": state(report),
        "disabled_because": webhook.disabled,
        "created_at": webhook.created.to_string(),
        "failing_since": out::instant(health.failing_since),
        "attempts": health.attempts,
        "next_attempt_at": out::instant(health.next_attempt),
        "last_error": health.last_error,
        "last_success_at": out::instant(health.last_success),
    })
}
