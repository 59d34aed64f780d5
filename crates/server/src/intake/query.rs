//! Percent-encoding, undone once.

/// The pairs of a query string as they were sent.
pub(crate) fn split(query: &str) -> impl Iterator<Item = (&str, &str)> {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

/// Undoes percent-encoding; a percent sign that begins no code stands for itself. `None` when that is not UTF-8.
pub(crate) fn decode(text: &str, form: bool) -> Option<String> {
    if !text.bytes().any(|byte| byte == b'%' || byte == b'+' && form) {
        return Some(text.to_owned());
    }
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let code = if byte == b'%' { bytes.get(at + 1..at + 3).and_then(hex) } else { None };
        match code {
            Some(code) => {
                out.push(code);
                at += 2;
            }
            None if byte == b'+' && form => out.push(b' '),
            None => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8(out).ok()
}

fn hex(digits: &[u8]) -> Option<u8> {
    let value = |digit: u8| char::from(digit).to_digit(16);
    u8::try_from(value(*digits.first()?)? * 16 + value(*digits.get(1)?)?).ok()
}

/// A path segment, decoded. What is not UTF-8 then stays as it was sent: it names nothing either way.
pub(crate) fn decode_segment(segment: &str) -> String {
    decode(segment, false).unwrap_or_else(|| segment.to_owned())
}
