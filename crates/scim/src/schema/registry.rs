//! The schemas and resource types that are served.

use super::load::{TypeDocument, check_urn, field};
use super::{
    Attribute, ENTERPRISE_USER, Extension, GROUP, Mutability, ResourceType, Returned, Schema, Target, Type, USER,
    Uniqueness,
};
use serde_json::Value;
use std::sync::{Arc, LazyLock};

/// What an alias stands for when it names no resource type: the base schema of the endpoint.
pub const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0";

/// URNs of messages (RFC 7644 section 3.1) begin like this; they never name a schema.
const MESSAGES: &str = "urn:ietf:params:scim:api:messages:";

/// The schemas and resource types that are served. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Registry(Arc<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    /// User, then Group.
    types: [ResourceType; 2],
    schemas: Vec<Arc<Schema>>,
}

impl Attribute {
    /// Whether values are compared without regard to letter case. Only strings can be: references and binaries are
    /// case exact by definition (RFC 7643 sections 2.3.6 and 2.3.7).
    #[must_use]
    pub fn folds_case(&self) -> bool {
        self.kind == Type::String && !self.case_exact
    }

    /// Whether a value is checked and then thrown away, as that of `password` is: it can be neither read nor kept.
    #[must_use]
    pub fn is_discarded(&self) -> bool {
        self.mutability == Mutability::WriteOnly && self.returned == Returned::Never
    }

    /// Whether a value must not be shown, filtered or sorted by (RFC 7643 sections 7 and 9.2).
    #[must_use]
    pub fn is_secret(&self) -> bool {
        self.mutability == Mutability::WriteOnly || self.returned == Returned::Never
    }
}

impl ResourceType {
    /// The core or common attribute of this name, letter case ignored.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&Arc<Attribute>> {
        self.schema.attribute(name).or_else(|| self.common.attribute(name))
    }

    /// The extension of this URN, letter case ignored.
    #[must_use]
    pub fn extension(&self, urn: &str) -> Option<&Extension> {
        self.extensions.iter().find(|extension| extension.schema.id.eq_ignore_ascii_case(urn))
    }
}

impl Registry {
    /// User, Group and the enterprise extension as RFC 7643 defines them.
    #[must_use]
    pub fn standard() -> Registry {
        static STANDARD: LazyLock<Registry> = LazyLock::new(build_standard);
        STANDARD.clone()
    }

    /// The standard registry and the given documents: Schema and ResourceType documents, arrays of them or
    /// ListResponses. A schema that no ResourceType document mentions extends User.
    ///
    /// # Errors
    /// A sentence fragment that names the document and what is wrong with it.
    pub fn with_extensions(documents: &[Value]) -> Result<Registry, String> {
        let mut schemas = Vec::new();
        let mut types = Vec::new();
        for document in documents {
            sort_out(document, &mut schemas, &mut types, 0)?;
        }
        let mut inner = Inner::clone(&Registry::standard().0);
        for schema in &schemas {
            check_clash(&inner, schema)?;
            check_uniqueness(schema)?;
            inner.schemas.push(Arc::clone(schema));
        }
        let mut mentioned = vec![false; schemas.len()];
        for document in &types {
            extend(&mut inner, document, &schemas, &mut mentioned)?;
        }
        for (schema, _) in schemas.iter().zip(mentioned).filter(|(_, mentioned)| !mentioned) {
            inner.types[0].extensions.push(Extension { schema: Arc::clone(schema), required: false });
        }
        Ok(Registry(Arc::new(inner)))
    }

    /// The User resource type.
    #[must_use]
    pub fn user(&self) -> &ResourceType {
        &self.0.types[0]
    }

    /// The Group resource type.
    #[must_use]
    pub fn group(&self) -> &ResourceType {
        &self.0.types[1]
    }

    /// All resource types.
    #[must_use]
    pub fn resource_types(&self) -> &[ResourceType] {
        &self.0.types
    }

    /// The resource type of this name, letter case ignored.
    #[must_use]
    pub fn resource_type(&self, name: &str) -> Option<&ResourceType> {
        self.0.types.iter().find(|resource_type| resource_type.name.eq_ignore_ascii_case(name))
    }

    /// The schemas that can be read at `/Schemas`: User, Group, the enterprise extension, then further extensions.
    pub fn schemas(&self) -> impl Iterator<Item = &Arc<Schema>> {
        self.0.schemas.iter()
    }

    /// The schema of this URN, letter case ignored (RFC 7644 section 3.10).
    #[must_use]
    pub fn schema(&self, urn: &str) -> Option<&Arc<Schema>> {
        self.0.schemas.iter().find(|schema| schema.id.eq_ignore_ascii_case(urn))
    }

    /// The extension of this URN if the resource type has it.
    #[must_use]
    pub fn extension<'a>(&self, resource_type: &'a ResourceType, urn: &str) -> Option<&'a Extension> {
        resource_type.extension(urn)
    }

    /// What an attribute path means (RFC 7644 section 3.10): `name`, `name.sub`, and both behind the URN of the base
    /// schema or of an extension and a colon; letter case ignored. The URN of an extension alone is no attribute.
    #[must_use]
    pub fn resolve(&self, resource_type: &ResourceType, path: &str) -> Option<Target> {
        if !is_urn(path) {
            return resolve_in(path, None, |name| resource_type.attribute(name));
        }
        // One URN may begin with another one, so the longest that fits is meant.
        let extension = resource_type
            .extensions
            .iter()
            .filter(|extension| below(path, &extension.schema.id).is_some())
            .max_by_key(|extension| extension.schema.id.len());
        let extended = extension.and_then(|extension| {
            let schema = &extension.schema;
            resolve_in(below(path, &schema.id)?, Some(&schema.id), |name| schema.attribute(name))
        });
        extended
            .or_else(|| resolve_in(below(path, &resource_type.schema.id)?, None, |name| resource_type.attribute(name)))
    }
}

/// Whether the text begins like a URN.
pub(crate) fn is_urn(text: &str) -> bool {
    text.get(..4).is_some_and(|head| head.eq_ignore_ascii_case("urn:"))
}

/// What follows `urn` and a colon.
fn below<'a>(path: &'a str, urn: &str) -> Option<&'a str> {
    let head = path.get(..urn.len())?;
    let rest = path.get(urn.len()..)?.strip_prefix(':')?;
    head.eq_ignore_ascii_case(urn).then_some(rest)
}

fn resolve_in<'a>(
    path: &str,
    extension: Option<&Arc<str>>,
    find: impl FnOnce(&str) -> Option<&'a Arc<Attribute>>,
) -> Option<Target> {
    let (name, sub) = match path.split_once('.') {
        Some((name, sub)) => (name, Some(sub)),
        None => (path, None),
    };
    let attribute = find(name)?;
    let sub = match sub {
        Some(sub) => Some(Arc::clone(attribute.sub(sub)?)),
        None => None,
    };
    Some(Target { extension: extension.cloned(), attribute: Arc::clone(attribute), sub })
}

/// The schema a foreign URN stands for: the URNs of SCIM 1 and short or misspelt forms that clients send (letter case
/// ignored). [`CORE`] stands for the base schema of the endpoint. `None` for every other URN, the right ones included.
#[must_use]
pub fn canonical_urn(urn: &str) -> Option<&'static str> {
    ALIASES.iter().find(|(alias, _)| alias.eq_ignore_ascii_case(urn)).map(|(_, canonical)| *canonical)
}

/// Longer aliases come before those they begin with.
const ALIASES: [(&str, &str); 12] = [
    ("urn:scim:schemas:core:1.0:User", USER),
    ("urn:scim:schemas:core:1.0:Group", GROUP),
    ("urn:scim:schemas:core:1.0", CORE),
    ("urn:scim:schemas:core:2.0:User", USER),
    ("urn:scim:schemas:core:2.0:Group", GROUP),
    ("urn:scim:schemas:core:2.0", CORE),
    ("urn:scim:schemas:extension:enterprise:1.0:User", ENTERPRISE_USER),
    ("urn:scim:schemas:extension:enterprise:1.0", ENTERPRISE_USER),
    ("urn:scim:schemas:extension:enterprise:2.0:User", ENTERPRISE_USER),
    ("urn:scim:schemas:extension:enterprise:2.0", ENTERPRISE_USER),
    ("urn:ietf:params:scim:schemas:extension:enterprise:2.0User", ENTERPRISE_USER),
    ("urn:ietf:params:scim:schemas:core:2.0", CORE),
];

/// The path with an aliased URN in front of it replaced by the right one; a URN of the base schema is left out.
/// `None` where the path begins with no alias, so that nothing is noted needlessly.
#[must_use]
pub fn canonical_path(path: &str) -> Option<String> {
    if !is_urn(path) {
        return None;
    }
    let right = |urn: &str| below(path, urn).is_some() || path.eq_ignore_ascii_case(urn);
    if [USER, GROUP, ENTERPRISE_USER].into_iter().any(right) {
        return None;
    }
    if let Some(canonical) = canonical_urn(path) {
        return Some(canonical.to_owned());
    }
    let (rest, canonical) = ALIASES.iter().find_map(|(alias, canonical)| Some((below(path, alias)?, *canonical)))?;
    Some(if canonical == ENTERPRISE_USER { format!("{canonical}:{rest}") } else { rest.to_owned() })
}

#[expect(clippy::expect_used, reason = "the embedded documents are part of the program and a test loads them")]
fn build_standard() -> Registry {
    let load = |text: &str| {
        let document: Value = serde_json::from_str(text).expect("an embedded schema is JSON");
        Arc::new(Schema::from_json(&document).expect("an embedded schema is well formed"))
    };
    let user = load(include_str!("user.json"));
    let group = load(include_str!("group.json"));
    let enterprise = load(include_str!("enterprise_user.json"));
    let common = load(include_str!("common.json"));
    let types = [
        ResourceType {
            name: "User".to_owned(),
            endpoint: "/Users".to_owned(),
            description: "A person as the directory knows it.".to_owned(),
            schema: Arc::clone(&user),
            common: Arc::clone(&common),
            extensions: vec![Extension { schema: Arc::clone(&enterprise), required: false }],
        },
        ResourceType {
            name: "Group".to_owned(),
            endpoint: "/Groups".to_owned(),
            description: "A group of users and groups.".to_owned(),
            schema: Arc::clone(&group),
            common,
            extensions: Vec::new(),
        },
    ];
    Registry(Arc::new(Inner { types, schemas: vec![user, group, enterprise] }))
}

/// Sorts a document into schemas and resource types; lists may hold lists, as a ListResponse inside an array does.
fn sort_out(
    document: &Value,
    schemas: &mut Vec<Arc<Schema>>,
    types: &mut Vec<TypeDocument>,
    depth: usize,
) -> Result<(), String> {
    if depth > 4 {
        return Err("lists of schema documents are nested too deep".to_owned());
    }
    let object = match document {
        Value::Array(documents) => {
            return documents.iter().try_for_each(|document| sort_out(document, schemas, types, depth + 1));
        }
        Value::Object(object) => object,
        _ => return Err("a schema document must be a JSON object or an array of them".to_owned()),
    };
    if let Some(resources) = field(object, "Resources") {
        return sort_out(resources, schemas, types, depth + 1);
    }
    let is = |word: &str| {
        let listed = field(object, "schemas").and_then(Value::as_array);
        listed.is_some_and(|urns| urns.iter().filter_map(Value::as_str).any(|urn| urn.ends_with(word)))
    };
    if is(":ResourceType") || field(object, "schemaExtensions").is_some() {
        types.push(TypeDocument::from_json(document)?);
    } else if is(":Schema") || field(object, "attributes").is_some() {
        schemas.push(Arc::new(Schema::from_json(document)?));
    } else {
        return Err("a document is neither a Schema nor a ResourceType".to_owned());
    }
    Ok(())
}

/// What is advertised must be true: uniqueness of extension attributes is not enforced, so none may promise it.
fn check_uniqueness(schema: &Schema) -> Result<(), String> {
    let all =
        schema.attributes.iter().flat_map(|attribute| std::iter::once(attribute).chain(&attribute.sub_attributes));
    match all.into_iter().find(|attribute| attribute.uniqueness != Uniqueness::None) {
        Some(attribute) => Err(format!(
            "schema {}: attribute {} asks for uniqueness, which is not enforced for extensions: declare \"none\"",
            schema.id, attribute.name
        )),
        None => Ok(()),
    }
}

fn check_clash(inner: &Inner, schema: &Schema) -> Result<(), String> {
    let urn = &schema.id;
    check_urn(urn)?;
    if inner.schemas.iter().any(|other| other.id.eq_ignore_ascii_case(urn)) {
        return Err(format!("schema {urn} is defined already"));
    }
    let common = inner.types[0].common.id.eq_ignore_ascii_case(urn);
    let message = urn.get(..MESSAGES.len()).is_some_and(|head| head.eq_ignore_ascii_case(MESSAGES));
    if common || message || canonical_urn(urn).is_some() {
        return Err(format!("schema {urn}: the URN has a meaning in SCIM itself"));
    }
    Ok(())
}

fn extend(
    inner: &mut Inner,
    document: &TypeDocument,
    schemas: &[Arc<Schema>],
    mentioned: &mut [bool],
) -> Result<(), String> {
    let place = format!("resource type {}", document.name);
    let known = inner.schemas.clone();
    let resource_type = inner
        .types
        .iter_mut()
        .find(|resource_type| resource_type.name.eq_ignore_ascii_case(&document.name))
        .ok_or_else(|| format!("{place}: only User and Group are served"))?;
    if let Some(urn) = &document.schema
        && !resource_type.schema.id.eq_ignore_ascii_case(urn)
    {
        return Err(format!("{place}: its schema is {}, not {urn}", resource_type.schema.id));
    }
    for (urn, required) in &document.extensions {
        let schema = known
            .iter()
            .find(|schema| schema.id.eq_ignore_ascii_case(urn))
            .ok_or_else(|| format!("{place}: extension {urn} is not among the given schemas"))?;
        if [USER, GROUP].contains(&&*schema.id) {
            return Err(format!("{place}: {urn} is no extension"));
        }
        if let Some(index) = schemas.iter().position(|other| Arc::ptr_eq(other, schema)) {
            mentioned[index] = true;
        }
        match resource_type.extensions.iter_mut().find(|extension| Arc::ptr_eq(&extension.schema, schema)) {
            Some(extension) => extension.required |= required,
            None => resource_type.extensions.push(Extension { schema: Arc::clone(schema), required: *required }),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Uniqueness;
    use serde_json::json;

    const BADGE: &str = "urn:example:schemas:Badge";

    fn badge() -> Value {
        json!({"id": BADGE, "name": "Badge", "attributes": [{"name": "number"}, {"name": "desk", "type": "complex",
            "subAttributes": [{"name": "floor", "type": "integer"}]}]})
    }

    #[test]
    fn paths_resolve_in_every_spelling() {
        let registry = Registry::with_extensions(&[badge()]).unwrap();
        let check = |path: &str, expect: Option<&str>| {
            let found = registry.resolve(registry.user(), path).map(|target| target.to_string());
            assert_eq!(found.as_deref(), expect, "{path}");
        };
        check("userName", Some("userName"));
        check("USERNAME", Some("userName"));
        check("name.givenname", Some("name.givenName"));
        check("emails.$ref", None);
        check("groups.$REF", Some("groups.$ref"));
        check("id", Some("id"));
        check("meta.lastModified", Some("meta.lastModified"));
        check("urn:ietf:params:scim:schemas:core:2.0:User:userName", Some("userName"));
        check("URN:IETF:params:scim:schemas:core:2.0:user:NAME.givenName", Some("name.givenName"));
        check("urn:ietf:params:scim:schemas:core:2.0:User:meta.version", Some("meta.version"));
        check("urn:ietf:params:scim:schemas:core:2.0:Group:displayName", None);
        let department = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department";
        check(department, Some(department));
        check(&department.to_uppercase(), Some(department));
        let manager = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value";
        check(manager, Some(manager));
        check("urn:example:schemas:Badge:desk.floor", Some("urn:example:schemas:Badge:desk.floor"));
        for unknown in [
            "",
            "x",
            "department",
            "name.",
            ".name",
            "name.x",
            "userName.x",
            "name.givenName.x",
            "emails[0]",
            "urn:",
            "urn:x",
            "urn:ietf:params:scim:schemas:core:2.0:User",
            "urn:ietf:params:scim:schemas:core:2.0:User:",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:userName",
            "urn:ietf:params:scim:schemas:core:2.0:Üser:userName",
        ] {
            check(unknown, None);
        }
        assert_eq!(registry.resolve(registry.group(), "members.value").unwrap().to_string(), "members.value");
        assert!(registry.resolve(registry.group(), "userName").is_none());
    }

    #[test]
    fn the_longest_urn_wins() {
        let longer = json!({"id": "urn:example:schemas:Badge:desk", "attributes": [{"name": "floor"}]});
        let registry = Registry::with_extensions(&[badge(), longer]).unwrap();
        let target = registry.resolve(registry.user(), "urn:example:schemas:badge:desk:floor").unwrap();
        assert_eq!(target.extension.as_deref(), Some("urn:example:schemas:Badge:desk"));
        let target = registry.resolve(registry.user(), "urn:example:schemas:badge:desk.floor").unwrap();
        assert_eq!(target.extension.as_deref(), Some(BADGE));
    }

    #[test]
    fn the_built_in_schemas_say_what_the_rfc_says() {
        let registry = Registry::standard();
        let user = registry.user();
        let name = user.attribute("userName").unwrap();
        assert!(name.required && !name.case_exact && name.uniqueness == Uniqueness::Server);
        let password = user.attribute("password").unwrap();
        assert_eq!((password.mutability, password.returned), (Mutability::WriteOnly, Returned::Never));
        assert_eq!(user.attribute("groups").unwrap().mutability, Mutability::ReadOnly);
        let members = registry.group().attribute("members").unwrap();
        for sub in ["value", "$ref", "type"] {
            assert_eq!(members.sub(sub).unwrap().mutability, Mutability::Immutable, "{sub}");
        }
        assert!(registry.group().attribute("displayName").unwrap().required);
        for (name, exact, mutability, returned) in [
            ("id", true, Mutability::ReadOnly, Returned::Always),
            ("externalId", true, Mutability::ReadWrite, Returned::Default),
            ("meta", false, Mutability::ReadOnly, Returned::Default),
            ("schemas", false, Mutability::ReadWrite, Returned::Always),
        ] {
            let common = user.attribute(name).unwrap();
            assert_eq!((common.case_exact, common.mutability, common.returned), (exact, mutability, returned));
        }
        let manager = registry.schema(ENTERPRISE_USER).unwrap().attribute("manager").unwrap().clone();
        let subs: Vec<&str> = manager.sub_attributes.iter().map(|sub| sub.name.as_str()).collect();
        assert_eq!(subs, ["value", "$ref", "displayName"]);
        let urns: Vec<&str> = registry.schemas().map(|schema| &*schema.id).collect();
        assert_eq!(urns, [USER, GROUP, ENTERPRISE_USER]);
    }

    #[test]
    fn documents_extend_the_types_they_name() {
        let group = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"], "name": "Group",
            "endpoint": "/Groups", "schema": GROUP, "schemaExtensions": [{"schema": BADGE, "required": true}]});
        let list = json!({"totalResults": 2, "Resources": [badge(), group]});
        let registry = Registry::with_extensions(&[list]).unwrap();
        assert!(registry.group().extension(BADGE).unwrap().required);
        assert!(registry.user().extension(BADGE).is_none());
        assert_eq!(registry.schemas().count(), 4);
        let registry = Registry::with_extensions(&[json!([badge()])]).unwrap();
        assert!(!registry.user().extension(BADGE).unwrap().required);
        let strict = json!({"name": "user", "schemaExtensions": [{"schema": ENTERPRISE_USER, "required": true}]});
        let registry = Registry::with_extensions(&[strict]).unwrap();
        assert!(registry.user().extensions.len() == 1 && registry.user().extensions[0].required);
        assert_eq!(Registry::standard().user().extensions.len(), 1);
    }

    #[test]
    fn documents_that_clash_are_refused() {
        let check = |documents: &[Value], expect: &str| {
            let message = Registry::with_extensions(documents).unwrap_err();
            assert!(message.contains(expect), "{message}");
        };
        let schema = |urn: &str| json!({"id": urn, "attributes": [{"name": "a"}]});
        check(&[schema(USER)], "is defined already");
        check(&[schema(&ENTERPRISE_USER.to_lowercase())], "is defined already");
        check(&[badge(), badge()], "is defined already");
        check(&[schema("urn:ietf:params:scim:api:messages:2.0:PatchOp")], "has a meaning in SCIM itself");
        check(&[schema("urn:scim:schemas:core:1.0")], "has a meaning in SCIM itself");
        check(&[json!({"name": "Device", "schemaExtensions": []})], "only User and Group");
        check(&[json!({"name": "User", "schemaExtensions": [{"schema": BADGE}]})], "is not among the given schemas");
        check(&[json!({"name": "User", "schema": GROUP, "schemaExtensions": []})], "its schema is");
        check(&[json!({"name": "User", "schemaExtensions": [{"schema": GROUP}]})], "is no extension");
        check(&[json!({})], "neither a Schema nor a ResourceType");
        check(&[json!(1)], "must be a JSON object");
        check(&[json!([[[[[[]]]]]])], "nested too deep");
    }

    #[test]
    fn aliases_are_replaced() {
        assert_eq!(canonical_urn("URN:scim:schemas:core:1.0"), Some(CORE));
        assert_eq!(canonical_urn("urn:scim:schemas:extension:enterprise:1.0"), Some(ENTERPRISE_USER));
        assert_eq!(canonical_urn(USER), None);
        let check = |path: &str, expect: Option<&str>| assert_eq!(canonical_path(path).as_deref(), expect, "{path}");
        check("userName", None);
        check("urn:scim:schemas:core:1.0:userName", Some("userName"));
        check("urn:scim:schemas:core:1.0:User:name.givenName", Some("name.givenName"));
        check("urn:scim:schemas:core:2.0:Group:members[value eq \"x\"]", Some("members[value eq \"x\"]"));
        let department = format!("{ENTERPRISE_USER}:department");
        check("urn:scim:schemas:extension:enterprise:1.0:department", Some(&department));
        check("urn:scim:schemas:extension:enterprise:2.0:User:department", Some(&department));
        check("urn:scim:schemas:extension:enterprise:2.0", Some(ENTERPRISE_USER));
        check(&department, None);
        check(&format!("{USER}:userName"), None);
    }
}
