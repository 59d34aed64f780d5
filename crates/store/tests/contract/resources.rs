//! Users and Groups: counters, references, persons.

use crate::support::{new_user, on_each_engine, seqs, user_columns};
use bailiwick_domain::ids::Kind;
use bailiwick_store::Write;
use bailiwick_store::change::{CallCount, MemberWrite, ResourceUpdate};
use bailiwick_store::rows::CallTotal;

#[test]
fn a_deleted_user_leaves_nothing_behind() {
    on_each_engine(|bench| async move {
        let directory = bench.integration("okta").await;
        let (ann, person) = bench.user(directory, "ann").await;
        let staff = bench.group(directory, "staff").await;
        let added = bench.members(staff, MemberWrite::Add(seqs(&[ann]))).await;
        let epoch = bench.epoch(person).await;
        let gone = bench.commit(vec![Write::DeleteResource { seq: ann, kind: Kind::User }]).await;
        assert!(gone.seq > added.seq);
        let group = bench.store.resource(directory, Kind::Group, "1-staff", false).await.unwrap().unwrap();
        assert_eq!(group.version, gone.seq, "the group lost a member");
        let row = bench.store.person(person).await.unwrap().unwrap();
        assert_eq!((row.authority, row.epoch), (None, epoch + 1));
        assert!(bench.store.person_users(person).await.unwrap().is_empty());
        for table in ["membership", "email", "resource WHERE kind = 1"] {
            assert_eq!(bench.value(&format!("SELECT count(*) FROM {table}")), "0", "{table}");
        }
        assert_eq!(bench.store.integration(directory).await.unwrap().unwrap().users, 0);
    });
}

#[test]
fn a_changed_user_has_a_new_version_and_its_person_a_new_epoch() {
    on_each_engine(|bench| async move {
        let directory = bench.integration("okta").await;
        let (ann, person) = bench.user(directory, "ann").await;
        let epoch = bench.epoch(person).await;
        let columns = user_columns("anna", false);
        let done = bench.commit(vec![Write::UpdateResource(ResourceUpdate { seq: ann, columns })]).await;
        assert!(done.changed);
        let row = bench.store.resource(directory, Kind::User, "1-ann", false).await.unwrap().unwrap();
        assert_eq!((row.version, row.active), (done.seq, false));
        assert_eq!(bench.epoch(person).await, epoch + 1);
        assert_eq!(bench.place.rows("SELECT key FROM email"), [["anna@example.com"]]);
    });
}

#[test]
fn a_user_moves_to_another_person() {
    on_each_engine(|bench| async move {
        let directory = bench.integration("okta").await;
        let (ann, before) = bench.user(directory, "ann").await;
        let (_, after) = bench.user(directory, "bea").await;
        let epochs = (bench.epoch(before).await, bench.epoch(after).await);
        bench.commit(vec![Write::SetResourcePerson { seq: ann, person: after }]).await;
        assert_eq!((bench.epoch(before).await, bench.epoch(after).await), (epochs.0 + 1, epochs.1 + 1));
        assert_eq!(bench.store.person(before).await.unwrap().unwrap().authority, None);
        assert_eq!(bench.store.person_users(after).await.unwrap().len(), 2);
    });
}

#[test]
fn calls_are_counted_and_dated() {
    on_each_engine(|bench| async move {
        let directory = bench.integration("okta").await;
        let row = bench.store.integration(directory).await.unwrap().unwrap();
        assert_eq!((row.last_call, row.last_success, row.last_failure), (None, None, None));
        let done = bench.store.commit(new_user(bench.now(), directory, "ann")).await.unwrap();
        let reads =
            CallCount { integration: directory, method: "GET".to_owned(), status: 200, calls: 5, last: bench.now() };
        for _ in 0..2 {
            let counted = bench.commit(vec![Write::CountCalls(vec![reads.clone()])]).await;
            assert!(!counted.changed);
        }
        let row = bench.store.integration(directory).await.unwrap().unwrap();
        assert_eq!((row.last_success, row.last_failure), (Some(done.at), None));
        let total = |method: &str, status, calls| CallTotal { method: method.to_owned(), status, calls };
        assert_eq!(bench.store.call_totals(directory).await.unwrap(), [total("GET", 200, 10), total("POST", 201, 1)]);
    });
}
