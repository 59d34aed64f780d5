//! Rules and feeds made ready: names looked up, filters resolved, indexed by what a group is, so that evaluating a
//! person asks only the rules that can match.

use super::pattern::{self, Pattern};
use super::rule::{GroupTest, RuleSet, Then};
use super::subject::GroupNode;
use crate::ids::IntegrationId;
use bailiwick_scim::filter::{self, CompareOp, Filter, Operand, Resolved, Unknown};
use bailiwick_scim::quirks::{Quirks, Repairs};
use bailiwick_scim::schema::{Registry, ResourceType, Target};
use bailiwick_scim::text::match_key;
use std::collections::HashMap;
use std::sync::Arc;

/// A team, as rules name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TeamEntry {
    /// Id.
    pub id: String,
    /// What it is called.
    pub title: String,
}

/// A group that feeds a team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feed {
    /// Id of the group.
    pub group: String,
    /// The team.
    pub team: TeamEntry,
    /// Membership role.
    pub role: String,
}

/// The teams by their names and aliases.
#[derive(Clone, Debug, Default)]
pub struct Teams(HashMap<String, Arc<TeamEntry>>);

impl Teams {
    /// Adds a name or alias: the match key of a name in the default namespace, else `namespace/name`. The first holds.
    pub fn add(&mut self, alias: &str, team: &Arc<TeamEntry>) {
        self.0.entry(match_key(alias).into_owned()).or_insert_with(|| team.clone());
    }

    /// The team a rule names: a name or alias, with or without `team:` or `group:` and the default namespace before it.
    #[must_use]
    pub fn find(&self, reference: &str) -> Option<&Arc<TeamEntry>> {
        let key = match_key(reference.trim());
        let key = key.strip_prefix("team:").or_else(|| key.strip_prefix("group:")).unwrap_or(&key);
        self.0.get(key).or_else(|| self.0.get(key.strip_prefix("default/")?))
    }

    /// Every name and alias.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

/// What rules are made ready with.
#[derive(Debug)]
pub struct World<'a> {
    /// The schemas of Users and Groups.
    pub registry: &'a Registry,
    /// The teams.
    pub teams: &'a Teams,
    /// The integrations by name.
    pub integrations: &'a HashMap<String, IntegrationId>,
    /// Which groups feed which teams.
    pub feeds: &'a [Feed],
}

/// Rules and feeds, ready to be evaluated.
#[derive(Debug)]
pub struct Compiled {
    pub(super) set: RuleSet,
    pub(super) version: i64,
    pub(super) rules: Vec<Ready>,
    /// Rules that ask for no group.
    pub(super) groupless: Vec<usize>,
    feeds: HashMap<String, Vec<Feed>>,
    by_id: HashMap<String, Vec<usize>>,
    by_external_id: HashMap<String, Vec<usize>>,
    by_name: HashMap<String, Vec<usize>>,
    patterns: Vec<(usize, Pattern)>,
    filters: Vec<(usize, Resolved)>,
}

/// A rule made ready, but for its group.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) user: Option<Resolved>,
    /// `Some(None)`: an integration that is not there any more.
    pub(super) integration: Option<Option<IntegrationId>>,
    pub(super) domain: Option<String>,
    pub(super) unit: Option<Vec<String>>,
    pub(super) gifts: Vec<Gift>,
}

/// What follows, made ready.
#[derive(Debug)]
pub(super) enum Gift {
    /// A team that is there, or was when the rule was saved.
    Team {
        team: Option<Arc<TeamEntry>>,
        role: String,
        own: Option<String>,
    },
    /// A team named by what a pattern captured.
    Captured {
        template: String,
        teams: Arc<Teams>,
        role: String,
        own: Option<String>,
    },
    Role(String),
    Property {
        name: String,
        value: String,
    },
    Own(String),
}

/// The rules a group matches.
#[derive(Debug, Default)]
pub struct Matched {
    pub(super) rules: Vec<(usize, Vec<String>)>,
    pub(super) feeds: Vec<Feed>,
}

impl Compiled {
    /// Makes rules ready. `version` tells one state of rules, feeds and teams from another.
    ///
    /// # Errors
    /// A filter that the schemas do not allow (any more). Nothing may be evaluated then: leaving the rule out would take
    /// away what it gave.
    pub fn new(set: RuleSet, version: i64, world: &World<'_>) -> Result<Self, String> {
        let mut compiled = Self {
            set: RuleSet::default(),
            version,
            rules: Vec::with_capacity(set.rules.len()),
            groupless: Vec::new(),
            feeds: HashMap::new(),
            by_id: HashMap::new(),
            by_external_id: HashMap::new(),
            by_name: HashMap::new(),
            patterns: Vec::new(),
            filters: Vec::new(),
        };
        for feed in world.feeds {
            compiled.feeds.entry(feed.group.clone()).or_default().push(feed.clone());
        }
        let teams = Arc::new(world.teams.clone());
        for (index, rule) in set.rules.iter().enumerate() {
            let broken = |reason: String| format!("the rule {} cannot be evaluated: {reason}", rule.id);
            let user = match &rule.when.user {
                Some(text) => Some(user_filter(world.registry, text).map_err(broken)?),
                None => None,
            };
            match &rule.when.group {
                Some(test) => compiled.index_group(index, test, world.registry).map_err(broken)?,
                None => compiled.groupless.push(index),
            }
            let integration = |name: &String| world.integrations.get(name).copied();
            compiled.rules.push(Ready {
                user,
                integration: rule.when.integration.as_ref().map(integration),
                domain: rule.when.domain.as_ref().map(|domain| domain.to_lowercase()),
                unit: rule.when.unit.as_deref().map(unit_segments),
                gifts: rule.then.iter().map(|then| gift(then, &teams)).collect(),
            });
        }
        compiled.set = set;
        Ok(compiled)
    }

    fn index_group(&mut self, index: usize, test: &GroupTest, registry: &Registry) -> Result<(), String> {
        match test {
            GroupTest::Name(name) => self.by_name.entry(match_key(name).into_owned()).or_default().push(index),
            GroupTest::Id(id) => self.by_id.entry(id.clone()).or_default().push(index),
            GroupTest::ExternalId(id) => self.by_external_id.entry(id.clone()).or_default().push(index),
            GroupTest::Pattern(text) => {
                let pattern = Pattern::parse(text).map_err(|reason| format!("the pattern {reason}"))?;
                self.patterns.push((index, pattern));
            }
            GroupTest::Filter(text) => self.filters.push((index, group_filter(registry, text)?)),
        }
        Ok(())
    }

    /// The rules as written.
    #[must_use]
    pub fn set(&self) -> &RuleSet {
        &self.set
    }

    /// What tells this state of rules, feeds and teams from another.
    #[must_use]
    pub fn version(&self) -> i64 {
        self.version
    }

    /// Whether there is nothing that could give anything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty() && self.feeds.is_empty()
    }

    /// Whether a rule names a team that is not there.
    #[must_use]
    pub fn misses_teams(&self) -> bool {
        self.rules.iter().flat_map(|rule| &rule.gifts).any(|gift| matches!(gift, Gift::Team { team: None, .. }))
    }

    /// Whether the documents of groups are asked for; their names and ids are always.
    #[must_use]
    pub fn asks_group_documents(&self) -> bool {
        !self.filters.is_empty()
    }

    /// Every feed.
    pub fn feeds(&self) -> impl Iterator<Item = &Feed> {
        self.feeds.values().flatten()
    }

    /// Which rules and feeds ask for this group, and what their patterns capture of its name.
    #[must_use]
    pub fn matched(&self, group: &GroupNode) -> Matched {
        let key = match_key(&group.display);
        let mut rules: Vec<(usize, Vec<String>)> = Vec::new();
        let external = group.external_id.as_ref().and_then(|id| self.by_external_id.get(id));
        for found in [self.by_id.get(&group.id), self.by_name.get(&*key), external].into_iter().flatten() {
            rules.extend(found.iter().map(|index| (*index, Vec::new())));
        }
        for (index, pattern) in &self.patterns {
            rules.extend(pattern.captured(&key).map(|captures| (*index, captures)));
        }
        for (index, wanted) in &self.filters {
            if filter::matches(wanted, &group.document) {
                rules.push((*index, Vec::new()));
            }
        }
        rules.sort_unstable();
        Matched { rules, feeds: self.feeds.get(&group.id).cloned().unwrap_or_default() }
    }

    /// The teams that rules would give to members of this group and that are not there: rule and name.
    #[must_use]
    pub fn missing_teams(&self, group: &GroupNode) -> Vec<(String, String)> {
        let mut missing = Vec::new();
        for (index, captures) in self.matched(group).rules {
            for gift in &self.rules[index].gifts {
                let Gift::Captured { template, teams, .. } = gift else { continue };
                let name = pattern::fill(template, &captures);
                if teams.find(&name).is_none() {
                    missing.push((self.set.rules[index].id.clone(), name));
                }
            }
        }
        missing
    }
}

fn gift(then: &Then, teams: &Arc<Teams>) -> Gift {
    match then {
        Then::Team { team, role, own } if pattern::placeholders(team) > 0 => {
            Gift::Captured { template: team.clone(), teams: teams.clone(), role: role.clone(), own: own.clone() }
        }
        Then::Team { team, role, own } => {
            Gift::Team { team: teams.find(team).cloned(), role: role.clone(), own: own.clone() }
        }
        Then::Role { role } => Gift::Role(role.clone()),
        Then::Property { property } => {
            Gift::Property { name: property.name.clone(), value: property.value.to_string() }
        }
        Then::Own { own } => Gift::Own(own.clone()),
    }
}

/// The segments of an organisational unit as they are compared.
pub(super) fn unit_segments(text: &str) -> Vec<String> {
    let segments = text.split('/').map(str::trim).filter(|segment| !segment.is_empty());
    segments.map(|segment| match_key(segment).into_owned()).collect()
}

/// A filter over the attributes of a User.
///
/// # Errors
/// What is wrong with it.
pub fn user_filter(registry: &Registry, text: &str) -> Result<Resolved, String> {
    resolved(registry, registry.user(), text)
}

/// A filter over the attributes of a Group.
///
/// # Errors
/// What is wrong with it.
pub fn group_filter(registry: &Registry, text: &str) -> Result<Resolved, String> {
    resolved(registry, registry.group(), text)
}

fn resolved(registry: &Registry, kind: &ResourceType, text: &str) -> Result<Resolved, String> {
    let mut repairs = Repairs::default();
    let said = |error: bailiwick_scim::Error| error.detail;
    let parsed = filter::parse(text, Quirks::none(), &mut repairs).map_err(said)?;
    let found =
        filter::resolve(registry, kind, &parsed, Unknown::Refuse, Quirks::none(), &mut repairs).map_err(said)?;
    match computed(&found) {
        Some(name) => Err(format!("`{name}` is no part of the document and cannot be asked for here")),
        None => Ok(found),
    }
}

/// Refuses a filter that nothing can satisfy, as far as that shows: one that wants an attribute of one value to be equal
/// to two. Asked when a file is read, not of rules that are in force.
pub(super) fn satisfiable(filter: &Resolved) -> Result<(), String> {
    match contradiction(filter) {
        Some(name) => Err(format!("nothing can match: `{name}` cannot equal two values at once")),
        None => Ok(()),
    }
}

/// The attribute because of which no document can satisfy the filter.
fn contradiction(filter: &Resolved) -> Option<&str> {
    match filter {
        Filter::And(parts) => {
            let mut wanted: Vec<(&Target, &Operand)> = Vec::new();
            for part in parts {
                let Filter::Compare(target, CompareOp::Eq, operand) = part else { continue };
                if target.attribute.multi_valued || target.leaf().multi_valued {
                    continue;
                }
                let same = |other: &Target| {
                    other.extension == target.extension
                        && other.attribute.name == target.attribute.name
                        && other.sub.as_ref().map(|sub| &sub.name) == target.sub.as_ref().map(|sub| &sub.name)
                };
                if wanted.iter().any(|(other, value)| same(other) && *value != operand) {
                    return Some(&target.leaf().name);
                }
                wanted.push((target, operand));
            }
            parts.iter().find_map(contradiction)
        }
        Filter::Or(parts) => {
            let mut all = parts.iter().map(contradiction);
            let first = all.next()??;
            all.all(|part| part.is_some()).then_some(first)
        }
        _ => None,
    }
}

/// The first attribute a filter asks for that no stored document holds.
fn computed(filter: &Resolved) -> Option<&str> {
    let own = |target: &Target| target.extension.is_none() && is_computed(&target.attribute.name);
    match filter {
        Filter::And(parts) | Filter::Or(parts) => parts.iter().find_map(computed),
        Filter::Not(inner) => computed(inner),
        Filter::Constant(_) => None,
        Filter::Present(target) | Filter::Compare(target, _, _) | Filter::Values(target, _) => {
            own(target).then_some(target.attribute.name.as_str())
        }
    }
}

fn is_computed(name: &str) -> bool {
    matches!(name, "id" | "meta" | "groups" | "members")
}
