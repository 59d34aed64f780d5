//! One entry of the journal, in full.

use super::{entry_json, words};
use crate::out::{self, Done, refused};
use bailiwick_app::App;
use bailiwick_app::journal::{self, Entry};
use serde_json::Value;

/// Parts of a payload that are shown as JSON, with their headings.
const PARTS: &[(&str, &str)] = &[
    ("request", "Request, as received, without secrets"),
    ("operations", "Operations, as understood"),
    ("changes", "Changes"),
    ("members", "Members"),
    ("before", "Before"),
    ("after", "After"),
    ("settings", "Settings"),
    ("calls", "Calls by address"),
];

pub(super) async fn show(app: &App, id: &str, json: bool) -> Done {
    let mut entries = journal::show_log(app, id).await?;
    // A request is told by its record; what it caused comes after.
    let main = entries.iter().position(|entry| entry.event.method.is_some()).unwrap_or(0);
    if entries.is_empty() {
        return refused(format!("there is no entry {id:?} in the journal. See: bailiwick log"));
    }
    let main = entries.remove(main);
    let mut caused = journal::show_log(app, &main.event.request).await?;
    caused.retain(|entry| entry.event.seq != main.event.seq);
    if json {
        let mut value = detail(&main);
        if let Some(object) = value.as_object_mut() {
            object.insert("caused".to_owned(), caused.iter().map(detail).collect());
        }
        return out::json(&value);
    }
    out::lines(&facts(&main))?;
    parts(&main)?;
    if !caused.is_empty() {
        out::line("")?;
        out::line("With the same request")?;
        for entry in &caused {
            out::line(&format!("  evt_{}  {}", entry.event.seq, words::happened(entry)))?;
        }
    }
    Ok(())
}

fn detail(entry: &Entry) -> Value {
    let mut value = entry_json(entry);
    if let Some(object) = value.as_object_mut() {
        object.insert("agent".to_owned(), entry.said("agent").into());
        object.insert("payload".to_owned(), entry.event.payload.clone().unwrap_or_default());
    }
    value
}

fn facts(entry: &Entry) -> Vec<String> {
    let event = &entry.event;
    let call = match (&event.method, event.status) {
        (Some(method), Some(status)) => {
            Some(format!("{method} {} answered {status}", entry.said("target").unwrap_or("/")))
        }
        _ => None,
    };
    let taken = event.duration_us.map(|us| format!("{}.{:03} ms", us / 1_000, us % 1_000));
    let owned = |text: Option<&str>| text.map(str::to_owned);
    let facts = [
        ("what", Some(words::happened(entry))),
        ("kind", Some(event.kind.clone())),
        ("integration", entry.integration.clone()),
        ("by", Some(event.actor.clone())),
        ("client", owned(entry.said("agent"))),
        ("request", Some(event.request.clone())),
        ("call", call),
        ("taken", taken),
        ("name", owned(entry.said("name"))),
        ("resource", event.resource.clone()),
        ("person", event.person.clone()),
        ("code", event.code.clone()),
        ("scimType", owned(entry.said("scimType"))),
        ("cause", entry.explained.map(|(cause, _)| cause.to_owned())),
        ("change", entry.explained.map(|(_, remedy)| remedy.to_owned())),
    ];
    let mut lines = vec![format!("evt_{}  {}", event.seq, event.at)];
    let known = facts.into_iter().filter_map(|(name, value)| Some((name, value?)));
    lines.extend(known.map(|(name, value)| format!("  {name:11}  {value}")));
    lines
}

fn parts(entry: &Entry) -> Done {
    let repairs = entry.repairs();
    if !repairs.is_empty() {
        out::line("")?;
        out::line("Repairs")?;
        for (quirk, note) in repairs {
            out::line(&format!("  {quirk}: {note}"))?;
        }
    }
    for (key, heading) in PARTS {
        let Some(value) = entry.event.payload.as_ref().and_then(|payload| payload.get(key)) else { continue };
        out::line("")?;
        out::line(heading)?;
        let text = serde_json::to_string_pretty(value).unwrap_or_default();
        text.lines().try_for_each(|line| out::line(&format!("  {line}")))?;
    }
    Ok(())
}
