//! The values that clients send in shapes of their own: managers, roles, members.

use super::coerce::{Checker, Place, check_text, invalid};
use crate::quirks::Quirk;
use crate::schema::{Attribute, ENTERPRISE_USER, Registry};
use crate::{Error, Object, json};
use serde_json::Value;
use std::collections::HashSet;
use std::sync::{Arc, LazyLock};

/// Whether this is `members` of Group itself, not an attribute of that name in some extension.
pub(super) fn is_members(attribute: &Attribute) -> bool {
    static MEMBERS: LazyLock<Option<Arc<Attribute>>> =
        LazyLock::new(|| Registry::standard().group().attribute("members").cloned());
    attribute.name == "members" && MEMBERS.as_ref().is_some_and(|members| std::ptr::eq(&raw const **members, attribute))
}

/// Whether this is `manager` of the enterprise extension.
pub(super) fn is_manager(attribute: &Attribute) -> bool {
    static MANAGER: LazyLock<Option<Arc<Attribute>>> =
        LazyLock::new(|| Registry::standard().schema(ENTERPRISE_USER)?.attribute("manager").cloned());
    attribute.name == "manager" && MANAGER.as_ref().is_some_and(|manager| std::ptr::eq(&raw const **manager, attribute))
}

/// The members of a group: objects of which only `value` is the client's; the same member twice is one member.
pub(super) fn members(value: Value) -> Result<Option<Value>, Error> {
    let values = match value {
        Value::Null => return Ok(None),
        Value::Array(values) => values,
        value => vec![value],
    };
    let mut members = values.into_iter().map(member).collect::<Result<Vec<Value>, Error>>()?;
    let mut seen = HashSet::with_capacity(members.len());
    let first: Vec<bool> = members.iter().map(|member| seen.insert(member["value"].as_str())).collect();
    if first.contains(&false) {
        let mut first = first.into_iter();
        members.retain(|_| first.next().unwrap_or(true));
    }
    Ok((!members.is_empty()).then_some(Value::Array(members)))
}

/// One member.
pub(super) fn member(value: Value) -> Result<Value, Error> {
    let Value::Object(mut object) = value else {
        return Err(invalid(Place::of("members"), "must hold objects with a value"));
    };
    if object.len() > 1 {
        object.retain(|key, _| key.eq_ignore_ascii_case("value"));
    }
    if !object.contains_key("value") {
        object = object.into_iter().map(|(key, value)| (key.to_ascii_lowercase(), value)).collect();
    }
    match object.get("value") {
        Some(Value::String(id)) if !id.is_empty() => check_text(id, Place::of("members").below("value"))?,
        _ => return Err(invalid(Place::of("members"), "must hold objects whose value is the id of a resource")),
    }
    Ok(Value::Object(object))
}

impl Checker<'_> {
    /// The manager as an object, whatever shape it came in; `None` clears it.
    pub(super) fn manager(&mut self, value: Value) -> Result<Option<Value>, Error> {
        let object = match value {
            Value::String(id) => {
                self.allow_manager("a bare string")?;
                return Ok(manager_of(id));
            }
            Value::Object(object) => object,
            value => return Ok(Some(value)),
        };
        let field = |name: &str| object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
        match (field("value"), field("$ref")) {
            (Some(Value::String(id)), _) if id.trim().is_empty() => {
                self.allow_manager("an empty value")?;
                Ok(None)
            }
            // The reference says who is meant as well as the id does.
            (None, Some(Value::String(reference))) if !reference.is_empty() => {
                Ok(manager_of(reference.rsplit('/').next().unwrap_or_default().to_owned()))
            }
            _ => Ok(Some(Value::Object(object))),
        }
    }

    pub(super) fn allow_manager(&mut self, shape: &str) -> Result<(), Error> {
        if !self.quirks.has(Quirk::ManagerShapes) {
            return Err(invalid(Place::of("manager"), "must be an object whose value is the id of a user"));
        }
        self.repairs.note(Quirk::ManagerShapes, format!("manager: given as {shape}"));
        Ok(())
    }

    /// A role given as JSON text, alone or as its `value`; everything else stays as it is.
    pub(super) fn role(&mut self, value: Value) -> Value {
        if !self.quirks.has(Quirk::RoleJsonText) {
            return value;
        }
        let (text, rest) = match &value {
            Value::String(_) => (Some(&value), None),
            Value::Object(object) => {
                let text = object.iter().find(|(key, _)| key.eq_ignore_ascii_case("value"));
                (text.map(|(_, value)| value), Some(object))
            }
            _ => (None, None),
        };
        let Some(mut role) = text.and_then(Value::as_str).and_then(read_role) else { return value };
        for (key, value) in rest.into_iter().flatten() {
            if !role.contains_key(key) && !key.eq_ignore_ascii_case("value") {
                role.insert(key.clone(), value.clone());
            }
        }
        self.repairs.note(Quirk::RoleJsonText, "roles: JSON text read as a role");
        Value::Object(role)
    }
}

fn manager_of(id: String) -> Option<Value> {
    let mut object = Object::new();
    if id.trim().is_empty() {
        return None;
    }
    object.insert("value".to_owned(), Value::String(id));
    Some(Value::Object(object))
}

/// `{"id": ..., "value": ..., "displayName": ...}` as a role; the id is the client's own and means nothing here.
fn read_role(text: &str) -> Option<Object> {
    if !text.trim_start().starts_with('{') {
        return None;
    }
    let mut source = json::parse_object(text.as_bytes()).ok()?;
    let mut role = Object::new();
    role.insert("value".to_owned(), super::accept::take(&mut source, "value").filter(Value::is_string)?);
    let display =
        super::accept::take(&mut source, "displayName").or_else(|| super::accept::take(&mut source, "display"));
    if let Some(display) = display.filter(Value::is_string) {
        role.insert("display".to_owned(), display);
    }
    Some(role)
}
