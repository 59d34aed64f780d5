//! The health of ownership.

use super::*;
use bailiwick_app::mapping::{self, Apply};

fn deactivated() -> Value {
    json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "replace", "path": "active", "value": false}]})
}

#[tokio::test]
async fn what_nobody_answers_for_shows_at_once() {
    let (test, mut client) = start().await;
    let (ada, _) = provision(&test, "ada").await;
    for name in ["full", "empty", "gone", "flat"] {
        team(&mut client, name).await;
    }
    client.put("/api/v1/teams/full/members/ada", &json!({"role": "manager"})).await.expect(204);
    provision(&test, "bob").await;
    client.put("/api/v1/teams/flat/members/bob", &json!({})).await.expect(204);
    for (name, owner) in [
        ("a", Value::Null),
        ("b", json!("gone")),
        ("c", json!("empty")),
        ("d", json!("user:ada")),
        ("e", json!("full")),
    ] {
        make(&mut client, "entities", json!({"kind": "component", "name": name, "owner": owner})).await;
    }
    client.delete("/api/v1/teams/gone").await.expect(204);
    let states = |page: &Value| -> Vec<(String, Value)> {
        let items = page["items"].as_array().unwrap().iter();
        items.map(|one| (one["item"]["name"].as_str().unwrap().to_owned(), one["states"].clone())).collect()
    };
    let expect = |before: bool| {
        let person = if before { json!(["owned-by-person"]) } else { json!(["owner-inactive", "owned-by-person"]) };
        let mut all = vec![
            ("a".to_owned(), json!(["unowned"])),
            ("b".to_owned(), json!(["owner-missing"])),
            ("c".to_owned(), json!(["owner-inactive"])),
            ("d".to_owned(), person),
            ("empty".to_owned(), json!(["team-empty"])),
            ("flat".to_owned(), json!(["team-without-manager"])),
        ];
        if !before {
            all.insert(4, ("e".to_owned(), json!(["owner-inactive"])));
            all.push(("full".to_owned(), json!(["team-empty"])));
        }
        all
    };
    assert_eq!(states(&get(&mut client, "ownership").await), expect(true));
    let counts = get(&mut client, "ownership/counts").await;
    assert_eq!((&counts["items"], &counts["healthy"], &counts["states"]["unowned"]), (&json!(8), &json!(2), &json!(1)));
    test.client().patch(&format!("/scim/v2/Users/{ada}"), &deactivated()).await.expect(200);
    assert_eq!(states(&get(&mut client, "ownership").await), expect(false), "live, without anything to wait for");
    assert_eq!(states(&get(&mut client, "ownership?state=unowned").await).len(), 1);
    assert_eq!(states(&get(&mut client, "ownership?kind=team").await).len(), 3);
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = get(&mut client, &format!("ownership?limit=3{cursor}")).await;
        found.extend(states(&page));
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(found, expect(false), "pages");
    client.get("/api/v1/ownership?state=sad").await.expect(400);
}

#[tokio::test]
async fn who_could_take_it_on_is_suggested() {
    let (test, mut client) = start().await;
    let (ada, _) = provision(&test, "ada").await;
    team(&mut client, "above").await;
    make(&mut client, "teams", json!({"name": "below", "parent": "above"})).await;
    client.put("/api/v1/teams/above/members/ada", &json!({"role": "manager"})).await.expect(204);
    make(&mut client, "entities", json!({"kind": "component", "name": "left", "owner": "below"})).await;
    make(&mut client, "entities", json!({"kind": "component", "name": "lonely"})).await;
    let suggested = |page: &Value, name: &str| -> Vec<(String, String)> {
        let one = page["items"].as_array().unwrap().iter().find(|one| one["item"]["name"] == name).unwrap();
        let all = one["suggestions"].as_array().unwrap().iter();
        all.map(|one| (one["name"].as_str().unwrap().to_owned(), one["relation"].as_str().unwrap().to_owned()))
            .collect()
    };
    let of = |name: &str, relation: &str| (name.to_owned(), relation.to_owned());
    let page = get(&mut client, "ownership").await;
    assert_eq!(suggested(&page, "left"), [of("above", "parent-team"), of("ada", "team-manager")]);
    // A team is managed by a person.
    assert_eq!(suggested(&page, "below"), [of("ada", "team-manager")]);
    assert_eq!(suggested(&page, "lonely"), [], "nothing around it tells");
    // Whoever is gone is suggested to nobody.
    test.client().patch(&format!("/scim/v2/Users/{ada}"), &deactivated()).await.expect(200);
    let page = get(&mut client, "ownership").await;
    assert_eq!((suggested(&page, "left"), suggested(&page, "below")), (Vec::new(), Vec::new()));
}

#[tokio::test]
async fn what_a_rule_gives_is_owned_for_as_long_as_somebody_who_has_it_is_active() {
    let (test, mut client) = start().await;
    let (ada, person) = provision(&test, "ada").await;
    group(&test, "Payments", &[&ada]).await;
    team(&mut client, "payments").await;
    for (name, tag) in [("cart", "pay"), ("other", "else")] {
        make(&mut client, "entities", json!({"kind": "component", "name": name, "tags": [{"value": tag}]})).await;
    }
    let filter = "kind eq \"component\" and tags eq \"pay\"";
    let rules = format!(
        "version: 1\nrules:\n  - id: pay\n    owner: payments\n    when: {{ group: Payments }}\n    then:\n      - team: \
         payments\n        own: '{filter}'\n  - id: nobody\n    owner: payments\n    when: {{ group: Nobody }}\n    \
         then: [{{ own: 'tags eq \"else\"' }}]\n"
    );
    let preview = mapping::preview(test.app(), &Principal::host(), &rules).await.unwrap();
    let how = Apply { basis: Some(preview.basis), accept_dangers: true, ..Apply::default() };
    mapping::apply_rules(test.app(), &Principal::host(), &rules, &how).await.unwrap();
    mapping::settle_everybody(test.app()).await.unwrap();
    let unowned = async |client: &mut Client| -> Vec<String> {
        let page = get(client, "ownership?state=unowned").await;
        page["items"].as_array().unwrap().iter().map(|one| one["item"]["name"].as_str().unwrap().to_owned()).collect()
    };
    let given = json!([{ "filter": filter, "rules": ["pay"], "people": 1 }]);
    let cart = get(&mut client, "entities/cart").await;
    assert_eq!((&cart["owned_by_rules"], &cart["effective_owner"]), (&given, &Value::Null));
    assert_eq!(get(&mut client, "entities/other").await["owned_by_rules"], json!([]));
    assert_eq!(unowned(&mut client).await, ["other"]);
    assert_eq!(get(&mut client, "ownership/counts").await["states"]["unowned"], 1);
    // A named owner does not take it away: both own it.
    client.patch("/api/v1/entities/cart", &json!({"owner": "payments"})).await.expect(200);
    assert_eq!(get(&mut client, "entities/cart").await["owned_by_rules"], given);
    client.patch("/api/v1/entities/cart", &json!({"owner": null})).await.expect(200);
    test.client().patch(&format!("/scim/v2/Users/{ada}"), &deactivated()).await.expect(200);
    assert_eq!(get(&mut client, "entities/cart").await["owned_by_rules"], json!([]));
    assert_eq!(unowned(&mut client).await, ["cart", "other"]);
    let report = get(&mut client, &format!("people/{person}/leaver")).await;
    let lost = report["without_effect"].as_array().unwrap().iter();
    let mut lost: Vec<(&str, &str)> =
        lost.map(|gone| (gone["kind"].as_str().unwrap(), gone["title"].as_str().unwrap())).collect();
    lost.sort_unstable();
    assert_eq!(lost, [("ownership", filter), ("team", "payments")]);
}
