//! Does the service that a subnet is for let it be given this table or this security group?

use serde_json::Value;

use super::subnets::{SubnetUse, uses};
use crate::arm::kind::ROUTE_TABLES;
use crate::arm::{RouteTableView, SecurityRuleView, SubnetView, TrafficDirection, security_rules};
use crate::preflight::inquiry::{Inquiry, about, is, list, subnet_named, text, unless};
use crate::preflight::rule::{FindingSeverity, FindingVerdict, Judged, Rule};

/// The rules about subnets of services.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "SUB-RESERVED",
        severity: FindingSeverity::Block,
        fails_when: "AzureBastionSubnet is given a route table, AzureFirewallSubnet a security group, or \
                     RouteServerSubnet either.",
        reads: "the subnet's name",
        why: "Azure refuses it (RouteTableCannotBeAttachedForAzureBastionSubnet): what these services need would \
              not get through.",
        fix: "Leave that subnet out.",
        source: "azure-docs 40561; Azure-Landing-Zones 1679; route server FAQ; Azure Firewall FAQ",
        judge: reserved,
    },
    Rule {
        id: "SUB-FIREWALL",
        severity: FindingSeverity::Block,
        fails_when: "AzureFirewallSubnet is given a route table that does not send 0.0.0.0/0 to the Internet.",
        reads: "the route table, as the steps before leave it",
        why: "Azure refuses it (AzureFirewallSubnetRouteTableMustHaveDefaultRouteToInternet).",
        fix: "Write the route 0.0.0.0/0 with the next hop Internet into the table before it is given, or leave the subnet \
              out: what the firewall sends on follows its own rules.",
        source: "terraform-azurerm-caf 868; azurerm 4834",
        judge: |inquiry| each(inquiry, firewall),
    },
    Rule {
        id: "SUB-GROUP",
        severity: FindingSeverity::Block,
        fails_when: "The subnet of Azure Bastion or of an application gateway is given a security group that keeps out what \
                     the service itself must hear.",
        reads: "the subnet's name and what stands in it; the security group's rules",
        why: "Azure refuses it (NetworkSecurityGroupNotCompliantForAzureBastionSubnet, \
              ApplicationGatewaySubnetInboundTrafficBlockedByNetworkSecurityGroup).",
        fix: "Let port 443 in for Bastion, ports 65200-65535 from GatewayManager for an application gateway of version 2; \
              or leave the subnet out.",
        source: "Bastion, work with NSGs; Application Gateway infrastructure configuration",
        judge: |inquiry| each(inquiry, group),
    },
    Rule {
        id: "SUB-INTENT",
        severity: FindingSeverity::Block,
        fails_when: "A subnet of SQL Managed Instance is given a route table without the routes that the service has put into \
                     its own.",
        reads: "the subnet's delegations and route table; both tables' routes",
        why: "Azure refuses it: it conflicts with the service's network intent policy.",
        fix: "Leave the subnet out, or write the failover's routes into the table that it has (route.ensure).",
        source: "azure-docs 70318",
        judge: |inquiry| each(inquiry, intent),
    },
];

/// Judges what subnets are given, each as its step finds it; none where there is nothing to say of such a subnet.
fn each(
    inquiry: &Inquiry<'_>,
    judge: impl Fn(&Inquiry<'_>, &SubnetUse<'_>) -> Result<Option<FindingVerdict>, String>,
) -> Vec<Judged> {
    let judged = uses(inquiry).into_iter().filter_map(|own| {
        let verdict = judge(&inquiry.at(own.step), &own);
        let verdict = verdict.unwrap_or_else(|why| Some(FindingVerdict::Unknown(why)))?;
        Some(about(own.subnet, verdict))
    });
    judged.collect()
}

fn firewall(then: &Inquiry<'_>, own: &SubnetUse<'_>) -> Result<Option<FindingVerdict>, String> {
    let Some(given) = own.given.filter(|given| given.is_a(ROUTE_TABLES)) else { return Ok(None) };
    if !own.subnet.name().eq_ignore_ascii_case("AzureFirewallSubnet") {
        return Ok(None);
    }
    let Some(table) = then.read(given)? else { return Ok(None) };
    let mut routes = RouteTableView::of(table).routes();
    let leads =
        routes.any(|route| route.destination() == Some("0.0.0.0/0") && route.hops_to("Internet"));
    Ok(Some(unless(!leads, || format!("{} has no route 0.0.0.0/0 to the Internet", given.name()))))
}

/// The ports that a service must hear, where a subnet is one's.
fn heard(name: &str, subnet: Option<&Value>) -> Option<(u16, u16)> {
    if name.eq_ignore_ascii_case("AzureBastionSubnet") {
        return Some((443, 443));
    }
    let view = SubnetView::of(subnet?);
    let gateway = view.users().iter().filter_map(|item| text(item, "/id"));
    let mut gateway = gateway.map(str::to_ascii_lowercase);
    let delegated = list(subnet?, "/properties/delegations").iter();
    let mut delegated = delegated.filter_map(|own| text(own, "/properties/serviceName"));
    let is_gateway = gateway.any(|id| id.contains("/applicationgateways/"))
        || delegated.any(|own| own.eq_ignore_ascii_case("Microsoft.Network/applicationGateways"));
    is_gateway.then_some((65_200, 65_535))
}

fn group(then: &Inquiry<'_>, own: &SubnetUse<'_>) -> Result<Option<FindingVerdict>, String> {
    let Some(given) = own.given.filter(|given| !given.is_a(ROUTE_TABLES)) else { return Ok(None) };
    let vnet = own.subnet.parent().map(|vnet| then.read(&vnet)).transpose()?.flatten();
    let subnet = vnet.and_then(|vnet| subnet_named(vnet, own.subnet.name()));
    let Some(ports) = heard(own.subnet.name(), subnet) else { return Ok(None) };
    let Some(body) = then.read(given)? else { return Ok(None) };
    let lets = security_rules(body).iter().map(SecurityRuleView::of).any(|rule| {
        rule.is_about(TrafficDirection::Inbound) && rule.allows() && rule.is_about_ports(ports)
    });
    Ok(Some(unless(!lets, || {
        let range = if ports.0 == ports.1 {
            ports.0.to_string()
        } else {
            format!("{}-{}", ports.0, ports.1)
        };
        format!("{} has no rule that lets port {range} in", given.name())
    })))
}

/// What SQL Managed Instance calls the routes that it puts into a subnet's table.
const OF_INSTANCES: [&str; 2] = ["Microsoft.Sql-managedInstances_UseOnly", "mi-"];

fn intent(then: &Inquiry<'_>, own: &SubnetUse<'_>) -> Result<Option<FindingVerdict>, String> {
    let Some(given) = own.given.filter(|given| given.is_a(ROUTE_TABLES)) else { return Ok(None) };
    let vnet = own.subnet.parent().map(|vnet| then.read(&vnet)).transpose()?.flatten();
    let Some(subnet) = vnet.and_then(|vnet| subnet_named(vnet, own.subnet.name())) else {
        return Ok(None);
    };
    let mut delegated = list(subnet, "/properties/delegations").iter();
    let of_instances =
        |own: &Value| is(own, "/properties/serviceName", "Microsoft.Sql/managedInstances");
    let has = SubnetView::of(subnet).route_table().filter(|has| has != given);
    let Some(has) = has.filter(|_| delegated.any(of_instances)) else { return Ok(None) };
    let (Some(old), Some(new)) = (then.read(&has)?, then.read(given)?) else { return Ok(None) };
    let names = |table| -> Vec<&str> {
        RouteTableView::of(table).routes().filter_map(|route| route.name()).collect()
    };
    let kept = names(new);
    let is_own = |name: &&str| OF_INSTANCES.iter().any(|head| name.starts_with(head));
    let missing = names(old).into_iter().filter(is_own).find(|name| !kept.contains(name));
    Ok(Some(unless(missing.is_some(), || {
        format!(
            "{} has no route {}, which {} has",
            given.name(),
            missing.unwrap_or_default(),
            has.name()
        )
    })))
}

/// Only subnets of these names are judged: of others there is nothing to say.
fn reserved(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for own in uses(inquiry) {
        let Some(given) = own.given else { continue };
        let is = |name: &str| own.subnet.name().eq_ignore_ascii_case(name);
        let table = given.is_a(ROUTE_TABLES);
        if is("RouteServerSubnet")
            || (is("AzureBastionSubnet") && table)
            || (is("AzureFirewallSubnet") && !table)
        {
            let why =
                format!("it takes no {}", if table { "route table" } else { "security group" });
            all.push(about(own.subnet, FindingVerdict::Failed(why)));
        }
    }
    all
}
