//! Takes an object apart and notes every fault with its place.

use super::{Fault, LINE_CHARS, TEXT_BYTES, URL_BYTES, step};
use crate::names;
use bailiwick_scim::Object;
use serde_json::Value;

/// What a text may hold.
#[derive(Clone, Copy)]
pub(super) enum Width {
    /// One line.
    Line,
    /// Several lines.
    Text,
    /// A URL.
    Url,
    /// An address of any kind: one long line.
    Address,
}

/// An object being read.
pub(super) struct Reader<'a> {
    object: &'a Object,
    place: String,
    faults: Vec<Fault>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(object: &'a Object) -> Self {
        Self { object, place: String::new(), faults: Vec::new() }
    }

    /// Reads a value that must be an object.
    pub(super) fn inside(value: &'a Value, place: &str, faults: &mut Vec<Fault>) -> Option<Self> {
        let Value::Object(object) = value else {
            faults.push(Fault::new(place, "must be an object"));
            return None;
        };
        Some(Self { object, place: place.to_owned(), faults: Vec::new() })
    }

    /// Every fault, those of keys that are not known included.
    pub(super) fn finish(mut self, known: &[&str]) -> Vec<Fault> {
        for key in self.object.keys().filter(|key| !known.contains(&key.as_str())) {
            let place = format!("{}/{}", self.place, step(key));
            self.faults.push(Fault::new(place, "is not known here"));
        }
        self.faults
    }

    /// As [`Self::finish`], for an object within another.
    pub(super) fn close(self, faults: &mut Vec<Fault>, known: &[&str]) {
        faults.extend(self.finish(known));
    }

    pub(super) fn fault(&mut self, key: &str, message: &str) {
        let place = format!("{}/{key}", self.place);
        self.fault_at(place, message);
    }

    pub(super) fn fault_at(&mut self, place: String, message: &str) {
        self.faults.push(Fault::new(place, message));
    }

    /// The value of a result; what went wrong is noted at the key.
    pub(super) fn checked<T>(&mut self, key: &str, result: Result<T, String>) -> Option<T> {
        result.map_err(|reason| self.fault(key, &reason)).ok()
    }

    /// A value that is there and not null.
    pub(super) fn value(&self, key: &str) -> Option<&'a Value> {
        self.object.get(key).filter(|value| !value.is_null())
    }

    pub(super) fn text(&mut self, key: &str, width: Width) -> Option<String> {
        let value = self.value(key)?;
        let Value::String(text) = value else {
            self.fault(key, "must be text");
            return None;
        };
        let place = format!("{}/{key}", self.place);
        check_text(text, width, &place, &mut self.faults).then(|| text.clone())
    }

    pub(super) fn required(&mut self, key: &str, width: Width) -> Option<String> {
        if self.value(key).is_none() {
            self.fault(key, "is missing");
        }
        self.text(key, width)
    }

    pub(super) fn list<T>(
        &mut self,
        key: &str,
        most: usize,
        read: impl Fn(&Value, &str, &mut Vec<Fault>) -> Option<T>,
    ) -> Vec<T> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let Value::Array(values) = value else {
            self.fault(key, "must be a list");
            return Vec::new();
        };
        if values.len() > most {
            self.fault(key, &format!("holds more than {most} values"));
            return Vec::new();
        }
        let place = |index: usize| format!("{}/{key}/{index}", self.place);
        let mut faults = Vec::new();
        let read = |(index, value)| read(value, &place(index), &mut faults);
        let values = values.iter().enumerate().filter_map(read).collect();
        self.faults.append(&mut faults);
        values
    }

    /// One object.
    pub(super) fn list_of_one<T>(
        &mut self,
        key: &str,
        read: impl Fn(&Value, &str, &mut Vec<Fault>) -> Option<T>,
    ) -> Option<T> {
        let value = self.value(key)?;
        let place = format!("{}/{key}", self.place);
        read(value, &place, &mut self.faults)
    }

    pub(super) fn object(&mut self, key: &str, most: usize) -> Object {
        let Some(value) = self.value(key) else { return Object::new() };
        match value {
            Value::Object(object) if object.len() <= most => object.clone(),
            Value::Object(_) => {
                self.fault(key, &format!("holds more than {most} entries"));
                Object::new()
            }
            _ => {
                self.fault(key, "must be an object");
                Object::new()
            }
        }
    }

    /// An object of texts.
    pub(super) fn texts(&mut self, key: &str, most: usize) -> Object {
        let object = self.object(key, most);
        for (name, value) in &object {
            let place = format!("{}/{key}/{}", self.place, step(name));
            match value {
                Value::String(text) if text.len() <= TEXT_BYTES && !text.contains('\0') => {}
                Value::String(_) => {
                    self.fault_at(place, &format!("is longer than {TEXT_BYTES} bytes or holds the character NUL"));
                }
                _ => self.fault_at(place, "must be text"),
            }
        }
        object
    }
}

pub(super) fn check_text(text: &str, width: Width, place: &str, faults: &mut Vec<Fault>) -> bool {
    let reason = match width {
        Width::Text if text.len() > TEXT_BYTES => Some(format!("is longer than {TEXT_BYTES} bytes")),
        Width::Text if text.contains('\0') => Some("holds the character NUL".to_owned()),
        Width::Text => None,
        _ if text.trim().is_empty() => Some("is blank".to_owned()),
        _ if text.chars().any(names::unfit_in_line) => names::line_fault(text),
        Width::Line if text.chars().count() > LINE_CHARS => Some(format!("is longer than {LINE_CHARS} characters")),
        Width::Url | Width::Address if text.len() > URL_BYTES => Some(format!("is longer than {URL_BYTES} bytes")),
        Width::Url => url_fault(text).map(str::to_owned),
        Width::Line | Width::Address => None,
    };
    if let Some(reason) = reason {
        faults.push(Fault::new(place, reason));
        return false;
    }
    true
}

/// URLs are shown as links: what runs in a browser instead of leading somewhere is refused. Relative ones are fine, as
/// the path of a file is one.
fn url_fault(url: &str) -> Option<&'static str> {
    if url.contains(char::is_whitespace) {
        return Some("holds white space");
    }
    let scheme = url.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
    match scheme.as_deref() {
        Some("javascript" | "data" | "vbscript" | "blob") => Some("is no address to go to"),
        _ => None,
    }
}
