//! What does the plan intend, and what is known about it? The view that rules are judged in.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use ipnet::IpNet;
use serde_json::Value;

pub use super::bodies::{
    FAILS_OVER_INTO, GATEWAY_SUBNET, NETWORK_MAPPINGS, ROUTE_SERVER_SUBNET, card_network, cards,
    circuit_of, gateway_subnet, lock_covers, own_gateway_subnet, peering, peerings_of,
    recovery_group, recovery_items, route_server, route_server_id, subnet_named, subnet_prefix,
    subnet_prefixes, subnets_of,
};
use super::carried::Carried;
use super::facts::{Fact, Facts, Question};
use super::projection;
use super::rule::{FindingVerdict, Judged};
use super::written::StepBodies;
use crate::arm;
pub use crate::arm::kind::{CIRCUITS, CONNECTIONS, GATEWAYS, HUB_GATEWAYS, NETWORKS as VNETS};
pub use crate::arm::read::{flag, id_at, is, list, prefixes, region as region_at, text};
use crate::arm::{ConnectionView as Link, PeeringView as Peer, VirtualNetworkView, is_spoke};
use crate::model::action::{
    Connection, Gateway, HubAction, HubConnection, Peering, RecoveryPlan, Removal, RemovalKind,
    RouteTable, Subnet, Tier, Verification, Vpn,
};
pub use crate::model::net::{clash, overlap};
use crate::model::{Action, Plan, Region, ResourceId, Side, Step};

/// A plan and the facts about it.
#[derive(Debug)]
pub struct Inquiry<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The facts.
    pub facts: &'a Facts,
    /// The steps that are done in these facts, by their place in the plan.
    done: BTreeSet<usize>,
    /// What each step finds, and at the last place what the run leaves.
    then: Vec<OnceCell<Facts>>,
    /// The most that each step may find.
    most: Vec<OnceCell<Facts>>,
    /// What each step leaves.
    left: Vec<OnceCell<Facts>>,
    /// What each step writes.
    pub(super) bodies: OnceCell<Vec<StepBodies<'a>>>,
    /// What steps bring to on-premises.
    pub(super) brought: OnceCell<Vec<Carried<'a>>>,
    /// What is there and steps change.
    pub(super) otherwise: OnceCell<Vec<Carried<'a>>>,
}

impl<'a> Inquiry<'a> {
    /// Puts them together.
    #[must_use]
    pub fn new(plan: &'a Plan, facts: &'a Facts) -> Self {
        Self::once(plan, facts, BTreeSet::new())
    }

    fn once(plan: &'a Plan, facts: &'a Facts, done: BTreeSet<usize>) -> Self {
        let then = vec![OnceCell::new(); plan.steps().len() + 1];
        let (bodies, brought, otherwise) = (OnceCell::new(), OnceCell::new(), OnceCell::new());
        let (most, left) = (then.clone(), then.clone());
        Self { plan, facts, done, most, left, then, bodies, brought, otherwise }
    }

    /// The same, as a step will find it: every step that comes before it is done. What comes at the same
    /// time or later counts for nothing, as nobody knows which is first.
    #[must_use]
    pub fn at(&self, step: &Step) -> Inquiry<'_> {
        let Some(place) = self.plan.place(&step.name) else { return self.at_end() };
        self.after(&self.then[place], self.plan.dag().ancestors(place))
    }

    /// The same, as a step leaves it: what comes before it is done, and it itself.
    #[must_use]
    pub fn left_by(&self, step: &Step) -> Inquiry<'_> {
        let Some(place) = self.plan.place(&step.name) else { return self.at_end() };
        let mut done = self.plan.dag().ancestors(place);
        done.insert(place);
        self.after(&self.left[place], done)
    }

    /// The same, as the run leaves it when all its steps are done.
    #[must_use]
    pub fn at_end(&self) -> Inquiry<'_> {
        let count = self.plan.steps().len();
        self.after(&self.then[count], (0..count).collect())
    }

    /// The same, with the most that a step may find: what is made at the same time may be there first, and
    /// what is removed at the same time may be there still.
    #[must_use]
    pub fn at_most(&self, step: &Step) -> Inquiry<'_> {
        let Some(place) = self.plan.place(&step.name) else { return self.at_end() };
        let (before, later) =
            (self.plan.dag().ancestors(place), self.plan.dag().descendants(place));
        let makes = |at: &usize| {
            let class = self.plan.steps()[*at].action.nature().class;
            before.contains(at) || !class.takes_away()
        };
        let done = (0..self.plan.steps().len())
            .filter(|at| *at != place && !later.contains(at) && makes(at))
            .collect();
        self.after(&self.most[place], done)
    }

    fn after<'s>(&'s self, kept: &'s OnceCell<Facts>, done: BTreeSet<usize>) -> Inquiry<'s> {
        let facts = kept.get_or_init(|| {
            let order = self.plan.dag().order().iter().filter(|at| done.contains(at));
            projection::after(self.facts, order.map(|at| &self.plan.steps()[*at]))
        });
        Inquiry::once(self.plan, facts, done)
    }

    /// Whether a step is done in these facts.
    #[must_use]
    pub fn is_done(&self, step: &Step) -> bool {
        self.plan.place(&step.name).is_some_and(|place| self.done.contains(&place))
    }

    /// A resource's body, none when it is not there.
    ///
    /// # Errors
    /// It was not read, and why: what a rule says of it then is that it cannot be known.
    pub fn read(&self, id: &ResourceId) -> Result<Option<&'a Value>, String> {
        match self.facts.resource(id) {
            Fact::Known(body) => Ok(Some(body)),
            Fact::Absent => Ok(None),
            Fact::Unknown(why) => Err(format!("{} cannot be read: {why}", id.name())),
        }
    }

    /// Whether every connection that counts was read: a rule that found none among those which were has
    /// found nothing when some were not.
    ///
    /// # Errors
    /// Some were not, and why.
    pub fn every_link(&self) -> Result<(), String> {
        let unread = self.facts.unanswered().find_map(|(question, why)| match question {
            Question::Inventory { kind, .. } if [CONNECTIONS, HUB_GATEWAYS].contains(kind) => {
                Some(why.to_owned())
            }
            Question::Resource(id) if id.is_a(CONNECTIONS) || id.is_a(HUB_GATEWAYS) => {
                Some(format!("{} cannot be read: {why}", id.name()))
            }
            _ => None,
        });
        unread.map_or(Ok(()), Err)
    }

    pub(super) fn actions<T>(&self, pick: impl Fn(&'a Action) -> Option<T>) -> Vec<(&'a Step, T)> {
        let steps = self.plan.steps_to_run();
        steps.filter_map(|step| pick(&step.action).map(|found| (step, found))).collect()
    }

    /// The connections that are to be.
    #[must_use]
    pub fn connections(&self) -> Vec<(&'a Step, &'a Connection)> {
        self.actions(|action| match action {
            Action::Connection(spec) => Some(spec),
            _ => None,
        })
    }

    /// What shall be of virtual WANs.
    #[must_use]
    pub fn hub_actions(&self) -> Vec<(&'a Step, &'a HubAction)> {
        self.actions(|action| match action {
            Action::Hub(hub) => Some(hub),
            _ => None,
        })
    }

    /// The connections of hubs to circuits that are to be.
    #[must_use]
    pub fn hub_connections(&self) -> Vec<(&'a Step, &'a HubConnection)> {
        self.actions(|action| match action {
            Action::Hub(HubAction::Connection(spec)) => Some(spec),
            _ => None,
        })
    }

    /// The circuits that connections of networks and of hubs are to lead to.
    #[must_use]
    pub fn connected(&self) -> BTreeSet<&'a ResourceId> {
        self.planned_links().into_iter().map(|planned| planned.circuit).collect()
    }

    /// The circuits that connections are to lead to, each with its step and the region of the gateway, where
    /// that is known.
    #[must_use]
    pub fn reached(&self) -> Vec<(&'a Step, &'a ResourceId, Region)> {
        let region = |action: &Action| Some(action.nature().tracked?.location.clone());
        let links = self.planned_links().into_iter();
        let reached = links.filter_map(|planned| {
            let steps = self.plan.steps_to_run().map(|step| &step.action);
            let mut makes = steps.filter(|action| action.written() == Some(&planned.gateway));
            let own = region(&planned.step.action).or_else(|| makes.find_map(region));
            let stands = || region_at(self.facts.body(&planned.gateway)?);
            Some((planned.step, planned.circuit, own.or_else(stands)?))
        });
        reached.collect()
    }

    /// The gateways that are to be.
    #[must_use]
    pub fn gateways(&self) -> Vec<(&'a Step, &'a Gateway)> {
        self.actions(|action| match action {
            Action::Gateway(spec) => Some(spec),
            _ => None,
        })
    }

    /// The sides of peerings that are to be.
    #[must_use]
    pub fn peerings(&self) -> Vec<(&'a Step, &'a Peering)> {
        self.actions(|action| match action {
            Action::Peering(spec) => Some(spec),
            _ => None,
        })
    }

    /// The subnets that are to be.
    #[must_use]
    pub fn subnets(&self) -> Vec<(&'a Step, &'a Subnet)> {
        self.actions(|action| match action {
            Action::Subnet(spec) => Some(spec),
            _ => None,
        })
    }

    /// The route tables that are to be.
    #[must_use]
    pub fn route_tables(&self) -> Vec<(&'a Step, &'a RouteTable)> {
        self.actions(|action| match action {
            Action::RouteTable(spec) => Some(spec),
            _ => None,
        })
    }

    /// What is to be removed, of one kind.
    #[must_use]
    pub fn removals(&self, kind: RemovalKind) -> Vec<(&'a Step, &'a Removal)> {
        self.actions(|action| match action {
            Action::Remove(spec) if spec.kind == kind => Some(spec),
            _ => None,
        })
    }

    /// What is asked of recovery plans.
    #[must_use]
    pub fn recovery_plans(&self) -> Vec<(&'a Step, &'a RecoveryPlan)> {
        self.actions(|action| match action {
            Action::RecoveryPlan(spec) => Some(spec),
            _ => None,
        })
    }

    /// Whether a resource is removed before a step.
    #[must_use]
    pub fn removed_before(&self, resource: &ResourceId, step: &Step) -> bool {
        self.any_step_before(step, |other| self.removes(other, resource))
    }

    /// Whether a step before writes a resource.
    #[must_use]
    pub fn written_before(&self, resource: &ResourceId, step: &Step) -> bool {
        self.any_before(step, |action| action.written() == Some(resource))
    }

    pub(super) fn any_before(&self, step: &Step, is: impl Fn(&Action) -> bool) -> bool {
        self.any_step_before(step, |other| is(&other.action))
    }

    fn any_step_before(&self, step: &Step, is: impl Fn(&Step) -> bool) -> bool {
        let Some(place) = self.plan.place(&step.name) else { return false };
        let before = self.plan.dag().ancestors(place);
        let mut steps = before.into_iter().map(|at| &self.plan.steps()[at]);
        steps.any(|other| !other.never_runs() && is(other))
    }

    /// The tier that a circuit is raised to before a step, if it is.
    #[must_use]
    pub fn raised_before(&self, circuit: &ResourceId, step: &Step) -> Option<Tier> {
        let before = self.plan.dag().ancestors(self.plan.place(&step.name)?);
        let raised =
            self.plan.steps().iter().enumerate().filter_map(|(at, other)| match &other.action {
                Action::Tier(spec) if spec.id == *circuit && before.contains(&at) => {
                    (!other.never_runs()).then_some(spec.at_least)
                }
                _ => None,
            });
        raised.max()
    }

    /// The circuits that connections are to lead to, or that are written themselves.
    #[must_use]
    pub fn circuits(&self) -> BTreeSet<&'a ResourceId> {
        let connected = self.connected();
        let written = self.written().into_iter().map(|(_, id)| id);
        connected.into_iter().chain(written.filter(|id| id.is_a(CIRCUITS))).collect()
    }

    /// The resources that are written, with their steps.
    #[must_use]
    pub fn written(&self) -> Vec<(&'a Step, &'a ResourceId)> {
        self.actions(Action::written)
    }

    /// The networks that steps of the target write into.
    #[must_use]
    pub fn networks_written(&self) -> BTreeSet<ResourceId> {
        let ours = |(step, id): (&Step, &ResourceId)| {
            let root = id.root();
            (!Self::on_source(step) && root.is_a(VNETS)).then_some(root)
        };
        self.written().into_iter().filter_map(ours).collect()
    }

    /// The resource groups that are written into: by the run, and by Site Recovery, which makes machines in them.
    #[must_use]
    pub fn groups(&self) -> BTreeSet<(String, String)> {
        let written = self.written().into_iter();
        let written =
            written.map(|(_, id)| (id.subscription().to_owned(), id.resource_group().to_owned()));
        written.chain(self.machines_groups()).collect()
    }

    /// The resource groups in which machines are to come up.
    #[must_use]
    pub fn machines_groups(&self) -> BTreeSet<(String, String)> {
        let moves = self.recovery_plans().into_iter().filter(|(_, spec)| spec.to.makes_machines());
        let plans = moves.filter_map(|(_, spec)| self.facts.body(&spec.id));
        let items = plans.flat_map(recovery_items);
        items.filter_map(|item| recovery_group(self.facts.body(&item)?)).collect()
    }

    /// The gateways that stand in a network's GatewaySubnet, as the network's body names them.
    #[must_use]
    pub fn gateways_in(&self, vnet: &Value) -> Vec<ResourceId> {
        let subnet = own_gateway_subnet(vnet).map(arm::SubnetView::of);
        subnet.map(arm::SubnetView::gateways).unwrap_or_default()
    }

    /// The gateways of either kind that are to be, each with the subnet that it shall stand in.
    #[must_use]
    pub fn gateway_places(&self) -> Vec<(&'a Step, &'a ResourceId, &'a ResourceId)> {
        let all = self.actions(|action| match action {
            Action::Gateway(spec) => Some((&spec.id, &spec.subnet)),
            Action::Vpn(Vpn::Gateway(spec)) => Some((&spec.id, &spec.subnet)),
            _ => None,
        });
        all.into_iter().map(|(step, (id, subnet))| (step, id, subnet)).collect()
    }

    /// The gateways of networks that steps count on: a connection is made of them, or they are verified.
    #[must_use]
    pub fn gateways_in_use(&self) -> Vec<(&'a Step, ResourceId)> {
        self.actions(|action| match action {
            Action::Connection(spec) => Some(spec.gateway.clone()),
            Action::Vpn(Vpn::Connection(spec)) => Some(spec.gateway.clone()),
            Action::Verify(
                Verification::Routes { gateway, .. }
                | Verification::Advertised { gateway, .. }
                | Verification::Bgp { gateway, .. },
            ) => Some(gateway.clone()),
            Action::Verify(
                Verification::Connection { connection } | Verification::Tunnel { connection },
            ) => Link::of(self.facts.body(connection)?).gateway(),
            _ => None,
        })
    }

    /// The virtual network of a gateway: as planned, or as it stands.
    #[must_use]
    pub fn vnet_of(&self, gateway: &ResourceId) -> Option<ResourceId> {
        let planned = self.gateway_places().into_iter().find(|(_, id, _)| *id == gateway);
        match planned {
            Some((_, _, subnet)) => subnet.parent(),
            None => gateway_subnet(self.facts.body(gateway)?)?.parent(),
        }
    }

    /// The address space of a virtual network; none when it is not known.
    #[must_use]
    pub fn space(&self, vnet: &ResourceId) -> Option<Vec<IpNet>> {
        let body = self.facts.body(vnet)?;
        Some(VirtualNetworkView::of(body).space())
    }

    /// The spokes whose traffic a hub's gateway carries: those that stand, and those that steps which
    /// are done have made, although their networks cannot be read.
    #[must_use]
    pub fn spokes(&self, hub: &ResourceId) -> BTreeSet<ResourceId> {
        let mut spokes: BTreeSet<ResourceId> =
            self.peerings()
                .into_iter()
                .filter(|(step, spec)| {
                    let unread = spec.id.parent().is_some_and(|spoke| {
                        matches!(self.facts.resource(&spoke), Fact::Unknown(_))
                    });
                    let uses = spec.use_remote_gateways == Some(true);
                    unread && self.is_done(step) && spec.remote == *hub && uses
                })
                .filter_map(|(_, spec)| spec.id.parent())
                .collect();
        for side in peerings_of(self.facts.body(hub)).iter().map(Peer::of) {
            let Some(remote) = side.remote() else { continue };
            let back = peerings_of(self.facts.body(&remote)).iter().map(Peer::of);
            if is_spoke(hub, side, back) {
                spokes.insert(remote);
            }
        }
        spokes
    }

    /// Every prefix that a gateway would speak for; none when a network of it is not known.
    #[must_use]
    pub fn advertised(&self, gateway: &ResourceId) -> Option<Vec<IpNet>> {
        let hub = self.vnet_of(gateway)?;
        let mut all = self.space(&hub)?;
        for spoke in self.spokes(&hub) {
            all.extend(self.space(&spoke)?);
        }
        all.sort();
        all.dedup();
        Some(all)
    }

    /// The connections of a gateway now.
    #[must_use]
    pub fn links_of(&self, gateway: &ResourceId) -> Vec<(&'a ResourceId, &'a Value)> {
        self.facts
            .bodies(CONNECTIONS)
            .filter(|(_, body)| Link::of(body).gateway().as_ref() == Some(gateway))
            .collect()
    }

    /// Whether a step acts on the side that may be down.
    #[must_use]
    pub fn on_source(step: &Step) -> bool {
        step.side == Some(Side::Source)
    }

    /// Judges each thing by its body; what is not there is left to the rules about that.
    pub fn each<'b>(
        &self,
        ids: impl IntoIterator<Item = &'b ResourceId>,
        judge: impl Fn(&ResourceId, &'a Value) -> Option<FindingVerdict>,
    ) -> Vec<Judged> {
        let mut all = Vec::new();
        for id in ids {
            let verdict = match self.facts.resource(id) {
                Fact::Known(body) => judge(id, body),
                Fact::Absent => None,
                Fact::Unknown(why) => Some(FindingVerdict::Unknown(why.to_owned())),
            };
            all.extend(verdict.map(|verdict| about(id, verdict)));
        }
        all
    }
}

/// A verdict, or that it cannot be known and why.
#[must_use]
pub fn known(verdict: Result<FindingVerdict, String>) -> FindingVerdict {
    verdict.unwrap_or_else(FindingVerdict::Unknown)
}

/// Failed with what was found; else passed, where everything that counts was read.
#[must_use]
pub fn found(hit: Option<String>, everything: Result<(), String>) -> FindingVerdict {
    match (hit, everything) {
        (Some(why), _) => FindingVerdict::Failed(why),
        (None, Ok(())) => FindingVerdict::Passed,
        (None, Err(why)) => FindingVerdict::Unknown(why),
    }
}

/// A verdict about a resource, by its name.
#[must_use]
pub fn about(id: &ResourceId, verdict: FindingVerdict) -> Judged {
    let about = match id.parent() {
        Some(parent) => format!("{}/{}", parent.name(), id.name()),
        None => id.name().to_owned(),
    };
    Judged { id: Some(id.clone()), ..Judged::of(about, verdict) }
}

/// Passed, or failed with this.
#[must_use]
pub fn unless(failed: bool, why: impl FnOnce() -> String) -> FindingVerdict {
    if failed { FindingVerdict::Failed(why()) } else { FindingVerdict::Passed }
}
