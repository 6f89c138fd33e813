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
    /// None gave one. A line for each, so that the one that was meant is found at a glance.
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
        let options = options(&self.authority, self.transport.as_ref());
        let who = (self.authority.as_str(), &self.clock);
        make(kind, self.cloud, (&self.identity, tenant), who, options)
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

fn make(
    kind: CredentialKind,
    cloud: Cloud,
    (identity, other): (&Identity, Option<&str>),
    (authority, clock): (&str, &Arc<dyn Clock>),
    client_options: ClientOptions,
) -> Candidate {
    let told = |error: azure_core::Error| {
        let words = said(&error.to_string());
        format!("{words} {}", advice(kind, cloud, &words))
    };
    let tenant = other.map(str::to_owned).or_else(|| identity.tenant.clone());
    let named_tenant = tenant.is_some();
    let tenant = tenant.unwrap_or_default();
    let client = identity.client.clone();
    let named = [("AZURE_TENANT_ID", named_tenant), ("AZURE_CLIENT_ID", client.is_some())];
    Ok(match kind {
        CredentialKind::Environment => {
            let is_proven = identity.secret.is_some() || identity.certificate.is_some();
            let proof = "AZURE_CLIENT_SECRET (or AZURE_CLIENT_CERTIFICATE_PATH)";
            if let Some(missing) = missing(&[named[0], named[1], (proof, is_proven)]) {
                return Err(format!("{missing} A service principal needs all three."));
            }
            let client = client.unwrap_or_default();
            if let (None, Some(path)) = (&identity.secret, &identity.certificate) {
                let who = (authority, tenant.as_str(), client.as_str());
                let signs = Certificate::new(path, who, identity.with_chain, Arc::clone(clock));
                let options = Some(ClientAssertionCredentialOptions { client_options });
                return Ok(
                    ClientAssertionCredential::new(tenant, client, signs, options).map_err(told)?
                );
            }
            let secret = identity.secret.as_ref().map(|secret| secret.expose().to_owned());
            let secret = azure_core::credentials::Secret::new(secret.unwrap_or_default());
            let options = ClientSecretCredentialOptions { client_options };
            ClientSecretCredential::new(&tenant, client, secret, Some(options)).map_err(told)?
        }
        CredentialKind::WorkloadIdentity => {
            let file = identity.federated_token.clone();
            let needs = [named[0], named[1], ("AZURE_FEDERATED_TOKEN_FILE", file.is_some())];
            if let Some(missing) = missing(&needs) {
                return Err(format!(
                    "{missing} Pods with a federated service account have all three."
                ));
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
            WorkloadIdentityCredential::new(Some(options)).map_err(told)?
        }
        CredentialKind::ManagedIdentity => {
            if let Some(other) = other.filter(|other| identity.tenant.as_deref() != Some(*other)) {
                return Err(format!(
                    "A managed identity gives tokens of its own tenant alone, and one of {other} is \
                     wanted. Use a service principal that is known in both."
                ));
            }
            let options = ManagedIdentityCredentialOptions {
                user_assigned_id: client.map(UserAssignedId::ClientId),
                client_options,
            };
            ManagedIdentityCredential::new(Some(options)).map_err(told)?
        }
        CredentialKind::AzureCli => {
            let options = other.map(|other| AzureCliCredentialOptions {
                tenant_id: Some(other.to_owned()),
                ..Default::default()
            });
            AzureCliCredential::new(options).map_err(told)?
        }
        CredentialKind::AzureDeveloperCli => {
            let options = other.map(|other| AzureDeveloperCliCredentialOptions {
                tenant_id: Some(other.to_owned()),
                ..Default::default()
            });
            AzureDeveloperCliCredential::new(options).map_err(told)?
        }
    })
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
mod tests {
    use super::*;
    use crate::engine::{BootTime, Busy};
    use azure_core::http::{
        AsyncRawResponse, Body, HttpClient, Request, StatusCode, headers::Headers,
    };
    use std::sync::Mutex;

    const KEY: &str = "q7Zx9-Lw20vBnm";

    /// Entra and the metadata service, in one: writes down who was asked for what.
    #[derive(Debug, Default)]
    struct Fake {
        asked: Mutex<Vec<(String, String)>>,
        status: u16,
        body: String,
        silent: bool,
    }

    impl Fake {
        fn saying(status: u16, body: &str) -> Arc<Self> {
            Arc::new(Self { status, body: body.to_owned(), ..Self::default() })
        }

        fn giving_tokens() -> Arc<Self> {
            Self::saying(
                200,
                r#"{"token_type":"Bearer","expires_in":3600,"expires_on":"4102444800","resource":"r","access_token":"t-o-k-e-n"}"#,
            )
        }

        fn asked(&self) -> Vec<(String, String)> {
            self.asked.lock().unwrap().clone()
        }
    }

    #[async_trait]
    impl HttpClient for Fake {
        async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
            let body = match request.body() {
                Body::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                Body::SeekableStream(_) => String::new(),
            };
            self.asked.lock().unwrap().push((request.url().to_string(), body));
            if self.silent {
                std::future::pending::<()>().await;
            }
            let status = StatusCode::from(self.status);
            // As every answer to a credential comes in.
            let body = super::super::bounded::token_answer(self.body.clone().into()).unwrap();
            Ok(AsyncRawResponse::from_bytes(status, Headers::new(), body))
        }
    }

    /// A clock that is set by hand; a sleep ends at once, or never.
    #[derive(Debug)]
    struct Hand {
        now: Mutex<Timestamp>,
        sleeps_end: bool,
    }

    #[async_trait]
    impl Clock for Hand {
        fn now(&self) -> Timestamp {
            *self.now.lock().unwrap()
        }
        fn boot(&self) -> BootTime {
            BootTime { boot: "b".to_owned(), nanos: 0 }
        }
        fn enter(&self) -> Busy {
            Busy::idle()
        }
        async fn sleep_until(&self, _: Timestamp) {
            if !self.sleeps_end {
                std::future::pending::<()>().await;
            }
        }
    }

    fn hand(sleeps_end: bool) -> Arc<Hand> {
        Arc::new(Hand { now: Mutex::new(Timestamp::from_millis(0)), sleeps_end })
    }

    fn principal() -> Identity {
        Identity {
            tenant: Some("a-tenant".to_owned()),
            client: Some("a-client".to_owned()),
            secret: Some(Secret::new(KEY)),
            ..Identity::default()
        }
    }

    fn credentials(
        cloud: Cloud,
        pinned: Option<CredentialKind>,
        identity: Identity,
        fake: &Arc<Fake>,
        clock: &Arc<Hand>,
    ) -> Result<Credentials, IdentityError> {
        let transport = Some(Transport::new(Arc::clone(fake) as Arc<dyn HttpClient>));
        let clock = Arc::clone(clock) as Arc<dyn Clock>;
        Credentials::new(CredentialSettings { cloud, pinned, identity, transport, clock })
    }

    #[test]
    fn a_secret_does_not_print() {
        let secret = Secret::new(KEY);
        assert!(!format!("{secret:?}").contains(KEY));
        let principal = principal();
        assert!(!format!("{principal:?}").contains(KEY));
        let made =
            credentials(Cloud::Public, None, principal, &Fake::giving_tokens(), &hand(false));
        assert!(!format!("{:?}", made.unwrap()).contains(KEY));
    }

    #[tokio::test]
    async fn what_is_missing_is_said_with_what_to_do() {
        let with = |change: fn(&mut Identity)| {
            let mut identity = Identity::default();
            change(&mut identity);
            identity
        };
        let table: [(CredentialKind, Identity, &[&str]); 6] = [
            (
                CredentialKind::Environment,
                Identity::default(),
                &[
                    "environment: AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET (or \
                     AZURE_CLIENT_CERTIFICATE_PATH) are not set.",
                    "Put one of them right",
                    "`public` (https://login.microsoftonline.com)",
                ],
            ),
            (
                CredentialKind::Environment,
                with(|it| {
                    it.tenant = Some("t".to_owned());
                    it.client = Some("c".to_owned());
                }),
                &[
                    "environment: AZURE_CLIENT_SECRET (or AZURE_CLIENT_CERTIFICATE_PATH) is not set.",
                ],
            ),
            (
                CredentialKind::Environment,
                with(|it| {
                    it.tenant = Some("t".to_owned());
                    it.client = Some("c".to_owned());
                    it.certificate = Some("/not/there.pem".to_owned());
                }),
                &[
                    "environment: The certificate /not/there.pem: It cannot be read: ",
                    "AZURE_CLIENT_CERTIFICATE_PATH names it.",
                ],
            ),
            (
                CredentialKind::WorkloadIdentity,
                Identity::default(),
                &[
                    "workload-identity: AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_FEDERATED_TOKEN_FILE",
                ],
            ),
            (
                CredentialKind::WorkloadIdentity,
                with(|it| {
                    it.tenant = Some("t".to_owned());
                    it.client = Some("c".to_owned());
                    it.federated_token = Some("/not/there".to_owned());
                }),
                &["workload-identity: failed to read federated token from file /not/there."],
            ),
            (
                CredentialKind::Environment,
                Identity { tenant: Some("not a tenant".to_owned()), ..principal() },
                &["environment: invalid tenant ID not a tenant."],
            ),
        ];
        for (kind, identity, parts) in table {
            let fake = Fake::giving_tokens();
            let made = credentials(Cloud::Public, Some(kind), identity, &fake, &hand(false));
            let error = made.unwrap().token().await.unwrap_err().to_string();
            for part in parts {
                assert!(error.contains(part), "{part}\n{error}");
            }
            assert_eq!(error.lines().count(), 3, "{error}");
            assert!(fake.asked().is_empty());
        }
    }

    #[tokio::test]
    async fn a_secret_goes_to_the_authority_of_its_cloud() {
        for (cloud, named, url, scope) in [
            (Cloud::Public, None, "https://login.microsoftonline.com/", "management.azure.com"),
            (Cloud::China, None, "https://login.chinacloudapi.cn/", "management.chinacloudapi.cn"),
            (
                Cloud::UsGovernment,
                None,
                "https://login.microsoftonline.us/",
                "management.usgovcloudapi.net",
            ),
            (
                Cloud::China,
                Some("https://login.partner.microsoftonline.cn/"),
                "https://login.partner.microsoftonline.cn/",
                "management.chinacloudapi.cn",
            ),
        ] {
            let identity = Identity { authority: named.map(ToOwned::to_owned), ..principal() };
            let (fake, clock) = (Fake::giving_tokens(), hand(false));
            let made =
                credentials(cloud, Some(CredentialKind::Environment), identity, &fake, &clock);
            let token = made.unwrap().token().await.unwrap();
            assert_eq!(token.expose(), "t-o-k-e-n");
            let asked = fake.asked();
            let (to, form) = &asked[0];
            assert_eq!(*to, format!("{url}a-tenant/oauth2/v2.0/token"));
            assert!(form.contains(&format!("scope=https%3A%2F%2F{scope}%2F.default")), "{form}");
        }
    }

    #[tokio::test]
    async fn a_certificate_signs_and_a_secret_beside_it_goes_first() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), crate::azure::certificate::tests::made().0).unwrap();
        let certificate = Some(file.path().display().to_string());
        let pinned = Some(CredentialKind::Environment);
        for (secret, part) in
            [(None, "client_assertion=eyJ"), (Some(Secret::new(KEY)), "client_secret=")]
        {
            let is_signed = secret.is_none();
            let identity = Identity { certificate: certificate.clone(), secret, ..principal() };
            let (fake, clock) = (Fake::giving_tokens(), hand(false));
            let made = credentials(Cloud::China, pinned, identity, &fake, &clock);
            assert_eq!(made.unwrap().token().await.unwrap().expose(), "t-o-k-e-n");
            let (to, form) = fake.asked()[0].clone();
            assert_eq!(to, "https://login.chinacloudapi.cn/a-tenant/oauth2/v2.0/token");
            assert!(form.contains(part), "{form}");
            assert_eq!(form.contains("client_assertion_type="), is_signed, "{form}");
        }
    }

    #[tokio::test]
    async fn a_federated_token_goes_to_the_authority_of_its_cloud() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "f-e-d").unwrap();
        let federated_token = Some(file.path().display().to_string());
        let identity = Identity { federated_token, ..principal() };
        let pinned = Some(CredentialKind::WorkloadIdentity);
        let (fake, clock) = (Fake::giving_tokens(), hand(false));
        let made = credentials(Cloud::UsGovernment, pinned, identity, &fake, &clock);
        made.unwrap().token().await.unwrap();
        let asked = fake.asked();
        assert_eq!(asked[0].0, "https://login.microsoftonline.us/a-tenant/oauth2/v2.0/token");
        assert!(asked[0].1.contains("client_assertion=f-e-d"), "{asked:?}");
    }

    #[test]
    fn an_authority_of_another_cloud_is_refused_before_anything_is_sent() {
        let authority = Some("https://login.microsoftonline.com".to_owned());
        let identity = Identity { authority, ..principal() };
        let fake = Fake::giving_tokens();
        let error = credentials(Cloud::China, None, identity, &fake, &hand(false)).unwrap_err();
        assert!(error.to_string().contains("`--cloud public`"), "{error}");
        assert!(fake.asked().is_empty());
    }

    #[tokio::test]
    async fn a_managed_identity_is_the_hosts_or_the_one_that_is_named() {
        for (client, expected) in [(None, None), (Some("a-client"), Some("client_id=a-client"))] {
            let identity =
                Identity { client: client.map(ToOwned::to_owned), ..Identity::default() };
            let pinned = Some(CredentialKind::ManagedIdentity);
            let (fake, clock) = (Fake::giving_tokens(), hand(false));
            let made = credentials(Cloud::China, pinned, identity, &fake, &clock);
            made.unwrap().token().await.unwrap();
            let url = fake.asked()[0].0.clone();
            assert!(url.starts_with("http://169.254.169.254/"), "{url}");
            assert!(url.contains("resource=https%3A%2F%2Fmanagement.chinacloudapi.cn"), "{url}");
            match expected {
                Some(part) => assert!(url.contains(part), "{url}"),
                None => assert!(!url.contains("client_id"), "{url}"),
            }
        }
    }

    #[tokio::test]
    async fn a_host_without_a_metadata_service_does_not_hold_up_the_chain() {
        let fake = Arc::new(Fake { silent: true, ..Fake::default() });
        let identity = Identity { credentials: Some("prod".to_owned()), ..Identity::default() };
        let made = credentials(Cloud::Public, None, identity, &fake, &hand(true)).unwrap();
        let error = made.token().await.unwrap_err().to_string();
        assert!(error.contains("managed-identity: The metadata service"), "{error}");
        // A heading, three credentials, what to do.
        assert_eq!(error.lines().count(), 5, "{error}");
    }

    #[tokio::test]
    async fn entras_refusal_is_one_line_with_a_way_out() {
        for (description, expected) in [
            (
                "AADSTS7000215: Invalid client secret provided.\\r\\nTrace ID: 1 Correlation ID: 2",
                "environment: AADSTS7000215: Invalid client secret provided. AZURE_CLIENT_SECRET takes \
                 the secret's value, not its id.",
            ),
            ("AADSTS7000222: Expired keys.", "Expired keys. The secret has expired"),
            ("AADSTS700016: Not found.", "check AZURE_CLIENT_ID, AZURE_TENANT_ID and `--cloud`"),
            ("AADSTS90002: Tenant not found.", "whether the tenant is of this `--cloud`"),
            ("AADSTS99: Other.", "AADSTS99: Other. Check the tenant"),
            ("You sent q7Zx9-Lw20vBnm!", "environment: You sent …! Check the tenant"),
        ] {
            let body = format!(r#"{{"error_codes":[1],"error_description":"{description}"}}"#);
            let (fake, clock) = (Fake::saying(401, &body), hand(false));
            let pinned = Some(CredentialKind::Environment);
            let made = credentials(Cloud::Public, pinned, principal(), &fake, &clock);
            let error = made.unwrap().token().await.unwrap_err().to_string();
            assert!(error.contains(expected), "{expected}\n{error}");
            assert!(!error.contains("Trace ID") && !error.contains(KEY), "{error}");
            assert_eq!(error.lines().count(), 3, "{error}");
        }
    }

    #[tokio::test]
    async fn a_token_is_kept_until_shortly_before_its_end() {
        let (fake, clock) = (Fake::giving_tokens(), hand(false));
        let pinned = Some(CredentialKind::ManagedIdentity);
        let made = credentials(Cloud::Public, pinned, Identity::default(), &fake, &clock).unwrap();
        let mut token = AccessToken::new("t".to_owned(), std::time::UNIX_EPOCH.into());
        for (now, fresh) in [(0, false), (1, false)] {
            *clock.now.lock().unwrap() = Timestamp::from_millis(now);
            assert_eq!(made.is_fresh(&token), fresh);
        }
        token.expires_on += TOKEN_MARGIN + Duration::from_secs(60);
        for (seconds, fresh) in [(0, true), (59, true), (60, false), (400, false)] {
            *clock.now.lock().unwrap() = Timestamp::from_millis(seconds * 1_000);
            assert_eq!(made.is_fresh(&token), fresh, "{seconds}");
        }
        let first = made.token().await.unwrap();
        made.token().await.unwrap();
        assert_eq!(fake.asked().len(), 1);
        made.refused(&Secret::new("w-h-o-s-e")).await;
        made.token().await.unwrap();
        assert_eq!(fake.asked().len(), 1, "a token that is not ours any more says nothing of ours");
        made.refused(&first).await;
        made.token().await.unwrap();
        assert_eq!(fake.asked().len(), 2, "what Azure refused is not offered again");
    }

    #[tokio::test]
    async fn a_failure_is_repeated_for_seconds_and_then_asked_about_again() {
        let body = r#"{"error_codes":[1],"error_description":"No."}"#;
        let (fake, clock) = (Fake::saying(401, body), hand(false));
        let pinned = Some(CredentialKind::Environment);
        let made = credentials(Cloud::Public, pinned, principal(), &fake, &clock).unwrap();
        let first = made.token().await.unwrap_err();
        assert_eq!(made.token().await.unwrap_err(), first);
        assert_eq!(fake.asked().len(), 1);
        *clock.now.lock().unwrap() = Timestamp::from_millis(0) + FAILURE_KEPT;
        made.token().await.unwrap_err();
        assert_eq!(fake.asked().len(), 2);
    }

    #[tokio::test]
    async fn no_lifetime_of_a_token_makes_a_credential_panic() {
        let lives =
            ["1000000000000000000", "1e18", "-1", "-9223372036854775808", "\"NaN\"", "null"];
        for kind in [CredentialKind::Environment, CredentialKind::ManagedIdentity] {
            for life in lives.into_iter().chain(["\"1e18\"", "{}", "\"99999999999999999999\""]) {
                let body = format!(
                    r#"{{"token_type":"Bearer","expires_in":{life},"ext_expires_in":{life},"expires_on":{life},"resource":"r","access_token":"t-o-k-e-n"}}"#
                );
                let (fake, clock) = (Fake::saying(200, &body), hand(false));
                let made = credentials(Cloud::Public, Some(kind), principal(), &fake, &clock);
                // A token or a refusal, and both in time.
                drop(made.unwrap().token().await);
            }
        }
        let body = r#"{"token_type":"Bearer","expires_in":1000000000000000000,"access_token":"t-o-k-e-n"}"#;
        let (fake, clock) = (Fake::saying(200, body), hand(false));
        let pinned = Some(CredentialKind::Environment);
        let made = credentials(Cloud::Public, pinned, principal(), &fake, &clock).unwrap();
        assert_eq!(made.token().await.unwrap().expose(), "t-o-k-e-n");
    }
}
