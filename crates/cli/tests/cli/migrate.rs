//! `migrate`: a store that is moved is the same store.

use crate::support::{Home, Server, binary, connect, fails, json, patch, said, string, text, user};
use serde_json::{Value, json as value};
use std::process::Output;

/// Runs `migrate` between two stores.
fn migrate(from: &str, to: &str, more: &[&str]) -> Output {
    binary().args(["migrate", "--from", from, "--to", to]).args(more).output().unwrap()
}

/// One that must succeed.
fn moved(from: &Home, to: &Home) -> Value {
    let output = migrate(&from.word(), &to.word(), &["--json"]);
    assert!(output.status.success() && output.stderr.is_empty(), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// One that must be refused with one line.
fn refused(from: &str, to: &str, expect: &str) {
    let output = migrate(from, to, &[]);
    let line = text(&output.stderr);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{line}");
    assert!(line.starts_with("error: ") && line.lines().count() == 1 && line.contains(expect), "{expect}: {line}");
    assert!(!line.contains("hush"), "{line}");
}

#[test]
fn the_schema_is_brought_up_to_date() {
    let home = Home::new();
    let made = json(&home, "migrate");
    assert!(made["schema"].as_i64() >= Some(2) && string(&made, "store_id").starts_with("sto_"), "{made}");
    assert_eq!(json(&home, "migrate"), made);
    assert_eq!(said(&home, "migrate"), format!("The store is up to date (schema {}).\n", made["schema"]));
}

#[test]
fn wrong_usage() {
    let home = Home::folder();
    for line in ["migrate --from sqlite:a", "migrate --to sqlite:b"] {
        let output = binary().args(line.split(' ')).current_dir(home.dir()).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    }
    fails(&home, "migrate --from sqlite:a --to sqlite:b", 2);
    fails(&home, "migrate --from", 2);
    assert_eq!(home.dir().read_dir().unwrap().count(), 0);
}

/// What a client and an admin know of a store.
struct Known {
    token: String,
    user: String,
    etag: String,
    cursor: String,
}

fn fill(home: &Home) -> Known {
    let server = Server::start(home);
    let token = connect(home, "okta");
    let create = |path: &str, body: &Value| {
        let (status, made) = server.call("POST", path, &token, Some(body));
        assert_eq!(status, 201, "{made}");
        made
    };
    let users: Vec<Value> = (0..12).map(|number| create("/scim/v2/Users", &user(&format!("user{number}")))).collect();
    let ids: Vec<Value> = users.iter().map(|user| value!({"value": user["id"]})).collect();
    let group = value!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Crew Åse", "members": ids,
    });
    create("/scim/v2/Groups", &group);
    let user = string(&users[0], "id");
    let change = patch(value!([{"op": "replace", "path": "title", "value": "Captain"}]));
    let (status, changed) = server.call("PATCH", &format!("/scim/v2/Users/{user}"), &token, Some(&change));
    assert_eq!(status, 200);
    let (_, page) = server.call("GET", "/scim/v2/Users?cursor&count=5", &token, None);
    let known = Known {
        etag: string(&changed["meta"], "version"),
        cursor: page["nextCursor"].as_str().unwrap_or_else(|| panic!("{page}")).to_owned(),
        token,
        user,
    };
    json(home, "admin create root --generate");
    json(home, "domain claim corp.example --integration okta");
    let begun = std::time::Instant::now();
    while json(home, "audit verify")["unsealed"] != 0 {
        assert!(begun.elapsed().as_secs() < 15, "events are sealed");
    }
    assert_eq!(server.terminate().0, Some(0));
    known
}

/// Everything that the command line shows.
fn shown(home: &Home) -> Vec<Value> {
    ["integration show okta", "token list", "log --limit 1000", "person list", "domain list", "audit verify"]
        .map(|line| json(home, line))
        .into()
}

fn check_served(home: &Home, known: &Known) {
    let server = Server::start(home);
    let (status, user) = server.call("GET", &format!("/scim/v2/Users/{}", known.user), &known.token, None);
    assert_eq!((status, &user["meta"]["version"]), (200, &value!(known.etag)), "ETags go on: {user}");
    assert_eq!(user["title"], "Captain");
    assert_eq!(user["groups"][0]["display"], "Crew Åse");
    let path = format!("/scim/v2/Users?cursor={}&count=50", known.cursor);
    let (status, page) = server.call("GET", &path, &known.token, None);
    assert_eq!((status, page["Resources"].as_array().map(Vec::len)), (200, Some(7)), "cursors go on: {page}");
}

#[test]
fn there_and_back() {
    // On PostgreSQL the way leads through a database, else from folder to folder.
    let (first, second, third) = (Home::folder(), Home::new(), Home::folder());
    let known = fill(&first);
    let before = shown(&first);
    let there = moved(&first, &second);
    let keys: Vec<&str> = there.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["store_id", "tables", "events", "seal_head"]);
    assert_eq!(there["store_id"], json(&first, "migrate")["store_id"]);
    assert_eq!((&there["tables"]["resource"], &there["tables"]["membership"]), (&value!(13), &value!(12)));
    assert_eq!(there["events"], there["tables"]["event"]);
    assert_eq!(there["seal_head"], before[5]["head"]);
    assert_eq!(shown(&second), before);
    let back = moved(&second, &third);
    assert_eq!(back, there);
    assert_eq!(shown(&third), before);
    check_served(&second, &known);
    check_served(&third, &known);
    refused(&first.word(), &third.word(), "itself, or a copy of it");
}

#[test]
fn what_is_said_on_the_way() {
    let (from, to) = (Home::folder(), Home::new());
    json(&from, "integration create okta");
    let output = migrate(&from.word(), &to.word(), &["--progress"]);
    assert!(output.status.success());
    let (said, aside) = (text(&output.stdout), text(&output.stderr));
    assert!(aside.lines().any(|line| line == "integration: 1 of 1 row"), "{aside}");
    assert_eq!(aside.lines().count(), said.lines().take_while(|line| !line.starts_with("Both sides")).count() - 1);
    for word in ["Both sides hold the same rows", "Next:", "bailiwick serve", "unchanged"] {
        assert!(said.contains(word), "{word}: {said}");
    }
    // The environment may name one side, so that no command line has to hold its password.
    let last = Home::folder();
    let [_, at] = to.flags();
    let variable = if to.is_folder() { "BAILIWICK_DATA" } else { "BAILIWICK_DATABASE_URL" };
    let output = binary().args(["migrate", "--to", &last.word()]).env(variable, at).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", text(&output.stderr));
    assert_eq!(json(&last, "integration list"), json(&from, "integration list"));
}

#[test]
fn what_cannot_be_moved() {
    let (full, other, to) = (Home::new(), Home::new(), Home::folder());
    for home in [&full, &other] {
        json(home, "integration create okta");
    }
    let missing = to.dir().join("missing");
    let word = format!("sqlite:{}", missing.display());
    refused(&word, &full.word(), "there is no store in");
    refused(&full.word(), &other.word(), "holds a store with data");
    refused(&full.word(), &full.word(), "itself");
    refused("sqlite:", &word, "--from names no folder");
    refused("./data", &word, "--from must be sqlite:DIR");
    refused(&full.word(), "mysql://a:hush@b/c", "--to must begin with postgres://");
    refused(&full.word(), "postgres://a:hush@127.0.0.1:1/c", "127.0.0.1:1");
    refused("postgres://a:hush@127.0.0.1:1/c", &word, "127.0.0.1:1");
    let server = Server::start(&full);
    server.wait_ready(std::time::Duration::from_secs(10));
    // In a database a server is known by its lease, which it asks for while it begins to serve.
    if let Home::Schema(schema) = &full {
        while schema.rows("SELECT name FROM lease").is_empty() {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }
    refused(&full.word(), &word, "bailiwick serve uses");
    assert_eq!(server.terminate().0, Some(0));
    assert!(!missing.exists() && to.dir().read_dir().unwrap().next().is_none());
    // Once the server is gone nothing is in the way.
    assert!(moved(&full, &Home::at(&missing))["store_id"].is_string());
}
