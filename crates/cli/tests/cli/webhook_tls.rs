//! Webhooks over TLS: who the receiver is, is checked against the authorities that the machine trusts.

use crate::support::{Home, Server, binary, json, said, text};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, Stream};
use serde_json::Value;
use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// An authority for tests, and what it signed for `localhost`.
fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../server/tests/http/tls").join(name)
}

/// Answers every request over TLS with 204 and passes on what it read; connections that end in the handshake count as
/// empty.
fn receive() -> (u16, Receiver<String>) {
    let certificates = CertificateDer::pem_file_iter(file("certificate.pem")).unwrap().map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(file("key.pem")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let (mut socket, config) = (socket.unwrap(), config.clone());
            let mut connection = ServerConnection::new(config).unwrap();
            let mut stream = Stream::new(&mut connection, &mut socket);
            let (mut read, mut bytes) = (Vec::new(), [0; 16_384]);
            while !whole(&read)
                && let Ok(length @ 1..) = stream.read(&mut bytes)
            {
                read.extend_from_slice(&bytes[..length]);
            }
            let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n");
            if sender.send(String::from_utf8(read).unwrap()).is_err() {
                return;
            }
        }
    });
    (port, receiver)
}

/// Whether the head and a JSON body are there.
fn whole(read: &[u8]) -> bool {
    let text = String::from_utf8_lossy(read);
    text.split_once("\r\n\r\n").is_some_and(|(_, body)| serde_json::from_str::<Value>(body).is_ok())
}

/// The binary on a machine that trusts the authority of the tests, or none of them.
fn trusting(authority: &str) -> Command {
    let mut command = binary();
    command.env_remove("SSL_CERT_DIR").env("SSL_CERT_FILE", file(authority));
    command
}

fn test(home: &Home, mut machine: Command, webhook: &Value) -> Output {
    let id = webhook["id"].as_str().unwrap();
    machine.args(["webhook", "test", id, "--json"]).args(home.flags()).output().unwrap()
}

#[test]
fn a_webhook_is_delivered_over_tls_to_whom_the_machine_trusts_and_to_nobody_else() {
    let home = Home::new();
    let (port, received) = receive();
    said(&home, "webhook networks 127.0.0.0/8");
    let made = |host: &str| json(&home, &format!("webhook create https://{host}:{port}/hook --kind integration:*"));
    let (named, by_address) = (made("localhost"), made("127.0.0.1"));
    let (secret, id) = (named["secret"].as_str().unwrap(), named["id"].as_str().unwrap());
    assert!(secret.starts_with("whsec_"), "{named}");

    let sent = test(&home, trusting("authority.pem"), &named);
    let got = received.recv_timeout(Duration::from_secs(20)).unwrap();
    assert!(sent.status.success(), "{}{}", text(&sent.stdout), text(&sent.stderr));
    assert!(got.starts_with("POST /hook HTTP/1.1\r\n") && got.contains("\"webhook:test\""), "{got}");
    assert!(got.to_lowercase().contains("\r\nwebhook-signature: v1,"), "{got}");
    assert!(!got.contains(secret), "{got}");

    // Another name than the certificate's, and a machine that does not know the authority: nothing of the message is sent.
    for (machine, webhook) in
        [(trusting("authority.pem"), &by_address), (trusting("certificate.pem"), &named), (trusting("key.pem"), &named)]
    {
        let sent = test(&home, machine, webhook);
        let said = format!("{}{}", text(&sent.stdout), text(&sent.stderr));
        assert_eq!(sent.status.code(), Some(1), "{said}");
        assert!(said.contains("no TLS") || said.contains("trusts no certificate authority"), "{said}");
        assert!(!said.contains(secret), "{said}");
    }
    while let Ok(got) = received.recv_timeout(Duration::from_millis(200)) {
        assert_eq!(got, "", "a message went to somebody who is not trusted");
    }

    said(&home, &format!("webhook delete {}", by_address["id"].as_str().unwrap()));
    let arguments: Vec<OsString> =
        home.flags().into_iter().chain(["--listen", "127.0.0.1:0"].map(Into::into)).collect();
    let server = Server::started(trusting("authority.pem"), arguments);
    server.wait_ready(Duration::from_secs(20));
    said(&home, "integration create okta");
    let got = received.recv_timeout(Duration::from_secs(20)).unwrap();
    assert!(got.contains("\"integration:create\""), "{got}");
    said(&home, &format!("webhook delete {id}"));
    let _ = server.terminate();
}

#[test]
fn which_networks_may_be_called_is_told() {
    let home = Home::new();
    assert_eq!(json(&home, "webhook networks")["networks"], Value::Array(Vec::new()));
    said(&home, "webhook networks 10.1.0.0/16,127.0.0.0/8");
    said(&home, "webhook networks 10.1.0.0/16,127.0.0.0/8");
    said(&home, "webhook networks none");
    let log = said(&home, "log");
    let told: Vec<&str> = log.lines().filter(|line| line.contains("webhook_private_networks")).collect();
    assert_eq!(told.len(), 2, "{log}");
    assert!(told.iter().any(|line| line.contains("changed to 10.1.0.0/16,127.0.0.0/8")), "{log}");
}
