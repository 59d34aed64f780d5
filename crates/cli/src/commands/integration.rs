//! `integration`: connecting identity providers.

mod mapping;
mod observe;
mod show;

pub(super) use show::{failures, token_json, token_state};

use crate::args::{IntegrationCommand, Json, Named, RateLimit, SignInClaim, Switch};
use crate::out::{self, Done, refused};
use bailiwick_app::App;
use bailiwick_app::manage::{self, CreatedIntegration, NewIntegration, Setting};
use bailiwick_domain::preset::Preset;
use bailiwick_scim::quirks::Quirk;
use serde_json::json;

pub(super) async fn run(app: &App, command: IntegrationCommand) -> Done {
    match command {
        IntegrationCommand::Create { name, preset, rate_limit, observe, json, .. } => {
            let rate_limit = rate_limit.and_then(RateLimit::stored);
            create(app, NewIntegration { name, preset, rate_limit, observe }, json).await
        }
        IntegrationCommand::Observe { name, limit, json } => observe::observe(app, &name, limit, json).await,
        IntegrationCommand::Apply { name, basis, json } => observe::apply(app, &name, &basis, json).await,
        IntegrationCommand::Mapping { name, command } => mapping::run(app, &name, command).await,
        IntegrationCommand::List { json } => list(app, json).await,
        IntegrationCommand::Show(named) => show::show(app, &named).await,
        IntegrationCommand::Pause(named) => {
            manage::pause_integration(app, &named.name).await?;
            done(app, &named, "is paused: its calls are refused until it is resumed").await
        }
        IntegrationCommand::Resume(named) => {
            manage::resume_integration(app, &named.name).await?;
            done(app, &named, "is resumed").await
        }
        IntegrationCommand::Set {
            name,
            quirk,
            rate_limit,
            user_name_email,
            sign_in_claim,
            guard_percent,
            guard_people,
            observe,
            json,
        } => {
            let mut chosen = settings(quirk, rate_limit, user_name_email, sign_in_claim);
            chosen.extend(guard_percent.map(Setting::GuardPercent));
            chosen.extend(guard_people.map(Setting::GuardPeople));
            chosen.extend(observe.then_some(Setting::Observe));
            if chosen.is_empty() {
                return refused("nothing to set; see: bailiwick integration set --help");
            }
            manage::set_integration(app, &name, chosen).await?;
            done(app, &Named { name, json }, "is changed").await
        }
        IntegrationCommand::Delete { name, yes, json } => delete(app, &name, yes, json).await,
    }
}

async fn create(app: &App, new: NewIntegration, json: Json) -> Done {
    let (preset, observe) = (new.preset, new.observe);
    let created = manage::create_integration(app, new).await?;
    if json.json {
        return out::json(&json!({
            "id": created.id.printed(),
            "name": created.name,
            "scim_url": created.scim_url,
            "token": created.token.token,
        }));
    }
    let mut lines = welcome(&created, preset);
    if observe {
        lines.push(format!(
            "It is observed: nothing follows from what it says until you let it. See: bailiwick integration observe {}",
            created.name
        ));
    }
    out::lines(&lines)
}

/// Where to paste what, in the words of the provider's own pages.
fn welcome(created: &CreatedIntegration, preset: Preset) -> Vec<String> {
    let (place, url, token, then): (&str, &str, &str, &[&str]) = match preset {
        Preset::Okta => (
            "In Okta, open the application, Provisioning, Integration, and enter:",
            "SCIM connector base URL",
            "HTTP Header, Authorization: Bearer",
            &[
                "Unique identifier field for users: userName. Authentication Mode: HTTP Header.",
                "Then press Test Connector Configuration.",
            ],
        ),
        Preset::Entra => (
            "In Microsoft Entra, open the enterprise application, Provisioning, and enter:",
            "Tenant URL",
            "Secret Token",
            &["Then press Test Connection, map userPrincipalName to userName, and start provisioning."],
        ),
        Preset::Google => (
            "In the Google Admin console, open the SAML app, Auto-provisioning, and enter:",
            "Endpoint URL",
            "Access token",
            &[],
        ),
        Preset::Onelogin => (
            "In OneLogin, open the SCIM application, Configuration, and enter:",
            "SCIM Base URL",
            "SCIM Bearer Token",
            &["Then press Enable under API Connection."],
        ),
        Preset::Jumpcloud => (
            "In JumpCloud, open the application, Identity Management, and enter:",
            "Base URL",
            "Token Key",
            &["Then press Test Connection."],
        ),
        Preset::Ping => (
            "In Ping, add a SCIM outbound connection and enter:",
            "SCIM Base URL",
            "OAuth Bearer Token",
            &["Then press Test Connection."],
        ),
        Preset::Generic | Preset::Strict => ("Enter in the identity provider:", "SCIM base URL", "Bearer token", &[]),
    };
    let width = url.len().max(token.len());
    let mut lines = vec![
        format!("Integration {} ({}) is ready. {place}", created.name, created.id.printed()),
        format!("  {url:width$}  {}", created.scim_url),
        format!("  {token:width$}  {}", created.token.token),
    ];
    lines.extend(then.iter().map(|line| (*line).to_owned()));
    lines.push("The token is shown this once; it does not expire. More tokens: bailiwick token create".to_owned());
    lines
}

async fn list(app: &App, json: Json) -> Done {
    let rows = manage::list_integrations(app).await?;
    if json.json {
        return out::json(&rows.iter().map(show::summary).collect());
    }
    if rows.is_empty() {
        return out::line("No integration yet. Connect one with: bailiwick integration create NAME --preset PRESET");
    }
    let cells = rows.iter().map(|row| {
        vec![
            row.name.clone(),
            row.id.printed(),
            row.preset.clone(),
            show::state(row).to_owned(),
            row.users.to_string(),
            row.groups.to_string(),
            out::moment_or(row.last_success, "never"),
            out::moment_or(row.last_failure, "never"),
        ]
    });
    let head = ["NAME", "ID", "PRESET", "STATE", "USERS", "GROUPS", "LAST SUCCESS", "LAST FAILURE"];
    out::lines(&out::table(&head, &cells.collect::<Vec<_>>()))
}

fn settings(
    quirks: Vec<(Quirk, bool)>,
    rate_limit: Option<RateLimit>,
    user_name_email: Option<Switch>,
    sign_in_claim: Option<SignInClaim>,
) -> Vec<Setting> {
    let mut chosen: Vec<Setting> = quirks.into_iter().map(|(quirk, on)| Setting::Quirk(quirk, on)).collect();
    chosen.extend(rate_limit.map(|limit| Setting::RateLimit(limit.stored())));
    chosen.extend(user_name_email.map(|switch| Setting::UserNameEmail(switch == Switch::On)));
    chosen.extend(sign_in_claim.map(|claim| Setting::SignInClaim(claim.0)));
    chosen
}

async fn done(app: &App, named: &Named, what: &str) -> Done {
    if named.json.json {
        return out::json(&show::summary(&manage::find_integration(app, &named.name).await?));
    }
    out::line(&format!("Integration {} {what}.", named.name))
}

async fn delete(app: &App, name: &str, yes: bool, json: Json) -> Done {
    let row = manage::find_integration(app, name).await?;
    let load = format!(
        "{}, {} and its tokens",
        out::count(row.users, "User", "Users"),
        out::count(row.groups, "Group", "Groups")
    );
    if !yes {
        return refused(format!(
            "this would delete integration {name} with {load}; persons left without User are closed. Add --yes to do it"
        ));
    }
    manage::delete_integration(app, name).await?;
    if json.json {
        return out::json(&json!({
            "deleted": true,
            "id": row.id.printed(),
            "name": row.name,
            "users": row.users,
            "groups": row.groups,
        }));
    }
    out::line(&format!("Integration {name} is deleted with {load}."))
}
