//! Operations without a path: an object of attributes, URNs and, where a quirk allows it, paths (RFC 7644 section
//! 3.5.2).

use super::plan::{Located, Planner, is_read_only};
use super::{Op, repair};
use crate::Object;
use crate::error::{Code, Error};
use crate::path::{AttributePath, PatchPath, PathTarget};
use crate::resource::shown;
use crate::schema::Target;
use serde_json::Value;
use std::sync::Arc;

impl Planner<'_> {
    /// Every key becomes a step of its own; read-only ones are ignored, as in a POST.
    pub(super) fn attributes(&mut self, op: Op, attributes: Object) -> Result<(), Error> {
        for (key, value) in attributes {
            match value {
                Value::Object(inner) if self.is_base(&key) => {
                    inner.into_iter().try_for_each(|(key, value)| self.attribute(op, key, value))?;
                }
                value => self.attribute(op, key, value)?,
            }
        }
        Ok(())
    }

    fn attribute(&mut self, op: Op, key: String, value: Value) -> Result<(), Error> {
        if key.eq_ignore_ascii_case("schemas") {
            return self.schemas_key(&value);
        }
        let path = match key.contains('[') {
            true => PatchPath::parse(&key, self.quirks, self.repairs),
            false => Ok(PatchPath { attribute: AttributePath(key.clone()), filter: None, sub: None }),
        };
        let path = match path {
            Err(error) if is_unknown(&error) => return repair::unknown_attribute(&key, self.quirks, self.repairs),
            path => path?,
        };
        let at = match path.resolve(self.registry, self.resource_type, self.quirks, self.repairs) {
            Err(error) if is_unknown(&error) => return repair::unknown_attribute(&key, self.quirks, self.repairs),
            Err(error) => return Err(error),
            Ok(PathTarget::Extension(urn)) => return self.extension(op, &urn, Some(value)),
            Ok(PathTarget::Attribute { target, filter }) => Located { target, filter: filter.zip(path.filter) },
        };
        if at.target.sub.is_some() || at.filter.is_some() {
            repair::dotted_key(&key, self.quirks, self.repairs)?;
        }
        if is_read_only(&at.target) {
            return Ok(());
        }
        self.located(op, at, Some(value))
    }

    /// The attributes of an extension's object.
    pub(super) fn extension_attributes(&mut self, op: Op, urn: &Arc<str>, attributes: Object) -> Result<(), Error> {
        let Some(extension) = self.registry.extension(self.resource_type, urn) else {
            return Err(Error::new(Code::PathInvalid, format!("There is no extension {}.", shown(urn))));
        };
        for (key, value) in attributes {
            let (name, sub) = key.split_once('.').map_or((&*key, None), |(name, sub)| (name, Some(sub)));
            let attribute = extension.schema.attribute(name);
            let found = attribute.and_then(|attribute| match sub {
                None => Some((attribute, None)),
                Some(sub) => attribute.sub(sub).map(|sub| (attribute, Some(Arc::clone(sub)))),
            });
            let Some((attribute, sub)) = found else {
                repair::unknown_attribute(&format!("{urn}:{key}"), self.quirks, self.repairs)?;
                continue;
            };
            if sub.is_some() {
                repair::dotted_key(&key, self.quirks, self.repairs)?;
            }
            let target = Target { extension: Some(Arc::clone(urn)), attribute: Arc::clone(attribute), sub };
            if !is_read_only(&target) {
                self.located(op, Located::plain(target), Some(value))?;
            }
        }
        Ok(())
    }
}

/// Whether the path is simply not known: such a key is one of another vendor's making.
fn is_unknown(error: &Error) -> bool {
    error.code == Code::PathInvalid.as_str()
}
