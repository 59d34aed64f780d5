//! Roles: named bundles of permits. Built-in ones cannot be changed; a company adds its own.

use super::action::{Action, ActionSet};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::fmt;

/// Name of the role that may do everything.
pub const ADMIN: &str = "admin";
/// Name of the role a person has as long as the store is not told otherwise.
pub const VIEWER: &str = "viewer";

/// Longest name, in bytes.
const NAME_BYTES: usize = 63;
/// Longest title, in characters.
const TITLE_CHARS: usize = 100;
/// Ranks of custom roles: below the admin.
const RANKS: std::ops::RangeInclusive<u64> = 1..=99;

/// How far a permit reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reach {
    /// On everything.
    Everywhere,
    /// On what the person's teams and their sub-teams own, what nobody owns, and what a rule gave the person.
    Owned,
}

/// An action and how far it is permitted. As text `catalog.edit` or `catalog.edit:owned`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Permit {
    /// What.
    pub action: Action,
    /// How far.
    pub reach: Reach,
}

impl Permit {
    /// Reads the text.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let (action, reach) = match text.strip_suffix(":owned") {
            Some(action) => (Action::from_text(action)?, Reach::Owned),
            None => (Action::from_text(text)?, Reach::Everywhere),
        };
        (reach == Reach::Everywhere || action.can_be_owned()).then_some(Self { action, reach })
    }
}

impl fmt::Display for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.action, if self.reach == Reach::Owned { ":owned" } else { "" })
    }
}

/// A role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// Name, `[a-z0-9][a-z0-9-]{0,62}`.
    pub name: String,
    /// Name shown.
    pub title: String,
    /// Of several roles the one of the highest rank is the strongest and shown first. Only the admin has 100.
    pub rank: u16,
    /// What it permits on everything.
    pub everywhere: ActionSet,
    /// What it permits on what is owned.
    pub owned: ActionSet,
    /// Whether it came with the program.
    pub builtin: bool,
}

/// What is wrong with a role that somebody wants to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleFault {
    /// JSON pointer to the place.
    pub pointer: String,
    /// What is wrong there, as a sentence.
    pub message: String,
}

impl Role {
    /// Whether it permits the action on everything, or at least on what is owned.
    #[must_use]
    pub const fn reach(&self, action: Action) -> Option<Reach> {
        if self.everywhere.has(action) {
            Some(Reach::Everywhere)
        } else if self.owned.has(action) {
            Some(Reach::Owned)
        } else {
            None
        }
    }

    /// Its permits, in the order of the actions' names.
    #[must_use]
    pub fn permits(&self) -> Vec<Permit> {
        let permit = |&action: &Action| self.reach(action).map(|reach| Permit { action, reach });
        Action::ALL.iter().filter_map(permit).collect()
    }

    /// Reads a custom role: `{"title", "rank", "permits": ["catalog.read", "catalog.edit:owned"]}`. All faults at once.
    ///
    /// # Errors
    /// What is wrong, with its place.
    pub fn parse(name: &str, document: &Map<String, Value>) -> Result<Self, Vec<RoleFault>> {
        let mut faults = Faults(Vec::new());
        faults.check_name(name);
        for key in document.keys() {
            if !["name", "title", "rank", "permits"].contains(&key.as_str()) {
                faults.add(format!("/{}", pointer(key)), "A role has no such key: use title, rank and permits.");
            }
        }
        if document.get("name").is_some_and(|said| said.as_str() != Some(name)) {
            faults.add("/name".to_owned(), format!("The name is not \"{name}\": a role is not renamed."));
        }
        let title = faults.title(document.get("title"), name);
        let rank = faults.rank(document.get("rank"));
        let permits = faults.permits(document.get("permits"));
        if !faults.0.is_empty() {
            return Err(faults.0);
        }
        Ok(Self::of(name, &title, rank, &permits, false))
    }

    /// As a document that [`Role::parse`] reads.
    #[must_use]
    pub fn to_document(&self) -> Value {
        let permits: Vec<String> = self.permits().iter().map(Permit::to_string).collect();
        json!({ "name": self.name, "title": self.title, "rank": self.rank, "permits": permits })
    }

    fn of(name: &str, title: &str, rank: u16, permits: &[Permit], builtin: bool) -> Self {
        let of = |reach| permits.iter().filter(move |permit| permit.reach == reach).map(|permit| permit.action);
        let everywhere: ActionSet = of(Reach::Everywhere).collect();
        let owned = of(Reach::Owned).collect::<ActionSet>().without(everywhere);
        Self { name: name.to_owned(), title: title.to_owned(), rank, everywhere, owned, builtin }
    }
}

/// Collects what is wrong.
struct Faults(Vec<RoleFault>);

impl Faults {
    fn add(&mut self, pointer: String, message: impl Into<String>) {
        self.0.push(RoleFault { pointer, message: message.into() });
    }

    fn check_name(&mut self, name: &str) {
        let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let fits = name.len() <= NAME_BYTES
            && name.bytes().next().is_some_and(letter)
            && name.bytes().all(|byte| letter(byte) || byte == b'-');
        if !fits {
            self.add("/name".to_owned(), "The name of a role is a to z, 0 to 9 and dashes, at most 63, no dash first.");
        } else if name == "none" || builtin(name).is_some() {
            self.add("/name".to_owned(), format!("\"{name}\" is built in and cannot be changed: choose another name."));
        }
    }

    fn title(&mut self, said: Option<&Value>, name: &str) -> String {
        match said {
            None | Some(Value::Null) => name.to_owned(),
            Some(Value::String(title))
                if (1..=TITLE_CHARS).contains(&title.trim().chars().count())
                    && !title.chars().any(char::is_control) =>
            {
                title.trim().to_owned()
            }
            Some(_) => {
                self.add("/title".to_owned(), format!("A title is a text of 1 to {TITLE_CHARS} characters."));
                String::new()
            }
        }
    }

    fn rank(&mut self, said: Option<&Value>) -> u16 {
        match said.and_then(Value::as_u64).filter(|rank| RANKS.contains(rank)) {
            Some(rank) => rank as u16,
            None => {
                self.add("/rank".to_owned(), "The rank is a number from 1 to 99; viewer has 20, admin 100.");
                0
            }
        }
    }

    fn permits(&mut self, said: Option<&Value>) -> Vec<Permit> {
        let Some(list) = said.and_then(Value::as_array).filter(|list| !list.is_empty()) else {
            self.add("/permits".to_owned(), "Permits are a list of at least one action, such as \"catalog.read\".");
            return Vec::new();
        };
        if list.len() > 2 * Action::ALL.len() {
            self.add("/permits".to_owned(), "There are not that many actions.");
            return Vec::new();
        }
        let mut permits = BTreeSet::new();
        for (index, value) in list.iter().enumerate() {
            match value.as_str().and_then(Permit::from_text) {
                Some(permit) => drop(permits.insert(permit)),
                None => self.add(format!("/permits/{index}"), not_a_permit(value)),
            }
        }
        permits.into_iter().collect()
    }
}

fn not_a_permit(value: &Value) -> String {
    let shown: String = value.as_str().unwrap_or("this").chars().filter(|c| !c.is_control()).take(60).collect();
    match shown.strip_suffix(":owned").and_then(Action::from_text) {
        Some(action) => format!("{action} concerns nothing that could be owned: leave \":owned\" out."),
        None => format!("There is no action \"{shown}\"."),
    }
}

/// A key as a part of a JSON pointer.
fn pointer(key: &str) -> String {
    key.chars().take(100).collect::<String>().replace('~', "~0").replace('/', "~1")
}

/// The roles that come with the program, strongest first.
#[must_use]
pub fn builtins() -> Vec<Role> {
    ["admin", "standards-admin", "user", "team-member", "auditor", "viewer"].into_iter().filter_map(builtin).collect()
}

/// A role that comes with the program.
#[must_use]
pub fn builtin(name: &str) -> Option<Role> {
    use Action::*;
    // What everybody in the company may see, and do for themselves.
    const SEEN: ActionSet =
        ActionSet::of(&[CatalogRead, TeamRead, PersonRead, RoleRead, HandoverRead, ProfileOwn, TokenOwn]);
    const STEWARD: ActionSet = ActionSet::of(&[
        CatalogEdit,
        TeamEdit,
        StandardsManage,
        ImportRun,
        HandoverDecide,
        RuleRead,
        IntegrationRead,
        AccessRead,
    ]);
    let (title, rank, everywhere, owned) = match name {
        ADMIN => ("Admin", 100, ActionSet::EVERY, ActionSet::NONE),
        "standards-admin" => ("Standards admin", 80, SEEN.and(STEWARD), ActionSet::NONE),
        "user" => ("User", 60, SEEN.and(ActionSet::of(&[CatalogEdit, TeamEdit])), ActionSet::of(&[HandoverDecide])),
        "team-member" => ("Team member", 40, SEEN, ActionSet::of(&[CatalogEdit, TeamEdit, HandoverDecide])),
        "auditor" => ("Auditor", 30, ActionSet::reading().and(ActionSet::of(&[ProfileOwn])), ActionSet::NONE),
        VIEWER => ("Viewer", 20, SEEN, ActionSet::NONE),
        _ => return None,
    };
    Some(Role { name: name.to_owned(), title: title.to_owned(), rank, everywhere, owned, builtin: true })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builtin_roles_are_ordered_by_rank() {
        let ranks: Vec<(String, u16)> = builtins().into_iter().map(|role| (role.name, role.rank)).collect();
        let expect = [
            ("admin", 100),
            ("standards-admin", 80),
            ("user", 60),
            ("team-member", 40),
            ("auditor", 30),
            ("viewer", 20),
        ];
        assert_eq!(ranks, expect.map(|(name, rank)| (name.to_owned(), rank)));
        let changes: Vec<Action> = builtin("auditor").unwrap().everywhere.iter().filter(|a| !a.reads()).collect();
        assert_eq!(changes, [Action::ProfileOwn], "an auditor changes nothing");
        assert!(builtin("none").is_none() && builtin("owner").is_none());
    }

    #[test]
    fn permits_are_read_and_printed() {
        for text in ["catalog.read", "catalog.edit", "catalog.edit:owned", "team.edit:owned"] {
            assert_eq!(Permit::from_text(text).unwrap().to_string(), text);
        }
        for text in ["", "catalog", "catalog.read:owned", "role.manage:owned", "catalog.edit:all", "catalog.edit:"] {
            assert_eq!(Permit::from_text(text), None, "{text}");
        }
    }

    fn parse(name: &str, document: &Value) -> Result<Role, Vec<RoleFault>> {
        Role::parse(name, document.as_object().unwrap())
    }

    #[test]
    fn custom_roles_are_read_and_kept() {
        let document = json!({"name": "on-call", "title": "On call", "rank": 45,
            "permits": ["catalog.read", "catalog.edit:owned", "catalog.read"]});
        let role = parse("on-call", &document).unwrap();
        assert_eq!((role.title.as_str(), role.rank, role.builtin), ("On call", 45, false));
        assert_eq!(role.reach(Action::CatalogRead), Some(Reach::Everywhere));
        assert_eq!(role.reach(Action::CatalogEdit), Some(Reach::Owned));
        assert_eq!(role.reach(Action::TeamEdit), None);
        assert_eq!(parse("on-call", &role.to_document()), Ok(role));
        let both = parse("both", &json!({"rank": 1, "permits": ["team.edit:owned", "team.edit"]})).unwrap();
        assert_eq!((both.reach(Action::TeamEdit), both.title.as_str()), (Some(Reach::Everywhere), "both"));
    }

    #[test]
    fn bad_roles_are_refused_with_their_places() {
        let check = |name: &str, document: Value, expect: &[&str]| {
            let faults = parse(name, &document).unwrap_err();
            let places: Vec<&str> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
            assert_eq!(places, expect, "{name} {document}");
        };
        let good = || json!({"rank": 10, "permits": ["catalog.read"]});
        for name in ["admin", "viewer", "none", "", "-a", "A", "a_b", "é", &"a".repeat(64)] {
            check(name, good(), &["/name"]);
        }
        check("x", json!({}), &["/rank", "/permits"]);
        check("x", json!({"rank": 100, "permits": []}), &["/rank", "/permits"]);
        check(
            "x",
            json!({"rank": 0, "permits": ["catalog.read", 1, "no.thing"]}),
            &["/rank", "/permits/1", "/permits/2"],
        );
        check("x", json!({"rank": "5", "permits": ["audit.read:owned"]}), &["/rank", "/permits/0"]);
        check("x", json!({"name": "y", "title": "", "rank": 5, "permits": ["catalog.read"]}), &["/name", "/title"]);
        check("x", json!({"rank": 5, "permits": ["catalog.read"], "a/b": 1}), &["/a~1b"]);
    }
}
