//! What a resource may hold: Schema, ResourceType and Attribute (RFC 7643 sections 2, 6 and 7).

mod load;
mod registry;

pub use registry::{CORE, Registry, canonical_path, canonical_urn};

use std::sync::Arc;

/// URN of the User schema.
pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// URN of the Group schema.
pub const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// URN of the enterprise extension of User.
pub const ENTERPRISE_USER: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// The data types of RFC 7643 section 2.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// Base64 text.
    Binary,
    /// true or false.
    Boolean,
    /// An object of sub-attributes.
    Complex,
    /// xsd:dateTime text.
    DateTime,
    /// A number.
    Decimal,
    /// A number without fraction.
    Integer,
    /// A URI.
    Reference,
    /// Text.
    String,
}

/// When a value may be written (RFC 7643 section 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutability {
    /// Once, never changed.
    Immutable,
    /// Never by the client.
    ReadOnly,
    /// Any time.
    ReadWrite,
    /// Any time, never read.
    WriteOnly,
}

/// When a value is returned (RFC 7643 section 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Returned {
    /// Always.
    Always,
    /// Unless excluded.
    Default,
    /// Never.
    Never,
    /// Only when asked for.
    Request,
}

/// How far a value must be unique (RFC 7643 section 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uniqueness {
    /// In the whole world.
    Global,
    /// Not at all.
    None,
    /// Within the server, here: within one integration.
    Server,
}

/// One attribute or sub-attribute (RFC 7643 section 7).
#[derive(Clone, Debug)]
pub struct Attribute {
    /// Name in the schema's spelling.
    pub name: String,
    /// Data type.
    pub kind: Type,
    /// Whether it holds an array.
    pub multi_valued: bool,
    /// What it means.
    pub description: String,
    /// Whether it must be present.
    pub required: bool,
    /// Suggested values, never enforced.
    pub canonical_values: Vec<String>,
    /// Whether letter case matters when comparing.
    pub case_exact: bool,
    /// When it may be written.
    pub mutability: Mutability,
    /// When it is returned.
    pub returned: Returned,
    /// How far it must be unique.
    pub uniqueness: Uniqueness,
    /// What a reference may point to.
    pub reference_types: Vec<String>,
    /// Sub-attributes of a complex attribute.
    pub sub_attributes: Vec<Arc<Attribute>>,
}

impl Attribute {
    /// The sub-attribute of this name, letter case ignored.
    #[must_use]
    pub fn sub(&self, name: &str) -> Option<&Arc<Attribute>> {
        self.sub_attributes.iter().find(|sub| sub.name.eq_ignore_ascii_case(name))
    }
}

/// A schema: a URN and its attributes (RFC 7643 section 7).
#[derive(Clone, Debug)]
pub struct Schema {
    /// URN.
    pub id: Arc<str>,
    /// Name for people.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Attributes in order.
    pub attributes: Vec<Arc<Attribute>>,
}

impl Schema {
    /// The attribute of this name, letter case ignored.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&Arc<Attribute>> {
        self.attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))
    }
}

/// A kind of resource and where it is served (RFC 7643 section 6).
#[derive(Clone, Debug)]
pub struct ResourceType {
    /// `User` or `Group`.
    pub name: String,
    /// Path below the base URL: `/Users`.
    pub endpoint: String,
    /// What it is.
    pub description: String,
    /// Its base schema.
    pub schema: Arc<Schema>,
    /// The common attributes of RFC 7643 section 3.1 (`schemas`, `id`, `externalId`, `meta`) in schema form.
    pub common: Arc<Schema>,
    /// Its extensions.
    pub extensions: Vec<Extension>,
}

/// An extension of a resource type.
#[derive(Clone, Debug)]
pub struct Extension {
    /// Its schema.
    pub schema: Arc<Schema>,
    /// Whether every resource must carry it.
    pub required: bool,
}

/// A place in a resource that a schema knows: the result of resolving a path.
#[derive(Clone, Debug)]
pub struct Target {
    /// URN of the extension the attribute lives in; `None` for core and common attributes.
    pub extension: Option<Arc<str>>,
    /// The attribute.
    pub attribute: Arc<Attribute>,
    /// Its sub-attribute, if one is meant.
    pub sub: Option<Arc<Attribute>>,
}

impl Target {
    /// The attribute that holds the value: the sub-attribute if there is one.
    #[must_use]
    pub fn leaf(&self) -> &Arc<Attribute> {
        self.sub.as_ref().unwrap_or(&self.attribute)
    }

    /// Whether this is the core or common attribute of that name (and no sub-attribute).
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.extension.is_none() && self.sub.is_none() && self.attribute.name == name
    }
}

impl PartialEq for Target {
    fn eq(&self, other: &Self) -> bool {
        self.extension == other.extension
            && self.attribute.name == other.attribute.name
            && self.sub.as_ref().map(|sub| &sub.name) == other.sub.as_ref().map(|sub| &sub.name)
    }
}

/// The canonical spelling: `name.givenName`, `urn:...:User:manager.value`.
impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(urn) = &self.extension {
            write!(f, "{urn}:")?;
        }
        f.write_str(&self.attribute.name)?;
        match &self.sub {
            Some(sub) => write!(f, ".{}", sub.name),
            None => Ok(()),
        }
    }
}
