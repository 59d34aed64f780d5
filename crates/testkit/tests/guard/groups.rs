//! Groups that lose members, are emptied, renamed or deleted.

use super::support::*;
use bailiwick_app::catalog;
use bailiwick_app::holds;
use bailiwick_domain::guard::Reason;
use bailiwick_testkit::{Client, TestApp};
use serde_json::{Value, json};
use std::time::Duration;

/// A hundred people of whom so many are in a group that a rule gives a team.
async fn crew(test: &TestApp, members: usize) -> (Client, String, String, Vec<String>) {
    let ids = company(test, 100).await;
    let mut client = test.client();
    let team = team(test, "crew").await;
    rules(test, &[("crew", "{group: Crew}", "[{team: crew}]")]).await;
    let group = group(&mut client, "Crew", &ids[..members]).await;
    settle(test).await;
    assert_eq!(size(test, &team).await, members as u64);
    (client, group, team, ids)
}

async fn remove(client: &mut Client, group: &str, members: &[String]) {
    let values: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
    let body = json!({ "schemas": [PATCH], "Operations": [{ "op": "remove", "path": "members", "value": values }] });
    assert!(client.patch(&format!("/scim/v2/Groups/{group}"), &body).await.status < 300);
}

async fn members(client: &mut Client, group: &str) -> usize {
    let answer = client.get(&format!("/scim/v2/Groups/{group}")).await.expect(200);
    answer.at("/members").as_array().map_or(0, Vec::len)
}

#[tokio::test]
async fn a_few_who_leave_a_group_leave_the_team_at_once() {
    let test = TestApp::start().await;
    let (mut client, group, team, ids) = crew(&test, 20).await;
    remove(&mut client, &group, &ids[..4]).await;
    settle(&test).await;
    assert_eq!(size(&test, &team).await, 16);
    assert!(open(&test).await.is_empty());
}

#[tokio::test]
async fn many_who_leave_a_group_at_once_wait() {
    let test = TestApp::start().await;
    let (mut client, group, team, ids) = crew(&test, 20).await;
    remove(&mut client, &group, &ids[..15]).await;
    settle(&test).await;
    assert_eq!((members(&mut client, &group).await, size(&test, &team).await), (5, 20));
    let hold = hold(&test).await;
    assert_eq!(hold.waiting, 15);
    let shown = holds::show_hold(test.app(), &host(), &hold.hold.id, None, 100).await.unwrap();
    let crew = holds::HeldThing { kind: "team", object: team.clone(), name: "crew".to_owned() };
    assert!(shown.persons.iter().all(|person| person.loses == [crew.clone()]));
    approve(&test, &hold.hold.id).await;
    assert_eq!(size(&test, &team).await, 5);
}

#[tokio::test]
async fn an_emptied_group_does_not_empty_a_team_whatever_the_share() {
    let test = TestApp::start().await;
    let (mut client, group, team, ids) = crew(&test, 3).await;
    remove(&mut client, &group, &ids[..3]).await;
    settle(&test).await;
    assert_eq!((members(&mut client, &group).await, size(&test, &team).await), (0, 3));
    let hold = hold(&test).await;
    assert!(matches!(hold.hold.reasons[..], [Reason::EmptiesTeam { people: 3, .. }]), "{:?}", hold.hold.reasons);
    holds::reject_hold(test.app(), &host(), &hold.hold.id, "they are still here").await.unwrap();
    settle(&test).await;
    assert_eq!(size(&test, &team).await, 3);
}

#[tokio::test]
async fn a_put_without_members_does_not_empty_a_team() {
    let test = TestApp::start().await;
    let (mut client, group, team, _) = crew(&test, 3).await;
    let body = json!({ "schemas": [GROUP], "displayName": "Crew" });
    client.put(&format!("/scim/v2/Groups/{group}"), &body).await.expect(200);
    settle(&test).await;
    assert_eq!((members(&mut client, &group).await, size(&test, &team).await), (0, 3));
    assert_eq!(hold(&test).await.waiting, 3);
}

#[tokio::test]
async fn a_deleted_group_does_not_empty_a_team() {
    let test = TestApp::start().await;
    let (mut client, group, team, _) = crew(&test, 3).await;
    client.delete(&format!("/scim/v2/Groups/{group}")).await.expect(204);
    client.get(&format!("/scim/v2/Groups/{group}")).await.expect(404);
    settle(&test).await;
    assert_eq!(size(&test, &team).await, 3);
    approve(&test, &hold(&test).await.hold.id).await;
    assert_eq!(size(&test, &team).await, 0);
}

#[tokio::test]
async fn a_deleted_group_that_feeds_a_team_does_not_empty_it() {
    let test = TestApp::start().await;
    let ids = company(&test, 50).await;
    let mut client = test.client();
    let team = team(&test, "crew").await;
    let group = group(&mut client, "Crew", &ids[..2]).await;
    catalog::feed_team(test.app(), &host(), "crew", &group, None).await.unwrap();
    settle(&test).await;
    assert_eq!(size(&test, &team).await, 2);
    client.delete(&format!("/scim/v2/Groups/{group}")).await.expect(204);
    settle(&test).await;
    assert_eq!((size(&test, &team).await, hold(&test).await.waiting), (2, 2));
}

#[tokio::test]
async fn a_renamed_group_that_no_rule_means_any_more_does_not_empty_a_team() {
    let test = TestApp::start().await;
    let (mut client, group, team, _) = crew(&test, 3).await;
    let rename =
        json!({ "schemas": [PATCH], "Operations": [{ "op": "replace", "path": "displayName", "value": "Krew" }] });
    assert!(client.patch(&format!("/scim/v2/Groups/{group}"), &rename).await.status < 300);
    settle(&test).await;
    assert_eq!((size(&test, &team).await, hold(&test).await.waiting), (3, 3));
}

#[tokio::test]
async fn members_who_go_one_by_one_do_not_empty_a_team_either() {
    let test = TestApp::start().await;
    let (mut client, group, team, ids) = crew(&test, 3).await;
    for id in &ids[..3] {
        remove(&mut client, &group, std::slice::from_ref(id)).await;
        settle(&test).await;
    }
    assert_eq!((size(&test, &team).await, hold(&test).await.waiting), (1, 1));
}

#[tokio::test]
async fn a_leaver_may_leave_an_empty_team_behind() {
    let test = TestApp::start().await;
    let (mut client, _, team, ids) = crew(&test, 1).await;
    switch(&mut client, &ids[0], false).await;
    settle(&test).await;
    assert_eq!(size(&test, &team).await, 0);
    assert!(open(&test).await.is_empty());
}

#[tokio::test]
async fn no_change_of_groups_takes_the_role_from_the_last_admins() {
    let test = TestApp::start().await;
    let ids = company(&test, 100).await;
    let mut client = test.client();
    rules(&test, &[("admins", "{group: Admins}", "[{role: admin}]")]).await;
    let group = group(&mut client, "Admins", &ids[..3]).await;
    settle(&test).await;
    let admins = |test: &TestApp| {
        let store = test.app().store().clone();
        async move {
            let kind = bailiwick_domain::mapping::GrantKind::Role;
            store.holders(kind, "admin", 0, 10).await.unwrap().len()
        }
    };
    assert_eq!(admins(&test).await, 3);
    // One of several may go.
    remove(&mut client, &group, &ids[..1]).await;
    settle(&test).await;
    assert_eq!(admins(&test).await, 2);
    remove(&mut client, &group, &ids[1..3]).await;
    settle(&test).await;
    assert_eq!(admins(&test).await, 2);
    let hold = hold(&test).await;
    assert!(hold.hold.reasons.contains(&Reason::LastAdmins), "{:?}", hold.hold.reasons);
    // Not even approval leaves nobody.
    let decided = holds::approve_hold(test.app(), &host(), &hold.hold.id, None).await.unwrap();
    assert_eq!(admins(&test).await, 1, "{decided:?}");
}

#[tokio::test]
async fn a_group_larger_than_what_is_evaluated_at_once_does_not_empty_a_team() {
    let test = TestApp::start().await;
    let ids = company(&test, 1_200).await;
    let mut client = test.client();
    let team = team(&test, "crew").await;
    rules(&test, &[("crew", "{group: Crew}", "[{team: crew}]")]).await;
    let some: Vec<String> = ids[..700].to_vec();
    let group = group(&mut client, "Crew", &some).await;
    settle(&test).await;
    assert_eq!(size(&test, &team).await, 700);
    let set = vec![bailiwick_app::manage::Setting::GuardPercent(100)];
    bailiwick_app::manage::set_integration(test.app(), TestApp::INTEGRATION, set).await.unwrap();
    test.clock().advance(Duration::from_secs(10));
    client.delete(&format!("/scim/v2/Groups/{group}")).await.expect(204);
    settle(&test).await;
    assert_eq!((size(&test, &team).await, hold(&test).await.waiting), (700, 700));
}

#[tokio::test]
async fn a_change_larger_than_what_is_evaluated_at_once_is_weighed_as_a_whole() {
    let test = TestApp::start().await;
    let ids = company(&test, 1_150).await;
    let mut client = test.client();
    let team = team(&test, "crew").await;
    rules(&test, &[("crew", "{group: Crew}", "[{team: crew}]"), ("core", "{group: Core}", "[{team: crew}]")]).await;
    let some: Vec<String> = ids[..600].to_vec();
    let group_of_many = group(&mut client, "Crew", &some).await;
    group(&mut client, "Core", &ids[600..610]).await;
    settle(&test).await;
    assert_eq!(size(&test, &team).await, 610);
    // The first 500 are not too many, all 600 are.
    let set = vec![bailiwick_app::manage::Setting::GuardPercent(50)];
    bailiwick_app::manage::set_integration(test.app(), TestApp::INTEGRATION, set).await.unwrap();
    test.clock().advance(Duration::from_secs(10));
    client.delete(&format!("/scim/v2/Groups/{group_of_many}")).await.expect(204);
    settle(&test).await;
    assert_eq!((size(&test, &team).await, hold(&test).await.waiting), (610, 600));
    let reasons = hold(&test).await.hold.reasons;
    assert!(matches!(reasons[..], [Reason::Share { removed: 600, of: 1_150, .. }]), "{reasons:?}");
}

#[tokio::test]
async fn who_was_rejected_waits_again_as_a_whole_when_the_next_group_shrinks() {
    let test = TestApp::start().await;
    let (mut client, crew, team_of_crew, ids) = crew(&test, 60).await;
    let other = team(&test, "desk").await;
    let both = [("crew", "{group: Crew}", "[{team: crew}]"), ("desk", "{group: Desk}", "[{team: desk}]")];
    rules(&test, &both).await;
    let desk = group(&mut client, "Desk", &ids[..60]).await;
    settle(&test).await;
    remove(&mut client, &crew, &ids[..50]).await;
    settle(&test).await;
    holds::reject_hold(test.app(), &host(), &hold(&test).await.hold.id, "a mistake").await.unwrap();
    // Few enough to be decided in the call itself.
    remove(&mut client, &desk, &ids[..50]).await;
    assert_eq!(hold(&test).await.waiting, 50);
    settle(&test).await;
    assert_eq!((size(&test, &team_of_crew).await, size(&test, &other).await, hold(&test).await.waiting), (60, 60, 50));
    approve(&test, &hold(&test).await.hold.id).await;
    assert_eq!((size(&test, &team_of_crew).await, size(&test, &other).await), (10, 10));
}

#[tokio::test]
async fn who_was_rejected_counts_in_what_is_weighed_as_a_whole() {
    let test = TestApp::start().await;
    let ids = company(&test, 1_150).await;
    let mut client = test.client();
    let team = team(&test, "crew").await;
    rules(&test, &[("crew", "{group: Crew}", "[{team: crew}]"), ("core", "{group: Core}", "[{team: crew}]")]).await;
    let crew = group(&mut client, "Crew", &ids[..600]).await;
    group(&mut client, "Core", &ids[600..610]).await;
    settle(&test).await;
    // Nothing is taken from them, until something new is said.
    let keep = json!({ "schemas": [PATCH], "Operations": [{ "op": "replace", "path": "members", "value": [] }] });
    assert!(client.patch(&format!("/scim/v2/Groups/{crew}"), &keep).await.status < 300);
    settle(&test).await;
    holds::reject_hold(test.app(), &host(), &hold(&test).await.hold.id, "a mistake").await.unwrap();
    let set = vec![bailiwick_app::manage::Setting::GuardPercent(50)];
    bailiwick_app::manage::set_integration(test.app(), TestApp::INTEGRATION, set).await.unwrap();
    test.clock().advance(Duration::from_secs(2 * 60 * 60));
    // Said of all 600 at once, in a group of groups: the first 500 are not too many, all of them are.
    let again = group(&mut client, "Again", &ids[..600]).await;
    client.delete(&format!("/scim/v2/Groups/{again}")).await.expect(204);
    settle(&test).await;
    assert_eq!((size(&test, &team).await, hold(&test).await.waiting), (610, 600));
}
