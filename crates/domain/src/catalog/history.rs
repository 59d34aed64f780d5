//! What changed between two documents, and how to take it back.

use super::step;
use bailiwick_scim::Object;
use serde_json::Value;

/// Keys whose entries are told one by one.
const BY_ENTRY: &[&str] = &["annotations", "labels", "properties", "unknown"];

/// Keys that no filter can ask about.
const UNASKED: &[&str] = &["annotations", "definition", "dependencies", "labels", "unknown"];

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

/// Takes changes back that [`differences`] told of, as they stand in the journal. `false` when a value that a filter
/// could ask about was told by its size alone, or a change cannot be read: what stood there is not known then.
#[must_use]
pub fn undo(document: &mut Object, changes: &[Value]) -> bool {
    let mut whole = true;
    for change in changes.iter().rev() {
        let path = change.get("path").and_then(Value::as_str).and_then(|path| path.strip_prefix('/'));
        let Some(path) = path else {
            whole = false;
            continue;
        };
        let mut steps = path.splitn(2, '/').map(|step| step.replace("~1", "/").replace("~0", "~"));
        let (key, inner) = (steps.next().unwrap_or_default(), steps.next());
        let before = change.get("before");
        whole &= UNASKED.contains(&key.as_str()) || !before.is_some_and(is_size);
        match inner {
            None => put(document, &key, before),
            Some(inner) => {
                let mut entries = document.get(&key).and_then(Value::as_object).cloned().unwrap_or_default();
                put(&mut entries, &inner, before);
                let entries = Value::Object(entries);
                put(document, &key, Some(&entries).filter(|entries| **entries != Value::Object(Object::new())));
            }
        }
    }
    whole
}

fn put(document: &mut Object, key: &str, value: Option<&Value>) {
    match value {
        Some(value) => {
            document.insert(key.to_owned(), value.clone());
        }
        None => {
            document.shift_remove(key);
        }
    }
}

/// Whether a value is told by its size, as [`shortened`] writes it.
fn is_size(value: &Value) -> bool {
    let digits = value.as_str().and_then(|text| text.strip_prefix('(')?.strip_suffix(" bytes)"));
    digits.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
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
    fn changes_are_taken_back() {
        let documents = [
            json!({"name": "a", "title": "A", "tags": [{"value": "x"}], "properties": {"p": 1, "q": 2},
                "labels": {"l": "1"}}),
            json!({"name": "a", "description": "d", "tags": [], "properties": {"p": 1, "q/r~": 3}}),
            json!({"name": "b", "properties": {"q": null}}),
            json!({}),
        ];
        for before in &documents {
            for after in &documents {
                let (before, after) = (before.as_object().unwrap(), after.as_object().unwrap());
                let changes = serde_json::to_value(differences(before, after)).unwrap();
                let mut undone = after.clone();
                assert!(undo(&mut undone, changes.as_array().unwrap()));
                assert_eq!(&undone, before, "{changes}");
            }
        }
    }

    #[test]
    fn what_is_told_by_size_cannot_be_taken_back() {
        for (key, whole) in [("description", false), ("definition", true)] {
            let before = json!({key: "x".repeat(5_000)});
            let changes = serde_json::to_value(differences(before.as_object().unwrap(), &Object::new())).unwrap();
            assert_eq!(undo(&mut Object::new(), changes.as_array().unwrap()), whole, "{key}");
        }
        assert!(!undo(&mut Object::new(), &[json!({"before": 1})]));
    }

    #[test]
    fn long_values_are_told_by_size() {
        let (before, after) = (json!({}), json!({"definition": "x".repeat(5_000)}));
        let changes = differences(before.as_object().unwrap(), after.as_object().unwrap());
        assert_eq!(changes[0].after, Some(json!("(5002 bytes)")));
    }
}
