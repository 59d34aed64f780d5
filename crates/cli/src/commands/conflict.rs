//! `conflict`: pairs of a User and a person that may be one human.

mod show;

use crate::args::{ConflictCommand, Json};
use crate::out::{self, Done};
use bailiwick_app::App;
use bailiwick_app::access::Principal;
use bailiwick_app::manage;
use bailiwick_domain::identity::Why;
use bailiwick_domain::ids::IntegrationId;
use bailiwick_store::rows::ConflictRow;
use serde_json::{Value, json};
use std::collections::HashMap;

pub(super) async fn run(app: &App, command: ConflictCommand) -> Done {
    let host = Principal::host();
    match command {
        ConflictCommand::List { all, json } => list(app, all, json).await,
        ConflictCommand::Show { id, json } => show::show(app, &id, json).await,
        ConflictCommand::Link { id, note, json } => {
            manage::link_conflict(app, &host, &id, note.as_deref()).await?;
            decided(app, &id, json, "linked: the User belongs to the person").await
        }
        ConflictCommand::Keep { id, note, json } => {
            manage::keep_conflict(app, &host, &id, note.as_deref()).await?;
            decided(app, &id, json, "kept apart: they are two humans").await
        }
        ConflictCommand::Rename { id, user_name, note, json } => {
            manage::rename_conflict(app, &host, &id, &user_name, note.as_deref()).await?;
            decided(app, &id, json, "kept apart: the person here has another userName").await
        }
    }
}

async fn names(app: &App) -> Result<HashMap<IntegrationId, String>, crate::out::Failure> {
    let rows = manage::list_integrations(app).await?;
    Ok(rows.into_iter().map(|row| (row.id, row.name)).collect())
}

/// What they share, in words.
pub(super) fn why(pair: &ConflictRow) -> String {
    Why::from_text(&pair.why).map_or_else(|| pair.why.clone(), |why| why.to_string())
}

fn pair_json(pair: &ConflictRow, integration: Option<&str>) -> Value {
    json!({
        "id": pair.id,
        "state": pair.state,
        "integration": integration,
        "resource": pair.resource,
        "user_name": pair.user_name,
        "person": pair.person,
        "why": pair.why,
        "created": pair.created.to_string(),
        "decided": out::instant(pair.decided),
    })
}

async fn list(app: &App, all: bool, json: Json) -> Done {
    let pairs = manage::list_conflicts(app, &Principal::host(), if all { None } else { Some("open") }).await?;
    let names = names(app).await?;
    let name = |pair: &ConflictRow| names.get(&pair.integration).map(String::as_str);
    if json.json {
        return out::json(&pairs.iter().map(|pair| pair_json(pair, name(pair))).collect());
    }
    if pairs.is_empty() {
        return out::line(if all { "No pair was ever found." } else { "No pair waits for a decision." });
    }
    let cells = pairs.iter().map(|pair| {
        vec![
            pair.id.clone(),
            pair.state.clone(),
            name(pair).unwrap_or_default().to_owned(),
            pair.user_name.clone(),
            if pair.resource.is_some() { "stored" } else { "refused" }.to_owned(),
            pair.person.clone(),
            why(pair),
        ]
    });
    let head = ["ID", "STATE", "INTEGRATION", "USERNAME", "USER", "MAY BE", "WHY"];
    out::lines(&out::table(&head, &cells.collect::<Vec<_>>()))?;
    out::line("")?;
    out::line(
        "What speaks for what: bailiwick conflict show ID. One human: conflict link ID. Two: conflict keep ID, or, \
         where show says so, conflict rename ID NAME.",
    )
}

async fn decided(app: &App, id: &str, json: Json, what: &str) -> Done {
    if !json.json {
        return out::line(&format!("Pair {id} is {what}."));
    }
    let evidence = manage::show_conflict(app, &Principal::host(), id).await?;
    out::json(&pair_json(&evidence.pair, Some(&evidence.integration)))
}
