//! Who are we to Azure? Credentials, their tokens and a type that does not print them.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use azure_core::credentials::TokenCredential;
use azure_identity::{
    AzureCliCredential, AzureDeveloperCliCredential, ClientSecretCredential,
    ClientSecretCredentialOptions, ManagedIdentityCredential, ManagedIdentityCredentialOptions,
    WorkloadIdentityCredential, WorkloadIdentityCredentialOptions,
};

use super::cloud::Cloud;

/// A text that neither `Debug` nor `Display` shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a text in.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the one place that sends it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// Gives bearer tokens.
#[async_trait]
pub trait TokenSource: Send + Sync + fmt::Debug {
    /// A token that is valid now.
    ///
    /// # Errors
    /// No credential gave one; the message says what was tried.
    async fn token(&self) -> Result<Secret, TokenError>;
}

/// No token could be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The credential could not be made or gave no token.
    #[error("{credential} gave no token: {why}")]
    Refused {
        /// Which.
        credential: String,
        /// Why.
        why: String,
    },
    /// None of several gave one.
    #[error("no credential gave a token; tried {}", .0.join("; "))]
    NoneWorked(Vec<String>),
}

/// The token of loopback endpoints (D18): a simulator takes any, and a stranger gets no real one.
#[derive(Debug, Clone, Copy)]
pub struct Simulated;

#[async_trait]
impl TokenSource for Simulated {
    async fn token(&self) -> Result<Secret, TokenError> {
        Ok(Secret::new("simulated"))
    }
}

/// Which credential to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialKind {
    /// A service principal's secret from `AZURE_TENANT_ID`, `AZURE_CLIENT_ID`, `AZURE_CLIENT_SECRET`.
    Environment,
    /// A Kubernetes workload identity.
    WorkloadIdentity,
    /// The managed identity of the machine.
    ManagedIdentity,
    /// The login of `az`.
    AzureCli,
    /// The login of `azd`.
    AzureDeveloperCli,
}

impl CredentialKind {
    /// The order in which Azure's own tools try them.
    pub const ORDER: [Self; 5] = [
        Self::Environment,
        Self::WorkloadIdentity,
        Self::ManagedIdentity,
        Self::AzureCli,
        Self::AzureDeveloperCli,
    ];

    /// Its name, for `--credential` and messages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Environment => "environment",
            Self::WorkloadIdentity => "workload-identity",
            Self::ManagedIdentity => "managed-identity",
            Self::AzureCli => "az",
            Self::AzureDeveloperCli => "azd",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ORDER.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// A service principal, as the environment names it. Read by the command line.
#[derive(Debug, Clone, Default)]
pub struct ServicePrincipal {
    /// `AZURE_TENANT_ID`.
    pub tenant: Option<String>,
    /// `AZURE_CLIENT_ID`.
    pub client: Option<String>,
    /// `AZURE_CLIENT_SECRET`.
    pub secret: Option<Secret>,
}

/// A credential, or why it could not be made.
type Candidate = Result<Arc<dyn TokenCredential>, String>;

/// Azure's credentials, in order; the first that gives a token is kept to.
pub struct Credentials {
    scope: String,
    candidates: Vec<(CredentialKind, Candidate)>,
    chosen: tokio::sync::Mutex<Option<usize>>,
}

impl Credentials {
    /// The credentials that may be tried: the pinned one, or all.
    #[must_use]
    pub fn new(
        cloud: Cloud,
        pinned: Option<CredentialKind>,
        principal: &ServicePrincipal,
        transport: Option<&azure_core::http::Transport>,
    ) -> Self {
        let kinds = pinned.map_or_else(|| CredentialKind::ORDER.to_vec(), |kind| vec![kind]);
        let candidates =
            kinds.into_iter().map(|kind| (kind, make(kind, principal, transport))).collect();
        Self {
            scope: format!("{}/.default", cloud.audience()),
            candidates,
            chosen: tokio::sync::Mutex::new(None),
        }
    }
}

fn make(
    kind: CredentialKind,
    principal: &ServicePrincipal,
    transport: Option<&azure_core::http::Transport>,
) -> Result<Arc<dyn TokenCredential>, String> {
    let client_options =
        azure_core::http::ClientOptions { transport: transport.cloned(), ..Default::default() };
    let said = |error: azure_core::Error| first_line(&error.to_string());
    Ok(match kind {
        CredentialKind::Environment => {
            let missing = |name: &str| format!("{name} is not set");
            let tenant = principal.tenant.clone().ok_or_else(|| missing("AZURE_TENANT_ID"))?;
            let client = principal.client.clone().ok_or_else(|| missing("AZURE_CLIENT_ID"))?;
            let secret = principal.secret.clone().ok_or_else(|| missing("AZURE_CLIENT_SECRET"))?;
            let secret = azure_core::credentials::Secret::new(secret.expose().to_owned());
            let options = ClientSecretCredentialOptions { client_options };
            ClientSecretCredential::new(&tenant, client, secret, Some(options)).map_err(said)?
        }
        CredentialKind::WorkloadIdentity => {
            let mut options = WorkloadIdentityCredentialOptions::default();
            options.credential_options.client_options = client_options;
            WorkloadIdentityCredential::new(Some(options)).map_err(said)?
        }
        CredentialKind::ManagedIdentity => {
            let options = ManagedIdentityCredentialOptions { client_options, ..Default::default() };
            ManagedIdentityCredential::new(Some(options)).map_err(said)?
        }
        CredentialKind::AzureCli => AzureCliCredential::new(None).map_err(said)?,
        CredentialKind::AzureDeveloperCli => {
            AzureDeveloperCliCredential::new(None).map_err(said)?
        }
    })
}

fn first_line(text: &str) -> String {
    super::error::scrubbed(text.lines().next().unwrap_or_default())
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("scope", &self.scope).finish_non_exhaustive()
    }
}

#[async_trait]
impl TokenSource for Credentials {
    /// The credentials of `azure_identity` keep their tokens and renew them ahead of time.
    async fn token(&self) -> Result<Secret, TokenError> {
        let mut chosen = self.chosen.lock().await;
        let mut tried = Vec::new();
        for (place, (kind, credential)) in self.candidates.iter().enumerate() {
            if chosen.is_some_and(|chosen| chosen != place) {
                continue;
            }
            let result = match credential {
                Ok(credential) => credential
                    .get_token(&[self.scope.as_str()], None)
                    .await
                    .map_err(|error| first_line(&error.to_string())),
                Err(why) => Err(why.clone()),
            };
            match result {
                Ok(token) => {
                    *chosen = Some(place);
                    return Ok(Secret::new(token.token.secret().to_owned()));
                }
                Err(why) if chosen.is_some() => {
                    let credential = kind.as_str().to_owned();
                    return Err(TokenError::Refused { credential, why });
                }
                Err(why) => tried.push(format!("{} ({why})", kind.as_str())),
            }
        }
        Err(TokenError::NoneWorked(tried))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_print() {
        let secret = Secret::new("k-e-y");
        assert!(!format!("{secret:?}").contains("k-e-y"));
        let principal = ServicePrincipal { secret: Some(secret), ..ServicePrincipal::default() };
        assert!(!format!("{principal:?}").contains("k-e-y"));
    }

    #[tokio::test]
    async fn no_credential_is_an_error_that_says_what_was_tried() {
        let principal = ServicePrincipal::default();
        let pinned = Some(CredentialKind::Environment);
        let credentials = Credentials::new(Cloud::Public, pinned, &principal, None);
        let error = credentials.token().await.unwrap_err().to_string();
        assert!(error.contains("environment (AZURE_TENANT_ID is not set)"), "{error}");
    }
}
