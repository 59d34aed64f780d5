//! One value against its attribute: types (RFC 7643 section 2.3), unassigned values (section 2.5), repairs.

use super::{shapes, shown};
use crate::limits::{STRING_BYTES, VALUES};
use crate::quirks::{Quirk, Quirks, Repairs};
use crate::schema::{Attribute, Mutability, Type};
use crate::{Code, Error, Object, keys, text};
use base64::Engine;
use base64::engine::general_purpose::GeneralPurpose;
use base64::engine::{DecodePaddingMode, GeneralPurposeConfig};
use serde_json::Value;
use std::fmt;

/// Checks the whole value of an attribute and brings it into canonical form: an array for a multi-valued attribute
/// (a lone value becomes an array of one), keys in the schema's spelling, read-only sub-attributes dropped. `None`
/// means unassigned: null, an empty array, or nothing left. `place` is the attribute's path, for messages.
///
/// # Errors
/// [`Code::ValueInvalid`] for a wrong type or form, [`Code::UnknownAttribute`] for an unknown sub-attribute where that
/// quirk is off.
pub fn coerce(
    attribute: &Attribute,
    value: Value,
    quirks: Quirks,
    repairs: &mut Repairs,
    place: &str,
) -> Result<Option<Value>, Error> {
    Checker { quirks, repairs, keep_nulls: false }.whole(attribute, value, Place::of(place))
}

/// As [`coerce`], for a single value of a multi-valued attribute.
///
/// # Errors
/// As [`coerce`].
pub fn coerce_one(
    attribute: &Attribute,
    value: Value,
    quirks: Quirks,
    repairs: &mut Repairs,
    place: &str,
) -> Result<Option<Value>, Error> {
    Checker { quirks, repairs, keep_nulls: false }.one(attribute, value, Place::of(place))
}

/// As [`coerce_one`], for a complex value that is merged into what is there (RFC 7644 section 3.5.2.3): sub-attributes
/// that are unassigned stay as null, so that the merge clears them, and an object with nothing left stays.
///
/// # Errors
/// As [`coerce`].
pub fn coerce_merge(
    attribute: &Attribute,
    value: Value,
    quirks: Quirks,
    repairs: &mut Repairs,
    place: &str,
) -> Result<Option<Value>, Error> {
    Checker { quirks, repairs, keep_nulls: true }.one(attribute, value, Place::of(place))
}

/// Where a value stands.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    attribute: &'a str,
    sub: Option<&'a str>,
}

impl<'a> Place<'a> {
    pub(super) fn of(attribute: &'a str) -> Self {
        Self { attribute, sub: None }
    }

    pub(super) fn below(self, sub: &'a str) -> Self {
        Self { attribute: self.attribute, sub: Some(sub) }
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.attribute)?;
        match self.sub {
            Some(sub) => write!(f, ".{sub}"),
            None => Ok(()),
        }
    }
}

pub(super) struct Checker<'a> {
    pub(super) quirks: Quirks,
    pub(super) repairs: &'a mut Repairs,
    /// Whether unassigned sub-attributes stay as null.
    pub(super) keep_nulls: bool,
}

impl Checker<'_> {
    pub(super) fn whole(
        &mut self,
        attribute: &Attribute,
        value: Value,
        place: Place<'_>,
    ) -> Result<Option<Value>, Error> {
        if shapes::is_members(attribute) {
            return shapes::members(value);
        }
        match value {
            Value::Null => Ok(None),
            Value::Array(values) if values.is_empty() => Ok(None),
            Value::Array(values) if attribute.multi_valued => self.array(attribute, values, place),
            Value::Array(mut values) if values.len() == 1 && shapes::is_manager(attribute) => {
                self.allow_manager("an array of one")?;
                self.one(attribute, values.swap_remove(0), place)
            }
            Value::Array(_) => Err(invalid(place, "has a single value, not an array")),
            value if attribute.multi_valued => {
                Ok(self.one(attribute, value, place)?.map(|value| Value::Array(vec![value])))
            }
            value => self.one(attribute, value, place),
        }
    }

    fn array(
        &mut self,
        attribute: &Attribute,
        mut values: Vec<Value>,
        place: Place<'_>,
    ) -> Result<Option<Value>, Error> {
        if values.len() > VALUES {
            return Err(invalid(place, &format!("has more than {VALUES} values")));
        }
        let mut gaps = false;
        for value in &mut values {
            match self.one(attribute, value.take(), place)? {
                Some(checked) => *value = checked,
                None => gaps = true,
            }
        }
        if gaps {
            values.retain(|value| !value.is_null());
        }
        if values.len() > 1 && attribute.kind == Type::Complex {
            collapse(&mut values);
        }
        Ok((!values.is_empty()).then_some(Value::Array(values)))
    }

    pub(super) fn one(
        &mut self,
        attribute: &Attribute,
        value: Value,
        place: Place<'_>,
    ) -> Result<Option<Value>, Error> {
        if value.is_null() {
            return Ok(None);
        }
        match attribute.kind {
            Type::Binary => text_form(value, place, "base64 text", is_base64),
            Type::Boolean => self.boolean(value, place).map(Some),
            Type::Complex => self.complex(attribute, value, place),
            Type::DateTime => text_form(value, place, "a date and time such as 2026-01-31T08:00:00Z", |text| {
                keys::instant_micros(text).is_some()
            }),
            Type::Decimal if value.is_number() => Ok(Some(value)),
            Type::Decimal => Err(invalid(place, "must be a number")),
            Type::Integer if value.is_i64() => Ok(Some(value)),
            Type::Integer => Err(invalid(place, "must be a number without fraction and exponent")),
            Type::Reference => {
                text_form(value, place, "a URI", |text| !text.chars().any(|character| character.is_control()))
            }
            Type::String => self.string(attribute, value, place),
        }
    }

    fn boolean(&mut self, value: Value, place: Place<'_>) -> Result<Value, Error> {
        let text = match value {
            Value::Bool(_) => return Ok(value),
            Value::String(text) if self.quirks.has(Quirk::BooleanStrings) => text,
            _ => return Err(invalid(place, "must be true or false")),
        };
        let value = match () {
            () if text.eq_ignore_ascii_case("true") => true,
            () if text.eq_ignore_ascii_case("false") => false,
            () => return Err(invalid(place, "must be true or false")),
        };
        self.repairs.note(Quirk::BooleanStrings, format!("{place}: text read as a boolean"));
        Ok(Value::Bool(value))
    }

    fn string(&mut self, attribute: &Attribute, value: Value, place: Place<'_>) -> Result<Option<Value>, Error> {
        let text = match value {
            Value::String(text) => text,
            // What every resource must have identifies it: it is never guessed from a number.
            Value::Number(_) | Value::Bool(_) if !attribute.required && self.quirks.has(Quirk::NumbersForStrings) => {
                self.repairs.note(Quirk::NumbersForStrings, format!("{place}: read as a string"));
                return Ok(Some(Value::String(value.to_string())));
            }
            _ => return Err(invalid(place, "must be a string")),
        };
        check_text(&text, place)?;
        if attribute.name == "userName" && attribute.required {
            if text.trim().is_empty() {
                return Ok(None);
            }
            if let Some(fault) = text::user_name_fault(&text) {
                return Err(invalid(place, fault));
            }
        }
        if text.is_empty() && (attribute.required || attribute.name == "displayName") {
            return Ok(None);
        }
        // A suggested value gets the suggested spelling; others are as good (RFC 7643 section 2.4).
        let suggested = attribute.canonical_values.iter().find(|word| word.eq_ignore_ascii_case(&text));
        Ok(Some(Value::String(suggested.filter(|_| !attribute.case_exact).cloned().unwrap_or(text))))
    }

    fn complex(&mut self, attribute: &Attribute, value: Value, place: Place<'_>) -> Result<Option<Value>, Error> {
        if shapes::is_members(attribute) {
            return shapes::member(value).map(Some);
        }
        let value = if shapes::is_manager(attribute) {
            match self.manager(value)? {
                Some(value) => value,
                None => return Ok(None),
            }
        } else if attribute.name == "roles" {
            self.role(value)
        } else {
            value
        };
        let Value::Object(object) = value else {
            return Err(invalid(place, "must be an object"));
        };
        let object = self.object(attribute, object, place)?;
        Ok((self.keep_nulls || !is_hollow(attribute, &object)).then_some(Value::Object(object)))
    }

    fn object(&mut self, attribute: &Attribute, mut object: Object, place: Place<'_>) -> Result<Object, Error> {
        let clean = |key: &String| {
            attribute.sub_attributes.iter().any(|sub| sub.name == *key && sub.mutability != Mutability::ReadOnly)
        };
        if !object.keys().all(clean) {
            object = self.rename(attribute, object, place)?;
        }
        let mut gaps = false;
        for (key, value) in &mut object {
            let Some(sub) = attribute.sub(key) else { continue };
            match self.whole(sub, value.take(), place.below(&sub.name))? {
                Some(checked) => *value = checked,
                None => gaps = true,
            }
        }
        if gaps && !self.keep_nulls {
            object.retain(|_, value| !value.is_null());
        }
        Ok(object)
    }

    /// Keys in the schema's spelling; read-only and unknown ones dropped.
    fn rename(&mut self, attribute: &Attribute, object: Object, place: Place<'_>) -> Result<Object, Error> {
        let mut renamed = Object::with_capacity(object.len());
        for (key, value) in object {
            match attribute.sub(&key) {
                Some(sub) if sub.mutability == Mutability::ReadOnly => {}
                Some(sub) if sub.name == key => {
                    renamed.insert(key, value);
                }
                Some(sub) => {
                    renamed.insert(sub.name.clone(), value);
                }
                None => self.unknown(&value, || format!("{place}.{}", shown(&key)))?,
            }
        }
        Ok(renamed)
    }

    /// An attribute no schema knows: dropped and noted, or refused. Unassigned is the same as absent, and what is
    /// absent need not be known.
    pub(super) fn unknown(&mut self, value: &Value, path: impl FnOnce() -> String) -> Result<(), Error> {
        if value.is_null() {
            return Ok(());
        }
        let path = path();
        if !self.quirks.has(Quirk::UnknownAttributes) {
            return Err(Error::new(Code::UnknownAttribute, format!("No schema of this resource has {path}.")));
        }
        self.repairs.note(Quirk::UnknownAttributes, format!("{path}: dropped, no schema has it"));
        Ok(())
    }
}

/// Of values with the same `type` and `value` one is kept, the primary one if there is one (RFC 7643 section 2.4).
fn collapse(values: &mut Vec<Value>) {
    let pair =
        |value: &Value| Some((value.get("type")?.as_str()?.to_owned(), value.get("value")?.as_str()?.to_owned()));
    let pairs: Vec<Option<(String, String)>> = values.iter().map(pair).collect();
    let primary = |value: &Value| value.get("primary") == Some(&Value::Bool(true));
    let mut doomed = vec![false; values.len()];
    for (later, pair) in pairs.iter().enumerate().filter(|(_, pair)| pair.is_some()) {
        let Some(earlier) = pairs[..later].iter().position(|other| other == pair) else { continue };
        if primary(&values[later]) && !primary(&values[earlier]) {
            values.swap(earlier, later);
        }
        // Two primary values are a mistake that is not to be hidden.
        doomed[later] = !primary(&values[later]);
    }
    let mut doomed = doomed.into_iter();
    values.retain(|_| !doomed.next().unwrap_or(false));
}

/// Whether nothing but an empty `value` is left of a complex value.
fn is_hollow(attribute: &Attribute, object: &Object) -> bool {
    let lone = attribute.multi_valued && object.len() == 1;
    object.is_empty() || lone && object.get("value").and_then(Value::as_str) == Some("")
}

/// A value of a type that is text of some form. Empty text has no form at all: it is unassigned.
fn text_form(
    value: Value,
    place: Place<'_>,
    form: &str,
    fits: impl FnOnce(&str) -> bool,
) -> Result<Option<Value>, Error> {
    let Value::String(text) = &value else {
        return Err(invalid(place, &format!("must be {form} in a string")));
    };
    if text.is_empty() {
        return Ok(None);
    }
    check_text(text, place)?;
    if !fits(text) {
        return Err(invalid(place, &format!("must be {form}")));
    }
    Ok(Some(value))
}

pub(super) fn check_text(text: &str, place: Place<'_>) -> Result<(), Error> {
    if text.len() > STRING_BYTES {
        return Err(invalid(place, &format!("is longer than {STRING_BYTES} bytes")));
    }
    if text.contains('\0') {
        return Err(invalid(place, "holds a NUL character"));
    }
    Ok(())
}

pub(super) fn invalid(place: Place<'_>, what: &str) -> Error {
    Error::new(Code::ValueInvalid, format!("{place} {what}."))
}

/// RFC 7643 section 2.3.6: base64, or the URL-safe alphabet; padding may be left out (RFC 4648).
fn is_base64(text: &str) -> bool {
    const LOOSE: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    const STANDARD: GeneralPurpose = GeneralPurpose::new(&base64::alphabet::STANDARD, LOOSE);
    const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&base64::alphabet::URL_SAFE, LOOSE);
    STANDARD.decode(text).is_ok() || URL_SAFE.decode(text).is_ok()
}

#[cfg(test)]
mod tests;
