//! Two servers on one database behind HAProxy: one is stopped and started after the other, and no client notices; one is
//! killed, and the other does what it did.

mod keep;

use crate::support::{Home, Server, connect, json, patch, string, user};
use keep::Connection;
use serde_json::{Value, json as value};
use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const CLIENTS: usize = 8;
/// HAProxy as the guide shows it.
const GUIDE: &str = include_str!("../../../../docs/guides/scale-out.md");

/// HAProxy in front of two servers. It is killed when dropped.
struct Balancer {
    child: Child,
    address: SocketAddr,
    _dir: TempDir,
}

impl Balancer {
    fn start(servers: [SocketAddr; 2]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let path = dir.path().join("haproxy.cfg");
        std::fs::write(&path, configuration(address, servers)).unwrap();
        let program =
            ["/usr/sbin/haproxy", "/usr/local/sbin/haproxy"].into_iter().find(|path| std::fs::exists(path).unwrap());
        let mut command = Command::new(program.unwrap_or("haproxy"));
        command.arg("-db").arg("-f").arg(&path).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().unwrap();
        let begun = Instant::now();
        while TcpStream::connect(address).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(10), "HAProxy does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { child, address, _dir: dir }
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the guide tells people to use, with the addresses of this test.
fn configuration(address: SocketAddr, servers: [SocketAddr; 2]) -> String {
    let (_, section) = GUIDE.split_once("### HAProxy\n").unwrap();
    let (section, _) = section.split_once("\n### ").unwrap();
    let lines = section.lines().filter_map(|line| line.strip_prefix("    ").or(line.is_empty().then_some("")));
    let text: String = lines.flat_map(|line| [line, "\n"]).collect();
    let text = text.replace("bind :8700", &format!("bind {address}"));
    let [one, two] = servers.map(|server| server.to_string());
    let text = text.replace("10.0.0.11:8700", &one).replace("10.0.0.12:8700", &two);
    assert!(text.contains(&one) && text.contains(&two) && text.contains(&address.to_string()), "{text}");
    text
}

fn database() -> Home {
    let home = Home::new();
    assert!(!home.is_folder(), "replicas need BAILIWICK_TEST_POSTGRES: cargo xtask test starts a database");
    home
}

fn start(home: &Home, address: Option<SocketAddr>) -> Server {
    let listen = address.map_or("127.0.0.1:0".to_owned(), |address| address.to_string());
    let flags = home.flags().into_iter().chain([OsString::from("--listen"), listen.into()]);
    let server = Server::start_with(flags);
    server.wait_ready(Duration::from_secs(10));
    server
}

/// What clients share.
struct Load {
    address: SocketAddr,
    token: String,
    group: String,
    stop: AtomicBool,
    calls: AtomicUsize,
    failures: Mutex<Vec<String>>,
}

impl Load {
    /// A call and the status it must have.
    fn call(&self, client: &mut Connection, method: &str, path: &str, body: Option<&Value>, expect: u16) -> Value {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let begun = Instant::now();
        let why = match client.call(method, path, &self.token, body) {
            Ok((status, value)) if status == expect => return value,
            Ok((status, value)) => format!("{method} {path}: {status} {value}"),
            Err(error) => format!("{method} {path}: {error}"),
        };
        self.failures.lock().unwrap().push(format!("{why} after {:?}", begun.elapsed()));
        Value::Null
    }

    /// One client: creates, finds, changes, reads, puts into a group and takes out, deletes, and checks each answer; tells how many Users it left.
    fn work(&self, worker: usize) -> usize {
        let (mut client, mut number, mut left) = (Connection::to(self.address), 0, 0);
        while !self.stop.load(Ordering::SeqCst) {
            let name = format!("w{worker}-{number}");
            let made = self.call(&mut client, "POST", "/scim/v2/Users", Some(&user(&name)), 201);
            let Some(id) = made["id"].as_str() else { continue };
            let path = format!("/scim/v2/Users/{id}");
            let filter = format!("/scim/v2/Users?filter=userName%20eq%20%22{name}%22");
            let found = self.call(&mut client, "GET", &filter, None, 200);
            let change = patch(value!([{ "op": "replace", "path": "nickName", "value": name }]));
            self.call(&mut client, "PATCH", &path, Some(&change), 200);
            let shown = self.call(&mut client, "GET", &path, None, 200);
            let add = patch(value!([{ "op": "add", "path": "members", "value": [{ "value": id }] }]));
            self.call(&mut client, "PATCH", &format!("/scim/v2/Groups/{}", self.group), Some(&add), 200);
            if (&found["Resources"][0]["id"], &shown["nickName"]) != (&made["id"], &value!(name)) {
                self.failures.lock().unwrap().push(format!("{name}: found {found}, shown {shown}"));
            }
            if number % 2 == 0 {
                self.call(&mut client, "DELETE", &path, None, 204);
            } else {
                // A group of more than a thousand would answer otherwise.
                let path = format!("members[value eq \"{id}\"]");
                let remove = patch(value!([{ "op": "remove", "path": path }]));
                self.call(&mut client, "PATCH", &format!("/scim/v2/Groups/{}", self.group), Some(&remove), 200);
                left += 1;
            }
            number += 1;
        }
        left
    }
}

#[test]
#[ignore = "needs PostgreSQL: cargo xtask test"]
fn a_rolling_restart_fails_no_request() {
    let home = database();
    let token = connect(&home, "okta");
    let mut servers = [start(&home, None), start(&home, None)].map(Some);
    let addresses = [0, 1].map(|index: usize| servers[index].as_ref().unwrap().address);
    let balancer = Balancer::start(addresses);
    let group = value!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Crew" });
    let (status, group) =
        crate::support::call(balancer.address, "POST", "/scim/v2/Groups", &token, Some(&group)).unwrap();
    assert_eq!(status, 201, "{group}");
    let load = Load {
        address: balancer.address,
        token,
        group: string(&group, "id"),
        stop: AtomicBool::new(false),
        calls: AtomicUsize::new(0),
        failures: Mutex::default(),
    };
    let left: usize = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..CLIENTS)
            .map(|worker| {
                scope.spawn({
                    let load = &load;
                    move || load.work(worker)
                })
            })
            .collect();
        std::thread::sleep(Duration::from_secs(1));
        for round in 0..4 {
            let index = round % 2;
            let before = load.calls.load(Ordering::SeqCst);
            let (code, out, err, taken) = servers[index].take().unwrap().terminate();
            println!("stopped in {taken:?}, {} calls meanwhile", load.calls.load(Ordering::SeqCst) - before);
            assert_eq!((code, out.as_str(), err.as_str()), (Some(0), "", ""));
            assert!(taken < Duration::from_secs(10), "{taken:?}");
            std::thread::sleep(Duration::from_millis(500));
            servers[index] = Some(start(&home, Some(addresses[index])));
            // The balancer has to see it before the other may go.
            std::thread::sleep(Duration::from_millis(1_500));
        }
        load.stop.store(true, Ordering::SeqCst);
        workers.into_iter().map(|worker| worker.join().unwrap()).sum()
    });
    let failures = load.failures.into_inner().unwrap();
    let calls = load.calls.load(Ordering::SeqCst);
    assert!(failures.is_empty(), "{} of {calls} calls failed:\n{}", failures.len(), failures.join("\n"));
    println!("{calls} calls, none failed");
    assert!(calls > 200, "{calls} calls");
    assert_eq!(json(&home, "integration show okta")["users"], left);
    assert_eq!(json(&home, "audit verify")["sound"], true);
}

/// The one that seals is killed while it writes: nothing acknowledged is lost, and the other seals soon.
#[test]
#[ignore = "needs PostgreSQL: cargo xtask test"]
fn the_other_goes_on_when_one_is_killed() {
    let home = database();
    let sealed = || json(&home, "audit verify")["unsealed"] == 0;
    let wait = |limit: Duration| {
        let begun = Instant::now();
        while !sealed() {
            assert!(begun.elapsed() < limit, "not sealed within {limit:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
        begun.elapsed()
    };
    let token = connect(&home, "okta");
    let first = start(&home, None);
    wait(Duration::from_secs(4));
    let second = start(&home, None);
    let (target, acknowledged) = (first.address, Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for worker in 0..4 {
            let (acknowledged, token) = (&acknowledged, &token);
            scope.spawn(move || {
                let mut client = Connection::to(target);
                for number in 0.. {
                    let name = format!("w{worker}-{number}");
                    match client.call("POST", "/scim/v2/Users", token, Some(&user(&name))) {
                        Ok((201, _)) => acknowledged.lock().unwrap().push(name),
                        Ok((status, body)) => panic!("{status} {body}"),
                        Err(_) => return,
                    }
                }
            });
        }
        std::thread::sleep(Duration::from_secs(1));
        first.kill();
    });
    let acknowledged = acknowledged.into_inner().unwrap();
    assert!(!acknowledged.is_empty());
    let begun = Instant::now();
    let (status, body) = second.call("POST", "/scim/v2/Users", &token, Some(&user("after")));
    assert_eq!(status, 201, "{body}");
    println!("written by the other {:?} after the first was killed", begun.elapsed());
    for name in &acknowledged {
        let filter = format!("/scim/v2/Users?count=0&filter=userName%20eq%20%22{name}%22");
        assert_eq!(second.call("GET", &filter, &token, None).1["totalResults"], 1, "{name} was acknowledged");
    }
    let taken = wait(Duration::from_secs(10).saturating_sub(begun.elapsed()));
    println!("{} acknowledged; sealed by the other {taken:?} later", acknowledged.len());
    assert_eq!(json(&home, "audit verify")["sound"], true);
}
