//! Paths that may have several values: each is asked by EXISTS over the values.

use bailiwick_scim::filter::{CompareOp, Filter, Operand, Resolved};
use bailiwick_scim::schema::{ENTERPRISE_USER, Target, Type};

use super::scalar::{Form, Scalar, literal, path, sub_path};
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
            Place::Element(element) => (element.leaf || target.sub.is_none()).then(|| not_empty_element(element)),
            Place::Group(..) | Place::Member(_) => target.sub.is_none().then(|| "1".to_owned()),
            Place::Row => (target.leaf().kind == Type::Complex).then(|| whole_attribute(target)),
        };
        whole.unwrap_or_else(|| {
            let scalar = self.scalar(target, Form::of(target.leaf()), place);
            Self::not_empty(&scalar)
        })
    }

    pub(super) fn values(&mut self, target: &Target, inner: &Resolved, place: &Place) -> String {
        if has_several(target, place) {
            return self.exists(target, place, keys_suffice(inner), |this, place| this.filter(inner, place));
        }
        // One complex value: its parts are reached from the row; without the value nothing in it holds.
        let there = match target.is("meta") {
            true => "1".to_owned(),
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
        let source = if keys { "r.keys" } else { "r.doc" };
        let sub = target.sub.as_deref();
        let several_subs = sub.filter(|sub| sub.multi_valued);
        let alias = self.alias('e');
        let outer = match place {
            Place::Element(outer) => (outer.clone(), String::new()),
            _ if target.attribute.multi_valued => {
                let path = literal(&path(target, None));
                let from = format!("jsonb_each({source}, {path}) {alias}");
                (Element { alias: alias.clone(), path, keys, leaf: false }, from)
            }
            _ => {
                let path = literal(&path(target, sub));
                let from = format!("jsonb_each({source}, {path}) {alias} WHERE ");
                return (from, Element { alias, path, keys, leaf: true });
            }
        };
        let (outer, from) = outer;
        let Some(sub) = several_subs else {
            return (format!("{from} WHERE "), outer);
        };
        let path = literal(&sub_path(sub));
        let inner = self.alias('e');
        let comma = if from.is_empty() { "" } else { ", " };
        let from = format!("{from}{comma}jsonb_each({}, {path}) {inner} WHERE ", outer.object());
        let rest = literal(&format!("]{}", &sub_path(sub)[1..]));
        let path = format!("{} || '[' || {}.key || {rest}", outer.path, outer.alias);
        (from, Element { alias: inner, path, keys: outer.keys, leaf: true })
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
        Scalar::Constant(_) | Scalar::Millis(_) => "1".to_owned(),
        Scalar::Never => "0".to_owned(),
        Scalar::Sql { text, .. } => format!("{text} IS NOT NULL"),
    }
}

/// An empty object or array in JSONB is its one byte of header.
fn not_empty_element(element: &Element) -> String {
    let alias = &element.alias;
    format!(
        "CASE {alias}.type WHEN 'null' THEN 0 WHEN 'text' THEN {alias}.value <> '' WHEN 'object' THEN \
         length({alias}.value) > 1 WHEN 'array' THEN length({alias}.value) > 1 ELSE 1 END"
    )
}

/// Whether a single complex attribute has a value.
fn whole_attribute(target: &Target) -> String {
    if target.is("meta") {
        return "1".to_owned();
    }
    if target.extension.as_deref() == Some(ENTERPRISE_USER) && target.attribute.name == "manager" {
        return "r.manager <> ''".to_owned();
    }
    let path = literal(&path(target, target.sub.as_deref()));
    format!("json_extract(r.doc, {path}) NOT IN ('', '{{}}', '[]')")
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
