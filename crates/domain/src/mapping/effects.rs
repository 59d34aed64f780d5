//! What a change means, added up over everybody: who gains, who loses, and what would be dangerous.
//!
//! A grant is one way to have something. What counts here is the thing: who keeps a team by another way has lost
//! nothing, and of several membership roles the strongest counts.

use super::diff::{Diff, HeldGrant};
use super::grant::{Grant, GrantKind, membership_rank};
use crate::guard::Thresholds;
use crate::person::State;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Names that a list of examples holds at most.
pub const SAMPLE: usize = 100;
/// The role that must never be lost by everybody.
pub const ADMIN: &str = "admin";

/// One person's change, as [`Effects::add`] takes it.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// Id.
    pub person: &'a str,
    /// What to call them.
    pub name: &'a str,
    /// Where they stand.
    pub state: State,
    /// Where they would stand.
    pub becomes: State,
    /// Everything they hold now, what was given by hand included.
    pub held: &'a [HeldGrant],
    /// What would change.
    pub diff: &'a Diff,
    /// They are an admin whatever their grants.
    pub admin_by_hand: bool,
}

/// Something a person has, whatever the ways.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Thing {
    /// What kind.
    pub kind: GrantKind,
    /// Of what.
    pub object: String,
}

/// One line of who gains or loses what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Id of the person.
    pub person: String,
    /// What to call them.
    pub name: String,
    /// What kind.
    pub kind: GrantKind,
    /// Of what.
    pub object: String,
    /// How it was, `None` if it was not.
    pub before: Option<String>,
    /// How it will be, `None` if it will not be.
    pub after: Option<String>,
}

/// A count with examples.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Lines {
    /// How many there are in all.
    pub count: u64,
    /// The first of them.
    pub sample: Vec<Line>,
}

impl Lines {
    fn push(&mut self, line: Line) {
        self.count += 1;
        if self.sample.len() < SAMPLE {
            self.sample.push(line);
        }
    }
}

/// How many active members a team has before and after.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TeamSize {
    /// Now.
    pub before: u64,
    /// Then.
    pub after: u64,
}

/// What a change means, added up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Effects {
    /// Persons looked at.
    pub persons: u64,
    /// Of these, persons for whom something changes.
    pub changed: u64,
    /// Of these, active persons who lose a team, a role, ownership or all access.
    pub removed: u64,
    /// Active persons looked at.
    pub active: u64,
    /// What comes.
    pub gained: Lines,
    /// What goes.
    pub lost: Lines,
    /// Membership roles that become stronger.
    pub stronger: Lines,
    /// Membership roles that become weaker.
    pub weaker: Lines,
    /// Roles that come: what gives permissions.
    pub roles: Lines,
    /// Teams whose number of active members changes, by id.
    pub teams: BTreeMap<String, TeamSize>,
    /// Active admins before and after.
    pub admins: TeamSize,
    /// Active admins who would be none any more.
    pub admins_lost: Lines,
}

/// What a change must not do unless somebody says so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "danger", rename_all = "kebab-case")]
pub enum Danger {
    /// Nobody would be left who is an active admin.
    NoAdmin,
    /// Active admins would be none any more.
    AdminsLost {
        /// How many.
        count: u64,
    },
    /// Teams would have no active member any more.
    TeamsEmptied {
        /// Their ids.
        teams: Vec<String>,
    },
    /// More people would lose something than the guard lets pass.
    TooManyRemovals {
        /// How many lose something.
        removed: u64,
        /// Of how many.
        of: u64,
        /// The threshold in per cent.
        percent: u32,
        /// The threshold in people.
        people: u32,
    },
}

impl Danger {
    /// What it is, as a stable word.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::NoAdmin => "no-admin",
            Self::AdminsLost { .. } => "admins-lost",
            Self::TeamsEmptied { .. } => "teams-emptied",
            Self::TooManyRemovals { .. } => "too-many-removals",
        }
    }
}

/// What a person has: thing to value. Of a team the strongest membership role, of properties the values in order.
type Having = BTreeMap<Thing, String>;

fn note(having: &mut Having, kind: GrantKind, object: &str, value: &str) {
    let thing = Thing { kind, object: object.to_owned() };
    let known = having.entry(thing).or_insert_with(|| value.to_owned());
    if kind == GrantKind::Team {
        if super::grant::strongest([known.as_str(), value], membership_rank) == Some(value) {
            value.clone_into(known);
        }
    } else if value < known.as_str() {
        value.clone_into(known);
    }
}

/// What somebody has by these grants, each thing once.
#[must_use]
pub fn having(held: &[HeldGrant]) -> BTreeMap<Thing, String> {
    let mut having = Having::new();
    for grant in held {
        note(&mut having, grant.kind, &grant.object, &grant.value);
    }
    having
}

/// What somebody will have after the change.
#[must_use]
pub fn having_after(held: &[HeldGrant], diff: &Diff) -> BTreeMap<Thing, String> {
    let closed: BTreeSet<i64> = diff.close.iter().map(|grant| grant.seq).collect();
    let mut after = Having::new();
    for grant in held.iter().filter(|grant| !closed.contains(&grant.seq)) {
        note(&mut after, grant.kind, &grant.object, &grant.value);
    }
    let add = |after: &mut Having, grant: &Grant| note(after, grant.kind, &grant.object, &grant.value);
    diff.open.iter().for_each(|grant| add(&mut after, grant));
    after
}

impl Effects {
    /// Adds one person.
    pub fn add(&mut self, case: &Case<'_>) {
        self.persons += 1;
        let (active, stays) = (case.state == State::Active, case.becomes == State::Active);
        self.active += u64::from(active);
        let before = having(case.held);
        if case.diff.open.is_empty() && case.diff.close.is_empty() {
            self.count(case, &before, &before);
            self.changed += u64::from(case.state != case.becomes);
            self.removed += u64::from(active && !stays);
            return;
        }
        let after = having_after(case.held, case.diff);
        self.count(case, &before, &after);
        let line = |thing: &Thing, before: Option<&String>, after: Option<&String>| Line {
            person: case.person.to_owned(),
            name: case.name.to_owned(),
            kind: thing.kind,
            object: thing.object.clone(),
            before: before.cloned(),
            after: after.cloned(),
        };
        let (mut changed, mut removed) = (false, false);
        for (thing, old) in &before {
            let new = after.get(thing);
            if new == Some(old) {
                continue;
            }
            changed = true;
            let told = line(thing, Some(old), new);
            match new {
                None => {
                    removed |= thing.kind != GrantKind::Property;
                    self.lost.push(told);
                }
                Some(new) if thing.kind == GrantKind::Team && membership_rank(new) < membership_rank(old) => {
                    self.weaker.push(told);
                }
                Some(new) if thing.kind == GrantKind::Team && membership_rank(new) > membership_rank(old) => {
                    self.stronger.push(told);
                }
                Some(_) => self.gained.push(told),
            }
        }
        for (thing, new) in after.iter().filter(|(thing, _)| !before.contains_key(thing)) {
            changed = true;
            if thing.kind == GrantKind::Role {
                self.roles.push(line(thing, None, Some(new)));
            }
            self.gained.push(line(thing, None, Some(new)));
        }
        self.changed += u64::from(changed || case.state != case.becomes);
        self.removed += u64::from(active && (removed || !stays));
    }

    /// Counts the teams and the admin role of who is active.
    fn count(&mut self, case: &Case<'_>, before: &Having, after: &Having) {
        let teams = |having: &Having| -> BTreeSet<String> {
            having.keys().filter(|thing| thing.kind == GrantKind::Team).map(|thing| thing.object.clone()).collect()
        };
        let (active, stays) = (case.state == State::Active, case.becomes == State::Active);
        for team in teams(before).into_iter().filter(|_| active) {
            self.teams.entry(team).or_default().before += 1;
        }
        for team in teams(after).into_iter().filter(|_| stays) {
            self.teams.entry(team).or_default().after += 1;
        }
        let (was, is) = (active && is_admin(case, before), stays && is_admin(case, after));
        self.admins.before += u64::from(was);
        self.admins.after += u64::from(is);
        if was && !is {
            self.admins_lost.push(Line {
                person: case.person.to_owned(),
                name: case.name.to_owned(),
                kind: GrantKind::Role,
                object: ADMIN.to_owned(),
                before: Some(String::new()),
                after: None,
            });
        }
    }

    /// Makes of what was added up over some people what it means for all: with the sizes of the teams as they are, the
    /// number of active admins and that of active people.
    pub fn among(&mut self, sizes: &BTreeMap<String, u64>, admins: u64, active: u64) {
        let whole = |size: &mut TeamSize, before: u64| {
            *size = TeamSize { before, after: (before + size.after).saturating_sub(size.before) };
        };
        for (team, size) in &mut self.teams {
            whole(size, sizes.get(team).copied().unwrap_or(0));
        }
        whole(&mut self.admins, admins);
        self.active = active;
    }

    /// The teams that would have no active member any more.
    #[must_use]
    pub fn emptied(&self) -> Vec<String> {
        let empties = |(_, size): &(&String, &TeamSize)| size.before > 0 && size.after == 0;
        self.teams.iter().filter(empties).map(|(team, _)| team.clone()).collect()
    }

    /// What somebody must say yes to first.
    #[must_use]
    pub fn dangers(&self, thresholds: Thresholds) -> Vec<Danger> {
        let mut dangers = Vec::new();
        if self.admins.before > 0 && self.admins.after == 0 {
            dangers.push(Danger::NoAdmin);
        }
        if self.admins_lost.count > 0 {
            dangers.push(Danger::AdminsLost { count: self.admins_lost.count });
        }
        let teams = self.emptied();
        if !teams.is_empty() {
            dangers.push(Danger::TeamsEmptied { teams });
        }
        if thresholds.exceeds(self.removed, self.active) {
            let Thresholds { percent, people } = thresholds;
            dangers.push(Danger::TooManyRemovals { removed: self.removed, of: self.active, percent, people });
        }
        dangers
    }

    /// Leaves only the teams whose size changes: what is shown.
    pub fn keep_changed_teams(&mut self) {
        self.teams.retain(|_, size| size.before != size.after);
    }
}

fn is_admin(case: &Case<'_>, having: &Having) -> bool {
    case.admin_by_hand || having.contains_key(&Thing { kind: GrantKind::Role, object: ADMIN.to_owned() })
}
