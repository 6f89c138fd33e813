//! Do these routes prove that a prefix is carried? One meaning for every table that is looked at.
//!
//! A prefix is covered by a route that is it or contains it (an aggregate), or by more specific routes
//! that leave no gap. A default route covers only a default route: it is what one hears from a site that
//! says nothing of what it has, and so it proves nothing that nobody expected.

use ipnet::IpNet;

/// How a prefix stands in a table of routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coverage {
    /// A route is the prefix or contains it, or several make it up.
    Covered,
    /// A part of it is carried, and the rest is not.
    Partly,
    /// Nothing but a default route leads there.
    ByDefaultOnly,
    /// Nothing leads there.
    Uncovered,
}

impl Coverage {
    /// Whether all of the prefix is carried.
    #[must_use]
    pub fn is_whole(self) -> bool {
        self == Self::Covered
    }

    /// What there is instead, to be put after what is missing; nothing where there is nothing to say.
    #[must_use]
    pub fn remark(self) -> &'static str {
        match self {
            Self::Covered | Self::Uncovered => "",
            Self::Partly => " (a part of it is)",
            Self::ByDefaultOnly => " (a default route is, which proves nothing of it)",
        }
    }
}

/// Whether a route says no more than "everything": `0.0.0.0/0`, `::/0`, and what is written in place of
/// them because it wins over another default (`0.0.0.0/1` with `128.0.0.0/1`, `2000::/3`).
#[must_use]
pub fn is_default(route: &IpNet) -> bool {
    match route {
        IpNet::V4(route) => route.prefix_len() <= 1,
        IpNet::V6(route) => {
            route.prefix_len() <= 1
                || (route.prefix_len() == 3 && route.network().octets()[0] == 0x20)
        }
    }
}

/// How a prefix stands among routes.
#[must_use]
pub fn coverage<'r>(prefix: &IpNet, routes: impl IntoIterator<Item = &'r IpNet>) -> Coverage {
    let wide = is_default(prefix);
    let (mut within, mut by_default) = (Vec::new(), false);
    for route in routes {
        if is_default(route) && !wide {
            by_default |= route.contains(prefix);
        } else if route.contains(prefix) {
            return Coverage::Covered;
        } else if prefix.contains(route) {
            within.push(route.trunc());
        }
    }
    let any = !within.is_empty();
    match IpNet::aggregate(&within).iter().any(|route| route.contains(prefix)) {
        true => Coverage::Covered,
        false if any => Coverage::Partly,
        false if by_default => Coverage::ByDefaultOnly,
        false => Coverage::Uncovered,
    }
}

/// Whether routes prove that all of a prefix is carried.
#[must_use]
pub fn covered<'r>(prefix: &IpNet, routes: impl IntoIterator<Item = &'r IpNet>) -> bool {
    coverage(prefix, routes).is_whole()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn nets(all: &[&str]) -> Vec<IpNet> {
        all.iter().map(|net| net.parse().unwrap()).collect()
    }

    fn of(prefix: &str, routes: &[&str]) -> Coverage {
        coverage(&prefix.parse().unwrap(), &nets(routes))
    }

    #[test]
    fn an_aggregate_covers_and_a_default_route_does_not() {
        assert_eq!(of("10.101.0.0/16", &["10.0.0.0/8"]), Coverage::Covered);
        assert_eq!(of("10.101.0.0/16", &["0.0.0.0/0"]), Coverage::ByDefaultOnly);
        assert_eq!(of("10.101.0.0/16", &["0.0.0.0/1", "128.0.0.0/1"]), Coverage::ByDefaultOnly);
        assert_eq!(of("2001:db8::/32", &["2000::/3"]), Coverage::ByDefaultOnly);
        assert_eq!(of("0.0.0.0/0", &["0.0.0.0/0"]), Coverage::Covered);
        assert_eq!(of("0.0.0.0/0", &["0.0.0.0/1", "128.0.0.0/1"]), Coverage::Covered);
        assert_eq!(of("::/0", &["0.0.0.0/0"]), Coverage::Uncovered);
    }

    #[test]
    fn parts_cover_only_when_they_leave_no_gap() {
        assert_eq!(of("10.0.0.0/23", &["10.0.0.0/24", "10.0.1.0/24"]), Coverage::Covered);
        let three = ["10.0.0.0/24", "10.0.1.0/25", "10.0.1.192/26"];
        assert_eq!(of("10.0.0.0/23", &three), Coverage::Partly);
        assert_eq!(of("10.0.0.0/23", &["10.0.2.0/24"]), Coverage::Uncovered);
    }

    fn net() -> impl Strategy<Value = IpNet> {
        // A small space, so that routes meet.
        (0_u32..256, 22_u8..=32).prop_map(|(host, length)| {
            let address = std::net::Ipv4Addr::from(0x0a00_0000 | (host << 2));
            IpNet::from(ipnet::Ipv4Net::new_assert(address, length)).trunc()
        })
    }

    proptest! {
        /// The meaning, address by address: covered is that each address of the prefix is in a route.
        #[test]
        fn covered_means_every_address(
            prefix in net(),
            routes in prop::collection::vec(net(), 0..12),
            with_default in any::<bool>(),
        ) {
            let IpNet::V4(v4) = prefix else { unreachable!() };
            let (first, last) = (u32::from(v4.network()), u32::from(v4.broadcast()));
            let in_a_route = |address: u32| {
                let address = std::net::IpAddr::V4(address.into());
                routes.iter().any(|route| route.contains(&address))
            };
            let every = (first..=last).all(in_a_route);
            let some = (first..=last).any(in_a_route);
            let mut heard = routes.clone();
            if with_default {
                heard.push("0.0.0.0/0".parse().unwrap());
            }
            let expected = match (every, some, with_default) {
                (true, ..) => Coverage::Covered,
                (_, true, _) => Coverage::Partly,
                (_, _, true) => Coverage::ByDefaultOnly,
                _ => Coverage::Uncovered,
            };
            prop_assert_eq!(coverage(&prefix, &heard), expected);
            heard.reverse();
            prop_assert_eq!(coverage(&prefix, &heard), expected);
        }
    }
}
