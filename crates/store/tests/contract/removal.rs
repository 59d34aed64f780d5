//! Deleting an integration.

use crate::support::{on_each_engine, seqs, user_columns};
use bailiwick_domain::person::State;
use bailiwick_store::Write;
use bailiwick_store::change::{MemberWrite, PersonFacts, PersonKey, PersonUpdate, ResourceUpdate};

#[test]
fn everything_it_provisioned_goes_and_nothing_else() {
    on_each_engine(|bench| async move {
        let (okta, entra) = (bench.integration("okta").await, bench.integration("entra").await);
        let (ann, alone) = bench.user(okta, "ann").await;
        let (_, admin) = bench.user(okta, "root").await;
        let (shared, both) = bench.user(okta, "bea").await;
        let (other, spare) = bench.user(entra, "bea").await;
        bench.commit(vec![Write::SetResourcePerson { seq: other, person: both }]).await;
        let account = Write::InsertLocalAccount {
            person: PersonKey::Seq(admin),
            password_hash: "x".to_owned(),
            recovery_digests: Vec::new(),
        };
        bench.commit(vec![account]).await;
        let inactive = ResourceUpdate { seq: other, columns: user_columns("bea", false) };
        bench.commit(vec![Write::UpdateResource(inactive)]).await;
        let staff = bench.group(okta, "staff").await;
        bench.members(staff, MemberWrite::Add(seqs(&[ann, shared]))).await;
        let kept = bench.group(entra, "kept").await;
        bench.members(kept, MemberWrite::Add(seqs(&[other]))).await;
        let (_, leaver) = bench.user(okta, "leaver").await;
        let account = Write::InsertLocalAccount {
            person: PersonKey::Seq(leaver),
            password_hash: "x".to_owned(),
            recovery_digests: Vec::new(),
        };
        let off = Write::UpdatePerson(PersonUpdate {
            seq: leaver,
            facts: PersonFacts {
                state: State::Inactive,
                display: "leaver".to_owned(),
                email: None,
                email_key: None,
                user_name: Some("leaver".to_owned()),
                user_name_key: Some("leaver".to_owned()),
            },
            authority: None,
        });
        bench.commit(vec![account, off]).await;
        let epochs = (bench.epoch(alone).await, bench.epoch(both).await, bench.epoch(spare).await);

        bench.commit(vec![Write::DeleteIntegration(okta)]).await;

        let closed = bench.store.person(alone).await.unwrap().unwrap();
        assert_eq!((closed.state, closed.email, closed.user_name), (State::Closed, None, None));
        assert_eq!(closed.display, "");
        let local = bench.store.person(admin).await.unwrap().unwrap();
        assert_eq!((local.state, local.authority), (State::Active, None));
        // A deletion gives nobody access back.
        let off = bench.store.person(leaver).await.unwrap().unwrap();
        assert_eq!((off.state, off.authority, off.account), (State::Inactive, None, true));
        // Without an authority, somebody whose only User is inactive is inactive.
        let left = bench.store.person(both).await.unwrap().unwrap();
        assert_eq!((left.state, left.authority), (State::Inactive, None));
        assert_eq!(
            (bench.epoch(alone).await, bench.epoch(both).await, bench.epoch(spare).await),
            (epochs.0 + 1, epochs.1 + 1, epochs.2)
        );
        assert!(bench.store.integration(okta).await.unwrap().is_none());
        assert_eq!(bench.value("SELECT count(*) FROM resource"), "2");
        assert_eq!(bench.value("SELECT count(*) FROM membership"), "1");
        assert_eq!(bench.value("SELECT count(*) FROM email"), "1");
    });
}

#[test]
fn an_id_is_never_used_again() {
    on_each_engine(|bench| async move {
        let first = bench.integration("okta").await;
        bench.commit(vec![Write::DeleteIntegration(first)]).await;
        assert!(bench.integration("okta").await > first);
    });
}
