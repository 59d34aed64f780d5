//! Preconditions, uniqueness, and sets that leave each other alone.

use crate::support::{Bench, call, event, group, new_user, on_each_engine, seqs, user, user_columns};
use bailiwick_domain::event::EventKind;
use bailiwick_domain::ids::Kind;
use bailiwick_scim::text::unique_key;
use bailiwick_store::change::{MemberWrite, PersonKey, ResourceKey, ResourceUpdate};
use bailiwick_store::{ChangeSet, Constraint, Error, Guard, Write};

async fn refused(bench: &Bench, guard: Guard) -> bool {
    let set = ChangeSet { guards: vec![guard], ..bench.set(vec![setting("touched", "yes")]) };
    match bench.store.commit(set).await {
        Ok(_) => false,
        Err(Error::Stale) => true,
        Err(error) => panic!("{error}"),
    }
}

fn setting(key: &str, value: &str) -> Write {
    Write::SetSetting { key: key.to_owned(), value: value.to_owned() }
}

#[test]
fn a_key_is_compared_and_bumped() {
    on_each_engine(|bench| async move {
        let key = |version, bump| Guard::Key { key: "rules".to_owned(), version, bump };
        assert!(refused(&bench, key(1, false)).await);
        assert_eq!(bench.store.setting("touched").await.unwrap(), None);
        assert!(!refused(&bench, key(0, true)).await);
        assert_eq!(bench.store.guard("rules").await.unwrap(), 1);
        assert!(refused(&bench, key(0, true)).await);
        assert!(!refused(&bench, key(1, false)).await);
        assert_eq!(bench.store.guard("rules").await.unwrap(), 1);
    });
}

#[test]
fn a_person_and_a_resource_are_compared() {
    on_each_engine(|bench| async move {
        let directory = bench.integration("okta").await;
        let (ann, person) = bench.user(directory, "ann").await;
        let group = bench.group(directory, "staff").await;
        let epoch = bench.epoch(person).await;
        assert!(!refused(&bench, Guard::Person { seq: person, epoch }).await);
        let added = bench.members(group, MemberWrite::Add(seqs(&[ann]))).await;
        assert!(refused(&bench, Guard::Person { seq: person, epoch }).await);
        assert!(refused(&bench, Guard::Person { seq: 9_999, epoch: 1 }).await);
        assert!(!refused(&bench, Guard::Resource { seq: group, version: added.seq }).await);
        assert!(refused(&bench, Guard::Resource { seq: group, version: added.seq - 1 }).await);
        assert!(refused(&bench, Guard::Resource { seq: 9_999, version: 1 }).await);
    });
}

#[test]
fn candidates_must_be_the_same_persons() {
    on_each_engine(|bench| async move {
        let directory = bench.integration("okta").await;
        bench.user(directory, "ann").await;
        let guard = |name: &str, email: &str, persons: &[&str]| Guard::Candidates {
            user_name_key: unique_key(name),
            email_keys: vec![unique_key(email)],
            persons: persons.iter().map(|id| (*id).to_owned()).collect(),
        };
        assert!(!refused(&bench, guard("bea", "bea@example.com", &[])).await);
        assert!(refused(&bench, guard("ANN", "x@example.com", &[])).await);
        assert!(!refused(&bench, guard("ANN", "x@example.com", &["per_1-ann"])).await);
        assert!(refused(&bench, guard("bea", "Ann@Example.com", &[])).await);
        assert!(refused(&bench, guard("bea", "bea@example.com", &["per_1-ann"])).await);
    });
}

#[test]
fn names_are_unique_within_an_integration() {
    on_each_engine(|bench| async move {
        let (okta, entra) = (bench.integration("okta").await, bench.integration("entra").await);
        let (ann, _) = bench.user(okta, "ann").await;
        bench.user(entra, "ann").await;
        let mut twin = user(okta, "twin");
        twin.columns = user_columns("ANN", true);
        let set = bench.set(vec![Write::InsertResource(twin)]);
        assert!(matches!(bench.store.commit(set).await, Err(Error::Conflict(Constraint::UserName))));
        let (bea, _) = bench.user(okta, "bea").await;
        let rename = |seq, name| Write::UpdateResource(ResourceUpdate { seq, columns: user_columns(name, true) });
        let set = bench.set(vec![rename(bea, "Ann")]);
        assert!(matches!(bench.store.commit(set).await, Err(Error::Conflict(Constraint::UserName))));
        // Two groups may share a name, and a name given up is free.
        bench.group(okta, "staff").await;
        let mut second = group(okta, "other");
        second.columns = group(okta, "staff").columns;
        bench.commit(vec![Write::InsertResource(second)]).await;
        bench.commit(vec![rename(ann, "anna")]).await;
        bench.commit(vec![rename(bea, "Ann")]).await;
    });
}

#[test]
fn a_failed_set_leaves_its_neighbours_alone() {
    on_each_engine(|bench| async move {
        let directory = bench.integration("okta").await;
        let twice = ChangeSet {
            // The person and the counters of the failed set must vanish with it.
            ..new_user(bench.now(), directory, "ann")
        };
        let stale = ChangeSet {
            guards: vec![Guard::Key { key: "k".to_owned(), version: 5, bump: true }],
            ..bench.set(vec![setting("never", "set")])
        };
        let sets =
            vec![new_user(bench.now(), directory, "ann"), twice, stale, bench.set(vec![setting("after", "set")])];
        let results = bench.store.commit_all(sets).await.unwrap();
        assert!(results[0].is_ok());
        assert!(results[1].is_err());
        assert!(matches!(results[2], Err(Error::Stale)));
        assert!(results[3].is_ok());
        assert_eq!(bench.store.setting("never").await.unwrap(), None);
        assert_eq!(bench.store.setting("after").await.unwrap().as_deref(), Some("set"));
        assert_eq!(bench.store.integration(directory).await.unwrap().unwrap().users, 1);
        assert_eq!(bench.feed().await.iter().filter(|event| event.kind == "prov:create:full").count(), 1);
    });
}

#[test]
fn a_set_that_changes_nothing_keeps_the_record_of_its_call() {
    on_each_engine(|bench| async move {
        let directory = bench.integration("okta").await;
        let (ann, _) = bench.user(directory, "ann").await;
        let staff = bench.group(directory, "staff").await;
        bench.members(staff, MemberWrite::Add(seqs(&[ann]))).await;
        let before = bench.feed().await.len();
        let again = ChangeSet {
            events: vec![
                event(EventKind::ConflictOpen),
                call(EventKind::Patch, directory, Some("1-staff"), "PATCH", 200),
            ],
            ..bench.set(vec![Write::Members {
                group: ResourceKey::Seq(staff),
                change: MemberWrite::Add(seqs(&[ann])),
                wide: false,
            }])
        };
        let done = bench.store.commit(again).await.unwrap();
        assert!(!done.changed);
        let feed = bench.feed().await;
        assert_eq!(feed.len(), before + 1);
        assert_eq!(feed.last().unwrap().kind, "call:unchanged");
        assert_eq!(feed.last().unwrap().seq, done.seq);
        // A refused call writes nothing and is kept as it is.
        let refused = ChangeSet {
            events: vec![call(EventKind::CallRefused, directory, None, "POST", 409)],
            ..bench.set(Vec::new())
        };
        bench.store.commit(refused).await.unwrap();
        assert_eq!(bench.feed().await.last().unwrap().kind, "call:refused");
        // An equal document changes nothing either.
        let same = Write::UpdateResource(ResourceUpdate { seq: ann, columns: user_columns("ann", true) });
        assert!(!bench.commit(vec![same]).await.changed);
    });
}

#[test]
fn what_a_set_names_must_be_there() {
    on_each_engine(|bench| async move {
        let directory = bench.integration("okta").await;
        let staff = bench.group(directory, "staff").await;
        let stale = |write: Write| {
            let set = bench.set(vec![write]);
            let store = bench.store.clone();
            async move { matches!(store.commit(set).await, Err(Error::Stale)) }
        };
        assert!(stale(Write::DeleteResource { seq: 999, kind: Kind::User }).await);
        assert!(stale(Write::Members { group: ResourceKey::Seq(999), change: MemberWrite::Clear, wide: false }).await);
        let ghost = MemberWrite::Add(seqs(&[999]));
        assert!(stale(Write::Members { group: ResourceKey::Seq(staff), change: ghost, wide: false }).await);
        assert!(stale(Write::RevokeToken { id: "tok_none".to_owned() }).await);
        assert!(stale(Write::SetConflict { id: "con_none".to_owned(), state: "kept".to_owned() }).await);
        let columns = user_columns("x", true);
        assert!(stale(Write::UpdateResource(ResourceUpdate { seq: 999, columns })).await);
        let account =
            Write::RecoverLocalAccount { person: 999, password_hash: "x".to_owned(), recovery_digests: Vec::new() };
        assert!(stale(account).await);
        let unknown = bench.set(vec![Write::InsertLocalAccount {
            person: PersonKey::New("per_none".to_owned()),
            password_hash: "x".to_owned(),
            recovery_digests: Vec::new(),
        }]);
        assert!(bench.store.commit(unknown).await.is_err());
    });
}
