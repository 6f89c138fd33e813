//! Is what the runbook removes free by then? What stands by then and uses it keeps it, whatever the runbook says.

use serde_json::Value;

use super::gateway_subnet::is_gateway_subnet;
use crate::arm::read::list;
use crate::arm::{PeeringView, SubnetView, kind};
use crate::model::action::{General, HubAction, HubRoutes, Removal, RemovalKind, Vpn};
use crate::model::hub::{DEFAULT_TABLE, HUB_TABLES, NO_TABLE};
use crate::model::{Action, ActionClass, ResourceId, SagaClass, Step};
use crate::preflight::inquiry::{Inquiry, about, id_at, known, peerings_of, text, unless};
use crate::preflight::rule::{FindingSeverity, FindingVerdict, Judged, Rule};

/// The rules about removals.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "RES-IN-USE",
        severity: FindingSeverity::Block,
        fails_when: "A public address, a subnet, a local network gateway, or a hub's table or connection is removed while \
                     something uses it that no step before removes.",
        reads: "the address: ipConfiguration, natGateway; the subnet: ipConfigurations, privateEndpoints, \
                serviceAssociationLinks; the connections of the local network gateway; the hub's tables and connections",
        why: "Azure removes nothing that is in use (PublicIPAddressCannotBeDeleted, InUseSubnetCannotBeDeleted; what it says \
              of the others is not recorded): the step fails, late in the run.",
        fix: "Remove what uses it in a step that this one needs; or leave the removal out.",
        source: "A-ERR; docs/wire.md 3; azurerm 2566, 4784",
        judge: in_use,
    },
    Rule {
        id: "VP-HALF",
        severity: FindingSeverity::Warn,
        fails_when: "A step removes one side of a peering, and the other side stays when the run has ended.",
        reads: "both sides of the peering, as the steps before find them and as the run leaves them",
        why: "What stays is Disconnected: it carries nothing, and Azure makes no new side beside it. An undo of the step is \
              refused (RemotePeeringIsDisconnected), and so is the next run that makes the peering.",
        fix: "Remove the other side too (peering.remove); or leave both and take the flags off (peering.ensure), if the \
              networks shall stay peered.",
        source: "N-PEER; azurerm 14051",
        judge: half,
    },
];

/// The sides that are removed while their other sides stay.
fn half(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let end = inquiry.at_end();
    let mut all = Vec::new();
    for (step, spec) in inquiry.removals(RemovalKind::Peering) {
        let then = inquiry.at(step);
        let Ok(Some(body)) = then.read(&spec.id) else { continue };
        let sides = spec.id.parent().zip(PeeringView::of(body).remote());
        // A side that is made again in the run has another side by then, or another rule says why not.
        let Some((vnet, remote)) = sides.filter(|_| end.facts.body(&spec.id).is_none()) else {
            continue;
        };
        let verdict = then.read(&remote).map(|before| {
            let of = |network: Option<&'_ Value>| {
                let side =
                    peerings_of(network).iter().find(|own| PeeringView::of(own).leads_to(&vnet));
                side.map(|own| (text(own, "/name").unwrap_or("a side").to_owned(), is_dead(own)))
            };
            let was_dead = of(before).is_some_and(|(_, dead)| dead);
            let stays = of(end.facts.body(&remote)).filter(|_| !was_dead);
            unless(stays.is_some(), || {
                let undo = match step.saga {
                    SagaClass::Undoable => ", and an undo of the step is refused",
                    SagaClass::Pivot | SagaClass::Retriable => "",
                };
                let (side, _) = stays.unwrap_or_default();
                let (step, remote) = (&step.name, remote.name());
                format!(
                    "step `{step}` removes it, and {side} of {remote} stays, Disconnected{undo}"
                )
            })
        });
        all.push(about(&spec.id, known(verdict)));
    }
    all
}

/// Whether a side of a peering has lost its other side.
fn is_dead(side: &Value) -> bool {
    PeeringView::of(side).is_in("Disconnected")
}

/// What stands in the way of a removal.
enum Hindrance {
    /// This uses it.
    Used(ResourceId),
    /// It is Azure's own.
    Own,
}

fn in_use(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let removed = inquiry.actions(|action| match action {
        Action::Remove(spec) => Some(spec),
        _ => None,
    });
    let mut judged = Vec::new();
    for (step, spec) in removed {
        let verdict = match inquiry.at(step).read(&spec.id) {
            Err(why) => FindingVerdict::Unknown(why),
            Ok(None) => continue,
            Ok(Some(body)) => match hindrance(inquiry, step, spec, body) {
                None => continue,
                Some(Ok(None)) => FindingVerdict::Passed,
                Some(Ok(Some(Hindrance::Own))) => {
                    FindingVerdict::Failed("it is Azure's own, and stays".to_owned())
                }
                Some(Ok(Some(Hindrance::Used(user)))) if may_go(inquiry, step, &user) => {
                    FindingVerdict::Unknown(format!(
                        "{} uses it now; whether a step before takes that away is not known",
                        user.name()
                    ))
                }
                Some(Ok(Some(Hindrance::Used(user)))) => {
                    FindingVerdict::Failed(format!("{} uses it by then", named(&user)))
                }
                Some(Err(why)) => FindingVerdict::Unknown(why),
            },
        };
        judged.push(about(&spec.id, verdict));
    }
    judged
}

/// What stands in the way of one; nothing of kinds that other rules are about.
fn hindrance(
    inquiry: &Inquiry<'_>,
    step: &Step,
    spec: &Removal,
    body: &Value,
) -> Option<Result<Option<Hindrance>, String>> {
    let stays = |user: &ResourceId| !gone_before(inquiry, user, step);
    let used = match spec.kind {
        RemovalKind::PublicIp => Ok(with_address(inquiry, step, &spec.id, body)),
        RemovalKind::Subnet if !is_gateway_subnet(&spec.id) => {
            Ok(in_subnet(body).into_iter().find(stays))
        }
        RemovalKind::LocalGateway => connected(inquiry, step, &spec.id),
        RemovalKind::HubRoutes => {
            if [DEFAULT_TABLE, NO_TABLE].iter().any(|own| spec.id.name().eq_ignore_ascii_case(own))
            {
                return Some(Ok(Some(Hindrance::Own)));
            }
            let lists = ["/properties/associatedConnections", "/properties/propagatingConnections"];
            let users = lists.iter().flat_map(|key| list(body, key)).filter_map(Value::as_str);
            // One that a step before writes may follow and fill other tables by then.
            let users = users.filter_map(|user| ResourceId::parse(user).ok());
            Ok(users.filter(|user| !inquiry.written_before(user, step)).find(stays))
        }
        RemovalKind::HubVnet => Ok(led_to(inquiry, step, &spec.id)),
        _ => return None,
    };
    Some(used.map(|used| used.map(Hindrance::Used)))
}

/// Who has an address by then: who has it now, or a gateway that a step before makes with it.
fn with_address(
    inquiry: &Inquiry<'_>,
    step: &Step,
    address: &ResourceId,
    body: &Value,
) -> Option<ResourceId> {
    let has = id_at(body, "/properties/ipConfiguration/id").and_then(|own| own.parent());
    let now = has.or_else(|| id_at(body, "/properties/natGateway/id"));
    let mut made = inquiry.plan.steps_to_run().filter_map(|other| match &other.action {
        Action::Gateway(spec) if spec.public_ip.as_ref() == Some(address) => Some(&spec.id),
        Action::Vpn(Vpn::Gateway(spec)) if spec.public_ips.contains(address) => Some(&spec.id),
        _ => None,
    });
    let made = made.find(|id| inquiry.written_before(id, step)).cloned();
    now.into_iter().chain(made).find(|user| !gone_before(inquiry, user, step))
}

/// What stands in a subnet, or is linked to it.
fn in_subnet(body: &Value) -> Vec<ResourceId> {
    let linked = ["/properties/privateEndpoints", "/properties/serviceAssociationLinks"];
    let linked = linked.iter().flat_map(|key| list(body, key)).filter_map(|own| id_at(own, "/id"));
    SubnetView::of(body).standing().chain(linked).collect()
}

/// The connection that leads to a local network gateway by then.
fn connected(
    inquiry: &Inquiry<'_>,
    step: &Step,
    device: &ResourceId,
) -> Result<Option<ResourceId>, String> {
    let then = inquiry.at(step);
    let leads =
        |body: &Value| id_at(body, "/properties/localNetworkGateway2/id").as_ref() == Some(device);
    let user = then.facts.bodies(kind::CONNECTIONS).find(|(_, body)| leads(body));
    match user {
        Some((id, _)) => Ok(Some(id.clone())),
        None => then.every_link().map(|()| None),
    }
}

/// The table of a hub that has a static route to a connection, and is not written before.
fn led_to(inquiry: &Inquiry<'_>, step: &Step, connection: &ResourceId) -> Option<ResourceId> {
    let hub = connection.parent()?;
    let tables = inquiry.facts.children(&hub, HUB_TABLES).unwrap_or_default();
    let leads = |table: &&Value| {
        let mut routes = list(table, "/properties/routes").iter();
        routes.any(|own| id_at(own, "/nextHop").as_ref() == Some(connection))
    };
    let mut tables = tables.into_iter().filter(leads).filter_map(|table| id_at(table, "/id"));
    tables
        .find(|table| !inquiry.written_before(table, step))
        .or_else(|| led_to_by_step(inquiry, step, connection))
}

/// The table to which steps before give a static route to a connection, where all that write it before do and none removes it.
fn led_to_by_step(
    inquiry: &Inquiry<'_>,
    step: &Step,
    connection: &ResourceId,
) -> Option<ResourceId> {
    let then = inquiry.at(step);
    let tables = inquiry.hub_actions().into_iter().filter_map(|(writer, action)| match action {
        HubAction::Routes(spec) if then.is_done(writer) => Some(spec),
        _ => None,
    });
    let tables: Vec<&HubRoutes> = tables.collect();
    let leads = |table: &HubRoutes| table.routes.iter().any(|own| own.next_hop == *connection);
    let led = tables.iter().find(|own| leads(own) && !gone_before(inquiry, &own.id, step))?;
    tables.iter().filter(|own| own.id == led.id).all(|own| leads(own)).then(|| led.id.clone())
}

/// Whether a step before removes a resource, or what it is in.
fn gone_before(inquiry: &Inquiry<'_>, id: &ResourceId, step: &Step) -> bool {
    std::iter::successors(Some(id.clone()), ResourceId::parent)
        .any(|id| inquiry.removed_before(&id, step))
}

/// Whether something before may take a thing away that no action of the language removes: Site Recovery a machine's card,
/// a program or a person anything.
fn may_go(inquiry: &Inquiry<'_>, step: &Step, user: &ResourceId) -> bool {
    let takes = |action: &Action| match action {
        Action::RecoveryPlan(_) => user.is_a(kind::INTERFACES),
        Action::General(General::Manual(_)) => true,
        other => other.nature().class == ActionClass::Call,
    };
    inquiry.any_before(step, takes)
}

fn named(id: &ResourceId) -> String {
    match id.parent() {
        Some(parent) => format!("{}/{}", parent.name(), id.name()),
        None => id.name().to_owned(),
    }
}
