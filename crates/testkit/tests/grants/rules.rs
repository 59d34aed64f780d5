//! Saving rules: refused with place, previewed, applied only as previewed, versions, reviews.

use super::support::*;
use bailiwick_app::mapping::{self, Apply, Decision, NotTaken};
use bailiwick_domain::mapping::Danger;
use bailiwick_store::query::EventQuery;
use bailiwick_testkit::TestApp;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

fn code(not: &NotTaken) -> String {
    bailiwick_app::Refusal::from(not.clone()).code.to_owned()
}

#[tokio::test]
async fn a_file_with_faults_changes_nothing_and_tells_them_all() {
    let test = TestApp::start().await;
    team(&test, "owners").await;
    apply(&test, &[("ok", "{group: G}", "[{role: viewer}]")]).await;
    let text = file(&[("a", "{group: G, integration: nowhere}", "[{team: owner}]"), ("b", "{}", "[{role: nobody}]")]);
    let Err(NotTaken::Faults(faults)) = mapping::apply_rules(test.app(), &host(), &text, &Apply::default()).await
    else {
        panic!("taken");
    };
    let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(faults.len(), 4, "{told:?}");
    assert!(told[0].starts_with("5:") && told[0].contains("nowhere"), "{told:?}");
    assert!(told[1].contains("did you mean \"owners\""), "{told:?}");
    let present = mapping::read_version(test.app(), &host(), None).await.unwrap();
    assert_eq!((present.version.version, present.set.rules[0].id.as_str()), (1, "ok"));
}

#[tokio::test]
async fn a_basis_holds_until_something_changes_that_counts() {
    let test = TestApp::start().await;
    let mut client = test.client();
    team(&test, "owners").await;
    let ann = user(&mut client, "ann", json!({})).await;
    let text = file(&[("g", "{group: G}", "[{role: viewer}]")]);
    let other = file(&[("g", "{group: G}", "[{role: user}]")]);
    let basis = |text: String| async { mapping::preview(test.app(), &host(), &{ text }).await.unwrap().basis };
    let with = |basis: &str| Apply { basis: Some(basis.to_owned()), ..Apply::default() };
    let first = basis(text.clone()).await;
    // Another file, or a text that never was a basis.
    for (text, basis) in [(&other, first.as_str()), (&text, "x"), (&text, "1.2.s.abc")] {
        let refused = mapping::apply_rules(test.app(), &host(), text, &with(basis)).await.unwrap_err();
        assert_eq!(code(&refused), "preview-stale", "{basis}");
    }
    // A read and a refused call change nothing that counts; a renamed User does.
    client.get("/scim/v2/Users/none").await.expect(404);
    set_user(&mut client, &ann, "displayName", json!("Ann Lee")).await;
    let refused = mapping::apply_rules(test.app(), &host(), &text, &with(&first)).await.unwrap_err();
    assert_eq!(code(&refused), "preview-stale");
    let second = basis(text.clone()).await;
    client.get("/scim/v2/Users/none").await.expect(404);
    let saved = mapping::apply_rules(test.app(), &host(), &text, &with(&second)).await.unwrap();
    assert_eq!((saved.version, saved.changed), (1, true));
    // The same file again is no new version, whatever the basis says.
    let again = mapping::apply_rules(test.app(), &host(), &text, &Apply::default()).await.unwrap();
    assert_eq!((again.version, again.changed), (1, false));
}

#[tokio::test]
async fn nothing_that_counts_comes_between_a_preview_and_the_rules_it_was_of() {
    let test = TestApp::start().await;
    team(&test, "owners").await;
    let (mut applied, mut refused) = (0, 0);
    for round in 0..40_u64 {
        let role = if round % 2 == 0 { "viewer" } else { "user" };
        let text = file(&[("g", "{group: G}", &format!("[{{role: {role}}}]"))]);
        let preview = mapping::preview(test.app(), &host(), &text).await.unwrap();
        let begun = test.app().store().last_seq().await.unwrap();
        let how = Apply { basis: Some(preview.basis), accept_dangers: true, ..Apply::default() };
        let principal = host();
        let (outcome, ()) = tokio::join!(mapping::apply_rules(test.app(), &principal, &text, &how), async {
            // An engine answers within microseconds or milliseconds: both are tried.
            match round % 4 {
                0 => tokio::time::sleep(Duration::from_millis(round % 16 * 2)).await,
                _ => {
                    for _ in 0..round % 7 {
                        tokio::task::yield_now().await;
                    }
                }
            }
            user(&mut test.client(), &format!("p{round}"), json!({})).await;
        });
        let query = EventQuery { after: Some(begun), limit: 100, ..EventQuery::default() };
        let events = test.app().store().events(query).await.unwrap();
        let place = |kind: &str| events.iter().position(|event| event.kind.starts_with(kind));
        let (saved, provisioned) = (place("rules:save"), place("prov:create"));
        match outcome {
            Ok(_) => {
                applied += 1;
                assert!(saved < provisioned, "round {round}: the rules were saved over a change: {events:#?}");
            }
            Err(error) => {
                refused += 1;
                assert_eq!((code(&error), saved), ("preview-stale".to_owned(), None), "round {round}");
            }
        }
    }
    // Both orders were seen, or the race was none.
    assert!(applied > 0 && refused > 0, "{applied} applied, {refused} refused");
}

#[tokio::test]
async fn dangers_are_applied_only_by_who_has_seen_them() {
    let test = TestApp::start().await;
    let mut client = test.client();
    let id = team(&test, "payments").await;
    team(&test, "owners").await;
    let ann = user(&mut client, "ann", json!({})).await;
    group(&mut client, "Payments", &[&ann]).await;
    let full = [("pay", "{group: Payments}", "[{team: payments}]")];
    apply(&test, &full).await;
    assert_eq!(holds(&test, "ann").await.len(), 1);
    let empty = file(&[]);
    let preview = mapping::preview(test.app(), &host(), &empty).await.unwrap();
    assert_eq!(preview.dangers, [Danger::TeamsEmptied { teams: vec![id.clone()] }]);
    assert_eq!(preview.effects.lost.count, 1);
    assert_eq!(preview.team_names.get(&id).map(String::as_str), Some("payments"));
    let tries = [
        Apply::default(),
        Apply { basis: Some(preview.basis.clone()), ..Apply::default() },
        Apply { accept_dangers: true, ..Apply::default() },
    ];
    for how in tries {
        let refused = mapping::apply_rules(test.app(), &host(), &empty, &how).await.unwrap_err();
        assert_eq!(code(&refused), "rules-dangerous", "{how:?}");
    }
    mapping::settle_everybody(test.app()).await.unwrap();
    assert_eq!(holds(&test, "ann").await.len(), 1);
    let meant = Apply { basis: Some(preview.basis), accept_dangers: true, ..Apply::default() };
    mapping::apply_rules(test.app(), &host(), &empty, &meant).await.unwrap();
    mapping::settle_everybody(test.app()).await.unwrap();
    assert_eq!(holds(&test, "ann").await, Vec::<String>::new());
}

#[tokio::test]
async fn versions_are_kept_and_restored() {
    let test = TestApp::start().await;
    let mut client = test.client();
    team(&test, "owners").await;
    let ann = user(&mut client, "ann", json!({})).await;
    group(&mut client, "G", &[&ann]).await;
    apply(&test, &[("one", "{group: G}", "[{role: viewer}]")]).await;
    apply(&test, &[("one", "{group: G}", "[{role: viewer}, {role: user}]")]).await;
    assert_eq!(holds(&test, "ann").await.len(), 2);
    let versions = mapping::list_versions(test.app(), &host(), None, 10).await.unwrap();
    assert_eq!(versions.iter().map(|version| version.version).collect::<Vec<_>>(), [1, 2]);
    let first = mapping::read_version(test.app(), &host(), Some(1)).await.unwrap();
    let preview = mapping::preview(test.app(), &host(), &first.text).await.unwrap();
    let how = Apply { basis: Some(preview.basis), accept_dangers: true, ..Apply::default() };
    let restored = mapping::restore_version(test.app(), &host(), 1, &how).await.unwrap();
    assert_eq!(restored.version, 3);
    mapping::settle_everybody(test.app()).await.unwrap();
    assert_eq!(holds(&test, "ann").await.len(), 1);
    assert!(mapping::read_version(test.app(), &host(), Some(9)).await.is_err());
    // Two who started from the same version: the second is told.
    let stale = Apply { expected: Some(2), ..Apply::default() };
    let refused = mapping::apply_rules(test.app(), &host(), &file(&[]), &stale).await.unwrap_err();
    assert_eq!(code(&refused), "precondition-failed");
}

#[tokio::test]
async fn reviews_come_due_and_are_recorded() {
    let test = TestApp::start().await;
    team(&test, "owners").await;
    apply(&test, &[("one", "{group: G}", "[{role: viewer}]")]).await;
    assert!(mapping::due_reviews(test.app(), &host(), false).await.unwrap().is_empty());
    assert_eq!(mapping::due_reviews(test.app(), &host(), true).await.unwrap().len(), 1);
    test.clock().advance(std::time::Duration::from_secs(91 * 24 * 60 * 60));
    let due = mapping::due_reviews(test.app(), &host(), false).await.unwrap();
    assert!(due.len() == 1 && due[0].overdue && due[0].owner == "owners", "{due:?}");
    let lints = mapping::lint(test.app(), &host(), None).await.unwrap();
    let kinds: Vec<&str> = lints.iter().map(|lint| lint.kind.as_str()).collect();
    assert_eq!(kinds, ["matches-nobody", "review-overdue"], "{lints:?}");
    let kept = mapping::record_review(test.app(), &host(), "one", Decision::Keep, "still used").await.unwrap();
    assert!(!kept.overdue && kept.reviews[0].note == "still used" && kept.reviews[0].by == "host", "{kept:?}");
    assert!(mapping::due_reviews(test.app(), &host(), false).await.unwrap().is_empty());
    assert!(mapping::record_review(test.app(), &host(), "none", Decision::Keep, "").await.is_err());
}

#[tokio::test]
async fn saving_over_many_people_goes_on_while_others_write() {
    const PEOPLE: usize = 2_000;
    let test = TestApp::start().await;
    let mut client = test.client();
    team(&test, "owners").await;
    let all = team(&test, "everybody").await;
    for part in 0..PEOPLE / 500 {
        let user = |index: usize| {
            let name = format!("u{}", part * 500 + index);
            json!({"method": "POST", "path": "/Users", "bulkId": name, "data": {"schemas": [USER], "userName": name}})
        };
        let body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
            "Operations": (0..500).map(user).collect::<Vec<_>>(),
        });
        client.post("/scim/v2/Bulk", &body).await.expect(200);
    }
    let text = file(&[("all", "{integration: first}", "[{team: everybody}]")]);
    let preview = mapping::preview(test.app(), &host(), &text).await.unwrap();
    assert_eq!(preview.effects.gained.count, PEOPLE as u64);
    mapping::apply_rules(test.app(), &host(), &text, &Apply::default()).await.unwrap();
    // Somebody else writes meanwhile.
    let settling = mapping::settle_everybody(test.app());
    let writing = async {
        for index in 0..20 {
            user(&mut client, &format!("late{index}"), json!({})).await;
        }
    };
    let (settled, ()) = tokio::join!(settling, writing);
    settled.unwrap();
    mapping::settle_everybody(test.app()).await.unwrap();
    let sizes = test.app().store().team_sizes(Some(std::slice::from_ref(&all))).await.unwrap();
    assert_eq!(sizes, [(all, PEOPLE as u64 + 20)]);
    assert_eq!(mapping::progress(test.app()).await.unwrap().waiting, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn some_who_change_all_the_time_keep_nobody_else_waiting() {
    let test = TestApp::start().await;
    let mut client = test.client();
    team(&test, "owners").await;
    team(&test, "everybody").await;
    let mut ids = Vec::new();
    for index in 0..400 {
        ids.push(user(&mut client, &format!("u{index}"), json!({})).await);
    }
    let text = file(&[("all", "{integration: first}", "[{team: everybody}]")]);
    mapping::apply_rules(test.app(), &host(), &text, &Apply::default()).await.unwrap();
    mapping::settle_everybody(test.app()).await.unwrap();
    let busy = Arc::new(AtomicBool::new(true));
    let writer = |id: &String| {
        let (go_on, path) = (busy.clone(), format!("/scim/v2/Users/{id}"));
        let mut client = test.client();
        tokio::spawn(async move {
            let mut changes = 0;
            while go_on.load(Ordering::Relaxed) {
                let title = json!({ "op": "add", "path": "title", "value": changes.to_string() });
                let patch = json!({ "schemas": [PATCH], "Operations": [title] });
                client.patch(&path, &patch).await.expect(200);
                changes += 1;
            }
            changes
        })
    };
    let writers: Vec<_> = ids.iter().step_by(50).map(writer).collect();
    // Nothing changes for anybody, but everybody is looked at, and that takes a while.
    let when: Vec<(String, String)> =
        (0..100).map(|index| (format!("no{index}"), format!("{{user: 'userName co \"zz{index}\"'}}"))).collect();
    let mut rules = vec![("all", "{integration: first}", "[{team: everybody}]")];
    rules.extend(when.iter().map(|(id, when)| (id.as_str(), when.as_str(), "[{role: viewer}]")));
    let text = file(&rules);
    mapping::apply_rules(test.app(), &host(), &text, &Apply::default()).await.unwrap();
    let background = tokio::spawn(mapping::recompute(test.app().clone()));
    let mut waiting = 400;
    for _ in 0..1_000 {
        waiting = mapping::progress(test.app()).await.unwrap().waiting;
        if waiting <= writers.len() as u64 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    busy.store(false, Ordering::Relaxed);
    background.abort();
    let (most, mut changes) = (writers.len() as u64, 0);
    for writer in writers {
        changes += writer.await.unwrap();
    }
    assert!(waiting <= most, "{waiting} people still waited after {changes} changes of {most}");
}

#[tokio::test]
async fn groups_whose_names_lead_to_no_team_are_told_by_the_lint() {
    let test = TestApp::start().await;
    let mut client = test.client();
    team(&test, "owners").await;
    team(&test, "pay").await;
    let ann = user(&mut client, "ann", json!({})).await;
    for name in ["team-pay", "team-gone", "other"] {
        group(&mut client, name, &[&ann]).await;
    }
    apply(&test, &[("teams", "{group: {pattern: 'team-*'}}", "[{team: '{1}'}]")]).await;
    let lints = mapping::lint(test.app(), &host(), None).await.unwrap();
    let told: Vec<(&str, &str)> = lints
        .iter()
        .map(|lint| (lint.kind.as_str(), lint.message.as_str()))
        .filter(|(kind, _)| *kind != "gives-much")
        .collect();
    assert_eq!(told, [("unknown-team", "the group team-gone asks for the team gone, which is not there")]);
}
