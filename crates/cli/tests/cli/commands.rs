//! Every command: what it prints, where, and how it ends.

use crate::support::{Home, binary, fails, json, run, said, string, text};
use serde_json::{Value, json as value};
use std::io::Write as _;
use std::process::{Output, Stdio};

fn with_input(home: &Home, line: &str, input: &str) -> Output {
    let mut command = binary();
    command.args(line.split_whitespace()).args(home.flags());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn usage() {
    let home = Home::folder();
    for line in [
        "",
        "nonsense",
        "integration",
        "integration create",
        "integration create x --preset nonsense",
        "integration create x --rate-limit 0",
        "integration set x --quirk op-case",
        "token create",
        "token create --integration x --expires soon",
        "token revoke --integration x",
        "log --since yesterday",
        "log --limit 0",
        "admin create x --generate --password-stdin",
        "serve --tls-cert x",
        "serve --listen nowhere",
        "log --database-url postgres://x",
    ] {
        fails(&home, line, 2);
    }
    assert!(home.dir().read_dir().unwrap().next().is_none(), "a wrong command sets nothing up");
    for line in ["--version", "--help", "help", "help serve", "integration create --help", "help token rotate"] {
        let output = binary().args(line.split_whitespace()).output().unwrap();
        assert!(output.status.success() && !output.stdout.is_empty() && output.stderr.is_empty(), "{line}");
    }
}

#[test]
fn the_store_is_set_up_where_it_was_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let here = binary().args(["integration", "list", "--json"]).current_dir(dir.path()).output().unwrap();
    assert_eq!(text(&here.stdout), "[]\n");
    assert!(dir.path().join("bailiwick-data/bailiwick.db").exists());
    let there =
        binary().args(["integration", "list"]).env("BAILIWICK_DATA", dir.path().join("there")).output().unwrap();
    assert!(there.status.success() && dir.path().join("there/bailiwick.db").exists());
    let file = dir.path().join("file");
    std::fs::write(&file, "x").unwrap();
    assert!(fails(&Home::at(&file), "integration list", 1).contains("file"));
}

#[test]
fn integrations() {
    let home = &Home::new();
    let made = json(home, "integration create okta --preset okta");
    assert_eq!(keys(&made), ["id", "name", "scim_url", "token"]);
    assert_eq!((&made["id"], &made["name"]), (&value!("int_1"), &value!("okta")));
    assert_eq!(made["scim_url"], "http://127.0.0.1:8700/scim/v2");
    assert!(string(&made, "token").starts_with("bwk_"));
    assert!(fails(home, "integration create okta", 1).contains("exists already"));
    assert!(fails(home, "integration create Okta", 1).contains("name"));
    let entra = said(home, "integration create entra --preset entra --public-url https://scim.corp.example/");
    for word in ["Tenant URL", "https://scim.corp.example/scim/v2", "Secret Token", "bwk_", "Test Connection", "once"] {
        assert!(entra.contains(word), "{word}: {entra}");
    }
    assert!(said(home, "integration create o2 --preset okta").contains("SCIM connector base URL"));
    let list = json(home, "integration list");
    let names: Vec<&str> = list.as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["entra", "o2", "okta"]);
    assert!(said(home, "integration list").contains("okta"));
    assert_eq!(json(home, "integration pause okta")["paused"], true);
    assert_eq!(json(home, "integration resume okta")["paused"], false);
    let set = json(
        home,
        "integration set okta --quirk op-case=off --rate-limit 25 --user-name-email on --sign-in-claim oid=externalId",
    );
    assert_eq!(set["quirks_off"], value!(["op-case"]));
    assert_eq!((&set["rate_limit"], &set["user_name_email"]), (&value!(25), &value!(true)));
    assert_eq!(set["sign_in_claim"], "oid=externalId");
    assert_eq!(json(home, "integration set okta --rate-limit default")["rate_limit"], "default");
    fails(home, "integration set okta", 1);
    let shown = json(home, "integration show okta");
    for key in ["calls", "tokens", "domains", "failures", "quirks_on"] {
        assert!(shown[key].is_array(), "{key}");
    }
    assert!(said(home, "integration show okta").contains("all on but op-case"));
    assert!(fails(home, "integration show nobody", 1).contains("nobody"));
    assert!(fails(home, "integration delete o2", 1).contains("--yes"));
    assert_eq!(json(home, "integration delete o2 --yes")["deleted"], true);
    fails(home, "integration show o2", 1);
}

#[test]
fn the_public_url_follows_its_order() {
    let home = Home::new();
    let url = |name: &str, environment: Option<&str>, flags: &str| {
        let mut command = binary();
        command.args(["integration", "create", name, "--json"]).args(home.flags()).args(flags.split_whitespace());
        if let Some(url) = environment {
            command.env("BAILIWICK_PUBLIC_URL", url);
        }
        let output = command.output().unwrap();
        let value: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        (output.status.code(), value["scim_url"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(url("a", None, ""), (Some(0), "http://127.0.0.1:8700/scim/v2".to_owned()));
    assert_eq!(url("b", Some("https://env.example/x/"), ""), (Some(0), "https://env.example/x/scim/v2".to_owned()));
    let flag = url("c", Some("https://env.example"), "--public-url https://flag.example");
    assert_eq!(flag, (Some(0), "https://flag.example/scim/v2".to_owned()));
    assert_eq!(url("d", None, "--public-url nonsense"), (Some(1), String::new()));
}

#[test]
fn tokens() {
    let home = &Home::new();
    json(home, "integration create okta");
    let made = json(home, "token create --integration okta --label second --expires 90d");
    assert_eq!(keys(&made), ["id", "integration", "label", "token", "expires_at"]);
    assert!(made["expires_at"].is_string() && made["label"] == "second");
    let list = json(home, "token list --integration okta");
    assert_eq!(list.as_array().unwrap().len(), 2);
    assert!(!list.to_string().contains("bwk_"), "a token is shown once");
    assert!(fails(home, "token rotate --integration okta", 1).contains("--token"));
    let id = string(&made, "id");
    let next = json(home, &format!("token rotate --integration okta --token {id} --overlap 1h"));
    assert_eq!(keys(&next), ["id", "integration", "label", "token", "expires_at"]);
    assert!(next["expires_at"].is_null() && next["label"] == "second");
    assert_eq!(json(home, &format!("token revoke --integration okta {id}"))["revoked"], true);
    said(home, &format!("token revoke --integration okta --token {}", string(&next, "id")));
    let list = json(home, "token list");
    let states: Vec<&str> = list.as_array().unwrap().iter().map(|token| token["state"].as_str().unwrap()).collect();
    assert_eq!(states.iter().filter(|state| **state == "revoked").count(), 2, "{list}");
    assert!(said(home, "token list").contains("revoked"));
    fails(home, "token revoke --integration okta tok_unknown", 1);
    fails(home, "token create --integration nobody", 1);
}

#[test]
fn admins() {
    let home = &Home::new();
    let made = json(home, "admin create root --email root@corp.example --display Root --generate");
    assert_eq!(keys(&made), ["person", "user_name", "recovery_codes", "password"]);
    assert_eq!(made["recovery_codes"].as_array().unwrap().len(), 8);
    assert!(fails(home, "admin create root --generate", 1).contains("already"));
    assert!(fails(home, "admin create nobody", 1).contains("--password-stdin"));
    let short = with_input(home, "admin create second --password-stdin", "short\n");
    assert_eq!(short.status.code(), Some(1));
    let fits = with_input(home, "admin create second --password-stdin --json", "correct horse battery staple\n");
    assert!(fits.status.success() && fits.stderr.is_empty(), "{}", text(&fits.stderr));
    let fits: Value = serde_json::from_slice(&fits.stdout).unwrap();
    assert!(fits["password"].is_null() && !fits.to_string().contains("horse"));
    assert_eq!(json(home, "admin recover root --generate")["user_name"], "root");
    fails(home, "admin recover nobody --generate", 1);
    let persons = json(home, "person list --search root");
    assert_eq!((&persons[0]["admin"], &persons[0]["local"]), (&value!(true), &value!(true)));
    let person = json(home, &format!("person show {}", string(&made, "person")));
    assert_eq!((&person["account"], &person["users"]), (&value!(true), &value!([])));
    assert!(said(home, "person list").contains("no e-mail address"), "somebody without an address is flagged");
    fails(home, "person show per_unknown", 1);
}

#[test]
fn domains_conflicts_and_proof() {
    let home = &Home::new();
    json(home, "integration create okta");
    assert_eq!(json(home, "domain claim Corp.Example. --integration okta")["domain"], "corp.example");
    assert_eq!(json(home, "domain list")[0]["domain"], "corp.example");
    json(home, "integration create entra");
    assert!(fails(home, "domain claim corp.example --integration entra", 1).contains("claimed already"));
    fails(home, "domain claim nodots --integration okta", 1);
    assert_eq!(json(home, "domain release corp.example")["claimed"], false);
    fails(home, "domain release corp.example", 1);
    assert_eq!(json(home, "conflict list"), value!([]));
    fails(home, "conflict link con_unknown", 1);
    fails(home, "conflict keep con_unknown", 1);
    let report = json(home, "audit verify");
    assert_eq!((&report["sound"], &report["first_bad"]), (&value!(true), &Value::Null));
    assert!(said(home, "audit verify").contains("sound"));
    let export = said(home, "audit export");
    let lines: Vec<Value> = export.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["event"]["kind"], "integration:create");
    let last = lines.iter().filter_map(|line| line["event"]["seq"].as_i64()).max().unwrap();
    assert_eq!(said(home, &format!("audit export --after {last}")), "");
    let log = json(home, "log");
    let happened: Vec<&str> = log.as_array().unwrap().iter().map(|entry| entry["happened"].as_str().unwrap()).collect();
    assert!(happened.contains(&"domain corp.example claimed"), "{happened:?}");
    assert!(!run(home, "log").stdout.is_empty());
    let shown = json(home, &format!("log show {}", string(&log[0], "id")));
    assert_eq!(shown["kind"], "integration:create");
    assert_eq!(shown["caused"][0]["kind"], "token:create");
    fails(home, "log show evt_99999", 1);
}

/// The keys that the reference names for a command, nested ones left out.
fn documented(command: &str) -> Vec<String> {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/cli.md")).unwrap();
    let row = page.lines().find(|line| line.starts_with(&format!("| `{command}`"))).unwrap().to_owned();
    let value = row.split('{').nth(1).unwrap().split('}').next().unwrap();
    value.split(',').map(|key| key.trim_matches('"').to_owned()).collect()
}

#[test]
fn the_reference_names_what_is_printed() {
    let home = &Home::new();
    let check = |line: &str, command: &str| {
        let printed = json(home, line);
        let one = if printed.is_array() { &printed[0] } else { &printed };
        assert_eq!(keys(one), documented(command), "{line}");
    };
    check("integration create okta", "integration create");
    check("integration list", "integration list");
    check("integration pause okta", "integration list");
    check("token create --integration okta --label x", "token create");
    check("token list", "token list");
    check("log", "log");
    let admin = json(home, "admin create root --generate");
    assert_eq!(keys(&admin)[..3], documented("admin create"));
    check("person list", "person list");
    check("domain claim a.example --integration okta", "domain claim");
    check("domain list", "domain list");
    check("domain release a.example", "domain release");
    check("audit verify", "audit verify");
    check("integration delete okta --yes", "integration delete");
    let shown = json(home, "log show evt_1");
    let mut expect = documented("log");
    expect.extend(["agent", "payload", "caused"].map(str::to_owned));
    assert_eq!(keys(&shown), expect);
}

#[test]
fn a_broken_seal_is_named() {
    let home = &Home::new();
    let server = crate::support::Server::start(home);
    json(home, "integration create okta");
    let begun = std::time::Instant::now();
    while json(home, "audit verify")["unsealed"] != 0 {
        assert!(begun.elapsed().as_secs() < 5);
    }
    assert_eq!(server.terminate().0, Some(0));
    home.sql("UPDATE event SET actor = 'somebody' WHERE kind = 'token:create'");
    let line = fails(home, "audit verify", 1);
    assert!(line.contains("the seal is broken: "), "{line}");
    let output = run(home, "audit verify --json");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), &report["sound"]), (Some(1), &value!(false)));
    assert!(report["first_bad"].is_string());
}

#[test]
fn nobody_has_to_read_to_the_end() {
    let home = &Home::new();
    json(home, "integration create okta");
    let mut command = binary();
    command.args(["audit", "export"]).args(home.flags()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(0), ""));
}
