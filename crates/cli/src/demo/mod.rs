//! The demo: an invented company, told to the running server by two identity providers over its own socket.
//!
//! Nothing is put into the store behind the server's back: what is there to see went through the real endpoint, each
//! provider with its own headers and spelling. The content is the same every time; ids and tokens are not.

mod client;
mod company;
mod entra;
mod okta;

use crate::config;
use crate::out::{Failure, quoted};
use bailiwick_app::App;
use bailiwick_app::manage::{self, NewIntegration, Setting};
use bailiwick_domain::preset::Preset;
use bailiwick_store::Location;
use client::Client;
use company::Company;
use std::net::SocketAddr;
use std::time::Duration;

/// What was loaded.
#[derive(Debug)]
pub(crate) struct Loaded {
    okta_token: String,
    entra_token: String,
    people: usize,
    groups: usize,
    calls: usize,
    taken: Duration,
}

/// Fills a store that holds nothing yet; `None` when it holds something.
pub(crate) async fn load(app: &App, address: SocketAddr) -> Result<Option<Loaded>, Failure> {
    if !manage::list_integrations(app).await?.is_empty() {
        return Ok(None);
    }
    let begun = app.clock().monotonic();
    let company = Company::read()?;
    let okta_token = connect(app, "okta", Preset::Okta).await?;
    let entra_token = connect(app, "entra", Preset::Entra).await?;
    // One directory insists on e-mail addresses, so that a wrong mapping is there to see.
    manage::set_integration(app, "entra", vec![Setting::UserNameEmail(true)]).await?;
    let mut client = Client::open(address, &okta_token, okta::HEADERS).await?;
    okta::play(&mut client, &company.okta).await?;
    let okta_calls = client.calls;
    let mut client = Client::open(address, &entra_token, entra::HEADERS).await?;
    entra::play(&mut client, &company.entra).await?;
    Ok(Some(Loaded {
        okta_token,
        entra_token,
        people: company.okta.people.len() + company.entra.people.len(),
        groups: company.okta.groups.len() + company.entra.groups.len(),
        calls: okta_calls + client.calls,
        taken: app.clock().monotonic().saturating_sub(begun),
    }))
}

async fn connect(app: &App, name: &str, preset: Preset) -> Result<String, Failure> {
    let new = NewIntegration { name: name.to_owned(), preset, rate_limit: None, observe: false };
    Ok(manage::create_integration(app, new).await?.token.token)
}

/// What can be done now: lines that can be pasted as they are.
pub(crate) fn invitation(loaded: Option<&Loaded>, address: SocketAddr, store: &Location, command: &str) -> Vec<String> {
    let place = config::shown(store);
    let command = quoted(command);
    let (asks, log) = match store {
        Location::Folder(dir) => ("", format!("{command} log --data {} --failed", quoted(&dir.to_string_lossy()))),
        // The URL may hold a password, which is nothing to print.
        Location::Postgres(_) => (" (where BAILIWICK_DATABASE_URL is set)", format!("{command} log --failed")),
    };
    let failed = format!("What was refused or failed, and what to change{asks}:");
    let Some(loaded) = loaded else {
        return vec![
            format!("The store in {place} holds data already; the demo was not loaded again."),
            failed,
            format!("  {log}"),
        ];
    };
    let curl = |token: &str, path: &str| {
        format!("  curl -s -H 'Authorization: Bearer {token}' 'http://{address}/scim/v2{path}'")
    };
    vec![
        format!(
            "Fjordline is loaded: {} people and {} groups in {} calls of Okta and Entra, {}.{:03} s. Store: {place}",
            loaded.people,
            loaded.groups,
            loaded.calls,
            loaded.taken.as_secs(),
            loaded.taken.subsec_millis(),
        ),
        "Who left Okta's directory:".to_owned(),
        curl(&loaded.okta_token, "/Users?filter=active%20eq%20false"),
        "A group of Entra's, with groups among its members:".to_owned(),
        curl(&loaded.entra_token, "/Groups?filter=displayName%20eq%20%22Contractors%22"),
        "A request that is refused, with the reason:".to_owned(),
        curl(&loaded.okta_token, "/Users?filter=userName%20like%20%22astrid%22"),
        failed,
        format!("  {log}"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_printed() {
        let url = bailiwick_store::DatabaseUrl::parse("postgres://ada:hush@db.example/catalog").unwrap();
        let address = "127.0.0.1:8700".parse().unwrap();
        let lines = invitation(None, address, &Location::Postgres(url), "bailiwick").join("\n");
        assert!(!lines.contains("hush") && lines.contains("BAILIWICK_DATABASE_URL"), "{lines}");
        let lines = invitation(None, address, &Location::Folder("/my data".into()), "bailiwick").join("\n");
        assert!(lines.contains("bailiwick log --data '/my data' --failed"), "{lines}");
    }
}
