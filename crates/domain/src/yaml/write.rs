//! Writes values as YAML that every reader takes for the same: old ones (1.1), new ones (1.2) and careful people.
//!
//! The same value always gives the same text. A string stands bare only when it cannot be taken for anything else.

use serde_json::{Map, Value};
use std::fmt::Write;

/// A key longer than this is written with `?`: a reader looks for the colon of a short one within 1,024 characters.
const LONGEST_KEY: usize = 1_000;

/// One document, without a marker.
#[must_use]
pub fn write(value: &Value) -> String {
    let mut out = String::new();
    match value {
        Value::Object(map) if !map.is_empty() => mapping(&mut out, map, 0),
        Value::Array(items) if !items.is_empty() => sequence(&mut out, items, 0),
        other => {
            inline(&mut out, other, 0);
            end_line(&mut out);
        }
    }
    out
}

/// Several documents, each begun by `---`.
#[must_use]
pub fn write_all(values: &[Value]) -> String {
    values.iter().fold(String::new(), |mut out, value| {
        out.push_str("---\n");
        out.push_str(&write(value));
        out
    })
}

fn mapping(out: &mut String, map: &Map<String, Value>, indent: usize) {
    for (key, value) in map {
        pad(out, indent);
        let mut name = String::new();
        one_line(&mut name, key);
        if name.chars().count() > LONGEST_KEY {
            let _ = writeln!(out, "? {name}");
            pad(out, indent);
        } else {
            out.push_str(&name);
        }
        out.push(':');
        after_colon(out, value, indent);
    }
}

fn after_colon(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            out.push('\n');
            mapping(out, map, indent + 2);
        }
        Value::Array(items) if !items.is_empty() => {
            out.push('\n');
            sequence(out, items, indent + 2);
        }
        other => {
            out.push(' ');
            inline(out, other, indent + 2);
            end_line(out);
        }
    }
}

fn sequence(out: &mut String, items: &[Value], indent: usize) {
    for item in items {
        pad(out, indent);
        out.push('-');
        match item {
            Value::Object(map) if !map.is_empty() => nested(out, indent, |inner| mapping(inner, map, indent + 2)),
            Value::Array(items) if !items.is_empty() => nested(out, indent, |inner| sequence(inner, items, indent + 2)),
            other => {
                out.push(' ');
                inline(out, other, indent + 2);
                end_line(out);
            }
        }
    }
}

/// A mapping or sequence whose first line stands behind the dash.
fn nested(out: &mut String, indent: usize, write: impl FnOnce(&mut String)) {
    let mut inner = String::new();
    write(&mut inner);
    out.push(' ');
    out.push_str(&inner[indent + 2..]);
}

fn inline(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number(number) => {
            let _ = write!(out, "{number}");
        }
        Value::String(text) if fits_block(text) => block(out, text, indent),
        Value::String(text) => one_line(out, text),
        Value::Array(_) => out.push_str("[]"),
        Value::Object(_) => out.push_str("{}"),
    }
}

/// Text of several lines reads best as a block. It must not begin with a blank line or a space (the reader finds the
/// indentation by the first line), hold nothing that needs an escape, and say something.
fn fits_block(text: &str) -> bool {
    text.contains('\n')
        && !text.starts_with([' ', '\n', '\t'])
        && text.chars().all(|c| c == '\n' || c == '\t' || is_printable(c))
        && text.split('\n').all(|line| line.is_empty() || !line.trim_matches([' ', '\t']).is_empty())
}

fn block(out: &mut String, text: &str, indent: usize) {
    let body = text.strip_suffix('\n');
    out.push_str(match body {
        None => "|-",
        Some(body) if body.ends_with('\n') => "|+",
        Some(_) => "|",
    });
    for line in body.unwrap_or(text).split('\n') {
        out.push('\n');
        if !line.is_empty() {
            pad(out, indent.max(2));
            out.push_str(line);
        }
    }
}

fn one_line(out: &mut String, text: &str) {
    if is_bare(text) {
        out.push_str(text);
    } else if text.chars().all(is_printable) {
        let _ = write!(out, "'{}'", text.replace('\'', "''"));
    } else {
        escaped(out, text);
    }
}

fn escaped(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_printable(c) => out.push(c),
            c if u32::from(c) <= 0xffff => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => {
                let _ = write!(out, "\\U{:08x}", u32::from(c));
            }
        }
    }
    out.push('"');
}

/// What every reader prints and nobody misreads: no control characters, no line breaks of other scripts, nothing that
/// cannot be seen or turns the direction of what follows.
fn is_printable(c: char) -> bool {
    match c {
        '\u{20}'..='\u{7e}' => true,
        '\u{a0}' | '\u{ad}' | '\u{61c}' | '\u{feff}' => false,
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' => false,
        '\u{fff0}'..='\u{ffff}' => false,
        c if u32::from(c) & 0xfffe == 0xfffe => false,
        c => !c.is_control(),
    }
}

/// Whether the text may stand without quotes: it begins with a letter, holds nothing that YAML gives a meaning, and no
/// reader takes it for a boolean, a null, a number or a date.
fn is_bare(text: &str) -> bool {
    let first = text.chars().next();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '_' | '-' | '.' | '/' | '@' | '+' | '(' | ')');
    // A colon is bare in `component:default/name` and `https://`: it must be followed by more of the word.
    let inner = |(at, c): (usize, char)| {
        plain(c) || (c == ':' && text[at + 1..].starts_with(|next: char| next.is_ascii_alphanumeric() || next == '/'))
    };
    first.is_some_and(|c| c.is_ascii_alphabetic() || c == '/')
        && text.char_indices().all(inner)
        && !text.ends_with(' ')
        && !is_word_of_yaml(text)
}

/// Words that some reader of YAML 1.1 or 1.2 takes for something else than text.
fn is_word_of_yaml(text: &str) -> bool {
    const WORDS: &[&str] =
        &["y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf", "infinity", "none"];
    WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

fn pad(out: &mut String, indent: usize) {
    out.extend(std::iter::repeat_n(' ', indent));
}

fn end_line(out: &mut String) {
    out.push('\n');
}
