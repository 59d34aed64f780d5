//! What the planner is told of the tables.
//!
//! The server looks after that by itself, but a minute later: a directory that is loaded into a new store has come and
//! gone by then, and every plan was made for tables that seem to be empty. So the holder of the lease has them looked at
//! whenever the store has grown by a quarter.

use super::Inner;
use super::lease::Lease;
use super::scan::View;
use crate::error::Error;
use crate::lanes::COMMON;
use crate::sql::{Exec as _, Query, Sql, binds};
use crate::ticks;
use std::sync::Weak;
use std::time::Duration;
use tokio::time::sleep;

/// How often the size is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How long the tables may take.
const TIME: Duration = Duration::from_secs(60);
/// Changes below which plans do not matter.
const SMALL: i64 = 500;
const CHANGE: Sql = Sql::same("SELECT value FROM sequence WHERE name = 'change'");
const ANALYZE: &str = "ANALYZE resource, person, email, membership, member_change, event, event_payload";

/// Keeps statistics fresh until the store is closed.
pub(super) async fn keep(inner: Weak<Inner>, lease: Lease) {
    let mut known = 0;
    loop {
        sleep(LOOK_EVERY).await;
        let Some(inner) = inner.upgrade() else { return };
        if lease.is_held() {
            match look(&inner, known).await {
                Ok(seen) => known = seen,
                // The server will do it in its own time.
                Err(error) => tracing::debug!(%error, "the tables were not analyzed"),
            }
        }
    }
}

/// Has the tables analyzed if the store has grown since then; tells the size for which they are.
async fn look(inner: &Inner, known: i64) -> Result<i64, Error> {
    let seat = inner.scans.begin(COMMON, ticks::now() + TIME, TIME, View::Current).await?;
    let session = seat.session();
    seat.finish(async {
        let size = session.one(Query::new(CHANGE, binds![], |row| row.int(0))).await?.unwrap_or(0);
        if size < known + known / 4 + SMALL {
            return Ok(known);
        }
        session.simple(ANALYZE).await?;
        Ok(size)
    })
    .await
}
