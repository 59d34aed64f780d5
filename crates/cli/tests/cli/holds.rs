//! Holds, observe mode and attribute mappings on the command line, beside a running server.

use crate::support::{Home, Server, connect, fails, json, patch, said, string, user};
use serde_json::{Value, json as value};
use std::path::Path;

fn group(name: &str, members: &[String]) -> Value {
    let members: Vec<Value> = members.iter().map(|id| value!({ "value": id })).collect();
    value!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": name, "members": members,
    })
}

fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

/// A server with a team that a rule gives to the group Crew, and the token of an integration.
fn shop(home: &Home, more: &str) -> (Server, String) {
    let server = Server::start(home);
    let token = string(&json(home, &format!("integration create okta --rate-limit off {more}")), "token");
    json(home, "team create crew");
    let folder = tempfile::tempdir().unwrap();
    let rules = "version: 1\nrules:\n  - {id: crew, owner: crew, when: {group: Crew}, then: [{team: crew}]}\n";
    let rules = write(folder.path(), "rules.yaml", rules);
    json(home, &format!("rule apply {rules} --wait"));
    (server, token)
}

fn hire(server: &Server, token: &str, names: &[&str]) -> Vec<String> {
    let hire = |name: &&str| {
        let (status, made) = server.call("POST", "/scim/v2/Users", token, Some(&user(name)));
        assert_eq!(status, 201, "{made}");
        string(&made, "id")
    };
    names.iter().map(hire).collect()
}

/// Waits for what is done behind an answer.
fn until(what: impl Fn() -> bool) {
    for _ in 0..200 {
        if what() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("it did not come to pass");
}

fn crew(home: &Home) -> usize {
    json(home, "team show crew")["members"].as_array().unwrap().len()
}

#[test]
fn a_hold_is_listed_shown_approved_in_part_and_rejected() {
    let home = &Home::new();
    let (server, token) = shop(home, "");
    assert_eq!(said(home, "hold list"), "Nothing waits for a decision.\n");
    assert_eq!(json(home, "hold list --all"), value!([]));
    let ids = hire(&server, &token, &["ann", "ben", "cid"]);
    let (status, made) = server.call("POST", "/scim/v2/Groups", &token, Some(&group("Crew", &ids)));
    assert_eq!(status, 201, "{made}");
    until(|| crew(home) == 3);
    let place = format!("/scim/v2/Groups/{}", string(&made, "id"));
    let empty = patch(value!([{ "op": "remove", "path": "members" }]));
    assert!(server.call("PATCH", &place, &token, Some(&empty)).0 < 300);
    assert_eq!(server.call("GET", &place, &token, None).1.get("members"), None);
    until(|| json(home, "hold list")[0]["waiting"] == 3);
    assert_eq!(crew(home), 3);

    let hold = json(home, "hold list")[0].clone();
    let id = string(&hold, "id");
    assert_eq!((&hold["state"], &hold["integration"]), (&value!("open"), &value!("okta")));
    assert_eq!(hold["reasons"][0]["kind"], "empties-team", "{hold}");
    assert!(said(home, "hold list").contains("would be empty"));
    let shown = json(home, &format!("hold show {id}"));
    assert_eq!((shown["persons"].as_array().unwrap().len(), &shown["more"]), (3, &value!(false)));
    assert_eq!(shown["persons"][0]["loses"][0]["kind"], "team");
    assert_eq!(json(home, &format!("hold show {id} --limit 2"))["more"], true);
    let sheet = said(home, &format!("hold show {id}"));
    assert!(sheet.contains("WOULD LOSE") && sheet.contains(&format!("bailiwick hold reject {id}")), "{sheet}");
    assert!(fails(home, "hold show hld_none", 1).contains("no hold with the id"));

    let person = string(&shown["persons"][0], "display");
    assert!(fails(home, &format!("hold approve {id} --person per_none"), 1).contains("no person \"per_none\""));
    let done = json(home, &format!("hold approve {id} --person {person}"));
    assert_eq!((&done["people"], &done["waiting"], &done["state"]), (&value!(1), &value!(2), &value!("open")));
    assert_eq!(crew(home), 2);
    fails(home, &format!("hold reject {id}"), 2);
    assert!(fails(home, &format!("hold reject {id} --reason="), 1).contains("why"));
    assert!(said(home, &format!("hold reject {id} --reason emptied-by-mistake")).contains("rejected for 2 people"));
    assert_eq!(crew(home), 2);
    assert!(fails(home, &format!("hold approve {id}"), 1).contains("decided already"));
    assert_eq!(json(home, "hold list --all")[0]["state"], "partly");
    assert!(said(home, &format!("hold show {id}")).contains("emptied-by-mistake"));
}

#[test]
fn an_integration_is_observed_and_applied() {
    let home = &Home::new();
    let (server, token) = shop(home, "--observe");
    let ids = hire(&server, &token, &["ann", "ben"]);
    assert_eq!(server.call("POST", "/scim/v2/Groups", &token, Some(&group("Crew", &ids))).0, 201);
    assert_eq!((json(home, "person list"), crew(home)), (value!([]), 0));
    assert!(said(home, "integration list").contains("observed"));
    assert!(said(home, "integration show okta").contains("more than 10 per cent and at least 5 people"));
    assert_eq!(json(home, "integration list")[0]["observe"], true);
    let seen = json(home, "integration observe okta");
    assert_eq!(
        (&seen["observing"], &seen["create"], &seen["effects"]["gained"]["count"]),
        (&value!(true), &value!(2), &value!(2))
    );
    assert_eq!((&seen["users"][1]["user_name"], &seen["users"][1]["would"]), (&value!("ben"), &value!("create")));
    assert_eq!(seen["users"][1]["gains"][0]["kind"], "team", "{seen}");
    assert_eq!(json(home, "integration observe okta --limit 1")["users"].as_array().unwrap().len(), 1);
    assert!(said(home, "integration observe okta --limit 1").contains("There are more"));
    let sheet = said(home, "integration observe okta");
    for part in
        ["2 users would get a person", "ben       get a person", "team crew: 0 -> 2", "integration apply okta --basis"]
    {
        assert!(sheet.to_lowercase().contains(part), "{part}: {sheet}");
    }
    assert!(fails(home, "integration observe none", 1).contains("none"));
    fails(home, "integration apply okta", 2);
    hire(&server, &token, &["cid"]);
    let stale = fails(home, &format!("integration apply okta --basis {}", string(&seen, "basis")), 1);
    assert!(stale.contains("changed since"), "{stale}");
    let seen = json(home, "integration observe okta");
    let done = json(home, &format!("integration apply okta --basis {}", string(&seen, "basis")));
    assert_eq!((&done["created"], &done["linked"]), (&value!(3), &value!(0)));
    assert_eq!((json(home, "person list").as_array().unwrap().len(), crew(home)), (3, 2));
    assert!(
        fails(home, &format!("integration apply okta --basis {}", string(&seen, "basis")), 1)
            .contains("not in observe mode")
    );
    // Switched on later, what is said about those who are there waits.
    said(home, "integration set okta --observe --guard-percent 20 --guard-people 3");
    let off = patch(value!([{ "op": "replace", "path": "active", "value": false }]));
    assert_eq!(server.call("PATCH", &format!("/scim/v2/Users/{}", ids[0]), &token, Some(&off)).0, 200);
    let seen = json(home, "integration observe okta");
    assert_eq!((&seen["waiting"], &seen["ended"]), (&value!(1), &value!(1)));
    assert_eq!(seen["persons"][0]["would_be"], "inactive");
    assert!(said(home, "integration observe okta").contains("WOULD BE"));
    fails(home, "integration set okta --guard-percent 101", 2);
}

#[test]
fn an_attribute_mapping_is_shown_previewed_set_and_reset() {
    let home = &Home::new();
    let server = Server::start(home);
    let token = connect(home, "okta");
    let mut ann = user("ann");
    ann["title"] = value!("Boss");
    ann["nickName"] = value!("ANN");
    assert_eq!(server.call("POST", "/scim/v2/Users", &token, Some(&ann)).0, 201);
    let shown = json(home, "integration mapping okta show");
    assert_eq!((&shown["standard"], &shown["mapping"]["title"]), (&value!(true), &value!("title")));
    let folder = tempfile::tempdir().unwrap();
    let own = r#"{"github": {"lower": "nickName"}, "title": {"path": "userType", "default": "none"}}"#;
    let own = write(folder.path(), "own.json", own);
    let effect = json(home, &format!("integration mapping okta preview {own}"));
    assert_eq!(
        (&effect["people"], &effect["changed"], &effect["fields"]["github"]["set"]),
        (&value!(1), &value!(1), &value!(1))
    );
    assert!(said(home, &format!("integration mapping okta preview {own}")).contains("something changes for 1 person"));
    let set = json(home, &format!("integration mapping okta set {own}"));
    assert_eq!((&set["standard"], &set["mapping"]["github"]), (&value!(false), &value!({ "lower": "nickName" })));
    assert!(said(home, "integration mapping okta show").contains("a mapping of its own"));
    let bad = write(folder.path(), "bad.json", r#"{"titel": "title", "phone": "no.such.place"}"#);
    let refused = fails(home, &format!("integration mapping okta set {bad}"), 1);
    assert!(refused.contains("/titel") && refused.contains("/phone"), "{refused}");
    let odd = write(folder.path(), "odd.json", r#"{"title": }"#);
    assert!(fails(home, &format!("integration mapping okta set {odd}"), 1).contains("odd.json"));
    fails(home, "integration mapping okta set nowhere.json", 1);
    assert_eq!(json(home, "integration mapping okta reset")["standard"], true);
}
