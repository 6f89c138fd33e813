//! Where does a route lead to? An address prefix, or a service tag that Azure keeps the prefixes of.

use std::fmt;
use std::str::FromStr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// The destination of a user-defined route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Destination {
    /// An address prefix.
    Prefix(IpNet),
    /// A service tag: `AzureMonitor`, `Storage.SoutheastAsia`.
    Tag(String),
}

impl Destination {
    /// Reads either; none when it is neither.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(prefix) = text.parse() {
            return Some(Self::Prefix(prefix));
        }
        let mut parts = text.split('.');
        let word = |part: &str| {
            part.starts_with(|c: char| c.is_ascii_alphabetic())
                && part.chars().all(|c| c.is_ascii_alphanumeric())
        };
        let good = parts.next().is_some_and(word) && parts.next().is_none_or(word);
        (good && parts.next().is_none()).then(|| Self::Tag(text.to_owned()))
    }

    /// The prefix; none for a service tag, whose prefixes are Azure's to say.
    #[must_use]
    pub fn prefix(&self) -> Option<IpNet> {
        match self {
            Self::Prefix(prefix) => Some(*prefix),
            Self::Tag(_) => None,
        }
    }

    /// Whether both are one destination: the same network, however it is spelled, or the same tag in any case.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Prefix(own), Self::Prefix(other)) => own.trunc() == other.trunc(),
            (Self::Tag(own), Self::Tag(other)) => own.eq_ignore_ascii_case(other),
            (Self::Prefix(_), Self::Tag(_)) | (Self::Tag(_), Self::Prefix(_)) => false,
        }
    }

    /// Whether it is a service tag that Azure has published; a prefix is none.
    #[must_use]
    pub fn is_known(&self) -> bool {
        let Self::Tag(tag) = self else { return true };
        let service = tag.split('.').next().unwrap_or_default();
        SERVICE_TAGS.iter().any(|known| known.eq_ignore_ascii_case(service))
    }
}

/// A text is neither an address prefix nor a service tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is neither an address prefix nor a service tag")]
pub struct NoDestination;

impl FromStr for Destination {
    type Err = NoDestination;

    fn from_str(text: &str) -> Result<Self, NoDestination> {
        Self::parse(text).ok_or(NoDestination)
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prefix(prefix) => prefix.fmt(f),
            Self::Tag(tag) => f.write_str(tag),
        }
    }
}

/// Most routes of one table that name a service tag.
pub const SERVICE_TAG_ROUTES_MAX: usize = 25;

/// Service tags that a route may name, without their regions (azure-docs service-tags-overview.md). A new one
/// is a doubt, not an error.
pub const SERVICE_TAGS: &[&str] = &[
    "ActionGroup",
    "ApiManagement",
    "ApplicationInsightsAvailability",
    "AppConfiguration",
    "AppService",
    "AppServiceManagement",
    "AzureActiveDirectory",
    "AzureActiveDirectoryDomainServices",
    "AzureAdvancedThreatProtection",
    "AzureArcInfrastructure",
    "AzureAttestation",
    "AzureBackup",
    "AzureBotService",
    "AzureCloud",
    "AzureCognitiveSearch",
    "AzureConnectors",
    "AzureContainerRegistry",
    "AzureCosmosDB",
    "AzureDatabricks",
    "AzureDataExplorerManagement",
    "AzureDeviceUpdate",
    "AzureDevOps",
    "AzureDigitalTwins",
    "AzureEventGrid",
    "AzureFrontDoor",
    "AzureHealthcareAPIs",
    "AzureInformationProtection",
    "AzureIoTHub",
    "AzureKeyVault",
    "AzureMachineLearning",
    "AzureManagedGrafana",
    "AzureMonitor",
    "AzureOpenDatasets",
    "AzurePortal",
    "AzureResourceManager",
    "AzureSecurityCenter",
    "AzureSentinel",
    "AzureSignalR",
    "AzureSiteRecovery",
    "AzureSphere",
    "AzureSpringCloud",
    "AzureStack",
    "AzureTrafficManager",
    "AzureUpdateDelivery",
    "AzureVirtualDesktop",
    "AzureWebPubSub",
    "BatchNodeManagement",
    "ChaosStudio",
    "CognitiveServicesFrontend",
    "CognitiveServicesManagement",
    "DataFactory",
    "DataFactoryManagement",
    "Dynamics365ForMarketingEmail",
    "EOPExternalPublishedIPs",
    "EventHub",
    "GatewayManager",
    "Grafana",
    "GuestAndHybridManagement",
    "HDInsight",
    "KustoAnalytics",
    "LogicApps",
    "LogicAppsManagement",
    "M365ManagementActivityApi",
    "MicrosoftAzureFluidRelay",
    "MicrosoftCloudAppSecurity",
    "MicrosoftContainerRegistry",
    "MicrosoftDefenderForEndpoint",
    "OneDsCollector",
    "PowerBI",
    "PowerPlatformInfra",
    "PowerPlatformPlex",
    "PowerQueryOnline",
    "SCCservice",
    "ServiceBus",
    "ServiceFabric",
    "Sql",
    "SqlManagement",
    "Storage",
    "StorageMover",
    "StorageSyncService",
    "VideoIndexer",
    "WindowsAdminCenter",
    "WindowsVirtualDesktop",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_destination_is_a_prefix_or_a_tag_and_nothing_else() {
        for good in ["10.0.0.0/8", "fd00:db8::/32", "AzureMonitor", "Storage.SoutheastAsia"] {
            let parsed = Destination::parse(good).unwrap();
            assert_eq!(parsed.to_string(), good);
            let text = serde_json::to_string(&parsed).unwrap();
            assert_eq!(text, format!("\"{good}\""));
            assert_eq!(serde_json::from_str::<Destination>(&text).unwrap(), parsed);
        }
        for bad in ["", "10.0.0.0.0/8", "a b", "Storage.", "A.B.C", "10.0.0.0/33", "Storage/8"] {
            assert_eq!(Destination::parse(bad), None, "{bad}");
        }
        assert!(!Destination::Tag("AzureMonitr".to_owned()).is_known());
    }
}
