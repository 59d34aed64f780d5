//! Teams: documents, hierarchy, names that lead to them for ever.

use super::*;

#[tokio::test]
async fn a_team_is_made_read_changed_and_deleted() {
    let (_test, mut client) = start().await;
    let body = json!({"name": "Payments", "title": "Payments & Billing", "responsibilities": "money",
        "contacts": [{"type": "slack", "address": "#pay"}], "tags": ["core", {"key": "floor", "value": "3"}],
        "aliases": ["Money people"]});
    let made = client.post("/api/v1/teams", &body).await.expect(201);
    let id = made.at("/id").as_str().unwrap().to_owned();
    assert!(id.starts_with("team_"));
    assert_eq!(made.at("/reference"), "team:default/payments");
    assert_eq!(made.header("location").unwrap(), format!("https://bailiwick.example.com/api/v1/teams/{id}"));
    for name in ["Payments", "PAYMENTS", "team:default%2Fpayments", "money%20people", "group%3Apayments", id.as_str()] {
        assert_eq!(get(&mut client, &format!("teams/{name}")).await["id"], id.as_str(), "{name}");
    }
    let change = json!({"title": null, "description": "pays", "contacts": []});
    let changed = client.patch("/api/v1/teams/payments", &change).await.expect(200);
    assert_eq!((changed.at("/title"), changed.at("/description")), (Value::Null, json!("pays")));
    assert_eq!(changed.at("/tags"), json!([{"value": "core"}, {"key": "floor", "value": "3"}]));
    assert_eq!(changed.at("/responsibilities"), "money");
    client.delete("/api/v1/teams/payments").await.expect(204);
    client.get("/api/v1/teams/payments").await.expect(404);
    client.get(&format!("/api/v1/teams/{id}")).await.expect(404);
    // The names of what is gone are free.
    make(&mut client, "teams", json!({"name": "other", "aliases": ["money people", "payments"]})).await;
}

#[tokio::test]
async fn names_lead_to_a_team_for_ever() {
    let (_test, mut client) = start().await;
    let id = team(&mut client, "payments").await["id"].clone();
    team(&mut client, "search").await;
    for name in ["pay", "money", "treasury"] {
        client.patch(&format!("/api/v1/teams/{}", id.as_str().unwrap()), &json!({ "name": name })).await.expect(200);
    }
    for name in ["payments", "pay", "money", "treasury"] {
        let found = get(&mut client, &format!("teams/{name}")).await;
        assert_eq!((&found["id"], &found["name"]), (&id, &json!("treasury")), "{name}");
    }
    assert_eq!(get(&mut client, "teams/treasury").await["names"].as_array().unwrap().len(), 4);
    // Nobody takes a name of a living team, not even one it gave up.
    for name in ["PAY", "treasury"] {
        let refused = client.post("/api/v1/teams", &json!({ "name": name })).await.expect(409);
        assert_eq!(refused.at("/code"), "uniqueness");
    }
    client.patch("/api/v1/teams/search", &json!({"aliases": ["Money"]})).await.expect(409);
    // It may have its own former name back.
    client.patch("/api/v1/teams/treasury", &json!({"name": "payments"})).await.expect(200);
    assert_eq!(get(&mut client, "teams/money").await["name"], "payments");
}

#[tokio::test]
async fn parents_form_a_tree_of_bounded_depth() {
    let (_test, mut client) = start().await;
    let mut parent = Value::Null;
    for level in 1..=32 {
        let name = format!("t{level}");
        make(&mut client, "teams", json!({"name": name, "parent": parent})).await;
        parent = json!(name);
    }
    let refused = client.post("/api/v1/teams", &json!({"name": "t33", "parent": "t32"})).await.expect(400);
    is_fault(&refused, "/parent", "32 levels");
    for (of, to, part) in [("t1", "t1", "its own parent"), ("t1", "t32", "circle"), ("t5", "t6", "circle")] {
        let refused = client.patch(&format!("/api/v1/teams/{of}"), &json!({ "parent": to })).await.expect(400);
        is_fault(&refused, "/parent", part);
    }
    // A deep branch cannot be hung below another level.
    make(&mut client, "teams", json!({"name": "root"})).await;
    let refused = client.patch("/api/v1/teams/t1", &json!({"parent": "root"})).await.expect(400);
    is_fault(&refused, "/parent", "32 levels");
    client.patch("/api/v1/teams/t2", &json!({"parent": "root"})).await.expect(200);
    let below = get(&mut client, "teams?parent=root").await;
    assert_eq!(each(&below, "/name"), ["t2"]);
    assert_eq!(get(&mut client, "teams/t2").await["part_of"]["reference"], "team:default/root");
    let refused = client.post("/api/v1/teams", &json!({"name": "x", "parent": "nowhere"})).await.expect(400);
    is_fault(&refused, "/parent", "there is no team");
}

#[tokio::test]
async fn a_deleted_parent_leaves_its_children_and_cannot_close_a_circle() {
    let (_test, mut client) = start().await;
    team(&mut client, "top").await;
    make(&mut client, "teams", json!({"name": "child", "parent": "top"})).await;
    client.delete("/api/v1/teams/top").await.expect(204);
    let child = get(&mut client, "teams/child").await;
    assert_eq!((&child["parent"], &child["part_of"]), (&json!("top"), &Value::Null));
    // A team of the old name takes the children again; below one of them it would go round in a circle.
    let refused = client.post("/api/v1/teams", &json!({"name": "top", "parent": "child"})).await.expect(400);
    is_fault(&refused, "/parent", "circle");
    let refused = client.post("/api/v1/teams", &json!({"name": "x", "parent": "child", "aliases": ["Top"]})).await;
    is_fault(&refused.expect(400), "/parent", "circle");
    team(&mut client, "top").await;
    assert_eq!(get(&mut client, "teams/child").await["part_of"]["reference"], "team:default/top");
}

#[tokio::test]
async fn teams_are_found_and_paged() {
    let (_test, mut client) = start().await;
    for name in ["alpha", "beta", "gamma", "delta"] {
        make(&mut client, "teams", json!({"name": name, "title": format!("Team {name}"), "tags": [name]})).await;
    }
    make(&mut client, "entities", json!({"kind": "component", "name": "cart", "title": "Team cart"})).await;
    let first = get(&mut client, "teams?limit=3&total=true").await;
    assert_eq!(
        (each(&first, "/name"), &first["total"]),
        (vec!["alpha".into(), "beta".into(), "delta".into()], &json!(4))
    );
    let cursor = first["next_cursor"].as_str().unwrap();
    let last = get(&mut client, &format!("teams?limit=3&cursor={cursor}")).await;
    assert_eq!((each(&last, "/name"), &last["next_cursor"]), (vec!["gamma".to_owned()], &Value::Null));
    assert_eq!(each(&get(&mut client, "teams?search=ELT").await, "/name"), ["delta"]);
    let filter = "filter=tags%20eq%20%22beta%22%20or%20name%20sw%20%22ga%22";
    assert_eq!(each(&get(&mut client, &format!("teams?{filter}")).await, "/name"), ["beta", "gamma"]);
    let refused = client.get("/api/v1/teams?filter=color%20eq%201").await.expect(400);
    assert_eq!(refused.at("/code"), "filter-unknown-attribute");
}

#[tokio::test]
async fn every_change_is_told_with_before_and_after() {
    let (_test, mut client) = start().await;
    team(&mut client, "pay").await;
    client.patch("/api/v1/teams/pay", &json!({"title": "Pay", "name": "payments"})).await.expect(200);
    client.patch("/api/v1/teams/pay", &json!({"title": "Pay"})).await.expect(200);
    client.patch("/api/v1/teams/pay", &json!({"title": null})).await.expect(200);
    let history = get(&mut client, "teams/pay/history").await;
    assert_eq!(each(&history, "/kind"), ["team:change", "team:change", "team:create"], "a change of nothing is none");
    assert_eq!(history["items"][0]["detail"]["changes"], json!([{"path": "/title", "before": "Pay"}]));
    let changes = history["items"][1]["detail"]["changes"].as_array().unwrap();
    assert!(changes.contains(&json!({"path": "/name", "before": "pay", "after": "payments"})), "{changes:?}");
    let page = get(&mut client, "teams/pay/history?limit=2").await;
    let next = page["next_cursor"].as_str().unwrap();
    assert_eq!(
        each(&get(&mut client, &format!("teams/pay/history?limit=2&cursor={next}")).await, "/kind"),
        ["team:create"]
    );
}

#[tokio::test]
async fn bad_documents_are_refused_with_every_place() {
    let (_test, mut client) = start().await;
    let body = json!({"name": "a b", "nmae": 1, "links": [{"url": "javascript:alert(1)"}], "tier": "gold"});
    let refused = client.post("/api/v1/teams", &body).await.expect(400);
    assert_eq!(refused.at("/code"), "document-invalid");
    for (pointer, part) in [("/name", "may hold only"), ("/nmae", "not known"), ("/links/0/url", "no address")] {
        is_fault(&refused, pointer, part);
    }
    is_fault(
        &client.post("/api/v1/teams", &json!({"name": "a", "owner": "b"})).await.expect(400),
        "/owner",
        "no owner",
    );
    client.post("/api/v1/teams", &json!({"name": "a", "kind": "component"})).await.expect(400);
    let source = json!({"name": "a", "source": {"id": "s", "path": "p", "line": 1}});
    is_fault(&client.post("/api/v1/teams", &source).await.expect(400), "/source", "imports");
    client.post("/api/v1/teams", &json!([])).await.expect(400);
    assert_eq!(get(&mut client, "teams?total=true").await["total"], 0, "nothing was made");
}

#[tokio::test]
async fn a_version_that_was_seen_can_be_insisted_on() {
    let (_test, mut client) = start().await;
    let made = client.post("/api/v1/teams", &json!({"name": "pay"})).await.expect(201);
    let seen = made.header("etag").unwrap().to_owned();
    let read = client.send("GET", "/api/v1/teams/pay", &[("if-none-match", Some(&seen))], None).await;
    assert_eq!(read.status, 304);
    let change = |title: &str| Some(json!({ "title": title }).to_string().into());
    let matching = [("if-match", Some(seen.as_str()))];
    client.send("PATCH", "/api/v1/teams/pay", &matching, change("A")).await.expect(200);
    let stale = client.send("PATCH", "/api/v1/teams/pay", &matching, change("B")).await.expect(412);
    assert_eq!(stale.at("/code"), "precondition-failed");
    client.send("DELETE", "/api/v1/teams/pay", &matching, None).await.expect(412);
    assert_eq!(get(&mut client, "teams/pay").await["title"], "A");
}
