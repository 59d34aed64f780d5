//! Mapping rules: from what identity providers say to teams, roles, properties and ownership.
//!
//! `domain::mapping` decides; here is where what it needs is read and what it decided is committed. [`settle`] brings
//! the grants of persons up to date, [`recompute`] does so in the background for everybody who waits for it, the
//! directory's use cases do it in their own commits for what is small. Whatever is about to be committed passes
//! [`weigh`]. [`rules`] saves rules, [`preview`] says what they would do, [`explain`] who has what and through what,
//! [`listing`] the same of everybody.

pub(crate) mod consequences;
mod current;
mod explain;
mod lint;
mod listing;
mod owned;
mod preview;
mod recompute;
mod reviews;
mod rules;
mod settle;
pub(crate) mod subject;
mod vocabulary;
mod weigh;

pub use current::{current, rules_guard};
pub(crate) use current::{in_force, new_team_name};
pub use explain::{Explained, Has, Ownership, Way, explain, memberships, words};
pub use lint::lint;
pub use listing::{AccessLine, CSV_HEAD, ENTITY, GAP, Listing, Place, access_csv};
pub(crate) use preview::{Looked, changed_since, quiet_since, team_names};
pub use preview::{Preview, Tried, line_words, preview, try_person};
pub(crate) use recompute::quiet;
pub use recompute::{Progress, progress, recompute, settle_everybody};
pub use reviews::{Decision, Review, ReviewEntry, due_reviews, record_review};
pub use rules::{Apply, Saved, Text, Version, apply_rules, list_versions, read_version, restore_version};
pub(crate) use settle::{CHUNK, change_event, grants_write, outcomes};
pub use settle::{Settled, settle};
pub use vocabulary::read_rules;
pub use weigh::Outcome;
pub(crate) use weigh::{Cause, weigh};

use crate::Refusal;
use bailiwick_domain::failure::{self, ProductCode};
use bailiwick_domain::mapping::{Compiled, Danger};
use bailiwick_domain::yaml::Fault;
use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};
use tokio::sync::Notify;

/// The guard that everything bumps that changes what rules mean: rules, feeds, names of teams.
pub const RULES: &str = "rules";
/// The guard that exists as soon as there is a rule or feed: without it nobody is marked to be evaluated.
pub const MAPPING: &str = "mapping";

/// What is held in memory for rules.
#[derive(Debug, Default)]
pub(crate) struct Room {
    compiled: RwLock<Option<Arc<Compiled>>>,
    /// Somebody may wait to be evaluated.
    pub(crate) wake: Notify,
    pub(crate) run: RwLock<recompute::Run>,
}

/// Why rules were not taken.
#[derive(Clone, Debug)]
pub enum NotTaken {
    /// The file has faults.
    Faults(Vec<Fault>),
    /// They are dangerous, and nobody said that it is meant.
    Dangers(Vec<Danger>),
    /// Anything else.
    Refused(Refusal),
}

impl From<Refusal> for NotTaken {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// Faults told in the sentence of a refusal; the rest is counted.
const FAULTS_TOLD: usize = 10;

impl From<NotTaken> for Refusal {
    fn from(not: NotTaken) -> Self {
        match not {
            NotTaken::Refused(refusal) => refusal,
            NotTaken::Faults(faults) => {
                let told: Vec<String> = faults.iter().take(FAULTS_TOLD).map(ToString::to_string).collect();
                let more = match faults.len().saturating_sub(FAULTS_TOLD) {
                    0 => String::new(),
                    more => format!("; and {more} more"),
                };
                failure::error(ProductCode::RulesInvalid, format!("The rules have faults: {}{more}.", told.join("; ")))
            }
            NotTaken::Dangers(dangers) => {
                let told: Vec<String> = dangers.iter().map(danger_words).collect();
                let detail = format!("The rules were not applied: {}.", told.join("; "));
                failure::error(ProductCode::RulesDangerous, detail)
            }
        }
    }
}

/// The danger with what teams are called instead of their ids, for people.
#[must_use]
pub fn with_names(danger: Danger, names: &BTreeMap<String, String>) -> Danger {
    match danger {
        Danger::TeamsEmptied { teams } => {
            let named = teams.into_iter().map(|team| names.get(&team).cloned().unwrap_or(team));
            Danger::TeamsEmptied { teams: named.collect() }
        }
        other => other,
    }
}

/// A danger as a part of a sentence.
#[must_use]
pub fn danger_words(danger: &Danger) -> String {
    match danger {
        Danger::NoAdmin => "nobody would be an active admin any more".to_owned(),
        Danger::AdminsLost { count } => format!("{count} active admins would lose that role"),
        Danger::TeamsEmptied { teams } if teams.len() > FAULTS_TOLD => {
            format!("{} teams would have no active member any more", teams.len())
        }
        Danger::TeamsEmptied { teams } => {
            format!("teams would have no active member any more: {}", teams.join(", "))
        }
        Danger::TooManyRemovals { removed, of, percent, people } => format!(
            "{removed} of {of} active people would lose something; the threshold is more than {percent} per cent and \
             at least {people}"
        ),
    }
}
