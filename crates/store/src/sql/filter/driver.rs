//! Conditions that an index answers, so that a filter does not look at every row.

use bailiwick_domain::ids::Kind;
use bailiwick_scim::filter::{CompareOp, Filter, Operand, Resolved};
use bailiwick_scim::schema::{ENTERPRISE_USER, Target};
use bailiwick_scim::text;

use super::Compiler;

/// A filter that is one equality on an indexed column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Point<'f> {
    ExternalId(&'f str),
    Id(&'f str),
    /// userName or a Group's displayName, as its match key.
    Name(&'f str),
}

/// What leads to the rows of a filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Driver {
    /// An index of the resource table; the planner sees it by itself.
    Column,
    /// Nothing: all rows of the kind are looked at.
    None,
    /// A list of row numbers, and the condition that gives it if the filter itself does not. The planner must be kept
    /// from the indexes that lead to all rows of the kind.
    Rows(Option<String>),
}

/// The whole filter as one equality.
pub(crate) fn point(filter: &Resolved, kind: Kind) -> Option<Point<'_>> {
    let Filter::Compare(target, CompareOp::Eq, operand) = filter else {
        return None;
    };
    let name = match kind {
        Kind::Group => "displayName",
        Kind::User => "userName",
    };
    match operand {
        Operand::Exact(id) if target.is("id") => Some(Point::Id(id)),
        Operand::Exact(id) if target.is("externalId") => Some(Point::ExternalId(id)),
        Operand::Folded(key) if target.is(name) => Some(Point::Name(key)),
        _ => None,
    }
}

/// What leads to the rows, and whether few are to be expected.
pub(crate) fn driver(filter: &Resolved, kind: Kind, compiler: &mut Compiler<'_>) -> (Driver, bool) {
    let parts = match filter {
        Filter::And(parts) => parts.as_slice(),
        other => std::slice::from_ref(other),
    };
    if parts.iter().any(|part| point(part, kind).is_some()) {
        return (Driver::Column, true);
    }
    if let Some(key) = parts.iter().filter(|_| kind == Kind::User).find_map(email) {
        return (Driver::Rows(Some(email_rows(key, compiler))), true);
    }
    let related = match kind {
        Kind::Group => "members",
        Kind::User => "groups",
    };
    if parts.iter().any(|part| equals(part, related)) {
        return (Driver::Rows(None), false);
    }
    (Driver::None, false)
}

/// How an index of a column leads to the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lead {
    /// It gives the rows of one value, in their order.
    Equality,
    /// It does not.
    None,
    /// It gives the rows of a prefix or a range.
    Range,
}

/// What the indexes of columns and of single attributes do for a filter.
pub(super) fn lead(filter: &Resolved, kind: Kind) -> Lead {
    let parts = match filter {
        Filter::And(parts) => parts.as_slice(),
        other => std::slice::from_ref(other),
    };
    let mut lead = Lead::None;
    for part in parts {
        match part {
            Filter::Compare(_, CompareOp::Co | CompareOp::Ew | CompareOp::Ne, _)
            | Filter::Compare(_, _, Operand::Null) => {}
            Filter::Compare(target, CompareOp::Eq, _) if is_indexed(target, kind) => return Lead::Equality,
            Filter::Compare(target, ..) if is_indexed(target, kind) => lead = Lead::Range,
            _ => {}
        }
    }
    lead
}

fn is_indexed(target: &Target, kind: Kind) -> bool {
    let sub = target.sub.as_ref().map(|sub| sub.name.as_str());
    match (target.extension.as_deref(), target.attribute.name.as_str(), sub) {
        (None, "id" | "externalId" | "displayName", None) => true,
        (None, "userName", None) | (None, "meta", Some("lastModified")) => kind == Kind::User,
        (Some(ENTERPRISE_USER), "employeeNumber", None) | (Some(ENTERPRISE_USER), "manager", Some("value")) => true,
        _ => false,
    }
}

/// An equality on the value of this attribute.
fn equals(filter: &Resolved, name: &str) -> bool {
    match filter {
        Filter::Compare(target, CompareOp::Eq, Operand::Exact(_)) => is_value(target, name),
        _ => false,
    }
}

fn is_value(target: &Target, name: &str) -> bool {
    target.extension.is_none()
        && target.attribute.name == name
        && target.sub.as_ref().is_some_and(|sub| sub.name == "value")
}

/// The match key of an e-mail address without which the filter does not hold. Addresses are kept without blanks around
/// them, and blank ones not at all: such a key leads nowhere.
fn email(filter: &Resolved) -> Option<&str> {
    match filter {
        Filter::Compare(target, CompareOp::Eq, Operand::Folded(key)) if is_value(target, "emails") => {
            (!key.is_empty() && key.trim() == key && !key.contains('\0')).then_some(key)
        }
        Filter::Values(target, inner) if target.is("emails") => match &**inner {
            Filter::And(parts) => parts.iter().find_map(email),
            other => email(other),
        },
        _ => None,
    }
}

/// Rows that may have the address: those with its unique key, and those whose key holds the dot above that the unique
/// key of "İ" keeps and its match key does not. Nothing else is lost between the two keys.
fn email_rows(key: &str, compiler: &mut Compiler<'_>) -> String {
    let key = compiler.bind(text::unique_key(key));
    format!(
        "r.seq IN (SELECT resource FROM email WHERE key = {key} UNION ALL SELECT resource FROM email WHERE {})",
        compiler.dialect().dotted()
    )
}
