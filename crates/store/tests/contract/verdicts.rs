//! Guards get one verdict however many sets are asked about at once, and sets that were decided before their integration
//! went.

use crate::support::{Bench, event, group, item, new_user, on_each_engine, seqs, user, user_columns};
use bailiwick_domain::event::EventKind;
use bailiwick_domain::ids::IntegrationId;
use bailiwick_scim::text::unique_key;
use bailiwick_store::change::{EntryWrite, MemberWrite, NewConflict, ResourceUpdate};
use bailiwick_store::{ChangeSet, Error, Guard, Write};

fn candidates(name: &str, mailboxes: &[&str], persons: &[&str]) -> Guard {
    Guard::Candidates {
        user_name_key: unique_key(name),
        email_keys: mailboxes.iter().map(|mailbox| unique_key(&format!("{mailbox}@example.com"))).collect(),
        persons: persons.iter().map(|id| (*id).to_owned()).collect(),
    }
}

fn version_of(bench: &Bench, seq: i64) -> i64 {
    bench.value(&format!("SELECT version FROM resource WHERE seq = {seq}")).parse().unwrap()
}

/// Guards on who bears a name or an address, and whether they hold.
fn of_names() -> Vec<(Guard, bool)> {
    vec![
        (candidates("ann", &[], &["per_1-ann"]), true),
        (candidates("ann", &[], &[]), false),
        (candidates("anna", &[], &["per_1-ann"]), true),
        (candidates("anna", &[], &["per_2-anna"]), false),
        (candidates("nobody", &["ann"], &["per_1-ann"]), true),
        (candidates("nobody", &["anna", "nobody"], &["per_1-ann"]), true),
        (candidates("nobody", &["nobody", "ann"], &[]), false),
        (candidates("ann", &["anna", "ann"], &["per_1-ann"]), true),
        (candidates("nobody", &["nobody"], &[]), true),
        (candidates("nobody", &["nobody"], &["per_1-ann"]), false),
        // A name is no address.
        (candidates("ann@example.com", &[], &[]), true),
        (candidates("bea", &["bea"], &[]), true),
        (candidates("bea", &["bea"], &["per_1-bea"]), false),
    ]
}

/// Guards of what the feed does not tell, and whether they hold.
async fn of_the_feed(bench: &Bench) -> [(Guard, bool); 5] {
    let setting = Write::SetSetting { key: "a".to_owned(), value: "b".to_owned() };
    let told = ChangeSet { events: vec![event(EventKind::RoleGive)], ..bench.set(vec![setting]) };
    let told = bench.store.commit(told).await.unwrap().seq;
    let quiet = |after, kinds| Guard::Feed { after, kinds };
    [
        (quiet(told, &["role:"]), true),
        (quiet(told - 1, &["role:"]), false),
        (quiet(told - 1, &["team:", "role:give"]), false),
        (quiet(told - 1, &["team:", "give"]), true),
        (quiet(told - 1, &[]), true),
    ]
}

/// Guards of every kind, and whether they hold.
async fn guards(bench: &Bench) -> Vec<(Guard, bool)> {
    let (okta, entra) = (bench.integration("okta").await, bench.integration("entra").await);
    let (ann, person) = bench.user(okta, "ann").await;
    let (bea, closed) = bench.user(okta, "bea").await;
    // Another User of the same person, who has a name and an address that the person does not tell.
    let (anna, _) = bench.user(entra, "anna").await;
    bench.commit(vec![Write::SetResourcePerson { seq: anna, person }]).await;
    bench.sql(&format!("UPDATE person SET state = 3 WHERE seq = {closed}"));
    bench.sql("UPDATE person SET state = 3 WHERE id = 'per_2-anna'");
    let staff = bench.group(okta, "staff").await;
    let empty = bench.group(okta, "empty").await;
    let created = version_of(bench, empty);
    let document = version_of(bench, staff);
    let version = bench.members(staff, MemberWrite::Add(seqs(&[ann]))).await.seq;
    let changed =
        bench.commit(vec![Write::UpdateResource(ResourceUpdate { seq: bea, columns: user_columns("bea", false) })]);
    let changed = changed.await.seq;
    let epoch = bench.epoch(person).await;
    let bump = Guard::Key { key: "bumped".to_owned(), version: 0, bump: true };
    bench.store.commit(ChangeSet { guards: vec![bump], ..bench.set(Vec::new()) }).await.unwrap();
    let team = bench.item(item("team", "pay")).await;
    let named: i64 = bench.value(&format!("SELECT version FROM item WHERE seq = {team}")).parse().unwrap();
    let put = EntryWrite {
        collection: "roles".to_owned(),
        id: "a".to_owned(),
        parent: None,
        state: None,
        due: None,
        doc: "{}".to_owned(),
    };
    let written = bench.commit(vec![Write::PutEntry(put)]).await.seq;
    let document_of = |collection: &str, id: &str, version| Guard::Entry {
        collection: collection.to_owned(),
        id: id.to_owned(),
        version,
    };
    let key = |key: &str, version| Guard::Key { key: key.to_owned(), version, bump: false };
    let mut all = of_names();
    all.extend(of_the_feed(bench).await);
    all.extend([
        (Guard::Document { seq: staff, version: document }, true),
        (Guard::Document { seq: staff, version }, false),
        (Guard::Document { seq: bea, version: changed }, true),
        (Guard::Document { seq: bea, version: changed - 1 }, false),
        (Guard::Document { seq: 9_999, version: 0 }, false),
        (Guard::Item { seq: team, version: named }, true),
        (Guard::Item { seq: team, version: named - 1 }, false),
        (Guard::Item { seq: staff, version: 0 }, false),
        (document_of("roles", "a", written), true),
        (document_of("roles", "a", 0), false),
        (document_of("roles", "b", 0), true),
        (document_of("a", "roles", 0), true),
        (document_of("roles", "b", written), false),
        (key("bumped", 1), true),
        (key("bumped", 0), false),
        (key("unknown", 0), true),
        (key("unknown", 1), false),
        (Guard::Person { seq: person, epoch }, true),
        (Guard::Person { seq: person, epoch: epoch - 1 }, false),
        (Guard::Person { seq: 9_999, epoch: 0 }, false),
        (Guard::Resource { seq: staff, version }, true),
        (Guard::Resource { seq: staff, version: document }, false),
        (Guard::Resource { seq: empty, version: created }, true),
        (Guard::Resource { seq: bea, version: changed }, true),
        (Guard::Resource { seq: bea, version: changed - 1 }, false),
        (Guard::Resource { seq: 9_999, version: 0 }, false),
    ]);
    all
}

#[test]
fn guards_get_one_verdict_however_they_are_asked() {
    on_each_engine(|bench| async move {
        let guards = guards(&bench).await;
        let expected: Vec<bool> = guards.iter().map(|(_, holds)| *holds).collect();
        let set = |guards: Vec<Guard>| ChangeSet { guards, ..bench.set(Vec::new()) };
        let sets: Vec<ChangeSet> = guards.iter().map(|(guard, _)| set(vec![guard.clone()])).collect();
        let judged = async |sets: Vec<ChangeSet>| -> Vec<bool> {
            let verdict = |outcome: Result<_, Error>| match outcome {
                Ok(_) => true,
                Err(Error::Stale) => false,
                Err(error) => panic!("{error}"),
            };
            bench.store.commit_all(sets).await.unwrap().into_iter().map(verdict).collect()
        };
        let told = |verdicts: &[bool]| {
            guards.iter().map(|(guard, _)| guard.clone()).zip(verdicts.to_vec()).collect::<Vec<_>>()
        };
        let compare = |verdicts: &[bool], how: &str| {
            assert_eq!(verdicts, expected, "{how}: {:#?}", told(verdicts));
        };
        compare(&judged(sets.clone()).await, "at once");
        let mut alone = Vec::new();
        for set in sets.clone() {
            alone.extend(judged(vec![set]).await);
        }
        compare(&alone, "alone");
        // One that fails half way has the others judged again, one by one.
        let spoiled = |mut sets: Vec<ChangeSet>| {
            let gone = IntegrationId(77);
            sets.extend([bench.set(vec![Write::InsertResource(user(gone, "x"))]), new_user(bench.now(), gone, "y")]);
            sets
        };
        let singly = judged(spoiled(sets)).await;
        compare(&singly[..expected.len()], "one by one");
        assert_eq!(singly[expected.len()..], [false, false]);
        // A set holds if all its guards do.
        let mut pairs = Vec::new();
        let mut both = Vec::new();
        for two in guards.windows(2) {
            pairs.push(set(two.iter().map(|(guard, _)| guard.clone()).collect()));
            both.push(two.iter().all(|(_, holds)| *holds));
        }
        assert_eq!(judged(pairs.clone()).await, both);
        assert_eq!(judged(spoiled(pairs)).await[..both.len()], both);
    });
}

#[test]
fn nothing_comes_into_an_integration_that_is_gone() {
    on_each_engine(|bench| async move {
        let (okta, entra) = (bench.integration("okta").await, bench.integration("entra").await);
        let late = || new_user(bench.now(), okta, "ann");
        let group = || ChangeSet {
            events: vec![event(EventKind::Create)],
            ..bench.set(vec![Write::InsertResource(group(okta, "staff"))])
        };
        bench.commit(vec![Write::DeleteIntegration(okta)]).await;
        let events = bench.feed().await.len();
        assert!(matches!(bench.store.commit(late()).await, Err(Error::Stale)));
        assert!(matches!(bench.store.commit(group()).await, Err(Error::Stale)));
        let others = ["bea", "cleo"].map(|name| new_user(bench.now(), entra, name));
        let [first, second] = others;
        let done = bench.store.commit_all(vec![first, late(), group(), second]).await.unwrap();
        assert!(done[0].is_ok() && done[3].is_ok(), "{done:?}");
        assert!(done[1..3].iter().all(|outcome| matches!(outcome, Err(Error::Stale))), "{done:?}");
        // An id that is taken is something else.
        let mut twin = user(entra, "bea");
        twin.columns = user_columns("twin", true);
        let taken = bench.store.commit(bench.set(vec![Write::InsertResource(twin)])).await;
        assert!(matches!(taken, Err(Error::Unavailable(_))), "{taken:?}");
        let conflict = NewConflict {
            id: "con_1".to_owned(),
            integration: okta,
            resource: None,
            user_name: "ann".to_owned(),
            user_name_key: unique_key("ann"),
            person: "per_2-bea".to_owned(),
            why: "local".to_owned(),
        };
        assert!(!bench.commit(vec![Write::InsertConflict(conflict)]).await.changed);
        assert_eq!(bench.value("SELECT count(*) FROM resource"), "2");
        assert_eq!(bench.value("SELECT count(*) FROM person"), "2");
        assert_eq!(bench.value("SELECT count(*) FROM email"), "2");
        assert_eq!(bench.value("SELECT count(*) FROM conflict"), "0");
        assert_eq!(bench.feed().await.len(), events + 4);
    });
}
