//! How does a service principal sign for itself? With the key of its certificate: a statement of a few
//! minutes (a JWT) that only the holder of the key can make.
//!
//! `azure_identity` 1 signs with OpenSSL only, which this program does without. It takes a statement that
//! somebody else has signed, so the signing is here and the exchange with Entra is its own.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use azure_core::error::{Error, ErrorKind};
use azure_core::http::ClientMethodOptions;
use azure_identity::ClientAssertion;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;

use super::secret::read_file;
use crate::engine::Clock;
use crate::outward::Secret;

/// How long a statement holds, in milliseconds. It is sent at once; Entra's documents ask for five to ten
/// minutes (learn.microsoft.com/entra/identity-platform/certificate-credentials).
const LIFETIME_MS: i64 = 10 * 60 * 1_000;

/// A certificate's file is some kilobytes, a chain some tens.
const FILE_MAX: u64 = 1 << 20;

/// How the words begin that tell of a certificate's fault.
pub(super) const FAULT: &str = "The certificate";

/// What Entra reads in the statement.
#[derive(Serialize)]
struct AssertionClaims<'a> {
    aud: &'a str,
    iss: &'a str,
    sub: &'a str,
    jti: String,
    nbf: i64,
    iat: i64,
    exp: i64,
}

/// A certificate with its key: who signs, and how Entra knows the key.
struct AssertionSigner {
    key: EncodingKey,
    header: Header,
}

/// Signs for one client of one tenant with the certificate of a file.
pub(super) struct Certificate {
    path: PathBuf,
    client: String,
    /// The URL that the statement is made for.
    audience: String,
    /// Whether the whole chain goes along, for certificates that are known by name and issuer.
    with_chain: bool,
    clock: Arc<dyn Clock>,
}

impl Certificate {
    pub(super) fn new(
        path: &str,
        (authority, tenant, client): (&str, &str, &str),
        with_chain: bool,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            path: PathBuf::from(path),
            client: client.to_owned(),
            audience: format!("{}/{tenant}/oauth2/v2.0/token", authority.trim_end_matches('/')),
            with_chain,
            clock,
        }
    }

    /// The signed statement. The file is read each time: certificates are renewed where they lie.
    fn assertion(&self) -> Result<String, String> {
        let signer =
            signer(&read(&self.path)?, self.with_chain).map_err(|why| told(&self.path, &why))?;
        let now = self.clock.now().as_millis();
        let claims = AssertionClaims {
            aud: &self.audience,
            iss: &self.client,
            sub: &self.client,
            jti: ulid::Ulid::generate().to_string(),
            nbf: now / 1_000,
            iat: now / 1_000,
            exp: (now + LIFETIME_MS) / 1_000,
        };
        jsonwebtoken::encode(&signer.header, &claims, &signer.key)
            .map_err(|_| told(&self.path, "Its key does not sign."))
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").field("path", &self.path).finish_non_exhaustive()
    }
}

#[async_trait]
impl ClientAssertion for Certificate {
    async fn secret(&self, _: Option<ClientMethodOptions<'_>>) -> azure_core::Result<String> {
        self.assertion()
            .map(|signed| Secret::new(signed).expose().to_owned())
            .map_err(|why| Error::with_message(ErrorKind::Credential, why))
    }
}

/// What is wrong with a certificate; `advice` knows these words.
fn told(path: &Path, why: &str) -> String {
    format!("{FAULT} {}: {why}", path.display())
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    read_file(path, FILE_MAX).map_err(|why| told(path, &format!("It cannot be read: {why}.")))
}

/// What signs, of a PEM file with a certificate and its RSA key. Says what is wrong as sentences.
fn signer(pem: &[u8], with_chain: bool) -> Result<AssertionSigner, String> {
    let text = String::from_utf8_lossy(pem);
    if !text.contains("-----BEGIN ") {
        return Err(
            "This is no PEM file. Make one of a .pfx file with `openssl pkcs12 -in FILE.pfx \
                    -nodes -out FILE.pem`."
                .to_owned(),
        );
    }
    if text.contains("ENCRYPTED") {
        return Err(
            "Its key is under a password, which nobody can type at 03:00. Write it without one \
                    with `openssl pkey -in FILE.pem`, where only this user can read it."
                .to_owned(),
        );
    }
    let chain: Vec<CertificateDer<'_>> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|_| "A certificate in it cannot be read.".to_owned())?;
    let Some(own) = chain.first() else {
        return Err("It holds no certificate.".to_owned());
    };
    let key =
        text.find("-----BEGIN PRIVATE KEY").or_else(|| text.find("-----BEGIN RSA PRIVATE KEY"));
    let Some(key) = key else {
        return Err("It holds no private key beside the certificate.".to_owned());
    };
    let key = EncodingKey::from_rsa_pem(text[key..].as_bytes())
        .map_err(|_| "Its key is not an RSA key, and Entra takes no other.".to_owned())?;
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, own);
    let mut header = Header::new(Algorithm::PS256);
    header.x5t_s256 = Some(URL_SAFE_NO_PAD.encode(digest));
    header.x5c = with_chain.then(|| chain.iter().map(|one| STANDARD.encode(one)).collect());
    Ok(AssertionSigner { key, header })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::engine::{BootTime, Busy};
    use crate::model::Timestamp;
    use jsonwebtoken::{DecodingKey, Validation};
    use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256};

    /// A certificate and its key as one PEM text, and the public key.
    pub(in crate::azure) fn made() -> (String, DecodingKey) {
        let pair = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
        let own =
            CertificateParams::new(vec!["dr".to_owned()]).unwrap().self_signed(&pair).unwrap();
        let public = DecodingKey::from_rsa_pem(pair.public_key_pem().as_bytes()).unwrap();
        (format!("{}{}", own.pem(), pair.serialize_pem()), public)
    }

    #[derive(Debug)]
    struct At(i64);

    #[async_trait]
    impl Clock for At {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(self.0)
        }
        fn boot(&self) -> BootTime {
            BootTime { boot: "b".to_owned(), nanos: 0 }
        }
        fn enter(&self) -> Busy {
            Busy::idle()
        }
        async fn sleep_until(&self, _: Timestamp) {}
    }

    fn signed(pem: &str, with_chain: bool, at: i64) -> Result<String, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), pem).unwrap();
        let who = ("https://login.microsoftonline.com/", "a-tenant", "a-client");
        let path = file.path().display().to_string();
        Certificate::new(&path, who, with_chain, Arc::new(At(at))).assertion()
    }

    #[test]
    fn the_statement_is_signed_names_the_certificate_and_ends_soon() {
        let (pem, public) = made();
        let token = signed(&pem, false, 1_790_000_000_000).unwrap();
        let mut wanted = Validation::new(Algorithm::PS256);
        wanted.set_audience(&["https://login.microsoftonline.com/a-tenant/oauth2/v2.0/token"]);
        wanted.validate_exp = false;
        let read = jsonwebtoken::decode::<serde_json::Map<String, serde_json::Value>>(
            &token, &public, &wanted,
        )
        .unwrap();
        assert_eq!(read.claims["iss"], "a-client");
        assert_eq!(read.claims["sub"], "a-client");
        assert_eq!(read.claims["exp"], 1_790_000_600);
        assert_eq!(read.claims["nbf"], 1_790_000_000);
        assert!(read.header.x5c.is_none());
        let own = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &own);
        assert_eq!(read.header.x5t_s256, Some(URL_SAFE_NO_PAD.encode(digest)));
        let other = signed(&pem, true, 1_790_000_000_000).unwrap();
        assert_eq!(jsonwebtoken::decode_header(&other).unwrap().x5c.map(|all| all.len()), Some(1));
        assert_ne!(token, other, "each statement is its own");
    }

    #[test]
    fn a_file_that_cannot_sign_says_why_and_what_to_do() {
        let (pem, _) = made();
        let (own, key) = pem.split_once("-----BEGIN PRIVATE KEY").unwrap();
        let key = format!("-----BEGIN PRIVATE KEY{key}");
        let curve = KeyPair::generate().unwrap().serialize_pem();
        let locked = format!("{own}{}", key.replace("PRIVATE", "ENCRYPTED PRIVATE"));
        for (pem, part) in [
            ("\u{30}\u{82}\u{1}", "openssl pkcs12"),
            (own, "no private key"),
            (key.as_str(), "no certificate"),
            (&format!("{own}{curve}"), "not an RSA key"),
            (&locked, "under a password"),
            (&pem.replacen('M', "*", 3), "cannot be read"),
        ] {
            let why = signed(pem, false, 0).unwrap_err();
            assert!(why.contains(part), "{part}: {why}");
            assert!(
                !key.lines().skip(1).any(|line| line.len() > 20 && why.contains(line)),
                "{why}"
            );
        }
        let nowhere = Certificate::new("/not/there.pem", ("a", "b", "c"), false, Arc::new(At(0)));
        assert!(nowhere.assertion().unwrap_err().contains("/not/there.pem: It cannot be read"));
    }
}
