//! The seal: whatever is done to a sealed record is found, and the first bad one is named.

use crate::support::{Bench, on_each_engine};
use bailiwick_store::Role;
use bailiwick_store::rows::VerifyReport;

async fn sealed() -> Bench {
    let bench = Bench::new(Role::Command).await;
    let directory = bench.integration("okta").await;
    for round in 0..3 {
        for number in 0..4 {
            bench.user(directory, &format!("user{round}{number}")).await;
        }
        assert_eq!(bench.store.seal().await.unwrap(), 8);
    }
    bench
}

async fn verify(bench: &Bench) -> VerifyReport {
    bench.store.verify().await.unwrap()
}

#[test]
fn a_whole_chain_holds() {
    on_each_engine(|_| async {
        let bench = sealed().await;
        let directory = bench.integration("entra").await;
        bench.user(directory, "late").await;
        let report = verify(&bench).await;
        assert_eq!((report.blocks, report.events, report.unsealed, report.erased), (3, 24, 2, 0));
        assert_eq!(report.first_bad, None);
        assert!(report.head.is_some());
        let export = bench.store.export(0, 1_000).await.unwrap();
        assert_eq!((export.events.len(), export.blocks.len()), (26, 3));
        assert_eq!(Some(&export.blocks[2].hash), report.head.as_ref());
        assert!(export.events.iter().all(|event| event.body.is_some() && event.salt.is_some()));
    });
}

#[test]
fn an_erased_payload_is_no_fault() {
    on_each_engine(|_| async {
        let bench = sealed().await;
        let seq = bench.feed().await[5].seq;
        assert_eq!(bench.store.erase(vec![seq, 99_999]).await.unwrap(), 1);
        let event = bench.store.event(seq).await.unwrap().unwrap();
        assert!(event.erased && event.payload.is_none());
        let report = verify(&bench).await;
        assert_eq!((report.first_bad, report.erased), (None, 1));
    });
}

#[test]
fn every_tampering_is_found_and_named() {
    on_each_engine(|_| async {
        let seqs: Vec<i64> = sealed().await.feed().await.iter().map(|event| event.seq).collect();
        let (first, before, bad, after) = (seqs[0], seqs[9], seqs[10], seqs[11]);
        let checks = [
            (
                format!("UPDATE event SET actor = 'hosu' WHERE seq = {bad}"),
                format!("event {bad} is not what was sealed"),
            ),
            (format!("UPDATE event SET at = at + 1 WHERE seq = {bad}"), format!("event {bad} is not what was sealed")),
            (
                format!("UPDATE event_payload SET body = replace(body, 'some', 'none') WHERE seq = {bad}"),
                format!("the payload of event {bad} is not what was sealed"),
            ),
            (
                format!(
                    "UPDATE event_payload SET salt = (SELECT substr(digest, 1, 16) FROM event WHERE seq = {bad})
                     WHERE seq = {bad}"
                ),
                format!("the payload of event {bad} is not what was sealed"),
            ),
            (format!("DELETE FROM event WHERE seq = {bad}"), format!("the event after {before} is missing")),
            (format!("DELETE FROM event WHERE seq = {first}"), format!("the event before {} is missing", seqs[1])),
            (
                format!(
                    "UPDATE event SET seq = -1 WHERE seq = {bad}; UPDATE event SET seq = {bad} WHERE seq = {after};
                     UPDATE event SET seq = {after} WHERE seq = -1;"
                ),
                format!("event {bad} is not what was sealed"),
            ),
            (
                format!(
                    "INSERT INTO event SELECT seq - 1, at, kind, integration, request, resource, person, actor,
                         method, status, code, duration_us, digest FROM event WHERE seq = {}",
                    seqs[8]
                ),
                format!("event {} is", seqs[8] - 1),
            ),
            ("DELETE FROM block WHERE number = 2".to_owned(), "block 2 is missing".to_owned()),
            ("DELETE FROM block WHERE number = 1".to_owned(), "block 1 is missing".to_owned()),
            ("UPDATE block SET at = at + 1 WHERE number = 2".to_owned(), "block 2 (events".to_owned()),
            ("UPDATE block SET previous = hash WHERE number = 3".to_owned(), "block 3 does not continue".to_owned()),
            ("UPDATE block SET count = 1 WHERE number = 1".to_owned(), "block 1 was sealed with 1 events".to_owned()),
        ];
        for (sql, named) in checks {
            let bench = sealed().await;
            bench.sql(&sql);
            let report = verify(&bench).await;
            let bad = report.first_bad.unwrap_or_else(|| panic!("not found: {sql}"));
            assert!(bad.contains(&named), "{sql}\n{bad}\n{named}");
        }
    });
}

#[test]
fn a_server_seals_by_itself() {
    on_each_engine(|_| async {
        let bench = Bench::new(Role::Serve).await;
        let directory = bench.integration("okta").await;
        bench.user(directory, "ann").await;
        tokio::time::sleep(std::time::Duration::from_millis(1_300)).await;
        assert_eq!(verify(&bench).await.unsealed, 0);
    });
}
