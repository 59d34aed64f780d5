//! Connections: how each kind is opened, a pool of readers for point reads, and threads of their own for scans.

use crate::error::Error;
use crate::lanes::{Lane, Lanes};
use crate::ticks;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

/// Readers kept open while nobody uses them.
const IDLE_READERS: usize = 8;
/// Threads that run scans.
const SCAN_THREADS: usize = 2;
/// Steps of the engine's machine between two looks at the budget: some tens of microseconds.
const STEPS_PER_LOOK: i32 = 2_000;

/// Opens a connection for reading. It is opened for writing as far as the file system goes, since the index of the
/// write-ahead log may have to be built, but refuses every statement that writes.
pub(crate) fn open_reader(path: &Path) -> Result<Connection, Error> {
    let connection = open(path)?;
    connection.pragma_update(None, "query_only", true)?;
    connection.pragma_update(None, "cache_size", -4_000)?;
    crate::sqlite::functions::register(&connection)?;
    Ok(connection)
}

/// Opens the connection of a writer.
pub(crate) fn open_writer(path: &Path) -> Result<Connection, Error> {
    let connection = open(path)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "cache_size", -8_192)?;
    connection.pragma_update(None, "journal_size_limit", 67_108_864)?;
    // A savepoint keeps a copy of each page it changes: beyond 64 KiB that would go to a temporary file.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    // The appender checkpoints between batches, never inside a commit somebody waits for.
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    Ok(connection)
}

fn open(path: &Path) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)
        .map_err(|error| Error::Unavailable(format!("{} cannot be opened: {error}", path.display())))?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.set_prepared_statement_cache_capacity(256);
    // Without this a statement that might use a partial index is prepared anew for every new value bound to it.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // Who deletes a row deletes what names it: see the commit modules.
    connection.pragma_update(None, "foreign_keys", false)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    Ok(connection)
}

/// Readers for point reads, used inline and given back.
#[derive(Debug)]
pub(crate) struct Pool {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Pool {
    pub(crate) fn new(path: PathBuf) -> Arc<Self> {
        Arc::new(Self { path, idle: Mutex::new(Vec::with_capacity(IDLE_READERS)) })
    }

    /// A reader: the one used last, since its pages and statements are warm.
    pub(crate) fn take(self: &Arc<Self>) -> Result<PooledReader, Error> {
        let warm = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match warm {
            Some(connection) => connection,
            None => open_reader(&self.path)?,
        };
        Ok(PooledReader { connection: Some(connection), pool: Arc::clone(self) })
    }
}

/// A reader on loan.
#[derive(Debug)]
pub(crate) struct PooledReader {
    connection: Option<Connection>,
    pool: Arc<Pool>,
}

impl Deref for PooledReader {
    type Target = Connection;

    #[expect(clippy::expect_used, reason = "the connection leaves only when the loan is dropped")]
    fn deref(&self) -> &Connection {
        self.connection.as_ref().expect("a loan has its connection until it is dropped")
    }
}

impl Drop for PooledReader {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            let mut idle = self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner);
            if idle.len() < IDLE_READERS {
                idle.push(connection);
            }
        }
    }
}

type Scan = Box<dyn FnOnce(&mut Connection) + Send>;

/// Scans that wait.
#[derive(Default)]
struct Waiting {
    lanes: Lanes<Scan>,
    closed: bool,
}

impl Waiting {
    fn push(&mut self, lane: Lane, scan: Scan) -> Result<(), Error> {
        if self.closed {
            return Err(Error::Unavailable("the readers stopped".to_owned()));
        }
        self.lanes.push(lane, scan)
    }
}

#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    more: Condvar,
}

impl Queue {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next scan, or `None` once there will be no more.
    fn next(&self) -> Option<Scan> {
        let waiting = self.waiting();
        let idle = |waiting: &mut Waiting| waiting.lanes.is_empty() && !waiting.closed;
        self.more.wait_while(waiting, idle).unwrap_or_else(PoisonError::into_inner).lanes.pop()
    }
}

/// Threads that run what may take long.
pub(crate) struct Scans {
    queue: Arc<Queue>,
    threads: Mutex<Vec<std::thread::JoinHandle<()>>>,
    /// Tells scans that run that nobody waits any more.
    closing: Arc<AtomicBool>,
}

impl std::fmt::Debug for Scans {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scans").finish_non_exhaustive()
    }
}

impl Scans {
    pub(crate) fn start(path: &Path) -> Result<Self, Error> {
        // Dropped on the way, it ends the threads that run by then.
        let scans = Self { queue: Arc::default(), threads: Mutex::default(), closing: Arc::default() };
        for number in 0..SCAN_THREADS {
            let queue = Arc::clone(&scans.queue);
            let mut connection = open_reader(path)?;
            let thread = std::thread::Builder::new()
                .name(format!("scan-{number}"))
                .spawn(move || {
                    while let Some(scan) = queue.next() {
                        // A panic inside a scan drops its answer, so that only its caller hears of it.
                        let _ = catch_unwind(AssertUnwindSafe(|| scan(&mut connection)));
                    }
                })
                .map_err(|error| Error::Unavailable(format!("no thread for scans: {error}")))?;
            scans.threads.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
        }
        Ok(scans)
    }

    /// Runs `work` on a thread of its own, with the machine stopped when `budget` is used up. Work that waited as long
    /// as it may run is not begun: whoever asked is told to come again.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        lane: Lane,
        budget: Duration,
        work: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (answer, wait) = oneshot::channel();
        let closing = Arc::clone(&self.closing);
        let waited_enough = ticks::now() + budget;
        let scan: Scan = Box::new(move |connection| {
            if ticks::now() > waited_enough {
                let _ = answer.send(Err(Error::Busy("other searches take all the time there is".to_owned())));
                return;
            }
            if answer.is_closed() {
                return; // whoever asked has gone
            }
            let deadline = ticks::now() + budget;
            let watch = Some(move || ticks::now() > deadline || closing.load(Ordering::Relaxed));
            let result =
                connection.progress_handler(STEPS_PER_LOOK, watch).map_err(Error::from).and_then(|()| work(connection));
            let _ = connection.progress_handler(0, None::<fn() -> bool>);
            let _ = answer.send(result);
        });
        self.queue.waiting().push(lane, scan)?;
        self.queue.more.notify_one();
        wait.await.unwrap_or_else(|_| Err(Error::Unavailable("a reader stopped".to_owned())))
    }
}

impl Drop for Scans {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::Relaxed);
        self.queue.waiting().closed = true;
        self.queue.more.notify_all();
        for thread in self.threads.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            // The last handle may be dropped on one of these threads: a thread cannot wait for itself.
            if thread.thread().id() != std::thread::current().id() {
                let _ = thread.join();
            }
        }
    }
}
