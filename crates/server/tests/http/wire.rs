use super::*;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[expect(clippy::disallowed_methods, reason = "the test measures real time")]
fn now() -> Instant {
    Instant::now()
}

#[tokio::test]
async fn requests_in_doubt_are_refused_and_the_connection_with_them() {
    let app = TestApp::start().await;
    let head = format!("Host: a\r\nAuthorization: Bearer {}\r\n", app.token());
    let post = "POST /scim/v2/Users HTTP/1.1\r\n";
    let body = user("smuggled").to_string();
    let long = "y".repeat(256 * 1024);
    let many: String = (0..10_000).map(|number| format!("X-{number}: y\r\n")).collect();
    let check = async |name: &str, bytes: String, expect: &[&str]| {
        let begun = now();
        let answer = String::from_utf8_lossy(&app.raw(bytes.as_bytes()).await).into_owned();
        assert!(begun.elapsed() < Duration::from_secs(4), "{name}");
        let status = answer.split(' ').nth(1).unwrap_or("closed");
        assert!(expect.contains(&status), "{name}: {answer:?}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), usize::from(status != "closed"), "{name}: {answer:?}");
    };
    check("no host", "GET /scim/v2/Users HTTP/1.1\r\n\r\n".to_owned(), &["400"]).await;
    check("two hosts", format!("GET /scim/v2/Users HTTP/1.1\r\nHost: b\r\n{head}\r\n"), &["400"]).await;
    check("bad host", "GET /healthz HTTP/1.1\r\nHost: a/b\r\n\r\n".to_owned(), &["400"]).await;
    let chunked = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    for lengths in [
        "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
        "transfer-encoding:\tchunked\r\ncontent-length:3\r\n",
    ] {
        check(lengths, format!("{post}{head}{lengths}\r\n{chunked}"), &["400"]).await;
    }
    let length = body.len();
    let twice = format!("Content-Length: {length}\r\nContent-Length: {length}\r\n");
    check("the same length twice", format!("{post}{head}{twice}\r\n{body}"), &["400"]).await;
    for bad in ["-1", "99999999999999999999999", "1, 2", "0x3", "+3", ""] {
        check(bad, format!("{post}{head}Content-Length: {bad}\r\n\r\n{body}"), &["400", "closed"]).await;
    }
    for bad in ["gzip, chunked", "identity", "chunked, chunked"] {
        check(bad, format!("{post}{head}Transfer-Encoding: {bad}\r\n\r\n{chunked}"), &["400", "closed"]).await;
    }
    let expects = "Content-Length: 2\r\nExpect: miracles\r\n";
    check("expectation", format!("{post}{head}{expects}\r\n{{}}"), &["417"]).await;
    check("many headers", format!("GET / HTTP/1.1\r\n{head}{many}\r\n"), &["431", "closed"]).await;
    check("long header", format!("GET / HTTP/1.1\r\n{head}X: {long}\r\n\r\n"), &["431", "closed"]).await;
    check("long line", format!("GET /{long} HTTP/1.1\r\n{head}\r\n"), &["414", "431", "closed"]).await;
    check("folded", format!("GET / HTTP/1.1\r\nX: a\r\n b\r\n{head}\r\n"), &["400"]).await;
    check("no HTTP", "\u{1}\u{2}hello\r\n\r\n".to_owned(), &["400", "closed"]).await;
    assert_eq!(app.client().get("/scim/v2/Users").await.expect(200).at("/totalResults"), 0);
}

#[tokio::test]
async fn a_smuggled_request_behind_a_good_one_is_found_too() {
    let app = TestApp::start().await;
    let head = format!("Host: a\r\nAuthorization: Bearer {}\r\n", app.token());
    let doubt =
        format!("POST /scim/v2/Users HTTP/1.1\r\n{head}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n");
    let bytes =
        format!("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n{doubt}0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    let answer = String::from_utf8(app.raw(bytes.as_bytes()).await).unwrap();
    let statuses: Vec<&str> = answer.split("HTTP/1.1 ").skip(1).map(|answer| &answer[..3]).collect();
    assert_eq!(statuses, ["200", "400"]);
}

#[tokio::test]
async fn two_authorization_headers_are_refused() {
    let app = TestApp::start().await;
    let authorization = format!("Authorization: Bearer {}\r\n", app.token());
    let request =
        format!("GET /scim/v2/Users HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{authorization}{authorization}\r\n");
    let answer = app.raw(request.as_bytes()).await;
    assert!(answer.starts_with(b"HTTP/1.1 400 "), "{}", String::from_utf8_lossy(&answer));
}

#[tokio::test]
async fn ordinary_oddities_are_served() {
    let app = TestApp::start().await;
    let head = format!("Host: a\r\nConnection: close\r\nAuthorization: Bearer {}\r\n", app.token());
    let check = async |bytes: String, expect: &str| {
        let answer = app.raw(bytes.as_bytes()).await;
        assert!(answer.starts_with(expect.as_bytes()), "{bytes}: {}", String::from_utf8_lossy(&answer));
    };
    check("GET /healthz HTTP/1.0\r\n\r\n".to_owned(), "HTTP/1.0 200 ").await;
    check(format!("\r\nGET /scim/v2/Users HTTP/1.1\r\n{head}\r\n"), "HTTP/1.1 200 ").await;
    check(format!("GET http://elsewhere/scim/v2/Users HTTP/1.1\r\n{head}\r\n"), "HTTP/1.1 200 ").await;
    let body = user("chunky").to_string();
    let (first, second) = body.split_at(7);
    let chunks = format!("7;x=y\r\n{first}\r\n{:x}\r\n{second}\r\n0\r\nTrailer: x\r\n\r\n", second.len());
    check(format!("POST /scim/v2/Users HTTP/1.1\r\n{head}Transfer-Encoding: Chunked\r\n\r\n{chunks}"), "HTTP/1.1 201 ")
        .await;
}

#[tokio::test]
async fn a_client_that_has_said_everything_may_close_its_side() {
    let app = TestApp::start().await;
    let mut stream = TcpStream::connect(app.address()).await.unwrap();
    let request = format!("GET /scim/v2/Users HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\n\r\n", app.token());
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[tokio::test]
async fn forged_hosts_are_never_reflected() {
    let app = TestApp::start().await;
    let id = create(&app, "Users", &user("host")).await;
    let headers = [
        ("host", Some("evil.example")),
        ("x-forwarded-host", Some("evil.example")),
        ("x-forwarded-prefix", Some("/evil.example")),
        ("forwarded", Some("host=evil.example;proto=http")),
        ("x-original-url", Some("/evil.example")),
    ];
    for path in
        [format!("/scim/v2/Users/{id}"), "/scim/v2/Users".to_owned(), "/scim/v2/ServiceProviderConfig".to_owned()]
    {
        let answer = app.client().send("GET", &path, &headers, None).await.expect(200);
        assert!(!answer.text().contains("evil") && answer.text().contains(BASE), "{path}");
        assert!(!format!("{:?}", answer.headers).contains("evil"), "{path}");
    }
}

#[tokio::test]
async fn stalled_heads_and_bodies_do_not_slow_others() {
    let app = TestApp::start().await;
    let head = format!("POST /scim/v2/Users HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\n", app.token());
    let mut held = Vec::new();
    for number in 0..300 {
        let mut stream = TcpStream::connect(app.address()).await.unwrap();
        let body = if number % 2 == 0 { "" } else { "Content-Length: 100\r\n\r\n{\"a" };
        stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        held.push(stream);
    }
    let begun = now();
    for _ in 0..10 {
        app.client().get("/scim/v2/Users").await.expect(200);
    }
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    let mut ends = Vec::new();
    for stream in held.iter_mut().take(2) {
        let mut answer = String::new();
        tokio::time::timeout(Duration::from_secs(15), stream.read_to_string(&mut answer)).await.unwrap().unwrap();
        ends.push(answer.get(9..12).unwrap_or_default().to_owned());
    }
    assert_eq!(ends, ["", "408"]);
}
