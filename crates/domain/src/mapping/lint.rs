//! What is odd about rules though nothing is wrong with them: things that somebody will regret in a year.

use super::compiled::{Compiled, Gift};
use super::pattern::Pattern;
use super::rule::{GroupTest, Rule, Then};
use crate::ids::Millis;
use bailiwick_scim::text::match_key;
use serde::Serialize;
use std::collections::{BTreeMap, HashSet};

/// From this share of the people on, in per cent, a rule gives to many.
pub const MANY_PERCENT: u64 = 25;
/// From this rank on a role gives much.
pub const MUCH_RANK: u16 = 80;
/// Groups told of a rule whose teams are not there.
const MISSING: usize = 5;
/// Fewer people than this are no share of anything.
const FEW_PEOPLE: u64 = 10;

/// What is odd about a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Lint {
    /// The rule; none for a feed.
    pub rule: Option<String>,
    /// What is odd, as a stable word.
    pub kind: Odd,
    /// In a sentence.
    pub message: String,
}

/// What can be odd.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Odd {
    /// It gives a strong role, or anything to a large part of the people.
    GivesMuch,
    /// Nobody matches.
    MatchesNobody,
    /// The owner is not there any more.
    NoOwner,
    /// A review is overdue.
    ReviewOverdue,
    /// A group or team is named like one service: the rules will grow with the services.
    ServiceGroup,
    /// The pattern matches every group.
    SwallowsEverything,
    /// The integration is not there any more.
    UnknownIntegration,
    /// The team is not there any more.
    UnknownTeam,
    /// No integration claims the domain.
    UnclaimedDomain,
}

impl Odd {
    /// The stable word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::GivesMuch => "gives-much",
            Self::MatchesNobody => "matches-nobody",
            Self::NoOwner => "no-owner",
            Self::ReviewOverdue => "review-overdue",
            Self::ServiceGroup => "service-group",
            Self::SwallowsEverything => "swallows-everything",
            Self::UnknownIntegration => "unknown-integration",
            Self::UnknownTeam => "unknown-team",
            Self::UnclaimedDomain => "unclaimed-domain",
        }
    }
}

/// What is known beside the rules.
#[derive(Debug)]
pub struct Around<'a> {
    /// How many active people each rule gives something to, by its id.
    pub matches: &'a BTreeMap<String, u64>,
    /// Active people in all.
    pub people: u64,
    /// Match keys of the names of components and APIs.
    pub services: &'a HashSet<String>,
    /// Claimed domains.
    pub domains: &'a HashSet<String>,
    /// Owners that are there, as rules name them.
    pub owners: &'a HashSet<String>,
    /// When the review of a rule is due, by its id.
    pub due: &'a BTreeMap<String, Millis>,
    /// Now.
    pub now: Millis,
    /// How strong the roles are.
    pub ranks: &'a BTreeMap<String, u16>,
    /// Teams that a rule takes from the name of a group and that are not there: the rule's id, the group, the team.
    pub missing: &'a [(String, String, String)],
    /// Names of the groups that feed teams, with the teams.
    pub feeds: &'a [(String, String)],
}

/// What is odd about the rules, in their order.
#[must_use]
pub fn lint(rules: &Compiled, around: &Around<'_>) -> Vec<Lint> {
    let mut found = Vec::new();
    for (index, rule) in rules.set.rules.iter().enumerate() {
        let mut say = |kind: Odd, message: String| found.push(Lint { rule: Some(rule.id.clone()), kind, message });
        condition(rule, around, &mut say);
        if rules.rules[index].integration == Some(None) {
            let name = rule.when.integration.as_deref().unwrap_or_default();
            say(Odd::UnknownIntegration, format!("the integration {name} is not there any more: nobody can match"));
        }
        for (then, gift) in rule.then.iter().zip(&rules.rules[index].gifts) {
            if let (Then::Team { team, .. }, Gift::Team { team: None, .. }) = (then, gift) {
                say(Odd::UnknownTeam, format!("the team {team} is not there any more: the rule gives nothing of it"));
            }
            gives(then, around, &mut say);
        }
        let missing: Vec<_> = around.missing.iter().filter(|(id, _, _)| *id == rule.id).collect();
        for (_, group, team) in missing.iter().take(MISSING) {
            say(Odd::UnknownTeam, format!("the group {group} asks for the team {team}, which is not there"));
        }
        if let Some(more) = missing.len().checked_sub(MISSING).filter(|more| *more > 0) {
            say(Odd::UnknownTeam, format!("{more} more groups ask for teams that are not there"));
        }
        match around.matches.get(&rule.id).copied().unwrap_or(0) {
            0 => say(Odd::MatchesNobody, "nobody gets anything by this rule".to_owned()),
            people if around.people >= FEW_PEOPLE && people * 100 > around.people * MANY_PERCENT => {
                let share = people * 100 / around.people;
                say(Odd::GivesMuch, format!("gives to {people} of {} people ({share} per cent)", around.people));
            }
            _ => {}
        }
        if !around.owners.contains(&rule.owner) {
            say(Odd::NoOwner, format!("the owner {} is no team and no person any more", rule.owner));
        }
        if let Some(due) = around.due.get(&rule.id).filter(|due| **due <= around.now) {
            say(Odd::ReviewOverdue, format!("the review was due at {due}"));
        }
    }
    for (group, team) in around.feeds {
        if let Some(service) = service_in(group, around.services) {
            let message = format!("the group {group} feeds {team} and is named like the service {service}");
            found.push(Lint { rule: None, kind: Odd::ServiceGroup, message });
        }
    }
    found
}

fn condition(rule: &Rule, around: &Around<'_>, say: &mut dyn FnMut(Odd, String)) {
    let name = match &rule.when.group {
        Some(GroupTest::Name(name)) => Some(name),
        Some(GroupTest::Pattern(text)) => {
            if Pattern::parse(text).is_ok_and(|pattern| pattern.matches_everything()) {
                say(Odd::SwallowsEverything, format!("the pattern {text} matches every group"));
            }
            Some(text)
        }
        _ => None,
    };
    if let Some((name, service)) = name.and_then(|name| Some((name, service_in(name, around.services)?))) {
        say(Odd::ServiceGroup, format!("the group {name} is named like the service {service}"));
    }
    if let Some(domain) = rule.when.domain.as_ref().filter(|domain| !around.domains.contains(*domain)) {
        say(Odd::UnclaimedDomain, format!("no integration claims the domain {domain}: its addresses prove nothing"));
    }
}

fn gives(then: &Then, around: &Around<'_>, say: &mut dyn FnMut(Odd, String)) {
    match then {
        Then::Role { role } if around.ranks.get(role).is_some_and(|rank| *rank >= MUCH_RANK) => {
            say(Odd::GivesMuch, format!("gives the role {role}"));
        }
        Then::Team { team, .. } => {
            if let Some(service) = service_in(team, around.services) {
                say(Odd::ServiceGroup, format!("the team {team} is named like the service {service}"));
            }
        }
        _ => {}
    }
}

/// The service whose name a name holds as whole words.
fn service_in<'a>(name: &str, services: &'a HashSet<String>) -> Option<&'a str> {
    const LEAST: usize = 4;
    let key = match_key(name);
    let words: Vec<&str> = key.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    for from in 0..words.len() {
        for to in (from + 1..=words.len()).rev() {
            for joint in ["-", "_", ".", " "] {
                let part = words[from..to].join(joint);
                if part.len() >= LEAST
                    && let Some(service) = services.get(&part)
                {
                    return Some(service);
                }
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_found_in_names_as_whole_words() {
        let services: HashSet<String> = ["payments-api", "checkout", "abc"].map(str::to_owned).into();
        let check = |name: &str, expect: Option<&str>| assert_eq!(service_in(name, &services), expect, "{name}");
        check("svc-payments-api-admins", Some("payments-api"));
        check("Checkout Developers", Some("checkout"));
        check("checkouts", None);
        check("payments", None);
        check("abc-users", None);
        check("", None);
    }
}
