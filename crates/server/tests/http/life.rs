use super::*;
use bailiwick_domain::preset::Preset;
use bailiwick_server::{Gate, ServerOptions, bind};
use bailiwick_testkit::{Client, TestOptions};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::test]
async fn health() {
    let app = TestApp::start().await;
    for (path, body) in [("/healthz", "{\"status\":\"ok\"}\n"), ("/readyz", "{\"status\":\"ready\"}\n")] {
        assert_eq!(app.anonymous().get(path).await.expect(200).text(), body);
    }
}

#[tokio::test]
async fn a_server_that_is_loading_serves_but_is_not_ready() {
    let app = TestApp::start().await;
    let ready = Gate::loading();
    let options = ServerOptions { ready: ready.clone(), ..ServerOptions::new(free()) };
    let running = bind(options).await.unwrap().start(app.app().clone());
    let mut client = Client::new(running.address, app.token());
    assert_eq!(client.get("/readyz").await.expect(503).at("/reason"), "loading");
    client.get("/healthz").await.expect(200);
    client.get("/scim/v2/Users").await.expect(200);
    ready.set_ready();
    client.get("/readyz").await.expect(200);
    running.stop().await;
}

fn free() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

/// A certificate authority for this test, and what it signed for `localhost`.
const AUTHORITY: &[u8] = include_bytes!("tls/authority.pem");
const CERTIFICATE: &[u8] = include_bytes!("tls/certificate.pem");
const KEY: &[u8] = include_bytes!("tls/key.pem");

#[tokio::test]
async fn tls() {
    use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
    use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::ring};
    let app = TestApp::start().await;
    let options = ServerOptions { tls: Some((CERTIFICATE.to_vec(), KEY.to_vec())), ..ServerOptions::new(free()) };
    let running = bind(options).await.unwrap().start(app.app().clone());
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(AUTHORITY).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(running.address).await.unwrap();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let mut stream = connector.connect(ServerName::try_from("localhost").unwrap(), stream).await.unwrap();
    let head = format!("Host: localhost\r\nConnection: close\r\nAuthorization: Bearer {}\r\n", app.token());
    stream.write_all(format!("GET /scim/v2/Users HTTP/1.1\r\n{head}\r\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("totalResults"), "{answer}");
    // Plain HTTP on the same port is not understood, and nobody is kept waiting.
    let plain =
        bailiwick_testkit::raw(running.address, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", Duration::from_secs(4)).await;
    assert!(!plain.starts_with(b"HTTP"));
    running.stop().await;
}

#[tokio::test]
async fn requests_in_flight_are_finished_when_the_server_stops() {
    let mut app = TestApp::start().await;
    let body = user("last").to_string();
    let head = format!(
        "POST /scim/v2/Users HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\nContent-Length: {}\r\n\r\n",
        app.token(),
        body.len()
    );
    let mut sending = TcpStream::connect(app.address()).await.unwrap();
    sending.write_all(head.as_bytes()).await.unwrap();
    let mut stuck = TcpStream::connect(app.address()).await.unwrap();
    stuck.write_all(b"GET / HT").await.unwrap();
    let mut idle = app.client();
    idle.get("/healthz").await.expect(200);
    tokio::time::sleep(Duration::from_millis(100)).await;
    let address = app.address();
    let finish = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert!(TcpStream::connect(address).await.is_err(), "still accepting");
        sending.write_all(body.as_bytes()).await.unwrap();
        let mut answer = String::new();
        sending.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let (answer, stopped) = tokio::join!(finish, tokio::time::timeout(Duration::from_secs(5), app.stop()));
    assert!(answer.starts_with("HTTP/1.1 201 ") && answer.contains("connection: close"), "{answer}");
    assert!(stopped.is_ok(), "drained in time");
}

/// Whoever spreads requests over several servers has time to notice that this one is about to go.
#[tokio::test]
async fn a_server_that_gives_notice_goes_on_for_a_while() {
    let app = TestApp::start().await;
    let running = bind(ServerOptions::new(free())).await.unwrap().start(app.app().clone());
    let mut kept = Client::new(running.address, app.token());
    assert_eq!(kept.get("/scim/v2/Users").await.expect(200).header("connection"), None);
    let serves = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(kept.get("/scim/v2/Users").await.expect(200).header("connection"), Some("close"));
        let mut new = Client::new(running.address, app.token());
        assert_eq!(new.get("/readyz").await.expect(503).at("/reason"), "stopping");
        new.get("/healthz").await.expect(200);
        new.post("/scim/v2/Users", &user("late")).await.expect(201);
    };
    tokio::join!(running.give_notice(), serves);
    let address = running.address;
    running.stop().await;
    assert!(TcpStream::connect(address).await.is_err(), "still accepting");
}

#[tokio::test]
async fn calls_beyond_the_limit_wait_and_change_nothing() {
    let app = TestApp::with(TestOptions { rate_limit: Some(2), ..TestOptions::default() }).await;
    let mut client = app.client();
    let mut refused = None;
    for number in 0..20 {
        let answer = client.post("/scim/v2/Users", &user(&format!("u{number}"))).await;
        if answer.status != 201 {
            refused = Some(answer.expect(429));
            break;
        }
    }
    let refused = refused.expect("a limit of two a second holds");
    is_scim_error(&refused);
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait));
    let (_, other) = app.integration("other", Preset::Generic).await;
    client.set_header("authorization", Some(&format!("Bearer {other}")));
    client.get("/scim/v2/Users").await.expect(200);
    client.set_header("authorization", Some("Bearer wrong"));
    for _ in 0..50 {
        client.get("/scim/v2/Users").await.expect(401);
    }
    tokio::time::sleep(Duration::from_secs(wait)).await;
    let list = app.client().get("/scim/v2/Users").await.expect(200);
    assert!(list.at("/totalResults").as_u64().is_some_and(|users| (10..20).contains(&users)));
}

#[tokio::test]
async fn a_write_is_finished_when_its_client_is_gone() {
    let app = TestApp::start().await;
    for number in 0..20 {
        let body = user(&format!("gone{number}")).to_string();
        let mut stream = TcpStream::connect(app.address()).await.unwrap();
        let head = format!(
            "POST /scim/v2/Users HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\nContent-Length: {}\r\n\r\n{body}",
            app.token(),
            body.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
    }
    let mut users = Value::Null;
    for _ in 0..100 {
        users = app.client().get("/scim/v2/Users?count=0").await.expect(200).at("/totalResults");
        if users == 20 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(users, 20);
}
