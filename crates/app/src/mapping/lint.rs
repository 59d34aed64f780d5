//! What is odd about rules: the pure lint with everything it looks at.

use super::{NotTaken, RULES, current, explain, preview, read_rules, reviews, subject, vocabulary};
use crate::access::{Action, Object, Principal, require};
use crate::app::App;
use crate::attributes::page;
use crate::error::of_store;
use bailiwick_domain::ids::Kind;
use bailiwick_domain::mapping::lint::{Around, Lint};
use bailiwick_domain::mapping::{Compiled, GroupNode};
use bailiwick_domain::policy;
use bailiwick_store::query::ItemQuery;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// Catalog entities read at once, and the most whose names are compared.
const PAGE: u32 = 1_000;
const SERVICES: usize = 50_000;

/// What is odd about a rule file, or about the rules in force.
///
/// # Errors
/// Faults of the file, `forbidden`, or when the store cannot answer.
pub async fn lint(app: &App, principal: &Principal, text: Option<&str>) -> Result<Vec<Lint>, NotTaken> {
    require(app, principal, Action::RuleRead, &Object::None).await?;
    let set = match text {
        Some(text) => read_rules(app, text).await?,
        None => current::stored(app).await?.0,
    };
    let owners: Vec<String> = set.rules.iter().map(|rule| rule.owner.clone()).collect();
    let owners = vocabulary::owners_there(app, &owners).await?;
    let version = app.store().guard(RULES).await.map_err(of_store)?;
    let rules = current::compile(app, set, version).await?;
    let (effects, matches) = preview::over_everybody(app, &rules).await?;
    let domains = app.store().domains().await.map_err(of_store)?.into_iter().map(|domain| domain.name).collect();
    let mut ranks = explain::ranks(app).await?;
    ranks.extend(policy::builtins().into_iter().map(|role| (role.name.clone(), role.rank)));
    let around = Around {
        matches: &matches,
        people: effects.active,
        services: &services(app).await?,
        domains: &domains,
        owners: &owners,
        due: &if text.is_none() { reviews::due(app).await? } else { BTreeMap::new() },
        now: app.clock().now(),
        ranks: &ranks,
        missing: &missing(app, &rules).await?,
        feeds: &feeds(app, &rules).await?,
    };
    Ok(bailiwick_domain::mapping::lint::lint(&rules, &around))
}

/// The teams that rules take from the names of groups and that are not there: the rule's id, the group, the team.
async fn missing(app: &App, rules: &Compiled) -> Result<Vec<(String, String, String)>, NotTaken> {
    let mut found = Vec::new();
    if !rules.set().names_teams_by_capture() {
        return Ok(found);
    }
    for integration in app.store().integrations().await.map_err(of_store)? {
        let mut after = None;
        loop {
            let page = page(app, Kind::Group, integration.id, after).await?;
            for group in page.rows {
                let node = GroupNode {
                    seq: group.seq,
                    id: group.id,
                    integration: group.integration,
                    display: group.display,
                    external_id: None,
                    version: 0,
                    document: Arc::new(subject::object(&group.doc)),
                };
                let teams = rules.missing_teams(&node).into_iter();
                found.extend(teams.map(|(rule, team)| (rule, node.display.clone(), team)));
            }
            after = page.next;
            if after.is_none() {
                break;
            }
            tokio::task::yield_now().await;
        }
    }
    Ok(found)
}

/// The groups that feed teams, by name, with the titles of the teams.
async fn feeds(app: &App, rules: &Compiled) -> Result<Vec<(String, String)>, NotTaken> {
    let rows = app.store().feeds().await.map_err(of_store)?;
    let groups: Vec<i64> = rows.iter().map(|row| row.group).collect();
    if groups.is_empty() {
        return Ok(Vec::new());
    }
    let web = app.store().groups_above(&groups).await.map_err(of_store)?;
    let names: BTreeMap<String, String> = web.groups.into_iter().map(|group| (group.id, group.display)).collect();
    let named =
        |feed: &bailiwick_domain::mapping::Feed| Some((names.get(&feed.group)?.clone(), feed.team.title.clone()));
    Ok(rules.feeds().filter_map(named).collect())
}

/// The names of components and APIs as they are compared.
async fn services(app: &App) -> Result<HashSet<String>, NotTaken> {
    let mut names = HashSet::new();
    let mut after = None;
    while names.len() < SERVICES {
        let kinds = vec!["component".to_owned(), "api".to_owned()];
        let query = ItemQuery { kinds, after, limit: PAGE, ..ItemQuery::default() };
        let page = app.store().items(query).await.map_err(of_store)?;
        names.extend(page.rows.into_iter().map(|item| item.name_key));
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    Ok(names)
}
