use super::*;
use bailiwick_domain::ids::Millis;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

#[derive(Debug)]
struct Still;

impl Clock for Still {
    fn now(&self) -> Millis {
        Millis(0)
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

fn courier() -> HttpCourier {
    HttpCourier::new(Arc::new(Still))
}

fn loopback() -> Vec<Network> {
    vec![Network::parse("127.0.0.0/8").unwrap()]
}

fn parcel(url: String, networks: Vec<Network>) -> Parcel {
    Parcel { url, headers: vec![("webhook-id", "evt_1".to_owned())], body: "{}".to_owned(), networks }
}

/// Answers one request with these bytes and tells what it got.
async fn answering(bytes: Vec<u8>) -> (String, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook?x=1", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut got = vec![0; 4096];
        let length = stream.read(&mut got).await.unwrap();
        stream.write_all(&bytes).await.ok();
        String::from_utf8_lossy(&got[..length]).into_owned()
    });
    (url, server)
}

#[test]
fn only_public_addresses_are_taken() {
    let check = |url: &str, networks: &[Network], expect: bool| {
        assert_eq!(courier().check(url, networks).is_ok(), expect, "{url}");
    };
    check("https://hooks.example.com/x", &[], true);
    check("https://8.8.8.8/x", &[], true);
    check("http://hooks.example.com/x", &[], false);
    check("https://127.0.0.1/x", &[], false);
    check("https://169.254.169.254/latest", &[], false);
    check("https://[::1]/x", &[], false);
    check("https://[::ffff:10.0.0.1]/x", &[], false);
    check("https://127.0.0.1/x", &loopback(), true);
    check("http://127.0.0.1:9000/x", &loopback(), true);
    check("http://8.8.8.8/x", &loopback(), false);
    check("https://10.0.0.1/x", &loopback(), false);
    check("nonsense", &loopback(), false);
}

#[tokio::test]
async fn a_name_that_leads_home_is_refused() {
    let sent = courier().carry(parcel("https://localhost:1/x".to_owned(), Vec::new())).await;
    assert_eq!((sent.status, sent.well()), (None, false));
    assert!(sent.why.as_deref().is_some_and(|why| why.contains("not public")), "{sent:?}");
}

#[tokio::test]
async fn what_is_sent_arrives() {
    let (url, server) = answering(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()).await;
    let sent = courier().carry(parcel(url, loopback())).await;
    assert!(sent.well(), "{sent:?}");
    let got = server.await.unwrap();
    assert!(got.starts_with("POST /hook?x=1 HTTP/1.1\r\n") && got.ends_with("\r\n\r\n{}"), "{got}");
    for header in ["host: 127.0.0.1:", "content-type: application/json", "webhook-id: evt_1", "user-agent: bailiwick/"]
    {
        assert!(got.to_lowercase().contains(header), "{got}");
    }
}

#[tokio::test]
async fn redirects_are_no_deliveries_and_long_answers_are_cut() {
    let (url, _) =
        answering(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n".to_vec()).await;
    let sent = courier().carry(parcel(url, loopback())).await;
    assert_eq!((sent.status, sent.well()), (Some(302), false));
    let mut long = b"HTTP/1.1 500 No\r\nContent-Length: 100000\r\n\r\n".to_vec();
    long.extend([b'x'; 100_000]);
    let (url, _) = answering(long).await;
    let sent = courier().carry(parcel(url, loopback())).await;
    assert_eq!(sent.status, Some(500));
    assert!(sent.why.is_some_and(|why| why.contains("500: xxx") && why.len() < 300));
    let (url, _) = answering(b"nonsense\r\n\r\n".to_vec()).await;
    let sent = courier().carry(parcel(url, loopback())).await;
    assert!(sent.status.is_none() && sent.why.is_some());
}

#[tokio::test(start_paused = true)]
async fn nobody_is_waited_for_too_long() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let sent = courier().carry(parcel(url, loopback())).await;
    assert_eq!(sent.why.as_deref(), Some("no answer within 10 seconds"));
}
