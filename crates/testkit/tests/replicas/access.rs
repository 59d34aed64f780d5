//! Who lost access on one replica has lost it on the other, and nothing old is trusted.

use crate::bodies::{create, set, user};
use crate::{Two, schema, within};
use bailiwick_app::access::Principal;
use bailiwick_app::manage::{self, NewAdmin};
use bailiwick_testkit::Client;
use bailiwick_testkit::proxy::Proxy;
use bailiwick_testkit::replica::Replica;
use std::time::Duration;

/// Answered from memory but for the token.
const NEEDS_A_TOKEN: &str = "/scim/v2/ResourceTypes";
const SECOND: Duration = Duration::from_secs(1);

async fn status(client: &mut Client) -> u16 {
    client.get(NEEDS_A_TOKEN).await.status
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn a_token_revoked_on_one_is_refused_on_the_other_within_a_second() {
    let two = Two::start().await;
    let mut worst = Duration::ZERO;
    for round in 0..20 {
        let made = manage::create_token(two.a.app(), "first", &format!("t{round}"), None).await.unwrap();
        let mut client = two.b.client(&made.token);
        assert_eq!(status(&mut client).await, 200, "a new token works at once");
        assert_eq!(status(&mut client).await, 200, "and from memory");
        manage::revoke_token(two.a.app(), "first", &made.id).await.unwrap();
        assert_eq!(status(&mut two.a.client(&made.token)).await, 401, "where it was revoked, at once");
        worst = worst.max(within(SECOND, "refused", async || status(&mut client).await == 401).await);
    }
    println!("a revoked token was refused elsewhere after {worst:?} at worst");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn a_paused_integration_is_refused_on_the_other_within_a_second() {
    let two = Two::start().await;
    let (mut client, mut worst) = (two.client(1), Duration::ZERO);
    for _ in 0..10 {
        assert_eq!(status(&mut client).await, 200);
        manage::pause_integration(two.a.app(), "first").await.unwrap();
        worst = worst.max(within(SECOND, "refused", async || status(&mut client).await == 403).await);
        manage::resume_integration(two.a.app(), "first").await.unwrap();
        within(SECOND, "let in again", async || status(&mut client).await == 200).await;
    }
    println!("a paused integration was refused elsewhere after {worst:?} at worst");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn what_one_wrote_the_other_decides_on() {
    let two = Two::start().await;
    let (mut left, mut right) = (two.client(0), two.client(1));
    for round in 0..20 {
        let (here, there) = if round % 2 == 0 { (&mut left, &mut right) } else { (&mut right, &mut left) };
        let name = format!("ada{round}");
        let path = format!("/scim/v2/Users/{}", create(here, "/scim/v2/Users", &user(&name)).await);
        there.post("/scim/v2/Users", &user(&name)).await.expect(409);
        here.patch(&path, &set("active", false)).await.expect(200);
        assert_eq!(there.get(&path).await.expect(200).at("/active"), false);
        let etag = there.get(&path).await.header("etag").unwrap().to_owned();
        here.patch(&path, &set("userName", format!("{name}-renamed"))).await.expect(200);
        let stale = [("if-match", Some(etag.as_str()))];
        let body = set("nickName", "stale").to_string();
        there.send("PATCH", &path, &stale, Some(body.into())).await.expect(412);
        let second = create(there, "/scim/v2/Users", &user(&name)).await;
        there.patch(&path, &set("active", true)).await.expect(200);
        let shown = here.get(&path).await.expect(200);
        assert_eq!((shown.at("/active"), shown.at("/userName")), (true.into(), format!("{name}-renamed").into()));
        here.delete(&path).await.expect(204);
        there.get(&path).await.expect(404);
        here.delete(&format!("/scim/v2/Users/{second}")).await.expect(204);
        create(there, "/scim/v2/Users", &user(&name)).await;
    }
}

/// The rows of the person that a deactivation ended on one replica are those on which the other decides.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn the_last_admin_is_known_to_both() {
    let two = Two::start().await;
    let mut users = Vec::new();
    for name in ["one", "two"] {
        users.push(admin(&two, name).await);
    }
    for round in 0..10 {
        let (first, second) = (round % 2, (round + 1) % 2);
        let (mut here, mut there) = (two.client(round), two.client(round + 1));
        let paths = users.iter().map(|user| format!("/scim/v2/Users/{user}")).collect::<Vec<_>>();
        here.patch(&paths[first], &set("active", false)).await.expect(200);
        there.patch(&paths[second], &set("active", false)).await.expect(403);
        there.patch(&paths[first], &set("active", true)).await.expect(200);
        here.patch(&paths[second], &set("active", false)).await.expect(200);
        there.patch(&paths[second], &set("active", true)).await.expect(200);
    }
    assert_eq!(two.b.app().store().active_admins().await.unwrap().len(), 2);
}

/// An admin whose User the integration brought; gives the id of the User.
pub(crate) async fn admin(two: &Two, name: &str) -> String {
    let (app, mut client) = (two.a.app(), two.client(0));
    let admin = NewAdmin {
        user_name: name.to_owned(),
        display: String::new(),
        email: None,
        password: "correct horse battery".to_owned(),
    };
    manage::create_admin(app, admin).await.unwrap();
    client.post("/scim/v2/Users", &user(name)).await.expect(409);
    let pair = manage::list_conflicts(app, &Principal::host(), Some("open")).await.unwrap().remove(0);
    manage::link_conflict(app, &Principal::host(), &pair.id, None).await.unwrap();
    create(&mut client, "/scim/v2/Users", &user(name)).await
}

/// A replica that hears nothing of the others any more, because nothing at all reaches it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn a_replica_that_is_cut_off_trusts_nothing_it_holds() {
    let schema = schema();
    let proxy = Proxy::before(&schema.url()).await;
    let (a, b) = (Replica::start(&schema.url(), 1).await, Replica::start(&proxy.url(&schema.url()), 2).await);
    let (_, token) = a.integration("first").await;
    let mut client = b.client(&token);
    for _ in 0..3 {
        assert_eq!(status(&mut client).await, 200);
        proxy.stall();
        tokio::time::sleep(SECOND).await;
        for _ in 0..3 {
            let answer = client.get(NEEDS_A_TOKEN).await.expect(503);
            assert!(answer.header("retry-after").is_some());
        }
        assert_eq!(status(&mut a.client(&token)).await, 200, "the other goes on");
        proxy.resume();
        within(3 * SECOND, "accepted again", async || status(&mut client).await == 200).await;
    }
}

/// Only the connection on which it follows is dead: it asks the store about every token, and so it goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn a_replica_that_cannot_follow_asks_the_store() {
    let schema = schema();
    let proxy = Proxy::before(&schema.url()).await;
    let (a, b) = (Replica::start(&schema.url(), 1).await, Replica::start(&proxy.url(&schema.url()), 2).await);
    let (_, token) = a.integration("first").await;
    let made = manage::create_token(a.app(), "first", "second", None).await.unwrap();
    let (mut lasting, mut revoked) = (b.client(&token), b.client(&made.token));
    assert_eq!((status(&mut lasting).await, status(&mut revoked).await), (200, 200));
    proxy.stall_those(b"LISTEN");
    tokio::time::sleep(SECOND / 4).await;
    manage::revoke_token(a.app(), "first", &made.id).await.unwrap();
    within(SECOND, "refused", async || status(&mut revoked).await == 401).await;
    for _ in 0..20 {
        assert_eq!((status(&mut lasting).await, status(&mut revoked).await), (200, 401));
        tokio::time::sleep(SECOND / 20).await;
    }
    proxy.resume();
    let again = manage::create_token(a.app(), "first", "third", None).await.unwrap();
    let mut client = b.client(&again.token);
    assert_eq!(status(&mut client).await, 200);
    manage::revoke_token(a.app(), "first", &again.id).await.unwrap();
    within(2 * SECOND, "followed again", async || status(&mut client).await == 401).await;
}
