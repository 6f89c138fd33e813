//! What was meant? The only file that reads the environment; flag before environment before default.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use etcetera::{AppStrategy, AppStrategyArgs};

use super::error::CliError;
use crate::azure::{Secret, ServicePrincipal};

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
    /// `USER`, or `USERNAME` where that is the custom.
    pub user: Option<String>,
    /// `COLUMNS`.
    pub columns: Option<usize>,
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
        user: variable("USER").or_else(|| variable("USERNAME")),
        columns: variable("COLUMNS").and_then(|columns| columns.parse().ok()),
    }
}

/// The value of the environment variable that a secret parameter names.
#[must_use]
pub fn secret_variable(name: &str) -> Option<String> {
    variable(name)
}

/// The service principal that the environment names.
#[must_use]
pub fn service_principal() -> ServicePrincipal {
    ServicePrincipal {
        tenant: variable("AZURE_TENANT_ID"),
        client: variable("AZURE_CLIENT_ID"),
        secret: variable("AZURE_CLIENT_SECRET").map(Secret::new),
    }
}

/// What was typed.
#[must_use]
pub fn arguments() -> Vec<OsString> {
    std::env::args_os().collect()
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
    let strategy = etcetera::choose_app_strategy(AppStrategyArgs {
        top_level_domain: String::new(),
        author: String::new(),
        app_name: "backroad".to_owned(),
    });
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
}
