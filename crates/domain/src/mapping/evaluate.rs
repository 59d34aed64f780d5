//! What somebody is to have, by the rules and feeds: the one function that preview, try, lint, guard and the real
//! change call.

use super::compiled::{Compiled, Gift, Matched, Ready, unit_segments};
use super::grant::{Grant, GrantKind, Origin, Step, StepKind};
use super::pattern;
use super::subject::{GroupNode, Subject, SubjectUser};
use crate::names;
use crate::person::{Facts, State};
use bailiwick_scim::Object;
use bailiwick_scim::filter;
use bailiwick_scim::schema::ENTERPRISE_USER;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;

/// Which rules the groups seen so far match: every group is asked once for many persons. It belongs to one state of
/// the rules and begins anew with another.
#[derive(Debug, Default)]
pub struct GroupMatches {
    version: Option<i64>,
    known: HashMap<i64, (i64, Arc<Matched>)>,
}

impl GroupMatches {
    fn of(&mut self, rules: &Compiled, group: &GroupNode) -> Arc<Matched> {
        if self.version != Some(rules.version) {
            self.known.clear();
            self.version = Some(rules.version);
        }
        if group.version <= 0 {
            // A group as it is going to be: it has no version yet.
            return Arc::new(rules.matched(group));
        }
        match self.known.get(&group.seq) {
            Some((version, matched)) if *version == group.version => matched.clone(),
            _ => {
                let matched = Arc::new(rules.matched(group));
                self.known.insert(group.seq, (group.version, matched.clone()));
                matched
            }
        }
    }
}

/// Everything the rules and feeds give a person, in a fixed order and without duplicates, whatever the order of Users
/// and groups. Of several ways to the same grant the shortest is told. A closed person has nothing.
#[must_use]
pub fn evaluate(rules: &Compiled, memo: &mut GroupMatches, subject: &Subject) -> Vec<Grant> {
    let mut grants = Vec::new();
    if subject.state == State::Closed || rules.is_empty() {
        return grants;
    }
    for user in subject.users.iter().filter(|user| user.counts()) {
        let mut asked = Asked { user, facts: None };
        for group in &user.groups {
            let matched = memo.of(rules, &group.group);
            for (index, captures) in &matched.rules {
                let rule = &rules.rules[*index];
                if asked.holds(rule) {
                    let way = Way { rules, rule: *index, user, via: &group.group.id, groups: &group.path };
                    way.give(captures, &mut grants);
                }
            }
            for feed in &matched.feeds {
                let origin = Origin::Feed { group: group.group.id.clone() };
                let step = Step { kind: StepKind::Feed, id: feed.team.id.clone(), name: feed.team.title.clone() };
                grants.push(Grant {
                    kind: GrantKind::Team,
                    object: feed.team.id.clone(),
                    value: feed.role.clone(),
                    origin,
                    path: steps(user, &group.path, step),
                });
            }
        }
        for index in &rules.groupless {
            if asked.holds(&rules.rules[*index]) {
                Way { rules, rule: *index, user, via: &user.id, groups: &[] }.give(&[], &mut grants);
            }
        }
    }
    grants.sort_unstable_by(|left, right| {
        let by_key = (left.kind, &left.object, &left.value, &left.origin).cmp(&(
            right.kind,
            &right.object,
            &right.value,
            &right.origin,
        ));
        by_key.then(left.path.len().cmp(&right.path.len())).then_with(|| left.path.cmp(&right.path))
    });
    grants.dedup_by(|later, first| {
        (later.kind, &later.object, &later.value, &later.origin)
            == (first.kind, &first.object, &first.value, &first.origin)
    });
    grants
}

/// A rule that holds, and the way it came to hold.
struct Way<'a> {
    rules: &'a Compiled,
    rule: usize,
    user: &'a SubjectUser,
    via: &'a str,
    groups: &'a [Arc<GroupNode>],
}

impl Way<'_> {
    fn give(&self, captures: &[String], grants: &mut Vec<Grant>) {
        for gift in &self.rules.rules[self.rule].gifts {
            match gift {
                Gift::Team { team: Some(team), role, own } => self.team(&team.id, role, own.as_deref(), grants),
                Gift::Team { team: None, .. } => {}
                Gift::Captured { template, teams, role, own } => {
                    if let Some(team) = teams.find(&pattern::fill(template, captures)) {
                        self.team(&team.id, role, own.as_deref(), grants);
                    }
                }
                Gift::Role(role) => grants.push(self.grant(GrantKind::Role, role, "")),
                Gift::Property { name, value } => grants.push(self.grant(GrantKind::Property, name, value)),
                Gift::Own(wanted) => grants.push(self.grant(GrantKind::Ownership, wanted, "")),
            }
        }
    }

    fn team(&self, team: &str, role: &str, own: Option<&str>, grants: &mut Vec<Grant>) {
        grants.push(self.grant(GrantKind::Team, team, role));
        grants.extend(own.map(|wanted| self.grant(GrantKind::Ownership, wanted, team)));
    }

    fn grant(&self, kind: GrantKind, object: &str, value: &str) -> Grant {
        let rule = &self.rules.set.rules[self.rule];
        let name = rule.description.as_ref().unwrap_or(&rule.id).clone();
        let step = Step { kind: StepKind::Rule, id: rule.id.clone(), name };
        Grant {
            kind,
            object: object.to_owned(),
            value: value.to_owned(),
            origin: Origin::Rule { rule: rule.id.clone(), via: Some(self.via.to_owned()) },
            path: steps(self.user, self.groups, step),
        }
    }
}

fn steps(user: &SubjectUser, groups: &[Arc<GroupNode>], last: Step) -> Vec<Step> {
    let mut path = Vec::with_capacity(groups.len() + 2);
    path.push(Step { kind: StepKind::User, id: user.id.clone(), name: user.name.clone() });
    let step =
        |group: &Arc<GroupNode>| Step { kind: StepKind::Group, id: group.id.clone(), name: group.display.clone() };
    path.extend(groups.iter().map(step));
    path.push(last);
    path
}

/// A User and what rules ask about it, found out once and only if one asks.
struct Asked<'a> {
    user: &'a SubjectUser,
    facts: Option<UserFacts>,
}

struct UserFacts {
    domains: Vec<String>,
    unit: Vec<String>,
}

impl Asked<'_> {
    /// Whether everything holds that a rule asks of the User itself.
    fn holds(&mut self, rule: &Ready) -> bool {
        if rule.integration.is_some_and(|wanted| wanted != Some(self.user.integration)) {
            return false;
        }
        if rule.domain.is_some() || rule.unit.is_some() {
            let document = &self.user.document;
            let facts = self.facts.get_or_insert_with(|| UserFacts::of(document));
            let lies_in = |domain: &String| facts.domains.contains(domain);
            let below = |unit: &Vec<String>| facts.unit.starts_with(unit);
            if !rule.domain.as_ref().is_none_or(lies_in) || !rule.unit.as_ref().is_none_or(below) {
                return false;
            }
        }
        rule.user.as_ref().is_none_or(|wanted| filter::matches(wanted, &self.user.document))
    }
}

impl UserFacts {
    fn of(document: &Object) -> Self {
        let emails = Facts::of_user(document).emails;
        Self {
            domains: emails.iter().filter_map(|email| names::email_domain(email)).collect(),
            unit: unit_segments(&unit_of(document)),
        }
    }
}

/// The organisational unit of a User: the attribute `ou` or `orgUnitPath` of the document or of an extension, whichever
/// comes first; without one, what the enterprise extension says of `organization`, `division` and `department`, joined
/// by `/`.
#[must_use]
pub fn unit_of(document: &Object) -> String {
    let said = |object: &Object| -> Option<String> {
        let text = |name: &&str| object.get(*name)?.as_str().filter(|text| !text.trim().is_empty());
        ["ou", "orgUnitPath"].iter().find_map(text).map(str::to_owned)
    };
    let of_extension =
        || document.iter().filter(|(name, _)| name.contains(':')).find_map(|(_, data)| said(data.as_object()?));
    if let Some(unit) = said(document).or_else(of_extension) {
        return unit;
    }
    let Some(Value::Object(enterprise)) = document.get(ENTERPRISE_USER) else { return String::new() };
    let part = |name: &&str| enterprise.get(*name)?.as_str().map(str::trim).filter(|text| !text.is_empty());
    let parts: Vec<&str> = ["organization", "division", "department"].iter().filter_map(part).collect();
    parts.join("/")
}
