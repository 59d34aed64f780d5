//! What holds for every PATCH.

use super::{op, run, user};
use crate::quirks::Quirks;
use crate::schema::Registry;
use proptest::prelude::*;
use serde_json::{Value, json};

/// An operation that says what should be, not what to do to what is there.
fn set_like() -> impl Strategy<Value = Value> {
    let word = prop::sample::select(vec!["add", "replace"]);
    let kind = prop::sample::select(vec!["work", "home", "other", "new"]);
    let text = prop::sample::select(vec!["a", "B", "b", "ß", "c@x"]);
    prop_oneof![
        (
            prop::sample::select(vec!["title", "nickName", "name.givenName", "name.middleName"]),
            text.clone(),
            word.clone()
        )
            .prop_map(|(path, text, word)| op(word, path, json!(text))),
        (any::<bool>(), word.clone()).prop_map(|(active, word)| op(word, "active", json!(active))),
        (kind.clone(), text.clone(), word.clone())
            .prop_map(|(kind, text, word)| { op(word, &format!("emails[type eq \"{kind}\"].value"), json!(text)) }),
        (kind.clone(), text.clone(), word.clone()).prop_map(|(kind, text, word)| {
            op(word, &format!("addresses[type eq \"{kind}\"]"), json!({"locality": text}))
        }),
        (kind.clone(), word.clone())
            .prop_map(|(kind, word)| { op(word, &format!("emails[type eq \"{kind}\"].primary"), json!(true)) }),
        (prop::collection::vec((text.clone(), kind.clone()), 0..4), word.clone()).prop_map(|(values, word)| {
            let values: Vec<_> = values.iter().map(|(text, kind)| json!({"value": text, "type": kind})).collect();
            op(word, "emails", json!(values))
        }),
        kind.clone().prop_map(|kind| json!([{"op": "remove", "path": format!("emails[type eq \"{kind}\"]")}])),
        text.prop_map(|text| op("remove", "emails", json!([{"value": text}]))),
        Just(json!([{"op": "remove", "path": "name.givenName"}])),
        Just(op("replace", "name", json!({"familyName": null, "givenName": "x"}))),
    ]
    .prop_map(|operations| operations[0].clone())
}

/// Any JSON, made of the words that PATCH knows.
fn wild() -> impl Strategy<Value = Value> {
    let word = prop::sample::select(vec![
        "",
        "emails",
        "emails[type eq \"work\"]",
        "name",
        "name.givenName",
        "manager",
        "members",
        "schemas",
        "value",
        "id",
        "groups",
        "password",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
        "x",
        "primary",
        "type",
        "roles",
        "{\"value\":1}",
        "emails[",
        "True",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i32>().prop_map(|number| json!(number)),
        word.clone().prop_map(|text| json!(text)),
    ];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec((word.clone(), inner), 0..4).prop_map(|pairs| {
                Value::Object(pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
            }),
        ]
    })
}

proptest! {
    #[test]
    fn set_like_patches_are_idempotent(operation in set_like(), prelude in prop::collection::vec(set_like(), 0..4)) {
        let registry = Registry::standard();
        let run = |resource: &Value, operations: Value| run(&registry, registry.user(), resource, &operations, Quirks::all());
        let Ok((start, _)) = run(&user(), Value::Array(prelude)) else { return Ok(()) };
        if let Ok((once, _)) = run(&start, json!([operation])) {
            let (twice, _) = run(&once, json!([operation])).expect("what applied once applies again");
            prop_assert_eq!(&twice, &once);
        }
    }

    #[test]
    fn operations_apply_in_order(operations in prop::collection::vec(set_like(), 1..6)) {
        let registry = Registry::standard();
        let run = |resource: &Value, operations: &Value| run(&registry, registry.user(), resource, operations, Quirks::all());
        let mut resource = user();
        let mut failed = false;
        for operation in &operations {
            match run(&resource, &json!([operation])) {
                Ok((after, _)) => resource = after,
                Err(_) => failed = true,
            }
        }
        if !failed {
            let (after, _) = run(&user(), &Value::Array(operations)).expect("each of them applies");
            prop_assert_eq!(after, resource);
        }
    }

    #[test]
    fn nothing_panics(path in wild(), value in wild(), word in prop::sample::select(vec!["add", "Remove", "replace"])) {
        let registry = Registry::standard();
        for quirks in [Quirks::all(), Quirks::none()] {
            for operation in [json!({"op": word, "path": path, "value": value}), json!({"op": word, "value": value})] {
                for resource_type in registry.resource_types() {
                    let resource = if resource_type.name == "User" { user() } else { json!({"displayName": "g"}) };
                    if let Err(error) = run(&registry, resource_type, &resource, &json!([operation]), quirks) {
                        prop_assert_eq!(error.status, 400);
                    }
                }
            }
        }
    }
}
