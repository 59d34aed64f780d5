//! The body of a POST or PUT.

use super::coerce::{Checker, Place};
use super::{finish, shapes, shown};
use crate::quirks::{Quirk, Quirks, Repairs};
use crate::schema::{Attribute, CORE, ENTERPRISE_USER, Extension, Mutability, Registry, ResourceType, canonical_urn};
use crate::{Code, Error, Object};
use serde_json::Value;

/// Reads the body of a POST or PUT: keys get the schema's spelling, `schemas` is checked, what the server owns (`id`,
/// `meta`, read-only attributes) is dropped without a word (RFC 7644 section 3.3), values are checked and unassigned
/// ones left out. Attributes that are neither kept nor shown (`password`) are checked and dropped.
///
/// # Errors
/// [`Code::JsonSyntax`], [`Code::SchemasInvalid`], [`Code::UnknownAttribute`], and what [`super::coerce`] and
/// [`super::finish`] refuse.
pub fn accept(
    registry: &Registry,
    resource_type: &ResourceType,
    body: Value,
    quirks: Quirks,
    repairs: &mut Repairs,
) -> Result<Object, Error> {
    let Value::Object(mut body) = body else {
        return Err(Error::new(Code::JsonSyntax, "The body must be a JSON object."));
    };
    let schemas = take(&mut body, "schemas");
    let mut reader = Reader {
        registry,
        resource_type,
        checker: Checker { quirks, repairs, keep_nulls: false },
        listed: Vec::new(),
        kept: Object::with_capacity(body.len() + 1),
    };
    reader.schemas(schemas)?;
    let base = Value::from(&*resource_type.schema.id);
    reader.kept.insert("schemas".to_owned(), Value::Array(vec![base]));
    for (key, value) in body {
        reader.entry(key, value)?;
    }
    let mut kept = reader.kept;
    finish(registry, resource_type, &mut kept)?;
    Ok(kept)
}

/// Takes the value of a key out, letter case ignored; null is absent.
pub(super) fn take(object: &mut Object, key: &str) -> Option<Value> {
    let found = match object.shift_remove(key) {
        Some(value) => Some(value),
        None => {
            let spelling = object.keys().find(|other| other.eq_ignore_ascii_case(key)).cloned();
            spelling.and_then(|spelling| object.shift_remove(&spelling))
        }
    };
    found.filter(|value| !value.is_null())
}

struct Reader<'a> {
    registry: &'a Registry,
    resource_type: &'a ResourceType,
    checker: Checker<'a>,
    /// The extensions that `schemas` names.
    listed: Vec<&'a Extension>,
    kept: Object,
}

impl<'a> Reader<'a> {
    /// RFC 7643 section 3: `schemas` names the base schema and the extensions.
    fn schemas(&mut self, value: Option<Value>) -> Result<(), Error> {
        let base = &self.resource_type.schema.id;
        let Some(Value::Array(urns)) = value else {
            return Err(refused(format!("schemas must be an array that holds {base}.")));
        };
        let mut based = false;
        for urn in &urns {
            let urn = urn.as_str().ok_or_else(|| refused("schemas must hold strings.".to_owned()))?;
            if urn.eq_ignore_ascii_case(base) {
                based = true;
            } else if let Some(extension) = self.resource_type.extension(urn) {
                self.listed.push(extension);
            } else {
                based |= self.foreign_schema(urn)?;
            }
        }
        match based {
            true => Ok(()),
            false => Err(refused(format!("schemas must hold {base}."))),
        }
    }

    /// A URN that is not of this resource type. Whether it stands for the base schema.
    fn foreign_schema(&mut self, urn: &str) -> Result<bool, Error> {
        let resource_type = self.resource_type;
        let alias = canonical_urn(urn).filter(|_| self.checker.quirks.has(Quirk::Scim1Urns));
        let meant = alias.unwrap_or(urn);
        let mut others = self.registry.resource_types().iter().filter(|other| other.name != resource_type.name);
        if others.any(|other| other.schema.id.eq_ignore_ascii_case(meant)) {
            return Err(refused(format!("schemas names {}, which is no {}.", shown(urn), resource_type.name)));
        }
        let note = |urn: &str, what: &str| format!("schemas: {} {what}", shown(urn));
        if alias.is_some() {
            self.checker.repairs.note(Quirk::Scim1Urns, note(urn, "read as its SCIM 2.0 form"));
            self.listed.extend(resource_type.extension(meant));
            return Ok(meant == CORE || meant == &*resource_type.schema.id);
        }
        if !self.checker.quirks.has(Quirk::UnknownAttributes) {
            return Err(refused(format!("schemas names {}, which {} does not have.", shown(urn), resource_type.name)));
        }
        self.checker.repairs.note(Quirk::UnknownAttributes, note(urn, "dropped, no such schema here"));
        Ok(false)
    }

    fn entry(&mut self, key: String, value: Value) -> Result<(), Error> {
        if let Some(attribute) = self.resource_type.attribute(&key) {
            if let Some(value) = check(&mut self.checker, attribute, value, &attribute.name)? {
                let key = if key == attribute.name { key } else { attribute.name.clone() };
                self.kept.insert(key, value);
            }
            return Ok(());
        }
        if let Some(extension) = self.resource_type.extension(&key) {
            return self.extension(extension, value);
        }
        if let Some(extension) = canonical_urn(&key).and_then(|urn| self.resource_type.extension(urn))
            && self.checker.quirks.has(Quirk::Scim1Urns)
        {
            self.checker.repairs.note(Quirk::Scim1Urns, format!("{key}: read as {}", extension.schema.id));
            return self.extension(extension, value);
        }
        if key.eq_ignore_ascii_case("manager")
            && self.checker.quirks.has(Quirk::ManagerShapes)
            && let Some(extension) = self.resource_type.extension(ENTERPRISE_USER)
        {
            return self.bare_manager(extension, value);
        }
        self.checker.unknown(&value, || shown(&key))
    }

    fn extension(&mut self, extension: &'a Extension, value: Value) -> Result<(), Error> {
        let urn = &extension.schema.id;
        let object = match value {
            Value::Null => return Ok(()),
            Value::Array(values) if values.is_empty() => return Ok(()),
            Value::Object(object) => object,
            _ => return Err(Error::new(Code::ValueInvalid, format!("{urn} must be an object."))),
        };
        if object.is_empty() {
            return Ok(());
        }
        if !self.listed.iter().any(|listed| std::ptr::eq(*listed, extension)) {
            if !self.checker.quirks.has(Quirk::UnknownAttributes) {
                return Err(refused(format!("There is data of {urn}, which schemas does not name.")));
            }
            self.checker.repairs.note(Quirk::UnknownAttributes, format!("schemas: {urn} added, there is data of it"));
        }
        let mut kept = Object::with_capacity(object.len());
        for (key, value) in object {
            let Some(attribute) = extension.schema.attribute(&key) else {
                self.checker.unknown(&value, || format!("{urn}:{}", shown(&key)))?;
                continue;
            };
            if let Some(value) = check(&mut self.checker, attribute, value, &attribute.name)? {
                let key = if key == attribute.name { key } else { attribute.name.clone() };
                kept.insert(key, value);
            }
        }
        self.merge(urn, kept);
        Ok(())
    }

    /// `manager` beside the core attributes instead of inside the enterprise extension.
    fn bare_manager(&mut self, extension: &Extension, value: Value) -> Result<(), Error> {
        let Some(attribute) = extension.schema.attribute("manager").filter(|it| shapes::is_manager(it)) else {
            return self.checker.unknown(&value, || "manager".to_owned());
        };
        if value.is_null() {
            return Ok(());
        }
        self.checker.repairs.note(Quirk::ManagerShapes, "manager: moved into the enterprise extension");
        if let Some(value) = check(&mut self.checker, attribute, value, "manager")? {
            let mut kept = Object::new();
            kept.insert(attribute.name.clone(), value);
            self.merge(&extension.schema.id, kept);
        }
        Ok(())
    }

    /// Adds data to an extension; what came first stays.
    fn merge(&mut self, urn: &str, kept: Object) {
        match self.kept.get_mut(urn) {
            Some(Value::Object(there)) => {
                for (key, value) in kept {
                    if !there.contains_key(&key) {
                        there.insert(key, value);
                    }
                }
            }
            _ if kept.is_empty() => {}
            _ => {
                self.kept.insert(urn.to_owned(), Value::Object(kept));
            }
        }
    }
}

/// The value to keep, if the attribute is the client's to write.
fn check(checker: &mut Checker<'_>, attribute: &Attribute, value: Value, place: &str) -> Result<Option<Value>, Error> {
    if attribute.mutability == Mutability::ReadOnly {
        return Ok(None);
    }
    let value = checker.whole(attribute, value, Place::of(place))?;
    Ok(value.filter(|_| !attribute.is_discarded()))
}

fn refused(detail: String) -> Error {
    Error::new(Code::SchemasInvalid, detail)
}

#[cfg(test)]
mod tests;
