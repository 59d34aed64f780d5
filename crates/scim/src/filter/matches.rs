//! Evaluates a resolved filter on a resource in memory: the reference for every other way to run a filter.
//!
//! The rules, for whoever compiles filters to another language:
//! * The *values* of a path are what is found there, arrays taken apart, `null` left out. A key that is missing gives
//!   no value.
//! * A comparison other than `ne` holds if it holds for one value. `ne` holds if there is no value or one value is not
//!   equal; for a single-valued attribute that is the opposite of `eq`.
//! * A value of another JSON type than the operand's is equal to nothing, in no order, and contains nothing.
//! * [`Operand::Folded`] is compared with the [`match_key`] of the value, [`Operand::Exact`] with the value; both are
//!   ordered by code point. `co`, `sw` and `ew` with an empty text hold for every text.
//! * [`Operand::Instant`] is compared with the instant a text names. Integers are compared exactly with integers, any
//!   other pair of numbers as doubles.
//! * [`Filter::Present`] holds if one value is not empty: not `""`, `{}` or `[]`.
//! * Inside [`Filter::Values`] a path begins at one element of the array (or at the one complex value): a target
//!   without sub-attribute is the element itself.

use super::{CompareOp, Filter, Operand, Resolved};
use crate::Object;
use crate::keys::instant_micros;
use crate::schema::Target;
use crate::text::match_key;
use serde_json::{Number, Value};
use std::cmp::Ordering;

/// Whether a resource satisfies a filter. The resource is complete (`id`, `meta`, `groups`, `members`) and its keys
/// are in the spelling of the schema.
#[must_use]
pub fn matches(filter: &Resolved, resource: &Object) -> bool {
    holds(filter, Place::Resource(resource))
}

/// Whether one value of an attribute satisfies the filter that stood in square brackets behind it.
#[must_use]
pub fn matches_value(filter: &Resolved, value: &Value) -> bool {
    holds(filter, Place::Value(value))
}

#[derive(Clone, Copy)]
enum Place<'a> {
    Resource(&'a Object),
    Value(&'a Value),
}

fn holds(filter: &Resolved, place: Place<'_>) -> bool {
    match filter {
        Filter::And(parts) => parts.iter().all(|part| holds(part, place)),
        Filter::Or(parts) => parts.iter().any(|part| holds(part, place)),
        Filter::Not(inner) => !holds(inner, place),
        Filter::Constant(value) => *value,
        Filter::Present(target) => is_present(target, place),
        Filter::Compare(target, CompareOp::Eq, Operand::Null) => !is_present(target, place),
        Filter::Compare(target, CompareOp::Ne, Operand::Null) => is_present(target, place),
        Filter::Compare(target, CompareOp::Ne, operand) => {
            let mut none = true;
            let differs = any(target, place, &mut |value| {
                none = false;
                order(value, operand) != Some(Ordering::Equal)
            });
            none || differs
        }
        Filter::Compare(target, op, operand) => any(target, place, &mut |value| compare(value, *op, operand)),
        Filter::Values(target, inner) => any(target, place, &mut |value| holds(inner, Place::Value(value))),
    }
}

fn is_present(target: &Target, place: Place<'_>) -> bool {
    any(target, place, &mut |value| match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(values) => !values.is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    })
}

/// Whether a value at the target passes the test.
fn any(target: &Target, place: Place<'_>, test: &mut dyn FnMut(&Value) -> bool) -> bool {
    let value = match place {
        Place::Value(value) => Some(value),
        Place::Resource(resource) => match &target.extension {
            Some(urn) => resource.get(&**urn).and_then(|extension| extension.get(&target.attribute.name)),
            None => resource.get(&target.attribute.name),
        },
    };
    let Some(sub) = &target.sub else {
        return elements(value).any(test);
    };
    elements(value).filter_map(|element| element.get(&sub.name)).any(|value| elements(Some(value)).any(&mut *test))
}

/// The values of an attribute: those of an array, or the one there is.
fn elements(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    let values = match value {
        Some(Value::Array(values)) => values.as_slice(),
        Some(value) => std::slice::from_ref(value),
        None => &[],
    };
    values.iter().filter(|value| !value.is_null())
}

fn compare(value: &Value, op: CompareOp, operand: &Operand) -> bool {
    match op {
        CompareOp::Co => text_holds(value, operand, |text, part| text.contains(part)),
        CompareOp::Ew => text_holds(value, operand, |text, part| text.ends_with(part)),
        CompareOp::Sw => text_holds(value, operand, |text, part| text.starts_with(part)),
        CompareOp::Eq => order(value, operand).is_some_and(Ordering::is_eq),
        CompareOp::Ne => !order(value, operand).is_some_and(Ordering::is_eq),
        CompareOp::Ge => order(value, operand).is_some_and(Ordering::is_ge),
        CompareOp::Gt => order(value, operand).is_some_and(Ordering::is_gt),
        CompareOp::Le => order(value, operand).is_some_and(Ordering::is_le),
        CompareOp::Lt => order(value, operand).is_some_and(Ordering::is_lt),
    }
}

fn text_holds(value: &Value, operand: &Operand, test: impl Fn(&str, &str) -> bool) -> bool {
    match (value, operand) {
        (Value::String(text), Operand::Exact(part)) => test(text, part),
        (Value::String(text), Operand::Folded(part)) => test(&match_key(text), part),
        _ => false,
    }
}

/// How the value stands to the operand; `None` if they have no order.
fn order(value: &Value, operand: &Operand) -> Option<Ordering> {
    match (value, operand) {
        (Value::Bool(value), Operand::Boolean(operand)) => Some(value.cmp(operand)),
        (Value::String(text), Operand::Exact(operand)) => Some(text.as_str().cmp(operand)),
        (Value::String(text), Operand::Folded(operand)) => Some((*match_key(text)).cmp(operand)),
        (Value::String(text), Operand::Instant(operand)) => Some(instant_micros(text)?.cmp(operand)),
        (Value::Number(number), Operand::Decimal(operand)) => number.as_f64()?.partial_cmp(operand),
        (Value::Number(number), Operand::Integer(operand)) => order_integer(number, *operand),
        _ => None,
    }
}

#[expect(clippy::cast_precision_loss, reason = "a fraction is compared as a double, as documented")]
fn order_integer(number: &Number, operand: i64) -> Option<Ordering> {
    match number.as_i64() {
        Some(integer) => Some(integer.cmp(&operand)),
        None => number.as_f64()?.partial_cmp(&(operand as f64)),
    }
}

#[cfg(test)]
mod tests;
