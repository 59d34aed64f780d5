//! What of a resource is returned: `attributes` and `excludedAttributes` (RFC 7644 section 3.9) over the characteristic
//! `returned` (RFC 7643 section 7).

use crate::limits::PROJECTION_ATTRIBUTES;
use crate::schema::{Attribute, Registry, ResourceType, Returned};
use crate::{Code, Error, Object};
use serde_json::Value;
use std::sync::Arc;

/// What a client wants to see of a resource.
#[derive(Clone, Debug, Default)]
pub struct Projection {
    mode: Mode,
    /// Attributes of `returned: request` that this very request wrote.
    written: Vec<Named>,
}

#[derive(Clone, Debug, Default)]
enum Mode {
    /// What is returned by default.
    #[default]
    Default,
    /// What is always returned, and these.
    Only(Vec<Named>),
    /// What is returned by default, without these.
    Without(Vec<Named>),
}

/// A name as it was understood.
#[derive(Clone, Debug)]
struct Named {
    extension: Option<Arc<str>>,
    /// `None` means the whole schema.
    attribute: Option<Arc<Attribute>>,
    sub: Option<Arc<Attribute>>,
}

impl Named {
    fn is_schema(&self, extension: Option<&str>) -> bool {
        self.extension.as_deref() == extension && self.attribute.is_none()
    }

    fn is_attribute(&self, extension: Option<&str>, attribute: &Attribute) -> bool {
        self.extension.as_deref() == extension && self.attribute.as_ref().is_some_and(|it| it.name == attribute.name)
    }

    fn is_sub(&self, extension: Option<&str>, attribute: &Attribute, sub: &Attribute) -> bool {
        self.is_attribute(extension, attribute) && self.sub.as_ref().is_some_and(|it| it.name == sub.name)
    }
}

impl Projection {
    /// Reads the two lists of attribute names. A name that no schema of the type knows names nothing; the URN of a
    /// schema alone names all of it. A list without any name counts as not given.
    ///
    /// # Errors
    /// [`Code::AttributesBothWays`] when both are given, [`Code::ParameterInvalid`] for too many names.
    pub fn parse(
        registry: &Registry,
        resource_type: &ResourceType,
        attributes: Option<&[String]>,
        excluded: Option<&[String]>,
    ) -> Result<Projection, Error> {
        let attributes = attributes.filter(|names| !names.is_empty());
        let excluded = excluded.filter(|names| !names.is_empty());
        let mode = match (attributes, excluded) {
            (None, None) => Mode::Default,
            (Some(names), None) => Mode::Only(understand(registry, resource_type, names)?),
            (None, Some(names)) => Mode::Without(understand(registry, resource_type, names)?),
            (Some(_), Some(_)) => {
                let detail = "attributes and excludedAttributes cannot be given together.";
                return Err(Error::new(Code::AttributesBothWays, detail));
            }
        };
        Ok(Projection { mode, written: Vec::new() })
    }

    /// Whether the client named neither attributes nor excludedAttributes.
    #[must_use]
    pub fn is_default(&self) -> bool {
        matches!(self.mode, Mode::Default)
    }

    /// Whether [`Projection::apply`] leaves every resource of the type as it is kept, so that stored text can be sent.
    /// Attributes that are never kept (`password`) do not count.
    #[must_use]
    pub fn keeps_all(&self, resource_type: &ResourceType) -> bool {
        let shown = |attribute: &Arc<Attribute>| {
            let plain = |it: &Attribute| matches!(it.returned, Returned::Always | Returned::Default);
            attribute.is_discarded() || plain(attribute) && attribute.sub_attributes.iter().all(|sub| plain(sub))
        };
        let extensions = resource_type.extensions.iter().map(|extension| &extension.schema);
        let mut schemas = std::iter::once(&resource_type.schema).chain(extensions);
        self.is_default() && schemas.all(|schema| schema.attributes.iter().all(shown))
    }

    /// Whether this core attribute, or a part of it, can be in the answer: what cannot need not be read or computed.
    #[must_use]
    pub fn wants(&self, core_attribute: &str) -> bool {
        let is = |named: &Named| {
            let attribute = named.attribute.as_ref();
            named.extension.is_none() && attribute.is_none_or(|it| it.name.eq_ignore_ascii_case(core_attribute))
        };
        match &self.mode {
            Mode::Default => true,
            Mode::Only(names) => names.iter().any(is),
            Mode::Without(names) => !names.iter().any(|named| named.sub.is_none() && is(named)),
        }
    }

    /// Lets attributes of `returned: request` through that the body of this request wrote (RFC 7643 section 7).
    #[must_use]
    pub fn with_written(mut self, resource_type: &ResourceType, written: &Object) -> Self {
        let requested = |attribute: &&Arc<Attribute>| attribute.returned == Returned::Request;
        let named = |extension: Option<&Arc<str>>, attribute: &Arc<Attribute>| Named {
            extension: extension.cloned(),
            attribute: Some(Arc::clone(attribute)),
            sub: None,
        };
        for (key, value) in written {
            if let Some(attribute) = resource_type.attribute(key).filter(requested) {
                self.written.push(named(None, attribute));
            }
            let Some(extension) = resource_type.extension(key) else { continue };
            for key in value.as_object().into_iter().flat_map(Object::keys) {
                if let Some(attribute) = extension.schema.attribute(key).filter(requested) {
                    self.written.push(named(Some(&extension.schema.id), attribute));
                }
            }
        }
        self
    }

    /// Removes what is not to be returned. `returned: never` always goes, `returned: always` always stays.
    pub fn apply(&self, _registry: &Registry, resource_type: &ResourceType, resource: &mut Object) {
        resource.retain(|key, value| {
            if let Some(attribute) = resource_type.attribute(key) {
                return self.reduce(None, attribute, value);
            }
            let Some(extension) = resource_type.extension(key) else { return true };
            let Value::Object(data) = value else { return false };
            let urn = Some(&*extension.schema.id);
            data.retain(|key, value| match extension.schema.attribute(key) {
                Some(attribute) => self.reduce(urn, attribute, value),
                None => true,
            });
            !data.is_empty()
        });
    }

    /// Reduces a value to what is returned of it. Whether anything is.
    fn reduce(&self, extension: Option<&str>, attribute: &Attribute, value: &mut Value) -> bool {
        if !self.shows(extension, attribute) {
            return false;
        }
        let visible = |sub: &&Arc<Attribute>| self.shows_sub(extension, attribute, sub);
        let subs = &attribute.sub_attributes;
        if subs.iter().all(|sub| visible(&sub)) {
            return true;
        }
        let kept: Vec<&str> = subs.iter().filter(visible).map(|sub| sub.name.as_str()).collect();
        let strip = |value: &mut Value| {
            if let Value::Object(object) = value {
                object.retain(|key, _| kept.contains(&key.as_str()));
            }
            !value.as_object().is_some_and(Object::is_empty)
        };
        match value {
            Value::Array(values) => {
                values.retain_mut(strip);
                !values.is_empty()
            }
            value => strip(value),
        }
    }

    fn shows(&self, extension: Option<&str>, attribute: &Attribute) -> bool {
        let by_default = || {
            let written = || self.written.iter().any(|named| named.is_attribute(extension, attribute));
            attribute.returned == Returned::Default || written()
        };
        match (attribute.returned, &self.mode) {
            (Returned::Never, _) => false,
            (Returned::Always, _) => true,
            (_, Mode::Default) => by_default(),
            (_, Mode::Only(names)) => {
                names.iter().any(|named| named.is_schema(extension) || named.is_attribute(extension, attribute))
            }
            (_, Mode::Without(names)) => {
                let whole = |named: &Named| {
                    named.is_schema(extension) || named.sub.is_none() && named.is_attribute(extension, attribute)
                };
                by_default() && !names.iter().any(whole)
            }
        }
    }

    fn shows_sub(&self, extension: Option<&str>, attribute: &Attribute, sub: &Attribute) -> bool {
        match (sub.returned, &self.mode) {
            (Returned::Never, _) => false,
            (Returned::Always, _) => true,
            (returned, Mode::Default) => returned == Returned::Default,
            (returned, Mode::Only(names)) => {
                let mut narrowed = names.iter().filter(|named| named.is_attribute(extension, attribute));
                // Named as a whole somewhere, or shown without being named: all that is returned by default.
                let whole = names.iter().any(|named| named.is_schema(extension))
                    || narrowed.clone().any(|named| named.sub.is_none())
                    || narrowed.clone().next().is_none();
                whole && returned == Returned::Default || narrowed.any(|named| named.is_sub(extension, attribute, sub))
            }
            (returned, Mode::Without(names)) => {
                returned == Returned::Default && !names.iter().any(|named| named.is_sub(extension, attribute, sub))
            }
        }
    }
}

fn understand(registry: &Registry, resource_type: &ResourceType, names: &[String]) -> Result<Vec<Named>, Error> {
    if names.len() > PROJECTION_ATTRIBUTES {
        let detail = format!("More than {PROJECTION_ATTRIBUTES} attributes are named.");
        return Err(Error::new(Code::ParameterInvalid, detail));
    }
    let understood = names.iter().filter_map(|name| {
        let name = name.trim();
        if let Some(target) = registry.resolve(resource_type, name) {
            let (extension, attribute) = (target.extension, Some(target.attribute));
            return Some(Named { extension, attribute, sub: target.sub });
        }
        let whole = |extension| Named { extension, attribute: None, sub: None };
        if resource_type.schema.id.eq_ignore_ascii_case(name) {
            return Some(whole(None));
        }
        resource_type.extension(name).map(|extension| whole(Some(Arc::clone(&extension.schema.id))))
    });
    Ok(understood.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{ENTERPRISE_USER, USER};
    use serde_json::json;

    const BADGE: &str = "urn:example:Badge";

    fn registry() -> Registry {
        Registry::with_extensions(&[json!({"id": BADGE, "attributes": [
            {"name": "code", "returned": "request"}, {"name": "kind", "returned": "always"},
            {"name": "pin", "returned": "never"},
            {"name": "desk", "type": "complex", "subAttributes": [
                {"name": "floor"}, {"name": "room", "returned": "request"}, {"name": "key", "returned": "always"}]},
        ]})])
        .unwrap()
    }

    fn user() -> Value {
        json!({
            "schemas": [USER, ENTERPRISE_USER, BADGE], "id": "1", "externalId": "e", "userName": "bob", "password": "p",
            "name": {"givenName": "B", "familyName": "O"},
            "emails": [{"value": "a", "type": "work"}, {"value": "b"}, {"type": "home"}],
            ENTERPRISE_USER: {"department": "D", "manager": {"value": "7", "displayName": "M"}},
            BADGE: {"code": "c", "kind": "k", "pin": "0", "desk": {"floor": "1", "room": "2", "key": "3"}},
            "meta": {"resourceType": "User", "version": "W/\"1\""},
        })
    }

    fn names(list: &str) -> Option<Vec<String>> {
        (!list.is_empty()).then(|| list.split(',').map(str::to_owned).collect())
    }

    fn projection(attributes: &str, excluded: &str) -> Result<Projection, Error> {
        let registry = registry();
        Projection::parse(&registry, registry.user(), names(attributes).as_deref(), names(excluded).as_deref())
    }

    fn applied(projection: &Projection, mut resource: Value) -> Value {
        let registry = registry();
        projection.apply(&registry, registry.user(), resource.as_object_mut().unwrap());
        resource
    }

    /// What is left, `schemas` and `id` apart: they always are.
    fn check(attributes: &str, excluded: &str, mut expect: Value) {
        let projection = projection(attributes, excluded).unwrap();
        expect["schemas"] = user()["schemas"].clone();
        expect["id"] = json!("1");
        assert_eq!(applied(&projection, user()), expect, "attributes={attributes} excluded={excluded}");
    }

    fn only(attributes: &str, mut expect: Value) {
        if expect.get(BADGE).is_none() {
            expect[BADGE] = json!({"kind": "k"});
        }
        check(attributes, "", expect);
    }

    fn without(paths: &[&str]) -> Value {
        let mut expect = user();
        let secret = ["/password", "/urn:example:Badge/code", "/urn:example:Badge/pin", "/urn:example:Badge/desk/room"];
        for path in secret.iter().chain(paths) {
            let (parent, key) = path.rsplit_once('/').unwrap();
            expect.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(key);
        }
        expect
    }

    #[test]
    fn the_default() {
        check("", "", without(&[]));
        let projection = projection("", "").unwrap();
        assert!(projection.is_default() && !projection.keeps_all(registry().user()));
        assert!(projection.keeps_all(Registry::standard().user()));
        assert!(projection.keeps_all(Registry::standard().group()));
    }

    #[test]
    fn only_what_is_named() {
        only("userName", json!({"userName": "bob"}));
        only(" USERNAME ,externalid", json!({"userName": "bob", "externalId": "e"}));
        only("unheard", json!({}));
        only("id", json!({}));
        only("password", json!({}));
        only("name.givenName", json!({"name": {"givenName": "B"}}));
        only("name,name.givenName", json!({"name": {"givenName": "B", "familyName": "O"}}));
        only("emails.value", json!({"emails": [{"value": "a"}, {"value": "b"}]}));
        only("emails.display", json!({}));
        only("meta.version", json!({"meta": {"version": "W/\"1\""}}));
        only("meta", json!({"meta": {"resourceType": "User", "version": "W/\"1\""}}));
        only("urn:ietf:params:scim:schemas:core:2.0:user:userName", json!({"userName": "bob"}));
        let manager = json!({ENTERPRISE_USER: {"manager": {"value": "7"}}});
        only("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value", manager);
        only(ENTERPRISE_USER, json!({ENTERPRISE_USER: user()[ENTERPRISE_USER]}));
        only("urn:example:Badge:code", json!({BADGE: {"code": "c", "kind": "k"}}));
        only("urn:example:Badge:pin", json!({}));
        only("urn:example:Badge:desk", json!({BADGE: {"kind": "k", "desk": {"floor": "1", "key": "3"}}}));
        only("urn:example:Badge:desk.room", json!({BADGE: {"kind": "k", "desk": {"room": "2", "key": "3"}}}));
    }

    #[test]
    fn all_but_what_is_named() {
        check("", "userName,emails", without(&["/userName", "/emails"]));
        check("", "id,schemas,unheard,urn:example:Badge:kind", without(&[]));
        check("", "name.givenname", without(&["/name/givenName"]));
        check("", "name.givenName,name.familyName", {
            let mut expect = without(&[]);
            expect["name"] = json!({});
            expect.as_object_mut().unwrap().remove("name");
            expect
        });
        check("", "meta", without(&["/meta"]));
        check("", ENTERPRISE_USER, without(&["/urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"]));
        check(
            "",
            "urn:example:Badge:desk.key,urn:example:Badge:desk.floor",
            without(&["/urn:example:Badge/desk/floor"]),
        );
    }

    #[test]
    fn what_cannot_be_in_the_answer_need_not_be_read() {
        let check = |attributes: &str, excluded: &str, expect: bool| {
            assert_eq!(projection(attributes, excluded).unwrap().wants("groups"), expect, "{attributes} {excluded}");
        };
        check("", "", true);
        check("userName", "", false);
        check("Groups", "", true);
        check("groups.value", "", true);
        check(USER, "", true);
        check(ENTERPRISE_USER, "", false);
        check("", "groups", false);
        check("", "groups.display", true);
        check("", "userName", true);
    }

    #[test]
    fn lists_are_checked() {
        assert_eq!(projection("userName", "emails").unwrap_err().code, "attributes-both-ways");
        let many = vec!["userName"; PROJECTION_ATTRIBUTES + 1].join(",");
        assert_eq!(projection(&many, "").unwrap_err().code, "parameter-invalid");
        let registry = registry();
        let empty = Projection::parse(&registry, registry.user(), Some(&[]), Some(&[])).unwrap();
        assert!(empty.is_default());
    }

    #[test]
    fn what_was_written_is_shown_once() {
        let written = json!({BADGE: {"Code": "c", "pin": "0"}});
        let registry = registry();
        let all = projection("", "").unwrap().with_written(registry.user(), written.as_object().unwrap());
        assert_eq!(applied(&all, user())[BADGE], json!({"code": "c", "kind": "k", "desk": {"floor": "1", "key": "3"}}));
    }
}
