//! Who are we to Azure? Credentials, their tokens and a type that does not print them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azure_core::cloud::{CloudConfiguration, CustomConfiguration};
use azure_core::credentials::{AccessToken, TokenCredential};
use azure_core::http::{ClientOptions, Transport};
use azure_identity::{
    AzureCliCredential, AzureCliCredentialOptions, AzureDeveloperCliCredential,
    AzureDeveloperCliCredentialOptions, ClientAssertionCredential,
    ClientAssertionCredentialOptions, ClientSecretCredential, ClientSecretCredentialOptions,
    ManagedIdentityCredential, ManagedIdentityCredentialOptions, UserAssignedId,
    WorkloadIdentityCredential, WorkloadIdentityCredentialOptions,
};

use super::certificate::Certificate;
use super::cloud::{AuthorityError, Cloud};
use super::identity::{ChainError, CredentialKind, Identity, advice, missing, said};
use super::secret::read_file;
use crate::engine::Clock;
use crate::model::Timestamp;
use crate::outward::Secret;

/// How long the metadata service may take while other credentials wait behind it. It answers in
/// milliseconds where it is; where it is not, packets to it vanish, and its own client goes on for
/// minutes.
const METADATA_WAIT: Duration = Duration::from_secs(5);

/// How long a failure is repeated without asking again: the steps of a plan ask together, and `az`
/// takes a second to say no. Short, since somebody may be logging in at this moment.
const FAILURE_KEPT: Duration = Duration::from_secs(10);

/// How long before its end a token is not used any more; at least a call's time-out, and what `az`
/// itself keeps.
const TOKEN_MARGIN: Duration = Duration::from_secs(5 * 60);

/// A federated token is a few thousand bytes long.
const FEDERATED_BYTES_MAX: u64 = 1 << 20;

/// Gives bearer tokens.
#[async_trait]
pub trait TokenSource: Send + Sync + fmt::Debug {
    /// A token that is valid now.
    ///
    /// # Errors
    /// No credential gave one; the message says what was tried.
    async fn token(&self) -> Result<Secret, TokenError>;

    /// A token that is valid now in a tenant; in the credential's own where none is named. What knows one
    /// tenant only gives its own.
    ///
    /// # Errors
    /// No credential gave one.
    async fn token_for(&self, _tenant: Option<&str>) -> Result<Secret, TokenError> {
        self.token().await
    }

    /// Azure did not take this token: the next one shall be another.
    async fn refused(&self, _token: &Secret) {}
}

/// A credential that gave no token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// Which.
    pub credential: CredentialKind,
    /// Why not, and what to do about it, as sentences.
    pub why: String,
}

impl fmt::Display for Tried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.credential.as_str(), self.why)
    }
}

/// No token could be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The credential that gave tokens until now gives none. No other is tried: a run does not change
    /// who it is half way.
    #[error("The credential in use gives no token any more.\n{0}")]
    Refused(Tried),
    /// None gave one. A line for each, so that the one that was meant is found at once.
    #[error(
        "No credential gave a token for Azure's cloud `{cloud}` ({authority}).\n{}\n\
         Put one of them right; `--credential NAME` tries that one alone.",
        lines(tried)
    )]
    NoneWorked {
        /// The cloud.
        cloud: &'static str,
        /// Who was asked.
        authority: String,
        /// What was tried.
        tried: Vec<Tried>,
    },
}

fn lines(tried: &[Tried]) -> String {
    tried.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// The token of loopback endpoints (D18): a simulator takes any, and a stranger gets no real one. It is no
/// word, so that what echoes it is found out like what echoes a real one.
const SIMULATED: &str = "simulated-token-worth-nothing";

/// Gives the token of loopback endpoints.
#[derive(Debug, Clone, Copy)]
pub struct Simulated;

#[async_trait]
impl TokenSource for Simulated {
    async fn token(&self) -> Result<Secret, TokenError> {
        Ok(Secret::new(SIMULATED))
    }

    async fn token_for(&self, tenant: Option<&str>) -> Result<Secret, TokenError> {
        Ok(match tenant {
            None => Secret::new(SIMULATED),
            Some(tenant) => Secret::new(format!("{SIMULATED}.of.{}", super::tenancy::mark(tenant))),
        })
    }
}

/// What credentials are made of.
pub struct CredentialSettings {
    /// The cloud that the tokens are for.
    pub cloud: Cloud,
    /// The one credential to use, if one was named.
    pub pinned: Option<CredentialKind>,
    /// What the environment says.
    pub identity: Identity,
    /// Who sends for them.
    pub transport: Option<Transport>,
    /// What time it is to them.
    pub clock: Arc<dyn Clock>,
}

/// What is in the way before any credential is tried: a setting that contradicts another.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// Where to ask.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// What to try.
    #[error(transparent)]
    Chain(#[from] ChainError),
}

/// A credential, or why it could not be made.
type Candidate = Result<Arc<dyn TokenCredential>, String>;

/// Azure's credentials, in order; the first that gives a token is kept to.
pub struct Credentials {
    cloud: Cloud,
    authority: String,
    scope: String,
    clock: Arc<dyn Clock>,
    identity: Identity,
    transport: Option<Transport>,
    chain: Vec<CredentialKind>,
    kept: tokio::sync::Mutex<Purse>,
}

/// What is remembered between calls, for each tenant; `None` is the credential's own.
#[derive(Default)]
struct Purse {
    /// The credential that gave the first token: it is asked for those of all tenants.
    chosen: Option<CredentialKind>,
    of: BTreeMap<Option<String>, TenantToken>,
}

/// What is remembered of one tenant.
#[derive(Default)]
struct TenantToken {
    /// Each keeps its own tokens too.
    candidates: Vec<(CredentialKind, Candidate)>,
    token: Option<AccessToken>,
    failed: Option<(Timestamp, TokenError)>,
}

impl Credentials {
    /// The credentials that may be tried: the pinned one, or what the environment allows.
    ///
    /// # Errors
    /// The environment contradicts the cloud, or names a credential that we do not have.
    pub fn new(settings: CredentialSettings) -> Result<Self, IdentityError> {
        let CredentialSettings { cloud, pinned, identity, transport, clock } = settings;
        let authority = cloud.authority(identity.authority.as_deref())?;
        let chain = CredentialKind::chain(pinned, identity.credentials.as_deref())?;
        Ok(Self {
            cloud,
            authority,
            scope: format!("{}/.default", cloud.audience()),
            clock,
            identity,
            transport,
            chain,
            kept: tokio::sync::Mutex::default(),
        })
    }

    /// The same credentials, whose tokens are for another resource of the cloud than Azure Resource Manager.
    #[must_use]
    pub fn about(self, resource: &str) -> Self {
        Self { scope: format!("{resource}/.default"), ..self }
    }

    /// A credential for a tenant.
    fn candidate(&self, kind: CredentialKind, tenant: Option<&str>) -> Candidate {
        let client_options = options(&self.authority, self.transport.as_ref());
        match kind {
            CredentialKind::Environment => self.of_environment(tenant, client_options),
            CredentialKind::WorkloadIdentity => self.of_workload(tenant, client_options),
            CredentialKind::ManagedIdentity => self.of_host(tenant, client_options),
            CredentialKind::AzureCli => self.of_cli(tenant),
            CredentialKind::AzureDeveloperCli => self.of_developer_cli(tenant),
        }
    }

    /// Why a credential cannot be made, with what to do.
    fn told(&self, kind: CredentialKind, error: &azure_core::Error) -> String {
        let words = said(&error.to_string());
        format!("{words} {}", advice(kind, self.cloud, &words))
    }

    /// The tenant that tokens are asked of, and what of tenant and client is named.
    fn tenant(&self, other: Option<&str>) -> (String, [(&'static str, bool); 2]) {
        let tenant = other.map(str::to_owned).or_else(|| self.identity.tenant.clone());
        let named = [
            ("AZURE_TENANT_ID", tenant.is_some()),
            ("AZURE_CLIENT_ID", self.identity.client.is_some()),
        ];
        (tenant.unwrap_or_default(), named)
    }

    /// A service principal, with a secret or a certificate.
    fn of_environment(&self, other: Option<&str>, client_options: ClientOptions) -> Candidate {
        let told = |error| self.told(CredentialKind::Environment, &error);
        let identity = &self.identity;
        let (tenant, named) = self.tenant(other);
        let client = identity.client.clone();
        let is_proven = identity.secret.is_some() || identity.certificate.is_some();
        let proof = "AZURE_CLIENT_SECRET (or AZURE_CLIENT_CERTIFICATE_PATH)";
        if let Some(missing) = missing(&[named[0], named[1], (proof, is_proven)]) {
            return Err(format!("{missing} A service principal needs all three."));
        }
        let client = client.unwrap_or_default();
        if let (None, Some(path)) = (&identity.secret, &identity.certificate) {
            let who = (self.authority.as_str(), tenant.as_str(), client.as_str());
            let signs = Certificate::new(path, who, identity.with_chain, Arc::clone(&self.clock));
            let options = Some(ClientAssertionCredentialOptions { client_options });
            return Ok(
                ClientAssertionCredential::new(tenant, client, signs, options).map_err(told)?
            );
        }
        let secret = identity.secret.as_ref().map(|secret| secret.expose().to_owned());
        let secret = azure_core::credentials::Secret::new(secret.unwrap_or_default());
        let options = ClientSecretCredentialOptions { client_options };
        Ok(ClientSecretCredential::new(&tenant, client, secret, Some(options)).map_err(told)?)
    }

    /// A pod with a federated service account.
    fn of_workload(&self, other: Option<&str>, client_options: ClientOptions) -> Candidate {
        let told = |error| self.told(CredentialKind::WorkloadIdentity, &error);
        let (tenant, named) = self.tenant(other);
        let client = self.identity.client.clone();
        let file = self.identity.federated_token.clone();
        let needs = [named[0], named[1], ("AZURE_FEDERATED_TOKEN_FILE", file.is_some())];
        if let Some(missing) = missing(&needs) {
            return Err(format!("{missing} Pods with a federated service account have all three."));
        }
        // The credential reads it by itself, says so where there is none, and would wait for a pipe for
        // ever.
        if let Some(path) = file.as_ref().filter(|path| std::path::Path::new(path).exists()) {
            let read = read_file(std::path::Path::new(path), FEDERATED_BYTES_MAX);
            read.map_err(|why| format!("AZURE_FEDERATED_TOKEN_FILE {path}: {why}."))?;
        }
        let mut options = WorkloadIdentityCredentialOptions {
            tenant_id: Some(tenant),
            client_id: client,
            token_file_path: file.map(Into::into),
            ..Default::default()
        };
        options.credential_options.client_options = client_options;
        Ok(WorkloadIdentityCredential::new(Some(options)).map_err(told)?)
    }

    /// What the metadata service of this host gives.
    fn of_host(&self, other: Option<&str>, client_options: ClientOptions) -> Candidate {
        let told = |error| self.told(CredentialKind::ManagedIdentity, &error);
        let client = self.identity.client.clone();
        if let Some(other) = other.filter(|other| self.identity.tenant.as_deref() != Some(*other)) {
            return Err(format!(
                "A managed identity gives tokens of its own tenant alone, and one of {other} is \
                     wanted. Use a service principal that is known in both."
            ));
        }
        let options = ManagedIdentityCredentialOptions {
            user_assigned_id: client.map(UserAssignedId::ClientId),
            client_options,
        };
        Ok(ManagedIdentityCredential::new(Some(options)).map_err(told)?)
    }

    fn of_cli(&self, other: Option<&str>) -> Candidate {
        let told = |error| self.told(CredentialKind::AzureCli, &error);
        let options = other.map(|other| AzureCliCredentialOptions {
            tenant_id: Some(other.to_owned()),
            ..Default::default()
        });
        Ok(AzureCliCredential::new(options).map_err(told)?)
    }

    fn of_developer_cli(&self, other: Option<&str>) -> Candidate {
        let told = |error| self.told(CredentialKind::AzureDeveloperCli, &error);
        let options = other.map(|other| AzureDeveloperCliCredentialOptions {
            tenant_id: Some(other.to_owned()),
            ..Default::default()
        });
        Ok(AzureDeveloperCliCredential::new(options).map_err(told)?)
    }

    /// What may be tried in a tenant.
    fn candidates(&self, tenant: Option<&str>) -> TenantToken {
        let all = self.chain.iter().map(|kind| (*kind, self.candidate(*kind, tenant)));
        TenantToken { candidates: all.collect(), ..TenantToken::default() }
    }

    /// Asks one credential.
    async fn ask(
        &self,
        kind: CredentialKind,
        credential: &Candidate,
        is_alone: bool,
    ) -> Result<AccessToken, Tried> {
        let failed = |why: String| Tried { credential: kind, why };
        let credential = credential.as_ref().map_err(|why| failed(why.clone()))?;
        let scopes = [self.scope.as_str()];
        let asked = credential.get_token(&scopes, None);
        let answer = if kind == CredentialKind::ManagedIdentity && !is_alone {
            tokio::select! {
                biased;
                answer = asked => answer,
                () = self.clock.sleep_until(self.clock.now() + METADATA_WAIT) => {
                    let waited = METADATA_WAIT.as_secs();
                    return Err(failed(format!(
                        "The metadata service of this host did not answer within {waited} s. Where it \
                         is only slow, `--credential managed-identity` waits for it."
                    )));
                }
            }
        } else {
            asked.await
        };
        answer.map_err(|error| {
            let words = said(&error.to_string());
            failed(format!("{words} {}", advice(kind, self.cloud, &words)))
        })
    }

    /// Whether a token may still be sent.
    fn is_fresh(&self, token: &AccessToken) -> bool {
        let ends = Timestamp::from_millis(token.expires_on.unix_timestamp().saturating_mul(1_000));
        ends.since(self.clock.now()) > TOKEN_MARGIN
    }
}

fn options(authority: &str, transport: Option<&Transport>) -> ClientOptions {
    let mut custom = CustomConfiguration::default();
    authority.clone_into(&mut custom.authority_host);
    ClientOptions {
        transport: transport.cloned(),
        cloud: Some(Arc::new(CloudConfiguration::from(custom))),
        ..Default::default()
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("authority", &self.authority)
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl TokenSource for Credentials {
    /// A token is kept until shortly before its end: `az` and `azd` are processes, and not one for each
    /// request.
    async fn token(&self) -> Result<Secret, TokenError> {
        self.token_for(None).await
    }

    async fn token_for(&self, tenant: Option<&str>) -> Result<Secret, TokenError> {
        let mut purse = self.kept.lock().await;
        let chosen = purse.chosen;
        let kept =
            purse.of.entry(tenant.map(str::to_owned)).or_insert_with(|| self.candidates(tenant));
        if let Some(token) = kept.token.as_ref().filter(|token| self.is_fresh(token)) {
            return Ok(Secret::new(token.token.secret().to_owned()));
        }
        if let Some((at, error)) = &kept.failed
            && self.clock.now().since(*at) < FAILURE_KEPT
        {
            return Err(error.clone());
        }
        let mut tried = Vec::new();
        let is_alone = kept.candidates.len() == 1;
        for (kind, credential) in &kept.candidates {
            if chosen.is_some_and(|chosen| chosen != *kind) {
                continue;
            }
            match self.ask(*kind, credential, is_alone).await {
                Ok(token) => {
                    tracing::info!(credential = kind.as_str(), "a credential gave a token");
                    let secret = Secret::new(token.token.secret().to_owned());
                    let kind = *kind;
                    kept.token = Some(token);
                    kept.failed = None;
                    purse.chosen = Some(kind);
                    return Ok(secret);
                }
                Err(why) => tried.push(why),
            }
        }
        let error = match (chosen, tried.pop()) {
            (Some(_), Some(why)) => TokenError::Refused(why),
            (_, last) => {
                tried.extend(last);
                let cloud = self.cloud.as_str();
                TokenError::NoneWorked { cloud, authority: self.authority.clone(), tried }
            }
        };
        kept.failed = Some((self.clock.now(), error.clone()));
        Err(error)
    }

    /// Forgets the token, and makes the credential that gave it anew: it would give the same again.
    async fn refused(&self, token: &Secret) {
        let mut purse = self.kept.lock().await;
        let chosen = purse.chosen;
        let is_it = |kept: &TenantToken| {
            kept.token.as_ref().is_some_and(|own| own.token.secret() == token.expose())
        };
        let Some((tenant, kept)) = purse.of.iter_mut().find(|(_, kept)| is_it(kept)) else {
            return;
        };
        kept.token = None;
        for (kind, credential) in &mut kept.candidates {
            if chosen == Some(*kind) {
                *credential = self.candidate(*kind, tenant.as_deref());
            }
        }
    }
}

#[cfg(test)]
mod tests;
