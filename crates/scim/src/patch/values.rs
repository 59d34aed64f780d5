//! The values of operations: repaired into shape, then checked against the schema.

use super::plan::{Located, Planner};
use super::{Op, repair};
use crate::error::{Code, Error};
use crate::filter::matches_value;
use crate::quirks::Quirk;
use crate::resource::coerce;
use crate::schema::{CORE, Target, canonical_urn};
use serde_json::Value;
use std::sync::Arc;

impl Planner<'_> {
    /// The value for the target as a whole; `None` for one that unassigns (RFC 7643 section 2.5).
    pub(super) fn value(&mut self, target: &Target, value: Value, place: &str) -> Result<Option<Value>, Error> {
        let value = repair::manager_value(target, value, self.quirks, self.repairs)?;
        let value = repair::role_value(target, value, self.quirks, self.repairs);
        let value = coerce(target.leaf(), value, self.quirks, self.repairs, place)?;
        let primary = |value: &&Value| value.get("primary") == Some(&Value::Bool(true));
        if value.as_ref().and_then(Value::as_array).is_some_and(|items| items.iter().filter(primary).count() > 1) {
            return Err(Error::new(Code::PrimaryTwice, format!("More than one value of {place} is primary.")));
        }
        Ok(value)
    }

    /// The value for one element of a multi-valued attribute.
    pub(super) fn element(&mut self, target: &Target, value: Value, place: &str) -> Result<Option<Value>, Error> {
        match self.value(target, value, place)? {
            Some(Value::Array(mut one)) if one.len() == 1 => Ok(one.pop()),
            Some(Value::Array(_)) => {
                Err(Error::new(Code::ValueInvalid, format!("The value for {place} must be a single one.")))
            }
            other => Ok(other),
        }
    }

    /// `schemas` follows from the data: of it only the URNs of extensions may go, and their data with them.
    pub(super) fn schemas(&mut self, op: Op, at: &Located, value: Option<Value>) -> Result<(), Error> {
        let gone = match (op, &at.filter, value) {
            (Op::Remove, Some((filter, _)), _) => {
                let matched = |urn: &Arc<str>| matches_value(filter, &Value::from(&**urn));
                if matched(&self.resource_type.schema.id) {
                    return Err(base_removed());
                }
                self.extension_urns().into_iter().filter(matched).collect()
            }
            (Op::Remove, None, Some(value)) if !value.is_null() => {
                let listed = self.listed_urns(&value)?;
                if listed.iter().any(|urn| self.is_base(urn)) {
                    return Err(base_removed());
                }
                self.extension_urns().into_iter().filter(|urn| self.lists(&listed, urn)).collect()
            }
            (Op::Remove, None, _) => return Err(base_removed()),
            (Op::Add | Op::Replace, None, Some(value)) => {
                let listed = self.listed_urns(&value)?;
                self.refuse_unknown_urns(&listed)?;
                if op == Op::Add {
                    return Ok(());
                }
                if !listed.iter().any(|urn| self.is_base(urn)) {
                    return Err(schemas_invalid("\"schemas\" must keep the schema of the resource type."));
                }
                self.extension_urns().into_iter().filter(|urn| !self.lists(&listed, urn)).collect::<Vec<_>>()
            }
            _ => return Err(schemas_invalid("A single URN of \"schemas\" cannot be changed.")),
        };
        gone.iter().try_for_each(|urn| self.remove_extension(urn, Code::RequiredRemoved))
    }

    /// The key `schemas` of a value without path: it must be sound, and changes nothing.
    pub(super) fn schemas_key(&mut self, value: &Value) -> Result<(), Error> {
        self.listed_urns(value).map(drop)
    }

    fn listed_urns(&self, value: &Value) -> Result<Vec<String>, Error> {
        let listed = match value {
            Value::Array(urns) => urns.iter().map(|urn| urn.as_str().map(str::to_owned)).collect(),
            Value::String(urn) => Some(vec![urn.clone()]),
            _ => None,
        };
        match listed {
            Some(urns) if !urns.is_empty() => Ok(urns),
            _ => Err(schemas_invalid("\"schemas\" must be an array of URNs that is not empty.")),
        }
    }

    fn refuse_unknown_urns(&mut self, listed: &[String]) -> Result<(), Error> {
        for urn in listed {
            let known = self.is_base(urn) || self.extension_urns().iter().any(|known| self.same_urn(urn, known));
            if !known {
                repair::unknown_attribute(urn, self.quirks, self.repairs)?;
            }
        }
        Ok(())
    }

    fn extension_urns(&self) -> Vec<Arc<str>> {
        self.resource_type.extensions.iter().map(|extension| Arc::clone(&extension.schema.id)).collect()
    }

    fn lists(&self, listed: &[String], urn: &Arc<str>) -> bool {
        listed.iter().any(|other| self.same_urn(other, urn))
    }

    fn same_urn(&self, text: &str, urn: &str) -> bool {
        text.eq_ignore_ascii_case(urn)
            || self.quirks.has(Quirk::Scim1Urns) && canonical_urn(text).is_some_and(|meant| meant == urn)
    }

    /// Whether the URN is that of the resource type itself.
    pub(super) fn is_base(&self, urn: &str) -> bool {
        self.same_urn(urn, &self.resource_type.schema.id) || self.same_urn(urn, CORE)
    }
}

fn base_removed() -> Error {
    Error::new(Code::RequiredRemoved, "The schema of the resource type cannot be removed from \"schemas\".")
}

fn schemas_invalid(detail: &str) -> Error {
    Error::new(Code::SchemasInvalid, detail)
}
