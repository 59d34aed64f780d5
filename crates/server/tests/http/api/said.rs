//! What the document says of parameters and bodies is so.

use super::*;

#[tokio::test]
async fn every_list_that_takes_total_answers_it() {
    let app = TestApp::start().await;
    let mut admin = app.service("admin").await;
    admin.post("/api/v1/teams", &json!({"name": "upper"})).await.expect(201);
    admin.post("/api/v1/teams", &json!({"name": "lower", "parent": "upper"})).await.expect(201);
    for (name, team) in [("ann", "upper"), ("bob", "upper"), ("bob", "lower")] {
        let search = format!("/api/v1/people?search={name}");
        if admin.get(&search).await.expect(200).at("/items/0").is_null() {
            app.client().post("/scim/v2/Users", &user(name)).await.expect(201);
        }
        let person = admin.get(&search).await.expect(200).at("/items/0/id").as_str().unwrap().to_owned();
        let path = format!("/api/v1/teams/{team}/members/{person}");
        admin.send("PUT", &path, &[], Some("{}".into())).await.expect(204);
    }
    for name in ["a", "b", "c"] {
        admin.post("/api/v1/entities", &json!({"kind": "component", "name": name})).await.expect(201);
    }
    let whole = async |path: &str| {
        let answer = app.service("admin").await.get(&format!("{path}limit=200")).await.expect(200);
        answer.at("/items").as_array().unwrap().len()
    };
    for path in [
        "/api/v1/teams/upper/members?",
        "/api/v1/teams/upper/members?below=true&",
        "/api/v1/ownership?",
        "/api/v1/ownership?state=unowned&",
        "/api/v1/ownership?kind=component&",
    ] {
        let page = admin.get(&format!("{path}limit=1&total=true")).await.expect(200);
        assert_eq!(page.at("/total"), whole(path).await, "{path}");
        assert!(page.at("/total").as_u64() > Some(1), "{path} {}", page.text());
        assert!(admin.get(&format!("{path}limit=1")).await.expect(200).at("/total").is_null());
    }
}

/// Every list of the document takes `total`: none may overlook it.
#[tokio::test]
async fn no_list_overlooks_total() {
    let app = TestApp::start().await;
    let mut admin = app.service("admin").await;
    let document = openapi();
    for (path, methods) in document["paths"].as_object().unwrap().iter().filter(|(path, _)| !path.contains('{')) {
        let parameters = methods["get"]["parameters"].as_array().into_iter().flatten();
        if !parameters.into_iter().any(|parameter| parameter["name"] == "total") {
            continue;
        }
        let answer = admin.get(&format!("/api/v1{path}?total=true")).await;
        if answer.status == 200 {
            assert!(answer.at("/total").is_u64(), "{path}: {}", answer.text());
        } else {
            // A service has no tokens of its own, and some lists want to be told what of.
            assert!(matches!(answer.status, 400 | 403), "{path}: {}", answer.text());
        }
    }
}

#[tokio::test]
async fn a_kind_begins_with_a_letter() {
    let app = TestApp::start().await;
    let mut admin = app.service("admin").await;
    for (kinds, status) in [("component,api2", 200), ("2api", 400), ("component,2", 400), ("", 200)] {
        let answer = admin.get(&format!("/api/v1/ownership?kind={kinds}")).await.expect(status);
        if status == 400 {
            assert!(answer.text().contains("a letter, then letters and digits"), "{}", answer.text());
        }
    }
}

#[tokio::test]
async fn fields_are_an_object() {
    let app = TestApp::start().await;
    let mut admin = app.service("admin").await;
    app.client().post("/scim/v2/Users", &user("ann")).await.expect(201);
    let person = admin.get("/api/v1/people?search=ann").await.expect(200).at("/items/0/id");
    let path = format!("/api/v1/people/{}", person.as_str().unwrap());
    for bad in [json!({"fields": null}), json!({"fields": []}), json!({"fields": "a"})] {
        is_problem(&admin.patch(&path, &bad).await.expect(400), "value-invalid");
    }
    admin.patch(&path, &json!({"fields": {}})).await.expect(200);
    admin.patch(&path, &json!({})).await.expect(200);
}

/// What turns the direction of writing shows another name than is there.
#[tokio::test]
async fn lines_do_not_turn() {
    let app = TestApp::start().await;
    let mut admin = app.service("admin").await;
    for turned in ["pay\u{202e}stnem", "\u{2066}pay", "pay\u{200f}"] {
        for (path, body, place) in [
            ("/api/v1/teams", json!({"name": "pay", "title": turned}), "/title"),
            ("/api/v1/teams", json!({"name": "pay", "aliases": [turned]}), "/aliases/0"),
            ("/api/v1/entities", json!({"kind": "component", "name": "pay", "tier": turned}), "/tier"),
        ] {
            let answer = admin.post(path, &body).await.expect(400);
            let places: Vec<Value> = answer.at("/errors").as_array().cloned().unwrap_or_default();
            let told = places.iter().any(|fault| fault["pointer"] == place && fault.to_string().contains("direction"));
            assert!(told, "{}", answer.text());
        }
    }
    // An identity provider's are kept as they were sent, and a team made from them reads as it is.
    let group = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "pay\u{202e}stnem"});
    let made = app.client().post("/scim/v2/Groups", &group).await.expect(201);
    assert_eq!(made.at("/displayName"), "pay\u{202e}stnem");
    admin.post("/api/v1/teams", &json!({"name": "pay", "title": "שלום"})).await.expect(201);
}

#[tokio::test]
async fn a_pattern_that_grows_too_large_is_refused_with_its_place() {
    let app = TestApp::start().await;
    let mut admin = app.service("admin").await;
    for schema in [
        json!({"pattern": "(a{1000}){1000}"}),
        json!({"patternProperties": {"(a{1000}){1000}": {}}}),
        json!({"not": {"items": {"pattern": "(?i)\\p{L}{1000}"}}}),
        json!({"$defs": {"a": {"pattern": "a{2000000}"}}, "$ref": "#/$defs/a"}),
    ] {
        let body = json!({ "schema": schema }).to_string();
        let answer = admin.send("PUT", "/api/v1/properties/code", &[], Some(body.into())).await.expect(400);
        assert_eq!(answer.at("/errors/0/pointer"), "/schema", "{}", answer.text());
        assert!(answer.text().contains("size limit"), "{}", answer.text());
    }
}
