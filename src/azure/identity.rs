//! Who may we be to Azure? The kinds of credentials, what the environment says of them, and what to do
//! where one fails. Pure; the credentials themselves are in `token`.

use super::cloud::Cloud;
use super::error::scrubbed;
use crate::outward::Secret;

/// Characters of a credential's own words that are repeated: enough for the sentence that names the
/// fault.
const WORDS_MAX: usize = 400;

/// Which credential to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialKind {
    /// A service principal from `AZURE_TENANT_ID` and `AZURE_CLIENT_ID`, with `AZURE_CLIENT_SECRET` or the
    /// certificate of `AZURE_CLIENT_CERTIFICATE_PATH`.
    Environment,
    /// A Kubernetes workload identity.
    WorkloadIdentity,
    /// The managed identity of the machine; the one of `AZURE_CLIENT_ID` if that is set.
    ManagedIdentity,
    /// The login of `az`.
    AzureCli,
    /// The login of `azd`.
    AzureDeveloperCli,
}

impl CredentialKind {
    /// The order in which Azure's own tools try them.
    pub const ORDER: [Self; 5] = [
        Self::Environment,
        Self::WorkloadIdentity,
        Self::ManagedIdentity,
        Self::AzureCli,
        Self::AzureDeveloperCli,
    ];

    /// Its name, for `--credential` and messages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Environment => "environment",
            Self::WorkloadIdentity => "workload-identity",
            Self::ManagedIdentity => "managed-identity",
            Self::AzureCli => "az",
            Self::AzureDeveloperCli => "azd",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ORDER.into_iter().find(|kind| kind.as_str() == text)
    }

    /// What Azure's own tools call it in `AZURE_TOKEN_CREDENTIALS`.
    fn azure_name(self) -> &'static str {
        match self {
            Self::Environment => "EnvironmentCredential",
            Self::WorkloadIdentity => "WorkloadIdentityCredential",
            Self::ManagedIdentity => "ManagedIdentityCredential",
            Self::AzureCli => "AzureCliCredential",
            Self::AzureDeveloperCli => "AzureDeveloperCliCredential",
        }
    }

    /// What is tried, in order: the one that was pinned, else what `AZURE_TOKEN_CREDENTIALS` says, else
    /// all. `prod` are the credentials of hosts, `dev` the logins of people.
    ///
    /// # Errors
    /// The variable names a credential that we do not have. To try others instead would be to act as
    /// somebody who was not meant.
    pub fn chain(pinned: Option<Self>, named: Option<&str>) -> Result<Vec<Self>, ChainError> {
        let Some(text) = named.map(str::trim).filter(|_| pinned.is_none()) else {
            return Ok(pinned.map_or_else(|| Self::ORDER.to_vec(), |kind| vec![kind]));
        };
        let (hosts, people) = Self::ORDER.split_at(3);
        if text.eq_ignore_ascii_case("prod") {
            return Ok(hosts.to_vec());
        }
        if text.eq_ignore_ascii_case("dev") {
            return Ok(people.to_vec());
        }
        let kind =
            Self::ORDER.into_iter().find(|kind| kind.azure_name().eq_ignore_ascii_case(text));
        kind.map(|kind| vec![kind]).ok_or_else(|| ChainError(text.chars().take(64).collect()))
    }
}

/// `AZURE_TOKEN_CREDENTIALS` names a credential that we do not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "AZURE_TOKEN_CREDENTIALS is `{0}`, which is not known here; set it to dev, prod or one of {known}, \
     or name the credential with `--credential`",
    known = CredentialKind::ORDER.map(CredentialKind::azure_name).join(", ")
)]
pub struct ChainError(String);

/// Who we are, as the environment names it. Read by the command line.
#[derive(Debug, Clone, Default)]
pub struct Identity {
    /// `AZURE_TENANT_ID`.
    pub tenant: Option<String>,
    /// `AZURE_CLIENT_ID`.
    pub client: Option<String>,
    /// `AZURE_CLIENT_SECRET`.
    pub secret: Option<Secret>,
    /// `AZURE_CLIENT_CERTIFICATE_PATH`.
    pub certificate: Option<String>,
    /// Whether `AZURE_CLIENT_SEND_CERTIFICATE_CHAIN` says so.
    pub with_chain: bool,
    /// `AZURE_FEDERATED_TOKEN_FILE`.
    pub federated_token: Option<String>,
    /// `AZURE_AUTHORITY_HOST`.
    pub authority: Option<String>,
    /// `AZURE_TOKEN_CREDENTIALS`.
    pub credentials: Option<String>,
}

/// Of what a credential needs, what is not set; none if nothing is missing.
pub(super) fn missing(needs: &[(&str, bool)]) -> Option<String> {
    let names: Vec<&str> =
        needs.iter().filter(|(_, is_set)| !is_set).map(|(name, _)| *name).collect();
    match names.as_slice() {
        [] => None,
        [one] => Some(format!("{one} is not set.")),
        [most @ .., last] => Some(format!("{} and {last} are not set.", most.join(", "))),
    }
}

/// A credential's own words as one line: without its type's name, the link to a web page, and the
/// numbers that follow what Entra says.
pub(super) fn said(text: &str) -> String {
    // Where Entra's words hold an escape, `azure_identity` 1.0 cannot read them, and quotes them instead.
    let quoted = text.replace("\\r", " ").replace("\\n", " ").replace("\\\"", "\"");
    let text = match quoted.split_once("invalid type: string \"") {
        Some((_, rest)) => rest.split("\", expected").next().unwrap_or_default(),
        None => text,
    };
    let ends = ["To troubleshoot, visit", "Trace ID:"];
    let end = ends.iter().filter_map(|mark| text.find(mark)).min().unwrap_or(text.len());
    let text = &text[..end];
    let text = text.split_once(" authentication failed.").map_or(text, |(_, rest)| rest);
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = scrubbed(words.join(" ").trim_start_matches("ERROR: "));
    let mut line: String = line.chars().take(WORDS_MAX).collect();
    if line.is_empty() {
        line.push_str("It gave no reason");
    }
    if !line.ends_with(['.', '!', '?']) {
        line.push('.');
    }
    line
}

/// What to do: by Entra's number where there is one, else by the credential.
pub(super) fn advice(kind: CredentialKind, cloud: Cloud, words: &str) -> String {
    let number: String = words
        .split_once("AADSTS")
        .map(|(_, rest)| rest.chars().take_while(char::is_ascii_digit).collect())
        .unwrap_or_default();
    let by_number = match number.as_str() {
        "7000215" => "AZURE_CLIENT_SECRET takes the secret's value, not its id.",
        "700027" => "Entra does not know this certificate: add it to the app's certificates.",
        "7000222" => "The secret has expired: make a new one for the service principal.",
        "700016" => {
            "The tenant does not know this client: check AZURE_CLIENT_ID, AZURE_TENANT_ID and `--cloud`."
        }
        "90002" | "900023" | "500011" => {
            "Check AZURE_TENANT_ID, and whether the tenant is of this `--cloud`."
        }
        "70021" | "700211" | "700212" | "700213" => {
            "The identity's federated credential must name this issuer, subject and audience."
        }
        "53003" => "A conditional access policy forbids it from here; ask who keeps the policies.",
        _ => "",
    };
    if !by_number.is_empty() {
        return by_number.to_owned();
    }
    if words.starts_with(super::certificate::FAULT) {
        return "AZURE_CLIENT_CERTIFICATE_PATH names it.".to_owned();
    }
    if words.contains("not found on PATH") {
        return "Install it where this runs, or use another credential.".to_owned();
    }
    match kind {
        CredentialKind::Environment | CredentialKind::WorkloadIdentity => {
            "Check the tenant, the client and `--cloud`, and that this host reaches the authority.".to_owned()
        }
        CredentialKind::ManagedIdentity => {
            "The host must be an Azure machine with an identity; a user-assigned one is named by its \
             AZURE_CLIENT_ID, and its address 169.254.169.254 belongs into NO_PROXY."
                .to_owned()
        }
        CredentialKind::AzureCli if cloud == Cloud::Public => "Run `az login`.".to_owned(),
        CredentialKind::AzureCli => {
            format!("Run `az cloud set --name {}`, then `az login`.", cloud.az_name())
        }
        CredentialKind::AzureDeveloperCli if cloud == Cloud::Public => {
            "Run `azd auth login`.".to_owned()
        }
        CredentialKind::AzureDeveloperCli => format!(
            "Run `azd config set cloud.name {}`, then `azd auth login`.",
            cloud.az_name()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_tried_is_pinned_or_named_or_everything() {
        use CredentialKind as K;
        type Row = (Option<K>, Option<&'static str>, Option<Vec<K>>);
        let table: [Row; 12] = [
            (None, None, Some(K::ORDER.to_vec())),
            (
                None,
                Some("prod"),
                Some(vec![K::Environment, K::WorkloadIdentity, K::ManagedIdentity]),
            ),
            (None, Some("DEV"), Some(vec![K::AzureCli, K::AzureDeveloperCli])),
            (None, Some("EnvironmentCredential"), Some(vec![K::Environment])),
            (None, Some("workloadidentitycredential"), Some(vec![K::WorkloadIdentity])),
            (None, Some("ManagedIdentityCredential"), Some(vec![K::ManagedIdentity])),
            (None, Some("AzureCliCredential"), Some(vec![K::AzureCli])),
            (None, Some(" AzureDeveloperCliCredential "), Some(vec![K::AzureDeveloperCli])),
            (None, Some("VisualStudioCredential"), None),
            (None, Some("az"), None),
            (Some(K::AzureCli), Some("prod"), Some(vec![K::AzureCli])),
            (Some(K::AzureCli), Some("VisualStudioCredential"), Some(vec![K::AzureCli])),
        ];
        for (pinned, named, expected) in table {
            let found = K::chain(pinned, named);
            if let Err(error) = &found {
                let error = error.to_string();
                assert!(error.contains("ManagedIdentityCredential"), "{error}");
                assert!(error.contains("`--credential`"), "{error}");
            }
            assert_eq!(found.ok(), expected, "{pinned:?} {named:?}");
        }
    }

    #[test]
    fn a_login_is_mended_in_its_own_cloud() {
        let said = said(
            "AzureCliCredential authentication failed. \nERROR: Please run 'az login' to setup account.\n\
             \nTo troubleshoot, visit https://aka.ms/x",
        );
        assert_eq!(said, "Please run 'az login' to setup account.");
        for (kind, cloud, part) in [
            (CredentialKind::AzureCli, Cloud::Public, "`az login`"),
            (CredentialKind::AzureCli, Cloud::China, "`az cloud set --name AzureChinaCloud`"),
            (CredentialKind::AzureDeveloperCli, Cloud::Public, "`azd auth login`"),
            (CredentialKind::AzureDeveloperCli, Cloud::UsGovernment, "AzureUSGovernment"),
            (CredentialKind::ManagedIdentity, Cloud::Public, "NO_PROXY"),
        ] {
            let advice = advice(kind, cloud, &said);
            assert!(advice.contains(part), "{advice}");
        }
    }
}
