//! `api-token`: tokens of persons and services for the API.

use crate::args::{ApiTokenCommand, Json};
use crate::out::{self, Done, Failure};
use bailiwick_app::App;
use bailiwick_app::access::{self, ApiToken, ApiTokenMade, NewApiToken, Principal, Scopes};
use bailiwick_app::catalog::find_person;
use bailiwick_domain::ids::Millis;
use serde_json::{Value, json};

pub(super) async fn run(app: &App, command: ApiTokenCommand) -> Done {
    let host = Principal::host();
    match command {
        ApiTokenCommand::Create { person, service, role, scope, label, expires, json } => {
            let scopes = Scopes::parse(&scope).map_err(Failure::Refused)?;
            let new = NewApiToken { label, scopes, life: Some(expires) };
            let made = match (person, service, role) {
                (Some(person), _, _) => {
                    let person = find_person(app, &person).await?;
                    access::create_personal_token(app, &host, &person.id, new).await?
                }
                (None, service, role) => {
                    let (service, role) = (service.unwrap_or_default(), role.unwrap_or_default());
                    access::create_service_token(app, &host, &service, &role, new).await?
                }
            };
            show_made(&made, json)
        }
        ApiTokenCommand::List { person, json } => list(app, &host, person, json).await,
        ApiTokenCommand::Rotate { id, overlap, expires, json } => {
            show_made(&access::rotate_api_token(app, &host, &id, overlap, Some(expires)).await?, json)
        }
        ApiTokenCommand::Revoke { id, json } => {
            access::revoke_api_token(app, &host, &id).await?;
            if json.json {
                return out::json(&json!({ "id": id, "revoked": true }));
            }
            out::line(&format!("Token {id} is revoked: it is refused within a second."))
        }
    }
}

fn value(token: &ApiToken) -> Value {
    json!({
        "id": token.id,
        "kind": token.kind.as_str(),
        "service": token.service,
        "label": token.label,
        "role": token.role,
        "scopes": token.scopes,
        "created_by": token.by,
        "created_at": token.created.to_string(),
        "expires_at": out::instant(token.expires),
        "revoked_at": out::instant(token.revoked),
        "last_used_at": out::instant(token.last_used),
    })
}

fn show_made(made: &ApiTokenMade, json: Json) -> Done {
    if json.json {
        let mut value = value(&made.token);
        value["token"] = made.text.as_str().into();
        return out::json(&value);
    }
    let expires = out::moment_or(made.token.expires, "never");
    out::line(&format!("Token {} ({}), expires {expires}:", made.token.id, made.token.label))?;
    out::line(&format!("  {}", made.text))?;
    out::line("It is shown this once.")
}

async fn list(app: &App, host: &Principal, person: Option<String>, json: Json) -> Done {
    let tokens = match person {
        Some(person) => access::list_personal_tokens(app, host, &find_person(app, &person).await?.id).await?,
        None => access::list_service_tokens(app, host).await?,
    };
    if json.json {
        return out::json(&tokens.iter().map(value).collect());
    }
    if tokens.is_empty() {
        return out::line("No token. Make one with: bailiwick api-token create");
    }
    let now = app.clock().now();
    let cells = tokens.iter().map(|token| {
        vec![
            token.id.clone(),
            token.service.clone().unwrap_or_default(),
            token.label.clone(),
            token.role.clone().unwrap_or_default(),
            token.scopes.join(" "),
            state(token, now).to_owned(),
            out::moment_or(token.expires, "never"),
            out::moment_or(token.last_used, "never"),
        ]
    });
    let head = ["ID", "SERVICE", "LABEL", "ROLE", "SCOPES", "STATE", "EXPIRES", "LAST USED"];
    out::lines(&out::table(&head, &cells.collect::<Vec<_>>()))
}

fn state(token: &ApiToken, now: Millis) -> &'static str {
    match (token.revoked, token.expires) {
        (Some(_), _) => "revoked",
        (None, Some(end)) if end <= now => "expired",
        _ => "live",
    }
}
