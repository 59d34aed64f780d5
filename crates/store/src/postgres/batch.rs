//! One transaction that takes several sets of changes.
//!
//! It takes the writers' lock first, so that sequence order is commit order and a guard that held stays true until the
//! commit: no other writer, on this replica or another, is between the two. Sets that have nothing to do with each
//! other then run at once (see [`super::footprint`]): their statements share round trips. If one of those fails half
//! way, which takes a race that no guard covers, everything is rolled back and applied again set by set, each in a
//! savepoint of its own.

use super::appender::slow;
use super::checks;
use super::footprint::{Footprint, Ground};
use super::gather::Gatherer;
use super::migrate::COMMIT;
use super::session::Session;
use crate::change::{ChangeSet, Committed};
use crate::commit::{self, Applied, EventLine, Known, Place, Tally};
use crate::error::Error;
use crate::sql::{Exec as _, Query, Sql, binds};
use futures_util::future::{join, join_all, try_join3, try_join4};
use std::collections::BTreeSet;
use std::pin::{Pin, pin};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// The lock of all writers of a store: of one schema of one database. It ends with its transaction, however that ends.
pub(crate) const LOCK: Sql =
    Sql::same("SELECT pg_advisory_xact_lock(hashtextextended('bailiwick/' || current_schema(), 0))");
const SEQUENCE: Sql = Sql::same("SELECT value, at FROM sequence WHERE name = 'change'");

/// The least and the most that a commit itself is given.
const LEAST_COMMIT_TIME: Duration = Duration::from_millis(500);
const COMMIT_TIME: Duration = Duration::from_millis(2_500);

type Outcome = Result<Committed, Error>;

/// How the sets of a batch are applied.
#[derive(Clone, Copy, Debug)]
enum Manner {
    /// Those that have nothing in common at once.
    Together,
    /// One after another, each in a savepoint.
    Singly,
}

/// Why a batch did not come to its end.
#[derive(Debug)]
pub(super) enum Halt {
    /// Nothing was committed.
    Failed(Error),
    /// Whether the transaction was committed is not known: the connection broke while it was.
    Unknown(Trace, Vec<Outcome>, Done),
    /// The only set was refused after it had begun to write. Nothing was committed.
    Refused(Error),
    /// One of several sets failed after it had begun to write. Nothing was committed.
    Spoiled,
}

impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// The event that tells afterwards whether a transaction was committed: its number is drawn under the lock, so another
/// request that stands there means that this one was not.
#[derive(Clone, Debug)]
pub(super) struct Trace {
    pub(super) seq: i64,
    pub(super) request: String,
}

/// What a batch did beyond its rows.
#[derive(Debug, Default)]
pub(super) struct Done {
    /// Whether something changed that is kept in memory.
    pub(super) touched: bool,
}

/// How long a batch may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Time {
    pub(super) deadline: Instant,
    /// The server's limit for one statement, where it is not that of the session.
    pub(super) statement: Option<Duration>,
}

/// Applies sets in one transaction and commits it. Each succeeds or fails by itself. `gone` ends when it makes no sense
/// to wait any longer, although there is time.
pub(super) async fn commit(
    session: &Session,
    sets: &[&ChangeSet],
    time: Time,
    gone: impl Future<Output = ()>,
) -> Result<(Vec<Outcome>, Done), Halt> {
    let mut gone = pin!(gone);
    match attempt(session, sets, Manner::Together, time, gone.as_mut()).await {
        Err(Halt::Refused(error)) => Ok((vec![Err(error)], Done::default())),
        Err(Halt::Spoiled) => attempt(session, sets, Manner::Singly, time, gone).await,
        result => result,
    }
}

async fn attempt(
    session: &Session,
    sets: &[&ChangeSet],
    manner: Manner,
    time: Time,
    gone: Pin<&mut impl Future<Output = ()>>,
) -> Result<(Vec<Outcome>, Done), Halt> {
    let deadline = time.deadline;
    let work = async {
        let mut batch = Batch::begin(session, time.statement).await?;
        let outcomes = batch.apply(sets, manner).await?;
        batch.write_back().await?;
        Ok((outcomes, batch))
    };
    let worked = tokio::select! {
        worked = timeout_at(deadline, work) => worked.ok(),
        () = gone => None,
    };
    let (outcomes, batch) = match worked {
        Some(Ok(ready)) => ready,
        Some(Err(halt)) => {
            // A session on which this fails is gone, and the transaction with it.
            let latest = deadline.min(Instant::now() + COMMIT_TIME);
            let rolled_back = timeout_at(latest, session.simple("ROLLBACK")).await;
            if !matches!(rolled_back, Ok(Ok(()))) {
                session.close();
            }
            return Err(halt);
        }
        None => {
            session.close();
            return Err(Halt::Failed(slow()));
        }
    };
    let done = Done { touched: batch.tally.touched };
    let now = Instant::now();
    let latest = deadline.clamp(now + LEAST_COMMIT_TIME, now + COMMIT_TIME);
    let error = match timeout_at(latest, session.simple(COMMIT)).await {
        Ok(Ok(())) => return Ok((outcomes, done)),
        Ok(Err(error)) => error,
        Err(_) => slow(),
    };
    session.close();
    Err(match batch.events.into_iter().next() {
        Some(event) => Halt::Unknown(Trace { seq: event.seq, request: event.request }, outcomes, done),
        // Without an event nothing tells.
        None => Halt::Failed(match error {
            Error::Full => Error::Full,
            _ => Error::Unsettled,
        }),
    })
}

struct Batch<'s> {
    session: &'s Session,
    /// The last number given out, and the latest time.
    value: i64,
    at: i64,
    moved: bool,
    tally: Tally,
    events: Vec<EventLine>,
}

impl<'s> Batch<'s> {
    async fn begin(session: &'s Session, statement: Option<Duration>) -> Result<Self, Error> {
        let begin = match statement {
            Some(limit) => format!("BEGIN; SET LOCAL statement_timeout = {}", limit.as_millis()),
            None => "BEGIN".to_owned(),
        };
        let sequence = Query::new(SEQUENCE, binds![], |row| Ok((row.int(0)?, row.int(1)?)));
        let lock = Query::new(LOCK, binds![], |_| Ok(()));
        let (_, _, found) = try_join3(session.simple(&begin), session.one(lock), session.one(sequence)).await?;
        let (value, at) = found.ok_or_else(|| Error::Broken("it has no sequence".to_owned()))?;
        Ok(Self { session, value, at, moved: false, tally: Tally::default(), events: Vec::new() })
    }

    async fn apply(&mut self, sets: &[&ChangeSet], manner: Manner) -> Result<Vec<Outcome>, Halt> {
        let mut outcomes: Vec<Option<Outcome>> = sets.iter().map(|_| None).collect();
        let mut waiting: Vec<usize> = (0..sets.len()).collect();
        while !waiting.is_empty() {
            let known = self.known(sets, &waiting, manner).await?;
            let mut ground = Ground::default();
            let (mut now, mut later) = (Vec::new(), Vec::new());
            for index in waiting {
                let free = match manner {
                    Manner::Together => ground.admits(Footprint::of(sets[index], &known)),
                    Manner::Singly => now.is_empty(),
                };
                if free { now.push(index) } else { later.push(index) }
            }
            match now.as_slice() {
                // What fails in a batch of its own needs no savepoint.
                [one] if sets.len() > 1 => outcomes[*one] = Some(self.one(sets[*one], &known).await?),
                several => self.several(sets, several, &known, &mut outcomes).await?,
            }
            waiting = later;
        }
        Ok(outcomes.into_iter().flatten().collect())
    }

    /// The resources that these sets name.
    async fn known(&self, sets: &[&ChangeSet], waiting: &[usize], manner: Manner) -> Result<Known, Error> {
        let wanted = match manner {
            Manner::Together => waiting,
            Manner::Singly => &waiting[..1],
        };
        let seqs: BTreeSet<i64> = wanted.iter().flat_map(|index| commit::mentioned(sets[*index])).collect();
        if seqs.is_empty() {
            return Ok(Known::default());
        }
        commit::load(self.session, &seqs.into_iter().collect::<Vec<_>>()).await
    }

    /// One set in a savepoint of its own, so that its failure leaves its neighbours alone.
    async fn one(&mut self, set: &ChangeSet, known: &Known) -> Result<Outcome, Error> {
        let place = Place { base: self.value, at: self.at.max(set.at.0) };
        let savepoint = self.session.simple("SAVEPOINT change_set");
        let (saved, checked) = join(savepoint, commit::check(self.session, set)).await;
        saved?;
        let result = match checked {
            Ok(()) => commit::apply(self.session, set, place, known).await,
            Err(error) => Err(error),
        };
        match result {
            Ok(applied) => {
                self.session.simple("RELEASE change_set").await?;
                let last = applied.last;
                Ok(Ok(self.absorb(applied, last)))
            }
            Err(error) => {
                self.session.simple("ROLLBACK TO change_set; RELEASE change_set").await?;
                Ok(Err(error))
            }
        }
    }

    /// Sets that have nothing in common, all at once. A guard that does not hold refuses its set before it wrote.
    async fn several(
        &mut self,
        sets: &[&ChangeSet],
        indexes: &[usize],
        known: &Known,
        outcomes: &mut [Option<Outcome>],
    ) -> Result<(), Halt> {
        let chosen: Vec<&ChangeSet> = indexes.iter().map(|index| sets[*index]).collect();
        let (holds, mapping) = checks::hold(self.session, &chosen).await?;
        let mut placed = Vec::with_capacity(indexes.len());
        for (index, holds) in indexes.iter().copied().zip(holds) {
            if !holds {
                outcomes[index] = Some(Err(Error::Stale));
                continue;
            }
            let set = sets[index];
            self.at = self.at.max(set.at.0);
            let place = Place { base: self.value, at: self.at };
            self.value += commit::numbers(set);
            placed.push((index, place, self.value));
        }
        let results = match placed.as_slice() {
            [(index, place, _)] => vec![commit::apply(self.session, sets[*index], *place, known).await],
            _ => {
                let gatherer = Gatherer::new(self.session, mapping);
                let work = placed.iter().map(|(index, place, _)| commit::apply(&gatherer, sets[*index], *place, known));
                let results = join_all(work).await;
                if results.iter().all(Result::is_ok) && gatherer.write().await.is_err() {
                    return Err(self.spoiled());
                }
                results
            }
        };
        for ((index, _, last), result) in placed.into_iter().zip(results) {
            match result {
                Ok(applied) => outcomes[index] = Some(Ok(self.absorb(applied, last))),
                Err(error) if sets.len() == 1 && self.session.is_open() => return Err(Halt::Refused(error)),
                Err(_) => return Err(self.spoiled()),
            }
        }
        Ok(())
    }

    /// Why several sets cannot go on together.
    fn spoiled(&self) -> Halt {
        if self.session.is_open() {
            return Halt::Spoiled;
        }
        Halt::Failed(Error::Unavailable("the connection to the database broke".to_owned()))
    }

    /// Takes over what a set did. `last` is the last number it could have drawn.
    fn absorb(&mut self, applied: Applied, last: i64) -> Committed {
        let Applied { committed, tally, events, .. } = applied;
        self.moved |= last != self.value || !events.is_empty() || committed.changed;
        self.value = self.value.max(last);
        self.at = self.at.max(committed.at.0);
        self.tally.absorb(tally);
        self.events.extend(events);
        committed
    }

    /// Writes what was collected, in one trip.
    async fn write_back(&self) -> Result<(), Error> {
        let sequence = async {
            if self.moved {
                let set = Sql::same("UPDATE sequence SET value = ?1, at = ?2 WHERE name = 'change'");
                self.session.run(set, &binds![self.value, self.at]).await?;
            }
            Ok(())
        };
        let memory = async {
            if self.tally.touched {
                let set = Sql::same("UPDATE sequence SET value = value + 1 WHERE name = 'memory'");
                self.session.run(set, &[]).await?;
            }
            Ok(())
        };
        try_join4(self.session.append(&self.events), self.tally.write(self.session), sequence, memory).await?;
        Ok(())
    }
}

/// Whether the transaction of a trace was committed. Under the lock nobody else is about to write, and the transaction
/// in question has ended: it would hold the lock itself.
pub(super) async fn was_committed(session: &Session, trace: &Trace) -> Result<bool, Error> {
    let lock = Query::new(LOCK, binds![], |_| Ok(()));
    let stands =
        Query::new(Sql::same("SELECT request FROM event WHERE seq = ?1"), binds![trace.seq], |row| row.string(0));
    let found = try_join3(session.simple("BEGIN"), session.one(lock), session.one(stands)).await;
    // It must not stay in the transaction, whatever came of it: it may have the lock.
    if session.simple("ROLLBACK").await.is_err() {
        session.close();
    }
    Ok(found?.2.as_ref() == Some(&trace.request))
}
