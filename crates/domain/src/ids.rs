//! Identifiers and time as values. Randomness and the clock are handed in by whoever wires the program.

use std::fmt;

/// A moment, in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Millis(pub i64);

/// The row number of an integration within the store: small, never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct IntegrationId(pub i64);

impl IntegrationId {
    /// The printed form, `int_1`.
    #[must_use]
    pub fn printed(self) -> String {
        format!("int_{}", self.0)
    }
}

/// The kinds of SCIM resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub enum Kind {
    /// A User.
    User = 1,
    /// A Group.
    Group = 2,
}

impl Kind {
    /// The name of the resource type.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
        }
    }

    /// The endpoint without slash.
    #[must_use]
    pub fn endpoint(self) -> &'static str {
        match self {
            Self::User => "Users",
            Self::Group => "Groups",
        }
    }
}

/// Formats 16 random bytes as a version 4 UUID: the id of a SCIM resource.
#[must_use]
pub fn resource_id(mut random: [u8; 16]) -> String {
    random[6] = random[6] & 0x0f | 0x40;
    random[8] = random[8] & 0x3f | 0x80;
    let mut out = String::with_capacity(36);
    for (index, byte) in random.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            out.push('-');
        }
        push_hex(&mut out, *byte);
    }
    out
}

/// Whether a text has the form of a resource id of ours. A client may ask for anything, an e-mail address included; what
/// does not have this form names no resource and is no opaque id.
#[must_use]
pub fn is_resource_id(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|group| group.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')))
}

/// Formats random bytes behind a prefix: `per_3f…`, `tok_…`, `con_…`.
#[must_use]
pub fn prefixed_id(prefix: &str, random: [u8; 16]) -> String {
    let mut out = String::with_capacity(prefix.len() + 25);
    out.push_str(prefix);
    for byte in &random[..12] {
        push_hex(&mut out, *byte);
    }
    out
}

fn push_hex(out: &mut String, byte: u8) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(HEX[usize::from(byte >> 4)] as char);
    out.push(HEX[usize::from(byte & 15)] as char);
}

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        bailiwick_scim::text::write_instant(f, self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resource_ids_are_version_4_uuids() {
        assert_eq!(resource_id([0xff; 16]), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(prefixed_id("per_", [1; 16]), "per_010101010101010101010101");
    }

    #[test]
    fn what_only_a_client_could_think_of_is_no_resource_id() {
        let check = |text: &str, expect| assert_eq!(is_resource_id(text), expect, "{text}");
        check(&resource_id([7; 16]), true);
        check("", false);
        check("ann@example.com", false);
        check("FFFFFFFF-ffff-4fff-bfff-ffffffffffff", false);
        check("ffffffffffff4fffbfffffffffffffff", false);
        check("ffffffff-ffff-4fff-bfff-ffffffffffff-", false);
        check("ffffffff-ffff-4fff-bfff-fffffffffff\u{e9}", false);
    }
}
