//! Where a single value lies, as an expression of SQL.
//!
//! Text that is compared with regard to letter case, numbers and booleans come from the document; folded text and
//! instants from the comparison keys, which have the same shape; what is never in the document from columns.

use bailiwick_domain::ids::Kind;
use bailiwick_scim::filter::Operand;
use bailiwick_scim::schema::{Attribute, ENTERPRISE_USER, Target, Type};

use super::{Compiler, Element, Place};

/// What is wanted of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Boolean,
    Exact,
    Folded,
    Instant,
    Number,
}

impl Form {
    /// As an attribute is compared.
    pub(crate) fn of(attribute: &Attribute) -> Self {
        match attribute.kind {
            Type::Boolean => Self::Boolean,
            Type::DateTime => Self::Instant,
            Type::Decimal | Type::Integer => Self::Number,
            Type::String if attribute.folds_case() => Self::Folded,
            Type::Binary | Type::Complex | Type::Reference | Type::String => Self::Exact,
        }
    }

    /// As an operand is compared.
    pub(super) fn for_operand(operand: &Operand) -> Self {
        match operand {
            Operand::Boolean(_) => Self::Boolean,
            Operand::Decimal(_) | Operand::Integer(_) => Self::Number,
            Operand::Exact(_) | Operand::Null => Self::Exact,
            Operand::Folded(_) => Self::Folded,
            Operand::Instant(_) => Self::Instant,
        }
    }

    /// Whether it lies in the comparison keys.
    pub(super) fn in_keys(self) -> bool {
        matches!(self, Self::Folded | Self::Instant)
    }
}

/// A single value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Scalar {
    /// This text, for every row.
    Constant(String),
    /// A moment in milliseconds; never NULL.
    Millis(String),
    /// There is none, ever.
    Never,
    /// An expression in the form asked for; booleans are 0 and 1, instants microseconds.
    Sql { text: String, nullable: bool },
}

impl Scalar {
    pub(super) fn nullable(text: impl Into<String>) -> Self {
        Self::Sql { text: text.into(), nullable: true }
    }

    pub(super) fn always(text: impl Into<String>) -> Self {
        Self::Sql { text: text.into(), nullable: false }
    }
}

/// Text as a literal of SQL.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// One step of a JSON path.
fn step(path: &mut String, name: &str) {
    path.push('.');
    if name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        path.push_str(name);
    } else {
        path.push('"');
        path.push_str(name);
        path.push('"');
    }
}

/// The JSON path of an attribute, or of its sub-attribute.
pub(super) fn path(target: &Target, sub: Option<&Attribute>) -> String {
    let mut path = "$".to_owned();
    if let Some(urn) = &target.extension {
        step(&mut path, urn);
    }
    step(&mut path, &target.attribute.name);
    if let Some(sub) = sub {
        step(&mut path, &sub.name);
    }
    path
}

/// The JSON path of a sub-attribute in a value.
pub(super) fn sub_path(sub: &Attribute) -> String {
    let mut path = "$".to_owned();
    step(&mut path, &sub.name);
    path
}

impl Compiler<'_> {
    /// The value of a target that has at most one at this place.
    pub(super) fn scalar(&mut self, target: &Target, form: Form, place: &Place) -> Scalar {
        match place {
            Place::Element(element) => element_value(element, target, form),
            Place::Group(row, direct) => self.of_group(row, direct, target),
            Place::Member(row) => self.of_member(row, target),
            Place::Row => self.of_row(target, form).unwrap_or_else(|| of_json(target, form)),
        }
    }

    /// What is kept in columns. `None` for what is in the document.
    fn of_row(&mut self, target: &Target, form: Form) -> Option<Scalar> {
        let sub = target.sub.as_deref().map(|sub| sub.name.as_str());
        if target.extension.as_deref() == Some(ENTERPRISE_USER) && target.attribute.name == "manager" {
            return self.of_manager(sub?);
        }
        if target.extension.is_some() {
            return None;
        }
        let user = self.scope.kind == Kind::User;
        match (target.attribute.name.as_str(), sub) {
            ("id", None) => Some(Scalar::always("r.id")),
            ("externalId", None) => Some(Scalar::nullable("r.external_id")),
            ("userName", None) if user && form == Form::Folded => Some(Scalar::always("r.name_match")),
            ("displayName", None) if !user && form == Form::Folded => Some(Scalar::always("r.name_match")),
            ("meta", Some(sub)) => Some(self.of_meta(sub)),
            _ => None,
        }
    }

    fn of_meta(&mut self, sub: &str) -> Scalar {
        match sub {
            "created" => Scalar::Millis("r.created".to_owned()),
            "lastModified" => Scalar::Millis(self.changed("modified", "at")),
            "location" => Scalar::always(self.location(self.scope.kind, "r.id")),
            "resourceType" => Scalar::Constant(self.scope.kind.name().to_owned()),
            "version" => {
                let key = self.bind(self.scope.etag_key.to_vec());
                let version = self.changed("version", "seq");
                let epoch = "coalesce((SELECT p.epoch FROM person p WHERE p.seq = r.person), 0)";
                Scalar::always(format!("bailiwick_etag({key}, r.id, {version}, {epoch})"))
            }
            _ => Scalar::Never,
        }
    }

    /// A column of the row, for groups the greater of it and of the last member change.
    fn changed(&self, column: &str, of_change: &str) -> String {
        match self.scope.kind {
            Kind::User => format!("r.{column}"),
            Kind::Group => format!(
                "max(r.{column}, coalesce((SELECT c.{of_change} FROM member_change c WHERE c.grp = r.seq \
                 ORDER BY c.seq DESC LIMIT 1), 0))"
            ),
        }
    }

    /// The absolute address of the resource with this id.
    pub(super) fn location(&self, kind: Kind, id: &str) -> String {
        let base = self.scope.base.trim_end_matches('/');
        format!("({} || {id})", literal(&format!("{base}/{}/", kind.endpoint())))
    }
}

/// A value in the document or its keys, reached without passing an array.
fn of_json(target: &Target, form: Form) -> Scalar {
    let path = literal(&path(target, target.sub.as_deref()));
    Scalar::nullable(match form {
        Form::Boolean => format!("(json_type(r.doc, {path}) = 'true')"),
        Form::Exact | Form::Number => format!("json_extract(r.doc, {path})"),
        Form::Folded | Form::Instant => format!("json_extract(r.keys, {path})"),
    })
}

impl Element {
    /// The value if it is an object, so that it can be looked into without an error if it is none.
    pub(super) fn object(&self) -> String {
        format!("iif({0}.type = 'object', {0}.value, NULL)", self.alias)
    }
}

fn element_value(element: &Element, target: &Target, form: Form) -> Scalar {
    let alias = &element.alias;
    let sub = target.sub.as_deref().filter(|_| !element.leaf);
    let text = match sub {
        _ if form.in_keys() && !element.keys => {
            let rest = sub.map_or_else(String::new, |sub| sub_path(sub)[1..].to_owned());
            format!("json_extract(r.keys, {} || '[' || {alias}.key || {})", element.path, literal(&format!("]{rest}")))
        }
        Some(sub) if form == Form::Boolean => {
            format!("(json_type({}, {}) = 'true')", element.object(), literal(&sub_path(sub)))
        }
        Some(sub) => format!("json_extract({}, {})", element.object(), literal(&sub_path(sub))),
        None if form == Form::Boolean => format!("({alias}.type = 'true')"),
        None => format!("{alias}.value"),
    };
    Scalar::nullable(text)
}
