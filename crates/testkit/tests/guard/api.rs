//! Holds and observe mode through the REST API.

use super::support::*;
use bailiwick_domain::person::State;
use bailiwick_testkit::{Answer, Client, TestApp};
use serde_json::{Value, json};

async fn admin(test: &TestApp) -> Client {
    test.service("admin").await
}

/// Twenty people who were all switched off: sixteen of them wait in this hold.
async fn lost(test: &TestApp) -> String {
    let ids = company(test, 20).await;
    let mut client = test.client();
    for id in &ids {
        switch(&mut client, id, false).await;
    }
    hold(test).await.hold.id
}

/// Everything that a list holds, page by page.
async fn pages(client: &mut Client, path: &str) -> Vec<Value> {
    let (mut items, mut cursor) = (Vec::new(), String::new());
    loop {
        let answer = client.get(&format!("{path}{cursor}")).await.expect(200);
        items.extend(answer.at("/items").as_array().unwrap().clone());
        match answer.at("/next_cursor").as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return items,
        }
    }
}

async fn events(client: &mut Client, kind: &str) -> Vec<Value> {
    let all = client.get("/api/v1/events?limit=1000").await.expect(200).json();
    all["items"].as_array().unwrap().iter().filter(|event| event["kind"] == kind).cloned().collect()
}

#[track_caller]
fn is(answer: &Answer, code: &str) {
    assert_eq!(answer.at("/code"), code, "{}", answer.text());
}

#[tokio::test]
async fn a_hold_is_listed_shown_approved_in_part_and_rejected() {
    let test = TestApp::start().await;
    let id = lost(&test).await;
    let mut admin = admin(&test).await;
    let list = admin.get("/api/v1/holds?total=true").await.expect(200);
    assert_eq!((list.at("/total"), list.at("/items/0/id")), (json!(1), json!(id)));
    let hold = list.at("/items/0").clone();
    assert_eq!(
        (&hold["state"], &hold["integration"], &hold["waiting"], &hold["calls"], &hold["decisions"]),
        (&json!("open"), &json!("first"), &json!(16), &json!(16), &json!([])),
        "{hold}"
    );
    assert_eq!((&hold["reasons"][0]["kind"], &hold["reasons"][0]["people"]), (&json!("share"), &json!(5)));
    assert!(hold["reasons"][0]["says"].as_str().unwrap().contains("5 of 20 people"), "{hold}");
    for (query, count) in [("state=approved", 0), ("state=all", 1), ("integration=first", 1)] {
        let found = admin.get(&format!("/api/v1/holds?{query}")).await.expect(200);
        assert_eq!(found.at("/items").as_array().unwrap().len(), count, "{query}");
    }
    is(&admin.get("/api/v1/holds?integration=none").await.expect(404), "not-found");
    is(&admin.get("/api/v1/holds?state=odd").await.expect(400), "parameter-invalid");

    let shown = admin.get(&format!("/api/v1/holds/{id}")).await.expect(200);
    assert_eq!((shown.at("/persons").as_array().unwrap().len(), shown.at("/more")), (16, json!(false)));
    let persons = pages(&mut admin, &format!("/api/v1/holds/{id}/persons?limit=5")).await;
    assert_eq!(json!(persons), shown.at("/persons"));
    assert_eq!((&persons[0]["state"], &persons[0]["would_be"]), (&json!("active"), &json!("inactive")));

    let path = |verb: &str| format!("/api/v1/holds/{id}/{verb}");
    let some = [&persons[0]["person"], &persons[1]["person"]];
    let done = admin.post(&path("approve"), &json!({ "persons": some })).await.expect(200);
    assert_eq!(done.json(), json!({ "id": id, "state": "open", "people": 2, "waiting": 14, "kept_admins": [] }));
    assert_eq!(standing(&test, State::Inactive).await, 6);
    // Who is out already waits no more; a name nobody has does not wait either. Nothing is decided of the others.
    for bad in [json!([persons[0]["person"], persons[5]["person"]]), json!(["per_none"])] {
        is(&admin.post(&path("approve"), &json!({ "persons": bad })).await.expect(409), "hold-decided");
    }
    for bad in [json!({ "persons": [] }), json!({ "person": "x" }), json!({ "persons": "x" })] {
        is(&admin.post(&path("approve"), &bad).await.expect(400), "value-invalid");
    }
    for bad in [json!({}), json!({ "reason": "  " }), json!({ "reason": "x".repeat(2_001) })] {
        is(&admin.post(&path("reject"), &bad).await.expect(400), "value-invalid");
    }
    assert_eq!(standing(&test, State::Inactive).await, 6);
    let done = admin.post(&path("reject"), &json!({ "reason": "The directory was wrong." })).await.expect(200);
    assert_eq!((done.at("/state"), done.at("/people"), done.at("/waiting")), (json!("partly"), json!(14), json!(0)));
    assert_eq!(standing(&test, State::Active).await, 14);
    let shown = admin.get(&format!("/api/v1/holds/{id}")).await.expect(200);
    assert_eq!((shown.at("/persons"), shown.at("/decisions/1/reason")), (json!([]), json!("The directory was wrong.")));
    assert!(shown.at("/decisions/0/by").as_str().unwrap().starts_with("crd_"), "{}", shown.text());
    is(&admin.post(&path("approve"), &json!({})).await.expect(409), "hold-decided");
    is(&admin.post("/api/v1/holds/hld_none/approve", &json!({})).await.expect(404), "not-found");
    is(&admin.get("/api/v1/holds/hld_none").await.expect(404), "not-found");
    is(&admin.get("/api/v1/holds/hld_none/persons").await.expect(404), "not-found");
    for (kind, count) in [("hold:open", 1), ("hold:add", 15), ("hold:approve", 2), ("hold:reject", 14)] {
        assert_eq!(events(&mut admin, kind).await.len(), count, "{kind}");
    }
}

#[tokio::test]
async fn who_may_only_read_decides_nothing() {
    let test = TestApp::start().await;
    let id = lost(&test).await;
    let mut auditor = test.service("auditor").await;
    auditor.get(&format!("/api/v1/holds/{id}")).await.expect(200);
    auditor.get("/api/v1/integrations/first/observe").await.expect(200);
    let reason = json!({ "reason": "x" });
    for (path, body) in [("approve", &json!({})), ("reject", &reason)] {
        is(&auditor.post(&format!("/api/v1/holds/{id}/{path}"), body).await.expect(403), "forbidden");
    }
    let basis = json!({ "basis": "x" });
    is(&auditor.post("/api/v1/integrations/first/apply", &basis).await.expect(403), "forbidden");
    assert_eq!(hold(&test).await.waiting, 16);
    is(&test.service("user").await.get("/api/v1/holds").await.expect(403), "forbidden");
}

#[tokio::test]
async fn a_hold_in_which_nobody_waits_any_more_can_be_closed() {
    let test = TestApp::start().await;
    let ids = company(&test, 20).await;
    let mut client = test.client();
    for on in [false, true] {
        for id in &ids {
            switch(&mut client, id, on).await;
        }
    }
    settle(&test).await;
    let id = hold(&test).await.hold.id;
    let mut admin = admin(&test).await;
    let done = admin.post(&format!("/api/v1/holds/{id}/reject"), &json!({ "reason": "Taken back." })).await.expect(200);
    assert_eq!((done.at("/state"), done.at("/people")), (json!("rejected"), json!(0)));
    assert!(open(&test).await.is_empty());
}

#[tokio::test]
async fn an_integration_is_observed_looked_through_and_applied() {
    let test = TestApp::start().await;
    let mut admin = admin(&test).await;
    let made = json!({ "name": "watched", "preset": "okta", "observe": true, "rate_limit": 0 });
    let made = admin.post("/api/v1/integrations", &made).await.expect(201).json();
    assert_eq!(made["observe"], true);
    let mut client = Client::new(test.address(), made["token"]["token"].as_str().unwrap());
    let team = team(&test, "crew").await;
    rules(&test, &[("crew", "{group: Crew}", "[{team: crew}]")]).await;
    let mut ids = Vec::new();
    for number in 0..7 {
        let user = json!({ "schemas": [USER], "userName": name(number) });
        ids.push(client.post("/scim/v2/Users", &user).await.expect(201).at("/id").as_str().unwrap().to_owned());
    }
    group(&mut client, "Crew", &ids[..2]).await;
    settle(&test).await;
    let seen = admin.get("/api/v1/integrations/watched/observe").await.expect(200);
    assert_eq!((seen.at("/observing"), seen.at("/create"), seen.at("/dangers")), (json!(true), json!(7), json!([])));
    let crew = json!([{ "id": team, "title": "crew", "before": 0, "after": 2 }]);
    assert_eq!((seen.at("/effects/teams"), seen.at("/effects/gained/count")), (crew, json!(2)));
    let users = pages(&mut admin, "/api/v1/integrations/watched/observe/users?limit=3").await;
    assert_eq!(users.len(), 7);
    let first = json!({ "user": ids[0], "user_name": name(0), "active": true, "would": "create", "person": null,
        "conflicts": 0, "gains": [{ "kind": "team", "object": team, "name": "crew" }] });
    assert_eq!((&users[0], &users[6]["gains"]), (&first, &json!([])));
    let counted = admin.get("/api/v1/integrations/watched/observe/users?total=true&limit=1").await.expect(200);
    assert_eq!(counted.at("/total"), 7);

    // What was seen is stale as soon as the directory says more.
    let user = json!({ "schemas": [USER], "userName": name(7) });
    client.post("/scim/v2/Users", &user).await.expect(201);
    let apply = |basis: &Value| json!({ "basis": basis });
    for basis in [seen.at("/basis").clone(), json!(""), json!("1.x")] {
        let refused = admin.post("/api/v1/integrations/watched/apply", &apply(&basis)).await.expect(409);
        is(&refused, "apply-stale");
    }
    let refused = admin.patch("/api/v1/integrations/watched", &json!({ "observe": false })).await.expect(400);
    is(&refused, "value-invalid");
    assert!(persons(&test).await.is_empty());
    let seen = admin.get("/api/v1/integrations/watched/observe").await.expect(200);
    let done = admin.post("/api/v1/integrations/watched/apply", &apply(&seen.at("/basis"))).await.expect(200);
    assert_eq!((done.at("/created"), done.at("/linked"), done.at("/changed")), (json!(8), json!(0), json!(0)));
    assert_eq!((persons(&test).await.len(), size(&test, &team).await), (8, 2));
    assert_eq!(admin.get("/api/v1/integrations/watched").await.expect(200).at("/observe"), false);
    is(
        &admin.post("/api/v1/integrations/watched/apply", &apply(&seen.at("/basis"))).await.expect(400),
        "value-invalid",
    );
    is(&admin.get("/api/v1/integrations/none/observe").await.expect(404), "not-found");

    // Switched on again, what is said about those who are there waits, person by person.
    admin.patch("/api/v1/integrations/watched", &json!({ "observe": true })).await.expect(200);
    switch(&mut client, &ids[0], false).await;
    settle(&test).await;
    let waiting = pages(&mut admin, "/api/v1/integrations/watched/observe/persons?limit=1").await;
    assert_eq!(
        (waiting.len(), &waiting[0]["display"], &waiting[0]["would_be"]),
        (1, &json!(name(0)), &json!("inactive"))
    );
    assert_eq!(standing(&test, State::Active).await, 8);
}

#[tokio::test]
async fn the_threshold_of_an_integration_is_what_its_settings_say() {
    let test = TestApp::start().await;
    let ids = company(&test, 20).await;
    let (mut admin, mut client) = (admin(&test).await, test.client());
    let first = "/api/v1/integrations/first";
    assert_eq!(admin.get(first).await.expect(200).at("/guard"), json!({ "percent": 10, "people": 5 }));
    for bad in [json!({ "percent": 101 }), json!({ "people": -1 }), json!({ "share": 1 })] {
        is(&admin.patch(first, &json!({ "guard": bad })).await.expect(400), "value-invalid");
    }
    let changed = admin.patch(first, &json!({ "guard": { "percent": 50 } })).await.expect(200);
    assert_eq!(changed.at("/guard"), json!({ "percent": 50, "people": 5 }));
    for id in &ids[..11] {
        switch(&mut client, id, false).await;
    }
    assert_eq!((standing(&test, State::Inactive).await, hold(&test).await.waiting), (10, 1));
    admin.patch(first, &json!({ "guard": { "percent": 0, "people": 1 } })).await.expect(200);
    test.clock().advance(std::time::Duration::from_secs(2 * 60 * 60));
    switch(&mut client, &ids[12], false).await;
    assert_eq!((standing(&test, State::Inactive).await, hold(&test).await.waiting), (10, 2));
}
