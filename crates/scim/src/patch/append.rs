//! Lists of values: adding without repeating, removing what is named, comparing without regard to order.
//!
//! Two values are the same one if they have the same `value` and `type` (RFC 7643 section 2.4), or, where an attribute
//! has no `value`, if all of their sub-attributes are equal. Keys make every operation linear.

use super::element::{guard_immutable, is_primary, set_primary};
use crate::error::{Code, Error};
use crate::limits::VALUES;
use crate::schema::Attribute;
use crate::text::match_key;
use serde_json::Value;
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

/// Adds values to a list (RFC 7644 section 3.5.2.1). One that is there already is not repeated: what it says beyond the
/// present one is merged. A primary value ends the primacy of the others.
pub(super) fn append<'a>(
    list: &mut Vec<Value>,
    attribute: &Attribute,
    values: impl Iterator<Item = &'a Value>,
    limit: Option<usize>,
) -> Result<(), Error> {
    let mut known: HashMap<String, usize> = HashMap::with_capacity(list.len());
    for (position, element) in list.iter().enumerate() {
        known.entry(identity(attribute, element)).or_insert(position);
    }
    let mut primary: Vec<usize> =
        list.iter().enumerate().filter(|(_, value)| is_primary(value)).map(|(at, _)| at).collect();
    for value in values {
        let next = list.len();
        let position = *known.entry(identity(attribute, value)).or_insert(next);
        if position == next {
            if limit.is_some_and(|limit| next >= limit) {
                return Err(too_many(attribute));
            }
            list.push(value.clone());
        } else {
            merge(attribute, &mut list[position], value)?;
        }
        if is_primary(value) {
            primary.drain(..).filter(|other| *other != position).for_each(|other| set_primary(&mut list[other], false));
            primary.push(position);
        }
    }
    Ok(())
}

/// The most values a list may hold; a group's members are limited by the size of a request only.
pub(super) fn limit(attribute: &Attribute) -> Option<usize> {
    (attribute.name != "members").then_some(VALUES)
}

fn too_many(attribute: &Attribute) -> Error {
    Error::new(Code::ValueInvalid, format!("The attribute {} may hold at most {VALUES} values.", attribute.name))
}

/// Sets the sub-attributes that `value` names, unless they are equal in the schema's eyes; null clears.
pub(super) fn merge(attribute: &Attribute, element: &mut Value, value: &Value) -> Result<(), Error> {
    let (Value::Object(present), Value::Object(wanted)) = (&mut *element, value) else {
        if !same_text(attribute, element, value) {
            *element = value.clone();
        }
        return Ok(());
    };
    for (name, wanted) in wanted {
        let sub = attribute.sub(name);
        let same = match (present.get(name), sub) {
            (Some(present), Some(sub)) => same_text(sub, present, wanted),
            (None, _) if wanted.is_null() => true,
            (present, _) => present == Some(wanted),
        };
        if !same {
            if let Some(sub) = sub {
                guard_immutable(sub, present.get(name), Some(wanted))?;
            }
            match wanted {
                Value::Null => drop(present.shift_remove(name)),
                wanted => drop(present.insert(name.clone(), wanted.clone())),
            }
        }
    }
    Ok(())
}

fn same_text(attribute: &Attribute, left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::String(left), Value::String(right)) if attribute.folds_case() => match_key(left) == match_key(right),
        (left, right) => left == right,
    }
}

/// Removes the values that are named: by `value`, and `type` where it is given, else by all that is given.
pub(super) fn remove_listed(list: &mut Vec<Value>, attribute: &Attribute, listed: &[Value]) {
    let value = attribute.sub("value");
    let (mut ids, mut typed, mut others) = (HashSet::new(), HashSet::new(), Vec::new());
    for wanted in listed {
        match (value, wanted.get("value"), wanted.get("type")) {
            (Some(sub), Some(Value::String(id)), None) => drop(ids.insert(compared(sub, id).into_owned())),
            (Some(_), Some(Value::String(_)), Some(_)) => drop(typed.insert(identity(attribute, wanted))),
            _ if !wanted.is_object() => drop(typed.insert(identity(attribute, wanted))),
            _ => others.push(wanted),
        }
    }
    list.retain(|element| {
        let id = value.zip(element.get("value").and_then(Value::as_str));
        let named = id.is_some_and(|(sub, id)| ids.contains(&*compared(sub, id)));
        let exact = !typed.is_empty() && typed.contains(&identity(attribute, element));
        !named && !exact && !others.iter().any(|wanted| says_all_of(attribute, element, wanted))
    });
}

/// Whether the element has every sub-attribute of `wanted` with an equal value.
fn says_all_of(attribute: &Attribute, element: &Value, wanted: &Value) -> bool {
    wanted.as_object().is_some_and(|wanted| {
        wanted.iter().all(|(name, wanted)| match (element.get(name), attribute.sub(name)) {
            (Some(present), Some(sub)) => same_text(sub, present, wanted),
            (present, _) => present == Some(wanted),
        })
    })
}

/// Whether two lists hold the same values in any order: a replacement that changes nothing must not look like a change.
pub(super) fn same_values(left: &[Value], right: &[Value]) -> bool {
    if left.len() != right.len() {
        return false;
    }
    if left == right {
        return true;
    }
    let mut counts: HashMap<String, usize> = HashMap::with_capacity(left.len());
    left.iter().for_each(|value| *counts.entry(exact_key(value)).or_default() += 1);
    right.iter().all(|value| match counts.get_mut(&exact_key(value)) {
        Some(count) if *count > 0 => {
            *count -= 1;
            true
        }
        _ => false,
    })
}

/// What makes a value the same one.
fn identity(attribute: &Attribute, element: &Value) -> String {
    let object = match element {
        Value::Object(object) => object,
        Value::String(text) => return compared(attribute, text).into_owned(),
        other => return other.to_string(),
    };
    let of = |name: &str| match (attribute.sub(name), object.get(name)) {
        (Some(sub), Some(Value::String(text))) => Some(compared(sub, text)),
        _ => None,
    };
    match of("value") {
        // A zero byte is in no value, so that the parts cannot run into each other.
        Some(value) => format!("{value}\0{}", of("type").unwrap_or_default()),
        None => {
            let mut parts: Vec<_> = object
                .iter()
                .map(|(name, value)| match (attribute.sub(name), value) {
                    (Some(sub), Value::String(text)) => format!("{name}\0{}", compared(sub, text)),
                    (_, value) => format!("{name}\0{}", exact_key(value)),
                })
                .collect();
            parts.sort_unstable();
            format!("\0{}", parts.join("\0"))
        }
    }
}

fn compared<'a>(attribute: &Attribute, text: &'a str) -> Cow<'a, str> {
    match attribute.folds_case() {
        true => match_key(text),
        false => Cow::Borrowed(text),
    }
}

/// The text of a value with its keys sorted.
fn exact_key(value: &Value) -> String {
    match value {
        Value::Object(object) => {
            let mut parts: Vec<_> = object.iter().map(|(name, value)| (name, value.to_string())).collect();
            parts.sort_unstable();
            parts.into_iter().map(|(name, value)| format!("{name}\0{value}\0")).collect()
        }
        simple => simple.to_string(),
    }
}
