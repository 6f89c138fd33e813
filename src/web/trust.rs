//! Who is at the other end? What the kernel says of a connection, and what a session says of a person.

use std::sync::Arc;

use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::Web;
use crate::model::RunId;
use crate::store::Invited;

/// Who is at the other end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PagePeer {
    /// Whether it may read without a session: it is on this host, and of the account whose page this is.
    pub reads: bool,
}

/// A certificate and what answers with it.
#[derive(Clone)]
pub struct PageIdentity(pub(super) TlsAcceptor);

impl std::fmt::Debug for PageIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PageIdentity")
    }
}

/// A certificate cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PageIdentityError {
    /// The certificates are none.
    #[error("the certificate is no PEM: {0}")]
    Certificate(String),
    /// There is none in the file.
    #[error("there is no certificate in it")]
    NoCertificate,
    /// The key is none.
    #[error("the key is no PEM: {0}")]
    Key(String),
    /// The two do not go together, or are of a kind that TLS does not take.
    #[error("the two cannot be used: {0}")]
    Tls(#[from] tokio_rustls::rustls::Error),
}

impl PageIdentity {
    /// The certificate chain and the key that these files hold, in PEM.
    ///
    /// # Errors
    /// They are none, or do not go together.
    pub fn of(certificate: &[u8], key: &[u8]) -> Result<Self, PageIdentityError> {
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(certificate)
            .collect::<Result<_, _>>()
            .map_err(|error| PageIdentityError::Certificate(error.to_string()))?;
        if chain.is_empty() {
            return Err(PageIdentityError::NoCertificate);
        }
        // What is wrong with a key is told without a byte of it.
        let key = PrivateKeyDer::from_pem_slice(key)
            .map_err(|error| PageIdentityError::Key(error.to_string()))?;
        let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        Ok(Self(TlsAcceptor::from(Arc::new(config))))
    }
}

/// Somebody who came by an invitation, and what their browser keeps.
#[derive(Clone)]
pub(super) struct PageSpeaker {
    /// Who.
    pub(super) invited: Invited,
    /// The session's id.
    pub(super) id: String,
    secret: String,
}

/// What a form would do, said exactly: its token is good for that alone.
#[derive(Debug, Clone, Copy)]
pub(super) struct FormCommand<'a> {
    pub(super) run: &'a RunId,
    pub(super) command: &'a str,
    pub(super) step: Option<&'a str>,
    pub(super) choice: Option<&'a str>,
}

impl PageSpeaker {
    /// The token of a form of theirs, for one attempt of its step: an answer to one is none to the next.
    pub(super) fn token(&self, command: FormCommand<'_>, attempt: u32) -> String {
        let key = blake3::derive_key("backroad page form v2", self.secret.as_bytes());
        let mut hasher = blake3::Hasher::new_keyed(&key);
        let parts = [command.run.as_str(), command.command];
        for part in
            parts.into_iter().chain([command.step.unwrap_or(""), command.choice.unwrap_or("")])
        {
            // No part runs into the next.
            hasher.update(&(part.len() as u64).to_be_bytes());
            hasher.update(part.as_bytes());
        }
        hasher.update(&attempt.to_be_bytes());
        format!("{attempt}.{}", hasher.finalize().to_hex())
    }

    /// The attempt that a form's token is good for, where the token is theirs and of this command.
    pub(super) fn vouches(&self, command: FormCommand<'_>, token: &str) -> Option<u32> {
        let attempt: u32 = token.split_once('.')?.0.parse().ok()?;
        // Hashes compare in constant time.
        let own = blake3::hash(self.token(command, attempt).as_bytes());
        (blake3::hash(token.as_bytes()) == own).then_some(attempt)
    }
}

impl Web {
    /// The name of the cookie. Over https no other port or name of the host can set it.
    pub(super) fn cookie_name(&self) -> String {
        let settings = &self.parts().settings;
        match settings.secure {
            true => format!("__Host-backroad-{}", settings.port),
            false => format!("backroad-{}", settings.port),
        }
    }

    /// Who speaks, by the cookie of a request.
    pub(super) fn speaker(&self, headers: &HeaderMap) -> Option<PageSpeaker> {
        let name = self.cookie_name();
        let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut own = cookies
            .flat_map(|text| text.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(key, _)| *key == name);
        let (_, value) = own.next()?;
        let (id, secret) = value.split_once('.')?;
        let parts = self.parts();
        let invited = parts.invitations.speaker(id, secret, parts.clock.now())?;
        Some(PageSpeaker { invited, id: id.to_owned(), secret: secret.to_owned() })
    }

    /// What makes a browser keep a session, or forget it.
    pub(super) fn cookie(&self, value: Option<(&str, &str)>) -> Option<HeaderValue> {
        let name = self.cookie_name();
        let secure = if self.parts().settings.secure { "; Secure" } else { "" };
        let (value, age) = match value {
            Some((id, secret)) => (format!("{id}.{secret}"), ""),
            None => (String::new(), "; Max-Age=0"),
        };
        let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{age}");
        HeaderValue::from_str(&text).ok()
    }

    /// Thirty-two bytes that nobody guesses, in hexadecimal.
    pub(super) fn chance(&self) -> String {
        let entropy = &self.parts().entropy;
        let bytes = entropy.bytes().into_iter().chain(entropy.bytes());
        bytes.map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;

    #[test]
    fn a_token_is_good_for_one_command_of_one_attempt() {
        let at = Timestamp::from_millis(0);
        let invited =
            Invited { name: "mei".to_owned(), role: None, by: "root".to_owned(), at, until: at };
        let speaker = PageSpeaker { invited, id: "1".to_owned(), secret: "s".to_owned() };
        let run = RunId::parse("01h00000000000000000000000").unwrap();
        let of = |command| FormCommand { run: &run, command, step: Some("go"), choice: None };
        let token = speaker.token(of("approve"), 1);
        assert_eq!(speaker.vouches(of("approve"), &token), Some(1));
        assert_eq!(speaker.vouches(of("decline"), &token), None);
        let forged = token.replacen('1', "2", 1);
        assert_eq!(speaker.vouches(of("approve"), &forged), None, "nobody else says which attempt");
        assert_eq!(speaker.vouches(of("approve"), "1"), None);
    }
}
