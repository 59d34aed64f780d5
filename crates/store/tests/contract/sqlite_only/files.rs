//! Opening a folder: what is refused, and with which words.

use super::{at, folder, refusal};
use crate::support::{connect, rows, settings};
use bailiwick_store::{Error, Role};
use std::fs;
use std::path::Path;

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_can_read_the_files() {
    use std::os::unix::fs::PermissionsExt as _;
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("a/b");
    let _store = at(&dir, Role::Serve).await.unwrap();
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(dir.clone()), 0o700);
    for file in ["bailiwick.db", "bailiwick.db-wal", "serve.lock"] {
        assert_eq!(mode(dir.join(file)), 0o600, "{file}");
    }
}

#[tokio::test]
async fn what_is_no_store_is_refused() {
    let parent = tempfile::tempdir().unwrap();
    let file = parent.path().join("file");
    fs::write(&file, "x").unwrap();
    let words = refusal(&file, Role::Serve).await.to_string();
    assert!(words.contains("is a file"), "{words}");
    let other = parent.path().join("other");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("bailiwick.db"), "this is not a database at all, but a text of some length").unwrap();
    assert!(matches!(refusal(&other, Role::Serve).await, Error::Broken(_)));
    let foreign = parent.path().join("foreign");
    fs::create_dir(&foreign).unwrap();
    connect(&foreign).execute_batch("CREATE TABLE x (y)").unwrap();
    assert!(matches!(refusal(&foreign, Role::Serve).await, Error::Broken(_)));
}

#[tokio::test]
async fn one_server_at_a_time() {
    let (dir, bench) = folder(Role::Serve).await;
    let error = refusal(&dir, Role::Serve).await;
    assert!(matches!(&error, Error::Busy(words) if words.starts_with("another bailiwick serve uses ")), "{error}");
    assert!(at(&dir, Role::Command).await.is_ok());
    let place = bench.place;
    drop(bench.store);
    assert!(at(&dir, Role::Serve).await.is_ok());
    drop(place);
}

#[tokio::test]
async fn a_migration_waits_for_no_server() {
    let (dir, bench) = folder(Role::Serve).await;
    bench.sql("DELETE FROM migration WHERE number > 1");
    let error = refusal(&dir, Role::Command).await;
    assert!(matches!(&error, Error::Busy(words) if words.contains("must be migrated")), "{error}");
}

#[tokio::test]
async fn an_older_store_is_brought_forward_with_its_data() {
    let (newest, _bench) = folder(Role::Command).await;
    let dir = tempfile::tempdir().unwrap();
    let older = connect(dir.path());
    older.execute_batch(include_str!("../../../../../migrations/sqlite/0001_base.sql")).unwrap();
    older.execute("ATTACH ?1 AS newest", [newest.join("bailiwick.db").to_str().unwrap()]).unwrap();
    older
        .execute_batch(
            "CREATE TABLE migration (number INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL,
               oldest TEXT NOT NULL, applied INTEGER NOT NULL);
             INSERT INTO migration SELECT * FROM newest.migration WHERE number = 1;
             DETACH newest;
             INSERT INTO integration (name, preset, quirks, created) VALUES ('okta', 'okta', 7, 1);
             INSERT INTO person (seq, id, state, display, epoch, created, modified) VALUES (5, 'per_1', 1, 'Ann', 3, 1, 1);",
        )
        .unwrap();
    drop(older);
    let store = at(dir.path(), Role::Serve).await.unwrap();
    assert_eq!(store.integration_by_name("okta").await.unwrap().unwrap().preset, "okta");
    let ann = store.person(5).await.unwrap().unwrap();
    assert_eq!((ann.display.as_str(), ann.epoch, ann.doc.as_str()), ("Ann", 3, "{}"));
    assert_eq!(store.integration_by_name("okta").await.unwrap().unwrap().settings, settings());
    let schema = |dir: &Path| {
        rows(&connect(dir), "SELECT name FROM sqlite_schema UNION ALL SELECT name FROM migration ORDER BY 1")
    };
    assert_eq!(schema(dir.path()), schema(&newest));
}
