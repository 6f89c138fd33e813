//! How is a step said in words? What it changes, who answers, what its failure means.

use std::time::Duration;

use crate::arm::kind;
use crate::model::action::{General, NextHop, RemovalKind, Tags};
use crate::model::recovery::{FailoverKind, RecoveryMove, RecoveryPlan};
use crate::model::{
    Action, ActionClass, DecisionPolicy, Gate, GatePolicy, OnExpiry, OnFailure, ResourceId,
    ResourceType, RetryPolicy, SagaClass, Step,
};

/// A duration as people write it: `1h 05m`, `23m 10s`, `8s`.
pub(super) fn time(duration: Duration) -> String {
    let seconds = duration.as_secs_f64().round() as u64;
    let (hours, minutes, rest) = (seconds / 3_600, seconds % 3_600 / 60, seconds % 60);
    match (hours, minutes, rest) {
        (0, 0, s) => format!("{s} s"),
        (0, m, 0) => format!("{m} min"),
        (0, m, s) if m < 10 => format!("{m} min {s:02} s"),
        (0, m, s) => format!("{} min", m + u64::from(s >= 30)),
        (h, 0, 0) => format!("{h} h"),
        (h, m, _) => format!("{h} h {m:02} min"),
    }
}

pub(super) fn seconds(value: f64) -> Duration {
    Duration::from_secs_f64(value.max(0.0))
}

/// `change`, `removal`, `look`, `gate`, `decision`, `manual` or `wait`.
pub(super) fn kind(action: &Action) -> &'static str {
    match action.nature().class {
        ActionClass::Make | ActionClass::Change | ActionClass::Call => "change",
        ActionClass::Release | ActionClass::Remove => "removal",
        ActionClass::Look => "look",
        ActionClass::Wait => "wait",
        ActionClass::Ask => match action.gate() {
            Some(Gate::Decision(_)) => "decision",
            Some(Gate::Manual(_)) => "manual",
            Some(Gate::Approval(_)) | None => "gate",
        },
    }
}

/// `make`, `change` or `remove`; nothing of an action that writes nothing.
pub(super) fn written(action: &Action) -> Option<&'static str> {
    match action.nature().class {
        ActionClass::Make => Some("make"),
        ActionClass::Change | ActionClass::Release => Some("change"),
        ActionClass::Remove => Some("remove"),
        ActionClass::Call | ActionClass::Look | ActionClass::Ask | ActionClass::Wait => None,
    }
}

/// A resource type in words.
pub(super) fn type_words(of: &ResourceType) -> String {
    kind::word(of).unwrap_or_else(|| of.as_str()).to_owned()
}

/// A resource by its kind and name, with what it belongs to.
pub(super) fn named(id: &ResourceId) -> String {
    let own = format!("{} `{}`", type_words(&id.resource_type()), id.name());
    match id.parent() {
        Some(parent) => format!("{own} of `{}`", parent.name()),
        None => own,
    }
}

fn flag(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

/// The flags that the author says: `: a on, b off`.
pub(super) fn flags(all: &[(&str, Option<bool>)]) -> String {
    let said: Vec<String> = all
        .iter()
        .filter_map(|(word, said)| said.map(|on| format!("{word} {}", flag(on))))
        .collect();
    if said.is_empty() { String::new() } else { format!(": {}", said.join(", ")) }
}

/// The tags that a resource gets, in brackets.
pub(super) fn tagged(tags: &Tags) -> String {
    match tags.len() {
        0 => String::new(),
        1 => " (one tag)".to_owned(),
        n => format!(" ({n} tags)"),
    }
}

/// Where a route sends what it matches.
fn over(hop: &NextHop) -> String {
    match hop {
        NextHop::Appliance(address) => format!("over the appliance {address}"),
        NextHop::Firewall(id) => format!("over the {}", named(id)),
        NextHop::VnetLocal => "stays in the network".to_owned(),
        NextHop::Internet => "to the Internet".to_owned(),
        NextHop::None => "is dropped".to_owned(),
    }
}

/// What a step changes, as a sentence of prose.
pub(super) fn changes(action: &Action) -> String {
    match action {
        Action::PublicIp(spec) => format!(
            "Makes the static public IP address `{}` in {}{}{}.",
            spec.id.name(),
            spec.location.as_str(),
            match spec.zones.as_slice() {
                [] => String::new(),
                zones => format!(", zones {}", zones.join(", ")),
            },
            tagged(&spec.tags)
        ),
        Action::Subnet(spec) => format!(
            "Makes the {}: {}.",
            named(&spec.id),
            spec.prefixes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        ),
        Action::Gateway(spec) => format!(
            "Makes the ExpressRoute gateway `{}`, SKU {}{}, in {}; it stands in the {}{}{}.",
            spec.id.name(),
            spec.sku,
            spec.autoscale
                .map_or_else(String::new, |own| format!(" of {} to {} units", own.min, own.max)),
            spec.location.as_str(),
            named(&spec.subnet),
            flags(&[
                ("remote virtual networks", spec.allow_remote_vnet_traffic),
                ("virtual WANs", spec.allow_virtual_wan_traffic),
            ]),
            tagged(&spec.tags)
        ),
        Action::Authorization(spec) => format!(
            "Makes the {}. Its key lets one connection from another subscription use the circuit.",
            named(&spec.id)
        ),
        Action::Connection(spec) => format!(
            "Connects the gateway `{}` to the circuit `{}` as `{}`{}{}{}. From here on on-premises hears \
             the networks behind this gateway.",
            spec.gateway.name(),
            spec.circuit.name(),
            spec.id.name(),
            spec.routing_weight
                .map_or_else(String::new, |weight| format!(", with weight {weight}")),
            flags(&[
                ("FastPath", spec.fast_path),
                ("FastPath to private endpoints", spec.private_link_fast_path),
            ]),
            tagged(&spec.tags)
        ),
        Action::Peering(spec) => format!(
            "Peers `{}` with `{}`{}. Where the other network has grown, this side learns its addresses.",
            spec.id.parent().map(|p| p.name().to_owned()).unwrap_or_default(),
            spec.remote.name(),
            flags(&[
                ("access", spec.allow_access),
                ("forwarded traffic", spec.allow_forwarded_traffic),
                ("gateway transit", spec.allow_gateway_transit),
                ("remote gateways", spec.use_remote_gateways),
            ])
        ),
        Action::RouteTable(spec) => format!(
            "Makes the {} with exactly {}{}{}. A route that is not one of them is removed.",
            named(&spec.id),
            match spec.routes.len() {
                1 => "one route".to_owned(),
                n => format!("{n} routes"),
            },
            match spec.propagate_gateway_routes {
                Some(true) => "; routes of the gateway reach subnets that use it",
                Some(false) => "; routes of the gateway do not reach subnets that use it",
                None => "",
            },
            tagged(&spec.tags)
        ),
        Action::Route(spec) => {
            format!("Makes the {}: {} {}.", named(&spec.id), spec.prefix, over(&spec.next_hop))
        }
        Action::SecurityGroup(spec) if spec.used => {
            format!("The {} uses the {}.", named(&spec.subnet), named(&spec.security_group))
        }
        Action::SecurityGroup(spec) => {
            format!("The {} uses the {} no more.", named(&spec.subnet), named(&spec.security_group))
        }
        Action::Dns(spec) => format!(
            "Machines of the {} ask {}, from their next lease or start on.",
            named(&spec.id),
            match spec.servers.as_slice() {
                [] => "Azure's own DNS".to_owned(),
                servers => format!(
                    "the DNS servers {}",
                    servers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
                ),
            }
        ),
        Action::Tier(spec) => format!(
            "Raises the {} to the tier {} at least, for what it reaches. It costs more from then on.",
            named(&spec.id),
            spec.at_least.as_str()
        ),
        Action::Association(spec) => {
            format!("The {} uses the {}.", named(&spec.subnet), named(&spec.route_table))
        }
        Action::Bandwidth(spec) => format!(
            "Raises the {} to {} Mbit/s, if it has less than {}. Azure lowers no bandwidth afterwards.",
            named(&spec.id),
            spec.bought().unwrap_or(spec.mbps_min),
            spec.mbps_min
        ),
        Action::Dissociation(spec) => {
            format!("The {} uses the {} no more.", named(&spec.subnet), named(&spec.route_table))
        }
        Action::Vpn(own) => super::last_path::vpn(own),
        Action::Steering(own) => super::last_path::steering(own),
        Action::Remove(spec) => format!(
            "Removes the {}.{}",
            named(&spec.id),
            if matches!(spec.kind, RemovalKind::Connection | RemovalKind::HubConnection) {
                " From here on nothing reaches the networks behind its gateway over this circuit."
            } else {
                ""
            }
        ),
        Action::RecoveryPlan(spec) => recovery(spec),
        Action::Hub(hub) => super::hubs::changes(hub),
        Action::Verify(verification) => {
            format!("Changes nothing: it looks at the {}.", named(verification.subject()))
        }
        Action::Outside(own) => super::outside::changes(own),
        Action::General(General::Wait { .. }) => "Changes nothing: time passes.".to_owned(),
        Action::General(General::Manual(_)) => {
            "A person changes something that is not in this runbook's hands.".to_owned()
        }
        Action::General(General::Approval(_) | General::Decision(_)) => {
            "Changes nothing: a person answers.".to_owned()
        }
    }
}

fn recovery(spec: &RecoveryPlan) -> String {
    let plan = named(&spec.id);
    match &spec.to {
        RecoveryMove::Failover { kind: FailoverKind::Unplanned, .. } => format!(
            "Fails the machines of the {plan} over; nothing is asked of the side they leave. It is not \
             final before it is committed."
        ),
        RecoveryMove::Failover { kind: FailoverKind::ShutDownFirst, .. } => format!(
            "Shuts the machines of the {plan} down where they are, if they can be, and starts them at the \
             other side. It is not final before it is committed."
        ),
        RecoveryMove::Failover { kind: FailoverKind::Planned, .. } => format!(
            "Shuts the machines of the {plan} down in order and starts them at the other side. It is not \
             final before it is committed."
        ),
        RecoveryMove::Commit => format!(
            "Makes the failover of the {plan} final: its recovery points are deleted, and the machines run \
             unprotected until they are protected anew."
        ),
        RecoveryMove::Reprotect => {
            format!("Protects the machines of the {plan} again, towards the side they came from.")
        }
        RecoveryMove::TestFailover { network, .. } => format!(
            "Starts copies of the machines of the {plan} in the {}. Production is not touched.",
            named(network)
        ),
        RecoveryMove::TestCleanup => {
            format!("Deletes the copies that a test failover of the {plan} made.")
        }
    }
}

/// Who may answer a gate.
pub(super) fn who(gate: &GatePolicy) -> String {
    let count = match gate.approvals {
        0 | 1 => String::new(),
        n => format!("{n} different people: "),
    };
    let role = match &gate.role {
        Some(role) => format!("whoever has the role `{role}`"),
        None => "anybody who has the runbook in hand".to_owned(),
    };
    let starter = if gate.not_by_starter { ", but not who started the run" } else { "" };
    let text = format!("{count}{role}{starter}.");
    let mut letters = text.chars();
    letters.next().map_or(text.clone(), |first| first.to_uppercase().chain(letters).collect())
}

/// What no answer counts as.
pub(super) fn silence(gate: &GatePolicy, otherwise: Option<&DecisionPolicy>) -> String {
    let Some(after) = gate.expires_after else {
        return "It stays open until somebody answers.".to_owned();
    };
    let after = time(after);
    match otherwise {
        Some(DecisionPolicy { otherwise: Some(way), .. }) => {
            format!("After {after} without an answer, `{way}` counts as chosen.")
        }
        Some(_) => format!("After {after} without an answer the step fails."),
        None => match gate.on_expiry {
            OnExpiry::Decline => format!("After {after} without an answer it counts as a no."),
            OnExpiry::Approve => format!("After {after} without an answer it counts as a YES."),
        },
    }
}

pub(super) fn retry(policy: &RetryPolicy) -> String {
    match policy.attempts {
        0 | 1 => "It is tried once.".to_owned(),
        n => format!(
            "Up to {n} attempts; {} before the second, twice as long before each further one, {} at most. \
             Where Azure names a time, that is kept.",
            time(policy.delay),
            time(policy.delay_max)
        ),
    }
}

pub(super) fn on_failure(step: &Step) -> String {
    match step.on_failure {
        OnFailure::Stop => {
            "The run stops: nothing new starts, what runs is finished, nothing is undone."
        }
        OnFailure::Continue => "The run goes on without it.",
        OnFailure::Ask => "A person is asked: try again, go on without it, undo, or stop.",
        OnFailure::Undo => {
            "Everything done so far is put back, in reverse order. Past a point of no return the run stops \
             instead."
        }
    }
    .to_owned()
}

/// How a step is taken back by the executor.
pub(super) fn undo(step: &Step) -> String {
    if matches!(step.action, Action::Verify(_)) {
        return "Only a look: there is nothing to take back.".to_owned();
    }
    if let Action::Outside(own) = &step.action
        && (own.only_reads() || !own.has_undo() || step.saga == SagaClass::Undoable)
    {
        return super::outside::undo(own);
    }
    if matches!(step.action, Action::General(_)) {
        return "Nothing of Azure's is changed by it; an undo leaves it as it is.".to_owned();
    }
    match (step.saga, &step.action) {
        (SagaClass::Retriable, _) => {
            "An undo leaves it in place; it is only ever done again.".to_owned()
        }
        (_, Action::Bandwidth(_)) => {
            "It cannot be taken back: Azure lowers no bandwidth.".to_owned()
        }
        (SagaClass::Pivot, Action::RecoveryPlan(_)) => {
            "Past this point nothing is undone without a person; only a failback leads back.".to_owned()
        }
        (SagaClass::Undoable, Action::RecoveryPlan(_)) => {
            "Site Recovery is asked to take it back, while it still can.".to_owned()
        }
        (SagaClass::Pivot, Action::Remove(_)) => {
            "Past this point nothing is undone without a person; it would be made again as it was seen."
                .to_owned()
        }
        (SagaClass::Pivot, _) => {
            "Past this point nothing is undone without a person; then it would be taken back too."
                .to_owned()
        }
        (SagaClass::Undoable, Action::Remove(_)) => {
            "It is made again as it was seen before; secrets are read anew.".to_owned()
        }
        (SagaClass::Undoable, _) => {
            "What it made is removed; what was there before is written again as it was.".to_owned()
        }
    }
}
