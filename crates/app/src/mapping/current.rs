//! The rules in force, made ready and held in memory.

use super::{RULES, vocabulary};
use crate::Refusal;
use crate::app::App;
use crate::error::of_store;
use bailiwick_domain::failure::{self, ProductCode};
use bailiwick_domain::ids::IntegrationId;
use bailiwick_domain::mapping::{Compiled, Feed, RuleSet, TeamEntry, World};
use bailiwick_store::change::Dirty;
use bailiwick_store::{Guard, Write};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError};

/// The collection with one entry, [`CURRENT`]: the rules in force.
pub(super) const IN_FORCE: &str = "rules";
/// Id of that entry.
pub(super) const CURRENT: &str = "current";

/// The rules in force as they are now, read again if they changed.
///
/// # Errors
/// Rules that cannot be evaluated any more, or when the store cannot answer.
pub async fn current(app: &App) -> Result<Arc<Compiled>, Refusal> {
    let version = app.store().guard(RULES).await.map_err(of_store)?;
    if let Some(held) = peek(app)
        && held.version() == version
    {
        return Ok(held);
    }
    let compiled = Arc::new(Box::pin(load(app, version)).await?);
    *app.mapping().compiled.write().unwrap_or_else(PoisonError::into_inner) = Some(compiled.clone());
    Ok(compiled)
}

/// The rules as they were last read here. Whoever commits by them names their version as a guard, so that rules that
/// are no longer in force decide nothing.
pub(crate) async fn held(app: &App) -> Result<Arc<Compiled>, Refusal> {
    match peek(app) {
        Some(held) => Ok(held),
        None => current(app).await,
    }
}

fn peek(app: &App) -> Option<Arc<Compiled>> {
    app.mapping().compiled.read().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Holds as long as these rules are in force.
pub(crate) fn in_force(rules: &Compiled) -> Guard {
    Guard::Key { key: RULES.to_owned(), version: rules.version(), bump: false }
}

/// What a use case compares and bumps that changes what rules mean: their text, feeds, names of teams.
///
/// # Errors
/// When the store cannot answer.
pub async fn rules_guard(app: &App) -> Result<Guard, Refusal> {
    let version = app.store().guard(RULES).await.map_err(of_store)?;
    Ok(Guard::Key { key: RULES.to_owned(), version, bump: true })
}

/// What a new team, or a new name of one, has to be written with: rules that take the names of teams from groups, or that
/// name a team that was not there, may mean it now.
pub(crate) async fn new_team_name(app: &App) -> Result<Option<Write>, Refusal> {
    let rules = current(app).await?;
    let meant = rules.set().names_teams_by_capture() || rules.misses_teams();
    Ok(meant.then_some(Write::MarkDirty(Dirty::All)))
}

/// The rules in force as written, and their number.
pub(super) async fn stored(app: &App) -> Result<(RuleSet, u64), Refusal> {
    let Some(entry) = app.store().entry(IN_FORCE, CURRENT).await.map_err(of_store)? else {
        return Ok((RuleSet { version: 1, rules: Vec::new() }, 0));
    };
    let document: serde_json::Value = serde_json::from_str(&entry.doc).map_err(|error| broken(&error.to_string()))?;
    let number = document.get("number").and_then(serde_json::Value::as_u64).unwrap_or(0);
    let set = document.get("set").map(ToString::to_string).unwrap_or_default();
    Ok((RuleSet::from_json(&set).map_err(|reason| broken(&reason))?, number))
}

async fn load(app: &App, version: i64) -> Result<Compiled, Refusal> {
    let (set, _) = stored(app).await?;
    compile(app, set, version).await
}

/// Makes rules ready with the teams, feeds and integrations there are now.
pub(super) async fn compile(app: &App, set: RuleSet, version: i64) -> Result<Compiled, Refusal> {
    let feeds = feeds(app).await?;
    let named: Vec<String> = set.teams().map(str::to_owned).collect();
    let teams = if set.names_teams_by_capture() {
        vocabulary::every_team(app).await?
    } else {
        vocabulary::teams(app, &named).await?
    };
    let integrations: HashMap<String, IntegrationId> =
        match set.rules.iter().any(|rule| rule.when.integration.is_some()) {
            false => HashMap::new(),
            true => {
                let rows = app.store().integrations().await.map_err(of_store)?;
                rows.into_iter().map(|row| (row.name, row.id)).collect()
            }
        };
    let world = World { registry: app.registry(), teams: &teams, integrations: &integrations, feeds: &feeds };
    Compiled::new(set, version, &world).map_err(|reason| broken(&reason))
}

async fn feeds(app: &App) -> Result<Vec<Feed>, Refusal> {
    let rows = app.store().feeds().await.map_err(of_store)?;
    let mut seqs: Vec<i64> = rows.iter().map(|row| row.team).collect();
    seqs.sort_unstable();
    seqs.dedup();
    let items = if seqs.is_empty() { Vec::new() } else { app.store().items_by_seq(&seqs).await.map_err(of_store)? };
    let titles: HashMap<i64, String> = items.into_iter().map(|item| (item.seq, item.title)).collect();
    let feed = |row: bailiwick_store::rows::FeedRow| Feed {
        group: row.group_id,
        team: TeamEntry { title: titles.get(&row.team).unwrap_or(&row.team_id).clone(), id: row.team_id },
        role: row.role,
    };
    Ok(rows.into_iter().map(feed).collect())
}

/// Rules that cannot be evaluated stop every evaluation: leaving one out would take away what it gave.
fn broken(reason: &str) -> Refusal {
    tracing::error!(reason, "mapping rules cannot be evaluated; grants stay as they are");
    failure::error(ProductCode::Internal, format!("The mapping rules in force cannot be evaluated: {reason}."))
}
