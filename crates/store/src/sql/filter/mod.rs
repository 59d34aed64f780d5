//! A resolved filter becomes a condition in SQL with bound parameters.
//!
//! The reference is [`bailiwick_scim::filter::matches`]: both must give the same answer for every resource. SQL has three
//! truth values, the reference two: a comparison with a missing value is NULL, which AND, OR and WHERE treat as false,
//! and every negation is written as `IS NOT TRUE`, so that no NULL crosses it.
//!
//! `scalar` finds where a single value lies, `leaf` compares it, `values` asks whether some value of several does,
//! `related` reaches other rows (groups, members, managers), `driver` names conditions that an index answers, `dialect`
//! holds what the engines say in different words.

mod dialect;
mod driver;
mod leaf;
mod related;
mod scalar;
mod sort;
mod values;

#[cfg(test)]
pub(crate) mod tests;

use bailiwick_domain::ids::{IntegrationId, Kind};
use bailiwick_scim::filter::{Filter, Resolved};

use crate::sql::{Dialect, Param};
use dialect::Path;
pub(crate) use driver::{Driver, Point, driver, point};
use driver::{Lead, lead};
pub(crate) use leaf::before_nul;
pub(crate) use scalar::Scalar;

/// What a filter is compiled for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope<'a> {
    /// Which SQL.
    pub(crate) dialect: Dialect,
    /// Whose resources.
    pub(crate) integration: IntegrationId,
    /// Users or groups; none of them for items of the catalog.
    pub(crate) kind: Option<Kind>,
    /// Whether groups may hold groups, so that membership must be followed upwards.
    pub(crate) nested: bool,
    /// Base URL of the endpoint.
    pub(crate) base: &'a str,
    /// Key of the ETag.
    pub(crate) etag_key: &'a [u8; 32],
}

impl Scope<'_> {
    /// Items of the catalog.
    pub(crate) fn items(dialect: Dialect) -> Self {
        Self { dialect, integration: IntegrationId(0), kind: None, nested: false, base: "", etag_key: &[0; 32] }
    }
}

/// Collects the parameters while conditions are written. The row of the resource or item is always called `r`.
#[derive(Debug)]
pub(crate) struct Compiler<'a> {
    scope: Scope<'a>,
    params: Vec<Param<'static>>,
    aliases: usize,
}

/// Where the target of an expression lies.
#[derive(Clone, Debug)]
enum Place {
    /// In the resource `r`.
    Row,
    /// In one value of a multi-valued attribute of its document.
    Element(Element),
    /// In the group row of this alias, as a value of `groups`; the second alias has the column `direct`.
    Group(String, String),
    /// In the resource row of this alias, as a value of `members`.
    Member(String),
}

/// One value of a multi-valued attribute.
#[derive(Clone, Debug)]
struct Element {
    /// Alias of the table of values.
    alias: String,
    /// Where the array lies in the document.
    path: Path,
    /// Whether the table runs over the comparison keys instead of the document.
    keys: bool,
    /// Whether the element is the value itself, not an object that holds it.
    leaf: bool,
}

impl<'a> Compiler<'a> {
    pub(crate) fn new(scope: Scope<'a>) -> Self {
        Self { scope, params: Vec::new(), aliases: 0 }
    }

    /// Which SQL is written.
    pub(crate) fn dialect(&self) -> Dialect {
        self.scope.dialect
    }

    /// The parameters bound so far, in the order of their numbers.
    pub(crate) fn into_params(self) -> Vec<Param<'static>> {
        self.params
    }

    /// Binds a value; the answer stands for it in SQL.
    pub(crate) fn bind(&mut self, value: impl Into<Param<'static>>) -> String {
        let value = value.into();
        let written = self.scope.dialect.parameter(self.params.len() + 1, &value);
        self.params.push(value);
        written
    }

    /// The number of the row, as pages are ordered by it that are not sorted.
    pub(crate) fn row_order(&self, filter: Option<&Resolved>) -> &'static str {
        let lead = filter.zip(self.scope.kind).map_or(Lead::None, |(filter, kind)| lead(filter, kind));
        self.scope.dialect.row_order(lead)
    }

    /// A number of rows to stop at. PostgreSQL plans for the number it sees, and for a tenth of the table without one.
    pub(crate) fn limit(&mut self, rows: i64) -> String {
        match self.scope.dialect {
            Dialect::Postgres => rows.to_string(),
            Dialect::Sqlite => self.bind(rows),
        }
    }

    fn alias(&mut self, prefix: char) -> String {
        self.aliases += 1;
        format!("{prefix}{}", self.aliases)
    }

    /// The condition for `r`.
    pub(crate) fn condition(&mut self, filter: &Resolved) -> String {
        self.filter(filter, &Place::Row)
    }

    fn filter(&mut self, filter: &Resolved, place: &Place) -> String {
        match filter {
            Filter::And(parts) => self.joined(parts, " AND ", place),
            Filter::Or(parts) => self.joined(parts, " OR ", place),
            Filter::Not(inner) => negated(&self.filter(inner, place)),
            Filter::Constant(value) => value.to_string(),
            Filter::Compare(target, op, operand) => self.compare(target, *op, operand, place),
            Filter::Present(target) => self.present(target, place),
            Filter::Values(target, inner) => self.values(target, inner, place),
        }
    }

    fn joined(&mut self, parts: &[Resolved], word: &str, place: &Place) -> String {
        let parts: Vec<String> = parts.iter().map(|part| self.filter(part, place)).collect();
        format!("({})", parts.join(word))
    }
}

/// Not true: false or NULL.
fn negated(condition: &str) -> String {
    format!("(({condition}) IS NOT TRUE)")
}
