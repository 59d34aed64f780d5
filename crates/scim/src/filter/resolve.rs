//! Ties every path of a filter to the schema, and every literal to the type of the attribute.

use super::{CompareOp, Filter, Literal, Operand, Parsed, Resolved};
use crate::error::{Code, Error};
use crate::keys::instant_micros;
use crate::path::{AttributePath, locate};
use crate::quirks::{Quirk, Quirks, Repairs};
use crate::resource::shown;
use crate::schema::{Attribute, Mutability, Registry, ResourceType, Returned, Target, Type};
use serde_json::Number;
use std::sync::Arc;

/// What to do with an attribute that the resource type does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// Refuse the filter.
    Refuse,
    /// Take it for an attribute without a value, as a query over several resource types must (RFC 7644 section
    /// 3.4.2.1).
    Unassigned,
}

/// Ties a filter to a resource type.
///
/// What comes out is simpler than what goes in: a complex attribute that is compared stands for its `value`, `eq null`
/// and `ne null` have become [`Filter::Present`], `primary` without a value counts as false (RFC 7643 section 2.4),
/// constants are folded.
///
/// # Errors
/// `filter-unknown-attribute` for what the resource type does not have and for what may not be asked for (passwords);
/// `filter-comparison` where the operator or the literal does not fit the type (RFC 7644 table 3).
pub fn resolve(
    registry: &Registry,
    resource_type: &ResourceType,
    filter: &Parsed,
    unknown: Unknown,
    quirks: Quirks,
    repairs: &mut Repairs,
) -> Result<Resolved, Error> {
    Resolver { registry, resource_type, unknown, quirks, repairs }.filter(filter, Scope::Resource)
}

/// Ties the filter in the square brackets behind `attribute` to it. The result is for
/// [`super::matches_value`].
pub(crate) fn resolve_inner(
    registry: &Registry,
    resource_type: &ResourceType,
    attribute: &Target,
    filter: &Parsed,
    quirks: Quirks,
    repairs: &mut Repairs,
) -> Result<Resolved, Error> {
    let mut resolver = Resolver { registry, resource_type, unknown: Unknown::Refuse, quirks, repairs };
    check_has_values(attribute)?;
    resolver.filter(filter, Scope::Value(attribute))
}

/// Where the paths of a filter begin.
#[derive(Clone, Copy)]
enum Scope<'t> {
    Resource,
    /// In one value of this attribute.
    Value(&'t Target),
}

struct Resolver<'a, 'r> {
    registry: &'a Registry,
    resource_type: &'a ResourceType,
    unknown: Unknown,
    quirks: Quirks,
    repairs: &'r mut Repairs,
}

impl Resolver<'_, '_> {
    fn filter(&mut self, filter: &Parsed, scope: Scope<'_>) -> Result<Resolved, Error> {
        match filter {
            Filter::And(parts) => Ok(Filter::and(self.parts(parts, scope)?)),
            Filter::Or(parts) => Ok(Filter::or(self.parts(parts, scope)?)),
            Filter::Not(inner) => Ok(Filter::negated(self.filter(inner, scope)?)),
            Filter::Constant(value) => Ok(Filter::Constant(*value)),
            Filter::Present(path) => Ok(match self.find(path, scope)? {
                Some(target) => Filter::Present(target),
                None => Filter::Constant(false),
            }),
            Filter::Compare(path, op, literal) => match self.find(path, scope)? {
                Some(target) => self.comparison(target, *op, literal, scope),
                None => Ok(Filter::Constant(match op {
                    CompareOp::Eq => *literal == Literal::Null,
                    CompareOp::Ne => *literal != Literal::Null,
                    _ => false,
                })),
            },
            Filter::Values(path, inner) => self.values(path, inner, scope),
        }
    }

    fn parts(&mut self, parts: &[Parsed], scope: Scope<'_>) -> Result<Vec<Resolved>, Error> {
        parts.iter().map(|part| self.filter(part, scope)).collect()
    }

    fn values(&mut self, path: &AttributePath, inner: &Parsed, scope: Scope<'_>) -> Result<Resolved, Error> {
        if matches!(scope, Scope::Value(_)) {
            return Err(Error::new(Code::FilterSyntax, "Square brackets cannot be nested."));
        }
        let Some(target) = self.find(path, scope)? else {
            return Ok(Filter::Constant(false));
        };
        check_has_values(&target)?;
        Ok(match self.filter(inner, Scope::Value(&target))? {
            Filter::Constant(true) => Filter::Present(target),
            Filter::Constant(false) => Filter::Constant(false),
            inner => Filter::Values(target, Box::new(inner)),
        })
    }

    /// The place a path names; `None` for one that counts as without a value.
    fn find(&mut self, path: &AttributePath, scope: Scope<'_>) -> Result<Option<Target>, Error> {
        let found = match scope {
            Scope::Resource => locate(self.registry, self.resource_type, &path.0, self.quirks, self.repairs),
            Scope::Value(parent) => find_sub(parent, &path.0),
        };
        let Some(target) = found else {
            return match self.unknown {
                Unknown::Unassigned => Ok(None),
                Unknown::Refuse => Err(unknown_attribute(self.resource_type, path, scope)),
            };
        };
        check_not_secret(&target)?;
        Ok(Some(target))
    }

    fn comparison(
        &mut self,
        target: Target,
        op: CompareOp,
        literal: &Literal,
        scope: Scope<'_>,
    ) -> Result<Resolved, Error> {
        if *literal == Literal::Null {
            return match op {
                CompareOp::Eq => Ok(Filter::negated(Filter::Present(target))),
                CompareOp::Ne => Ok(Filter::Present(target)),
                _ => Err(unfit(&target, format!("cannot be compared with null by {op}"))),
            };
        }
        let target = value_of(target)?;
        check_not_secret(&target)?;
        let operand = self.operand(&target, op, literal)?;
        match operand {
            Operand::Boolean(wanted) if is_primary(&target) => Ok(primary(target, op, wanted, scope)),
            operand => Ok(Filter::Compare(target, op, operand)),
        }
    }

    /// RFC 7644 table 3: which operators and literals a type knows.
    fn operand(&mut self, target: &Target, op: CompareOp, literal: &Literal) -> Result<Operand, Error> {
        let kind = target.leaf().kind;
        if !allows(kind, op) {
            return Err(unfit(target, format!("is {} and cannot be compared by {op}", kind_text(kind))));
        }
        let operand = match kind {
            Type::Boolean => self.boolean(target, literal).map(Operand::Boolean),
            Type::Integer => number(literal).map(|number| match number.as_i64() {
                Some(integer) => Operand::Integer(integer),
                None => Operand::Decimal(number.as_f64().unwrap_or(f64::MAX)),
            }),
            Type::Decimal => number(literal).and_then(Number::as_f64).map(Operand::Decimal),
            Type::DateTime => match literal {
                Literal::String(text) => instant_micros(text).map(Operand::Instant),
                _ => None,
            },
            Type::String if target.leaf().folds_case() => {
                self.text(target, op, literal).map(|text| Operand::Folded(crate::text::match_key(&text).into_owned()))
            }
            Type::Binary | Type::Reference | Type::String => self.text(target, op, literal).map(Operand::Exact),
            Type::Complex => None,
        };
        operand.ok_or_else(|| unfit(target, format!("must be compared with {}", kind_text(kind))))
    }

    fn boolean(&mut self, target: &Target, literal: &Literal) -> Option<bool> {
        match literal {
            Literal::Boolean(value) => Some(*value),
            Literal::String(text) if self.quirks.has(Quirk::BooleanStrings) => {
                let value = match () {
                    () if text.eq_ignore_ascii_case("true") => true,
                    () if text.eq_ignore_ascii_case("false") => false,
                    () => return None,
                };
                self.repairs.note(Quirk::BooleanStrings, format!("filter: text taken for the boolean {target}"));
                Some(value)
            }
            _ => None,
        }
    }

    /// A string. Who writes strings without quotes also writes `externalId eq 42` for the string "42".
    fn text(&mut self, target: &Target, op: CompareOp, literal: &Literal) -> Option<String> {
        let text = match literal {
            Literal::String(text) => return Some(text.clone()),
            Literal::Boolean(value) => value.to_string(),
            // How a fraction was written is lost.
            Literal::Number(number) if !number.is_f64() => number.to_string(),
            Literal::Number(_) | Literal::Null => return None,
        };
        if op != CompareOp::Eq || !self.quirks.has(Quirk::UnquotedFilter) {
            return None;
        }
        self.repairs.note(Quirk::UnquotedFilter, format!("filter: quotes put around the value of {target}"));
        Some(text)
    }
}

fn find_sub(parent: &Target, name: &str) -> Option<Target> {
    let sub = match parent.attribute.sub(name) {
        Some(sub) => Some(Arc::clone(sub)),
        None if parent.attribute.kind != Type::Complex && name.eq_ignore_ascii_case("value") => None,
        None => return None,
    };
    Some(Target { extension: parent.extension.clone(), attribute: Arc::clone(&parent.attribute), sub })
}

/// A filter in square brackets needs values to choose from: those of a multi-valued attribute, or the one of a complex
/// attribute.
fn check_has_values(target: &Target) -> Result<(), Error> {
    let attribute = &target.attribute;
    if target.sub.is_none() && (attribute.multi_valued || attribute.kind == Type::Complex) {
        return Ok(());
    }
    Err(unfit(target, "has no values that a filter in square brackets could choose from"))
}

/// What is compared: of a complex attribute its `value` (RFC 7644 section 3.4.2.2).
fn value_of(mut target: Target) -> Result<Target, Error> {
    if target.leaf().kind == Type::Complex {
        match target.attribute.sub("value") {
            Some(value) if target.sub.is_none() => target.sub = Some(Arc::clone(value)),
            _ => return Err(unfit(&target, "is complex, so one of its sub-attributes must be named")),
        }
    }
    Ok(target)
}

fn is_primary(target: &Target) -> bool {
    target.attribute.multi_valued
        && target.sub.as_ref().is_some_and(|sub| sub.name == "primary" && sub.kind == Type::Boolean)
}

/// `primary` without a value is false, so only `primary eq true` is left to look at stored values.
fn primary(target: Target, op: CompareOp, wanted: bool, scope: Scope<'_>) -> Resolved {
    let attribute = Target { sub: None, ..target.clone() };
    let is_primary = Filter::Compare(target, CompareOp::Eq, Operand::Boolean(true));
    let asks_for_primary = (op == CompareOp::Eq) == wanted;
    let some = match scope {
        _ if asks_for_primary => is_primary,
        Scope::Value(_) => return Filter::negated(is_primary),
        Scope::Resource => Filter::Values(attribute.clone(), Box::new(Filter::negated(is_primary))),
    };
    match scope {
        Scope::Resource if op == CompareOp::Ne => Filter::or(vec![some, Filter::negated(Filter::Present(attribute))]),
        _ => some,
    }
}

fn number(literal: &Literal) -> Option<&Number> {
    match literal {
        Literal::Number(number) => Some(number),
        _ => None,
    }
}

/// Booleans and binaries have no order, and only text has parts.
fn allows(kind: Type, op: CompareOp) -> bool {
    match op {
        CompareOp::Eq | CompareOp::Ne => true,
        CompareOp::Ge | CompareOp::Gt | CompareOp::Le | CompareOp::Lt => !matches!(kind, Type::Binary | Type::Boolean),
        CompareOp::Co | CompareOp::Ew | CompareOp::Sw => {
            matches!(kind, Type::Binary | Type::Reference | Type::String)
        }
    }
}

fn kind_text(kind: Type) -> &'static str {
    match kind {
        Type::Binary => "binary text",
        Type::Boolean => "a boolean",
        Type::Complex => "a complex value",
        Type::DateTime => "a dateTime such as \"2026-01-31T12:00:00Z\"",
        Type::Decimal => "a number",
        Type::Integer => "an integer",
        Type::Reference => "a reference",
        Type::String => "a string",
    }
}

/// Asking for a value that is never returned would give it away letter by letter.
fn check_not_secret(target: &Target) -> Result<(), Error> {
    let secret =
        |attribute: &Attribute| attribute.mutability == Mutability::WriteOnly || attribute.returned == Returned::Never;
    if secret(&target.attribute) || target.sub.as_deref().is_some_and(secret) {
        let detail = format!("The attribute {target} cannot be used in a filter.");
        return Err(Error::new(Code::FilterUnknownAttribute, detail));
    }
    Ok(())
}

fn unknown_attribute(resource_type: &ResourceType, path: &AttributePath, scope: Scope<'_>) -> Error {
    let name = shown(&path.0);
    let detail = match scope {
        Scope::Resource => format!("A {} has no attribute {name}.", resource_type.name),
        Scope::Value(parent) => format!("The attribute {parent} has no sub-attribute {name}."),
    };
    Error::new(Code::FilterUnknownAttribute, detail)
}

fn unfit(target: &Target, why: impl std::fmt::Display) -> Error {
    Error::new(Code::FilterComparison, format!("The attribute {target} {why}."))
}

#[cfg(test)]
mod tests;
