//! Life of a server.

use crate::support::{Home, Server, binary, call, fails, json, run, text};
use serde_json::json as value;
use std::ffi::OsString;
use std::time::Duration;

fn flags(home: &Home, more: &[&str]) -> Vec<OsString> {
    home.flags().into_iter().chain(more.iter().map(OsString::from)).collect()
}

#[test]
fn it_starts_answers_and_stops() {
    let home = Home::new();
    let server = Server::start(&home);
    server.wait_ready(Duration::from_secs(10));
    assert_eq!(server.call("GET", "/healthz", "", None).0, 200);
    let (status, config) = server.call("GET", "/scim/v2/ServiceProviderConfig", "", None);
    assert_eq!((status, &config["patch"]["supported"]), (200, &value!(true)));
    assert_eq!(server.call("GET", "/scim/v2/Users", "", None).0, 401);
    if home.is_folder() {
        let second = fails(&home, "serve --listen 127.0.0.1:0", 1);
        assert!(second.contains("another bailiwick serve uses"), "{second}");
    } else {
        Server::start(&home).wait_ready(Duration::from_secs(10));
    }
    let address = server.address;
    let (code, out, err, taken) = server.terminate();
    assert_eq!((code, out.as_str(), err.as_str()), (Some(0), "", ""));
    assert!(taken < Duration::from_secs(10), "{taken:?}");
    // The same port can be taken at once, and the store is free again.
    let again = address.to_string();
    let server = Server::start_with(flags(&home, &["--listen", &again]));
    assert_eq!(server.address, address);
}

#[test]
fn a_request_in_flight_is_finished_before_the_end() {
    use std::io::{Read as _, Write as _};
    let home = Home::new();
    let token = crate::support::connect(&home, "okta");
    let server = Server::start(&home);
    let body = crate::support::user("inflight").to_string();
    let mut stream = std::net::TcpStream::connect(server.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let head = format!(
        "POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&body.as_bytes()[..10]).unwrap();
    std::thread::sleep(Duration::from_millis(200));
    let stopping = std::thread::spawn(move || server.terminate());
    std::thread::sleep(Duration::from_millis(300));
    stream.write_all(&body.as_bytes()[10..]).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    assert_eq!(stopping.join().unwrap().0, Some(0));
    assert_eq!(json(&home, "integration show okta")["users"], 1);
}

#[test]
fn what_is_unsafe_or_impossible_is_refused() {
    let home = Home::folder();
    let plain = fails(&home, "serve --listen 0.0.0.0:0", 1);
    assert!(plain.contains("--plain-http") && plain.contains("--tls-cert"), "{plain}");
    assert!(fails(&home, "serve --demo --listen 0.0.0.0:0 --plain-http", 1).contains("loopback"));
    assert!(fails(&home, "serve --listen 127.0.0.1:0 --public-url scim.example", 1).contains("https://"));
    assert!(fails(&home, "serve --listen 127.0.0.1:0 --schema missing.json", 1).contains("missing.json"));
    assert!(
        fails(&home, "serve --listen 127.0.0.1:0 --tls-cert missing.pem --tls-key missing.pem", 1)
            .contains("missing.pem")
    );
    assert!(fails(&home, "serve --database-url postgres://x", 2).contains("--data"));
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let line = format!("serve --log error --listen {}", taken.local_addr().unwrap());
    assert!(fails(&home, &line, 1).contains("cannot be served"));
    let log = binary().arg("serve").args(home.flags()).env("BAILIWICK_LOG", "loud").output().unwrap();
    assert!(log.status.code() == Some(1) && text(&log.stderr).contains("BAILIWICK_LOG"));
}

#[test]
fn the_public_url_is_remembered_when_it_was_chosen() {
    let home = Home::new();
    let url = |name: &str| json(&home, &format!("integration create {name}"))["scim_url"].clone();
    let server = Server::start(&home);
    assert_eq!(url("a"), format!("http://{}/scim/v2", server.address));
    server.kill();
    let server = Server::start(&home);
    assert_eq!(url("b"), format!("http://{}/scim/v2", server.address), "an address listened on does not stick");
    server.kill();
    let chosen = ["--listen", "127.0.0.1:0", "--public-url", "https://Scim.Corp.Example/base/"];
    Server::start_with(flags(&home, &chosen)).kill();
    assert_eq!(url("c"), "https://scim.corp.example/base/scim/v2");
    let server = Server::start(&home);
    assert_eq!(url("d"), "https://scim.corp.example/base/scim/v2", "a chosen one does");
    let token = crate::support::connect(&home, "e");
    let (_, made) = server.call("POST", "/scim/v2/Users", &token, Some(&crate::support::user("ada")));
    let location = made["meta"]["location"].as_str().unwrap();
    assert!(location.starts_with("https://scim.corp.example/base/scim/v2/Users/"), "{location}");
}

#[test]
fn extension_schemas_are_served() {
    let (dir, store) = (tempfile::tempdir().unwrap(), Home::new());
    let urn = "urn:example:params:scim:schemas:extension:fleet:2.0:User";
    let schema = value!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
        "id": urn,
        "name": "Fleet",
        "attributes": [{"name": "vessel", "type": "string", "multiValued": false}],
    });
    let file = dir.path().join("fleet.json");
    std::fs::write(&file, schema.to_string()).unwrap();
    let token = crate::support::connect(&store, "okta");
    let path = file.to_string_lossy().into_owned();
    let server = Server::start_with(flags(&store, &["--listen", "127.0.0.1:0", "--schema", &path]));
    let mut body = crate::support::user("ada");
    body[urn] = value!({"vessel": "Havørn"});
    let (status, made) = server.call("POST", "/scim/v2/Users", &token, Some(&body));
    assert_eq!((status, &made[urn]["vessel"]), (201, &value!("Havørn")), "{made}");
    std::fs::write(&file, "{").unwrap();
    let broken = run(&store, &format!("serve --listen 127.0.0.1:0 --schema {path}"));
    assert!(broken.status.code() == Some(1) && text(&broken.stderr).contains("fleet.json"));
}

#[test]
fn the_log_names_no_token_and_can_be_json() {
    let home = Home::new();
    let token = crate::support::connect(&home, "okta");
    let mut command = binary();
    command.args(["serve", "--listen", "127.0.0.1:0", "--log", "trace", "--log-format", "json"]).args(home.flags());
    let mut child = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.as_mut().unwrap()), &mut line).unwrap();
    let address = line.trim().strip_prefix("listening on http://").unwrap().parse().unwrap();
    let mut body = crate::support::user("ada");
    body["password"] = value!("not-for-the-log");
    assert_eq!(call(address, "POST", "/scim/v2/Users", &token, Some(&body)).unwrap().0, 201);
    assert_eq!(call(address, "GET", "/scim/v2/Users?filter=title%20eq%20%22hush%22", &token, None).unwrap().0, 200);
    crate::support::ask_to_stop(&child);
    let output = child.wait_with_output().unwrap();
    let log = text(&output.stderr);
    assert!(output.status.success() && log.lines().count() > 2, "{log}");
    assert!(log.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()), "{log}");
    for secret in [token.as_str(), "Bearer", "not-for-the-log", "hush"] {
        assert!(!log.contains(secret), "{secret}: {log}");
    }
}
