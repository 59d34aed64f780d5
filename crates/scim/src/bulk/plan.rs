//! The order of a bulk request (RFC 7644 sections 3.7, 3.7.1 and 3.7.2): references between operations.

use super::request::{BulkOperation, Method, Refused};
use crate::error::{Code, Error};
use crate::resource::shown;
use serde_json::Value;
use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

/// What a reference starts with.
const PREFIX: &str = "bulkId:";

/// The groups in which to run the operations, as positions in `operations`. A group of several is a cycle of POSTs:
/// their ids must be known before the first of them runs. An operation comes after the POSTs it refers to and after
/// earlier operations on the same resource; beyond that the order of the request is kept. Refused operations keep
/// their place, because they count as failures.
#[must_use]
pub fn order(operations: &[Result<BulkOperation, Refused>]) -> Vec<Vec<usize>> {
    let before = prerequisites(operations);
    let components = strong_components(&before);
    let mut component_of = vec![0; operations.len()];
    for (number, component) in components.iter().enumerate() {
        for &position in component {
            component_of[position] = number;
        }
    }
    let mut waiting = vec![0_usize; components.len()];
    let mut followers = vec![Vec::new(); components.len()];
    for (position, needed) in before.iter().enumerate() {
        for &other in needed {
            let (from, to) = (component_of[other], component_of[position]);
            if from != to {
                followers[from].push(to);
                waiting[to] += 1;
            }
        }
    }
    // The component with the earliest operation goes first among those that can run.
    let mut ready: BinaryHeap<_> = (0..components.len())
        .filter(|&number| waiting[number] == 0)
        .map(|number| Reverse((components[number][0], number)))
        .collect();
    let mut groups = Vec::with_capacity(components.len());
    while let Some(Reverse((_, number))) = ready.pop() {
        groups.push(components[number].clone());
        for &follower in &followers[number] {
            waiting[follower] -= 1;
            if waiting[follower] == 0 {
                ready.push(Reverse((components[follower][0], follower)));
            }
        }
    }
    groups
}

/// For every operation, the positions that must run before it.
fn prerequisites(operations: &[Result<BulkOperation, Refused>]) -> Vec<Vec<usize>> {
    let mut creators = HashMap::new();
    for (position, operation) in operations.iter().enumerate() {
        if let Ok(BulkOperation { method: Method::Post, bulk_id: Some(bulk_id), .. }) = operation {
            creators.entry(bulk_id.as_str()).or_insert(position);
        }
    }
    let mut last_on_resource: HashMap<(&str, &str), usize> = HashMap::new();
    let mut before = Vec::with_capacity(operations.len());
    for (position, operation) in operations.iter().enumerate() {
        let mut needed = Vec::new();
        if let Ok(operation) = operation {
            visit(operation, &mut |name| needed.extend(creators.get(name).copied()));
            if let Some(id) = &operation.id {
                needed.extend(last_on_resource.insert((&operation.endpoint, id), position));
            }
        }
        needed.sort_unstable();
        needed.dedup();
        before.push(needed);
    }
    before
}

/// The strongly connected components of the graph, each sorted (Tarjan, without recursion: a chain may be as long as
/// the request).
fn strong_components(edges: &[Vec<usize>]) -> Vec<Vec<usize>> {
    const UNSEEN: usize = usize::MAX;
    let count = edges.len();
    let (mut number, mut low) = (vec![UNSEEN; count], vec![0; count]);
    let (mut on_stack, mut stack) = (vec![false; count], Vec::new());
    let mut components = Vec::new();
    let mut next = 0;
    for root in 0..count {
        if number[root] != UNSEEN {
            continue;
        }
        let mut calls = vec![(root, 0)];
        while let Some((node, edge)) = calls.pop() {
            if edge == 0 {
                (number[node], low[node]) = (next, next);
                next += 1;
                stack.push(node);
                on_stack[node] = true;
            } else {
                // Back from the successor visited last.
                low[node] = low[node].min(low[edges[node][edge - 1]]);
            }
            let mut edge = edge;
            let mut descend = None;
            while let Some(&successor) = edges[node].get(edge) {
                edge += 1;
                if number[successor] == UNSEEN {
                    descend = Some(successor);
                    break;
                }
                if on_stack[successor] {
                    low[node] = low[node].min(number[successor]);
                }
            }
            if let Some(successor) = descend {
                calls.push((node, edge));
                calls.push((successor, 0));
            } else if low[node] == number[node] {
                let start = stack.iter().rposition(|&member| member == node).unwrap_or(0);
                let mut component = stack.split_off(start);
                component.iter().for_each(|&member| on_stack[member] = false);
                component.sort_unstable();
                components.push(component);
            }
        }
    }
    components
}

/// The names of the operations this one refers to, in order, each once.
#[must_use]
pub fn references(operation: &BulkOperation) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    visit(operation, &mut |name| {
        if seen.insert(name.to_owned()) {
            names.push(name.to_owned());
        }
    });
    names
}

fn visit(operation: &BulkOperation, found: &mut dyn FnMut(&str)) {
    if let Some(name) = operation.id.as_deref().and_then(reference) {
        found(name);
    }
    visit_value(&operation.data, found);
    if operation.method == Method::Patch {
        for path in patch_paths(&operation.data) {
            for (_, name) in quoted_references(path) {
                found(&name);
            }
        }
    }
}

fn visit_value(value: &Value, found: &mut dyn FnMut(&str)) {
    match value {
        Value::String(text) => reference(text).into_iter().for_each(found),
        Value::Array(items) => items.iter().for_each(|item| visit_value(item, found)),
        Value::Object(object) => object.values().for_each(|item| visit_value(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn reference(text: &str) -> Option<&str> {
    text.strip_prefix(PREFIX).filter(|name| !name.is_empty())
}

/// Puts ids in the place of every reference of the operation: in its path, anywhere in its data, and in the filters
/// of PATCH paths. `id_of` knows the resources created so far; a name it does not know is an error, and the operation
/// must then not run (RFC 7644 section 3.7.2).
pub fn substitute(operation: &mut BulkOperation, id_of: &dyn Fn(&str) -> Option<String>) -> Result<(), Error> {
    let resolve = |name: &str| {
        id_of(name).ok_or_else(|| {
            let detail = format!("\"bulkId:{}\" names no operation of this request that succeeded.", shown(name));
            Error::new(Code::BulkReferenceUnknown, detail)
        })
    };
    if let Some(name) = operation.id.as_deref().and_then(reference) {
        operation.id = Some(resolve(name)?);
    }
    substitute_value(&mut operation.data, &resolve)?;
    if operation.method == Method::Patch {
        for path in patch_paths_mut(&mut operation.data) {
            if let Cow::Owned(replaced) = substitute_path(path, &resolve)? {
                *path = replaced;
            }
        }
    }
    Ok(())
}

fn substitute_value(value: &mut Value, resolve: &dyn Fn(&str) -> Result<String, Error>) -> Result<(), Error> {
    match value {
        Value::String(text) => {
            if let Some(name) = reference(text) {
                *text = resolve(name)?;
            }
            Ok(())
        }
        Value::Array(items) => items.iter_mut().try_for_each(|item| substitute_value(item, resolve)),
        Value::Object(object) => object.values_mut().try_for_each(|item| substitute_value(item, resolve)),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

fn substitute_path<'a>(path: &'a str, resolve: &dyn Fn(&str) -> Result<String, Error>) -> Result<Cow<'a, str>, Error> {
    let found = quoted_references(path);
    if found.is_empty() {
        return Ok(Cow::Borrowed(path));
    }
    let mut text = String::with_capacity(path.len());
    let mut end = 0;
    for (range, name) in found {
        text.push_str(&path[end..range.start]);
        text.push_str(&Value::from(resolve(&name)?).to_string());
        end = range.end;
    }
    text.push_str(&path[end..]);
    Ok(Cow::Owned(text))
}

/// Where JSON strings of the form `"bulkId:x"` stand in a path, quotes included, and their names.
fn quoted_references(path: &str) -> Vec<(std::ops::Range<usize>, String)> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(start) = path[from..].find('"').map(|offset| from + offset) {
        let Some(end) = string_end(path, start) else { break };
        if let Ok(text) = serde_json::from_str::<String>(&path[start..end])
            && let Some(name) = reference(&text)
        {
            found.push((start..end, name.to_owned()));
        }
        from = end;
    }
    found
}

/// The position behind the JSON string that starts at `start`.
fn string_end(path: &str, start: usize) -> Option<usize> {
    let mut escaped = false;
    for (offset, byte) in path.bytes().enumerate().skip(start + 1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(offset + 1),
            _ => {}
        }
    }
    None
}

fn patch_paths(data: &Value) -> impl Iterator<Item = &str> {
    let operations = data.as_object().into_iter().flatten().filter(|(key, _)| key.eq_ignore_ascii_case("Operations"));
    let operations = operations.filter_map(|(_, value)| value.as_array()).flatten().filter_map(Value::as_object);
    operations.flatten().filter(|(key, _)| key.eq_ignore_ascii_case("path")).filter_map(|(_, path)| path.as_str())
}

fn patch_paths_mut(data: &mut Value) -> impl Iterator<Item = &mut String> {
    let operations =
        data.as_object_mut().into_iter().flatten().filter(|(key, _)| key.eq_ignore_ascii_case("Operations"));
    let operations =
        operations.filter_map(|(_, value)| value.as_array_mut()).flatten().filter_map(Value::as_object_mut);
    operations.flatten().filter(|(key, _)| key.eq_ignore_ascii_case("path")).filter_map(|(_, path)| match path {
        Value::String(path) => Some(path),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn operations(list: Value) -> Vec<Result<BulkOperation, Refused>> {
        let schemas = ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"];
        parse(json!({"schemas": schemas, "Operations": list})).expect("sound").operations
    }

    /// A POST of a group with members by reference.
    fn post(bulk_id: &str, members: &[&str]) -> Value {
        let members: Vec<_> = members.iter().map(|name| json!({"value": format!("bulkId:{name}")})).collect();
        json!({"method": "POST", "path": "/Groups", "bulkId": bulk_id, "data": {"members": members}})
    }

    #[test]
    fn orders() {
        let check = |list: Value, expect: &[&[usize]]| assert_eq!(order(&operations(list.clone())), expect, "{list}");
        check(json!([post("a", &[]), post("b", &[])]), &[&[0], &[1]]);
        check(json!([post("a", &["b"]), post("b", &[])]), &[&[1], &[0]]);
        check(json!([post("a", &["c"]), post("b", &[]), post("c", &[])]), &[&[1], &[2], &[0]]);
        check(json!([post("a", &["b"]), post("b", &["a"]), post("c", &[])]), &[&[0, 1], &[2]]);
        check(json!([post("c", &["a"]), post("a", &["b"]), post("b", &["a"])]), &[&[1, 2], &[0]]);
        check(json!([post("a", &["a"])]), &[&[0]]);
        check(json!([post("a", &["nobody"]), post("b", &[])]), &[&[0], &[1]]);
        // A refused operation keeps its place.
        check(json!([{"method": "GET", "path": "/Users/1"}, post("a", &[])]), &[&[0], &[1]]);
        // In a path, in a filter of a PATCH path, in an extension.
        check(json!([{"method": "DELETE", "path": "/Users/bulkId:a"}, post("a", &[])]), &[&[1], &[0]]);
        let patch = |path: &str| json!({"method": "PATCH", "path": "/Groups/1", "data": {"operations": [{"op": "remove", "Path": path}]}});
        check(json!([patch("members[value eq \"bulkId:a\"]"), post("a", &[])]), &[&[1], &[0]]);
        check(json!([patch("members[value eq \"x\"]"), post("a", &[])]), &[&[0], &[1]]);
        let manager =
            json!({"method": "PUT", "path": "/Users/1", "data": {"urn:x": {"manager": {"value": "bulkId:a"}}}});
        check(json!([manager, post("a", &[])]), &[&[1], &[0]]);
        // A reference is the whole string.
        check(json!([patch("see bulkId:a"), post("a", &[])]), &[&[0], &[1]]);
    }

    #[test]
    fn one_resource_keeps_its_order() {
        let patch = |member: &str| {
            let value = json!([{"value": member}]);
            json!({"method": "PATCH", "path": "/Groups/g", "data": {"Operations": [{"op": "add", "path": "members", "value": value}]}})
        };
        let list = json!([patch("bulkId:u"), patch("x"), post("u", &[])]);
        assert_eq!(order(&operations(list)), [[2], [0], [1]]);
    }

    #[test]
    fn substitutions() {
        let check = |operation: Value, expect: Result<Value, &str>| {
            let mut operation = operations(json!([operation])).remove(0).expect("sound");
            let known = |name: &str| match name {
                "a" => Some("id-1".to_owned()),
                "b\"" => Some("id-2".to_owned()),
                _ => None,
            };
            match (substitute(&mut operation, &known), expect) {
                (Ok(()), Ok(expect)) => assert_eq!(json!([operation.id, operation.data]), expect),
                (Err(error), Err(expect)) => assert_eq!(error.code, expect),
                (outcome, expect) => panic!("{outcome:?}, expected {expect:?}"),
            }
        };
        check(json!({"method": "DELETE", "path": "/Users/bulkId:a"}), Ok(json!(["id-1", null])));
        check(json!({"method": "DELETE", "path": "/Users/bulkId:z"}), Err("bulk-reference-unknown"));
        check(
            json!({"method": "PUT", "path": "/Users/7", "data": {"x": ["bulkId:a", {"y": "bulkId:a"}, "bulkId:", "a"]}}),
            Ok(json!(["7", {"x": ["id-1", {"y": "id-1"}, "bulkId:", "a"]}])),
        );
        check(
            json!({"method": "PUT", "path": "/Users/7", "data": {"x": "bulkId:nobody"}}),
            Err("bulk-reference-unknown"),
        );
        check(
            json!({"method": "PATCH", "path": "/Groups/7", "data": {"Operations": [
                {"op": "remove", "path": "members[value eq \"bulkId:a\" or value eq \"bulkId:b\\\"\"]"},
                {"op": "add", "path": "members", "value": {"value": "bulkId:a"}}]}}),
            Ok(json!(["7", {"Operations": [
                {"op": "remove", "path": "members[value eq \"id-1\" or value eq \"id-2\"]"},
                {"op": "add", "path": "members", "value": {"value": "id-1"}}]}])),
        );
        check(
            json!({"method": "PATCH", "path": "/Groups/7", "data": {"Operations": [
                {"op": "remove", "path": "members[value eq \"bulkId:nobody\"]"}]}}),
            Err("bulk-reference-unknown"),
        );
        // An unclosed string is left to the path parser.
        check(
            json!({"method": "PATCH", "path": "/Groups/7", "data": {"Operations": [{"op": "remove", "path": "m[\"bulkId:a"}]}}),
            Ok(json!(["7", {"Operations": [{"op": "remove", "path": "m[\"bulkId:a"}]}])),
        );
    }

    #[test]
    fn a_long_chain_neither_recurses_nor_drags() {
        let count = 1_000;
        let list: Vec<_> = (0..count).map(|i| post(&i.to_string(), &[&(i + 1).to_string()])).collect();
        let groups = order(&operations(Value::Array(list.clone())));
        assert_eq!(groups.concat(), (0..count).rev().collect::<Vec<_>>());
        let mut cycle = list;
        cycle[count - 1] = post(&(count - 1).to_string(), &["0"]);
        assert_eq!(order(&operations(Value::Array(cycle))), [(0..count).collect::<Vec<_>>()]);
    }

    proptest! {
        #[test]
        fn references_come_first(edges in prop::collection::vec(prop::collection::vec(0_usize..12, 0..4), 1..12)) {
            let count = edges.len();
            let named = |i: &usize| (i % count).to_string();
            let list = edges.iter().enumerate().map(|(i, to)| {
                let names: Vec<_> = to.iter().map(named).collect();
                post(&i.to_string(), &names.iter().map(String::as_str).collect::<Vec<_>>())
            });
            let groups = order(&operations(list.collect()));
            let mut everything = groups.concat();
            everything.sort_unstable();
            prop_assert_eq!(everything, (0..count).collect::<Vec<_>>());
            // What an operation can reach, by brute force.
            let reach: Vec<Vec<bool>> = (0..count).map(|start| {
                let mut reached = vec![false; count];
                let mut open = vec![start];
                while let Some(at) = open.pop() {
                    open.extend(edges[at].iter().map(|to| to % count).filter(|&to| !std::mem::replace(&mut reached[to], true)));
                }
                reached
            }).collect();
            let group_of = |i| groups.iter().position(|group| group.contains(&i));
            for (i, reached) in reach.iter().enumerate() {
                for (j, _) in reached.iter().enumerate().filter(|(j, reached)| **reached && *j != i) {
                    prop_assert_eq!(group_of(i) == group_of(j), reach[j][i]);
                    prop_assert!(group_of(j) <= group_of(i));
                }
            }
        }
    }
}
