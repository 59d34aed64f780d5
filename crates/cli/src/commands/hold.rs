//! `hold`: removals that wait for a decision.

use crate::args::{HoldCommand, Json};
use crate::out::{self, Done};
use bailiwick_app::App;
use bailiwick_app::access::Principal;
use bailiwick_app::catalog::find_person;
use bailiwick_app::holds::{self, Decided, HeldPerson, HeldThing, HoldQuery, HoldShown, HoldSummary};
use bailiwick_domain::guard::{Decision, Reason};
use serde_json::{Value, json};

/// Most holds listed.
const LISTED: u32 = 1_000;

pub(super) async fn run(app: &App, command: HoldCommand) -> Done {
    let host = Principal::host();
    match command {
        HoldCommand::List { all, json } => list(app, all, json).await,
        HoldCommand::Show { id, limit, json } => show(app, &id, limit, json).await,
        HoldCommand::Approve { id, person, json } => {
            let mut ids = Vec::with_capacity(person.len());
            for text in &person {
                ids.push(find_person(app, text).await?.id);
            }
            let persons = (!ids.is_empty()).then_some(ids.as_slice());
            decided(&id, &holds::approve_hold(app, &host, &id, persons).await?, "approved", json)
        }
        HoldCommand::Reject { id, reason, json } => {
            decided(&id, &holds::reject_hold(app, &host, &id, &reason).await?, "rejected", json)
        }
    }
}

async fn list(app: &App, all: bool, json: Json) -> Done {
    let query = if all { HoldQuery::default() } else { HoldQuery::open() };
    let holds = holds::list_holds(app, &Principal::host(), &query, LISTED).await?;
    if json.json {
        return out::json(&holds.iter().map(summary).collect());
    }
    if holds.is_empty() {
        return out::line(if all { "Nothing was ever held." } else { "Nothing waits for a decision." });
    }
    let cells = holds.iter().map(|hold| {
        vec![
            hold.hold.id.clone(),
            hold.state.clone(),
            hold.integration.clone(),
            hold.waiting.to_string(),
            out::moment(hold.hold.opened),
            hold.words.first().cloned().unwrap_or_default(),
        ]
    });
    let head = ["ID", "STATE", "INTEGRATION", "WAITING", "SINCE", "WHY"];
    out::lines(&out::table(&head, &cells.collect::<Vec<_>>()))
}

fn summary(hold: &HoldSummary) -> Value {
    json!({
        "id": hold.hold.id,
        "state": hold.state,
        "integration": hold.integration,
        "waiting": hold.waiting,
        "people": hold.hold.people,
        "opened": hold.hold.opened.to_string(),
        "reasons": hold.hold.reasons.iter().zip(&hold.words).map(reason).collect::<Value>(),
        "calls": hold.hold.calls,
        "requests": hold.hold.requests,
        "decisions": hold.hold.decisions.iter().map(decision).collect::<Value>(),
    })
}

fn reason((reason, words): (&Reason, &String)) -> Value {
    let mut value = serde_json::to_value(reason).unwrap_or_default();
    value["words"] = Value::from(words.as_str());
    value
}

fn decision(decision: &Decision) -> Value {
    json!({
        "by": decision.by,
        "at": decision.at.to_string(),
        "approved": decision.approved,
        "people": decision.people,
        "reason": decision.reason,
    })
}

pub(super) fn person(person: &HeldPerson) -> Value {
    json!({
        "person": person.id,
        "display": person.display,
        "state": person.state.as_str(),
        "would_be": person.would_be.as_str(),
        "loses": things(&person.loses),
        "gains": things(&person.gains),
    })
}

pub(super) fn things(things: &[HeldThing]) -> Value {
    things.iter().map(|it| json!({ "kind": it.kind, "object": it.object, "name": it.name })).collect()
}

async fn show(app: &App, id: &str, limit: u32, json: Json) -> Done {
    let HoldShown { summary: hold, persons, next } = holds::show_hold(app, &Principal::host(), id, None, limit).await?;
    if json.json {
        let mut value = summary(&hold);
        value["persons"] = persons.iter().map(person).collect();
        value["more"] = Value::from(next.is_some());
        return out::json(&value);
    }
    let waiting = out::count(hold.waiting, "person waits", "people wait");
    let mut lines = vec![format!("Hold {id} of {} ({}): {waiting}", hold.integration, hold.state)];
    lines.extend(hold.words.iter().map(|words| format!("  why    {words}")));
    let calls = out::count(hold.hold.calls, "call", "calls");
    let first = hold.hold.requests.first().map_or("none", String::as_str);
    lines.push(format!("  since  {}, by {calls}, the first {first}", out::moment(hold.hold.opened)));
    for decision in &hold.hold.decisions {
        let verb = if decision.approved { "approved" } else { "rejected" };
        let why = decision.reason.as_deref().unwrap_or("no reason");
        let (at, by) = (out::moment(decision.at), &decision.by);
        lines.push(format!("  {at}  {verb} by {by} for {}: {why}", out::count(decision.people, "person", "people")));
    }
    if !persons.is_empty() {
        lines.push(String::new());
        lines.extend(out::table(&HEAD, &cells(&persons)));
    }
    if next.is_some() {
        lines.push("There are more: --limit".to_owned());
    }
    if hold.waiting > 0 {
        lines.push(String::new());
        lines.push(format!("Right: bailiwick hold approve {id}. Wrong: bailiwick hold reject {id} --reason TEXT."));
    }
    out::lines(&lines)
}

/// `team Payments, role admin`
pub(super) fn words(things: &[HeldThing]) -> String {
    let words: Vec<String> = things.iter().map(|thing| format!("{} {}", thing.kind, thing.name)).collect();
    words.join(", ")
}

/// Above persons who wait.
pub(super) const HEAD: [&str; 6] = ["PERSON", "NAME", "IS", "WOULD BE", "WOULD LOSE", "WOULD GET"];

pub(super) fn cells(persons: &[HeldPerson]) -> Vec<Vec<String>> {
    let cells = |person: &HeldPerson| {
        vec![
            person.id.clone(),
            person.display.clone(),
            person.state.as_str().to_owned(),
            person.would_be.as_str().to_owned(),
            words(&person.loses),
            words(&person.gains),
        ]
    };
    persons.iter().map(cells).collect()
}

fn decided(id: &str, decided: &Decided, verb: &str, json: Json) -> Done {
    if json.json {
        return out::json(&json!({
            "id": id,
            "state": decided.state.as_str(),
            "people": decided.people,
            "waiting": decided.waiting,
            "kept_admins": decided.kept_admins,
        }));
    }
    let people = out::count(decided.people, "person", "people");
    out::line(&format!("Hold {id} is {verb} for {people}; {} still wait.", decided.waiting))?;
    for admin in &decided.kept_admins {
        out::line(&format!("Person {admin} stays: nobody else would be an active admin."))?;
    }
    Ok(())
}
