//! The one error of the protocol (RFC 7644 section 3.12).
//!
//! A [`Code`] is stable: scripts and documentation rely on it. It fixes the HTTP status and the `scimType`.

use serde_json::{Value, json};
use std::fmt;

/// The `scimType` words of RFC 7644 table 9 and RFC 9865 section 2.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ScimType {
    /// The cursor has expired (RFC 9865).
    ExpiredCursor,
    /// The count is not acceptable with a cursor (RFC 9865).
    InvalidCount,
    /// The cursor is unknown or belongs to another query (RFC 9865).
    InvalidCursor,
    /// The filter is malformed or compares what cannot be compared.
    InvalidFilter,
    /// The PATCH path is malformed or names nothing known.
    InvalidPath,
    /// The body is not what the operation asks for.
    InvalidSyntax,
    /// A value has the wrong type or a required one is missing.
    InvalidValue,
    /// The protocol version is not supported.
    InvalidVers,
    /// The attribute cannot be changed.
    Mutability,
    /// The path matched nothing that could be changed.
    NoTarget,
    /// The request would put personal data into a URI.
    Sensitive,
    /// The query gives more results than the server returns.
    TooMany,
    /// A value that must be unique is taken.
    Uniqueness,
}

impl ScimType {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ExpiredCursor => "expiredCursor",
            Self::InvalidCount => "invalidCount",
            Self::InvalidCursor => "invalidCursor",
            Self::InvalidFilter => "invalidFilter",
            Self::InvalidPath => "invalidPath",
            Self::InvalidSyntax => "invalidSyntax",
            Self::InvalidValue => "invalidValue",
            Self::InvalidVers => "invalidVers",
            Self::Mutability => "mutability",
            Self::NoTarget => "noTarget",
            Self::Sensitive => "sensitive",
            Self::TooMany => "tooMany",
            Self::Uniqueness => "uniqueness",
        }
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal, $status:literal, $scim:expr;)+) => {
        /// What went wrong, as a stable code. Each has a page in `docs/reference/errors`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code { $($(#[$doc])* $variant,)+ }

        impl Code {
            /// Every code, in alphabetical order.
            pub const ALL: &[Code] = &[$(Code::$variant,)+];

            /// The stable text of the code.
            #[must_use]
            pub fn as_str(self) -> &'static str { match self { $(Code::$variant => $text,)+ } }

            /// The HTTP status it is answered with.
            #[must_use]
            pub fn status(self) -> u16 { match self { $(Code::$variant => $status,)+ } }

            /// The `scimType` it is answered with, if one fits.
            #[must_use]
            pub fn scim_type(self) -> Option<ScimType> { match self { $(Code::$variant => $scim,)+ } }
        }
    };
}

codes! {
    /// `attributes` and `excludedAttributes` were both given (RFC 7644 section 3.9).
    AttributesBothWays = "attributes-both-ways", 400, Some(ScimType::InvalidValue);
    /// The body exceeds the limit of the endpoint.
    BodyTooLarge = "body-too-large", 413, None;
    /// The bulk operation itself is malformed (method, path, bulkId, data).
    BulkOperationInvalid = "bulk-operation-invalid", 400, Some(ScimType::InvalidSyntax);
    /// A `bulkId` reference names no operation, or one that failed (RFC 7644 section 3.7.2).
    BulkReferenceUnknown = "bulk-reference-unknown", 400, Some(ScimType::InvalidValue);
    /// References between bulk operations form a cycle that cannot be resolved (RFC 7644 section 3.7.1).
    BulkReferenceCycle = "bulk-reference-cycle", 409, None;
    /// More operations than announced in maxOperations (RFC 7644 section 3.7.4).
    BulkTooManyOperations = "bulk-too-many-operations", 413, None;
    /// The cursor has expired (RFC 9865).
    CursorExpired = "cursor-expired", 400, Some(ScimType::ExpiredCursor);
    /// The cursor is unknown, damaged, or belongs to another query or caller (RFC 9865).
    CursorInvalid = "cursor-invalid", 400, Some(ScimType::InvalidCursor);
    /// `filter` is not allowed on a discovery endpoint (RFC 7644 section 4).
    DiscoveryFilter = "discovery-filter", 403, None;
    /// A JSON object names one key twice, also when only the letter case differs.
    DuplicateKey = "duplicate-key", 400, Some(ScimType::InvalidSyntax);
    /// The comparison is not defined for the type of the attribute.
    FilterComparison = "filter-comparison", 400, Some(ScimType::InvalidFilter);
    /// The filter does not follow the grammar (RFC 7644 figure 1).
    FilterSyntax = "filter-syntax", 400, Some(ScimType::InvalidFilter);
    /// The filter is longer, deeper or has more terms than the limits allow.
    FilterTooComplex = "filter-too-complex", 400, Some(ScimType::InvalidFilter);
    /// The filter names an attribute that no schema has or that may not be filtered.
    FilterUnknownAttribute = "filter-unknown-attribute", 400, Some(ScimType::InvalidFilter);
    /// An immutable attribute already has another value (RFC 7643 section 7).
    ImmutableAttribute = "immutable-attribute", 400, Some(ScimType::Mutability);
    /// The body is not JSON, not UTF-8, has trailing data or is not an object.
    JsonSyntax = "json-syntax", 400, Some(ScimType::InvalidSyntax);
    /// The JSON is nested too deep.
    JsonTooDeep = "json-too-deep", 400, Some(ScimType::InvalidSyntax);
    /// A member names no resource of this integration.
    MemberUnknown = "member-unknown", 400, Some(ScimType::InvalidValue);
    /// The method is not offered here.
    MethodNotAllowed = "method-not-allowed", 405, None;
    /// The resource or endpoint does not exist.
    NotFound = "not-found", 404, None;
    /// The message does not carry the schema of its kind (RFC 7644 section 3.1).
    MessageSchema = "message-schema", 400, Some(ScimType::InvalidSyntax);
    /// A paging parameter is not a number, or `count` is not acceptable.
    PagingInvalid = "paging-invalid", 400, Some(ScimType::InvalidValue);
    /// A query parameter is repeated or malformed.
    ParameterInvalid = "parameter-invalid", 400, Some(ScimType::InvalidValue);
    /// The value filter of a PATCH path matched nothing (RFC 7644 section 3.5.2.3).
    PatchNoTarget = "patch-no-target", 400, Some(ScimType::NoTarget);
    /// A PATCH operation is malformed: unknown op, missing value, too many operations.
    PatchOperationInvalid = "patch-operation-invalid", 400, Some(ScimType::InvalidSyntax);
    /// The PATCH path does not follow the grammar or names nothing known.
    PathInvalid = "path-invalid", 400, Some(ScimType::InvalidPath);
    /// If-Match named another version (RFC 7644 section 3.14).
    PreconditionFailed = "precondition-failed", 412, None;
    /// More than one value is marked primary (RFC 7643 section 2.4).
    PrimaryTwice = "primary-twice", 400, Some(ScimType::InvalidValue);
    /// The attribute is read-only (RFC 7643 section 7).
    ReadOnlyAttribute = "read-only-attribute", 400, Some(ScimType::Mutability);
    /// A required attribute is missing or would be removed.
    RequiredMissing = "required-missing", 400, Some(ScimType::InvalidValue);
    /// A required attribute cannot be removed by PATCH (RFC 7644 section 3.5.2.2).
    RequiredRemoved = "required-removed", 400, Some(ScimType::Mutability);
    /// `schemas` is missing, empty, of the wrong type or of another resource.
    SchemasInvalid = "schemas-invalid", 400, Some(ScimType::InvalidSyntax);
    /// `sortBy` names nothing that can be sorted by.
    SortInvalid = "sort-invalid", 400, Some(ScimType::InvalidPath);
    /// The query would read more than the server allows; narrow it (RFC 7644 section 3.4.2.1).
    TooMany = "too-many", 400, Some(ScimType::TooMany);
    /// A value that must be unique is taken (RFC 7644 section 3.3).
    Uniqueness = "uniqueness", 409, Some(ScimType::Uniqueness);
    /// An attribute no schema knows was sent to a strict integration.
    UnknownAttribute = "unknown-attribute", 400, Some(ScimType::InvalidSyntax);
    /// The body has a media type other than JSON, or is compressed.
    UnsupportedMediaType = "unsupported-media-type", 415, None;
    /// The protocol version in the path is not served.
    VersionUnsupported = "version-unsupported", 400, Some(ScimType::InvalidVers);
    /// A value has the wrong type or form.
    ValueInvalid = "value-invalid", 400, Some(ScimType::InvalidValue);
}

/// A refused request. `code` may also be one of the product's own; the wire form is the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// HTTP status.
    pub status: u16,
    /// `scimType`, where one fits.
    pub scim_type: Option<ScimType>,
    /// Stable code.
    pub code: &'static str,
    /// One or two sentences for the person who reads the identity provider's log.
    pub detail: String,
}

impl Error {
    /// An error of the protocol. `detail` is a sentence; it names the attribute or path, never a secret.
    #[must_use]
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { status: code.status(), scim_type: code.scim_type(), code: code.as_str(), detail: detail.into() }
    }

    /// The body of the answer (RFC 7644 section 3.12): `status` is a string there.
    #[must_use]
    pub fn body(&self) -> Value {
        let mut body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
            "status": self.status.to_string(),
            "detail": self.detail,
        });
        if let (Some(object), Some(scim_type)) = (body.as_object_mut(), self.scim_type) {
            object.insert("scimType".to_owned(), Value::from(scim_type.as_str()));
        }
        body
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.detail)
    }
}

impl std::error::Error for Error {}
