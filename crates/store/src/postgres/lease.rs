//! Leases: what only one of all replicas may do at a time.
//!
//! A lease lives in a row with the database's own clock. Its holder counts by its own monotonic clock from before it
//! asked, so it gives a lease up before anybody else can get it, unless its machine is suspended, which stops that clock:
//! what is done under a lease must be safe when two do it.

use super::link::Link;
use crate::error::Error;
use crate::sql::{Exec as _, Sql, binds};
use crate::ticks;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

/// How long a lease lasts. [`TAKE`] says the same.
const SPAN: Duration = Duration::from_secs(6);
/// How often it is renewed, or asked for.
const RENEW: Duration = Duration::from_secs(2);
/// How soon a renewal that failed is tried again.
const RETRY: Duration = Duration::from_millis(500);
/// How long one may take.
const ASK_TIME: Duration = Duration::from_secs(2);
/// How long giving it back may take.
const RETURN_TIME: Duration = Duration::from_millis(500);

/// The session settings under which leases are asked for.
pub(super) const SETTINGS: &str =
    "SET statement_timeout = 1800; SET lock_timeout = 1000; SET idle_in_transaction_session_timeout = 5000";

const TAKE: Sql = Sql::same(
    "INSERT INTO lease (name, holder, until) VALUES (?1, ?2, clock_timestamp() + interval '6 seconds')
     ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
     WHERE lease.holder = excluded.holder OR lease.until < clock_timestamp()",
);
const RETURN: Sql = Sql::same("DELETE FROM lease WHERE name = ?1 AND holder = ?2");

/// The leases of this process.
#[derive(Debug)]
pub(super) struct Leases {
    link: Arc<Link>,
    holder: String,
}

impl Leases {
    /// `holder` names this process and nothing else.
    pub(super) fn new(link: Link, holder: String) -> Self {
        Self { link: Arc::new(link), holder }
    }

    /// Strives for a lease from now on.
    pub(super) fn hold(&self, name: &'static str) -> Lease {
        let term = Arc::new(Term { start: ticks::now(), until: AtomicU64::new(0) });
        let (stop, stopped) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        let striver = Striver {
            link: Arc::clone(&self.link),
            name,
            holder: self.holder.clone(),
            term: Arc::clone(&term),
            _end: end,
        };
        tokio::spawn(striver.run(stopped));
        Lease { held: Arc::new(Held { term, stop: Mutex::new(Some((stop, ended))) }) }
    }
}

/// One lease, held or striven for until its last handle is dropped.
#[derive(Clone, Debug)]
pub(super) struct Lease {
    held: Arc<Held>,
}

#[derive(Debug)]
struct Held {
    term: Arc<Term>,
    /// Stops the task when it is dropped, and tells of its end.
    stop: Mutex<Option<(oneshot::Sender<()>, oneshot::Receiver<()>)>>,
}

impl Lease {
    /// Whether this process may act.
    pub(super) fn is_held(&self) -> bool {
        self.held.term.is_running()
    }

    /// Gives the lease back, so that another replica gets it at once, and strives for it no more.
    pub(super) async fn release(&self) {
        let stop = self.held.stop.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((stop, ended)) = stop {
            drop(stop);
            let _ = timeout(RETURN_TIME * 2, ended).await;
        }
    }
}

/// How long the lease may be counted on.
#[derive(Debug)]
struct Term {
    start: Instant,
    /// In milliseconds since `start`; 0 when it is not held.
    until: AtomicU64,
}

impl Term {
    fn is_running(&self) -> bool {
        self.start.elapsed() < Duration::from_millis(self.until.load(Ordering::Acquire))
    }

    /// Counts from when it was asked for.
    fn set(&self, asked: Option<Instant>) {
        let until = asked.map_or(Duration::ZERO, |asked| asked.saturating_duration_since(self.start) + SPAN);
        self.until.store(u64::try_from(until.as_millis()).unwrap_or(u64::MAX), Ordering::Release);
    }
}

/// The task behind a lease.
struct Striver {
    link: Arc<Link>,
    name: &'static str,
    holder: String,
    term: Arc<Term>,
    // Dropped when the task has ended.
    _end: oneshot::Sender<()>,
}

impl Striver {
    async fn run(self, mut stopped: oneshot::Receiver<()>) {
        loop {
            let asked = ticks::now();
            let pause = tokio::select! {
                taken = self.take() => match taken {
                    Ok(taken) => {
                        self.term.set(taken.then_some(asked));
                        RENEW
                    }
                    // What was held is held to its end.
                    Err(_) => RETRY,
                },
                _ = &mut stopped => break,
            };
            tokio::select! {
                () = sleep(pause) => {}
                _ = &mut stopped => break,
            }
        }
        self.term.set(None);
        let _ = timeout(RETURN_TIME, async {
            let session = self.link.session(RETURN_TIME).await?;
            session.run(RETURN, &binds![self.name, &self.holder]).await
        })
        .await;
    }

    async fn take(&self) -> Result<bool, Error> {
        let session = self.link.session(ASK_TIME).await?;
        match timeout(ASK_TIME, session.run(TAKE, &binds![self.name, &self.holder])).await {
            Ok(changed) => Ok(changed? == 1),
            Err(_) => {
                session.close();
                Err(Error::Unavailable("the database does not answer".to_owned()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_term_counts_from_the_question() {
        let start = ticks::now();
        let term = Term { start, until: AtomicU64::new(0) };
        assert!(!term.is_running());
        term.set(Some(start));
        assert!(term.is_running());
        term.set(None);
        assert!(!term.is_running());
    }
}
