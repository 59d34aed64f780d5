//! The demo, as somebody sees it who runs it for the first time.

use crate::support::{Home, Server, call, json, said};
use serde_json::Value;
use std::io::BufRead as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The lines that the demo prints after the first.
fn lines(server: &mut Server, last: &str) -> Vec<String> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        assert!(server.stdout.read_line(&mut line).unwrap() > 0, "{lines:?}");
        lines.push(line.trim_end().to_owned());
        if line.contains(last) {
            return lines;
        }
    }
}

/// Token and URL of a curl line.
fn curl(line: &str) -> (String, String) {
    let token = line.split("Bearer ").nth(1).unwrap().split('\'').next().unwrap();
    let url = line.split("'http://").nth(1).unwrap().split('\'').next().unwrap();
    (token.to_owned(), format!("/{}", url.split_once('/').unwrap().1))
}

fn words(value: &Value, key: &str) -> Vec<String> {
    value.as_array().unwrap().iter().filter_map(|entry| entry[key].as_str()).map(str::to_owned).collect()
}

#[test]
fn a_company_is_there_to_see() {
    let begun = Instant::now();
    let mut server = Server::start_with(["--demo", "--listen", "127.0.0.1:0"].map(Into::into));
    let lines = lines(&mut server, " log --data ");
    let (status, _) = call(server.address, "GET", "/readyz", "", None).unwrap();
    assert_eq!(status, 200);
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    let curls: Vec<_> =
        lines.iter().filter(|line| line.trim_start().starts_with("curl ")).map(|line| curl(line)).collect();
    let [(okta, left), (entra, group), (_, refused)] = curls.as_slice() else { panic!("{lines:?}") };
    let (status, left) = call(server.address, "GET", left, okta, None).unwrap();
    assert_eq!((status, &left["totalResults"]), (200, &1.into()), "{left}");
    let (_, group) = call(server.address, "GET", group, entra, None).unwrap();
    let kinds = words(&group["Resources"][0]["members"], "type");
    assert!(kinds.contains(&"User".to_owned()) && kinds.contains(&"Group".to_owned()), "{group}");
    let (status, refused) = call(server.address, "GET", refused, okta, None).unwrap();
    assert_eq!((status, &refused["scimType"]), (400, &"invalidFilter".into()));
    let log = lines.last().unwrap();
    let dir = PathBuf::from(log.split(" --data ").nth(1).unwrap().split(' ').next().unwrap());
    see(&Home::at(&dir));
    assert_eq!(server.terminate().0, Some(0));
    again(&Home::at(&dir), " log --data ");
    std::fs::remove_dir_all(&dir).unwrap();
}

/// A database takes it as a folder does, as long as it is empty.
#[test]
fn a_company_in_a_store_that_was_named() {
    let home = Home::new();
    let last = if home.is_folder() { " log --data " } else { " log --failed" };
    let mut server = start(&home);
    let told = lines(&mut server, last);
    assert!(told[0].starts_with("Fjordline is loaded"), "{told:?}");
    see(&home);
    assert_eq!(server.terminate().0, Some(0));
    again(&home, last);
}

fn start(home: &Home) -> Server {
    Server::start_with(home.flags().into_iter().chain(["--demo", "--listen", "127.0.0.1:0"].map(Into::into)))
}

/// What the command line shows of it.
fn see(home: &Home) {
    let list = json(home, "integration list");
    assert_eq!(words(&list, "name"), ["entra", "okta"]);
    let people: u64 = list.as_array().unwrap().iter().map(|row| row["users"].as_u64().unwrap()).sum();
    assert!((38..=42).contains(&people), "{people}");
    let failed = said(home, "log --failed");
    for word in ["email-required-user-name", "map userPrincipalName", "4 failures, 2 affected", "member-unknown"] {
        assert!(failed.contains(word), "{word}: {failed}");
    }
    let log = json(home, "log --limit 1000");
    let kinds = words(&log, "kind");
    for kind in ["prov:deactivate", "prov:activate", "prov:delete", "conflict:open", "call:refused"] {
        assert!(kinds.contains(&kind.to_owned()), "{kind}");
    }
    let repairs: Vec<String> =
        log.as_array().unwrap().iter().flat_map(|entry| words(&entry["repairs"], "quirk")).collect();
    for quirk in ["remove-members-by-value", "boolean-strings", "manager-shapes", "op-case", "filter-creates"] {
        assert!(repairs.contains(&quirk.to_owned()), "{quirk}");
    }
    assert!(!log.to_string().contains("not-kept-"), "no password is kept");
    let pairs = json(home, "conflict list");
    assert_eq!(words(&pairs, "why"), ["same-email"]);
    let person = json(home, &format!("person show {}", pairs[0]["person"].as_str().unwrap()));
    assert_eq!(person["display"], "Nils Aune");
    let contractor = json(home, "person list --search agnieszka");
    let contractor = json(home, &format!("person show {}", contractor[0]["id"].as_str().unwrap()));
    let ways = words(&contractor["users"][0]["groups"], "type");
    assert!(ways.contains(&"direct".to_owned()) && ways.contains(&"indirect".to_owned()), "{contractor}");
    assert_eq!(json(home, "audit verify")["sound"], true);
}

/// A store that holds data is not filled again.
fn again(home: &Home, last: &str) {
    let before = json(home, "integration list");
    let mut server = start(home);
    let lines = lines(&mut server, last);
    assert!(lines[0].contains("holds data already"), "{lines:?}");
    server.wait_ready(Duration::from_secs(5));
    let after = json(home, "integration list");
    assert_eq!(words(&before, "name"), words(&after, "name"));
    assert_eq!(before[0]["users"], after[0]["users"]);
}
