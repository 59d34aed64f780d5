//! What the appender does between batches: folding member changes, sealing, trying a store in trouble.

use crate::error::Error;
use crate::postgres::batch::LOCK;
use crate::postgres::lease::Lease;
use crate::postgres::link::Link;
use crate::postgres::migrate::COMMIT;
use crate::postgres::session::Session;
use crate::seal;
use crate::sql::{Exec as _, Query, Sql, binds};
use crate::store::Clock;
use crate::ticks;
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// How often events are sealed.
const SEAL_EVERY: Duration = Duration::from_secs(1);
/// How often a store in trouble is tried again.
const PROBE_EVERY: Duration = Duration::from_millis(250);
/// How long one step may take.
const STEP_TIME: Duration = Duration::from_secs(3);
/// How long a step waits for a connection.
const CONNECT: Duration = Duration::from_millis(200);
/// Member changes of one group above which they are folded.
const FOLD_ROWS: i64 = 64;
/// How often it is looked for such groups.
const COUNT_EVERY: Duration = Duration::from_secs(30);
/// Groups folded in one idle moment, and rows of each.
const FOLD_GROUPS: usize = 4;
const FOLD_STEP: i64 = 1_000;

/// Groups that have many among the first member changes there are: a bounded look, however many there are.
const CROWDED: Sql = Sql::same(
    "SELECT grp FROM (SELECT grp FROM member_change LIMIT 100000) AS first GROUP BY grp HAVING count(*) > ?1",
);

pub(super) struct Upkeep {
    /// Of a server; a command has none and leaves the upkeep to servers.
    lease: Option<Lease>,
    clock: Clock,
    /// Groups with many member changes.
    crowded: Vec<i64>,
    counted: Option<Instant>,
    looked: Option<Instant>,
}

impl Upkeep {
    pub(super) fn new(lease: Option<Lease>, clock: Clock) -> Self {
        Self { lease, clock, crowded: Vec::new(), counted: None, looked: None }
    }

    /// One step. Tells how writing went, if it wrote.
    pub(super) async fn step(&mut self, link: &Link, idle: bool, trouble: bool) -> Option<Result<(), Error>> {
        let every = if trouble { PROBE_EVERY } else { SEAL_EVERY };
        let due = self.looked.is_none_or(|at| at.elapsed() >= every);
        // One replica seals; the others would only wait for it.
        let seals = self.lease.as_ref().is_some_and(Lease::is_held);
        if due {
            self.looked = Some(ticks::now());
            if trouble {
                return Some(on(link, async |session| transaction(session, async || probe(session).await).await).await);
            }
            if seals {
                let at = (self.clock)().0;
                let sealed = on(link, async |session| {
                    // The writers' lock is for those who have something to write.
                    if seal::is_due(session).await? {
                        transaction(session, async || seal::step(session, at).await).await?;
                    }
                    Ok(())
                });
                if let Err(error) = sealed.await {
                    return Some(Err(error));
                }
            }
            if idle
                && seals
                && let Err(error) = self.fold(link).await
            {
                // It is tidying up: the store is as good without.
                tracing::debug!(%error, "member changes were not folded");
            }
        }
        None
    }

    /// Seals everything there is; tells how many.
    pub(super) async fn seal_all(&self, link: &Link) -> Result<u64, Error> {
        let at = (self.clock)().0;
        let mut sealed = 0;
        loop {
            match on(link, async |session| transaction(session, async || seal::step(session, at).await).await).await? {
                0 => return Ok(sealed),
                more => sealed += more,
            }
        }
    }

    /// Erases payloads; tells how many there were.
    pub(super) async fn erase(&self, link: &Link, seqs: &[i64]) -> Result<u64, Error> {
        on(link, async |session| transaction(session, async || seal::erase(session, seqs).await).await).await
    }

    /// Keeps only the last member changes of a few groups. They stay beside the group's row, whose version is that of
    /// its document.
    async fn fold(&mut self, link: &Link) -> Result<(), Error> {
        if self.crowded.is_empty() {
            if self.counted.is_none_or(|at| at.elapsed() >= COUNT_EVERY) {
                self.counted = Some(ticks::now());
                let crowded = Query::new(CROWDED, binds![FOLD_ROWS], |row| row.int(0));
                self.crowded = on(link, async |session| session.all(crowded).await).await?;
            }
            return Ok(());
        }
        for group in self.crowded.split_off(self.crowded.len().saturating_sub(FOLD_GROUPS)) {
            let folded =
                on(link, async |session| transaction(session, async || fold(session, group).await).await).await?;
            if folded >= FOLD_STEP.unsigned_abs() {
                self.crowded.push(group);
            }
        }
        Ok(())
    }
}

async fn fold(session: &Session, group: i64) -> Result<u64, Error> {
    let delete = Sql::same(
        "DELETE FROM member_change WHERE grp = ?1 AND seq < coalesce(
           (SELECT seq FROM member_change WHERE grp = ?1 ORDER BY seq LIMIT 1 OFFSET ?2),
           (SELECT max(seq) FROM member_change WHERE grp = ?1))",
    );
    session.run(delete, &binds![group, FOLD_STEP]).await
}

/// Tries whether the store can be written again.
async fn probe(session: &Session) -> Result<(), Error> {
    session.run(Sql::same("UPDATE sequence SET value = value WHERE name = 'change'"), &[]).await.map(drop)
}

/// Does something on the writer's connection. What takes too long loses its connection, and with it what it began.
async fn on<T>(link: &Link, work: impl AsyncFnOnce(&Session) -> Result<T, Error>) -> Result<T, Error> {
    let session = link.session(CONNECT).await?;
    timeout(STEP_TIME, work(&session)).await.unwrap_or_else(|_| {
        session.close();
        Err(super::slow())
    })
}

/// A transaction under the writers' lock.
async fn transaction<T>(session: &Session, work: impl AsyncFnOnce() -> Result<T, Error>) -> Result<T, Error> {
    session.simple("BEGIN").await?;
    let result = match session.one(Query::new(LOCK, binds![], |_| Ok(()))).await {
        Ok(_) => work().await,
        Err(error) => Err(error),
    };
    let end = if result.is_ok() { COMMIT } else { "ROLLBACK" };
    session.simple(end).await?;
    result
}
