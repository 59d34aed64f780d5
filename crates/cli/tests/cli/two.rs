//! A command beside a running server: what one process does, the other knows.

use crate::support::{Home, Server, connect, json, string, user};
use std::time::{Duration, Instant};

/// Waits for what another process did to be known.
fn within_a_second(what: &str, holds: impl FnMut() -> bool) {
    within(Duration::from_secs(1), what, holds);
}

fn within(limit: Duration, what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < limit, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn tokens_integrations_and_journal() {
    let home = &Home::new();
    let server = Server::start(home);
    let list = |token: &str| server.call("GET", "/scim/v2/Users?count=1", token, None).0;
    let first = connect(home, "okta");
    assert_eq!(list(&first), 200, "a new integration works on the next request");
    let made = json(home, "token create --integration okta --label second");
    let second = string(&made, "token");
    assert_eq!(list(&second), 200, "a new token works on the next request");
    json(home, &format!("token revoke --integration okta {}", string(&made, "id")));
    within_a_second("a revoked token is refused", || list(&second) == 401);
    assert_eq!(list(&first), 200);
    json(home, "integration pause okta");
    within_a_second("a paused integration is refused", || list(&first) == 403);
    json(home, "integration resume okta");
    within_a_second("a resumed one is not", || list(&first) == 200);
    json(home, "integration set okta --user-name-email on");
    within_a_second("settings are followed", || {
        server.call("POST", "/scim/v2/Users", &first, Some(&user("plain"))).0 == 400
    });
    json(home, "integration set okta --user-name-email off");
    within_a_second("both ways", || server.call("POST", "/scim/v2/Users", &first, Some(&user("wilma"))).0 == 201);
    assert_eq!(json(home, "person list --search wilma")[0]["user_name"], "wilma");
    let log = json(home, "log --integration okta --limit 200");
    let happened: Vec<&str> = log.as_array().unwrap().iter().filter_map(|entry| entry["happened"].as_str()).collect();
    for what in ["integration paused", "integration resumed", "User created", "settings changed: user name email"] {
        assert!(happened.contains(&what), "{what}: {happened:?}");
    }
    let codes: Vec<&str> = log.as_array().unwrap().iter().filter_map(|entry| entry["code"].as_str()).collect();
    for code in ["token-revoked", "integration-paused", "email-required-user-name"] {
        assert!(codes.contains(&code), "{code}: {codes:?}");
    }
    json(home, "integration delete okta --yes");
    within_a_second("a deleted one is unknown", || list(&first) == 401);
    let seals = || json(home, "audit verify");
    // Anonymous calls are counted and written a second later, and sealed within another.
    within(Duration::from_secs(4), "events are sealed", || seals()["unsealed"] == 0);
    assert_eq!(seals()["sound"], true);
}

#[test]
fn rotation_leaves_no_gap() {
    let home = &Home::new();
    let server = Server::start(home);
    let old = connect(home, "okta");
    let list = |token: &str| server.call("GET", "/scim/v2/Users?count=1", token, None).0;
    assert_eq!(list(&old), 200);
    let new = string(&json(home, "token rotate --integration okta --overlap 2s"), "token");
    assert_eq!((list(&old), list(&new)), (200, 200));
    std::thread::sleep(Duration::from_millis(2_100));
    within_a_second("the old token ends", || list(&old) == 401);
    assert_eq!(list(&new), 200);
}

#[test]
fn both_write_at_once() {
    let home = &Home::new();
    let server = Server::start(home);
    let token = connect(home, "okta");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..60 {
                let (status, body) = server.call("POST", "/scim/v2/Users", &token, Some(&user(&format!("u{number}"))));
                assert_eq!(status, 201, "{body}");
            }
        });
        scope.spawn(|| {
            for number in 0..6 {
                json(home, &format!("token create --integration okta --label t{number}"));
            }
        });
    });
    let shown = json(home, "integration show okta");
    assert_eq!((&shown["users"], shown["tokens"].as_array().unwrap().len()), (&60.into(), 7));
    assert_eq!(json(home, "audit verify")["sound"], true);
}
