//! Where an item stands in a hierarchy of its own kind: teams below teams, domains below domains.

use super::{Invalid, at, find, guard};
use crate::Refusal;
use crate::app::App;
use crate::error::of_store;
use bailiwick_domain::catalog::limits::LEVELS;
use bailiwick_domain::catalog::{Entity, Kind, hierarchy};
use bailiwick_scim::text::match_key;
use bailiwick_store::Guard;
use bailiwick_store::query::ItemQuery;
use bailiwick_store::rows::ItemRow;

/// Most items below one that are looked at to count levels.
const BELOW: usize = 20_000;

/// The key under which moves of this kind are decided; `None` where there is no hierarchy.
fn key(kind: &Kind) -> Option<&'static str> {
    match kind {
        Kind::Team => Some("teams"),
        Kind::Domain => Some("domains"),
        _ => None,
    }
}

/// Refuses a place that would go round in a circle or lie too deep. Gives the guard that holds the answer true, where
/// the item's names or parent change.
pub(super) async fn check(
    app: &App,
    row: Option<&ItemRow>,
    before: Option<&Entity>,
    entity: &Entity,
) -> Result<Option<Guard>, Invalid> {
    let Some(key) = key(entity.kind()) else { return Ok(None) };
    let same_names = |old: &Entity| old.reference == entity.reference && old.aliases == entity.aliases;
    if before.is_some_and(|old| same_names(old) && old.parent == entity.parent) {
        return Ok(None);
    }
    let guard = guard(app, key, true).await?;
    let Some(wanted) = &entity.parent else { return Ok(Some(guard)) };
    if *wanted == entity.reference {
        return Err(at("/parent", hierarchy::Wrong::Itself.to_string()));
    }
    let Some(parent) = find::by_reference(app, wanted).await? else { return Ok(Some(guard)) };
    let (above, waits_for) = above(app, &parent).await?;
    // Somebody above may wait for an item of this name: making it would close a circle.
    if waits_for.is_some_and(|reference| answers_to(entity, &reference)) {
        return Err(at("/parent", hierarchy::Wrong::Circle.to_string()));
    }
    let below = match row {
        Some(row) => levels_below(app, row).await?,
        None => 0,
    };
    let wrong = hierarchy::check(row.map(|row| row.seq), parent.seq, &above, below);
    wrong.map_err(|wrong| at("/parent", wrong.to_string()))?;
    Ok(Some(guard))
}

/// The rows above an item, nearest first, and the parent that the last of them names but that is not there.
async fn above(app: &App, parent: &ItemRow) -> Result<(Vec<i64>, Option<String>), Refusal> {
    let mut above = Vec::new();
    let mut last = parent.clone();
    while let Some(next) = &last.parent {
        if above.len() > LEVELS || above.contains(&next.seq) {
            return Ok((above, None));
        }
        above.push(next.seq);
        let Some(row) = app.store().item_by_seq(next.seq).await.map_err(of_store)? else { return Ok((above, None)) };
        last = row;
    }
    Ok((above, last.parent_ref))
}

fn answers_to(entity: &Entity, reference: &str) -> bool {
    let space = entity.reference.space();
    let names = entity.aliases.iter().map(|alias| match_key(alias).into_owned());
    names.chain([entity.reference.name_key()]).any(|name| format!("{space}/{name}") == *reference)
}

async fn levels_below(app: &App, row: &ItemRow) -> Result<usize, Refusal> {
    let mut edges = Vec::new();
    let mut level = vec![row.seq];
    while !level.is_empty() && edges.len() < BELOW {
        let mut next = Vec::new();
        for parent in level {
            let mut after = None;
            loop {
                let query = ItemQuery {
                    kinds: vec![row.kind.clone()],
                    parent: Some(parent),
                    after,
                    limit: 1_000,
                    ..ItemQuery::default()
                };
                let page = app.store().items(query).await.map_err(of_store)?;
                next.extend(page.rows.iter().map(|child| child.seq));
                edges.extend(page.rows.iter().map(|child| (child.seq, parent)));
                after = page.next;
                if after.is_none() || edges.len() >= BELOW {
                    break;
                }
            }
        }
        level = next;
    }
    Ok(hierarchy::levels_below(row.seq, &edges))
}
