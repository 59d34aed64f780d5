//! Integrations: pages, versions, repetitions.

use super::*;

const PATH: &str = "/api/v1/integrations";

#[tokio::test]
async fn an_integration_is_made_changed_and_deleted() {
    let app = TestApp::start().await;
    let mut admin = app.service("admin").await;
    let made = admin.post(PATH, &json!({"name": "okta-main", "preset": "okta", "rate_limit": 50})).await.expect(201);
    assert_eq!(made.header("location"), Some("https://bailiwick.example.com/api/v1/integrations/okta-main"));
    assert_eq!((made.at("/preset"), made.at("/rate_limit")), (json!("okta"), json!(50)));
    let token = made.at("/token/token").as_str().unwrap().to_owned();
    let mut scim = app.client();
    scim.set_header("authorization", Some(&format!("Bearer {token}")));
    scim.post("/scim/v2/Users", &user("ann@example.com")).await.expect(201);
    is_problem(&admin.post(PATH, &json!({"name": "okta-main"})).await.expect(409), "uniqueness");
    is_problem(&admin.post(PATH, &json!({"name": "No"})).await.expect(400), "value-invalid");

    let path = format!("{PATH}/okta-main");
    let change = json!({"user_name_email": true, "sign_in_claim": "oid=externalId", "quirks": {"op-case": false}});
    let changed = admin.patch(&path, &change).await.expect(200);
    assert_eq!((changed.at("/user_name_email"), changed.at("/rate_limit")), (json!(true), json!(50)));
    assert!(!changed.at("/quirks").as_array().unwrap().contains(&json!("op-case")));
    let back = admin.patch(&path, &json!({"rate_limit": null, "sign_in_claim": null})).await.expect(200);
    assert_eq!((back.at("/rate_limit"), back.at("/sign_in_claim")), (Value::Null, Value::Null));
    for bad in
        [json!({"quirks": {"nothing": true}}), json!({"sign_in_claim": "x"}), json!({"rate_limit": 4_000_000_000_u32})]
    {
        is_problem(&admin.patch(&path, &bad).await.expect(400), "value-invalid");
    }

    admin.post(&format!("{path}/pause"), &Value::Null).await.expect(400);
    admin.send("POST", &format!("{path}/pause"), &[], None).await.expect(204);
    scim.get("/scim/v2/Users").await.expect(403);
    admin.send("POST", &format!("{path}/resume"), &[], None).await.expect(204);
    scim.get("/scim/v2/Users").await.expect(200);
    let status = admin.get(&format!("{path}/status")).await.expect(200);
    assert_eq!((status.at("/users"), status.at("/open_conflicts")), (json!(1), json!(0)));

    admin.delete(&path).await.expect(204);
    is_problem(&admin.get(&path).await.expect(404), "not-found");
    scim.get("/scim/v2/Users").await.expect(401);
}

#[tokio::test]
async fn tokens_of_an_integration() {
    let app = TestApp::start().await;
    let mut admin = app.service("admin").await;
    let path = format!("{PATH}/first/tokens");
    let made = admin.post(&path, &json!({"label": "second", "expires_in_days": 30})).await.expect(201);
    let (id, token) = (made.at("/id"), made.at("/token"));
    let list = admin.get(&format!("{path}?total=true")).await.expect(200);
    assert_eq!((list.at("/total"), list.at("/items").as_array().map(Vec::len)), (json!(2), Some(2)));
    assert!(!list.text().contains(token.as_str().unwrap()));
    let rotated =
        admin.post(&format!("{path}/{}/rotate", id.as_str().unwrap()), &json!({"overlap_hours": 0})).await.expect(201);
    let call = async |token: &Value| {
        let header = format!("Bearer {}", token.as_str().unwrap());
        app.anonymous().send("GET", "/scim/v2/Users", &[("authorization", Some(&header))], None).await.status
    };
    assert_eq!((call(&token).await, call(&rotated.at("/token")).await), (401, 200));
    admin.delete(&format!("{path}/{}", rotated.at("/id").as_str().unwrap())).await.expect(204);
    assert_eq!(call(&rotated.at("/token")).await, 401);
    is_problem(&admin.delete(&format!("{path}/tok_none")).await.expect(404), "not-found");
    for bad in [json!({"label": ""}), json!({"label": "x", "expires_in_days": 0})] {
        is_problem(&admin.post(&path, &bad).await.expect(400), "value-invalid");
    }
}

#[tokio::test]
async fn versions_guard_changes() {
    let app = TestApp::start().await;
    let mut admin = app.service("admin").await;
    let path = format!("{PATH}/first");
    let read = admin.get(&path).await.expect(200);
    let tag = read.header("etag").unwrap().to_owned();
    let known = [("if-none-match", Some(tag.as_str()))];
    let same = admin.send("GET", &path, &known, None).await.expect(304);
    assert!(same.body.is_empty() && same.header("etag") == Some(&tag));
    let change = |on: bool| Some(json!({"user_name_email": on}).to_string().into());
    let only = [("if-match", Some(tag.as_str()))];
    let changed = admin.send("PATCH", &path, &only, change(true)).await.expect(200);
    assert_ne!(changed.header("etag"), Some(tag.as_str()));
    is_problem(&admin.send("PATCH", &path, &only, change(false)).await.expect(412), "precondition-failed");
    admin.send("GET", &path, &known, None).await.expect(200);
    admin.send("PATCH", &path, &[("if-match", Some("*"))], change(false)).await.expect(200);
    // Of many who change one version, one does.
    let tag = admin.get(&path).await.header("etag").unwrap().to_owned();
    let token = app.service_token("admin").await;
    let tries = (0..8).map(|number| {
        let (mut client, path, tag) = (app.api_client(&token), path.clone(), tag.clone());
        tokio::spawn(async move {
            let body = Some(json!({"rate_limit": 100 + number}).to_string().into());
            client.send("PATCH", &path, &[("if-match", Some(&tag))], body).await.status
        })
    });
    let mut statuses = Vec::new();
    for attempt in tries.collect::<Vec<_>>() {
        statuses.push(attempt.await.unwrap());
    }
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| matches!(status, 200 | 412)), "{statuses:?}");
}

#[tokio::test]
async fn pages_hold_everything_once() {
    let app = TestApp::start().await;
    let mut admin = app.service("admin").await;
    for number in 0..7 {
        admin.post(PATH, &json!({"name": format!("dir-{number}")})).await.expect(201);
    }
    let (mut names, mut path) = (Vec::new(), format!("{PATH}?limit=3&total=true"));
    loop {
        let page = admin.get(&path).await.expect(200);
        assert_eq!(page.at("/total"), 8);
        names.extend(page.at("/items").as_array().unwrap().iter().map(|item| item["name"].clone()));
        let Some(cursor) = page.at("/next_cursor").as_str().map(str::to_owned) else {
            assert_eq!(page.header("link"), None);
            break;
        };
        let link = page.header("link").unwrap();
        assert!(link.starts_with("<https://bailiwick.example.com/api/v1/integrations?limit=3&total=true&cursor="));
        path = format!("{PATH}?limit=3&total=true&cursor={cursor}");
    }
    assert_eq!(names.len(), 8);
    assert!(names.is_sorted_by_key(|name| name.as_str().unwrap().to_owned()));
    // A cursor is of one list and one caller.
    let cursor = admin.get(&format!("{PATH}?limit=3")).await.at("/next_cursor").as_str().unwrap().to_owned();
    let elsewhere = format!("{PATH}/first/tokens?cursor={cursor}");
    is_problem(&admin.get(&elsewhere).await.expect(400), "cursor-invalid");
    let mut other = app.service("admin").await;
    is_problem(&other.get(&format!("{PATH}?cursor={cursor}")).await.expect(400), "cursor-invalid");
}

#[tokio::test]
async fn a_repetition_gets_the_first_answer() {
    let app = TestApp::start().await;
    let mut admin = app.service("admin").await;
    let send = async |client: &mut bailiwick_testkit::Client, path: &str, key: &str, body: Option<Value>| {
        let body = body.map(|body| body.to_string().into());
        client.send("POST", path, &[("idempotency-key", Some(key))], body).await
    };
    // A secret is not shown twice.
    let body = json!({"name": "once"});
    let made = send(&mut admin, PATH, "key-1", Some(body.clone())).await.expect(201);
    let secret = made.at("/token/token").as_str().unwrap().to_owned();
    let again = send(&mut admin, PATH, "key-1", Some(body)).await.expect(409);
    is_problem(&again, "idempotency-shown-once");
    assert!(again.at("/detail").as_str().unwrap().contains("/api/v1/integrations/once"));
    is_problem(
        &send(&mut admin, PATH, "key-1", Some(json!({"name": "else"}))).await.expect(422),
        "idempotency-key-reused",
    );
    assert_eq!(app.files_holding(&secret), Vec::<String>::new());
    // What shows no secret is repeated.
    let pause = format!("{PATH}/once/pause");
    send(&mut admin, &pause, "key-2", None).await.expect(204);
    let again = send(&mut admin, &pause, "key-2", None).await.expect(204);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    // What was refused has not used its key.
    is_problem(&send(&mut admin, PATH, "key-3", Some(json!({"name": "No"}))).await.expect(400), "value-invalid");
    send(&mut admin, PATH, "key-3", Some(json!({"name": "yes"}))).await.expect(201);
    // A key is of one caller, and lives for a day.
    let mut other = app.service("admin").await;
    is_problem(&send(&mut other, PATH, "key-3", Some(json!({"name": "yes"}))).await.expect(409), "uniqueness");
    app.clock().advance(std::time::Duration::from_secs(24 * 60 * 60 + 1));
    is_problem(&send(&mut admin, PATH, "key-3", Some(json!({"name": "yes"}))).await.expect(409), "uniqueness");
    is_problem(&send(&mut admin, PATH, "a key", Some(json!({"name": "b"}))).await.expect(400), "header-malformed");
}

#[tokio::test]
async fn of_many_with_one_key_one_is_carried_out() {
    let app = TestApp::start().await;
    let token = app.service_token("admin").await;
    let tries: Vec<_> = (0..16)
        .map(|_| {
            let mut client = app.api_client(&token);
            tokio::spawn(async move {
                let body = Some(json!({"label": "one"}).to_string().into());
                let key = [("idempotency-key", Some("same"))];
                client.send("POST", "/api/v1/integrations/first/tokens", &key, body).await
            })
        })
        .collect();
    let mut made = 0;
    for attempt in tries {
        let answer = attempt.await.unwrap();
        match answer.status {
            201 => made += 1,
            409 => assert!(
                ["idempotency-in-flight", "idempotency-shown-once"].contains(&answer.at("/code").as_str().unwrap())
            ),
            _ => panic!("{}", answer.text()),
        }
    }
    assert_eq!(made, 1);
    let mut admin = app.api_client(&token);
    let list = admin.get("/api/v1/integrations/first/tokens").await.expect(200);
    assert_eq!(list.at("/items").as_array().map(Vec::len), Some(2));
}
