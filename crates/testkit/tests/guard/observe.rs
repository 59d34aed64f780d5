//! Observe mode: stored, answered, and without consequence until an admin has seen what would follow.

use super::support::*;
use bailiwick_app::access::{self, NewApiToken, Scope, Scopes};
use bailiwick_app::holds;
use bailiwick_app::manage::{self, NewAdmin, NewIntegration, Setting};
use bailiwick_domain::mapping::Danger;
use bailiwick_domain::person::State;
use bailiwick_domain::preset::Preset;
use bailiwick_testkit::{Client, TestApp};
use serde_json::json;

/// An integration that is only observed.
async fn observed(test: &TestApp) -> Client {
    let new = NewIntegration { name: "watched".to_owned(), preset: Preset::Okta, rate_limit: Some(0), observe: true };
    let made = manage::create_integration(test.app(), new).await.unwrap();
    Client::new(test.address(), &made.token.token)
}

async fn create(client: &mut Client, name: &str) -> String {
    let user = json!({ "schemas": [USER], "userName": name, "title": "Engineer" });
    client.post("/scim/v2/Users", &user).await.expect(201).at("/id").as_str().unwrap().to_owned()
}

#[tokio::test]
async fn nothing_follows_until_it_was_looked_at_and_applied() {
    let test = TestApp::start().await;
    let mut client = observed(&test).await;
    let team = team(&test, "crew").await;
    rules(&test, &[("crew", "{group: Crew}", "[{team: crew}]")]).await;
    let ids: Vec<String> =
        [create(&mut client, "a@x.example").await, create(&mut client, "b@x.example").await].to_vec();
    let crew = group(&mut client, "Crew", &ids).await;
    let off = create(&mut client, "c@x.example").await;
    switch(&mut client, &off, false).await;
    settle(&test).await;
    // SCIM is as always.
    let shown = client.get(&format!("/scim/v2/Users/{}", ids[0])).await.expect(200);
    assert_eq!((shown.at("/title"), shown.at("/groups/0/value")), (json!("Engineer"), json!(crew)));
    assert_eq!((persons(&test).await.len(), size(&test, &team).await), (0, 0));
    let (app, host) = (test.app(), host());
    let seen = holds::observe_integration(app, &host, "watched").await.unwrap();
    assert_eq!((seen.observing, seen.create, seen.link, seen.refused), (true, 3, 0, 0));
    assert_eq!(seen.effects.teams[&team].after, 2);
    assert_eq!(seen.effects.gained.count, 2);
    // What comes afterwards has to be seen, too.
    create(&mut client, "d@x.example").await;
    for basis in ["", "1.x", &seen.basis] {
        let stale = holds::apply_integration(app, &host, "watched", basis).await.unwrap_err();
        assert_eq!((stale.status, stale.code), (409, "apply-stale"), "{basis}");
    }
    assert!(persons(&test).await.is_empty());
    let seen = holds::observe_integration(app, &host, "watched").await.unwrap();
    let applied = holds::apply_integration(app, &host, "watched", &seen.basis).await.unwrap();
    assert_eq!((applied.created, applied.linked, applied.changed), (4, 0, 0));
    assert_eq!((standing(&test, State::Active).await, standing(&test, State::Inactive).await), (3, 1));
    assert_eq!(size(&test, &team).await, 2);
    let one = persons(&test).await.into_iter().find(|row| row.user_name.as_deref() == Some("a@x.example")).unwrap();
    assert!(one.doc.contains("Engineer") && one.authority.is_some(), "{one:?}");
    // From now on everything has its consequence.
    assert!(!manage::find_integration(app, "watched").await.unwrap().settings.observe);
    switch(&mut client, &ids[0], false).await;
    assert_eq!(standing(&test, State::Inactive).await, 2);
    assert!(holds::apply_integration(app, &host, "watched", &seen.basis).await.is_err());
}

#[tokio::test]
async fn identity_rules_hold_as_if_the_users_had_just_come() {
    let test = TestApp::start().await;
    hire(&test, 0, 1).await;
    let new = NewAdmin {
        user_name: "root".to_owned(),
        display: String::new(),
        email: None,
        password: "correct horse battery".to_owned(),
    };
    manage::create_admin(test.app(), new).await.unwrap();
    let mut client = observed(&test).await;
    let local = create(&mut client, "root").await;
    create(&mut client, &name(0)).await;
    let (app, host) = (test.app(), host());
    let seen = holds::observe_integration(app, &host, "watched").await.unwrap();
    assert_eq!((seen.create, seen.refused, seen.conflicts), (1, 1, 2));
    let applied = holds::apply_integration(app, &host, "watched", &seen.basis).await.unwrap();
    assert_eq!((applied.created, applied.refused), (1, 1));
    // Who waits for a decision is nothing that is left to apply.
    assert!(!holds::observe_integration(app, &host, "watched").await.unwrap().unfinished());
    let pairs = manage::list_conflicts(app, &host, Some("open")).await.unwrap();
    assert_eq!(pairs.len(), 2);
    // Who is kept apart gets a person of its own.
    let pair = pairs.iter().find(|pair| pair.resource.as_deref() == Some(&*local)).unwrap();
    manage::keep_conflict(app, &host, &pair.id, None).await.unwrap();
    assert_eq!(persons(&test).await.len(), 4);
}

#[tokio::test]
async fn switched_on_later_further_changes_wait() {
    let test = TestApp::start().await;
    let ids = company(&test, 30).await;
    let mut client = test.client();
    let team = team(&test, "crew").await;
    rules(&test, &[("crew", "{group: Crew}", "[{team: crew}]")]).await;
    let crew = group(&mut client, "Crew", &ids[..3]).await;
    settle(&test).await;
    let (app, host) = (test.app(), host());
    manage::set_integration(app, TestApp::INTEGRATION, vec![Setting::Observe]).await.unwrap();
    switch(&mut client, &ids[29], false).await;
    client.delete(&format!("/scim/v2/Users/{}", ids[28])).await.expect(204);
    let add = json!({ "schemas": [PATCH], "Operations": [{ "op": "add", "path": "members", "value": [{ "value": ids[5] }] }] });
    assert!(client.patch(&format!("/scim/v2/Groups/{crew}"), &add).await.status < 300);
    let title = json!({ "schemas": [PATCH], "Operations": [{ "op": "add", "path": "title", "value": "Boss" }] });
    client.patch(&format!("/scim/v2/Users/{}", ids[7]), &title).await.expect(200);
    hire(&test, 30, 1).await;
    settle(&test).await;
    assert_eq!((standing(&test, State::Active).await, size(&test, &team).await), (30, 3));
    assert!(!person(&test, 7).await.doc.contains("Boss"));
    let seen = holds::observe_integration(app, &host, TestApp::INTEGRATION).await.unwrap();
    assert_eq!((seen.create, seen.waiting, seen.ended), (1, 4, 2));
    let applied = holds::apply_integration(app, &host, TestApp::INTEGRATION, &seen.basis).await.unwrap();
    assert_eq!((applied.created, applied.changed), (1, 4));
    assert_eq!((standing(&test, State::Inactive).await, standing(&test, State::Closed).await), (1, 1));
    assert_eq!(size(&test, &team).await, 4);
    assert!(person(&test, 7).await.doc.contains("Boss"));
}

#[tokio::test]
async fn whom_a_change_concerns_in_the_background_is_seen_before_it_is_applied() {
    let test = TestApp::start().await;
    let ids = company(&test, 30).await;
    let team = team(&test, "crew").await;
    rules(&test, &[("crew", "{group: Crew}", "[{team: crew}]")]).await;
    let mut client = test.client();
    let crew = group(&mut client, "Crew", &ids[..3]).await;
    settle(&test).await;
    let (app, host) = (test.app(), host());
    manage::set_integration(app, TestApp::INTEGRATION, vec![Setting::Observe]).await.unwrap();
    // Whole member sets, new names and new groups are evaluated behind the answer.
    let all: Vec<_> = ids.iter().map(|id| json!({ "value": id })).collect();
    let all = json!({ "schemas": [PATCH], "Operations": [{ "op": "replace", "path": "members", "value": all }] });
    let marks = app.store().dirty_count().await.unwrap();
    assert!(client.patch(&format!("/scim/v2/Groups/{crew}"), &all).await.status < 300);
    let seen = holds::observe_integration(app, &host, TestApp::INTEGRATION).await.unwrap();
    assert_eq!((marks, seen.waiting, seen.effects.teams[&team].after), (0, 27, 30));
    let applied = holds::apply_integration(app, &host, TestApp::INTEGRATION, &seen.basis).await.unwrap();
    assert_eq!((applied.changed, size(&test, &team).await), (27, 30));
}

#[tokio::test]
async fn who_is_to_be_switched_on_by_what_is_applied_is_not_forgotten_over_other_news() {
    let test = TestApp::start().await;
    let ids = company(&test, 300).await;
    let mut client = test.client();
    rules(&test, &[("crew", "{group: Crew}", "[{role: viewer}]")]).await;
    let last = &ids[299];
    switch(&mut client, last, false).await;
    assert_eq!(person(&test, 299).await.state, State::Inactive);
    let (app, host) = (test.app(), host());
    manage::set_integration(app, TestApp::INTEGRATION, vec![Setting::Observe]).await.unwrap();
    switch(&mut client, last, true).await;
    assert_eq!(person(&test, 299).await.state, State::Inactive);
    let left = interrupted(&test, &ids[..299]).await;
    assert!(left.len() > 40 && person(&test, 299).await.state == State::Inactive);
    // Something else concerns the same person before applying has reached them.
    group(&mut client, "Crew", std::slice::from_ref(last)).await;
    settle(&test).await;
    holds::apply_integration(app, &host, TestApp::INTEGRATION, "").await.unwrap();
    settle(&test).await;
    assert_eq!(person(&test, 299).await.state, State::Active);
}

#[tokio::test]
async fn observed_again_while_it_is_applied_the_rest_waits() {
    let test = TestApp::start().await;
    let ids = company(&test, 300).await;
    let left = interrupted(&test, &ids).await;
    let (app, host) = (test.app(), host());
    manage::set_integration(app, TestApp::INTEGRATION, vec![Setting::Observe]).await.unwrap();
    let seen = holds::observe_integration(app, &host, TestApp::INTEGRATION).await.unwrap();
    assert_eq!((seen.observing, seen.waiting), (true, left.len() as u64));
    settle(&test).await;
    assert!(!person(&test, left[0]).await.doc.contains("Boss"));
    // The mode comes back in the middle of the next application.
    let apply = holds::apply_integration(app, &host, TestApp::INTEGRATION, &seen.basis);
    let again = async {
        while manage::find_integration(app, TestApp::INTEGRATION).await.unwrap().settings.observe {
            tokio::task::yield_now().await;
        }
        manage::set_integration(app, TestApp::INTEGRATION, vec![Setting::Observe]).await.unwrap();
    };
    let (applied, ()) = tokio::join!(apply, again);
    assert_eq!(applied.unwrap_err().code, "apply-stale");
    let seen = holds::observe_integration(app, &host, TestApp::INTEGRATION).await.unwrap();
    assert!(seen.waiting > 0, "{seen:?}");
    holds::apply_integration(app, &host, TestApp::INTEGRATION, &seen.basis).await.unwrap();
    assert!(person(&test, left[0]).await.doc.contains("Boss"));
}

#[tokio::test]
async fn what_is_shown_is_what_it_means_for_all() {
    let test = TestApp::start().await;
    let ids = company(&test, 40).await;
    let (crew, desk) = (team(&test, "crew").await, team(&test, "desk").await);
    rules(
        &test,
        &[
            ("crew", "{group: Crew}", "[{team: crew}]"),
            ("desk", "{group: Desk}", "[{team: desk}]"),
            ("admins", "{group: Admins}", "[{role: admin}]"),
        ],
    )
    .await;
    let mut client = test.client();
    group(&mut client, "Crew", &ids[..20]).await;
    group(&mut client, "Desk", &ids[20..22]).await;
    group(&mut client, "Admins", &ids[21..23]).await;
    settle(&test).await;
    let (app, host) = (test.app(), host());
    manage::set_integration(app, TestApp::INTEGRATION, vec![Setting::Observe]).await.unwrap();
    for id in [&ids[0], &ids[20], &ids[21]] {
        switch(&mut client, id, false).await;
    }
    let seen = holds::observe_integration(app, &host, TestApp::INTEGRATION).await.unwrap();
    let size = |team: &String| (seen.effects.teams[team].before, seen.effects.teams[team].after);
    assert_eq!((size(&crew), size(&desk)), ((20, 19), (2, 0)));
    assert_eq!((seen.effects.admins.before, seen.effects.admins.after, seen.effects.admins_lost.count), (2, 1, 1));
    assert_eq!((seen.ended, seen.effects.removed, seen.effects.active), (3, 3, 40));
    let dangers: Vec<&str> = seen.dangers.iter().map(Danger::as_str).collect();
    assert_eq!(dangers, ["admins-lost", "teams-emptied"]);
}

/// Everybody waits with a new title, and applying that was interrupted as soon as the mode had ended: the numbers of
/// those whom it has not reached.
async fn interrupted(test: &TestApp, ids: &[String]) -> Vec<usize> {
    let (app, host) = (test.app(), host());
    manage::set_integration(app, TestApp::INTEGRATION, vec![Setting::Observe]).await.unwrap();
    let mut client = test.client();
    let title = json!({ "schemas": [PATCH], "Operations": [{ "op": "add", "path": "title", "value": "Boss" }] });
    for id in ids {
        client.patch(&format!("/scim/v2/Users/{id}"), &title).await.expect(200);
    }
    settle(test).await;
    let seen = holds::observe_integration(app, &host, TestApp::INTEGRATION).await.unwrap();
    assert!(seen.waiting >= ids.len() as u64);
    let ended = async {
        while manage::find_integration(app, TestApp::INTEGRATION).await.unwrap().settings.observe {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        biased;
        () = ended => {}
        done = holds::apply_integration(app, &host, TestApp::INTEGRATION, &seen.basis) => panic!("{done:?}"),
    }
    let mut left = Vec::new();
    for number in 0..ids.len() {
        if !person(test, number).await.doc.contains("Boss") {
            left.push(number);
        }
    }
    left
}

#[tokio::test]
async fn leavers_who_come_while_it_is_applied_are_weighed() {
    let test = TestApp::start().await;
    let ids = company(&test, 300).await;
    let left = interrupted(&test, &ids).await;
    assert!(left.len() > 40, "{}", left.len());
    let mut client = test.client();
    for number in &left[..40] {
        switch(&mut client, &ids[*number], false).await;
    }
    // One in ten may go within the hour.
    assert_eq!((standing(&test, State::Inactive).await, hold(&test).await.waiting), (30, 10));
    let (app, host) = (test.app(), host());
    let seen = holds::observe_integration(app, &host, TestApp::INTEGRATION).await.unwrap();
    assert!(seen.unfinished() && !seen.observing && seen.waiting > 0, "{seen:?}");
    holds::apply_integration(app, &host, TestApp::INTEGRATION, "").await.unwrap();
    settle(&test).await;
    let seen = holds::observe_integration(app, &host, TestApp::INTEGRATION).await.unwrap();
    assert!(!seen.unfinished(), "{seen:?}");
    assert!(holds::apply_integration(app, &host, TestApp::INTEGRATION, "").await.is_err());
    assert_eq!((standing(&test, State::Inactive).await, hold(&test).await.waiting), (30, 10));
    for number in &left[40..] {
        assert!(person(&test, *number).await.doc.contains("Boss"), "what was seen is applied");
    }
}

#[tokio::test]
async fn groups_that_change_while_it_is_applied_are_weighed() {
    let test = TestApp::start().await;
    let ids = company(&test, 300).await;
    let team = team(&test, "crew").await;
    rules(&test, &[("crew", "{group: Crew}", "[{team: crew}]")]).await;
    let mut client = test.client();
    let crew = group(&mut client, "Crew", &ids).await;
    settle(&test).await;
    assert_eq!(size(&test, &team).await, 300);
    let left = interrupted(&test, &ids).await;
    assert!(left.len() > 100, "{}", left.len());
    let gone: std::collections::BTreeSet<&str> = left[..100].iter().map(|number| ids[*number].as_str()).collect();
    let stay = ids.iter().filter(|id| !gone.contains(id.as_str())).map(|id| json!({ "value": id }));
    let stay = json!({ "schemas": [PATCH], "Operations": [
        { "op": "replace", "path": "members", "value": stay.collect::<Vec<_>>() }] });
    assert!(client.patch(&format!("/scim/v2/Groups/{crew}"), &stay).await.status < 300);
    let (app, host) = (test.app(), host());
    holds::apply_integration(app, &host, TestApp::INTEGRATION, "").await.unwrap();
    settle(&test).await;
    assert_eq!((size(&test, &team).await, hold(&test).await.waiting), (300, 100));
}

#[tokio::test]
async fn who_waits_in_an_integration_that_is_watched_is_out_as_soon_as_their_authority_says_so() {
    let test = TestApp::start().await;
    let ids = company(&test, 30).await;
    let (app, host) = (test.app(), host());
    let crew = team(&test, "crew").await;
    rules(&test, &[("crew", "{group: Crew}", "[{team: crew}]")]).await;
    // A second directory knows user 0, too; the first one stays the authority.
    let new = NewIntegration { name: "second".to_owned(), preset: Preset::Entra, rate_limit: Some(0), observe: false };
    let made = manage::create_integration(app, new).await.unwrap();
    let mut second = Client::new(test.address(), &made.token.token);
    let user = create(&mut second, &name(0).to_uppercase()).await;
    let pair = manage::list_conflicts(app, &host, Some("open")).await.unwrap().remove(0);
    manage::link_conflict(app, &host, &pair.id, None).await.unwrap();
    settle(&test).await;
    let one = person(&test, 0).await;
    access::give_role(app, &host, &one.id, "viewer").await.unwrap();
    let new = NewApiToken { label: "test".to_owned(), scopes: Scopes::of(vec![Scope::Admin]), life: None };
    let token = access::create_personal_token(app, &host, &one.id, new).await.unwrap();
    let mut caller = Client::new(test.address(), &token.text);
    caller.get("/api/v1/teams").await.expect(200);
    // What the second one says of groups only waits from now on, and the person with it.
    manage::set_integration(app, "second", vec![Setting::Observe]).await.unwrap();
    group(&mut second, "Crew", std::slice::from_ref(&user)).await;
    settle(&test).await;
    let seen = holds::observe_integration(app, &host, "second").await.unwrap();
    assert_eq!((seen.waiting, size(&test, &crew).await), (1, 0));
    switch(&mut second, &user, false).await;
    assert_eq!(person(&test, 0).await.state, State::Active, "the second one is not their authority");
    // The authority lets them go: nothing is left to wait for.
    switch(&mut test.client(), &ids[0], false).await;
    assert_eq!(person(&test, 0).await.state, State::Inactive);
    caller.get("/api/v1/teams").await.expect(401);
    settle(&test).await;
    assert_eq!((person(&test, 0).await.state, size(&test, &crew).await), (State::Inactive, 0));
    assert!(open(&test).await.is_empty(), "nor was it held by the guard");
    // Applying what was watched brings nobody back.
    let seen = holds::observe_integration(app, &host, "second").await.unwrap();
    holds::apply_integration(app, &host, "second", &seen.basis).await.unwrap();
    settle(&test).await;
    assert_eq!(person(&test, 0).await.state, State::Inactive);
    caller.get("/api/v1/teams").await.expect(401);
}
