//! The decision.

use super::action::{Action, ActionSet};
use super::principal::{HeldRole, Principal, PrincipalKind};
use super::role::{Reach, Role, builtins};
use bailiwick_scim::filter::matches;
use std::fmt;

/// What an action concerns.
#[derive(Clone, Copy, Debug)]
pub enum Object<'a> {
    /// Nothing that could be owned.
    None,
    /// Something not known yet: whether the action is permitted on anything at all. A door asks so before it reads; the
    /// use case asks again with what it found.
    Any,
    /// A team or catalog entity.
    Item {
        /// Row; 0 for one that is about to be made.
        seq: i64,
        /// `team`, `component`, ...
        kind: &'a str,
        /// The team that owns it, be it through its system or domain. For a team: its parent.
        owner: Option<Named>,
        /// Row of the person who owns it.
        owner_person: Option<i64>,
        /// Its document, against which ownership by rule is matched.
        document: Option<&'a bailiwick_scim::Object>,
    },
    /// A person.
    Person {
        /// Row.
        seq: i64,
    },
    /// A token, session or invite.
    Token {
        /// Row of the person it acts as; none for a service token.
        person: Option<i64>,
    },
    /// A hand-over task.
    Task {
        /// Row of the team that owns what is handed over.
        owner: Option<i64>,
        /// Row of the person to whom it is assigned or suggested.
        assignee: Option<i64>,
    },
}

/// What the name of an owner leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// The team of this row.
    Team(i64),
    /// Nobody: the team or person is not there. What names an owner is not nobody's, so this is no team-member's own.
    Missing,
}

impl Named {
    /// Row of the team, if there is one.
    #[must_use]
    pub fn team(self) -> Option<i64> {
        match self {
            Self::Team(team) => Some(team),
            Self::Missing => None,
        }
    }
}

/// The outcome, with reasons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Whether it is permitted.
    pub permitted: bool,
    /// Why; of several roles the strongest first.
    pub reasons: Vec<Reason>,
}

/// Why something is permitted or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Permitted: who has the host is trusted.
    Host,
    /// Permitted: everybody looks after what is their own.
    OwnAffair,
    /// Permitted by a role.
    Role {
        /// Name of the role.
        role: String,
        /// How it is held.
        origin: String,
        /// What makes it reach the object.
        because: Because,
    },
    /// Refused: not active.
    Inactive,
    /// Refused: an integration does nothing outside SCIM.
    Integration,
    /// Refused: the token is not meant for it.
    Scope {
        /// The scopes it has.
        scopes: String,
    },
    /// Refused: a role permits it only on what is owned, and this is not.
    NotOwned {
        /// Name of the role.
        role: String,
    },
    /// Refused: it belongs to somebody else.
    NotTheirs,
    /// Refused: no role permits it. These built-in ones would.
    NoRole {
        /// Names, the weakest first.
        would: Vec<String>,
    },
}

/// What makes a role reach an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Because {
    /// It permits the action everywhere.
    Everywhere,
    /// A team of the person, or one below it, owns it.
    Team,
    /// The person owns it or is meant by it.
    Person,
    /// Nobody owns it.
    Unowned,
    /// A mapping rule makes it theirs.
    Rule(String),
    /// There are things it reaches.
    Some,
}

/// Whether the action is permitted. Fast, and the same answer as [`decide`].
#[must_use]
pub fn permits(principal: &Principal, action: Action, on: &Object<'_>) -> bool {
    match principal.kind {
        PrincipalKind::Host => return principal.in_scope(action),
        PrincipalKind::Integration => return false,
        PrincipalKind::Person | PrincipalKind::Service => {}
    }
    if !principal.active || !principal.in_scope(action) {
        return false;
    }
    if own_affair(principal, action, on) {
        return true;
    }
    let mut owned = None;
    principal.roles.iter().any(|held| match held.role.reach(action) {
        None => false,
        Some(Reach::Everywhere) => !only_ones_own(action) || is_theirs(principal, on),
        Some(Reach::Owned) => *owned.get_or_insert_with(|| owns(principal, on).is_some()),
    })
}

/// Decides, and says why.
#[must_use]
pub fn decide(principal: &Principal, action: Action, on: &Object<'_>) -> Decision {
    let no = |reason| Decision { permitted: false, reasons: vec![reason] };
    let yes = |reason| Decision { permitted: true, reasons: vec![reason] };
    match principal.kind {
        PrincipalKind::Integration => return no(Reason::Integration),
        _ if !principal.active => return no(Reason::Inactive),
        _ => {}
    }
    if let Some(scopes) = principal.scopes.as_ref().filter(|scopes| !scopes.actions().has(action)) {
        return no(Reason::Scope { scopes: scopes.to_string() });
    }
    if principal.kind == PrincipalKind::Host {
        return yes(Reason::Host);
    }
    if own_affair(principal, action, on) {
        return yes(Reason::OwnAffair);
    }
    let by_role: Vec<Reason> = principal.roles.iter().filter_map(|held| by_role(principal, held, action, on)).collect();
    if !by_role.is_empty() {
        return Decision { permitted: true, reasons: by_role };
    }
    let short = |held: &&HeldRole| held.role.reach(action).is_some();
    let mut reasons: Vec<Reason> = match only_ones_own(action) {
        true => principal.roles.iter().find(short).map(|_| Reason::NotTheirs).into_iter().collect(),
        false => principal.roles.iter().filter(short).map(|held| not_owned(&held.role)).collect(),
    };
    if reasons.first() != Some(&Reason::NotTheirs) {
        reasons.push(Reason::NoRole { would: would(action) });
    }
    Decision { permitted: false, reasons }
}

fn not_owned(role: &Role) -> Reason {
    Reason::NotOwned { role: role.name.clone() }
}

fn by_role(principal: &Principal, held: &HeldRole, action: Action, on: &Object<'_>) -> Option<Reason> {
    let because = match held.role.reach(action)? {
        Reach::Everywhere if only_ones_own(action) => is_theirs(principal, on).then_some(Because::Person)?,
        Reach::Everywhere => Because::Everywhere,
        Reach::Owned => owns(principal, on)?,
    };
    Some(Reason::Role { role: held.role.name.clone(), origin: held.origin.clone(), because })
}

/// The built-in roles that permit the action on everything, the weakest first.
fn would(action: Action) -> Vec<String> {
    let mut roles = builtins();
    roles.reverse();
    roles.into_iter().filter(|role| role.everywhere.has(action)).map(|role| role.name).collect()
}

/// Looking after one's own sessions needs no role: it is how somebody signs out. Reading what is known of oneself
/// neither.
fn own_affair(principal: &Principal, action: Action, on: &Object<'_>) -> bool {
    const OF_ONESELF: ActionSet = ActionSet::of(&[Action::AccessRead, Action::PersonRead]);
    let person = principal.person_seq();
    match on {
        Object::None | Object::Any => action == Action::ProfileOwn && person.is_some(),
        Object::Person { seq } => person == Some(*seq) && (action == Action::ProfileOwn || OF_ONESELF.has(action)),
        Object::Token { person: of } => person.is_some() && person == *of && action == Action::ProfileOwn,
        Object::Item { .. } | Object::Task { .. } => false,
    }
}

/// Actions that concern one's own things, whatever the role.
const fn only_ones_own(action: Action) -> bool {
    matches!(action, Action::ProfileOwn | Action::TokenOwn)
}

fn is_theirs(principal: &Principal, on: &Object<'_>) -> bool {
    let Some(person) = principal.person_seq() else { return false };
    match on {
        Object::None | Object::Any => true,
        Object::Person { seq } => *seq == person,
        Object::Token { person: of } => *of == Some(person),
        Object::Item { .. } | Object::Task { .. } => false,
    }
}

/// Whether the object is within [`Reach::Owned`], and through what.
fn owns(principal: &Principal, on: &Object<'_>) -> Option<Because> {
    match on {
        Object::Any => Some(Because::Some),
        Object::Item { seq, kind, owner, owner_person, document } => {
            let team = owner.and_then(Named::team).is_some_and(|team| principal.teams.contains(&team));
            // A team is its members' own, and so is one below it. One without a parent is not nobody's.
            let is_team = *kind == "team";
            if team || (is_team && principal.teams.contains(seq)) {
                return Some(Because::Team);
            }
            if owner_person.is_some() && *owner_person == principal.person_seq() {
                return Some(Because::Person);
            }
            if !is_team && owner.is_none() && owner_person.is_none() {
                return Some(Because::Unowned);
            }
            let document = (*document)?;
            let own = principal.own.iter().find(|own| matches(&own.filter, document))?;
            Some(Because::Rule(own.rule.clone()))
        }
        Object::Task { owner, assignee } => {
            if assignee.is_some() && *assignee == principal.person_seq() {
                return Some(Because::Person);
            }
            owner.is_some_and(|team| principal.teams.contains(&team)).then_some(Because::Team)
        }
        Object::None | Object::Person { .. } | Object::Token { .. } => None,
    }
}

impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everywhere => f.write_str("on everything"),
            Self::Team => f.write_str("on what their teams own"),
            Self::Person => f.write_str("on what is their own"),
            Self::Unowned => f.write_str("on what nobody owns"),
            Self::Rule(rule) => write!(f, "on what the rule \"{rule}\" makes theirs"),
            Self::Some => f.write_str("on some things"),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host => f.write_str("who has the host is trusted"),
            Self::OwnAffair => f.write_str("it concerns only themselves"),
            Self::Role { role, origin, because } => write!(f, "the role {role}, held {origin}, permits it {because}"),
            Self::Inactive => f.write_str("the person is not active"),
            Self::Integration => f.write_str("the token of an integration is for SCIM alone"),
            Self::Scope { scopes } => write!(f, "the token has only the scopes: {scopes}"),
            Self::NotOwned { role } => write!(f, "the role {role} permits it only on what one's teams own"),
            Self::NotTheirs => f.write_str("it belongs to somebody else"),
            Self::NoRole { would } => write!(f, "it takes one of the roles: {}", would.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests;
