//! Opening: what is refused, and with which words.

use crate::support::{Bench, on_each_engine, open};
use bailiwick_store::{Error, Role};
use std::fs;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

#[test]
fn a_store_keeps_its_identity() {
    on_each_engine(|bench| async move {
        let directory = bench.integration("okta").await;
        bench.user(directory, "ann").await;
        let (id, key) = (bench.store.store_id().to_owned(), bench.store.etag_key());
        let feed = bench.feed().await;
        let bench = bench.reopen(Role::Serve).await;
        assert_eq!((bench.store.store_id(), bench.store.etag_key()), (id.as_str(), key));
        assert_eq!(bench.feed().await, feed);
        assert!(bench.store.writable().is_ok());
        let (_, person) = bench.user(directory, "bea").await;
        assert!(bench.store.last_seq().await.unwrap() > feed.last().unwrap().seq);
        assert_eq!(bench.epoch(person).await, 1);
    });
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_can_read_the_files() {
    use std::os::unix::fs::PermissionsExt as _;
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("a/b");
    let _store = open(&dir, Role::Serve, &Arc::new(AtomicI64::new(1))).await.unwrap();
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(dir.clone()), 0o700);
    for file in ["bailiwick.db", "bailiwick.db-wal", "serve.lock"] {
        assert_eq!(mode(dir.join(file)), 0o600, "{file}");
    }
}

async fn refusal(dir: &std::path::Path, role: Role) -> Error {
    open(dir, role, &Arc::new(AtomicI64::new(1))).await.map(drop).unwrap_err()
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
    rusqlite::Connection::open(foreign.join("bailiwick.db")).unwrap().execute_batch("CREATE TABLE x (y)").unwrap();
    assert!(matches!(refusal(&foreign, Role::Serve).await, Error::Broken(_)));
}

#[tokio::test]
async fn one_server_at_a_time() {
    let bench = Bench::new(Role::Serve).await;
    let error = refusal(bench.dir.path(), Role::Serve).await;
    assert!(matches!(&error, Error::Busy(words) if words.starts_with("another bailiwick serve uses ")), "{error}");
    assert!(open(bench.dir.path(), Role::Command, &bench.clock).await.is_ok());
    let dir = bench.dir;
    drop(bench.store);
    assert!(open(dir.path(), Role::Serve, &bench.clock).await.is_ok());
}

#[tokio::test]
async fn a_newer_schema_is_refused_unless_it_suits() {
    let check = async |oldest: &str, opens: bool| {
        let bench = Bench::new(Role::Command).await;
        bench.raw().execute("INSERT INTO migration VALUES (9999, 'later', '', ?1, 1)", [oldest]).unwrap();
        let result = open(bench.dir.path(), Role::Command, &bench.clock).await.map(drop);
        match result {
            Ok(()) => assert!(opens),
            Err(Error::Version(words)) => assert!(!opens && words.contains(oldest) && !words.contains('\n')),
            Err(error) => panic!("{error}"),
        }
    };
    check("99.0.0", false).await;
    check("0.0.1", true).await;
}

#[tokio::test]
async fn an_edited_migration_is_noticed() {
    let bench = Bench::new(Role::Command).await;
    bench.raw().execute("UPDATE migration SET checksum = 'x' WHERE number = 1", []).unwrap();
    assert!(matches!(refusal(bench.dir.path(), Role::Command).await, Error::Broken(_)));
}

#[tokio::test]
async fn a_migration_waits_for_no_server() {
    let bench = Bench::new(Role::Serve).await;
    bench.raw().execute("DELETE FROM migration WHERE number > 1", []).unwrap();
    let error = refusal(bench.dir.path(), Role::Command).await;
    assert!(matches!(&error, Error::Busy(words) if words.contains("must be migrated")), "{error}");
}

#[tokio::test]
async fn an_older_store_is_brought_forward_with_its_data() {
    let newest = Bench::new(Role::Command).await;
    let dir = tempfile::tempdir().unwrap();
    let older = rusqlite::Connection::open(dir.path().join("bailiwick.db")).unwrap();
    older.execute_batch(include_str!("../../../../migrations/sqlite/0001_base.sql")).unwrap();
    older.execute("ATTACH ?1 AS newest", [newest.database().to_str().unwrap()]).unwrap();
    older
        .execute_batch(
            "CREATE TABLE migration (number INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL,
               oldest TEXT NOT NULL, applied INTEGER NOT NULL);
             INSERT INTO migration SELECT * FROM newest.migration WHERE number = 1;
             DETACH newest;
             INSERT INTO integration (name, preset, quirks, created) VALUES ('okta', 'okta', 7, 1);",
        )
        .unwrap();
    drop(older);
    let store = open(dir.path(), Role::Serve, &newest.clock).await.unwrap();
    assert_eq!(store.integration_by_name("okta").await.unwrap().unwrap().preset, "okta");
    let schema = |dir: &std::path::Path| -> Vec<String> {
        let raw = rusqlite::Connection::open(dir.join("bailiwick.db")).unwrap();
        let mut statement =
            raw.prepare("SELECT name FROM sqlite_schema UNION ALL SELECT name FROM migration ORDER BY 1").unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
    };
    assert_eq!(schema(dir.path()), schema(newest.dir.path()));
}

#[test]
fn names_are_keyed_again_for_a_new_unicode() {
    on_each_engine(|bench| async move {
        let directory = bench.integration("okta").await;
        let (ann, person) = bench.user(directory, "Ann").await;
        bench
            .raw()
            .execute_batch(
                "UPDATE setting SET value = '1.0' WHERE key = 'unicode';
                 UPDATE resource SET name_unique = 'old', name_match = 'old', keys = jsonb('{\"userName\":\"old\"}');
                 UPDATE email SET key = 'old'; UPDATE person SET user_name_key = 'old', email_key = 'old';",
            )
            .unwrap();
        let bench = bench.reopen(Role::Serve).await;
        let found = bench.store.candidates("ann", &["ann@example.com".to_owned()]).await.unwrap();
        assert_eq!(found[0].person.seq, person);
        let keys: (String, String, String, String) = bench
            .raw()
            .query_row(
                "SELECT name_unique, name_match, json(keys), (SELECT key FROM email) FROM resource WHERE seq = ?1",
                [ann],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
            )
            .unwrap();
        assert_eq!(keys.0, "ann");
        assert_eq!(keys.1, "ann");
        assert_eq!(keys.2, r#"{"userName":"ann"}"#);
        assert_eq!(keys.3, "ann@example.com");
    });
}
