//! One connection, used by many tasks at once.
//!
//! A statement is sent when its future is first polled, without waiting for those before it; the server runs them in
//! that order and answers in that order.

use super::fault::{self, Verdict};
use super::journal::{self, Typed};
use super::row::{Bound, numbered, type_of, unstorable};
use super::tls::Tls;
use crate::commit::EventLine;
use crate::error::Error;
use crate::sql::{Decode, Exec, Param, Query, Sql, Text};
use crate::ticks;
use futures_util::TryStreamExt as _;
use futures_util::future::{join, try_join};
use std::collections::HashMap;
use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::{Notify, oneshot, watch};
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{AsyncMessage, Client, Connection, RowStream, Socket, Statement};

/// How old a plan may grow. Making all of them costs some milliseconds.
const PLAN_MS: u64 = 5_000;
/// How long a connection may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(1);

/// What a connection is for.
#[derive(Clone, Debug, Default)]
pub(super) struct Usage {
    /// Run when the connection was made.
    pub(super) settings: String,
    /// Rung by notifications.
    pub(super) bell: Option<Arc<Notify>>,
    /// Statements have a budget: to use it up is no fault of the database.
    pub(super) budgeted: bool,
}

/// Texts known at compile time are told apart by where they lie.
type Key = (usize, usize);

/// A connection with its prepared statements.
pub(crate) struct Session {
    client: Client,
    statements: Mutex<HashMap<Key, Statement>>,
    /// How often the statements were forgotten.
    forgotten: AtomicU64,
    /// How many statements were answered.
    answered: AtomicU64,
    /// When plans were made last, in milliseconds since `born`.
    planned: AtomicU64,
    born: Instant,
    lost: AtomicBool,
    budgeted: bool,
    tls: Tls,
    runtime: Handle,
    driver: AbortHandle,
    ended: watch::Receiver<()>,
    // Dropped with the session: the driver says goodbye.
    _alive: oneshot::Sender<()>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("open", &self.is_open()).finish_non_exhaustive()
    }
}

impl Session {
    /// Takes over a connection; from now on a task of its own drives it.
    pub(super) fn new(
        client: Client,
        connection: Connection<Socket, super::tls::Stream>,
        tls: Tls,
        usage: &Usage,
    ) -> Self {
        let bell = usage.bell.clone();
        let (alive, goodbye) = oneshot::channel();
        let (end, ended) = watch::channel(());
        let driver = tokio::spawn(drive(connection, bell, goodbye, end)).abort_handle();
        Self {
            client,
            statements: Mutex::default(),
            forgotten: AtomicU64::new(0),
            answered: AtomicU64::new(0),
            planned: AtomicU64::new(0),
            born: ticks::now(),
            lost: AtomicBool::new(false),
            budgeted: usage.budgeted,
            tls,
            runtime: Handle::current(),
            driver,
            ended,
            _alive: alive,
        }
    }

    /// Whether statements can be sent.
    pub(crate) fn is_open(&self) -> bool {
        !self.lost.load(Ordering::Acquire) && !self.client.is_closed()
    }

    /// Gives the connection up: what is under way fails. What the server does with it is not known.
    pub(crate) fn close(&self) {
        self.lost.store(true, Ordering::Release);
        self.driver.abort();
    }

    /// Gives the connection up and tells the server to stop what it does, as far as it can be told.
    pub(super) fn cancel(&self) {
        let (token, tls) = (self.client.cancel_token(), self.tls.clone());
        self.close();
        self.runtime.spawn(timeout(GOODBYE, async move { token.cancel_query(tls).await }));
    }

    /// Waits for the end of the connection.
    pub(super) async fn ended(&self) {
        let mut ended = self.ended.clone();
        // Nothing is ever sent: the end is that the sender is gone.
        while ended.changed().await.is_ok() {}
    }

    /// How often the statements were forgotten. When it changes, a read that failed may be tried again.
    pub(super) fn forgotten(&self) -> u64 {
        self.forgotten.load(Ordering::Acquire)
    }

    /// How many statements were answered: a peer that answers is not dead.
    pub(super) fn answered(&self) -> u64 {
        self.answered.load(Ordering::Acquire)
    }

    /// Runs a text of one or several statements without parameters. Beware: the COMMIT of a transaction in which a
    /// statement failed succeeds, and rolls back.
    pub(crate) async fn simple(&self, text: &str) -> Result<(), Error> {
        let result = self.client.batch_execute(text).await;
        self.noted(result, None)
    }

    /// The driver's own handle, for what has no other way.
    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    fn statements(&self) -> MutexGuard<'_, HashMap<Key, Statement>> {
        self.statements.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Draws the conclusions from a result.
    fn noted<T>(&self, result: Result<T, tokio_postgres::Error>, key: Option<Key>) -> Result<T, Error> {
        self.answered.fetch_add(1, Ordering::AcqRel);
        result.map_err(|error| {
            match fault::verdict(&error) {
                Verdict::Close => self.close(),
                Verdict::Forget if key.is_some() => {
                    self.statements().clear();
                    self.forgotten.fetch_add(1, Ordering::AcqRel);
                }
                Verdict::Forget | Verdict::Keep => {}
            }
            if self.budgeted && fault::is_out_of_time(&error) { Error::Budget } else { fault::of(&error) }
        })
    }

    /// Has the server make the plans of prepared statements anew when they are old: one made while a table was small may
    /// read all of it when it has grown. It is sent in front of the statement at hand.
    async fn plan_anew(&self) {
        let now = u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX);
        let planned = self.planned.load(Ordering::Acquire);
        if now.saturating_sub(planned) < PLAN_MS {
            return;
        }
        if self.planned.compare_exchange(planned, now, Ordering::AcqRel, Ordering::Acquire).is_ok() {
            // In a transaction that has failed it is refused; old plans are right, too.
            let _ = self.client.batch_execute("DISCARD PLANS").await;
        }
    }

    /// Prepares a statement for later. It runs beside the first use, which does not wait for it: statements have to be
    /// sent in the order in which they were asked for.
    async fn prepare(&self, key: Key, text: &str, types: &[Type]) {
        // In a transaction that has failed nothing can be prepared; the next use tries again.
        if let Ok(statement) = self.client.prepare_typed(text, types).await {
            self.statements().insert(key, statement);
        }
    }

    /// The rows of a query.
    pub(super) async fn fetch<T: Send>(&self, query: &Query<'_, T>) -> Result<Vec<T>, Error> {
        if unstorable(&query.params) {
            // No stored text can equal, begin with or hold it.
            return Ok(Vec::new());
        }
        let sql = match &query.text {
            Text::Built(text) => {
                return self.read(self.client.query_typed_raw(text, typed(&query.params)), query.row, None).await;
            }
            Text::Fixed(sql) => *sql,
        };
        let key = key(sql);
        let known = self.statements().get(&key).cloned();
        if let Some(statement) = known {
            let rows = self.client.query_raw(&statement, query.params.iter().map(Bound));
            return join(self.plan_anew(), self.read(rows, query.row, Some(key))).await.1;
        }
        let (text, types) = (numbered(sql.postgres), types(&query.params));
        let first = self.read(self.client.query_typed_raw(&text, typed(&query.params)), query.row, Some(key));
        let (found, ()) = join(first, self.prepare(key, &text, &types)).await;
        found
    }

    /// Reads rows to their end. Rows that nobody reads hold up every answer behind them.
    async fn read<T>(
        &self,
        rows: impl Future<Output = Result<RowStream, tokio_postgres::Error>>,
        decode: Decode<T>,
        key: Option<Key>,
    ) -> Result<Vec<T>, Error> {
        let mut rows = pin!(self.noted(rows.await, key)?);
        let mut found = Vec::new();
        loop {
            let row = rows.try_next().await;
            match self.noted(row, key)? {
                Some(row) => found.push(decode(&row)?),
                None => return Ok(found),
            }
        }
    }

    async fn execute(&self, sql: Sql, params: &[Param<'_>]) -> Result<u64, tokio_postgres::Error> {
        let key = key(sql);
        let known = self.statements().get(&key).cloned();
        if let Some(statement) = known {
            let changed = self.client.execute_raw(&statement, params.iter().map(Bound));
            return join(self.plan_anew(), changed).await.1;
        }
        let (text, types) = (numbered(sql.postgres), types(params));
        let bound: Vec<Bound<'_>> = params.iter().map(Bound).collect();
        let typed: Vec<(&(dyn ToSql + Sync), Type)> =
            bound.iter().zip(&types).map(|(bound, kind)| (bound as &(dyn ToSql + Sync), kind.clone())).collect();
        let first = self.client.execute_typed(&text, &typed);
        let (changed, ()) = join(first, self.prepare(key, &text, &types)).await;
        changed
    }

    /// Runs a statement that takes whole columns.
    pub(super) async fn insert(&self, text: &'static str, columns: Vec<Typed<'_>>) -> Result<u64, Error> {
        let key = key(Sql::same(text));
        let known = self.statements().get(&key).cloned();
        let result = match known {
            Some(statement) => self.client.execute_raw(&statement, columns.iter().map(plain)).await,
            None => {
                let types: Vec<Type> = columns.iter().map(|(_, kind)| kind.clone()).collect();
                let typed: Vec<(&(dyn ToSql + Sync), Type)> =
                    columns.iter().map(|column| (plain(column), column.1.clone())).collect();
                let first = self.client.execute_typed(text, &typed);
                join(first, self.prepare(key, text, &types)).await.0
            }
        };
        self.noted(result, Some(key))
    }
}

impl Exec for Session {
    async fn run(&self, sql: Sql, params: &[Param<'_>]) -> Result<u64, Error> {
        storable(params)?;
        let result = self.execute(sql, params).await;
        self.noted(result, Some(key(sql)))
    }

    async fn run_unique(&self, sql: Sql, params: &[Param<'_>]) -> Result<Option<u64>, Error> {
        storable(params)?;
        match self.execute(sql, params).await {
            Err(error) if fault::is_unique_clash(&error) => Ok(None),
            result => self.noted(result, Some(key(sql))).map(Some),
        }
    }

    async fn all<T: Send>(&self, query: Query<'_, T>) -> Result<Vec<T>, Error> {
        self.fetch(&query).await
    }

    async fn one<T: Send>(&self, query: Query<'_, T>) -> Result<Option<T>, Error> {
        Ok(self.fetch(&query).await?.into_iter().next())
    }

    async fn append(&self, lines: &[EventLine]) -> Result<(), Error> {
        if lines.is_empty() {
            return Ok(());
        }
        let events = self.insert(journal::EVENTS, journal::events(lines));
        try_join(events, self.insert(journal::PAYLOADS, journal::payloads(lines))).await.map(drop)
    }
}

fn key(sql: Sql) -> Key {
    (sql.postgres.as_ptr().addr(), sql.postgres.len())
}

fn types(params: &[Param<'_>]) -> Vec<Type> {
    params.iter().map(type_of).collect()
}

fn typed<'a>(params: &'a [Param<'_>]) -> impl Iterator<Item = (Bound<'a>, Type)> {
    params.iter().map(|param| (Bound(param), type_of(param)))
}

fn plain<'a>(column: &'a Typed<'_>) -> &'a (dyn ToSql + Sync) {
    &*column.0
}

fn storable(params: &[Param<'_>]) -> Result<(), Error> {
    if unstorable(params) {
        return Err(Error::Unavailable("a text with U+0000 cannot be stored".to_owned()));
    }
    Ok(())
}

/// Drives a connection to its end. When its session is dropped it has a moment to say goodbye.
async fn drive(
    mut connection: Connection<Socket, super::tls::Stream>,
    bell: Option<Arc<Notify>>,
    goodbye: oneshot::Receiver<()>,
    _end: watch::Sender<()>,
) {
    let mut serve = pin!(async {
        while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
            if let (AsyncMessage::Notification(_), Some(bell)) = (message, &bell) {
                bell.notify_one();
            }
        }
    });
    tokio::select! {
        () = &mut serve => return,
        _ = goodbye => {}
    }
    let _ = timeout(GOODBYE, serve).await;
}
