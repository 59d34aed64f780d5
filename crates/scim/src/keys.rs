//! What values are compared as, where that is not how they are written: folded text and instants.

use crate::Object;
use crate::schema::{Attribute, Registry, ResourceType, Schema, Type};
use crate::text::match_key;
use jiff::civil::DateTime;
use serde_json::Value;

/// The comparison keys of a resource: an object of its shape that holds only what is not compared as written, strings
/// without regard to case as their [`match_key`] and dateTimes as microseconds since 1970-01-01T00:00:00Z. Arrays keep
/// their positions, extensions stand under their URN; where nothing is left the key is missing.
#[must_use]
pub fn comparison_keys(_registry: &Registry, resource_type: &ResourceType, resource: &Object) -> Object {
    let mut keys = Object::new();
    for (name, value) in resource {
        if let Some(attribute) = resource_type.attribute(name) {
            if let Some(key) = whole_key(attribute, value) {
                keys.insert(attribute.name.clone(), key);
            }
        } else if let Some(extension) = resource_type.extension(name)
            && let Value::Object(data) = value
        {
            let inner = extension_keys(&extension.schema, data);
            if !inner.is_empty() {
                keys.insert(extension.schema.id.to_string(), Value::Object(inner));
            }
        }
    }
    keys
}

fn extension_keys(schema: &Schema, data: &Object) -> Object {
    let mut keys = Object::new();
    for (name, value) in data {
        if let Some(attribute) = schema.attribute(name)
            && let Some(key) = whole_key(attribute, value)
        {
            keys.insert(attribute.name.clone(), key);
        }
    }
    keys
}

fn whole_key(attribute: &Attribute, value: &Value) -> Option<Value> {
    if !is_keyed(attribute) {
        return None;
    }
    let Value::Array(values) = value else { return one_key(attribute, value) };
    let mut any = false;
    // What has no key keeps its place: the position ties a key to its value.
    let hole = || if attribute.kind == Type::Complex { Value::Object(Object::new()) } else { Value::Null };
    let keys = values.iter().map(|value| {
        let key = one_key(attribute, value);
        any |= key.is_some();
        key.unwrap_or_else(hole)
    });
    let keys: Vec<Value> = keys.collect();
    any.then_some(Value::Array(keys))
}

/// Whether any value of the attribute can have a key.
fn is_keyed(attribute: &Attribute) -> bool {
    match attribute.kind {
        Type::Complex => attribute.sub_attributes.iter().any(|sub| is_keyed(sub)),
        Type::DateTime => true,
        _ => attribute.folds_case(),
    }
}

fn one_key(attribute: &Attribute, value: &Value) -> Option<Value> {
    match value {
        Value::Object(object) if attribute.kind == Type::Complex => {
            let mut keys = Object::new();
            for (name, value) in object {
                if let Some(sub) = attribute.sub(name)
                    && let Some(key) = whole_key(sub, value)
                {
                    keys.insert(sub.name.clone(), key);
                }
            }
            (!keys.is_empty()).then_some(Value::Object(keys))
        }
        Value::String(text) if attribute.kind == Type::DateTime => instant_micros(text).map(Value::from),
        Value::String(text) if attribute.folds_case() => Some(Value::from(match_key(text))),
        _ => None,
    }
}

/// The first and the last moment that four digits of a year can tell.
const FIRST_MICROS: i64 = -62_167_219_200_000_000;
const LAST_MICROS: i64 = 253_402_300_799_999_999;

/// An xsd:dateTime (RFC 7643 section 2.3.5) as microseconds since 1970-01-01T00:00:00Z, whatever its offset; without an
/// offset it is taken as UTC. Digits behind the microsecond are cut off. `None` if it is no date and time.
#[must_use]
pub fn instant_micros(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let shape = b"dddd-dd-ddTdd:dd:dd";
    let head = bytes.get(..shape.len())?;
    let fits = |(byte, shape): (&u8, &u8)| if *shape == b'd' { byte.is_ascii_digit() } else { byte == shape };
    if !head.iter().zip(shape).all(fits) {
        return None;
    }
    let number = |from: usize, to: usize| {
        head.get(from..to)?
            .iter()
            .try_fold(0_i16, |sum, digit| sum.checked_mul(10)?.checked_add(i16::from(digit - b'0')))
    };
    let small = |from: usize| i8::try_from(number(from, from + 2)?).ok();
    let (nanos, rest) = fraction(text.get(shape.len()..)?)?;
    let date_time =
        DateTime::new(number(0, 4)?, small(5)?, small(8)?, small(11)?, small(14)?, small(17)?, nanos).ok()?;
    // Not by way of a timestamp: those end a day before 9999-12-31T23:59:59Z, which is what "never" looks like.
    let since_epoch = date_time.duration_since(DateTime::constant(1970, 1, 1, 0, 0, 0, 0)).as_micros();
    let micros = i64::try_from(since_epoch).ok()? - i64::from(offset_seconds(rest)?) * 1_000_000;
    (FIRST_MICROS..=LAST_MICROS).contains(&micros).then_some(micros)
}

/// The nanoseconds of a fraction, and what follows it.
fn fraction(text: &str) -> Option<(i32, &str)> {
    let Some(tail) = text.strip_prefix('.') else { return Some((0, text)) };
    let digits = tail.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = tail.split_at(digits);
    if digits.is_empty() {
        return None;
    }
    // Micros are all that is kept, and cutting keeps a later text from becoming an earlier instant.
    let micros = digits.bytes().chain(std::iter::repeat(b'0')).take(6);
    let micros = micros.fold(0, |sum, digit| sum * 10 + i32::from(digit - b'0'));
    Some((micros * 1_000, rest))
}

/// `Z`, `+hh:mm` or `-hh:mm` up to 14 hours, or nothing.
fn offset_seconds(text: &str) -> Option<i32> {
    let (sign, digits) = match text.as_bytes() {
        [] | [b'Z'] => return Some(0),
        [b'+', digits @ ..] => (1, digits),
        [b'-', digits @ ..] => (-1, digits),
        _ => return None,
    };
    let [h1, h2, b':', m1, m2] = digits else { return None };
    if ![h1, h2, m1, m2].into_iter().all(u8::is_ascii_digit) {
        return None;
    }
    let pair = |high: &u8, low: &u8| i32::from(high - b'0') * 10 + i32::from(low - b'0');
    let (hours, minutes) = (pair(h1, h2), pair(m1, m2));
    let seconds = hours * 3_600 + minutes * 60;
    (minutes < 60 && seconds <= 14 * 3_600).then_some(sign * seconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn instants() {
        let check = |text: &str, expect: Option<i64>| assert_eq!(instant_micros(text), expect, "{text}");
        check("1970-01-01T00:00:00Z", Some(0));
        check("1970-01-01T00:00:00", Some(0));
        check("1970-01-01T01:00:00+01:00", Some(0));
        check("1969-12-31T10:00:00-14:00", Some(0));
        check("1970-01-01T00:00:00.5Z", Some(500_000));
        check("1970-01-01T00:00:00.1234567Z", Some(123_456));
        check("1970-01-01T00:00:00.123456789012345+00:00", Some(123_456));
        check("1969-12-31T23:59:59.999999Z", Some(-1));
        check("2026-02-28T08:30:00Z", Some(1_772_267_400_000_000));
        check("0001-01-01T00:00:00Z", Some(-62_135_596_800_000_000));
        check("0000-01-01T00:00:00Z", Some(FIRST_MICROS));
        check("9999-12-31T23:59:59.9999999Z", Some(LAST_MICROS));
        for text in [
            "",
            "2026-02-28",
            "08:30:00",
            "2026-02-28 08:30:00Z",
            "2026-02-28t08:30:00Z",
            "2026-02-28T08:30:00z",
            "2026-02-30T08:30:00Z",
            "2026-13-01T08:30:00Z",
            "2026-02-28T24:00:01Z",
            "2026-02-28T08:60:00Z",
            "2026-02-28T08:30Z",
            "2026-02-28T08:30:00.Z",
            "2026-02-28T08:30:00+1:00",
            "2026-02-28T08:30:00+0100",
            "2026-02-28T08:30:00+14:01",
            "2026-02-28T08:30:00+01:60",
            "2026-02-28T08:30:00Z ",
            " 2026-02-28T08:30:00Z",
            "2026-02-28T08:30:00[UTC]",
            "9999-12-31T23:59:59-14:00",
            "0000-01-01T00:00:00+14:00",
            "２026-02-28T08:30:00Z",
            "2026-02-28T08:30:00é",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn only_what_is_not_compared_as_written_has_a_key() {
        let registry = Registry::with_extensions(&[json!({"id": "urn:example:Badge", "attributes": [
            {"name": "issued", "type": "dateTime"}, {"name": "code", "caseExact": true},
            {"name": "tags", "multiValued": true}, {"name": "codes", "multiValued": true, "caseExact": true},
        ]})])
        .unwrap();
        let resource = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "id": "A", "externalId": "X", "userName": "Bob",
            "active": true, "profileUrl": "HTTP://X", "name": {"givenName": "Bob"},
            "emails": [{"value": "A@X"}, {"primary": true}, {"type": "Work"}],
            "x509Certificates": [{"value": "AAAA"}],
            "meta": {"resourceType": "User", "created": "1970-01-01T00:00:01Z"},
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {
                "department": "R&D", "manager": {"value": "M"}},
            "urn:example:Badge": {
                "issued": "1970-01-01T00:00:00Z", "code": "C", "tags": ["One", "TWO"], "codes": ["A"]},
        });
        let keys = comparison_keys(&registry, registry.user(), resource.as_object().unwrap());
        let expect = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:user"], "userName": "bob", "name": {"givenName": "bob"},
            "emails": [{"value": "a@x"}, {}, {"type": "work"}],
            "meta": {"created": 1_000_000},
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "r&d"},
            "urn:example:Badge": {"issued": 0, "tags": ["one", "two"]},
        });
        assert_eq!(Value::Object(keys), expect);
    }

    proptest::proptest! {
        #[test]
        fn instants_agree_with_a_general_parser(micros in -62_135_596_800_000_000_i64..253_402_300_799_000_000) {
            let text = jiff::Timestamp::from_microsecond(micros).unwrap().to_string();
            proptest::prop_assert_eq!(instant_micros(&text), Some(micros));
        }

        #[test]
        fn any_text_is_an_instant_or_not(text in "[0-9TZ:+.\\-é]{0,30}") {
            let _ = instant_micros(&text);
        }
    }
}
