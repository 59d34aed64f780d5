//! Connections in trouble. These tests need a database; what they trouble is their own connections to it, through a gate
//! that can hold everything up or cut it off.

use super::connect::Connector;
use super::follow::Follower;
use super::lease::{self, Leases};
use super::link::Link;
use super::scan::{Scans, View};
use super::session::{Session, Usage};
use super::{DatabaseUrl, Engine};
use crate::error::Error;
use crate::lanes::COMMON;
use crate::schema::Schema;
use crate::sql::{Exec as _, Query, Sql, binds};
use crate::store::{Entropy, Location, OpenOptions, Role};
use crate::ticks;
use bailiwick_domain::ids::Millis;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

const ONE: Sql = Sql::same("SELECT 1");
const SOON: Duration = Duration::from_secs(2);

fn one() -> Query<'static, i64> {
    Query::new(ONE, binds![], |row| row.int(0))
}

fn sleeping(seconds: f64) -> Query<'static, ()> {
    Query::new(Sql::same("SELECT pg_sleep(?1)"), binds![seconds], |_| Ok(()))
}

fn entropy() -> Entropy {
    let next = AtomicU8::new(1);
    Arc::new(move |bytes: &mut [u8]| bytes.fill(next.fetch_add(1, Ordering::Relaxed)))
}

fn place() -> Schema {
    Schema::of_environment().expect("BAILIWICK_TEST_POSTGRES names no database")
}

fn connector(url: &str) -> Arc<Connector> {
    Arc::new(Connector::new(&DatabaseUrl::parse(url).unwrap(), entropy()).unwrap())
}

fn link(url: &str) -> Link {
    Link::new(connector(url), Usage::default(), None)
}

async fn engine(url: &str, role: Role) -> Engine {
    let url = DatabaseUrl::parse(url).unwrap();
    let location = Location::Postgres(url.clone());
    let options = OpenOptions { location, role, clock: Arc::new(|| Millis(1)), entropy: entropy() };
    Engine::open(&url, &options).await.unwrap()
}

/// Waits until something holds, and tells how long that took.
async fn until(mut holds: impl AsyncFnMut() -> bool) -> Duration {
    let begun = ticks::now();
    while !holds().await {
        assert!(begun.elapsed() < Duration::from_secs(20), "it never holds");
        sleep(Duration::from_millis(10)).await;
    }
    begun.elapsed()
}

/// How the gate treats what wants to pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    Open,
    /// Nothing passes; who waits is not told.
    Held,
    /// Who passes is cut off, who comes is refused.
    Cut,
}

/// A port that leads to the database.
struct Gate {
    flow: watch::Sender<Flow>,
    port: u16,
    task: AbortHandle,
}

impl Gate {
    async fn before(url: &str) -> Self {
        let target = DatabaseUrl::parse(url).unwrap().targets()[0].shown.clone();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (flow, state) = watch::channel(Flow::Open);
        let task = tokio::spawn(async move {
            loop {
                let (near, _) = listener.accept().await.unwrap();
                if *state.borrow() != Flow::Cut {
                    tokio::spawn(pass(near, target.clone(), state.clone()));
                }
            }
        });
        Self { flow, port, task: task.abort_handle() }
    }

    fn set(&self, flow: Flow) {
        self.flow.send_replace(flow);
    }

    /// The URL of a schema, through the gate.
    fn url(&self, schema: &Schema) -> String {
        let url = schema.url();
        let (scheme, rest) = url.split_once("://").unwrap();
        let (user, rest) = rest.split_once('@').unwrap();
        let (_, path) = rest.split_once('/').unwrap();
        format!("{scheme}://{user}@127.0.0.1:{}/{path}", self.port)
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass(mut near: TcpStream, target: String, state: watch::Receiver<Flow>) {
    let mut far = TcpStream::connect(target).await.unwrap();
    let (mut near_in, mut near_out) = near.split();
    let (mut far_in, mut far_out) = far.split();
    let up = carry(&mut near_in, &mut far_out, state.clone());
    let down = carry(&mut far_in, &mut near_out, state.clone());
    let mut cut = state;
    tokio::select! {
        () = up => {}
        () = down => {}
        _ = cut.wait_for(|flow| *flow == Flow::Cut) => {}
    }
}

async fn carry(
    from: &mut (impl tokio::io::AsyncRead + Unpin),
    to: &mut (impl tokio::io::AsyncWrite + Unpin),
    mut state: watch::Receiver<Flow>,
) {
    let mut chunk = vec![0; 16_384];
    while let Ok(count @ 1..) = from.read(&mut chunk).await {
        if state.wait_for(|flow| *flow != Flow::Held).await.is_err() || to.write_all(&chunk[..count]).await.is_err() {
            return;
        }
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn statements_are_answered_in_the_order_in_which_they_were_asked() {
    let schema = place();
    let session = link(&schema.url()).session(SOON).await.unwrap();
    session.simple("CREATE TABLE t (a bigint PRIMARY KEY, b text)").await.unwrap();
    let insert = Sql::same("INSERT INTO t (a, b) VALUES (?1, ?2)");
    // The first use of a statement and the later ones alike.
    for round in 0..3_i64 {
        let rows: [_; 5] = std::array::from_fn(|index| round * 10 + i64::try_from(index).unwrap());
        session.simple("BEGIN").await.unwrap();
        let inserts = rows.map(|row| async move { (row, binds![row, "x"]) });
        let mut work = Vec::new();
        for insert_one in inserts {
            let (row, params) = insert_one.await;
            let count = Query::new(Sql::same("SELECT count(*) FROM t WHERE a = ?1"), binds![row], |row| row.int(0));
            let session = Arc::clone(&session);
            work.push(
                async move { futures_util::future::join(session.run(insert, &params), session.one(count)).await },
            );
        }
        for (inserted, counted) in futures_util::future::join_all(work).await {
            assert_eq!((inserted.unwrap(), counted.unwrap()), (1, Some(1)));
        }
        session.simple("COMMIT").await.unwrap();
    }
    assert!(session.run_unique(insert, &binds![1_i64, "again"]).await.unwrap().is_none());
    assert!(session.is_open());
}

#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn what_cannot_be_stored_is_not_found_and_not_sent() {
    let schema = place();
    let session = link(&schema.url()).session(SOON).await.unwrap();
    let found = Query::new(Sql::same("SELECT 1 WHERE ?1 LIKE 'a%'"), binds!["a\0"], |row| row.int(0));
    assert_eq!(session.one(found).await.unwrap(), None);
    let texts = ["a".to_owned(), "a\0".to_owned()];
    let found =
        Query::new(Sql::same("SELECT v FROM unnest(?1) v WHERE v LIKE 'a%'"), binds![&texts[..]], |row| row.string(0));
    assert_eq!(session.all(found).await.unwrap(), ["a"]);
    assert!(session.run(Sql::same("SELECT ?1"), &binds!["a\0"]).await.is_err());
}

#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn long_answers_hold_nobody_up() {
    let schema = place();
    let session = link(&schema.url()).session(SOON).await.unwrap();
    let long = || {
        let sql = Sql::same("SELECT repeat('x', 1000) || n FROM generate_series(1, 20000) n");
        Query::new(sql, binds![], |row| row.string(0))
    };
    for _ in 0..2 {
        let (rows, short) =
            timeout(SOON * 2, futures_util::future::join(session.all(long()), session.one(one()))).await.unwrap();
        assert_eq!((rows.unwrap().len(), short.unwrap()), (20_000, Some(1)));
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn plans_that_went_stale_are_made_again() {
    let schema = place();
    let engine = engine(&schema.url(), Role::Command).await;
    let domains = || Query::new(Sql::same("SELECT * FROM probe"), binds![], |row| row.int(0));
    schema.execute("CREATE TABLE probe (a bigint); INSERT INTO probe VALUES (1)");
    assert_eq!(engine.all(&domains()).await.unwrap(), [1]);
    assert_eq!(engine.all(&domains()).await.unwrap(), [1]);
    schema.execute("ALTER TABLE probe ADD COLUMN b bigint");
    assert_eq!(engine.all(&domains()).await.unwrap(), [1]);
}

#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn a_broken_connection_is_made_again_and_a_read_tried_again() {
    let schema = place();
    let gate = Gate::before(&schema.url()).await;
    let engine = engine(&gate.url(&schema), Role::Serve).await;
    assert_eq!(engine.one(&one()).await.unwrap(), Some(1));
    for _ in 0..5 {
        gate.set(Flow::Cut);
        gate.set(Flow::Open);
        let begun = ticks::now();
        assert_eq!(engine.one(&one()).await.unwrap(), Some(1));
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    }
    // Away for longer: reads fail soon, later ones at once, and all is well as soon as it is back.
    gate.set(Flow::Cut);
    let begun = ticks::now();
    assert!(matches!(engine.one(&one()).await, Err(Error::Unavailable(_))));
    assert!(begun.elapsed() < Duration::from_millis(2_500), "{:?}", begun.elapsed());
    sleep(SOON).await;
    let begun = ticks::now();
    assert!(engine.one(&one()).await.is_err() && engine.writable().is_err());
    assert!(begun.elapsed() < Duration::from_millis(200), "{:?}", begun.elapsed());
    assert!(!engine.followed_within(Duration::from_secs(1)));
    gate.set(Flow::Open);
    let back = until(async || engine.one(&one()).await.is_ok()).await;
    assert!(back < Duration::from_millis(1_500), "{back:?}");
    until(async || engine.followed_within(Duration::from_secs(1)) && engine.writable().is_ok()).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn a_database_that_does_not_answer_is_given_up() {
    let schema = place();
    let gate = Gate::before(&schema.url()).await;
    let engine = engine(&gate.url(&schema), Role::Serve).await;
    assert_eq!(engine.one(&one()).await.unwrap(), Some(1));
    gate.set(Flow::Held);
    let begun = ticks::now();
    let long = async { engine.scan_all(Duration::from_secs(10), &one()).await };
    let reads = (0..20).map(|_| async { engine.one(&one()).await });
    let (scan, reads) = futures_util::future::join(long, futures_util::future::join_all(reads)).await;
    assert!(reads.iter().all(|read| matches!(read, Err(Error::Unavailable(_)))), "{reads:?}");
    assert!(matches!(scan, Err(Error::Unavailable(_))), "{scan:?}");
    assert!(begun.elapsed() < Duration::from_millis(2_500), "{:?}", begun.elapsed());
    assert!(!engine.followed_within(Duration::from_secs(1)));
    gate.set(Flow::Open);
    let back = until(async || engine.one(&one()).await.is_ok()).await;
    assert!(back < Duration::from_millis(1_500), "{back:?}");
    let back = until(async || engine.scan_all(SOON, &one()).await.is_ok()).await;
    assert!(back < Duration::from_millis(1_500), "{back:?}");
}

#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn a_slow_statement_costs_its_neighbours_nothing_but_time() {
    let schema = place();
    let engine = engine(&schema.url(), Role::Command).await;
    let (slow, quick) =
        futures_util::future::join(async { engine.all(&sleeping(30.0)).await }, async { engine.one(&one()).await })
            .await;
    assert!(matches!(slow, Err(Error::Unavailable(_))), "{slow:?}");
    assert_eq!(quick.unwrap(), Some(1));
    assert!(matches!(engine.scan_all(Duration::from_millis(300), &sleeping(30.0)).await, Err(Error::Budget)));
}

/// How many statements run in the schema that sleep.
fn sleepers(schema: &Schema, mark: &str) -> String {
    let sql = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%{mark}%' AND pid <> pg_backend_pid() AND state = 'active'"
    );
    schema.rows(&sql)[0][0].clone()
}

#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn a_scan_that_nobody_waits_for_is_stopped() {
    let schema = place();
    let follower = Arc::new(Follower::start(connector(&schema.url()), "x"));
    let usage = Usage { budgeted: true, ..Usage::default() };
    let links = vec![Link::new(connector(&schema.url()), usage, None)];
    let scans = Arc::new(Scans::new(links, follower));
    let mark = format!("mark of {}", schema.name());
    let text = format!("SELECT pg_sleep(60) /* {mark} */");
    let query = Query::built(text, Vec::new(), |_| Ok(()));
    let scan = tokio::spawn({
        let scans = Arc::clone(&scans);
        async move {
            let budget = Duration::from_secs(60);
            let seat = scans.begin(COMMON, ticks::now() + budget, budget, View::Moment).await?;
            let session = seat.session();
            seat.finish(session.all(query)).await
        }
    });
    until(async || sleepers(&schema, &mark) == "1").await;
    // Somebody else waits for the same connection, and a third one has no time for that.
    let next = tokio::spawn({
        let scans = Arc::clone(&scans);
        async move {
            let budget = Duration::from_secs(10);
            let seat = scans.begin(1, ticks::now() + budget, budget, View::Moment).await?;
            let session = seat.session();
            seat.finish(session.one(one())).await
        }
    });
    let spans =
        [(60_000, 50), (50, 60_000)].map(|spans| (Duration::from_millis(spans.0), Duration::from_millis(spans.1)));
    for (left, budget) in spans {
        let hasty = scans.begin(2, ticks::now() + left, budget, View::Moment).await.map(drop);
        assert!(matches!(hasty, Err(Error::Busy(_))), "{hasty:?}");
    }
    scan.abort();
    assert_eq!(next.await.unwrap().unwrap(), Some(1));
    assert!(until(async || sleepers(&schema, &mark) == "0").await < Duration::from_secs(1));
}

#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn a_scan_that_waited_has_no_more_time_than_its_caller() {
    let schema = place();
    let follower = Arc::new(Follower::start(connector(&schema.url()), "x"));
    let usage = Usage { budgeted: true, ..Usage::default() };
    let scans = Scans::new(vec![Link::new(connector(&schema.url()), usage, None)], follower);
    let budget = Duration::from_millis(1_000);
    let begun = ticks::now();
    let first = scans.begin(COMMON, begun + budget, budget, View::Moment).await.unwrap();
    let second = async {
        let seat = scans.begin(COMMON, begun + budget, budget, View::Moment).await?;
        let session = seat.session();
        seat.finish(session.all(sleeping(60.0))).await.map(drop)
    };
    let free = async {
        sleep(Duration::from_millis(700)).await;
        first.finish(std::future::ready(Ok(()))).await
    };
    let (stopped, freed) = tokio::join!(second, free);
    assert!(matches!(stopped, Err(Error::Budget)) && freed.is_ok(), "{stopped:?} {freed:?}");
    assert!(begun.elapsed() < budget + Duration::from_millis(400), "{:?}", begun.elapsed());
}

#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn replicas_hear_of_each_other() {
    let schema = place();
    let keeper = engine(&schema.url(), Role::Command).await;
    let follower = Follower::start(connector(&schema.url()), schema.name());
    let other = Follower::start(connector(&schema.url()), schema.name());
    until(async || follower.generation() > 1 && other.generation() > 1).await;
    let mut spans = Vec::new();
    for _ in 0..10 {
        let before = follower.generation();
        schema.execute("UPDATE sequence SET value = value + 1 WHERE name = 'memory'");
        other.announce();
        spans.push(until(async || follower.generation() > before).await);
    }
    // One that took longer than that was found by looking, not by hearing; a busy machine may do so now and then.
    spans.sort_unstable();
    assert!(spans[5] < Duration::from_millis(200), "{spans:?}");
    let before = follower.generation();
    schema.execute("UPDATE sequence SET value = value + 1 WHERE name = 'memory'");
    let polled = until(async || follower.generation() > before).await;
    assert!(polled < Duration::from_secs(1), "{polled:?}");
    sleep(SOON).await;
    assert_eq!(follower.generation(), before + 1);
    assert!(follower.followed_within(Duration::from_millis(500)) && keeper.followed_within(Duration::from_millis(500)));
}

#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn one_holds_a_lease_and_another_gets_it_in_time() {
    let schema = place();
    let _keeper = engine(&schema.url(), Role::Command).await;
    let gate = Gate::before(&schema.url()).await;
    let usage = || Usage { settings: lease::SETTINGS.to_owned(), ..Usage::default() };
    let leases = |url: &str, holder: &str| Leases::new(Link::new(connector(url), usage(), None), holder.to_owned());
    let first = leases(&gate.url(&schema), "first").hold("test");
    until(async || first.is_held()).await;
    let second = leases(&schema.url(), "second").hold("test");
    sleep(Duration::from_secs(7)).await;
    assert!(first.is_held() && !second.is_held());
    // The first one hangs: it stops before the other begins.
    gate.set(Flow::Held);
    let begun = ticks::now();
    let mut gap: Option<Instant> = None;
    until(async || {
        assert!(!(first.is_held() && second.is_held()), "both hold it");
        if !first.is_held() {
            gap.get_or_insert_with(ticks::now);
        }
        second.is_held()
    })
    .await;
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert!(gap.is_some());
    // Given back, it is there at once for whoever asks.
    second.release().await;
    assert!(!second.is_held());
    let third = leases(&schema.url(), "third").hold("test");
    let taken = until(async || third.is_held()).await;
    assert!(taken < Duration::from_secs(1), "{taken:?}");
    drop(third);
    let fourth = leases(&schema.url(), "fourth").hold("test");
    until(async || fourth.is_held()).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn nothing_stays_behind_when_a_store_is_dropped() {
    let schema = place();
    let url = format!("{}&application_name={}", schema.url(), schema.name());
    let connections = || {
        schema.rows(&format!("SELECT count(*) FROM pg_stat_activity WHERE application_name = '{}'", schema.name()))[0]
            [0]
        .parse::<u32>()
        .unwrap()
    };
    let engine = engine(&url, Role::Serve).await;
    engine.one(&one()).await.unwrap();
    engine.scan_all(SOON, &one()).await.unwrap();
    until(async || connections() > 4).await;
    assert!(connections() <= 9, "{}", connections());
    drop(engine);
    assert!(until(async || connections() == 0).await < Duration::from_secs(3));
}

#[test]
#[ignore = "needs PostgreSQL: cargo xtask test"]
fn a_store_outlives_its_runtime_without_harm() {
    let schema = place();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let engine = runtime.block_on(engine(&schema.url(), Role::Serve));
    drop(runtime);
    let other = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    assert!(matches!(other.block_on(engine.one(&one())), Err(Error::Unavailable(_))));
    drop(engine);
}

#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn why_there_is_no_connection_is_told_in_one_line() {
    let schema = place();
    let url = schema.url();
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let check = async |url: String, expect: &str| {
        let error = connector(&url).connect(&Usage::default(), Duration::from_millis(500)).await.map(drop).unwrap_err();
        let shown = error.to_string();
        assert!(shown.contains(expect) && !shown.contains('\n') && !shown.contains("secret"), "{shown}");
    };
    let (scheme, rest) = url.split_once("://").unwrap();
    let (_, rest) = rest.split_once('@').unwrap();
    let (host, path) = rest.split_once('/').unwrap();
    let (_, options) = path.split_once('?').unwrap();
    check(format!("{scheme}://nobody:secret@{rest}"), "does not let user nobody").await;
    check(format!("{scheme}://postgres:secret@{host}/nothing?{options}"), "there is no database nothing").await;
    check(format!("{scheme}://postgres:secret@{rest}&sslmode=verify-full"), "no TLS").await;
    check("postgres://u:secret@127.0.0.1:1/x".to_owned(), "refuses connections").await;
    check("postgres://u:secret@%2Fnowhere/x".to_owned(), "no socket of PostgreSQL").await;
    check("postgres://u:secret@nowhere.invalid/x".to_owned(), "not known").await;
    let port = silent.local_addr().unwrap().port();
    check(format!("postgres://u:secret@127.0.0.1:{port}/x"), "does not answer").await;
    let failover = format!("{scheme}://postgres@127.0.0.1:1,{rest}");
    let session: Session = connector(&failover).connect(&Usage::default(), SOON).await.unwrap();
    assert_eq!(session.one(one()).await.unwrap(), Some(1));
}
