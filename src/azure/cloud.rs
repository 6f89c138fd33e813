//! Which Azure? Endpoint and token audience of each cloud.

use url::Url;

/// An Azure cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cloud {
    /// Azure.
    Public,
    /// Azure operated by 21Vianet in China.
    China,
    /// Azure for the government of the United States.
    UsGovernment,
}

impl Cloud {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Public, Self::China, Self::UsGovernment];

    /// Where its Resource Manager answers.
    #[must_use]
    pub fn endpoint(self) -> &'static str {
        match self {
            Self::Public => "https://management.azure.com",
            Self::China => "https://management.chinacloudapi.cn",
            Self::UsGovernment => "https://management.usgovcloudapi.net",
        }
    }

    /// What tokens for it are asked for.
    #[must_use]
    pub fn audience(self) -> &'static str {
        self.endpoint()
    }

    /// The cloud of an endpoint, if it is one's.
    #[must_use]
    pub fn of(endpoint: &Url) -> Option<Self> {
        Self::ALL.into_iter().find(|cloud| {
            Url::parse(cloud.endpoint()).is_ok_and(|known| {
                known.host_str() == endpoint.host_str() && endpoint.scheme() == "https"
            })
        })
    }
}

/// Whether an endpoint is on this machine: given the literal token `simulated`, and http is allowed.
#[must_use]
pub fn is_loopback(endpoint: &Url) -> bool {
    match endpoint.host() {
        Some(url::Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stranger_is_neither_loopback_nor_a_cloud() {
        for (text, loopback, cloud) in [
            ("http://127.0.0.1:8080", true, None),
            ("http://localhost:1", true, None),
            ("http://[::1]:1", true, None),
            ("https://management.azure.com", false, Some(Cloud::Public)),
            ("http://management.azure.com", false, None),
            ("https://localhost.evil.example", false, None),
            ("https://127.0.0.1.evil.example", false, None),
        ] {
            let url = Url::parse(text).unwrap();
            assert_eq!((is_loopback(&url), Cloud::of(&url)), (loopback, cloud), "{text}");
        }
    }
}
