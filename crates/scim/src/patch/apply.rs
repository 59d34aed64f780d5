//! Carries a plan out on a resource (RFC 7644 sections 3.5.2.1 to 3.5.2.3).

use super::append::{append, limit, merge, remove_listed, same_values};
use super::element::{change_elements, guard_immutable};
use super::{Op, PatchPlan, Step, repair};
use crate::Object;
use crate::error::Error;
use crate::filter::{Resolved, matches_value};
use crate::path::PathTarget;
use crate::quirks::{Quirks, Repairs};
use crate::resource::finish;
use crate::schema::{Attribute, Mutability, Registry, ResourceType, Returned, Target, Type};
use serde_json::Value;

/// Applies the steps in order and checks the outcome. After an error the resource is half changed: hand in a copy.
/// Parts that nothing touches keep their place and spelling, so that a PATCH without effect leaves an equal resource.
pub fn apply(
    registry: &Registry,
    resource_type: &ResourceType,
    plan: &PatchPlan,
    resource: &mut Object,
    quirks: Quirks,
    repairs: &mut Repairs,
) -> Result<(), Error> {
    let mut rest = plan.steps.as_slice();
    while let Some((step, after)) = rest.split_first() {
        rest = match &step.target {
            PathTarget::Extension(urn) => {
                resource.shift_remove(&**urn);
                after
            }
            PathTarget::Attribute { target, .. } if is_never_stored(target) => after,
            PathTarget::Attribute { target, filter } => {
                let run = append_run(target, rest);
                let Some(container) = container(resource, target, run[0].value.is_none()) else {
                    rest = &rest[run.len()..];
                    continue;
                };
                match is_append(step) {
                    true => append_steps(container, &target.attribute, run)?,
                    false => change(container, target, filter.as_ref(), step, quirks, repairs)?,
                }
                &rest[run.len()..]
            }
        };
    }
    finish(registry, resource_type, resource)
}

/// What may be written but never read is not kept: the service signs nobody in with a password.
fn is_never_stored(target: &Target) -> bool {
    let secret =
        |attribute: &Attribute| attribute.mutability == Mutability::WriteOnly && attribute.returned == Returned::Never;
    secret(&target.attribute) || secret(target.leaf())
}

/// The object that holds the attribute: the resource, or the extension's object, which is made when it is needed.
fn container<'a>(resource: &'a mut Object, target: &Target, clears: bool) -> Option<&'a mut Object> {
    let Some(urn) = &target.extension else { return Some(resource) };
    if !resource.contains_key(&**urn) {
        if clears {
            return None;
        }
        resource.insert(urn.to_string(), Value::Object(Object::new()));
    }
    resource.get_mut(&**urn).and_then(Value::as_object_mut)
}

/// Whether the step adds whole values to a multi-valued attribute.
fn is_append(step: &Step) -> bool {
    match &step.target {
        PathTarget::Attribute { target, filter: None } => {
            step.op == Op::Add && target.sub.is_none() && target.attribute.multi_valued
        }
        _ => false,
    }
}

/// The first step together with those that add to the same attribute right after it: two thousand operations that add
/// one value each must cost no more than one that adds two thousand. Never empty.
fn append_run<'a>(target: &Target, steps: &'a [Step]) -> &'a [Step] {
    let continues = |step: &&Step| {
        is_append(step) && matches!(&step.target, PathTarget::Attribute { target: other, .. } if other == target)
    };
    let count = steps.iter().take_while(continues).count();
    &steps[..count.max(1)]
}

fn append_steps(container: &mut Object, attribute: &Attribute, run: &[Step]) -> Result<(), Error> {
    let before = immutable_before(container, attribute);
    let values = run.iter().filter_map(|step| step.value.as_ref()?.as_array()).flatten();
    let slot = container.entry(attribute.name.clone()).or_insert_with(|| Value::Array(Vec::new()));
    if let Value::Array(list) = slot {
        append(list, attribute, values, limit(attribute))?;
    }
    guard_immutable(attribute, before.as_ref(), container.get(&attribute.name))
}

fn change(
    container: &mut Object,
    target: &Target,
    filter: Option<&Resolved>,
    step: &Step,
    quirks: Quirks,
    repairs: &mut Repairs,
) -> Result<(), Error> {
    let attribute = &*target.attribute;
    let before = immutable_before(container, attribute);
    if filter.is_none() && target.sub.is_none() {
        whole(container, attribute, step.op, step.value.as_ref())?;
    } else if attribute.multi_valued {
        change_elements(container, attribute, filter, target.sub.as_deref(), step, quirks, repairs)?;
    } else {
        change_complex(container, target, filter, step, quirks, repairs)?;
    }
    guard_immutable(attribute, before.as_ref(), container.get(&attribute.name))
}

fn immutable_before(container: &Object, attribute: &Attribute) -> Option<Value> {
    match attribute.mutability {
        Mutability::Immutable => container.get(&attribute.name).cloned(),
        _ => None,
    }
}

/// Changes an attribute, or a sub-attribute, as a whole.
pub(super) fn whole(container: &mut Object, attribute: &Attribute, op: Op, value: Option<&Value>) -> Result<(), Error> {
    let Some(value) = value else {
        container.shift_remove(&attribute.name);
        return Ok(());
    };
    match (op, container.get_mut(&attribute.name), value) {
        (Op::Remove, Some(Value::Array(list)), Value::Array(listed)) => {
            remove_listed(list, attribute, listed);
            if list.is_empty() {
                container.shift_remove(&attribute.name);
            }
        }
        (Op::Remove, _, _) => {}
        (Op::Add, Some(Value::Array(list)), Value::Array(values)) => {
            append(list, attribute, values.iter(), limit(attribute))?;
        }
        (Op::Replace, Some(Value::Array(list)), Value::Array(values)) if same_values(list, values) => {}
        (_, Some(present @ Value::Object(_)), Value::Object(_)) if attribute.kind == Type::Complex => {
            merge(attribute, present, value)?;
        }
        (_, _, Value::Object(parts)) => {
            let parts = parts.iter().filter(|(_, part)| !part.is_null());
            let parts = parts.map(|(name, part)| (name.clone(), part.clone())).collect();
            container.insert(attribute.name.clone(), Value::Object(parts));
        }
        _ => drop(container.insert(attribute.name.clone(), value.clone())),
    }
    Ok(())
}

/// Changes a single complex attribute through its sub-attribute or a filter on it.
fn change_complex(
    container: &mut Object,
    target: &Target,
    filter: Option<&Resolved>,
    step: &Step,
    quirks: Quirks,
    repairs: &mut Repairs,
) -> Result<(), Error> {
    let attribute = &*target.attribute;
    let present = container.get(&attribute.name);
    let matched = filter.is_none_or(|filter| present.is_some_and(|present| matches_value(filter, present)));
    let clears = step.op == Op::Remove || step.value.is_none();
    if !matched {
        if clears {
            return Ok(());
        }
        // A single value that is something else cannot be created beside itself.
        let entry = step.entry.as_ref().filter(|_| present.is_none());
        let entry = repair::filter_creates(entry, &step.place, quirks, repairs)?;
        container.insert(attribute.name.clone(), Value::Object(entry));
    }
    let Some(sub) = &target.sub else {
        return whole(container, attribute, step.op, step.value.as_ref());
    };
    if clears && !container.contains_key(&attribute.name) {
        return Ok(());
    }
    let slot = container.entry(attribute.name.clone()).or_insert_with(|| Value::Object(Object::new()));
    let Value::Object(object) = slot else { return Ok(()) };
    let before = object.get(&sub.name).cloned();
    whole(object, sub, step.op, step.value.as_ref())?;
    guard_immutable(sub, before.as_ref(), object.get(&sub.name))?;
    if object.is_empty() {
        container.shift_remove(&attribute.name);
    }
    Ok(())
}
