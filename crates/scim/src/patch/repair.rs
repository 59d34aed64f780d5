//! The quirks of PATCH: each a named function that repairs what it was given, or leaves it as it is when it is off.
//! `op-case` lives with the message, `boolean-strings` and `numbers-for-strings` with the checks of values.

use crate::error::{Code, Error};
use crate::filter::{CompareOp, Filter, Literal, Parsed};
use crate::quirks::{Quirk, Quirks, Repairs};
use crate::resource::{coerce, shown};
use crate::schema::{Attribute, ENTERPRISE_USER, Target};
use crate::{Object, json};
use serde_json::Value;

/// Quirk `remove-members-by-value`: a value of a remove on a multi-valued attribute names what to remove. It must never
/// be read as "remove all".
pub(super) fn remove_by_value(place: &str, quirks: Quirks, repairs: &mut Repairs) -> Result<(), Error> {
    if !quirks.has(Quirk::RemoveMembersByValue) {
        let detail = format!("A remove operation takes no value; choose values of {place} with a filter in its path.");
        return Err(Error::new(Code::PatchOperationInvalid, detail));
    }
    repairs.note(Quirk::RemoveMembersByValue, format!("removed only the values of {place} that were named"));
    Ok(())
}

/// Quirk `dotted-keys`: a key of a value without path that is itself a path.
pub(super) fn dotted_key(key: &str, quirks: Quirks, repairs: &mut Repairs) -> Result<(), Error> {
    if !quirks.has(Quirk::DottedKeys) {
        let detail = format!("\"{}\" is a path, not the name of an attribute.", shown(key));
        return Err(Error::new(Code::UnknownAttribute, detail));
    }
    repairs.note(Quirk::DottedKeys, format!("key {} read as a path", shown(key)));
    Ok(())
}

/// Quirk `unknown-attributes`: a key that no schema knows is dropped.
pub(super) fn unknown_attribute(key: &str, quirks: Quirks, repairs: &mut Repairs) -> Result<(), Error> {
    if !quirks.has(Quirk::UnknownAttributes) {
        return Err(Error::new(Code::UnknownAttribute, format!("No schema knows the attribute \"{}\".", shown(key))));
    }
    repairs.note(Quirk::UnknownAttributes, format!("ignored {}", shown(key)));
    Ok(())
}

/// The entry that a value filter describes: only `eq` terms, joined by `and`, on sub-attributes other than `value`.
pub(super) fn described_entry(attribute: &Attribute, filter: &Parsed, quirks: Quirks) -> Option<Object> {
    let mut entry = Object::new();
    let terms = match filter {
        Filter::And(terms) => terms.as_slice(),
        term => std::slice::from_ref(term),
    };
    for term in terms {
        let Filter::Compare(path, CompareOp::Eq, literal) = term else { return None };
        let sub = attribute.sub(&path.0).filter(|sub| sub.name != "value")?;
        let literal = match literal {
            Literal::Boolean(value) => Value::Bool(*value),
            Literal::Null => return None,
            Literal::Number(value) => Value::Number(value.clone()),
            Literal::String(value) => Value::String(value.clone()),
        };
        let value = coerce(sub, literal, quirks, &mut Repairs::default(), &sub.name).ok().flatten()?;
        if entry.get(&sub.name).is_some_and(|other| *other != value) {
            return None;
        }
        entry.insert(sub.name.clone(), value);
    }
    Some(entry)
}

/// Quirk `filter-creates`: a value filter that matches nothing creates the entry it describes. Without it, or where the
/// filter describes no entry, there is no target (RFC 7644 section 3.5.2.3).
pub(super) fn filter_creates(
    entry: Option<&Object>,
    place: &str,
    quirks: Quirks,
    repairs: &mut Repairs,
) -> Result<Object, Error> {
    match entry {
        Some(entry) if quirks.has(Quirk::FilterCreates) => {
            repairs.note(Quirk::FilterCreates, format!("{} matched nothing and created the value", shown(place)));
            Ok(entry.clone())
        }
        _ => Err(Error::new(Code::PatchNoTarget, format!("{} matches no value.", shown(place)))),
    }
}

/// Quirk `manager-shapes`, behind a path: an empty `manager.value` clears the manager. The shapes of a whole manager
/// are read where values are checked.
pub(super) fn manager_value(
    target: &Target,
    value: Value,
    quirks: Quirks,
    repairs: &mut Repairs,
) -> Result<Value, Error> {
    let is_id = target.extension.as_deref() == Some(ENTERPRISE_USER)
        && target.attribute.name == "manager"
        && target.sub.as_ref().is_some_and(|sub| sub.name == "value");
    if !is_id || value.as_str().is_none_or(|id| !id.trim().is_empty()) {
        return Ok(value);
    }
    if !quirks.has(Quirk::ManagerShapes) {
        return Err(Error::new(Code::ValueInvalid, format!("{target} must be the id of a user.")));
    }
    repairs.note(Quirk::ManagerShapes, format!("{target}: an empty id clears the manager"));
    Ok(Value::Null)
}

/// Quirk `role-json-text`, behind a path: the `value` of a role may be JSON text that holds it. Whole roles are read
/// where values are checked.
pub(super) fn role_value(target: &Target, value: Value, quirks: Quirks, repairs: &mut Repairs) -> Value {
    let is_role = target.extension.is_none()
        && target.attribute.name == "roles"
        && target.sub.as_ref().is_some_and(|sub| sub.name == "value");
    if !is_role || !quirks.has(Quirk::RoleJsonText) {
        return value;
    }
    let text = value.as_str().filter(|text| text.trim_start().starts_with('{'));
    let role = text
        .and_then(|text| json::parse_object(text.as_bytes()).ok())
        .and_then(|role| role.into_iter().find(|(key, value)| key.eq_ignore_ascii_case("value") && value.is_string()));
    let Some((_, role)) = role else { return value };
    repairs.note(Quirk::RoleJsonText, format!("{target}: JSON text read as a role"));
    role
}
