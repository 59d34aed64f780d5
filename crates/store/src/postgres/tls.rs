//! TLS to the database: rustls, with the trust that the URL asks for.

use crate::error::Error;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, InvalidDnsNameError, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use std::fmt;
use std::future::Future;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::Socket;
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use tokio_rustls::TlsConnector;

/// Whose certificates are trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// Anybody's: the connection is encrypted, but who answers is not known.
    Anybody,
    /// Those of the system's authorities, for the name of the host.
    System,
    /// Those of the authorities in a file, for the name of the host.
    File(std::path::PathBuf),
}

/// Makes TLS connections. Cheap to clone.
#[derive(Clone)]
pub(super) struct Tls {
    config: Arc<ClientConfig>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}

impl Tls {
    /// Sets TLS up. `direct` is for servers that expect a handshake without being asked for one first.
    pub(super) fn new(trust: &Trust, direct: bool) -> Result<Self, Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::Unavailable(format!("TLS cannot be set up: {error}")))?;
        let roots = match trust {
            Trust::Anybody => None,
            Trust::File(path) => Some(roots_of(path)?),
            Trust::System => Some(system_roots()?),
        };
        let mut config = match roots {
            Some(roots) => builder.with_root_certificates(roots).with_no_client_auth(),
            None => builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(Unverified(provider)))
                .with_no_client_auth(),
        };
        if direct {
            config.alpn_protocols = vec![b"postgresql".to_vec()];
        }
        Ok(Self { config: Arc::new(config) })
    }
}

fn roots_of(path: &Path) -> Result<RootCertStore, Error> {
    let unusable = |why: &dyn fmt::Display| {
        Error::Unavailable(format!("the certificates in sslrootcert={} cannot be used: {why}", path.display()))
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| unusable(&error))? {
        roots.add(certificate.map_err(|error| unusable(&error))?).map_err(|error| unusable(&error))?;
    }
    if roots.is_empty() {
        return Err(unusable(&"there are none"));
    }
    Ok(roots)
}

fn system_roots() -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        let need =
            "this system has no certificates of authorities: install ca-certificates, or name a file by sslrootcert";
        return Err(Error::Unavailable(need.to_owned()));
    }
    Ok(roots)
}

/// Takes every certificate, but insists that the server holds its key.
#[derive(Debug)]
struct Unverified(Arc<CryptoProvider>);

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

impl MakeTlsConnect<Socket> for Tls {
    type Stream = Stream;
    type TlsConnect = Handshake;
    type Error = InvalidDnsNameError;

    fn make_tls_connect(&mut self, domain: &str) -> Result<Handshake, InvalidDnsNameError> {
        // Without a name (a Unix socket) no handshake is made; any name will do.
        let name = if domain.is_empty() { "localhost" } else { domain };
        Ok(Handshake { config: Arc::clone(&self.config), name: ServerName::try_from(name)?.to_owned() })
    }
}

/// A handshake to come.
pub(super) struct Handshake {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl TlsConnect<Socket> for Handshake {
    type Stream = Stream;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Stream>> + Send>>;

    fn connect(self, socket: Socket) -> Self::Future {
        Box::pin(async move { Ok(Stream(TlsConnector::from(self.config).connect(self.name, socket).await?)) })
    }
}

/// An encrypted connection.
pub(super) struct Stream(tokio_rustls::client::TlsStream<Socket>);

impl TlsStream for Stream {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use crate::postgres::DatabaseUrl;
    use crate::postgres::connect::Connector;
    use crate::postgres::session::Usage;
    use rustls::ServerConfig;
    use rustls::pki_types::pem::PemObject as _;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use std::sync::Arc;
    use std::time::Duration;
    use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};
    use tokio_rustls::TlsAcceptor;

    const CERTIFICATE: &[u8] = include_bytes!("../../../server/tests/http/tls/certificate.pem");
    const KEY: &[u8] = include_bytes!("../../../server/tests/http/tls/key.pem");
    const AUTHORITY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../server/tests/http/tls/authority.pem");
    /// What a server says that refuses a password.
    const REFUSAL: &[u8] = b"E\0\0\0\x1cSFATAL\0C28P01\0Mrefused\0\0";

    fn acceptor() -> TlsAcceptor {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(CERTIFICATE).collect::<Result<_, _>>().unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, PrivateKeyDer::from_pem_slice(KEY).unwrap());
        TlsAcceptor::from(Arc::new(config.unwrap()))
    }

    async fn refuse(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
        let mut said = [0; 1_024];
        let _ = stream.read(&mut said).await;
        let _ = stream.write_all(REFUSAL).await;
        let _ = stream.shutdown().await;
    }

    /// A server that lets nobody in, with TLS or without.
    async fn serve(mut stream: TcpStream, acceptor: Option<TlsAcceptor>) {
        let mut wish = [0; 8];
        stream.read_exact(&mut wish).await.unwrap();
        match acceptor {
            _ if wish[4..] != [4, 210, 22, 47] => refuse(stream).await,
            Some(acceptor) => {
                stream.write_all(b"S").await.unwrap();
                if let Ok(stream) = acceptor.accept(stream).await {
                    refuse(stream).await;
                }
            }
            None => {
                stream.write_all(b"N").await.unwrap();
                refuse(stream).await;
            }
        }
    }

    /// Why somebody is not let in who asks for a host in that way.
    async fn reason(acceptor: Option<TlsAcceptor>, host: &str, query: &str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = tokio::spawn(async move {
            loop {
                tokio::spawn(serve(listener.accept().await.unwrap().0, acceptor.clone()));
            }
        });
        let url =
            DatabaseUrl::parse(&format!("postgres://u:secret@{host}:{port}/x?hostaddr=127.0.0.1&{query}")).unwrap();
        let connector = Connector::new(&url, Arc::new(|bytes: &mut [u8]| bytes.fill(1))).unwrap();
        let connected = connector.connect(&Usage::default(), Duration::from_secs(5)).await;
        server.abort();
        connected.map(drop).unwrap_err().to_string()
    }

    #[tokio::test]
    async fn a_host_is_who_it_must_be() {
        let refused = "refuses the password";
        let with_tls = [
            ("localhost", "sslmode=disable", refused),
            ("localhost", "", refused),
            ("localhost", "sslmode=require", refused),
            ("localhost", "sslmode=verify-full", "UnknownIssuer"),
            ("localhost", &*format!("sslmode=verify-full&sslrootcert={AUTHORITY}"), refused),
            ("localhost", &*format!("sslmode=verify-ca&sslrootcert={AUTHORITY}"), refused),
            ("db.example.org", "sslmode=require", refused),
            ("db.example.org", &*format!("sslmode=verify-full&sslrootcert={AUTHORITY}"), "not valid for name"),
        ];
        for (host, query, expect) in with_tls {
            let told = reason(Some(acceptor()), host, query).await;
            assert!(told.contains(expect) && !told.contains("secret"), "{host} {query}: {told}");
        }
        for (query, expect) in
            [("", refused), ("sslmode=require", "offers no TLS"), ("sslmode=verify-full", "offers no TLS")]
        {
            let told = reason(None, "localhost", query).await;
            assert!(told.contains(expect), "{query}: {told}");
        }
    }
}
