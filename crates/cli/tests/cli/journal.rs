//! The journal as a reader sees it, and as a follower.

use crate::support::{Home, Server, ask_to_stop, binary, connect, fails, json, patch, said, string, text, user};
use serde_json::{Value, json as value};
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

#[test]
fn what_is_shown_of_a_call() {
    let home = &Home::new();
    let server = Server::start(home);
    let token = connect(home, "okta");
    let mut body = user("ada");
    body["displayName"] = value!("Ada \u{1b}[31m");
    body["password"] = value!("not-to-be-kept");
    let (_, made) = server.call("POST", "/scim/v2/Users", &token, Some(&body));
    let id = string(&made, "id");
    let operations = value!([{"op": "Replace", "path": "title", "value": "Captain"}, {"op": "Replace", "path": "active", "value": "False"}]);
    assert_eq!(server.call("PATCH", &format!("/scim/v2/Users/{id}"), &token, Some(&patch(operations))).0, 200);
    assert_eq!(server.call("POST", "/scim/v2/Users", &token, Some(&body)).0, 409);
    let group = value!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Crew", "members": [{"value": id}]});
    assert_eq!(server.call("POST", "/scim/v2/Groups", &token, Some(&group)).0, 201);
    let log = json(home, "log --target ada");
    let entries = log.as_array().unwrap();
    assert_eq!(entries[0]["happened"], "User created");
    assert_eq!(entries[1]["happened"], "User deactivated: title");
    assert_eq!((&entries[2]["status"], &entries[2]["code"]), (&value!(409), &value!("uniqueness")));
    assert!(entries[2]["cause"].is_string() && entries[2]["remedy"].is_string());
    let quirks: Vec<&str> =
        entries[1]["repairs"].as_array().unwrap().iter().filter_map(|r| r["quirk"].as_str()).collect();
    assert!(quirks.contains(&"op-case") && quirks.contains(&"boolean-strings"), "{quirks:?}");
    assert_eq!(json(home, &format!("log --target {id}")).as_array().unwrap().len(), 3, "the group names it, too");
    let shown = said(home, &format!("log show {}", string(&entries[1], "id")));
    for word in ["Repairs", "op-case", "Operations, as understood", "\"before\"", "Captain", "answered 200"] {
        assert!(shown.contains(word), "{word}: {shown}");
    }
    let by_request = json(home, &format!("log show {}", string(&entries[1], "request")));
    assert_eq!(by_request["id"], entries[1]["id"]);
    let everything = said(home, &format!("log show {}", string(&entries[0], "id")))
        + &said(home, "log")
        + &said(home, "person list");
    assert!(!everything.contains("not-to-be-kept") && !everything.contains('\u{1b}'), "{everything}");
    let failed = said(home, "log --failed --integration okta --since 1h");
    assert!(failed.starts_with("uniqueness (okta): 1 failure, 1 affected"), "{failed}");
    assert_eq!(json(home, "log --failed").as_array().unwrap().len(), 1);
    assert_eq!(json(home, "log --since 2999-01-01"), value!([]));
    assert_eq!(json(home, "log --limit 2").as_array().unwrap().len(), 2);
    fails(home, "log --integration nobody", 1);
}

fn follower(home: &Home, flags: &[&str]) -> Command {
    let mut command = binary();
    command.args(["log", "--follow"]).args(home.flags()).args(flags).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[test]
fn followers_see_what_happens() {
    let home = &Home::new();
    let server = Server::start(home);
    let token = connect(home, "okta");
    let mut child = follower(home, &["--json", "--integration", "okta"]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || serde_json::from_str::<Value>(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!(next()["kind"], "integration:create");
    assert_eq!(next()["kind"], "token:create");
    let begun = Instant::now();
    assert_eq!(server.call("POST", "/scim/v2/Users", &token, Some(&user("ada"))).0, 201);
    assert_eq!(next()["name"], "ada");
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    ask_to_stop(&child);
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(0), ""));
}
