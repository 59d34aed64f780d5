//! TLS 1.2 and 1.3 from a certificate chain and a key in PEM form.

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::io;
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;

/// Reads certificate chain and key.
pub(crate) fn acceptor(chain: &[u8], key: &[u8]) -> io::Result<TlsAcceptor> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(chain)
        .collect::<Result<_, _>>()
        .map_err(|error| invalid(format!("the TLS certificate file cannot be read: {error}")))?;
    if chain.is_empty() {
        return Err(invalid("the TLS certificate file holds no certificate".to_owned()));
    }
    let key = PrivateKeyDer::from_pem_slice(key)
        .map_err(|error| invalid(format!("the TLS key file holds no private key: {error}")))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| invalid(format!("TLS cannot be set up: {error}")))?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| invalid(format!("TLS certificate and key do not fit: {error}")))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn invalid(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_pem_is_refused_in_words() {
        let check = |chain: &[u8], key: &[u8], expect: &str| match acceptor(chain, key) {
            Ok(_) => panic!("accepted"),
            Err(error) => assert!(error.to_string().contains(expect), "{error}"),
        };
        check(b"", b"", "holds no certificate");
        check(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", b"x", "holds no private key");
        check(b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n", b"", "cannot be read");
    }
}
