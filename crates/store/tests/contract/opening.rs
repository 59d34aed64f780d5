//! Opening: what is refused, and with which words.

use crate::support::{Bench, Place, item, on_each_engine};
use bailiwick_store::{Error, Role};
use serde_json::json;

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

#[tokio::test]
async fn a_newer_schema_is_refused_unless_it_suits() {
    let check = async |oldest: &str, opens: bool| {
        let bench = Bench::new(Role::Command).await;
        bench.sql(&format!("INSERT INTO migration VALUES (9999, 'later', '', '{oldest}', 1)"));
        match bench.beside(Role::Command).await.map(drop) {
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
    bench.sql("UPDATE migration SET checksum = 'x' WHERE number = 1");
    assert!(matches!(bench.beside(Role::Command).await.map(drop), Err(Error::Broken(_))));
}

#[test]
fn names_are_keyed_again_for_a_new_unicode() {
    on_each_engine(|bench| async move {
        let directory = bench.integration("okta").await;
        let (ann, person) = bench.user(directory, "Ann").await;
        let (keys, shown) = match &bench.place {
            Place::Folder(_) => (r#"jsonb('{"userName":"old"}')"#, "json(keys)"),
            Place::Schema(_) => (r#"'{"userName":"old"}'::jsonb"#, "keys::text"),
        };
        let mut pay = item("team", "pay");
        pay.columns.aliases = vec!["alt".to_owned(), "other".to_owned()];
        let pay = bench.item(pay).await;
        bench.sql(&format!(
            "UPDATE setting SET value = '1.0' WHERE key = 'unicode';
             UPDATE item SET title_key = 'old'; UPDATE alias SET key = 'ÄLT' WHERE key = 'alt';
             UPDATE alias SET key = 'PAY' WHERE key = 'other';
             UPDATE resource SET name_unique = 'old', name_match = 'old', keys = {keys};
             UPDATE email SET key = 'old'; UPDATE person SET user_name_key = 'old', email_key = 'old'"
        ));
        let bench = bench.reopen(Role::Serve).await;
        let found = bench.store.candidates("ann", &["ann@example.com".to_owned()]).await.unwrap();
        assert_eq!(found[0].person.seq, person);
        let sql = format!("SELECT name_unique, name_match, {shown}, (SELECT key FROM email) FROM resource");
        let row = bench.place.rows(&format!("{sql} WHERE seq = {ann}")).remove(0);
        assert_eq!((row[0].as_str(), row[1].as_str(), row[3].as_str()), ("ann", "ann", "ann@example.com"));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&row[2]).unwrap(), json!({ "userName": "ann" }));
        assert_eq!(bench.store.item_by_seq(pay).await.unwrap().unwrap().title_key, "pay");
        let names: Vec<String> = bench.store.aliases(pay).await.unwrap().into_iter().map(|alias| alias.key).collect();
        assert_eq!(names, ["pay", "ält"]);
    });
}
