use super::*;
use crate::change::Write;
use crate::sqlite::{migrate, pool};
use bailiwick_domain::ids::Millis;

fn start(dir: &std::path::Path) -> Appender {
    let path = dir.join("bailiwick.db");
    std::fs::File::create(&path).unwrap();
    let mut connection = pool::open_writer(&path).unwrap();
    migrate::run(&mut connection, dir, true, 1, &|bytes| bytes.fill(1)).unwrap();
    Appender::start(connection, Role::Command, Arc::new(|| Millis(1))).unwrap()
}

fn setting(key: &str, bytes: usize) -> ChangeSet {
    let write = Write::SetSetting { key: key.to_owned(), value: "x".repeat(bytes) };
    ChangeSet { writes: vec![write], ..ChangeSet::default() }
}

async fn limit(appender: &Appender, pages: i64) {
    appender
        .run(move |desk| {
            let used: i64 = desk.connection.query_row("PRAGMA page_count", [], |row| row.get(0))?;
            let sql = format!("PRAGMA max_page_count = {}", used + pages);
            Ok(desk.connection.query_row(&sql, [], |_| Ok(()))?)
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn a_full_disk_refuses_changes_until_space_returns() {
    let dir = tempfile::tempdir().unwrap();
    let appender = start(dir.path());
    limit(&appender, 20).await;
    let mut stored = 0;
    let error = loop {
        match appender.commit(setting(&format!("key{stored}"), 10_000)).await {
            Ok(_) => stored += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, Error::Full), "{error}");
    assert!(stored > 3);
    limit(&appender, 1_000).await;
    appender.commit(setting("after", 10_000)).await.unwrap();
    appender.writable().unwrap();
    let kept: i64 = appender
        .run(|desk| {
            Ok(desk.connection.query_row("SELECT count(*) FROM setting WHERE key LIKE 'key%'", [], |row| row.get(0))?)
        })
        .await
        .unwrap();
    assert_eq!(kept, stored);
}

#[tokio::test]
async fn a_fault_inside_stops_the_writer_and_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let appender = start(dir.path());
    let fault = appender.run(|_| -> Result<(), Error> { panic!("a fault made for the test") }).await;
    assert!(matches!(fault, Err(Error::Unavailable(_))));
    assert!(matches!(appender.commit(setting("key", 1)).await, Err(Error::Unavailable(_))));
    assert!(appender.writable().is_err());
    drop(appender);
    start_again(dir.path()).await;
}

async fn start_again(dir: &std::path::Path) {
    let connection = pool::open_writer(&dir.join("bailiwick.db")).unwrap();
    let appender = Appender::start(connection, Role::Command, Arc::new(|| Millis(1))).unwrap();
    appender.commit(setting("key", 1)).await.unwrap();
}

#[tokio::test]
async fn a_lost_transaction_fails_the_whole_batch() {
    let dir = tempfile::tempdir().unwrap();
    let appender = start(dir.path());
    // A trigger that rolls everything back stands for an engine that gives a transaction up.
    appender
        .run(|desk| {
            Ok(desk.connection.execute_batch(
                "CREATE TRIGGER lose BEFORE INSERT ON setting WHEN new.key = 'lose'
                 BEGIN SELECT raise(ROLLBACK, 'lost'); END",
            )?)
        })
        .await
        .unwrap();
    let all = appender.commit_all(vec![setting("before", 1), setting("lose", 1), setting("after", 1)]).await;
    assert!(matches!(all, Err(Error::Unavailable(_))));
    appender.commit(setting("later", 1)).await.unwrap();
    let keys: i64 = appender
        .run(|desk| {
            let sql = "SELECT count(*) FROM setting WHERE key IN ('before', 'lose', 'after', 'later')";
            Ok(desk.connection.query_row(sql, [], |row| row.get(0))?)
        })
        .await
        .unwrap();
    assert_eq!(keys, 1);
}

#[tokio::test]
async fn another_process_that_holds_the_lock_is_told_as_busy() {
    let dir = tempfile::tempdir().unwrap();
    let appender = start(dir.path());
    appender.run(|desk| Ok(desk.connection.busy_timeout(Duration::from_millis(10))?)).await.unwrap();
    let other = Connection::open(dir.path().join("bailiwick.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert!(matches!(appender.commit(setting("key", 1)).await, Err(Error::Busy(_))));
    other.execute_batch("ROLLBACK").unwrap();
    appender.commit(setting("key", 1)).await.unwrap();
    appender.writable().unwrap();
}
