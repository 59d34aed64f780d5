//! Who left, across all persons.

use crate::support::{Bench, on_each_engine};
use bailiwick_domain::ids::Millis;
use bailiwick_domain::person::State;
use bailiwick_store::Write;
use bailiwick_store::change::{PersonFacts, PersonUpdate};

async fn becomes(bench: &Bench, person: i64, state: State) {
    let row = bench.store.person(person).await.unwrap().unwrap();
    let facts =
        PersonFacts { state, display: row.display, email: None, email_key: None, user_name: None, user_name_key: None };
    bench.commit(vec![Write::UpdatePerson(PersonUpdate { seq: person, facts, authority: None })]).await;
}

#[test]
fn whose_access_ended_is_listed_the_latest_first() {
    on_each_engine(async |bench| {
        let okta = bench.integration("okta").await;
        let (_, ann) = bench.user(okta, "ann").await;
        let (_, bob) = bench.user(okta, "bob").await;
        let start = bench.now().0;
        let at = |seconds: i64| bench.clock.store(start + seconds * 1_000, std::sync::atomic::Ordering::Relaxed);
        for (seconds, person, state) in [
            (1, ann, State::Inactive),
            (2, bob, State::Inactive),
            (3, ann, State::Active),
            (4, bob, State::Closed),
            (5, ann, State::Closed),
        ] {
            at(seconds);
            becomes(&bench, person, state).await;
        }
        let left = async |since: i64, limit| {
            let rows = bench.store.left_since(Millis(start + since * 1_000), None, limit).await.unwrap();
            rows.iter().map(|row| (row.person, (row.at.0 - start) / 1_000, row.after)).collect::<Vec<_>>()
        };
        // That somebody who was off already is closed ends no access.
        let all = [(ann, 5, State::Closed), (bob, 2, State::Inactive), (ann, 1, State::Inactive)];
        assert_eq!(left(0, 10).await, all);
        assert_eq!(left(2, 10).await, all[..2]);
        assert_eq!(left(0, 1).await, all[..1]);
        assert_eq!(left(6, 10).await, []);
        let behind = |row: usize| Some((Millis(start + all[row].1 * 1_000), all[row].0));
        for (row, left) in [(0, 2), (1, 1), (2, 0)] {
            let rows = bench.store.left_since(Millis(start), behind(row), 10).await.unwrap();
            assert_eq!(rows.len(), left, "{row}");
        }
        let at_once = async |seconds: i64, after| {
            let rows = bench.store.left_at(Millis(start + seconds * 1_000), after, 10).await.unwrap();
            rows.iter().map(|row| row.person).collect::<Vec<_>>()
        };
        assert_eq!((at_once(2, 0).await, at_once(2, bob).await, at_once(3, 0).await), (vec![bob], vec![], vec![]));
    });
}
