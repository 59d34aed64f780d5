//! Every attribute that the schemas announce, met with every operator, order, choice and kind of value: what is asked
//! for is answered or refused in the words of the protocol, and never with a fault.

use crate::support::*;
use bailiwick_testkit::Answer;
use serde_json::{Value, json};

const OPERATORS: [&str; 9] = ["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"];

/// Paths of every attribute and sub-attribute of this type, behind its URN where it needs one.
async fn paths(world: &mut World, urns: &[&str]) -> Vec<String> {
    let mut all: Vec<String> =
        ["id", "externalId", "schemas", "meta", "meta.created", "meta.lastModified", "meta.version"]
            .iter()
            .chain(&["meta.location", "meta.resourceType"])
            .map(|path| (*path).to_owned())
            .collect();
    for urn in urns {
        let schema = world.read(&format!("/Schemas/{urn}")).await;
        let core = [USER, GROUP].contains(urn);
        for attribute in schema["attributes"].as_array().unwrap() {
            let name = if core { text(&attribute["name"]) } else { format!("{urn}:{}", text(&attribute["name"])) };
            for sub in attribute["subAttributes"].as_array().into_iter().flatten() {
                all.push(format!("{name}.{}", text(&sub["name"])));
            }
            all.push(name);
        }
    }
    all
}

#[track_caller]
fn answered_or_refused(answer: &Answer, what: &str) {
    assert!(matches!(answer.status, 200 | 204 | 400), "{what}: {} {}", answer.status, answer.text());
    if answer.status == 400 {
        let scim_type = text(&answer.at("/scimType"));
        refusal(answer, 400, &scim_type);
    }
}

/// Somebody with a manager, in a group within a group, with something of everything.
async fn populated() -> World {
    let mut world = World::with_badges().await;
    let boss = world.user("boss", json!({})).await;
    let more = json!({
        "schemas": [USER, ENTERPRISE, BADGE], "externalId": "e", "title": "t", "name": { "givenName": "g" },
        "emails": [{ "value": "a@x.example", "type": "work", "primary": true }], "x509Certificates": [{ "value": "MIID" }],
        "addresses": [{ "country": "DE", "type": "work" }], "photos": [{ "value": "https://x.example" }],
        ENTERPRISE: { "manager": { "value": boss }, "department": "d" },
        BADGE: { "number": 1, "weight": 1.5, "since": "2026-01-01T00:00:00Z", "tags": ["a"], "site": { "code": "c" } }
    });
    let id = world.user("ada", more).await;
    let inner = world.group("Inner", &[&id]).await;
    world.group("Outer", &[&inner]).await;
    world
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_attribute_can_be_filtered_by_or_is_refused() {
    let mut world = populated().await;
    for (path, urns) in [("/Users", &[USER, ENTERPRISE, BADGE][..]), ("/Groups", &[GROUP]), ("", &[USER, GROUP])] {
        for attribute in paths(&mut world, urns).await {
            let mut filters = vec![format!("{attribute} pr"), format!("not ({attribute} pr)")];
            // Who answers for one type answers for all in the same way.
            let operators = if path.is_empty() { &OPERATORS[..1] } else { &OPERATORS[..] };
            for operator in operators {
                for literal in ["\"a\"", "true", "1"] {
                    filters.push(format!("{attribute} {operator} {literal}"));
                }
            }
            filters.push(format!("{attribute}[value eq \"a\"]"));
            for filter in filters {
                let answer = world.list(path, &[("filter", &filter), ("count", "1")]).await;
                answered_or_refused(&answer, &filter);
            }
        }
    }
}

#[tokio::test]
async fn every_attribute_can_be_sorted_by_and_chosen_or_is_refused() {
    let mut world = populated().await;
    for (path, urns) in [("/Users", &[USER, ENTERPRISE, BADGE][..]), ("/Groups", &[GROUP]), ("", &[USER, GROUP])] {
        let total = world.read(if path.is_empty() { "/" } else { path }).await["totalResults"].clone();
        for attribute in paths(&mut world, urns).await {
            for order in ["ascending", "descending"] {
                let answer = world.list(path, &[("sortBy", &attribute), ("sortOrder", order)]).await;
                answered_or_refused(&answer, &attribute);
                if answer.status == 200 {
                    assert_eq!(answer.at("/totalResults"), total, "{attribute}");
                    assert_eq!(answer.at("/itemsPerPage"), total, "{attribute}");
                }
            }
            let first = world.list(path, &[("sortBy", &attribute), ("cursor", ""), ("count", "1")]).await;
            answered_or_refused(&first, &attribute);
            if let Some(next) = first.json().get("nextCursor").and_then(Value::as_str) {
                let second = world.list(path, &[("sortBy", &attribute), ("cursor", next), ("count", "1")]).await;
                let ids = [&first, &second].map(|page| page.at("/Resources/0/id"));
                assert!(second.status == 200 && ids[0] != ids[1], "{attribute}: {}", second.text());
            }
            for choice in ["attributes", "excludedAttributes"] {
                let chosen = world.list(path, &[(choice, &attribute)]).await.expect(200).json();
                for resource in chosen["Resources"].as_array().unwrap() {
                    assert!(resource["id"].is_string() && resource["schemas"].is_array(), "{attribute}");
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_attribute_takes_or_refuses_every_kind_of_value() {
    let mut world = populated().await;
    let values = [
        json!(null),
        json!(true),
        json!(7),
        json!("x"),
        json!([]),
        json!({}),
        json!([{ "value": "x" }]),
        json!({ "value": { "value": "x" } }),
    ];
    for (endpoint, urns) in [("/Users", &[USER, ENTERPRISE, BADGE][..]), ("/Groups", &[GROUP])] {
        let id = match endpoint {
            "/Users" => world.user("target", json!({})).await,
            _ => world.group("Target", &[]).await,
        };
        let path = format!("{endpoint}/{id}");
        let mut before = world.read(&path).await;
        for attribute in paths(&mut world, urns).await {
            for (op, value) in
                values.iter().flat_map(|value| [("add", value), ("replace", value)]).chain([("remove", &json!(null))])
            {
                let operation = json!([{ "op": op, "path": attribute, "value": value }]);
                let answer = world.patch(&path, operation.clone()).await;
                answered_or_refused(&answer, &operation.to_string());
                let after = world.read(&path).await;
                match answer.status {
                    // What is returned on request only is shown to who has just written it.
                    200 if attribute.ends_with(":hint") => {}
                    200 => assert_eq!(answer.json(), after, "{operation}"),
                    _ => assert_eq!(before, after, "{operation}"),
                }
                before = after;
            }
        }
    }
}
