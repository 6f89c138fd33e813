//! What do route tables say?

use std::net::IpAddr;

use serde_json::Value;

use super::read::{flag, id_at, list, text};
use crate::model::ResourceId;

/// A route table.
#[derive(Debug, Clone, Copy)]
pub struct RouteTableView<'v>(&'v Value);

impl<'v> RouteTableView<'v> {
    /// The view of a body.
    #[must_use]
    pub fn of(body: &'v Value) -> Self {
        Self(body)
    }

    /// The bodies of its routes, as they stand in its own.
    #[must_use]
    pub fn bodies(self) -> &'v [Value] {
        list(self.0, "/properties/routes")
    }

    /// Its routes.
    pub fn routes(self) -> impl Iterator<Item = RouteView<'v>> {
        self.bodies().iter().map(RouteView::of)
    }

    /// The subnets that use it, as it shows them.
    pub fn users(self) -> impl Iterator<Item = ResourceId> {
        list(self.0, "/properties/subnets").iter().filter_map(|own| id_at(own, "/id"))
    }

    /// Whether the routes that a gateway learns do not come to its subnets.
    #[must_use]
    pub fn keeps_gateway_routes_out(self) -> bool {
        flag(self.0, "/properties/disableBgpRoutePropagation")
    }
}

/// A route of a table.
#[derive(Debug, Clone, Copy)]
pub struct RouteView<'v>(&'v Value);

impl<'v> RouteView<'v> {
    /// Its name.
    #[must_use]
    pub fn name(self) -> Option<&'v str> {
        text(self.0, "/name")
    }

    /// The view of a body.
    #[must_use]
    pub fn of(body: &'v Value) -> Self {
        Self(body)
    }

    /// Where it leads from: a prefix or a service tag, as it is written.
    #[must_use]
    pub fn destination(self) -> Option<&'v str> {
        text(self.0, "/properties/addressPrefix")
    }

    /// The kind of its next hop.
    #[must_use]
    pub fn hop_kind(self) -> Option<&'v str> {
        text(self.0, "/properties/nextHopType")
    }

    /// Whether its next hop is of this kind.
    #[must_use]
    pub fn hops_to(self, kind: &str) -> bool {
        self.hop_kind().is_some_and(|own| own.eq_ignore_ascii_case(kind))
    }

    /// The address of its next hop, where that has one.
    #[must_use]
    pub fn hop_address(self) -> Option<IpAddr> {
        text(self.0, "/properties/nextHopIpAddress")?.parse().ok()
    }
}
