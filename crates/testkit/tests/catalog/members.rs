//! Memberships by hand and by groups.

use super::*;
use bailiwick_app::catalog;

const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

fn renamed(name: &str) -> Value {
    json!({"schemas": [PATCH], "Operations": [{"op": "replace", "path": "displayName", "value": name}]})
}

#[tokio::test]
async fn members_by_hand_come_change_and_go() {
    let (test, mut client) = start().await;
    let (_, ada) = provision(&test, "ada@x.example").await;
    provision(&test, "bob").await;
    team(&mut client, "pay").await;
    client.put("/api/v1/teams/pay/members/ada@x.example", &json!({})).await.expect(204);
    client.put("/api/v1/teams/pay/members/bob", &json!({"role": "Manager"})).await.expect(204);
    let members = get(&mut client, "teams/pay/members").await;
    assert_eq!(
        (each(&members, "/display"), each(&members, "/role")),
        (vec!["ada@x.example".into(), "bob".into()], vec!["contributor".into(), "manager".into()])
    );
    assert_eq!(members["items"][0]["origins"][0]["origin"], "hand");
    client.put(&format!("/api/v1/teams/pay/members/{ada}"), &json!({"role": "manager"})).await.expect(204);
    client.put(&format!("/api/v1/teams/pay/members/{ada}"), &json!({"role": "manager"})).await.expect(204);
    let members = get(&mut client, "teams/pay/members").await;
    assert_eq!(each(&members, "/role"), ["manager", "manager"]);
    assert_eq!(members["items"][0]["origins"].as_array().unwrap().len(), 1, "one membership, not two");
    let left = client.delete("/api/v1/teams/pay/members/bob").await.expect(200);
    assert_eq!(left.at("/stays"), json!([]));
    client.delete("/api/v1/teams/pay/members/bob").await.expect(404);
    client.put("/api/v1/teams/pay/members/nobody", &json!({})).await.expect(404);
    client.put("/api/v1/teams/nothing/members/bob", &json!({})).await.expect(404);
    client.put("/api/v1/teams/pay/members/bob", &json!({"role": "a\nb"})).await.expect(400);
    let history = get(&mut client, "teams/pay/history").await;
    assert_eq!(each(&history, "/kind"), ["member:remove", "member:add", "member:add", "member:add", "team:create"]);
    assert_eq!(history["items"][1]["detail"]["before"], json!(["contributor"]));
}

#[tokio::test]
async fn members_of_the_teams_below_are_shown_with_the_way() {
    let (test, mut client) = start().await;
    for name in ["ann", "ben", "cid", "dan", "eve"] {
        provision(&test, name).await;
    }
    team(&mut client, "top").await;
    make(&mut client, "teams", json!({"name": "mid", "parent": "top"})).await;
    make(&mut client, "teams", json!({"name": "low", "parent": "mid"})).await;
    for (team, person) in [("top", "ann"), ("mid", "ben"), ("mid", "cid"), ("low", "dan"), ("low", "ann")] {
        client.put(&format!("/api/v1/teams/{team}/members/{person}"), &json!({})).await.expect(204);
    }
    assert_eq!(each(&get(&mut client, "teams/top/members").await, "/display"), ["ann"]);
    let all = get(&mut client, "teams/top/members?below=true").await;
    assert_eq!(each(&all, "/display"), ["ann", "ben", "cid", "ann", "dan"]);
    let ways = each(&all, "/via/reference");
    assert_eq!(ways, ["", "team:default/mid", "team:default/mid", "team:default/low", "team:default/low"]);
    for limit in 1..=5 {
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = get(&mut client, &format!("teams/top/members?below=true&limit={limit}{cursor}")).await;
            assert!(page["items"].as_array().unwrap().len() <= limit);
            found.extend(each(&page, "/display"));
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(found, ["ann", "ben", "cid", "ann", "dan"], "pages of {limit}");
    }
}

#[tokio::test]
async fn a_group_feeds_a_team_and_its_name_does_not_matter() {
    let (test, mut client) = start().await;
    let (ada, _) = provision(&test, "ada").await;
    let (bob, _) = provision(&test, "bob").await;
    let inner = group(&test, "Inner", &[&bob]).await;
    let outer = group(&test, "Payments", &[&ada, &inner]).await;
    let made = team(&mut client, "payments").await;
    make(&mut client, "entities", json!({"kind": "component", "name": "cart", "owner": "payments"})).await;
    let path = format!("/api/v1/teams/payments/feeds/{outer}");
    client.put(&path, &json!({"role": "contributor"})).await.expect(204);
    settle(&test).await;
    let members = get(&mut client, "teams/payments/members").await;
    assert_eq!(each(&members, "/display"), ["ada", "bob"], "nested groups count");
    let origin = format!("feed:{outer}");
    assert_eq!(each(&members, "/origins/0/origin"), [origin.clone(), origin]);
    // What a group gives is not taken by hand; what was given by hand besides is.
    let refused = client.delete("/api/v1/teams/payments/members/ada").await.expect(409);
    assert_eq!(refused.at("/code"), "membership-managed");
    assert!(refused.at("/detail").as_str().unwrap().contains(&outer), "{}", refused.text());
    client.put("/api/v1/teams/payments/members/ada", &json!({"role": "manager"})).await.expect(204);
    let both = get(&mut client, "teams/payments/members").await;
    assert_eq!(
        (both["items"][0]["role"].as_str(), both["items"][0]["origins"].as_array().unwrap().len()),
        (Some("manager"), 2)
    );
    let left = client.delete("/api/v1/teams/payments/members/ada").await.expect(200);
    assert!(left.at("/stays/0").as_str().unwrap().contains(&outer));
    // The group is renamed: the team keeps id, name, references and members.
    test.client().patch(&format!("/scim/v2/Groups/{outer}"), &renamed("Treasury")).await.expect(200);
    settle(&test).await;
    let kept = get(&mut client, "teams/payments").await;
    assert_eq!((&kept["id"], &kept["name"]), (&made["id"], &json!("payments")));
    assert_eq!(each(&get(&mut client, "teams/payments/members").await, "/display"), ["ada", "bob"]);
    assert_eq!(get(&mut client, "entities/cart").await["effective_owner"]["id"], made["id"]);
    assert_eq!(each(&get(&mut client, "teams/payments/feeds").await, "/display"), ["Treasury"]);
    // The feed ends, or the group does.
    client.delete(&path).await.expect(204);
    settle(&test).await;
    assert!(each(&get(&mut client, "teams/payments/members").await, "/display").is_empty());
    client.delete(&path).await.expect(404);
    client.put("/api/v1/teams/payments/feeds/nothing", &json!({})).await.expect(404);
}

#[tokio::test]
async fn groups_become_teams_by_pattern() {
    let (test, mut client) = start().await;
    let (ada, _) = provision(&test, "ada").await;
    for name in ["team-Payments", "team-Search & Find", "everybody", "team-支払い"] {
        group(&test, name, &[&ada]).await;
    }
    team(&mut client, "team-payments").await;
    let host = Principal::host();
    let adopted = catalog::adopt_groups(test.app(), &host, TestApp::INTEGRATION, "team-*", None).await.unwrap();
    let mut names: Vec<(String, bool)> = adopted.into_iter().map(|one| (one.name, one.created)).collect();
    names.sort();
    let expect =
        [("team".to_owned(), true), ("team-payments".to_owned(), false), ("team-search-find".to_owned(), true)];
    assert_eq!(names, expect);
    let again = catalog::adopt_groups(test.app(), &host, TestApp::INTEGRATION, "team-*", None).await.unwrap();
    assert!(again.is_empty(), "what is done is done");
    settle(&test).await;
    assert_eq!(each(&get(&mut client, "teams/team-search-find/members").await, "/display"), ["ada"]);
    assert_eq!(get(&mut client, "teams/team-search-find").await["title"], "team-Search & Find");
    let unknown = catalog::adopt_groups(test.app(), &host, "none", "*", None).await;
    assert_eq!(unknown.unwrap_err().status, 404);
}

#[tokio::test]
async fn a_deleted_team_has_no_members_left() {
    let (test, mut client) = start().await;
    let (ada, person) = provision(&test, "ada").await;
    let outer = group(&test, "Payments", &[&ada]).await;
    let made = team(&mut client, "payments").await;
    client.put("/api/v1/teams/payments/members/ada", &json!({})).await.expect(204);
    client.put(&format!("/api/v1/teams/payments/feeds/{outer}"), &json!({})).await.expect(204);
    settle(&test).await;
    client.delete("/api/v1/teams/payments").await.expect(204);
    settle(&test).await;
    let row = test.app().store().person_by_id(&person).await.unwrap().unwrap();
    let open = test.app().store().grants_of(row.seq, true).await.unwrap();
    assert!(open.iter().all(|grant| grant.object != made["id"].as_str().unwrap()), "{open:?}");
}
