//! Member changes are deltas; what they did is told exactly.

use crate::support::{call, group, on_each_engine, seqs, user};
use bailiwick_domain::event::EventKind;
use bailiwick_domain::ids::Kind;
use bailiwick_store::change::{MemberWrite, ResourceKey};
use bailiwick_store::{ChangeSet, Error, Write};
use serde_json::json;

#[test]
fn only_what_changed_is_told() {
    on_each_engine(|bench| async move {
        let directory = bench.integration("okta").await;
        let mut users = Vec::new();
        for name in ["a", "b", "c", "d"] {
            users.push(bench.user(directory, name).await.0);
        }
        let staff = bench.group(directory, "staff").await;
        let steps = [
            (MemberWrite::Add(seqs(&users[..2])), json!({ "added": ["1-a", "1-b"], "removed": [] })),
            (MemberWrite::Add(seqs(&users[1..3])), json!({ "added": ["1-c"], "removed": [] })),
            (MemberWrite::Remove(seqs(&users[2..])), json!({ "added": [], "removed": ["1-c"] })),
            (MemberWrite::Set(seqs(&users[1..])), json!({ "added": ["1-c", "1-d"], "removed": ["1-a"] })),
            (MemberWrite::Clear, json!({ "added": [], "removed": ["1-b", "1-c", "1-d"] })),
        ];
        for (change, told) in steps {
            let set = ChangeSet {
                events: vec![call(EventKind::Patch, directory, Some("1-staff"), "PATCH", 204)],
                ..bench.set(vec![Write::Members { group: ResourceKey::Seq(staff), change, wide: false }])
            };
            let done = bench.store.commit(set).await.unwrap();
            let event = bench.store.event(done.seq).await.unwrap().unwrap();
            assert_eq!(event.payload.unwrap()["members"], told);
        }
    });
}

#[test]
fn many_members_are_told_in_chunks() {
    on_each_engine(|bench| async move {
        let directory = bench.integration("okta").await;
        let mut writes: Vec<Write> =
            (0..2_500).map(|number| Write::InsertResource(user(directory, &format!("u{number}")))).collect();
        writes.push(Write::InsertResource(group(directory, "all")));
        let keys = (0..2_500).map(|number| ResourceKey::New(format!("1-u{number}"))).collect();
        writes.push(Write::Members {
            group: ResourceKey::New("1-all".to_owned()),
            change: MemberWrite::Add(keys),
            wide: false,
        });
        let set = ChangeSet {
            events: vec![call(EventKind::Create, directory, Some("1-all"), "POST", 201)],
            ..bench.set(writes)
        };
        let done = bench.store.commit(set).await.unwrap();
        let events = bench.store.events_of_request("req_1").await.unwrap();
        let sizes: Vec<usize> = events
            .iter()
            .map(|event| event.payload.as_ref().unwrap()["members"]["added"].as_array().unwrap().len())
            .collect();
        assert_eq!(sizes, [1_000, 1_000, 500]);
        assert!(events.iter().all(|event| event.resource.as_deref() == Some("1-all")));
        assert_eq!(events.iter().filter(|event| event.method.is_some()).count(), 1);
        assert_eq!(events[0].seq, done.seq);
        let row = bench.store.integration(directory).await.unwrap().unwrap();
        assert_eq!((row.users, row.groups, row.nested), (2_500, 1, 0));
    });
}

#[test]
fn nesting_is_counted_and_reaches_everybody_below() {
    on_each_engine(|bench| async move {
        let directory = bench.integration("okta").await;
        let (ann, person) = bench.user(directory, "ann").await;
        let mut groups = Vec::new();
        for name in ["top", "middle", "inner"] {
            groups.push(bench.group(directory, name).await);
        }
        bench.members(groups[2], MemberWrite::Add(seqs(&[ann]))).await;
        let before = bench.epoch(person).await;
        bench.members(groups[1], MemberWrite::Add(seqs(&[groups[2]]))).await;
        bench.members(groups[0], MemberWrite::Add(seqs(&[groups[1]]))).await;
        assert_eq!(bench.epoch(person).await, before + 2);
        // A cycle is stored as it is said and ends nobody's patience.
        bench.members(groups[2], MemberWrite::Add(seqs(&[groups[0]]))).await;
        assert_eq!(bench.store.integration(directory).await.unwrap().unwrap().nested, 3);
        let before = bench.epoch(person).await;
        bench.commit(vec![Write::DeleteResource { seq: groups[1], kind: Kind::Group }]).await;
        assert_eq!(bench.epoch(person).await, before + 1);
        let row = bench.store.integration(directory).await.unwrap().unwrap();
        assert_eq!((row.groups, row.nested), (2, 1));
    });
}

#[test]
fn a_set_that_changes_several_edges_reaches_everybody_below_each() {
    on_each_engine(|bench| async move {
        let directory = bench.integration("okta").await;
        let (ann, person) = bench.user(directory, "ann").await;
        let mut groups = Vec::new();
        for name in ["top", "middle", "inner"] {
            groups.push(bench.group(directory, name).await);
        }
        let write = |group: i64, change| Write::Members { group: ResourceKey::Seq(group), change, wide: false };
        let add = |group, member| write(group, MemberWrite::Add(seqs(&[member])));
        let remove = |group, member| write(group, MemberWrite::Remove(seqs(&[member])));
        let before = bench.epoch(person).await;
        let top_down = [add(groups[0], groups[1]), add(groups[1], groups[2]), add(groups[2], ann)];
        bench.commit(top_down.into()).await;
        assert_eq!(bench.epoch(person).await, before + 1);
        // Ann is below "top" when it loses "middle", and no longer when the set ends.
        bench.commit(vec![remove(groups[0], groups[1]), remove(groups[1], groups[2])]).await;
        assert_eq!(bench.epoch(person).await, before + 2);
        assert_eq!(bench.store.integration(directory).await.unwrap().unwrap().nested, 0);
    });
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test may look at a watch")]
fn a_web_of_groups_costs_no_more_than_its_edges() {
    on_each_engine(|bench| async move {
        let directory = bench.integration("okta").await;
        let (ann, person) = bench.user(directory, "ann").await;
        let names: Vec<_> = (0..150).map(|number| format!("g{number}")).collect();
        let mut writes: Vec<_> = names.iter().map(|name| Write::InsertResource(group(directory, name))).collect();
        for name in &names {
            let others =
                names.iter().filter(|other| *other != name).map(|other| ResourceKey::New(format!("1-{other}")));
            let change = MemberWrite::Add(others.chain([ResourceKey::Seq(ann)]).collect());
            writes.push(Write::Members { group: ResourceKey::New(format!("1-{name}")), change, wide: false });
        }
        let before = bench.epoch(person).await;
        let start = std::time::Instant::now();
        bench.commit(writes).await;
        // One walk of the web per edge takes a hundred times as long as all writes together.
        assert!(start.elapsed().as_secs() < 8, "{:?}", start.elapsed());
        assert_eq!(bench.epoch(person).await, before + 1);
        assert_eq!(bench.store.integration(directory).await.unwrap().unwrap().nested, 150 * 149);
    });
}

#[test]
fn members_of_other_integrations_are_refused() {
    on_each_engine(|bench| async move {
        let (okta, entra) = (bench.integration("okta").await, bench.integration("entra").await);
        let (foreign, _) = bench.user(entra, "ann").await;
        let staff = bench.group(okta, "staff").await;
        let change = MemberWrite::Add(seqs(&[foreign]));
        let set = bench.set(vec![Write::Members { group: ResourceKey::Seq(staff), change, wide: false }]);
        assert!(matches!(bench.store.commit(set).await, Err(Error::Stale)));
    });
}

#[test]
fn versions_and_times_never_go_back() {
    on_each_engine(|bench| async move {
        let directory = bench.integration("okta").await;
        let (ann, _) = bench.user(directory, "ann").await;
        let staff = bench.group(directory, "staff").await;
        let mut last = (0, 0);
        for round in 0..200 {
            // The clock jumps to and fro.
            let jump = if round % 3 == 0 { -3_600_000 } else { 3_600_001 };
            bench.clock.fetch_add(jump, std::sync::atomic::Ordering::Relaxed);
            let change = match round % 2 {
                0 => MemberWrite::Add(seqs(&[ann])),
                _ => MemberWrite::Remove(seqs(&[ann])),
            };
            bench.members(staff, change).await;
            if round == 150 {
                // Long enough for the appender to fold member changes into the row.
                tokio::time::sleep(std::time::Duration::from_millis(200)).await;
            }
            let row = bench.store.resource(directory, Kind::Group, "1-staff", false).await.unwrap().unwrap();
            assert!(row.version > last.0 && row.modified.0 >= last.1, "round {round}");
            last = (row.version, row.modified.0);
        }
    });
}
