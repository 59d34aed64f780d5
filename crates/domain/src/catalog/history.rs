//! What changed between two documents.

use super::step;
use bailiwick_scim::Object;
use serde_json::Value;

/// Keys whose entries are told one by one.
const BY_ENTRY: &[&str] = &["annotations", "labels", "properties", "unknown"];

/// A value longer than this, in bytes of JSON, is told by its size alone: an API definition would drown the rest.
const VALUE_BYTES: usize = 4 * 1024;

/// One change.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Change {
    /// JSON pointer into the document.
    pub path: String,
    /// What stood there; absent when nothing did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// What stands there now; absent when nothing does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

/// What differs between two documents, in the order of the newer one; what is gone comes first.
#[must_use]
pub fn differences(before: &Object, after: &Object) -> Vec<Change> {
    let mut changes = Vec::new();
    compare(before, after, "", &mut changes);
    changes
}

fn compare(before: &Object, after: &Object, place: &str, changes: &mut Vec<Change>) {
    let empty = Object::new();
    let entries = |value: Option<&Value>| value.and_then(Value::as_object).cloned().unwrap_or_else(|| empty.clone());
    for (key, old) in before.iter().filter(|(key, _)| !after.contains_key(key.as_str())) {
        if place.is_empty() && BY_ENTRY.contains(&key.as_str()) {
            compare(&entries(Some(old)), &empty, &format!("/{key}"), changes);
        } else {
            changes.push(change(place, key, Some(old), None));
        }
    }
    for (key, new) in after {
        let old = before.get(key);
        if old == Some(new) {
            continue;
        }
        if place.is_empty() && BY_ENTRY.contains(&key.as_str()) {
            compare(&entries(old), &entries(Some(new)), &format!("/{key}"), changes);
        } else {
            changes.push(change(place, key, old, Some(new)));
        }
    }
}

fn change(place: &str, key: &str, before: Option<&Value>, after: Option<&Value>) -> Change {
    Change { path: format!("{place}/{}", step(key)), before: before.map(shortened), after: after.map(shortened) }
}

fn shortened(value: &Value) -> Value {
    let bytes = serde_json::to_string(value).map_or(0, |text| text.len());
    if bytes <= VALUE_BYTES { value.clone() } else { Value::from(format!("({bytes} bytes)")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn changes_are_told_by_place() {
        let before = json!({"name": "a", "title": "A", "tags": [{"value": "x"}], "properties": {"p": 1, "q": 2},
            "labels": {"l": "1"}});
        let after = json!({"name": "a", "description": "d", "tags": [], "properties": {"p": 1, "q/r": 3}});
        let changes = differences(before.as_object().unwrap(), after.as_object().unwrap());
        let told = serde_json::to_value(&changes).unwrap();
        let expect = json!([
            {"path": "/title", "before": "A"}, {"path": "/labels/l", "before": "1"},
            {"path": "/description", "after": "d"}, {"path": "/tags", "before": [{"value": "x"}], "after": []},
            {"path": "/properties/q", "before": 2}, {"path": "/properties/q~1r", "after": 3},
        ]);
        assert_eq!(told, expect);
        assert!(differences(before.as_object().unwrap(), before.as_object().unwrap()).is_empty());
    }

    #[test]
    fn long_values_are_told_by_size() {
        let (before, after) = (json!({}), json!({"definition": "x".repeat(5_000)}));
        let changes = differences(before.as_object().unwrap(), after.as_object().unwrap());
        assert_eq!(changes[0].after, Some(json!("(5002 bytes)")));
    }
}
