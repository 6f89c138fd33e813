//! Have two prefixes an address in common, and is what a URL names this host itself?

use ipnet::IpNet;
use url::{Host, Url};

/// Whether a URL names this host itself: what is sent there leaves it over no network.
///
/// Names below `localhost` do not count: not every resolver leads them here (RFC 6761, 6.3).
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => {
            name.strip_suffix('.').unwrap_or(name).eq_ignore_ascii_case("localhost")
        }
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.to_canonical().is_loopback(),
        None => false,
    }
}

/// Whether two prefixes have an address in common: one is in the other then.
#[must_use]
pub fn overlap(a: &IpNet, b: &IpNet) -> bool {
    a.contains(b) || b.contains(a)
}

/// The first prefix of a list that overlaps one of another, with that one.
#[must_use]
pub fn clash<'n>(ours: &'n [IpNet], theirs: &'n [IpNet]) -> Option<(&'n IpNet, &'n IpNet)> {
    ours.iter().find_map(|a| theirs.iter().find(|b| overlap(a, b)).map(|b| (a, b)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_surely_this_host_is_not() {
        let here = |text: &str| is_loopback(&Url::parse(text).unwrap());
        for text in [
            "http://127.8.0.1:1/",
            "http://LOCALHOST.:1",
            "http://[::1]",
            "http://[::ffff:127.0.0.1]:4100",
        ] {
            assert!(here(text), "{text}");
        }
        for text in [
            "https://sim.localhost",
            "https://localhost.example.org",
            "https://10.0.0.1",
            "https://[::2]",
        ] {
            assert!(!here(text), "{text}");
        }
    }

    #[test]
    fn prefixes_overlap_where_one_is_in_the_other() {
        let net = |text: &str| text.parse::<IpNet>().unwrap();
        let (wide, narrow, other) = (net("10.0.0.0/8"), net("10.1.0.0/16"), net("11.0.0.0/8"));
        assert!(overlap(&wide, &narrow) && overlap(&narrow, &wide) && overlap(&wide, &wide));
        assert!(!overlap(&wide, &other) && !overlap(&wide, &net("::/0")));
        let (ours, theirs) = ([other, narrow], [net("12.0.0.0/8"), wide]);
        assert_eq!(clash(&ours, &theirs), Some((&narrow, &wide)));
        assert_eq!(clash(&ours, &[]), None);
    }
}
