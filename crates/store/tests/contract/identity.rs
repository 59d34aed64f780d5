//! Candidates, local accounts, the conflict queue, tokens, domains.

use crate::support::{Bench, on_each_engine, settings};
use bailiwick_domain::ids::{IntegrationId, Millis};
use bailiwick_domain::person::State;
use bailiwick_scim::text::unique_key;
use bailiwick_store::change::{
    IntegrationSettings, NewConflict, NewIntegration, NewToken, PersonFacts, PersonKey, PersonUpdate,
};
use bailiwick_store::query::PersonQuery;
use bailiwick_store::{Constraint, Error, Write};

async fn names(bench: &Bench, user_name: &str, email: &str) -> Vec<(String, bool, bool)> {
    let emails = [unique_key(email)];
    let rows = bench.store.candidates(&unique_key(user_name), &emails).await.unwrap();
    rows.into_iter().map(|row| (row.person.id, row.same_user_name, row.same_email)).collect()
}

#[test]
fn candidates_answer_to_names_and_addresses_until_they_are_closed() {
    on_each_engine(|bench| async move {
        let directory = bench.integration("okta").await;
        let (_, person) = bench.user(directory, "ann").await;
        let ann = "per_1-ann".to_owned();
        assert_eq!(names(&bench, "ANN", "x@example.com").await, [(ann.clone(), true, false)]);
        assert_eq!(names(&bench, "x", "ANN@example.com").await, [(ann.clone(), false, true)]);
        assert_eq!(names(&bench, "ann", "ann@example.com").await, [(ann, true, true)]);
        let rows = bench.store.candidates("ann", &[]).await.unwrap();
        assert_eq!(rows[0].integrations, [directory]);
        let facts = PersonFacts {
            state: State::Closed,
            display: String::new(),
            email: None,
            email_key: None,
            user_name: None,
            user_name_key: None,
        };
        let pair = NewConflict {
            id: "con_1".to_owned(),
            integration: directory,
            resource: None,
            user_name: "ann".to_owned(),
            user_name_key: "ann".to_owned(),
            person: "per_1-ann".to_owned(),
            why: "same-user-name".to_owned(),
        };
        bench.commit(vec![Write::InsertConflict(pair)]).await;
        bench.commit(vec![Write::UpdatePerson(PersonUpdate { seq: person, facts, authority: Some(None) })]).await;
        assert!(bench.store.conflicts(None).await.unwrap().is_empty(), "nothing is left to decide");
        assert!(names(&bench, "ann", "ann@example.com").await.is_empty());
    });
}

#[test]
fn persons_are_found_by_what_they_show() {
    on_each_engine(|bench| async move {
        let directory = bench.integration("okta").await;
        for name in ["Ärmel", "bea", "carl"] {
            bench.user(directory, name).await;
        }
        let find = |search: Option<&str>, after: Option<i64>, limit: u32| {
            let query = PersonQuery { search: search.map(str::to_owned), after, limit };
            let store = bench.store.clone();
            async move {
                store.persons(query).await.unwrap().into_iter().map(|row| (row.seq, row.display)).collect::<Vec<_>>()
            }
        };
        assert_eq!(find(Some("ÄRM"), None, 10).await[0].1, "Ärmel");
        assert_eq!(find(Some("example.com"), None, 10).await.len(), 3);
        assert!(find(Some("nobody"), None, 10).await.is_empty());
        let first = find(None, None, 1).await;
        assert_eq!(find(None, Some(first[0].0), 10).await.len(), 2);
    });
}

#[test]
fn local_accounts_have_names_of_their_own() {
    on_each_engine(|bench| async move {
        let (okta, entra) = (bench.integration("okta").await, bench.integration("entra").await);
        let (_, first) = bench.user(okta, "ann").await;
        let (_, second) = bench.user(entra, "ann").await;
        let account = |person| Write::InsertLocalAccount {
            person: PersonKey::Seq(person),
            password_hash: "$argon2id$".to_owned(),
            recovery_digests: vec![[1; 32], [2; 32]],
        };
        bench.commit(vec![account(first)]).await;
        let row = bench.store.person(first).await.unwrap().unwrap();
        assert!(row.local && row.account && row.epoch == 2);
        let taken = bench.store.commit(bench.set(vec![account(second)])).await;
        assert!(matches!(taken, Err(Error::Conflict(Constraint::LocalName))));
        let recover = Write::RecoverLocalAccount {
            person: first,
            password_hash: "$argon2id$2".to_owned(),
            recovery_digests: vec![[3; 32]],
        };
        bench.commit(vec![recover]).await;
        assert_eq!(bench.value("SELECT count(*) FROM recovery_code"), "1");
    });
}

#[test]
fn a_pair_is_queued_once_and_stays_as_decided() {
    on_each_engine(|bench| async move {
        let directory = bench.integration("okta").await;
        let pair = |id: &str| {
            Write::InsertConflict(NewConflict {
                id: id.to_owned(),
                integration: directory,
                resource: None,
                user_name: "Ann".to_owned(),
                user_name_key: "ann".to_owned(),
                person: "per_x".to_owned(),
                why: "same-user-name".to_owned(),
            })
        };
        assert!(bench.commit(vec![pair("con_1")]).await.changed);
        assert!(!bench.commit(vec![pair("con_2")]).await.changed);
        assert!(bench.store.decided_pairs(directory, "ann").await.unwrap().is_empty());
        let link = Write::SetConflict { id: "con_1".to_owned(), state: "linked".to_owned() };
        assert!(bench.commit(vec![link.clone()]).await.changed);
        assert!(!bench.commit(vec![link]).await.changed);
        bench.commit(vec![pair("con_3")]).await;
        assert_eq!(bench.store.decided_pairs(directory, "ann").await.unwrap()[0].id, "con_1");
        assert_eq!(bench.store.conflicts(None).await.unwrap().len(), 1);
        assert!(bench.store.conflicts(Some("open")).await.unwrap().is_empty());
        assert_eq!(bench.store.conflict("con_1").await.unwrap().unwrap().decided, Some(bench.now()));
    });
}

#[test]
fn tokens_are_made_ended_and_revoked() {
    on_each_engine(|bench| async move {
        let token = NewToken {
            id: "tok_1".to_owned(),
            integration: None,
            label: "first".to_owned(),
            digest: [5; 32],
            expires: None,
        };
        let new = NewIntegration { name: "okta".to_owned(), preset: "okta".to_owned(), settings: settings() };
        let before = bench.store.generation();
        bench.commit(vec![Write::InsertIntegration(new.clone()), Write::InsertToken(token)]).await;
        assert!(bench.store.generation() > before);
        let (row, integration) = bench.store.token_by_digest(&[5; 32]).await.unwrap().unwrap();
        assert_eq!((row.integration, row.label.as_str(), integration.name.as_str()), (integration.id, "first", "okta"));
        assert!(bench.store.token_by_digest(&[6; 32]).await.unwrap().is_none());
        let end = |at| Write::EndToken { id: "tok_1".to_owned(), expires: Millis(at) };
        bench.commit(vec![end(500)]).await;
        assert!(!bench.commit(vec![end(900)]).await.changed);
        let revoke = Write::RevokeToken { id: "tok_1".to_owned() };
        assert!(bench.commit(vec![revoke.clone()]).await.changed);
        assert!(!bench.commit(vec![revoke]).await.changed);
        let used = Write::TouchTokens(vec![("tok_1".to_owned(), Millis(77))]);
        assert!(!bench.commit(vec![used]).await.changed);
        let row = bench.store.tokens(Some(integration.id)).await.unwrap().remove(0);
        assert_eq!((row.expires, row.revoked, row.last_used), (Some(Millis(500)), Some(bench.now()), Some(Millis(77))));
        assert!(bench.store.tokens(Some(IntegrationId(99))).await.unwrap().is_empty());
        let taken = bench.store.commit(bench.set(vec![Write::InsertIntegration(new)])).await;
        assert!(matches!(taken, Err(Error::Conflict(Constraint::IntegrationName))));
    });
}

#[test]
fn settings_and_domains_belong_to_one_integration() {
    on_each_engine(|bench| async move {
        let (okta, entra) = (bench.integration("okta").await, bench.integration("entra").await);
        let claim =
            |integration| Write::ClaimDomain { name: "example.com".to_owned(), integration, method: "host".to_owned() };
        assert!(bench.commit(vec![claim(okta)]).await.changed);
        assert!(!bench.commit(vec![claim(okta)]).await.changed);
        let taken = bench.store.commit(bench.set(vec![claim(entra)])).await;
        assert!(matches!(taken, Err(Error::Conflict(Constraint::Domain))));
        assert_eq!(bench.store.domain("example.com").await.unwrap().unwrap().integration, okta);
        bench.commit(vec![Write::ReleaseDomain { name: "example.com".to_owned() }, claim(entra)]).await;
        assert_eq!(bench.store.domains().await.unwrap()[0].integration, entra);
        let paused = IntegrationSettings { paused: true, rate_limit: Some(9), ..settings() };
        let pause = Write::UpdateIntegration { id: okta, settings: paused.clone() };
        assert!(bench.commit(vec![pause.clone()]).await.changed);
        assert!(!bench.commit(vec![pause]).await.changed);
        let row = bench.store.integration_by_name("okta").await.unwrap().unwrap();
        assert_eq!(row.settings, paused);
        assert_eq!(bench.store.integrations().await.unwrap().len(), 2);
    });
}
