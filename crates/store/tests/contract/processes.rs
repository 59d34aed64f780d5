//! A second process is a replica: here, a second handle opened as a command.

use crate::support::Bench;
use bailiwick_store::change::NewToken;
use bailiwick_store::{ChangeSet, Role, Write};
use std::time::Duration;

#[tokio::test]
async fn a_token_of_a_command_works_at_once_and_its_end_is_noticed() {
    let server = Bench::new(Role::Serve).await;
    let command = server.beside(Role::Command).await.unwrap();
    let directory = server.integration("okta").await;
    let token = Write::InsertToken(NewToken {
        id: "tok_1".to_owned(),
        integration: Some(directory),
        label: String::new(),
        digest: [5; 32],
        expires: None,
    });
    let before = server.store.generation();
    command.commit(ChangeSet { writes: vec![token], ..ChangeSet::default() }).await.unwrap();
    assert!(server.store.token_by_digest(&[5; 32]).await.unwrap().is_some());
    let mut waited = 0;
    while server.store.generation() == before {
        tokio::time::sleep(Duration::from_millis(10)).await;
        waited += 1;
        assert!(waited < 50, "the generation did not follow within half a second");
    }
    assert!(server.store.followed_within(Duration::from_secs(1)));
    assert!(!server.store.followed_within(Duration::ZERO) || server.store.followed_within(Duration::from_millis(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_writers_share_one_sequence() {
    let server = Bench::new(Role::Serve).await;
    let command = server.beside(Role::Command).await.unwrap();
    let directory = server.integration("okta").await;
    let mut tasks = Vec::new();
    for (name, store) in [("a", server.store.clone()), ("b", command)] {
        let at = server.now();
        tasks.push(tokio::spawn(async move {
            for number in 0..50 {
                let set = crate::support::new_user(at, directory, &format!("{name}{number}"));
                store.commit(set).await.unwrap();
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(server.feed().await.len(), 200);
    assert_eq!(server.store.integration(directory).await.unwrap().unwrap().users, 100);
    server.store.seal().await.unwrap();
    let report = server.store.verify().await.unwrap();
    assert_eq!((report.first_bad, report.unsealed), (None, 0));
}
