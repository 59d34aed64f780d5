//! `leaver`: who left, how long it took, and what is left to do.

use super::handover;
use crate::args::LeaverArgs;
use crate::out::{self, Done};
use bailiwick_app::App;
use bailiwick_app::access::Principal;
use bailiwick_app::catalog;
use bailiwick_app::leaver::{self, Leaving, Left};
use bailiwick_domain::handover::{Percentiles, percentiles};
use bailiwick_domain::mapping::GrantKind;
use serde_json::{Value, json};

pub(super) async fn run(app: &App, args: LeaverArgs) -> Done {
    let host = Principal::host();
    if let Some(text) = &args.person {
        let person = catalog::find_person(app, text).await?;
        let left = leaver::report(app, &host, &person.id).await?;
        return if args.json.json { out::json(&detail(&left)) } else { out::lines(&sheet(&left)) };
    }
    let since = args.since.moment(app.clock().now());
    let (leavers, next) = leaver::list_leavers(app, &host, since, None, args.limit).await?;
    let spread = percentiles(leavers.iter().filter_map(Leaving::span_ms).collect());
    if args.json.json {
        let all: Value = leavers.iter().map(summary).collect();
        let more = next.is_some();
        return out::json(
            &json!({ "since": since.to_string(), "leavers": all, "percentiles_ms": spread, "more": more }),
        );
    }
    if next.is_some() {
        out::aside("There are more: --limit");
    }
    if args.csv {
        return out::lines(&csv(&leavers));
    }
    if leavers.is_empty() {
        return out::line("Nobody left.");
    }
    out::lines(&table(&leavers))?;
    if let Some(spread) = spread {
        out::line("")?;
        out::line(&spread_line(spread))?;
    }
    Ok(())
}

fn spread_line(spread: Percentiles) -> String {
    let Percentiles { count, p50, p90, p99, max } = spread;
    let who = out::count(count as u64, "leaver", "leavers");
    format!(
        "From the word to no access, {who}: half within {}, 90 % within {}, 99 % within {}, all within {}.",
        span(p50),
        span(p90),
        span(p99),
        span(max)
    )
}

/// A span for people.
fn span(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..120_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        _ => format!("{} min", ms.div_ceil(60_000)),
    }
}

fn took(leaving: &Leaving) -> String {
    leaving.span_ms().map_or_else(|| "waits".to_owned(), span)
}

fn table(leavers: &[Leaving]) -> Vec<String> {
    let cells = leavers.iter().map(|leaving| {
        vec![
            leaving.person.id.clone(),
            leaving.person.display.clone(),
            leaving.state.as_str().to_owned(),
            out::moment_or(leaving.ended, "waits"),
            took(leaving),
            leaving.integration.clone().or_else(|| leaving.actor.clone()).unwrap_or_default(),
            leaving.revoked.len().to_string(),
            leaving.open_tasks.to_string(),
            leaving.returned.map(out::moment).unwrap_or_default(),
        ]
    });
    let head = ["ID", "NAME", "IS", "ACCESS ENDED", "TOOK", "BY", "REVOKED", "OPEN TASKS", "RETURNED"];
    out::table(&head, &cells.collect::<Vec<_>>())
}

/// Comma-separated values with a head.
fn csv(leavers: &[Leaving]) -> Vec<String> {
    let head = "id,name,state,arrived,ended,milliseconds,integration,actor,revoked,open_tasks,returned,email";
    let line = |leaving: &Leaving| {
        let moment = |at: Option<bailiwick_domain::ids::Millis>| at.map(|at| at.to_string()).unwrap_or_default();
        let cells = [
            leaving.person.id.clone(),
            leaving.person.display.clone(),
            leaving.state.as_str().to_owned(),
            moment(leaving.arrived),
            moment(leaving.ended),
            leaving.span_ms().map(|span| span.to_string()).unwrap_or_default(),
            leaving.integration.clone().unwrap_or_default(),
            leaving.actor.clone().unwrap_or_default(),
            leaving.revoked.len().to_string(),
            leaving.open_tasks.to_string(),
            moment(leaving.returned),
            leaving.person.email.clone().unwrap_or_default(),
        ];
        cells.map(|cell| csv_cell(&cell)).join(",")
    };
    std::iter::once(head.to_owned()).chain(leavers.iter().map(line)).collect()
}

/// A value that a spreadsheet takes for nothing but text.
fn csv_cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

fn summary(leaving: &Leaving) -> Value {
    json!({
        "person": { "id": leaving.person.id, "display": leaving.person.display, "state": leaving.person.state.as_str() },
        "left_as": leaving.state.as_str(),
        "arrived": out::instant(leaving.arrived),
        "ended": out::instant(leaving.ended),
        "milliseconds": leaving.span_ms(),
        "integration": leaving.integration,
        "actor": leaving.actor,
        "event": leaving.event.map(|seq| format!("evt_{seq}")),
        "revoked": leaving.revoked.iter().map(|credential| json!({
            "id": credential.id, "kind": credential.kind, "label": credential.label,
        })).collect::<Value>(),
        "hold": leaving.hold,
        "returned": out::instant(leaving.returned),
        "open_tasks": leaving.open_tasks,
    })
}

fn detail(left: &Left) -> Value {
    let mut value = summary(&left.leaving);
    value["without_effect"] = left
        .grants
        .iter()
        .map(|gone| {
            let grant = &gone.grant;
            json!({
                "kind": grant.kind.as_str(), "object": grant.object, "title": gone.title, "value": grant.value,
                "origin": grant.origin, "since": grant.from.to_string(),
            })
        })
        .collect();
    value["handovers"] = left.tasks.iter().map(handover::handover_json).collect();
    value
}

fn sheet(left: &Left) -> Vec<String> {
    let leaving = &left.leaving;
    let person = &leaving.person;
    let by = match (&leaving.integration, &leaving.actor) {
        (Some(integration), Some(actor)) => format!("{integration} ({actor})"),
        (_, actor) => actor.clone().unwrap_or_else(|| "unknown".to_owned()),
    };
    let mut lines = vec![
        format!("{} ({}), {}", person.display, person.id, person.state.as_str()),
        format!("  the word came  {}, by {by}", out::moment_or(leaving.arrived, "unknown")),
    ];
    match (&leaving.hold, leaving.ended) {
        (Some(hold), _) => lines.push(format!("  access         goes on: hold {hold} waits for a decision")),
        (None, Some(ended)) => {
            lines.push(format!("  access ended   {}, {} later", out::moment(ended), took(leaving)));
        }
        (None, None) => {}
    }
    if let Some(returned) = leaving.returned {
        lines.push(format!("  came back      {}", out::moment(returned)));
    }
    section(
        &mut lines,
        "Ended with it",
        leaving.revoked.iter().map(|credential| {
            format!("{} {} {}", credential.kind, credential.id, credential.label.as_deref().unwrap_or_default())
        }),
    );
    section(
        &mut lines,
        if left.leaving.returned.is_some() { "Without effect until then" } else { "Without effect since" },
        left.grants.iter().map(|gone| {
            let grant = &gone.grant;
            // Of ownership it is the id of a team, which has a line of its own.
            let value = if grant.kind == GrantKind::Ownership { "" } else { &grant.value };
            let what = format!("{} {} {value}", grant.kind.as_str(), gone.title);
            format!("{} ({})", what.trim_end(), grant.origin)
        }),
    );
    if !left.tasks.is_empty() {
        lines.push(String::new());
        lines.extend(handover::table(&left.tasks));
    }
    lines
}

fn section(lines: &mut Vec<String>, title: &str, texts: impl Iterator<Item = String>) {
    let mut texts = texts.peekable();
    if texts.peek().is_some() {
        lines.push(String::new());
        lines.push(title.to_owned());
        lines.extend(texts.map(|text| format!("  {}", text.trim_end())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_never_a_formula() {
        let check = |text: &str, expect: &str| assert_eq!(csv_cell(text), expect, "{text}");
        check("Ada", "Ada");
        check("Lovelace, Ada", "\"Lovelace, Ada\"");
        check("the \"Countess\"", "\"the \"\"Countess\"\"\"");
        check("=1+1", "'=1+1");
        check("@a,b", "\"'@a,b\"");
        check("-1", "'-1");
    }

    #[test]
    fn spans_are_short_for_people() {
        let check = |ms: u64, expect: &str| assert_eq!(span(ms), expect, "{ms}");
        check(0, "0 ms");
        check(999, "999 ms");
        check(1_999, "1.9 s");
        check(119_999, "119.9 s");
        check(120_001, "3 min");
    }
}
