use super::*;
use bailiwick_domain::preset::Preset;
use bailiwick_testkit::TestOptions;

const SEARCH: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> =
        value.as_object().into_iter().flat_map(|object| object.keys().map(String::as_str)).collect();
    keys.sort_unstable();
    keys
}

#[tokio::test]
async fn answers_carry_their_headers() {
    let app = TestApp::start().await;
    let mut client = app.client();
    let created = client.post("/scim/v2/Users", &user("headers")).await.expect(201);
    let id = created.at("/id").as_str().unwrap().to_owned();
    let location = format!("{BASE}/Users/{id}");
    assert_eq!(created.header("location"), Some(location.as_str()));
    assert_eq!(created.at("/meta/location"), location);
    assert_eq!(created.at("/meta/version"), created.header("etag").unwrap());
    assert_eq!(created.at("/meta/created"), created.at("/meta/lastModified"));
    let path = format!("/scim/v2/Users/{id}");
    let read = client.get(&path).await.expect(200);
    assert_eq!(read.json(), created.json());
    for answer in [&created, &read, &client.get("/scim/v2/Users").await, &client.get("/scim/v2/Users/nobody").await] {
        assert_eq!(answer.header("content-type"), Some("application/scim+json"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert!(answer.header("x-request-id").is_some_and(|id| id.starts_with("req_")));
        assert!(answer.header("server-timing").is_some_and(|timing| timing.contains("answer;dur=")));
    }
    let head = client.send("HEAD", &path, &[], None).await.expect(200);
    assert_eq!((head.body.len(), head.header("content-length")), (0, read.header("content-length")));
    let deleted = client.delete(&path).await.expect(204);
    assert_eq!((deleted.body.len(), deleted.header("content-type")), (0, None));
    is_scim_error(&client.get(&path).await.expect(404));
}

#[tokio::test]
async fn preconditions() {
    let app = TestApp::start().await;
    let mut client = app.client();
    let created = client.post("/scim/v2/Users", &user("versions")).await.expect(201);
    let (path, tag) =
        (format!("/scim/v2/Users/{}", created.at("/id").as_str().unwrap()), created.header("etag").unwrap());
    for known in [tag, "*", &format!("\"x\", {tag}"), tag.trim_start_matches("W/")] {
        let answer = client.send("GET", &path, &[("if-none-match", Some(known))], None).await.expect(304);
        assert_eq!((answer.body.len(), answer.header("etag")), (0, Some(tag)), "{known}");
    }
    client.send("GET", &path, &[("if-none-match", Some("W/\"other\""))], None).await.expect(200);
    let change = bytes::Bytes::from(patch(json!([{"op": "replace", "path": "active", "value": false}])).to_string());
    for (method, body) in
        [("PATCH", change.clone()), ("PUT", user("versions").to_string().into()), ("DELETE", "".into())]
    {
        let stale = [("if-match", Some("W/\"other\""))];
        is_scim_error(&client.send(method, &path, &stale, Some(body)).await.expect(412));
    }
    let changed = client.send("PATCH", &path, &[("if-match", Some(tag))], Some(change)).await.expect(200);
    assert_ne!(changed.header("etag"), Some(tag));
    client.send("DELETE", &path, &[("if-match", Some("*"))], None).await.expect(204);
}

#[tokio::test]
async fn managers_and_groups_are_shown_with_their_addresses() {
    let app = TestApp::start().await;
    let mut boss = user("boss");
    boss["displayName"] = json!("The \"Boss\" \\ \u{1f451}");
    let boss_id = create(&app, "Users", &boss).await;
    let mut body = user("worker");
    body["schemas"] = json!([USER, ENTERPRISE]);
    body[ENTERPRISE] = json!({"department": "d", "manager": {"value": boss_id}});
    let worker = create(&app, "Users", &body).await;
    let inner = create(&app, "Groups", &group("inner", &[&worker, &boss_id])).await;
    let outer = create(&app, "Groups", &group("outer", &[&inner])).await;
    let mut client = app.client();
    let path = format!("/scim/v2/Users/{worker}");
    let read = client.get(&path).await.expect(200).json();
    let manager =
        json!({"value": boss_id, "$ref": format!("{BASE}/Users/{boss_id}"), "displayName": boss["displayName"]});
    assert_eq!(read[ENTERPRISE], json!({"department": "d", "manager": manager}));
    let mut groups = read["groups"].as_array().unwrap().clone();
    groups.sort_by_key(|group| group["display"].to_string());
    let shown = |id: &str, name: &str, kind: &str| json!({"value": id, "$ref": format!("{BASE}/Groups/{id}"), "type": kind, "display": name});
    assert_eq!(groups, [shown(&inner, "inner", "direct"), shown(&outer, "outer", "indirect")]);
    let listed = client.get("/scim/v2/Users?filter=userName%20eq%20%22worker%22").await.expect(200);
    assert_eq!(listed.at("/Resources/0"), read);
    let mut check = async |query: &str, expect: &[&str]| {
        let answer = client.get(&format!("{path}?{query}")).await.expect(200).json();
        assert_eq!(keys(&answer), expect, "{query}");
        answer
    };
    check("attributes=userName", &["id", "schemas", "userName"]).await;
    check("attributes=groups.display", &["groups", "id", "schemas"]).await;
    let named = check(&format!("attributes={ENTERPRISE}:manager.displayName"), &["id", "schemas", ENTERPRISE]).await;
    assert_eq!(named[ENTERPRISE], json!({"manager": {"displayName": boss["displayName"]}}));
    check("excludedAttributes=groups,meta,id,active", &["id", "schemas", ENTERPRISE, "userName"]).await;
    is_scim_error(&app.client().get(&format!("{path}?attributes=a&excludedAttributes=b")).await.expect(400));
    app.client().delete(&format!("/scim/v2/Users/{boss_id}")).await.expect(204);
    let orphan = app.client().get(&path).await.expect(200).json();
    assert_eq!(orphan[ENTERPRISE]["manager"], json!({"value": boss_id}));
}

#[tokio::test]
async fn members_of_large_groups_are_read_page_by_page() {
    let app = TestApp::start().await;
    let mut client = app.client();
    let mut ids = Vec::new();
    for chunk in 0..3 {
        let operation = |number: usize| json!({"method": "POST", "path": "/Users", "bulkId": number.to_string(), "data": user(&format!("m{chunk}-{number}"))});
        let operations: Vec<Value> = (0..1_000).map(operation).collect();
        let message =
            json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations});
        let answer = client.post("/scim/v2/Bulk", &message).await.expect(200).json();
        let location =
            |operation: &Value| operation["location"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
        ids.extend(answer["Operations"].as_array().unwrap().iter().map(location));
    }
    let members: Vec<&str> = ids.iter().map(String::as_str).collect();
    for count in [0, 1, 999, 1_000, 1_001, 3_000] {
        let created = client.post("/scim/v2/Groups", &group(&format!("g{count}"), &members[..count])).await.expect(201);
        let path = format!("/scim/v2/Groups/{}", created.at("/id").as_str().unwrap());
        let read = client.get(&path).await.expect(200);
        assert_eq!(read.header("content-length"), Some(read.body.len().to_string().as_str()));
        let json = read.json();
        let mut found: Vec<&str> =
            json["members"].as_array().into_iter().flatten().map(|member| member["value"].as_str().unwrap()).collect();
        let mut expect = members[..count].to_vec();
        found.sort_unstable();
        expect.sort_unstable();
        assert_eq!(found, expect);
        assert_eq!(json.get("members").is_some(), count > 0);
        let without = client.get(&format!("{path}?excludedAttributes=members")).await.expect(200).json();
        assert_eq!(keys(&without), ["displayName", "id", "meta", "schemas"]);
        if count > 0 {
            let only = client.get(&format!("{path}?attributes=members.value")).await.expect(200).json();
            assert_eq!((only["members"].as_array().unwrap().len(), keys(&only["members"][0])), (count, vec!["value"]));
        }
    }
    let list = client.get("/scim/v2/Groups").await.expect(200).json();
    let counts: Vec<usize> = list["Resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| group["members"].as_array().map_or(0, Vec::len))
        .collect();
    assert_eq!(counts, [0, 1, 999, 1_000, 1_001, 3_000]);
}

#[tokio::test]
async fn a_patch_answers_as_its_provider_expects() {
    let rename = |name: &str| patch(json!([{"op": "replace", "path": "displayName", "value": name}]));
    for (preset, status) in [(Preset::Okta, 200), (Preset::Entra, 204)] {
        let app = TestApp::with(TestOptions::preset(preset)).await;
        let path = format!("/scim/v2/Groups/{}", create(&app, "Groups", &group("before", &[])).await);
        let mut client = app.client();
        let answer = client.patch(&path, &rename("after")).await.expect(status);
        assert_eq!(answer.body.is_empty(), status == 204);
        assert!(answer.header("etag").is_some());
        let asked = client.patch(&format!("{path}?attributes=displayName"), &rename("again")).await.expect(200).json();
        assert_eq!((keys(&asked), &asked["displayName"]), (vec!["displayName", "id", "schemas"], &json!("again")));
        let person = format!("/scim/v2/Users/{}", create(&app, "Users", &user("p")).await);
        client.patch(&person, &rename("P")).await.expect(200);
    }
}

#[tokio::test]
async fn the_projection_is_understood_before_anything_is_written() {
    let app = TestApp::start().await;
    let mut client = app.client();
    client.post("/scim/v2/Users?attributes=a&excludedAttributes=b", &user("never")).await.expect(400);
    assert_eq!(client.get("/scim/v2/Users").await.expect(200).at("/totalResults"), 0);
    let created = client.post("/scim/v2/Users?attributes=userName", &user("once")).await.expect(201);
    assert_eq!(keys(&created.json()), ["id", "schemas", "userName"]);
    let path = format!("/scim/v2/Users/{}?excludedAttributes=meta,active", created.at("/id").as_str().unwrap());
    let replaced = client.put(&path, &user("twice")).await.expect(200);
    assert_eq!(keys(&replaced.json()), ["id", "schemas", "userName"]);
}

#[tokio::test]
async fn lists_and_searches() {
    let app = TestApp::start().await;
    for name in ["carol", "alice", "bob"] {
        create(&app, "Users", &user(name)).await;
    }
    create(&app, "Groups", &group("team", &[])).await;
    let mut client = app.client();
    let names = |answer: &Answer| -> Vec<String> {
        let all = answer.at("/Resources").as_array().unwrap().clone();
        all.iter().map(|one| one["userName"].as_str().or(one["displayName"].as_str()).unwrap().to_owned()).collect()
    };
    let page = client.get("/scim/v2/Users?sortBy=userName&startIndex=2&count=1").await.expect(200);
    assert_eq!(
        (names(&page), page.at("/totalResults"), page.at("/startIndex")),
        (vec!["bob".into()], json!(3), json!(2))
    );
    assert_eq!(page.at("/itemsPerPage"), 1);
    let empty = client.get("/scim/v2/Users?filter=userName+eq+%22nobody%22&").await.expect(200);
    assert_eq!((empty.at("/Resources"), empty.at("/totalResults")), (json!([]), json!(0)));
    let mut path = "/scim/v2/Users?count=2&cursor=".to_owned();
    let first = client.get(&path).await.expect(200);
    path.push_str(first.at("/nextCursor").as_str().unwrap());
    let last = client.get(&path).await.expect(200);
    assert_eq!((names(&first).len(), names(&last).len(), last.at("/nextCursor")), (2, 1, Value::Null));
    let search = json!({"schemas": [SEARCH], "filter": "userName sw \"a\"", "attributes": ["userName"]});
    let found = client.post("/scim/v2/Users/.search", &search).await.expect(200);
    assert_eq!(
        (names(&found), keys(&found.at("/Resources/0"))),
        (vec!["alice".into()], vec!["id", "schemas", "userName"])
    );
    for path in ["/scim/v2", "/scim/v2/", "/scim"] {
        assert_eq!(client.get(path).await.expect(200).at("/totalResults"), 4, "{path}");
    }
    let search = json!({"schemas": [SEARCH], "filter": "meta.resourceType eq \"Group\""});
    assert_eq!(names(&client.post("/scim/v2/.search", &search).await.expect(200)), ["team"]);
    for bad in ["filter=x", "filter=", "filter=a%20pr&filter=b%20pr", "count=a", "startIndex=a", "filter=%ff"] {
        is_scim_error(&client.get(&format!("/scim/v2/Users?{bad}")).await.expect(400));
    }
    is_scim_error(&client.post("/scim/v2/Users/.search", &json!([])).await.expect(400));
}
