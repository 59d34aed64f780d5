//! Rust text without its comments, strings and characters: what is left can be searched for words and brackets.

/// The same text, line for line and column for column, with everything that is no code blanked out.
pub(crate) fn code(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = skip(rest).unwrap_or(0);
        if length == 0 {
            // A whole word at once, so that `r"` inside `bar"` is not taken for a raw string.
            let word = rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(rest.len());
            let taken = word.max(first.len_utf8());
            masked.push_str(&rest[..taken]);
            rest = &rest[taken..];
        } else {
            masked.extend(rest[..length].chars().map(|letter| if letter == '\n' { '\n' } else { ' ' }));
            rest = &rest[length..];
        }
    }
    masked
}

/// The length of the comment, string or character at the beginning, if there is one.
fn skip(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    if text.starts_with("/*") {
        return Some(block_comment(text));
    }
    let begins = |prefix: &&str| text.strip_prefix(*prefix).is_some_and(|rest| rest.starts_with(['"', '#', '\'']));
    let prefix = ["br", "cr", "b", "c", "r", ""].into_iter().find(begins)?.len();
    if text[..prefix].ends_with('r') {
        return raw_string(text, prefix);
    }
    match text[prefix..].chars().next()? {
        '"' => Some(quoted(text, prefix, '"')),
        '\'' => character(text, prefix),
        _ => None,
    }
}

fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < text.len() {
        if text[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if text[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

fn raw_string(text: &str, prefix: usize) -> Option<usize> {
    let hashes = text[prefix..].bytes().take_while(|&byte| byte == b'#').count();
    let start = prefix + hashes;
    if !text[start..].starts_with('"') {
        return None;
    }
    let end = format!("\"{}", "#".repeat(hashes));
    Some(text[start + 1..].find(&end).map_or(text.len(), |at| start + 1 + at + end.len()))
}

fn quoted(text: &str, start: usize, quote: char) -> usize {
    let mut escaped = false;
    for (at, letter) in text[start + 1..].char_indices() {
        if !escaped && letter == quote {
            return start + 1 + at + 1;
        }
        escaped = !escaped && letter == '\\';
    }
    text.len()
}

/// A character literal, not a lifetime.
fn character(text: &str, start: usize) -> Option<usize> {
    let mut letters = text[start + 1..].chars();
    match letters.next()? {
        '\\' => Some(quoted(text, start, '\'')),
        letter if letters.next() == Some('\'') => Some(start + 1 + letter.len_utf8() + 1),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str) {
        assert_eq!(code(text), expect, "{text}");
    }

    #[test]
    fn only_code_is_left() {
        check("a // b\nc", "a     \nc");
        check("a /* { /* } */ { */ b", "a                   b");
        check(r#"f("}\"{", x)"#, r#"f(      , x)"#);
        check(r##"f(r#"{"{"#)"##, "f(        )");
        check("match c { '{' => 'a', '\\'' => b'}' }", "match c {     =>    ,      =>      }");
        check("fn f<'a>(x: &'a str) {}", "fn f<'a>(x: &'a str) {}");
        check("#[cfg(test)]\nbar\"x\"", "#[cfg(test)]\nbar   ");
    }
}
