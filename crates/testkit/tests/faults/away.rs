//! The database is stopped, frozen, out of reach or slow while clients go on calling.

use crate::load::{Books, Ledger, Load};
use crate::{BACK, World, within};
use std::time::Duration;
use tokio::time::{Instant, sleep};

const SECOND: Duration = Duration::from_secs(1);

/// What a fault does to calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Harm {
    /// Nothing works, and `/readyz` says so.
    All,
    /// Nothing can be written.
    Writes,
    /// Everything is slow: it works, or does not.
    Some,
}

/// A fault as it is tried.
struct Trouble {
    name: &'static str,
    harm: Harm,
    span: Duration,
}

/// Clients call while the database is in trouble, and after that. `fault` and `repair` make it so.
async fn through(world: &World, trouble: Trouble, fault: impl AsyncFnOnce(), repair: impl AsyncFnOnce()) {
    let what = trouble.name;
    let load = Load::start(world).await;
    sleep(SECOND).await;
    world.ready().await.unwrap();
    let begun = Instant::now();
    fault().await;
    watch(world, &trouble).await;
    repair().await;
    let mended = Instant::now();
    let probe = come_back(world, what).await;
    sleep(SECOND).await;
    world.ready().await.unwrap();
    let late = Instant::now();
    sleep(SECOND).await;
    let mut ledger = load.stop().await;
    ledger.report(what);
    check(&ledger, &trouble, (begun, mended, late));
    ledger.books.push(probe);
    ledger.compare(world).await;
    world.sound().await;
}

/// The server during the trouble: it lives, and says that it is not ready.
async fn watch(world: &World, trouble: &Trouble) {
    let (begun, mut noticed) = (Instant::now(), None);
    while begun.elapsed() < trouble.span {
        world.alive().await;
        if let Err(reason) = world.ready().await
            && noticed.is_none()
        {
            println!("{}: not ready after {:?}: {reason}", trouble.name, begun.elapsed());
            assert!(!reason.is_empty() && !reason.contains('\n'), "{reason:?}");
            noticed = Some(begun.elapsed());
            assert!(trouble.harm != Harm::All || begun.elapsed() <= 2 * SECOND, "{}: noticed late", trouble.name);
        }
        if trouble.harm == Harm::All && noticed.is_none() {
            assert!(begun.elapsed() < 2 * SECOND, "{}: still ready after {:?}", trouble.name, begun.elapsed());
        }
        sleep(SECOND / 20).await;
    }
}

/// Readiness, the first write and the first read after the trouble.
async fn come_back(world: &World, what: &str) -> Books {
    let mut books = Books::default();
    let (mut writer, mut reader, mut number) = (world.client(), world.client(), 0);
    let write = async || {
        number += 1;
        books.create(&mut writer, &format!("probe{number}")).await.is_some()
    };
    let read = async || reader.get("/scim/v2/Users?count=1").await.status == 200;
    let (ready, wrote, read) = tokio::join!(
        within(BACK, "ready again", async || world.ready().await.is_ok()),
        within(BACK, "written again", write),
        within(BACK, "read again", read),
    );
    println!("{what}: ready after {ready:?}, written after {wrote:?}, read after {read:?}");
    books
}

fn check(ledger: &Ledger, trouble: &Trouble, (begun, mended, late): (Instant, Instant, Instant)) {
    let what = trouble.name;
    if trouble.harm != Harm::Some {
        // A call of the first moment may still get through, and one of the last may have waited for the repair.
        let succeeded = ledger.count(begun + SECOND, mended - 3 * SECOND, true, false);
        assert_eq!(succeeded, 0, "{what}: writes succeeded");
        assert!(ledger.count(begun, mended, true, true) > 0, "{what}: nothing was refused");
    }
    if trouble.harm == Harm::Writes {
        assert_eq!(ledger.count(begun, mended, false, true), 0, "{what}: reads were refused");
    }
    let end = Instant::now();
    let refused = ledger.count(late, end, true, true) + ledger.count(late, end, false, true);
    assert_eq!(refused, 0, "{what}: still refused long after the repair");
    assert!(ledger.count(late, end, true, false) > 0, "{what}: nothing is written any more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn a_database_that_is_stopped() {
    let world = World::apart().await;
    let trouble = Trouble { name: "stopped", harm: Harm::All, span: 6 * SECOND };
    through(&world, trouble, async || world.cluster().stop(), async || world.cluster().up()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn a_database_that_is_frozen() {
    let world = World::apart().await;
    let trouble = Trouble { name: "frozen", harm: Harm::All, span: 8 * SECOND };
    through(&world, trouble, async || world.cluster().pause(), async || world.cluster().resume()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn a_network_that_swallows_everything() {
    let world = World::start().await;
    let trouble = Trouble { name: "stalled", harm: Harm::All, span: 8 * SECOND };
    through(&world, trouble, async || world.proxy.stall(), async || world.proxy.resume()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn a_database_out_of_reach() {
    let world = World::start().await;
    let trouble = Trouble { name: "refused", harm: Harm::All, span: 6 * SECOND };
    let fault = async || {
        world.proxy.refuse();
        world.proxy.cut();
    };
    through(&world, trouble, fault, async || world.proxy.accept()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn a_slow_network() {
    let world = World::start().await;
    for (name, delay) in [("slow", SECOND * 3 / 10), ("very slow", SECOND * 3 / 2)] {
        let trouble = Trouble { name, harm: Harm::Some, span: 6 * SECOND };
        let fault = async || world.proxy.delay(delay, delay);
        through(&world, trouble, fault, async || world.proxy.delay(Duration::ZERO, Duration::ZERO)).await;
        // The next round has names of its own.
        for (_, id) in crate::load::users(&world).await {
            world.client().delete(&format!("/scim/v2/Users/{id}")).await.expect(204);
        }
    }
}

/// Somebody else holds the lock of all writers and does not let go.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn a_writer_that_hangs() {
    let world = World::start().await;
    let (other, connection) = tokio_postgres::connect(&world.url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    let trouble = Trouble { name: "locked", harm: Harm::Writes, span: 8 * SECOND };
    let lock = "(hashtextextended('bailiwick/' || current_schema(), 0))";
    let (take, release) = (format!("SELECT pg_advisory_lock{lock}"), format!("SELECT pg_advisory_unlock{lock}"));
    let fault = async || other.batch_execute(&take).await.unwrap();
    through(&world, trouble, fault, async || other.batch_execute(&release).await.unwrap()).await;
}

/// Without a call that fails: the server looks by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn an_idle_server_notices() {
    let world = World::start().await;
    world.ready().await.unwrap();
    for _ in 0..2 {
        world.proxy.stall();
        let noticed = within(2 * SECOND, "noticed", async || world.ready().await.is_err()).await;
        world.alive().await;
        world.proxy.resume();
        let back = within(BACK, "ready again", async || world.ready().await.is_ok()).await;
        println!("stalled: noticed after {noticed:?}, ready again after {back:?}");
        world.proxy.refuse();
        world.proxy.cut();
        let noticed = within(2 * SECOND, "noticed", async || world.ready().await.is_err()).await;
        world.proxy.accept();
        let back = within(BACK, "ready again", async || world.ready().await.is_ok()).await;
        println!("refused: noticed after {noticed:?}, ready again after {back:?}");
        tokio::time::sleep(SECOND).await;
        world.ready().await.unwrap();
    }
}
