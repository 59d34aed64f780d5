//! Tiers and lifecycles: ordered lists that admins define.

use super::{Fault, sentence};
use bailiwick_scim::Object;
use bailiwick_scim::text::match_key;
use serde_json::{Value, json};

/// Most levels of one list.
pub const LEVELS: usize = 100;

/// Which list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// How much an entity matters.
    Tier,
    /// How far it has come.
    Lifecycle,
}

impl Scale {
    /// The word for one level; also the collection it is kept in.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tier => "tier",
            Self::Lifecycle => "lifecycle",
        }
    }
}

/// One level.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Level {
    /// What documents say: `[a-z0-9][a-z0-9_-]{0,62}`.
    pub alias: String,
    /// What people call it.
    pub name: String,
    /// What it means.
    pub description: Option<String>,
    /// Its place: the lowest number comes first.
    pub index: u32,
}

impl Level {
    /// Reads a level as it is kept and sent: `{name, description, index}`.
    ///
    /// # Errors
    /// Every fault with its place.
    pub fn from_json(alias: &str, document: &Object) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        if let Err(reason) = check_alias(alias) {
            faults.push(Fault::new("", reason));
        }
        let name = sentence(document, "name", &mut faults).filter(|name| !name.trim().is_empty());
        let name = name.unwrap_or_else(|| alias.to_owned());
        let description = sentence(document, "description", &mut faults);
        let index = document.get("index").and_then(Value::as_u64).and_then(|index| u32::try_from(index).ok());
        if index.is_none() {
            faults.push(Fault::new("/index", "must be a whole number from 0: the lowest comes first"));
        }
        for key in document.keys().filter(|key| !["alias", "name", "description", "index"].contains(&key.as_str())) {
            faults.push(Fault::new(format!("/{}", super::step(key)), "is not known here"));
        }
        match index {
            Some(index) if faults.is_empty() => Ok(Self { alias: alias.to_owned(), name, description, index }),
            _ => Err(faults),
        }
    }

    /// The form it is kept in.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({"name": self.name, "description": self.description, "index": self.index})
    }
}

/// Whether a tier, a lifecycle or a property may be called this; also letters of both cases for what others named.
fn check_alias(alias: &str) -> Result<(), String> {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
    if (1..=63).contains(&alias.len()) && alias.bytes().all(inner) && !alias.starts_with(['-', '_']) {
        return Ok(());
    }
    Err(format!("the alias {alias:?} must be 1 to 63 characters of a to z, 0 to 9, - and _"))
}

/// The levels of one list, in order.
#[derive(Clone, Debug, Default)]
pub struct Levels(Vec<Level>);

impl Levels {
    /// Puts levels in order: by index, then by alias.
    #[must_use]
    pub fn new(mut levels: Vec<Level>) -> Self {
        levels.sort_by(|left, right| (left.index, &left.alias).cmp(&(right.index, &right.alias)));
        Self(levels)
    }

    /// The levels in order.
    #[must_use]
    pub fn as_slice(&self) -> &[Level] {
        &self.0
    }

    /// The level a text means: its alias or name, letter case ignored.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<&Level> {
        let wanted = match_key(text);
        let find = |named: fn(&Level) -> &str| self.0.iter().find(|level| match_key(named(level)) == wanted);
        find(|level| &level.alias).or_else(|| find(|level| &level.name))
    }

    /// The alias that is kept for a text. Where no level is defined every text is fine.
    ///
    /// # Errors
    /// A sentence fragment that names what there is.
    pub fn resolve(&self, scale: Scale, text: &str) -> Result<String, String> {
        if self.0.is_empty() {
            return Ok(text.to_owned());
        }
        self.find(text).map(|level| level.alias.clone()).ok_or_else(|| {
            let known: Vec<&str> = self.0.iter().map(|level| level.alias.as_str()).collect();
            format!("there is no {} {text:?}; known are {}", scale.as_str(), known.join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(alias: &str, name: &str, index: u32) -> Level {
        Level::from_json(alias, json!({"name": name, "index": index}).as_object().unwrap()).unwrap()
    }

    #[test]
    fn levels_are_found_by_alias_and_name() {
        let levels = Levels::new(vec![level("tier_2", "Silver", 2), level("tier_1", "Gold", 1)]);
        assert_eq!(levels.as_slice()[0].alias, "tier_1");
        for (text, expect) in [("tier_1", Ok("tier_1")), ("GOLD", Ok("tier_1")), ("bronze", Err("tier_1, tier_2"))] {
            let found = levels.resolve(Scale::Tier, text);
            match (found, expect) {
                (Ok(found), Ok(expect)) => assert_eq!(found, expect),
                (Err(found), Err(part)) => assert!(found.contains(part), "{found}"),
                (found, _) => panic!("{found:?}"),
            }
        }
        assert_eq!(Levels::default().resolve(Scale::Lifecycle, "Anything").unwrap(), "Anything");
    }

    #[test]
    fn a_level_is_read_strictly() {
        for (alias, document, place) in [
            ("Gold", json!({"index": 1}), ""),
            ("", json!({"index": 1}), ""),
            ("gold", json!({}), "/index"),
            ("gold", json!({"index": -1}), "/index"),
            ("gold", json!({"index": 1.5}), "/index"),
            ("gold", json!({"index": 1, "name": 3}), "/name"),
            ("gold", json!({"index": 1, "rank": 3}), "/rank"),
        ] {
            let faults = Level::from_json(alias, document.as_object().unwrap()).unwrap_err();
            assert_eq!(faults[0].pointer, place, "{document}");
        }
        let gold = level("gold", "Gold", 1);
        assert_eq!(Level::from_json("gold", gold.to_json().as_object().unwrap()).unwrap(), gold);
    }
}
