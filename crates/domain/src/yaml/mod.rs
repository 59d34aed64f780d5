//! YAML as people write it into files: read with the place of every value, and written so that nobody misreads it.
//!
//! A scalar keeps the text that stands in the file; what it means is decided by whoever reads the field. That is how
//! `country: no` stays the word "no", and `version: 1.10` is not shortened to 1.1. The reader takes nothing on trust:
//! size, depth, the number of values after aliases are followed and the number of documents are bounded ([`Limits`]),
//! a key may not stand twice, and tags are those of the core schema (YAML 1.2.2 section 10.3).

mod read;
mod resolve;
mod split;
mod write;

#[cfg(test)]
mod tests;

pub use read::{documents, read};
pub use write::{write, write_all};

use resolve::Meaning;
use std::fmt;

/// A value and where it begins in its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// What stands there.
    pub value: Value,
    /// The line, counted from 1.
    pub line: u32,
    /// The column in characters, counted from 1.
    pub column: u32,
}

/// The three forms of a value (YAML 1.2.2 section 3.2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// One text.
    Scalar(Scalar),
    /// Values in order.
    Sequence(Vec<Node>),
    /// Keys and values in the order of the file. Every key is a scalar, and none stands twice.
    Mapping(Vec<(Node, Node)>),
}

/// A text as it stands in the file; the reader of a field decides what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scalar {
    /// The text, without its quotes and with escapes and line folding undone.
    pub text: String,
    /// It stands in quotes or in a block (`|`, `>`) or carries the tag `!!str`: it is text whatever it looks like.
    pub quoted: bool,
}

/// Which words are booleans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// YAML 1.1: yes, no, on and off as well.
    V1_1,
    /// YAML 1.2, core schema: true and false.
    V1_2,
}

/// How much of a file is read. The default is what files of people get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Size of the file in bytes.
    pub bytes: usize,
    /// Levels of nesting, after aliases are followed.
    pub depth: usize,
    /// Values in all documents together, after aliases are followed.
    pub nodes: usize,
    /// Text of all values together in bytes, after aliases are followed.
    pub text_bytes: usize,
    /// Documents in the file.
    pub documents: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 1 << 20, depth: 32, nodes: 100_000, text_bytes: 8 << 20, documents: 1_000 }
    }
}

/// Why a file or a part of it cannot be read, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The line, counted from 1.
    pub line: u32,
    /// The column, counted from 1.
    pub column: u32,
    /// A sentence without a full stop, such as "the key \"name\" stands twice".
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.message)
    }
}

impl std::error::Error for Fault {}

impl Node {
    /// The value under a key, if this is a mapping that has it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entries()?.iter().find(|(name, _)| name.text() == Some(key)).map(|(_, value)| value)
    }

    /// The entries, if this is a mapping.
    #[must_use]
    pub fn entries(&self) -> Option<&[(Self, Self)]> {
        match &self.value {
            Value::Mapping(entries) => Some(entries),
            _ => None,
        }
    }

    /// The values, if this is a sequence.
    #[must_use]
    pub fn items(&self) -> Option<&[Self]> {
        match &self.value {
            Value::Sequence(items) => Some(items),
            _ => None,
        }
    }

    /// The text as it stands in the file, if this is a scalar of whatever meaning.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(scalar) => Some(&scalar.text),
            _ => None,
        }
    }

    /// The text as it stands in the file, if this is a scalar that says something: numbers and words count as text,
    /// an empty place, `~` and `null` do not.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        self.text().filter(|_| !self.is_null())
    }

    /// The boolean this is, in the words of that version.
    #[must_use]
    pub fn as_bool(&self, version: Version) -> Option<bool> {
        match &self.value {
            Value::Scalar(scalar) => match resolve::meaning(scalar, version) {
                Meaning::Bool(value) => Some(value),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether nothing stands there: an empty place, `~` or `null`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar(scalar) if resolve::meaning(scalar, Version::V1_2) == Meaning::Null)
    }

    /// What this is, in words for a message: "a list", "a mapping", "a number" ...
    #[must_use]
    pub fn describe(&self) -> &'static str {
        match &self.value {
            Value::Sequence(_) => "a list",
            Value::Mapping(_) => "a mapping",
            Value::Scalar(scalar) => match resolve::meaning(scalar, Version::V1_2) {
                Meaning::Null => "empty",
                Meaning::Bool(_) => "true or false",
                Meaning::Number(_) => "a number",
                Meaning::Text => "text",
            },
        }
    }

    /// The value as JSON, by the core schema (YAML 1.2.2 section 10.3).
    ///
    /// A number that would not be printed again as it stands there (`1.10`, `012`, `0x1F`, `.inf`, more digits than a
    /// machine keeps) stays text, so that nothing is lost between reading and writing.
    #[must_use]
    pub fn to_json(&self, version: Version) -> serde_json::Value {
        use serde_json::Value as Json;
        match &self.value {
            Value::Scalar(scalar) => match resolve::meaning(scalar, version) {
                Meaning::Null => Json::Null,
                Meaning::Bool(value) => Json::Bool(value),
                Meaning::Number(Some(number)) => Json::Number(number),
                Meaning::Number(None) | Meaning::Text => Json::String(scalar.text.clone()),
            },
            Value::Sequence(items) => Json::Array(items.iter().map(|item| item.to_json(version)).collect()),
            Value::Mapping(entries) => {
                let pair =
                    |(key, value): &(Self, Self)| (key.text().unwrap_or_default().to_owned(), value.to_json(version));
                Json::Object(entries.iter().map(pair).collect())
            }
        }
    }

    /// The same value as a node without a place of its own: everything is said to stand at 1:1.
    #[must_use]
    pub fn from_json(json: &serde_json::Value) -> Self {
        use serde_json::Value as Json;
        let plain = |text: String| Value::Scalar(Scalar { text, quoted: false });
        let value = match json {
            Json::Null => plain("null".to_owned()),
            Json::Bool(value) => plain(value.to_string()),
            Json::Number(number) => plain(number.to_string()),
            Json::String(text) => Value::Scalar(Scalar { text: text.clone(), quoted: true }),
            Json::Array(items) => Value::Sequence(items.iter().map(Self::from_json).collect()),
            Json::Object(entries) => {
                let key = |text: &String| Self::at_start(Value::Scalar(Scalar { text: text.clone(), quoted: true }));
                Value::Mapping(entries.iter().map(|(name, value)| (key(name), Self::from_json(value))).collect())
            }
        };
        Self::at_start(value)
    }

    fn at_start(value: Value) -> Self {
        Self { value, line: 1, column: 1 }
    }

    /// A fault at this place.
    #[must_use]
    pub fn fault(&self, message: impl Into<String>) -> Fault {
        Fault { line: self.line, column: self.column, message: message.into() }
    }
}

/// Text from a file for a message: quoted, control characters escaped, at most 60 characters.
#[must_use]
pub fn shown(text: &str) -> String {
    const LONGEST: usize = 60;
    if text.chars().nth(LONGEST).is_some() {
        let head: String = text.chars().take(LONGEST).collect();
        format!("{head:?}...")
    } else {
        format!("{text:?}")
    }
}
