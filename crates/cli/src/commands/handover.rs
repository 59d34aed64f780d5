//! `handover`: what people who left were responsible for.

use crate::args::{HandoverCommand, Json};
use crate::out::{self, Done};
use bailiwick_app::App;
use bailiwick_app::access::Principal;
use bailiwick_app::catalog;
use bailiwick_app::leaver::{self, Handover, HandoverQuery, Verdict};
use bailiwick_domain::handover::{Party, TaskState};
use serde_json::{Value, json};

pub(super) async fn run(app: &App, command: HandoverCommand) -> Done {
    let host = Principal::host();
    match command {
        HandoverCommand::List { state, person, item, assignee, limit, json } => {
            let person = match person {
                Some(text) => Some(catalog::find_person(app, &text).await?.id),
                None => None,
            };
            let query = HandoverQuery { state: state.0, person, thing: item, assignee, limit, after: None };
            let page = leaver::list_handovers(app, &host, &query).await?;
            list(&page.tasks, page.next.is_some(), json)
        }
        HandoverCommand::Show { id, json } => show(&leaver::show_handover(app, &host, &id).await?, json),
        HandoverCommand::Done { id, successor, note, json } => {
            let verdict = Verdict::Done { successor };
            show(&leaver::decide_handover(app, &host, &id, &verdict, note.as_deref()).await?, json)
        }
        HandoverCommand::Decline { id, note, json } => {
            show(&leaver::decide_handover(app, &host, &id, &Verdict::Declined, note.as_deref()).await?, json)
        }
        HandoverCommand::Assign { id, to, json } => show(&leaver::assign_handover(app, &host, &id, &to).await?, json),
    }
}

fn list(handovers: &[Handover], more: bool, json: Json) -> Done {
    if json.json {
        return out::json(&handovers.iter().map(handover_json).collect());
    }
    if handovers.is_empty() {
        return out::line("No hand-over.");
    }
    out::lines(&table(handovers))?;
    if more {
        out::line("")?;
        out::line("There are more; narrow the list, or raise --limit.")?;
    }
    Ok(())
}

/// Hand-overs as lines, the head first.
pub(super) fn table(handovers: &[Handover]) -> Vec<String> {
    let cells = handovers.iter().map(|handover| {
        let task = &handover.task;
        vec![
            handover.id.clone(),
            state(handover).to_owned(),
            task.person.name.clone(),
            task.duty.words().to_owned(),
            task.thing.reference.clone(),
            handover.suggestions.first().map_or_else(String::new, |best| best.party.name.clone()),
            task.assignee.as_ref().map_or_else(String::new, |assignee| assignee.name.clone()),
            day(task.due),
        ]
    });
    let head = ["ID", "STATE", "WHO LEFT", "WAS", "OF", "COULD BE", "LOOKED AFTER BY", "DUE"];
    out::table(&head, &cells.collect::<Vec<_>>())
}

fn day(at: bailiwick_domain::ids::Millis) -> String {
    out::moment(at).split(' ').next().unwrap_or_default().to_owned()
}

/// Where it stands; one whose thing has somebody else by now only waits to be closed.
fn state(handover: &Handover) -> &'static str {
    match handover.task.state() {
        TaskState::Open if handover.settled => "open, settled",
        other => other.as_str(),
    }
}

fn show(handover: &Handover, json: Json) -> Done {
    if json.json {
        return out::json(&handover_json(handover));
    }
    let task = &handover.task;
    let mut lines = vec![
        format!("{} {}, {}", handover.id, state(handover), task.thing.reference),
        format!("  was     {} ({}), {} it", task.person.name, task.person.id, task.duty.words()),
        format!("  opened  {}, due {}", out::moment(task.opened), day(task.due)),
    ];
    if let Some(assignee) = &task.assignee {
        lines.push(format!("  looked after by  {} ({})", assignee.name, assignee.id));
    }
    for suggestion in &handover.suggestions {
        let Party { name, id, .. } = &suggestion.party;
        lines.push(format!("  could be  {name} ({id}): {}", suggestion.reasons.join("; ")));
    }
    if let Some(decision) = &task.decision {
        lines.push(format!("  {} by {}, {}", decision.state.as_str(), decision.by, out::moment(decision.at)));
        if let Some(successor) = &decision.successor {
            lines.push(format!("  successor  {} ({})", successor.name, successor.id));
        }
        if let Some(note) = &decision.note {
            lines.push(format!("  note  {note}"));
        }
    }
    out::lines(&lines)
}

pub(super) fn handover_json(handover: &Handover) -> Value {
    let task = &handover.task;
    json!({
        "id": handover.id,
        "state": task.state().as_str(),
        "settled": handover.settled,
        "person": task.person,
        "duty": task.duty.as_str(),
        "item": task.thing,
        "suggestions": handover.suggestions,
        "assignee": task.assignee,
        "opened": task.opened.to_string(),
        "due": task.due.to_string(),
        "decided": task.decision.as_ref().map(|decision| json!({
            "by": decision.by,
            "at": decision.at.to_string(),
            "successor": decision.successor,
            "note": decision.note,
        })),
    })
}
