//! Whoever follows the feed sees every event once and in the same order, whichever replica wrote it.

use crate::bodies::{add, create, group, remove, set, user};
use crate::{Two, sound};
use bailiwick_store::query::EventQuery;
use bailiwick_testkit::Client;
use bailiwick_testkit::replica::Replica;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::Instant;

async fn after(replica: &Replica, last: i64, limit: u32) -> Vec<(i64, String)> {
    let query = EventQuery { after: Some(last), limit, ..EventQuery::default() };
    let events = replica.app().store().events(query).await.unwrap();
    events.into_iter().map(|event| (event.seq, event.request)).collect()
}

/// Follows until told to stop, and then to the end.
async fn follow(two: Arc<Two>, side: usize, stop: Arc<AtomicBool>) -> Vec<(i64, String)> {
    let mut seen: Vec<(i64, String)> = Vec::new();
    loop {
        let ending = stop.load(Ordering::SeqCst);
        let last = seen.last().map_or(0, |(seq, _)| *seq);
        let next = after(two.side(side), last, 50).await;
        if next.is_empty() && ending {
            return seen;
        }
        seen.extend(next);
    }
}

/// Writes small and large sets of events.
async fn write(mut client: Client, worker: usize, until: Instant) -> usize {
    let group = create(&mut client, "/scim/v2/Groups", &group(&format!("Crew {worker}"))).await;
    let group = format!("/scim/v2/Groups/{group}");
    let mut number = 0;
    while Instant::now() < until {
        let id = create(&mut client, "/scim/v2/Users", &user(&format!("u{worker}-{number}"))).await;
        let path = format!("/scim/v2/Users/{id}");
        client.patch(&group, &add(&id)).await.expect(200);
        client.patch(&path, &set("nickName", "x")).await.expect(200);
        client.patch(&group, &remove(&id)).await.expect(200);
        client.patch(&path, &set("no such attribute", "x")).await.expect(400);
        client.delete(&path).await.expect(204);
        number += 1;
    }
    number
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn followers_see_every_event_once_and_in_order() {
    let two = Arc::new(Two::start().await);
    let stop = Arc::<AtomicBool>::default();
    let followers = [0, 1, 0, 1].map(|side| tokio::spawn(follow(two.clone(), side, stop.clone())));
    let until = Instant::now() + Duration::from_secs(3);
    let writers: Vec<_> = (0..8).map(|worker| tokio::spawn(write(two.client(worker), worker, until))).collect();
    let mut rounds = 0;
    for writer in writers {
        rounds += writer.await.unwrap();
    }
    // What is counted once a second is written, too.
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    stop.store(true, Ordering::SeqCst);
    let all = after(&two.a, 0, 1_000_000).await;
    assert!(all.len() > rounds * 5, "{} events of {rounds} rounds", all.len());
    assert!(all.windows(2).all(|pair| pair[0].0 < pair[1].0));
    for follower in followers {
        let seen = follower.await.unwrap();
        let first = seen.iter().zip(&all).find(|(seen, all)| seen != all);
        assert!(first.is_none() && seen.len() == all.len(), "{} of {}, {first:?}", seen.len(), all.len());
    }
    println!("{} events followed", all.len());
    sound(&two.a).await;
}
