//! Versions and preconditions (RFC 7644 section 3.14, RFC 9110 section 13.1).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// Bytes of the digest that a tag shows; 16 characters.
const TAG_BYTES: usize = 12;

/// The weak entity tag of a version: a keyed digest of its parts, so that it says nothing about them.
#[must_use]
pub fn tag(key: &[u8; 32], parts: &[&[u8]]) -> String {
    let mut digest = Sha256::new_with_prefix(key);
    for part in parts {
        // With its length each part is told from its neighbours.
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    let digest = digest.finalize();
    let mut text = String::with_capacity(20);
    text.push_str("W/\"");
    URL_SAFE_NO_PAD.encode_string(&digest[..TAG_BYTES], &mut text);
    text.push('"');
    text
}

/// The header If-Match or If-None-Match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Precondition {
    /// `*`: any version.
    Any,
    /// One of these versions, as opaque texts without `W/` and quotes.
    Tags(Vec<String>),
}

impl Precondition {
    /// Reads the value of If-Match, or the `version` of a bulk operation (RFC 7644 section 3.7).
    #[must_use]
    pub fn parse_if_match(header: &str) -> Precondition {
        Self::parse(header)
    }

    /// Reads the value of If-None-Match.
    #[must_use]
    pub fn parse_if_none_match(header: &str) -> Precondition {
        Self::parse(header)
    }

    /// Several header lines may come joined by commas. A tag without quotes, which some clients send, is taken as it
    /// is; what is malformed matches nothing, so that no write slips through.
    fn parse(header: &str) -> Precondition {
        let mut tags = Vec::new();
        let mut rest = header.trim();
        if rest == "*" {
            return Precondition::Any;
        }
        while !rest.is_empty() {
            let opaque = rest.strip_prefix("W/").or_else(|| rest.strip_prefix("w/")).unwrap_or(rest);
            let (tag, behind) = match opaque.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
                None => opaque.split_at(opaque.find(',').unwrap_or(opaque.len())),
            };
            if !tag.trim().is_empty() {
                tags.push(tag.trim().to_owned());
            }
            rest = behind.trim_start_matches(|it: char| it != ',').trim_start_matches([',', ' ']);
        }
        Precondition::Tags(tags)
    }

    /// Whether it names the current version. Always the weak comparison: SCIM uses weak tags in If-Match too.
    #[must_use]
    pub fn matches(&self, current: &str) -> bool {
        let opaque = current.strip_prefix("W/").unwrap_or(current).trim_matches('"');
        match self {
            Precondition::Any => true,
            Precondition::Tags(tags) => tags.iter().any(|tag| tag == opaque),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_weak_short_and_keyed() {
        let one = tag(&[1; 32], &[b"user", b"1"]);
        assert!(one.starts_with("W/\"") && one.ends_with('"') && one.len() == 20, "{one}");
        assert_eq!(one, tag(&[1; 32], &[b"user", b"1"]));
        assert_ne!(one, tag(&[2; 32], &[b"user", b"1"]));
        assert_ne!(one, tag(&[1; 32], &[b"user", b"2"]));
        assert_ne!(one, tag(&[1; 32], &[b"user1"]));
        assert_ne!(tag(&[1; 32], &[b"ab", b"c"]), tag(&[1; 32], &[b"a", b"bc"]));
        assert!(Precondition::parse_if_match(&one).matches(&one));
    }

    #[test]
    fn preconditions() {
        let check = |header: &str, expect: bool| {
            assert_eq!(Precondition::parse_if_match(header).matches("W/\"a-1\""), expect, "{header}");
            assert_eq!(Precondition::parse_if_none_match(header).matches("W/\"a-1\""), expect, "{header}");
        };
        for header in [
            "*",
            " * ",
            "W/\"a-1\"",
            "\"a-1\"",
            "w/\"a-1\"",
            "a-1",
            "W/a-1",
            "\"x\", W/\"a-1\"",
            "\"x\",\"y\",\"a-1\"",
            "x, a-1",
            "\"a,b\" , \"a-1\"",
            "\"x\";junk, \"a-1\"",
            ",,\"a-1\"",
        ] {
            check(header, true);
        }
        for header in
            ["", " ", "\"\"", "\"A-1\"", "W/\"a-1", "\"a-2\"", "\"a-1,b\"", "a", "a-1*", "W/", ",", "\"x\" \"a-1\""]
        {
            check(header, header == "W/\"a-1");
        }
    }
}
