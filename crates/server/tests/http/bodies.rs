use super::*;
use bytes::Bytes;

#[tokio::test]
async fn types_of_bodies() {
    let app = TestApp::start().await;
    let check = async |name: &str, headers: &[(&str, Option<&str>)], status: u16| {
        let body = Bytes::from(user(name).to_string());
        let answer = app.client().send("POST", "/scim/v2/Users", headers, Some(body)).await;
        assert_eq!(answer.status, status, "{headers:?}");
        if status != 201 {
            is_scim_error(&answer);
        }
    };
    check("a", &[("content-type", Some("application/scim+json"))], 201).await;
    check("b", &[("content-type", Some("Application/JSON; charset=utf-8"))], 201).await;
    check("c", &[("content-type", None)], 201).await;
    check("d", &[("accept", Some("text/html"))], 201).await;
    check("e", &[("content-type", Some("text/plain"))], 415).await;
    check("f", &[("content-type", Some("application/x-www-form-urlencoded"))], 415).await;
    check("g", &[("content-encoding", Some("gzip"))], 415).await;
    check("h", &[("content-encoding", Some("identity"))], 201).await;
}

#[tokio::test]
async fn what_is_no_json_object_is_refused() {
    let app = TestApp::start().await;
    let deep = "[".repeat(100_000);
    let bodies: [&[u8]; 11] = [
        b"",
        b" ",
        b"{",
        b"null",
        b"[]",
        b"{} x",
        b"{\"schemas\":[],\"SCHEMAS\":[]}",
        b"{\"userName\":\"\xff\"}",
        b"{\"userName\":\"\\ud800\"}",
        b"{\"userName\":NaN}",
        deep.as_bytes(),
    ];
    for body in bodies {
        for (method, path) in [("POST", "/scim/v2/Users"), ("POST", "/scim/v2/Bulk"), ("POST", "/scim/v2/.search")] {
            let answer = app.client().send(method, path, &[], Some(Bytes::copy_from_slice(body))).await.expect(400);
            is_scim_error(&answer);
            assert_eq!(answer.at("/scimType"), "invalidSyntax", "{path} {}", answer.text());
        }
    }
}

#[tokio::test]
async fn large_bodies_are_refused_and_the_client_hears_it() {
    let app = TestApp::start().await;
    let check = async |path: &str, bytes: usize, status: u16| {
        let answer = app.client().send("POST", path, &[], Some(Bytes::from(vec![b' '; bytes]))).await;
        assert_eq!(answer.status, status, "{path} {bytes}");
        is_scim_error(&answer);
        answer
    };
    const MIB: usize = 1024 * 1024;
    check("/scim/v2/Users", MIB, 400).await;
    let refused = check("/scim/v2/Users", MIB + 1, 413).await;
    assert!(refused.text().contains("1048576") && refused.header("connection") == Some("close"));
    check("/scim/v2/Users", 20 * MIB, 413).await;
    check("/scim/v2/Groups", MIB + 1, 400).await;
    check("/scim/v2/Groups", 16 * MIB + 1, 413).await;
    check("/scim/v2/Groups/.search", MIB + 1, 413).await;
    assert!(check("/scim/v2/Bulk", 8 * MIB + 1, 413).await.text().contains("8388608"));
    let answer = app.anonymous().send("POST", "/scim/v2/Users", &[], Some(Bytes::from(vec![b' '; 9 * MIB]))).await;
    assert_eq!(answer.status, 401);
}

#[tokio::test]
async fn a_body_that_is_announced_too_large_is_not_asked_for() {
    let app = TestApp::start().await;
    let head = format!(
        "POST /scim/v2/Users HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\nExpect: 100-continue\r\n",
        app.token()
    );
    let answer = app.raw(format!("{head}Content-Length: 1073741824\r\n\r\n").as_bytes()).await;
    assert!(answer.starts_with(b"HTTP/1.1 413 "), "{}", String::from_utf8_lossy(&answer));
    let body = user("asked").to_string();
    let length = body.len();
    let asked = format!("{head}Connection: close\r\nContent-Length: {length}\r\n\r\n{body}");
    let answer = String::from_utf8(app.raw(asked.as_bytes()).await).unwrap();
    assert!(answer.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 "), "{answer}");
}

#[tokio::test]
async fn a_chunked_body_beyond_the_limit_is_refused_while_it_is_sent() {
    let app = TestApp::start().await;
    let mut bytes = format!(
        "POST /scim/v2/Users HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\nTransfer-Encoding: chunked\r\n\r\n",
        app.token()
    )
    .into_bytes();
    for _ in 0..64 {
        bytes.extend_from_slice(b"10000\r\n");
        bytes.extend_from_slice(&[b' '; 0x10000]);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    let answer = app.raw(&bytes).await;
    assert!(answer.starts_with(b"HTTP/1.1 413 "), "{}", String::from_utf8_lossy(&answer));
}

#[tokio::test]
async fn no_secret_reaches_the_disk() {
    let app = TestApp::start().await;
    let secret = "correct-horse-battery";
    let mut body = user("secretive");
    body["password"] = json!(secret);
    let mut client = app.client();
    let created = client.post("/scim/v2/Users", &body).await.expect(201);
    assert!(!created.text().contains(secret));
    body["PASSWORD"] = json!(secret);
    client.post("/scim/v2/Users", &body).await.expect(400);
    client.get(&format!("/scim/v2/Users?filter=password%20eq%20%22{secret}%22&token={secret}")).await.expect(400);
    client.get(&format!("/scim/v2/nothing?access_token={secret}")).await.expect(404);
    app.app().flush().await;
    assert_eq!(app.files_holding(secret), Vec::<String>::new());
    let token = app.token().to_owned();
    assert_eq!(app.files_holding(&token), Vec::<String>::new());
}
