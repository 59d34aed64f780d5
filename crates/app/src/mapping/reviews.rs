//! Reviews: every rule is looked at again after a while, and it is recorded who looked and what they decided.

use super::{RULES, current};
use crate::Refusal;
use crate::access::{Action, Object, Principal, require};
use crate::app::App;
use crate::error::of_store;
use bailiwick_domain::event::EventKind;
use bailiwick_domain::ids::Millis;
use bailiwick_domain::mapping::{Rule, RuleSet};
use bailiwick_scim::Code;
use bailiwick_store::change::{EntryWrite, NewEvent};
use bailiwick_store::query::EntryQuery;
use bailiwick_store::rows::EntryRow;
use bailiwick_store::{ChangeSet, Error, Guard, Write};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;

/// The collection with an entry for each rule: when it is due, and the last reviews.
const REVIEWS: &str = "rule-review";
/// Reviews of one rule that its entry keeps; the journal keeps all.
const KEPT: usize = 50;
/// Characters a note may have.
const NOTE: usize = 2_000;
/// Entries read at once.
const PAGE: u32 = 1_000;
const ATTEMPTS: usize = 16;
const DAY: i64 = 24 * 60 * 60 * 1_000;

/// What a review decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// The rule stays.
    Keep,
    /// It is to be changed: whoever owns it does that.
    Change,
    /// It is to be removed.
    Remove,
}

impl Decision {
    /// The stable text.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Change => "change",
            Self::Remove => "remove",
        }
    }

    /// The decision of that text.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        [Self::Keep, Self::Change, Self::Remove].into_iter().find(|decision| decision.as_str() == text)
    }
}

/// A review that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// Who looked.
    pub by: String,
    /// When.
    pub at: Millis,
    /// What they decided.
    pub decision: Decision,
    /// Why.
    pub note: String,
}

/// A rule and its reviews.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReviewEntry {
    /// The rule.
    pub rule: String,
    /// What it is for.
    pub description: Option<String>,
    /// Who answers for it.
    pub owner: String,
    /// When the next review is due.
    pub due: Option<Millis>,
    /// Whether that is past.
    pub overdue: bool,
    /// The last reviews, the newest first.
    pub reviews: Vec<Review>,
}

/// The rules in force whose review is due, the longest due first; with `all` every rule.
///
/// # Errors
/// `forbidden`, or when the store cannot answer.
pub async fn due_reviews(app: &App, principal: &Principal, all: bool) -> Result<Vec<ReviewEntry>, Refusal> {
    require(app, principal, Action::RuleRead, &Object::None).await?;
    let (set, _) = current::stored(app).await?;
    let entries = entries(app).await?;
    let now = app.clock().now();
    let mut found: Vec<ReviewEntry> =
        set.rules.iter().map(|rule| shown(rule, entries.get(&rule.id), now)).filter(|it| all || it.overdue).collect();
    found.sort_by_key(|entry| entry.due);
    Ok(found)
}

fn shown(rule: &Rule, entry: Option<&EntryRow>, now: Millis) -> ReviewEntry {
    let due = entry.and_then(|entry| entry.due);
    ReviewEntry {
        rule: rule.id.clone(),
        description: rule.description.clone(),
        owner: rule.owner.clone(),
        overdue: due.is_some_and(|due| due <= now),
        due,
        reviews: entry.map(reviews_of).unwrap_or_default(),
    }
}

fn reviews_of(entry: &EntryRow) -> Vec<Review> {
    serde_json::from_str(&entry.doc).unwrap_or_default()
}

async fn entries(app: &App) -> Result<BTreeMap<String, EntryRow>, Refusal> {
    let mut found = BTreeMap::new();
    let mut after = None;
    loop {
        let query = EntryQuery { collection: REVIEWS.to_owned(), after, limit: PAGE, ..EntryQuery::default() };
        let page = app.store().entries(query).await.map_err(of_store)?;
        after = page.last().map(|entry| entry.id.clone());
        let last = page.len() < PAGE as usize;
        found.extend(page.into_iter().map(|entry| (entry.id.clone(), entry)));
        if last {
            return Ok(found);
        }
    }
}

/// When the review of each rule is due.
pub(super) async fn due(app: &App) -> Result<BTreeMap<String, Millis>, Refusal> {
    Ok(entries(app).await?.into_iter().filter_map(|(id, entry)| Some((id, entry.due?))).collect())
}

/// Records that somebody looked at a rule. The next review is due an interval later.
///
/// # Errors
/// An unknown rule, `forbidden`, or when the store cannot answer.
pub async fn record_review(
    app: &App,
    principal: &Principal,
    rule: &str,
    decision: Decision,
    note: &str,
) -> Result<ReviewEntry, Refusal> {
    require(app, principal, Action::RuleManage, &Object::None).await?;
    if note.chars().count() > NOTE || note.contains('\0') {
        return Err(Refusal::new(Code::ValueInvalid, format!("A note has at most {NOTE} characters and no NUL.")));
    }
    for _ in 0..ATTEMPTS {
        // Before they are read: a rule is reviewed as it is.
        let version = app.store().guard(RULES).await.map_err(of_store)?;
        let rules = Guard::Key { key: RULES.to_owned(), version, bump: false };
        let (set, _) = current::stored(app).await?;
        let Some(found) = set.rule(rule) else {
            return Err(Refusal::new(Code::NotFound, format!("There is no rule with the id \"{rule}\".")));
        };
        let entry = app.store().entry(REVIEWS, rule).await.map_err(of_store)?;
        let now = app.clock().now();
        let mut reviews = entry.as_ref().map(reviews_of).unwrap_or_default();
        let by = principal.actor().to_owned();
        reviews.insert(0, Review { by, at: now, decision, note: note.to_owned() });
        reviews.truncate(KEPT);
        let mut write = entry_write(found, now);
        write.doc = json!(reviews).to_string();
        let due = write.due;
        let event = NewEvent {
            kind: EventKind::RuleReview,
            integration: None,
            request: app.request_id(),
            resource: None,
            person: None,
            actor: principal.actor().to_owned(),
            call: None,
            payload: json!({ "rule": rule, "decision": decision, "note": note, "due": due }),
            salt: app.random(),
        };
        let (collection, id) = (REVIEWS.to_owned(), rule.to_owned());
        let version = entry.as_ref().map_or(0, |entry| entry.version);
        let set = ChangeSet {
            at: now,
            guards: vec![rules, Guard::Entry { collection, id, version }],
            writes: vec![Write::PutEntry(write)],
            events: vec![event],
        };
        match app.store().commit(set).await {
            Ok(_) => {
                let entry = app.store().entry(REVIEWS, rule).await.map_err(of_store)?;
                return Ok(shown(found, entry.as_ref(), now));
            }
            Err(Error::Stale) => {}
            Err(error) => return Err(of_store(error)),
        }
    }
    Err(of_store(Error::Stale))
}

/// A rule whose clock begins to run.
fn entry_write(rule: &Rule, from: Millis) -> EntryWrite {
    EntryWrite {
        collection: REVIEWS.to_owned(),
        id: rule.id.clone(),
        parent: None,
        state: None,
        due: Some(Millis(from.0 + i64::from(rule.review_days) * DAY)),
        doc: "[]".to_owned(),
    }
}

/// What new rules mean for reviews: a new rule is due an interval from now, one with another interval an interval after
/// its last review, and one that is gone never.
pub(super) async fn follow(app: &App, before: &RuleSet, after: &RuleSet) -> Result<Vec<Write>, Refusal> {
    let known = entries(app).await?;
    let now = app.clock().now();
    let mut writes = Vec::new();
    for rule in &after.rules {
        let same = before.rule(&rule.id).is_some_and(|old| old.review_days == rule.review_days);
        match known.get(&rule.id) {
            Some(_) if same => {}
            Some(entry) => {
                let last = reviews_of(entry).first().map_or(now, |review| review.at);
                writes.push(Write::PutEntry(EntryWrite { doc: entry.doc.clone(), ..entry_write(rule, last) }));
            }
            None => writes.push(Write::PutEntry(entry_write(rule, now))),
        }
    }
    for id in known.keys().filter(|id| after.rule(id).is_none()) {
        writes.push(Write::DeleteEntry { collection: REVIEWS.to_owned(), id: id.clone() });
    }
    Ok(writes)
}
