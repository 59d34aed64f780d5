//! Reads a rule file: YAML or JSON in, rules out, or everything that is wrong with it and where.
//!
//! What a rule names is looked up in a [`Vocabulary`]: a rule that could never give what it says is refused here, with
//! its place, not noticed later by the people who miss it.

use super::compiled::{Teams, group_filter, satisfiable, user_filter};
use super::pattern::{self, Pattern};
use super::rule::{
    FILTER_BYTES, GroupTest, MEMBERSHIP_ROLE, Property, REVIEW_DAYS, RULES, Rule, RuleSet, THEN_ENTRIES, Then, When,
    parse_days,
};
use crate::ids::is_resource_id;
use crate::names;
use crate::yaml::{Fault, Node, Version, shown};
use bailiwick_scim::schema::Registry;
use std::collections::HashSet;
use std::fmt;

/// Faults that are told of one file.
pub const FAULTS: usize = 100;

/// Says of a text whether it may stand there; the reason completes a sentence.
pub type Check<'a> = &'a (dyn Fn(&str) -> Result<(), String> + Sync);

/// What a rule file may name.
pub struct Vocabulary<'a> {
    /// The schemas of Users and Groups.
    pub registry: &'a Registry,
    /// The teams.
    pub teams: &'a Teams,
    /// The roles.
    pub roles: &'a [String],
    /// The integrations.
    pub integrations: &'a [String],
    /// Whether there is such a person: an e-mail address, a userName or an id. Asked only for owners.
    pub person: &'a (dyn Fn(&str) -> bool + Sync),
    /// Whether there is such a property of persons and it may have that value; the reason is a whole sentence.
    pub property: &'a (dyn Fn(&str, &serde_json::Value) -> Result<(), String> + Sync),
    /// Whether a catalog filter can be asked.
    pub own: Check<'a>,
}

impl fmt::Debug for Vocabulary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vocabulary").field("roles", &self.roles).finish_non_exhaustive()
    }
}

/// The owners a file names, each once: what has to be looked up before [`parse`] can say whether they exist.
#[must_use]
pub fn owners(document: &Node) -> Vec<String> {
    let rules = document.get("rules").and_then(Node::items).unwrap_or_default();
    let mut owners: Vec<String> =
        rules.iter().filter_map(|rule| rule.get("owner")?.as_str().map(str::to_owned)).collect();
    owners.sort_unstable();
    owners.dedup();
    owners
}

/// Reads a rule file.
///
/// # Errors
/// Everything that is wrong with it, in the order of the file, at most [`FAULTS`].
pub fn parse(document: &Node, vocabulary: &Vocabulary<'_>) -> Result<RuleSet, Vec<Fault>> {
    let mut reader = Reader { vocabulary, faults: Vec::new(), seen: HashSet::new() };
    let rules = reader.file(document);
    if reader.faults.is_empty() {
        Ok(RuleSet { version: 1, rules })
    } else {
        reader.faults.sort_by_key(|fault| (fault.line, fault.column));
        reader.faults.truncate(FAULTS);
        Err(reader.faults)
    }
}

struct Reader<'a, 'v> {
    vocabulary: &'a Vocabulary<'v>,
    faults: Vec<Fault>,
    seen: HashSet<String>,
}

impl Reader<'_, '_> {
    fn fault(&mut self, node: &Node, message: impl Into<String>) {
        if self.faults.len() <= FAULTS {
            self.faults.push(node.fault(message));
        }
    }

    /// The entries of a mapping, after every key was found among those known.
    fn mapping<'n>(&mut self, node: &'n Node, what: &str, keys: &[&str]) -> Option<&'n [(Node, Node)]> {
        let Some(entries) = node.entries() else {
            self.fault(node, format!("{what} must be a mapping, not {}", node.describe()));
            return None;
        };
        for (key, _) in entries {
            let name = key.text().unwrap_or_default();
            if !keys.contains(&name) {
                let near = suggestion(name, keys.iter().copied());
                self.fault(key, format!("{what} has no key {}{near}", shown(name)));
            }
        }
        Some(entries)
    }

    fn list<'n>(&mut self, node: &'n Node, what: &str) -> &'n [Node] {
        match node.items() {
            Some(items) => items,
            None => {
                self.fault(node, format!("{what} must be a list, not {}", node.describe()));
                &[]
            }
        }
    }

    /// A text that says something.
    fn text(&mut self, node: &Node, what: &str) -> Option<String> {
        match node.as_str().map(str::trim).filter(|text| !text.is_empty()) {
            Some(text) if text.contains('\0') => {
                self.fault(node, format!("{what} holds the character NUL"));
                None
            }
            Some(text) => Some(text.to_owned()),
            None => {
                self.fault(node, format!("{what} must be text, not {}", node.describe()));
                None
            }
        }
    }

    fn file(&mut self, document: &Node) -> Vec<Rule> {
        if self.mapping(document, "a rule file", &["version", "rules"]).is_none() {
            return Vec::new();
        }
        match document.get("version") {
            Some(version) if version.as_str() != Some("1") => self.fault(version, "the version must be 1"),
            Some(_) => {}
            None => self.fault(document, "the key `version` is missing; write `version: 1`"),
        }
        let Some(rules) = document.get("rules") else {
            self.fault(document, "the key `rules` is missing");
            return Vec::new();
        };
        let items = if rules.is_null() { &[][..] } else { self.list(rules, "`rules`") };
        if items.len() > RULES {
            self.fault(rules, format!("{} rules are too many: at most {RULES}", items.len()));
            return Vec::new();
        }
        items.iter().filter_map(|rule| self.rule(rule)).collect()
    }

    fn rule(&mut self, node: &Node) -> Option<Rule> {
        self.mapping(node, "a rule", &["id", "description", "owner", "review", "when", "then"])?;
        let id = match node.get("id") {
            Some(id) => self.id(id),
            None => self.missing(node, "id"),
        };
        let description = node.get("description").filter(|text| !text.is_null());
        let description = description.and_then(|text| self.text(text, "the description"));
        let owner = match node.get("owner") {
            Some(owner) => self.owner(owner),
            None => self.missing(node, "owner"),
        };
        let review_days = node.get("review").map_or(Some(REVIEW_DAYS), |review| self.review(review));
        let when = match node.get("when") {
            Some(when) => self.when(when),
            None => self.missing(node, "when"),
        };
        let captures = when.as_ref().map_or(0, captures_of);
        let then = match node.get("then") {
            Some(then) => self.then(then, captures),
            None => self.missing(node, "then"),
        };
        Some(Rule { id: id?, description, owner: owner?, review_days: review_days?, when: when?, then: then? })
    }

    fn missing<T>(&mut self, node: &Node, key: &str) -> Option<T> {
        self.fault(node, format!("the key `{key}` is missing"));
        None
    }

    fn id(&mut self, node: &Node) -> Option<String> {
        let id = self.text(node, "the id")?;
        if names::integration_name(&id).is_err() {
            self.fault(
                node,
                "an id is 1 to 63 of the characters a to z, 0 to 9 and -, and begins with none of the last",
            );
            return None;
        }
        if !self.seen.insert(id.clone()) {
            self.fault(node, format!("the id `{id}` stands twice"));
            return None;
        }
        Some(id)
    }

    fn owner(&mut self, node: &Node) -> Option<String> {
        let owner = self.text(node, "the owner")?;
        if self.vocabulary.teams.find(&owner).is_some() || (self.vocabulary.person)(&owner) {
            return Some(owner);
        }
        let near = suggestion(&owner, self.vocabulary.teams.names());
        self.fault(node, format!("the owner {} is no team and no person{near}", shown(&owner)));
        None
    }

    fn review(&mut self, node: &Node) -> Option<u32> {
        let days = node.as_str().and_then(|text| parse_days(text.trim()));
        if days.is_none() {
            self.fault(node, "a review interval is written like 90d or 12w, from 1 day to 10 years");
        }
        days
    }

    fn when(&mut self, node: &Node) -> Option<When> {
        const KEYS: [&str; 5] = ["group", "user", "integration", "domain", "unit"];
        let entries = self.mapping(node, "`when`", &KEYS)?;
        if entries.is_empty() {
            self.fault(
                node,
                "`when` says nothing: it would hold for everybody; ask for a group, user, integration, domain or unit",
            );
            return None;
        }
        let mut when = When::default();
        let before = self.faults.len();
        for (key, value) in entries {
            match key.text().unwrap_or_default() {
                "group" => when.group = self.group(value),
                "user" => {
                    when.user = self.filter(value, "the filter of users", &|text, registry| {
                        user_filter(registry, text).and_then(|filter| satisfiable(&filter))
                    })
                }
                "integration" => when.integration = self.integration(value),
                "domain" => when.domain = self.domain(value),
                "unit" => when.unit = self.unit(value),
                _ => {}
            }
        }
        (self.faults.len() == before).then_some(when)
    }

    fn group(&mut self, node: &Node) -> Option<GroupTest> {
        if node.text().is_some() {
            return self.text(node, "the name of a group").map(GroupTest::Name);
        }
        let entries = self.mapping(node, "`group`", &["name", "id", "external_id", "pattern", "filter"])?;
        let [(key, value)] = entries else {
            self.fault(node, "`group` takes exactly one of name, id, external_id, pattern and filter");
            return None;
        };
        match key.text().unwrap_or_default() {
            "name" => self.text(value, "the name of a group").map(GroupTest::Name),
            "id" => {
                let id = self.text(value, "the id of a group")?;
                if is_resource_id(&id) {
                    return Some(GroupTest::Id(id));
                }
                self.fault(value, format!("{} is no id of a group: no group can match", shown(&id)));
                None
            }
            "external_id" => self.text(value, "the external_id of a group").map(GroupTest::ExternalId),
            "pattern" => {
                let text = self.text(value, "the pattern")?;
                match Pattern::parse(&text) {
                    Ok(_) => Some(GroupTest::Pattern(text)),
                    Err(reason) => {
                        self.fault(value, format!("the pattern {reason}"));
                        None
                    }
                }
            }
            "filter" => {
                let check = |text: &str, registry: &Registry| {
                    group_filter(registry, text).and_then(|filter| satisfiable(&filter))
                };
                self.filter(value, "the filter of groups", &check).map(GroupTest::Filter)
            }
            _ => None,
        }
    }

    fn filter(
        &mut self,
        node: &Node,
        what: &str,
        check: &dyn Fn(&str, &Registry) -> Result<(), String>,
    ) -> Option<String> {
        let text = self.text(node, what)?;
        if text.len() > FILTER_BYTES {
            self.fault(node, format!("{what} is longer than {FILTER_BYTES} bytes"));
            return None;
        }
        match check(&text, self.vocabulary.registry) {
            Ok(()) => Some(text),
            Err(reason) => {
                self.fault(node, format!("{what} cannot be used: {}", reason.trim_end_matches('.')));
                None
            }
        }
    }

    fn integration(&mut self, node: &Node) -> Option<String> {
        let name = self.text(node, "the integration")?;
        if self.vocabulary.integrations.contains(&name) {
            return Some(name);
        }
        let near = suggestion(&name, self.vocabulary.integrations.iter().map(String::as_str));
        self.fault(node, format!("unknown integration {}{near}: no User can match", shown(&name)));
        None
    }

    fn domain(&mut self, node: &Node) -> Option<String> {
        let domain = self.text(node, "the domain")?;
        match names::domain_name(&domain) {
            Ok(domain) => Some(domain),
            Err(reason) => {
                self.fault(node, format!("{reason}: no address can match"));
                None
            }
        }
    }

    fn unit(&mut self, node: &Node) -> Option<String> {
        let unit = self.text(node, "the unit")?;
        if super::compiled::unit_segments(&unit).is_empty() {
            self.fault(node, "the unit names no segment, such as /Engineering");
            return None;
        }
        Some(unit)
    }

    fn then(&mut self, node: &Node, captures: usize) -> Option<Vec<Then>> {
        let items = self.list(node, "`then`");
        if items.is_empty() {
            if node.items().is_some() {
                self.fault(node, "`then` gives nothing: name a team, a role, a property or ownership");
            }
            return None;
        }
        if items.len() > THEN_ENTRIES {
            self.fault(node, format!("`then` has more than {THEN_ENTRIES} entries"));
            return None;
        }
        let given: Vec<Option<Then>> = items.iter().map(|item| self.gift(item, captures)).collect();
        given.into_iter().collect()
    }

    fn gift(&mut self, node: &Node, captures: usize) -> Option<Then> {
        self.mapping(node, "an entry of `then`", &["team", "role", "property", "own"])?;
        let check = |text: &str, _: &Registry| (self.vocabulary.own)(text);
        let (team, role, property, own) = (node.get("team"), node.get("role"), node.get("property"), node.get("own"));
        match (team, role, property, own) {
            (Some(team), role, None, own) => {
                let team = self.team(team, captures);
                let role = role.map_or(Some(MEMBERSHIP_ROLE.to_owned()), |role| self.membership_role(role));
                let own = own.map(|own| self.filter(own, "the filter of what is owned", &check));
                let own = match own {
                    Some(own) => Some(own?),
                    None => None,
                };
                Some(Then::Team { team: team?, role: role?, own })
            }
            (None, Some(role), None, None) => self.role(role),
            (None, None, Some(property), None) => self.property(property),
            (None, None, None, Some(own)) => {
                let own = self.filter(own, "the filter of what is owned", &check)?;
                Some(Then::Own { own })
            }
            (None, None, None, None) => {
                self.fault(node, "this entry gives nothing: name a team, a role, a property or ownership");
                None
            }
            _ => {
                self.fault(node, "an entry gives one thing: only `team` takes `role` or `own` beside it");
                None
            }
        }
    }

    fn team(&mut self, node: &Node, captures: usize) -> Option<String> {
        let team = self.text(node, "the team")?;
        let wanted = pattern::placeholders(&team);
        if wanted > captures {
            self.fault(node, format!("{{{wanted}}} stands for nothing: the pattern of this rule captures {captures}"));
            return None;
        }
        if wanted > 0 || self.vocabulary.teams.find(&team).is_some() {
            return Some(team);
        }
        let near = suggestion(&team, self.vocabulary.teams.names());
        self.fault(node, format!("unknown team {}{near}", shown(&team)));
        None
    }

    fn membership_role(&mut self, node: &Node) -> Option<String> {
        let role = self.text(node, "the membership role")?;
        if role.chars().count() <= 64 && !role.chars().any(names::unfit_in_line) {
            return Some(role);
        }
        self.fault(node, "a membership role is 1 to 64 characters without control characters");
        None
    }

    fn role(&mut self, node: &Node) -> Option<Then> {
        let role = self.text(node, "the role")?;
        if self.vocabulary.roles.contains(&role) {
            return Some(Then::Role { role });
        }
        let near = suggestion(&role, self.vocabulary.roles.iter().map(String::as_str));
        self.fault(node, format!("unknown role {}{near}", shown(&role)));
        None
    }

    fn property(&mut self, node: &Node) -> Option<Then> {
        self.mapping(node, "`property`", &["name", "value"])?;
        let name = match node.get("name") {
            Some(name) => self.text(name, "the name of a property"),
            None => self.missing(node, "name"),
        };
        let Some(value) = node.get("value") else { return self.missing(node, "value") };
        let json = value.to_json(Version::V1_2);
        let name = name?;
        if json.is_null() {
            self.fault(value, "a property without a value gives nothing");
            return None;
        }
        match (self.vocabulary.property)(&name, &json) {
            Ok(()) => Some(Then::Property { property: Property { name, value: json } }),
            Err(reason) => {
                self.fault(node, reason);
                None
            }
        }
    }
}

fn captures_of(when: &When) -> usize {
    match &when.group {
        Some(GroupTest::Pattern(text)) => Pattern::parse(text).map_or(0, |pattern| pattern.captures()),
        _ => 0,
    }
}

/// `; did you mean "x"?`, if one of the known words is near.
fn suggestion<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> String {
    let word = word.to_lowercase();
    let length = word.chars().count();
    let near = |candidate: &&str| candidate.chars().count().abs_diff(length) <= 2;
    let scored = known.filter(near).map(|candidate| (distance(&word, &candidate.to_lowercase()), candidate));
    match scored.min() {
        Some((steps, candidate)) if steps <= 2 && steps < length => format!("; did you mean {}?", shown(candidate)),
        _ => String::new(),
    }
}

/// How many characters must be put in, taken out or replaced to make one word the other.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().take(100).collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, one) in left.chars().take(100).enumerate() {
        let mut diagonal = index;
        row[0] = index + 1;
        for (column, other) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(one != *other);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests;
