//! What the appender does between batches: following other processes, checkpoints, folding, sealing.

use super::Desk;
use crate::error::Error;
use crate::seal;
use crate::sqlite::exec;
use crate::store::Role;
use crate::ticks;
use rusqlite::{Connection, TransactionBehavior, params};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::{Duration, Instant};

/// Pages in the log above which it is checkpointed even under load: 32 MiB.
const PAGES_BUSY: i32 = 8_192;
/// Pages in the log above which an idle moment is used: 4 MiB.
const PAGES_IDLE: i32 = 1_024;
/// How long nothing may happen before even a short log is checkpointed.
const REST: Duration = Duration::from_secs(2);
/// How often events are sealed, and how often a store in trouble is tried again.
const SEAL_EVERY: Duration = Duration::from_secs(1);
/// Member changes of one group above which they are folded into its row.
const FOLD_ROWS: u32 = 64;
/// Groups folded in one idle moment, and rows of each.
const FOLD_GROUPS: usize = 4;
const FOLD_STEP: u32 = 1_000;

pub(super) struct Upkeep {
    role: Role,
    data_version: i64,
    /// Pages in the log, as told by the engine at each commit.
    pages: Arc<AtomicI32>,
    /// How many of them are in the database file already.
    moved: i32,
    /// Pages in the log at which it is checkpointed under load.
    busy_at: i32,
    /// Member changes per group since they were folded last.
    changes: HashMap<i64, u32>,
    worked: Instant,
    sealed: Option<Instant>,
}

impl Upkeep {
    pub(super) fn new(connection: &mut Connection, role: Role) -> Result<Self, Error> {
        let pages = Arc::new(AtomicI32::new(0));
        let told = Arc::clone(&pages);
        connection.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, count| {
            told.store(count, Ordering::Relaxed);
            Ok(())
        }))?;
        let changes = {
            let mut statement = connection.prepare("SELECT grp, count(*) FROM member_change GROUP BY grp")?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect::<rusqlite::Result<_>>()?
        };
        let data_version = data_version(connection)?;
        let now = ticks::now();
        Ok(Self { role, data_version, pages, moved: 0, busy_at: PAGES_BUSY, changes, worked: now, sealed: None })
    }

    /// Whether another connection wrote since the last look. A failed look counts as a change.
    pub(super) fn changed_elsewhere(&mut self, connection: &Connection) -> bool {
        match data_version(connection) {
            Ok(version) => std::mem::replace(&mut self.data_version, version) != version,
            Err(error) => {
                tracing::warn!(%error, "changes of other processes cannot be followed");
                true
            }
        }
    }

    /// Groups whose members were changed by the last batch.
    pub(super) fn members_changed(&mut self, groups: Vec<i64>) {
        for group in groups {
            *self.changes.entry(group).or_default() += 1;
        }
    }

    /// One step. Tells how writing went, if it wrote.
    pub(super) fn step(&mut self, desk: &mut Desk, idle: bool, trouble: bool) -> Option<Result<(), Error>> {
        if !idle {
            self.worked = ticks::now();
        }
        let mut told = None;
        // What a process that was killed left unsealed is sealed at once.
        if self.sealed.is_none_or(|at| at.elapsed() >= SEAL_EVERY) {
            self.sealed = Some(ticks::now());
            if trouble {
                told = Some(probe(&desk.connection));
            } else if self.role == Role::Serve
                && let Err(error) = seal_step(desk)
            {
                told = Some(Err(error));
            }
        }
        if idle
            && !trouble
            && let Err(error) = self.fold(&mut desk.connection)
        {
            told = Some(Err(error));
        }
        self.checkpoint(&desk.connection, idle);
        told
    }

    /// Moves the log into the database file as far as readers allow. A log wholly moved is written from its start
    /// again by the next commit.
    fn checkpoint(&mut self, connection: &Connection, idle: bool) {
        let pages = self.pages.load(Ordering::Relaxed);
        if pages < self.moved {
            (self.moved, self.busy_at) = (0, PAGES_BUSY);
        }
        let waiting = pages - self.moved;
        let due = match idle {
            true => waiting >= PAGES_IDLE || waiting > 0 && self.worked.elapsed() >= REST,
            false => pages >= self.busy_at,
        };
        if !due {
            return;
        }
        let result = connection
            .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| Ok((row.get::<_, i32>(1)?, row.get::<_, i32>(2)?)));
        match result {
            // What readers hold back is tried again when some more has come.
            Ok((log, moved)) => (self.moved, self.busy_at) = (moved, PAGES_BUSY.max(log + PAGES_IDLE)),
            Err(error) => tracing::warn!(%error, "the log cannot be checkpointed"),
        }
    }

    /// Keeps only the last member change of a few groups. It stays beside the group's row, whose version is that of its
    /// document.
    fn fold(&mut self, connection: &mut Connection) -> Result<(), Error> {
        let due: Vec<i64> = self
            .changes
            .iter()
            .filter(|(_, rows)| **rows > FOLD_ROWS)
            .map(|(group, _)| *group)
            .take(FOLD_GROUPS)
            .collect();
        if due.is_empty() {
            return Ok(());
        }
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut done = Vec::with_capacity(due.len());
        for group in due {
            let deleted = transaction
                .prepare_cached(
                    "DELETE FROM member_change WHERE grp = ?1 AND seq < coalesce(
                       (SELECT seq FROM member_change WHERE grp = ?1 ORDER BY seq LIMIT 1 OFFSET ?2),
                       (SELECT max(seq) FROM member_change WHERE grp = ?1))",
                )?
                .execute(params![group, FOLD_STEP])?;
            if deleted < FOLD_STEP as usize {
                done.push(group);
            }
        }
        transaction.commit()?;
        for group in done {
            self.changes.remove(&group);
        }
        Ok(())
    }
}

/// Seals what is there, as far as one step goes.
fn seal_step(desk: &mut Desk) -> Result<u64, Error> {
    // This process writes nothing meanwhile; another one that seals first leaves nothing to do.
    if !exec::done(seal::is_due(&&desk.connection))? {
        return Ok(0);
    }
    let at = (desk.clock)().0;
    let transaction = desk.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let sealed = exec::done(seal::step(&&*transaction, at))?;
    transaction.commit()?;
    Ok(sealed)
}

/// Seals everything there is.
pub(in crate::sqlite) fn seal_all(desk: &mut Desk) -> Result<u64, Error> {
    let mut sealed = 0;
    loop {
        match seal_step(desk)? {
            0 => return Ok(sealed),
            more => sealed += more,
        }
    }
}

/// Erases payloads. The pages must not keep what the rows no longer say.
pub(in crate::sqlite) fn erase(desk: &mut Desk, seqs: &[i64]) -> Result<u64, Error> {
    let transaction = desk.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.pragma_update(None, "secure_delete", true)?;
    let erased = exec::done(seal::erase(&&*transaction, seqs));
    transaction.pragma_update(None, "secure_delete", false)?;
    let erased = erased?;
    transaction.commit()?;
    Ok(erased)
}

/// Tries whether the store can be written again.
fn probe(connection: &Connection) -> Result<(), Error> {
    connection.execute("UPDATE sequence SET value = value WHERE name = 'change'", [])?;
    Ok(())
}

fn data_version(connection: &Connection) -> Result<i64, Error> {
    Ok(connection.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?)
}
