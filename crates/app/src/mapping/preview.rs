//! What rules would do, before they do it: the same evaluation and comparison as the real change, committed to nothing.

use super::settle::CHUNK;
use super::{NotTaken, RULES, current, read_rules, subject};
use crate::Refusal;
use crate::access::{Action, Object, Principal, require};
use crate::app::App;
use crate::error::of_store;
use bailiwick_domain::failure::{self, ProductCode};
use bailiwick_domain::guard::Thresholds;
use bailiwick_domain::mapping::effects::{Case, Line};
use bailiwick_domain::mapping::{Compiled, Danger, Effects, Grant, GroupMatches, Origin, RuleSet, diff, evaluate};
use bailiwick_domain::person::State;
use bailiwick_scim::{Code, etag};
use bailiwick_store::Guard;
use bailiwick_store::query::{EventQuery, PersonListQuery};
use std::collections::{BTreeMap, BTreeSet};

/// Events looked through for a change since a preview; after so many it counts as changed.
const EVENTS: u32 = 1_000;
/// Pages of them.
const EVENT_PAGES: usize = 20;
/// Kinds of events, by how they begin, that change what rules would do: of Users and Groups, persons, teams, roles,
/// grants and the rules themselves.
const COUNTS: [&str; 10] = [
    "conflict:link",
    "grant:",
    "hold:",
    "integration:apply",
    "integration:delete",
    "person:",
    "prov:",
    "role:",
    "rules:save",
    "team:",
];

/// What rules would do.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Preview {
    /// Added up over everybody.
    pub effects: Effects,
    /// What somebody must say yes to first.
    pub dangers: Vec<Danger>,
    /// The thresholds the dangers were found with.
    pub thresholds: Thresholds,
    /// To apply exactly what was previewed.
    pub basis: String,
    /// Titles of the teams that change, by id.
    pub team_names: BTreeMap<String, String>,
    /// How many active people each rule would give something to, by its id.
    pub matches: BTreeMap<String, u64>,
}

/// What one person would have.
#[derive(Clone, Debug)]
pub struct Tried {
    /// Id.
    pub person: String,
    /// Name.
    pub name: String,
    /// Everything the rules and feeds give, with the way to it.
    pub grants: Vec<Grant>,
    /// What that changes.
    pub effects: Effects,
}

/// Previews a rule file over everybody.
///
/// # Errors
/// Faults of the file, `forbidden`, or when the store cannot answer.
pub async fn preview(app: &App, principal: &Principal, text: &str) -> Result<Preview, NotTaken> {
    require(app, principal, Action::RuleRead, &Object::None).await?;
    let set = read_rules(app, text).await?;
    Ok(preview_set(app, set).await?)
}

pub(super) async fn preview_set(app: &App, set: RuleSet) -> Result<Preview, Refusal> {
    // Before anything else is read: what changes meanwhile makes the basis stale.
    let (version, position) = standing(app).await?;
    let json = set.to_json();
    let rules = current::compile(app, set, version).await?;
    let (mut effects, matches) = over_everybody(app, &rules).await?;
    let thresholds = thresholds(app).await?;
    let dangers = effects.dangers(thresholds);
    effects.keep_changed_teams();
    let basis = basis(app, version, position, !dangers.is_empty(), &json);
    let team_names = team_names(app, effects.teams.keys()).await?;
    Ok(Preview { effects, dangers, thresholds, basis, team_names, matches })
}

/// Adds up what rules would do to everybody who is not closed, some hundred at a time.
pub(super) async fn over_everybody(app: &App, rules: &Compiled) -> Result<(Effects, BTreeMap<String, u64>), Refusal> {
    let mut memo = GroupMatches::default();
    let mut effects = Effects::default();
    let mut matches: BTreeMap<String, u64> = BTreeMap::new();
    let mut after = None;
    loop {
        let limit = u32::try_from(CHUNK).unwrap_or(u32::MAX);
        let query = PersonListQuery { after, limit, ..PersonListQuery::default() };
        let page = app.store().person_page(query).await.map_err(of_store)?;
        let persons: Vec<i64> = page.rows.iter().filter(|row| row.state != State::Closed).map(|row| row.seq).collect();
        if !persons.is_empty() {
            let subjects = subject::read(app, rules, &persons).await?;
            for row in &subjects.rows {
                let wanted = evaluate(rules, &mut memo, &subject::subject(row, &subjects.web));
                if row.person.state == State::Active {
                    let by = wanted.iter().filter_map(|grant| match &grant.origin {
                        Origin::Rule { rule, .. } => Some(rule),
                        _ => None,
                    });
                    for rule in by.collect::<BTreeSet<_>>() {
                        *matches.entry(rule.clone()).or_default() += 1;
                    }
                }
                add(&mut effects, row, &wanted);
            }
        }
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok((effects, matches)),
        }
        tokio::task::yield_now().await;
    }
}

fn add(effects: &mut Effects, row: &bailiwick_store::rows::SubjectRow, wanted: &[Grant]) {
    let held = subject::held(&row.grants);
    let change = diff(&held, wanted);
    effects.add(&Case {
        person: &row.person.id,
        name: &row.person.display,
        state: row.person.state,
        becomes: row.person.state,
        held: &held,
        diff: &change,
        admin_by_hand: row.person.admin,
    });
}

/// What one person would have by a rule file, or by the rules in force.
///
/// # Errors
/// Faults of the file, an unknown person, `forbidden`, or when the store cannot answer.
pub async fn try_person(app: &App, principal: &Principal, text: Option<&str>, person: &str) -> Result<Tried, NotTaken> {
    require(app, principal, Action::RuleRead, &Object::None).await?;
    let set = match text {
        Some(text) => read_rules(app, text).await?,
        None => current::stored(app).await?.0,
    };
    let found = app.store().person_by_id(person).await.map_err(of_store)?;
    let found = found.ok_or_else(|| {
        Refusal::new(Code::NotFound, format!("There is no person with the id \"{person}\". See: bailiwick person list"))
    })?;
    let version = app.store().guard(RULES).await.map_err(of_store)?;
    let rules = current::compile(app, set, version).await?;
    let subjects = subject::read(app, &rules, &[found.seq]).await?;
    let mut effects = Effects::default();
    let mut grants = Vec::new();
    if let Some(row) = subjects.rows.first() {
        grants = evaluate(&rules, &mut GroupMatches::default(), &subject::subject(row, &subjects.web));
        add(&mut effects, row, &grants);
        effects.keep_changed_teams();
    }
    Ok(Tried { person: found.id, name: found.display, grants, effects })
}

/// The strictest thresholds of the integrations: a file concerns all of them, and what the guard of one would hold is a
/// danger.
pub(super) async fn thresholds(app: &App) -> Result<Thresholds, Refusal> {
    let rows = app.store().integrations().await.map_err(of_store)?;
    let said =
        rows.iter().map(|row| Thresholds { percent: row.settings.guard_percent, people: row.settings.guard_people });
    Ok(said.reduce(Thresholds::strictest).unwrap_or_default())
}

/// The version of the rules and the place in the feed of this moment.
async fn standing(app: &App) -> Result<(i64, i64), Refusal> {
    let version = app.store().guard(RULES).await.map_err(of_store)?;
    let position = app.store().last_seq().await.map_err(of_store)?;
    Ok((version, position))
}

/// What ties an application to a preview: the rules and the place in the feed it began from, whether it was dangerous,
/// and a keyed digest of these and of the rules previewed.
fn basis(app: &App, version: i64, position: i64, dangerous: bool, json: &str) -> String {
    let danger = if dangerous { "d" } else { "s" };
    let head = format!("{version}.{position}.{danger}");
    let digest = etag::tag(app.etag_key(), &[b"basis", head.as_bytes(), json.as_bytes()]);
    let digest = digest.trim_start_matches("W/").trim_matches('"');
    format!("{head}.{digest}")
}

/// A preview that still holds.
pub(super) struct Held {
    /// Whether it found dangers.
    pub(super) dangerous: bool,
    /// What keeps it true until the commit: nothing that counts happened since it was looked at here.
    pub(super) guard: Guard,
}

/// Whether the preview of that basis, of these rules, still holds.
pub(super) async fn check_basis(app: &App, text: &str, set: &RuleSet) -> Result<Held, Refusal> {
    let stale = |detail: String| Err(failure::error(ProductCode::PreviewStale, detail));
    let mut parts = text.splitn(4, '.');
    let number = |part: Option<&str>| part.and_then(|part| part.parse::<i64>().ok());
    let (version, position) = (number(parts.next()), number(parts.next()));
    let (Some(version), Some(position)) = (version, position) else {
        return stale("This is no basis of a preview. Preview the rules and use the basis that it gives.".to_owned());
    };
    let dangerous = parts.next() == Some("d");
    if basis(app, version, position, dangerous, &set.to_json()) != text {
        return stale("The basis belongs to a preview of other rules. Preview these rules.".to_owned());
    }
    if app.store().guard(RULES).await.map_err(of_store)? != version {
        return stale("The rules, a feed or the names of teams changed since the preview.".to_owned());
    }
    match changed_since(app, position).await? {
        Looked::Changed(what) => {
            stale(format!("The store changed since the preview: {what}. Preview the rules again."))
        }
        Looked::Same { position } => Ok(Held { dangerous, guard: quiet_since(position) }),
    }
}

/// What was found behind a place in the feed.
pub(crate) enum Looked {
    /// Something that changes what rules would do.
    Changed(String),
    /// Nothing of the kind up to this place.
    Same { position: i64 },
}

/// Looks for the first thing since that place in the feed that changes what rules would do.
pub(crate) async fn changed_since(app: &App, position: i64) -> Result<Looked, Refusal> {
    let mut after = position;
    for _ in 0..EVENT_PAGES {
        let query = EventQuery { after: Some(after), limit: EVENTS, ..EventQuery::default() };
        let events = app.store().events(query).await.map_err(of_store)?;
        if let Some(event) = events.iter().find(|event| COUNTS.iter().any(|kind| event.kind.starts_with(kind))) {
            return Ok(Looked::Changed(format!("{} at {}", event.kind, event.at)));
        }
        after = events.last().map_or(after, |last| last.seq);
        if events.len() < EVENTS as usize {
            return Ok(Looked::Same { position: after });
        }
    }
    Ok(Looked::Changed("too much happened since to look through".to_owned()))
}

/// Holds as long as nothing happened since that place in the feed that changes what rules would do.
pub(crate) fn quiet_since(position: i64) -> Guard {
    Guard::Feed { after: position, kinds: &COUNTS }
}

/// The titles of teams, by id.
pub(crate) async fn team_names(
    app: &App,
    ids: impl Iterator<Item = &String>,
) -> Result<BTreeMap<String, String>, Refusal> {
    let mut names = BTreeMap::new();
    for id in ids {
        if let Some(item) = app.store().item(id).await.map_err(of_store)? {
            names.insert(id.clone(), item.title);
        }
    }
    Ok(names)
}

/// A line of who gains or loses, in words.
#[must_use]
pub fn line_words(line: &Line, names: &BTreeMap<String, String>) -> String {
    let object = names.get(&line.object).unwrap_or(&line.object);
    let kind = line.kind.as_str();
    match (&line.before, &line.after) {
        (Some(before), Some(after)) => format!("{}: {kind} {object}: {before} -> {after}", line.name),
        (None, Some(value)) if !value.is_empty() => format!("{}: {kind} {object} ({value})", line.name),
        _ => format!("{}: {kind} {object}", line.name),
    }
}
