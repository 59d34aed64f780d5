//! Reads a wire type out of JSON and says where it does not fit: the pointer to the place (RFC 6901).

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error as _, IntoDeserializer, MapAccess, SeqAccess, Unexpected,
    Visitor,
};
use serde_json::{Error, Value};
use std::cell::RefCell;

/// Reads a value.
///
/// # Errors
/// The pointer to the place that does not fit, and why.
pub(crate) fn typed<T: DeserializeOwned>(value: &Value) -> Result<T, (String, String)> {
    let found = RefCell::new(None);
    let node = Node { value, path: &Path::Root, found: &found };
    T::deserialize(node).map_err(|error| (found.take().unwrap_or_default(), error.to_string()))
}

/// The way from the root to a value.
enum Path<'p> {
    Root,
    Key(&'p Path<'p>, &'p str),
    Index(&'p Path<'p>, usize),
}

impl Path<'_> {
    fn write(&self, out: &mut String) {
        match self {
            Path::Root => {}
            Path::Key(above, key) => {
                above.write(out);
                out.push('/');
                out.push_str(&key.replace('~', "~0").replace('/', "~1"));
            }
            Path::Index(above, index) => {
                above.write(out);
                out.push('/');
                out.push_str(&index.to_string());
            }
        }
    }
}

/// A value, the way to it, and the place of the first error.
struct Node<'de, 'p> {
    value: &'de Value,
    path: &'p Path<'p>,
    found: &'p RefCell<Option<String>>,
}

impl<'de> Node<'de, '_> {
    fn noted<T>(&self, outcome: Result<T, Error>) -> Result<T, Error> {
        if outcome.is_err() && self.found.borrow().is_none() {
            let mut pointer = String::new();
            self.path.write(&mut pointer);
            self.found.replace(Some(pointer));
        }
        outcome
    }

    fn of_object<V: Visitor<'de>>(&self, visitor: V) -> Result<V::Value, Error> {
        match self.value {
            Value::Object(object) => {
                visitor.visit_map(Entries { entries: object.iter(), next: None, path: self.path, found: self.found })
            }
            // An array is no object, although a derived reader would take it as one.
            Value::Array(_) => Err(Error::invalid_type(Unexpected::Seq, &visitor)),
            other => other.deserialize_any(visitor),
        }
    }
}

/// Whole numbers: JSON does not tell 1.0 from 1, so that neither do we.
macro_rules! whole_numbers {
    ($($name:ident)+) => {
        $(fn $name<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            let outcome = match whole(self.value) {
                Some(number) if number >= 0 => visitor.visit_u64(number.unsigned_abs()),
                Some(number) => visitor.visit_i64(number),
                None => return self.deserialize_any(visitor),
            };
            self.noted(outcome)
        })+
    };
}

/// The whole number that is written with a point or an exponent, if it is one that such a number holds exactly.
fn whole(value: &Value) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let number = value.as_f64().filter(|_| value.is_f64())?;
    (number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i64)
}

impl<'de> Deserializer<'de> for Node<'de, '_> {
    type Error = Error;

    whole_numbers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let outcome = match self.value {
            Value::Object(_) => self.of_object(visitor),
            Value::Array(values) => {
                visitor.visit_seq(Items { values: values.iter(), index: 0, path: self.path, found: self.found })
            }
            other => other.deserialize_any(visitor),
        };
        self.noted(outcome)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let outcome = self.of_object(visitor);
        self.noted(outcome)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.value.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let outcome = self.value.deserialize_enum(name, variants, visitor);
        self.noted(outcome)
    }

    serde::forward_to_deserialize_any! {
        bool i128 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map identifier ignored_any
    }
}

struct Entries<'de, 'p> {
    entries: serde_json::map::Iter<'de>,
    next: Option<(&'de str, &'de Value)>,
    path: &'p Path<'p>,
    found: &'p RefCell<Option<String>>,
}

impl<'de> MapAccess<'de> for Entries<'de, '_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let Some((key, value)) = self.entries.next() else { return Ok(None) };
        self.next = Some((key, value));
        let path = Path::Key(self.path, key);
        let node = Node { value, path: &path, found: self.found };
        let outcome = seed.deserialize(BorrowedStrDeserializer::<Error>::new(key));
        node.noted(outcome).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let Some((key, value)) = self.next.take() else { return Err(Error::custom("a value without a key")) };
        seed.deserialize(Node { value, path: &Path::Key(self.path, key), found: self.found })
    }
}

struct Items<'de, 'p> {
    values: std::slice::Iter<'de, Value>,
    index: usize,
    path: &'p Path<'p>,
    found: &'p RefCell<Option<String>>,
}

impl<'de> SeqAccess<'de> for Items<'de, '_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        let Some(value) = self.values.next() else { return Ok(None) };
        let path = Path::Index(self.path, self.index);
        self.index += 1;
        seed.deserialize(Node { value, path: &path, found: self.found }).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.values.len())
    }
}

impl<'de> IntoDeserializer<'de, Error> for Node<'de, '_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use serde_json::json;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "lowercase")]
    enum Colour {
        Red,
        Green,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        count: Option<u8>,
        colour: Option<Colour>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        name: String,
        #[serde(default)]
        inner: Vec<Inner>,
        #[serde(default)]
        map: std::collections::BTreeMap<String, Inner>,
    }

    #[test]
    fn what_fits_is_read() {
        let value =
            json!({"name": "a", "inner": [{"count": 3.0}, {"colour": "red"}, {}], "map": {"x": {"count": null}}});
        let read: Outer = typed(&value).unwrap();
        assert_eq!((read.name.as_str(), read.inner.len(), read.map.len()), ("a", 3, 1));
        assert_eq!((read.inner[0].count, read.inner[1].colour.as_ref()), (Some(3), Some(&Colour::Red)));
        assert_ne!(Some(&Colour::Green), read.inner[1].colour.as_ref());
    }

    #[test]
    fn what_does_not_fit_is_told_with_its_place() {
        let check = |value: Value, pointer: &str, says: &str| {
            let (at, why) = typed::<Outer>(&value).unwrap_err();
            assert_eq!(at, pointer, "{value}: {why}");
            assert!(why.contains(says), "{value}: {why}");
        };
        check(json!({}), "", "missing field `name`");
        check(json!([]), "", "invalid type: sequence");
        check(json!(1), "", "invalid type");
        check(json!({"name": 1}), "/name", "invalid type: integer");
        check(json!({"name": "a", "x/y~z": 1}), "/x~1y~0z", "unknown field");
        check(json!({"name": "a", "inner": [{}, {"count": 256}]}), "/inner/1/count", "256");
        check(json!({"name": "a", "inner": [{"count": 1.5}]}), "/inner/0/count", "1.5");
        check(json!({"name": "a", "inner": [{"count": -1.0}]}), "/inner/0/count", "-1");
        check(json!({"name": "a", "inner": [{"count": 1e30}]}), "/inner/0/count", "floating point");
        check(json!({"name": "a", "inner": [{}, {"counts": 1}]}), "/inner/1/counts", "unknown field `counts`");
        check(json!({"name": "a", "inner": [{}, []]}), "/inner/1", "sequence");
        check(json!({"name": "a", "inner": [{"colour": "blue"}]}), "/inner/0/colour", "unknown variant");
        check(json!({"name": "a", "map": {"k": {"count": true}}}), "/map/k/count", "boolean");
    }
}
