//! What do the rules of network security groups say? For whom, in which direction, and in what order.

use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::Value;

use super::read::{is, list, number, text};
use crate::model::net::overlap;

/// The bodies of the rules that people have given a security group: those that every group has stand elsewhere.
#[must_use]
pub fn security_rules(group: &Value) -> &[Value] {
    list(group, "/properties/securityRules")
}

/// The way that a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrafficDirection {
    /// To the subnet.
    Inbound,
    /// From the subnet.
    Outbound,
}

impl TrafficDirection {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::Inbound, Self::Outbound];

    fn as_str(self) -> &'static str {
        match self {
            Self::Inbound => "Inbound",
            Self::Outbound => "Outbound",
        }
    }
}

/// What stands at one end of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleEnd {
    /// Any address.
    Everything,
    /// The tag `VirtualNetwork`: the network, its peers, and what gateways bring from on-premises (N-TAG).
    Networks,
    /// The tag `Internet`: nothing of what is reached by private addresses.
    Internet,
    /// Addresses.
    Net(IpNet),
    /// Machines of an application security group.
    Machines,
    /// One of Azure's services.
    Service,
}

impl RuleEnd {
    fn parse(word: &str) -> Self {
        match word.to_ascii_lowercase().as_str() {
            "*" | "any" => Self::Everything,
            "virtualnetwork" => Self::Networks,
            "internet" => Self::Internet,
            other => {
                let one = || other.parse::<IpAddr>().ok().map(IpNet::from);
                other.parse().ok().or_else(one).map_or(Self::Service, Self::Net)
            }
        }
    }

    /// Whether all of these addresses, of on-premises or of a network, are meant.
    #[must_use]
    pub fn covers(self, net: &IpNet) -> bool {
        match self {
            Self::Everything | Self::Networks => true,
            Self::Net(own) => own.contains(net),
            Self::Internet | Self::Machines | Self::Service => false,
        }
    }

    /// Whether something may be meant by both.
    #[must_use]
    pub fn meets(self, other: Self) -> bool {
        match (self, other) {
            (Self::Net(a), Self::Net(b)) => overlap(&a, &b),
            (Self::Internet, Self::Net(net)) | (Self::Net(net), Self::Internet) => {
                net.prefix_len() == 0
            }
            (Self::Internet, Self::Networks | Self::Machines)
            | (Self::Networks | Self::Machines, Self::Internet)
            | (Self::Service, _)
            | (_, Self::Service) => false,
            _ => true,
        }
    }
}

/// A rule of a security group.
#[derive(Debug, Clone, Copy)]
pub struct SecurityRuleView<'v>(&'v Value);

impl<'v> SecurityRuleView<'v> {
    /// The view of a body.
    #[must_use]
    pub fn of(body: &'v Value) -> Self {
        Self(body)
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> Option<&'v str> {
        text(self.0, "/name")
    }

    /// Its place: the smallest is asked first.
    #[must_use]
    pub fn priority(self) -> Option<u64> {
        number(self.0, "/properties/priority")
    }

    /// Whether it is about this way.
    #[must_use]
    pub fn is_about(self, direction: TrafficDirection) -> bool {
        is(self.0, "/properties/direction", direction.as_str())
    }

    /// Whether it lets through; else it denies.
    #[must_use]
    pub fn allows(self) -> bool {
        is(self.0, "/properties/access", "Allow")
    }

    /// Whether it denies every protocol and port.
    #[must_use]
    pub fn denies_all(self) -> bool {
        let protocol = text(self.0, "/properties/protocol");
        is(self.0, "/properties/access", "Deny")
            && protocol.is_some_and(|own| own == "*" || own.eq_ignore_ascii_case("any"))
            && self.every_port("source")
            && self.every_port("destination")
    }

    /// Whether it is about all of these ports of what it leads to.
    #[must_use]
    pub fn is_about_ports(self, (from, to): (u16, u16)) -> bool {
        self.words("destination", "PortRange").any(|range| match range.split_once('-') {
            _ if range == "*" => true,
            Some((low, high)) => {
                low.parse().is_ok_and(|low: u16| low <= from)
                    && high.parse().is_ok_and(|high: u16| high >= to)
            }
            None => from == to && range.parse() == Ok(from),
        })
    }

    fn every_port(self, end: &str) -> bool {
        let mut all = self.words(end, "PortRange").peekable();
        all.peek().is_none() || all.any(|own| ["*", "0-65535"].contains(&own))
    }

    /// Where what it is about comes from.
    #[must_use]
    pub fn sources(self) -> Vec<RuleEnd> {
        self.ends("source")
    }

    /// Where what it is about goes to.
    #[must_use]
    pub fn destinations(self) -> Vec<RuleEnd> {
        self.ends("destination")
    }

    fn ends(self, end: &str) -> Vec<RuleEnd> {
        let groups = list(self.0, &format!("/properties/{end}ApplicationSecurityGroups"));
        let groups = groups.iter().map(|_| RuleEnd::Machines);
        self.words(end, "AddressPrefix").map(RuleEnd::parse).chain(groups).collect()
    }

    /// What stands in the one field, or in the list beside it.
    fn words(self, end: &str, what: &str) -> impl Iterator<Item = &'v str> {
        // `sourceAddressPrefix` and `sourceAddressPrefixes`, `sourcePortRange` and `sourcePortRanges`.
        let several = if what.ends_with('x') { "es" } else { "s" };
        let one = text(self.0, &format!("/properties/{end}{what}"));
        let many = list(self.0, &format!("/properties/{end}{what}{several}")).iter();
        one.filter(|own| !own.is_empty()).into_iter().chain(many.filter_map(Value::as_str))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn net(prefix: &str) -> IpNet {
        prefix.parse().unwrap()
    }

    #[test]
    fn an_end_is_addresses_a_tag_or_machines() {
        let body = json!({ "properties": {
            "sourceAddressPrefix": "10.0.0.4", "sourceAddressPrefixes": ["VirtualNetwork", "Storage"],
            "destinationAddressPrefix": "", "destinationApplicationSecurityGroups": [{ "id": "x" }],
        } });
        let rule = SecurityRuleView::of(&body);
        let one = RuleEnd::Net(net("10.0.0.4/32"));
        assert_eq!(rule.sources(), [one, RuleEnd::Networks, RuleEnd::Service]);
        assert_eq!(rule.destinations(), [RuleEnd::Machines]);
        assert!(RuleEnd::Networks.covers(&net("10.100.0.0/16")));
        assert!(!RuleEnd::Internet.covers(&net("10.100.0.0/16")));
        assert!(!RuleEnd::Net(net("10.100.1.0/24")).covers(&net("10.100.0.0/16")));
        assert!(!RuleEnd::Service.meets(RuleEnd::Everything));
        assert!(RuleEnd::Internet.meets(RuleEnd::Net(net("0.0.0.0/0"))));
        assert!(!RuleEnd::Internet.meets(RuleEnd::Net(net("10.0.0.0/8"))));
    }

    #[test]
    fn all_is_denied_by_every_protocol_on_every_port() {
        let deny = |protocol: &str, ports: Value| {
            json!({ "properties": { "access": "Deny", "protocol": protocol, "sourcePortRange": "*",
                "destinationPortRanges": ports } })
        };
        let denies = |body: &Value| SecurityRuleView::of(body).denies_all();
        assert!(denies(&deny("*", json!(["0-65535"]))));
        assert!(denies(&deny("Any", json!(["*"]))));
        assert!(!denies(&deny("*", json!(["3389", "22"]))));
        assert!(!denies(&deny("Tcp", json!(["*"]))));
    }
}
