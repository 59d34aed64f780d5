//! The removal guard: a directory that suddenly removes many people has more likely gone wrong than lost them.
//!
//! [`weigh`] looks at what a change of one integration would take away and says what may happen at once and what has to
//! wait until somebody approves it. It never delays ordinary life: only people provisioned more than a day ago count,
//! and only what lies beyond the [`Thresholds`] waits. Besides, no change of groups empties a team of several people or
//! takes the admin role from the last who hold it. [`Hold`] is what waits.

mod hold;

pub use hold::{Decision, HELD_SHOWN, Hold, HoldState, REQUESTS_KEPT};

use std::collections::BTreeSet;
use std::fmt;

/// Removals are counted over this time, in milliseconds.
pub const WINDOW_MS: i64 = 60 * 60 * 1_000;
/// People provisioned for less than this do not count, in milliseconds.
pub const SEASON_MS: i64 = 24 * 60 * 60 * 1_000;
/// A team of at least so many people is not emptied by a change of groups.
pub const TEAM_PEOPLE: u64 = 2;

/// How much an integration may remove within an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Thresholds {
    /// More than this share of its people, in per cent.
    pub percent: u32,
    /// And at least so many.
    pub people: u32,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { percent: 10, people: 5 }
    }
}

impl Thresholds {
    /// Whether so many removals of so many people are too many.
    #[must_use]
    pub fn exceeds(self, removed: u64, of: u64) -> bool {
        let (removed, of) = (u128::from(removed), u128::from(of));
        removed >= u128::from(self.people) && removed * 100 > u128::from(self.percent) * of
    }

    /// Thresholds that everything exceeds which exceeds one of the two.
    #[must_use]
    pub fn strictest(self, other: Self) -> Self {
        Self { percent: self.percent.min(other.percent), people: self.people.min(other.people) }
    }
}

/// What one person would lose.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Lost {
    /// Everything: the person is switched off or closed.
    Access,
    /// A membership of a team.
    Team {
        /// Id of the team.
        team: String,
    },
    /// A role.
    Role {
        /// Its name.
        role: String,
    },
    /// Something else that was given: a property, ownership.
    Other {
        /// What.
        what: String,
    },
}

/// A person who would lose something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// Row of the person.
    pub person: i64,
    /// Provisioned more than a day ago.
    pub seasoned: bool,
    /// What.
    pub lost: Vec<Lost>,
}

/// What the last hour has seen of an integration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// Seasoned people who lost something at once.
    pub removed: BTreeSet<i64>,
    /// Seasoned people who would lose something by what is still to be looked at of the same change.
    pub foreseen: BTreeSet<i64>,
    /// Seasoned people who are active now, before the change.
    pub active: u64,
}

/// A team that would lose members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TeamLoss {
    /// Id of the team.
    pub team: String,
    /// Active people in it before the change, and those who left it within the hour.
    pub before: u64,
    /// Active people in it afterwards.
    pub after: u64,
}

/// What kind of change it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// A User was switched off or deleted: one person leaves, as people do.
    Leaver,
    /// Anything else: members of groups, groups, attributes.
    Groups,
}

/// Why something waits.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Reason {
    /// Too many people within an hour.
    Share {
        /// With this change.
        removed: u64,
        /// Of so many.
        of: u64,
        /// What is allowed.
        thresholds: Thresholds,
    },
    /// A team would be empty.
    EmptiesTeam {
        /// Id of the team.
        team: String,
        /// How many were in it.
        people: u64,
    },
    /// Nobody who is active would hold the admin role.
    LastAdmins,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Share { removed, of, thresholds } => write!(
                f,
                "{removed} of {of} people would lose access within an hour; more than {} per cent and at least {} wait",
                thresholds.percent, thresholds.people
            ),
            Self::EmptiesTeam { team, people } => write!(f, "the team {team} of {people} people would be empty"),
            Self::LastAdmins => f.write_str("the last active admins would lose their role"),
        }
    }
}

/// What may happen and what waits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// People of whom nothing is taken away for now.
    pub held: BTreeSet<i64>,
    /// Seasoned people who lose something at once: they count against the next change.
    pub removed: BTreeSet<i64>,
    /// Why something waits; empty when nothing does.
    pub reasons: Vec<Reason>,
}

/// Weighs a change of one integration. `admins_left` says whether an active admin would be left.
#[must_use]
pub fn weigh(
    thresholds: Thresholds,
    change: Change,
    window: &Window,
    losses: &[Loss],
    teams: &[TeamLoss],
    admins_left: bool,
) -> Verdict {
    let mut verdict = Verdict::default();
    let seasoned = || losses.iter().filter(|loss| loss.seasoned && !loss.lost.is_empty()).map(|loss| loss.person);
    let earlier = window.removed.iter().chain(&window.foreseen).copied();
    let removed = earlier.chain(seasoned()).collect::<BTreeSet<_>>().len() as u64;
    // Who was removed within the hour is not active any more and was part of the whole all the same.
    let of = (window.active + window.removed.len() as u64).max(removed);
    if seasoned().next().is_some() && thresholds.exceeds(removed, of) {
        verdict.held.extend(seasoned());
        verdict.reasons.push(Reason::Share { removed, of, thresholds });
    }
    if change == Change::Groups {
        for team in teams.iter().filter(|team| team.before >= TEAM_PEOPLE && team.after == 0) {
            let leaves =
                |loss: &&Loss| loss.lost.iter().any(|lost| matches!(lost, Lost::Team { team: id } if *id == team.team));
            verdict.held.extend(losses.iter().filter(leaves).map(|loss| loss.person));
            verdict.reasons.push(Reason::EmptiesTeam { team: team.team.clone(), people: team.before });
        }
        if !admins_left {
            let admin = |lost: &Lost| matches!(lost, Lost::Role { role } if role == ADMIN);
            let losing = losses.iter().filter(|loss| loss.lost.iter().any(admin)).map(|loss| loss.person);
            let losing: BTreeSet<i64> = losing.collect();
            // Said also of those who wait for another reason: whoever decides must know.
            if !losing.is_empty() {
                verdict.reasons.push(Reason::LastAdmins);
            }
            verdict.held.extend(losing);
        }
    }
    verdict.removed = seasoned().filter(|person| !verdict.held.contains(person)).collect();
    verdict
}

/// The role that must not die out.
pub const ADMIN: &str = "admin";

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_share_is_too_much_only_beyond_both_thresholds() {
        let check = |percent, people, removed, of, expect| {
            assert_eq!(Thresholds { percent, people }.exceeds(removed, of), expect, "{removed} of {of}");
        };
        check(10, 5, 4, 5, false);
        check(10, 5, 5, 5, true);
        check(10, 5, 5, 49, true);
        check(10, 5, 5, 50, false);
        check(10, 5, 10, 100, false);
        check(10, 5, 11, 100, true);
        check(10, 5, 500, 500, true);
        check(0, 0, 0, 0, false);
        check(0, 1, 1, 1_000_000, true);
        check(100, 1, 7, 7, false);
        check(10, 5, u64::MAX, u64::MAX, true);
    }

    fn access(person: i64) -> Loss {
        Loss { person, seasoned: true, lost: vec![Lost::Access] }
    }

    fn team(person: i64, team: &str) -> Loss {
        Loss { person, seasoned: true, lost: vec![Lost::Team { team: team.to_owned() }] }
    }

    fn verdict(change: Change, window: &Window, losses: &[Loss], teams: &[TeamLoss]) -> Verdict {
        weigh(Thresholds::default(), change, window, losses, teams, true)
    }

    #[test]
    fn leavers_act_at_once_until_they_are_too_many() {
        let mut window = Window { active: 100, ..Window::default() };
        let mut held = Vec::new();
        for person in 0..20 {
            let verdict = verdict(Change::Leaver, &window, &[access(person)], &[]);
            if verdict.held.is_empty() {
                assert_eq!(verdict.removed, BTreeSet::from([person]));
                window.removed.insert(person);
                window.active -= 1;
            } else {
                assert!(verdict.removed.is_empty());
                held.push(person);
            }
        }
        assert_eq!(held, (10..20).collect::<Vec<_>>());
    }

    #[test]
    fn a_large_change_waits_as_a_whole_and_newcomers_do_not_count() {
        let window = Window { active: 40, ..Window::default() };
        let losses: Vec<Loss> = (0..6).map(|person| team(person, "a")).collect();
        let held = verdict(Change::Groups, &window, &losses, &[]);
        assert_eq!((held.held.len(), held.removed.len(), held.reasons.len()), (6, 0, 1));
        let new: Vec<Loss> = losses.iter().cloned().map(|loss| Loss { seasoned: false, ..loss }).collect();
        assert_eq!(verdict(Change::Groups, &window, &new, &[]), Verdict::default());
        let mixed: Vec<Loss> =
            losses.into_iter().chain(new.into_iter().map(|loss| Loss { person: 90, ..loss })).collect();
        assert!(!verdict(Change::Groups, &window, &mixed, &[]).held.contains(&90));
        // Two are not too many, but they are a part of five.
        let part = [team(0, "a"), team(1, "a")];
        assert_eq!(verdict(Change::Groups, &window, &part, &[]).removed.len(), 2);
        let window = Window { foreseen: BTreeSet::from([1, 2, 3, 4]), ..window };
        assert_eq!(verdict(Change::Groups, &window, &part, &[]).held, BTreeSet::from([0, 1]));
    }

    #[test]
    fn groups_never_empty_a_team_nor_take_the_last_admin_and_a_leaver_may() {
        let window = Window { active: 1_000, ..Window::default() };
        let losses = [team(1, "a"), Loss { seasoned: false, ..team(2, "a") }, team(3, "b")];
        let teams = |before, after| [TeamLoss { team: "a".to_owned(), before, after }];
        let check = |change, teams: &[TeamLoss], expect: &[i64]| {
            let verdict = verdict(change, &window, &losses, teams);
            assert_eq!(verdict.held.iter().copied().collect::<Vec<_>>(), expect, "{teams:?}");
        };
        check(Change::Groups, &teams(2, 0), &[1, 2]);
        check(Change::Groups, &teams(2, 1), &[]);
        check(Change::Groups, &teams(1, 0), &[]);
        check(Change::Leaver, &teams(2, 0), &[]);
        let admin =
            [Loss { person: 4, seasoned: false, lost: vec![Lost::Role { role: ADMIN.to_owned() }] }, team(1, "a")];
        let held = weigh(Thresholds::default(), Change::Groups, &window, &admin, &[], false);
        assert_eq!((held.held, held.reasons), (BTreeSet::from([4]), vec![Reason::LastAdmins]));
        assert!(weigh(Thresholds::default(), Change::Groups, &window, &admin, &[], true).held.is_empty());
    }

    proptest! {
        /// However removals are spread over changes, what happens at once within an hour stays below the threshold.
        #[test]
        fn the_strictest_is_never_laxer_than_either(
            one in (0_u32..=100, 0_u32..50), two in (0_u32..=100, 0_u32..50), removed in 0_u64..60, of in 0_u64..500,
        ) {
            let [one, two] = [one, two].map(|(percent, people)| Thresholds { percent, people });
            let both = one.strictest(two);
            prop_assert_eq!(both, two.strictest(one));
            prop_assert!(both.exceeds(removed, of) || !(one.exceeds(removed, of) || two.exceeds(removed, of)));
        }

        #[test]
        fn what_acts_at_once_never_exceeds(
            people in 1_u64..400,
            percent in 0_u32..100,
            least in 1_u32..20,
            sizes in proptest::collection::vec(1_usize..30, 1..40),
        ) {
            let thresholds = Thresholds { percent, people: least };
            let mut window = Window { active: people, ..Window::default() };
            let mut next = 0_i64;
            for size in sizes {
                let batch: Vec<Loss> =
                    (0..size).map(|_| { next += 1; access(next) }).filter(|loss| loss.person <= people as i64).collect();
                let verdict = weigh(thresholds, Change::Groups, &window, &batch, &[], true);
                window.active -= verdict.removed.len() as u64;
                window.removed.extend(verdict.removed);
                prop_assert!(!thresholds.exceeds(window.removed.len() as u64, people));
            }
        }
    }
}
