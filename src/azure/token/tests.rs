//! Which credential is asked, what is said of those that fail, and where does no secret go?

use super::*;
use crate::engine::{BootTime, Busy};
use azure_core::http::{AsyncRawResponse, Body, HttpClient, Request, StatusCode, headers::Headers};
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
    let made = credentials(Cloud::Public, None, principal, &Fake::giving_tokens(), &hand(false));
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
            &["environment: AZURE_CLIENT_SECRET (or AZURE_CLIENT_CERTIFICATE_PATH) is not set."],
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
            &["workload-identity: AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_FEDERATED_TOKEN_FILE"],
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
        let made = credentials(cloud, Some(CredentialKind::Environment), identity, &fake, &clock);
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
        let identity = Identity { client: client.map(ToOwned::to_owned), ..Identity::default() };
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
    let lives = ["1000000000000000000", "1e18", "-1", "-9223372036854775808", "\"NaN\"", "null"];
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
    let body =
        r#"{"token_type":"Bearer","expires_in":1000000000000000000,"access_token":"t-o-k-e-n"}"#;
    let (fake, clock) = (Fake::saying(200, body), hand(false));
    let pinned = Some(CredentialKind::Environment);
    let made = credentials(Cloud::Public, pinned, principal(), &fake, &clock).unwrap();
    assert_eq!(made.token().await.unwrap().expose(), "t-o-k-e-n");
}
