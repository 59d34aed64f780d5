//! Paths that may have several values: each is asked by EXISTS over the values.

use bailiwick_scim::filter::{CompareOp, Filter, Operand, Resolved};
use bailiwick_scim::schema::{ENTERPRISE_USER, Target, Type};

use super::dialect::Path;
use super::scalar::{Form, Scalar};
use super::{Compiler, Element, Place, negated};

impl Compiler<'_> {
    pub(super) fn compare(&mut self, target: &Target, op: CompareOp, operand: &Operand, place: &Place) -> String {
        match (op, operand) {
            (CompareOp::Eq, Operand::Null) => return negated(&self.present(target, place)),
            (CompareOp::Ne, Operand::Null) => return self.present(target, place),
            _ => {}
        }
        let form = Form::for_operand(operand);
        if !has_several(target, place) {
            let scalar = self.scalar(target, form, place);
            return self.leaf(&scalar, op, operand);
        }
        if let Some(condition) = self.related_to(target, op, operand, place) {
            return condition;
        }
        let keys = form.in_keys();
        if op != CompareOp::Ne {
            return self.exists(target, place, keys, |this, place| {
                let scalar = this.scalar(target, form, place);
                this.leaf(&scalar, op, operand)
            });
        }
        let differs = self.exists(target, place, keys, |this, place| {
            let scalar = this.scalar(target, form, place);
            let differs = this.leaf(&scalar, op, operand);
            format!("{} AND {differs}", there(&scalar))
        });
        let any = self.exists(target, place, keys, |this, place| there(&this.scalar(target, form, place)));
        format!("({differs} OR NOT {any})")
    }

    pub(super) fn present(&mut self, target: &Target, place: &Place) -> String {
        if has_several(target, place) {
            let keys = Form::of(target.leaf()).in_keys();
            return self.exists(target, place, keys, |this, place| this.present_once(target, place));
        }
        self.present_once(target, place)
    }

    /// Whether the one value at this place is not empty.
    fn present_once(&mut self, target: &Target, place: &Place) -> String {
        let whole = match place {
            Place::Element(element) => {
                let whole = element.leaf || target.sub.is_none();
                whole.then(|| self.dialect().not_empty_element(&element.alias))
            }
            Place::Group(..) | Place::Member(_) => target.sub.is_none().then(|| "true".to_owned()),
            Place::Row => (target.leaf().kind == Type::Complex).then(|| self.whole_attribute(target)),
        };
        whole.unwrap_or_else(|| {
            let form = Form::of(target.leaf());
            not_empty(&self.scalar(target, form, place), form)
        })
    }

    pub(super) fn values(&mut self, target: &Target, inner: &Resolved, place: &Place) -> String {
        if has_several(target, place) {
            return self.exists(target, place, keys_suffice(inner), |this, place| this.filter(inner, place));
        }
        // One complex value: its parts are reached from the row; without the value nothing in it holds.
        let there = match target.is("meta") {
            true => "true".to_owned(),
            false => self.present_once(target, place),
        };
        format!("({there} AND {})", self.filter(inner, place))
    }

    /// Whether the condition holds for one of the values of the target.
    fn exists(
        &mut self,
        target: &Target,
        place: &Place,
        keys: bool,
        condition: impl FnOnce(&mut Self, &Place) -> String,
    ) -> String {
        let (from, inner) = match self.related_rows(target, place) {
            Some(found) => found,
            None => {
                let (from, element) = self.elements(target, place, keys);
                (from, Place::Element(element))
            }
        };
        let condition = condition(self, &inner);
        format!("EXISTS (SELECT 1 FROM {from}{condition})")
    }

    /// The tables of values in the document or its keys, up to the word WHERE.
    fn elements(&mut self, target: &Target, place: &Place, keys: bool) -> (String, Element) {
        let dialect = self.dialect();
        let source = if keys { "r.keys" } else { "r.doc" };
        let sub = target.sub.as_deref();
        let alias = self.alias('e');
        let (outer, from) = match place {
            Place::Element(outer) => (outer.clone(), String::new()),
            _ if target.attribute.multi_valued => {
                let path = Path::to(target, None);
                let from = dialect.elements(source, &path, &alias);
                (Element { alias: alias.clone(), path, keys, leaf: false }, from)
            }
            _ => {
                let path = Path::to(target, sub);
                let from = format!("{} WHERE ", dialect.elements(source, &path, &alias));
                return (from, Element { alias, path, keys, leaf: true });
            }
        };
        let Some(sub) = sub.filter(|sub| sub.multi_valued) else {
            return (format!("{from} WHERE "), outer);
        };
        let inner = self.alias('e');
        let values = dialect.elements(&dialect.object(&outer.alias), &Path::default().and(Some(sub)), &inner);
        let comma = if from.is_empty() { "" } else { ", " };
        let path = outer.path.at(dialect.place_of(&outer.alias)).and(Some(sub));
        (format!("{from}{comma}{values} WHERE "), Element { alias: inner, path, keys: outer.keys, leaf: true })
    }

    /// Whether a single complex attribute has a value.
    fn whole_attribute(&self, target: &Target) -> String {
        if target.is("meta") {
            return "true".to_owned();
        }
        if target.extension.as_deref() == Some(ENTERPRISE_USER) && target.attribute.name == "manager" {
            return "r.manager <> ''".to_owned();
        }
        self.dialect().not_empty_at("r.doc", &Path::to(target, target.sub.as_deref()))
    }
}

/// Whether the target can have several values, seen from this place.
pub(super) fn has_several(target: &Target, place: &Place) -> bool {
    let sub = target.sub.as_ref().is_some_and(|sub| sub.multi_valued);
    match place {
        Place::Row => sub || target.attribute.multi_valued,
        Place::Element(element) => sub && !element.leaf,
        Place::Group(..) | Place::Member(_) => false,
    }
}

fn there(scalar: &Scalar) -> String {
    match scalar {
        Scalar::Constant(_) | Scalar::Millis(_) => "true".to_owned(),
        Scalar::Never => "false".to_owned(),
        Scalar::Sql { text, .. } => format!("{text} IS NOT NULL"),
    }
}

/// Whether the value is there and not empty.
fn not_empty(scalar: &Scalar, form: Form) -> String {
    match (scalar, form) {
        (Scalar::Sql { text, .. }, Form::Exact | Form::Folded) => format!("{text} <> ''"),
        _ => there(scalar),
    }
}

/// Whether a condition on one element can be told from the comparison keys alone: all of it lies there, and an element
/// without keys (which may be missing there altogether) never satisfies it.
fn keys_suffice(inner: &Resolved) -> bool {
    lies_in_keys(inner) && fails_without_keys(inner)
}

fn lies_in_keys(filter: &Resolved) -> bool {
    match filter {
        Filter::And(parts) | Filter::Or(parts) => parts.iter().all(lies_in_keys),
        Filter::Not(inner) => lies_in_keys(inner),
        Filter::Constant(_) => true,
        Filter::Compare(_, _, operand) => Form::for_operand(operand).in_keys(),
        Filter::Present(target) => Form::of(target.leaf()).in_keys(),
        Filter::Values(..) => false,
    }
}

fn fails_without_keys(filter: &Resolved) -> bool {
    match filter {
        Filter::And(parts) => parts.iter().any(fails_without_keys),
        Filter::Or(parts) => parts.iter().all(fails_without_keys),
        Filter::Compare(_, op, _) => *op != CompareOp::Ne,
        Filter::Present(_) => true,
        Filter::Constant(value) => !value,
        Filter::Not(_) | Filter::Values(..) => false,
    }
}
