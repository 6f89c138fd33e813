//! What was meant? The only file that reads the environment; flag before environment before default.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use etcetera::{AppStrategy, AppStrategyArgs};
use jiff::tz::TimeZone;

use super::error::CliError;
use crate::azure::{Identity, Secret};
use crate::outside::Host;
use crate::render::machine::ci::CiSystem;
use crate::render::style::Zone;

/// What the environment says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// `BACKROAD_STATE_DIR`.
    pub state_dir: Option<PathBuf>,
    /// `NO_COLOR` is set and not empty (no-color.org).
    pub no_color: bool,
    /// `TERM` is `dumb`.
    pub dumb: bool,
    /// `RUST_LOG`.
    pub log: Option<String>,
    /// `USERNAME`, or `USER`: who sits here, where the system does not say.
    pub user: Option<String>,
    /// `COMPUTERNAME`, or `HOSTNAME`: the host, where the system does not say.
    pub host: Option<String>,
    /// `SUDO_USER`.
    pub sudo_user: Option<String>,
    /// `COLUMNS`.
    pub columns: Option<usize>,
    /// The CI system that this is a step of, as it says itself.
    pub ci: Option<CiSystem>,
    /// `GITHUB_STEP_SUMMARY`: where GitHub's page of a run takes Markdown from.
    pub step_summary: Option<PathBuf>,
    /// `AGENT_TEMPDIRECTORY`: where a step of Azure DevOps' leaves files for its agent.
    pub agent_folder: Option<PathBuf>,
    /// `OTEL_…`: OpenTelemetry's own variables, by their names.
    pub otel: BTreeMap<String, String>,
    /// `BACKROAD_SETTINGS`: the settings file.
    pub settings: Option<PathBuf>,
    /// `BACKROAD_PARAM_NAME`: values of parameters, by the parameter's name.
    pub params: BTreeMap<String, String>,
}

#[expect(clippy::disallowed_methods, reason = "the environment is read here and nowhere else")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Reads the environment.
#[must_use]
pub fn environment() -> Environment {
    Environment {
        state_dir: variable("BACKROAD_STATE_DIR").map(PathBuf::from),
        no_color: variable("NO_COLOR").is_some(),
        dumb: variable("TERM").is_some_and(|term| term == "dumb"),
        log: variable("RUST_LOG"),
        user: variable("USERNAME").or_else(|| variable("USER")),
        host: variable("COMPUTERNAME").or_else(|| variable("HOSTNAME")),
        sudo_user: variable("SUDO_USER"),
        columns: variable("COLUMNS").and_then(|columns| columns.parse().ok()),
        ci: ci(variable),
        step_summary: variable("GITHUB_STEP_SUMMARY").map(PathBuf::from),
        agent_folder: variable("AGENT_TEMPDIRECTORY").map(PathBuf::from),
        otel: otel_in(std::env::vars_os()),
        settings: variable("BACKROAD_SETTINGS").map(PathBuf::from),
        params: params_in(std::env::vars_os()),
    }
}

/// Which CI system says that this is a step of it.
fn ci(variable: impl Fn(&str) -> Option<String>) -> Option<CiSystem> {
    let says = |name: &str| variable(name).is_some_and(|text| text.eq_ignore_ascii_case("true"));
    if says("GITHUB_ACTIONS") {
        return Some(CiSystem::GitHub);
    }
    says("TF_BUILD").then_some(CiSystem::AzureDevOps)
}

/// OpenTelemetry's variables among all.
fn otel_in(variables: impl Iterator<Item = (OsString, OsString)>) -> BTreeMap<String, String> {
    variables
        .filter_map(|(name, value)| {
            let name = name.into_string().ok().filter(|name| name.starts_with("OTEL_"))?;
            Some((name, value.into_string().ok()?))
        })
        .collect()
}

/// What the variable of a parameter begins with; its name follows in upper case.
pub const PARAM_VARIABLE: &str = "BACKROAD_PARAM_";

/// The values of parameters among variables; what is empty or no text gives nothing.
fn params_in(variables: impl Iterator<Item = (OsString, OsString)>) -> BTreeMap<String, String> {
    variables
        .filter_map(|(name, value)| {
            let name = name.to_str()?.strip_prefix(PARAM_VARIABLE)?.to_ascii_lowercase();
            let value = value.into_string().ok()?;
            (!name.is_empty() && !value.is_empty()).then_some((name, value))
        })
        .collect()
}

/// The value of the environment variable that a secret parameter names.
///
/// # Errors
/// It has none that is text: the words after its name.
#[expect(clippy::disallowed_methods, reason = "the environment is read here and nowhere else")]
pub fn secret_variable(name: &str) -> Result<String, &'static str> {
    match std::env::var(name) {
        Ok(value) => Ok(value),
        Err(std::env::VarError::NotPresent) => Err("it is not set"),
        Err(std::env::VarError::NotUnicode(_)) => Err("it is not UTF-8 text"),
    }
}

/// What programs of this host are found by and given: `PATH`, and the variables that a runbook names.
#[must_use]
pub fn host(names: &[&str]) -> Host {
    let own = |name: &&str| Some(((*name).to_owned(), variable(name)?));
    let path = variable("PATH").unwrap_or_default();
    Host {
        folders: std::env::split_paths(&path).collect(),
        path,
        variables: names.iter().filter_map(own).collect(),
    }
}

/// Who we are to Azure, in the variables that its own tools read.
#[must_use]
pub fn identity() -> Identity {
    identity_in(variable)
}

fn identity_in(variable: impl Fn(&str) -> Option<String>) -> Identity {
    Identity {
        tenant: variable("AZURE_TENANT_ID"),
        client: variable("AZURE_CLIENT_ID"),
        secret: variable("AZURE_CLIENT_SECRET").map(Secret::new),
        certificate: variable("AZURE_CLIENT_CERTIFICATE_PATH"),
        with_chain: variable("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN")
            .is_some_and(|text| text == "1" || text.eq_ignore_ascii_case("true")),
        federated_token: variable("AZURE_FEDERATED_TOKEN_FILE"),
        authority: variable("AZURE_AUTHORITY_HOST"),
        credentials: variable("AZURE_TOKEN_CREDENTIALS"),
    }
}

/// `BACKROAD_CLOUD`. Not `AZURE_CLOUD`: Azure's tools do not agree on what is written there, and a
/// failover in the wrong cloud is worse than one that asks.
#[must_use]
pub fn cloud() -> Option<String> {
    variable("BACKROAD_CLOUD")
}

/// `BACKROAD_STORE`: the store that several hosts share.
#[must_use]
pub fn store() -> Option<String> {
    variable("BACKROAD_STORE")
}

/// `AWS_…`: who we are to a bucket of Amazon's, by the variables that its own tools read.
#[must_use]
pub fn amazon() -> Vec<(String, Secret)> {
    let text = |(name, value): (OsString, OsString)| {
        let name = name.into_string().ok().filter(|name| name.starts_with("AWS_"))?;
        Some((name, Secret::new(value.into_string().ok().filter(|value| !value.is_empty())?)))
    };
    std::env::vars_os().filter_map(text).collect()
}

/// `BACKROAD_HOST`: what this host is called in what other hosts read.
#[must_use]
pub fn host_name() -> Option<String> {
    variable("BACKROAD_HOST")
}

/// `BACKROAD_STORE_ENDPOINT`: where the blobs of the shared store are, if not where Azure has them.
#[must_use]
pub fn store_endpoint() -> Option<String> {
    variable("BACKROAD_STORE_ENDPOINT")
}

/// `AZURE_STORAGE_KEY`: the key of the shared store's account, as Azure's own tools name it.
#[must_use]
pub fn store_key() -> Option<Secret> {
    variable("AZURE_STORAGE_KEY").map(Secret::new)
}

/// This host's zone, which `TZ` names, or the system.
#[must_use]
pub fn local_zone() -> Zone {
    static ZONE: OnceLock<TimeZone> = OnceLock::new();
    Zone::Local(ZONE.get_or_init(TimeZone::system))
}

/// What was typed.
#[must_use]
pub fn arguments() -> Vec<OsString> {
    std::env::args_os().collect()
}

/// This program's file.
///
/// # Errors
/// The system does not say where it is.
pub fn program() -> std::io::Result<PathBuf> {
    std::env::current_exe()
}

/// Where state is kept, as somebody who sits in another folder names it; none where it is kept as ever.
#[must_use]
pub fn named_state_dir(flag: Option<&Path>, environment: &Environment) -> Option<PathBuf> {
    let place = flag.or(environment.state_dir.as_deref())?;
    let named = std::path::absolute(place).ok()?;
    let usual = state_dir(None, &Environment { state_dir: None, ..environment.clone() }).ok();
    (usual.as_ref() != Some(&named)).then_some(named)
}

/// The settings file, and whether somebody named it: else it is where the platform keeps such files, if it is there.
#[must_use]
pub fn file(environment: &Environment) -> Option<(PathBuf, bool)> {
    if let Some(path) = &environment.settings {
        return Some((path.clone(), true));
    }
    let strategy = etcetera::choose_app_strategy(strategy_args()).ok()?;
    Some((strategy.config_dir().join("settings.yaml"), false))
}

fn strategy_args() -> AppStrategyArgs {
    AppStrategyArgs {
        top_level_domain: String::new(),
        author: String::new(),
        app_name: "backroad".to_owned(),
    }
}

/// Where state is kept: the flag, else the environment, else the platform's state directory.
///
/// # Errors
/// Neither is given, and the platform has no home directory for this user.
pub fn state_dir(flag: Option<&Path>, environment: &Environment) -> Result<PathBuf, CliError> {
    if let Some(path) = flag {
        return Ok(path.to_owned());
    }
    if let Some(path) = &environment.state_dir {
        return Ok(path.clone());
    }
    let strategy = etcetera::choose_app_strategy(strategy_args());
    match strategy {
        Ok(strategy) => Ok(strategy.state_dir().unwrap_or_else(|| strategy.data_dir())),
        Err(error) => Err(CliError::usage("There is no place to keep state.")
            .because(&error)
            .hint("Name one with `--state-dir` or `BACKROAD_STATE_DIR`.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flag_goes_before_the_environment() {
        let environment = Environment {
            state_dir: Some(PathBuf::from("/from/environment")),
            ..Environment::default()
        };
        let flag = PathBuf::from("/from/flag");
        assert_eq!(state_dir(Some(&flag), &environment).unwrap(), flag);
        assert_eq!(state_dir(None, &environment).unwrap(), PathBuf::from("/from/environment"));
    }

    #[test]
    fn each_variable_of_azures_tools_goes_to_its_place() {
        // A secret is known to the whole process, so that its value must be no word of another test.
        let value = |name: &str| match name {
            "AZURE_CLIENT_SECRET" => "x9Kq-27Lp-vW41".to_owned(),
            other => other.to_owned(),
        };
        let identity = identity_in(|name| Some(value(name)));
        let secret = identity.secret.map(|secret| secret.expose().to_owned());
        for (found, name) in [
            (identity.tenant, "AZURE_TENANT_ID"),
            (identity.client, "AZURE_CLIENT_ID"),
            (secret, "AZURE_CLIENT_SECRET"),
            (identity.certificate, "AZURE_CLIENT_CERTIFICATE_PATH"),
            (identity.federated_token, "AZURE_FEDERATED_TOKEN_FILE"),
            (identity.authority, "AZURE_AUTHORITY_HOST"),
            (identity.credentials, "AZURE_TOKEN_CREDENTIALS"),
        ] {
            assert_eq!(found, Some(value(name)));
        }
    }
}
