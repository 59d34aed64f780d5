//! Bytes as text. Random bytes rarely get past a lexer and random words rarely past a parser, so an input is one of
//! three: the bytes as they are, words in random order, or a sentence of the grammar with now and then a fault in it.

/// Takes values out of a random input until it is used up.
#[derive(Debug)]
pub struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The next byte; 0 behind the end.
    pub fn byte(&mut self) -> u8 {
        match self.0.split_first() {
            Some((&first, rest)) => {
                self.0 = rest;
                first
            }
            None => 0,
        }
    }

    /// One of these.
    pub fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[usize::from(self.byte()) % choices.len()]
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All that is left, as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(self.0).into_owned()
    }
}

/// Words of a dictionary in random order, now and then broken by a byte of its own; or the bytes as they are.
#[must_use]
pub fn soup(input: &mut Bytes<'_>, words: &[&str]) -> String {
    if input.byte().is_multiple_of(4) {
        return input.text();
    }
    let mut text = String::new();
    for _ in 0..input.byte() {
        match input.byte() {
            byte @ 0..=15 => text.push(char::from(byte * 8)),
            16..=20 => text.push_str(input.one_of(&["é", "ß", "\u{1F600}", "\u{202E}", "\u{0}", "\\u0000", "\\ud800"])),
            _ => {
                text.push_str(input.one_of(words));
                if !input.byte().is_multiple_of(8) {
                    text.push(' ');
                }
            }
        }
    }
    text
}

const ATTRIBUTES: &[&str] = &[
    "userName",
    "USERNAME",
    "emails",
    "emails.value",
    "emails.type",
    "emails.primary",
    "name",
    "name.familyName",
    "active",
    "meta.created",
    "meta.resourceType",
    "groups",
    "groups.value",
    "members",
    "members.value",
    "id",
    "externalId",
    "schemas",
    "password",
    "roles",
    "roles.value",
    "x509Certificates.value",
    "unknown",
    "displayName",
    "addresses",
    "addresses.type",
    "photos.value",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
    "urn:ietf:params:scim:schemas:core:2.0:User:name.givenName",
    "urn:scim:schemas:core:1.0:userName",
];

const SUBS: &[&str] = &["value", "type", "primary", "display", "$ref", "Value", "formatted", "unknown"];

const LITERALS: &[&str] = &[
    "\"work\"",
    "\"\"",
    "\"bjensen\"",
    "\"B@Example.com\"",
    "\"a\\\"b\"",
    "\"\\u00e9\\n\"",
    "\"ﬁ\"",
    "\"True\"",
    "\"a] and (b\"",
    "\"2024-01-01T00:00:00Z\"",
    "\"2024-01-01T00:00:00.000+02:00\"",
    "true",
    "false",
    "null",
    "0",
    "-1.5e3",
    "17",
    "bob",
    "True",
];

const OPERATORS: &[&str] = &["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "EQ", "Co"];

/// A filter that follows the grammar, except for a fault in one of eight.
#[must_use]
pub fn filter(input: &mut Bytes<'_>) -> String {
    let faulty = input.byte().is_multiple_of(8);
    let text = disjunction(input, ATTRIBUTES, 0);
    if faulty { fault(input, text) } else { text }
}

fn disjunction(input: &mut Bytes<'_>, attributes: &[&str], depth: u8) -> String {
    let mut text = term(input, attributes, depth);
    for _ in 0..input.byte() % 4 / 2 {
        text.push_str(input.one_of(&[" and ", " or ", " AND ", "  Or "]));
        text.push_str(&term(input, attributes, depth));
    }
    text
}

fn term(input: &mut Bytes<'_>, attributes: &[&str], depth: u8) -> String {
    let attribute = input.one_of(attributes);
    match input.byte() % if depth < 4 { 10 } else { 6 } {
        0 => format!("{attribute} {}", input.one_of(&["pr", "PR"])),
        1..=5 => format!("{attribute} {} {}", input.one_of(OPERATORS), input.one_of(LITERALS)),
        6 => format!("({})", disjunction(input, attributes, depth + 1)),
        7 => format!("{} ({})", input.one_of(&["not", "NOT"]), disjunction(input, attributes, depth + 1)),
        8 => format!("{attribute}[{}]", disjunction(input, SUBS, depth + 1)),
        _ => {
            let inner = disjunction(input, SUBS, depth + 1);
            format!(
                "{attribute}[{inner}].{} {} {}",
                input.one_of(SUBS),
                input.one_of(OPERATORS),
                input.one_of(LITERALS)
            )
        }
    }
}

/// A path that follows the grammar, except for a fault in one of eight.
#[must_use]
pub fn path(input: &mut Bytes<'_>) -> String {
    let faulty = input.byte().is_multiple_of(8);
    let mut text = input.one_of(ATTRIBUTES).to_owned();
    if !input.byte().is_multiple_of(3) {
        let inner = disjunction(input, SUBS, 3);
        text = format!("{text}[{inner}]");
        if input.byte().is_multiple_of(2) {
            text = format!("{text}.{}", input.one_of(SUBS));
        }
    }
    if faulty { fault(input, text) } else { text }
}

/// One letter taken out or doubled.
fn fault(input: &mut Bytes<'_>, mut text: String) -> String {
    let letters = text.chars().count().max(1);
    if let Some((at, letter)) = text.char_indices().nth(usize::from(input.byte()) % letters) {
        if input.byte().is_multiple_of(2) {
            text.remove(at);
        } else {
            text.insert(at, letter);
        }
    }
    text
}
