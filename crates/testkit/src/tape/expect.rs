//! Holding an answer to its expectations.

use super::Expect;
use super::vars::{self, Vars};
use crate::client::Answer;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// What is wrong with an answer, one line each.
pub(super) fn answer(expect: &Expect, answer: &Answer, vars: &Vars) -> Vec<String> {
    let mut wrong = always(answer);
    if let Some(status) = expect.status.filter(|status| *status != answer.status) {
        wrong.push(format!("status {status} was expected, not {}", answer.status));
    }
    if expect.empty && !answer.body.is_empty() {
        wrong.push("no body was expected".to_owned());
    }
    for (name, content) in &expect.headers {
        let content = content.as_ref().map(|content| vars::text(content, vars)).transpose();
        match content {
            Err(line) => wrong.push(line),
            Ok(content) if content.as_deref() != answer.header(name) => {
                wrong.push(format!("header {name}: {content:?} was expected, not {:?}", answer.header(name)));
            }
            Ok(_) => {}
        }
    }
    if wrong.is_empty() {
        wrong.extend(resource(expect, &answer.json(), vars));
    }
    wrong
}

/// What holds for every answer whatever was asked.
fn always(answer: &Answer) -> Vec<String> {
    let mut wrong = Vec::new();
    if answer.status >= 500 {
        wrong.push(format!("status {}: the server failed", answer.status));
    }
    if answer.status >= 400 && answer.header("x-request-id").is_none() {
        wrong.push("an error without X-Request-Id".to_owned());
    }
    if answer.body.is_empty() {
        if answer.status >= 400 {
            wrong.push("an error without a body".to_owned());
        }
        return wrong;
    }
    if answer.header("content-type") != Some("application/scim+json") {
        wrong.push(format!("Content-Type is {:?}", answer.header("content-type")));
    }
    let Ok(body) = serde_json::from_slice::<Value>(&answer.body) else {
        wrong.push("the body is not JSON".to_owned());
        return wrong;
    };
    let status = Value::from(answer.status.to_string());
    if answer.status >= 400 && (body["schemas"][0] != ERROR || body["status"] != status) {
        wrong.push("an error that does not look like one".to_owned());
    }
    if answer.status < 400 && has_password(&body) {
        wrong.push("a password is shown".to_owned());
    }
    wrong
}

/// Whether a resource shows a password. The schema of User names the attribute, which is no secret.
fn has_password(body: &Value) -> bool {
    body.get("password").is_some() || body["Resources"].as_array().is_some_and(|all| all.iter().any(has_password))
}

/// What is wrong with a resource or another JSON value, one line each.
pub(super) fn resource(expect: &Expect, body: &Value, vars: &Vars) -> Vec<String> {
    let mut wrong = Vec::new();
    let found = |pointer: &str| body.pointer(pointer);
    wrong.extend(compare(&expect.json, vars, |pointer, wanted| {
        (found(pointer) != Some(wanted))
            .then(|| format!("{pointer}: {wanted} was expected, not {}", shown(found(pointer))))
    }));
    wrong.extend(compare(&expect.differs, vars, |pointer, unwanted| {
        (found(pointer).is_none_or(|value| value == unwanted))
            .then(|| format!("{pointer}: something other than {unwanted} was expected"))
    }));
    for pointer in expect.absent.iter().filter(|pointer| found(pointer).is_some()) {
        wrong.push(format!("{pointer}: nothing was expected, not {}", shown(found(pointer))));
    }
    for pointer in expect.present.iter().filter(|pointer| found(pointer).is_none_or(Value::is_null)) {
        wrong.push(format!("{pointer}: is missing"));
    }
    for (pointer, size) in &expect.size {
        let length = found(pointer).and_then(Value::as_array).map_or(0, Vec::len);
        if length != *size {
            wrong.push(format!("{pointer}: {size} elements were expected, not {length}"));
        }
    }
    wrong.extend(elements(&expect.has, true, body, vars));
    wrong.extend(elements(&expect.lacks, false, body, vars));
    wrong
}

fn compare(wanted: &Map<String, Value>, vars: &Vars, check: impl Fn(&str, &Value) -> Option<String>) -> Vec<String> {
    let one = |(pointer, value): (&String, &Value)| match vars::value(value, vars) {
        Ok(value) => check(pointer, &value),
        Err(line) => Some(line),
    };
    wanted.iter().filter_map(one).collect()
}

fn elements(wanted: &BTreeMap<String, Vec<Value>>, there: bool, body: &Value, vars: &Vars) -> Vec<String> {
    let mut wrong = Vec::new();
    for (pointer, parts) in wanted {
        let array = body.pointer(pointer).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        for part in parts {
            match vars::value(part, vars) {
                Ok(part) if array.iter().any(|element| covers(element, &part)) != there => {
                    let word = if there { "an element" } else { "no element" };
                    wrong.push(format!(
                        "{pointer}: {word} with {part} was expected in {}",
                        shown(body.pointer(pointer))
                    ));
                }
                Ok(_) => {}
                Err(line) => wrong.push(line),
            }
        }
    }
    wrong
}

/// Whether a value has all the parts of another.
fn covers(value: &Value, part: &Value) -> bool {
    match (value, part) {
        (Value::Object(value), Value::Object(part)) => {
            part.iter().all(|(key, part)| value.get(key).is_some_and(|value| covers(value, part)))
        }
        _ => value == part,
    }
}

fn shown(value: Option<&Value>) -> String {
    let text = value.map_or_else(|| "nothing".to_owned(), Value::to_string);
    if text.len() <= 400 { text } else { format!("{}...", text.chars().take(400).collect::<String>()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(expect: Value, wrong: usize) {
        let expect: Expect = serde_json::from_value(expect).expect("expectations");
        let body = json!({"a": 1, "list": [{"value": "x", "type": "work"}, {"value": "y"}]});
        let found = resource(&expect, &body, &Vars::from([("v".to_owned(), "x".to_owned())]));
        assert_eq!(found.len(), wrong, "{found:?}");
    }

    #[test]
    fn expectations_are_held() {
        check(
            json!({"json": {"/a": 1, "/list/0/value": "{{v}}"}, "absent": ["/b"], "present": ["/a"], "size": {"/list": 2, "/none": 0}}),
            0,
        );
        check(json!({"json": {"/a": 2}, "absent": ["/a"], "present": ["/b"], "size": {"/list": 1}}), 4);
        check(json!({"has": {"/list": [{"value": "{{v}}"}]}, "lacks": {"/list": [{"value": "z"}]}}), 0);
        check(json!({"has": {"/list": [{"value": "y", "type": "work"}]}, "lacks": {"/list": [{"value": "y"}]}}), 2);
        check(json!({"differs": {"/a": 2}}), 0);
        check(json!({"differs": {"/a": 1}}), 1);
        check(json!({"json": {"/a": "{{unknown}}"}}), 1);
    }
}
