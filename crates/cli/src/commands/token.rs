//! `token`: the API tokens of integrations.

use super::integration::{token_json, token_state};
use crate::args::{Json, TokenCommand};
use crate::out::{self, Done};
use bailiwick_app::App;
use bailiwick_app::manage::{self, TokenMade};
use serde_json::json;

pub(super) async fn run(app: &App, command: TokenCommand) -> Done {
    match command {
        TokenCommand::Create { integration, label, expires, json } => {
            made(&manage::create_token(app, &integration, &label, expires).await?, json, None)
        }
        TokenCommand::List { integration, json } => list(app, integration.as_deref(), json).await,
        TokenCommand::Rotate { integration, token, overlap, expires, json } => {
            let made_token = manage::rotate_token(app, &integration, token.as_deref(), overlap, expires).await?;
            let hours = overlap.as_secs() / 3_600;
            let old = if hours > 0 {
                format!("The old token works for {} more.", out::count(hours, "hour", "hours"))
            } else {
                format!("The old token works for {} more.", out::count(overlap.as_secs(), "second", "seconds"))
            };
            made(&made_token, json, Some(old))
        }
        TokenCommand::Revoke { integration, token, id, json } => {
            let id = token.or(id).unwrap_or_default();
            manage::revoke_token(app, &integration, &id).await?;
            if json.json {
                return out::json(&json!({ "id": id, "integration": integration, "revoked": true }));
            }
            out::line(&format!("Token {id} is revoked: it is refused within a second."))
        }
    }
}

fn made(token: &TokenMade, json: Json, more: Option<String>) -> Done {
    if json.json {
        return out::json(&json!({
            "id": token.id,
            "integration": token.integration,
            "label": token.label,
            "token": token.token,
            "expires_at": out::instant(token.expires_at),
        }));
    }
    let expires = out::moment_or(token.expires_at, "never");
    out::line(&format!("Token {} ({}) of {}, expires {expires}:", token.id, token.label, token.integration))?;
    out::line(&format!("  {}", token.token))?;
    out::line("It is shown this once.")?;
    more.map_or(Ok(()), |more| out::line(&more))
}

async fn list(app: &App, integration: Option<&str>, json: Json) -> Done {
    let tokens = manage::list_tokens(app, integration).await?;
    let now = app.clock().now();
    if json.json {
        return out::json(&tokens.iter().map(|(token, integration)| token_json(token, integration, now)).collect());
    }
    if tokens.is_empty() {
        return out::line("No token yet. Make one with: bailiwick token create --integration NAME");
    }
    let cells = tokens.iter().map(|(token, integration)| {
        vec![
            token.id.clone(),
            integration.clone(),
            token.label.clone(),
            token_state(token, now).to_owned(),
            out::moment(token.created),
            out::moment_or(token.expires, "never"),
            out::moment_or(token.last_used, "never"),
        ]
    });
    let head = ["ID", "INTEGRATION", "LABEL", "STATE", "CREATED", "EXPIRES", "LAST USED"];
    out::lines(&out::table(&head, &cells.collect::<Vec<_>>()))
}
