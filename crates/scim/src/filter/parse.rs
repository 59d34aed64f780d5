//! Tokens to a filter: recursive descent over the grammar of RFC 7644 figure 1, with a bounded depth.

use super::lex::{Lexer, Located, Token, syntax};
use super::{CompareOp, Filter, Literal, Parsed};
use crate::error::{Code, Error};
use crate::limits::{FILTER_BYTES, FILTER_DEPTH, FILTER_TERMS};
use crate::path::{AttributePath, is_attribute_name, is_attribute_path};
use crate::quirks::{Quirk, Quirks, Repairs};
use crate::resource::shown;
use serde_json::Number;

/// Reads a filter.
///
/// And and Or are flat: `a and (b and c)` has three parts. `emails[type eq "work"].value eq "x"` becomes
/// `emails[type eq "work" and value eq "x"]`, which is what the clients that send it mean.
///
/// # Errors
/// `filter-syntax` for what the grammar does not know, `filter-too-complex` beyond the limits.
pub fn parse(text: &str, quirks: Quirks, repairs: &mut Repairs) -> Result<Parsed, Error> {
    let mut parser = Parser::new(text, 0, quirks, repairs)?;
    let filter = parser.any_of(Scope::Resource)?;
    parser.expect(&Token::End, "`and`, `or` or the end of the filter is expected")?;
    // Folding a value path can put brackets around what had none.
    if depth(&filter) > FILTER_DEPTH { Err(too_complex("nested too deep")) } else { Ok(filter) }
}

/// Reads the filter behind an opening square bracket, up to and including the closing one. `at` is the byte offset
/// behind the opening bracket; the result holds the offset behind the closing one.
pub(crate) fn parse_bracketed(
    text: &str,
    at: usize,
    quirks: Quirks,
    repairs: &mut Repairs,
) -> Result<(Parsed, usize), Error> {
    let mut parser = Parser::new(text, at, quirks, repairs)?;
    parser.deeper()?;
    let filter = parser.any_of(Scope::Value)?;
    if parser.current.token != Token::CloseSquare {
        return Err(parser.error("`and`, `or` or `]` is expected"));
    }
    // The text behind the bracket is no filter: it is not read here.
    Ok((filter, parser.current.end))
}

/// What a path stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// An attribute of the resource.
    Resource,
    /// A sub-attribute of the value in square brackets.
    Value,
}

struct Parser<'a, 'r> {
    text: &'a str,
    lexer: Lexer<'a>,
    current: Located<'a>,
    depth: usize,
    terms: usize,
    quirks: Quirks,
    repairs: &'r mut Repairs,
}

impl<'a, 'r> Parser<'a, 'r> {
    fn new(text: &'a str, at: usize, quirks: Quirks, repairs: &'r mut Repairs) -> Result<Self, Error> {
        if text.len() > FILTER_BYTES {
            return Err(too_complex(&format!("longer than {FILTER_BYTES} bytes")));
        }
        let mut lexer = Lexer::new(text, at);
        let current = lexer.token()?;
        Ok(Self { text, lexer, current, depth: 0, terms: 0, quirks, repairs })
    }

    fn error(&self, what: &str) -> Error {
        syntax(self.text, self.current.start, what)
    }

    /// Takes the current token and reads the next.
    fn advance(&mut self) -> Result<Located<'a>, Error> {
        let next = self.lexer.token()?;
        Ok(std::mem::replace(&mut self.current, next))
    }

    fn expect(&mut self, token: &Token<'_>, what: &str) -> Result<(), Error> {
        if self.current.token != *token {
            return Err(self.error(what));
        }
        self.advance().map(|_| ())
    }

    fn at_keyword(&self, keyword: &str) -> bool {
        matches!(self.current.token, Token::Word(word) if word.eq_ignore_ascii_case(keyword))
    }

    fn deeper(&mut self) -> Result<(), Error> {
        self.depth += 1;
        if self.depth > FILTER_DEPTH { Err(too_complex("nested too deep")) } else { Ok(()) }
    }

    fn any_of(&mut self, scope: Scope) -> Result<Parsed, Error> {
        let mut parts = vec![self.all_of(scope)?];
        while self.at_keyword("or") {
            self.advance()?;
            parts.push(self.all_of(scope)?);
        }
        Ok(Filter::or(parts))
    }

    fn all_of(&mut self, scope: Scope) -> Result<Parsed, Error> {
        let mut parts = vec![self.term(scope)?];
        while self.at_keyword("and") {
            self.advance()?;
            parts.push(self.term(scope)?);
        }
        Ok(Filter::and(parts))
    }

    fn term(&mut self, scope: Scope) -> Result<Parsed, Error> {
        if self.current.token == Token::Open {
            return self.brackets(scope);
        }
        let word = self.word("an attribute or an opening bracket is expected")?;
        if word.token_is("not") {
            if self.current.token != Token::Open {
                return Err(self.error("`not` must be followed by a bracket"));
            }
            return Ok(Filter::Not(Box::new(self.brackets(scope)?)));
        }
        let valid = match scope {
            Scope::Resource => is_attribute_path(word.text),
            Scope::Value => is_attribute_name(word.text),
        };
        if !valid {
            return Err(syntax(self.text, word.start, "this is not the name of an attribute"));
        }
        let path = AttributePath(word.text.to_owned());
        if self.current.token != Token::OpenSquare {
            return self.comparison(path);
        }
        match scope {
            Scope::Value => Err(self.error("square brackets cannot be nested")),
            Scope::Resource if self.current.spaced => Err(self.error("no space may stand before `[`")),
            Scope::Resource => self.value_path(path),
        }
    }

    /// `( filter )`
    fn brackets(&mut self, scope: Scope) -> Result<Parsed, Error> {
        self.deeper()?;
        self.advance()?;
        let filter = self.any_of(scope)?;
        self.expect(&Token::Close, "`and`, `or` or `)` is expected")?;
        self.depth -= 1;
        Ok(filter)
    }

    /// `[ filter ]`, or `[ filter ].sub op value`.
    fn value_path(&mut self, path: AttributePath) -> Result<Parsed, Error> {
        self.deeper()?;
        self.advance()?;
        let filter = self.any_of(Scope::Value)?;
        self.expect(&Token::CloseSquare, "`and`, `or` or `]` is expected")?;
        self.depth -= 1;
        let Token::Word(word) = self.current.token else {
            return Ok(Filter::Values(path, Box::new(filter)));
        };
        if self.current.spaced || !word.starts_with('.') {
            return Ok(Filter::Values(path, Box::new(filter)));
        }
        let sub = &word[1..];
        if !is_attribute_name(sub) {
            return Err(self.error("one sub-attribute is expected behind the dot"));
        }
        self.advance()?;
        let tail = self.comparison(AttributePath(sub.to_owned()))?;
        Ok(Filter::Values(path, Box::new(Filter::and(vec![filter, tail]))))
    }

    /// What stands behind a path: an operator and its value, or `pr`.
    fn comparison(&mut self, path: AttributePath) -> Result<Parsed, Error> {
        self.terms += 1;
        if self.terms > FILTER_TERMS {
            return Err(too_complex(&format!("made of more than {FILTER_TERMS} comparisons")));
        }
        let word = self.word("a comparison operator is expected")?;
        if word.token_is("pr") {
            return Ok(Filter::Present(path));
        }
        let Some(op) = CompareOp::ALL.iter().copied().find(|op| word.token_is(op.as_str())) else {
            return Err(syntax(self.text, word.start, "this is not a comparison operator"));
        };
        let literal = self.literal(&path, op)?;
        Ok(Filter::Compare(path, op, literal))
    }

    fn word(&mut self, otherwise: &str) -> Result<Word<'a>, Error> {
        let Token::Word(text) = self.current.token else {
            return Err(self.error(otherwise));
        };
        let located = self.advance()?;
        Ok(Word { text, start: located.start })
    }

    fn literal(&mut self, path: &AttributePath, op: CompareOp) -> Result<Literal, Error> {
        let literal = match &self.current.token {
            Token::Text(text) => Literal::String(text.clone()),
            Token::Word("true") => Literal::Boolean(true),
            Token::Word("false") => Literal::Boolean(false),
            Token::Word("null") => Literal::Null,
            Token::Word(word) => match number(word) {
                Some(Some(number)) => Literal::Number(number),
                Some(None) => return Err(self.error("the number is too large")),
                None => self.unquoted(word, path, op)?,
            },
            _ => return Err(self.error("a value is expected")),
        };
        self.advance()?;
        Ok(literal)
    }

    /// One bare word behind `eq` stands for the string, where the quirk is on.
    fn unquoted(&mut self, word: &str, path: &AttributePath, op: CompareOp) -> Result<Literal, Error> {
        if op != CompareOp::Eq || !self.quirks.has(Quirk::UnquotedFilter) || word.contains(spoils_bare_word) {
            return Err(self.error("a string in double quotes, a number, true, false or null is expected"));
        }
        self.repairs.note(Quirk::UnquotedFilter, format!("filter: quotes put around the value of {}", shown(&path.0)));
        Ok(Literal::String(word.to_owned()))
    }
}

struct Word<'a> {
    text: &'a str,
    start: usize,
}

impl Word<'_> {
    fn token_is(&self, keyword: &str) -> bool {
        self.text.eq_ignore_ascii_case(keyword)
    }
}

/// Signs that the writer meant a quoted string or something else that a bare word cannot be.
fn spoils_bare_word(c: char) -> bool {
    c.is_whitespace() || c.is_control() || matches!(c, '\'' | '`' | '{' | '}' | '\u{2018}'..='\u{201f}')
}

/// A JSON number (RFC 8259 section 6): `None` if this is none, `Some(None)` if it is beyond what a double can hold.
fn number(word: &str) -> Option<Option<Number>> {
    fn digits(text: &str) -> (&str, &str) {
        text.split_at(text.bytes().take_while(u8::is_ascii_digit).count())
    }
    let (whole, rest) = digits(word.strip_prefix('-').unwrap_or(word));
    if whole.is_empty() || (whole.len() > 1 && whole.starts_with('0')) {
        return None;
    }
    if rest.is_empty() {
        if let Ok(integer) = word.parse::<i64>() {
            return Some(Some(integer.into()));
        }
        if let Ok(integer) = word.parse::<u64>() {
            return Some(Some(integer.into()));
        }
    }
    let rest = match rest.strip_prefix('.').map(digits) {
        Some(("", _)) => return None,
        Some((_, rest)) => rest,
        None => rest,
    };
    if let Some(exponent) = rest.strip_prefix(['e', 'E']) {
        let (power, rest) = digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent));
        if power.is_empty() || !rest.is_empty() {
            return None;
        }
    } else if !rest.is_empty() {
        return None;
    }
    // `from_f64` refuses the infinity that an overflow gives.
    Some(word.parse().ok().and_then(Number::from_f64))
}

/// How deep the filter is nested when printed.
fn depth(filter: &Parsed) -> usize {
    match filter {
        Filter::And(parts) => {
            parts.iter().map(|part| depth(part) + usize::from(matches!(part, Filter::Or(_)))).max().unwrap_or(0)
        }
        Filter::Or(parts) => parts.iter().map(depth).max().unwrap_or(0),
        Filter::Not(inner) | Filter::Values(_, inner) => 1 + depth(inner),
        Filter::Compare(..) | Filter::Constant(_) | Filter::Present(_) => 0,
    }
}

fn too_complex(how: &str) -> Error {
    Error::new(Code::FilterTooComplex, format!("The filter is {how}."))
}

#[cfg(test)]
mod tests;
