//! Which Azure? Endpoint, token audience and token authority of each cloud.

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

    /// Its name, for `--cloud` and messages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::China => "china",
            Self::UsGovernment => "us-government",
        }
    }

    /// The cloud of that name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cloud| cloud.as_str() == text)
    }

    /// What `az cloud set` and `azd config set cloud.name` call it.
    #[must_use]
    pub fn az_name(self) -> &'static str {
        match self {
            Self::Public => "AzureCloud",
            Self::China => "AzureChinaCloud",
            Self::UsGovernment => "AzureUSGovernment",
        }
    }

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

    /// The hosts that give tokens for it; the first is asked, the others are older or wider names.
    fn authorities(self) -> &'static [&'static str] {
        match self {
            Self::Public => &[
                "login.microsoftonline.com",
                "login.microsoft.com",
                "login.windows.net",
                "sts.windows.net",
            ],
            Self::China => &["login.chinacloudapi.cn", "login.partner.microsoftonline.cn"],
            Self::UsGovernment => &["login.microsoftonline.us", "login.usgovcloudapi.net"],
        }
    }

    /// Where tokens for it are asked for: where `AZURE_AUTHORITY_HOST` says, else its own authority.
    ///
    /// A host that nobody knows is taken at the operator's word, as Azure's own tools do. One of another
    /// cloud is a mistake, and a client's secret would go to the wrong country.
    ///
    /// # Errors
    /// What is named is no https origin, or gives tokens for another cloud.
    pub fn authority(self, named: Option<&str>) -> Result<String, AuthorityError> {
        let Some(text) = named else {
            return Ok(format!("https://{}", self.authorities()[0]));
        };
        let origin = Url::parse(text).ok().filter(|url| {
            url.scheme() == "https"
                && url.path() == "/"
                && url.query().is_none()
                && url.fragment().is_none()
                && url.username().is_empty()
                && url.password().is_none()
        });
        let Some(url) = origin else {
            return Err(AuthorityError::NotAnOrigin { example: self.authorities()[0] });
        };
        let host = url.host_str().unwrap_or_default();
        match Self::ALL.into_iter().find(|cloud| cloud.authorities().contains(&host)) {
            Some(other) if other != self => Err(AuthorityError::OtherCloud {
                host: host.to_owned(),
                theirs: other.as_str(),
                ours: self.as_str(),
            }),
            _ => Ok(url.as_str().trim_end_matches('/').to_owned()),
        }
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

/// `AZURE_AUTHORITY_HOST` cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthorityError {
    /// It is not `https://HOST`. It is not repeated: it may hold a password.
    #[error(
        "AZURE_AUTHORITY_HOST is not an https origin; write it as https://{example}, or unset it"
    )]
    NotAnOrigin {
        /// One that would do.
        example: &'static str,
    },
    /// It gives tokens for another cloud.
    #[error(
        "AZURE_AUTHORITY_HOST names {host}, which gives tokens for the cloud `{theirs}`, not `{ours}`; \
         unset it, or name the cloud with `--cloud {theirs}`"
    )]
    OtherCloud {
        /// Its host.
        host: String,
        /// Whose it is.
        theirs: &'static str,
        /// Which cloud was meant.
        ours: &'static str,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::net::is_loopback;

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

    #[test]
    fn each_cloud_has_its_own_names_endpoint_and_authority() {
        for (cloud, name, endpoint, authority) in [
            (
                Cloud::Public,
                "public",
                "https://management.azure.com",
                "https://login.microsoftonline.com",
            ),
            (
                Cloud::China,
                "china",
                "https://management.chinacloudapi.cn",
                "https://login.chinacloudapi.cn",
            ),
            (
                Cloud::UsGovernment,
                "us-government",
                "https://management.usgovcloudapi.net",
                "https://login.microsoftonline.us",
            ),
        ] {
            assert_eq!((cloud.as_str(), cloud.endpoint()), (name, endpoint));
            assert_eq!(Cloud::parse(name), Some(cloud));
            assert_eq!(Cloud::of(&Url::parse(endpoint).unwrap()), Some(cloud));
            assert_eq!(cloud.authority(None).unwrap(), authority);
        }
        assert_eq!(Cloud::parse("germany"), None);
    }

    #[test]
    fn a_named_authority_is_followed_unless_it_is_another_clouds() {
        for (cloud, named, expected) in [
            (
                Cloud::Public,
                "https://login.microsoftonline.com/",
                Ok("https://login.microsoftonline.com"),
            ),
            (Cloud::Public, "https://login.windows.net", Ok("https://login.windows.net")),
            (
                Cloud::China,
                "https://login.partner.microsoftonline.cn",
                Ok("https://login.partner.microsoftonline.cn"),
            ),
            (Cloud::Public, "https://login.example.net:8443", Ok("https://login.example.net:8443")),
            (Cloud::China, "https://LOGIN.microsoftonline.com", Err("`--cloud public`")),
            (Cloud::Public, "https://login.chinacloudapi.cn/", Err("`--cloud china`")),
            (Cloud::Public, "https://login.microsoftonline.us", Err("`--cloud us-government`")),
            (Cloud::Public, "login.microsoftonline.com", Err("https origin")),
            (Cloud::Public, "http://login.microsoftonline.com", Err("https origin")),
            (Cloud::Public, "https://login.microsoftonline.com/a-tenant", Err("https origin")),
            (Cloud::Public, "https://me:k-e-y@login.example.net", Err("https origin")),
        ] {
            match (cloud.authority(Some(named)), expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected),
                (Err(error), Err(part)) => {
                    let error = error.to_string();
                    assert!(error.contains(part), "{named}: {error}");
                    assert!(!error.contains("k-e-y"), "{error}");
                }
                (found, _) => panic!("{named}: {found:?}"),
            }
        }
    }
}
