//! Webhooks, with somebody who receives.

use super::*;
use bailiwick_app::feed::webhooks::{set_networks, signature};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Receives messages and answers with a status of the test's choice.
struct Receiver {
    url: String,
    status: Arc<AtomicU16>,
    got: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Receiver {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let (status, got) = (Arc::new(AtomicU16::new(200)), Arc::new(Mutex::new(Vec::new())));
        let receiver = Self { url, status: status.clone(), got: got.clone() };
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let (status, got) = (status.clone(), got.clone());
                tokio::spawn(async move {
                    let mut read = Vec::new();
                    let mut bytes = [0; 65536];
                    loop {
                        let Ok(length @ 1..) = socket.read(&mut bytes).await else { return };
                        read.extend_from_slice(&bytes[..length]);
                        let text = String::from_utf8_lossy(&read).into_owned();
                        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                        let Ok(body) = serde_json::from_str(body) else { continue };
                        got.lock().unwrap().push((head.to_lowercase(), body));
                        break;
                    }
                    let answer = format!("HTTP/1.1 {} X\r\nContent-Length: 0\r\n\r\n", status.load(Ordering::SeqCst));
                    socket.write_all(answer.as_bytes()).await.ok();
                });
            }
        });
        receiver
    }

    /// Waits until so many messages have come.
    async fn wait(&self, count: usize) -> Vec<(String, Value)> {
        for _ in 0..200 {
            let got = self.got.lock().unwrap().clone();
            if got.len() >= count {
                return got;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{count} messages did not come, but {}", self.got.lock().unwrap().len());
    }
}

async fn made(app: &TestApp, receiver: &Receiver, kinds: &[&str]) -> (bailiwick_testkit::Client, String, String) {
    set_networks(app.app(), "127.0.0.0/8").await.unwrap();
    let mut admin = app.service("admin").await;
    let made = admin.post("/api/v1/webhooks", &json!({"url": receiver.url, "kinds": kinds})).await.expect(201);
    let text = |pointer: &str| made.at(pointer).as_str().unwrap().to_owned();
    (admin, text("/id"), text("/secret"))
}

fn header<'a>(head: &'a str, name: &str) -> &'a str {
    head.lines().find_map(|line| line.strip_prefix(&format!("{name}: "))).unwrap_or_default()
}

#[tokio::test]
async fn events_arrive_signed_and_in_order() {
    let app = TestApp::start().await;
    create(&app, "Users", &user("before@example.com")).await;
    let receiver = Receiver::start().await;
    let (mut admin, id, secret) = made(&app, &receiver, &["prov:*"]).await;
    let mut ids = Vec::new();
    for name in ["a", "b", "c"] {
        ids.push(json!(create(&app, "Users", &user(&format!("{name}@example.com"))).await));
    }
    let got = receiver.wait(3).await;
    let resources: Vec<Value> = got.iter().map(|(_, body)| body["data"]["resource"].clone()).collect();
    assert_eq!(resources, ids);
    let (head, body) = &got[0];
    let event = admin.get(&format!("/api/v1/events/{}", body["data"]["id"].as_str().unwrap())).await.expect(200);
    assert_eq!((&body["data"], &body["type"]), (&event.json(), &json!("prov:create:full")));
    let (message, seconds) = (header(head, "webhook-id"), header(head, "webhook-timestamp").parse().unwrap());
    let expect = signature(&secret, message, seconds, &body.to_string()).unwrap();
    assert_eq!(header(head, "webhook-signature"), expect.to_lowercase());
    // The log of it, and nothing of the secret.
    for _ in 0..100 {
        let list = admin.get(&format!("/api/v1/webhooks/{id}/deliveries")).await.expect(200);
        if list.at("/items").as_array().map(Vec::len) == Some(3) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let list = admin.get(&format!("/api/v1/webhooks/{id}/deliveries")).await.expect(200);
    assert_eq!((list.at("/items/0/delivered"), list.at("/items/0/status")), (json!(true), json!(200)));
    let read = admin.get(&format!("/api/v1/webhooks/{id}")).await.expect(200);
    let events = admin.get("/api/v1/events?kind=webhook:*").await.expect(200);
    for text in [read.text(), admin.get("/api/v1/webhooks").await.text(), events.text(), list.text()] {
        assert!(!text.contains(&secret), "{text}");
    }
    let event = list.at("/items/2/event").as_str().unwrap().to_owned();
    let path = format!("/api/v1/webhooks/{id}/deliveries/{event}/redeliver");
    let again = admin.send("POST", &path, &[], None).await.expect(200);
    assert_eq!((again.at("/attempts"), again.at("/delivered")), (json!(2), json!(true)));
    receiver.wait(4).await;
}

#[tokio::test]
async fn what_does_not_get_through_is_tried_again_and_given_up_after_a_day() {
    let app = TestApp::start().await;
    let receiver = Receiver::start().await;
    receiver.status.store(500, Ordering::SeqCst);
    let (mut admin, id, _) = made(&app, &receiver, &["prov:*", "webhook:disable"]).await;
    let user = create(&app, "Users", &user("a@example.com")).await;
    receiver.wait(1).await;
    let deliveries = format!("/api/v1/webhooks/{id}/deliveries");
    let failing = async |admin: &mut bailiwick_testkit::Client, attempts: u64| {
        for _ in 0..100 {
            let state = admin.get(&deliveries).await.expect(200);
            if state.at("/attempts") == attempts {
                return state;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{attempts} attempts were not made");
    };
    let state = failing(&mut admin, 1).await;
    assert!(state.at("/last_error").as_str().unwrap().contains("500"));
    app.clock().advance(Duration::from_secs(6));
    failing(&mut admin, 2).await;
    app.clock().advance(Duration::from_secs(31));
    failing(&mut admin, 3).await;
    // It gets through, and what came meanwhile behind it.
    receiver.status.store(204, Ordering::SeqCst);
    create(&app, "Groups", &group("g", &[])).await;
    app.clock().advance(Duration::from_secs(121));
    let got = receiver.wait(5).await;
    assert!(got[..4].iter().all(|(_, body)| body["data"]["resource"] == json!(user)));
    assert_eq!(header(&got[0].0, "webhook-id"), header(&got[3].0, "webhook-id"));
    failing(&mut admin, 0).await;
    // A day without success ends it.
    receiver.status.store(404, Ordering::SeqCst);
    create(&app, "Groups", &group("h", &[])).await;
    failing(&mut admin, 1).await;
    app.clock().advance(Duration::from_secs(24 * 60 * 60 + 1));
    for _ in 0..100 {
        if admin.get(&format!("/api/v1/webhooks/{id}")).await.at("/active") == false {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let read = admin.get(&format!("/api/v1/webhooks/{id}")).await.expect(200);
    assert!(read.at("/disabled_because").is_string(), "{}", read.text());
    let told = admin.get("/api/v1/events?kind=webhook:disable").await.expect(200);
    assert_eq!(told.at("/items/0/details/webhook"), json!(id));
    // Switched on again it goes on where it stood.
    receiver.status.store(200, Ordering::SeqCst);
    let before = receiver.got.lock().unwrap().len();
    admin.patch(&format!("/api/v1/webhooks/{id}"), &json!({"active": true})).await.expect(200);
    let got = receiver.wait(before + 2).await;
    assert_eq!(got[before].1["type"], "prov:create:full");
    assert_eq!(got[before + 1].1["type"], "webhook:disable");
}

#[tokio::test]
async fn a_slow_webhook_delays_nobody() {
    let app = TestApp::start().await;
    let deaf = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let receiver = Receiver::start().await;
    let (mut admin, _, _) = made(&app, &receiver, &["prov:*"]).await;
    let url = format!("http://{}/", deaf.local_addr().unwrap());
    admin.post("/api/v1/webhooks", &json!({"url": url, "kinds": ["*"]})).await.expect(201);
    create(&app, "Users", &user("a@example.com")).await;
    receiver.wait(1).await;
}

#[tokio::test]
async fn addresses_kinds_and_versions_are_checked() {
    let app = TestApp::start().await;
    let mut admin = app.service("admin").await;
    for url in [
        "http://hooks.example.com/",
        "https://127.0.0.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/",
        "https://u:p@hooks.example.com/",
        "file:///etc/passwd",
        "nonsense",
    ] {
        let answer = admin.post("/api/v1/webhooks", &json!({"url": url, "kinds": ["*"]})).await.expect(400);
        is_problem(&answer, "value-invalid");
    }
    for kinds in [json!([]), json!(["nothing"]), json!(["nothing:*"])] {
        let body = json!({"url": "https://hooks.example.com/", "kinds": kinds});
        is_problem(&admin.post("/api/v1/webhooks", &body).await.expect(400), "value-invalid");
    }
    let body = json!({"url": "https://hooks.example.com/secret-path", "kinds": ["team:*"], "description": "chat"});
    let made = admin.post("/api/v1/webhooks", &body).await.expect(201);
    let path = format!("/api/v1/webhooks/{}", made.at("/id").as_str().unwrap());
    let tag = admin.get(&path).await.header("etag").unwrap().to_owned();
    let only = [("if-match", Some(tag.as_str()))];
    let off = Some(json!({"active": false}).to_string().into());
    admin.send("PATCH", &path, &only, off).await.expect(200);
    is_problem(&admin.send("DELETE", &path, &only, None).await.expect(412), "precondition-failed");
    let rotated = admin.send("POST", &format!("{path}/rotate"), &[], None).await.expect(200);
    assert_ne!(rotated.at("/secret"), made.at("/secret"));
    // Where it leads is told by its origin only: a path may be a secret.
    let events = admin.get("/api/v1/events?kind=webhook:*").await.expect(200);
    assert!(!events.text().contains("secret-path") && events.text().contains("https://hooks.example.com"));
    admin.delete(&path).await.expect(204);
    is_problem(&admin.get(&path).await.expect(404), "not-found");
}
