//! A killed server loses nothing that it acknowledged and leaves nothing half done: Users, bulk requests and the
//! memberships of one group, written at the same time.

mod bulk;
mod crowd;

use crate::support::{Home, Server, call, connect, json, patch, string, user};
use bulk::Bulk;
use crowd::Crowd;
use serde_json::{Value, json as value};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const KILLS: usize = 20;
const LOAD: Duration = Duration::from_millis(350);
/// Every fifth life is long enough for events to be sealed under load.
const LONG_LOAD: Duration = Duration::from_millis(1_500);

/// Where a writer writes, and until when.
#[derive(Clone, Copy)]
struct Target<'a> {
    address: SocketAddr,
    token: &'a str,
    stop: &'a AtomicBool,
}

impl Target<'_> {
    /// The answer to a request, if it came before the end of the server. It must be one of success.
    fn send(&self, method: &str, path: &str, body: &Value) -> Option<Value> {
        let (status, answer) = call(self.address, method, path, self.token, Some(body)).ok()?;
        assert!(matches!(status, 200 | 201), "{method} {path}: {status} {answer}");
        // The head of an answer may arrive without its body: nobody was told what was made.
        answer.is_object().then_some(answer)
    }

    fn goes_on(&self) -> bool {
        !self.stop.load(Ordering::Relaxed)
    }
}

/// What the writers of Users and of bulk requests were told.
#[derive(Default)]
struct Told {
    /// Ids, with the number that was patched in last, if that was acknowledged.
    users: Vec<(String, Option<usize>)>,
    bulks: Vec<Bulk>,
}

#[test]
fn nothing_acknowledged_is_lost() {
    let home = &Home::new();
    let token = connect(home, "okta");
    let mut server = Server::start(home);
    let address = server.address;
    let mut crowd = Crowd::gather(&server, &token);
    let (mut all, mut sealed) = (Told::default(), 0);
    for round in 0..KILLS {
        let prefix = format!("r{round:02}");
        let long = round % 5 == 3;
        let told = load(&server, &token, &prefix, &mut crowd, if long { LONG_LOAD } else { LOAD });
        server.kill();
        let begun = Instant::now();
        server = restart(home, address);
        server.wait_ready(Duration::from_secs(10));
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
        crowd.check(&server, &token);
        Shown::read(&server, &token, &prefix).check(&told);
        if long {
            sealed = sound(home, sealed);
        }
        all.users.extend(told.users);
        all.bulks.extend(told.bulks);
    }
    let counts = (all.users.len(), all.bulks.len(), crowd.acknowledged());
    assert!(counts.0 > KILLS && counts.1 > KILLS / 2 && counts.2 > KILLS, "acknowledged: {counts:?}");
    // What outlived the first kill outlived the others.
    Shown::read(&server, &token, "r").check(&all);
    // Blocks of several lives make one chain.
    assert!(sealed > 0, "nothing was sealed before the last kill");
    let begun = Instant::now();
    while json(home, "audit verify")["unsealed"] != 0 {
        // Where several servers may run, the next one seals once the lease of the killed one has run out.
        assert!(begun.elapsed() < Duration::from_secs(15), "events are sealed");
        std::thread::sleep(Duration::from_millis(100));
    }
    sound(home, sealed);
}

fn restart(home: &Home, address: SocketAddr) -> Server {
    Server::start_with(home.flags().into_iter().chain(["--listen".into(), address.to_string().into()]))
}

/// Writes from several sides until the server is gone, or nearly.
fn load(server: &Server, token: &str, prefix: &str, crowd: &mut Crowd, life: Duration) -> Told {
    let stop = AtomicBool::new(false);
    let target = Target { address: server.address, token, stop: &stop };
    std::thread::scope(|scope| {
        let users = [0, 1].map(|writer| scope.spawn(move || write(target, &format!("{prefix}w{writer}"))));
        let bulks = [0, 1].map(|writer| scope.spawn(move || bulk::write(target, &format!("{prefix}b{writer}"))));
        crowd.write(scope, target);
        std::thread::sleep(life);
        // The kill comes while requests are on their way: writers are told only afterwards.
        rustix::process::kill_process(server.id(), rustix::process::Signal::KILL).unwrap();
        stop.store(true, Ordering::Relaxed);
        Told {
            users: users.into_iter().flat_map(|writer| writer.join().unwrap()).collect(),
            bulks: bulks.into_iter().flat_map(|writer| writer.join().unwrap()).collect(),
        }
    })
}

fn write(target: Target<'_>, prefix: &str) -> Vec<(String, Option<usize>)> {
    let mut told = Vec::new();
    for number in 0.. {
        if !target.goes_on() {
            break;
        }
        let body = user(&format!("{prefix}n{number}"));
        let Some(made) = target.send("POST", "/scim/v2/Users", &body) else { break };
        let id = string(&made, "id");
        let body = twice(&number.to_string());
        let patched = target.send("PATCH", &format!("/scim/v2/Users/{id}"), &body);
        told.push((id, patched.map(|_| number)));
    }
    told
}

/// A PATCH that says the same in two places: one without the other is half a PATCH.
fn twice(text: &str) -> Value {
    patch(value!([
        {"op": "replace", "path": "title", "value": text},
        {"op": "replace", "path": "nickName", "value": text},
    ]))
}

/// Users and Groups by id, whether anybody was told about them or not.
struct Shown {
    users: HashMap<String, Value>,
    groups: HashMap<String, Value>,
}

impl Shown {
    /// Those whose names begin like that.
    fn read(server: &Server, token: &str, prefix: &str) -> Self {
        let list = |path: &str| list(server, token, &format!("{path}%20sw%20%22{prefix}%22"));
        Self { users: list("Users?filter=userName"), groups: list("Groups?filter=displayName") }
    }

    fn check(&self, told: &Told) {
        for user in self.users.values() {
            assert_eq!(user["title"], user["nickName"], "a PATCH is applied as a whole: {user}");
            let address = format!("{}@corp.example", string(user, "userName"));
            assert_eq!(user["emails"][0]["value"], address, "a User is made as a whole: {user}");
        }
        for (id, number) in &told.users {
            let user = self.users.get(id).unwrap_or_else(|| panic!("{id} was acknowledged"));
            if let Some(number) = number {
                assert_eq!(user["title"], number.to_string(), "an acknowledged PATCH of {id}");
            }
        }
        for group in self.groups.values() {
            bulk::check_whole(group, &self.users);
        }
        for bulk in &told.bulks {
            bulk.check(self);
        }
    }
}

/// All pages of a list, by id.
fn list(server: &Server, token: &str, query: &str) -> HashMap<String, Value> {
    let mut shown = HashMap::new();
    loop {
        let begin = shown.len();
        let path = format!("/scim/v2/{query}&startIndex={}&count=500", begin + 1);
        let (status, mut page) = server.call("GET", &path, token, None);
        assert_eq!(status, 200, "{path}: {page}");
        let Value::Array(resources) = page["Resources"].take() else { panic!("{path}: {page}") };
        shown.extend(resources.into_iter().map(|resource| (string(&resource, "id"), resource)));
        if shown.len() == begin {
            assert_eq!(page["totalResults"], begin, "{path}");
            return shown;
        }
    }
}

/// Verifies the journal; gives how many events are sealed, no fewer than before.
fn sound(home: &Home, before: u64) -> u64 {
    let report = json(home, "audit verify");
    assert_eq!(report["sound"], true, "{report}");
    let sealed = report["events"].as_u64().unwrap();
    assert!(sealed >= before, "{before} events were sealed: {report}");
    sealed
}
