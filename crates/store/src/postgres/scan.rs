//! What may take long: a few connections, each for one reader at a time.

use super::follow::Follower;
use super::link::Link;
use super::session::Session;
use crate::error::Error;
use crate::lanes::{Lane, Lanes};
use crate::ticks;
use futures_util::FutureExt as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use tokio::time::timeout;

/// How long the beginning of a scan may take.
const BEGIN_TIME: Duration = Duration::from_secs(2);
/// A database that has not been heard of for this long is away, whatever a scan may still be allowed.
const DEAF_TIME: Duration = Duration::from_secs(2);

/// What a scan sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum View {
    /// One moment of the store.
    Moment,
    /// Each statement what is there when it runs: for what takes minutes, and must not hold up the cleaning of tables.
    Current,
}

/// The connections for scans.
#[derive(Debug)]
pub(super) struct Scans {
    queue: Arc<Queue>,
    follower: Arc<Follower>,
}

#[derive(Debug, Default)]
struct Queue {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    waiting: Lanes<oneshot::Sender<Loan>>,
    free: Vec<Link>,
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection on loan. It goes to whoever is next when it is given back.
#[derive(Debug)]
struct Loan {
    link: Option<Link>,
    queue: Arc<Queue>,
}

impl Drop for Loan {
    fn drop(&mut self) {
        let Some(mut link) = self.link.take() else { return };
        loop {
            let next = {
                let mut state = self.queue.state();
                match state.waiting.pop() {
                    Some(next) => next,
                    None => {
                        state.free.push(link);
                        return;
                    }
                }
            };
            match next.send(Loan { link: Some(link), queue: Arc::clone(&self.queue) }) {
                Ok(()) => return,
                // It waits no more.
                Err(mut refused) => match refused.link.take() {
                    Some(back) => link = back,
                    None => return,
                },
            }
        }
    }
}

impl Scans {
    pub(super) fn new(links: Vec<Link>, follower: Arc<Follower>) -> Self {
        let queue = Arc::new(Queue::default());
        queue.state().free = links;
        Self { queue, follower }
    }

    async fn loan(&self, lane: Lane, patience: Duration) -> Result<Loan, Error> {
        let turn = {
            let mut state = self.queue.state();
            if let Some(link) = state.free.pop() {
                return Ok(Loan { link: Some(link), queue: Arc::clone(&self.queue) });
            }
            state.waiting.retain(|waiting| !waiting.is_closed());
            let (give, turn) = oneshot::channel();
            state.waiting.push(lane, give)?;
            turn
        };
        match timeout(patience, turn).await {
            Ok(Ok(loan)) => Ok(loan),
            Ok(Err(_)) => Err(Error::Unavailable("the store is closed".to_owned())),
            Err(_) => Err(Error::Busy("other searches take all the time there is".to_owned())),
        }
    }

    /// Begins a scan when its turn has come. It has to be done within its budget, and by `until` in any case, however
    /// long it waited. Who waited as long as it may run is told to come again.
    pub(super) async fn begin(&self, lane: Lane, until: Instant, budget: Duration, view: View) -> Result<Seat, Error> {
        let loan = self.loan(lane, budget.min(until.saturating_duration_since(ticks::now()))).await?;
        let begun = ticks::now();
        let deadline = until.min(begun + budget);
        let left = deadline.saturating_duration_since(begun);
        let Some(link) = &loan.link else {
            return Err(Error::Unavailable("the store is closed".to_owned()));
        };
        let session = link.session(BEGIN_TIME.min(left)).await?;
        let seat = Seat { session, deadline, view, follower: Arc::clone(&self.follower), busy: true, _loan: loan };
        let milliseconds = left.as_millis().max(1);
        let text = match view {
            View::Moment => {
                format!("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = {milliseconds}")
            }
            View::Current => format!("SET statement_timeout = {milliseconds}"),
        };
        match timeout(BEGIN_TIME.min(left), seat.session.simple(&text)).await {
            Ok(begun) => begun.map(|()| seat),
            Err(_) => Err(Error::Unavailable("the database does not answer".to_owned())),
        }
    }
}

/// The connection of a scan that was begun. Dropped half way, it stops what it runs.
#[derive(Debug)]
pub(super) struct Seat {
    session: Arc<Session>,
    deadline: Instant,
    view: View,
    follower: Arc<Follower>,
    busy: bool,
    // The last field: the connection is given back when all is over.
    _loan: Loan,
}

impl Seat {
    pub(super) fn session(&self) -> Arc<Session> {
        Arc::clone(&self.session)
    }

    /// Does the work of the scan, as long as there is time for it and the database is there.
    pub(super) async fn finish<T>(mut self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let left = self.deadline.saturating_duration_since(ticks::now());
        let result = tokio::select! {
            biased;
            result = timeout(left, work) => result.map_err(|_| Error::Budget)?,
            () = self.follower.lost(DEAF_TIME) => {
                return Err(Error::Unavailable("the database does not answer".to_owned()));
            }
        };
        if self.view == View::Moment {
            // It is sent at once, and nobody has to wait for the answer: whatever comes next is sent behind it.
            drop(self.session.simple("ROLLBACK").now_or_never());
        }
        self.busy = false;
        result
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if self.busy {
            self.session.cancel();
        }
    }
}
