//! How is the simulator reached over https? With a certificate of its own, made anew at each start.
//!
//! Azure's SDKs send bearer tokens over https only. They are told to trust the certificate; its key never
//! leaves this process.

use std::io;
use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::server::TlsStream;

use super::cut::Cuttable;

/// A certificate for this machine's own names, and what answers with it.
pub struct ServerIdentity {
    certificate: String,
    acceptor: TlsAcceptor,
}

/// No certificate could be made.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// The certificate itself.
    #[error("no certificate can be made: {0}")]
    Certificate(#[from] rcgen::Error),
    /// What answers with it.
    #[error("the certificate cannot be used: {0}")]
    Tls(#[from] tokio_rustls::rustls::Error),
}

impl ServerIdentity {
    /// A fresh one, for `localhost` and the loopback addresses.
    ///
    /// # Errors
    /// The host gives no randomness, or the TLS library refuses the certificate.
    pub fn new() -> Result<Self, CertificateError> {
        let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec();
        let made = rcgen::generate_simple_self_signed(names)?;
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], PrivateKeyDer::Pkcs8(key))?;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Ok(Self { certificate: made.cert.pem(), acceptor })
    }

    /// The certificate, for clients to trust; PEM.
    #[must_use]
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// The handshake that a connection begins with, each for itself: one that dawdles holds nobody up.
    pub(super) async fn shake(&self, stream: Cuttable) -> io::Result<TlsStream<Cuttable>> {
        self.acceptor.accept(stream).await
    }
}

impl std::fmt::Debug for ServerIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ServerIdentity")
    }
}
