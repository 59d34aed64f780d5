//! What the appender does between batches: folding member changes, sealing, trying a store in trouble.

use crate::error::Error;
use crate::postgres::batch::LOCK;
use crate::postgres::lease::Lease;
use crate::postgres::link::Link;
use crate::postgres::session::Session;
use crate::seal;
use crate::sql::{Exec as _, Query, Sql, binds};
use crate::store::{Clock, Role};
use crate::ticks;
use std::collections::HashMap;
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// How often events are sealed, and how often a store in trouble is tried again.
const SEAL_EVERY: Duration = Duration::from_secs(1);
/// How often a store in trouble is tried again.
const PROBE_EVERY: Duration = Duration::from_millis(250);
/// How long one step may take.
const STEP_TIME: Duration = Duration::from_secs(3);
/// How long a step waits for a connection.
const CONNECT: Duration = Duration::from_millis(200);
/// Member changes of one group above which they are folded.
const FOLD_ROWS: u32 = 64;
/// Groups folded in one idle moment, and rows of each.
const FOLD_GROUPS: usize = 4;
const FOLD_STEP: i64 = 1_000;

const COUNTS: Sql = Sql::same("SELECT grp, count(*) FROM member_change GROUP BY grp");

pub(super) struct Upkeep {
    role: Role,
    lease: Option<Lease>,
    clock: Clock,
    /// Member changes per group since they were folded last, by this process. `None` until the store was asked.
    changes: Option<HashMap<i64, u32>>,
    looked: Option<Instant>,
}

impl Upkeep {
    pub(super) fn new(role: Role, lease: Option<Lease>, clock: Clock) -> Self {
        Self { role, lease, clock, changes: None, looked: None }
    }

    /// Groups whose members were changed by the last batch.
    pub(super) fn members_changed(&mut self, groups: Vec<i64>) {
        if let Some(changes) = &mut self.changes {
            for group in groups {
                *changes.entry(group).or_default() += 1;
            }
        }
    }

    /// One step. Tells how writing went, if it wrote.
    pub(super) async fn step(&mut self, link: &Link, idle: bool, trouble: bool) -> Option<Result<(), Error>> {
        let every = if trouble { PROBE_EVERY } else { SEAL_EVERY };
        let due = self.looked.is_none_or(|at| at.elapsed() >= every);
        // One replica seals; the others would only wait for it.
        let seals = self.role == Role::Serve && self.lease.as_ref().is_some_and(Lease::is_held);
        if due {
            self.looked = Some(ticks::now());
            if trouble {
                return Some(on(link, async |session| transaction(session, async || probe(session).await).await).await);
            }
            if seals {
                let at = (self.clock)().0;
                let sealed =
                    on(link, async |session| transaction(session, async || seal::step(session, at).await).await).await;
                if let Err(error) = sealed {
                    return Some(Err(error));
                }
            }
        }
        if idle && !trouble && self.role == Role::Serve {
            return self.fold(link).await.err().map(Err);
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
        let Some(changes) = &mut self.changes else {
            let counts =
                Query::new(COUNTS, binds![], |row| Ok((row.int(0)?, u32::try_from(row.int(1)?).unwrap_or(u32::MAX))));
            self.changes = Some(on(link, async |session| session.all(counts).await).await?.into_iter().collect());
            return Ok(());
        };
        let due: Vec<i64> =
            changes.iter().filter(|(_, rows)| **rows > FOLD_ROWS).map(|(group, _)| *group).take(FOLD_GROUPS).collect();
        for group in due {
            let folded =
                on(link, async |session| transaction(session, async || fold(session, group).await).await).await?;
            if folded < FOLD_STEP.unsigned_abs() {
                changes.remove(&group);
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
    let end = if result.is_ok() { "COMMIT" } else { "ROLLBACK" };
    session.simple(end).await?;
    result
}
