//! Forms that several wire types share.

use bailiwick_app::{App, Refusal};
use bailiwick_domain::ids::Millis;
use bailiwick_scim::{Code, Error};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::time::Duration;

/// A moment on the wire (RFC 3339, UTC).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment(pub(super) Millis);

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl JsonSchema for Moment {
    fn schema_name() -> Cow<'static, str> {
        "Moment".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "format": "date-time"})
    }
}

/// Tells a key that is absent (`None`) from one that is `null` (`Some(None)`), as a merge patch needs it: for fields
/// with `#[serde(default, deserialize_with = "said")]`.
pub(super) fn said<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// Most days that a credential may live.
pub(super) const LIFE_DAYS: u32 = 3_660;

/// A span of so many days.
pub(super) fn days(count: u32) -> Result<Duration, Refusal> {
    match count {
        1..=LIFE_DAYS => Ok(Duration::from_secs(u64::from(count) * 24 * 60 * 60)),
        _ => Err(Error::new(Code::ValueInvalid, format!("A number of days is 1 to {LIFE_DAYS}."))),
    }
}

/// The version of something as clients see it: opaque, and different whenever any of the parts is.
pub(super) fn tag(app: &App, parts: &[&[u8]]) -> String {
    format!("W/\"{}\"", app.seal(&[&[b"version".as_slice()], parts].concat()))
}
