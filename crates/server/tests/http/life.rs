use super::*;
use bailiwick_domain::preset::Preset;
use bailiwick_testkit::TestOptions;
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
