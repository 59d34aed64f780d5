//! Bearer tokens and recovery codes: their form, and what is kept of them.
//!
//! The text is shown once and never stored; what is stored is a SHA-256 digest. That is enough for secrets that are
//! random to begin with: there is nothing to guess offline. The randomness is handed in by the caller.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use std::borrow::Cow;
use std::fmt;

/// What the token of an integration begins with, so that scanners recognise one in a file or a log.
pub const PREFIX: &str = "bwk_";

/// What a token is for. Each kind has a prefix of its own, all of one length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// An integration, for SCIM.
    Integration,
    /// An invitation, good for making one account.
    Invite,
    /// A person, made by them.
    Personal,
    /// A service with a role of its own.
    Service,
    /// A person who signed in.
    Session,
}

impl TokenKind {
    /// Every kind.
    pub const ALL: [TokenKind; 5] = [Self::Integration, Self::Invite, Self::Personal, Self::Service, Self::Session];

    /// What tokens of this kind begin with.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Integration => PREFIX,
            Self::Invite => "bwi_",
            Self::Personal => "bwp_",
            Self::Service => "bws_",
            Self::Session => "bwl_",
        }
    }

    /// What a text is a token of, if it has the form of one.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        let kind = Self::ALL.into_iter().find(|kind| text.starts_with(kind.prefix()))?;
        has_form(text).then_some(kind)
    }
}

const BODY_CHARS: usize = 43;
const CHECK_CHARS: usize = 6;

/// A bearer token as it is made: the text for its owner, the digest for the store.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    /// What the caller sends; to be shown once and dropped.
    pub text: String,
    /// What is kept of it.
    pub digest: [u8; 32],
}

impl Token {
    /// Makes a token of 256 random bits for an integration.
    #[must_use]
    pub fn from_random(random: [u8; 32]) -> Self {
        Self::of_kind(TokenKind::Integration, random)
    }

    /// Makes a token of 256 random bits.
    #[must_use]
    pub fn of_kind(kind: TokenKind, random: [u8; 32]) -> Self {
        let mut text = String::with_capacity(PREFIX.len() + BODY_CHARS + CHECK_CHARS);
        text.push_str(kind.prefix());
        URL_SAFE_NO_PAD.encode_string(random, &mut text);
        let check = checksum(&text);
        text.push_str(&check);
        let digest = digest(&text);
        Self { text, digest }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(hidden)")
    }
}

/// What the store keeps of a token, and looks it up by.
#[must_use]
pub fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// Whether a text is a token of an integration: prefix, length, alphabet and checksum. Needs no store, so a scanner can
/// tell a real token from a look-alike, and a mistyped one is told from an unknown one.
#[must_use]
pub fn well_formed(text: &str) -> bool {
    TokenKind::of(text) == Some(TokenKind::Integration)
}

/// Length, alphabet and checksum, whatever the prefix.
fn has_form(text: &str) -> bool {
    if text.len() != PREFIX.len() + BODY_CHARS + CHECK_CHARS || !text.is_ascii() {
        return false;
    }
    let (signed, check) = text.split_at(PREFIX.len() + BODY_CHARS);
    let body = &signed[PREFIX.len()..];
    // Strict decoding: the last character has unused bits, and only one spelling of a token may be valid.
    URL_SAFE_NO_PAD.decode(body).is_ok_and(|bytes| bytes.len() == 32) && checksum(signed) == check
}

/// A text without the tokens that somebody pasted into it, such as a URL with `?token=`: what looks like one, whole or
/// cut, right or mistyped, is shown by its prefix alone.
#[must_use]
pub fn masked(text: &str) -> Cow<'_, str> {
    const SHORTEST: usize = 16;
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let mut shown = String::new();
    let mut from = 0;
    while let Some(start) = next_prefix(&text[from..]).map(|offset| from + offset + PREFIX.len()) {
        let length = text.as_bytes()[start..].iter().take_while(|byte| is_part(byte)).count();
        let end = if length < SHORTEST { start } else { start + length };
        shown.push_str(&text[from..start]);
        if end > start {
            shown.push_str("[redacted]");
        }
        from = end;
    }
    if from == 0 {
        return Cow::Borrowed(text);
    }
    shown.push_str(&text[from..]);
    Cow::Owned(shown)
}

/// Where the next text begins that begins like a token.
fn next_prefix(text: &str) -> Option<usize> {
    let begins = |at: &usize| TokenKind::ALL.iter().any(|kind| text[*at..].starts_with(kind.prefix()));
    text.match_indices("bw").map(|(at, _)| at).find(begins)
}

/// Six letters and digits computed from the text before them. No `-` or `_` here: a double click takes the whole token.
fn checksum(text: &str) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut number = digest(text)[..8].iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    let mut out = String::with_capacity(CHECK_CHARS);
    for _ in 0..CHECK_CHARS {
        out.push(char::from(DIGITS[(number % 62) as usize]));
        number /= 62;
    }
    out
}

const RECOVERY_CHARS: usize = 20;
const CROCKFORD: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Formats 80 random bits as a recovery code for an administrator: five groups of four characters of Crockford's base
/// 32. The last group is computed from the others, so a slip of the pen is told from a wrong code.
#[must_use]
pub fn recovery_code(random: [u8; 10]) -> String {
    let mut plain = String::with_capacity(RECOVERY_CHARS);
    let mut number = random.iter().fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
    let mut values = [0_u8; 16];
    for value in values.iter_mut().rev() {
        *value = (number & 31) as u8;
        number >>= 5;
    }
    plain.extend(values.iter().map(|value| char::from(CROCKFORD[usize::from(*value)])));
    let check = recovery_check(&plain);
    plain.push_str(&check);
    let mut out = String::with_capacity(RECOVERY_CHARS + 4);
    for (index, c) in plain.chars().enumerate() {
        if index > 0 && index % 4 == 0 {
            out.push('-');
        }
        out.push(c);
    }
    out
}

/// Whether a text is a recovery code with the right last group. Letter case, dashes and blanks do not matter; `O` is
/// read as `0`, `I` and `L` as `1`.
#[must_use]
pub fn recovery_well_formed(text: &str) -> bool {
    let plain = recovery_plain(text);
    plain.len() == RECOVERY_CHARS
        && plain.bytes().all(|byte| CROCKFORD.contains(&byte))
        && recovery_check(&plain[..16]) == plain[16..]
}

/// What the store keeps of a recovery code; equal for every way to write it that [`recovery_well_formed`] accepts.
#[must_use]
pub fn recovery_digest(text: &str) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(b"bailiwick recovery code 1\0");
    hasher.update(recovery_plain(text).as_bytes());
    hasher.finalize().into()
}

fn recovery_plain(text: &str) -> String {
    let kept = text.chars().filter(|c| !matches!(c, '-' | ' '));
    kept.map(|c| match c.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    })
    .collect()
}

fn recovery_check(plain: &str) -> String {
    let mut hasher = Sha256::new();
    hasher.update(b"bailiwick recovery check 1\0");
    hasher.update(plain.as_bytes());
    let bytes: [u8; 32] = hasher.finalize().into();
    bytes[..4].iter().map(|byte| char::from(CROCKFORD[usize::from(byte & 31)])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn counting() -> [u8; 32] {
        std::array::from_fn(|index| index as u8)
    }

    #[test]
    fn the_form_of_a_token_is_fixed() {
        let token = Token::from_random(counting());
        assert_eq!(token.text, "bwk_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8ISpWWJ");
        assert_eq!(token.text.len(), 53);
        assert!(well_formed(&token.text));
        assert_eq!(token.digest, digest(&token.text));
        assert_eq!(digest("")[..4], [0xe3, 0xb0, 0xc4, 0x42], "plain SHA-256");
    }

    #[test]
    fn kinds_are_told_by_their_prefix() {
        for kind in TokenKind::ALL {
            let text = Token::of_kind(kind, counting()).text;
            assert_eq!((TokenKind::of(&text), text.len()), (Some(kind), 53));
            assert_eq!(well_formed(&text), kind == TokenKind::Integration);
            for other in TokenKind::ALL.into_iter().filter(|other| *other != kind) {
                let changed = text.replacen(kind.prefix(), other.prefix(), 1);
                assert_eq!(TokenKind::of(&changed), None, "the prefix is part of what the checksum covers");
            }
        }
    }

    #[test]
    fn debug_hides_the_text_and_the_digest() {
        let token = Token::from_random(counting());
        assert_eq!(format!("{token:?}"), "Token(hidden)");
    }

    #[test]
    fn tokens_in_a_text_are_masked() {
        let check = |text: &str, expect: &str| assert_eq!(masked(text), expect, "{text}");
        let token = Token::from_random(counting()).text;
        check("/Users?count=1", "/Users?count=1");
        check(&token, "bwk_[redacted]");
        check(&format!("/Users/{token}?x={token}"), "/Users/bwk_[redacted]?x=bwk_[redacted]");
        check(&format!("a{}x é", &token[..40]), "abwk_[redacted] é");
        check("bwk_ and bwk_short é", "bwk_ and bwk_short é");
        for kind in TokenKind::ALL {
            let token = Token::of_kind(kind, counting()).text;
            check(&format!("bw {token} bwk"), &format!("bw {}[redacted] bwk", kind.prefix()));
        }
    }

    #[test]
    fn look_alikes_are_not_well_formed() {
        let good = Token::from_random([7; 32]).text;
        let mut other_end = good.clone();
        let last = other_end.pop().unwrap();
        other_end.push(if last == 'a' { 'b' } else { 'a' });
        for text in [
            "",
            "bwk_",
            "non-token",
            &good[1..],
            &good[..52],
            &format!("{good}a"),
            &format!(" {good}"),
            &good.replace("bwk_", "BWK_"),
            &good.replace("bwk_", "bwx_"),
            &format!("bwk_{}", "é".repeat(49)),
            &format!("bwk_{}é", "a".repeat(47)),
            &other_end,
        ] {
            assert!(!well_formed(text), "{text}");
        }
    }

    #[test]
    fn only_one_spelling_of_the_last_character_is_a_token() {
        let good = Token::from_random([0; 32]).text;
        // 43 characters carry 258 bits: with the two spare bits set, the bytes would be the same.
        let body = format!("{}B", &good[..46]);
        assert_eq!(&good[46..47], "A");
        assert!(!well_formed(&format!("{body}{}", checksum(&body))));
    }

    #[test]
    fn the_form_of_a_recovery_code_is_fixed() {
        let code = recovery_code([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(code, "000G-40R4-0M30-E209-R2AB");
        assert_eq!(recovery_code([0xff; 10])[..19], *"ZZZZ-ZZZZ-ZZZZ-ZZZZ");
    }

    #[test]
    fn a_recovery_code_may_be_typed_by_hand() {
        let code = recovery_code([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        let typed = [
            code.to_lowercase(),
            code.replace('-', " "),
            code.replace('-', ""),
            code.replace('0', "o").replace('1', "l"),
        ];
        for text in &typed {
            assert!(recovery_well_formed(text), "{text}");
            assert_eq!(recovery_digest(text), recovery_digest(&code), "{text}");
        }
        for text in ["", "ZZZZ", &code[1..], &format!("{code}0"), &code.replace('-', "_"), &code.replacen('0', "U", 1)]
        {
            assert!(!recovery_well_formed(text), "{text}");
        }
        assert!(!recovery_well_formed(&code.replacen('0', "2", 1)), "a slip is noticed");
    }

    proptest! {
        #[test]
        fn every_token_is_well_formed_and_no_changed_one(random: [u8; 32], place in 0..53_usize, by in 1..95_u8) {
            let text = Token::from_random(random).text;
            prop_assert!(well_formed(&text));
            let mut bytes = text.into_bytes();
            bytes[place] = (bytes[place] - 32 + by) % 95 + 32;
            prop_assert!(!well_formed(&String::from_utf8(bytes).unwrap()));
        }

        #[test]
        fn every_recovery_code_is_well_formed(random: [u8; 10], other: [u8; 10]) {
            let code = recovery_code(random);
            prop_assert!(recovery_well_formed(&code));
            prop_assert_eq!(recovery_digest(&code) == recovery_digest(&recovery_code(other)), random == other);
        }

        #[test]
        fn no_text_frightens_them(text in ".*") {
            prop_assert!(!well_formed(&text));
            let _ = (recovery_well_formed(&text), recovery_digest(&text));
        }
    }
}
