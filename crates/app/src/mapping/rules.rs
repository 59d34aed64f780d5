//! Saving rules, and the versions there were.

use super::current::{self, CURRENT, IN_FORCE};
use super::{MAPPING, NotTaken, RULES, preview, read_rules, reviews};
use crate::Refusal;
use crate::access::{Action, Object, Principal, hold_within_own, require};
use crate::app::App;
use crate::error::of_store;
use crate::holds::leaving_guard;
use bailiwick_domain::event::EventKind;
use bailiwick_domain::failure::{self, ProductCode};
use bailiwick_domain::ids::Millis;
use bailiwick_domain::mapping::{Effects, RuleSet, Then};
use bailiwick_scim::Code;
use bailiwick_store::change::{Dirty, EntryWrite, NewEvent};
use bailiwick_store::query::EntryQuery;
use bailiwick_store::rows::EntryRow;
use bailiwick_store::{ChangeSet, Error, Guard, Write};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The collection of all versions there were; their ids are their numbers with leading zeros.
const VERSIONS: &str = "rule-version";
/// How often saving reads and decides again.
const ATTEMPTS: usize = 16;
/// Characters a note may have.
const NOTE: usize = 1_000;

/// How rules are to be applied.
#[derive(Clone, Debug, Default)]
pub struct Apply {
    /// The basis of the preview that was looked at.
    pub basis: Option<String>,
    /// What the preview found dangerous is meant.
    pub accept_dangers: bool,
    /// The number of the version this one is to follow.
    pub expected: Option<u64>,
    /// Why.
    pub note: Option<String>,
}

/// Rules that were saved.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Saved {
    /// Number of the version in force.
    pub version: u64,
    /// Rules in it.
    pub rules: usize,
    /// Whether anything changed: an equal file makes no version.
    pub changed: bool,
}

/// A version, without its rules.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Version {
    /// Its number.
    pub version: u64,
    /// When it was saved.
    pub at: Millis,
    /// Who saved it.
    pub by: String,
    /// Why.
    pub note: Option<String>,
    /// Rules in it.
    pub rules: u64,
}

/// A version with its rules.
#[derive(Clone, Debug, PartialEq)]
pub struct Text {
    /// What is known of it.
    pub version: Version,
    /// The file as it was given.
    pub text: String,
    /// What it says.
    pub set: RuleSet,
}

/// Puts the rules of a file in force. Everybody is evaluated again in the background.
///
/// # Errors
/// Faults of the file, dangers nobody has accepted, `preview-stale`, `precondition-failed`, `forbidden` (also when a rule
/// newly gives a role that is more than the caller has), or when the store cannot answer.
pub async fn apply_rules(app: &App, principal: &Principal, text: &str, how: &Apply) -> Result<Saved, NotTaken> {
    require(app, principal, Action::RuleManage, &Object::None).await?;
    if how.note.as_ref().is_some_and(|note| note.chars().count() > NOTE) {
        return Err(Refusal::new(Code::ValueInvalid, format!("A note has at most {NOTE} characters.")).into());
    }
    for _ in 0..ATTEMPTS {
        let version = app.store().guard(RULES).await.map_err(of_store)?;
        let (before, number) = current::stored(app).await?;
        if how.expected.is_some_and(|expected| expected != number) {
            let detail = format!("The rules in force are version {number}. Read them again.");
            return Err(Refusal::new(Code::PreconditionFailed, detail).into());
        }
        let set = read_rules(app, text).await?;
        if set == before {
            return Ok(Saved { version: number, rules: set.rules.len(), changed: false });
        }
        let given = hold_within_own(app, principal, newly_given(&before, &set)).await?;
        let Some(basis) = accept(app, &set, how).await? else { continue };
        let writing = Saving { app, principal, text, how, before: &before, set: &set, number: number + 1, version };
        let mut changes = writing.set().await?;
        changes.guards.extend(basis.into_iter().chain(given));
        match app.store().commit(changes).await {
            Ok(_) => {
                app.mapping().wake();
                return Ok(Saved { version: number + 1, rules: set.rules.len(), changed: true });
            }
            Err(Error::Stale) => {}
            Err(error) => return Err(of_store(error).into()),
        }
    }
    Err(of_store(Error::Stale).into())
}

/// The roles that somebody may get by the new rules and could not by the old ones: those of a rule that did not give them
/// before, or gave them under another condition.
fn newly_given<'a>(before: &RuleSet, set: &'a RuleSet) -> BTreeSet<&'a str> {
    let mut roles = BTreeSet::new();
    for rule in &set.rules {
        let old = before.rule(&rule.id).filter(|old| old.when == rule.when);
        let new = rule.then.iter().filter(|then| !old.is_some_and(|old| old.then.contains(then)));
        roles.extend(new.filter_map(|then| match then {
            Then::Role { role } => Some(role.as_str()),
            _ => None,
        }));
    }
    roles
}

/// Refuses what is dangerous unless somebody who has seen it says that it is meant. What was looked at is held true by
/// the guards that this gives, until the rules are saved; `None` when it has changed already.
async fn accept(app: &App, set: &RuleSet, how: &Apply) -> Result<Option<Vec<Guard>>, NotTaken> {
    let mut guards = Vec::new();
    if let Some(basis) = &how.basis {
        let held = preview::check_basis(app, basis, set).await?;
        guards.push(held.guard);
        if !held.dangerous || how.accept_dangers {
            return Ok(Some(guards));
        }
    }
    let preview = preview::preview_set(app, set.clone()).await?;
    if preview.dangers.is_empty() {
        let leaving = leaving(app, &preview.effects).await?;
        return Ok(leaving.map(|leaving| guards.into_iter().chain(leaving).collect()));
    }
    if how.accept_dangers && how.basis.is_none() {
        let detail = "Dangers are accepted only with the basis of a preview: what nobody has seen nobody can mean.";
        return Err(failure::error(ProductCode::RulesDangerous, detail).into());
    }
    let named = preview.dangers.into_iter().map(|danger| super::with_names(danger, &preview.team_names));
    Err(NotTaken::Dangers(named.collect()))
}

/// What keeps the teams that lose members as large as they were looked at, as far as groups take members from them;
/// `None` when one is smaller already.
async fn leaving(app: &App, effects: &Effects) -> Result<Option<Vec<Guard>>, Refusal> {
    let losing = effects.teams.iter().filter(|(_, size)| size.after < size.before);
    let losing: BTreeMap<String, u64> = losing.map(|(team, size)| (team.clone(), size.before)).collect();
    let mut guards = Vec::with_capacity(losing.len());
    for team in losing.keys() {
        guards.push(leaving_guard(app, team, false).await?);
    }
    let teams: Vec<String> = losing.keys().cloned().collect();
    let sizes = app.store().team_sizes(Some(&teams)).await.map_err(of_store)?;
    let sizes: BTreeMap<String, u64> = sizes.into_iter().collect();
    let smaller = losing.iter().any(|(team, before)| sizes.get(team).copied().unwrap_or(0) < *before);
    Ok((!smaller).then_some(guards))
}

struct Saving<'a> {
    app: &'a App,
    principal: &'a Principal,
    text: &'a str,
    how: &'a Apply,
    before: &'a RuleSet,
    set: &'a RuleSet,
    number: u64,
    version: i64,
}

impl Saving<'_> {
    async fn set(&self) -> Result<ChangeSet, Refusal> {
        let app = self.app;
        let mut set = ChangeSet { at: app.clock().now(), ..ChangeSet::default() };
        set.guards.push(Guard::Key { key: RULES.to_owned(), version: self.version, bump: true });
        set.guards.extend(awake(app).await?);
        let rules: Value = serde_json::from_str(&self.set.to_json()).unwrap_or_default();
        let actor = self.principal.actor();
        let doc = json!({
            "number": self.number, "by": actor, "note": self.how.note, "count": self.set.rules.len(),
            "text": self.text, "set": rules,
        });
        let entry = |collection: &str, id: String, doc: &Value| {
            let (collection, doc) = (collection.to_owned(), doc.to_string());
            Write::PutEntry(EntryWrite { collection, id, parent: None, state: None, due: None, doc })
        };
        set.writes.push(entry(IN_FORCE, CURRENT.to_owned(), &doc));
        set.writes.push(entry(VERSIONS, version_id(self.number), &doc));
        set.writes.extend(reviews::follow(app, self.before, self.set).await?);
        set.writes.push(Write::MarkDirty(Dirty::All));
        set.events.push(NewEvent {
            kind: EventKind::RulesSave,
            integration: None,
            request: app.request_id(),
            resource: None,
            person: None,
            actor: actor.to_owned(),
            call: None,
            payload: self.told(),
            salt: app.random(),
        });
        Ok(set)
    }

    fn told(&self) -> Value {
        let ids = |set: &RuleSet, test: &dyn Fn(&bailiwick_domain::mapping::Rule) -> bool| -> Vec<String> {
            set.rules.iter().filter(|rule| test(rule)).map(|rule| rule.id.clone()).collect()
        };
        let added = ids(self.set, &|rule| self.before.rule(&rule.id).is_none());
        let removed = ids(self.before, &|rule| self.set.rule(&rule.id).is_none());
        let changed = ids(self.set, &|rule| self.before.rule(&rule.id).is_some_and(|old| old != rule));
        json!({
            "version": self.number, "rules": self.set.rules.len(), "note": self.how.note,
            "added": added, "removed": removed, "changed": changed, "accepted_dangers": self.how.accept_dangers,
        })
    }
}

/// The guard that lets marks be made, where it does not exist yet. Whoever makes the first rule or feed adds it and
/// marks whom that concerns.
pub(crate) async fn awake(app: &App) -> Result<Option<Guard>, Refusal> {
    let version = app.store().guard(MAPPING).await.map_err(of_store)?;
    Ok((version == 0).then(|| Guard::Key { key: MAPPING.to_owned(), version, bump: true }))
}

fn version_id(number: u64) -> String {
    format!("{number:08}")
}

/// The versions there were, oldest first, behind the one of that number.
///
/// # Errors
/// `forbidden`, or when the store cannot answer.
pub async fn list_versions(
    app: &App,
    principal: &Principal,
    after: Option<u64>,
    limit: u32,
) -> Result<Vec<Version>, Refusal> {
    require(app, principal, Action::RuleRead, &Object::None).await?;
    let query =
        EntryQuery { collection: VERSIONS.to_owned(), after: after.map(version_id), limit, ..EntryQuery::default() };
    Ok(app.store().entries(query).await.map_err(of_store)?.iter().map(|entry| version(entry).0).collect())
}

/// A version with its rules; without a number the one in force.
///
/// # Errors
/// An unknown version, `forbidden`, or when the store cannot answer.
pub async fn read_version(app: &App, principal: &Principal, number: Option<u64>) -> Result<Text, Refusal> {
    require(app, principal, Action::RuleRead, &Object::None).await?;
    let entry = match number {
        Some(number) => app.store().entry(VERSIONS, &version_id(number)).await,
        None => app.store().entry(IN_FORCE, CURRENT).await,
    };
    let Some(entry) = entry.map_err(of_store)? else {
        return match number {
            Some(number) => Err(Refusal::new(Code::NotFound, format!("There is no version {number} of the rules."))),
            None => Ok(Text {
                version: Version { version: 0, at: Millis(0), by: "nobody".to_owned(), note: None, rules: 0 },
                text: "version: 1\nrules: []\n".to_owned(),
                set: RuleSet { version: 1, rules: Vec::new() },
            }),
        };
    };
    let (version, document) = version(&entry);
    let text = document.get("text").and_then(Value::as_str).unwrap_or_default().to_owned();
    let set = document.get("set").map(Value::to_string).unwrap_or_default();
    let set = RuleSet::from_json(&set).map_err(|reason| failure::error(ProductCode::Internal, reason))?;
    Ok(Text { version, text, set })
}

fn version(entry: &EntryRow) -> (Version, Value) {
    let document: Value = serde_json::from_str(&entry.doc).unwrap_or_default();
    let text = |key: &str| document.get(key).and_then(Value::as_str).map(str::to_owned);
    let number = |key: &str| document.get(key).and_then(Value::as_u64).unwrap_or(0);
    let version = Version {
        version: number("number"),
        at: entry.modified,
        by: text("by").unwrap_or_default(),
        note: text("note"),
        rules: number("count"),
    };
    (version, document)
}

/// Puts an old version in force again, as a new one: its file is read anew, with the teams and roles there are now.
///
/// # Errors
/// As [`apply_rules`], or an unknown version.
pub async fn restore_version(app: &App, principal: &Principal, number: u64, how: &Apply) -> Result<Saved, NotTaken> {
    let old = read_version(app, principal, Some(number)).await?;
    let note = how.note.clone().or_else(|| Some(format!("version {number} again")));
    apply_rules(app, principal, &old.text, &Apply { note, ..how.clone() }).await
}
