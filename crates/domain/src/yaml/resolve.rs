//! What a plain scalar means: null, boolean, number or text (YAML 1.2.2 section 10.3.2; YAML 1.1 for its booleans).

use super::{Scalar, Version};
use serde_json::Number;

/// What a scalar means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    Null,
    Bool(bool),
    /// A number; nothing where JSON would not print it as it stands.
    Number(Option<Number>),
    Text,
}

/// The meaning by the core schema, with the booleans of that version.
pub(super) fn meaning(scalar: &Scalar, version: Version) -> Meaning {
    if scalar.quoted {
        return Meaning::Text;
    }
    match scalar.text.as_str() {
        "" | "~" | "null" | "Null" | "NULL" => return Meaning::Null,
        "true" | "True" | "TRUE" => return Meaning::Bool(true),
        "false" | "False" | "FALSE" => return Meaning::Bool(false),
        _ => {}
    }
    if version == Version::V1_1
        && let Some(value) = old_boolean(&scalar.text)
    {
        return Meaning::Bool(value);
    }
    if is_number(&scalar.text) { Meaning::Number(exact(&scalar.text)) } else { Meaning::Text }
}

/// The further booleans of YAML 1.1 (its type `bool`). The single letters y and n are left out: no reader that people
/// use takes them for booleans.
fn old_boolean(text: &str) -> Option<bool> {
    match text {
        "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Some(true),
        "no" | "No" | "NO" | "off" | "Off" | "OFF" => Some(false),
        _ => None,
    }
}

/// Whether the core schema takes this for an integer or a float.
pub(super) fn is_number(text: &str) -> bool {
    if let Some(digits) = text.strip_prefix("0o") {
        return !digits.is_empty() && digits.bytes().all(|byte| (b'0'..=b'7').contains(&byte));
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    }
    if matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") {
        return true;
    }
    is_decimal(unsigned)
}

/// Whether the core schema takes this for an integer.
pub(super) fn is_integer(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    is_number(text) && (text.starts_with("0x") || unsigned.bytes().all(|byte| byte.is_ascii_digit() || byte == b'o'))
}

/// `[0-9]+ ( . [0-9]* )? ( [eE] [-+]? [0-9]+ )?` or `. [0-9]+ ...`
fn is_decimal(text: &str) -> bool {
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mantissa_fits = all_digits(whole) && all_digits(part) && !(whole.is_empty() && part.is_empty());
    let exponent_fits = exponent.is_none_or(|exponent| {
        let digits = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        !digits.is_empty() && all_digits(digits)
    });
    mantissa_fits && exponent_fits
}

/// The number, if JSON prints it exactly as it stands there.
fn exact(text: &str) -> Option<Number> {
    let whole = text.parse::<i64>().ok().map(Number::from).or_else(|| text.parse::<u64>().ok().map(Number::from));
    let number = whole.or_else(|| text.parse::<f64>().ok().and_then(Number::from_f64))?;
    (number.to_string() == text).then_some(number)
}
