//! Who is to be evaluated again, and what an evaluation reads.

use crate::support::{Bench, give, grant, group, new_user, on_each_engine, seqs, user_columns};
use bailiwick_domain::ids::{IntegrationId, Kind};
use bailiwick_domain::person::State;
use bailiwick_store::change::{
    Dirty, GrantsWrite, HeldState, MemberWrite, NewGrant, PersonKey, ResourceKey, ResourceUpdate,
};
use bailiwick_store::{ChangeSet, Committed, Guard, Write};

/// Has persons marked from now on: there is something to evaluate.
async fn with_rules(bench: &Bench) {
    let key = Guard::Key { key: "mapping".to_owned(), version: 0, bump: true };
    let set = ChangeSet { guards: vec![key], ..bench.set(vec![Write::MarkDirty(Dirty::All)]) };
    bench.store.commit(set).await.unwrap();
}

async fn dirty(bench: &Bench) -> Vec<i64> {
    bench.store.dirty(0, 1_000).await.unwrap()
}

fn settle(person: PersonKey, open: Vec<NewGrant>) -> Write {
    Write::Grants(GrantsWrite { person, open, close: Vec::new(), settled: Some(i64::MAX) })
}

fn add(group: i64, members: &[i64]) -> Write {
    Write::Members { group: ResourceKey::Seq(group), change: MemberWrite::Add(seqs(members)), wide: false }
}

fn remove(group: i64, members: &[i64]) -> Write {
    Write::Members { group: ResourceKey::Seq(group), change: MemberWrite::Remove(seqs(members)), wide: false }
}

/// Commits; what it says of marks, and all marks that there are then, which are taken away.
async fn marks(bench: &Bench, writes: Vec<Write>) -> (Committed, Vec<i64>) {
    let done = bench.commit(writes).await;
    let found = dirty(bench).await;
    bench.commit(vec![Write::Settle { persons: found.clone(), mark: i64::MAX }]).await;
    assert!(dirty(bench).await.is_empty());
    (done, found)
}

#[test]
fn nobody_is_marked_where_there_is_nothing_to_evaluate() {
    on_each_engine(|bench| async move {
        let okta = bench.integration("okta").await;
        let (ann, person) = bench.user(okta, "ann").await;
        let staff = bench.group(okta, "staff").await;
        let done = bench.members(staff, MemberWrite::Add(seqs(&[ann]))).await;
        assert_eq!((done.dirty, done.dirty_more), (Vec::new(), false));
        assert_eq!(bench.store.dirty_count().await.unwrap(), 0);
        // Whoever asks for it is heard all the same.
        let (done, found) = marks(&bench, vec![Write::MarkDirty(Dirty::Persons(vec![person]))]).await;
        assert_eq!((done.dirty, found, done.changed), (vec![person], vec![person], false));
    });
}

#[test]
fn whoever_a_change_concerns_is_marked() {
    on_each_engine(|bench| async move {
        let okta = bench.integration("okta").await;
        let ((ann, person), (bea, other)) = (bench.user(okta, "ann").await, bench.user(okta, "bea").await);
        let (staff, inner) = (bench.group(okta, "staff").await, bench.group(okta, "inner").await);
        with_rules(&bench).await;
        let (_, found) = marks(&bench, Vec::new()).await;
        assert_eq!(found, [person, other]);
        let check = async |writes: Vec<Write>, expect: &[i64]| {
            let shown = format!("{writes:?}");
            let (done, found) = marks(&bench, writes).await;
            assert_eq!((done.dirty.as_slice(), done.dirty_more), (expect, false), "{shown}");
            assert_eq!(found, expect, "{shown}");
        };
        check(vec![add(inner, &[ann])], &[person]).await;
        check(vec![add(inner, &[ann])], &[]).await;
        check(vec![add(inner, &[bea]), remove(inner, &[ann])], &[person, other]).await;
        // Nesting reaches everybody below.
        check(vec![add(staff, &[inner])], &[other]).await;
        check(vec![remove(staff, &[inner])], &[other]).await;
        let document = ResourceUpdate { seq: ann, columns: user_columns("anna", true) };
        check(vec![Write::UpdateResource(document.clone())], &[person]).await;
        check(vec![Write::UpdateResource(document)], &[]).await;
        check(vec![Write::SetResourcePerson { seq: ann, person: other }], &[person, other]).await;
        check(vec![Write::SetResourcePerson { seq: ann, person }], &[person, other]).await;
        check(vec![Write::DeleteResource { seq: inner, kind: Kind::Group }], &[other]).await;
        check(vec![Write::DeleteResource { seq: bea, kind: Kind::User }], &[other]).await;
        // What only changes the person itself does not.
        check(vec![bench.standing(person, State::Inactive).await], &[]).await;
        check(vec![bench.standing(person, State::Active).await], &[]).await;
        check(vec![give(person, vec![grant("a", "hand")])], &[]).await;
        check(vec![Write::SetAttributes { person, doc: r#"{"x":1}"#.to_owned() }], &[]).await;
        check(vec![Write::SetPerson { person, local: Some(true), admin: None }], &[]).await;
        // A new User's person.
        let done = bench.store.commit(new_user(bench.now(), okta, "cy")).await.unwrap();
        let new = bench.store.person_by_id("per_1-cy").await.unwrap().unwrap();
        assert_eq!((done.dirty, dirty(&bench).await), (vec![new.seq], vec![new.seq]));
        marks(&bench, Vec::new()).await;
        // Of an integration that goes, those who are left.
        bench.commit(vec![Write::DeleteIntegration(okta)]).await;
        assert!(dirty(&bench).await.is_empty(), "everybody is closed");
    });
}

#[test]
fn whoever_was_evaluated_by_the_set_is_not_marked() {
    on_each_engine(|bench| async move {
        let okta = bench.integration("okta").await;
        let ((ann, person), (bea, other)) = (bench.user(okta, "ann").await, bench.user(okta, "bea").await);
        let staff = bench.group(okta, "staff").await;
        with_rules(&bench).await;
        let epoch = bench.epoch(person).await;
        let writes = vec![add(staff, &[ann, bea]), settle(PersonKey::Seq(person), vec![grant("t", "feed:g")])];
        let done = bench.commit(writes).await;
        assert_eq!(done.dirty, [other]);
        // The old mark went too, and all of it is one bump.
        assert_eq!(dirty(&bench).await, [other]);
        assert_eq!(bench.epoch(person).await, epoch + 1);
        let done = bench.commit(vec![settle(PersonKey::Seq(other), Vec::new())]).await;
        assert!(!done.changed);
        assert!(dirty(&bench).await.is_empty());
        // With a new User, the grants of its new person come in the same set.
        let mut set = new_user(bench.now(), okta, "cy");
        set.writes.push(settle(PersonKey::New("per_1-cy".to_owned()), vec![grant("t", "rule:x:1-cy")]));
        assert!(bench.store.commit(set).await.unwrap().dirty.is_empty());
        assert!(dirty(&bench).await.is_empty());
        let cy = bench.store.person_by_id("per_1-cy").await.unwrap().unwrap();
        assert_eq!(bench.store.grants_of(cy.seq, true).await.unwrap().len(), 1);
        assert_eq!(cy.epoch, 1);
    });
}

#[test]
fn marks_reach_groups_integrations_and_everybody() {
    on_each_engine(|bench| async move {
        let (okta, entra) = (bench.integration("okta").await, bench.integration("entra").await);
        let ((ann, person), (bea, other)) = (bench.user(okta, "ann").await, bench.user(okta, "bea").await);
        let (_, third) = bench.user(entra, "cy").await;
        let (staff, inner) = (bench.group(okta, "staff").await, bench.group(okta, "inner").await);
        bench.commit(vec![add(staff, &[inner, ann]), add(inner, &[bea]), add(inner, &[staff])]).await;
        let mark = async |whom: Dirty| {
            let (done, found) = marks(&bench, vec![Write::MarkDirty(whom)]).await;
            (done.dirty, done.dirty_more, found)
        };
        assert_eq!(mark(Dirty::Below(vec![staff])).await, (vec![person, other], false, vec![person, other]));
        assert_eq!(mark(Dirty::Below(vec![99_999])).await, (vec![], false, vec![]));
        assert_eq!(mark(Dirty::Integration(okta)).await, (vec![], true, vec![person, other]));
        assert_eq!(mark(Dirty::Integration(IntegrationId(99))).await, (vec![], false, vec![]));
        bench.commit(vec![bench.standing(other, State::Closed).await]).await;
        assert_eq!(mark(Dirty::All).await, (vec![], true, vec![person, third]));
        let many: Vec<i64> = (1..=257).collect();
        assert_eq!(mark(Dirty::Persons(many.clone())).await, (vec![], true, many.clone()));
        bench.commit(vec![Write::MarkDirty(Dirty::Persons(many))]).await;
        assert_eq!(bench.store.dirty_count().await.unwrap(), 257);
        assert_eq!(bench.store.dirty(255, 1).await.unwrap(), [256]);
    });
}

#[test]
fn subjects_are_read_whole() {
    on_each_engine(|bench| async move {
        let (okta, entra) = (bench.integration("okta").await, bench.integration("entra").await);
        let ((ann, person), (bea, other)) = (bench.user(okta, "ann").await, bench.user(okta, "bea").await);
        let (second, _) = bench.user(entra, "ann").await;
        bench.commit(vec![Write::SetResourcePerson { seq: second, person }]).await;
        let (staff, guests) = (bench.group(okta, "staff").await, bench.group(entra, "guests").await);
        bench.commit(vec![add(staff, &[ann, bea]), add(guests, &[second])]).await;
        let hold = Write::Hold { persons: vec![person], hold: "hol_1".to_owned(), state: HeldState::Waiting };
        let attributes = Write::SetAttributes { person, doc: r#"{"attributes":{}}"#.to_owned() };
        let taken = bench.commit(vec![give(person, vec![grant("old", "hand")])]).await;
        assert!(taken.changed);
        let old = bench.store.grants_of(person, true).await.unwrap()[0].seq;
        let close = GrantsWrite { person: PersonKey::Seq(person), open: Vec::new(), close: vec![old], settled: None };
        bench
            .commit(vec![
                Write::Grants(close),
                give(person, vec![grant("t", "hand")]),
                hold,
                attributes,
                Write::MarkDirty(Dirty::Persons(vec![other])),
            ])
            .await;
        let subjects = bench.store.subjects(&[other, person, 99_999]).await.unwrap();
        assert_eq!(subjects.len(), 2);
        let [first, last] = subjects.as_slice() else { panic!("{subjects:?}") };
        assert_eq!(first.person, bench.store.person(person).await.unwrap().unwrap());
        assert_eq!(first.users, bench.store.person_users(person).await.unwrap());
        assert_eq!(first.memberships, [(ann, staff), (second, guests)]);
        assert_eq!(first.grants, bench.store.grants_of(person, true).await.unwrap());
        assert_eq!(first.held, bench.store.held_by(&[person]).await.unwrap().pop());
        assert!(first.held.is_some() && first.dirty.is_none());
        assert_eq!(
            (last.users.len(), last.memberships.as_slice(), last.grants.len()),
            (1, [(bea, staff)].as_slice(), 0)
        );
        assert!(last.held.is_none() && last.dirty.is_some());
        assert!(bench.store.subjects(&[]).await.unwrap().is_empty());
        let many: Vec<i64> = (0..1_000).collect();
        assert!(bench.store.subjects(&many).await.unwrap().len() >= 2);
    });
}

#[test]
fn the_web_above_groups_ends_in_spite_of_cycles() {
    on_each_engine(|bench| async move {
        let okta = bench.integration("okta").await;
        let mut groups = Vec::new();
        for name in ["a", "b", "c", "d", "apart"] {
            let mut new = group(okta, name);
            new.columns.external_id = (name == "a").then(|| "ext".to_owned());
            groups.push(bench.commit(vec![Write::InsertResource(new)]).await.inserted[0].1);
        }
        let [a, b, c, d, apart] = groups[..] else { panic!("{groups:?}") };
        let (ann, _) = bench.user(okta, "ann").await;
        // a in b and c, both in d, d in a; a in itself.
        let edges = [add(b, &[a]), add(c, &[a, ann]), add(d, &[b, c]), add(a, &[d, a]), add(apart, &[ann])];
        bench.commit(edges.to_vec()).await;
        let web = bench.store.groups_above(&[a]).await.unwrap();
        assert_eq!(web.groups.iter().map(|group| group.seq).collect::<Vec<_>>(), [a, b, c, d]);
        assert_eq!(web.edges, [(a, a), (a, b), (a, c), (b, d), (c, d), (d, a)]);
        let node = &web.groups[0];
        assert_eq!((node.id.as_str(), node.display.as_str(), node.integration), ("1-a", "a", okta));
        assert_eq!((node.external_id.as_deref(), node.doc.contains("displayName")), (Some("ext"), true));
        // Changes of members leave the version of the document.
        assert_eq!(node.version.to_string(), bench.value(&format!("SELECT version FROM resource WHERE seq = {a}")));
        let both = bench.store.groups_above(&[apart, d, apart]).await.unwrap();
        assert_eq!(both.groups.len(), 5);
        assert_eq!(both.edges.len(), 6);
        assert_eq!(bench.store.groups_above(&[]).await.unwrap(), Default::default());
    });
}
