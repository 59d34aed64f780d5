//! Mapping rules from the command line: previewed by a pull request, applied, explained.

use crate::support::{Home, Server, connect, fails, json, run, said, string, text, user};
use bailiwick_domain::ids::Millis;
use serde_json::{Value, json as value};

/// Exit code, the JSON value on standard output, and what was said beside it.
fn checked(home: &Home, line: &str) -> (Option<i32>, Value, String) {
    let output = run(home, line);
    (output.status.code(), serde_json::from_slice(&output.stdout).unwrap(), text(&output.stderr))
}

#[test]
fn rules_are_previewed_applied_and_explained() {
    let home = &Home::new();
    let server = Server::start(home);
    let token = connect(home, "okta");
    let (_, ann) = server.call("POST", "/scim/v2/Users", &token, Some(&user("ann@x.example")));
    let group = value!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Admins",
        "members": [{ "value": string(&ann, "id") }],
    });
    assert_eq!(server.call("POST", "/scim/v2/Groups", &token, Some(&group)).0, 201);
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let good = "version: 1\nrules:\n  - id: admins\n    description: Who runs it\n    owner: ann@x.example\n    \
                when: {group: Admins}\n    then: [{role: admin}, {role: auditor}]\n";
    let (good, empty) = (write("good.yaml", good), write("empty.yaml", "version: 1\nrules: []\n"));
    let bad = write("bad.yaml", "version: 1\nrules:\n  - id: x\n    owner: nobody\n    when: {}\n    then: []\n");
    let (code, faults, told) = checked(home, &format!("rule preview {bad} --json"));
    assert_eq!((code, told.as_str()), (Some(1), "error: the rules have 3 faults\n"));
    assert_eq!((&faults["faults"][0]["line"], &faults["faults"][0]["column"]), (&value!(4), &value!(12)), "{faults}");
    assert!(fails(home, &format!("rule apply {bad}"), 1).contains("4:12: the owner \"nobody\""));

    let preview = json(home, &format!("rule preview {good}"));
    assert_eq!((&preview["dangers"], &preview["effects"]["gained"]["count"]), (&value!([]), &value!(2)));
    let basis = string(&preview, "basis");
    let applied = json(home, &format!("rule apply {good} --basis {basis} --wait"));
    assert_eq!(applied, value!({ "version": 1, "rules": 1, "changed": true }));
    assert_eq!(json(home, "rule list")["rules"][0]["id"], "admins");
    assert!(said(home, "rule show admins").contains("Who runs it"));
    assert_eq!(said(home, "rule show --version 1"), std::fs::read_to_string(&good).unwrap());
    assert_eq!(json(home, "rule show --version 1")["rules"][0]["id"], "admins");
    assert!(fails(home, "rule show --version 9", 1).contains('9'));

    // Access is explained, and for a spreadsheet, too.
    let lines = json(home, "access");
    assert_eq!(lines.as_array().unwrap().len(), 2, "{lines}");
    assert_eq!(lines[0]["way"], "User ann@x.example in group Admins by rule admins (Who runs it)");
    assert!(said(home, "access --csv").starts_with("person,name,email,kind"));
    assert_eq!(json(home, "access --at 2001-01-01"), value!([]));
    assert!(fails(home, "access --at 2101-01-01", 1).contains("has not come yet"));
    let tried = json(home, &format!("rule try {empty} --person {}", string(&lines[0], "person")));
    assert_eq!((&tried["grants"], &tried["effects"]["lost"]["count"]), (&value!([]), &value!(2)));

    // What takes the last admin away is refused, and a pull request that does so fails.
    let (code, preview, told) = checked(home, &format!("rule preview {empty} --json"));
    assert!(code == Some(1) && told.contains("dangerous: nobody would be an active admin any more"), "{told}");
    assert_eq!(preview["dangers"][0]["danger"], "no-admin");
    assert!(fails(home, &format!("rule apply {empty}"), 1).contains("not applied"));
    assert_eq!(json(home, &format!("rule apply {good}"))["changed"], false);
    assert_eq!(json(home, "rule versions").as_array().unwrap().len(), 1);
    assert_eq!(json(home, "rule reviews"), value!([]));
    json(home, "rule review admins --decision keep --note fine");
    assert_eq!(json(home, "rule reviews --all")[0]["reviews"][0]["decision"], "keep");
}

/// What somebody owns stands beside what was given, now and at a past moment, and in a spreadsheet.
#[test]
fn what_a_person_owned_is_told_by_moment() {
    let home = &Home::new();
    let server = Server::start(home);
    let token = connect(home, "okta");
    server.call("POST", "/scim/v2/Users", &token, Some(&user("ann@x.example")));
    json(home, "team create payments");
    json(home, "team create search");
    json(home, "team member add payments ann@x.example");
    json(home, "entity create component cart --owner payments");
    let owned = |at: &str| -> Vec<Value> {
        let lines = json(home, &format!("access --person ann@x.example{at}"));
        lines.as_array().unwrap().iter().filter(|line| line["kind"] == "entity").cloned().collect()
    };
    assert_eq!((&owned("")[0]["object_name"], owned("").len()), (&value!("cart"), 1));
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let then = Millis(i64::try_from(since_epoch.as_millis()).unwrap());
    std::thread::sleep(std::time::Duration::from_millis(20));
    json(home, "entity set component:cart --owner search");
    assert!(owned("").is_empty());
    let past = owned(&format!(" --at {then}"));
    assert_eq!(past[0]["way"], "as a member of the team payments", "{past:?}");
    let csv = said(home, &format!("access --person ann@x.example --at {then} --csv"));
    let line = ",cart,component,,as a member of the team payments,,,active\r\n";
    assert!(csv.contains(line), "{csv}");
    // Of everybody it is the same line in the same columns.
    let everybody = said(home, &format!("access --at {then} --csv"));
    assert!(everybody.contains(line) && everybody.starts_with(csv.lines().next().unwrap()), "{everybody}");
    assert_eq!(csv.lines().next().unwrap().split(',').next_back(), Some("state"));
    assert!(owned(" --at 2001-01-01").is_empty());
}
