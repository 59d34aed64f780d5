//! The PostgreSQL engine: one task writes, a few shared connections answer point reads, a few more run scans.
//!
//! Where to start reading: [`Engine::open`] wires everything, `session` is one connection, `link` keeps one up,
//! `appender` is the one way in, `follow` hears of other replicas.

mod appender;
mod batch;
mod checks;
mod connect;
pub(crate) mod copy;
mod fault;
mod follow;
mod footprint;
mod gather;
mod journal;
mod lease;
mod link;
mod migrate;
mod row;
mod scan;
mod session;
mod statistics;
#[cfg(test)]
mod tests;
mod tls;
mod url;

pub use url::DatabaseUrl;

use crate::change::{ChangeSet, Committed};
use crate::deadline;
use crate::error::Error;
use crate::lanes::{COMMON, Lane};
use crate::migration;
use crate::query::PageQuery;
use crate::rows::{Export, Page, VerifyReport};
use crate::seal;
use crate::sql::page::{self, BUDGET, found_by_point, is_quick, quick};
use crate::sql::read::{events, settings};
use crate::sql::{Dialect, Exec as _, Query, Sql, binds};
use crate::store::{OpenOptions, Role};
use crate::ticks;
use appender::Appender;
use bailiwick_domain::ids::prefixed_id;
use connect::Connector;
use follow::Follower;
use lease::{Lease, Leases};
use link::Link;
use scan::{Scans, View};
use session::{Session, Usage};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::timeout;

/// How long the first connection may take, per host.
const OPEN_TIME: Duration = Duration::from_secs(5);
/// How long a point read may take, with everything: waiting for a connection, and a second try if it breaks. The server
/// stops a statement a little earlier, so that whoever waits behind it is answered.
const READ_TIME: Duration = Duration::from_secs(2);
/// A store that was not heard of for this long is not ready: load balancers are to know within two seconds.
const DEAF_TIME: Duration = Duration::from_millis(1_500);
/// Connections of a server for point reads, and for scans; a command has one of each.
const READERS: usize = 3;
const SCANNERS: usize = 3;

/// Every statement of readers and of the writer goes by an index, and is planned once: a plan made while a table was
/// small would otherwise read all of it when it has grown. Compiling a plan costs more than any of these queries.
const READER: &str = "SET default_transaction_read_only = on; SET statement_timeout = 1500; SET lock_timeout = 1000;
    SET idle_in_transaction_session_timeout = 5000; SET jit = off; SET enable_seqscan = off;
    SET plan_cache_mode = force_generic_plan";
/// Scans are of every kind: each is planned for what it asks.
const SCANNER: &str = "SET default_transaction_read_only = on; SET lock_timeout = 1000;
    SET idle_in_transaction_session_timeout = 5000; SET jit = off";
/// The server gives up before the appender does, and sets the writers' lock free when a replica hangs that holds it.
const WRITER: &str = "SET statement_timeout = 2300; SET lock_timeout = 2000;
    SET idle_in_transaction_session_timeout = 2500; SET jit = off; SET enable_seqscan = off;
    SET plan_cache_mode = force_generic_plan";
/// For every session that commits: what is answered as committed has to be durable, whatever is set for the database.
const DURABLE: &str =
    "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'";

/// The schema of the store, and a number that nobody else has who is connected to the server.
const HERE: Sql = Sql::same("SELECT current_schema()::text, pg_backend_pid()");

/// An open store in PostgreSQL. Cheap to clone; everything ends with the last handle.
#[derive(Clone, Debug)]
pub(crate) struct Engine {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    readers: Vec<Link>,
    turn: AtomicUsize,
    scans: Scans,
    appender: Appender,
    follower: Arc<Follower>,
    lease: Option<Lease>,
    etag_key: [u8; 32],
    store_id: String,
}

impl Engine {
    /// Opens the store in a database, setting it up or migrating it first.
    pub(crate) async fn open(url: &DatabaseUrl, options: &OpenOptions) -> Result<Self, Error> {
        let connector = Arc::new(Connector::new(url, Arc::clone(&options.entropy))?);
        let writer = usage(&format!("{WRITER}; {DURABLE}"));
        let first = connector.connect(&writer, OPEN_TIME).await?;
        migrate::run(&first, (options.clock)().0, &*options.entropy).await?;
        let (store_id, etag_key) = identity(&first).await?;
        let here = Query::new(HERE, binds![], |row| Ok((row.string(0)?, row.int(1)?)));
        let (schema, process) = first.one(here).await?.unwrap_or_default();

        let link = |usage: Usage| Link::new(Arc::clone(&connector), usage, None);
        let follower = Arc::new(Follower::start(Arc::clone(&connector), &schema));
        let (readers, scanners) = match options.role {
            Role::Serve => (READERS, SCANNERS),
            Role::Command => (1, 1),
        };
        let lease = (options.role == Role::Serve).then(|| {
            let mut holder = [0; 16];
            (options.entropy)(&mut holder);
            let holder = format!("{}.{process}", prefixed_id("rep_", holder));
            Leases::new(link(usage(lease::SETTINGS)), holder).hold("upkeep")
        });
        let writer = Link::new(Arc::clone(&connector), writer, Some(first));
        let appender = Appender::start(writer, Arc::clone(&follower), lease.clone(), Arc::clone(&options.clock));
        let scanner = || link(Usage { budgeted: true, ..usage(SCANNER) });
        let scans = Scans::new((0..scanners).map(|_| scanner()).collect(), Arc::clone(&follower));
        let readers: Vec<Link> = (0..readers).map(|_| link(usage(READER))).collect();
        if options.role == Role::Serve {
            readers.iter().for_each(Link::want);
        }
        let turn = AtomicUsize::new(0);
        let inner =
            Arc::new(Inner { readers, turn, scans, appender, follower, lease: lease.clone(), etag_key, store_id });
        if let Some(lease) = lease {
            tokio::spawn(statistics::keep(Arc::downgrade(&inner), lease));
        }
        Ok(Self { inner })
    }

    /// One of the shared sessions: the next in turn that is there, else the first that comes.
    async fn reader(&self, within: Duration) -> Result<Arc<Session>, Error> {
        let readers = &self.inner.readers;
        let turn = self.inner.turn.fetch_add(1, Ordering::Relaxed);
        let link = &readers[turn % readers.len()];
        match (0..readers.len()).find_map(|step| readers[(turn + step) % readers.len()].open()) {
            Some(session) => {
                // One that is away is wanted back.
                link.want();
                Ok(session)
            }
            None => link.session(within).await,
        }
    }

    /// Reads on a shared session. A session that breaks meanwhile costs a second try: a read may be done twice.
    async fn read<T, F>(&self, work: impl Fn(Arc<Session>) -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let until = ticks::now() + deadline::left(READ_TIME);
        let mut again = true;
        loop {
            let left = until.saturating_duration_since(ticks::now());
            let session = self.reader(left).await?;
            let (answered, forgotten) = (session.answered(), session.forgotten());
            let left = until.saturating_duration_since(ticks::now());
            match timeout(left, work(Arc::clone(&session))).await {
                Ok(Err(Error::Unavailable(_))) if again && (!session.is_open() || session.forgotten() != forgotten) => {
                    again = false;
                }
                Ok(result) => return result,
                Err(_) => {
                    // A peer that answered nobody in all this time is gone, or as good as gone.
                    if left >= READ_TIME / 2 && session.answered() == answered {
                        session.close();
                    }
                    return Err(slow());
                }
            }
        }
    }

    /// The first row of a query that looks at few rows.
    pub(crate) async fn one<T: Send>(&self, query: &Query<'_, T>) -> Result<Option<T>, Error> {
        Ok(self.all(query).await?.into_iter().next())
    }

    /// All rows of a query that looks at few rows.
    pub(crate) async fn all<T: Send>(&self, query: &Query<'_, T>) -> Result<Vec<T>, Error> {
        self.read(|session| async move { session.fetch(query).await }).await
    }

    /// Reads on a session of its own, for as long as the budget allows, when its turn has come. The wait for that may
    /// take as long again, unless the caller has less time.
    async fn scan<T, F>(
        &self,
        lane: Lane,
        budget: Duration,
        view: View,
        work: impl Fn(Arc<Session>) -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let until = ticks::now() + deadline::left(budget * 2);
        let mut again = true;
        loop {
            let seat = self.inner.scans.begin(lane, until, budget, view).await?;
            let session = seat.session();
            match seat.finish(work(Arc::clone(&session))).await {
                Err(Error::Unavailable(_)) if again && !session.is_open() && ticks::now() < until => again = false,
                // It was the caller who had no more time, not the scan.
                Err(Error::Budget) if deadline::left(budget).is_zero() => return Err(slow()),
                result => return result,
            }
        }
    }

    /// All rows of a query that may take long.
    pub(crate) async fn scan_all<T: Send>(&self, budget: Duration, query: &Query<'_, T>) -> Result<Vec<T>, Error> {
        self.scan(COMMON, budget, View::Moment, |session| async move { session.fetch(query).await }).await
    }

    pub(crate) async fn page(&self, query: PageQuery) -> Result<Page, Error> {
        let query = &query;
        let short = is_quick(query);
        let inline = self.read(|session| async move {
            match found_by_point(&*session, query).await? {
                None if short => quick(&*session, query, Dialect::Postgres).await,
                found => Ok(found),
            }
        });
        if let Some(page) = inline.await? {
            return Ok(page);
        }
        let work = |session: Arc<Session>| async move { page::read(&*session, query, Dialect::Postgres).await };
        self.scan(query.integration.0, BUDGET, View::Moment, work).await
    }

    pub(crate) async fn verify(&self, budget: Duration) -> Result<VerifyReport, Error> {
        self.scan(COMMON, budget, View::Current, |session| async move { seal::verify(&*session).await }).await
    }

    pub(crate) async fn export(&self, budget: Duration, after: i64, limit: u32) -> Result<Export, Error> {
        let work = |session: Arc<Session>| async move { events::export(&*session, after, limit).await };
        self.scan(COMMON, budget, View::Moment, work).await
    }

    pub(crate) async fn commit(&self, set: ChangeSet) -> Result<Committed, Error> {
        self.inner.appender.commit(set).await
    }

    pub(crate) async fn commit_all(&self, sets: Vec<ChangeSet>) -> Result<Vec<Result<Committed, Error>>, Error> {
        self.inner.appender.commit_all(sets).await
    }

    pub(crate) async fn seal(&self) -> Result<u64, Error> {
        self.inner.appender.seal().await
    }

    pub(crate) async fn erase(&self, seqs: Vec<i64>) -> Result<u64, Error> {
        self.inner.appender.erase(seqs).await
    }

    pub(crate) fn generation(&self) -> u64 {
        self.inner.follower.generation()
    }

    pub(crate) fn followed_within(&self, span: Duration) -> bool {
        self.inner.follower.followed_within(span)
    }

    /// Whether commits can succeed, as far as the last ones and the follower tell.
    pub(crate) fn writable(&self) -> Result<(), Error> {
        self.inner.appender.writable()?;
        if !self.followed_within(DEAF_TIME) {
            return Err(slow());
        }
        Ok(())
    }

    /// Gives back what other replicas wait for.
    pub(crate) async fn close(&self) {
        if let Some(lease) = &self.inner.lease {
            lease.release().await;
        }
    }

    pub(crate) fn etag_key(&self) -> [u8; 32] {
        self.inner.etag_key
    }

    pub(crate) fn store_id(&self) -> &str {
        &self.inner.store_id
    }
}

fn usage(settings: &str) -> Usage {
    Usage { settings: settings.to_owned(), ..Usage::default() }
}

fn slow() -> Error {
    Error::Unavailable("the database does not answer".to_owned())
}

async fn identity(session: &Session) -> Result<(String, [u8; 32]), Error> {
    let read = async |key: &str| -> Result<String, Error> {
        let found = session.one(settings::value(key)).await?;
        found.ok_or_else(|| Error::Broken(format!("it has no setting {key}")))
    };
    migration::identity(read("store_id").await?, &read("etag_key").await?)
}
