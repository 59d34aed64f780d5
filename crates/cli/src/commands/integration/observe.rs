//! `integration observe` and `apply`: what would follow from what an integration said, and letting it follow.

use crate::args::Json;
use crate::commands::hold;
use crate::out::{self, Done};
use bailiwick_app::App;
use bailiwick_app::access::Principal;
use bailiwick_app::holds::{self, Observed};
use bailiwick_app::mapping::danger_words;
use serde_json::{Value, json};

pub(super) async fn observe(app: &App, name: &str, json: Json) -> Done {
    let seen = holds::observe_integration(app, &Principal::host(), name).await?;
    if json.json {
        return out::json(&value(&seen));
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
    lines.extend(seen.dangers.iter().map(|danger| format!("  danger: {}", danger_words(danger))));
    if !seen.persons.is_empty() {
        lines.push(String::new());
        lines.extend(out::table(&hold::HEAD, &hold::cells(&seen.persons)));
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

fn value(seen: &Observed) -> Value {
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
        "users": seen.users.iter().map(|(id, what)| json!({ "id": id, "would": what })).collect::<Value>(),
        "persons": seen.persons.iter().map(hold::person).collect::<Value>(),
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
