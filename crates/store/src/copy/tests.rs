//! A store is the same wherever it was moved, and the list of tables is the schema.

use super::tables::{Kind, TABLES};
use super::*;
use crate::change::{ChangeSet, IntegrationSettings, NewEvent, NewIntegration, Write};
use crate::schema;
use bailiwick_domain::event::EventKind;
use bailiwick_domain::ids::Millis;
use rusqlite::Connection;
use rusqlite::types::Value as Stored;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Rows of every table, JSON in one order of keys.
type Rows = BTreeMap<&'static str, Vec<Vec<Stored>>>;

fn options(location: Location) -> OpenOptions {
    let entropy = |bytes: &mut [u8]| {
        let random = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 1).to_le_bytes();
        for (byte, random) in bytes.iter_mut().zip(random.iter().cycle()) {
            *byte = *random;
        }
    };
    OpenOptions {
        location,
        role: Role::Command,
        clock: Arc::new(|| Millis(1_800_000_000_000)),
        entropy: Arc::new(entropy),
    }
}

fn folder(dir: &Path) -> OpenOptions {
    options(Location::Folder(dir.to_owned()))
}

fn raw(dir: &Path) -> Connection {
    Connection::open(dir.join("bailiwick.db")).unwrap()
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// Rows for every table that commits of the test leave empty.
const ROWS: &str = r#"INSERT INTO setting VALUES ('public_url', 'https://x.example'), ('empty', '');
    INSERT INTO guard VALUES ('admins', 9007199254740993);
    INSERT INTO token VALUES ('tok_1', 1, '', x'00ff', 1, NULL, -5, 9223372036854775807);
    INSERT INTO person VALUES (11, 'per_1', 1, 'Åse', NULL, NULL, '', 'x', 21, 1, 0, 3, 1, 2, jsonb('{"title":["lead",1]}')),
                              (12, 'per_2', 3, '', 'a@b', 'a@b', NULL, NULL, NULL, 0, 1, 1, 1, 1, jsonb('{}'));
    INSERT INTO local_account VALUES (12, '$argon2id$', 1, 2);
    INSERT INTO recovery_code VALUES (x'01', 12, NULL), (x'', 12, 7);
    INSERT INTO resource VALUES
      (21, 'a', 1, 1, 'ß', 'ss', 'Å', NULL, 0, 11, NULL,
       jsonb('{"z":1,"aa":[true,null,-2.5,9007199254740993,"\u00e9\"\\"],"":{},"b":1.0}'), jsonb('{}'), 21, 1, 2),
      (22, 'b', 1, 2, NULL, 'g', 'G', 'ext', 1, NULL, 'a', jsonb('{}'), jsonb('{"k":"v"}'), 23, 1, 2);
    INSERT INTO email VALUES ('a@b', 21), ('a@b', 22), ('', 21);
    INSERT INTO membership VALUES (22, 21);
    INSERT INTO member_change VALUES (22, 24, 3), (22, 25, 3);
    INSERT INTO conflict VALUES ('con_1', 1, NULL, 'u', 'k', 'per_1', 'same-email', 'open', 1, NULL);
    INSERT INTO domain VALUES ('corp.example', 1, 'host', 5);
    INSERT INTO call_count VALUES (1, 3600000, 'GET', 200, 12), (1, 3600000, 'GET', 404, 1);
    INSERT INTO integration_seen VALUES (1, 5, NULL, 5);
    INSERT INTO person_state VALUES (11, 26, 4, 1, 2), (11, 27, 5, 2, 1);
    INSERT INTO item VALUES
      (31, 'tea_1', 'team', 'default', 'Pay', 'pay', 'Pay', 'pay', NULL, NULL, NULL, NULL, NULL, NULL, NULL,
       NULL, NULL, jsonb('{}'), jsonb('{}'), 31, 1, 2),
      (32, 'com_1', 'component', 'x', 'a', 'a', 'A', 'a', 31, 11, 'team:default/pay', 31, '', 'service', '1',
       'live', 'src_1', jsonb('{"spec":{"n":1}}'), jsonb('{"spec":{}}'), 33, 1, 2);
    INSERT INTO alias VALUES ('component:x', 'a', 32, 1), ('team:default', 'old', 31, 1);
    INSERT INTO relation VALUES (32, 'dependsOn', 'api:x/b', NULL, NULL),
                                (32, 'dependsOn', 'team:default/pay', 31, 'why');
    INSERT INTO team_feed VALUES (31, 22, 'member');
    INSERT INTO access_grant VALUES (41, 11, 1, 'tea_1', 'member', 'feed', '[]', 41, 1, NULL, NULL),
                                    (42, 11, 1, 'tea_1', 'member', 'feed', '[]', 30, 1, 31, 2);
    INSERT INTO dirty VALUES (11, 5, 1);
    INSERT INTO held VALUES (11, 'hol_1', 2, 6);
    INSERT INTO removal VALUES (1, 5, 11), (1, 5, 12);
    INSERT INTO credential VALUES ('ses_1', 1, 11, NULL, '', x'01', '[]', 1, 2, NULL, NULL),
                                  ('sto_1', 3, NULL, 'ci', 'l', x'02', '["a"]', 1, NULL, 3, 4);
    INSERT INTO entry VALUES ('holds', 'hol_1', NULL, 'open', 7, jsonb('{"a":[1]}'), 43, 1, 2),
                             ('rules', 'hol_1', 'x', NULL, NULL, jsonb('[]'), 44, 1, 2);
    INSERT INTO consumer VALUES ('mail', 9, 1);
    INSERT INTO answer VALUES ('tok_1', 'k', x'03', 201, '{}', 'body', 5);
    DELETE FROM integration WHERE name = 'late';"#;

/// A store in which no table is empty, with events that are sealed, erased, and not sealed yet.
async fn filled(dir: &Path) {
    let store = Store::open(&folder(dir)).await.unwrap();
    let set = |name: &str, text: &str| {
        let settings = IntegrationSettings {
            quirks: 5,
            paused: name == "entra",
            rate_limit: Some(0),
            user_name_email: true,
            mapping: Some(r#"{"title":["title"]}"#.to_owned()),
            ..IntegrationSettings::default()
        };
        let new = NewIntegration { name: name.to_owned(), preset: "okta".to_owned(), settings };
        let event = NewEvent {
            kind: EventKind::IntegrationCreate,
            request: format!("req_{name}"),
            actor: "host".to_owned(),
            integration: None,
            resource: None,
            person: None,
            call: None,
            payload: serde_json::json!({ "said": text }),
            salt: [7; 16],
        };
        ChangeSet {
            at: Millis(1),
            writes: vec![Write::InsertIntegration(new)],
            events: vec![event],
            ..ChangeSet::default()
        }
    };
    for (name, text) in [("okta", "Åse 👩‍🚀\u{1}\\u0000"), ("gone", ""), ("entra", "\u{10ffff}")] {
        store.commit(set(name, text)).await.unwrap();
    }
    store.seal().await.unwrap();
    store.commit(set("late", "not sealed")).await.unwrap();
    let second: i64 =
        raw(dir).query_row("SELECT seq FROM event ORDER BY seq LIMIT 1 OFFSET 1", [], |row| row.get(0)).unwrap();
    store.erase(vec![second]).await.unwrap();
    drop(store);
    raw(dir).execute_batch(ROWS).unwrap();
}

fn dump(dir: &Path) -> Rows {
    let connection = raw(dir);
    let rows = |table: &'static Table| {
        let sql = format!(
            "SELECT {} FROM {} ORDER BY {}",
            table.read(|name| format!("json({name})")),
            table.name,
            table.key_names()
        );
        let mut statement = connection.prepare(&sql).unwrap();
        let row = |row: &rusqlite::Row<'_>| -> rusqlite::Result<Vec<Stored>> {
            let cell = |(index, column): (usize, &tables::Column)| {
                let value: Stored = row.get(index)?;
                Ok(match (value, column.kind) {
                    (Stored::Text(json), Kind::Json) => {
                        Stored::Text(sorted(serde_json::from_str(&json).unwrap()).to_string())
                    }
                    (value, _) => value,
                })
            };
            table.columns.iter().enumerate().map(cell).collect()
        };
        let rows: Vec<Vec<Stored>> = statement.query_map([], row).unwrap().collect::<Result<_, _>>().unwrap();
        (table.name, rows)
    };
    let mut all: Rows = TABLES.iter().map(rows).collect();
    let last = connection.query_row("SELECT seq FROM sqlite_sequence WHERE name = 'integration'", [], |row| row.get(0));
    all.insert("last integration", vec![vec![Stored::Integer(last.unwrap())]]);
    all
}

/// The order of keys is no promise.
fn sorted(value: serde_json::Value) -> serde_json::Value {
    match value {
        serde_json::Value::Object(object) => {
            let object: BTreeMap<String, serde_json::Value> = object.into_iter().map(|(k, v)| (k, sorted(v))).collect();
            object.into_iter().collect()
        }
        serde_json::Value::Array(array) => array.into_iter().map(sorted).collect(),
        other => other,
    }
}

fn check_same(left: &Rows, right: &Rows) {
    for (table, rows) in left {
        assert!(!rows.is_empty(), "{table} is empty: the test proves nothing about it");
        assert_eq!(Some(rows), right.get(table), "{table}");
    }
}

async fn moved(from: &Location, to: &OpenOptions) -> Copied {
    let mut told = BTreeMap::new();
    let copied = copy(from, to, &mut |at| _ = told.insert(at.table, (at.rows, at.total))).await.unwrap();
    let expect: BTreeMap<_, _> = copied.tables.iter().map(|(table, rows)| (*table, (*rows, *rows))).collect();
    assert_eq!(told, expect);
    assert_eq!(copied.tables.len(), TABLES.len());
    assert_eq!((copied.seal.blocks, copied.seal.events, copied.seal.unsealed, copied.seal.erased), (1, 3, 1, 1));
    copied
}

fn line(result: Result<Copied, CopyError>) -> String {
    match result {
        Err(CopyError::Refused(line)) => line,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_store_is_moved_whole() {
    run(async {
        let dir = tempfile::tempdir().unwrap();
        let (first, second) = (dir.path().join("first"), dir.path().join("second"));
        filled(&first).await;
        let before = dump(&first);
        let copied = moved(&Location::Folder(first.clone()), &folder(&second)).await;
        check_same(&before, &dump(&second));
        check_same(&before, &dump(&first));
        let store = Store::open(&folder(&second)).await.unwrap();
        assert_eq!(store.store_id(), copied.store_id);
        // Many rows, and long ones, take several parts.
        drop(store);
        raw(&second)
            .execute_batch(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5003)
                 INSERT INTO membership SELECT 1000 + i % 7, i FROM n;
                 WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9)
                 INSERT INTO setting SELECT 'long' || i, hex(zeroblob(1048576)) FROM n",
            )
            .unwrap();
        let third = dir.path().join("third");
        moved(&Location::Folder(second.clone()), &folder(&third)).await;
        check_same(&dump(&second), &dump(&third));
        if let Some(database) = schema::Schema::of_environment() {
            through(&database, &third, &dir.path().join("fourth")).await;
        }
    });
}

/// To a database, to another one, and back.
async fn through(database: &schema::Schema, from: &Path, back: &Path) {
    let at = |schema: &schema::Schema| options(Location::Postgres(crate::DatabaseUrl::parse(&schema.url()).unwrap()));
    let other = schema::Schema::of_environment().unwrap();
    let (one, two) = (at(database), at(&other));
    let before = dump(from);
    moved(&Location::Folder(from.to_owned()), &one).await;
    assert!(line(copy(&Location::Folder(from.to_owned()), &one, &mut |_| ()).await).contains("itself"));
    assert!(line(copy(&one.location, &one, &mut |_| ()).await).contains("itself"));
    // A server that starts at the target while it is being filled.
    let mut started = false;
    let mut start = |_| {
        if !std::mem::replace(&mut started, true) {
            other.execute("INSERT INTO lease VALUES ('upkeep', 'x', clock_timestamp() + interval '60 s')");
        }
    };
    let late = line(copy(&one.location, &two, &mut start).await);
    assert!(late.contains("stop every replica"), "{late}");
    other.execute("DELETE FROM lease");
    assert_eq!(other.rows("SELECT count(*) FROM event"), [["0"]]);
    moved(&one.location, &two).await;
    let store = Store::open(&two).await.unwrap();
    let set = |name: &str| {
        let settings = IntegrationSettings::default();
        let new = NewIntegration { name: name.to_owned(), preset: "okta".to_owned(), settings };
        ChangeSet { at: Millis(1), writes: vec![Write::InsertIntegration(new)], ..ChangeSet::default() }
    };
    moved(&two.location, &folder(back)).await;
    check_same(&before, &dump(back));
    // Ids are never used again: the deleted integration had the fourth.
    assert_eq!(store.commit(set("new")).await.unwrap().integration.map(|id| id.0), Some(5));
    drop(store);
    let store = Store::open(&folder(back)).await.unwrap();
    assert_eq!(store.commit(set("new")).await.unwrap().integration.map(|id| id.0), Some(5));
    database.execute("INSERT INTO lease VALUES ('upkeep', 'x', clock_timestamp() + interval '5 s')");
    let busy = line(copy(&one.location, &folder(&back.join("x")), &mut |_| ()).await);
    assert!(busy.contains("stop every replica") && !back.join("x").exists(), "{busy}");
    database.execute("DELETE FROM lease; UPDATE setting SET value = '0' WHERE key = 'unicode'");
    assert!(line(copy(&one.location, &folder(&back.join("x")), &mut |_| ()).await).contains("older schema"));
}

#[test]
fn what_cannot_be_moved_is_refused_and_nothing_changes() {
    run(async {
        let dir = tempfile::tempdir().unwrap();
        let (full, other, empty) = (dir.path().join("full"), dir.path().join("other"), dir.path().join("empty"));
        filled(&full).await;
        filled(&other).await;
        drop(Store::open(&folder(&empty)).await.unwrap());
        let before = dump(&full);
        let fails = async |from: &Path, to: &Path| {
            line(copy(&Location::Folder(from.to_owned()), &folder(to), &mut |_| ()).await)
        };
        let missing = dir.path().join("missing");
        assert!(fails(&missing, &empty).await.contains("there is no store in"));
        assert!(!missing.exists());
        assert!(fails(&full, &other).await.contains("holds a store with data"));
        assert!(fails(&full, &full).await.contains("itself"));
        assert!(fails(&empty, &empty).await.contains("itself"));
        let serving = Store::open(&OpenOptions { role: Role::Serve, ..folder(&full) }).await.unwrap();
        assert!(fails(&full, &missing).await.contains("stop it first"));
        drop(serving);
        let serving = Store::open(&OpenOptions { role: Role::Serve, ..folder(&empty) }).await.unwrap();
        assert!(fails(&full, &empty).await.contains("stop it first"));
        drop(serving);
        raw(&full).execute("UPDATE event SET actor = 'x' WHERE seq = (SELECT min(seq) FROM event)", []).unwrap();
        assert!(fails(&full, &missing).await.contains("seal"));
        raw(&full).execute("UPDATE event SET actor = 'host' WHERE seq = (SELECT min(seq) FROM event)", []).unwrap();
        raw(&full).execute("INSERT INTO migration VALUES (99, 'x', 'x', '0.0.1', 1)", []).unwrap();
        assert!(fails(&full, &missing).await.contains("newer bailiwick"));
        raw(&full).execute("DELETE FROM migration WHERE number IN (2, 99)", []).unwrap();
        assert!(fails(&full, &missing).await.contains("bailiwick migrate --data"));
        assert!(!missing.exists());
        check_same(&before, &dump(&full));
        assert_eq!(raw(&empty).query_row("SELECT count(*) FROM event", [], |row| row.get(0)), Ok(0));
        // What breaks on the way leaves nothing behind.
        let third = dir.path().join("third");
        raw(&other).execute("UPDATE person SET admin = 2", []).unwrap();
        let broken = copy(&Location::Folder(other), &folder(&third), &mut |_| ()).await;
        assert!(matches!(broken, Err(CopyError::Store(Error::Broken(_)))), "{broken:?}");
        assert!(!third.exists());
    });
}

/// Tables that a copy makes anew or leaves out.
const OTHER: [&str; 3] = ["lease", "migration", "sqlite_sequence"];

fn check_columns(found: BTreeMap<String, Vec<String>>, kind: fn(Kind) -> &'static str) {
    let known: BTreeMap<String, Vec<String>> = TABLES
        .iter()
        .map(|table| {
            let columns = table.columns.iter().map(|column| format!("{} {}", column.name, kind(column.kind)));
            (table.name.to_owned(), columns.collect())
        })
        .collect();
    assert_eq!(found, known, "copy/tables.rs is not the schema");
}

#[test]
fn every_table_and_column_is_known() {
    run(async {
        let dir = tempfile::tempdir().unwrap();
        drop(Store::open(&folder(dir.path())).await.unwrap());
        let connection = raw(dir.path());
        let columns = |sql: &str| -> Vec<String> {
            connection.prepare(sql).unwrap().query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
        };
        let mut found = BTreeMap::new();
        for table in columns("SELECT name FROM sqlite_schema WHERE type = 'table'") {
            if !OTHER.contains(&table.as_str()) {
                let list = columns(&format!("SELECT name || ' ' || type FROM pragma_table_info('{table}')"));
                found.insert(table, list);
            }
        }
        check_columns(found, |kind| match kind {
            Kind::Bytes | Kind::Json => "BLOB",
            Kind::Flag | Kind::Int => "INTEGER",
            Kind::Text => "TEXT",
        });
        for table in TABLES {
            let key =
                columns(&format!("SELECT name FROM pragma_table_info('{}') WHERE pk > 0 ORDER BY pk", table.name));
            assert_eq!(key, table.key, "{}", table.name);
        }
        let Some(database) = schema::Schema::of_environment() else { return };
        drop(
            Store::open(&options(Location::Postgres(crate::DatabaseUrl::parse(&database.url()).unwrap())))
                .await
                .unwrap(),
        );
        let mut found = BTreeMap::<String, Vec<String>>::new();
        for row in database.rows(
            "SELECT table_name, column_name || ' ' || data_type FROM information_schema.columns
             WHERE table_schema = current_schema() ORDER BY table_name, ordinal_position",
        ) {
            let [table, column] = row.as_slice() else { panic!("{row:?}") };
            if !OTHER.contains(&table.as_str()) {
                found.entry(table.clone()).or_default().push(column.clone());
            }
        }
        check_columns(found, |kind| match kind {
            Kind::Bytes => "bytea",
            Kind::Flag => "boolean",
            Kind::Int => "bigint",
            Kind::Json => "jsonb",
            Kind::Text => "text",
        });
    });
}
