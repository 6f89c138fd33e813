//! What does `with` say? The values of an action's keys to its desired state.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ipnet::IpNet;
use serde_json::Value;

use super::reader::{Read, Reader};
use super::scope::Scope;
use super::{gates, hubs, network, outside, steering, vpn};
use crate::model::action::{
    Association, Authorization, CircuitBandwidth, CircuitTier, Connection, Dissociation, General,
    JudgedPaths, Peering, PublicIp, Removal, RemovalKind, Subnet, Tier, Verification,
};
use crate::model::azure_limits::{service_subnet_named, wrong_subnet_size};
use crate::model::recovery::{
    FailoverDirection, FailoverKind, RecoveryMove, RecoveryPlan, RecoveryPoint,
};
use crate::model::time::parse_duration;
use crate::model::{Action, IdError, Region, ResourceId, SecretRef, resource_name};
use crate::runbook::grammar::Field;
use crate::runbook::{Code, Diagnostic, Node, Span};

pub(super) const PUBLIC_IPS: &str = "Microsoft.Network/publicIPAddresses";

/// The values of an action, with the places they stand at.
pub(super) struct ActionValues<'a> {
    values: BTreeMap<&'static str, (Read, Span)>,
    node: &'a Node,
    span: Span,
}

/// Reads an action; none when something is wrong, which is said.
pub(super) fn read(
    reader: &mut Reader<'_>,
    name: &str,
    fields: &'static [Field],
    with: &Node,
    scope: &Scope,
) -> Option<Action> {
    let found = reader.fields(with, fields, &format!("`{name}`"))?;
    let mut good = fields.iter().all(|field| !field.required || found.contains_key(field.key));
    let mut values = BTreeMap::new();
    for field in fields {
        let Some((_, node)) = found.get(field.key) else {
            continue;
        };
        match reader.value(node, &field.kind, scope, &format!("`{}`", field.key)) {
            Some(value) => {
                values.insert(field.key, (value, node.span.clone()));
            }
            None => good = false,
        }
    }
    if !good {
        return None;
    }
    let values = ActionValues { values, node: with, span: with.span.clone() };
    match build(reader, name, &values) {
        Ok(action) => Some(action),
        Err(diagnostic) => {
            if let Some(diagnostic) = diagnostic {
                reader.diagnostics.push(diagnostic);
            }
            None
        }
    }
}

pub(super) type Built<T> = Result<T, Option<Diagnostic>>;

impl ActionValues<'_> {
    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        match self.values.get(key) {
            Some((Read::Value(value), _)) if !value.is_null() => Some(value),
            _ => None,
        }
    }

    pub(super) fn span(&self, key: &str) -> Span {
        self.values.get(key).map_or_else(|| self.span.clone(), |(_, span)| span.clone())
    }

    pub(super) fn wrong(
        &self,
        key: &str,
        code: Code,
        message: impl Into<String>,
    ) -> Option<Diagnostic> {
        Some(Diagnostic::error(code, self.span(key), message))
    }

    pub(super) fn text(&self, key: &str) -> Built<&str> {
        self.get(key).and_then(Value::as_str).ok_or(None)
    }

    pub(super) fn flag(&self, key: &str, default: bool) -> bool {
        self.said(key).unwrap_or(default)
    }

    /// A flag, if the author says it.
    pub(super) fn said(&self, key: &str) -> Option<bool> {
        self.get(key).and_then(Value::as_bool)
    }

    /// The secret parameter that is named.
    pub(super) fn secret(&self, key: &str) -> Option<SecretRef> {
        match self.values.get(key) {
            Some((Read::Secret(name), _)) => Some(SecretRef::Param(name.clone())),
            _ => None,
        }
    }

    pub(super) fn id(&self, key: &str) -> Built<ResourceId> {
        self.takable(key, ResourceId::parse(self.text(key)?))
    }

    /// An id, if it is one and Azure takes the name at its end.
    pub(super) fn takable(&self, key: &str, id: Result<ResourceId, IdError>) -> Built<ResourceId> {
        let id = id.map_err(|error| self.wrong(key, Code::BadValue, format!("{error}.")))?;
        match resource_name::wrong(&id) {
            Some(why) => {
                let message = format!("The name `{}` {why}.", id.name());
                Err(self.wrong(key, Code::BadName, message))
            }
            None => Ok(id),
        }
    }

    pub(super) fn region(&self, key: &str) -> Built<Region> {
        Region::parse(self.text(key)?)
            .map_err(|error| self.wrong(key, Code::BadValue, format!("{error}.")))
    }

    pub(super) fn prefixes(&self, key: &str) -> Vec<IpNet> {
        self.get(key)
            .and_then(Value::as_array)
            .map(|list| list.iter().filter_map(|item| item.as_str()?.parse().ok()).collect())
            .unwrap_or_default()
    }

    pub(super) fn duration(&self, key: &str) -> Built<Option<Duration>> {
        self.get(key).and_then(Value::as_str).map(parse_duration).transpose().map_err(|_| None)
    }

    /// A name beside another resource, or an id.
    pub(super) fn beside(
        &self,
        key: &str,
        kind: &str,
        other: Option<&ResourceId>,
    ) -> Built<ResourceId> {
        let text = self.text(key)?;
        if text.starts_with('/') {
            return self.id(key);
        }
        let Some(other) = other else {
            let message = format!("`{key}` is a name, and nothing says in which resource group.");
            let diagnostic = Diagnostic::error(Code::MissingKey, self.span(key), message)
                .with_help("Write the whole id, or add `vnet`.");
            return Err(Some(diagnostic));
        };
        self.takable(key, other.sibling(kind, text))
    }

    /// A circuit of another subscription, and no key to it.
    pub(super) fn keyless(&self) -> Option<Diagnostic> {
        let message =
            "The circuit is in another subscription, so the connection needs an authorization.";
        let help =
            "Add `authorization: ${steps.STEP.id}` or `authorization_key: ${params.SECRET}`.";
        Some(Diagnostic::error(Code::MissingKey, self.node.span.clone(), message).with_help(help))
    }

    pub(super) fn child(&self, parent: &ResourceId, kind: &str) -> Built<ResourceId> {
        self.takable("name", parent.child(kind, self.text("name")?))
    }
}

fn build(reader: &mut Reader<'_>, name: &str, values: &ActionValues<'_>) -> Built<Action> {
    if let Some(action) = hubs::action(name, values)? {
        return Ok(action);
    }
    if let Some(action) = outside::action(reader, name, values)? {
        return Ok(action);
    }
    let vnet = || values.id("vnet").ok();
    Ok(match name {
        "public_ip.ensure" => Action::PublicIp(PublicIp {
            id: values.beside("name", PUBLIC_IPS, vnet().as_ref())?,
            location: values.region("location")?,
            zones: texts(values.get("zones")),
            tags: network::tags(values.get("tags")),
        }),
        "subnet.ensure" => subnet(reader, values)?,
        "gateway.ensure" => network::gateway(values)?,
        "authorization.ensure" => Action::Authorization(Authorization {
            id: values.child(&values.id("circuit")?, "authorizations")?,
        }),
        "connection.ensure" => connection(values)?,
        "peering.ensure" => Action::Peering(Peering {
            id: values.child(&values.id("vnet")?, "virtualNetworkPeerings")?,
            remote: values.id("remote")?,
            allow_access: values.said("allow_access"),
            allow_forwarded_traffic: values.said("allow_forwarded_traffic"),
            allow_gateway_transit: values.said("allow_gateway_transit"),
            use_remote_gateways: values.said("use_remote_gateways"),
        }),
        "route_table.ensure" => network::route_table(values)?,
        "route.ensure" => network::route(values)?,
        "route.absent" => network::no_route(values)?,
        "security_group.associate" => network::security_group(values, true)?,
        "security_group.dissociate" => network::security_group(values, false)?,
        "vnet.dns" => network::dns(values)?,
        "vpn_gateway.ensure" => vpn::gateway(values)?,
        "vpn_connection.ensure" => vpn::connection(values)?,
        "local_network_gateway.ensure" => vpn::local_gateway(values)?,
        "private_dns.record" => steering::record(values)?,
        "traffic_manager.endpoint" => steering::endpoint(values)?,
        "circuit.tier" => Action::Tier(CircuitTier {
            id: values.id("circuit")?,
            at_least: values
                .get("at_least")
                .and_then(Value::as_str)
                .and_then(Tier::parse)
                .ok_or(None)?,
        }),
        "route_table.associate" => Action::Association(Association {
            subnet: values.id("subnet")?,
            route_table: values.id("route_table")?,
        }),
        "route_table.dissociate" => Action::Dissociation(Dissociation {
            subnet: values.id("subnet")?,
            route_table: values.id("route_table")?,
        }),
        "circuit.bandwidth" => Action::Bandwidth(CircuitBandwidth {
            id: values.id("circuit")?,
            mbps_min: u32::try_from(values.get("mbps_min").and_then(Value::as_u64).unwrap_or(0))
                .map_err(|_| None)?,
        }),
        name if name.starts_with("recovery_plan.") => Action::RecoveryPlan(RecoveryPlan {
            id: values.id("plan")?,
            to: recovery(name, values)?,
        }),
        "approval" => Action::General(General::Approval(gates::gate(reader, values)?)),
        "manual" => Action::General(General::Manual(gates::gate(reader, values)?)),
        "decision" => Action::General(General::Decision(gates::decision(reader, values)?)),
        "wait" => Action::General(General::Wait {
            duration: values.duration("duration")?.unwrap_or_default(),
        }),
        _ => match RemovalKind::ALL.into_iter().find(|kind| kind.action() == name) {
            Some(kind) => removal(kind, values)?,
            None => Action::Verify(verification(name, values)?),
        },
    })
}

fn recovery(name: &str, values: &ActionValues<'_>) -> Built<RecoveryMove> {
    let direction = match values.text("direction") {
        Ok("recovery_to_primary") => FailoverDirection::RecoveryToPrimary,
        _ => FailoverDirection::PrimaryToRecovery,
    };
    let recovery_point = match values.text("recovery_point") {
        Ok("latest") => RecoveryPoint::Latest,
        Ok("latest_application_consistent") => RecoveryPoint::LatestApplicationConsistent,
        Ok("latest_crash_consistent") => RecoveryPoint::LatestCrashConsistent,
        _ => RecoveryPoint::LatestProcessed,
    };
    Ok(match name {
        "recovery_plan.failover" => {
            let kind = match values.text("kind") {
                Ok("planned") => FailoverKind::Planned,
                Ok("shut_down_first") => FailoverKind::ShutDownFirst,
                _ => FailoverKind::Unplanned,
            };
            RecoveryMove::Failover { kind, direction, recovery_point }
        }
        "recovery_plan.test_failover" => {
            RecoveryMove::TestFailover { network: values.id("network")?, direction, recovery_point }
        }
        "recovery_plan.test_cleanup" => RecoveryMove::TestCleanup,
        "recovery_plan.reprotect" => RecoveryMove::Reprotect,
        _ => RecoveryMove::Commit,
    })
}

fn removal(kind: RemovalKind, values: &ActionValues<'_>) -> Built<Action> {
    let gateway = values.get("gateway").map(|_| values.id("gateway")).transpose()?;
    let remote = values.get("remote").map(|_| values.id("remote")).transpose()?;
    let authorization = if kind == RemovalKind::VpnConnection {
        Some(vpn::shared_key(values)?)
    } else {
        key_source(values, None)?
    };
    Ok(Action::Remove(Removal { kind, id: values.id("id")?, authorization, gateway, remote }))
}

/// Where an authorization key comes from: a secret parameter, or an authorization whose key is read.
///
/// # Errors
/// Both are given, or the authorization is of another circuit than the one that is connected.
pub(super) fn key_source(
    values: &ActionValues<'_>,
    circuit: Option<&ResourceId>,
) -> Built<Option<SecretRef>> {
    let by_param = values.secret("authorization_key");
    let by_resource = match values.get("authorization") {
        Some(_) => {
            let id = values.id("authorization")?;
            if let Some(circuit) = circuit.filter(|circuit| circuit.root() != id.root()) {
                let message = format!(
                    "The authorization is of {}, and the circuit is {}: its key opens no other.",
                    id.root().name(),
                    circuit.root().name()
                );
                return Err(values.wrong("authorization", Code::BadValue, message));
            }
            Some(SecretRef::Resource { id, pointer: "/properties/authorizationKey".to_owned() })
        }
        None => None,
    };
    if by_param.is_some() && by_resource.is_some() {
        let message = "Only one of `authorization` and `authorization_key` may be given.";
        return Err(values.wrong("authorization_key", Code::UnknownKey, message));
    }
    Ok(by_param.or(by_resource))
}

fn subnet(reader: &mut Reader<'_>, values: &ActionValues<'_>) -> Built<Action> {
    let prefixes = values.prefixes("prefix");
    let id = values.child(&values.id("vnet")?, "subnets")?;
    // Azure asks for /27 or larger, since features to come need the addresses (azure-facts 2.4).
    if id.name().eq_ignore_ascii_case("GatewaySubnet") {
        if id.name() != "GatewaySubnet" {
            let message =
                format!("The subnet of a gateway is named `GatewaySubnet`, not `{}`.", id.name());
            return Err(values.wrong("name", Code::GatewaySubnet, message));
        }
        let small = |prefix: &&IpNet| matches!(prefix, IpNet::V4(v4) if v4.prefix_len() > 27);
        if let Some(prefix) = prefixes.iter().find(small) {
            let message =
                format!("{prefix} is small for a GatewaySubnet; Azure recommends /27 or larger.");
            let span = values.span("prefix");
            reader.diagnostics.push(Diagnostic::warning(Code::GatewaySubnet, span, message));
        }
    }
    if let Some(message) = small_for_its_service(id.name(), &prefixes) {
        let span = values.span("prefix");
        reader.diagnostics.push(Diagnostic::warning(Code::ServiceSubnet, span, message));
    }
    let mut seen = BTreeSet::new();
    if prefixes.is_empty() || !prefixes.iter().all(|prefix| seen.insert(*prefix)) {
        let message = "A subnet has at least one prefix, and each once.";
        return Err(values.wrong("prefix", Code::BadValue, message));
    }
    let wrong = |prefix: &IpNet| wrong_subnet_size(prefix).map(|why| format!("{prefix} {why}."));
    if let Some(message) = prefixes.iter().find_map(wrong) {
        return Err(values.wrong("prefix", Code::SubnetSize, message));
    }
    Ok(Action::Subnet(Subnet { id, prefixes }))
}

/// Azure makes such a subnet, and refuses the service in it.
fn small_for_its_service(name: &str, prefixes: &[IpNet]) -> Option<String> {
    let own = service_subnet_named(name)?;
    let v4 = prefixes.iter().filter(|prefix| prefix.addr().is_ipv4());
    let widest = v4.min_by_key(|prefix| prefix.prefix_len())?;
    let (name, service) = (own.name, own.service);
    if widest.prefix_len() > own.longest {
        return Some(format!(
            "{widest} is too small for {name}: {service} needs /{} or larger.",
            own.longest
        ));
    }
    (widest.prefix_len() > own.recommended).then(|| {
        format!("{widest} is small for {name}; Azure recommends /{} or larger.", own.recommended)
    })
}

fn connection(values: &ActionValues<'_>) -> Built<Action> {
    let gateway = values.id("gateway")?;
    let id = values.beside("name", "Microsoft.Network/connections", Some(&gateway))?;
    let circuit = values.id("circuit")?;
    let authorization = key_source(values, Some(&circuit))?;
    if authorization.is_none() && circuit.subscription() != id.subscription() {
        return Err(values.keyless());
    }
    let weight = values.get("routing_weight").and_then(Value::as_u64);
    let (fast_path, private_link_fast_path) =
        (values.said("fast_path"), values.said("private_link_fast_path"));
    if private_link_fast_path == Some(true) && fast_path == Some(false) {
        let message = "FastPath to private endpoints needs FastPath itself: `fast_path: true`.";
        return Err(values.wrong("private_link_fast_path", Code::BadValue, message));
    }
    Ok(Action::Connection(Connection {
        id,
        location: values.region("location")?,
        gateway,
        circuit,
        authorization,
        routing_weight: weight.map(u16::try_from).transpose().map_err(|_| None)?,
        fast_path,
        private_link_fast_path,
        tags: network::tags(values.get("tags")),
    }))
}

fn verification(name: &str, values: &ActionValues<'_>) -> Built<Verification> {
    Ok(match name {
        "verify.circuit" => Verification::Circuit { circuit: values.id("circuit")? },
        "verify.connection" => Verification::Connection { connection: values.id("connection")? },
        "verify.tunnel" => Verification::Tunnel { connection: values.id("connection")? },
        "verify.routes" => Verification::Routes {
            gateway: values.id("gateway")?,
            expect: values.prefixes("expect"),
        },
        "verify.advertised" => Verification::Advertised {
            gateway: values.id("gateway")?,
            expect: values.prefixes("expect"),
        },
        "verify.bgp" => {
            let peers = values.get("peers_min").and_then(Value::as_u64).unwrap_or(2);
            Verification::Bgp {
                gateway: values.id("gateway")?,
                peers_min: u32::try_from(peers).map_err(|_| None)?,
            }
        }
        "verify.arp" => Verification::Arp { circuit: values.id("circuit")? },
        "verify.microsoft_peering" => {
            Verification::MicrosoftPeering { circuit: values.id("circuit")? }
        }
        "verify.hub_routes" => hubs::verification(values)?,
        "verify.absent" => Verification::Absent { resource: values.id("resource")? },
        "verify.circuit_routes" => Verification::CircuitRoutes {
            circuit: values.id("circuit")?,
            expect: values.prefixes("expect"),
            absent: values.prefixes("absent"),
            paths: match values.text("paths") {
                Ok("any") => JudgedPaths::Any,
                _ => JudgedPaths::Both,
            },
        },
        // The grammar lists the actions, and this function is asked for those alone.
        _ => {
            return Err(values.wrong(
                "",
                Code::UnknownAction,
                format!("There is no action `{name}`."),
            ));
        }
    })
}

pub(super) fn texts(value: Option<&Value>) -> Vec<String> {
    value
        .and_then(Value::as_array)
        .map(|list| list.iter().filter_map(Value::as_str).map(str::to_owned).collect())
        .unwrap_or_default()
}
