//! Paths of PATCH operations: filters, URNs, and what providers write instead (RFC 7644 sections 3.5.2 and 3.10).

use super::{add, check, in_enterprise, refuse, remove, replace, start};
use crate::support::*;
use serde_json::json;

#[tokio::test]
async fn filters_in_paths_know_the_whole_grammar() {
    let mut world = World::new().await;
    for (filter, hit) in [
        ("type eq \"work\"", [true, false, false]),
        ("TYPE EQ \"WORK\"", [true, false, false]),
        ("primary eq true", [true, false, false]),
        ("primary ne true", [false, true, true]),
        ("not (type eq \"work\")", [false, true, true]),
        ("type eq \"work\" or type eq \"home\" and value sw \"zz\"", [true, false, false]),
        ("(type eq \"work\" or type eq \"home\") and value sw \"h\"", [false, true, false]),
        ("display eq \"a]b\"", [false, false, true]),
        ("display pr", [false, false, true]),
        ("value ew \"@x.example\" and not (type eq \"home\")", [true, false, true]),
        ("type gt \"home\" and type lt \"work\"", [false, false, true]),
    ] {
        let path = world.someone(start()).await;
        let answer = world.patch(&path, replace(&format!("emails[{filter}].display"), json!("hit"))).await;
        assert_eq!(answer.status, 200, "{filter}: {}", answer.text());
        let hits = [0, 1, 2].map(|index| answer.at(&format!("/emails/{index}/display")) == "hit");
        assert_eq!(hits, hit, "{filter}");
    }
}

#[tokio::test]
async fn urns_stand_in_front_of_names() {
    let mut world = World::new().await;
    let boss = world.user("boss", json!({})).await;
    let urn_email = format!("{USER}:emails[type eq \"home\"].display");
    for (operations, expect) in [
        (replace(&format!("{USER}:title"), json!("x")), json!({ "/title": "x" })),
        (replace(&format!("{USER}:name.givenName"), json!("x")), json!({ "/name/givenName": "x" })),
        (replace(&urn_email, json!("x")), json!({ "/emails/1/display": "x" })),
        (
            add(&format!("{ENTERPRISE}:division"), json!("x")),
            json!({ in_enterprise("division"): "x", "/schemas": [USER, ENTERPRISE] }),
        ),
        (add(&format!("{ENTERPRISE}:manager.value"), json!(boss)), json!({ in_enterprise("manager/value"): boss })),
        (
            add(&format!("{}:DIVISION", ENTERPRISE.to_uppercase()), json!("x")),
            json!({ in_enterprise("division"): "x" }),
        ),
        (add(ENTERPRISE, json!({ "division": "x" })), json!({ in_enterprise("division"): "x" })),
        (
            json!([{ "op": "add", "value": { ENTERPRISE: { "division": "x" }, format!("{ENTERPRISE}:organization"): "y" } }]),
            json!({ in_enterprise("division"): "x", in_enterprise("organization"): "y", "/schemas": [USER, ENTERPRISE] }),
        ),
        (json!([{ "op": "replace", "value": { format!("{USER}:title"): "x" } }]), json!({ "/title": "x" })),
    ] {
        check(
            &mut world,
            &json!({ "title": "t", "name": { "givenName": "a" }, "emails": start()["emails"] }),
            operations,
            expect,
        )
        .await;
    }
}

#[tokio::test]
async fn dotted_and_filtered_keys_are_paths() {
    let mut world = World::new().await;
    let value = json!({
        "name.givenName": "Bo", "emails[type eq \"work\"].value": "n@x.example", "active": "False",
        format!("{ENTERPRISE}:department"): "D", "unheard": 1
    });
    let expect = json!({
        "/name": { "givenName": "Bo", "familyName": "L" }, "/emails/0/value": "n@x.example", "/active": false,
        in_enterprise("department"): "D", "/unheard": null
    });
    check(&mut world, &start(), json!([{ "op": "Replace", "value": value }]), expect).await;
    let mut strict = World::strict().await;
    refuse(&mut strict, &start(), json!([{ "op": "replace", "value": { "name.givenName": "Bo" } }]), "invalidSyntax")
        .await;
}

#[tokio::test]
async fn a_manager_comes_in_many_shapes() {
    let mut world = World::new().await;
    let boss = world.user("boss", json!({})).await;
    let with = json!({ "schemas": [USER, ENTERPRISE], ENTERPRISE: { "manager": { "value": boss } } });
    let urn = format!("{ENTERPRISE}:manager");
    for value in [json!(boss), json!({ "value": boss }), json!([{ "value": boss }])] {
        for path in ["manager", &urn] {
            check(&mut world, &json!({}), add(path, value.clone()), json!({ in_enterprise("manager/value"): boss }))
                .await;
        }
    }
    for value in [json!(""), json!({ "value": "" }), json!(null)] {
        check(&mut world, &with, replace(&urn, value), json!({ in_enterprise("manager"): null, "/schemas": [USER] }))
            .await;
    }
    check(&mut world, &with, remove("manager"), json!({ in_enterprise("manager"): null })).await;
    let later = json!({ in_enterprise("manager"): { "value": "not-here-yet" } });
    check(&mut world, &with, replace(&urn, json!("not-here-yet")), later).await;
}
