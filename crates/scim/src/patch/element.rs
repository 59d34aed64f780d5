//! The values that a path chooses among many: by a value filter, or all of them.

use super::append::{limit, merge};
use super::apply::whole;
use super::{Op, Step, repair};
use crate::Object;
use crate::error::{Code, Error};
use crate::filter::{Resolved, matches_value};
use crate::quirks::{Quirks, Repairs};
use crate::schema::{Attribute, Mutability};
use serde_json::Value;

/// Changes the chosen values of a multi-valued attribute, or their sub-attribute.
pub(super) fn change_elements(
    container: &mut Object,
    attribute: &Attribute,
    filter: Option<&Resolved>,
    sub: Option<&Attribute>,
    step: &Step,
    quirks: Quirks,
    repairs: &mut Repairs,
) -> Result<(), Error> {
    let mut list = match container.get_mut(&attribute.name) {
        Some(Value::Array(items)) => std::mem::take(items),
        _ => Vec::new(),
    };
    let chosen: Vec<bool> =
        list.iter().map(|element| filter.is_none_or(|filter| matches_value(filter, element))).collect();
    if chosen.contains(&true) {
        change_chosen(&mut list, &chosen, attribute, sub, step)?;
        end_other_primacy(&mut list, &chosen, sub, step);
    } else if let Some(value) = &step.value
        && step.op != Op::Remove
    {
        create(&mut list, attribute, filter, sub, value, step, quirks, repairs)?;
    }
    if list.is_empty() {
        container.shift_remove(&attribute.name);
    } else {
        container.insert(attribute.name.clone(), Value::Array(list));
    }
    Ok(())
}

fn change_chosen(
    list: &mut Vec<Value>,
    chosen: &[bool],
    attribute: &Attribute,
    sub: Option<&Attribute>,
    step: &Step,
) -> Result<(), Error> {
    let clears = step.op == Op::Remove || step.value.is_none();
    for element in list.iter_mut().zip(chosen).filter_map(|(element, chosen)| chosen.then_some(element)) {
        match (sub, element, &step.value) {
            (None, element, _) if clears => *element = Value::Null,
            (Some(sub), Value::Object(object), value) => {
                let before = object.get(&sub.name).cloned();
                whole(object, sub, step.op, value.as_ref())?;
                guard_immutable(sub, before.as_ref(), object.get(&sub.name))?;
                if clears && object.is_empty() {
                    *object = Object::new();
                }
            }
            (None, element, Some(value)) if step.op == Op::Add => merge(attribute, element, value)?,
            (None, element, Some(value)) => *element = replacement(attribute, element, value, step)?,
            _ => {}
        }
    }
    if clears {
        list.retain(|element| !element.is_null() && element.as_object().is_none_or(|object| !object.is_empty()));
    }
    Ok(())
}

/// The value that takes the place of a chosen one (RFC 7644 section 3.5.2.3). What the filter says of it stays true
/// unless the new value says otherwise, so that the same path finds it again.
fn replacement(attribute: &Attribute, before: &Value, value: &Value, step: &Step) -> Result<Value, Error> {
    let mut after = value.clone();
    if let (Value::Object(after), Some(entry)) = (&mut after, &step.entry) {
        for (name, value) in entry {
            if !after.contains_key(name) {
                after.insert(name.clone(), value.clone());
            }
        }
    }
    for sub in &attribute.sub_attributes {
        guard_immutable(sub, before.get(&sub.name), after.get(&sub.name))?;
    }
    Ok(after)
}

/// Creates the value that a filter without a match describes; without a filter, one with the sub-attribute alone.
#[expect(clippy::too_many_arguments, reason = "the parts of one step, taken apart by the caller")]
fn create(
    list: &mut Vec<Value>,
    attribute: &Attribute,
    filter: Option<&Resolved>,
    sub: Option<&Attribute>,
    value: &Value,
    step: &Step,
    quirks: Quirks,
    repairs: &mut Repairs,
) -> Result<(), Error> {
    let mut entry = match filter {
        Some(_) => repair::filter_creates(step.entry.as_ref(), &step.place, quirks, repairs)?,
        None => Object::new(),
    };
    if limit(attribute).is_some_and(|limit| list.len() >= limit) {
        return Err(Error::new(Code::ValueInvalid, format!("The attribute {} holds too many values.", attribute.name)));
    }
    match (sub, value) {
        (Some(sub), value) => drop(entry.insert(sub.name.clone(), value.clone())),
        (None, Value::Object(value)) => entry.extend(value.iter().map(|(name, value)| (name.clone(), value.clone()))),
        (None, _) => {
            return Err(Error::new(Code::PatchNoTarget, format!("{} matches no value.", step.place)));
        }
    }
    let created = Value::Object(entry);
    if is_primary(&created) {
        list.iter_mut().for_each(|other| set_primary(other, false));
    }
    list.push(created);
    Ok(())
}

/// A value that this step made primary ends the primacy of those it did not choose (RFC 7644 section 3.5.2).
fn end_other_primacy(list: &mut [Value], chosen: &[bool], sub: Option<&Attribute>, step: &Step) {
    let made_primary = step.op != Op::Remove
        && match (sub, &step.value) {
            (Some(sub), Some(value)) => sub.name == "primary" && *value == Value::Bool(true),
            (None, Some(value)) => is_primary(value),
            _ => false,
        };
    if made_primary {
        let others = list.iter_mut().zip(chosen).filter(|(_, chosen)| !**chosen);
        others.for_each(|(other, _)| set_primary(other, false));
    }
}

/// Whether the value is the primary one of its attribute.
pub(super) fn is_primary(value: &Value) -> bool {
    value.get("primary") == Some(&Value::Bool(true))
}

/// Changes the mark of a value that has one.
pub(super) fn set_primary(value: &mut Value, primary: bool) {
    if let Some(mark @ Value::Bool(_)) = value.get_mut("primary") {
        *mark = Value::Bool(primary);
    }
}

/// An immutable attribute keeps the value it has (RFC 7643 section 7); one without a value may get one.
pub(super) fn guard_immutable(
    attribute: &Attribute,
    before: Option<&Value>,
    after: Option<&Value>,
) -> Result<(), Error> {
    if attribute.mutability == Mutability::Immutable && before.is_some() && before != after {
        let detail = format!("The attribute {} is immutable and has a value already.", attribute.name);
        return Err(Error::new(Code::ImmutableAttribute, detail));
    }
    Ok(())
}
