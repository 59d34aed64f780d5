//! `conflict`: pairs of a User and a person that may be one human.

use crate::args::{ConflictCommand, Json};
use crate::out::{self, Done};
use bailiwick_app::App;
use bailiwick_app::manage;
use bailiwick_domain::identity::Why;
use bailiwick_domain::ids::IntegrationId;
use bailiwick_store::rows::ConflictRow;
use serde_json::{Value, json};
use std::collections::HashMap;

pub(super) async fn run(app: &App, command: ConflictCommand) -> Done {
    match command {
        ConflictCommand::List { all, json } => list(app, all, json).await,
        ConflictCommand::Link { id, json } => {
            manage::link_conflict(app, &id).await?;
            decided(app, &id, json, "linked: the User belongs to the person").await
        }
        ConflictCommand::Keep { id, json } => {
            manage::keep_conflict(app, &id).await?;
            decided(app, &id, json, "kept apart: they are two humans").await
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

fn pair_json(pair: &ConflictRow, names: &HashMap<IntegrationId, String>) -> Value {
    json!({
        "id": pair.id,
        "state": pair.state,
        "integration": names.get(&pair.integration),
        "resource": pair.resource,
        "user_name": pair.user_name,
        "person": pair.person,
        "why": pair.why,
        "created": pair.created.to_string(),
        "decided": out::instant(pair.decided),
    })
}

async fn list(app: &App, all: bool, json: Json) -> Done {
    let pairs = manage::list_conflicts(app, if all { None } else { Some("open") }).await?;
    let names = names(app).await?;
    if json.json {
        return out::json(&pairs.iter().map(|pair| pair_json(pair, &names)).collect());
    }
    if pairs.is_empty() {
        return out::line(if all { "No pair was ever found." } else { "No pair waits for a decision." });
    }
    let cells = pairs.iter().map(|pair| {
        vec![
            pair.id.clone(),
            pair.state.clone(),
            names.get(&pair.integration).cloned().unwrap_or_default(),
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
        "One human: bailiwick conflict link ID. Two: bailiwick conflict keep ID. More: bailiwick person show PERSON.",
    )
}

async fn decided(app: &App, id: &str, json: Json, what: &str) -> Done {
    if !json.json {
        return out::line(&format!("Pair {id} is {what}."));
    }
    let names = names(app).await?;
    let pairs = manage::list_conflicts(app, None).await?;
    let pair = pairs.iter().find(|pair| pair.id == id);
    out::json(&pair.map_or(Value::Null, |pair| pair_json(pair, &names)))
}
