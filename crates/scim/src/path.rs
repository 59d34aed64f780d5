//! Attribute paths: `userName`, `name.givenName`, `urn:...:User:manager.value`, `emails[type eq "work"].value`.

use crate::error::{Code, Error};
use crate::filter::{Parsed, Resolved, parse_bracketed, resolve_inner};
use crate::limits::PATH_BYTES;
use crate::quirks::{Quirk, Quirks, Repairs};
use crate::resource::shown;
use crate::schema::{ENTERPRISE_USER, Registry, ResourceType, Target, canonical_path};
use std::fmt;
use std::sync::Arc;

/// An attribute path as written (RFC 7644 figure 1, attrPath). Resolving it needs a schema, because a URN holds dots
/// and colons itself ("2.0", "...:User").
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AttributePath(pub String);

impl fmt::Display for AttributePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The path of a PATCH operation (RFC 7644 figure 7): attrPath, valuePath, valuePath.subAttribute.
#[derive(Clone, Debug, PartialEq)]
pub struct PatchPath {
    /// The attribute.
    pub attribute: AttributePath,
    /// The value filter in brackets.
    pub filter: Option<Parsed>,
    /// The sub-attribute behind the brackets.
    pub sub: Option<String>,
}

impl PatchPath {
    /// Reads the path of a PATCH operation.
    ///
    /// # Errors
    /// `path-invalid` for what the grammar of RFC 7644 figure 7 does not know, among it array indexes and JSON
    /// pointers; the errors of [`crate::filter::parse`] for the filter in square brackets.
    pub fn parse(text: &str, quirks: Quirks, repairs: &mut Repairs) -> Result<Self, Error> {
        if text.len() > PATH_BYTES {
            return Err(invalid(&format!("it is longer than {PATH_BYTES} bytes")));
        }
        let opening = text.find('[');
        let attribute = &text[..opening.unwrap_or(text.len())];
        if !is_attribute_path(attribute) {
            return Err(invalid(if text.is_empty() {
                "it is empty"
            } else if text.starts_with('/') {
                "it must be an attribute path such as name.givenName, not a JSON pointer"
            } else {
                "it does not start with the name of an attribute"
            }));
        }
        let attribute = AttributePath(attribute.to_owned());
        let Some(opening) = opening else {
            return Ok(Self { attribute, filter: None, sub: None });
        };
        if is_index(&text[opening + 1..]) {
            return Err(invalid("values are chosen by a filter in square brackets, not by an index"));
        }
        let (filter, end) = parse_bracketed(text, opening + 1, quirks, repairs)?;
        let sub = match &text[end..] {
            "" => None,
            rest => match rest.strip_prefix('.').filter(|sub| is_attribute_name(sub)) {
                Some(sub) => Some(sub.to_owned()),
                None => return Err(invalid("only a sub-attribute may follow the square brackets")),
            },
        };
        Ok(Self { attribute, filter: Some(filter), sub })
    }

    /// Ties the path to a resource type. Whether the place may be written is not looked at.
    ///
    /// # Errors
    /// `path-invalid` for what the resource type does not have; the errors of [`crate::filter::resolve`] for the filter
    /// in square brackets.
    pub fn resolve(
        &self,
        registry: &Registry,
        resource_type: &ResourceType,
        quirks: Quirks,
        repairs: &mut Repairs,
    ) -> Result<PathTarget, Error> {
        if self.filter.is_none()
            && let Some(urn) = locate_extension(registry, resource_type, &self.attribute.0, quirks, repairs)
        {
            return Ok(PathTarget::Extension(urn));
        }
        let Some(mut target) = locate(registry, resource_type, &self.attribute.0, quirks, repairs) else {
            return Err(unknown(&format!("a {} has no attribute {}", resource_type.name, shown(&self.attribute.0))));
        };
        let filter = match &self.filter {
            Some(_) if target.sub.is_some() => {
                return Err(unknown(&format!("no filter may follow the sub-attribute {target}")));
            }
            Some(filter) => Some(resolve_inner(registry, resource_type, &target, filter, quirks, repairs)?),
            None => None,
        };
        if let Some(name) = &self.sub {
            let Some(sub) = target.attribute.sub(name) else {
                return Err(unknown(&format!("the attribute {target} has no sub-attribute {}", shown(name))));
            };
            target.sub = Some(Arc::clone(sub));
        }
        Ok(PathTarget::Attribute { target, filter })
    }
}

/// What the path of a PATCH operation means.
#[derive(Clone, Debug, PartialEq)]
pub enum PathTarget {
    /// All of an extension: its URN alone.
    Extension(Arc<str>),
    /// An attribute or sub-attribute.
    Attribute {
        /// The place.
        target: Target,
        /// Which values of the attribute are meant; for [`crate::filter::matches_value`]. `None` means all.
        filter: Option<Resolved>,
    },
}

/// What an attribute path means, with the repairs that are on: the URNs of SCIM 1, and `manager` without its URN.
pub(crate) fn locate(
    registry: &Registry,
    resource_type: &ResourceType,
    path: &str,
    quirks: Quirks,
    repairs: &mut Repairs,
) -> Option<Target> {
    if let Some(target) = registry.resolve(resource_type, path) {
        return Some(target);
    }
    if quirks.has(Quirk::Scim1Urns)
        && let Some(target) = canonical_path(path).and_then(|path| registry.resolve(resource_type, &path))
    {
        repairs.note(Quirk::Scim1Urns, format!("path {} taken for {target}", shown(path)));
        return Some(target);
    }
    let head = path.split('.').next().unwrap_or_default();
    if quirks.has(Quirk::ManagerShapes) && head.eq_ignore_ascii_case("manager") {
        let target = registry.resolve(resource_type, &format!("{ENTERPRISE_USER}:{path}"))?;
        repairs.note(Quirk::ManagerShapes, format!("path {} taken for {target}", shown(path)));
        return Some(target);
    }
    None
}

/// The extension whose URN is the whole path.
fn locate_extension(
    registry: &Registry,
    resource_type: &ResourceType,
    path: &str,
    quirks: Quirks,
    repairs: &mut Repairs,
) -> Option<Arc<str>> {
    let find = |urn: &str| registry.extension(resource_type, urn).map(|extension| Arc::clone(&extension.schema.id));
    if let Some(urn) = find(path) {
        return Some(urn);
    }
    if !quirks.has(Quirk::Scim1Urns) {
        return None;
    }
    let urn = canonical_path(path).and_then(|urn| find(&urn))?;
    repairs.note(Quirk::Scim1Urns, format!("path {} taken for {urn}", shown(path)));
    Some(urn)
}

/// The canonical text; reading it again gives the same path.
impl fmt::Display for PatchPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.attribute)?;
        if let Some(filter) = &self.filter {
            write!(f, "[{filter}]")?;
        }
        match &self.sub {
            Some(sub) => write!(f, ".{sub}"),
            None => Ok(()),
        }
    }
}

/// Whether what follows an opening bracket is an array index: `0]`, `*]`, `]`.
fn is_index(text: &str) -> bool {
    text.split_once(']').is_some_and(|(inside, _)| {
        let inside = inside.trim();
        inside == "*" || inside.trim_start_matches('-').bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// Whether this is the name of an attribute or sub-attribute (RFC 7643 section 2.1; `$ref` by section 2.4).
pub(crate) fn is_attribute_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    text == "$ref"
        || bytes.next().is_some_and(|first| first.is_ascii_alphabetic())
            && bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// Whether this can be an attrPath: `name`, `name.sub`, or either behind a URI and a colon. Where the URI ends only a
/// schema can tell.
pub(crate) fn is_attribute_path(text: &str) -> bool {
    if text.contains(':') {
        return text.starts_with(|first: char| first.is_ascii_alphabetic())
            && !text.ends_with(':')
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~:/?#@!$&*+,;=%".contains(&byte));
    }
    match text.split_once('.') {
        Some((name, sub)) => is_attribute_name(name) && is_attribute_name(sub),
        None => is_attribute_name(text),
    }
}

fn invalid(why: &str) -> Error {
    Error::new(Code::PathInvalid, format!("The path cannot be read: {why}."))
}

fn unknown(why: &str) -> Error {
    Error::new(Code::PathInvalid, format!("The path names nothing that can be changed: {why}."))
}

#[cfg(test)]
mod tests;
