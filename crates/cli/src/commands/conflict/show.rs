//! One pair with its evidence.

use super::{pair_json, why};
use crate::args::Json;
use crate::out::{self, Done};
use bailiwick_app::App;
use bailiwick_app::access::Principal;
use bailiwick_app::manage::{self, Evidence, IfLinked, Side, SideGrant, SideUser};
use serde_json::{Value, json};

pub(super) async fn show(app: &App, id: &str, json: Json) -> Done {
    let evidence = manage::show_conflict(app, &Principal::host(), id).await?;
    if json.json {
        return out::json(&evidence_json(&evidence));
    }
    let pair = &evidence.pair;
    let mut lines = vec![format!(
        "Pair {} ({}): {} of {} and {}, because {}",
        pair.id,
        pair.state,
        pair.user_name,
        evidence.integration,
        pair.person,
        why(pair)
    )];
    lines.extend(side(&format!("What {} says", evidence.integration), &evidence.incoming));
    if evidence.incoming.users.is_empty() {
        lines.push("  The User was refused: nothing of it is stored.".to_owned());
    }
    lines.extend(side("Who is here", &evidence.existing));
    lines.push(String::new());
    lines.push("If they are linked".to_owned());
    match &evidence.if_linked {
        Ok(linked) => lines.extend(if_linked(linked)),
        Err(reason) => lines.push(format!("  not possible: {reason}")),
    }
    match &evidence.renaming {
        Ok(()) => lines.push("The person here can take another name: bailiwick conflict rename ID NAME".to_owned()),
        Err(reason) => lines.push(format!("Another name for the person here is no way out: {reason}")),
    }
    if let Some(decided) = &evidence.decided {
        let note = decided.note.as_deref().unwrap_or("no note");
        lines.push(format!("Decided by {} ({}): {note}", decided.by, decided.kind));
    }
    out::lines(&lines)
}

fn side(title: &str, side: &Side) -> Vec<String> {
    let mut lines = vec![String::new(), title.to_owned()];
    if let Some(person) = &side.person {
        let mut words = vec![person.state.as_str()];
        words.extend(person.account.then_some("signs in here"));
        words.extend(person.admin.then_some("admin"));
        let email = person.email.as_deref().unwrap_or("no address");
        lines.push(format!("  person {}  {}, {email} ({})", person.id, person.display, words.join(", ")));
    }
    for user in &side.users {
        let state = if user.active { "active" } else { "inactive" };
        lines.push(format!("  User {}  {} of {}, {state}", user.id, user.user_name, user.integration));
        lines.push(format!("    name {}, addresses {}", user.display, listed(user.emails.iter().map(String::as_str))));
        lines.push(format!("    groups {}", listed(user.groups.iter().map(|group| group.display.as_str()))));
    }
    lines.extend(side.grants.iter().map(|grant| format!("  {}", words(grant))));
    for event in &side.events {
        lines.push(format!("  {}  {} (evt_{})", out::moment(event.at), event.kind, event.seq));
    }
    lines
}

fn if_linked(linked: &IfLinked) -> Vec<String> {
    let mut lines = Vec::new();
    if linked.waits_for_provider {
        lines.push("  the User is taken when the identity provider sends it again".to_owned());
    }
    if let Some((before, after)) = linked.state.filter(|(before, after)| before != after) {
        lines.push(format!("  the person becomes {} (is {})", after.as_str(), before.as_str()));
    }
    lines.extend(linked.closes.iter().map(|person| format!("  person {person} is closed")));
    lines.extend(linked.gains.iter().map(|grant| format!("  gains {}", words(grant))));
    lines
}

fn words(grant: &SideGrant) -> String {
    let value = if grant.value.is_empty() { String::new() } else { format!(" ({})", grant.value) };
    format!("{} {}{value}, {}", grant.kind.as_str(), grant.title, grant.origin)
}

fn listed<'a>(items: impl Iterator<Item = &'a str>) -> String {
    let items: Vec<&str> = items.collect();
    if items.is_empty() { "none".to_owned() } else { items.join(", ") }
}

fn evidence_json(evidence: &Evidence) -> Value {
    let mut value = pair_json(&evidence.pair, Some(&evidence.integration));
    value["incoming"] = side_json(&evidence.incoming);
    value["existing"] = side_json(&evidence.existing);
    value["if_linked"] = match &evidence.if_linked {
        Ok(linked) => json!({
            "possible": true,
            "state_before": linked.state.map(|(before, _)| before.as_str()),
            "state_after": linked.state.map(|(_, after)| after.as_str()),
            "closes": linked.closes,
            "gains": linked.gains.iter().map(grant_json).collect::<Value>(),
            "waits_for_provider": linked.waits_for_provider,
        }),
        Err(reason) => json!({ "possible": false, "reason": reason }),
    };
    value["rename"] = match &evidence.renaming {
        Ok(()) => json!({ "possible": true }),
        Err(reason) => json!({ "possible": false, "reason": reason }),
    };
    value["decision"] = evidence.decided.as_ref().map_or(
        Value::Null,
        |decided| json!({ "by": decided.by, "note": decided.note, "kind": decided.kind, "did": decided.did }),
    );
    value
}

fn side_json(side: &Side) -> Value {
    json!({
        "person": side.person.as_ref().map(|person| json!({
            "id": person.id,
            "display": person.display,
            "user_name": person.user_name,
            "email": person.email,
            "state": person.state.as_str(),
            "account": person.account,
            "admin": person.admin,
        })),
        "users": side.users.iter().map(user_json).collect::<Value>(),
        "grants": side.grants.iter().map(grant_json).collect::<Value>(),
        "events": side.events.iter().map(|event| json!({
            "seq": event.seq, "at": event.at.to_string(), "kind": event.kind, "request": event.request,
        })).collect::<Value>(),
    })
}

fn user_json(user: &SideUser) -> Value {
    json!({
        "id": user.id,
        "integration": user.integration,
        "user_name": user.user_name,
        "display": user.display,
        "emails": user.emails,
        "active": user.active,
        "authority": user.authority,
        "groups": user.groups.iter().map(|group| group.display.as_str()).collect::<Value>(),
        "created": user.created.to_string(),
    })
}

fn grant_json(grant: &SideGrant) -> Value {
    json!({
        "kind": grant.kind.as_str(), "object": grant.object, "title": grant.title, "value": grant.value,
        "origin": grant.origin,
    })
}
