//! Which Azure, and who are we to it? The adapter for a live run, from a plan and what was typed.

use std::collections::BTreeMap;
use std::sync::Arc;

use url::Url;

use super::args::{Credential, Target};
use super::error::{CliError, Status};
use super::settings;
use crate::azure::{
    Arm, ArmSettings, Cloud, CredentialKind, Credentials, HttpWire, Secret, SecretReader,
    Simulated, TokenSource, is_loopback,
};
use crate::engine::Clock;
use crate::model::{Plan, SecretSource};

/// Bytes of a secret's file: a key is short, and anything longer is the wrong file.
const SECRET_BYTES_MAX: u64 = 16 * 1024;

/// Where Azure is: https anywhere, http on this host only (D18).
///
/// # Errors
/// It is not a URL, or http to another host.
pub fn endpoint(target: &Target) -> Result<Url, CliError> {
    let text = target.endpoint.as_deref().unwrap_or(Cloud::Public.endpoint());
    let url = Url::parse(text).map_err(|error| {
        CliError::usage(format!("`{text}` is not an endpoint.")).because(&error)
    })?;
    if url.scheme() != "https" && !is_loopback(&url) {
        return Err(CliError::usage("The endpoint must be https, unless it is on this host.")
            .hint("A simulator prints its endpoint: `backroad sim serve --world FILE`."));
    }
    if target.clock_factor.is_some() && !is_loopback(&url) {
        return Err(CliError::usage(
            "`--clock-factor` is for a simulator on this host; Azure's time cannot be hurried.",
        ));
    }
    Ok(url)
}

/// The adapter for that endpoint.
///
/// # Errors
/// TLS cannot be set up, or nobody knows what token the endpoint takes.
pub fn arm(
    plan: &Plan,
    endpoint: Url,
    target: &Target,
    clock: Arc<dyn Clock>,
) -> Result<Arm, CliError> {
    let wire = if is_loopback(&endpoint) { HttpWire::loopback() } else { HttpWire::new() };
    let wire = wire.map_err(|error| {
        CliError::new(Status::OutOfReach, "Azure cannot be spoken to.").because(&error)
    })?;
    Ok(Arm::new(ArmSettings {
        token: token(&endpoint, target, &wire)?,
        endpoint,
        wire: Arc::new(wire),
        clock,
        secrets: Arc::new(Secrets::of(plan)),
    }))
}

/// A loopback endpoint is given the word `simulated`, a cloud's a token for that cloud, and a stranger
/// nothing (D18).
fn token(
    endpoint: &Url,
    target: &Target,
    wire: &HttpWire,
) -> Result<Arc<dyn TokenSource>, CliError> {
    if is_loopback(endpoint) {
        return Ok(Arc::new(Simulated));
    }
    let Some(cloud) = Cloud::of(endpoint) else {
        let known: Vec<&str> = Cloud::ALL.iter().map(|cloud| cloud.endpoint()).collect();
        return Err(CliError::usage(format!(
            "{endpoint} is not an Azure cloud, so no token is sent there."
        ))
        .hint(format!("Known are {}.", known.join(", "))));
    };
    Ok(Arc::new(Credentials::new(
        cloud,
        target.credential.map(kind),
        &settings::service_principal(),
        Some(&wire.for_credentials()),
    )))
}

fn kind(credential: Credential) -> CredentialKind {
    match credential {
        Credential::Environment => CredentialKind::Environment,
        Credential::WorkloadIdentity => CredentialKind::WorkloadIdentity,
        Credential::ManagedIdentity => CredentialKind::ManagedIdentity,
        Credential::Az => CredentialKind::AzureCli,
        Credential::Azd => CredentialKind::AzureDeveloperCli,
    }
}

/// Reads secret parameters where the runbook says they are, when they are sent.
#[derive(Debug, Clone)]
pub struct Secrets(BTreeMap<String, SecretSource>);

impl Secrets {
    /// The secrets of a plan.
    #[must_use]
    pub fn of(plan: &Plan) -> Self {
        Self(plan.parts().secrets.clone())
    }
}

impl SecretReader for Secrets {
    fn read(&self, param: &str) -> Result<Secret, String> {
        let missing = |why: &str| format!("The secret parameter `{param}` cannot be read: {why}.");
        let text = match self.0.get(param) {
            None => return Err(missing("the runbook does not say where it is")),
            Some(SecretSource::Env(variable)) => settings::secret_variable(variable)
                .ok_or_else(|| missing(&format!("the variable {variable} is not set")))?,
            Some(SecretSource::File(path)) => {
                let told = |error: std::io::Error| missing(&format!("{path}: {error}"));
                if std::fs::metadata(path).map_err(told)?.len() > SECRET_BYTES_MAX {
                    return Err(missing("its file is too long for a secret"));
                }
                std::fs::read_to_string(path).map_err(told)?
            }
        };
        Ok(Secret::new(text.trim_end_matches(['\r', '\n'])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(endpoint: &str) -> Target {
        Target { endpoint: Some(endpoint.to_owned()), ..Target::default() }
    }

    #[test]
    fn a_token_never_goes_to_a_stranger() {
        assert!(endpoint(&at("http://example.com")).is_err());
        assert!(endpoint(&at("http://localhost.example.com")).is_err());
        assert!(endpoint(&at("http://127.0.0.1:8080")).is_ok());
        assert!(endpoint(&at("https://management.azure.com")).is_ok());
    }

    #[test]
    fn azures_time_cannot_be_hurried() {
        let mut target = at("https://management.azure.com");
        target.clock_factor = std::num::NonZeroU32::new(60);
        assert!(endpoint(&target).is_err());
    }
}
