//! The key a resource is sorted by, as an expression of SQL.

use bailiwick_scim::schema::{Target, Type};

use super::scalar::{Form, Scalar, literal, path, sub_path};
use super::values::has_several;
use super::{Compiler, Place};

impl Compiler<'_> {
    /// The sort key of `r`: the value of the target; of a multi-valued attribute that of its primary value, else of its
    /// first (RFC 7644 section 3.4.2.3).
    pub(crate) fn sort_key(&mut self, target: &Target) -> Scalar {
        match self.value_to_sort(target) {
            // Decimals are ordered as doubles, even those that were written without a fraction.
            Scalar::Sql { text, .. } if target.leaf().kind == Type::Decimal => {
                Scalar::nullable(format!("CAST({text} AS REAL)"))
            }
            key => key,
        }
    }

    fn value_to_sort(&mut self, target: &Target) -> Scalar {
        let form = Form::of(target.leaf());
        if !has_several(target, &Place::Row) {
            return self.scalar(target, form, &Place::Row);
        }
        if let Some((rows, place)) = self.related_rows(target, &Place::Row) {
            return self.first_related(target, form, &rows, &place);
        }
        let source = if form.in_keys() { "r.keys" } else { "r.doc" };
        let function = match form {
            Form::Boolean => "json_type",
            _ => "json_extract",
        };
        let sub = target.sub.as_deref();
        let several_subs = sub.is_some_and(|sub| sub.multi_valued);
        let rest = sub.map_or_else(String::new, |sub| sub_path(sub)[1..].to_owned());
        let rest = if several_subs { format!("{rest}[0]") } else { rest };
        let text = if target.attribute.multi_valued {
            let path = literal(&path(target, None));
            let primary = match target.attribute.sub("primary") {
                Some(_) => self.primary_index(&path),
                None => "0".to_owned(),
            };
            format!("{function}({source}, {path} || '[' || {primary} || {})", literal(&format!("]{rest}")))
        } else {
            format!("{function}({source}, {})", literal(&format!("{}[0]", path(target, sub))))
        };
        Scalar::nullable(if form == Form::Boolean { format!("({text} = 'true')") } else { text })
    }

    fn primary_index(&mut self, path: &str) -> String {
        let alias = self.alias('e');
        format!(
            "coalesce((SELECT {alias}.key FROM jsonb_each(r.doc, {path}) {alias} WHERE json_type(iif({alias}.type = \
             'object', {alias}.value, NULL), '$.primary') = 'true' LIMIT 1), 0)"
        )
    }

    /// Groups and members come in the order of their rows.
    fn first_related(&mut self, target: &Target, form: Form, rows: &str, place: &Place) -> Scalar {
        let row = match place {
            Place::Group(row, _) | Place::Member(row) => row.clone(),
            Place::Element(_) | Place::Row => "r".to_owned(),
        };
        match self.scalar(target, form, place) {
            Scalar::Sql { text, .. } => {
                Scalar::nullable(format!("(SELECT {text} FROM {rows}1 ORDER BY {row}.seq LIMIT 1)"))
            }
            Scalar::Constant(text) => {
                let text = literal(&text);
                Scalar::nullable(format!("(SELECT {text} FROM {rows}1 LIMIT 1)"))
            }
            other => other,
        }
    }
}
