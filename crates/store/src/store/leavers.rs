//! Reads of who left.

use super::{SCAN_BUDGET, Store};
use crate::error::Error;
use crate::rows::StateRow;
use crate::sql::read::leavers;
use bailiwick_domain::ids::Millis;

impl Store {
    /// Whose access ended at or after a moment, the latest first; at most so many, behind a moment and a person's row.
    pub async fn left_since(
        &self,
        since: Millis,
        behind: Option<(Millis, i64)>,
        limit: u32,
    ) -> Result<Vec<StateRow>, Error> {
        self.engine.scan(SCAN_BUDGET, leavers::left_since(since, behind, limit)).await
    }

    /// Whose access ended at that very moment, as by one commit, in the order of their rows behind `after`.
    pub async fn left_at(&self, at: Millis, after: i64, limit: u32) -> Result<Vec<StateRow>, Error> {
        self.engine.scan(SCAN_BUDGET, leavers::left_at(at, after, limit)).await
    }
}
