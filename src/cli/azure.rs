//! Which Azure, and who are we to it? The adapter for a live run, from a plan and what was typed.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use url::Url;

use super::args::{CloudArg, Credential, Target};
use super::error::{CliError, Status};
use super::settings;
use crate::azure::secret::{of_text, read_file};
use crate::azure::tenancy::is_name;
use crate::azure::{
    Arm, ArmSettings, Cloud, CredentialKind, CredentialSettings, Credentials, HttpWire, Secret,
    SecretReader, Simulated, Tenants, TokenSource,
};
use crate::engine::Clock;
use crate::model::net::is_loopback;
use crate::model::{Action, Plan, SecretRef, SecretSource, Step};
use crate::outside::BesideAzure;

/// Bytes of a secret's file: a key is short, and anything longer is the wrong file.
const SECRET_BYTES_MAX: u64 = 16 * 1024;

/// Where Azure is: https anywhere, http on this host only (D18).
///
/// # Errors
/// It is not a URL, or http to another host, or the endpoint is not the cloud's.
pub fn endpoint(target: &Target) -> Result<Url, CliError> {
    endpoint_in(target, settings::cloud().as_deref())
}

/// The endpoint that was typed, else that of the cloud that was typed, else of the one that the
/// environment names. A run keeps its endpoint: what the environment says later does not move it.
fn endpoint_in(target: &Target, environment: Option<&str>) -> Result<Url, CliError> {
    let default = match (target.cloud, environment) {
        (Some(name), _) => cloud(name),
        (None, Some(text)) if target.endpoint.is_none() => Cloud::parse(text).ok_or_else(|| {
            CliError::usage(format!("BACKROAD_CLOUD is `{text}`, which is no cloud."))
                .hint(format!("Known are {}.", Cloud::ALL.map(Cloud::as_str).join(", ")))
        })?,
        (None, _) => Cloud::Public,
    };
    let text = target.endpoint.as_deref().unwrap_or(default.endpoint());
    let url = Url::parse(text).map_err(|error| {
        CliError::usage(format!("`{text}` is not an endpoint."))
            .because(&error)
            .hint("An endpoint is a URL, such as https://management.azure.com.")
    })?;
    if url.scheme() != "https" && !is_loopback(&url) {
        return Err(CliError::usage("The endpoint must be https, unless it is on this host.")
            .hint("A simulator prints its endpoint: `backroad sim serve --world FILE`."));
    }
    if target.cloud.is_some() && Cloud::of(&url) != Some(default) {
        return Err(CliError::usage(format!(
            "`--cloud {}` is {}, but the endpoint is {text}.",
            default.as_str(),
            default.endpoint()
        ))
        .hint("Leave one of the two out; a run that was begun keeps its endpoint."));
    }
    if target.clock_factor.is_some() && !is_loopback(&url) {
        return Err(CliError::usage(
            "`--clock-factor` is for a simulator on this host; Azure's time cannot be hurried.",
        )
        .hint("Leave it out, or name the simulator with `--endpoint`."));
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
    let secrets = Arc::new(SecretSettings::of(plan));
    built(secrets, endpoint, target, clock, plan.parts().tenants.clone())
}

/// The adapter for that endpoint, for whom no plan names secrets.
///
/// # Errors
/// TLS cannot be set up, or nobody knows what token the endpoint takes.
pub fn arm_with(
    secrets: Arc<dyn SecretReader>,
    endpoint: Url,
    target: &Target,
    clock: Arc<dyn Clock>,
) -> Result<Arm, CliError> {
    built(secrets, endpoint, target, clock, BTreeMap::new())
}

fn built(
    secrets: Arc<dyn SecretReader>,
    endpoint: Url,
    target: &Target,
    clock: Arc<dyn Clock>,
    of_profile: BTreeMap<String, String>,
) -> Result<Arm, CliError> {
    let wire = if is_loopback(&endpoint) { HttpWire::loopback() } else { HttpWire::new() };
    let wire = wire.map_err(|error| {
        CliError::new(Status::OutOfReach, "This host cannot make a TLS client for Azure.")
            .because(&error)
            .hint("Its root certificates may be missing, or a proxy setting is no URL.")
    })?;
    let tenants = tenants(target, of_profile)?;
    let arm = Arm::new(ArmSettings {
        token: token(&endpoint, target, &wire, &clock)?,
        endpoint,
        wire: Arc::new(wire),
        clock,
        secrets,
    });
    Ok(arm.with_tenants(tenants))
}

/// What is beside Azure in a live run: this host and its network.
#[must_use]
pub fn beside(plan: &Plan, clock: Arc<dyn Clock>) -> BesideAzure {
    let names = plan.steps().iter().filter_map(|step| match &step.action {
        Action::Outside(own) => Some(own.passed_on()),
        _ => None,
    });
    let names: Vec<&str> = names.flatten().collect();
    BesideAzure::host(settings::host(&names), Arc::new(SecretSettings::of(plan)), clock)
}

/// The tenants that were typed, over those of the runbook's profile.
fn tenants(target: &Target, of_profile: BTreeMap<String, String>) -> Result<Tenants, CliError> {
    let (mut usual, mut of) = (None, BTreeMap::new());
    for text in &target.tenant {
        let (subscription, tenant) = match text.split_once('=') {
            Some((subscription, tenant)) => (Some(subscription.trim()), tenant.trim()),
            None => (None, text.trim()),
        };
        if !is_name(tenant) || subscription.is_some_and(|subscription| !is_name(subscription)) {
            return Err(CliError::usage(format!("`--tenant {text}` names no tenant."))
                .hint("Write a tenant's id or domain, or SUBSCRIPTION=TENANT."));
        }
        let before = match subscription {
            Some(subscription) => of.insert(subscription.to_ascii_lowercase(), tenant.to_owned()),
            None => usual.replace(tenant.to_owned()),
        };
        if before.is_some_and(|before| before != tenant) {
            let what = subscription.map_or("all subscriptions".to_owned(), str::to_owned);
            return Err(CliError::usage(format!("`--tenant` is given twice for {what}."))
                .hint("Leave one of the two out."));
        }
    }
    let all = of_profile.into_iter().chain(of).collect();
    Ok(Tenants::new(usual, all))
}

/// A loopback endpoint is given a token worth nothing, a cloud's a token for that cloud, and a stranger
/// nothing (D18).
fn token(
    endpoint: &Url,
    target: &Target,
    wire: &HttpWire,
    clock: &Arc<dyn Clock>,
) -> Result<Arc<dyn TokenSource>, CliError> {
    if is_loopback(endpoint) {
        return Ok(Arc::new(Simulated));
    }
    let Some(cloud) = Cloud::of(endpoint) else {
        let known: Vec<&str> = Cloud::ALL.iter().map(|cloud| cloud.endpoint()).collect();
        return Err(CliError::usage(format!(
            "{endpoint} is not an Azure cloud, so no token is sent there."
        ))
        .hint(format!("Known are {}; `--cloud` names them.", known.join(", "))));
    };
    let credentials = Credentials::new(CredentialSettings {
        cloud,
        pinned: target.credential.map(kind),
        identity: settings::identity(),
        transport: Some(wire.for_credentials()),
        clock: Arc::clone(clock),
    });
    credentials.map(|credentials| Arc::new(credentials) as Arc<dyn TokenSource>).map_err(|error| {
        CliError::usage("The environment does not say clearly who we are to Azure.").because(&error)
    })
}

fn cloud(name: CloudArg) -> Cloud {
    match name {
        CloudArg::Public => Cloud::Public,
        CloudArg::China => Cloud::China,
        CloudArg::UsGovernment => Cloud::UsGovernment,
    }
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
#[derive(Clone)]
pub struct SecretSettings {
    sources: BTreeMap<String, SecretSource>,
    /// What everybody may read: the plan, without its secrets, in lower case.
    plan: Arc<str>,
}

impl fmt::Debug for SecretSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SecretSettings").field(&self.sources).finish()
    }
}

impl SecretSettings {
    /// The secrets of a plan.
    #[must_use]
    pub fn of(plan: &Plan) -> Self {
        let sources = plan.parts().secrets.clone();
        let text = match sources.is_empty() {
            true => String::new(),
            false => serde_json::to_string(plan).unwrap_or_default().to_lowercase(),
        };
        Self { sources, plan: text.into() }
    }

    /// Why a secret that these steps send cannot be read here, if that is so.
    #[must_use]
    pub fn missing<'a>(&self, steps: impl Iterator<Item = &'a Step>) -> Option<String> {
        steps.flat_map(|step| sent_by(&step.action)).find_map(|param| self.read(param).err())
    }
}

/// The secret parameters that an action sends.
fn sent_by(action: &Action) -> Vec<&str> {
    let others = if let Action::Outside(own) = action { own.secrets() } else { Vec::new() };
    action.nature().secret.into_iter().chain(others).filter_map(param_of).collect()
}

/// The parameter that a secret is, if it is one.
fn param_of(secret: &SecretRef) -> Option<&str> {
    match secret {
        SecretRef::Param(param) => Some(param.as_str()),
        SecretRef::Resource { .. } => None,
    }
}

impl SecretReader for SecretSettings {
    fn read(&self, param: &str) -> Result<Secret, String> {
        let missing = |why: &str| format!("The secret parameter `{param}` cannot be read: {why}.");
        let (place, text) = match self.sources.get(param) {
            None => return Err(missing("the runbook does not say where it is")),
            Some(SecretSource::Env(name)) => {
                let place = format!("the variable {name}");
                let read = settings::secret_variable(name);
                (place.clone(), read.map_err(|why| missing(&format!("{place}: {why}")))?)
            }
            Some(SecretSource::File(path)) => {
                let told = |why: &str| missing(&format!("{path}: {why}"));
                let bytes =
                    read_file(Path::new(path), SECRET_BYTES_MAX).map_err(|why| told(&why))?;
                let text = String::from_utf8(bytes).map_err(|_| told("it is not UTF-8 text"))?;
                (path.clone(), text)
            }
        };
        let value = text.trim().to_lowercase();
        if !value.is_empty() && self.plan.contains(&value) {
            let why = "what it holds stands in the runbook itself, and is no secret";
            return Err(missing(&format!("{place}: {why}")));
        }
        of_text(&text).map_err(|why| missing(&format!("{place}: {why}")))
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
    fn a_typed_tenant_goes_before_that_of_the_profile() {
        let typed = |words: &[&str]| Target {
            tenant: words.iter().map(|word| (*word).to_owned()).collect(),
            ..Target::default()
        };
        let of_profile = || {
            let all = [("a", "one.example"), ("b", "two.example")];
            all.into_iter().map(|(of, tenant)| (of.to_owned(), tenant.to_owned())).collect()
        };
        let known = tenants(&typed(&[]), of_profile()).unwrap();
        assert_eq!(known.of("A").as_deref(), Some("one.example"));
        let known = tenants(&typed(&["B=three.example", "home.example"]), of_profile()).unwrap();
        for (of, tenant) in [("a", "one.example"), ("b", "three.example"), ("c", "home.example")] {
            assert_eq!(known.of(of).as_deref(), Some(tenant));
        }
    }

    #[test]
    fn azures_time_cannot_be_hurried() {
        let mut target = at("https://management.azure.com");
        target.clock_factor = std::num::NonZeroU32::new(60);
        assert!(endpoint(&target).is_err());
    }

    #[test]
    fn cloud_and_endpoint_agree_or_are_refused() {
        const CHINA: &str = "https://management.chinacloudapi.cn";
        const PUBLIC: &str = "https://management.azure.com";
        const GOVERNMENT: &str = "https://management.usgovcloudapi.net";
        use CloudArg::{China, Public, UsGovernment};
        for (cloud, endpoint, environment, expected) in [
            (None, None, None, Some(PUBLIC)),
            (Some(Public), None, None, Some(PUBLIC)),
            (Some(China), None, None, Some(CHINA)),
            (Some(UsGovernment), None, None, Some(GOVERNMENT)),
            (Some(China), Some(CHINA), None, Some(CHINA)),
            (Some(China), Some("https://management.chinacloudapi.cn/"), None, Some(CHINA)),
            (Some(China), Some(PUBLIC), None, None),
            (Some(Public), Some(GOVERNMENT), None, None),
            (Some(Public), Some("http://127.0.0.1:8080"), None, None),
            (None, None, Some("us-government"), Some(GOVERNMENT)),
            (None, None, Some("AzureChinaCloud"), None),
            // What was typed goes before the environment, and a run's own endpoint is typed.
            (Some(China), None, Some("public"), Some(CHINA)),
            (None, Some(PUBLIC), Some("china"), Some(PUBLIC)),
            (None, Some("http://127.0.0.1:8080"), Some("china"), Some("http://127.0.0.1:8080")),
        ] {
            let endpoint = endpoint.map(ToOwned::to_owned);
            let target = Target { cloud, endpoint, ..Target::default() };
            match (endpoint_in(&target, environment), expected) {
                (Ok(url), Some(expected)) => {
                    assert_eq!(url.as_str().trim_end_matches('/'), expected);
                }
                (Err(error), None) => assert_eq!(error.status, Status::Usage, "{error:?}"),
                (found, _) => panic!("{target:?} {environment:?}: {found:?}"),
            }
        }
    }

    #[test]
    fn every_name_on_the_command_line_is_the_names_of_the_thing() {
        use clap::ValueEnum;
        let name = |value: Option<clap::builder::PossibleValue>| {
            value.map(|value| value.get_name().to_owned()).unwrap_or_default()
        };
        for value in CloudArg::value_variants() {
            assert_eq!(Cloud::parse(&name(value.to_possible_value())), Some(cloud(*value)));
        }
        for value in Credential::value_variants() {
            assert_eq!(CredentialKind::parse(&name(value.to_possible_value())), Some(kind(*value)));
        }
        assert_eq!(CloudArg::value_variants().len(), Cloud::ALL.len());
        assert_eq!(Credential::value_variants().len(), CredentialKind::ORDER.len());
    }
}
