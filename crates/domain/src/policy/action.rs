//! Everything that can be asked for, by name.

use std::fmt;

macro_rules! actions {
    ($($(#[doc = $doc:literal])* $variant:ident = $text:literal, $reads:literal;)+) => {
        /// What is asked for. The text stands in custom roles, in scopes of tokens and in answers.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Action { $($(#[doc = $doc])* $variant,)+ }

        impl Action {
            /// Every action.
            pub const ALL: &[Action] = &[$(Action::$variant,)+];

            /// The stable text.
            #[must_use]
            pub const fn as_str(self) -> &'static str { match self { $(Action::$variant => $text,)+ } }

            /// Whether it changes nothing.
            #[must_use]
            pub const fn reads(self) -> bool { match self { $(Action::$variant => $reads,)+ } }

            /// What it is, as a sentence for people.
            #[must_use]
            pub fn says(self) -> &'static str { match self { $(Action::$variant => concat!($($doc),+).trim_ascii_start(),)+ } }
        }
    };
}

actions! {
    /// Explain who has which teams, roles and ownership, and through what.
    AccessRead = "access.read", true;
    /// Read the journal and verify its seal.
    AuditRead = "audit.read", true;
    /// Create, change and delete catalog entities.
    CatalogEdit = "catalog.edit", false;
    /// Read catalog entities and the health of their ownership.
    CatalogRead = "catalog.read", true;
    /// Decide whether a pair of the conflict queue is one human.
    ConflictDecide = "conflict.decide", false;
    /// Read the conflict queue.
    ConflictRead = "conflict.read", true;
    /// Close, assign and decline hand-over tasks.
    HandoverDecide = "handover.decide", false;
    /// Read hand-over tasks and the report of leavers.
    HandoverRead = "handover.read", true;
    /// Approve or reject what the guard holds back.
    HoldDecide = "hold.decide", false;
    /// Read what the guard holds back.
    HoldRead = "hold.read", true;
    /// Import descriptors, and look after the sources of imports.
    ImportRun = "import.run", false;
    /// Connect, change and delete integrations, their domains, tokens and attribute mapping.
    IntegrationManage = "integration.manage", false;
    /// Read integrations and how they fare.
    IntegrationRead = "integration.read", true;
    /// Read the metrics of the server.
    MetricsRead = "metrics.read", true;
    /// Make, change, switch off and on persons that no integration keeps, and invite them.
    PersonEdit = "person.edit", false;
    /// Read persons.
    PersonRead = "person.read", true;
    /// See and end one's own sessions.
    ProfileOwn = "profile.own", false;
    /// Make custom roles, and give and take roles by hand.
    RoleManage = "role.manage", false;
    /// Read roles and who holds them.
    RoleRead = "role.read", true;
    /// Change, apply and review mapping rules.
    RuleManage = "rule.manage", false;
    /// Read mapping rules, preview and try them.
    RuleRead = "rule.read", true;
    /// Change settings of the store.
    SettingsManage = "settings.manage", false;
    /// Define tiers, lifecycles and properties.
    StandardsManage = "standards.manage", false;
    /// Create, change and delete teams and their members.
    TeamEdit = "team.edit", false;
    /// Read teams and their members.
    TeamRead = "team.read", true;
    /// Make service tokens; end the tokens, sessions and invites of others.
    TokenManage = "token.manage", false;
    /// Make, see and revoke one's own API tokens.
    TokenOwn = "token.own", false;
    /// See the tokens, sessions and invites of others; their text is shown to nobody.
    TokenRead = "token.read", true;
    /// Make, change and delete webhooks.
    WebhookManage = "webhook.manage", false;
    /// Read webhooks and their deliveries.
    WebhookRead = "webhook.read", true;
}

impl Action {
    /// The action of that text.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|action| action.as_str() == text)
    }

    /// Whether it concerns things that a team or person can own, so that a role may permit it on those alone.
    #[must_use]
    pub const fn can_be_owned(self) -> bool {
        matches!(self, Self::CatalogEdit | Self::TeamEdit | Self::HandoverDecide)
    }

    const fn bit(self) -> u64 {
        1 << self as u64
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A set of actions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ActionSet(u64);

const _: () = assert!(Action::ALL.len() <= 64, "a set of actions is a word of 64 bits");

impl ActionSet {
    /// No action.
    pub const NONE: ActionSet = ActionSet(0);
    /// Every action.
    pub const EVERY: ActionSet = ActionSet::of(Action::ALL);

    /// These.
    #[must_use]
    pub const fn of(actions: &[Action]) -> Self {
        let (mut bits, mut index) = (0, 0);
        while index < actions.len() {
            bits |= actions[index].bit();
            index += 1;
        }
        Self(bits)
    }

    /// Those that change nothing.
    #[must_use]
    pub const fn reading() -> Self {
        let (mut bits, mut index) = (0, 0);
        while index < Action::ALL.len() {
            if Action::ALL[index].reads() {
                bits |= Action::ALL[index].bit();
            }
            index += 1;
        }
        Self(bits)
    }

    /// Whether it holds the action.
    #[must_use]
    pub const fn has(self, action: Action) -> bool {
        self.0 & action.bit() != 0
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those of both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Those that the other has not.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Those that the other has, too.
    #[must_use]
    pub const fn within(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// One by one, in the order of their names.
    pub fn iter(self) -> impl Iterator<Item = Action> {
        Action::ALL.iter().copied().filter(move |action| self.has(*action))
    }
}

impl FromIterator<Action> for ActionSet {
    fn from_iter<T: IntoIterator<Item = Action>>(actions: T) -> Self {
        Self(actions.into_iter().fold(0, |bits, action| bits | action.bit()))
    }
}

impl fmt::Display for ActionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, action) in self.iter().enumerate() {
            write!(f, "{}{action}", if index == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_have_stable_texts_in_order() {
        let texts: Vec<&str> = Action::ALL.iter().map(|action| action.as_str()).collect();
        assert!(texts.is_sorted() && texts.len() > 25);
        for action in Action::ALL {
            assert_eq!(Action::from_text(action.as_str()), Some(*action));
            assert!(action.says().ends_with('.') && !action.says().starts_with(' '), "{action}");
            assert_eq!(action.as_str().ends_with(".read"), action.reads(), "{action}");
        }
        assert_eq!(Action::from_text("catalog.destroy"), None);
    }

    #[test]
    fn sets_are_sets() {
        let some = ActionSet::of(&[Action::CatalogEdit, Action::TeamRead]);
        assert!(some.has(Action::CatalogEdit) && !some.has(Action::TeamEdit));
        assert_eq!(some.to_string(), "catalog.edit, team.read");
        assert_eq!(some.without(ActionSet::reading()).to_string(), "catalog.edit");
        assert_eq!(some.within(ActionSet::reading()).to_string(), "team.read");
        assert_eq!(ActionSet::EVERY.iter().count(), Action::ALL.len());
        assert!(ActionSet::NONE.is_empty() && ActionSet::NONE.and(some) == some);
    }
}
