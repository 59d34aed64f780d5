//! What other replicas changed: a task of its own listens and polls.
//!
//! A notification only wakes it up; what counts is what it reads. One number is read, which is bumped in the transactions
//! that change what callers keep in memory.

use super::connect::Connector;
use super::link::Link;
use super::session::{Session, Usage};
use crate::error::Error;
use crate::sql::{Exec as _, Query, Sql, binds};
use crate::ticks;
use futures_util::future::join;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

/// How often is looked when nobody notifies.
const POLL: Duration = Duration::from_millis(250);
/// How long a look may take before the connection is given up.
const LOOK_TIME: Duration = Duration::from_secs(1);
/// The shortest time between two looks, however many commits are announced.
const PACE: Duration = Duration::from_millis(10);
const SETTINGS: &str = "SET statement_timeout = 900; SET idle_in_transaction_session_timeout = 5000";
const LOOK: Sql = Sql::same("SELECT value FROM sequence WHERE name = 'memory'");

/// What is known of other replicas.
#[derive(Debug)]
pub(super) struct Follower {
    shared: Arc<Shared>,
    task: AbortHandle,
}

#[derive(Debug)]
struct Shared {
    generation: AtomicU64,
    /// When the last look that succeeded was begun, in milliseconds since `start`.
    looked: AtomicU64,
    start: Instant,
    /// Something was committed here that others want to hear of.
    announced: Notify,
}

impl Follower {
    /// Starts to follow the store in a schema.
    pub(super) fn start(connector: Arc<Connector>, schema: &str) -> Self {
        let bell = Arc::new(Notify::new());
        let usage = Usage { settings: SETTINGS.to_owned(), bell: Some(Arc::clone(&bell)), ..Usage::default() };
        let shared = Arc::new(Shared {
            generation: AtomicU64::new(1),
            looked: AtomicU64::new(0),
            start: ticks::now(),
            announced: Notify::new(),
        });
        let channel = channel(schema);
        let watcher = Watcher {
            link: Link::new(connector, usage, None),
            listen: format!("LISTEN {channel}"),
            notify: format!("NOTIFY {channel}"),
            bell,
            shared: Arc::clone(&shared),
            listening: None,
            memory: None,
        };
        let task = tokio::spawn(watcher.run()).abort_handle();
        Self { shared, task }
    }

    /// Changes whenever what callers keep in memory may have changed, here or elsewhere.
    pub(super) fn generation(&self) -> u64 {
        self.shared.generation.load(Ordering::Acquire)
    }

    /// Whether a look that was begun within this span succeeded.
    pub(super) fn followed_within(&self, span: Duration) -> bool {
        let looked = Duration::from_millis(self.shared.looked.load(Ordering::Acquire));
        self.shared.start.elapsed().saturating_sub(looked) <= span
    }

    /// Tells that a commit of this process changed what callers keep in memory.
    pub(super) fn touched(&self) {
        self.shared.generation.fetch_add(1, Ordering::AcqRel);
    }

    /// Wakes the other replicas up soon: something was committed.
    pub(super) fn announce(&self) {
        self.shared.announced.notify_one();
    }

    /// Ends when no look has succeeded for this span.
    pub(super) async fn lost(&self, span: Duration) {
        while self.followed_within(span) {
            sleep(POLL).await;
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The channel of a store. Notifications reach the whole database, so the schema is a part of its name; it is hashed
/// because the name of a channel is at most 63 bytes long.
fn channel(schema: &str) -> String {
    let hash = schema
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    format!("bailiwick_{hash:016x}")
}

struct Watcher {
    link: Link,
    listen: String,
    notify: String,
    bell: Arc<Notify>,
    shared: Arc<Shared>,
    /// The session that listens.
    listening: Option<Arc<Session>>,
    /// What `memory` was at the last look.
    memory: Option<i64>,
}

impl Watcher {
    async fn run(mut self) {
        let mut announce = false;
        loop {
            if self.turn(announce).await.is_err() {
                // The link has waited already, unless the failure is of another kind.
                sleep(PACE).await;
            }
            announce = tokio::select! {
                () = self.shared.announced.notified() => true,
                () = self.bell.notified() => false,
                () = sleep(POLL) => false,
            };
            sleep(PACE).await;
        }
    }

    async fn turn(&mut self, announce: bool) -> Result<(), Error> {
        let session = self.link.session(LOOK_TIME).await?;
        let begun = ticks::now();
        let Ok(seen) = timeout(LOOK_TIME, self.look(&session, announce)).await else {
            session.close();
            return Err(Error::Unavailable("the database does not answer".to_owned()));
        };
        let seen = seen?;
        if seen.is_some() && self.memory != seen {
            self.memory = seen;
            self.shared.generation.fetch_add(1, Ordering::AcqRel);
        }
        self.listening = Some(session);
        // Only now: who trusts the look must see what it found.
        let since = begun.saturating_duration_since(self.shared.start);
        self.shared.looked.store(u64::try_from(since.as_millis()).unwrap_or(u64::MAX), Ordering::Release);
        Ok(())
    }

    /// The number, read after listening has begun, so that nothing falls between.
    async fn look(&self, session: &Arc<Session>, announce: bool) -> Result<Option<i64>, Error> {
        let listening = self.listening.as_ref().is_some_and(|known| Arc::ptr_eq(known, session));
        if !listening {
            session.simple(&self.listen).await?;
        }
        let read = session.one(Query::new(LOOK, binds![], |row| row.int(0)));
        if !announce {
            return read.await;
        }
        let (told, seen) = join(session.simple(&self.notify), read).await;
        told?;
        seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_names() {
        assert_eq!(channel("public"), channel("public"));
        assert_ne!(channel("public"), channel("Public"));
        assert!(channel(&"x".repeat(63)).len() < 63);
    }
}
