//! A connection that is made again when it breaks.

use super::connect::Connector;
use super::session::{Session, Usage};
use crate::error::Error;
use crate::ticks;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;
use tokio::time::timeout;

/// How long one host may take to let a connection in.
const CONNECT_TIME: Duration = Duration::from_secs(2);
/// The wait before the first new attempt, and the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

#[derive(Clone, Debug)]
enum State {
    /// Nobody has asked for a session yet.
    Idle,
    Up(Arc<Session>),
    Down {
        since: Instant,
        why: Option<Error>,
    },
}

/// Keeps one connection up from its first use on.
#[derive(Debug)]
pub(super) struct Link {
    state: watch::Receiver<State>,
    wanted: Arc<Notify>,
    task: AbortHandle,
}

impl Link {
    /// A link for this use. It connects when it is first asked for a session, or at once if `first` is one.
    pub(super) fn new(connector: Arc<Connector>, usage: Usage, first: Option<Session>) -> Self {
        let wanted = Arc::new(Notify::new());
        let (publish, state) = watch::channel(State::Idle);
        let keeper = Keeper { connector, usage, publish, wanted: Arc::clone(&wanted) };
        if let Some(first) = first {
            keeper.publish.send_replace(State::Up(Arc::new(first)));
        }
        let task = tokio::spawn(keeper.run()).abort_handle();
        Self { state, wanted, task }
    }

    /// A session that is open, if there is one right now.
    pub(super) fn open(&self) -> Option<Arc<Session>> {
        match &*self.state.borrow() {
            State::Up(session) if session.is_open() => Some(Arc::clone(session)),
            _ => None,
        }
    }

    /// Connects soon, if nobody has asked for a session yet.
    pub(super) fn want(&self) {
        if matches!(*self.state.borrow(), State::Idle) {
            self.wanted.notify_one();
        }
    }

    /// A session that is open, as far as is known. Waits for one at most as long as told, and not at all when the
    /// database has been away for longer than that.
    pub(super) async fn session(&self, within: Duration) -> Result<Arc<Session>, Error> {
        if let Some(session) = self.open() {
            return Ok(session);
        }
        self.want();
        let mut state = self.state.clone();
        let waited = timeout(within, async {
            loop {
                match &*state.borrow_and_update() {
                    State::Up(session) if session.is_open() => return Ok(Arc::clone(session)),
                    State::Down { since, why: Some(why) } if since.elapsed() >= within => return Err(why.clone()),
                    _ => {}
                }
                if state.changed().await.is_err() {
                    return Err(Error::Unavailable("the store is closed".to_owned()));
                }
            }
        });
        match waited.await {
            Ok(found) => found,
            Err(_) => Err(match &*self.state.borrow() {
                State::Down { why: Some(why), .. } => why.clone(),
                _ => Error::Unavailable("there is no connection to the database".to_owned()),
            }),
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The task behind a link.
struct Keeper {
    connector: Arc<Connector>,
    usage: Usage,
    publish: watch::Sender<State>,
    wanted: Arc<Notify>,
}

impl Keeper {
    async fn run(self) {
        let first = match &*self.publish.borrow() {
            State::Up(session) => Some(Arc::clone(session)),
            _ => None,
        };
        match first {
            Some(session) => self.watch(&session).await,
            None => self.wanted.notified().await,
        }
        let mut since = ticks::now();
        let mut pause = FIRST_PAUSE;
        loop {
            match self.connector.connect(&self.usage, CONNECT_TIME).await {
                Ok(session) => {
                    let session = Arc::new(session);
                    self.publish.send_replace(State::Up(Arc::clone(&session)));
                    self.watch(&session).await;
                    (since, pause) = (ticks::now(), FIRST_PAUSE);
                }
                Err(why) => {
                    self.publish.send_replace(State::Down { since, why: Some(why) });
                    self.connector.pause(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    /// Waits for the end of a session.
    async fn watch(&self, session: &Session) {
        session.ended().await;
        self.publish.send_replace(State::Down { since: ticks::now(), why: None });
    }
}
