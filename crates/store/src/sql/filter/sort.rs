//! The key a resource is sorted by, as an expression of SQL.

use bailiwick_scim::schema::{Attribute, Target};

use super::dialect::{Path, literal};
use super::scalar::{Form, Scalar};
use super::values::has_several;
use super::{Compiler, Place};

impl Compiler<'_> {
    /// The sort key of `r`: the value of the target; of a multi-valued attribute that of its primary value, else of its
    /// first (RFC 7644 section 3.4.2.3).
    pub(crate) fn sort_key(&mut self, target: &Target) -> Scalar {
        match self.value_to_sort(target) {
            Scalar::Sql { text, nullable } => {
                Scalar::Sql { text: self.dialect().sorted(text, target.leaf().kind), nullable }
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
        let sub = target.sub.as_deref();
        let mut path = Path::to(target, None);
        if target.attribute.multi_valued {
            path = match target.attribute.sub("primary") {
                Some(primary) => {
                    let place = self.place_of_primary(&path, primary);
                    path.at(place)
                }
                None => path.at("0"),
            };
        }
        path = path.and(sub);
        if !target.attribute.multi_valued || sub.is_some_and(|sub| sub.multi_valued) {
            path = path.at("0");
        }
        Scalar::nullable(self.dialect().at(source, &path, form))
    }

    fn place_of_primary(&mut self, path: &Path, primary: &Attribute) -> String {
        let (dialect, alias) = (self.dialect(), self.alias('e'));
        let (place, elements) = (dialect.place_of(&alias), dialect.elements("r.doc", path, &alias));
        let is_primary = dialect.in_element(&alias, Some(primary), Form::Boolean);
        format!("coalesce((SELECT {place} FROM {elements} WHERE {is_primary} ORDER BY 1 LIMIT 1), 0)")
    }

    /// Groups and members come in the order of their rows.
    fn first_related(&mut self, target: &Target, form: Form, rows: &str, place: &Place) -> Scalar {
        let row = match place {
            Place::Group(row, _) | Place::Member(row) => row.clone(),
            Place::Element(_) | Place::Row => "r".to_owned(),
        };
        match self.scalar(target, form, place) {
            Scalar::Sql { text, .. } => {
                Scalar::nullable(format!("(SELECT {text} FROM {rows}true ORDER BY {row}.seq LIMIT 1)"))
            }
            Scalar::Constant(text) => {
                let text = literal(&text);
                Scalar::nullable(format!("(SELECT {text} FROM {rows}true LIMIT 1)"))
            }
            other => other,
        }
    }
}
