//! What one replica does for all is done by another soon after it is gone.

use crate::bodies::{create, user};
use crate::{schema, sound, within};
use bailiwick_testkit::postgres::Schema;
use bailiwick_testkit::proxy::Proxy;
use bailiwick_testkit::replica::Replica;
use std::time::Duration;

fn holder(schema: &Schema) -> Option<String> {
    schema.rows("SELECT holder FROM lease ORDER BY name LIMIT 1").into_iter().flatten().next()
}

async fn sealed(replica: &Replica) -> bool {
    replica.app().store().verify().await.unwrap().unsealed == 0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn another_seals_when_the_one_that_did_is_cut_off() {
    let schema = schema();
    let proxy = Proxy::before(&schema.url()).await;
    let a = Replica::start(&proxy.url(&schema.url()), 1).await;
    let (_, token) = a.integration("first").await;
    within(Duration::from_secs(4), "the first seals", async || sealed(&a).await).await;
    let first = holder(&schema).unwrap();
    let b = Replica::start(&schema.url(), 2).await;
    let mut client = b.client(&token);
    create(&mut client, "/scim/v2/Users", &user("before")).await;
    within(Duration::from_secs(4), "the first still seals", async || sealed(&b).await).await;
    assert_eq!(holder(&schema).unwrap(), first);
    proxy.stall();
    create(&mut client, "/scim/v2/Users", &user("meanwhile")).await;
    let taken = within(Duration::from_secs(10), "the second seals", async || sealed(&b).await).await;
    println!("sealed by the other after {taken:?}");
    let second = holder(&schema).unwrap();
    assert_ne!(second, first);
    // What comes back does not take over from the one that does it well now.
    proxy.resume();
    let mut back = a.client(&token);
    within(Duration::from_secs(4), "writing again", async || {
        back.post("/scim/v2/Users", &user("again")).await.status == 201
    })
    .await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(holder(&schema).unwrap(), second);
    sound(&a).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn who_stops_in_order_hands_over_at_once() {
    let schema = schema();
    let a = Replica::start(&schema.url(), 1).await;
    let (_, token) = a.integration("first").await;
    within(Duration::from_secs(4), "the first seals", async || sealed(&a).await).await;
    let first = holder(&schema).unwrap();
    let b = Replica::start(&schema.url(), 2).await;
    a.stop().await;
    let changed = async || holder(&schema).is_some_and(|holder| holder != first);
    let taken = within(Duration::from_secs(4), "the second takes over", changed).await;
    create(&mut b.client(&token), "/scim/v2/Users", &user("after")).await;
    let sealed = within(Duration::from_secs(4), "the second seals", async || sealed(&b).await).await;
    println!("handed over within {taken:?}, sealed {sealed:?} later");
    sound(&b).await;
}
