//! How is a container spoken to? By the key that the environment has, else by a token as for Azure itself.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureCredential, MicrosoftAzureBuilder};
use object_store::{BackoffConfig, ClientOptions, CredentialProvider, ObjectStore, RetryConfig};
use url::Url;

use super::StoreUse;
use crate::azure::{Cloud, CredentialSettings, Credentials, HttpWire, TokenSource};
use crate::cli::clock::host_clock;
use crate::cli::error::CliError;
use crate::cli::settings;
use crate::model::net::is_loopback;

/// How long one request may take where something is only read.
const READ_WITHIN: Duration = Duration::from_secs(8);

/// The objects of a container.
///
/// # Errors
/// The environment does not say clearly who we are to it.
pub(crate) fn primary(
    account: &str,
    container: &str,
    to: StoreUse,
) -> Result<Arc<dyn ObjectStore>, CliError> {
    blobs(account, container, BlobAddress::Primary(to))
}

/// The objects of a container, at its secondary.
///
/// # Errors
/// As [`primary`], or it is not known where that is.
pub(crate) fn secondary(account: &str, container: &str) -> Result<Arc<dyn ObjectStore>, CliError> {
    blobs(account, container, BlobAddress::Secondary)
}

/// The objects of a bucket: who we are to it, and where it is, is said by the variables that Amazon's own tools read.
///
/// # Errors
/// They do not say it, or name an address that is neither `https` nor on this host.
pub(crate) fn bucket(name: &str, to: StoreUse) -> Result<Arc<dyn ObjectStore>, CliError> {
    let mut builder = AmazonS3Builder::new().with_bucket_name(name);
    for (name, value) in settings::amazon() {
        if let Ok(key) = name.to_ascii_lowercase().parse::<AmazonS3ConfigKey>() {
            builder = builder.with_config(key, value.expose());
        }
    }
    if to == StoreUse::Read {
        builder = builder.with_retry(RETRIED_ONCE).with_client_options(short_waits());
    }
    if let Some(endpoint) = settings::store_endpoint() {
        let url = own_endpoint(&endpoint)?;
        builder = builder.with_endpoint(endpoint).with_allow_http(is_loopback(&url));
    }
    let built = builder.build().map_err(|error| {
        CliError::usage("The bucket of the shared store cannot be reached with these settings.")
            .because(&error)
            .hint("docs/operations.md (Set up in ten minutes) names what the environment must say for `s3://`.")
    })?;
    Ok(Arc::new(built))
}

/// How what only looks asks again: another region, or a person, may have the answer.
const RETRIED_ONCE: RetryConfig = RetryConfig {
    backoff: BackoffConfig {
        init_backoff: Duration::from_millis(100),
        max_backoff: Duration::from_secs(15),
        base: 2.0,
    },
    max_retries: 1,
    retry_timeout: READ_WITHIN,
};

fn short_waits() -> ClientOptions {
    ClientOptions::new().with_timeout(READ_WITHIN)
}

/// The address that `BACKROAD_STORE_ENDPOINT` names.
fn own_endpoint(endpoint: &str) -> Result<Url, CliError> {
    let url = Url::parse(endpoint).map_err(|error| {
        CliError::usage(format!("BACKROAD_STORE_ENDPOINT is `{endpoint}`, which is no URL."))
            .because(&error)
    })?;
    if url.scheme() != "https" && !is_loopback(&url) {
        return Err(CliError::usage(
            "BACKROAD_STORE_ENDPOINT must be https, unless it is on this host.",
        ));
    }
    Ok(url)
}

/// Which of the two addresses of a geo-redundant account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BlobAddress {
    Primary(StoreUse),
    Secondary,
}

/// Where the secondary of an account is; none where that is not known.
fn secondary_of(account: &str, endpoint: Option<&str>) -> Option<String> {
    let Some(endpoint) = endpoint else {
        return Some(format!("https://{account}-secondary.blob.core.windows.net"));
    };
    let endpoint = endpoint.trim_end_matches('/');
    if let Some(host) = endpoint.strip_prefix(&format!("https://{account}.")) {
        return Some(format!("https://{account}-secondary.{host}"));
    }
    // An emulator has the account in the path.
    endpoint.ends_with(&format!("/{account}")).then(|| format!("{endpoint}-secondary"))
}

/// The objects of a container: by the key that the environment has, else by a token as for Azure itself.
fn blobs(
    account: &str,
    container: &str,
    address: BlobAddress,
) -> Result<Arc<dyn ObjectStore>, CliError> {
    let mut builder =
        MicrosoftAzureBuilder::new().with_account(account).with_container_name(container);
    let mut endpoint = settings::store_endpoint();
    if address == BlobAddress::Secondary {
        let secondary = secondary_of(account, endpoint.as_deref());
        endpoint = Some(secondary.ok_or_else(|| CliError::usage("No secondary is known."))?);
    }
    if address != BlobAddress::Primary(StoreUse::Drive) {
        // Somebody looks, and another region may have the answer.
        builder = builder.with_retry(RETRIED_ONCE).with_client_options(short_waits());
    }
    if let Some(endpoint) = &endpoint {
        let url = own_endpoint(endpoint)?;
        builder = builder.with_endpoint(endpoint.clone()).with_allow_http(is_loopback(&url));
    }
    builder = match settings::store_key() {
        Some(key) => builder.with_access_key(key.expose()),
        None => {
            let credentials = StorageToken { source: storage_tokens(endpoint.as_deref())? };
            builder.with_credentials(Arc::new(credentials))
        }
    };
    let built = builder.build().map_err(|error| {
        CliError::usage("The container of the shared store cannot be reached with these settings.")
            .because(&error)
            .hint("docs/operations.md (Set up in ten minutes) names what the environment must say for `azblob://`.")
    })?;
    Ok(Arc::new(built))
}

/// Tokens for storage, by the same chain of credentials as for Azure Resource Manager.
fn storage_tokens(endpoint: Option<&str>) -> Result<Arc<dyn TokenSource>, CliError> {
    let ours = endpoint.is_none_or(|text| {
        let host = Url::parse(text).ok().and_then(|url| url.host_str().map(str::to_owned));
        host.is_some_and(|host| host.contains(".blob.core."))
    });
    if !ours {
        return Err(CliError::usage(
            "BACKROAD_STORE_ENDPOINT is not Azure's, so no token is sent there.",
        )
        .hint("Name the account's key in AZURE_STORAGE_KEY for an emulator."));
    }
    let failed = |error: &(dyn std::error::Error + 'static)| {
        CliError::usage("The environment does not say clearly who we are to Azure.").because(error)
    };
    let wire = HttpWire::new().map_err(|error| failed(&error))?;
    let cloud = settings::cloud().and_then(|name| Cloud::parse(&name)).unwrap_or(Cloud::Public);
    let credentials = Credentials::new(CredentialSettings {
        cloud,
        pinned: None,
        identity: settings::identity(),
        transport: Some(wire.for_credentials()),
        clock: host_clock(),
    });
    let credentials = credentials.map_err(|error| failed(&error))?;
    // One resource for the storage of all clouds.
    Ok(Arc::new(credentials.about("https://storage.azure.com")))
}

/// A token as the client of the store takes it.
#[derive(Debug)]
struct StorageToken {
    source: Arc<dyn TokenSource>,
}

#[async_trait]
impl CredentialProvider for StorageToken {
    type Credential = AzureCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AzureCredential>> {
        let token = self.source.token().await.map_err(|error| {
            object_store::Error::Unauthenticated { path: String::new(), source: Box::new(error) }
        })?;
        Ok(Arc::new(AzureCredential::BearerToken(token.expose().to_owned())))
    }
}
