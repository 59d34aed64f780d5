//! A mapping rule: when all parts of a condition hold for one User of a person, the person gets what follows.
//!
//! A [`RuleSet`] holds the rules as they were written, in their order. Its JSON form is the rule file's and is what the
//! store keeps; [`super::parse()`] reads a file and says where it is wrong, [`super::Compiled`] makes it ready.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Rules a set may hold.
pub const RULES: usize = 1_000;
/// Bytes a rule file may have.
pub const FILE_BYTES: usize = 1 << 20;
/// Entries a rule may have under `then`.
pub const THEN_ENTRIES: usize = 20;
/// Bytes a filter in a rule may have. What a person owns is kept by this text, in an index.
pub const FILTER_BYTES: usize = 1_000;
/// Days between two reviews of a rule, where it says nothing else.
pub const REVIEW_DAYS: u32 = 90;
/// The membership role where a rule or feed says nothing else.
pub const MEMBERSHIP_ROLE: &str = "contributor";

/// The rules of a store, in order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RuleSet {
    /// Version of the file's format: 1.
    pub version: u32,
    /// The rules.
    pub rules: Vec<Rule>,
}

/// A mapping rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// Stable and unique: grants name it.
    pub id: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The team or person that answers for it.
    pub owner: String,
    /// Days between two reviews.
    #[serde(rename = "review", with = "days")]
    pub review_days: u32,
    /// The condition.
    pub when: When,
    /// What follows.
    pub then: Vec<Then>,
}

/// The condition of a rule: every part that is given must hold, for one and the same User.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct When {
    /// The User is a member of such a group, directly or through nested groups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<GroupTest>,
    /// The User satisfies this SCIM filter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The User comes from the integration of that name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub integration: Option<String>,
    /// One of the User's e-mail addresses lies in that domain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// The User's organisational unit is this one or below it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
}

/// Which groups a rule means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupTest {
    /// Those of that displayName, letter case ignored.
    Name(String),
    /// The one of that id.
    Id(String),
    /// Those of that externalId.
    ExternalId(String),
    /// Those whose displayName matches a [`super::pattern::Pattern`].
    Pattern(String),
    /// Those that satisfy a SCIM filter.
    Filter(String),
}

/// What follows from a rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Then {
    /// Membership of a team, and with `own` ownership on its behalf.
    Team {
        /// Name or alias of the team; `{1}` is the first capture of the pattern.
        team: String,
        /// Membership role.
        role: String,
        /// Catalog filter: what the members that this rule gives own for the team.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        own: Option<String>,
    },
    /// A role.
    Role {
        /// Its name.
        role: String,
    },
    /// A property of the person.
    Property {
        /// Name and value.
        property: Property,
    },
    /// Ownership of the entities that match a catalog filter.
    Own {
        /// The filter.
        own: String,
    },
}

/// A property and its value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Property {
    /// Name.
    pub name: String,
    /// Value.
    pub value: Value,
}

impl RuleSet {
    /// The canonical JSON form.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Texts and JSON values always serialise.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads [`RuleSet::to_json`].
    ///
    /// # Errors
    /// A text that this version does not understand.
    pub fn from_json(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| format!("stored rules cannot be read: {error}"))
    }

    /// The rule of that id.
    #[must_use]
    pub fn rule(&self, id: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.id == id)
    }

    /// The teams the rules name, those apart that are named by what a pattern captures.
    pub fn teams(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().flat_map(|rule| &rule.then).filter_map(|then| match then {
            Then::Team { team, .. } if super::pattern::placeholders(team) == 0 => Some(team.as_str()),
            _ => None,
        })
    }

    /// Whether a rule takes the name of a team from a captured group name: whether a new team or alias may be meant.
    #[must_use]
    pub fn names_teams_by_capture(&self) -> bool {
        let captured = |then: &Then| matches!(then, Then::Team { team, .. } if super::pattern::placeholders(team) > 0);
        self.rules.iter().any(|rule| rule.then.iter().any(captured))
    }
}

/// `90d`.
mod days {
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(days: &u32, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{days}d"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        super::parse_days(&text).ok_or_else(|| serde::de::Error::custom("a review interval is written like 90d"))
    }
}

/// `90d` or `12w` in days: 1 day to 10 years.
pub(super) fn parse_days(text: &str) -> Option<u32> {
    let (number, factor) = match text.strip_suffix('d') {
        Some(number) => (number, 1),
        None => (text.strip_suffix('w')?, 7),
    };
    let plain = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let days = plain.then(|| number.parse::<u32>().ok())??.checked_mul(factor)?;
    (1..=3_650).contains(&days).then_some(days)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_json_form_is_the_form_of_the_file() {
        let json = json!({"version": 1, "rules": [{
            "id": "pay", "description": "d", "owner": "team-a", "review": "30d",
            "when": {"group": {"external_id": "x"}, "user": "active eq true", "integration": "okta", "unit": "/A/B"},
            "then": [
                {"team": "payments", "role": "manager", "own": "kind eq \"api\""},
                {"role": "auditor"},
                {"property": {"name": "cost", "value": [1, "a"]}},
                {"own": "kind eq \"component\""},
            ],
        }]});
        let set = RuleSet::from_json(&json.to_string()).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&set.to_json()).unwrap(), json);
        assert!(matches!(&set.rules[0].then[1], Then::Role { role } if role == "auditor"));
        assert!(matches!(&set.rules[0].then[3], Then::Own { .. }));
        assert!(!set.names_teams_by_capture());
        assert!(RuleSet::from_json("{}").is_err());
    }

    #[test]
    fn review_intervals() {
        for (text, expect) in [
            ("90d", Some(90)),
            ("2w", Some(14)),
            ("1d", Some(1)),
            ("3650d", Some(3_650)),
            ("3651d", None),
            ("0d", None),
            ("-1d", None),
            ("+1d", None),
            ("90", None),
            ("d", None),
            ("90 d", None),
            ("99999999999w", None),
        ] {
            assert_eq!(parse_days(text), expect, "{text}");
        }
    }
}
