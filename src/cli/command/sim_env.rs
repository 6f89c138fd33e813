//! What must a tool be told so that it speaks to a served world? Lines to export, and what the environment cannot say.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::Value;

use super::az_config::{CLIENT, CLOUD, SECRET, SERVED};
use crate::cli::args::Output;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Status};
use crate::cli::files;
use crate::render::json as out;

/// What `sim env` takes.
#[derive(Debug, Clone, Args)]
pub struct EnvArgs {
    /// The tools; all of them where none is named.
    #[arg(value_enum, value_name = "TOOL")]
    pub tools: Vec<Tool>,
    /// The folder that `sim serve --az-config` wrote.
    #[arg(long, value_name = "DIR")]
    pub az_config: PathBuf,
}

/// A tool that speaks to Azure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Tool {
    /// Azure's command line.
    Az,
    /// Azure PowerShell.
    Powershell,
    /// The SDK for Python.
    Python,
    /// The SDK for Go.
    Go,
    /// The SDK for Java.
    Java,
    /// The SDK for .NET.
    Dotnet,
    /// The SDK for JavaScript.
    Javascript,
    /// Terraform's azurerm.
    Terraform,
    /// Ansible's azure.azcollection.
    Ansible,
}

/// Bytes of the file that is read.
const BYTES_MAX: u64 = 64 << 10;

/// A served world, as a tool must know it.
struct WorldForTools {
    endpoint: String,
    folder: String,
    certificate: String,
    tenant: String,
    subscription: String,
}

/// What a tool is told: variables, and what no variable says.
struct ExportLine {
    variables: Vec<(&'static str, String)>,
    beside: String,
}

pub(super) fn env(context: &Context, args: &EnvArgs) -> Result<Status, CliError> {
    let path = args.az_config.join(SERVED);
    let bytes = files::read("file of `sim serve --az-config`", &path, BYTES_MAX)?;
    let served: Value = serde_json::from_slice(&bytes).map_err(|error| {
        CliError::usage(format!("{} is not what `sim serve --az-config` writes.", path.display()))
            .because(&error)
    })?;
    let text = |name: &str| served[name].as_str().unwrap_or_default().to_owned();
    let world = WorldForTools {
        endpoint: text("endpoint"),
        folder: text("folder"),
        certificate: text("certificate"),
        tenant: text("tenant"),
        subscription: text("subscription"),
    };
    let tools =
        if args.tools.is_empty() { Tool::value_variants().to_vec() } else { args.tools.clone() };
    match context.ui.output {
        Output::Text => {
            let parts: Vec<String> = tools.iter().map(|tool| written(*tool, &world)).collect();
            context.ui.data(&parts.join("\n"));
        }
        Output::Json | Output::Jsonl => {
            let mut all = serde_json::json!({ "schema": "backroad.sim-env/1" });
            for tool in tools {
                let told = told(tool, &world);
                let variables: serde_json::Map<String, Value> = told
                    .variables
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value.into()))
                    .collect();
                all[name(tool)] = serde_json::json!({ "export": variables, "beside": told.beside });
            }
            context.ui.data(&out::object(&all));
        }
    }
    Ok(Status::Done)
}

fn name(tool: Tool) -> String {
    tool.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

/// As a shell takes it: exports, and the rest as comments.
fn written(tool: Tool, world: &WorldForTools) -> String {
    let told = told(tool, world);
    let mut text = format!("# {}\n", name(tool));
    for (name, value) in &told.variables {
        let _ = writeln!(text, "export {name}='{}'", value.replace('\'', "'\\''"));
    }
    for line in told.beside.lines() {
        let _ = writeln!(text, "#   {line}");
    }
    text
}

fn told(tool: Tool, world: &WorldForTools) -> ExportLine {
    let WorldForTools { endpoint, folder, certificate, tenant, subscription } = world;
    let own = |value: &String| value.clone();
    let scope = format!("{endpoint}/.default");
    // What the identity libraries of Azure's SDKs read.
    let identity = || {
        vec![
            ("AZURE_AUTHORITY_HOST", own(endpoint)),
            ("AZURE_TENANT_ID", own(tenant)),
            ("AZURE_CLIENT_ID", CLIENT.to_owned()),
            ("AZURE_CLIENT_SECRET", SECRET.to_owned()),
            ("AZURE_SUBSCRIPTION_ID", own(subscription)),
        ]
    };
    let with = |more: &[(&'static str, String)]| {
        let mut all = identity();
        all.extend_from_slice(more);
        all
    };
    let (variables, beside) = match tool {
        Tool::Az => (
            vec![("AZURE_CONFIG_DIR", own(folder)), ("REQUESTS_CA_BUNDLE", own(certificate))],
            "az account list --output table".to_owned(),
        ),
        Tool::Powershell => (
            vec![("SSL_CERT_FILE", own(certificate))],
            format!(
                "Add-AzEnvironment -Name {CLOUD} -ARMEndpoint {endpoint}\n\
                 $secret = ConvertTo-SecureString '{SECRET}' -AsPlainText -Force\n\
                 $who = [pscredential]::new('{CLIENT}', $secret)\n\
                 Connect-AzAccount -Environment {CLOUD} -ServicePrincipal -Tenant {tenant} -Credential $who"
            ),
        ),
        Tool::Python => (
            with(&[("REQUESTS_CA_BUNDLE", own(certificate))]),
            format!(
                "credential = EnvironmentCredential(disable_instance_discovery=True)\n\
                 client = NetworkManagementClient(credential, \"{subscription}\", base_url=\"{endpoint}\", \
                 credential_scopes=[\"{scope}\"])"
            ),
        ),
        Tool::Go => (
            with(&[("SSL_CERT_FILE", own(certificate))]),
            format!(
                "own := cloud.Configuration{{ActiveDirectoryAuthorityHost: \"{endpoint}/\", Services: \
                 map[cloud.ServiceName]cloud.ServiceConfiguration{{cloud.ResourceManager: \
                 {{Endpoint: \"{endpoint}\", Audience: \"{endpoint}\"}}}}}}\n\
                 azidentity.EnvironmentCredentialOptions{{ClientOptions: azcore.ClientOptions{{Cloud: own}}, \
                 DisableInstanceDiscovery: true}}; arm.ClientOptions{{ClientOptions: azcore.ClientOptions{{Cloud: own}}}}"
            ),
        ),
        Tool::Java => (
            identity(),
            format!(
                "keytool -importcert -noprompt -alias simulated -file {certificate} -keystore simulated.p12 -storepass simulated\n\
                 export JAVA_TOOL_OPTIONS=\"-Djavax.net.ssl.trustStore=simulated.p12 -Djavax.net.ssl.trustStorePassword=simulated\"\n\
                 new AzureProfile(\"{tenant}\", \"{subscription}\", new AzureEnvironment(Map.of(\"resourceManagerEndpointUrl\", \
                 \"{endpoint}/\", \"activeDirectoryEndpointUrl\", \"{endpoint}/\", \"managementEndpointUrl\", \"{endpoint}/\")))\n\
                 new EnvironmentCredentialBuilder().authorityHost(\"{endpoint}\").disableInstanceDiscovery()"
            ),
        ),
        Tool::Dotnet => (
            with(&[("SSL_CERT_FILE", own(certificate))]),
            format!(
                "new EnvironmentCredential(new EnvironmentCredentialOptions {{ AuthorityHost = new Uri(\"{endpoint}\"), \
                 DisableInstanceDiscovery = true }})\n\
                 new ArmClientOptions {{ Environment = new ArmEnvironment(new Uri(\"{endpoint}\"), \"{endpoint}\") }}"
            ),
        ),
        Tool::Javascript => (
            with(&[("NODE_EXTRA_CA_CERTS", own(certificate))]),
            format!(
                "new EnvironmentCredential({{ disableInstanceDiscovery: true }})\n\
                 new NetworkManagementClient(credential, \"{subscription}\", {{ endpoint: \"{endpoint}\", \
                 credentialScopes: [\"{scope}\"] }})"
            ),
        ),
        Tool::Terraform => (
            vec![
                ("ARM_METADATA_HOSTNAME", endpoint.trim_start_matches("https://").to_owned()),
                ("ARM_TENANT_ID", own(tenant)),
                ("ARM_SUBSCRIPTION_ID", own(subscription)),
                ("ARM_CLIENT_ID", CLIENT.to_owned()),
                ("ARM_CLIENT_SECRET", SECRET.to_owned()),
                ("SSL_CERT_FILE", own(certificate)),
            ],
            "provider \"azurerm\" { features {} resource_provider_registrations = \"none\" }"
                .to_owned(),
        ),
        Tool::Ansible => (
            vec![
                ("AZURE_CLOUD_ENVIRONMENT", own(endpoint)),
                ("AZURE_TENANT", own(tenant)),
                ("AZURE_SUBSCRIPTION_ID", own(subscription)),
                ("AZURE_CLIENT_ID", CLIENT.to_owned()),
                ("AZURE_SECRET", SECRET.to_owned()),
                ("REQUESTS_CA_BUNDLE", own(certificate)),
            ],
            String::new(),
        ),
    };
    ExportLine { variables, beside }
}
