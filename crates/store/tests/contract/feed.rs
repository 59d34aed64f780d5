//! The change feed and the journal.

use crate::support::{call, new_user, on_each_engine};
use bailiwick_domain::event::EventKind;
use bailiwick_domain::ids::Millis;
use bailiwick_store::ChangeSet;
use bailiwick_store::query::EventQuery;
use serde_json::json;

#[test]
fn sequence_order_is_commit_order() {
    on_each_engine(|bench| async move {
        let directory = bench.integration("okta").await;
        let mut waiting = Vec::new();
        for number in 0..200 {
            let store = bench.store.clone();
            let set = new_user(bench.now(), directory, &format!("user{number}"));
            waiting.push(tokio::spawn(async move { store.commit(set).await.unwrap() }));
        }
        let mut done = Vec::new();
        for task in waiting {
            done.push(task.await.unwrap().seq);
        }
        let feed = bench.feed().await;
        assert_eq!(feed.len(), 400);
        assert!(feed.is_sorted_by(|a, b| a.seq < b.seq && a.at <= b.at));
        for seq in done {
            let event = feed.iter().find(|event| event.seq == seq).unwrap();
            assert_eq!(event.kind, "prov:create:full");
        }
        assert_eq!(bench.store.last_seq().await.unwrap(), feed.last().unwrap().seq);
    });
}

#[test]
fn the_journal_is_asked_in_many_ways() {
    on_each_engine(|bench| async move {
        let (okta, entra) = (bench.integration("okta").await, bench.integration("entra").await);
        bench.user(okta, "ann").await;
        bench.user(entra, "bea").await;
        bench.clock.fetch_add(1_000, std::sync::atomic::Ordering::Relaxed);
        let mut refused = call(EventKind::CallRefused, okta, None, "POST", 409);
        refused.request = "req_9".to_owned();
        refused.payload = json!({ "target": "Müller" });
        bench.store.commit(ChangeSet { events: vec![refused], ..bench.set(Vec::new()) }).await.unwrap();
        let count = |query: EventQuery| {
            let store = bench.store.clone();
            async move { store.events(EventQuery { limit: 100, ..query }).await.unwrap().len() }
        };
        let all = EventQuery::default;
        let target = |text: &str| EventQuery { target: Some(text.to_owned()), ..all() };
        assert_eq!(count(all()).await, 5);
        assert_eq!(count(EventQuery { calls_only: true, ..all() }).await, 3);
        assert_eq!(count(EventQuery { failed: true, ..all() }).await, 1);
        assert_eq!(count(EventQuery { integration: Some(entra), ..all() }).await, 1);
        assert_eq!(count(EventQuery { since: Some(Millis(bench.now().0)), ..all() }).await, 1);
        assert_eq!(count(target("req_9")).await, 1);
        assert_eq!(count(target("1-ann")).await, 1);
        assert_eq!(count(target("Müller")).await, 1);
        assert_eq!(count(target("%")).await, 0);
        for method in ["GET", "DELETE"] {
            let probe = call(EventKind::CallRefused, okta, None, method, 404);
            bench.store.commit(ChangeSet { events: vec![probe], ..bench.set(Vec::new()) }).await.unwrap();
        }
        assert_eq!(count(EventQuery { failed: true, ..all() }).await, 3);
        assert_eq!(count(EventQuery { failed: true, without_probes: true, ..all() }).await, 2);
        assert_eq!(count(EventQuery { without_probes: true, ..all() }).await, 6);
        let newest = bench
            .store
            .events(EventQuery { target: Some("req_9".to_owned()), limit: 1, ..all() })
            .await
            .unwrap()
            .remove(0);
        assert_eq!((newest.request.as_str(), newest.payload.is_none(), newest.erased), ("req_9", true, false));
        let older = EventQuery { before: Some(newest.seq), limit: 1, ..all() };
        assert!(bench.store.events(older).await.unwrap()[0].seq < newest.seq);
    });
}

#[test]
fn equal_failures_are_one_group() {
    on_each_engine(|bench| async move {
        let directory = bench.integration("okta").await;
        for (method, status, name) in
            [("POST", 409, "ann"), ("POST", 409, "bea"), ("GET", 404, "probe"), ("POST", 409, "ann")]
        {
            let mut refused = call(EventKind::CallRefused, directory, None, method, status);
            refused.payload = json!({ "target": name });
            bench.store.commit(ChangeSet { events: vec![refused], ..bench.set(Vec::new()) }).await.unwrap();
        }
        let groups = bench.store.failure_groups(None, None).await.unwrap();
        assert_eq!(groups.len(), 1);
        assert_eq!((groups[0].code.as_str(), groups[0].count, groups[0].affected), ("uniqueness", 3, 2));
        assert_eq!(groups[0].latest, bench.store.last_seq().await.unwrap());
        assert!(bench.store.failure_groups(None, Some(Millis(i64::MAX))).await.unwrap().is_empty());
    });
}
