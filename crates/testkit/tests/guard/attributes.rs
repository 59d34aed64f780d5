//! Attribute mapping: from a place in a User to a field of the person.

use super::support::*;
use bailiwick_app::attributes;
use bailiwick_domain::attributes::Profile;
use bailiwick_testkit::TestApp;
use serde_json::{Value, json};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

async fn fields(test: &TestApp) -> Value {
    let person = person(test, 0).await;
    let profile = Profile::parse(&person.doc);
    let field = |(name, attribute): (&str, &bailiwick_domain::attributes::Attribute)| {
        (name.to_owned(), attribute.value.clone())
    };
    Value::Object(profile.attributes().map(field).collect())
}

#[tokio::test]
async fn a_user_fills_the_fields_of_its_person_in_its_own_commit() {
    let test = TestApp::start().await;
    let mut client = test.client();
    let user = json!({
        "schemas": [USER, ENTERPRISE], "userName": name(0), "title": "Countess",
        ENTERPRISE: { "department": "Engines", "manager": { "value": "m-1" } },
    });
    let id = client.post("/scim/v2/Users", &user).await.expect(201).at("/id").as_str().unwrap().to_owned();
    assert_eq!(fields(&test).await, json!({ "department": "Engines", "manager": "m-1", "title": "Countess" }));
    let change = json!({ "schemas": [PATCH], "Operations": [
        { "op": "replace", "path": "title", "value": "Lady" },
        { "op": "remove", "path": format!("{ENTERPRISE}:department") },
    ] });
    client.patch(&format!("/scim/v2/Users/{id}"), &change).await.expect(200);
    assert_eq!(fields(&test).await, json!({ "manager": "m-1", "title": "Lady" }));
    client.put(&format!("/scim/v2/Users/{id}"), &json!({ "schemas": [USER], "userName": name(0) })).await.expect(200);
    assert_eq!(fields(&test).await, json!({}));
}

#[tokio::test]
async fn a_mapping_is_previewed_saved_and_carried_out_for_everybody() {
    let test = TestApp::start().await;
    let mut client = test.client();
    for number in 0..3 {
        let user = json!({ "schemas": [USER], "userName": name(number), "title": "Boss", "nickName": "NICK" });
        client.post("/scim/v2/Users", &user).await.expect(201);
    }
    let (app, host, name) = (test.app(), host(), TestApp::INTEGRATION);
    let mapping = json!({ "github": { "lower": "nickName" }, "title": { "path": "userType", "default": "none" } });
    let effect = attributes::preview_mapping(app, &host, name, &mapping).await.unwrap();
    assert_eq!(
        (effect.people, effect.changed, effect.fields["github"].set, effect.fields["title"].changed),
        (3, 3, 3, 3)
    );
    assert_eq!(fields(&test).await["title"], "Boss");
    assert!(attributes::show_mapping(app, &host, name).await.unwrap().standard);
    let saved = attributes::save_mapping(app, &host, name, &mapping).await.unwrap();
    assert!(!saved.standard);
    settle(&test).await;
    let before = json!({ "github": "nick", "nickname": "NICK", "title": "none" });
    assert_eq!(fields(&test).await, before);
    // A new User is read by it at once.
    let user = json!({ "schemas": [USER], "userName": "late@corp.example", "nickName": "LATE" });
    client.post("/scim/v2/Users", &user).await.expect(201);
    assert!(persons(&test).await.iter().any(|person| person.doc.contains("\"late\"")));
    let faults = json!({ "titel": "title", "title": "password", "phone": { "join": [] } });
    let refused = attributes::save_mapping(app, &host, name, &faults).await.unwrap_err();
    assert_eq!((refused.status, refused.code), (400, "mapping-form"));
    for place in ["/titel", "/title", "/phone/join"] {
        assert!(refused.detail.contains(place), "{refused}");
    }
    attributes::save_mapping(app, &host, name, &Value::Null).await.unwrap();
    settle(&test).await;
    assert_eq!(fields(&test).await["title"], "Boss");
}

#[tokio::test]
async fn what_the_provider_owns_is_locked_with_the_reason() {
    let test = TestApp::start().await;
    let user = json!({ "schemas": [USER], "userName": name(0), "title": "Boss" });
    test.client().post("/scim/v2/Users", &user).await.expect(201);
    let (app, row) = (test.app(), person(&test, 0).await);
    let refused = attributes::check_unlocked(app, &row, &["github", "title"]).await.unwrap_err();
    assert_eq!((refused.status, refused.code), (409, "managed-attribute"));
    assert!(refused.detail.contains("title is managed by first") && !refused.detail.contains("github"), "{refused}");
    assert!(attributes::check_unlocked(app, &row, &["email"]).await.is_err());
    attributes::check_unlocked(app, &row, &["github", "property:badge", "phone"]).await.unwrap();
    attributes::save_mapping(app, &host(), TestApp::INTEGRATION, &json!({ "phone": "nickName" })).await.unwrap();
    attributes::check_unlocked(app, &row, &["title"]).await.unwrap();
    assert!(attributes::check_unlocked(app, &row, &["phone"]).await.is_err());
}

#[tokio::test]
async fn a_property_is_filled_only_by_what_it_takes() {
    let test = TestApp::start().await;
    let mut admin = test.service("admin").await;
    let user = json!({ "schemas": [USER], "userName": name(0), "title": "Boss", "nickName": "B7" });
    test.client().post("/scim/v2/Users", &user).await.expect(201);
    let define = |schema: Value, kinds: Value| json!({ "schema": schema, "kinds": kinds });
    let badge = define(json!({ "type": "string", "maxLength": 4 }), json!(["person"]));
    admin.put("/api/v1/properties/badge", &badge).await;
    admin.put("/api/v1/properties/floor", &define(json!({ "type": "integer" }), json!([]))).await;
    admin.put("/api/v1/properties/port", &define(json!({}), json!(["component"]))).await;
    let path = format!("/api/v1/integrations/{}/mapping", TestApp::INTEGRATION);
    let bad = json!({ "mapping": {
        "title": "title", "property:badge": { "path": "nickName", "default": "nobody" }, "property:floor": "title",
        "property:port": "title", "property:none": "title",
    } });
    let preview = format!("{path}/preview");
    for refused in [admin.put(&path, &bad).await, admin.post(&preview, &bad).await] {
        let refused = refused.expect(400);
        assert_eq!(refused.at("/code"), "mapping-form");
        let faults = refused.at("/errors").clone();
        let mut places: Vec<&str> =
            faults.as_array().unwrap().iter().map(|fault| fault["pointer"].as_str().unwrap()).collect();
        places.sort_unstable();
        let at = |field: &str| format!("/mapping/property:{field}");
        assert_eq!(places, [at("badge/default"), at("floor"), at("none"), at("port")], "{}", refused.text());
        assert!(refused.text().contains("takes no string, which is what title gives"), "{}", refused.text());
    }
    assert_eq!(admin.get(&path).await.expect(200).at("/standard"), true);
    let good = json!({ "mapping": { "property:badge": { "path": "nickName", "default": "none" } } });
    admin.put(&path, &good).await.expect(200);
    settle(&test).await;
    assert_eq!(fields(&test).await["property:badge"], "B7");
}

#[tokio::test]
async fn a_property_that_a_rule_gives_shows_and_is_locked_for_as_long() {
    let test = TestApp::start().await;
    let mut admin = test.service("admin").await;
    admin.put("/api/v1/properties/desk", &json!({ "schema": { "type": "string" }, "kinds": ["person"] })).await;
    let person = admin.post("/api/v1/people", &json!({ "display": "Ann" })).await.expect(201);
    let path = format!("/api/v1/people/{}", person.at("/id").as_str().unwrap());
    let desk = |value: &str| json!({ "fields": { "property:desk": value } });
    admin.patch(&path, &desk("own")).await.expect(200);
    let user = json!({ "schemas": [USER], "userName": name(0) });
    let id = test.client().post("/scim/v2/Users", &user).await.expect(201).at("/id").as_str().unwrap().to_owned();
    let path = format!("/api/v1/people/{}", super::support::person(&test, 0).await.id);
    admin.patch(&path, &desk("own")).await.expect(200);
    group(&mut test.client(), "Hall", &[id]).await;
    let give = |desk: &str| format!("[{{ property: {{ name: desk, value: {desk} }} }}]");
    rules(&test, &[("z-hall", "{ group: Hall }", &give("H1")), ("hall", "{ group: Hall }", &give("H0"))]).await;
    let field = async |admin: &mut bailiwick_testkit::Client| -> Value {
        let shown = admin.get(&path).await.expect(200);
        let fields = shown.at("/fields").as_array().unwrap().clone();
        fields.into_iter().find(|field| field["name"] == "property:desk").unwrap_or_default()
    };
    // Of two rules that differ, the value that `access` shows as well.
    let given = field(&mut admin).await;
    assert_eq!([&given["value"], &given["source"], &given["from"]], ["H0", "rule", "hall"]);
    assert_eq!(given["locked"]["reason"], "given by the mapping rule hall");
    let access = admin.get(&format!("{path}/access")).await.expect(200);
    assert_eq!(access.at("/properties/0/value"), "\"H0\"");
    let refused = admin.patch(&path, &desk("mine")).await.expect(409);
    assert_eq!(refused.at("/code"), "managed-attribute");
    assert!(refused.text().contains("property:desk is given by the mapping rule hall"), "{}", refused.text());
    rules(&test, &[]).await;
    // What it was before.
    assert_eq!(field(&mut admin).await["value"], "own");
    admin.patch(&path, &desk("mine")).await.expect(200);
}
