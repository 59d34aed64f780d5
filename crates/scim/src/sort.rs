//! Sorting (RFC 7644 section 3.4.2.3).

use crate::schema::{Attribute, Registry, ResourceType, Target, Type};
use crate::text::match_key;
use crate::{Code, Error, Object, keys};
use serde_json::Value;
use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::Arc;

/// What a query is sorted by.
#[derive(Clone, Debug, PartialEq)]
pub struct Sort {
    /// The attribute; its leaf is never complex.
    pub target: Target,
    /// Whether the greatest comes first.
    pub descending: bool,
}

/// Understands `sortBy`: a complex attribute means its `value`.
///
/// # Errors
/// [`Code::SortInvalid`] for an unknown or secret attribute, and for a complex one without `value`.
pub fn resolve(
    registry: &Registry,
    resource_type: &ResourceType,
    sort_by: &str,
    descending: bool,
) -> Result<Sort, Error> {
    let refused = |why: &str| {
        let sort_by = crate::resource::shown(sort_by);
        Error::new(Code::SortInvalid, format!("sortBy {sort_by:?} {why}."))
    };
    let mut target = registry
        .resolve(resource_type, sort_by.trim())
        .ok_or_else(|| refused(&format!("names no attribute of {}", resource_type.name)))?;
    if target.attribute.is_secret() || target.leaf().is_secret() {
        return Err(refused("names an attribute that cannot be sorted by"));
    }
    if target.leaf().kind == Type::Complex {
        let value = target.attribute.sub("value").map(Arc::clone);
        target.sub = Some(value.ok_or_else(|| refused("needs a sub-attribute"))?);
    }
    Ok(Sort { target, descending })
}

/// The order of two resources: by the attribute's type and caseExact, text by code point; of several values the primary
/// one counts, else the first. No value comes last, or first when descending.
#[must_use]
pub fn compare(sort: &Sort, a: &Object, b: &Object) -> Ordering {
    let order = match (key(&sort.target, a), key(&sort.target, b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        (a, b) => a.is_none().cmp(&b.is_none()),
    };
    if sort.descending { order.reverse() } else { order }
}

#[derive(PartialEq, Debug)]
enum Key<'a> {
    Boolean(bool),
    Decimal(f64),
    Integer(i64),
    Text(Cow<'a, str>),
}

impl Key<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Key::Boolean(a), Key::Boolean(b)) => a.cmp(b),
            (Key::Decimal(a), Key::Decimal(b)) => a.total_cmp(b),
            (Key::Integer(a), Key::Integer(b)) => a.cmp(b),
            (Key::Text(a), Key::Text(b)) => a.cmp(b),
            // Keys of one attribute are of one kind.
            _ => Ordering::Equal,
        }
    }
}

fn key<'a>(target: &Target, resource: &'a Object) -> Option<Key<'a>> {
    let data = match &target.extension {
        Some(urn) => resource.get(&**urn)?.as_object()?,
        None => resource,
    };
    let value = one_of(data.get(&target.attribute.name)?)?;
    match &target.sub {
        Some(sub) => key_of(sub, one_of(value.get(&sub.name)?)?),
        None => key_of(&target.attribute, value),
    }
}

fn one_of(value: &Value) -> Option<&Value> {
    let Value::Array(values) = value else { return Some(value) };
    let primary = values.iter().find(|value| value.get("primary") == Some(&Value::Bool(true)));
    primary.or_else(|| values.first())
}

fn key_of<'a>(attribute: &Attribute, value: &'a Value) -> Option<Key<'a>> {
    match attribute.kind {
        Type::Boolean => value.as_bool().map(Key::Boolean),
        Type::Complex => None,
        Type::DateTime => value.as_str().and_then(keys::instant_micros).map(Key::Integer),
        Type::Decimal => value.as_f64().map(Key::Decimal),
        Type::Integer => value.as_i64().map(Key::Integer),
        Type::String if attribute.folds_case() => value.as_str().map(|text| Key::Text(match_key(text))),
        Type::Binary | Type::Reference | Type::String => value.as_str().map(|text| Key::Text(Cow::Borrowed(text))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::ENTERPRISE_USER;
    use serde_json::json;

    #[test]
    fn what_can_be_sorted_by() {
        let registry = Registry::standard();
        let check = |sort_by: &str, expect: Option<&str>| {
            let sort = resolve(&registry, registry.user(), sort_by, false);
            assert_eq!(sort.as_ref().ok().map(|sort| sort.target.to_string()).as_deref(), expect, "{sort_by}");
            assert!(sort.is_ok() || sort.is_err_and(|error| error.code == "sort-invalid"));
        };
        check("username", Some("userName"));
        check("emails", Some("emails.value"));
        check("emails.type", Some("emails.type"));
        check("meta.created", Some("meta.created"));
        check("id", Some("id"));
        let manager = format!("{ENTERPRISE_USER}:manager");
        check(&manager, Some(&format!("{manager}.value")));
        for bad in
            ["name", "addresses", "meta", "password", "PASSWORD", "unheard", "", "emails[0]", "a b", ENTERPRISE_USER]
        {
            check(bad, None);
        }
    }

    #[test]
    fn resources_come_in_order() {
        let schema = json!({"id": "urn:example:X", "attributes": [{"name": "code", "caseExact": true},
            {"name": "count", "type": "integer"}, {"name": "ratio", "type": "decimal"},
            {"name": "when", "type": "dateTime"}]});
        let registry = Registry::with_extensions(&[schema]).unwrap();
        let check = |sort_by: &str, values: &[Value]| {
            let resources: Vec<Object> = values.iter().map(|value| value.as_object().unwrap().clone()).collect();
            let ids = |list: &[Object]| list.iter().map(|it| it["id"].clone()).collect::<Vec<Value>>();
            for descending in [false, true] {
                let sort = resolve(&registry, registry.user(), sort_by, descending).unwrap();
                let mut expect = resources.clone();
                if descending {
                    expect.reverse();
                }
                let mut sorted = resources.clone();
                sorted.rotate_left(1);
                sorted.sort_by(|a, b| compare(&sort, a, b));
                assert_eq!(ids(&sorted), ids(&expect), "{sort_by} descending={descending}");
            }
        };
        let user = |id: u32, key: &str, value: Value| json!({"id": id.to_string(), key: value});
        check(
            "userName",
            &[
                user(1, "userName", json!("anna")),
                user(2, "userName", json!("Bob")),
                user(3, "userName", json!("\u{00e9}va")),
                user(4, "x", json!(1)),
            ],
        );
        check("active", &[user(1, "active", json!(false)), user(2, "active", json!(true)), user(3, "x", json!(1))]);
        check(
            "emails",
            &[
                user(1, "emails", json!([{"value": "z"}, {"value": "a", "primary": true}])),
                user(2, "emails", json!([{"value": "b"}, {"value": "a"}])),
                user(3, "emails", json!([{"value": "c", "primary": false}])),
                user(4, "emails", json!([{"type": "work"}])),
            ],
        );
        let x = |id: u32, key: &str, value: Value| user(id, "urn:example:X", json!({key: value}));
        let by = |name: &str| format!("urn:example:X:{name}");
        check(&by("code"), &[x(1, "code", json!("B")), x(2, "code", json!("a"))]);
        check(
            &by("count"),
            &[x(1, "count", json!(-2)), x(2, "count", json!(9)), x(3, "count", json!(10)), x(4, "a", json!(1))],
        );
        check(&by("ratio"), &[x(1, "ratio", json!(-2)), x(2, "ratio", json!(0.5)), x(3, "ratio", json!(1))]);
        check(
            &by("when"),
            &[
                x(1, "when", json!("2026-01-01T01:00:00+02:00")),
                x(2, "when", json!("2026-01-01T00:00:00Z")),
                x(3, "when", json!("2025-12-31T23:00:00-02:00")),
            ],
        );
    }
}
