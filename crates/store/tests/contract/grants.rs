//! What persons are given: opened, closed, never forgotten.

use crate::support::{Bench, give, grant, item, on_each_engine};
use bailiwick_domain::ids::Millis;
use bailiwick_domain::mapping::GrantKind;
use bailiwick_domain::person::State;
use bailiwick_store::Write;
use bailiwick_store::change::{GrantsWrite, NewGrant, PersonKey};
use std::sync::atomic::Ordering;

fn take(person: i64, close: Vec<i64>) -> Write {
    Write::Grants(GrantsWrite { person: PersonKey::Seq(person), open: Vec::new(), close, settled: None })
}

async fn held(bench: &Bench, person: i64) -> Vec<String> {
    bench.store.grants_of(person, true).await.unwrap().into_iter().map(|grant| grant.object).collect()
}

#[test]
fn a_grant_is_opened_once_and_closed_for_good() {
    on_each_engine(|bench| async move {
        let (_, ann) = bench.user(bench.integration("okta").await, "ann").await;
        let epoch = bench.epoch(ann).await;
        let opened = bench.commit(vec![give(ann, vec![grant("a", "hand"), grant("b", "hand")])]).await;
        assert!(opened.changed);
        assert_eq!(bench.epoch(ann).await, epoch + 1);
        // An equal one stays as it is, and nothing changed.
        let again = NewGrant { path: "[1]".to_owned(), ..grant("a", "hand") };
        assert!(!bench.commit(vec![give(ann, vec![again])]).await.changed);
        assert_eq!(bench.epoch(ann).await, epoch + 1);
        let rows = bench.store.grants_of(ann, true).await.unwrap();
        assert_eq!(rows.len(), 2);
        assert_eq!((rows[0].kind, rows[0].path.as_str(), rows[0].began), (GrantKind::Team, "[]", opened.seq));
        assert_eq!((rows[0].from, rows[0].until, rows[0].ended), (bench.now(), None, None));
        // By another way it is another grant.
        bench.commit(vec![give(ann, vec![grant("a", "feed:g")])]).await;
        assert_eq!(held(&bench, ann).await, ["a", "b", "a"]);
        bench.clock.fetch_add(1_000, Ordering::Relaxed);
        let closed = bench.commit(vec![take(ann, vec![rows[0].seq, 999_999])]).await;
        assert!(closed.changed);
        assert!(!bench.commit(vec![take(ann, vec![rows[0].seq])]).await.changed);
        assert_eq!(held(&bench, ann).await, ["b", "a"]);
        let all = bench.store.grants_of(ann, false).await.unwrap();
        assert_eq!((all.len(), all[0].ended, all[0].until), (3, Some(closed.seq), Some(bench.now())));
        // Closed before it is opened again.
        let open = bench.store.grants_of(ann, true).await.unwrap();
        let both = GrantsWrite {
            person: PersonKey::Seq(ann),
            open: vec![NewGrant { path: "[2]".to_owned(), ..grant("b", "hand") }],
            close: vec![open[0].seq],
            settled: None,
        };
        bench.commit(vec![Write::Grants(both)]).await;
        let now = bench.store.grants_of(ann, true).await.unwrap();
        assert_eq!(now.iter().map(|grant| grant.path.as_str()).collect::<Vec<_>>(), ["[]", "[2]"]);
        // Nobody closes what is another's.
        let (_, bea) = bench.user(bench.integration("entra").await, "bea").await;
        assert!(!bench.commit(vec![take(bea, vec![now[0].seq])]).await.changed);
    });
}

#[test]
fn what_was_held_in_march_is_known() {
    on_each_engine(|bench| async move {
        let okta = bench.integration("okta").await;
        let ((_, ann), (_, bea)) = (bench.user(okta, "ann").await, bench.user(okta, "bea").await);
        let start = bench.now().0;
        let mut moments = Vec::new();
        for object in ["a", "b", "c"] {
            bench.clock.fetch_add(10, Ordering::Relaxed);
            let before = bench.store.grants_of(ann, true).await.unwrap().into_iter().map(|grant| grant.seq).collect();
            bench.commit(vec![take(ann, before), give(ann, vec![grant(object, "hand")])]).await;
            bench.commit(vec![give(bea, vec![grant(object, "hand")])]).await;
            moments.push(bench.now());
        }
        let at = async |person, at| -> Vec<String> {
            bench.store.grants_at(person, at).await.unwrap().into_iter().map(|grant| grant.object).collect()
        };
        assert_eq!(at(ann, Millis(start)).await, [""; 0]);
        assert_eq!(at(ann, moments[0]).await, ["a"]);
        assert_eq!(at(ann, Millis(moments[1].0 - 1)).await, ["a"]);
        assert_eq!(at(ann, moments[1]).await, ["b"]);
        assert_eq!(at(bea, moments[1]).await, ["a", "b"]);
        let both = bench.store.grants_of_many_at(&[bea, ann], moments[1]).await.unwrap();
        let both: Vec<(i64, &str)> = both.iter().map(|grant| (grant.person, grant.object.as_str())).collect();
        assert_eq!(both, [(ann, "b"), (bea, "a"), (bea, "b")]);
        assert!(bench.store.anybody_held(GrantKind::Team, moments[0]).await.unwrap());
        assert!(!bench.store.anybody_held(GrantKind::Role, moments[0]).await.unwrap());
        assert!(!bench.store.anybody_held(GrantKind::Team, Millis(start)).await.unwrap());
        let mut everybody = Vec::new();
        let mut after = 0;
        loop {
            let page = bench.store.grants_all_at(moments[1], after, 2).await.unwrap();
            let Some((_, last)) = page.last() else { break };
            after = last.seq;
            everybody.extend(page.into_iter().map(|(person, grant)| (person, grant.object)));
        }
        let expect = [("per_1-bea", "a"), ("per_1-ann", "b"), ("per_1-bea", "b")];
        assert_eq!(everybody, expect.map(|(person, object)| (person.to_owned(), object.to_owned())));
    });
}

#[test]
fn who_holds_an_object_is_told_person_by_person() {
    on_each_engine(|bench| async move {
        let okta = bench.integration("okta").await;
        let mut persons = Vec::new();
        for name in ["a", "b", "c"] {
            let (_, person) = bench.user(okta, name).await;
            bench.commit(vec![give(person, vec![grant("t", "hand"), grant("t", "feed:g"), grant("u", name)])]).await;
            persons.push(person);
        }
        assert_eq!(bench.store.holder_count(GrantKind::Team, "t").await.unwrap(), 3);
        assert_eq!(bench.store.holder_count(GrantKind::Team, "b").await.unwrap(), 0);
        bench.commit(vec![bench.standing(persons[1], State::Inactive).await]).await;
        let states = bench.store.person_states_of(&persons).await.unwrap();
        let left: Vec<i64> =
            states.iter().filter(|change| change.after == State::Inactive).map(|change| change.person).collect();
        assert_eq!(left, [persons[1]]);
        let rows = bench.store.persons_by_rows(&[persons[2], 999_999, persons[0]]).await.unwrap();
        assert_eq!(rows.iter().map(|row| row.seq).collect::<Vec<_>>(), [persons[0], persons[2]]);
        let holders = async |after, limit| -> Vec<(i64, String)> {
            let found = bench.store.holders(GrantKind::Team, "t", after, limit).await.unwrap();
            found.into_iter().map(|(person, grant)| (person.seq, grant.origin)).collect()
        };
        let both = |person: i64| [(person, "hand".to_owned()), (person, "feed:g".to_owned())];
        assert_eq!(holders(0, 2).await, [both(persons[0]), both(persons[1])].concat());
        assert_eq!(holders(persons[1], 2).await, both(persons[2]));
        // Only those who are active count, and each once.
        let all = bench.store.team_sizes(None).await.unwrap();
        assert_eq!(all, [("t".to_owned(), 2), ("u".to_owned(), 2)]);
        let some = bench.store.team_sizes(Some(&["u".to_owned(), "none".to_owned()])).await.unwrap();
        assert_eq!(some, [("u".to_owned(), 2)]);
        let many = bench.store.grants_of_many(&persons[..2]).await.unwrap();
        assert_eq!(
            many.iter().map(|grant| grant.person).collect::<Vec<_>>(),
            [[persons[0]; 3], [persons[1]; 3]].concat()
        );
        assert!(bench.store.grants_of_many(&[]).await.unwrap().is_empty());
        let closed = bench.commit(vec![Write::CloseGrants { kind: GrantKind::Team, object: "t".to_owned() }]).await;
        assert!(closed.changed);
        assert!(holders(0, 9).await.is_empty());
        assert_eq!(held(&bench, persons[0]).await, ["u"]);
        let nothing = Write::CloseGrants { kind: GrantKind::Role, object: "u".to_owned() };
        assert!(!bench.commit(vec![nothing]).await.changed);
    });
}

#[test]
fn grants_end_with_what_they_are_of_and_with_who_has_them() {
    on_each_engine(|bench| async move {
        let okta = bench.integration("okta").await;
        let ((_, ann), (_, bea)) = (bench.user(okta, "ann").await, bench.user(okta, "bea").await);
        let team = bench.item(item("team", "pay")).await;
        let property = NewGrant { kind: GrantKind::Property, ..grant("team-pay", "hand") };
        for person in [ann, bea] {
            bench
                .commit(vec![give(person, vec![grant("team-pay", "hand"), grant("x", "hand"), property.clone()])])
                .await;
        }
        let epoch = bench.epoch(ann).await;
        bench.commit(vec![Write::DeleteItem { seq: team }]).await;
        assert_eq!(held(&bench, ann).await, ["x", "team-pay"]);
        assert_eq!(bench.epoch(ann).await, epoch + 1);
        // Switched off, a person keeps what it has for a return; closed, it keeps nothing.
        bench.commit(vec![bench.standing(ann, State::Inactive).await]).await;
        assert_eq!(held(&bench, ann).await.len(), 2);
        bench.commit(vec![Write::SetAttributes { person: ann, doc: r#"{"a":1}"#.to_owned() }]).await;
        let closed = bench.commit(vec![bench.standing(ann, State::Closed).await]).await;
        assert!(held(&bench, ann).await.is_empty());
        let row = bench.store.grants_of(ann, false).await.unwrap().pop().unwrap();
        assert_eq!((row.ended, row.until), (Some(closed.seq), Some(bench.now())));
        assert_eq!(bench.store.person(ann).await.unwrap().unwrap().doc, "{}");
        assert_eq!(held(&bench, bea).await.len(), 2);
        bench.commit(vec![Write::DeleteIntegration(okta)]).await;
        assert!(held(&bench, bea).await.is_empty());
        let states = async |person| -> Vec<(State, State)> {
            let states = bench.store.person_states(person).await.unwrap();
            states.into_iter().map(|change| (change.before, change.after)).collect()
        };
        assert_eq!(states(ann).await, [(State::Active, State::Inactive), (State::Inactive, State::Closed)]);
        assert_eq!(states(bea).await, [(State::Active, State::Closed)]);
    });
}

#[test]
fn only_real_changes_of_state_are_remembered() {
    on_each_engine(|bench| async move {
        let (okta, entra) = (bench.integration("okta").await, bench.integration("entra").await);
        let (_, ann) = bench.user(okta, "ann").await;
        bench.commit(vec![bench.standing(ann, State::Active).await]).await;
        assert!(bench.store.person_states(ann).await.unwrap().is_empty());
        let off = bench.commit(vec![bench.standing(ann, State::Inactive).await]).await;
        bench.commit(vec![bench.standing(ann, State::Inactive).await]).await;
        let states = bench.store.person_states(ann).await.unwrap();
        assert_eq!(states.len(), 1);
        assert_eq!((states[0].seq, states[0].at, states[0].after), (off.seq, bench.now(), State::Inactive));
        // Without the integration that said so, somebody goes on as the rest says.
        let (bea, both) = bench.user(okta, "bea").await;
        let (other, _) = bench.user(entra, "bea").await;
        bench.commit(vec![Write::SetResourcePerson { seq: other, person: both }]).await;
        bench.sql(&format!("UPDATE resource SET active = false WHERE seq = {other}"));
        bench.sql(&format!("UPDATE person SET authority = {bea} WHERE seq = {both}"));
        bench.commit(vec![Write::DeleteIntegration(okta)]).await;
        let states = bench.store.person_states(both).await.unwrap();
        assert_eq!((states.len(), states[0].before, states[0].after), (1, State::Active, State::Inactive));
        assert_eq!(bench.store.person(both).await.unwrap().unwrap().state, State::Inactive);
    });
}
