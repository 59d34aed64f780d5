//! `log`: the journal, readable.

mod show;
mod words;

use super::integration::failures;
use crate::args::{LogArgs, LogCommand};
use crate::out::{self, Done, Failure};
use bailiwick_app::App;
use bailiwick_app::journal::{self, Entry};
use bailiwick_app::manage;
use bailiwick_domain::ids::Millis;
use bailiwick_store::query::EventQuery;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// How often a follower looks for news.
const POLL: Duration = Duration::from_millis(250);
/// Entries read at a time by a follower.
const PAGE: u32 = 1_000;

pub(super) async fn run(app: &App, args: LogArgs) -> Done {
    if let Some(LogCommand::Show { id, json }) = &args.command {
        return show::show(app, id, json.json || args.json.json).await;
    }
    let query = query(app, &args).await?;
    let known = app.store().last_seq().await?;
    let mut entries = journal::list_log(app, query.clone()).await?;
    // The newest come first; a journal is read downwards.
    entries.reverse();
    if args.follow {
        return follow(app, &args, query, entries, known).await;
    }
    if args.json.json {
        return out::json(&entries.iter().map(entry_json).collect());
    }
    let mut explained = true;
    if args.failed && args.target.is_none() {
        let groups = journal::failure_groups(app, query.integration, query.since).await?;
        if !groups.is_empty() {
            out::lines(&failures(&groups)[1..])?;
            out::line("")?;
            // The groups have said why.
            explained = false;
        }
    }
    if entries.is_empty() {
        return out::line(if args.failed { "Nothing was refused or failed." } else { "Nothing happened." });
    }
    entries.iter().try_for_each(|entry| print(entry, explained))
}

async fn query(app: &App, args: &LogArgs) -> Result<EventQuery, Failure> {
    let integration = match &args.integration {
        Some(name) => Some(manage::find_integration(app, name).await?.id),
        None => None,
    };
    Ok(EventQuery {
        integration,
        failed: args.failed,
        without_probes: !args.probes && args.target.is_none(),
        target: args.target.clone(),
        since: args.since.map(|since| since.moment(app.clock().now())),
        limit: args.limit,
        payloads: true,
        ..EventQuery::default()
    })
}

/// Prints what is there and goes on until it is stopped. `known` is the newest entry from before the first read.
async fn follow(app: &App, args: &LogArgs, query: EventQuery, entries: Vec<Entry>, known: i64) -> Done {
    let no_signals = |error| Failure::Refused(format!("no signals: {error}"));
    let mut terminate = signal(SignalKind::terminate()).map_err(no_signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(no_signals)?;
    let tell = |entry: &Entry| if args.json.json { out::json_line(&entry_json(entry)) } else { print(entry, true) };
    entries.iter().try_for_each(tell)?;
    let mut after = entries.last().map_or(known, |last| last.event.seq.max(known));
    loop {
        tokio::select! {
            _ = terminate.recv() => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
            () = tokio::time::sleep(POLL) => {}
        }
        let known = app.store().last_seq().await?;
        if known <= after {
            continue;
        }
        let news = EventQuery { after: Some(after), limit: PAGE, ..query.clone() };
        let entries = journal::list_log(app, news).await?;
        entries.iter().try_for_each(tell)?;
        after = match entries.last() {
            Some(last) if entries.len() == PAGE as usize => last.event.seq,
            Some(last) => last.event.seq.max(known),
            None => known,
        };
    }
}

/// An entry for people: one line, for a failure that is to be explained two more.
fn print(entry: &Entry, explained: bool) -> Done {
    out::line(&headline(entry))?;
    if let Some((cause, remedy)) = entry.explained.filter(|_| explained) {
        out::line(&format!("    cause   {cause}"))?;
        out::line(&format!("    change  {remedy}"))?;
    }
    Ok(())
}

fn headline(entry: &Entry) -> String {
    let event = &entry.event;
    let integration = entry.integration.as_deref().unwrap_or("-");
    let mut line = format!("{}  evt_{}  {integration}", out::moment(event.at), event.seq);
    if let (Some(method), Some(status)) = (&event.method, event.status) {
        let place = entry.said("target").map_or("", words::endpoint);
        line.push_str(&format!("  {method} {place} {status}"));
    }
    if let Some(name) = entry.said("name") {
        line.push_str(&format!("  {name}"));
    }
    line.push_str(&format!("  {}", words::happened(entry)));
    let mut repairs: Vec<&str> = entry.repairs().into_iter().map(|(quirk, _)| quirk).collect();
    repairs.dedup();
    if !repairs.is_empty() {
        line.push_str(&format!("  [repaired: {}]", repairs.join(", ")));
    }
    line
}

/// An entry for scripts.
fn entry_json(entry: &Entry) -> Value {
    let event = &entry.event;
    let repairs = entry.repairs().into_iter().map(|(quirk, note)| json!({ "quirk": quirk, "note": note }));
    json!({
        "id": format!("evt_{}", event.seq),
        "at": event.at.to_string(),
        "kind": event.kind,
        "integration": entry.integration,
        "actor": event.actor,
        "request": event.request,
        "method": event.method,
        "target": entry.said("target"),
        "name": entry.said("name"),
        "resource": event.resource,
        "person": event.person,
        "status": event.status,
        "code": event.code,
        "scim_type": entry.said("scimType"),
        "detail": entry.said("detail"),
        "happened": words::happened(entry),
        "repairs": repairs.collect::<Value>(),
        "cause": entry.explained.map(|(cause, _)| cause),
        "remedy": entry.explained.map(|(_, remedy)| remedy),
        "duration_ms": event.duration_us.map(|us| Millis(i64::try_from(us / 1_000).unwrap_or(i64::MAX)).0),
        "erased": event.erased,
    })
}
