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
