//! Bytes as text: random bytes rarely get past a lexer, so most inputs are words of the language in random order.

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

/// Words of a dictionary in random order, now and then broken by a byte of its own; or, for one input in eight, the
/// bytes as they are.
#[must_use]
pub fn soup(input: &mut Bytes<'_>, words: &[&str]) -> String {
    if input.byte().is_multiple_of(8) {
        return input.text();
    }
    let mut text = String::new();
    while !input.is_empty() && text.len() < 20_000 {
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
