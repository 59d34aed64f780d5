//! `integration observe` and `apply`: what would follow from what an integration said, and letting it follow.

use crate::args::Json;
use crate::commands::hold;
use crate::out::{self, Done};
use bailiwick_app::App;
use bailiwick_app::access::Principal;
use bailiwick_app::holds::{self, HeldPerson, Observed, ObservedUser};
use bailiwick_app::mapping::{danger_words, with_names};
use serde_json::{Value, json};

pub(super) async fn observe(app: &App, name: &str, limit: u32, json: Json) -> Done {
    let host = Principal::host();
    let seen = holds::observe_integration(app, &host, name).await?;
    let (new, more_users) = holds::observed_users(app, &host, name, None, limit).await?;
    let (persons, more_persons) = holds::observed_persons(app, &host, name, None, limit).await?;
    let more = more_users.or(more_persons).is_some();
    if json.json {
        return out::json(&value(&seen, &new, &persons, more));
    }
    let users = |count| out::count(count, "User", "Users");
    let mode = if seen.observing { "is observed" } else { "is not in observe mode" };
    let mut lines = vec![format!("Integration {name} {mode}.")];
    lines.push(format!("  {} would get a person of their own", users(seen.create)));
    lines.push(format!("  {} would join a person who is here", users(seen.link)));
    lines.push(format!("  {} would wait: somebody who signs in here answers to them", users(seen.refused)));
    let pairs = out::count(seen.conflicts, "pair", "pairs");
    lines.push(format!("  {pairs} would be opened for review"));
    let waiting = out::count(seen.waiting, "person waits", "people wait");
    lines.push(format!("  {waiting} with changes, {} would be switched off or closed", seen.ended));
    let effects = &seen.effects;
    lines.push(format!("  {} things gained, {} lost, by rules and groups", effects.gained.count, effects.lost.count));
    for (id, size) in &effects.teams {
        let team = seen.team_names.get(id).unwrap_or(id);
        lines.push(format!("  team {team}: {} -> {} active members", size.before, size.after));
    }
    let dangers = seen.dangers.iter().map(|danger| danger_words(&with_names(danger.clone(), &seen.team_names)));
    lines.extend(dangers.map(|danger| format!("  danger: {danger}")));
    if !new.is_empty() {
        lines.push(String::new());
        let cells: Vec<Vec<String>> = new.iter().map(user_cells).collect();
        lines.extend(out::table(&["USER", "USERNAME", "WOULD", "PERSON", "WOULD GET"], &cells));
    }
    if !persons.is_empty() {
        lines.push(String::new());
        lines.extend(out::table(&hold::HEAD, &hold::cells(&persons)));
    }
    if more {
        lines.push("There are more: --limit".to_owned());
    }
    if seen.observing || seen.unfinished() {
        lines.push(String::new());
        if seen.unfinished() {
            lines.push("Applying was interrupted, and what is shown here is left.".to_owned());
        }
        lines.push(format!("Let it follow: bailiwick integration apply {name} --basis {}", seen.basis));
    }
    out::lines(&lines)
}

fn user_cells(user: &ObservedUser) -> Vec<String> {
    let would = match user.would {
        "create" => "get a person",
        "link" => "join",
        _ => "wait for",
    };
    let would = if user.active { would.to_owned() } else { format!("{would} (not active)") };
    vec![
        user.id.clone(),
        user.user_name.clone(),
        would,
        user.person.clone().unwrap_or_default(),
        hold::words(&user.gains),
    ]
}

fn user(user: &ObservedUser) -> Value {
    json!({
        "id": user.id,
        "user_name": user.user_name,
        "active": user.active,
        "would": user.would,
        "person": user.person,
        "conflicts": user.conflicts,
        "gains": hold::things(&user.gains),
    })
}

fn value(seen: &Observed, users: &[ObservedUser], persons: &[HeldPerson], more: bool) -> Value {
    json!({
        "integration": seen.integration,
        "observing": seen.observing,
        "unfinished": seen.unfinished(),
        "basis": seen.basis,
        "create": seen.create,
        "link": seen.link,
        "refused": seen.refused,
        "conflicts": seen.conflicts,
        "waiting": seen.waiting,
        "ended": seen.ended,
        "users": users.iter().map(user).collect::<Value>(),
        "persons": persons.iter().map(hold::person).collect::<Value>(),
        "more": more,
        "effects": seen.effects,
        "dangers": seen.dangers,
    })
}

pub(super) async fn apply(app: &App, name: &str, basis: &str, json: Json) -> Done {
    let applied = holds::apply_integration(app, &Principal::host(), name, basis).await?;
    if json.json {
        return out::json(&json!({
            "integration": name,
            "created": applied.created,
            "linked": applied.linked,
            "refused": applied.refused,
            "changed": applied.changed,
            "kept_admins": applied.kept_admins,
        }));
    }
    let people = |count| out::count(count, "person", "people");
    out::line(&format!(
        "Integration {name} is applied: {} made, {} joined, {} changed, {} waiting for a decision (bailiwick conflict \
         list).",
        people(applied.created),
        people(applied.linked),
        people(applied.changed),
        applied.refused
    ))?;
    for admin in &applied.kept_admins {
        out::line(&format!("Person {admin} stays: nobody else would be an active admin."))?;
    }
    Ok(())
}
