//! What the engines say in different words where text is built at run time: JSON, a few functions, the type of what is
//! bound.
//!
//! Everywhere else a filter is one text for both. On PostgreSQL every cast is guarded, so that no document, whatever it
//! holds, makes a query fail; text taken out of JSON is compared by code point, as the columns are.

use bailiwick_scim::schema::{Attribute, Target, Type};

use super::driver::Lead;
use super::scalar::Form;
use crate::sql::{Dialect, Param};

/// The way to a value inside a document.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Path(Vec<Step>);

#[derive(Clone, Debug, PartialEq)]
enum Step {
    /// A place of an array counted from 0, as an expression of SQL.
    At(String),
    Name(String),
}

impl Path {
    /// To an attribute, or to its sub-attribute.
    pub(super) fn to(target: &Target, sub: Option<&Attribute>) -> Self {
        let urn = target.extension.as_ref().map(|urn| urn.to_string());
        let names = urn.into_iter().chain([target.attribute.name.clone()]);
        Self(names.map(Step::Name).collect()).and(sub)
    }

    pub(super) fn and(mut self, sub: Option<&Attribute>) -> Self {
        self.0.extend(sub.map(|sub| Step::Name(sub.name.clone())));
        self
    }

    pub(super) fn at(mut self, place: impl Into<String>) -> Self {
        self.0.push(Step::At(place.into()));
        self
    }

    /// As SQLite writes it: `'$.emails[' || e1.key || '].value'`.
    fn sqlite(&self) -> String {
        let mut text = "$".to_owned();
        let mut before = String::new();
        for step in &self.0 {
            match step {
                Step::At(place) if place == "0" => text.push_str("[0]"),
                Step::At(place) => {
                    before = format!("{before}{} || {place} || ", literal(&format!("{text}[")));
                    text = "]".to_owned();
                }
                Step::Name(name) if name.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
                    text = format!("{text}.{name}");
                }
                Step::Name(name) => text = format!("{text}.\"{name}\""),
            }
        }
        before + &literal(&text)
    }

    /// As PostgreSQL writes it: `'{"name","givenName"}'`, or with an array that is put together.
    fn postgres(&self) -> String {
        if self.0.iter().all(|step| matches!(step, Step::Name(_))) {
            let quoted = |step: &Step| match step {
                Step::At(name) | Step::Name(name) => {
                    format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
                }
            };
            let names: Vec<String> = self.0.iter().map(quoted).collect();
            return literal(&format!("{{{}}}", names.join(",")));
        }
        let steps = self.0.iter().map(|step| match step {
            Step::At(place) => format!("({place})::text"),
            Step::Name(name) => literal(name),
        });
        format!("ARRAY[{}]", steps.collect::<Vec<_>>().join(", "))
    }
}

/// Text as a literal of SQL.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

impl Dialect {
    /// How the parameter of this number is written.
    pub(in crate::sql) fn parameter(self, number: usize, value: &Param<'_>) -> String {
        if self == Self::Sqlite {
            return format!("?{number}");
        }
        let kind = match value {
            Param::Bytes(_) => "bytea",
            Param::Flag(_) => "boolean",
            Param::Int(_) | Param::MaybeInt(_) => "bigint",
            Param::Ints(_) => "bigint[]",
            Param::MaybeText(_) | Param::Text(_) => "text",
            Param::Real(_) => "double precision",
            Param::Texts(_) => "text[]",
        };
        format!("${number}::{kind}")
    }

    /// The value at a path in the form asked for: text, a boolean, an integer for instants; a number as the engine keeps
    /// it. NULL if there is none, and on PostgreSQL if it is of another type.
    pub(super) fn at(self, source: &str, path: &Path, form: Form) -> String {
        if self == Self::Sqlite {
            let path = path.sqlite();
            return match form {
                Form::Boolean => format!("(json_type({source}, {path}) = 'true')"),
                Form::Exact | Form::Folded | Form::Instant | Form::Number => format!("json_extract({source}, {path})"),
            };
        }
        let path = path.postgres();
        let value = format!("({source} #> {path})");
        match form {
            Form::Boolean => format!("({value} = 'true'::jsonb)"),
            Form::Exact => {
                let text = format!("CASE jsonb_typeof{value} WHEN 'string' THEN {source} #>> {path} END");
                format!("(({text}) COLLATE \"C\")")
            }
            // The keys hold nothing else under such a name. Indexes have the same expression.
            Form::Folded => format!("(({source} #>> {path}) COLLATE \"C\")"),
            Form::Instant => format!("(CASE jsonb_typeof{value} WHEN 'number' THEN {value}::bigint END)"),
            Form::Number => format!("(CASE jsonb_typeof{value} WHEN 'number' THEN {value}::numeric END)"),
        }
    }

    /// A table of the elements of an array: `value`, and what [`Dialect::place_of`] and [`Dialect::in_element`] need.
    pub(super) fn elements(self, source: &str, path: &Path, alias: &str) -> String {
        match self {
            Self::Postgres => {
                let value = format!("({source} #> {})", path.postgres());
                format!(
                    "jsonb_array_elements(CASE jsonb_typeof{value} WHEN 'array' THEN {value} END) \
                     WITH ORDINALITY {alias}(value, place)"
                )
            }
            Self::Sqlite => format!("jsonb_each({source}, {}) {alias}", path.sqlite()),
        }
    }

    /// The place of an element in its array, counted from 0.
    pub(super) fn place_of(self, alias: &str) -> String {
        match self {
            Self::Postgres => format!("{alias}.place - 1"),
            Self::Sqlite => format!("{alias}.key"),
        }
    }

    /// An element as something that can be looked into without an error, whatever it is.
    pub(super) fn object(self, alias: &str) -> String {
        match self {
            Self::Postgres => format!("{alias}.value"),
            Self::Sqlite => format!("iif({alias}.type = 'object', {alias}.value, NULL)"),
        }
    }

    /// An element, or what it holds under the name of a sub-attribute.
    pub(super) fn in_element(self, alias: &str, sub: Option<&Attribute>, form: Form) -> String {
        match (self, sub) {
            (Self::Sqlite, None) if form == Form::Boolean => format!("({alias}.type = 'true')"),
            (Self::Sqlite, None) => format!("{alias}.value"),
            (_, sub) => self.at(&self.object(alias), &Path::default().and(sub), form),
        }
    }

    /// Whether an element is not empty. On SQLite an empty object or array is its one byte of header.
    pub(super) fn not_empty_element(self, alias: &str) -> String {
        match self {
            Self::Postgres => format!("{alias}.value NOT IN ({EMPTY})"),
            Self::Sqlite => format!(
                "CASE {alias}.type WHEN 'null' THEN false WHEN 'text' THEN {alias}.value <> '' WHEN 'object' THEN \
                 length({alias}.value) > 1 WHEN 'array' THEN length({alias}.value) > 1 ELSE true END"
            ),
        }
    }

    /// Whether there is a value at the path that is not empty.
    pub(super) fn not_empty_at(self, source: &str, path: &Path) -> String {
        match self {
            Self::Postgres => format!("({source} #> {}) NOT IN ({EMPTY})", path.postgres()),
            Self::Sqlite => format!("json_extract({source}, {}) NOT IN ('', '{{}}', '[]')", path.sqlite()),
        }
    }

    /// A number compared with an integer: `exactly` if it is one, `roughly` as a double; both are a sign and a parameter.
    pub(super) fn number_and_integer(self, number: &str, exactly: &str, roughly: &str) -> String {
        match self {
            Self::Postgres => {
                let (integer, double) = (is_integer(number), double(number));
                format!("CASE WHEN {integer} THEN {number} {exactly} ELSE {double} {roughly} END")
            }
            Self::Sqlite => format!(
                "CASE typeof({number}) WHEN 'integer' THEN {number} {exactly} WHEN 'real' THEN {number} {roughly} END"
            ),
        }
    }

    /// A number compared as a double.
    pub(super) fn number_and_double(self, number: &str, compared: &str) -> String {
        match self {
            Self::Postgres => format!("{} {compared}", double(number)),
            Self::Sqlite => {
                format!("(typeof({number}) IN ('integer', 'real') AND CAST({number} AS REAL) {compared})")
            }
        }
    }

    /// A value as it is sorted by. Decimals are ordered as doubles, even those that were written without a fraction.
    pub(super) fn sorted(self, text: String, kind: Type) -> String {
        match (self, kind) {
            (Self::Postgres, Type::Boolean) => format!("({text})::integer"),
            (Self::Postgres, Type::Decimal) => double(&text),
            (Self::Postgres, Type::Integer) => {
                format!("(CASE WHEN {} THEN {text}::bigint END)", is_integer(&text))
            }
            (Self::Sqlite, Type::Decimal) => format!("CAST({text} AS REAL)"),
            _ => text,
        }
    }

    /// Whether a page is read row by row after its walk: where no network is between, that costs next to nothing.
    pub(in crate::sql) fn reads_row_by_row(self) -> bool {
        self == Self::Sqlite
    }

    /// Whether a text holds another.
    pub(in crate::sql) fn holds(self, text: &str, part: &str) -> String {
        match self {
            Self::Postgres => format!("strpos({text}, {part}) > 0"),
            Self::Sqlite => format!("instr({text}, {part}) > 0"),
        }
    }

    /// The last characters of a text.
    pub(super) fn end_of(self, text: &str, length: usize) -> String {
        match self {
            Self::Postgres => format!("right({text}, {length})"),
            Self::Sqlite => format!("substr({text}, -{length})"),
        }
    }

    /// The greater of two numbers, neither of which is NULL.
    pub(super) fn greater(self, one: &str, other: &str) -> String {
        match self {
            Self::Postgres => format!("greatest({one}, {other})"),
            Self::Sqlite => format!("max({one}, {other})"),
        }
    }

    /// Text that was put together by SQL, compared by code point.
    pub(super) fn by_code_point(self, text: &str) -> String {
        match self {
            Self::Postgres => format!("({text} COLLATE \"C\")"),
            Self::Sqlite => text.to_owned(),
        }
    }

    /// The number of the row `r`, to order by.
    ///
    /// PostgreSQL takes the first rows in the order of an index for as good as any: it would look for what changed last
    /// from the beginning, and for a page of one integration among the rows of all. The plus sign keeps it from the primary
    /// key and leaves it the index that has the same expression; with the sum it has to sort what the index of a range
    /// finds.
    pub(super) fn row_order(self, lead: Lead) -> &'static str {
        match (self, lead) {
            (Self::Postgres, Lead::None) => "+r.seq",
            (Self::Postgres, Lead::Range) => "r.seq + 0",
            (Self::Postgres, Lead::Equality) | (Self::Sqlite, _) => "r.seq",
        }
    }

    /// E-mail rows whose key holds the dot above.
    pub(super) fn dotted(self) -> &'static str {
        match self {
            Self::Postgres => "strpos(key, chr(775)) > 0",
            Self::Sqlite => "instr(key, char(775)) > 0",
        }
    }

    /// The match key of what a reference to the resource of this alias shows.
    ///
    /// PostgreSQL cannot compute it (its Unicode is not ours), but what is shown is one of a few texts of the document,
    /// and their keys are kept. The two names of a User are joined by a blank, which nothing combines with, so the key of
    /// the whole is that of its parts. What is none of them, which nobody writes, is folded as far as ASCII goes.
    pub(super) fn display_key(self, alias: &str) -> String {
        if self == Self::Sqlite {
            return format!("bailiwick_fold({alias}.display)");
        }
        let doc = |path: &str| format!("{alias}.doc #>> '{{{path}}}'");
        let key = |path: &str| format!("{alias}.keys #>> '{{{path}}}'");
        let mut whens = format!("WHEN {alias}.kind = 2 THEN {alias}.name_match");
        for path in ["displayName", "name,formatted", "name,givenName", "name,familyName", "userName"] {
            whens = format!("{whens} WHEN {alias}.display = ({}) THEN {}", doc(path), key(path));
        }
        let joined = |part: &dyn Fn(&str) -> String| {
            format!("({}) || ' ' || ({})", part("name,givenName"), part("name,familyName"))
        };
        let (shown, folded) = (joined(&doc), joined(&key));
        whens = format!("{whens} WHEN {alias}.display = {shown} THEN {folded}");
        format!("((CASE {whens} ELSE lower({alias}.display COLLATE \"C\") END) COLLATE \"C\")")
    }

    /// The ETag of the resource `r` with this version and epoch, as [`crate::rows::ResourceRow::etag`] computes it.
    pub(super) fn etag(self, key: &str, version: &str, epoch: &str) -> String {
        if self == Self::Sqlite {
            return format!("bailiwick_etag({key}, r.id, {version}, {epoch})");
        }
        let number = |number: &str| format!("int8send(8) || int8send({number})");
        let digest = format!(
            "sha256({key} || int8send(octet_length(r.id)) || convert_to(r.id, 'UTF8') || {} || {})",
            number(version),
            number(epoch)
        );
        let shown = format!("translate(encode(substr({digest}, 1, 12), 'base64'), '+/', '-_')");
        format!("(('W/\"' || {shown} || '\"') COLLATE \"C\")")
    }
}

/// What counts as no value, in JSON.
const EMPTY: &str = r#"'null', '""', '{}', '[]'"#;

/// Whether a number of PostgreSQL is an integer: written without a fraction, and in the range of one.
fn is_integer(number: &str) -> String {
    format!("scale({number}) = 0 AND {number} BETWEEN -9223372036854775808 AND 9223372036854775807")
}

/// A number of PostgreSQL as a double. What is out of range would be an error.
fn double(number: &str) -> String {
    format!(
        "(CASE WHEN abs({number}) > 1.7976931348623157e308 THEN NULL WHEN abs({number}) < 3e-324 THEN 0 \
         ELSE {number}::double precision END)"
    )
}
