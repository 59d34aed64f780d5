//! What happened, in words.

use bailiwick_app::journal::Entry;
use bailiwick_domain::event::EventKind;
use bailiwick_domain::identity::Why;
use serde_json::Value;

/// Most names of attributes in a sentence.
const NAMES: usize = 6;

/// The endpoint of a target: `/Users` of `/Users/3f…?attributes=…`.
pub(super) fn endpoint(target: &str) -> &str {
    let path = target.split('?').next().unwrap_or(target);
    match path.strip_prefix('/').and_then(|rest| rest.find('/')) {
        Some(end) => &path[..=end],
        None => path,
    }
}

/// One sentence fragment.
pub(super) fn happened(entry: &Entry) -> String {
    if entry.event.erased {
        return "its details were erased".to_owned();
    }
    let Some(kind) = EventKind::from_text(&entry.event.kind) else { return entry.event.kind.clone() };
    match kind {
        EventKind::ApiRefused | EventKind::CallRefused | EventKind::CallUnauthenticated => {
            format!("refused: {}", entry.said("detail").unwrap_or("no reason was kept"))
        }
        EventKind::CallUnchanged => "nothing to change: it was so already".to_owned(),
        EventKind::CallsAnonymous => anonymous(entry),
        EventKind::Create => with(entry, &format!("{} created", noun(entry))),
        EventKind::Put | EventKind::Patch => with(entry, &format!("{} changed", noun(entry))),
        EventKind::Activate => with(entry, "User activated"),
        EventKind::Deactivate => with(entry, "User deactivated"),
        EventKind::Delete => format!("{} deleted", noun(entry)),
        EventKind::ConflictOpen => format!("may be {}: {}", person(entry), why(entry)),
        EventKind::ConflictKeep => format!("is not {}: two humans", person(entry)),
        EventKind::ConflictRename => format!("is not {}, who took another name", person(entry)),
        EventKind::ConflictLink => format!("belongs to {}: one human", person(entry)),
        EventKind::PersonClose => format!("{} is closed: the last User was deleted", person(entry)),
        kind => administration(entry, kind),
    }
}

/// What was done on the host.
fn administration(entry: &Entry, kind: EventKind) -> String {
    let said = |key: &str| entry.said(key).unwrap_or("?").to_owned();
    match kind {
        EventKind::AdminCreate => "break-glass admin created".to_owned(),
        EventKind::AdminRecover => "break-glass admin recovered".to_owned(),
        EventKind::DomainClaim => format!("domain {} claimed", said("domain")),
        EventKind::DomainRelease => format!("domain {} released", said("domain")),
        EventKind::HoldAdd | EventKind::HoldOpen => format!("removals wait in hold {}", said("hold")),
        EventKind::HoldApprove => format!("removals of hold {} approved", said("hold")),
        EventKind::HoldReject => format!("removals of hold {} rejected: {}", said("hold"), said("reason")),
        EventKind::IntegrationApply => "what was observed is applied".to_owned(),
        EventKind::IntegrationMapping => "attribute mapping changed".to_owned(),
        EventKind::IntegrationCreate => format!("integration created with preset {}", said("preset")),
        EventKind::IntegrationDelete => "integration deleted with all it had provisioned".to_owned(),
        EventKind::IntegrationPause => "integration paused".to_owned(),
        EventKind::IntegrationResume => "integration resumed".to_owned(),
        EventKind::IntegrationSet => format!("settings changed: {}", settings(entry)),
        EventKind::PayloadErase => "details of entries erased".to_owned(),
        EventKind::TokenCreate => format!("token {} ({}) made", said("token"), said("label")),
        EventKind::TokenRevoke => format!("token {} ({}) revoked", said("token"), said("label")),
        EventKind::TokenRotate => {
            format!("token {} ends {}; {} follows", said("token"), said("until"), said("successor"))
        }
        EventKind::ApiTokenCreate => format!("API token {} ({}) made", said("token"), said("label")),
        EventKind::ApiTokenRevoke => format!("API token {} ({}) revoked", said("token"), said("label")),
        EventKind::ApiTokenRotate => {
            format!("API token {} ends {}; {} follows", said("token"), said("until"), said("successor"))
        }
        EventKind::BreakGlassUse => format!("a recovery code was used up to sign in from {}", said("address")),
        EventKind::InviteAccept => "invitation accepted".to_owned(),
        EventKind::InviteCreate => format!("{} invited", said("email")),
        EventKind::InviteRevoke => format!("invitation of {} taken back", said("email")),
        EventKind::RoleDelete => format!("role {} deleted", said("role")),
        EventKind::RoleGive => format!("role {} given by hand", said("role")),
        EventKind::RoleSet => format!("role {} set", said("role")),
        EventKind::RoleTake => format!("role {} taken", said("role")),
        EventKind::SessionBegin => format!("signed in by {} from {}", said("by"), said("address")),
        EventKind::SessionEnd => "signed out".to_owned(),
        EventKind::SessionRefuse => format!("too many failed sign-ins from {}", said("address")),
        EventKind::SettingSet => format!("setting {} changed to {}", said("setting"), said("after")),
        other => other.as_str().to_owned(),
    }
}

fn noun(entry: &Entry) -> &'static str {
    match entry.said("target").map(endpoint) {
        Some("/Users") => "User",
        Some("/Groups") => "Group",
        _ => "resource",
    }
}

fn person(entry: &Entry) -> String {
    entry.event.person.clone().unwrap_or_else(|| "a person".to_owned())
}

fn why(entry: &Entry) -> String {
    let word = entry.said("why").unwrap_or_default();
    Why::from_text(word).map_or_else(|| word.to_owned(), |why| why.to_string())
}

/// The verb with what changed.
fn with(entry: &Entry, verb: &str) -> String {
    let payload = entry.event.payload.as_ref();
    let mut parts = Vec::new();
    // A creation sets everything; only a change is worth naming.
    if entry.event.kind != EventKind::Create.as_str() {
        let switched =
            [EventKind::Activate, EventKind::Deactivate].map(EventKind::as_str).contains(&&*entry.event.kind);
        let names: Vec<&str> = paths(payload).filter(|name| !(switched && *name == "active")).collect();
        if names.len() > NAMES {
            parts.push(format!("{} and {} more", names[..NAMES].join(", "), names.len() - NAMES));
        } else if !names.is_empty() {
            parts.push(names.join(", "));
        }
    }
    for (key, sign) in [("added", "+"), ("removed", "-")] {
        let ids = payload.and_then(|payload| payload.get("members")?.get(key)?.as_array()).map_or(0, Vec::len);
        if ids > 0 {
            parts.push(format!("{sign}{ids} {}", if ids == 1 { "member" } else { "members" }));
        }
    }
    if parts.is_empty() { verb.to_owned() } else { format!("{verb}: {}", parts.join(", ")) }
}

/// The attributes that changed, extensions by the last part of their URN.
fn paths(payload: Option<&Value>) -> impl Iterator<Item = &str> {
    let changes = payload.and_then(|payload| payload.get("changes")?.as_array());
    let names = changes.into_iter().flatten().filter_map(|change| change.get("path")?.as_str());
    names.filter(|name| *name != "schemas").map(|name| match name.rsplit_once(":extension:") {
        Some((_, short)) => short,
        None => name,
    })
}

fn settings(entry: &Entry) -> String {
    let part = |key: &str| entry.event.payload.as_ref().and_then(|payload| payload.get(key)?.as_object());
    let (Some(before), Some(after)) = (part("before"), part("after")) else { return "unknown".to_owned() };
    let names =
        after.iter().filter(|(name, value)| before.get(*name) != Some(value)).map(|(name, _)| name.replace('_', " "));
    names.collect::<Vec<_>>().join(", ")
}

fn anonymous(entry: &Entry) -> String {
    let calls = entry.event.payload.as_ref().and_then(|payload| payload.get("calls")?.as_object());
    let total: u64 = calls.into_iter().flat_map(|calls| calls.values()).filter_map(Value::as_u64).sum();
    let addresses = calls.map_or(0, serde_json::Map::len) as u64;
    format!(
        "{} without a known token from {}",
        crate::out::count(total, "call", "calls"),
        crate::out::count(addresses, "address", "addresses")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use bailiwick_domain::ids::Millis;
    use bailiwick_store::rows::EventRow;
    use serde_json::json;

    fn check(kind: EventKind, payload: Value, expect: &str) {
        let event = EventRow {
            seq: 1,
            at: Millis(0),
            kind: kind.as_str().to_owned(),
            integration: None,
            request: "req_1".to_owned(),
            resource: None,
            person: Some("per_1".to_owned()),
            actor: "tok_1".to_owned(),
            method: None,
            status: None,
            code: None,
            duration_us: None,
            payload: Some(payload),
            erased: false,
        };
        assert_eq!(happened(&Entry { event, integration: None, explained: None }), expect);
    }

    #[test]
    fn targets_are_cut_to_their_endpoint() {
        let check = |target: &str, expect: &str| assert_eq!(endpoint(target), expect);
        check("/Users", "/Users");
        check("/Users?filter=x", "/Users");
        check("/Groups/3f/x?y=/z", "/Groups");
        check("", "");
    }

    #[test]
    fn what_happened() {
        let changes = json!([
            {"path": "title"},
            {"path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"},
            {"path": "schemas"}
        ]);
        check(
            EventKind::Patch,
            json!({"target": "/Users/1", "changes": changes}),
            "User changed: title, enterprise:2.0:User",
        );
        check(EventKind::Create, json!({"target": "/Users", "changes": changes}), "User created");
        let off = json!({"changes": [{"path": "active", "before": true, "after": false}]});
        check(EventKind::Deactivate, off, "User deactivated");
        let members = json!({"added": ["a", "b"], "removed": ["c"]});
        check(
            EventKind::Patch,
            json!({"target": "/Groups/1", "members": members}),
            "Group changed: +2 members, -1 member",
        );
        check(
            EventKind::Patch,
            json!({"target": "/Groups/1", "changes": {"too_long_for_the_journal": true}}),
            "Group changed",
        );
        check(EventKind::CallRefused, json!({"detail": "No."}), "refused: No.");
        check(EventKind::ConflictOpen, json!({"why": "same-email"}), "may be per_1: an e-mail address is the same");
        check(
            EventKind::CallsAnonymous,
            json!({"calls": {"::1": 2, "other": 3}}),
            "5 calls without a known token from 2 addresses",
        );
        let set = json!({"before": {"rate_limit": null, "paused": false}, "after": {"rate_limit": 5, "paused": false}});
        check(EventKind::IntegrationSet, set, "settings changed: rate limit");
        check(EventKind::TokenRevoke, json!({"token": "tok_1", "label": "first"}), "token tok_1 (first) revoked");
    }
}
