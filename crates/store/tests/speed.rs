//! Rates of the appender, for a look by hand: `cargo test -p bailiwick-store --test speed -- --ignored --nocapture`.
#![expect(clippy::unwrap_used, reason = "a measurement that cannot go on fails")]
#![expect(clippy::disallowed_methods, reason = "a measurement needs the real clock")]

#[path = "contract/support.rs"]
#[expect(dead_code, reason = "the measurements need a part of it")]
mod support;

use bailiwick_domain::event::EventKind;
use bailiwick_domain::ids::IntegrationId;
use bailiwick_store::change::{MemberWrite, ResourceKey};
use bailiwick_store::{ChangeSet, Role, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use support::{Bench, call, new_user};

/// Runs `make(number)` as commits of so many clients at once; tells commits a second.
async fn rate(
    bench: &Bench,
    clients: usize,
    total: usize,
    make: impl Fn(usize) -> ChangeSet + Send + Sync + 'static,
) -> f64 {
    let (make, next) = (Arc::new(make), Arc::new(AtomicUsize::new(0)));
    let start = Instant::now();
    let mut tasks = Vec::new();
    for _ in 0..clients {
        let (make, next, store) = (Arc::clone(&make), Arc::clone(&next), bench.store.clone());
        tasks.push(tokio::spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= total {
                    return;
                }
                store.commit(make(number)).await.unwrap();
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    f64::from(u32::try_from(total).unwrap()) / start.elapsed().as_secs_f64()
}

fn member(bench: &Bench, directory: IntegrationId, group: (i64, &str), user: i64, add: bool) -> ChangeSet {
    let keys = vec![ResourceKey::Seq(user)];
    let change = if add { MemberWrite::Add(keys) } else { MemberWrite::Remove(keys) };
    ChangeSet {
        events: vec![call(EventKind::Patch, directory, Some(group.1), "PATCH", 204)],
        ..bench.set(vec![Write::Members { group: ResourceKey::Seq(group.0), change }])
    }
}

#[test]
#[ignore = "a measurement"]
fn creates() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let bench = Bench::new(Role::Serve);
        let directory = bench.integration("okta").await;
        let at = bench.now();
        let start = Instant::now();
        for group in 0..100 {
            let sets = (0..64).map(|number| new_user(at, directory, &format!("g{group}n{number}"))).collect();
            bench.store.commit_all(sets).await.unwrap();
        }
        println!("creates, groups of 64 by one client: {:.0}/s", 6_400.0 / start.elapsed().as_secs_f64());
        for (clients, total) in [(1, 500), (8, 4_000), (64, 12_000), (256, 12_000)] {
            let rate = rate(&bench, clients, total, move |number| {
                new_user(at, directory, &format!("c{clients}n{number}"))
            });
            println!("creates, {clients} clients: {:.0}/s", rate.await);
        }
    });
}

#[test]
#[ignore = "a measurement"]
fn members() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let bench = Bench::new(Role::Serve);
        let directory = bench.integration("okta").await;
        let mut users = Vec::new();
        for chunk in 0..110 {
            let sets = (0..1_000).map(|number| new_user(bench.now(), directory, &format!("u{chunk}n{number}")));
            for done in bench.store.commit_all(sets.collect()).await.unwrap() {
                users.push(done.unwrap().inserted[0].1);
            }
        }
        for size in [100, 10_000, 100_000] {
            let name = format!("g{size}");
            let group = bench.group(directory, &name).await;
            let keys = users[..size].iter().copied().map(ResourceKey::Seq).collect();
            bench.members(group, MemberWrite::Add(keys)).await;
            let spare: Vec<i64> = users[100_000..].to_vec();
            for add in [true, false] {
                let start = Instant::now();
                for chunk in spare.chunks(500) {
                    let sets =
                        chunk.iter().map(|user| member(&bench, directory, (group, &name), *user, add)).collect();
                    bench.store.commit_all(sets).await.unwrap();
                }
                let rate = 10_000.0 / start.elapsed().as_secs_f64();
                println!("group of {size}, add {add}, groups of 500: {rate:.0}/s");
            }
            let sets: Vec<ChangeSet> =
                spare.iter().map(|user| member(&bench, directory, (group, &name), *user, true)).collect();
            let rate = rate(&bench, 64, sets.len(), move |number| sets[number].clone()).await;
            println!("group of {size}, add, 64 clients: {rate:.0}/s");
        }
    });
}
