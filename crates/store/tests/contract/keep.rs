//! Documents of the admins, holds, the window of the removal guard, positions, answers, lists of persons.

use crate::support::{Bench, on_each_engine, settings};
use bailiwick_domain::ids::Millis;
use bailiwick_domain::person::State;
use bailiwick_store::change::{Answer, EntryWrite, HeldState, IntegrationSettings};
use bailiwick_store::query::{EntryQuery, EventQuery, PersonListQuery};
use bailiwick_store::{ChangeSet, Error, Guard, Write};
use std::sync::atomic::Ordering;

fn entry(collection: &str, id: &str, doc: &str) -> EntryWrite {
    EntryWrite {
        collection: collection.to_owned(),
        id: id.to_owned(),
        parent: None,
        state: None,
        due: None,
        doc: doc.to_owned(),
    }
}

#[test]
fn a_document_is_replaced_under_its_version() {
    on_each_engine(|bench| async move {
        let guarded = |version, doc: &str| ChangeSet {
            guards: vec![Guard::Entry { collection: "roles".to_owned(), id: "a".to_owned(), version }],
            ..bench.set(vec![Write::PutEntry(entry("roles", "a", doc))])
        };
        assert_eq!(bench.store.entry("roles", "a").await.unwrap(), None);
        let before = bench.store.generation();
        bench.store.commit(guarded(0, r#"{"n":1}"#)).await.unwrap();
        assert!(bench.store.generation() > before);
        assert!(matches!(bench.store.commit(guarded(0, r#"{"n":2}"#)).await, Err(Error::Stale)));
        let first = bench.store.entry("roles", "a").await.unwrap().unwrap();
        assert_eq!(serde_json::from_str::<serde_json::Value>(&first.doc).unwrap(), serde_json::json!({ "n": 1 }));
        // An equal document changes nothing.
        assert!(!bench.store.commit(guarded(first.version, r#"{ "n": 1 }"#)).await.unwrap().changed);
        assert_eq!(bench.store.entry("roles", "a").await.unwrap().unwrap(), first);
        bench.clock.fetch_add(5, Ordering::Relaxed);
        bench.store.commit(guarded(first.version, r#"{"n":2}"#)).await.unwrap();
        let second = bench.store.entry("roles", "a").await.unwrap().unwrap();
        assert!(second.version > first.version);
        assert_eq!((second.created, second.modified), (first.created, bench.now()));
        assert!(matches!(bench.store.commit(guarded(first.version, "{}")).await, Err(Error::Stale)));
        // The id belongs to its collection.
        assert_eq!(bench.store.entry("rules", "a").await.unwrap(), None);
        let delete = |collection: &str| Write::DeleteEntry { collection: collection.to_owned(), id: "a".to_owned() };
        assert!(!bench.commit(vec![delete("rules")]).await.changed);
        assert!(bench.commit(vec![delete("roles")]).await.changed);
        bench.store.commit(guarded(0, "{}")).await.unwrap();
    });
}

#[test]
fn documents_are_listed_by_what_they_say() {
    on_each_engine(|bench| async move {
        for (id, state, parent, due) in [
            ("a", Some("open"), None, Some(10)),
            ("b", Some("open"), Some("p"), Some(20)),
            ("c", Some("done"), Some("p"), None),
            ("d", None, Some("q"), Some(5)),
        ] {
            let put = EntryWrite {
                state: state.map(str::to_owned),
                parent: parent.map(str::to_owned),
                due: due.map(Millis),
                ..entry("reviews", id, "{}")
            };
            bench.commit(vec![Write::PutEntry(put), Write::PutEntry(entry("others", id, "{}"))]).await;
        }
        let all = || EntryQuery { collection: "reviews".to_owned(), limit: 100, ..EntryQuery::default() };
        let ids = async |query: EntryQuery| -> Vec<String> {
            bench.store.entries(query).await.unwrap().into_iter().map(|entry| entry.id).collect()
        };
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(ids(all()).await, ["a", "b", "c", "d"]);
        assert_eq!(ids(EntryQuery { state: text("open"), ..all() }).await, ["a", "b"]);
        assert_eq!(ids(EntryQuery { parent: text("p"), ..all() }).await, ["b", "c"]);
        assert_eq!(ids(EntryQuery { due_before: Some(Millis(20)), ..all() }).await, ["a", "d"]);
        assert_eq!(ids(EntryQuery { state: text("open"), due_before: Some(Millis(20)), ..all() }).await, ["a"]);
        assert_eq!(ids(EntryQuery { after: text("b"), limit: 1, ..all() }).await, ["c"]);
    });
}

#[test]
fn whom_a_hold_holds() {
    on_each_engine(|bench| async move {
        let hold = |persons: &[i64], hold: &str, state| Write::Hold {
            persons: persons.to_vec(),
            hold: hold.to_owned(),
            state,
        };
        assert!(bench.commit(vec![hold(&[1, 2, 3], "h1", HeldState::Waiting)]).await.changed);
        assert!(!bench.commit(vec![hold(&[1, 2], "h1", HeldState::Waiting)]).await.changed);
        // A later hold takes the place of an earlier one.
        assert!(
            bench.commit(vec![hold(&[2], "h2", HeldState::Waiting), hold(&[3], "h1", HeldState::Pinned)]).await.changed
        );
        let held = async |id: &str| -> Vec<(i64, HeldState)> {
            bench.store.held(id).await.unwrap().into_iter().map(|row| (row.person, row.state)).collect()
        };
        assert_eq!(held("h1").await, [(1, HeldState::Waiting), (3, HeldState::Pinned)]);
        assert_eq!(held("h2").await, [(2, HeldState::Waiting)]);
        let by = bench.store.held_by(&[3, 2, 9]).await.unwrap();
        assert_eq!(by.iter().map(|row| (row.person, row.hold.as_str())).collect::<Vec<_>>(), [(2, "h2"), (3, "h1")]);
        assert!(bench.commit(vec![Write::Release { persons: vec![1, 2, 9] }]).await.changed);
        assert!(!bench.commit(vec![Write::Release { persons: vec![1, 2, 9] }]).await.changed);
        assert_eq!(held("h1").await, [(3, HeldState::Pinned)]);
    });
}

#[test]
fn the_removal_guard_sees_a_day() {
    on_each_engine(|bench| async move {
        const HOUR: i64 = 3_600_000;
        let (okta, entra) = (bench.integration("okta").await, bench.integration("entra").await);
        let note = |integration, persons: &[i64]| Write::NoteRemovals { integration, persons: persons.to_vec() };
        let start = bench.now();
        assert!(!bench.commit(vec![note(okta, &[1, 2]), note(okta, &[2]), note(entra, &[7])]).await.changed);
        bench.clock.fetch_add(HOUR, Ordering::Relaxed);
        bench.commit(vec![note(okta, &[2, 3])]).await;
        assert_eq!(bench.store.removals(okta, start).await.unwrap(), [1, 2, 3]);
        assert_eq!(bench.store.removals(okta, bench.now()).await.unwrap(), [2, 3]);
        assert_eq!(bench.store.removals(entra, start).await.unwrap(), [7]);
        bench.clock.fetch_add(24 * HOUR, Ordering::Relaxed);
        bench.commit(vec![note(okta, &[4])]).await;
        assert_eq!(bench.store.removals(okta, start).await.unwrap(), [2, 3, 4]);
        // Those who came before the moment, as far as they are active.
        bench.user(okta, "ann").await;
        bench.user(okta, "bea").await;
        bench.sql("UPDATE resource SET active = false WHERE id = '1-bea'");
        assert_eq!(bench.store.users_older_than(okta, bench.now()).await.unwrap(), 0);
        assert_eq!(bench.store.users_older_than(okta, Millis(bench.now().0 + 1)).await.unwrap(), 1);
        bench.commit(vec![Write::DeleteIntegration(okta)]).await;
        assert_eq!(bench.store.removals(okta, start).await.unwrap(), [0; 0]);
    });
}

#[test]
fn an_answer_is_given_once() {
    on_each_engine(|bench| async move {
        let answer = |key: &str, body: &str| Answer {
            caller: "tok_1".to_owned(),
            key: key.to_owned(),
            digest: [4; 32],
            status: 201,
            headers: "{}".to_owned(),
            body: body.to_owned(),
        };
        let setting = Write::SetSetting { key: "x".to_owned(), value: "1".to_owned() };
        bench.commit(vec![Write::PutAnswer(answer("k", "first"))]).await;
        let late = bench.set(vec![setting, Write::PutAnswer(answer("k", "second"))]);
        assert!(matches!(bench.store.commit(late.clone()).await, Err(Error::Stale)));
        assert_eq!(bench.store.setting("x").await.unwrap(), None);
        let found = bench.store.answer("tok_1", "k").await.unwrap().unwrap();
        assert_eq!((found.answer, found.at), (answer("k", "first"), bench.now()));
        assert!(bench.store.answer("tok_2", "k").await.unwrap().is_none());
        // After a day the key is free.
        bench.clock.fetch_add(86_400_001, Ordering::Relaxed);
        bench.store.commit(ChangeSet { at: bench.now(), ..late }).await.unwrap();
        assert_eq!(bench.store.answer("tok_1", "k").await.unwrap().unwrap().answer.body, "second");
        assert_eq!(bench.store.position("mail").await.unwrap(), None);
        let read = |position| Write::SetPosition { consumer: "mail".to_owned(), position };
        assert!(!bench.commit(vec![read(7), read(9)]).await.changed);
        assert_eq!(bench.store.position("mail").await.unwrap(), Some(9));
    });
}

async fn listed(bench: &Bench, query: PersonListQuery) -> (Vec<String>, Option<u64>, Option<i64>) {
    let page = bench.store.person_page(query).await.unwrap();
    (page.rows.into_iter().map(|person| person.display).collect(), page.total, page.next)
}

#[test]
fn persons_are_listed_in_pages() {
    on_each_engine(|bench| async move {
        let okta = bench.integration("okta").await;
        let mut persons = Vec::new();
        for name in ["ann", "bea", "cy", "anton"] {
            persons.push(bench.user(okta, name).await.1);
        }
        bench.commit(vec![bench.standing(persons[1], State::Inactive).await]).await;
        let all = || PersonListQuery { limit: 2, total: true, ..PersonListQuery::default() };
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(listed(&bench, all()).await, (names(&["ann", "bea"]), Some(4), Some(persons[1])));
        let second = PersonListQuery { after: Some(persons[1]), ..all() };
        assert_eq!(listed(&bench, second).await, (names(&["cy", "anton"]), Some(4), None));
        let search = PersonListQuery { search: Some("AN".to_owned()), limit: 1, total: false, ..all() };
        assert_eq!(listed(&bench, search.clone()).await, (names(&["ann"]), None, Some(persons[0])));
        let next = PersonListQuery { after: Some(persons[0]), ..search };
        assert_eq!(listed(&bench, next).await, (names(&["anton"]), None, None));
        let off = PersonListQuery { state: Some(State::Inactive), ..all() };
        assert_eq!(listed(&bench, off).await, (names(&["bea"]), Some(1), None));
        let nobody = PersonListQuery { search: Some("zz".to_owned()), ..all() };
        assert_eq!(listed(&bench, nobody).await, (names(&[]), Some(0), None));
        // The history of a person, and of a resource.
        let person = EventQuery { person: Some("per_1-cy".to_owned()), limit: 9, ..EventQuery::default() };
        assert!(bench.store.events(person).await.unwrap().is_empty());
        let resource = EventQuery { resource: Some("1-cy".to_owned()), limit: 9, ..EventQuery::default() };
        assert_eq!(bench.store.events(resource).await.unwrap().len(), 1);
    });
}

#[test]
fn an_integration_keeps_what_guards_it() {
    on_each_engine(|bench| async move {
        let okta = bench.integration("okta").await;
        let row = bench.store.integration(okta).await.unwrap().unwrap();
        assert_eq!((row.settings.observe, row.settings.guard_percent, row.settings.guard_people), (false, 10, 5));
        for changed in [
            IntegrationSettings { observe: true, ..settings() },
            IntegrationSettings { guard_percent: 50, ..settings() },
            IntegrationSettings { guard_people: 0, ..settings() },
            IntegrationSettings { mapping: Some("{}".to_owned()), ..settings() },
        ] {
            let update = || Write::UpdateIntegration { id: okta, settings: changed.clone() };
            assert!(bench.commit(vec![update()]).await.changed, "{changed:?}");
            assert!(!bench.commit(vec![update()]).await.changed, "{changed:?}");
            assert_eq!(bench.store.integration(okta).await.unwrap().unwrap().settings, changed);
        }
    });
}
