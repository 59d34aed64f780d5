//! Fjordline, a ferry operator that does not exist.

use crate::out::Failure;
use serde::Deserialize;

const TEXT: &str = include_str!("company.json");

#[derive(Debug, Deserialize)]
pub(super) struct Company {
    pub(super) okta: Directory,
    pub(super) entra: Directory,
}

#[derive(Debug, Deserialize)]
pub(super) struct Directory {
    pub(super) domain: String,
    pub(super) people: Vec<Human>,
    pub(super) groups: Vec<Group>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Human {
    /// What stands before the @.
    pub(super) key: String,
    pub(super) given: String,
    pub(super) family: String,
    pub(super) title: String,
    pub(super) department: String,
    /// Key of the manager.
    pub(super) manager: Option<String>,
    /// An address that is not the userName.
    pub(super) email: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Group {
    pub(super) name: String,
    /// Keys of people.
    #[serde(default)]
    pub(super) members: Vec<String>,
    /// Names of groups.
    #[serde(default)]
    pub(super) groups: Vec<String>,
}

impl Company {
    pub(super) fn read() -> Result<Self, Failure> {
        serde_json::from_str(TEXT).map_err(|error| Failure::Refused(format!("the demo company is malformed: {error}")))
    }
}

impl Human {
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.given, self.family)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn everybody_who_is_named_exists() {
        let company = Company::read().unwrap();
        assert!((38..=44).contains(&(company.okta.people.len() + company.entra.people.len())));
        for directory in [&company.okta, &company.entra] {
            let keys: HashSet<&str> = directory.people.iter().map(|human| human.key.as_str()).collect();
            assert_eq!(keys.len(), directory.people.len());
            let groups: HashSet<&str> = directory.groups.iter().map(|group| group.name.as_str()).collect();
            for human in &directory.people {
                assert!(human.manager.as_deref().is_none_or(|manager| keys.contains(manager)), "{}", human.key);
            }
            for group in &directory.groups {
                assert!(group.members.iter().all(|key| keys.contains(key.as_str())), "{}", group.name);
                assert!(group.groups.iter().all(|name| groups.contains(name.as_str())), "{}", group.name);
            }
        }
    }
}
