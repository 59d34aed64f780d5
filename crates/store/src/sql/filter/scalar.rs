//! Where a single value lies, as an expression of SQL.
//!
//! Text that is compared with regard to letter case, numbers and booleans come from the document; folded text and
//! instants from the comparison keys, which have the same shape; what is never in the document from columns.

use bailiwick_domain::ids::Kind;
use bailiwick_scim::filter::Operand;
use bailiwick_scim::schema::{Attribute, ENTERPRISE_USER, Target, Type};

use super::dialect::{Path, literal};
use super::{Compiler, Element, Place};
use crate::sql::Param;

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
    /// An expression in the form asked for; instants are microseconds.
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

impl Compiler<'_> {
    /// The value of a target that has at most one at this place.
    pub(super) fn scalar(&mut self, target: &Target, form: Form, place: &Place) -> Scalar {
        match place {
            Place::Element(element) => self.of_element(element, target, form),
            Place::Group(row, direct) => self.of_group(row, direct, target),
            Place::Member(row) => self.of_member(row, target),
            Place::Row => self.of_row(target, form).unwrap_or_else(|| self.of_json(target, form)),
        }
    }

    /// What is kept in columns. `None` for what is in the document.
    fn of_row(&mut self, target: &Target, form: Form) -> Option<Scalar> {
        let sub = target.sub.as_deref().map(|sub| sub.name.as_str());
        let Some(kind) = self.scope.kind else { return self.of_item(target, sub, form) };
        if target.extension.as_deref() == Some(ENTERPRISE_USER) && target.attribute.name == "manager" {
            return self.of_manager(sub?);
        }
        if target.extension.is_some() {
            return None;
        }
        let user = kind == Kind::User;
        match (target.attribute.name.as_str(), sub) {
            ("id", None) => Some(Scalar::always("r.id")),
            ("externalId", None) => Some(Scalar::nullable("r.external_id")),
            ("userName", None) if user && form == Form::Folded => Some(Scalar::always("r.name_match")),
            ("displayName", None) if !user && form == Form::Folded => Some(Scalar::always("r.name_match")),
            ("meta", Some(sub)) => Some(self.of_meta(kind, sub)),
            _ => None,
        }
    }

    /// The same of an item of the catalog. Its owner is called as it is called today, where it is a team that is there:
    /// as the document says it, in short.
    fn of_item(&mut self, target: &Target, sub: Option<&str>, form: Form) -> Option<Scalar> {
        if target.extension.is_some() {
            return None;
        }
        match (target.attribute.name.as_str(), sub) {
            ("id", None) => Some(Scalar::always("r.id")),
            ("kind", None) => Some(Scalar::always("r.kind")),
            ("name", None) if form == Form::Folded => Some(Scalar::always("r.name_key")),
            ("owner", None) => {
                let Scalar::Sql { text: said, .. } = self.of_json(target, form) else { return None };
                let team =
                    "SELECT CASE o.namespace WHEN 'default' THEN o.name_key ELSE o.namespace || '/' || o.name_key END
                     FROM item o WHERE o.seq = r.owner";
                let text = self.dialect().by_code_point(&format!("coalesce(({team}), {said})"));
                Some(Scalar::nullable(text))
            }
            ("meta", Some("created")) => Some(Scalar::Millis("r.created".to_owned())),
            ("meta", Some("lastModified")) => Some(Scalar::Millis("r.modified".to_owned())),
            ("meta", _) => Some(Scalar::Never),
            _ => None,
        }
    }

    fn of_meta(&mut self, kind: Kind, sub: &str) -> Scalar {
        match sub {
            "created" => Scalar::Millis("r.created".to_owned()),
            "lastModified" => Scalar::Millis(self.changed(kind, "modified", "at")),
            "location" => Scalar::always(self.location(kind, "r.id")),
            "resourceType" => Scalar::Constant(kind.name().to_owned()),
            "version" => {
                let key = self.bind(Param::Bytes(self.scope.etag_key.to_vec().into()));
                let version = self.changed(kind, "version", "seq");
                let epoch = "coalesce((SELECT p.epoch FROM person p WHERE p.seq = r.person), 0)";
                Scalar::always(self.dialect().etag(&key, &version, epoch))
            }
            _ => Scalar::Never,
        }
    }

    /// A column of the row, for groups the greater of it and of the last member change.
    fn changed(&self, kind: Kind, column: &str, of_change: &str) -> String {
        match kind {
            Kind::User => format!("r.{column}"),
            Kind::Group => {
                let last = format!(
                    "coalesce((SELECT c.{of_change} FROM member_change c WHERE c.grp = r.seq ORDER BY c.seq DESC \
                     LIMIT 1), 0)"
                );
                self.dialect().greater(&format!("r.{column}"), &last)
            }
        }
    }

    /// The absolute address of the resource with this id.
    pub(super) fn location(&self, kind: Kind, id: &str) -> String {
        let base = self.scope.base.trim_end_matches('/');
        format!("({} || {id})", literal(&format!("{base}/{}/", kind.endpoint())))
    }

    /// A value in the document or its keys, reached without passing an array.
    fn of_json(&self, target: &Target, form: Form) -> Scalar {
        let source = if form.in_keys() { "r.keys" } else { "r.doc" };
        Scalar::nullable(self.dialect().at(source, &Path::to(target, target.sub.as_deref()), form))
    }

    fn of_element(&self, element: &Element, target: &Target, form: Form) -> Scalar {
        let dialect = self.dialect();
        let sub = target.sub.as_deref().filter(|_| !element.leaf);
        if form.in_keys() && !element.keys {
            let path = element.path.clone().at(dialect.place_of(&element.alias)).and(sub);
            return Scalar::nullable(dialect.at("r.keys", &path, form));
        }
        Scalar::nullable(dialect.in_element(&element.alias, sub, form))
    }
}
