//! One integration, in full.

use crate::args::Named;
use crate::out::{self, Done};
use bailiwick_app::App;
use bailiwick_app::journal::FailureSummary;
use bailiwick_app::manage::{self, IntegrationReport};
use bailiwick_domain::ids::Millis;
use bailiwick_scim::quirks::{Quirk, Quirks};
use bailiwick_store::rows::{IntegrationRow, TokenRow};
use serde_json::{Value, json};

/// An integration as lists show it.
pub(super) fn summary(row: &IntegrationRow) -> Value {
    json!({
        "id": row.id.printed(),
        "name": row.name,
        "preset": row.preset,
        "paused": row.settings.paused,
        "observe": row.settings.observe,
        "guard": { "percent": row.settings.guard_percent, "people": row.settings.guard_people },
        "rate_limit": rate_limit(row.settings.rate_limit),
        "user_name_email": row.settings.user_name_email,
        "sign_in_claim": row.settings.sign_in_claim,
        "quirks_off": names(off(Quirks::from_bits(row.settings.quirks))),
        "users": row.users,
        "groups": row.groups,
        "created": row.created.to_string(),
        "last_call": out::instant(row.last_call),
        "last_success": out::instant(row.last_success),
        "last_failure": out::instant(row.last_failure),
    })
}

/// What becomes of its calls, in a word.
pub(super) fn state(row: &IntegrationRow) -> &'static str {
    match (row.settings.paused, row.settings.observe) {
        (true, _) => "paused",
        (false, true) => "observed",
        (false, false) => "active",
    }
}

fn rate_limit(limit: Option<u32>) -> Value {
    match limit {
        None => Value::from("default"),
        Some(0) => Value::from("off"),
        Some(limit) => Value::from(limit),
    }
}

fn off(quirks: Quirks) -> impl Iterator<Item = Quirk> {
    Quirk::ALL.iter().copied().filter(move |quirk| !quirks.has(*quirk))
}

fn names(quirks: impl Iterator<Item = Quirk>) -> Vec<&'static str> {
    quirks.map(Quirk::name).collect()
}

pub(super) async fn show(app: &App, named: &Named) -> Done {
    let report = manage::show_integration(app, &named.name).await?;
    if named.json.json {
        return out::json(&detail(app, &report));
    }
    let mut lines = heading(app, &report);
    lines.extend(calls(&report));
    lines.extend(tokens(app, &report));
    lines.extend(failures(&report.failures));
    if report.open_conflicts > 0 {
        lines.push(String::new());
        let pairs = out::count(report.open_conflicts as u64, "pair waits", "pairs wait");
        lines.push(format!("{pairs} for a decision. See: bailiwick conflict list"));
    }
    out::lines(&lines)
}

fn detail(app: &App, report: &IntegrationReport) -> Value {
    let mut value = summary(&report.row);
    let now = app.clock().now();
    let more = json!({
        "scim_url": app.scim_base(),
        "quirks_on": names(Quirk::ALL.iter().copied().filter(|quirk| report.quirks.has(*quirk))),
        "calls": report.calls.iter().map(|total| json!({
            "method": total.method, "status": total.status, "calls": total.calls,
        })).collect::<Value>(),
        "tokens": report.tokens.iter().map(|token| token_json(token, &report.row.name, now)).collect::<Value>(),
        "domains": report.domains.iter().map(|domain| domain.name.as_str()).collect::<Value>(),
        "failures": report.failures.iter().map(failure_json).collect::<Value>(),
        "open_conflicts": report.open_conflicts,
    });
    if let (Some(value), Value::Object(more)) = (value.as_object_mut(), more) {
        value.extend(more);
    }
    value
}

/// A token without its text.
pub(in crate::commands) fn token_json(token: &TokenRow, integration: &str, now: Millis) -> Value {
    json!({
        "id": token.id,
        "integration": integration,
        "label": token.label,
        "state": token_state(token, now),
        "created_at": token.created.to_string(),
        "expires_at": out::instant(token.expires),
        "revoked_at": out::instant(token.revoked),
        "last_used_at": out::instant(token.last_used),
    })
}

/// Whether a token still works.
pub(in crate::commands) fn token_state(token: &TokenRow, now: Millis) -> &'static str {
    if token.revoked.is_some() {
        "revoked"
    } else if token.expires.is_some_and(|expires| expires <= now) {
        "expired"
    } else {
        "live"
    }
}

fn failure_json(failure: &FailureSummary) -> Value {
    json!({
        "code": failure.group.code,
        "count": failure.group.count,
        "affected": failure.group.affected,
        "first": failure.group.first.to_string(),
        "last": failure.group.last.to_string(),
        "latest": format!("evt_{}", failure.group.latest),
        "cause": failure.cause,
        "remedy": failure.remedy,
    })
}

fn heading(app: &App, report: &IntegrationReport) -> Vec<String> {
    let row = &report.row;
    let off = names(off(report.quirks));
    let quirks = match off.len() {
        0 => "all on".to_owned(),
        all if all == Quirk::ALL.len() => "all off".to_owned(),
        _ => format!("all on but {}", off.join(", ")),
    };
    let limit = match row.settings.rate_limit {
        None => "default".to_owned(),
        Some(0) => "off".to_owned(),
        Some(limit) => format!("{limit} requests a second"),
    };
    let domains: Vec<&str> = report.domains.iter().map(|domain| domain.name.as_str()).collect();
    let user_name = if row.settings.user_name_email { "must be an e-mail address" } else { "any" };
    let state = match state(row) {
        "paused" => "paused: its calls are refused".to_owned(),
        "observed" => format!(
            "observed: nothing follows from what it says until you let it (bailiwick integration observe {})",
            row.name
        ),
        state => state.to_owned(),
    };
    let guard = format!(
        "holds when more than {} per cent and at least {} people lose something within an hour",
        row.settings.guard_percent, row.settings.guard_people
    );
    let facts = [
        ("SCIM URL", app.scim_base().to_owned()),
        ("state", state),
        ("holds", format!("{}, {}", out::count(row.users, "User", "Users"), out::count(row.groups, "Group", "Groups"))),
        ("created", out::moment(row.created)),
        ("last call", out::moment_or(row.last_call, "never")),
        ("last success", out::moment_or(row.last_success, "never")),
        ("last failure", out::moment_or(row.last_failure, "never")),
        ("guard", guard),
        ("rate limit", limit),
        ("userName", user_name.to_owned()),
        ("sign-in claim", row.settings.sign_in_claim.clone().unwrap_or_else(|| "none".to_owned())),
        ("domains", if domains.is_empty() { "none claimed".to_owned() } else { domains.join(", ") }),
        ("quirks", quirks),
    ];
    let mut lines = vec![format!("{} ({}), preset {}", row.name, row.id.printed(), row.preset)];
    lines.extend(facts.iter().map(|(name, value)| format!("  {name:13}  {value}")));
    lines
}

fn calls(report: &IntegrationReport) -> Vec<String> {
    if report.calls.is_empty() {
        return vec![String::new(), "No call yet: press the test button of the identity provider.".to_owned()];
    }
    let cells = |total: &bailiwick_store::rows::CallTotal| {
        vec![total.method.clone(), total.status.to_string(), total.calls.to_string()]
    };
    let rows: Vec<Vec<String>> = report.calls.iter().map(cells).collect();
    let mut lines = vec![String::new()];
    lines.extend(out::table(&["METHOD", "STATUS", "CALLS"], &rows));
    lines
}

fn tokens(app: &App, report: &IntegrationReport) -> Vec<String> {
    let now = app.clock().now();
    let cells = |token: &TokenRow| {
        vec![
            token.id.clone(),
            token.label.clone(),
            token_state(token, now).to_owned(),
            out::moment_or(token.expires, "never"),
            out::moment_or(token.last_used, "never"),
        ]
    };
    let rows: Vec<Vec<String>> = report.tokens.iter().map(cells).collect();
    let mut lines = vec![String::new()];
    lines.extend(out::table(&["TOKEN", "LABEL", "STATE", "EXPIRES", "LAST USED"], &rows));
    lines
}

/// Equal failures grouped, with what to change.
pub(in crate::commands) fn failures(failures: &[FailureSummary]) -> Vec<String> {
    let mut lines = Vec::new();
    for failure in failures {
        let group = &failure.group;
        let integration = failure.integration.as_deref().unwrap_or("no integration");
        lines.push(String::new());
        lines.push(format!(
            "{} ({integration}): {}, {} affected, first {}, last {}",
            group.code,
            out::count(group.count, "failure", "failures"),
            group.affected,
            out::moment(group.first),
            out::moment(group.last)
        ));
        lines.push(format!("  cause   {}", failure.cause));
        lines.push(format!("  change  {}", failure.remedy));
        lines.push(format!("  latest  bailiwick log show evt_{}", group.latest));
    }
    lines
}
