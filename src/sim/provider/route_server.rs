//! Does a Route Server stand in a network? Its configuration says so, or the subnet's own body.

use crate::arm::SubnetView;
use crate::arm::read::text;
use crate::model::ResourceId;
use crate::sim::world::World;

/// The configurations of Route Servers: resources of their own, not parts of their hub's body.
const SERVER_CONFIGURATIONS: &str = "Microsoft.Network/virtualHubs/ipConfigurations";

impl World {
    /// The configurations of Route Servers that stand in a subnet.
    pub(in crate::sim) fn route_servers_in(
        &self,
        subnet: &ResourceId,
    ) -> impl Iterator<Item = &ResourceId> {
        let all = self.resources.of_type(SERVER_CONFIGURATIONS);
        all.filter(|(_, resource)| resource.names(subnet)).map(|(own, _)| own)
    }

    /// What stands in a network's subnet for a Route Server, by the id of its configuration.
    pub(in crate::sim) fn route_server_of(&self, vnet: &ResourceId) -> Option<String> {
        let subnet = vnet.child("subnets", "RouteServerSubnet").ok()?;
        let own = self.route_servers_in(&subnet).next().map(|own| own.as_str().to_owned());
        let told = || text(SubnetView::of(self.body(&subnet)?).users().first()?, "/id");
        own.or_else(|| told().map(str::to_owned))
    }
}
