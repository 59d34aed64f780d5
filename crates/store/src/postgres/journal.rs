//! Appending events: all of a batch with two statements, column by column.

use crate::commit::EventLine;
use bytes::BytesMut;
use std::fmt;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

pub(super) const EVENTS: &str = "INSERT INTO event
      (seq, at, kind, integration, request, resource, person, actor, method, status, code, duration_us, digest)
    SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
pub(super) const PAYLOADS: &str = "INSERT INTO event_payload (seq, salt, body) SELECT * FROM unnest($1, $2, $3)";

/// A column of several rows. What it holds is never shown: the driver would log it.
struct Column<T>(Vec<T>);

impl<T> fmt::Debug for Column<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("_")
    }
}

impl<T: ToSql> ToSql for Column<T> {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        self.0.to_sql(kind, out)
    }

    fn accepts(kind: &Type) -> bool {
        Vec::<T>::accepts(kind)
    }

    to_sql_checked!();
}

/// A column and its type.
pub(super) type Typed<'a> = (Box<dyn ToSql + Send + Sync + 'a>, Type);

pub(super) fn column<'a, L, T: ToSql + Send + Sync + 'a>(
    lines: &'a [L],
    kind: Type,
    value: impl Fn(&'a L) -> T,
) -> Typed<'a> {
    (Box::new(Column(lines.iter().map(value).collect())), kind)
}

/// The columns of [`EVENTS`].
pub(super) fn events(lines: &[EventLine]) -> Vec<Typed<'_>> {
    vec![
        column(lines, Type::INT8_ARRAY, |line| line.seq),
        column(lines, Type::INT8_ARRAY, |line| line.at),
        column(lines, Type::TEXT_ARRAY, |line| line.kind),
        column(lines, Type::INT8_ARRAY, |line| line.integration),
        column(lines, Type::TEXT_ARRAY, |line| line.request.as_str()),
        column(lines, Type::TEXT_ARRAY, |line| line.resource.as_deref()),
        column(lines, Type::TEXT_ARRAY, |line| line.person.as_deref()),
        column(lines, Type::TEXT_ARRAY, |line| line.actor.as_str()),
        column(lines, Type::TEXT_ARRAY, |line| line.method.as_deref()),
        column(lines, Type::INT8_ARRAY, |line| line.status),
        column(lines, Type::TEXT_ARRAY, |line| line.code.as_deref()),
        column(lines, Type::INT8_ARRAY, |line| line.duration_us),
        column(lines, Type::BYTEA_ARRAY, |line| line.digest.as_slice()),
    ]
}

/// The columns of [`PAYLOADS`].
pub(super) fn payloads(lines: &[EventLine]) -> Vec<Typed<'_>> {
    vec![
        column(lines, Type::INT8_ARRAY, |line| line.seq),
        column(lines, Type::BYTEA_ARRAY, |line| line.salt.as_slice()),
        column(lines, Type::TEXT_ARRAY, |line| line.body.as_str()),
    ]
}
