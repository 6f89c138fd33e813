//! Which address has it? A firewall's inside, and a public address.

use std::net::IpAddr;

use serde_json::Value;

use super::read::{is, list, text};

/// The private address of an Azure firewall: of one in a network, or in a virtual hub. One that is stopped has
/// none.
#[must_use]
pub fn firewall_address(body: &Value) -> Option<IpAddr> {
    list(body, "/properties/ipConfigurations")
        .iter()
        .filter_map(|own| text(own, "/properties/privateIPAddress"))
        .chain(text(body, "/properties/hubIPAddresses/privateIPAddress"))
        .find_map(|address| address.parse().ok())
}

/// A public address.
#[derive(Debug, Clone, Copy)]
pub struct PublicAddressView<'v>(&'v Value);

impl<'v> PublicAddressView<'v> {
    /// The view of a body.
    #[must_use]
    pub fn of(body: &'v Value) -> Self {
        Self(body)
    }

    /// The address itself, as it is written; one that nobody uses yet may have none.
    #[must_use]
    pub fn address(self) -> Option<&'v str> {
        text(self.0, "/properties/ipAddress")
    }

    /// Whether it has its address from the beginning.
    #[must_use]
    pub fn is_static(self) -> bool {
        is(self.0, "/properties/publicIPAllocationMethod", "Static")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_firewall_has_one_address_wherever_it_stands() {
        let at = |address: &str| json!({ "properties": { "privateIPAddress": address } });
        let network = json!({ "properties": { "ipConfigurations": [
            { "properties": { "publicIPAddress": {} } }, at("10.10.10.4") ] } });
        let hub = json!({ "properties": { "hubIPAddresses": { "privateIPAddress": "10.9.0.4" } } });
        let stopped = json!({ "properties": { "ipConfigurations": [] } });
        assert_eq!(firewall_address(&network), "10.10.10.4".parse().ok());
        assert_eq!(firewall_address(&hub), "10.9.0.4".parse().ok());
        assert_eq!(firewall_address(&stopped), None);
    }
}
