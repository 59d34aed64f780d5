//! From a row to the JSON a client sees.
//!
//! The stored text of a resource is sent as it is, and what is computed at reading (`id`, `groups`, `members`, `meta`,
//! name and address of the manager) is written around it. Only when the client asked for certain attributes, or a schema
//! hides some, is the text parsed.

use super::response::Pieces;
use crate::intake::internal;
use crate::limits;
use bailiwick_app::directory::{self, ManagerShown, Resource, Wants};
use bailiwick_app::{App, Refusal};
use bailiwick_domain::ids::{Kind, Millis};
use bailiwick_scim::Object;
use bailiwick_scim::projection::Projection;
use bailiwick_scim::schema::{ENTERPRISE_USER, Registry, ResourceType};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::fmt::Write as _;

/// Whether resources of a type are by default shown whole.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shapes {
    user: bool,
    group: bool,
}

impl Shapes {
    pub(super) fn new(registry: &Registry) -> Self {
        let whole = |resource_type: &ResourceType| Projection::default().keeps_all(resource_type);
        Self { user: whole(registry.user()), group: whole(registry.group()) }
    }
}

/// The names a client gave in `attributes` and `excludedAttributes`.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    pub(super) attributes: Option<Vec<String>>,
    pub(super) excluded: Option<Vec<String>>,
}

impl Names {
    /// Whether the client gave any.
    pub(super) fn given(&self) -> bool {
        self.attributes.is_some() || self.excluded.is_some()
    }
}

/// Which parts of a reference (`groups`, `members`) are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mask {
    value: bool,
    reference: bool,
    kind: bool,
    display: bool,
}

impl Mask {
    const ALL: Self = Self { value: true, reference: true, kind: true, display: true };

    fn any(self) -> bool {
        self.value || self.reference || self.kind || self.display
    }
}

/// A reference to be written.
struct Reference<'a> {
    id: &'a str,
    target: Kind,
    kind: &'a str,
    display: &'a str,
}

/// How resources of one kind are shown to this client.
#[derive(Debug)]
pub(super) struct View<'a> {
    app: &'a App,
    kind: Kind,
    projection: Projection,
    /// The stored text can be sent.
    splice: bool,
    /// Parts of `groups` or `members`.
    references: Mask,
    manager: bool,
}

impl<'a> View<'a> {
    pub(super) fn new(app: &'a App, shapes: Shapes, kind: Kind, names: &Names) -> Result<Self, Refusal> {
        let resource_type = resource_type(app, kind);
        let (attributes, excluded) = (names.attributes.as_deref(), names.excluded.as_deref());
        let projection = Projection::parse(app.registry(), resource_type, attributes, excluded)?;
        let whole = match kind {
            Kind::User => shapes.user,
            Kind::Group => shapes.group,
        };
        let splice = whole && projection.is_default();
        let (references, manager) = if splice { (Mask::ALL, true) } else { probe(app, kind, &projection) };
        Ok(Self { app, kind, projection, splice, references, manager: manager && kind == Kind::User })
    }

    /// Shows what a client has just written even where the schema says "only on request".
    pub(super) fn with_written(mut self, body: &Value) -> Self {
        if let (false, Value::Object(body)) = (self.splice, body) {
            self.projection = self.projection.with_written(resource_type(self.app, self.kind), body);
        }
        self
    }

    /// What has to be read for it.
    pub(super) fn wants(&self) -> Wants {
        let references = self.references.any();
        Wants {
            groups: references && self.kind == Kind::User,
            members: references && self.kind == Kind::Group,
            manager: self.manager,
        }
    }

    /// Writes a resource.
    pub(super) async fn write(&self, resource: &Resource, out: &mut Pieces) -> Result<(), Refusal> {
        if self.splice {
            self.stored(resource, &mut out.text)?;
        } else {
            self.projected(resource, &mut out.text)?;
        }
        if self.references.any() {
            match self.kind {
                Kind::User => self.groups(resource, &mut out.text),
                Kind::Group => self.members(resource, out).await?,
            }
        }
        out.text.push('}');
        Ok(())
    }

    /// The stored text and what is always computed, without the last brace.
    fn stored(&self, resource: &Resource, out: &mut String) -> Result<(), Refusal> {
        let row = &resource.row;
        let doc = match &resource.manager {
            Some(manager) => self.with_manager(&row.doc, manager)?,
            None => Cow::Borrowed(row.doc.as_str()),
        };
        let open = doc.trim_end().strip_suffix('}').ok_or_else(internal)?;
        out.reserve(open.len() + 512);
        out.push_str(open);
        out.push_str(r#","id":"#);
        quote(out, &row.id);
        out.push_str(r#","meta":{"resourceType":""#);
        out.push_str(self.kind.name());
        let _ = write!(out, r#"","created":"{}","lastModified":"{}","location":"#, row.created, row.modified);
        self.location(out, self.kind, &row.id);
        out.push_str(r#","version":"#);
        quote(out, &resource.etag);
        out.push('}');
        Ok(())
    }

    /// The same by way of an object, reduced to what is asked for.
    fn projected(&self, resource: &Resource, out: &mut String) -> Result<(), Refusal> {
        let row = &resource.row;
        let mut object = parse(&row.doc)?;
        object.insert("id".to_owned(), Value::from(row.id.as_str()));
        let text = |at: Millis| Value::from(at.to_string());
        let mut location = String::new();
        self.address(&mut location, self.kind, &row.id);
        object.insert(
            "meta".to_owned(),
            json!({"resourceType": self.kind.name(), "created": text(row.created), "lastModified": text(row.modified),
                "location": location, "version": resource.etag}),
        );
        if let Some(manager) = &resource.manager {
            self.set_manager(&mut object, manager);
        }
        self.projection.apply(self.app.registry(), resource_type(self.app, self.kind), &mut object);
        let text = serde_json::to_string(&object).map_err(|_| internal())?;
        out.push_str(text.strip_suffix('}').ok_or_else(internal)?);
        Ok(())
    }

    /// The text with name and address of the manager beside its id.
    fn with_manager<'d>(&self, doc: &'d str, manager: &ManagerShown) -> Result<Cow<'d, str>, Refusal> {
        let Some(display) = &manager.display else { return Ok(Cow::Borrowed(doc)) };
        let mut stored = String::from(r#""manager":{"value":"#);
        quote(&mut stored, &manager.id);
        let inside = stored.len();
        stored.push('}');
        // Quotes within strings are escaped, so this text is a key and its value. If an extension uses the same key for
        // the same value, only parsing tells which is which.
        let mut found = doc.match_indices(&stored).map(|(at, _)| at + inside);
        if let (Some(at), None) = (found.next(), found.next()) {
            let mut out = String::with_capacity(doc.len() + 256);
            out.push_str(&doc[..at]);
            out.push_str(r#","$ref":"#);
            self.location(&mut out, Kind::User, &manager.id);
            if !display.is_empty() {
                out.push_str(r#","displayName":"#);
                quote(&mut out, display);
            }
            out.push_str(&doc[at..]);
            return Ok(Cow::Owned(out));
        }
        let mut object = parse(doc)?;
        self.set_manager(&mut object, manager);
        serde_json::to_string(&object).map(Cow::Owned).map_err(|_| internal())
    }

    fn set_manager(&self, object: &mut Object, manager: &ManagerShown) {
        let Some(display) = &manager.display else { return };
        let extension = object.get_mut(ENTERPRISE_USER).and_then(Value::as_object_mut);
        if let Some(shown) = extension.and_then(|data| data.get_mut("manager")).and_then(Value::as_object_mut) {
            let mut address = String::new();
            self.address(&mut address, Kind::User, &manager.id);
            shown.insert("$ref".to_owned(), Value::from(address));
            if !display.is_empty() {
                shown.insert("displayName".to_owned(), Value::from(display.as_str()));
            }
        }
    }

    fn groups(&self, resource: &Resource, out: &mut String) {
        for (position, group) in resource.row.groups.iter().enumerate() {
            out.push_str(if position == 0 { r#","groups":["# } else { "," });
            let kind = if group.direct { "direct" } else { "indirect" };
            self.reference(out, &Reference { id: &group.id, target: Kind::Group, kind, display: &group.display });
        }
        if !resource.row.groups.is_empty() {
            out.push(']');
        }
    }

    /// Members are read and written a page at a time: a group may have more than fit in memory twice.
    async fn members(&self, resource: &Resource, out: &mut Pieces) -> Result<(), Refusal> {
        let (mut after, mut written) = (None, false);
        loop {
            let page = directory::members_page(self.app, resource.row.seq, after, limits::MEMBERS_PAGE).await?;
            for member in &page {
                out.text.push_str(if written { "," } else { r#","members":["# });
                written = true;
                let kind = member.kind.name();
                let reference = Reference { id: &member.id, target: member.kind, kind, display: &member.display };
                self.reference(&mut out.text, &reference);
            }
            out.spill();
            after = page.last().map(|member| member.seq);
            if page.len() < limits::MEMBERS_PAGE as usize {
                break;
            }
        }
        if written {
            out.text.push(']');
        }
        Ok(())
    }

    fn reference(&self, out: &mut String, reference: &Reference<'_>) {
        let mut separator = '{';
        let mut key = |out: &mut String, key: &str| {
            out.push(separator);
            separator = ',';
            out.push_str(key);
        };
        if self.references.value {
            key(out, r#""value":"#);
            quote(out, reference.id);
        }
        if self.references.reference {
            key(out, r#""$ref":"#);
            self.location(out, reference.target, reference.id);
        }
        if self.references.kind {
            key(out, r#""type":"#);
            quote(out, reference.kind);
        }
        // Who says no name has none to show.
        if self.references.display && !reference.display.is_empty() {
            key(out, r#""display":"#);
            quote(out, reference.display);
        }
        out.push('}');
    }

    /// The address of a resource as JSON. Ids are ours, so only the configured base could need an escape.
    fn location(&self, out: &mut String, kind: Kind, id: &str) {
        let mut address = String::with_capacity(96);
        self.address(&mut address, kind, id);
        quote(out, &address);
    }

    fn address(&self, out: &mut String, kind: Kind, id: &str) {
        address(self.app, out, kind, id);
    }
}

/// The address of a resource. It begins with the configured URL, whatever a client wrote into its headers.
pub(super) fn address(app: &App, out: &mut String, kind: Kind, id: &str) {
    for part in [app.scim_base(), "/", kind.endpoint(), "/", id] {
        out.push_str(part);
    }
}

pub(super) fn resource_type(app: &App, kind: Kind) -> &ResourceType {
    bailiwick_app::call::resource_type(app, kind)
}

/// Finds out on an example which parts of references and of the manager are shown.
fn probe(app: &App, kind: Kind, projection: &Projection) -> (Mask, bool) {
    let (attribute, example) = match kind {
        Kind::User => ("groups", json!({ENTERPRISE_USER: {"manager": {"$ref": "x", "displayName": "x"}}})),
        Kind::Group => ("members", json!({})),
    };
    let Value::Object(mut example) = example else { return (Mask::ALL, true) };
    example.insert(attribute.to_owned(), json!([{"value": "x", "$ref": "x", "type": "x", "display": "x"}]));
    projection.apply(app.registry(), resource_type(app, kind), &mut example);
    let shown = example.get(attribute).and_then(|values| values.get(0));
    let has = |name: &str| shown.is_some_and(|value| value.get(name).is_some());
    let mask = Mask { value: has("value"), reference: has("$ref"), kind: has("type"), display: has("display") };
    (mask, example.get(ENTERPRISE_USER).is_some_and(|data| data.get("manager").is_some()))
}

fn parse(doc: &str) -> Result<Object, Refusal> {
    serde_json::from_str(doc).map_err(|error| {
        tracing::error!(%error, "a stored document cannot be read");
        internal()
    })
}

/// Writes a JSON string.
fn quote(out: &mut String, text: &str) {
    if text.bytes().any(|byte| byte < 0x20 || byte == b'"' || byte == b'\\') {
        out.push_str(&Value::from(text).to_string());
    } else {
        out.push('"');
        out.push_str(text);
        out.push('"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_quoted() {
        for text in ["", "plain", "ü", "a\"b", "a\\b", "a\nb", "\u{0}", "\u{7f}\u{2028}"] {
            let mut out = String::new();
            quote(&mut out, text);
            assert_eq!(serde_json::from_str::<String>(&out).unwrap(), text);
        }
    }
}
