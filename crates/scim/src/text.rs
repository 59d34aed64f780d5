//! How text is compared: the two keys of a name, and what a user name may hold.
//!
//! The *match* key is what `eq` compares where letter case does not matter; the *unique* key is what may exist only
//! once. They differ on purpose: "strasse" collides with "straße", but a look-up for one never finds the other.

use icu_casemap::CaseMapper;
use jiff::Timestamp;
use std::borrow::Cow;
use std::fmt;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfkc_quick};

/// Versions of the tables behind the keys: normalisation / case mapping. Stored keys carry it, so that they can be
/// computed anew when it changes.
pub const UNICODE: &str = "18.0.0/icu4x-2.4";

/// Folding and normalising may each undo the other's work; everything known settles within two rounds.
const ROUNDS: usize = 4;

/// The key that `eq` compares: NFKC and simple lower case, repeated until stable.
#[must_use]
pub fn match_key(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return match text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            true => Cow::Owned(text.to_ascii_lowercase()),
            false => Cow::Borrowed(text),
        };
    }
    let mapper = CaseMapper::new();
    let lower = |text: &str| text.chars().map(|character| mapper.simple_lowercase(character)).collect();
    Cow::Owned(settle(text, lower))
}

/// The key that may exist only once: NFKC and full case folding, repeated until stable.
#[must_use]
pub fn unique_key(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let mapper = CaseMapper::new();
    settle(text, |text| mapper.fold_string(text).into_owned())
}

fn settle(text: &str, map: impl Fn(&str) -> String) -> String {
    let mut current = map(&compose(text));
    for _ in 1..ROUNDS {
        let next = map(&compose(&current));
        if next == current {
            break;
        }
        current = next;
    }
    current
}

fn compose(text: &str) -> Cow<'_, str> {
    match is_nfkc_quick(text.chars()) {
        IsNormalized::Yes => Cow::Borrowed(text),
        _ => Cow::Owned(text.nfkc().collect()),
    }
}

/// Why the text cannot be a user name, as a clause to follow "userName"; `None` if it can. Blank is not judged here.
///
/// Names are shown, compared and typed by people: what cannot be seen, or reorders what is seen, is refused.
#[must_use]
pub fn user_name_fault(name: &str) -> Option<&'static str> {
    if name.bytes().all(|byte| (0x21..0x7f).contains(&byte)) {
        return None;
    }
    if name.starts_with(char::is_whitespace) || name.ends_with(char::is_whitespace) {
        return Some("begins or ends with white space");
    }
    name.chars().find_map(character_fault)
}

fn character_fault(character: char) -> Option<&'static str> {
    let code = u32::from(character);
    if character.is_control() || matches!(code, 0x2028 | 0x2029) {
        return Some("holds a control character or line break");
    }
    if matches!(code, 0x061c | 0x200e | 0x200f | 0x202a..=0x202e | 0x2066..=0x2069) {
        return Some("holds a character that changes the writing direction");
    }
    if matches!(code, 0xfdd0..=0xfdef) || code & 0xfffe == 0xfffe {
        return Some("holds a code point that is no character");
    }
    is_ignorable(code).then_some("holds an invisible character")
}

/// Default_Ignorable_Code_Point of the Unicode Character Database.
fn is_ignorable(code: u32) -> bool {
    matches!(
        code,
        0x00ad
            | 0x034f
            | 0x061c
            | 0x115f..=0x1160
            | 0x17b4..=0x17b5
            | 0x180b..=0x180f
            | 0x200b..=0x200f
            | 0x202a..=0x202e
            | 0x2060..=0x206f
            | 0x3164
            | 0xfe00..=0xfe0f
            | 0xfeff
            | 0xffa0
            | 0xfff0..=0xfff8
            | 0x1bca0..=0x1bca3
            | 0x1d173..=0x1d17a
            | 0xe0000..=0xe0fff
    )
}

/// Writes a moment, in milliseconds since 1970-01-01T00:00:00Z, as RFC 3339 in UTC with three fraction digits
/// (RFC 7643 section 2.3.5). What lies outside the years -9999 to 9999 is written as the nearest moment within.
pub fn write_instant(out: &mut impl fmt::Write, millis: i64) -> fmt::Result {
    let nearest = if millis < 0 { Timestamp::MIN } else { Timestamp::MAX };
    write!(out, "{:.3}", Timestamp::from_millisecond(millis).unwrap_or(nearest))
}

/// Reads a moment with its offset (RFC 3339), in milliseconds since 1970-01-01T00:00:00Z.
#[must_use]
pub fn read_instant(text: &str) -> Option<i64> {
    text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_version_is_that_of_the_tables() {
        let (major, minor, patch) = unicode_normalization::UNICODE_VERSION;
        assert!(UNICODE.starts_with(&format!("{major}.{minor}.{patch}/")), "{major}.{minor}.{patch}");
    }

    #[test]
    fn match_keys() {
        let check = |text: &str, expect: &str| assert_eq!(match_key(text), expect, "{text}");
        check("", "");
        check("bob", "bob");
        check("Bob@Example.COM", "bob@example.com");
        check("STRAßE", "straße");
        check("STRASSE", "strasse");
        check("Ａlice", "alice");
        check("ﬁn", "fin");
        check("ÉCOLE", "école");
        check("E\u{301}COLE", "école");
        check("İ", "i");
        check("ΣΑΣ", "σασ");
        check("Ǆ", "dž");
        check("K", "k");
        assert!(matches!(match_key("already lower 1"), Cow::Borrowed(_)));
    }

    #[test]
    fn unique_keys() {
        let check = |text: &str, expect: &str| assert_eq!(unique_key(text), expect, "{text}");
        check("Bob", "bob");
        check("straße", "strasse");
        check("STRASSE", "strasse");
        check("ΣΑΣ", "σασ");
        check("σας", "σασ");
        check("Ａlice", "alice");
        check("ﬀ", "ff");
    }

    #[test]
    fn names_nobody_can_tell_apart_are_refused() {
        for fine in
            ["bob", "Bob O'Neil", "a/b\\c\"d#e&f%g|h+i:j[k]<b>", "山田 太郎", "josé", "علي", "🙂", "a,b", "e\u{301}"]
        {
            assert_eq!(user_name_fault(fine), None, "{fine}");
        }
        for bad in [
            " bob",
            "bob ",
            "bob\u{a0}",
            "bo\0b",
            "bo\rb",
            "bo\nb",
            "bo\tb",
            "bo\u{85}b",
            "bo\u{7f}b",
            "bo\u{202e}b",
            "bo\u{200b}b",
            "bo\u{200d}b",
            "\u{feff}bob",
            "bo\u{2028}b",
            "bo\u{fffe}b",
            "bo\u{1ffff}b",
            "bo\u{fdd0}b",
            "bo\u{ad}b",
            "bo\u{2066}b",
            "bo\u{fe0f}b",
            "bo\u{e0041}b",
        ] {
            assert!(user_name_fault(bad).is_some(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn keys_are_stable(text in ".{0,12}") {
            let key = match_key(&text).into_owned();
            prop_assert_eq!(match_key(&key).into_owned(), key.clone());
            let unique = unique_key(&text);
            prop_assert_eq!(unique_key(&unique), unique);
        }

        #[test]
        fn what_matches_is_not_unique(text in ".{0,12}") {
            let upper = text.to_uppercase();
            if match_key(&text) == match_key(&upper) {
                prop_assert_eq!(unique_key(&text), unique_key(&upper));
            }
        }
    }

    #[test]
    fn instants() {
        let check = |millis: i64, expect: &str| {
            let mut out = String::new();
            write_instant(&mut out, millis).unwrap();
            assert_eq!(out, expect, "{millis}");
        };
        check(0, "1970-01-01T00:00:00.000Z");
        check(1, "1970-01-01T00:00:00.001Z");
        check(-1, "1969-12-31T23:59:59.999Z");
        check(1_700_000_000_120, "2023-11-14T22:13:20.120Z");
        check(i64::MAX, "9999-12-30T22:00:00.999Z");
    }

    #[test]
    fn moments_are_read() {
        let check = |text: &str, expect: Option<i64>| assert_eq!(read_instant(text), expect, "{text}");
        check("1970-01-01T00:00:01Z", Some(1_000));
        check("1970-01-01T01:00:00.250+01:00", Some(250));
        check("1970-01-01", None);
        check("1970-01-01T00:00:01", None);
        check("yesterday", None);
        check("", None);
    }
}
