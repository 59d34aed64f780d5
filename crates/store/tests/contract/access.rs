//! Credentials live in the store and end in the commit that ends the access of their person.

use crate::support::{Bench, START, event, new_user, on_each_engine};
use bailiwick_domain::event::EventKind;
use bailiwick_domain::ids::{Kind, Millis};
use bailiwick_domain::person::State;
use bailiwick_store::change::{CredentialKind, NewCredential, PersonKey};
use bailiwick_store::{ChangeSet, Error, NewEvent, Write};
use serde_json::json;
use std::sync::atomic::Ordering;

fn credential(id: &str, kind: CredentialKind, person: Option<i64>) -> NewCredential {
    let mut digest = [0; 32];
    digest[..id.len()].copy_from_slice(id.as_bytes());
    NewCredential {
        id: id.to_owned(),
        kind,
        person: person.map(PersonKey::Seq),
        service: person.is_none().then(|| "ci".to_owned()),
        label: "label".to_owned(),
        digest,
        scopes: r#"["read"]"#.to_owned(),
        expires: Some(Millis(START + 10)),
    }
}

fn make(id: &str, kind: CredentialKind, person: Option<i64>) -> Write {
    Write::InsertCredential(credential(id, kind, person))
}

/// One of each kind: those of the person, and one of a service.
async fn four(bench: &Bench, person: i64, prefix: &str) {
    bench
        .commit(vec![
            make(&format!("{prefix}1"), CredentialKind::Session, Some(person)),
            make(&format!("{prefix}2"), CredentialKind::Personal, Some(person)),
            make(&format!("{prefix}3"), CredentialKind::Service, Some(person)),
            make(&format!("{prefix}4"), CredentialKind::Invite, Some(person)),
        ])
        .await;
}

#[test]
fn credentials_are_made_found_used_and_revoked() {
    on_each_engine(|bench| async move {
        let (_, ann) = bench.user(bench.integration("okta").await, "ann").await;
        let before = bench.store.generation();
        bench
            .commit(vec![make("a", CredentialKind::Personal, Some(ann)), make("b", CredentialKind::Service, None)])
            .await;
        assert!(bench.store.generation() > before);
        let digest = credential("a", CredentialKind::Personal, None).digest;
        let (row, person) = bench.store.credential_by_digest(&digest).await.unwrap().unwrap();
        assert_eq!((row.id.as_str(), row.kind, row.person), ("a", CredentialKind::Personal, Some(ann)));
        assert_eq!((row.scopes.as_str(), row.label.as_str()), (r#"["read"]"#, "label"));
        assert_eq!((row.created, row.expires), (bench.now(), Some(Millis(START + 10))));
        assert_eq!(person.unwrap().id, "per_1-ann");
        let digest = credential("b", CredentialKind::Service, None).digest;
        let (row, person) = bench.store.credential_by_digest(&digest).await.unwrap().unwrap();
        assert_eq!((row.service.as_deref(), row.person, person), (Some("ci"), None, None));
        assert!(bench.store.credential_by_digest(&[9; 32]).await.unwrap().is_none());
        assert_eq!(bench.store.credentials(ann).await.unwrap().len(), 1);
        assert_eq!(bench.store.credentials_of_kind(CredentialKind::Service).await.unwrap(), [row]);
        // A store that follows others may still be told of the commits before.
        let mut quiet = false;
        for _ in 0..20 {
            let before = bench.store.generation();
            let used = Write::TouchCredentials(vec![("b".to_owned(), Millis(77)), ("b".to_owned(), Millis(7))]);
            assert!(!bench.commit(vec![used]).await.changed);
            quiet |= bench.store.generation() == before;
        }
        assert!(quiet, "the use of a token is told to everybody who keeps something in memory");
        let revoke = |id: &str| Write::RevokeCredential { id: id.to_owned() };
        assert!(bench.commit(vec![revoke("b")]).await.changed);
        assert!(!bench.commit(vec![revoke("b")]).await.changed);
        assert!(bench.store.generation() > before);
        let row = bench.store.credential_by_digest(&digest).await.unwrap().unwrap().0;
        assert_eq!((row.last_used, row.revoked), (Some(Millis(77)), Some(bench.now())));
        assert!(matches!(bench.store.commit(bench.set(vec![revoke("c")])).await, Err(Error::Stale)));
    });
}

#[test]
fn a_token_that_is_revoked_or_has_ended_gets_no_successor() {
    on_each_engine(|bench| async move {
        let (_, ann) = bench.user(bench.integration("okta").await, "ann").await;
        let end = |id: &str, at: Millis| Write::EndCredential { id: id.to_owned(), expires: at };
        let later = |millis: i64| Millis(bench.now().0 + millis);
        let forever = |id: &str| {
            let new = NewCredential { expires: None, ..credential(id, CredentialKind::Personal, Some(ann)) };
            Write::InsertCredential(new)
        };
        bench.commit(vec![forever("a"), forever("b"), forever("c")]).await;
        let expires = async |id: &str| {
            let digest = credential(id, CredentialKind::Personal, None).digest;
            bench.store.credential_by_digest(&digest).await.unwrap().map(|(row, _)| row.expires)
        };
        // The earlier end holds.
        bench.commit(vec![end("a", later(50))]).await;
        bench.commit(vec![end("a", later(90))]).await;
        assert_eq!(expires("a").await, Some(Some(later(50))));
        bench.commit(vec![end("b", bench.now()), Write::RevokeCredential { id: "c".to_owned() }]).await;
        for (id, new) in [("b", "b2"), ("c", "c2"), ("none", "d2")] {
            let set = bench.set(vec![forever(new), end(id, later(10))]);
            assert!(matches!(bench.store.commit(set).await, Err(Error::Stale)), "{id}");
            assert_eq!(expires(new).await, None, "{id}: nothing of the commit is there");
        }
        assert_eq!(expires("c").await, Some(None), "a revoked token stays as it was");
    });
}

#[test]
fn access_ends_in_the_commit_that_ends_it() {
    on_each_engine(|bench| async move {
        let okta = bench.integration("okta").await;
        let ((_, ann), (_, bea)) = (bench.user(okta, "ann").await, bench.user(okta, "bea").await);
        four(&bench, ann, "a").await;
        four(&bench, bea, "b").await;
        // Nothing ends that goes on.
        assert!(bench.commit(vec![bench.standing(ann, State::Active).await]).await.revoked.is_empty());
        let before = bench.store.generation();
        let named = NewEvent { person: Some("per_1-ann".to_owned()), ..event(EventKind::Deactivate) };
        let set = ChangeSet {
            events: vec![event(EventKind::ConflictOpen), named],
            ..bench.set(vec![bench.standing(ann, State::Inactive).await])
        };
        let mut done = bench.store.commit(set).await.unwrap();
        done.revoked.sort_by(|one, other| one.0.cmp(&other.0));
        let expect =
            [("a1", CredentialKind::Session), ("a2", CredentialKind::Personal), ("a4", CredentialKind::Invite)];
        assert_eq!(done.revoked, expect.map(|(id, kind)| (id.to_owned(), kind)));
        assert!(bench.store.generation() > before);
        let left: Vec<String> = bench.store.credentials(ann).await.unwrap().into_iter().map(|row| row.id).collect();
        assert_eq!(left, ["a3"]);
        assert_eq!(bench.store.credentials(bea).await.unwrap().len(), 4);
        let told = bench.store.event(done.seq + 1).await.unwrap().unwrap().payload.unwrap();
        let mut revoked = told["revoked"].as_array().unwrap().clone();
        revoked.sort_by_key(|one| one["id"].to_string());
        assert_eq!(
            revoked,
            [
                json!({ "id": "a1", "kind": "session" }),
                json!({ "id": "a2", "kind": "personal" }),
                json!({ "id": "a4", "kind": "invite" })
            ]
        );
        let other = bench.store.event(done.seq).await.unwrap().unwrap().payload.unwrap();
        assert!(other.get("revoked").is_none());
        // Nobody who is not active gets a new one; a service does.
        let late = |kind, person| bench.set(vec![make("late", kind, person)]);
        assert!(matches!(bench.store.commit(late(CredentialKind::Session, Some(ann))).await, Err(Error::Stale)));
        assert!(matches!(bench.store.commit(late(CredentialKind::Session, Some(99_999))).await, Err(Error::Stale)));
        bench.store.commit(late(CredentialKind::Service, None)).await.unwrap();
        // A second time there is nothing to end.
        assert!(bench.commit(vec![bench.standing(ann, State::Closed).await]).await.revoked.is_empty());
        // With an integration goes the access of all whom it provisioned, told for each.
        let set = ChangeSet {
            events: vec![event(EventKind::IntegrationDelete)],
            ..bench.set(vec![Write::DeleteIntegration(okta)])
        };
        let done = bench.store.commit(set).await.unwrap();
        assert_eq!(done.revoked.len(), 3);
        let told = bench.store.event(done.seq + 1).await.unwrap().unwrap();
        assert_eq!((told.kind.as_str(), told.person.as_deref()), ("access:end", Some("per_1-bea")));
        assert_eq!(told.payload.unwrap()["revoked"].as_array().unwrap().len(), 3);
        assert!(bench.store.verify().await.unwrap().first_bad.is_none());
    });
}

#[test]
fn a_credential_and_the_end_of_access_cannot_cross() {
    on_each_engine(|bench| async move {
        let okta = bench.integration("okta").await;
        let (_, ann) = bench.user(okta, "ann").await;
        let (off, on) = (bench.standing(ann, State::Inactive).await, bench.standing(ann, State::Active).await);
        for round in 0..12 {
            let login =
                |number| bench.set(vec![make(&format!("s{round}-{number}"), CredentialKind::Session, Some(ann))]);
            let ends = bench.set(vec![off.clone()]);
            let results =
                tokio::join!(bench.store.commit(login(1)), bench.store.commit(ends), bench.store.commit(login(2)),);
            assert!(results.1.is_ok());
            assert!(bench.store.credentials(ann).await.unwrap().is_empty(), "round {round}");
            bench.commit(vec![on.clone()]).await;
        }
        // In one set, the later write holds.
        let both = vec![make("x", CredentialKind::Session, Some(ann)), off.clone()];
        assert_eq!(bench.commit(both).await.revoked.len(), 1);
        let both = vec![on.clone(), make("y", CredentialKind::Session, Some(ann))];
        assert!(bench.commit(both).await.revoked.is_empty());
        // A new person may have one at once.
        let mut set = new_user(bench.now(), okta, "cy");
        let person = Some(PersonKey::New("per_1-cy".to_owned()));
        set.writes.push(Write::InsertCredential(NewCredential {
            person,
            ..credential("z", CredentialKind::Invite, Some(1))
        }));
        bench.store.commit(set).await.unwrap();
        let cy = bench.store.person_by_id("per_1-cy").await.unwrap().unwrap();
        assert_eq!(bench.store.credentials(cy.seq).await.unwrap().len(), 1);
        // Sessions that are over are swept out by the next one; tokens stay to be seen.
        bench.commit(vec![make("t", CredentialKind::Personal, Some(ann))]).await;
        bench.clock.fetch_add(100, Ordering::Relaxed);
        let mut fresh = credential("fresh", CredentialKind::Session, Some(ann));
        fresh.expires = Some(Millis(START + 1_000));
        bench.commit(vec![Write::InsertCredential(fresh)]).await;
        let mut left: Vec<String> = bench.store.credentials(ann).await.unwrap().into_iter().map(|row| row.id).collect();
        left.sort();
        assert_eq!(left, ["fresh", "t"]);
    });
}

#[test]
fn a_recovery_code_is_used_once() {
    on_each_engine(|bench| async move {
        let (user, ann) = bench.user(bench.integration("okta").await, "ann").await;
        let account = Write::InsertLocalAccount {
            person: PersonKey::Seq(ann),
            password_hash: "hash".to_owned(),
            recovery_digests: vec![[1; 32], [2; 32]],
        };
        assert_eq!(bench.store.local_account(ann).await.unwrap(), None);
        bench.commit(vec![account]).await;
        assert_eq!(bench.store.local_account(ann).await.unwrap().as_deref(), Some("hash"));
        assert_eq!(bench.store.recovery_code(&[1; 32]).await.unwrap(), Some((ann, false)));
        assert_eq!(bench.store.recovery_code(&[3; 32]).await.unwrap(), None);
        let code = |digest, person| bench.set(vec![Write::UseRecoveryCode { digest: [digest; 32], person }]);
        assert!(matches!(bench.store.commit(code(1, ann + 1)).await, Err(Error::Stale)));
        bench.store.commit(code(1, ann)).await.unwrap();
        assert_eq!(bench.store.recovery_code(&[1; 32]).await.unwrap(), Some((ann, true)));
        assert!(matches!(bench.store.commit(code(1, ann)).await, Err(Error::Stale)));
        assert!(matches!(bench.store.commit(code(3, ann)).await, Err(Error::Stale)));
        bench.commit(vec![Write::SetPerson { person: ann, local: Some(true), admin: Some(true) }]).await;
        let row = bench.store.person(ann).await.unwrap().unwrap();
        assert!(row.local && row.admin);
        let epoch = row.epoch;
        bench.commit(vec![Write::SetPerson { person: ann, local: None, admin: Some(false) }]).await;
        let row = bench.store.person(ann).await.unwrap().unwrap();
        assert_eq!((row.local, row.admin, row.epoch), (true, false, epoch + 1));
        for gone in [
            Write::SetPerson { person: 99_999, local: None, admin: Some(false) },
            Write::SetAttributes { person: 99_999, doc: "{}".to_owned() },
        ] {
            assert!(matches!(bench.store.commit(bench.set(vec![gone])).await, Err(Error::Stale)));
        }
        bench.commit(vec![Write::DeleteResource { seq: user, kind: Kind::User }]).await;
    });
}
