//! The order of a page: sort keys, where missing keys stand, and how to go on behind a known row.
//!
//! Rows without a key come last when ascending and first when descending (RFC 7644 section 3.4.2.3); equal keys stand in
//! the order of creation, whatever the direction. A walk behind a known row is one or two stretches, each a range of an
//! index if there is one.

use crate::query::{From, PageQuery};
use crate::sql::filter::{Compiler, Scalar, before_nul};
use crate::sql::{Param, Value};
use bailiwick_scim::schema::Type;

/// A part of the order.
#[derive(Debug, PartialEq)]
pub(super) enum Stretch {
    /// Everything, from the beginning.
    All,
    /// Behind this row, where there is no sort.
    AfterRow(i64),
    /// Rows with a key behind this one, or with the same key behind this row.
    AfterKey(Value, i64),
    /// Rows with a key.
    Keyed,
    /// Rows without a key, behind this row.
    Keyless(i64),
}

/// The stretches that a page may need, in order.
pub(super) fn stretches(query: &PageQuery) -> Vec<Stretch> {
    let From::After(position) = &query.from else {
        return vec![Stretch::All];
    };
    let Some(sort) = &query.sort else {
        return vec![Stretch::AfterRow(position.seq)];
    };
    match (key_in(&position.key), sort.descending) {
        (Value::Null, false) => vec![Stretch::Keyless(position.seq)],
        (Value::Null, true) => vec![Stretch::Keyless(position.seq), Stretch::Keyed],
        (key, false) => vec![Stretch::AfterKey(key, position.seq), Stretch::Keyless(i64::MIN)],
        (key, true) => vec![Stretch::AfterKey(key, position.seq)],
    }
}

/// A stretch as SQL.
#[derive(Debug)]
pub(super) struct Part {
    pub key: String,
    pub conditions: Vec<String>,
    pub order: String,
}

impl Stretch {
    /// `None` when the stretch holds no row.
    pub(super) fn compile(&self, query: &PageQuery, compiler: &mut Compiler<'_>) -> Option<Part> {
        let row = compiler.row_order(query.filter.as_ref());
        let by_row = |conditions| Part { key: "NULL".to_owned(), conditions, order: row.to_owned() };
        let sort = query.sort.as_ref();
        let (key, nullable) = match sort.map(|sort| compiler.sort_key(&sort.target)) {
            Some(Scalar::Millis(text)) => (text, false),
            Some(Scalar::Sql { text, nullable }) => (text, nullable),
            // The same for every row: there is nothing to sort by.
            Some(Scalar::Constant(_) | Scalar::Never) | None => {
                return match self {
                    Self::All => Some(by_row(Vec::new())),
                    Self::AfterKey(_, seq) | Self::AfterRow(seq) | Self::Keyless(seq) if *seq > i64::MIN => {
                        let seq = compiler.bind(*seq);
                        Some(by_row(vec![format!("{row} > {seq}")]))
                    }
                    _ => None,
                };
            }
        };
        let descending = sort.is_some_and(|sort| sort.descending);
        let (direction, nulls, beyond) =
            if descending { (" DESC", " NULLS FIRST", '<') } else { ("", " NULLS LAST", '>') };
        let by_key =
            |conditions, nulls| Part { key: key.clone(), conditions, order: format!("k{direction}{nulls}, r.seq") };
        match self {
            Self::All => Some(by_key(Vec::new(), if nullable { nulls } else { "" })),
            Self::AfterKey(value, seq) => {
                // Of another type: the schema changed during the walk, which ends.
                let value = bound(value, sort.map(|sort| sort.target.leaf().kind)?)?;
                let (value, seq) = (compiler.bind(value), compiler.bind(*seq));
                let from = format!("{key} {beyond}= {value}");
                let behind = format!("({key} {beyond} {value} OR r.seq > {seq})");
                Some(by_key(vec![from, behind], ""))
            }
            Self::Keyed if nullable => Some(by_key(vec![format!("{key} IS NOT NULL")], "")),
            Self::Keyed => Some(by_key(Vec::new(), "")),
            Self::Keyless(_) if !nullable => None,
            Self::AfterRow(seq) | Self::Keyless(seq) => {
                let seq = compiler.bind(*seq);
                Some(by_row(vec![format!("{key} IS NULL"), format!("{row} > {seq}")]))
            }
        }
    }
}

/// A sort key as it is bound; `None` if no attribute of this type has it. Numbers of all kinds compare with each other.
fn bound(key: &Value, kind: Type) -> Option<Param<'static>> {
    let number = matches!(kind, Type::Boolean | Type::DateTime | Type::Decimal | Type::Integer);
    match key {
        Value::Int(key) if number => Some((*key).into()),
        Value::Real(key) if number => Some((*key).into()),
        // No stored text holds a NUL, and PostgreSQL takes none.
        Value::Text(key) if !number => Some(before_nul(key).unwrap_or(key).to_owned().into()),
        _ => None,
    }
}

/// A sort key as it leaves the store. A double leaves as its bits: printed and read again it might be its neighbour.
pub(super) fn key_out(key: &Value) -> serde_json::Value {
    match key {
        Value::Bytes(_) | Value::Null => serde_json::Value::Null,
        Value::Flag(flag) => i64::from(*flag).into(),
        Value::Int(number) => (*number).into(),
        Value::Real(number) => serde_json::Value::Array(vec![number.to_bits().into()]),
        Value::Text(text) => text.as_str().into(),
    }
}

/// A sort key as it comes back.
fn key_in(key: &serde_json::Value) -> Value {
    match key {
        serde_json::Value::Array(bits) => {
            let bits = bits.first().and_then(serde_json::Value::as_u64);
            bits.map_or(Value::Null, |bits| Value::Real(f64::from_bits(bits)))
        }
        serde_json::Value::Number(number) => number.as_i64().map_or(Value::Null, Value::Int),
        serde_json::Value::String(text) => Value::Text(text.clone()),
        serde_json::Value::Bool(_) | serde_json::Value::Null | serde_json::Value::Object(_) => Value::Null,
    }
}
