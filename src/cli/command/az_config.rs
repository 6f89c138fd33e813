//! How does `az` know a served world? A folder of its configuration: a cloud, a login and the certificate.
//!
//! The login is a service principal whose secret is worth nothing: the simulator takes any.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use crate::cli::error::CliError;
use crate::cli::files;
use crate::render::json as out;

/// What `az` calls the cloud.
pub(super) const CLOUD: &str = "Simulated";

/// The client that is logged in.
pub(super) const CLIENT: &str = "00000000-0000-0000-0000-00000000c11e";

/// Its secret, which opens nothing.
pub(super) const SECRET: &str = "simulated-secret-worth-nothing";

/// The file that `sim env` reads.
pub(super) const SERVED: &str = "served.json";

/// The certificate, beside the configuration.
pub(super) const CERTIFICATE: &str = "certificate.pem";

/// A world that is served.
pub(super) struct ServedWorld<'a> {
    pub(super) port: u16,
    /// Id, tenant and name of each subscription.
    pub(super) accounts: &'a [(String, String, String)],
    pub(super) certificate: &'a str,
}

impl ServedWorld<'_> {
    /// By its name: some clients take a certificate for no address.
    fn endpoint(&self) -> String {
        format!("https://localhost:{}", self.port)
    }
}

/// Writes the folder; what was in these files is replaced.
pub(super) fn write(folder: &Path, served: &ServedWorld<'_>) -> Result<(), CliError> {
    files::make_folder(folder)?;
    let whole = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let write = |name: &str, text: &str| files::write_over(&folder.join(name), text.as_bytes());
    write(CERTIFICATE, served.certificate)?;
    write("config", &config())?;
    write("clouds.config", &clouds(&served.endpoint()))?;
    write("azureProfile.json", &out::object(&profile(served)))?;
    write("service_principal_entries.json", &out::object(&principals(served)))?;
    let first = served.accounts.first();
    let told = json!({
        "endpoint": served.endpoint(), "folder": whole.display().to_string(),
        "certificate": whole.join(CERTIFICATE).display().to_string(),
        "tenant": first.map(|(_, tenant, _)| tenant), "subscription": first.map(|(id, _, _)| id),
    });
    write(SERVED, &out::object(&told))
}

fn config() -> String {
    format!(
        "[core]\ncollect_telemetry = no\ninstance_discovery = false\nencrypt_token_cache = false\n\
         survey_message = no\nlogin_experience_v2 = off\n\n[cloud]\nname = {CLOUD}\n\n\
         [auto-upgrade]\nenable = no\n"
    )
}

fn clouds(endpoint: &str) -> String {
    let mut text = format!("[{CLOUD}]\nprofile = latest\n");
    for name in [
        "resource_manager",
        "active_directory",
        "active_directory_resource_id",
        "active_directory_graph_resource_id",
        "microsoft_graph_resource_id",
        "management",
        "portal",
        "gallery",
    ] {
        let _ = writeln!(text, "endpoint_{name} = {endpoint}");
    }
    let host = endpoint.trim_start_matches("https://");
    for (name, part) in [("storage_endpoint", "storage"), ("keyvault_dns", ".vault")] {
        let _ = writeln!(text, "suffix_{name} = {part}.{host}");
    }
    text
}

fn profile(served: &ServedWorld<'_>) -> Value {
    let one = |(place, (id, tenant, name)): (usize, &(String, String, String))| {
        json!({
            "id": id, "name": name, "state": "Enabled", "tenantId": tenant, "homeTenantId": tenant,
            "environmentName": CLOUD, "isDefault": place == 0, "managedByTenants": [],
            "user": { "name": CLIENT, "type": "servicePrincipal" },
        })
    };
    let all: Vec<Value> = served.accounts.iter().enumerate().map(one).collect();
    json!({ "installationId": CLIENT, "subscriptions": all })
}

fn principals(served: &ServedWorld<'_>) -> Value {
    let mut tenants: Vec<&String> = served.accounts.iter().map(|(_, tenant, _)| tenant).collect();
    tenants.sort();
    tenants.dedup();
    let one = |tenant| json!({ "client_id": CLIENT, "tenant": tenant, "client_secret": SECRET });
    tenants.into_iter().map(one).collect()
}
