//! Characters to tokens.

use crate::error::{Code, Error};

/// A token of the filter language. Keywords, operators, paths, numbers and `true` are all words: only the parser
/// knows which of them may stand where.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token<'a> {
    /// `)`
    Close,
    /// `]`
    CloseSquare,
    /// The end of the text.
    End,
    /// `(`
    Open,
    /// `[`
    OpenSquare,
    /// A JSON string, unescaped.
    Text(String),
    /// Anything else up to a blank, bracket or quote.
    Word(&'a str),
}

/// A token and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Located<'a> {
    /// The token.
    pub(super) token: Token<'a>,
    /// Byte offset of its first character.
    pub(super) start: usize,
    /// Byte offset behind its last character.
    pub(super) end: usize,
    /// Whether a blank stands before it.
    pub(super) spaced: bool,
}

/// Reads tokens from a text, front to back.
#[derive(Debug)]
pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    /// Starts at a byte offset, which must be a character boundary.
    pub(super) fn new(text: &'a str, at: usize) -> Self {
        Self { text, at }
    }

    /// The next token; [`Token::End`] for ever once the text is used up.
    pub(super) fn token(&mut self) -> Result<Located<'a>, Error> {
        let before = self.at;
        let rest = self.text.get(before..).unwrap_or_default();
        let start = before + (rest.len() - rest.trim_start_matches(is_blank).len());
        let rest = &self.text[start..];
        let (token, length) = match rest.bytes().next() {
            None => (Token::End, 0),
            Some(b'(') => (Token::Open, 1),
            Some(b')') => (Token::Close, 1),
            Some(b'[') => (Token::OpenSquare, 1),
            Some(b']') => (Token::CloseSquare, 1),
            Some(b'"') => self.string(start)?,
            Some(_) => {
                let length = rest.find(ends_word).unwrap_or(rest.len());
                (Token::Word(&rest[..length]), length)
            }
        };
        self.at = start + length;
        if matches!(token, Token::Text(_) | Token::Word(_)) {
            self.require_boundary(&token)?;
        }
        Ok(Located { token, start, end: self.at, spaced: start > before })
    }

    /// The JSON string that starts with the quote at this offset (RFC 8259 section 7), and its length as written.
    fn string(&self, start: usize) -> Result<(Token<'a>, usize), Error> {
        let rest = &self.text[start..];
        let mut escaped = false;
        for (index, byte) in rest.bytes().enumerate().skip(1) {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => {
                    let text = serde_json::from_str(&rest[..=index]).map_err(|_| {
                        syntax(self.text, start, "the string has an invalid escape or a raw control character")
                    })?;
                    return Ok((Token::Text(text), index + 1));
                }
                _ => {}
            }
        }
        Err(syntax(self.text, start, "the closing quote is missing"))
    }

    /// Words and strings are kept apart by a blank; next to a bracket none is needed.
    fn require_boundary(&self, token: &Token<'_>) -> Result<(), Error> {
        let glued = match self.text[self.at..].chars().next() {
            Some('"') => true,
            Some(next) => matches!(token, Token::Text(_)) && !is_blank(next) && !is_bracket(next),
            None => false,
        };
        if glued { Err(syntax(self.text, self.at, "a space is missing")) } else { Ok(()) }
    }
}

/// The grammar knows the space only; a tab is taken for one.
fn is_blank(c: char) -> bool {
    c == ' ' || c == '\t'
}

fn is_bracket(c: char) -> bool {
    matches!(c, '(' | ')' | '[' | ']')
}

fn ends_word(c: char) -> bool {
    is_blank(c) || is_bracket(c) || c == '"'
}

/// A syntax error. It names the place and never what stands there: a filter may hold personal data.
pub(super) fn syntax(text: &str, at: usize, what: &str) -> Error {
    let position = text.get(..at).map_or(0, |before| before.chars().count()) + 1;
    Error::new(Code::FilterSyntax, format!("The filter cannot be read at character {position}: {what}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Result<Vec<String>, Error> {
        let mut lexer = Lexer::new(text, 0);
        let mut found = Vec::new();
        loop {
            match lexer.token()?.token {
                Token::End => return Ok(found),
                token => found.push(format!("{token:?}")),
            }
        }
    }

    #[test]
    fn tokens_are_split_at_blanks_brackets_and_quotes() {
        let check = |text: &str, expect: &[&str]| assert_eq!(words(text).unwrap(), expect, "{text}");
        check("", &[]);
        check(" \t ", &[]);
        check("a eq 1", &[r#"Word("a")"#, r#"Word("eq")"#, r#"Word("1")"#]);
        check("(a pr)and", &["Open", r#"Word("a")"#, r#"Word("pr")"#, "Close", r#"Word("and")"#]);
        check("e[t]", &[r#"Word("e")"#, "OpenSquare", r#"Word("t")"#, "CloseSquare"]);
        check(r#""a ] \" \\" )"#, &[r#"Text("a ] \" \\")"#, "Close"]);
        check(r#""\u00e9\ud83d\ude00""#, &[r#"Text("é😀")"#]);
        check("é\u{a0}x", &[r#"Word("é\u{a0}x")"#]);
    }

    #[test]
    fn malformed_strings_and_missing_spaces_are_refused() {
        let check = |text: &str, expect: &str| {
            let error = words(text).unwrap_err();
            assert_eq!((error.code, error.detail.contains(expect)), ("filter-syntax", true), "{text}: {error}");
        };
        check(r#""a"#, "character 1: the closing quote");
        check(r#"é "a\""#, "character 3: the closing quote");
        check(r#""\x""#, "invalid escape");
        check(r#""\ud800""#, "invalid escape");
        check("\"a\u{1}b\"", "raw control");
        check(r#"eq"a""#, "a space is missing");
        check(r#""a"and"#, "a space is missing");
        check(r#""a""b""#, "a space is missing");
    }
}
