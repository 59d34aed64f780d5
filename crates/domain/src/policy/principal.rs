//! Who asks.

use super::action::Action;
use super::role::Role;
use super::scopes::Scopes;
use bailiwick_scim::filter::Resolved;
use std::collections::HashSet;
use std::sync::Arc;

/// What kind of caller it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrincipalKind {
    /// Whoever has the host: trusted with everything.
    Host,
    /// A person, by a session or a personal token.
    Person,
    /// A service, by a token of its own that carries a role.
    Service,
    /// An integration, by its SCIM token: nothing is its to do outside SCIM.
    Integration,
}

/// The person who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonOf {
    /// Row.
    pub seq: i64,
    /// Id, `per_...`.
    pub id: String,
    /// Name shown.
    pub display: String,
}

/// A role and how its holder came by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldRole {
    /// The role.
    pub role: Arc<Role>,
    /// How: `by hand`, `by the rule x`, `by default`, `by the token`.
    pub origin: String,
}

/// Ownership that a mapping rule gives: of everything in the catalog that the filter matches.
#[derive(Clone, Debug)]
pub struct Own {
    /// The rule.
    pub rule: String,
    /// Which entities.
    pub filter: Arc<Resolved>,
}

/// Who asks, with everything a decision needs.
#[derive(Clone, Debug)]
pub struct Principal {
    /// Id of the credential; `host`.
    pub id: String,
    /// What kind of caller.
    pub kind: PrincipalKind,
    /// The person, if it is one.
    pub person: Option<PersonOf>,
    /// Whether they may act at all.
    pub active: bool,
    /// Their roles, the strongest first.
    pub roles: Vec<HeldRole>,
    /// Rows of their teams and of all sub-teams.
    pub teams: HashSet<i64>,
    /// What rules made theirs.
    pub own: Vec<Own>,
    /// What the credential may be used for at most; `None` for everything its holder may do.
    pub scopes: Option<Scopes>,
}

impl Principal {
    /// Whoever has the host.
    #[must_use]
    pub fn host() -> Self {
        Self::new("host", PrincipalKind::Host)
    }

    /// A caller of that kind without any role.
    #[must_use]
    pub fn new(id: &str, kind: PrincipalKind) -> Self {
        Self {
            id: id.to_owned(),
            kind,
            person: None,
            active: true,
            roles: Vec::new(),
            teams: HashSet::new(),
            own: Vec::new(),
            scopes: None,
        }
    }

    /// With these roles; they are put in order.
    #[must_use]
    pub fn with_roles(mut self, mut roles: Vec<HeldRole>) -> Self {
        roles.sort_by(|a, b| b.role.rank.cmp(&a.role.rank).then_with(|| a.role.name.cmp(&b.role.name)));
        self.roles = roles;
        self
    }

    /// Whom events name as actor: the person, else the credential, else `host`.
    #[must_use]
    pub fn actor(&self) -> &str {
        self.person_id().unwrap_or(&self.id)
    }

    /// Row of the person.
    #[must_use]
    pub fn person_seq(&self) -> Option<i64> {
        self.person.as_ref().map(|person| person.seq)
    }

    /// Id of the person.
    #[must_use]
    pub fn person_id(&self) -> Option<&str> {
        self.person.as_ref().map(|person| person.id.as_str())
    }

    /// The rank of the strongest role that is in effect; the host is above all.
    #[must_use]
    pub fn rank(&self) -> u16 {
        match self.kind {
            PrincipalKind::Host => u16::MAX,
            PrincipalKind::Integration => 0,
            _ if !self.active => 0,
            _ => self.roles.first().map_or(0, |held| held.role.rank),
        }
    }

    /// Whether the scopes of the credential let the action through.
    #[must_use]
    pub fn in_scope(&self, action: Action) -> bool {
        self.scopes.as_ref().is_none_or(|scopes| scopes.actions().has(action))
    }
}
