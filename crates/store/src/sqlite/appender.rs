//! The one thread that writes. It drains its queue into one transaction, each set of changes in a savepoint of its
//! own, and answers everybody after the commit: nobody hears of a success before it is on the disk.
//!
//! Between batches, never inside one, it follows other processes, checkpoints the log, folds member changes and seals.

mod batch;
mod upkeep;

use crate::change::{ChangeSet, Committed};
use crate::error::Error;
use crate::store::{Clock, Role};
use crate::ticks;
use crate::weight::{ALONE_BYTES, ALONE_ROWS, BATCH_BYTES, QUEUE, weight};
use batch::Batch;
use rusqlite::Connection;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use upkeep::Upkeep;

pub(super) use upkeep::{erase, seal_all};

/// How long one batch may take on work before it is committed.
const BATCH_TIME: Duration = Duration::from_millis(5);
/// How often the appender looks for changes of other processes.
const POLL: Duration = Duration::from_millis(50);
/// The longest a batch waits for those who were answered last and are about to come back.
const GATHER: Duration = Duration::from_millis(2);

/// What the thread works with; tasks get it too.
pub(super) struct Desk {
    pub(super) connection: Connection,
    pub(super) clock: Clock,
}

type Task = Box<dyn FnOnce(&mut Desk) + Send>;

enum Job {
    Commit(Submission),
    Task(Task),
}

struct Submission {
    sets: Vec<ChangeSet>,
    bytes: usize,
    rows: usize,
    answer: Answer,
}

enum Answer {
    All(oneshot::Sender<Result<Vec<Result<Committed, Error>>, Error>>),
    One(oneshot::Sender<Result<Committed, Error>>),
}

impl Answer {
    fn send(self, mut results: Vec<Result<Committed, Error>>) {
        // Whoever asked may be gone: what is committed stays committed.
        match self {
            Self::All(sender) => drop(sender.send(Ok(results))),
            Self::One(sender) => {
                if let Some(result) = results.pop() {
                    let _ = sender.send(result);
                }
            }
        }
    }

    fn fail(self, error: &Error) {
        match self {
            Self::All(sender) => drop(sender.send(Err(error.clone()))),
            Self::One(sender) => drop(sender.send(Err(error.clone()))),
        }
    }
}

/// What other threads may know of the appender without asking it.
#[derive(Debug)]
struct Shared {
    generation: AtomicU64,
    /// When other processes were last looked for, in milliseconds since `start`.
    polled: AtomicU64,
    start: Instant,
    /// Why commits fail at present.
    trouble: Mutex<Option<Error>>,
}

impl Shared {
    fn polled_now(&self) {
        let passed = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.polled.store(passed, Ordering::Release);
    }

    fn set_trouble(&self, trouble: Option<Error>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }
}

/// The handle of the appender.
#[derive(Debug)]
pub(super) struct Appender {
    sender: Option<SyncSender<Job>>,
    thread: Option<JoinHandle<()>>,
    shared: Arc<Shared>,
}

impl std::fmt::Debug for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Commit(_) => "Commit",
            Self::Task(_) => "Task",
        })
    }
}

impl Appender {
    pub(super) fn start(connection: Connection, role: Role, clock: Clock) -> Result<Self, Error> {
        let (sender, receiver) = sync_channel(QUEUE);
        let shared = Arc::new(Shared {
            generation: AtomicU64::new(1),
            polled: AtomicU64::new(0),
            start: ticks::now(),
            trouble: Mutex::new(None),
        });
        let mut desk = Desk { connection, clock };
        let upkeep = Upkeep::new(&mut desk.connection, role)?;
        let worker =
            Worker { desk, shared: Arc::clone(&shared), receiver, held: None, crowd: 1, pace: Duration::ZERO, upkeep };
        let thread = std::thread::Builder::new()
            .name("appender".to_owned())
            .spawn(move || worker.run())
            .map_err(|error| Error::Unavailable(format!("no thread for the appender: {error}")))?;
        Ok(Self { sender: Some(sender), thread: Some(thread), shared })
    }

    pub(super) async fn commit(&self, set: ChangeSet) -> Result<Committed, Error> {
        let (answer, wait) = oneshot::channel();
        self.submit(vec![set], Answer::One(answer))?;
        wait.await.unwrap_or_else(|_| Err(stopped()))
    }

    pub(super) async fn commit_all(&self, sets: Vec<ChangeSet>) -> Result<Vec<Result<Committed, Error>>, Error> {
        let (answer, wait) = oneshot::channel();
        self.submit(sets, Answer::All(answer))?;
        wait.await.unwrap_or_else(|_| Err(stopped()))
    }

    /// Runs a task between two batches.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Desk) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (answer, wait) = oneshot::channel();
        self.send(Job::Task(Box::new(move |desk| drop(answer.send(work(desk))))))?;
        wait.await.unwrap_or_else(|_| Err(stopped()))
    }

    fn submit(&self, sets: Vec<ChangeSet>, answer: Answer) -> Result<(), Error> {
        let (rows, bytes) = sets.iter().map(weight).fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        self.send(Job::Commit(Submission { sets, bytes, rows, answer }))
    }

    fn send(&self, job: Job) -> Result<(), Error> {
        match self.sender.as_ref().map(|sender| sender.try_send(job)) {
            Some(Ok(())) => Ok(()),
            Some(Err(TrySendError::Full(_))) => Err(Error::Busy("too many changes are waiting".to_owned())),
            Some(Err(TrySendError::Disconnected(_))) | None => Err(stopped()),
        }
    }

    pub(super) fn generation(&self) -> u64 {
        self.shared.generation.load(Ordering::Acquire)
    }

    pub(super) fn followed_within(&self, span: Duration) -> bool {
        let polled = Duration::from_millis(self.shared.polled.load(Ordering::Acquire));
        self.shared.start.elapsed().saturating_sub(polled) <= span
    }

    pub(super) fn writable(&self) -> Result<(), Error> {
        if self.thread.as_ref().is_none_or(JoinHandle::is_finished) {
            return Err(stopped());
        }
        self.shared.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone().map_or(Ok(()), Err)
    }
}

impl Drop for Appender {
    fn drop(&mut self) {
        drop(self.sender.take());
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != std::thread::current().id()
        {
            let _ = thread.join();
        }
    }
}

fn stopped() -> Error {
    Error::Unavailable("the writer has stopped".to_owned())
}

struct Worker {
    desk: Desk,
    shared: Arc<Shared>,
    receiver: Receiver<Job>,
    /// A job taken from the queue that did not fit into the batch.
    held: Option<Job>,
    /// How many came together lately.
    crowd: usize,
    /// How long a commit took lately.
    pace: Duration,
    upkeep: Upkeep,
}

impl Worker {
    fn run(mut self) {
        loop {
            let job = match self.held.take() {
                Some(job) => Some(job),
                None => match self.receiver.recv_timeout(POLL) {
                    Ok(job) => Some(job),
                    Err(RecvTimeoutError::Timeout) => None,
                    Err(RecvTimeoutError::Disconnected) => return,
                },
            };
            // After a panic nothing here can be trusted: the thread ends, its queue with it, and every commit from
            // then on is refused.
            if catch_unwind(AssertUnwindSafe(|| self.turn(job))).is_err() {
                tracing::error!("the writer stopped after a fault; the store refuses changes until it is opened again");
                self.shared.set_trouble(Some(stopped()));
                return;
            }
        }
    }

    fn turn(&mut self, job: Option<Job>) {
        self.follow();
        let idle = job.is_none();
        match job {
            Some(Job::Commit(submission)) => self.batch(submission),
            Some(Job::Task(task)) => task(&mut self.desk),
            None => {}
        }
        let trouble = self.shared.trouble.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        if let Some(result) = self.upkeep.step(&mut self.desk, idle, trouble) {
            self.note(result);
        }
    }

    /// Notices commits of other processes.
    fn follow(&mut self) {
        if self.upkeep.changed_elsewhere(&self.desk.connection) {
            self.shared.generation.fetch_add(1, Ordering::AcqRel);
        }
        self.shared.polled_now();
    }

    fn batch(&mut self, first: Submission) {
        let mut batch = match Batch::begin(&self.desk.connection) {
            Ok(batch) => batch,
            Err(error) => return self.refuse_waiting(first, &error),
        };
        let mut answers = Vec::with_capacity(self.crowd);
        self.fill(&mut batch, first, &mut answers);
        let before = ticks::now();
        let result = batch.finish(&self.desk.connection);
        self.pace = (self.pace + before.elapsed()) / 2;
        self.crowd = (self.crowd + answers.len()).div_ceil(2).min(answers.len() * 2);
        match result {
            Ok(done) => {
                if done.touched {
                    self.shared.generation.fetch_add(1, Ordering::AcqRel);
                }
                self.upkeep.members_changed(done.member_groups);
                self.note(Ok(()));
                for (answer, results) in answers {
                    answer.send(results);
                }
            }
            Err(error) => {
                self.note(Err(error.clone()));
                for (answer, _) in answers {
                    answer.fail(&error);
                }
            }
        }
    }

    /// Applies submissions until the batch is full or nobody else is about to come.
    fn fill(
        &mut self,
        batch: &mut Batch,
        first: Submission,
        answers: &mut Vec<(Answer, Vec<Result<Committed, Error>>)>,
    ) {
        let started = ticks::now();
        let gather = started + (self.pace / 2).min(GATHER);
        let mut next = Some(first);
        let mut bytes = 0;
        while let Some(Submission { sets, bytes: more, rows, answer }) = next.take() {
            bytes += more;
            let results = sets.iter().map(|set| batch.apply(&self.desk.connection, set)).collect();
            answers.push((answer, results));
            let alone = more > ALONE_BYTES || rows > ALONE_ROWS;
            if alone || batch.is_lost() || bytes >= BATCH_BYTES || started.elapsed() >= BATCH_TIME {
                return;
            }
            next = self.another(answers.len(), gather);
        }
    }

    /// The next submission for the batch at hand, if it comes in time and fits.
    fn another(&mut self, here: usize, gather: Instant) -> Option<Submission> {
        let job = match self.receiver.try_recv() {
            Ok(job) => job,
            Err(TryRecvError::Disconnected) => return None,
            Err(TryRecvError::Empty) if here >= self.crowd => return None,
            Err(TryRecvError::Empty) => {
                let left = gather.checked_duration_since(ticks::now())?;
                self.receiver.recv_timeout(left).ok()?
            }
        };
        match job {
            Job::Commit(submission) if submission.bytes <= ALONE_BYTES && submission.rows <= ALONE_ROWS => {
                Some(submission)
            }
            other => {
                self.held = Some(other);
                None
            }
        }
    }

    /// No transaction could begin: everybody who waits hears it now, instead of one after another. Nobody is answered
    /// before all are collected, so that who tries again at once is not refused with them.
    fn refuse_waiting(&mut self, first: Submission, error: &Error) {
        let mut refused = vec![first.answer];
        while let Ok(job) = self.receiver.try_recv() {
            match job {
                Job::Commit(submission) => refused.push(submission.answer),
                task @ Job::Task(_) => {
                    self.held = Some(task);
                    break;
                }
            }
        }
        self.note(Err(error.clone()));
        for answer in refused {
            answer.fail(error);
        }
    }

    /// Remembers whether commits succeed.
    fn note(&self, result: Result<(), Error>) {
        match result {
            Ok(()) => self.shared.set_trouble(None),
            Err(error @ (Error::Full | Error::Broken(_) | Error::Unavailable(_))) => {
                tracing::warn!(%error, "a commit failed");
                self.shared.set_trouble(Some(error));
            }
            Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests;
