//! Clients that go on calling whatever happens, keep books of what they were told, and compare them with the store.

use crate::bodies::{add, create, group, members, remove, set, user};
use crate::{PATIENCE, World};
use bailiwick_testkit::{Answer, Client};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::Instant;

const CLIENTS: usize = 16;
/// How the names of Users begin that no books are kept of.
pub(crate) const BESIDES: &str = "besides";

/// One call.
struct Call {
    writes: bool,
    at: Instant,
    taken: Duration,
    status: u16,
}

/// What one client was told.
#[derive(Default)]
pub(crate) struct Books {
    calls: Vec<Call>,
    /// Users by name: the id, when it was told that they were made; and the request.
    users: BTreeMap<String, (Option<String>, String)>,
    /// Whether these Users are members of the group, as far as it can know.
    members: BTreeMap<String, BTreeSet<bool>>,
}

impl Books {
    /// Makes a call and notes it; an answer is a success or 503.
    async fn call(&mut self, client: &mut Client, method: &str, path: &str, body: Option<Bytes>) -> Answer {
        let at = Instant::now();
        let answer = client.send(method, path, &[], body).await;
        let taken = at.elapsed();
        let status = answer.status;
        assert!(taken <= PATIENCE, "{method} {path}: {status} after {taken:?}");
        if status == 503 {
            assert!(answer.header("retry-after").is_some(), "{method} {path}: 503 without Retry-After");
        } else {
            assert!(matches!(status, 200..=204), "{method} {path}: {status} {}", answer.text());
        }
        self.calls.push(Call { writes: method != "GET", at, taken, status });
        answer
    }

    /// Creates a User and notes what is known of it; gives its id if it was told one.
    pub(crate) async fn create(&mut self, client: &mut Client, name: &str) -> Option<String> {
        let body = user(name).to_string().into();
        let answer = self.call(client, "POST", "/scim/v2/Users", Some(body)).await;
        let id = (answer.status == 201).then(|| answer.at("/id").as_str().unwrap().to_owned());
        self.users.insert(name.to_owned(), (id.clone(), request_id(&answer)));
        id
    }

    /// Adds a User to the group or removes it.
    pub(crate) async fn change(&mut self, client: &mut Client, group: &str, id: &str, inside: bool) -> Answer {
        let body = if inside { add(id) } else { remove(id) };
        let path = format!("/scim/v2/Groups/{group}");
        let answer = self.call(client, "PATCH", &path, Some(body.to_string().into())).await;
        let known = self.members.entry(id.to_owned()).or_insert_with(|| BTreeSet::from([false]));
        if answer.status != 503 {
            known.clear();
        }
        known.insert(inside);
        answer
    }
}

pub(crate) fn request_id(answer: &Answer) -> String {
    answer.header("x-request-id").unwrap_or_default().to_owned()
}

/// Reads and writes until told to stop.
async fn work(mut client: Client, worker: usize, group: String, stop: Arc<AtomicBool>) -> Books {
    let (mut books, mut own) = (Books::default(), Vec::<String>::new());
    let mut number = 0;
    while !stop.load(Ordering::SeqCst) {
        let name = format!("w{worker}-{number}");
        let made = books.create(&mut client, &name).await;
        let filter = format!("/scim/v2/Users?attributes=userName&filter=userName%20eq%20%22{name}%22");
        let found = books.call(&mut client, "GET", &filter, None).await;
        if let (Some(id), 200) = (&made, found.status) {
            assert_eq!(found.at("/Resources/0/id"), id.as_str(), "{name} was made and is not found");
        }
        if let Some(id) = made {
            books.change(&mut client, &group, &id, true).await;
            own.push(id);
        }
        if number % 3 == 2
            && let Some(id) = own.pop()
        {
            books.change(&mut client, &group, &id, false).await;
        }
        if let Some(id) = own.last() {
            let (path, body) = (format!("/scim/v2/Users/{id}"), set("nickName", format!("{number}")));
            books.call(&mut client, "PATCH", &path, Some(body.to_string().into())).await;
        }
        books.call(&mut client, "GET", "/scim/v2/ResourceTypes", None).await;
        // Who is told to come back does not come back at once.
        let refused = books.calls.last().is_some_and(|call| call.status == 503);
        tokio::time::sleep(Duration::from_millis(if refused { 50 } else { 5 })).await;
        number += 1;
    }
    books
}

/// A running load.
pub(crate) struct Load {
    group: String,
    stop: Arc<AtomicBool>,
    workers: Vec<JoinHandle<Books>>,
}

impl Load {
    pub(crate) async fn start(world: &World) -> Self {
        let group = create(&mut world.client(), "/scim/v2/Groups", &group("Crew")).await;
        let stop = Arc::<AtomicBool>::default();
        let workers = (0..CLIENTS)
            .map(|worker| tokio::spawn(work(world.client(), worker, group.clone(), stop.clone())))
            .collect();
        Self { group, stop, workers }
    }

    /// Stops it; gives the books.
    pub(crate) async fn stop(self) -> Ledger {
        self.stop.store(true, Ordering::SeqCst);
        let mut books = Vec::new();
        for worker in self.workers {
            books.push(worker.await.unwrap());
        }
        Ledger { group: self.group, books }
    }
}

/// What all clients were told.
pub(crate) struct Ledger {
    pub(crate) group: String,
    pub(crate) books: Vec<Books>,
}

impl Ledger {
    fn calls(&self) -> impl Iterator<Item = &Call> {
        self.books.iter().flat_map(|books| &books.calls)
    }

    /// How many calls that began in that time had this outcome.
    pub(crate) fn count(&self, from: Instant, to: Instant, writes: bool, refused: bool) -> usize {
        let counts =
            |call: &&Call| call.writes == writes && (call.status == 503) == refused && (from..to).contains(&call.at);
        self.calls().filter(counts).count()
    }

    /// Says what happened.
    pub(crate) fn report(&self, what: &str) {
        let refused = self.calls().filter(|call| call.status == 503).count();
        let worst = self.calls().map(|call| call.taken).max().unwrap_or_default();
        println!("{what}: {} calls, {refused} refused, the longest took {worst:?}", self.calls().count());
    }

    /// Compares the books with the store: what was acknowledged is there, and nothing else but what was refused.
    pub(crate) async fn compare(&self, world: &World) {
        let (there, store) = (users(world).await, world.replica.app().store());
        let told: BTreeMap<_, _> = self.books.iter().flat_map(|books| &books.users).collect();
        for (name, id) in &there {
            let asked = told.contains_key(name) || name.starts_with(BESIDES);
            assert!(asked, "{name} ({id}) is there, and nobody asked for it");
        }
        for (name, (id, request)) in told {
            let stands = there.get(name);
            if let Some(id) = id {
                assert_eq!(stands, Some(id), "{name} was acknowledged");
            }
            // A call that was refused before its token was known has no request of its own in the journal.
            let events = store.events_of_request(request).await.unwrap();
            let made = events.iter().any(|event| event.status == Some(201));
            assert_eq!(made, stands.is_some(), "{name}: the journal says {events:?}");
        }
        let path = format!("/scim/v2/Groups/{}", self.group);
        let shown = members(&world.client().get(&path).await.expect(200).json());
        let shown: BTreeSet<&String> = shown.iter().collect();
        for (id, possible) in self.books.iter().flat_map(|books| &books.members) {
            assert!(possible.contains(&shown.contains(id)), "member {id}: {possible:?} was told");
        }
    }
}

/// All Users by name.
pub(crate) async fn users(world: &World) -> BTreeMap<String, String> {
    let (mut client, mut found, mut start) = (world.client(), BTreeMap::new(), 1);
    loop {
        let path = format!("/scim/v2/Users?attributes=userName&count=1000&startIndex={start}");
        let page = client.get(&path).await.expect(200).json();
        let page = page["Resources"].as_array().cloned().unwrap_or_default();
        if page.is_empty() {
            return found;
        }
        for user in &page {
            let (name, id) = (user["userName"].as_str().unwrap(), user["id"].as_str().unwrap());
            assert!(found.insert(name.to_owned(), id.to_owned()).is_none(), "{name} is there twice");
        }
        start += page.len();
    }
}
