//! Which version of an interface do we speak? One for each provider, and the same one whoever writes the request:
//! this program, or a person who follows a document.

/// That of `Microsoft.Network`, of the generated client too.
pub const NETWORK: &str = "2024-03-01";

/// That of Site Recovery, of the published specification.
pub const RECOVERY: &str = "2023-08-01";

/// That of private DNS zones, which is their own.
pub const PRIVATE_DNS: &str = "2020-06-01";

/// That of traffic managers, which is their own.
pub const TRAFFIC_MANAGER: &str = "2022-04-01";

/// That in which a subscription itself is read.
pub const SUBSCRIPTIONS: &str = "2022-12-01";

/// That of resource groups, providers and lists of resources.
pub const RESOURCES: &str = "2021-04-01";

/// That of locks.
pub const LOCKS: &str = "2016-09-01";

/// That of what an identity may do.
pub const PERMISSIONS: &str = "2022-04-01";

/// That of what policies would refuse.
pub const RESTRICTIONS: &str = "2022-03-01";

/// That of policies and their assignments.
pub const POLICIES: &str = "2021-06-01";

/// The version that a path is asked in, by its provider.
#[must_use]
pub fn of(path: &str) -> &'static str {
    let path = path.to_ascii_lowercase();
    [
        ("/microsoft.recoveryservices/", RECOVERY),
        ("/microsoft.network/privatednszones/", PRIVATE_DNS),
        ("/microsoft.network/trafficmanagerprofiles/", TRAFFIC_MANAGER),
    ]
    .into_iter()
    .find(|(provider, _)| path.contains(provider))
    .map_or(NETWORK, |(_, version)| version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_provider_is_asked_in_a_version_of_its_own() {
        let at = |rest: &str| of(&format!("/subscriptions/s/resourceGroups/g/providers/{rest}"));
        assert_eq!(at("Microsoft.Network/privateDnsZones/z/A/n"), PRIVATE_DNS);
        assert_eq!(at("microsoft.network/trafficmanagerprofiles/t"), TRAFFIC_MANAGER);
        assert_eq!(at("Microsoft.RecoveryServices/vaults/v"), RECOVERY);
        assert_eq!(at("Microsoft.Network/connections/c"), NETWORK);
    }
}
