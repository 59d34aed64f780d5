//! Who has what: pages and CSV.

use super::*;
use bailiwick_testkit::Client;

/// Two persons in a team that owns something; one of them left.
async fn catalog(app: &TestApp) -> (Client, String) {
    let mut admin = app.service("admin").await;
    let mut scim = app.client();
    admin.post("/api/v1/teams", &json!({"name": "payments"})).await.expect(201);
    admin
        .post("/api/v1/entities", &json!({"kind": "component", "name": "cart", "owner": "payments"}))
        .await
        .expect(201);
    let mut last = String::new();
    for name in ["ann@example.com", "bob@example.com"] {
        let made = scim.post("/scim/v2/Users", &user(name)).await.expect(201);
        last = made.at("/id").as_str().unwrap().to_owned();
        let found = admin.get(&format!("/api/v1/people?search={name}")).await.expect(200);
        let person = found.at("/items/0/id").as_str().unwrap().to_owned();
        let path = format!("/api/v1/teams/payments/members/{person}");
        admin.send("PUT", &path, &[], Some("{}".into())).await.expect(204);
    }
    (admin, format!("/scim/v2/Users/{last}"))
}

#[tokio::test]
async fn the_list_of_everybody_names_states_and_entities() {
    let app = TestApp::start().await;
    let (mut admin, bob) = catalog(&app).await;
    let gone = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "replace", "path": "active", "value": false}]});
    app.client().patch(&bob, &gone).await;
    let whole = admin.get("/api/v1/access?total=true").await.expect(200);
    assert_eq!(whole.at("/total"), 6, "{}", whole.text());
    let line = |item: &Value| format!("{} {} {}", item["kind"], item["object_name"], item["state"]).replace('"', "");
    let lines: Vec<String> = whole.at("/items").as_array().unwrap().iter().map(line).collect();
    assert_eq!(
        lines,
        [
            "team payments active",
            "team payments inactive",
            "role viewer active",
            "entity cart active",
            "role viewer inactive",
            "entity cart inactive"
        ],
        "{}",
        whole.text()
    );
    assert_eq!((whole.at("/items/3/origin"), whole.at("/items/3/from")), (Value::Null, Value::Null));
    assert_eq!(whole.at("/items/2/way"), "everybody has it who has no other role");
    assert_eq!(whole.at("/items/3/way"), "as a member of the team payments");
    // The same as CSV, in pages of one.
    let csv = [("accept", Some("text/csv"))];
    let text = admin.send("GET", "/api/v1/access", &csv, None).await.expect(200);
    assert!(text.text().starts_with("person,name,email,kind,object,object_name,value,origin,way,from,until,state\r\n"));
    assert_eq!(text.text().lines().count(), 7);
    assert_eq!(text.header("x-content-type-options"), Some("nosniff"));
    let (mut pages, mut path) = (String::new(), "/api/v1/access?limit=1".to_owned());
    loop {
        let page = admin.send("GET", &path, &csv, None).await.expect(200);
        pages.push_str(&page.text());
        let Some(link) = page.header("link") else { break };
        let url = link.trim_start_matches('<').split('>').next().unwrap();
        path = url.split_once("example.com").unwrap().1.to_owned();
    }
    assert_eq!(pages, text.text());
}
