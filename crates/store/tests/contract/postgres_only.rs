//! What is true of a schema in a database: whose tables are there, what the role may do, who migrates.

use crate::support::{Bench, Place, START, new_user, open, settings};
use bailiwick_store::{DatabaseUrl, Error, Location, Role, Store};
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

async fn open_at(place: &Place) -> Result<Store, Error> {
    open(place.location(), Role::Command, &Arc::new(AtomicI64::new(START))).await
}

/// The one line with which a place is refused.
async fn refusal(place: &Place) -> Error {
    let error = open_at(place).await.map(drop).unwrap_err();
    assert!(!error.to_string().contains('\n'), "{error}");
    error
}

/// The tables, indexes and steps of a schema.
fn schema(place: &Place) -> Vec<Vec<String>> {
    place.rows(
        "SELECT relname::text AS name FROM pg_class WHERE relnamespace = current_schema()::regnamespace
         UNION ALL SELECT name FROM migration ORDER BY 1",
    )
}

fn named(place: &Place) -> &str {
    let Place::Schema(schema) = place else { panic!("a database is no folder") };
    schema.name()
}

/// The same place as another role, which is made here.
fn as_role(place: &Place, role: &str) -> Location {
    let Place::Schema(schema) = place else { panic!("a database is no folder") };
    place.sql(&format!("CREATE ROLE {role} LOGIN"));
    let url = schema.url();
    let (_, rest) = url.split_once('@').unwrap();
    Location::Postgres(DatabaseUrl::parse(&format!("postgres://{role}@{rest}")).unwrap())
}

fn drop_role(place: &Place, role: &str) {
    place.sql(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}

#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn tables_of_other_programs_are_left_alone() {
    let place = Place::schema();
    place.sql("CREATE TABLE invoice (id bigint)");
    let error = refusal(&place).await;
    assert!(matches!(&error, Error::Broken(words) if words.contains(named(&place))), "{error}");
    assert!(error.to_string().contains("holds tables that bailiwick did not make"), "{error}");
    place.sql("DROP TABLE invoice; CREATE TABLE migration (id bigint, name text)");
    assert!(matches!(refusal(&place).await, Error::Broken(_)));
    place.sql("DROP TABLE migration; CREATE VIEW report AS SELECT 1");
    assert!(open_at(&place).await.is_ok());
}

#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn an_older_store_is_brought_forward_with_its_data() {
    let newest = Bench::at(Place::schema(), Role::Command).await;
    let place = Place::schema();
    place.sql(include_str!("../../../../migrations/postgres/0001_base.sql"));
    place.sql(&format!(
        "CREATE TABLE migration (LIKE {0}.migration INCLUDING ALL);
         INSERT INTO migration SELECT * FROM {0}.migration WHERE number = 1;
         INSERT INTO integration (name, preset, quirks, created) VALUES ('okta', 'okta', 7, 1);
         INSERT INTO person (seq, id, state, display, epoch, created, modified) VALUES (5, 'per_1', 1, 'Ann', 3, 1, 1)",
        named(&newest.place)
    ));
    let store = open_at(&place).await.unwrap();
    assert_eq!(store.integration_by_name("okta").await.unwrap().unwrap().preset, "okta");
    let ann = store.person(5).await.unwrap().unwrap();
    assert_eq!((ann.display.as_str(), ann.epoch, ann.doc.as_str()), ("Ann", 3, "{}"));
    assert_eq!(store.integration_by_name("okta").await.unwrap().unwrap().settings, settings());
    assert_eq!(schema(&place), schema(&newest.place));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn replicas_that_start_together_migrate_once() {
    let place = Place::schema();
    let opened = std::iter::repeat_with(|| {
        let location = place.location();
        tokio::spawn(async move { open(location, Role::Serve, &Arc::new(AtomicI64::new(START))).await })
    });
    let mut ids = Vec::new();
    for opened in opened.take(4).collect::<Vec<_>>() {
        ids.push(opened.await.unwrap().unwrap().store_id().to_owned());
    }
    ids.dedup();
    assert_eq!(ids.len(), 1, "{ids:?}");
    let steps = place.rows("SELECT count(*), count(DISTINCT number) FROM migration");
    assert_eq!(steps[0][0], steps[0][1]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn who_comes_second_waits_for_the_migration() {
    let place = Place::schema();
    let Place::Schema(schema) = &place else { panic!("a database is no folder") };
    let (client, connection) = tokio_postgres::connect(&schema.url(), tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    let lock = "BEGIN; SELECT pg_advisory_xact_lock(1835624306, hashtext(current_schema()))";
    client.batch_execute(lock).await.unwrap();
    let location = place.location();
    let opened = tokio::spawn(async move { open(location, Role::Command, &Arc::new(AtomicI64::new(START))).await });
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert!(!opened.is_finished());
    assert_eq!(place.rows("SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()")[0][0], "0");
    client.batch_execute("COMMIT").await.unwrap();
    assert!(opened.await.unwrap().is_ok());
}

#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn a_role_without_rights_is_told_what_to_grant() {
    let place = Place::schema();
    let role = format!("r_{}", named(&place));
    let location = as_role(&place, &role);
    let clock = Arc::new(AtomicI64::new(START));
    let refused = async |location: &Location| {
        open(location.clone(), Role::Command, &clock).await.map(drop).unwrap_err().to_string()
    };
    let words = refused(&location).await;
    assert!(words.contains(&role) && words.contains("GRANT USAGE"), "{words}");
    place.sql(&format!("GRANT USAGE ON SCHEMA {} TO {role}", named(&place)));
    let words = refused(&location).await;
    assert!(words.contains(&format!("GRANT CREATE ON SCHEMA {} TO {role}", named(&place))), "{words}");
    assert_eq!(place.rows("SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()")[0][0], "0");
    // The tables of somebody else.
    drop(open_at(&place).await.unwrap());
    let words = refused(&location).await;
    assert!(words.contains("may not write the table") && words.contains("postgres"), "{words}");
    place.sql(&format!("GRANT ALL ON ALL TABLES IN SCHEMA {} TO {role}", named(&place)));
    drop(open(location.clone(), Role::Command, &clock).await.unwrap());
    // A step is missing, and who may write may not change the tables.
    place.sql("DELETE FROM migration WHERE number > 1");
    let words = refused(&location).await;
    assert!(words.contains("GRANT CREATE"), "{words}");
    place.sql(&format!("GRANT CREATE ON SCHEMA {} TO {role}", named(&place)));
    let words = refused(&location).await;
    assert!(words.contains("its migration 2 (search) failed"), "{words}");
    drop_role(&place, &role);
}

#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn a_read_only_role_and_a_foreign_encoding_are_refused() {
    let place = Place::schema();
    let role = format!("r_{}", named(&place));
    let location = as_role(&place, &role);
    place.sql(&format!(
        "GRANT ALL ON SCHEMA {} TO {role}; ALTER ROLE {role} SET default_transaction_read_only = on",
        named(&place)
    ));
    let clock = Arc::new(AtomicI64::new(START));
    let error = open(location, Role::Command, &clock).await.map(drop).unwrap_err();
    assert!(!error.to_string().contains('\n'), "{error}");
    drop_role(&place, &role);
    let Place::Schema(schema) = &place else { panic!("a database is no folder") };
    let database = format!("d_{}", schema.name());
    place.sql(&format!(
        "CREATE DATABASE {database} ENCODING 'LATIN1' LOCALE 'C' LOCALE_PROVIDER libc TEMPLATE template0"
    ));
    let (before, _) = schema.url().split_once('?').map(|(url, rest)| (url.to_owned(), rest.to_owned())).unwrap();
    let url = format!("{}/{database}", before.rsplit_once('/').unwrap().0);
    let location = Location::Postgres(DatabaseUrl::parse(&url).unwrap());
    let error = open(location, Role::Command, &clock).await.map(drop).unwrap_err().to_string();
    assert!(error.contains("LATIN1") && error.contains("UTF8"), "{error}");
    place.sql(&format!("DROP DATABASE {database} WITH (FORCE)"));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn the_planner_hears_of_a_store_that_has_grown() {
    // The server's own look at the tables would hide ours.
    let bench = Bench::at(Place::schema(), Role::Serve).await;
    bench.sql("ALTER TABLE resource SET (autovacuum_enabled = false)");
    let known = || bench.value("SELECT reltuples::bigint FROM pg_class WHERE oid = 'resource'::regclass");
    assert_eq!(known(), "-1");
    let okta = bench.integration("okta").await;
    for start in (0..600).step_by(100) {
        let sets = (start..start + 100).map(|number| new_user(bench.now(), okta, &format!("u{number}"))).collect();
        assert!(bench.store.commit_all(sets).await.unwrap().iter().all(Result::is_ok));
    }
    let told = async {
        while known().parse::<i64>().unwrap() <= 0 {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(15), told).await.expect("the tables were not analyzed");
}
