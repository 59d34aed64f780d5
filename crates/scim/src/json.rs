//! Reads JSON from strangers (RFC 8259), stricter than a general parser: one pass, bounded depth, no key twice.

use crate::limits::JSON_DEPTH;
use crate::resource::shown;
use crate::{Code, Error, Object};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};
use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt;

/// From this many keys on, a set is cheaper than comparing each with each.
const FEW_KEYS: usize = 16;

/// Reads one JSON value.
///
/// # Errors
/// [`Code::JsonSyntax`] with the position, [`Code::JsonTooDeep`], [`Code::DuplicateKey`] with the key: also when only
/// the letter case differs, because attribute names ignore it (RFC 7643 section 2.1).
pub fn parse(bytes: &[u8]) -> Result<Value, Error> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(Error::new(Code::JsonSyntax, "The body is empty."));
    }
    let refusal = RefCell::new(None);
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let seed = Seed { depth: 0, refusal: &refusal };
    let value = seed.deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
    value.map_err(|fault| refusal.take().unwrap_or_else(|| syntax(&fault)))
}

/// Reads one JSON object.
///
/// # Errors
/// As [`parse`], and [`Code::JsonSyntax`] when the value is no object.
pub fn parse_object(bytes: &[u8]) -> Result<Object, Error> {
    match parse(bytes)? {
        Value::Object(object) => Ok(object),
        _ => Err(Error::new(Code::JsonSyntax, "The body must be a JSON object.")),
    }
}

/// The message of the parser names the position and never repeats what stands there.
fn syntax(fault: &serde_json::Error) -> Error {
    Error::new(Code::JsonSyntax, format!("The body is not JSON: {fault}."))
}

/// Builds a value and keeps the reason when it refuses: the parser's own errors carry text only.
#[derive(Clone, Copy)]
struct Seed<'a> {
    depth: usize,
    refusal: &'a RefCell<Option<Error>>,
}

impl Seed<'_> {
    fn refuse<E: serde::de::Error>(self, code: Code, detail: String) -> E {
        self.refusal.replace(Some(Error::new(code, detail)));
        E::custom("refused")
    }

    fn below<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth == JSON_DEPTH {
            let detail = format!("The JSON is nested more than {JSON_DEPTH} levels deep.");
            return Err(self.refuse(Code::JsonTooDeep, detail));
        }
        Ok(Self { depth: self.depth + 1, refusal: self.refusal })
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Value, A::Error> {
        let below = self.below()?;
        let mut values = Vec::new();
        while let Some(value) = sequence.next_element_seed(below)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let below = self.below()?;
        let mut object = Object::new();
        let mut folded = HashSet::new();
        while let Some(key) = entries.next_key::<String>()? {
            if is_repeated(&object, &mut folded, &key) {
                let detail = format!("The key {:?} stands twice in one object.", shown(&key));
                return Err(self.refuse(Code::DuplicateKey, detail));
            }
            let value = entries.next_value_seed(below)?;
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

/// Whether the object has the key already, letter case ignored. `folded` is used once the object has grown.
fn is_repeated(object: &Object, folded: &mut HashSet<String>, key: &str) -> bool {
    if object.len() < FEW_KEYS {
        return object.keys().any(|other| other.eq_ignore_ascii_case(key));
    }
    if folded.is_empty() {
        folded.extend(object.keys().map(|other| other.to_ascii_lowercase()));
    }
    !folded.insert(key.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &[u8]) -> &'static str {
        match parse(text) {
            Ok(_) => "fine",
            Err(error) => error.code,
        }
    }

    #[test]
    fn what_is_json_is_read() {
        let text = r#" {"a": [1, -2, 1.5, true, null, "x\u00e9\ud83d\ude42"], "b": {"A": {}}} "#;
        assert_eq!(parse(text.as_bytes()).unwrap(), serde_json::from_str::<Value>(text).unwrap());
        let order: Vec<String> = parse_object(br#"{"z":1,"a":2,"m":3}"#).unwrap().keys().cloned().collect();
        assert_eq!(order, ["z", "a", "m"]);
        assert_eq!(parse_object(b"[]").unwrap_err().code, "json-syntax");
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for text in [
            &b""[..],
            b" \n",
            b"{",
            b"{}{}",
            b"{} x",
            b"{'a':1}",
            b"{\"a\":NaN}",
            b"{\"a\":Infinity}",
            b"{\"a\":01}",
            b"{\"a\":1,}",
            b"[1,]",
            b"\"a\nb\"",
            b"\"\x01\"",
            b"\"\xff\"",
            b"\"\\ud800\"",
            b"\"\\udc00x\"",
            b"\xef\xbb\xbf{}",
            b"{\"a\":1e999}",
            b"nul",
            b"{1:2}",
            b"\"\\x\"",
            b"{\"a\" 1}",
            b"\xff\xfe{\0}\0",
        ] {
            assert_eq!(code(text), "json-syntax", "{}", String::from_utf8_lossy(text));
        }
        let detail = parse(b"{\"a\": secret}").unwrap_err().detail;
        assert!(detail.contains("line 1 column 7") && !detail.contains("secret"), "{detail}");
    }

    #[test]
    fn no_key_stands_twice() {
        for text in [r#"{"a":1,"a":1}"#, r#"{"userName":1,"USERNAME":2}"#, r#"[{"b":{"x":1,"X":null}}]"#] {
            assert_eq!(code(text.as_bytes()), "duplicate-key", "{text}");
        }
        let many = |last: &str| {
            let keys: Vec<String> = (0..100).map(|number| format!("\"key{number}\":1")).collect();
            format!("{{{},\"{last}\":1}}", keys.join(","))
        };
        assert_eq!(code(many("other").as_bytes()), "fine");
        assert_eq!(code(many("KEY0").as_bytes()), "duplicate-key");
        assert_eq!(code(many("kEy99").as_bytes()), "duplicate-key");
        assert!(parse(many("Key5").as_bytes()).unwrap_err().detail.contains("Key5"));
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
        assert_eq!(code(nested(JSON_DEPTH).as_bytes()), "fine");
        assert_eq!(code(nested(JSON_DEPTH + 1).as_bytes()), "json-too-deep");
        assert_eq!(code(nested(100_000).as_bytes()), "json-too-deep");
        assert_eq!(code("[".repeat(100_000).as_bytes()), "json-too-deep");
        assert_eq!(code("{\"a\":".repeat(100_000).as_bytes()), "json-too-deep");
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_as_a_general_parser_reads_them(text in "[\\[\\]{}:,\"a-c0-2.\\-e \\\\un]{0,24}") {
            match (parse(text.as_bytes()), serde_json::from_str::<Value>(&text)) {
                (Ok(ours), Ok(theirs)) => proptest::prop_assert_eq!(ours, theirs),
                (Err(refusal), Ok(_)) => proptest::prop_assert_eq!(refusal.code, "duplicate-key"),
                (ours, Err(_)) => proptest::prop_assert!(ours.is_err()),
            }
        }
    }
}
