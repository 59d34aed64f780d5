//! A killed server loses nothing that it acknowledged and leaves nothing half done.

use crate::support::{Server, call, connect, json, patch, string, user};
use serde_json::{Value, json as value};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const KILLS: usize = 20;
const WRITERS: usize = 4;
const LOAD: Duration = Duration::from_millis(350);

/// What a writer was told.
#[derive(Default)]
struct Acknowledged {
    /// Ids, with the number that was patched in last, if that was acknowledged.
    users: Vec<(String, Option<usize>)>,
}

#[test]
fn nothing_acknowledged_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let token = connect(dir, "okta");
    let mut server = Server::start(dir);
    let address = server.address;
    let mut all = 0;
    for round in 0..KILLS {
        let told = load(&server, &token, round);
        server.kill();
        let begun = Instant::now();
        server = restart(dir, address);
        server.wait_ready(Duration::from_secs(10));
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
        for (id, number) in told.iter().flat_map(|told| &told.users) {
            check(&server, &token, id, *number);
        }
        all += told.iter().map(|told| told.users.len()).sum::<usize>();
    }
    assert!(all > KILLS, "only {all} users were made");
    let (_, list) = server.call("GET", "/scim/v2/Users?count=0", &token, None);
    assert!(list["totalResults"].as_u64().unwrap() >= all as u64, "{all} acknowledged, {list}");
    half_done(&server, &token);
    let report = json(dir, "audit verify");
    assert_eq!(report["sound"], true, "{report}");
}

fn restart(dir: &Path, address: SocketAddr) -> Server {
    let listen = address.to_string();
    Server::start_with(["--data".as_ref(), dir.as_os_str(), "--listen".as_ref(), listen.as_ref()])
}

/// Writes from several sides until the server is gone, or nearly.
fn load(server: &Server, token: &str, round: usize) -> Vec<Acknowledged> {
    let (stop, address) = (AtomicBool::new(false), server.address);
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let stop = &stop;
                scope.spawn(move || write(stop, address, token, &format!("r{round}w{writer}")))
            })
            .collect();
        std::thread::sleep(LOAD);
        // The kill comes while requests are on their way: writers are told only afterwards.
        let pid = server.id();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        stop.store(true, Ordering::Relaxed);
        writers.into_iter().map(|writer| writer.join().unwrap()).collect()
    })
}

fn write(stop: &AtomicBool, address: SocketAddr, token: &str, prefix: &str) -> Acknowledged {
    let mut told = Acknowledged::default();
    for number in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let body = user(&format!("{prefix}n{number}"));
        let Ok((201, made)) = call(address, "POST", "/scim/v2/Users", token, Some(&body)) else { break };
        let id = string(&made, "id");
        let operations = value!([
            {"op": "replace", "path": "title", "value": number.to_string()},
            {"op": "replace", "path": "nickName", "value": number.to_string()},
        ]);
        let path = format!("/scim/v2/Users/{id}");
        let patched = call(address, "PATCH", &path, token, Some(&patch(operations)));
        let acknowledged = matches!(patched, Ok((200, _))).then_some(number);
        told.users.push((id, acknowledged));
    }
    told
}

fn check(server: &Server, token: &str, id: &str, number: Option<usize>) {
    let (status, user) = server.call("GET", &format!("/scim/v2/Users/{id}"), token, None);
    assert_eq!(status, 200, "{id} was acknowledged");
    assert_eq!(user["title"], user["nickName"], "a PATCH is applied as a whole");
    if let Some(number) = number {
        assert_eq!(user["title"], number.to_string(), "an acknowledged PATCH of {id}");
    }
}

/// Those that nobody was told about are whole, too.
fn half_done(server: &Server, token: &str) {
    let mut start = 1;
    loop {
        let path = format!("/scim/v2/Users?startIndex={start}&count=500");
        let (_, page) = server.call("GET", &path, token, None);
        let users: &Vec<Value> = page["Resources"].as_array().unwrap();
        if users.is_empty() {
            return;
        }
        for user in users {
            assert_eq!(user["title"], user["nickName"], "{user}");
        }
        start += users.len();
    }
}
