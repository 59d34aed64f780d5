//! The connection breaks in the middle of a commit: nobody is told of a success by guess.

use crate::bodies::{create, group, user};
use crate::load::{BESIDES, Books, Ledger, request_id, users};
use crate::{BACK, World, within};
use bailiwick_testkit::proxy::Moment;

/// How a transaction is committed, on the wire.
const COMMIT: &[u8] = b"COMMIT\0";
const ROUNDS: usize = 30;
/// Rounds of many at once, and how many.
const BATCHES: usize = 5;
const AT_ONCE: usize = 64;

/// The server is itself again: it has read and written something.
async fn recovered(world: &World, round: usize) {
    let (mut client, body) = (world.client(), user(&format!("{BESIDES}{round}")));
    let writes = async || matches!(client.post("/scim/v2/Users", &body).await.status, 201 | 409);
    within(BACK, "recovered", writes).await;
}

/// What a refused call left in the journal is its refusal, if anything.
async fn left_nothing(world: &World, request: &str) {
    let events = world.replica.app().store().events_of_request(request).await.unwrap();
    assert!(events.iter().all(|event| event.status == Some(503)), "{events:?}");
}

/// Creates Users and changes members one by one; each of those commits is cut at that moment. Tells how many were
/// acknowledged.
async fn one_by_one(moment: Moment) -> usize {
    let world = World::start().await;
    let (mut client, mut books) = (world.client(), Books::default());
    let group = create(&mut client, "/scim/v2/Groups", &group("Crew")).await;
    let mut acknowledged = 0;
    for round in 0..ROUNDS {
        let name = format!("trapped-{round}-");
        world.proxy.trap_behind(name.as_bytes(), COMMIT, moment);
        let made = books.create(&mut client, &name).await;
        assert!(!world.proxy.untrap(), "no commit was cut");
        acknowledged += usize::from(made.is_some());
        recovered(&world, round).await;
        if moment == Moment::Before {
            assert!(made.is_none() && !users(&world).await.contains_key(&name), "round {round}");
        }
        let member = match made {
            Some(id) => id,
            None => create(&mut client, "/scim/v2/Users", &user(&format!("{BESIDES}-member{round}"))).await,
        };
        world.proxy.trap_behind(member.as_bytes(), COMMIT, moment);
        let answer = books.change(&mut client, &group, &member, true).await;
        assert!(!world.proxy.untrap(), "no commit was cut");
        acknowledged += usize::from(answer.status != 503);
        recovered(&world, round).await;
        if moment == Moment::Before {
            assert_eq!(answer.status, 503, "round {round}");
            left_nothing(&world, &request_id(&answer)).await;
        }
    }
    println!("{moment:?}: {acknowledged} of {} commits were acknowledged", 2 * ROUNDS);
    assert_eq!(world.proxy.sprung(), 2 * ROUNDS as u64);
    Ledger { group, books: vec![books] }.compare(&world).await;
    world.sound().await;
    acknowledged
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn a_commit_that_did_not_arrive_is_no_success() {
    assert_eq!(one_by_one(Moment::Before).await, 0);
}

/// The server finds out what became of it, and says so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn a_commit_whose_answer_was_lost_is_settled() {
    let acknowledged = one_by_one(Moment::Answered).await;
    assert!(acknowledged * 10 >= 2 * ROUNDS * 9, "{acknowledged} of {} were settled", 2 * ROUNDS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn a_commit_that_may_have_arrived_is_settled() {
    one_by_one(Moment::Delivered).await;
}

/// Many are written at once, and the connection breaks in one of their commits.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn a_batch_that_is_cut_is_accounted_for() {
    let world = World::start().await;
    let group = create(&mut world.client(), "/scim/v2/Groups", &group("Crew")).await;
    let mut all = Vec::new();
    for (number, moment) in [Moment::Before, Moment::Answered, Moment::Delivered].into_iter().enumerate() {
        for batch in 0..BATCHES {
            let round = format!("batch-{number}-{batch}-");
            world.proxy.trap_behind(round.as_bytes(), COMMIT, moment);
            let calls: Vec<_> = (0..AT_ONCE)
                .map(|place| {
                    let (mut client, name) = (world.client(), format!("{round}{place}"));
                    tokio::spawn(async move {
                        let mut books = Books::default();
                        let made = books.create(&mut client, &name).await;
                        (books, made.is_some())
                    })
                })
                .collect();
            let mut acknowledged = 0;
            for call in calls {
                let (books, made) = call.await.unwrap();
                all.push(books);
                acknowledged += usize::from(made);
            }
            println!("{moment:?}: {acknowledged} of {AT_ONCE} were acknowledged");
            assert!(!world.proxy.untrap(), "no commit was cut");
            recovered(&world, number * BATCHES + batch).await;
        }
    }
    Ledger { group, books: all }.compare(&world).await;
    world.sound().await;
}
