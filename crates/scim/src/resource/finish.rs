//! The last steps of every write.

use crate::schema::{Attribute, Mutability, Registry, ResourceType, Schema, Type};
use crate::{Code, Error, Object};
use serde_json::Value;
use std::sync::Arc;

/// Brings a resource into its final form after any write: nothing empty is kept (RFC 7643 section 2.5), what is
/// required is there, at most one value is primary (section 2.4), `schemas` names the base schema and the extensions
/// present (section 3).
///
/// # Errors
/// [`Code::RequiredMissing`] and [`Code::PrimaryTwice`].
pub fn finish(_registry: &Registry, resource_type: &ResourceType, resource: &mut Object) -> Result<(), Error> {
    clear(resource);
    check_schema(&resource_type.schema, resource, "")?;
    check_primary(resource)?;
    for extension in &resource_type.extensions {
        let urn = &extension.schema.id;
        match resource.get_mut(&**urn) {
            Some(Value::Object(data)) => {
                check_schema(&extension.schema, data, urn)?;
                check_primary(data)?;
            }
            _ if extension.required => return Err(missing(urn)),
            _ => {}
        }
    }
    list_schemas(resource_type, resource);
    Ok(())
}

/// Removes what counts as unassigned, inside out, so that what becomes empty goes too. The JSON is of bounded depth.
fn clear(object: &mut Object) {
    let mut hollow = false;
    for value in object.values_mut() {
        clear_value(value);
        hollow |= is_empty(value);
    }
    if hollow {
        object.retain(|_, value| !is_empty(value));
    }
}

fn clear_value(value: &mut Value) {
    match value {
        Value::Array(values) => {
            values.iter_mut().for_each(clear_value);
            if values.iter().any(is_empty) {
                values.retain(|value| !is_empty(value));
            }
        }
        Value::Object(object) => clear(object),
        _ => {}
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(values) => values.is_empty(),
        Value::Object(object) => object.is_empty(),
        _ => false,
    }
}

fn missing(path: &str) -> Error {
    Error::new(Code::RequiredMissing, format!("{path} is required."))
}

fn check_schema(schema: &Schema, data: &Object, urn: &str) -> Result<(), Error> {
    let path = |name: &str| if urn.is_empty() { name.to_owned() } else { format!("{urn}:{name}") };
    for attribute in &schema.attributes {
        let demands = attribute.required || attribute.sub_attributes.iter().any(|sub| sub.required);
        if !demands || attribute.mutability == Mutability::ReadOnly {
            continue;
        }
        match data.get(&attribute.name) {
            None if attribute.required => return Err(missing(&path(&attribute.name))),
            Some(Value::String(text)) if attribute.required && text.is_empty() => {
                return Err(missing(&path(&attribute.name)));
            }
            Some(value) if attribute.kind == Type::Complex => check_subs(attribute, value, &path)?,
            _ => {}
        }
    }
    Ok(())
}

fn check_subs(attribute: &Attribute, value: &Value, path: &dyn Fn(&str) -> String) -> Result<(), Error> {
    let values = match value {
        Value::Array(values) => values.as_slice(),
        value => std::slice::from_ref(value),
    };
    let demanded = |sub: &&Arc<Attribute>| sub.required && sub.mutability != Mutability::ReadOnly;
    for sub in attribute.sub_attributes.iter().filter(demanded) {
        if values.iter().any(|value| value.get(&sub.name).is_none_or(is_empty)) {
            return Err(missing(&format!("{}.{}", path(&attribute.name), sub.name)));
        }
    }
    Ok(())
}

fn check_primary(data: &Object) -> Result<(), Error> {
    for (name, value) in data {
        let Value::Array(values) = value else { continue };
        // Members have no primary, and there may be very many of them.
        if values.len() < 2 || name == "members" {
            continue;
        }
        let primary = |value: &&Value| value.get("primary") == Some(&Value::Bool(true));
        if values.iter().filter(primary).nth(1).is_some() {
            return Err(Error::new(Code::PrimaryTwice, format!("{name} has more than one primary value.")));
        }
    }
    Ok(())
}

fn list_schemas(resource_type: &ResourceType, resource: &mut Object) {
    let present = |resource: &Object| {
        let base = std::iter::once(&resource_type.schema.id);
        let extensions = resource_type.extensions.iter().map(|extension| &extension.schema.id);
        let kept = extensions.filter(|urn| resource.contains_key(&***urn));
        base.chain(kept).cloned().collect::<Vec<Arc<str>>>()
    };
    let urns = present(resource);
    let right = match resource.get("schemas") {
        Some(Value::Array(there)) => {
            there.len() == urns.len() && there.iter().zip(&urns).all(|(there, urn)| there.as_str() == Some(urn))
        }
        _ => false,
    };
    if right {
        return;
    }
    let urns = Value::Array(urns.iter().map(|urn| Value::from(&**urn)).collect());
    match resource.get_mut("schemas") {
        Some(there) => *there = urns,
        None => {
            resource.shift_insert(0, "schemas".to_owned(), urns);
        }
    }
}

/// Refuses another value for an immutable attribute, or none, once it has one (RFC 7643 section 7). Values of
/// multi-valued attributes have no identity: they are replaced as wholes, so their sub-attributes are not compared.
///
/// # Errors
/// [`Code::ImmutableAttribute`].
pub fn check_immutable(
    _registry: &Registry,
    resource_type: &ResourceType,
    before: &Object,
    after: &Object,
) -> Result<(), Error> {
    compare(&resource_type.schema, before, Some(after), "")?;
    for extension in &resource_type.extensions {
        let urn = &*extension.schema.id;
        if let Some(Value::Object(before)) = before.get(urn) {
            compare(&extension.schema, before, after.get(urn).and_then(Value::as_object), urn)?;
        }
    }
    Ok(())
}

fn compare(schema: &Schema, before: &Object, after: Option<&Object>, urn: &str) -> Result<(), Error> {
    let changed = |path: &str| {
        let colon = if urn.is_empty() { "" } else { ":" };
        Error::new(Code::ImmutableAttribute, format!("{urn}{colon}{path} has a value that cannot be changed."))
    };
    for attribute in &schema.attributes {
        let Some(old) = before.get(&attribute.name) else { continue };
        let new = after.and_then(|after| after.get(&attribute.name));
        if attribute.mutability == Mutability::Immutable && new != Some(old) {
            return Err(changed(&attribute.name));
        }
        let (Value::Object(old), Some(Value::Object(new))) = (old, new) else { continue };
        let fixed = attribute.sub_attributes.iter().filter(|sub| sub.mutability == Mutability::Immutable);
        for sub in fixed {
            if old.get(&sub.name).is_some_and(|old| new.get(&sub.name) != Some(old)) {
                return Err(changed(&format!("{}.{}", attribute.name, sub.name)));
            }
        }
    }
    Ok(())
}

/// Carries immutable attributes that a PUT leaves out over from what is there: leaving them out is no change
/// (RFC 7644 section 3.5.1).
pub fn carry_immutable(resource_type: &ResourceType, before: &Object, after: &mut Object) {
    carry(&resource_type.schema, before, after);
    for extension in &resource_type.extensions {
        let urn = &*extension.schema.id;
        let Some(Value::Object(before)) = before.get(urn) else { continue };
        match after.get_mut(urn) {
            Some(Value::Object(after)) => carry(&extension.schema, before, after),
            _ => {
                let mut kept = Object::new();
                carry(&extension.schema, before, &mut kept);
                if !kept.is_empty() {
                    after.insert(urn.to_owned(), Value::Object(kept));
                }
            }
        }
    }
    list_schemas(resource_type, after);
}

fn carry(schema: &Schema, before: &Object, after: &mut Object) {
    for attribute in &schema.attributes {
        let Some(old) = before.get(&attribute.name) else { continue };
        match after.get_mut(&attribute.name) {
            None if attribute.mutability == Mutability::Immutable => {
                after.insert(attribute.name.clone(), old.clone());
            }
            Some(Value::Object(new)) => {
                for sub in attribute.sub_attributes.iter().filter(|sub| sub.mutability == Mutability::Immutable) {
                    if let Some(old) = old.get(&sub.name).filter(|_| !new.contains_key(&sub.name)) {
                        new.insert(sub.name.clone(), old.clone());
                    }
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
