//! Which version of an interface do we speak? Each provider's own.

use crate::model::ResourceId;

/// The version of `Microsoft.Network` that we speak, that of the generated client.
pub(super) const API_VERSION: &str = "2024-03-01";

/// The version in which a subscription itself is read.
pub(super) const SUBSCRIPTIONS: &str = "2022-12-01";

/// The version of Site Recovery that we speak, that of the published specification.
const RECOVERY_VERSION: &str = "2023-08-01";

/// The versions of private DNS zones and of traffic managers that we speak, which are their own.
const PRIVATE_DNS_VERSION: &str = "2020-06-01";
const TRAFFIC_MANAGER_VERSION: &str = "2022-04-01";

/// The version that a path is asked in, by its provider.
pub(super) fn version_of(path: &str) -> &'static str {
    let path = path.to_ascii_lowercase();
    [
        ("/microsoft.recoveryservices/", RECOVERY_VERSION),
        ("/microsoft.network/privatednszones/", PRIVATE_DNS_VERSION),
        ("/microsoft.network/trafficmanagerprofiles/", TRAFFIC_MANAGER_VERSION),
    ]
    .into_iter()
    .find(|(provider, _)| path.contains(provider))
    .map_or(API_VERSION, |(_, version)| version)
}

/// Whether a resource is of a provider of its own, which the generated client does not cover.
pub(super) fn is_plain(resource: &ResourceId) -> bool {
    version_of(resource.as_str()) != API_VERSION
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_provider_is_asked_in_a_version_of_its_own() {
        let at =
            |rest: &str| version_of(&format!("/subscriptions/s/resourceGroups/g/providers/{rest}"));
        assert_eq!(at("Microsoft.Network/privateDnsZones/z/A/n"), PRIVATE_DNS_VERSION);
        assert_eq!(at("microsoft.network/trafficmanagerprofiles/t"), TRAFFIC_MANAGER_VERSION);
        assert_eq!(at("Microsoft.RecoveryServices/vaults/v"), RECOVERY_VERSION);
        assert_eq!(at("Microsoft.Network/connections/c"), API_VERSION);
    }
}
