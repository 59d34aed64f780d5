//! Who may do what with teams and entities.

use super::*;
use bailiwick_app::access::give_role;

#[tokio::test]
async fn members_edit_what_their_teams_and_those_below_own_and_what_nobody_owns() {
    let (test, mut client) = start().await;
    let (_, ada) = provision(&test, "ada").await;
    provision(&test, "bob").await;
    give_role(test.app(), &Principal::host(), &ada, "team-member").await.unwrap();
    team(&mut client, "top").await;
    make(&mut client, "teams", json!({"name": "low", "parent": "top"})).await;
    team(&mut client, "other").await;
    client.put("/api/v1/teams/top/members/ada", &json!({})).await.expect(204);
    make(&mut client, "entities", json!({"kind": "system", "name": "shop", "owner": "other"})).await;
    for (name, owner, system) in [
        ("own", json!("top"), None),
        ("below", json!("low"), None),
        ("theirs", json!("other"), None),
        ("free", Value::Null, None),
        ("inside", Value::Null, Some("shop")),
    ] {
        let body = json!({"kind": "component", "name": name, "owner": owner, "system": system});
        make(&mut client, "entities", body).await;
    }
    let mut member = acting_as(&test, &ada).await;
    for (name, status) in [("own", 200), ("below", 200), ("free", 200), ("theirs", 403), ("inside", 403)] {
        let answer = member.patch(&format!("/api/v1/entities/{name}"), &json!({"title": name})).await;
        assert_eq!(answer.status, status, "{name}: {}", answer.text());
    }
    let refused = member.delete("/api/v1/entities/theirs").await.expect(403);
    assert_eq!(refused.at("/code"), "forbidden");
    for (name, status) in [("top", 200), ("low", 200), ("other", 403)] {
        let answer = member.patch(&format!("/api/v1/teams/{name}"), &json!({"title": name})).await;
        assert_eq!(answer.status, status, "{name}: {}", answer.text());
    }
    // What is made must be one's own, or nobody's.
    let new = |owner: &str| json!({"kind": "component", "name": format!("new-{owner}"), "owner": owner});
    member.post("/api/v1/entities", &new("low")).await.expect(201);
    member.post("/api/v1/entities", &new("other")).await.expect(403);
    member.post("/api/v1/teams", &json!({"name": "mine", "parent": "top"})).await.expect(201);
    member.post("/api/v1/teams", &json!({"name": "loose"})).await.expect(403);
    member.put("/api/v1/teams/low/members/bob", &json!({})).await.expect(204);
    member.put("/api/v1/teams/other/members/ada", &json!({})).await.expect(403);
    // Feeds are rules, tiers are standards.
    member.put("/api/v1/teams/top/feeds/x", &json!({})).await.expect(403);
    member.put("/api/v1/tiers/gold", &json!({"index": 1})).await.expect(403);
    assert_eq!(get(&mut client, "entities/theirs").await["title"], Value::Null);
}

#[tokio::test]
async fn who_only_reads_changes_nothing() {
    let (test, mut client) = start().await;
    team(&mut client, "pay").await;
    make(&mut client, "entities", json!({"kind": "component", "name": "cart"})).await;
    for role in ["viewer", "auditor"] {
        let mut reader = service(&test, role).await;
        for path in
            ["teams", "teams/pay", "teams/pay/members", "teams/pay/feeds", "entities/cart", "ownership", "tiers"]
        {
            get(&mut reader, path).await;
        }
        reader.patch("/api/v1/teams/pay", &json!({"title": "x"})).await.expect(403);
        reader.patch("/api/v1/entities/cart", &json!({"title": "x"})).await.expect(403);
        reader.delete("/api/v1/entities/cart").await.expect(403);
        reader.post("/api/v1/teams", &json!({"name": "x"})).await.expect(403);
        reader.put("/api/v1/properties/x", &json!({})).await.expect(403);
    }
}

#[tokio::test]
async fn a_refusal_names_what_is_lacking_and_whom_to_ask() {
    let (test, mut client) = start().await;
    let (_, ada) = provision(&test, "ada").await;
    provision(&test, "mia").await;
    let (_, gus) = provision(&test, "gus").await;
    give_role(test.app(), &Principal::host(), &gus, "admin").await.unwrap();
    give_role(test.app(), &Principal::host(), &ada, "team-member").await.unwrap();
    team(&mut client, "payments").await;
    client.put("/api/v1/teams/payments/members/mia", &json!({"role": "manager"})).await.expect(204);
    make(&mut client, "entities", json!({"kind": "component", "name": "cart", "owner": "payments"})).await;
    let mut member = acting_as(&test, &ada).await;
    let refused = member.patch("/api/v1/entities/cart", &json!({"title": "x"})).await.expect(403);
    let detail = refused.at("/detail").as_str().unwrap().to_owned();
    for part in [
        "catalog.edit",
        "the role team-member permits it only on what one's teams own",
        "it takes one of the roles: user, standards-admin, admin",
        "It belongs to the team payments: ask mia.",
        "Ask an admin for such a role: ",
        "gus",
    ] {
        assert!(detail.contains(part), "{part}: {detail}");
    }
    assert_eq!(refused.at("/code"), "forbidden");
    // The journal has the same code; who reads there finds the same remedy.
    let told = get(&mut client, "events?kind=api:refused&limit=1").await;
    assert_eq!(told["items"][0]["call"]["code"], "forbidden", "{told}");
    let remedy = bailiwick_domain::failure::failure("forbidden").unwrap().remedy;
    assert_eq!(refused.at("/remedy"), remedy);
    let refused = member.put("/api/v1/tiers/gold", &json!({"index": 1})).await.expect(403);
    let detail = refused.at("/detail").as_str().unwrap().to_owned();
    assert!(detail.contains("standards.manage") && detail.contains("standards-admin, admin"), "{detail}");
}
