//! `domain`: e-mail domains that integrations may speak for.

use crate::args::{DomainCommand, Json};
use crate::out::{self, Done};
use bailiwick_app::App;
use bailiwick_app::manage;
use bailiwick_domain::names;
use serde_json::json;

pub(super) async fn run(app: &App, command: DomainCommand) -> Done {
    match command {
        DomainCommand::Claim { domain, integration, json } => {
            manage::claim_domain(app, &domain, &integration).await?;
            let domain = canonical(domain);
            if json.json {
                return out::json(&json!({ "domain": domain, "integration": integration, "claimed": true }));
            }
            out::line(&format!("Domain {domain} is claimed for {integration}."))
        }
        DomainCommand::List { json } => list(app, json).await,
        DomainCommand::Release { domain, json } => {
            manage::release_domain(app, &domain).await?;
            let domain = canonical(domain);
            if json.json {
                return out::json(&json!({ "domain": domain, "claimed": false }));
            }
            out::line(&format!("Domain {domain} is released."))
        }
    }
}

/// The domain as it is kept.
fn canonical(domain: String) -> String {
    names::domain_name(&domain).unwrap_or(domain)
}

async fn list(app: &App, json: Json) -> Done {
    let domains = manage::list_domains(app).await?;
    if json.json {
        let value = domains.iter().map(|(row, integration)| {
            json!({
                "domain": row.name,
                "integration": integration,
                "method": row.method,
                "created": row.created.to_string(),
            })
        });
        return out::json(&value.collect());
    }
    if domains.is_empty() {
        return out::line("No domain is claimed.");
    }
    let cells =
        domains.iter().map(|(row, integration)| vec![row.name.clone(), integration.clone(), out::moment(row.created)]);
    out::lines(&out::table(&["DOMAIN", "INTEGRATION", "CLAIMED"], &cells.collect::<Vec<_>>()))
}
