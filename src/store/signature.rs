//! Whose word is it? SSH signatures of evidence, as `ssh-keygen -Y` makes and checks them.
//!
//! Signed is the manifest, which names every member by its hash. The namespace keeps a signature that was
//! made for something else from counting here, and ours from counting elsewhere.

use std::fmt;

use ssh_key::{HashAlg, LineEnding, PrivateKey, PublicKey, SshSig};

/// What our signatures are about (`ssh-keygen -Y verify -n …`).
pub const NAMESPACE: &str = "backroad-evidence";

/// Why there is no signature, or no judging it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// The key to sign with is none.
    #[error("it is no private key in OpenSSH's form: {0}")]
    NoKey(String),
    /// The public half was named.
    #[error("it is a public key, and signing needs the private one")]
    Public,
    /// The key is locked with a passphrase.
    #[error("it is locked with a passphrase, and backroad asks for none")]
    Encrypted,
    /// We cannot sign with such a key.
    #[error("it is a key of type {0}, and backroad signs with ssh-ed25519")]
    Algorithm(String),
    /// A file of trusted keys is none.
    #[error("line {line}: {why}")]
    Line {
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        why: String,
    },
    /// There is no key in it.
    #[error("there is no public key in it")]
    Empty,
}

impl SignatureError {
    /// What a person can do about it, as a sentence.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoKey(_) | Self::Public | Self::Algorithm(_) => {
                "Make a key for evidence with `ssh-keygen -t ed25519 -f FILE -N ''`, and name FILE."
            }
            Self::Encrypted => {
                "Sign with a key that is kept for evidence and has no passphrase, or with a copy \
                 unlocked by `ssh-keygen -p -N '' -f COPY`."
            }
            Self::Line { .. } | Self::Empty => {
                "Name a public key (FILE.pub), or an allowed-signers file as `ssh-keygen -Y verify` \
                 takes it."
            }
        }
    }
}

/// A key that signs evidence.
pub struct SigningKey(PrivateKey);

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SigningKey").field(&fingerprint(self.0.public_key())).finish()
    }
}

impl SigningKey {
    /// Reads a private key as OpenSSH writes it.
    ///
    /// # Errors
    /// It is none, locked, or of a type that we do not sign with.
    pub fn parse(bytes: &[u8]) -> Result<Self, SignatureError> {
        let text = String::from_utf8_lossy(bytes);
        if PublicKey::from_openssh(text.trim()).is_ok() {
            return Err(SignatureError::Public);
        }
        // The error says what does not fit, and nothing of the key.
        let key = PrivateKey::from_openssh(bytes)
            .map_err(|error| SignatureError::NoKey(error.to_string()))?;
        if key.is_encrypted() {
            return Err(SignatureError::Encrypted);
        }
        if key.algorithm() != ssh_key::Algorithm::Ed25519 {
            return Err(SignatureError::Algorithm(key.algorithm().to_string()));
        }
        Ok(Self(key))
    }

    /// Signs, in the armour of `ssh-keygen -Y sign`.
    pub(super) fn sign(&self, text: &[u8]) -> Result<String, SignatureError> {
        self.0
            .sign(NAMESPACE, HashAlg::Sha512, text)
            .and_then(|signature| signature.to_pem(LineEnding::LF))
            .map_err(|error| SignatureError::NoKey(error.to_string()))
    }

    /// Who this is.
    #[must_use]
    pub fn signer(&self) -> Signer {
        Signer { name: None, key: fingerprint(self.0.public_key()) }
    }
}

/// Whose key a signature is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    /// The name that the trusted keys have for it.
    pub name: Option<String>,
    /// Its fingerprint, as `ssh-keygen -l` shows it.
    pub key: String,
}

impl fmt::Display for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "the key {} of {name}", self.key),
            None => write!(f, "the key {}", self.key),
        }
    }
}

fn fingerprint(key: &PublicKey) -> String {
    key.fingerprint(HashAlg::Sha256).to_string()
}

/// Whose signature of the text it is. That they are trusted is another question.
pub(super) fn judge(text: &[u8], armoured: &[u8]) -> Result<Signer, String> {
    let signature = SshSig::from_pem(armoured).map_err(|error| format!("it is none: {error}"))?;
    // Nothing hides in front of it, behind it, or between its lines.
    let again = signature.to_pem(LineEnding::LF).unwrap_or_default();
    if again.as_bytes() != armoured {
        return Err("it is not written as a signature is".to_owned());
    }
    if signature.namespace() != NAMESPACE {
        let found: String = signature.namespace().chars().take(60).collect();
        return Err(format!("it was made for `{}`, not for {NAMESPACE}", found.escape_default()));
    }
    let key = PublicKey::from(signature.public_key().clone());
    key.verify(NAMESPACE, text, &signature)
        .map_err(|_| "it is not a signature of this manifest".to_owned())?;
    Ok(Signer { name: None, key: fingerprint(&key) })
}

/// The keys that somebody trusts to sign evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trusted(Vec<Signer>);

impl Trusted {
    /// Reads public keys, one a line, or an allowed-signers file.
    ///
    /// # Errors
    /// A line is neither, says something that we do not judge, or there is none.
    pub fn parse(text: &str) -> Result<Self, SignatureError> {
        let mut all = Vec::new();
        for (place, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong = |why: String| SignatureError::Line { line: place + 1, why };
            all.extend(signer(line).map_err(wrong)?);
        }
        if all.is_empty() { Err(SignatureError::Empty) } else { Ok(Self(all)) }
    }

    /// The name under which a signer is trusted.
    pub(super) fn knows(&self, signer: &Signer) -> Option<Signer> {
        self.0.iter().find(|known| known.key == signer.key).cloned()
    }
}

/// The signer of one line; none where the line is about another namespace.
fn signer(line: &str) -> Result<Option<Signer>, String> {
    if line.contains("PRIVATE KEY") {
        return Err("this is a private key; name the public one, FILE.pub".to_owned());
    }
    let words = words(line);
    let is_type = |word: &str| {
        ["ssh-", "ecdsa-", "sk-ssh-", "sk-ecdsa-"].iter().any(|begin| word.starts_with(begin))
    };
    // A key by itself begins with its type; of an allowed signer it comes after names and options.
    let at = words.iter().take(3).position(|word| is_type(word));
    let Some((at, body)) = at.and_then(|at| Some((at, words.get(at + 1)?))) else {
        return Err("this is no public key".to_owned());
    };
    let bare = format!("{} {body}", words[at]);
    let key = PublicKey::from_openssh(&bare).map_err(|error| format!("its key: {error}"))?;
    if at == 2 && !options(words[1])? {
        return Ok(None);
    }
    let comment = words.get(at + 2..).unwrap_or_default().join(" ");
    let name = if at == 0 { comment } else { words[0].to_owned() };
    let name = Some(name.escape_default().to_string()).filter(|name| !name.is_empty());
    Ok(Some(Signer { name, key: fingerprint(&key) }))
}

/// The words of a line; a quoted one may have spaces.
fn words(line: &str) -> Vec<&str> {
    let mut quoted = false;
    line.split(|c: char| {
        quoted ^= c == '"';
        c.is_whitespace() && !quoted
    })
    .filter(|word| !word.is_empty())
    .collect()
}

/// Whether the options of an allowed signer let the key sign evidence.
fn options(text: &str) -> Result<bool, String> {
    let mut quoted = false;
    let parts = text.split(|c: char| {
        quoted ^= c == '"';
        c == ',' && !quoted
    });
    let mut may = true;
    for option in parts {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        if !name.eq_ignore_ascii_case("namespaces") {
            // To overlook it would trust more than was meant.
            return Err(format!("backroad does not judge the option `{}`", name.escape_default()));
        }
        may = value.trim_matches('"').split(',').any(|own| own == NAMESPACE || own == "*");
    }
    Ok(may)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADA: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB4+rJJHhjRpvbiA2KtHgdAz2OaE9wKEHWgo8s6xP8tC";

    fn names(text: &str) -> Vec<Option<String>> {
        Trusted::parse(text).unwrap().0.into_iter().map(|signer| signer.name).collect()
    }

    #[test]
    fn trusted_keys_are_read_from_public_keys_and_from_allowed_signers() {
        assert_eq!(names(ADA), [None]);
        assert_eq!(names(&format!("{ADA} ada on call\n")), [Some("ada on call".to_owned())]);
        let allowed = format!(
            "# who may sign\r\n\r\nada@example.org {ADA}\r\nbob@example.org,\"c d\" \
             namespaces=\"file,backroad-evidence\" {ADA} comment\n"
        );
        assert_eq!(names(&allowed).len(), 2);
        assert_eq!(names(&allowed)[0].as_deref(), Some("ada@example.org"));
        let other = format!("ada namespaces=\"git\" {ADA}");
        assert_eq!(Trusted::parse(&other), Err(SignatureError::Empty), "for something else");
    }

    #[test]
    fn what_would_trust_more_than_was_meant_is_refused_with_its_line() {
        for option in ["cert-authority", "valid-before=\"20300101\"", "valid-after=20200101"] {
            let text = format!("{ADA}\nada {option} {ADA}");
            let error = Trusted::parse(&text).unwrap_err().to_string();
            assert!(error.starts_with("line 2: ") && error.contains("does not judge"), "{error}");
        }
        for (text, why) in [
            ("-----BEGIN OPENSSH PRIVATE KEY-----", "private key"),
            ("hello", "no public key"),
            ("ssh-ed25519", "no public key"),
            ("ssh-ed25519 AAAA", "its key"),
        ] {
            let error = Trusted::parse(text).unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
        assert_eq!(Trusted::parse("\n# nobody\n"), Err(SignatureError::Empty));
    }

    #[test]
    fn a_key_that_does_not_sign_says_why() {
        assert_eq!(SigningKey::parse(ADA.as_bytes()).unwrap_err(), SignatureError::Public);
        assert!(matches!(SigningKey::parse(b"x").unwrap_err(), SignatureError::NoKey(_)));
    }
}
