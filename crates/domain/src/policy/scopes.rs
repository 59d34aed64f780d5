//! What a token may be used for at most. Scopes narrow what its holder may do; they never widen it.

use super::action::{Action, ActionSet};
use std::fmt;

/// Most scopes a token has.
const SCOPES_MAX: usize = 40;

/// One word of a token's scopes: a named bundle or a single action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everything.
    Admin,
    /// The journal, and who has what access through what.
    Audit,
    /// Catalog, teams, imports, standards and hand-overs.
    Catalog,
    /// The metrics of the server.
    Metrics,
    /// Persons, conflicts, holds; one's own sessions.
    People,
    /// Everything that changes nothing.
    Read,
    /// Mapping rules and what they give.
    Rules,
    /// Reading, and changing what is not about access: no roles, tokens, integrations, rules, webhooks or settings.
    Write,
    /// A single action.
    Action(Action),
}

const NAMED: [(&str, Scope); 8] = [
    ("admin", Scope::Admin),
    ("audit", Scope::Audit),
    ("catalog", Scope::Catalog),
    ("metrics", Scope::Metrics),
    ("people", Scope::People),
    ("read", Scope::Read),
    ("rules", Scope::Rules),
    ("write", Scope::Write),
];

impl Scope {
    /// The bundles, without the single actions.
    pub const BUNDLES: &[Scope] = &[
        Scope::Admin,
        Scope::Audit,
        Scope::Catalog,
        Scope::Metrics,
        Scope::People,
        Scope::Read,
        Scope::Rules,
        Scope::Write,
    ];

    /// The stable text.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Action(action) => action.as_str(),
            bundle => NAMED.iter().find(|(_, scope)| *scope == bundle).map_or("", |(text, _)| text),
        }
    }

    /// The scope of that text.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let named = NAMED.iter().find(|(name, _)| *name == text).map(|(_, scope)| *scope);
        named.or_else(|| Action::from_text(text).map(Self::Action))
    }

    /// What it lets through.
    #[must_use]
    pub fn actions(self) -> ActionSet {
        use Action::*;
        match self {
            Self::Admin => ActionSet::EVERY,
            Self::Audit => ActionSet::of(&[AuditRead, AccessRead]),
            Self::Catalog => ActionSet::of(&[
                CatalogRead,
                CatalogEdit,
                TeamRead,
                TeamEdit,
                PersonRead,
                HandoverRead,
                HandoverDecide,
                ImportRun,
                StandardsManage,
            ]),
            Self::Metrics => ActionSet::of(&[MetricsRead]),
            Self::People => ActionSet::of(&[
                PersonRead,
                PersonEdit,
                ProfileOwn,
                TeamRead,
                ConflictRead,
                ConflictDecide,
                HoldRead,
                HoldDecide,
                HandoverRead,
            ]),
            Self::Read => ActionSet::reading(),
            Self::Rules => ActionSet::of(&[RuleRead, RuleManage, AccessRead, TeamRead, PersonRead, RoleRead]),
            Self::Write => ActionSet::reading().and(ActionSet::of(&[
                CatalogEdit,
                TeamEdit,
                PersonEdit,
                HandoverDecide,
                ConflictDecide,
                HoldDecide,
                ImportRun,
                StandardsManage,
            ])),
            Self::Action(action) => ActionSet::of(&[action]),
        }
    }
}

/// The scopes of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scopes {
    words: Vec<Scope>,
    actions: ActionSet,
}

impl Scopes {
    /// Reads the words of a token's scopes.
    ///
    /// # Errors
    /// A sentence that names the word that is none, or says that there is none or too many.
    pub fn parse<S: AsRef<str>>(words: &[S]) -> Result<Self, String> {
        if words.is_empty() {
            return Err("A token needs at least one scope.".to_owned());
        }
        if words.len() > SCOPES_MAX {
            return Err(format!("A token has at most {SCOPES_MAX} scopes."));
        }
        let mut read: Vec<Scope> = Vec::new();
        for word in words {
            let word = word.as_ref();
            let scope = Scope::from_text(word).ok_or_else(|| {
                let named: Vec<&str> = NAMED.iter().map(|(name, _)| *name).collect();
                let shown: String = word.chars().filter(|c| !c.is_control()).take(60).collect();
                format!("There is no scope \"{shown}\". Use {} or the name of an action.", named.join(", "))
            })?;
            if !read.contains(&scope) {
                read.push(scope);
            }
        }
        Ok(Self::of(read))
    }

    /// These.
    #[must_use]
    pub fn of(words: Vec<Scope>) -> Self {
        let actions = words.iter().fold(ActionSet::NONE, |all, scope| all.and(scope.actions()));
        Self { words, actions }
    }

    /// Stored words. What this version does not know lets nothing through.
    #[must_use]
    pub fn known<S: AsRef<str>>(words: &[S]) -> Self {
        Self::of(words.iter().filter_map(|word| Scope::from_text(word.as_ref())).collect())
    }

    /// The words.
    #[must_use]
    pub fn words(&self) -> Vec<&'static str> {
        self.words.iter().map(|scope| scope.as_str()).collect()
    }

    /// What they let through.
    #[must_use]
    pub fn actions(&self) -> ActionSet {
        self.actions
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words().join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_read_and_kept() {
        let check = |words: &[&str], expect: Result<&str, &str>| match (Scopes::parse(words), expect) {
            (Ok(scopes), Ok(shown)) => {
                assert_eq!(scopes.to_string(), shown);
                assert_eq!(Scopes::known(&scopes.words()), scopes);
            }
            (Err(reason), Err(part)) => assert!(reason.contains(part), "{reason}"),
            (found, _) => panic!("{words:?}: {found:?}"),
        };
        check(&["read"], Ok("read"));
        check(&["read", "catalog.edit", "read"], Ok("read catalog.edit"));
        check(&[], Err("at least one"));
        check(&["READ"], Err("no scope \"READ\""));
        check(&["catalog.*"], Err("no scope"));
        check(&["read"; SCOPES_MAX + 1], Err("at most 40"));
    }

    #[test]
    fn bundles_hold_what_they_say() {
        for (name, scope) in NAMED {
            assert_eq!((Scope::from_text(name), scope.as_str()), (Some(scope), name));
            assert!(Scope::BUNDLES.contains(&scope) && !scope.actions().is_empty());
        }
        let about_access = ActionSet::of(&[
            Action::RoleManage,
            Action::TokenManage,
            Action::TokenOwn,
            Action::IntegrationManage,
            Action::RuleManage,
            Action::WebhookManage,
            Action::SettingsManage,
            Action::ProfileOwn,
        ]);
        assert_eq!(ActionSet::EVERY.without(Scope::Write.actions()), about_access);
        assert_eq!(Scopes::known(&["later"]).actions(), ActionSet::NONE);
    }
}
