//! The one task of this process that writes. It drains its queue into one transaction and answers everybody after the
//! commit: nobody hears of a success before it is durable.
//!
//! Between batches, never inside one, it folds member changes and seals.

mod upkeep;

use super::batch::{self, Done, Halt, Trace};
use super::follow::Follower;
use super::lease::Lease;
use super::link::Link;
use crate::change::{ChangeSet, Committed};
use crate::deadline;
use crate::error::Error;
use crate::store::Clock;
use crate::ticks;
use crate::weight::{ALONE_BYTES, ALONE_ROWS, BATCH_BYTES, QUEUE, weight};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{sleep_until, timeout, timeout_at};
use upkeep::Upkeep;

/// Sets in one batch at most.
const BATCH_SETS: usize = 256;
/// How long a change may take from its coming to its answer, the wait for its turn included.
const CHANGE_TIME: Duration = Duration::from_millis(4_000);
/// How long a batch may take, the wait for other replicas included. The server's own limits are a little shorter.
const BATCH_TIME: Duration = Duration::from_millis(2_500);
/// What is kept of that to find out what became of a commit when the connection broke in it.
const SETTLE_TIME: Duration = Duration::from_millis(1_000);
/// What must be left when a change gets its turn. Else it is refused, and not made.
const LEAST: Duration = Duration::from_millis(1_500);
/// How long a batch waits for a connection.
const CONNECT: Duration = Duration::from_millis(500);
/// How long a submission may take that is heavy by itself: to delete an integration with all it holds, say.
const HEAVY_TIME: Duration = Duration::from_secs(120);
/// What may take long is given up when the database has not been heard of for this long.
const DEAF_TIME: Duration = Duration::from_millis(2_000);
/// The longest a batch waits for those who were answered last and are about to come back.
const GATHER: Duration = Duration::from_millis(2);
/// How often the task looks after the store while nobody writes.
const TURN: Duration = Duration::from_millis(250);

enum Job {
    Commit(Submission),
    Erase(Vec<i64>, oneshot::Sender<Result<u64, Error>>),
    Seal(oneshot::Sender<Result<u64, Error>>),
}

struct Submission {
    sets: Vec<ChangeSet>,
    bytes: usize,
    rows: usize,
    /// When whoever asked must have an answer.
    deadline: Instant,
    /// Set by whoever is first: the task that takes it into a batch, or the one who asked and gives up waiting.
    claimed: Arc<AtomicBool>,
    answer: oneshot::Sender<Result<Vec<Result<Committed, Error>>, Error>>,
}

impl Submission {
    fn is_heavy(&self) -> bool {
        self.bytes > ALONE_BYTES || self.rows > ALONE_ROWS
    }

    fn fail(self, error: &Error) {
        // Whoever asked may be gone.
        let _ = self.answer.send(Err(error.clone()));
    }
}

/// When a batch must have ended, and when its outcome must be known.
#[derive(Clone, Copy, Debug)]
struct Limits {
    batch: Instant,
    settle: Instant,
    /// The server's limit for one statement, where it is not that of the session.
    statement: Option<Duration>,
}

impl Limits {
    fn usual(deadline: Instant) -> Self {
        let batch = (ticks::now() + BATCH_TIME).min(deadline - SETTLE_TIME);
        Self { batch, settle: deadline, statement: None }
    }

    fn heavy() -> Self {
        let batch = ticks::now() + HEAVY_TIME;
        Self { batch, settle: batch + SETTLE_TIME, statement: Some(HEAVY_TIME) }
    }
}

/// Why commits fail at present, as other tasks see it.
#[derive(Debug, Default)]
struct Shared {
    trouble: Mutex<Option<Error>>,
}

impl Shared {
    fn set(&self, trouble: Option<Error>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }

    fn trouble(&self) -> Option<Error> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The handle of the appender. The task ends with it, when what waits is done.
#[derive(Debug)]
pub(super) struct Appender {
    sender: mpsc::Sender<Job>,
    shared: Arc<Shared>,
}

impl std::fmt::Debug for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Commit(_) => "Commit",
            Self::Erase(..) => "Erase",
            Self::Seal(_) => "Seal",
        })
    }
}

impl Appender {
    /// Starts the task on a connection of its own. `lease` is that of the upkeep, on a server.
    pub(super) fn start(link: Link, follower: Arc<Follower>, lease: Option<Lease>, clock: Clock) -> Self {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let shared = Arc::new(Shared::default());
        let worker = Worker {
            link,
            follower,
            shared: Arc::clone(&shared),
            receiver,
            held: None,
            crowd: 1,
            pace: Duration::ZERO,
            upkeep: Upkeep::new(lease, clock),
        };
        tokio::spawn(worker.run());
        Self { sender, shared }
    }

    pub(super) async fn commit(&self, set: ChangeSet) -> Result<Committed, Error> {
        self.commit_all(vec![set]).await?.pop().unwrap_or_else(|| Err(stopped()))
    }

    pub(super) async fn commit_all(&self, sets: Vec<ChangeSet>) -> Result<Vec<Result<Committed, Error>>, Error> {
        let (rows, bytes) = sets.iter().map(weight).fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        let (answer, wait) = oneshot::channel();
        let deadline = ticks::now() + deadline::left(CHANGE_TIME);
        let claimed = Arc::<AtomicBool>::default();
        let job = Job::Commit(Submission { sets, bytes, rows, deadline, claimed: Arc::clone(&claimed), answer });
        let Some(latest) = deadline.checked_sub(LEAST).filter(|latest| *latest > ticks::now()) else {
            // It would be refused when its turn comes, which may be later than anybody waits.
            return Err(slow());
        };
        self.send(job)?;
        let mut wait = pin!(wait);
        tokio::select! {
            biased;
            answered = &mut wait => return answered.unwrap_or_else(|_| Err(stopped())),
            () = sleep_until(latest.into()) => {}
        }
        // Whoever is still in the queue by then, behind a batch that takes long, is not waited for any longer.
        if claimed.swap(true, Ordering::AcqRel) { wait.await.unwrap_or_else(|_| Err(stopped())) } else { Err(slow()) }
    }

    /// Seals every event there is.
    pub(super) async fn seal(&self) -> Result<u64, Error> {
        let (answer, wait) = oneshot::channel();
        self.send(Job::Seal(answer))?;
        wait.await.unwrap_or_else(|_| Err(stopped()))
    }

    /// Erases the payloads of events.
    pub(super) async fn erase(&self, seqs: Vec<i64>) -> Result<u64, Error> {
        let (answer, wait) = oneshot::channel();
        self.send(Job::Erase(seqs, answer))?;
        wait.await.unwrap_or_else(|_| Err(stopped()))
    }

    fn send(&self, job: Job) -> Result<(), Error> {
        self.sender.try_send(job).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Error::Busy("too many changes are waiting".to_owned()),
            mpsc::error::TrySendError::Closed(_) => stopped(),
        })
    }

    pub(super) fn writable(&self) -> Result<(), Error> {
        if self.sender.is_closed() {
            return Err(stopped());
        }
        self.shared.trouble().map_or(Ok(()), Err)
    }
}

fn stopped() -> Error {
    Error::Unavailable("the writer has stopped".to_owned())
}

struct Worker {
    link: Link,
    follower: Arc<Follower>,
    shared: Arc<Shared>,
    receiver: mpsc::Receiver<Job>,
    /// A job taken from the queue that did not fit into the batch.
    held: Option<Job>,
    /// How many came together lately.
    crowd: usize,
    /// How long a batch took lately.
    pace: Duration,
    upkeep: Upkeep,
}

impl Worker {
    async fn run(mut self) {
        loop {
            let job = match self.held.take() {
                Some(job) => Some(job),
                None => match timeout(TURN, self.receiver.recv()).await {
                    Ok(Some(job)) => Some(job),
                    Ok(None) => return,
                    Err(_) => None,
                },
            };
            let idle = job.is_none();
            match job {
                Some(Job::Commit(first)) => self.batch(first).await,
                Some(Job::Seal(answer)) => drop(answer.send(self.upkeep.seal_all(&self.link).await)),
                Some(Job::Erase(seqs, answer)) => drop(answer.send(self.upkeep.erase(&self.link, &seqs).await)),
                None => {}
            }
            let trouble = self.shared.trouble().is_some();
            if let Some(result) = self.upkeep.step(&self.link, idle, trouble).await {
                self.note(result);
            }
        }
    }

    async fn batch(&mut self, first: Submission) {
        let submissions = self.gather(first).await;
        let Some(oldest) = submissions.iter().map(|submission| submission.deadline).min() else { return };
        let limits = match submissions.as_slice() {
            [heavy] if heavy.is_heavy() => Limits::heavy(),
            _ => Limits::usual(oldest),
        };
        let before = ticks::now();
        let sets: Vec<&ChangeSet> = submissions.iter().flat_map(|submission| &submission.sets).collect();
        let result = self.commit(&sets, limits).await;
        self.pace = (self.pace + before.elapsed()) / 2;
        self.crowd = (self.crowd + submissions.len()).div_ceil(2).min(submissions.len() * 2);
        match result {
            Ok((outcomes, done)) => {
                self.told(&done);
                // A set that the database refused says more of the store than those beside it that changed nothing.
                let mut refused = outcomes.iter().filter_map(|outcome| outcome.as_ref().err());
                self.note(refused.find(|error| is_trouble(error)).cloned().map_or(Ok(()), Err));
                let mut outcomes = outcomes.into_iter();
                for submission in submissions {
                    let own = outcomes.by_ref().take(submission.sets.len()).collect();
                    // Whoever asked may be gone: what is committed stays committed.
                    let _ = submission.answer.send(Ok(own));
                }
            }
            Err(error) => {
                self.note(Err(error.clone()));
                submissions.into_iter().for_each(|submission| submission.fail(&error));
                self.refuse_waiting(&error);
            }
        }
    }

    /// The submissions of the next batch. Who has waited too long is refused instead, and who is gone is left out:
    /// nothing is changed for somebody who was told that it was not.
    async fn gather(&mut self, first: Submission) -> Vec<Submission> {
        let until = ticks::now() + (self.pace / 2).min(GATHER);
        let (mut taken, mut sets, mut bytes) = (Vec::with_capacity(self.crowd), 0, 0);
        let mut next = Some(first);
        while let Some(submission) = next.take() {
            let heavy = submission.is_heavy();
            if submission.deadline <= ticks::now() + LEAST {
                submission.fail(&slow());
            } else if !submission.answer.is_closed() && !submission.claimed.swap(true, Ordering::AcqRel) {
                sets += submission.sets.len();
                bytes += submission.bytes;
                taken.push(submission);
            }
            if heavy || sets >= BATCH_SETS || bytes >= BATCH_BYTES {
                break;
            }
            next = self.another(taken.len(), until).await;
        }
        taken
    }

    /// The next submission for the batch at hand, if it comes in time and fits.
    async fn another(&mut self, here: usize, until: Instant) -> Option<Submission> {
        let job = match self.receiver.try_recv() {
            Ok(job) => job,
            Err(mpsc::error::TryRecvError::Disconnected) => return None,
            Err(mpsc::error::TryRecvError::Empty) if here >= self.crowd => return None,
            Err(mpsc::error::TryRecvError::Empty) => timeout_at(until.into(), self.receiver.recv()).await.ok()??,
        };
        match job {
            Job::Commit(submission) if !submission.is_heavy() || here == 0 => Some(submission),
            other => {
                self.held = Some(other);
                None
            }
        }
    }

    /// Lets everybody know of a commit who follows.
    fn told(&self, done: &Done) {
        if done.touched {
            self.follower.touched();
        }
        self.follower.announce();
    }

    /// Commits sets, and finds out what became of them if the connection breaks meanwhile.
    async fn commit(
        &self,
        sets: &[&ChangeSet],
        limits: Limits,
    ) -> Result<(Vec<Result<Committed, Error>>, Done), Error> {
        let session = self.link.session(CONNECT).await?;
        // What is allowed to take long is given up when the database is away, as the follower sees it.
        let gone = async {
            match limits.statement {
                Some(_) => self.follower.lost(DEAF_TIME).await,
                None => std::future::pending().await,
            }
        };
        let time = batch::Time { deadline: limits.batch.into(), statement: limits.statement };
        match batch::commit(&session, sets, time, gone).await {
            Ok(done) => Ok(done),
            Err(Halt::Failed(error) | Halt::Refused(error)) => Err(error),
            Err(Halt::Spoiled) => Err(Error::Unavailable("the changes could not be made one by one".to_owned())),
            Err(Halt::Unknown(trace, outcomes, done)) => {
                session.close();
                let latest = match limits.statement {
                    Some(_) => limits.settle.min(ticks::now() + SETTLE_TIME),
                    None => limits.settle,
                };
                match self.settle(&trace, latest).await {
                    Some(true) => Ok((outcomes, done)),
                    Some(false) => Err(Error::Unavailable("the connection to the database broke".to_owned())),
                    None => Err(Error::Unsettled),
                }
            }
        }
    }

    /// Asks until somebody can tell, or the time is over.
    async fn settle(&self, trace: &Trace, latest: Instant) -> Option<bool> {
        while ticks::now() < latest {
            if let Ok(session) = self.link.session(CONNECT.min(latest - ticks::now())).await {
                match timeout_at(latest.into(), batch::was_committed(&session, trace)).await {
                    Ok(Ok(found)) => {
                        tracing::warn!(request = trace.request, committed = found, "the connection broke in a commit");
                        return Some(found);
                    }
                    Ok(Err(_)) => {}
                    // It may stand in a transaction, under the lock of all writers.
                    Err(_) => session.close(),
                }
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        None
    }

    /// The database is not there: everybody who waits hears it now, instead of one after another.
    fn refuse_waiting(&mut self, error: &Error) {
        if !matches!(error, Error::Unavailable(_) | Error::Unsettled) {
            return;
        }
        let mut refused = Vec::new();
        while let Ok(job) = self.receiver.try_recv() {
            match job {
                Job::Commit(submission) => refused.push(submission),
                other => {
                    self.held = Some(other);
                    break;
                }
            }
        }
        refused.into_iter().for_each(|submission| submission.fail(error));
    }

    /// Remembers whether commits succeed.
    fn note(&self, result: Result<(), Error>) {
        match result {
            Ok(()) => self.shared.set(None),
            Err(error) if is_trouble(&error) => {
                tracing::warn!(%error, "a commit failed");
                self.shared.set(Some(error));
            }
            Err(_) => {}
        }
    }
}

/// Whether a failure says something of the store, not only of what was asked.
fn is_trouble(error: &Error) -> bool {
    matches!(error, Error::Full | Error::Broken(_) | Error::Unavailable(_) | Error::Unsettled)
}

pub(super) fn slow() -> Error {
    Error::Unavailable("the database does not answer in time".to_owned())
}
