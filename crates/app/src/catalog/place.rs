//! Where an item stands in a hierarchy of its own kind: teams below teams, domains below domains.

use super::{Invalid, at, find, guard, whose};
use crate::Refusal;
use crate::app::App;
use crate::error::of_store;
use bailiwick_domain::catalog::limits::LEVELS;
use bailiwick_domain::catalog::{Entity, Kind, hierarchy};
use bailiwick_store::Guard;
use bailiwick_store::query::ItemQuery;
use bailiwick_store::rows::ItemRow;

/// Most items below one that are looked at to count levels.
const BELOW: usize = 20_000;
/// Rows read at once.
const PAGE: u32 = 1_000;

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
    if entity.parent.as_ref() == Some(&entity.reference) {
        return Err(at("/parent", hierarchy::Wrong::Itself.to_string()));
    }
    let parent = match &entity.parent {
        Some(wanted) => find::by_reference(app, wanted).await?,
        None => None,
    };
    let (below, named) = levels_below(app, row, entity).await?;
    let Some(parent) = parent else {
        // Nothing stands above it, but what named it before it was there may be deep.
        let deep = |wrong: hierarchy::Wrong| at("/name", too_deep(wrong, named));
        hierarchy::check(row.map(|row| row.seq), None, &[], below).map_err(deep)?;
        return Ok(Some(guard));
    };
    let (above, waits_for) = above(app, &parent).await?;
    // Somebody above may wait for an item of this name: making it would close a circle.
    if waits_for.is_some_and(|reference| whose::names(entity).contains(&reference)) {
        return Err(at("/parent", hierarchy::Wrong::Circle.to_string()));
    }
    let wrong = hierarchy::check(row.map(|row| row.seq), Some(parent.seq), &above, below);
    wrong.map_err(|wrong| at("/parent", too_deep(wrong, named)))?;
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

/// What is wrong, with what explains it where nobody sees it in the document.
fn too_deep(wrong: hierarchy::Wrong, named: usize) -> String {
    match (wrong, named) {
        (hierarchy::Wrong::TooDeep, 1..) => format!("{wrong}: {named} that are there name this one as their parent"),
        _ => wrong.to_string(),
    }
}

/// How many levels will stand below an item, those included that wait for one of its names; and how many wait.
async fn levels_below(app: &App, row: Option<&ItemRow>, entity: &Entity) -> Result<(usize, usize), Refusal> {
    let names = whose::names(entity);
    let waiting =
        app.store().items_waiting(&names, u32::try_from(BELOW).unwrap_or(u32::MAX)).await.map_err(of_store)?;
    let kind = entity.kind().as_str();
    // A new item has no row: nothing else has the number 0.
    let item = row.map_or(0, |row| row.seq);
    let named: Vec<i64> = waiting.iter().filter(|row| row.kind == kind && row.seq != item).map(|row| row.seq).collect();
    let mut edges: Vec<(i64, i64)> = named.iter().map(|child| (*child, item)).collect();
    let mut level = named.clone();
    level.extend(row.map(|row| row.seq));
    while !level.is_empty() && edges.len() < BELOW {
        let mut next = Vec::new();
        for parent in level {
            let found = children(app, kind, parent, BELOW.saturating_sub(edges.len())).await?;
            // What moves does not stand below itself, wherever it stands today.
            for child in found.into_iter().filter(|child| *child != item) {
                next.push(child);
                edges.push((child, parent));
            }
        }
        level = next;
    }
    Ok((hierarchy::levels_below(item, &edges), named.len()))
}

/// The items of a kind right below one, at most so many and those of the page that reaches it.
async fn children(app: &App, kind: &str, parent: i64, most: usize) -> Result<Vec<i64>, Refusal> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let query = ItemQuery {
            kinds: vec![kind.to_owned()],
            parent: Some(parent),
            after,
            limit: PAGE,
            ..ItemQuery::default()
        };
        let page = app.store().items(query).await.map_err(of_store)?;
        found.extend(page.rows.iter().map(|child| child.seq));
        after = page.next;
        if after.is_none() || found.len() >= most {
            return Ok(found);
        }
    }
}
