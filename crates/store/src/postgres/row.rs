//! How parameters are sent and rows are read.

use crate::error::Error;
use crate::sql::{Fields, Param, Value};
use bytes::BytesMut;
use std::borrow::Cow;
use std::fmt;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type};

type Failure = Box<dyn std::error::Error + Sync + Send>;

/// A parameter on its way to the server. Its value is never shown: the driver would log it.
pub(super) struct Bound<'a>(pub(super) &'a Param<'a>);

impl fmt::Debug for Bound<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("_")
    }
}

impl ToSql for Bound<'_> {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Failure> {
        match self.0 {
            Param::Bytes(bytes) => bytes.as_ref().to_sql(kind, out),
            Param::Flag(flag) => flag.to_sql(kind, out),
            Param::Int(int) => int.to_sql(kind, out),
            Param::Ints(ints) => ints.as_ref().to_sql(kind, out),
            Param::MaybeInt(int) => int.to_sql(kind, out),
            Param::MaybeText(text) => text.as_deref().to_sql(kind, out),
            Param::Real(real) => real.to_sql(kind, out),
            Param::Text(text) => text.as_ref().to_sql(kind, out),
            // What can equal no stored text is sent as NULL, which equals nothing.
            Param::Texts(texts) if texts.iter().any(|text| has_nul(text)) => {
                let texts: Vec<Option<&str>> =
                    texts.iter().map(|text| (!has_nul(text)).then_some(text.as_str())).collect();
                texts.to_sql(kind, out)
            }
            Param::Texts(texts) => texts.as_ref().to_sql(kind, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn to_sql_checked(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Failure> {
        if *kind != type_of(self.0) {
            return Err(format!("a parameter is of type {}, the statement takes {kind}", type_of(self.0)).into());
        }
        self.to_sql(kind, out)
    }
}

/// The type a parameter is declared with.
pub(super) fn type_of(param: &Param<'_>) -> Type {
    match param {
        Param::Bytes(_) => Type::BYTEA,
        Param::Flag(_) => Type::BOOL,
        Param::Int(_) | Param::MaybeInt(_) => Type::INT8,
        Param::Ints(_) => Type::INT8_ARRAY,
        Param::MaybeText(_) | Param::Text(_) => Type::TEXT,
        Param::Real(_) => Type::FLOAT8,
        Param::Texts(_) => Type::TEXT_ARRAY,
    }
}

/// Whether a text is among the parameters that PostgreSQL can neither store nor be sent: one with U+0000.
pub(super) fn unstorable(params: &[Param<'_>]) -> bool {
    params.iter().any(|param| match param {
        Param::Text(text) | Param::MaybeText(Some(text)) => has_nul(text),
        _ => false,
    })
}

fn has_nul(text: &str) -> bool {
    text.as_bytes().contains(&0)
}

/// A statement with its parameters as PostgreSQL counts them: `$1` where the shared texts say `?1`.
pub(super) fn numbered(text: &str) -> Cow<'_, str> {
    if !text.contains('?') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('?') {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        out.push(if after[1..].starts_with(|next: char| next.is_ascii_digit()) { '$' } else { '?' });
        rest = &after[1..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// An integer of any width.
struct Int(i64);

impl<'a> FromSql<'a> for Int {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Self, Failure> {
        Ok(Self(match *kind {
            Type::INT2 => i16::from_sql(kind, raw)?.into(),
            Type::INT4 => i32::from_sql(kind, raw)?.into(),
            _ => i64::from_sql(kind, raw)?,
        }))
    }

    fn accepts(kind: &Type) -> bool {
        matches!(*kind, Type::INT2 | Type::INT4 | Type::INT8)
    }
}

/// A column as what it must be. What it holds is not told.
fn get<'a, T: FromSql<'a>>(row: &'a Row, column: usize) -> Result<T, Error> {
    row.try_get(column).map_err(|_| {
        let kind = row.columns().get(column).map_or("missing", |column| column.type_().name());
        Error::Broken(format!("column {column} of an answer is {kind}, or NULL where a value must be"))
    })
}

impl Fields for Row {
    fn bytes(&self, column: usize) -> Result<&[u8], Error> {
        get(self, column)
    }

    fn flag(&self, column: usize) -> Result<bool, Error> {
        get(self, column)
    }

    fn int(&self, column: usize) -> Result<i64, Error> {
        Ok(get::<Int>(self, column)?.0)
    }

    fn maybe_bytes(&self, column: usize) -> Result<Option<&[u8]>, Error> {
        get(self, column)
    }

    fn maybe_int(&self, column: usize) -> Result<Option<i64>, Error> {
        Ok(get::<Option<Int>>(self, column)?.map(|int| int.0))
    }

    fn maybe_text(&self, column: usize) -> Result<Option<&str>, Error> {
        get(self, column)
    }

    fn text(&self, column: usize) -> Result<&str, Error> {
        get(self, column)
    }

    fn value(&self, column: usize) -> Result<Value, Error> {
        let kind = self.columns().get(column).map(|column| column.type_().clone());
        let value = match kind {
            Some(Type::BOOL) => get::<Option<bool>>(self, column)?.map(Value::Flag),
            Some(Type::BYTEA) => get::<Option<Vec<u8>>>(self, column)?.map(Value::Bytes),
            Some(Type::FLOAT4) => get::<Option<f32>>(self, column)?.map(|real| Value::Real(real.into())),
            Some(Type::FLOAT8) => get::<Option<f64>>(self, column)?.map(Value::Real),
            Some(Type::INT2 | Type::INT4 | Type::INT8) => self.maybe_int(column)?.map(Value::Int),
            _ => get::<Option<String>>(self, column)?.map(Value::Text),
        };
        Ok(value.unwrap_or(Value::Null))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::binds;

    #[test]
    fn parameters_are_counted_as_postgresql_does() {
        let check = |text: &str, expect: &str| assert_eq!(numbered(text), expect);
        check("SELECT 1", "SELECT 1");
        check("a = ?1 AND b = ?12 OR ?1 IS NULL", "a = $1 AND b = $12 OR $1 IS NULL");
        check("doc ? 'x' AND é = ?2?", "doc ? 'x' AND é = $2?");
    }

    #[test]
    fn texts_with_nul_are_found() {
        let check = |params: &[Param<'_>], expect| assert_eq!(unstorable(params), expect, "{params:?}");
        check(&binds![1_i64, "a", None::<i64>, true], false);
        check(&binds![1_i64, "a\0"], true);
        check(&binds![Some("\0")], true);
        check(&binds![&b"\0"[..]], false);
        let texts = ["\0".to_owned()];
        check(&binds![&texts[..]], false);
    }

    #[test]
    fn parameters_show_no_values() {
        assert_eq!(format!("{:?}", Bound(&Param::from("secret"))), "_");
        let mut out = BytesMut::new();
        assert!(Bound(&Param::from("x")).to_sql_checked(&Type::INT8, &mut out).is_err());
        assert!(Bound(&Param::from("x")).to_sql_checked(&Type::TEXT, &mut out).is_ok());
        let texts = ["a".to_owned(), "\0".to_owned()];
        assert!(Bound(&Param::from(&texts[..])).to_sql_checked(&Type::TEXT_ARRAY, &mut out).is_ok());
    }
}
