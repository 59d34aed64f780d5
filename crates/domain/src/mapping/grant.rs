//! A grant is one thing that one person has, by one way: a team, a role, a property, ownership. The same thing by two
//! ways is two grants, so that losing one way never takes what another still gives.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What a grant gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GrantKind {
    /// Membership of a team: the object is the id of the team, the value the membership role.
    Team = 1,
    /// A role: the object is its name.
    Role = 2,
    /// A property of the person: the object is its name, the value its value as JSON.
    Property = 3,
    /// Ownership of the entities that match a filter: the object is the filter, the value the id of the team on whose
    /// behalf, or empty.
    Ownership = 4,
}

impl GrantKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Team, Self::Role, Self::Property, Self::Ownership];

    /// The stable text.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Team => "team",
            Self::Role => "role",
            Self::Property => "property",
            Self::Ownership => "ownership",
        }
    }

    /// The kind of a stored number.
    #[must_use]
    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as i64 == number)
    }
}

/// Where a grant comes from. Printed, it is what the store keeps.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// Given by somebody, by hand.
    Hand,
    /// Through a group that feeds a team.
    Feed {
        /// Id of the group.
        group: String,
    },
    /// By a mapping rule.
    Rule {
        /// Id of the rule.
        rule: String,
        /// Id of the group that matched, or of the User where the rule asks for no group.
        via: Option<String>,
    },
}

impl Origin {
    /// Reads what [`fmt::Display`] prints; `None` for an origin of another kind, which rules never touch.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text == "hand" {
            return Some(Self::Hand);
        }
        if let Some(group) = text.strip_prefix("feed:") {
            return (!group.is_empty()).then(|| Self::Feed { group: group.to_owned() });
        }
        let (rule, via) = match text.strip_prefix("rule:")?.split_once(':') {
            Some((rule, via)) => (rule, Some(via.to_owned())),
            None => (text.strip_prefix("rule:")?, None),
        };
        let whole = !rule.is_empty() && via.as_deref() != Some("");
        whole.then(|| Self::Rule { rule: rule.to_owned(), via })
    }

    /// Whether evaluation gives and takes grants of the origin with that text. What somebody did by hand stays.
    #[must_use]
    pub fn is_derived(text: &str) -> bool {
        text.starts_with("rule:") || text.starts_with("feed:")
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hand => f.write_str("hand"),
            Self::Feed { group } => write!(f, "feed:{group}"),
            Self::Rule { rule, via: Some(via) } => write!(f, "rule:{rule}:{via}"),
            Self::Rule { rule, via: None } => write!(f, "rule:{rule}"),
        }
    }
}

/// What a step of a path is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StepKind {
    /// A User of the person.
    User,
    /// A group: the first is the one the User is a member of, each next holds the one before.
    Group,
    /// The rule that gave it.
    Rule,
    /// The feed of a team by the last group.
    Feed,
    /// Somebody or something that gave it by hand: a person, a token, an import.
    Hand,
}

impl StepKind {
    /// The stable text.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
            Self::Rule => "rule",
            Self::Feed => "feed",
            Self::Hand => "hand",
        }
    }
}

/// One step of the way a grant came.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Step {
    /// What it is.
    pub kind: StepKind,
    /// Its id.
    pub id: String,
    /// What it was called.
    pub name: String,
}

/// Something a person is to have.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Grant {
    /// What it gives.
    pub kind: GrantKind,
    /// Of what: see [`GrantKind`].
    pub object: String,
    /// How: see [`GrantKind`].
    pub value: String,
    /// Where it comes from.
    pub origin: Origin,
    /// How it came: from the person's User over groups, the nearest first, to the rule or feed.
    pub path: Vec<Step>,
}

/// A path as the store keeps it.
#[must_use]
pub fn path_text(path: &[Step]) -> String {
    // Plain structs of texts always serialise.
    serde_json::to_string(path).unwrap_or_default()
}

/// Reads [`path_text`]; a path that cannot be read is empty, the grant itself stands.
#[must_use]
pub fn parse_path(text: &str) -> Vec<Step> {
    serde_json::from_str(text).unwrap_or_default()
}

/// How strong a membership role is: `manager`, then `contributor`, then any other.
#[must_use]
pub fn membership_rank(role: &str) -> u8 {
    match role {
        "manager" => 2,
        "contributor" => 1,
        _ => 0,
    }
}

/// Of several the strongest: the highest rank, then the first by name, so that everybody names the same one.
#[must_use]
pub fn strongest<'a, R: Ord>(names: impl IntoIterator<Item = &'a str>, rank: impl Fn(&str) -> R) -> Option<&'a str> {
    names.into_iter().max_by(|left, right| rank(left).cmp(&rank(right)).then_with(|| right.cmp(left)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_print_and_parse() {
        for text in ["hand", "feed:g1", "rule:pay:g1", "rule:pay", "rule:pay:a:b"] {
            assert_eq!(Origin::parse(text).map(|origin| origin.to_string()).as_deref(), Some(text));
        }
        for text in ["", "feed:", "rule:", "rule::g1", "rule:pay:", "import:x", "handy"] {
            assert_eq!(Origin::parse(text), None, "{text}");
        }
        assert!(Origin::is_derived("rule:a:b") && Origin::is_derived("feed:g"));
        assert!(!Origin::is_derived("hand") && !Origin::is_derived("import:x"));
    }

    #[test]
    fn kinds_have_a_number_and_a_word() {
        for kind in GrantKind::ALL {
            assert_eq!(GrantKind::from_number(kind as i64), Some(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
        assert_eq!(GrantKind::from_number(0), None);
        assert_eq!(GrantKind::from_number(5), None);
    }

    #[test]
    fn paths_are_kept_as_text() {
        let path = vec![Step { kind: StepKind::User, id: "u".to_owned(), name: "Ann \"A\"".to_owned() }];
        assert_eq!(parse_path(&path_text(&path)), path);
        assert_eq!(parse_path("nonsense"), Vec::new());
    }

    #[test]
    fn the_strongest_wins() {
        let check = |roles: &[&str], expect: Option<&str>| {
            assert_eq!(strongest(roles.iter().copied(), membership_rank), expect, "{roles:?}");
        };
        check(&["contributor", "manager", "guest"], Some("manager"));
        check(&["guest", "contributor"], Some("contributor"));
        check(&["guest", "aide"], Some("aide"));
        check(&["aide", "guest"], Some("aide"));
        check(&[], None);
    }
}
