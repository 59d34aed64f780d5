//! JSON merge patch (RFC 7396): what a change of an item is written in.

use bailiwick_scim::Object;
use serde_json::Value;

/// Applies a merge patch: `null` removes a key, an object changes the object there, everything else replaces.
pub fn merge_patch(target: &mut Object, patch: &Object) {
    for (key, value) in patch {
        match value {
            Value::Null => {
                target.shift_remove(key);
            }
            Value::Object(patch) => {
                let inner = target.entry(key.clone()).or_insert_with(|| Value::Object(Object::new()));
                if !inner.is_object() {
                    *inner = Value::Object(Object::new());
                }
                if let Value::Object(inner) = inner {
                    merge_patch(inner, patch);
                }
            }
            value => {
                target.insert(key.clone(), value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_examples_of_the_rfc() {
        let check = |target: Value, patch: Value, expect: Value| {
            let mut target = target.as_object().unwrap().clone();
            merge_patch(&mut target, patch.as_object().unwrap());
            assert_eq!(Value::Object(target), expect, "{patch}");
        };
        check(json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"}));
        check(json!({"a": "b"}), json!({"b": "c"}), json!({"a": "b", "b": "c"}));
        check(json!({"a": "b"}), json!({"a": null}), json!({}));
        check(json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"}));
        check(json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"}));
        check(json!({"a": "c"}), json!({"a": ["b"]}), json!({"a": ["b"]}));
        check(json!({"a": {"b": "c"}}), json!({"a": {"b": "d", "c": null}}), json!({"a": {"b": "d"}}));
        check(json!({"a": [{"b": "c"}]}), json!({"a": [1]}), json!({"a": [1]}));
        check(json!({"e": null}), json!({"a": 1}), json!({"e": null, "a": 1}));
        check(json!({}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}}));
        check(json!({"a": "foo"}), json!({"a": {"b": 1}}), json!({"a": {"b": 1}}));
    }
}
