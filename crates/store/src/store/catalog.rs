//! Reads of items: teams and catalog entities, their names, relations and feeds.

use super::{SCAN_BUDGET, Store};
use crate::error::Error;
use crate::query::ItemQuery;
use crate::rows::{AliasRow, FeedRow, ItemPage, ItemRow, RelationRow};
use crate::sql::read::items;
use futures_util::future::try_join;

impl Store {
    /// An item by id.
    pub async fn item(&self, id: &str) -> Result<Option<ItemRow>, Error> {
        self.engine.one(items::by_id(id)).await
    }

    /// An item by row.
    pub async fn item_by_seq(&self, seq: i64) -> Result<Option<ItemRow>, Error> {
        self.engine.one(items::by_seq(seq)).await
    }

    /// Items by row, in the order of their rows.
    pub async fn items_by_seq(&self, seqs: &[i64]) -> Result<Vec<ItemRow>, Error> {
        self.engine.all(items::by_seqs(seqs)).await
    }

    /// The items that name one of these (`kind:namespace/name`) as owner or parent and wait for it to be there, in the
    /// order of their rows.
    pub async fn items_waiting(&self, references: &[String], limit: u32) -> Result<Vec<ItemRow>, Error> {
        self.engine.all(items::waiting(references, limit)).await
    }

    /// The item that answers to a name, given as its match key, in the space `kind:namespace`.
    pub async fn item_by_alias(&self, space: &str, key: &str) -> Result<Option<ItemRow>, Error> {
        self.engine.one(items::by_alias(space, key)).await
    }

    /// The names an item answers to, its own included.
    pub async fn aliases(&self, item: i64) -> Result<Vec<AliasRow>, Error> {
        self.engine.all(items::aliases(item)).await
    }

    /// The relations of an item to others.
    pub async fn relations(&self, item: i64) -> Result<Vec<RelationRow>, Error> {
        self.engine.all(items::relations(item)).await
    }

    /// The relations of others to an item.
    pub async fn dependents(&self, item: i64) -> Result<Vec<RelationRow>, Error> {
        self.engine.scan(SCAN_BUDGET, items::dependents(item)).await
    }

    /// A page of items in the order of their titles' match keys and rows.
    pub async fn items(&self, query: ItemQuery) -> Result<ItemPage, Error> {
        let dialect = self.engine.dialect();
        let page = items::page(&query, dialect);
        let total = async {
            match query.total {
                true => self.engine.scan(SCAN_BUDGET, items::count(&query, dialect)).await,
                false => Ok(Vec::new()),
            }
        };
        let (mut rows, total) = try_join(self.engine.scan(SCAN_BUDGET, page), total).await?;
        let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(|last| (last.title_key.clone(), last.seq));
        Ok(ItemPage { rows, total: total.into_iter().next(), next })
    }

    /// The teams above a team, the nearest first.
    pub async fn teams_above(&self, team: i64) -> Result<Vec<i64>, Error> {
        self.engine.all(items::teams_above(team)).await
    }

    /// The teams below any of these teams, each once.
    pub async fn teams_below(&self, teams: &[i64]) -> Result<Vec<i64>, Error> {
        self.engine.all(items::teams_below(teams)).await
    }

    /// The teams directly below a team, in the order of their titles.
    pub async fn team_children(&self, team: i64) -> Result<Vec<ItemRow>, Error> {
        self.engine.all(items::team_children(team)).await
    }

    /// All feeds of teams by groups.
    pub async fn feeds(&self) -> Result<Vec<FeedRow>, Error> {
        self.engine.scan(SCAN_BUDGET, items::feeds()).await
    }

    /// The feeds of a team.
    pub async fn feeds_of(&self, team: i64) -> Result<Vec<FeedRow>, Error> {
        self.engine.all(items::feeds_of(team)).await
    }
}
