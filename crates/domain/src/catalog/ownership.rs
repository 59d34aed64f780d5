//! Who answers for an item, and whether that holds.

use super::Kind;

/// An owner and where it is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effective<O, T> {
    /// The owner.
    pub owner: O,
    /// The system or domain it is inherited from; `None` when the item says it itself.
    pub through: Option<T>,
}

/// The owner that counts: the item's own, else that of the nearest thing it is part of. `above` is the system, then the
/// domain and its parents.
#[must_use]
pub fn effective<O, T>(own: Option<O>, above: impl IntoIterator<Item = (T, Option<O>)>) -> Option<Effective<O, T>> {
    if let Some(owner) = own {
        return Some(Effective { owner, through: None });
    }
    above.into_iter().find_map(|(place, owner)| Some(Effective { owner: owner?, through: Some(place) }))
}

macro_rules! states {
    ($($(#[$doc:meta])* $variant:ident = $text:literal;)+) => {
        /// What is wrong with the ownership of an item.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Unhealthy { $($(#[$doc])* $variant,)+ }

        impl Unhealthy {
            /// All of them.
            pub const ALL: &[Unhealthy] = &[$(Unhealthy::$variant,)+];

            /// The stable text.
            #[must_use]
            pub fn as_str(self) -> &'static str { match self { $(Unhealthy::$variant => $text,)+ } }

            /// The state of that text.
            #[must_use]
            pub fn from_text(text: &str) -> Option<Self> { Self::ALL.iter().copied().find(|state| state.as_str() == text) }
        }
    };
}

states! {
    /// Nobody answers for it.
    Unowned = "unowned";
    /// The owner it names does not exist.
    OwnerMissing = "owner-missing";
    /// The owner is a person who is not active, or a team without an active member.
    OwnerInactive = "owner-inactive";
    /// A person owns it, not a team: allowed, but it leaves with them.
    OwnedByPerson = "owned-by-person";
    /// A team without an active member.
    TeamEmpty = "team-empty";
    /// A team with members, none of them an active manager.
    TeamWithoutManager = "team-without-manager";
}

/// What is known of an owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnerFacts {
    /// There is none.
    None,
    /// None by name, but a rule gives it to somebody who is active.
    ByRule,
    /// One is named that does not exist.
    Missing,
    /// A team with so many active members.
    Team {
        /// Distinct active persons.
        active: u64,
    },
    /// A person.
    Person {
        /// Whether they may act.
        active: bool,
    },
}

/// What is wrong with an entity whose effective owner is this. A team has no owner; see [`team_health`].
#[must_use]
pub fn health(kind: &Kind, owner: OwnerFacts) -> Vec<Unhealthy> {
    if kind.is_team() {
        return Vec::new();
    }
    match owner {
        OwnerFacts::None => vec![Unhealthy::Unowned],
        OwnerFacts::Missing => vec![Unhealthy::OwnerMissing],
        OwnerFacts::Team { active: 0 } => vec![Unhealthy::OwnerInactive],
        OwnerFacts::Team { .. } | OwnerFacts::ByRule => Vec::new(),
        OwnerFacts::Person { active: false } => vec![Unhealthy::OwnerInactive, Unhealthy::OwnedByPerson],
        OwnerFacts::Person { active: true } => vec![Unhealthy::OwnedByPerson],
    }
}

/// What is wrong with a team that has so many active members and managers of its own.
#[must_use]
pub fn team_health(active: u64, managers: u64) -> Vec<Unhealthy> {
    match (active, managers) {
        (0, _) => vec![Unhealthy::TeamEmpty],
        (_, 0) => vec![Unhealthy::TeamWithoutManager],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_owner_counts() {
        for (own, above, expect) in [
            (Some("a"), vec![("system", Some("b"))], Some(("a", None))),
            (None, vec![("system", Some("b")), ("domain", Some("c"))], Some(("b", Some("system")))),
            (None, vec![("system", None), ("domain", Some("c"))], Some(("c", Some("domain")))),
            (None, vec![("system", None)], None),
            (None, vec![], None),
        ] {
            let found = effective(own, above.clone()).map(|found| (found.owner, found.through));
            assert_eq!(found, expect, "{own:?} {above:?}");
        }
    }

    #[test]
    fn health_says_what_is_wrong() {
        use Unhealthy::{OwnedByPerson, OwnerInactive, OwnerMissing, Unowned};
        for (owner, expect) in [
            (OwnerFacts::None, vec![Unowned]),
            (OwnerFacts::ByRule, vec![]),
            (OwnerFacts::Missing, vec![OwnerMissing]),
            (OwnerFacts::Team { active: 0 }, vec![OwnerInactive]),
            (OwnerFacts::Team { active: 1 }, vec![]),
            (OwnerFacts::Person { active: true }, vec![OwnedByPerson]),
            (OwnerFacts::Person { active: false }, vec![OwnerInactive, OwnedByPerson]),
        ] {
            assert_eq!(health(&Kind::Component, owner), expect, "{owner:?}");
            assert!(health(&Kind::Team, owner).is_empty());
        }
        assert_eq!(team_health(0, 0), [Unhealthy::TeamEmpty]);
        assert_eq!(team_health(2, 0), [Unhealthy::TeamWithoutManager]);
        assert!(team_health(2, 1).is_empty());
        assert!(Unhealthy::ALL.iter().all(|state| Unhealthy::from_text(state.as_str()) == Some(*state)));
    }
}
