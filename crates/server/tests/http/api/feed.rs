//! Events: pages, single ones, the stream.

use super::*;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

#[tokio::test]
async fn events_are_listed_and_shown() {
    let app = TestApp::start().await;
    let id = create(&app, "Users", &user("ann@example.com")).await;
    let mut auditor = app.service("auditor").await;
    let all = auditor.get("/api/v1/events?limit=2").await.expect(200);
    let newest = all.at("/items/0/seq").as_i64().unwrap();
    assert!(newest > all.at("/items/1/seq").as_i64().unwrap());
    let cursor = all.at("/next_cursor").as_str().unwrap().to_owned();
    let next = auditor.get(&format!("/api/v1/events?limit=2&cursor={cursor}")).await.expect(200);
    assert!(next.at("/items/0/seq").as_i64().unwrap() < all.at("/items/1/seq").as_i64().unwrap());

    let of = auditor.get(&format!("/api/v1/events?resource={id}&kind=prov:*")).await.expect(200);
    assert_eq!(of.at("/items").as_array().map(Vec::len), Some(1));
    let event = of.at("/items/0");
    assert_eq!((&event["kind"], &event["integration"]), (&json!("prov:create:full"), &json!("first")));
    let shown = auditor.get(&format!("/api/v1/events/{}", event["id"].as_str().unwrap())).await.expect(200);
    assert_eq!(shown.json(), event);
    let by_number = auditor.get(&format!("/api/v1/events/{}", event["seq"])).await.expect(200);
    assert_eq!(by_number.json(), event);
    for none in ["evt_999999", "evt_x", "x", "evt_-1"] {
        is_problem(&auditor.get(&format!("/api/v1/events/{none}")).await.expect(404), "not-found");
    }
    for (query, count) in [("kind=prov:create:full", 1), ("kind=nothing", 0), ("integration=first&failed=true", 0)] {
        let found = auditor.get(&format!("/api/v1/events?{query}")).await.expect(200);
        assert_eq!(found.at("/items").as_array().map(Vec::len), Some(count), "{query}");
    }
    is_problem(&auditor.get("/api/v1/events?integration=none").await.expect(404), "not-found");
    is_problem(&auditor.get("/api/v1/events?since=yesterday").await.expect(400), "parameter-invalid");
    // All are counted where that is asked, whatever the page; and only then.
    let every = auditor.get("/api/v1/events?limit=1000&since=2000-01-01T00:00:00Z&kind=prov:*").await.expect(200);
    let count = every.at("/items").as_array().unwrap().len();
    let counted = auditor.get("/api/v1/events?limit=1&total=true&kind=prov:*").await.expect(200);
    assert_eq!((counted.at("/total"), every.json().get("total")), (json!(count), None));
    let second = counted.at("/next_cursor").as_str().map(str::to_owned);
    assert_eq!(second.is_some(), count > 1);
    let of = auditor.get(&format!("/api/v1/events?resource={id}&total=true")).await.expect(200);
    assert_eq!(of.at("/total"), json!(of.at("/items").as_array().unwrap().len()));
    let report = auditor.get("/api/v1/audit/verify").await.expect(200);
    assert_eq!(report.at("/sound"), true);
}

/// A stream of events as it arrives.
struct Stream {
    socket: TcpStream,
    read: String,
}

impl Stream {
    async fn open(address: SocketAddr, token: &str, query: &str, headers: &str) -> Self {
        let mut socket = TcpStream::connect(address).await.unwrap();
        let request = format!(
            "GET /api/v1/events/stream{query} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n{headers}\r\n"
        );
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut stream = Self { socket, read: String::new() };
        stream.until(": open").await;
        assert!(stream.read.contains("content-type: text/event-stream"), "{}", stream.read);
        stream
    }

    /// Reads until this text has come.
    async fn until(&mut self, text: &str) {
        let mut bytes = [0; 4096];
        while !self.read.contains(text) {
            let read = timeout(Duration::from_secs(10), self.socket.read(&mut bytes)).await;
            let length = read.unwrap_or_else(|_| panic!("{text} did not come: {}", self.read)).unwrap();
            assert!(length > 0, "{text} did not come before the end: {}", self.read);
            self.read.push_str(&String::from_utf8_lossy(&bytes[..length]));
        }
    }

    /// Reads until the stream ends: with its last, empty piece, or with the connection.
    async fn end(&mut self) {
        let mut bytes = [0; 4096];
        while !self.read.ends_with("\r\n0\r\n\r\n") {
            let read = timeout(Duration::from_secs(10), self.socket.read(&mut bytes)).await.unwrap();
            match read {
                Ok(length @ 1..) => self.read.push_str(&String::from_utf8_lossy(&bytes[..length])),
                _ => return,
            }
        }
    }

    /// The sequences that have come.
    fn seqs(&self) -> Vec<i64> {
        self.read.lines().filter_map(|line| line.strip_prefix("id: ")?.parse().ok()).collect()
    }
}

#[tokio::test]
async fn the_stream_tells_what_happens_and_goes_on_where_it_stood() {
    let app = TestApp::start().await;
    let token = app.service_token("auditor").await;
    let mut stream = Stream::open(app.address(), &token, "?kind=prov:*", "").await;
    let id = create(&app, "Users", &user("ann@example.com")).await;
    stream.until(&id).await;
    assert!(stream.read.contains("event: prov:create:full\n"), "{}", stream.read);
    let seqs = stream.seqs();
    assert_eq!(seqs.len(), 1, "{}", stream.read);
    drop(stream);
    let other = create(&app, "Users", &user("bea@example.com")).await;
    let mut again = Stream::open(app.address(), &token, "", &format!("Last-Event-ID: {}\r\n", seqs[0])).await;
    again.until(&other).await;
    assert!(!again.read.contains(&id) && again.seqs().is_sorted());
    let mut from = Stream::open(app.address(), &token, "?after=0", "").await;
    from.until(&other).await;
    assert!(from.read.contains(&id) && from.read.contains("event: integration:create"));
}

#[tokio::test]
async fn the_stream_ends_with_its_credential() {
    let app = TestApp::start().await;
    let token = app.service_token("auditor").await;
    let mut stream = Stream::open(app.address(), &token, "", "").await;
    let mut admin = app.service("admin").await;
    let tokens = admin.get("/api/v1/service-tokens").await.expect(200);
    let id =
        tokens.at("/items").as_array().unwrap().iter().find(|item| item["role"] == "auditor").unwrap()["id"].clone();
    admin.delete(&format!("/api/v1/tokens/{}", id.as_str().unwrap())).await.expect(204);
    stream.end().await;
    is_problem(&app.api_client(&token).get("/api/v1/events").await.expect(401), "token-revoked");
}

#[tokio::test]
async fn the_stream_ends_with_the_server() {
    let mut app = TestApp::start().await;
    let token = app.service_token("auditor").await;
    let mut stream = Stream::open(app.address(), &token, "", "").await;
    let stopped = timeout(Duration::from_secs(5), app.stop());
    stopped.await.expect("the server does not wait for its streams");
    stream.end().await;
}

#[tokio::test]
async fn streams_are_limited() {
    let app = TestApp::start().await;
    let token = app.service_token("auditor").await;
    let mut open = Vec::new();
    for _ in 0..100 {
        open.push(Stream::open(app.address(), &token, "", "").await);
    }
    let mut client = app.api_client(&token);
    is_problem(&client.get("/api/v1/events/stream").await.expect(429), "rate-limited");
    let viewer = app.service_token("viewer").await;
    is_problem(&app.api_client(&viewer).get("/api/v1/events/stream").await.expect(403), "forbidden");
}
