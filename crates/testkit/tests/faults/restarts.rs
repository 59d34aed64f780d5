//! The database comes and goes under load, and has no room for connections.

use crate::load::{Ledger, Load};
use crate::{BACK, World, within};
use std::time::Duration;
use tokio::time::{Instant, sleep};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn a_database_that_restarts_again_and_again() {
    let world = World::apart().await;
    let load = Load::start(&world).await;
    for round in 0..5 {
        sleep(SECOND).await;
        if round % 2 == 0 {
            world.cluster().restart();
        } else {
            world.cluster().kill();
            world.cluster().up();
        }
        let mended = Instant::now();
        let ready = within(BACK, "ready again", async || world.ready().await.is_ok()).await;
        println!("restart {round}: ready again after {ready:?}, {:?}", mended.elapsed());
    }
    sleep(BACK).await;
    let calm = Instant::now();
    sleep(SECOND).await;
    let ledger: Ledger = load.stop().await;
    ledger.report("restarted");
    let end = Instant::now();
    let refused = ledger.count(calm, end, true, true) + ledger.count(calm, end, false, true);
    assert_eq!(refused, 0, "refused while the database was well");
    ledger.compare(&world).await;
    world.sound().await;
}

/// An administrator ends connections at random moments.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn connections_that_are_terminated() {
    let world = World::apart().await;
    let (other, connection) = tokio_postgres::connect(&world.url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    let load = Load::start(&world).await;
    let (mut terminated, begun) = (0, Instant::now());
    while begun.elapsed() < 6 * SECOND {
        // One of two, and now and then all of them.
        let chosen = if terminated % 5 == 4 { "true" } else { "random() < 0.5" };
        let sql = format!(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
             WHERE pid <> pg_backend_pid() AND backend_type = 'client backend' AND {chosen}"
        );
        other.query_one(&sql, &[]).await.unwrap();
        terminated += 1;
        sleep(Duration::from_millis(50 + terminated * 7 % 200)).await;
    }
    within(BACK, "ready again", async || world.ready().await.is_ok()).await;
    sleep(SECOND).await;
    let calm = Instant::now();
    sleep(SECOND).await;
    let ledger = load.stop().await;
    ledger.report("terminated");
    let end = Instant::now();
    let refused = ledger.count(calm, end, true, true) + ledger.count(calm, end, false, true);
    assert_eq!(refused, 0, "refused while the database was well");
    assert!(ledger.count(begun, calm, true, false) > 0, "nothing was written meanwhile");
    ledger.compare(&world).await;
    world.sound().await;
}

/// Somebody else holds every connection that the database allows.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn a_database_without_room_for_connections() {
    let world = World::apart().await;
    let load = Load::start(&world).await;
    sleep(SECOND).await;
    world.proxy.refuse();
    world.proxy.cut();
    let mut others = Vec::new();
    loop {
        match tokio_postgres::connect(&world.url, tokio_postgres::NoTls).await {
            Ok((client, connection)) => {
                tokio::spawn(connection);
                others.push(client);
            }
            Err(error) if others.len() > 100 => break println!("{} others, then: {error}", others.len()),
            Err(error) => panic!("{error}"),
        }
    }
    world.proxy.accept();
    let begun = Instant::now();
    let told = async || world.ready().await.is_err_and(|reason| reason.contains("too many connections"));
    within(BACK, "says why", told).await;
    while begun.elapsed() < 4 * SECOND {
        world.alive().await;
        assert!(world.ready().await.is_err());
        sleep(SECOND / 10).await;
    }
    drop(others);
    let ready = within(BACK, "ready again", async || world.ready().await.is_ok()).await;
    println!("ready {ready:?} after there was room again");
    sleep(2 * SECOND).await;
    let ledger = load.stop().await;
    ledger.report("no room");
    ledger.compare(&world).await;
    world.sound().await;
}
