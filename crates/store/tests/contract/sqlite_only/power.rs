//! Loss of power: whatever of the log reached the disk, the store opens to a prefix of its history.

use super::{at, folder};
use crate::support::connect;
use bailiwick_store::Role;
use bailiwick_store::query::EventQuery;
use std::fs;

#[tokio::test]
async fn every_cut_of_the_log_opens_to_a_prefix() {
    let (dir, bench) = folder(Role::Command).await;
    // From here on nothing is moved out of the log: a reader holds it.
    let holder = connect(&dir);
    holder.execute_batch("BEGIN; SELECT count(*) FROM event").unwrap();
    let directory = bench.integration("okta").await;
    for number in 0..12 {
        bench.user(directory, &format!("user{number}")).await;
        if number % 5 == 4 {
            bench.store.seal().await.unwrap();
        }
    }
    let whole = bench.feed().await;
    let log = fs::read(dir.join("bailiwick.db-wal")).unwrap();
    let file = fs::read(dir.join("bailiwick.db")).unwrap();
    let mut seen = 0;
    for cut in (0..=log.len()).rev().step_by(4_096 * 3 + 1_111) {
        let copy = tempfile::tempdir().unwrap();
        fs::write(copy.path().join("bailiwick.db"), &file).unwrap();
        fs::write(copy.path().join("bailiwick.db-wal"), &log[..cut]).unwrap();
        let store = at(copy.path(), Role::Serve).await.unwrap();
        let query = EventQuery { after: Some(0), limit: 10_000, payloads: true, ..EventQuery::default() };
        let feed = store.events(query).await.unwrap();
        assert!(whole.starts_with(&feed), "cut at {cut}");
        assert_eq!(store.verify().await.unwrap().first_bad, None, "cut at {cut}");
        let users = store.integrations().await.unwrap().first().map_or(0, |row| row.users);
        assert_eq!(usize::try_from(users).unwrap() * 2, feed.len(), "cut at {cut}");
        seen += 1;
    }
    assert!(seen > 20, "only {seen} cuts");
}

#[tokio::test]
async fn what_was_answered_survives_a_copy_taken_at_that_moment() {
    let (dir, bench) = folder(Role::Command).await;
    let directory = bench.integration("okta").await;
    for number in 0..5 {
        bench.user(directory, &format!("user{number}")).await;
        let copy = tempfile::tempdir().unwrap();
        for file in ["bailiwick.db", "bailiwick.db-wal"] {
            fs::copy(dir.join(file), copy.path().join(file)).unwrap();
        }
        let store = at(copy.path(), Role::Command).await.unwrap();
        assert_eq!(store.integration(directory).await.unwrap().unwrap().users, number + 1);
    }
}
