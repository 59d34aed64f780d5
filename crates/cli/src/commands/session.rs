//! `session` and `invite`: who is signed in, and who is asked to come.

use crate::args::{InviteCommand, SessionCommand};
use crate::out::{self, Done};
use bailiwick_app::App;
use bailiwick_app::access::{self, Principal};
use bailiwick_app::catalog::find_person;
use bailiwick_app::rows::CredentialRow;
use serde_json::json;

pub(super) async fn run(app: &App, command: SessionCommand) -> Done {
    let host = Principal::host();
    match command {
        SessionCommand::List { person, json } => {
            let person = find_person(app, &person).await?;
            let sessions = access::list_sessions(app, &host, &person.id).await?;
            if json.json {
                let value = |row: &CredentialRow| {
                    json!({
                        "id": row.id,
                        "agent": row.label,
                        "created_at": row.created.to_string(),
                        "expires_at": out::instant(row.expires),
                        "last_used_at": out::instant(row.last_used),
                    })
                };
                return out::json(&sessions.iter().map(value).collect());
            }
            if sessions.is_empty() {
                return out::line(&format!("{} is not signed in with a local account.", person.display));
            }
            let cells = sessions.iter().map(|row| {
                let (begun, used) = (out::moment(row.created), out::moment_or(row.last_used, "never"));
                vec![row.id.clone(), begun, used, out::moment_or(row.expires, "never"), row.label.clone()]
            });
            out::lines(&out::table(&["ID", "BEGUN", "LAST USED", "ENDS", "AGENT"], &cells.collect::<Vec<_>>()))
        }
        SessionCommand::End { person, id, json } => {
            let person = find_person(app, &person).await?;
            let ended = match id {
                Some(id) => access::end_session(app, &host, &person.id, &id).await.map(|()| 1)?,
                None => access::end_sessions(app, &host, &person.id).await?,
            };
            if json.json {
                return out::json(&json!({ "person": person.id, "ended": ended }));
            }
            out::line(&format!("{} ended.", out::count(ended as u64, "session", "sessions")))
        }
    }
}

pub(super) async fn invite(app: &App, command: InviteCommand) -> Done {
    let host = Principal::host();
    match command {
        InviteCommand::Create { email, display, role, json } => {
            let made = access::create_invite(app, &host, &email, display.as_deref(), role.as_deref()).await?;
            if json.json {
                return out::json(&json!({
                    "id": made.invite.id,
                    "email": made.invite.email,
                    "person": made.invite.person,
                    "role": made.invite.role,
                    "token": made.text,
                    "expires_at": out::instant(made.invite.expires),
                }));
            }
            let until = out::moment_or(made.invite.expires, "for ever");
            out::line(&format!("Invitation {} for {}, good until {until}:", made.invite.id, made.invite.email))?;
            out::line(&format!("  {}", made.text))?;
            out::line("It is shown this once: whoever has it makes the account.")
        }
        InviteCommand::List { json } => {
            let invites = access::list_invites(app, &host).await?;
            if json.json {
                let value = |invite: &access::Invite| {
                    json!({
                        "id": invite.id,
                        "email": invite.email,
                        "person": invite.person,
                        "role": invite.role,
                        "created_by": invite.by,
                        "created_at": invite.created.to_string(),
                        "expires_at": out::instant(invite.expires),
                    })
                };
                return out::json(&invites.iter().map(value).collect());
            }
            if invites.is_empty() {
                return out::line("No open invitation.");
            }
            let cells = invites.iter().map(|invite| {
                let role = invite.role.clone().unwrap_or_default();
                vec![invite.id.clone(), invite.email.clone(), role, out::moment_or(invite.expires, "never")]
            });
            out::lines(&out::table(&["ID", "E-MAIL", "ROLE", "GOOD UNTIL"], &cells.collect::<Vec<_>>()))
        }
        InviteCommand::Revoke { id, json } => {
            access::revoke_invite(app, &host, &id).await?;
            if json.json {
                return out::json(&json!({ "id": id, "revoked": true }));
            }
            out::line(&format!("Invitation {id} is taken back."))
        }
    }
}
