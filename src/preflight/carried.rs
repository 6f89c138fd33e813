//! What is brought to on-premises, by which step, and over which connection? The words in which the rules about that ask.

use ipnet::IpNet;

use crate::model::{ResourceId, Step};

/// What a connection of a gateway leads to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum FarEnd {
    /// A circuit.
    Circuit(ResourceId),
    /// The device of a tunnel: the local network gateway that stands for it.
    Device(ResourceId),
}

/// A connection by which a gateway carries.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct WayOut {
    /// The gateway, of a network or of a hub.
    pub gateway: ResourceId,
    /// The connection.
    pub link: ResourceId,
    /// What it leads to.
    pub far: FarEnd,
}

/// A way that a step gives networks, or changes what they do with it.
#[derive(Debug, Clone)]
pub struct Carried<'p> {
    /// The step.
    pub step: &'p Step,
    /// The way.
    pub way: WayOut,
    /// The one network that it is about; where none is, the step makes the connection, and it is about all that
    /// is behind the gateway.
    pub network: Option<ResourceId>,
}

/// A network whose way to on-premises a step takes, and no other step gives it one.
#[derive(Debug)]
pub struct WayLost<'p> {
    /// The step.
    pub step: &'p Step,
    /// The network.
    pub network: ResourceId,
    /// The network whose gateway it used.
    pub host: ResourceId,
}

impl FarEnd {
    /// The circuit, or the local network gateway.
    #[must_use]
    pub fn id(&self) -> &ResourceId {
        match self {
            Self::Circuit(id) | Self::Device(id) => id,
        }
    }

    /// The circuit, if it is one.
    #[must_use]
    pub fn circuit(&self) -> Option<&ResourceId> {
        match self {
            Self::Circuit(id) => Some(id),
            Self::Device(_) => None,
        }
    }

    /// That on-premises has a prefix there, in words.
    #[must_use]
    pub fn tells(&self, net: &IpNet) -> String {
        match self {
            Self::Circuit(id) => format!("on-premises advertises {net} over {}", id.name()),
            Self::Device(id) => format!("{net} is behind the device of {}", id.name()),
        }
    }
}

impl Carried<'_> {
    /// What a finding is about: what the step writes.
    #[must_use]
    pub fn written(&self) -> &ResourceId {
        self.step.action.written().unwrap_or(&self.way.link)
    }

    /// The circuit that it leads to, if it is one.
    #[must_use]
    pub fn circuit(&self) -> Option<&ResourceId> {
        self.way.far.circuit()
    }
}
