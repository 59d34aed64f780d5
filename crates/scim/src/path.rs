//! Attribute paths: `userName`, `name.givenName`, `urn:...:User:manager.value`, `emails[type eq "work"].value`.

use crate::filter::Parsed;

/// An attribute path as written (RFC 7644 figure 1, attrPath). Resolving it needs a schema, because a URN holds dots
/// and colons itself ("2.0", "...:User").
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AttributePath(pub String);

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
