//! What a name may look like: userName, group names, integration names, e-mail addresses and domains.
//!
//! Names come from foreign directories and are shown to people who decide on access by them, so a userName must not
//! hold what cannot be seen; everything that can be seen is kept byte for byte.

use bailiwick_scim::text;

/// Whether a userName (RFC 7643 section 4.1.1) may be stored. The reason completes "userName ...".
///
/// Inner spaces, punctuation, brackets and every script are fine. Refused is what a reader cannot see or what moves
/// other text: such names make two different people look like one.
pub fn check_user_name(name: &str) -> Result<(), &'static str> {
    if name.chars().all(char::is_whitespace) {
        return Err("is blank");
    }
    text::user_name_fault(name).map_or(Ok(()), Err)
}

/// Whether a group's displayName (RFC 7643 section 4.2) may be stored. The reason completes "displayName ...".
///
/// Group names are kept byte for byte, so only an empty name and NUL are refused.
pub fn check_group_name(name: &str) -> Result<(), &'static str> {
    if name.is_empty() {
        return Err("is empty");
    }
    check_display_text(name)
}

/// Whether a display name or a part of a name may be stored. The reason completes "displayName ...".
///
/// Unpaired surrogates cannot occur in a `str`; what is left to refuse is NUL, which databases and terminals cut at.
pub fn check_display_text(value: &str) -> Result<(), &'static str> {
    if value.contains('\0') { Err("holds the character NUL") } else { Ok(()) }
}

/// Whether a character has no place in a text of one line: it controls a terminal, breaks the line, or turns the
/// direction of writing, so that what is shown is not what is there.
#[must_use]
pub fn unfit_in_line(c: char) -> bool {
    c.is_control() || turns_direction(c)
}

/// What is wrong with a text of one line; a part of a sentence.
#[must_use]
pub fn line_fault(text: &str) -> Option<String> {
    if text.chars().any(char::is_control) {
        return Some("holds a control character or line break".to_owned());
    }
    direction_fault(text)
}

/// What is wrong with a text that may have several lines; a part of a sentence.
#[must_use]
pub fn direction_fault(text: &str) -> Option<String> {
    let turns = text.chars().find(|c| turns_direction(*c))?;
    Some(format!("holds U+{:04X}, which turns the direction of writing", u32::from(turns)))
}

fn turns_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether this is the name of an integration: `[a-z0-9][a-z0-9-]{0,62}`.
pub fn integration_name(name: &str) -> Result<(), String> {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let reason = if name.is_empty() {
        "is empty"
    } else if name.len() > 63 {
        "is longer than 63 characters"
    } else if name.starts_with('-') {
        "begins with a dash"
    } else if !name.bytes().all(inner) {
        "may hold only the characters a to z, 0 to 9 and -"
    } else {
        return Ok(());
    };
    Err(format!("the name {name:?} {reason}"))
}

/// Whether this ties a claim of a sign-in to an attribute: `CLAIM=ATTRIBUTE`, such as `oid=externalId`.
pub fn sign_in_claim(text: &str) -> Result<(), String> {
    let fits = |word: &str| !word.is_empty() && word.len() <= 200 && word.bytes().all(|byte| byte.is_ascii_graphic());
    match text.split_once('=') {
        Some((claim, attribute)) if fits(claim) && fits(attribute) && !attribute.contains('=') => Ok(()),
        _ => Err("give CLAIM=ATTRIBUTE, such as oid=externalId".to_owned()),
    }
}

/// Whether this has the form of an e-mail address: one `@`, something before it, a domain with a dot after it, nothing
/// blank or invisible. It says nothing about whether mail arrives.
#[must_use]
pub fn is_email_form(address: &str) -> bool {
    split_address(address).is_some_and(|(_, domain)| domain.contains('.'))
}

/// The domain of an e-mail address, lower-cased; nothing if this is not an address with exactly one `@`.
#[must_use]
pub fn email_domain(address: &str) -> Option<String> {
    split_address(address.trim()).map(|(_, domain)| domain.to_lowercase())
}

/// The key under which e-mail addresses are found: as wide as the one that makes userNames collide, so that a look-alike
/// is noticed. Where a link depends on it, [`same_address`] decides.
#[must_use]
pub fn email_key(address: &str) -> String {
    text::unique_key(address.trim())
}

/// Whether two addresses are one and the same: compatibility forms and letter case do not matter, everything else does.
/// `strasse@` and `straße@` have one [`email_key`], but they are two mailboxes.
#[must_use]
pub fn same_address(left: &str, right: &str) -> bool {
    text::match_key(left.trim()) == text::match_key(right.trim())
}

/// Reads a domain that is to be claimed and gives its canonical form: lower case, no closing dot.
///
/// The labels are letters, digits and inner hyphens (RFC 1123 section 2.1); a domain in another script is given in its
/// `xn--` form (RFC 5890).
pub fn domain_name(text: &str) -> Result<String, String> {
    let name = text.trim().to_ascii_lowercase();
    let name = name.strip_suffix('.').unwrap_or(&name);
    let reason = if !name.is_ascii() {
        "must be given in its ASCII form, such as xn--mller-kva.example"
    } else if name.len() > 253 {
        "is longer than 253 characters"
    } else if !name.contains('.') {
        "needs at least one dot"
    } else if !name.split('.').all(is_label) {
        "may hold only labels of letters, digits and inner hyphens, each 1 to 63 characters long"
    } else if name.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit())) {
        "is an address, not a domain"
    } else {
        return Ok(name.to_owned());
    };
    Err(format!("the domain {text:?} {reason}"))
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// Local part and domain, if there is one `@` and both sides are plain.
fn split_address(address: &str) -> Option<(&str, &str)> {
    let (local, domain) = address.split_once('@')?;
    let seen = !address.contains(char::is_whitespace) && text::user_name_fault(address).is_none();
    let plain = |c: char| c.is_alphanumeric() || c == '-' || !c.is_ascii();
    let domain_fits =
        !domain.contains('@') && domain.split('.').all(|label| !label.is_empty() && label.chars().all(plain));
    (seen && !local.is_empty() && domain_fits).then_some((local, domain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_names_that_can_be_read_are_kept() {
        for name in [
            "alice",
            "Alice.Smith@corp.example",
            "a",
            "O'Brien, Conan \"the\" \\ / # & % | + : <b>x</b> [1] {2} (3)",
            "名前 太郎",
            "Ωμέγας",
            "straße",
            "ﬁnance",
            "e\u{301}ve",
            "אבג",
            "😀",
            "\u{e000}private",
            "-",
            "0",
            "true",
        ] {
            assert_eq!(check_user_name(name), Ok(()), "{name:?}");
        }
    }

    #[test]
    fn user_names_that_cannot_be_read_are_refused() {
        const BLANK: &str = "is blank";
        const EDGE: &str = "white space";
        const CONTROL: &str = "control character";
        const TURN: &str = "direction";
        const LINE: &str = "line break";
        const NONE: &str = "no character";
        const UNSEEN: &str = "invisible";
        for (name, reason) in [
            ("", BLANK),
            ("   ", BLANK),
            ("\u{a0}\u{3000}", BLANK),
            ("\t", BLANK),
            (" alice", EDGE),
            ("alice ", EDGE),
            ("alice\u{a0}", EDGE),
            ("\u{2003}alice", EDGE),
            ("a\0b", CONTROL),
            ("a\rb", CONTROL),
            ("a\nb", CONTROL),
            ("alice\n", EDGE),
            ("a\tb", CONTROL),
            ("a\u{1f}b", CONTROL),
            ("a\u{7f}b", CONTROL),
            ("a\u{80}b", CONTROL),
            ("a\u{85}b", CONTROL),
            ("a\u{9f}b", CONTROL),
            ("a\u{200e}b", TURN),
            ("a\u{200f}b", TURN),
            ("a\u{202e}b", TURN),
            ("a\u{2066}b", TURN),
            ("a\u{2069}b", TURN),
            ("a\u{61c}b", TURN),
            ("a\u{2028}b", LINE),
            ("a\u{2029}b", LINE),
            ("a\u{fdd0}b", NONE),
            ("a\u{fffe}b", NONE),
            ("a\u{10ffff}b", NONE),
            ("a\u{200b}b", UNSEEN),
            ("a\u{200c}b", UNSEEN),
            ("a\u{200d}b", UNSEEN),
            ("a\u{2060}b", UNSEEN),
            ("\u{feff}alice", UNSEEN),
            ("ali\u{ad}ce", UNSEEN),
            ("alice\u{fe0f}", UNSEEN),
            ("\u{3164}", UNSEEN),
            ("a\u{115f}", UNSEEN),
            ("a\u{e0041}", UNSEEN),
            ("a\u{180e}", UNSEEN),
        ] {
            let found = check_user_name(name).expect_err(name);
            assert!(found.contains(reason), "{name:?}: {found}");
        }
    }

    #[test]
    fn display_text_is_kept_but_for_nul() {
        let long = "x".repeat(1_000);
        for text in [" Ann ", "a\tb", "a\u{2028}b", "\u{e000}", "👩\u{200d}💻", "\u{202e}x", long.as_str()] {
            assert_eq!(check_display_text(text), Ok(()), "{text:?}");
            assert_eq!(check_group_name(text), Ok(()), "{text:?}");
        }
        assert_eq!(check_display_text(""), Ok(()));
        assert_eq!(check_group_name(""), Err("is empty"));
        assert_eq!(check_group_name(" "), Ok(()));
        assert!(check_display_text("a\0").is_err());
        assert!(check_group_name("a\0").is_err());
    }

    #[test]
    fn a_line_does_not_turn() {
        for text in ["", "Ann", "שלום", "مرحبا", "a\u{200d}b", "a\u{2028}b"] {
            assert_eq!((line_fault(text), text.chars().any(unfit_in_line)), (None, false), "{text:?}");
        }
        for (text, part) in [
            ("a\u{200e}", "U+200E"),
            ("\u{200f}a", "U+200F"),
            ("\u{202a}", "U+202A"),
            ("gnp\u{202e}.exe", "U+202E"),
            ("\u{2066}", "U+2066"),
            ("\u{2069}", "U+2069"),
            ("a\u{202e}\n", "control character"),
        ] {
            assert!(line_fault(text).is_some_and(|fault| fault.contains(part)), "{text:?}");
            assert!(text.chars().any(unfit_in_line));
        }
    }

    #[test]
    fn integration_names_follow_their_pattern() {
        for name in ["a", "0", "okta", "okta-eu-1", "a-", &"a".repeat(63)] {
            assert_eq!(integration_name(name), Ok(()), "{name:?}");
        }
        for name in ["", "-a", "Okta", "a_b", "a b", "ä", "a.b", "a/b", &"a".repeat(64)] {
            let reason = integration_name(name).unwrap_err();
            assert!(reason.starts_with("the name \""), "{reason}");
        }
    }

    #[test]
    fn email_forms() {
        for (address, expect) in [
            ("a@b.example", true),
            ("A.B+c@mail.example.com", true),
            ("o'brien@example.com", true),
            ("jörg@müller.example", true),
            ("a@localhost", false),
            ("a@b@c.example", false),
            ("@b.example", false),
            ("a@", false),
            ("a@.example", false),
            ("a@b.", false),
            ("a@b..c", false),
            ("a b@c.example", false),
            (" a@b.example", false),
            ("a@b.exam ple", false),
            ("a\u{200b}@b.example", false),
            ("<a@b.example>", false),
            ("a@b.example,c", false),
            ("alice", false),
            ("", false),
        ] {
            assert_eq!(is_email_form(address), expect, "{address:?}");
        }
    }

    #[test]
    fn email_domains_and_keys() {
        for (address, expect) in [
            ("a@B.Example", Some("b.example")),
            ("  a@b.example ", Some("b.example")),
            ("a@localhost", Some("localhost")),
            ("a@claimed.example@evil.example", None),
            ("no address", None),
            ("a@", None),
        ] {
            assert_eq!(email_domain(address).as_deref(), expect, "{address:?}");
        }
        assert_eq!(email_key(" Alice@Corp.Example "), email_key("alice@corp.example"));
        assert_eq!(email_key("ＡＬＩＣＥ@corp.example"), email_key("alice@corp.example"));
        assert_eq!(email_key("straße@corp.example"), email_key("strasse@corp.example"));
        assert!(same_address("Ann@Corp.example ", "ＡＮＮ@corp.example"));
        assert!(same_address("Straße@corp.example", "straße@corp.example"));
        assert!(!same_address("straße@corp.example", "strasse@corp.example"));
    }

    #[test]
    fn domains_to_be_claimed() {
        let label = "a".repeat(63);
        for (text, expect) in [
            ("example.com", "example.com"),
            (" Example.COM. ", "example.com"),
            ("xn--mller-kva.example", "xn--mller-kva.example"),
            ("a-b.c1.example", "a-b.c1.example"),
            ("1.example", "1.example"),
            (format!("{label}.example").as_str(), format!("{label}.example").as_str()),
        ] {
            assert_eq!(domain_name(text).as_deref(), Ok(expect), "{text:?}");
        }
        let too_long = [label.as_str(); 4].join(".");
        for text in [
            "",
            ".",
            "example",
            "example..com",
            ".example.com",
            "example.com..",
            "-a.example",
            "a-.example",
            "a_b.example",
            "*.example.com",
            "müller.example",
            "192.0.2.1",
            "a b.example",
            "@example.com",
            "https://example.com",
            format!("{label}a.example").as_str(),
            too_long.as_str(),
        ] {
            let reason = domain_name(text).unwrap_err();
            assert!(reason.starts_with("the domain \""), "{reason}");
        }
    }
}
