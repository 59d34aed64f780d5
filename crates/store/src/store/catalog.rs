//! Reads of items: teams and catalog entities, their names, relations and feeds.

use super::Store;
use crate::error::Error;
use crate::query::ItemQuery;
use crate::rows::{AliasRow, FeedRow, ItemPage, ItemRow, RelationRow};

fn not_yet() -> Error {
    Error::Unavailable("not yet".to_owned())
}

impl Store {
    /// An item by id.
    pub async fn item(&self, id: &str) -> Result<Option<ItemRow>, Error> {
        let _ = id;
        Err(not_yet())
    }

    /// An item by row.
    pub async fn item_by_seq(&self, seq: i64) -> Result<Option<ItemRow>, Error> {
        let _ = seq;
        Err(not_yet())
    }

    /// Items by row, in the order of their rows.
    pub async fn items_by_seq(&self, seqs: &[i64]) -> Result<Vec<ItemRow>, Error> {
        let _ = seqs;
        Err(not_yet())
    }

    /// The item that answers to a name, given as its match key, in the space `kind:namespace`.
    pub async fn item_by_alias(&self, space: &str, key: &str) -> Result<Option<ItemRow>, Error> {
        let _ = (space, key);
        Err(not_yet())
    }

    /// The names an item answers to, its own included.
    pub async fn aliases(&self, item: i64) -> Result<Vec<AliasRow>, Error> {
        let _ = item;
        Err(not_yet())
    }

    /// The relations of an item to others.
    pub async fn relations(&self, item: i64) -> Result<Vec<RelationRow>, Error> {
        let _ = item;
        Err(not_yet())
    }

    /// The relations of others to an item.
    pub async fn dependents(&self, item: i64) -> Result<Vec<RelationRow>, Error> {
        let _ = item;
        Err(not_yet())
    }

    /// A page of items in the order of their titles' match keys and rows.
    pub async fn items(&self, query: ItemQuery) -> Result<ItemPage, Error> {
        let _ = query;
        Err(not_yet())
    }

    /// The teams above a team, the nearest first.
    pub async fn teams_above(&self, team: i64) -> Result<Vec<i64>, Error> {
        let _ = team;
        Err(not_yet())
    }

    /// The teams below any of these teams, each once.
    pub async fn teams_below(&self, teams: &[i64]) -> Result<Vec<i64>, Error> {
        let _ = teams;
        Err(not_yet())
    }

    /// The teams directly below a team, in the order of their titles.
    pub async fn team_children(&self, team: i64) -> Result<Vec<ItemRow>, Error> {
        let _ = team;
        Err(not_yet())
    }

    /// All feeds of teams by groups.
    pub async fn feeds(&self) -> Result<Vec<FeedRow>, Error> {
        Err(not_yet())
    }

    /// The feeds of a team.
    pub async fn feeds_of(&self, team: i64) -> Result<Vec<FeedRow>, Error> {
        let _ = team;
        Err(not_yet())
    }
}
