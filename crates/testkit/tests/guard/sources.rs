//! Empty or shrunken sources, mistakes in rules and races: none of them removes an admin or empties a team by itself.

use super::support::*;
use bailiwick_app::access;
use bailiwick_app::manage::{self, Setting};
use bailiwick_app::mapping::{self, Apply};
use bailiwick_domain::guard::Reason;
use bailiwick_domain::mapping::{Danger, GrantKind};
use bailiwick_domain::person::State;
use bailiwick_domain::preset::Preset;
use bailiwick_testkit::{Client, TestApp};
use serde_json::Value;

const ADMINS: (&str, &str, &str) = ("admins", "{group: Admins}", "[{role: admin}]");
const CREW: (&str, &str, &str) = ("crew", "{group: Crew}", "[{team: crew}]");

/// Thirty people, of whom three are the crew and two the admins, both by rules.
async fn world(test: &TestApp) -> (Client, String, Vec<String>) {
    let ids = company(test, 30).await;
    let mut client = test.client();
    let crew = team(test, "crew").await;
    rules(test, &[CREW, ADMINS]).await;
    group(&mut client, "Crew", &ids[..3]).await;
    group(&mut client, "Admins", &ids[3..5]).await;
    settle(test).await;
    assert_eq!((size(test, &crew).await, admins(test).await), (3, 2));
    (client, crew, ids)
}

async fn admins(test: &TestApp) -> usize {
    let holders = test.app().store().holders(GrantKind::Role, "admin", 0, 100).await.unwrap();
    holders.iter().filter(|(person, _)| person.state == State::Active).count()
}

fn file(rules: &[(&str, &str, &str)]) -> String {
    let mut text = "version: 1\nrules:\n".to_owned();
    for (id, when, then) in rules {
        text.push_str(&format!("  - {{id: {id}, owner: owners, when: {when}, then: {then}}}\n"));
    }
    if rules.is_empty() { "version: 1\nrules: []\n".to_owned() } else { text }
}

/// PATCH or DELETE, whatever it answers.
async fn said(client: &mut Client, method: &str, path: &str, body: Option<&Value>) -> u16 {
    match method {
        "DELETE" => client.delete(path).await.status,
        _ => client.patch(path, body.unwrap()).await.status,
    }
}

#[tokio::test]
async fn a_directory_that_switches_everybody_off_or_deletes_them_leaves_admins_and_teams() {
    for (method, body) in [("PATCH", Some(active(false))), ("DELETE", None)] {
        let test = TestApp::start().await;
        let (mut client, crew, ids) = world(&test).await;
        for id in ids.iter().rev() {
            said(&mut client, method, &format!("/scim/v2/Users/{id}"), body.as_ref()).await;
        }
        settle(&test).await;
        assert_eq!((size(&test, &crew).await, admins(&test).await), (3, 2), "{method}");
        assert!(hold(&test).await.waiting >= 26, "{method}");
    }
}

#[tokio::test]
async fn a_directory_that_loses_every_group_leaves_admins_and_teams() {
    let test = TestApp::start().await;
    let (mut client, crew, _) = world(&test).await;
    let groups = client.get("/scim/v2/Groups").await.expect(200);
    for group in groups.at("/Resources").as_array().unwrap() {
        client.delete(&format!("/scim/v2/Groups/{}", group["id"].as_str().unwrap())).await.expect(204);
    }
    settle(&test).await;
    assert_eq!((size(&test, &crew).await, admins(&test).await), (3, 2));
    let reasons = hold(&test).await.hold.reasons;
    assert!(reasons.iter().any(|reason| matches!(reason, Reason::EmptiesTeam { .. })), "{reasons:?}");
    assert!(reasons.contains(&Reason::LastAdmins), "{reasons:?}");
}

#[tokio::test]
async fn an_integration_is_not_deleted_with_every_admin() {
    let test = TestApp::start().await;
    let (_, crew, _) = world(&test).await;
    let path = format!("/api/v1/integrations/{}", TestApp::INTEGRATION);
    let refused = test.service("admin").await.delete(&path).await.expect(403);
    assert_eq!(refused.at("/code"), "last-admin");
    assert_eq!((size(&test, &crew).await, admins(&test).await, standing(&test, State::Active).await), (3, 2, 30));
}

#[tokio::test]
async fn rules_that_give_nothing_any_more_are_not_applied_unseen() {
    let test = TestApp::start().await;
    let (_, crew, _) = world(&test).await;
    let mut admin = test.service("admin").await;
    admin.set_header("content-type", Some("application/yaml"));
    let nobody = ("crew", "{group: Crw}", "[{team: crew}]");
    for (mistake, rules) in [
        ("an empty file", file(&[])),
        ("a rule that matches nobody", file(&[nobody, ADMINS])),
        ("no rule of admins", file(&[CREW])),
        ("a rule of admins that matches nobody", file(&[CREW, ("admins", "{group: Admin}", "[{role: admin}]")])),
    ] {
        // Without a look at it, and with the claim of one.
        for query in ["", "?accept_dangers=true"] {
            let path = format!("/api/v1/rules{query}");
            let refused = admin.send("PUT", &path, &[], Some(rules.clone().into())).await;
            assert_eq!(refused.at("/code"), "rules-dangerous", "{mistake}{query}: {}", refused.text());
        }
        settle(&test).await;
        assert_eq!((size(&test, &crew).await, admins(&test).await), (3, 2), "{mistake}");
    }
    // Whoever has seen that nobody would be an admin and means it keeps one all the same.
    let text = file(&[CREW]);
    let preview = mapping::preview(test.app(), &host(), &text).await.unwrap();
    let how = Apply { basis: Some(preview.basis), accept_dangers: true, ..Apply::default() };
    mapping::apply_rules(test.app(), &host(), &text, &how).await.unwrap();
    settle(&test).await;
    assert_eq!((size(&test, &crew).await, admins(&test).await), (3, 1));
}

#[tokio::test]
async fn two_admins_who_are_switched_off_at_once_leave_one() {
    for round in 0..4 {
        let test = TestApp::start().await;
        let (_, _, ids) = world(&test).await;
        let (mut one, mut two) = (test.client(), test.client());
        let off = active(false);
        let (first, second) = (format!("/scim/v2/Users/{}", ids[3]), format!("/scim/v2/Users/{}", ids[4]));
        let (left, right) = tokio::join!(one.patch(&first, &off), two.patch(&second, &off));
        settle(&test).await;
        assert_eq!(admins(&test).await, 1, "{round}: {} {}", left.text(), right.text());
    }
}

#[tokio::test]
async fn an_admin_who_gives_the_role_up_while_the_other_is_switched_off_stays_one() {
    for round in 0..4 {
        let test = TestApp::start().await;
        let ids = company(&test, 30).await;
        let (first, second) = (person(&test, 0).await.id, person(&test, 1).await.id);
        for person in [&first, &second] {
            access::give_role(test.app(), &host(), person, "admin").await.unwrap();
        }
        let (mut client, host) = (test.client(), host());
        let (path, off) = (format!("/scim/v2/Users/{}", ids[0]), active(false));
        let (_, taken) =
            tokio::join!(client.patch(&path, &off), access::take_role(test.app(), &host, &second, "admin"));
        let left = persons(&test).await.into_iter().filter(|row| row.admin && row.state == State::Active).count();
        assert_eq!(left, 1, "{round}: {taken:?}");
    }
}

#[tokio::test]
async fn a_preview_is_as_strict_as_the_strictest_integration() {
    let test = TestApp::start().await;
    let ids = company(&test, 100).await;
    team(&test, "crew").await;
    rules(&test, &[CREW]).await;
    group(&mut test.client(), "Crew", &ids[..40]).await;
    group(&mut test.client(), "Core", &ids[..33]).await;
    settle(&test).await;
    // Seven of a hundred would go: less than the default of ten per cent.
    let text = file(&[("crew", "{group: Core}", "[{team: crew}]")]);
    let dangers = async || mapping::preview(test.app(), &host(), &text).await.unwrap().dangers;
    assert_eq!(dangers().await, []);
    test.integration("second", Preset::Entra).await;
    for (first, second, percent, people) in
        [((50, 5), (6, 7), 6, 5), ((6, 7), (50, 5), 6, 5), ((7, 1), (50, 5), 7, 1), ((6, 8), (6, 9), 6, 8)]
    {
        for (name, (percent, people)) in [(TestApp::INTEGRATION, first), ("second", second)] {
            let set = vec![Setting::GuardPercent(percent), Setting::GuardPeople(people)];
            manage::set_integration(test.app(), name, set).await.unwrap();
        }
        let expect = match (percent, people) {
            (6, 5) => vec![Danger::TooManyRemovals { removed: 7, of: 100, percent, people }],
            _ => Vec::new(),
        };
        assert_eq!(dangers().await, expect, "{first:?} {second:?}");
    }
}
