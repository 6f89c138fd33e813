//! Does everything that is named exist? Ids in bodies, links to circuits, sites, regions, subscriptions.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;

use super::bodies::{PlacedBody, meant_region, text_of};
use super::shape::{self, TypeShape};
use crate::arm;
use crate::model::pattern::fits;
use crate::model::{Region, ResourceId, geography};
use crate::runbook::{Code, Diagnostic, Diagnostics, Node, NodeValue, did_you_mean};
use crate::sim::provider::{self, Provider};

/// What is there to be named.
pub(super) struct WorldNames {
    /// Folded ids of resources, and as they are written.
    ids: BTreeMap<String, String>,
    /// Where they are, and what is there besides.
    pub(super) regions: BTreeSet<Region>,
    /// The subscriptions that anything is in, folded.
    pub(super) subscriptions: BTreeSet<String>,
}

impl WorldNames {
    pub(super) fn of(root: &Node, placed: &[PlacedBody<'_>]) -> Self {
        let mut known = Self {
            ids: placed
                .iter()
                .map(|one| (one.id.key().to_owned(), one.id.as_str().to_owned()))
                .collect(),
            regions: BTreeSet::new(),
            subscriptions: placed
                .iter()
                .map(|one| one.id.subscription().to_ascii_lowercase())
                .collect(),
        };
        let groups = items(root.get("resource_groups"));
        let places = placed.iter().map(|one| one.body).chain(groups.iter());
        let regions = places.filter_map(|node| Region::parse(text_of(node.get("location")?)?).ok());
        known.regions.extend(regions);
        let second = |node: &Node| {
            let id = text_of(node.get("id")?)?;
            id.split('/').nth(2).map(str::to_ascii_lowercase)
        };
        known.subscriptions.extend(groups.iter().filter_map(second));
        known
    }

    /// The id of the same type that was most likely meant.
    fn meant(&self, id: &ResourceId) -> Option<String> {
        let of_type = |other: &str| {
            ResourceId::parse(other).is_ok_and(|other| other.resource_type() == id.resource_type())
        };
        let near = self.ids.iter().filter_map(|(key, other)| Some((slip(id.key(), key)?, other)));
        let near = near.filter(|(_, other)| of_type(other));
        near.min().map(|(_, other)| format!("Did you mean {other}?"))
    }

    fn has(&self, id: &ResourceId) -> bool {
        self.ids.contains_key(id.key())
    }
}

/// How many letters one id is away from another, where that may be a slip: in one or two of its parts.
fn slip(one: &str, other: &str) -> Option<usize> {
    let mut letters = 0;
    let mut parts = 0;
    let (mut these, mut those) = (one.split('/'), other.split('/'));
    loop {
        match (these.next(), those.next()) {
            (None, None) => return Some(letters),
            (Some(this), Some(that)) if this == that => {}
            (Some(this), Some(that)) if parts < 2 && this.len().abs_diff(that.len()) <= 3 => {
                parts += 1;
                letters += strsim::damerau_levenshtein(this, that);
                if letters > 4 {
                    return None;
                }
            }
            _ => return None,
        }
    }
}

/// The items of a list, if it is one.
pub(super) fn items(node: Option<&Node>) -> &[Node] {
    match node.map(|node| &node.value) {
        Some(NodeValue::List(items)) => items,
        _ => &[],
    }
}

/// Says which resources stand twice, and which children have no parent.
pub(super) fn check_family(
    placed: &[PlacedBody<'_>],
    known: &WorldNames,
    diagnostics: &mut Diagnostics,
) {
    let mut seen: BTreeMap<&str, bool> = BTreeMap::new();
    for one in placed {
        // Two in one list of a file were said already; one of a pair stands inside its parent here.
        let twice = seen.insert(one.id.key(), one.inside);
        if twice.is_some_and(|inside| inside || one.inside) {
            let message =
                format!("The resource `{}` stands twice: inside its parent, too.", one.id.name());
            diagnostics.push(
                Diagnostic::error(Code::Twice, one.at.clone(), message)
                    .with_help("Keep one of them."),
            );
        }
        let Some(parent) = one.id.parent() else { continue };
        if provider::of(&one.id).is_some() && provider::of(&parent).is_some() && !known.has(&parent)
        {
            let message =
                format!("`{}` is part of `{}`, which is not there.", one.id.name(), parent.name());
            let mut diagnostic = Diagnostic::error(Code::NotThere, one.at.clone(), message);
            diagnostic.help =
                known.meant(&parent).or_else(|| Some(format!("Add the resource {parent}.")));
            diagnostics.push(diagnostic);
        }
    }
}

/// Says which ids in a body lead nowhere: to nothing of this world, of a type that it could have.
pub(super) fn check_references(
    one: &PlacedBody<'_>,
    known: &WorldNames,
    diagnostics: &mut Diagnostics,
) {
    let kind = one.id.resource_type();
    let children: Vec<&str> = shape::of(kind.as_str())
        .into_iter()
        .flat_map(TypeShape::children)
        .map(|(key, _)| key)
        .collect();
    let properties = one.body.get("properties").and_then(Node::map).unwrap_or_default();
    // Children are looked at by themselves.
    let own = properties.iter().filter(|(key, _)| !children.contains(&key.text.as_str()));
    let mut open: Vec<&Node> = own.map(|(_, node)| node).collect();
    while let Some(node) = open.pop() {
        match &node.value {
            NodeValue::Scalar { .. } => {}
            NodeValue::List(items) => open.extend(items),
            NodeValue::Map(entries) => {
                for (key, value) in entries {
                    match text_of(value) {
                        Some(text) if key.text == "id" => {
                            reference(one, value, text, known, diagnostics)
                        }
                        _ => open.push(value),
                    }
                }
            }
        }
    }
}

fn reference(
    one: &PlacedBody<'_>,
    node: &Node,
    text: &str,
    known: &WorldNames,
    diagnostics: &mut Diagnostics,
) {
    let id = match ResourceId::parse(text) {
        Ok(id) => id,
        Err(_) if !text.to_ascii_lowercase().starts_with("/subscriptions/") => return,
        Err(error) => {
            let message = format!("`{}` names a resource by no id: {error}.", one.id.name());
            diagnostics.push(Diagnostic::warning(Code::NotThere, node.span.clone(), message));
            return;
        }
    };
    // What Azure makes along with another is not written.
    let written = provider::of(&id).is_some_and(|provider| !provider.comes_along());
    // The network of a hub is Microsoft's own, and nobody can name it.
    let theirs = arm::hub_behind(&id).is_some();
    if known.has(&id) || id.is_within(&one.id) || !written || theirs {
        return;
    }
    let message = format!("`{}` names {id}, which is not in this world.", one.id.name());
    let mut diagnostic = Diagnostic::warning(Code::NotThere, node.span.clone(), message);
    diagnostic.help = known.meant(&id);
    diagnostics.push(diagnostic);
}

/// Says what the on-premises side names that is not there, or says twice.
pub(super) fn check_onprem(root: &Node, known: &WorldNames, diagnostics: &mut Diagnostics) {
    let Some(onprem) = root.get("onprem") else { return };
    let mut sites: Vec<&str> = Vec::new();
    for site in items(onprem.get("sites")) {
        let Some((name, text)) = site.get("name").and_then(|node| Some((node, text_of(node)?)))
        else {
            continue;
        };
        if sites.contains(&text) {
            let message = format!("The site `{text}` stands twice.");
            diagnostics.push(
                Diagnostic::error(Code::Twice, name.span.clone(), message)
                    .with_help("Give it the prefixes of both, or another name."),
            );
        }
        sites.push(text);
    }
    let mut paths: BTreeSet<(String, &str)> = BTreeSet::new();
    for link in items(onprem.get("links")) {
        sites_of(link, &sites, diagnostics);
        let Some(node) = link.get("circuit") else { continue };
        let Some(id) = text_of(node).and_then(|text| ResourceId::parse(text).ok()) else {
            continue;
        };
        if ends_links(&id) && !known.has(&id) {
            let message =
                format!("This link leads to the circuit `{}`, which is not there.", id.name());
            let mut diagnostic = Diagnostic::error(Code::NotThere, node.span.clone(), message);
            diagnostic.help = known.meant(&id).or_else(|| {
                Some("Add the circuit to `resources`, or leave the link out.".to_owned())
            });
            diagnostics.push(diagnostic);
        }
        let path = link.get("path").and_then(text_of).unwrap_or_default();
        if !path.is_empty() && !paths.insert((id.key().to_owned(), path)) {
            let message = format!("The {path} link of `{}` stands twice.", id.name());
            diagnostics.push(
                Diagnostic::error(Code::Twice, node.span.clone(), message)
                    .with_help("A circuit has two: `path: primary` and `path: secondary`."),
            );
        }
    }
    let mut addresses: BTreeSet<&str> = BTreeSet::new();
    for device in items(onprem.get("devices")) {
        sites_of(device, &sites, diagnostics);
        if let Some(node) = device.get("address")
            && let Some(address) = text_of(node)
            && !addresses.insert(address)
        {
            let message = format!("The VPN device {address} stands twice.");
            diagnostics.push(Diagnostic::error(Code::Twice, node.span.clone(), message));
        }
    }
}

fn ends_links(id: &ResourceId) -> bool {
    provider::of(id).is_some_and(Provider::ends_links)
}

fn sites_of(node: &Node, sites: &[&str], diagnostics: &mut Diagnostics) {
    for site in items(node.get("sites")) {
        let Some(name) = text_of(site).filter(|name| !sites.contains(name)) else { continue };
        let message = format!("There is no site `{name}` among `onprem.sites`.");
        let help = match did_you_mean(name, sites.iter().copied()) {
            Some(meant) => format!("Did you mean `{meant}`?"),
            None if sites.is_empty() => "Add it to `onprem.sites`.".to_owned(),
            None => format!("There are {}.", sites.join(", ")),
        };
        diagnostics
            .push(Diagnostic::error(Code::NotThere, site.span.clone(), message).with_help(help));
    }
}

/// Says which regions are none, or none of this world's: what is said of them would mean nothing.
pub(super) fn check_regions(
    list: Option<&Node>,
    known: &WorldNames,
    diagnostics: &mut Diagnostics,
) {
    for node in items(list) {
        let Some(region) = text_of(node).and_then(|text| Region::parse(text).ok()) else {
            continue;
        };
        // The list's own kind was said as a doubt; here it is known whether it means anything.
        diagnostics.forget(Code::Region, &node.span);
        if known.regions.contains(&region) {
            continue;
        }
        let own: Vec<&str> = known.regions.iter().map(Region::as_str).collect();
        let documented = geography::region(region.as_str()).is_some();
        let message = match documented {
            true => format!("Nothing of this world is in `{region}`."),
            false => format!("Azure has no region `{region}`, and nothing of this world is there."),
        };
        let near = did_you_mean(region.as_str(), own.iter().copied());
        let help = near
            .map(|meant| format!("Did you mean `{meant}`?"))
            .or_else(|| meant_region(&region).filter(|_| !documented))
            .or_else(|| (!own.is_empty()).then(|| format!("It has {}.", own.join(", "))));
        let mut diagnostic = match documented {
            true => Diagnostic::warning(Code::Region, node.span.clone(), message),
            false => Diagnostic::error(Code::Region, node.span.clone(), message),
        };
        diagnostic.help = help;
        diagnostics.push(diagnostic);
    }
}

/// Says which networks' subnets lie outside of them.
pub(super) fn check_subnets(one: &PlacedBody<'_>, diagnostics: &mut Diagnostics) {
    let has_subnets = |provider: &dyn Provider| provider.children().contains(&"subnets");
    if !provider::of(&one.id).is_some_and(has_subnets) {
        return;
    }
    let Some(properties) = one.body.get("properties") else { return };
    let prefixes = |node: Option<&Node>| -> Vec<IpNet> {
        items(node).iter().filter_map(|node| text_of(node)?.parse().ok()).collect()
    };
    let space =
        prefixes(properties.get("addressSpace").and_then(|space| space.get("addressPrefixes")));
    for subnet in items(properties.get("subnets")) {
        let own = subnet.get("properties");
        let one = own.and_then(|own| own.get("addressPrefix"));
        let several = own.and_then(|own| own.get("addressPrefixes"));
        for node in one.into_iter().chain(items(several)) {
            let Some(prefix) = text_of(node).and_then(|text| text.parse::<IpNet>().ok()) else {
                continue;
            };
            if !space.is_empty() && !space.iter().any(|space| space.contains(&prefix)) {
                let name = subnet.get("name").and_then(text_of).unwrap_or_default();
                let space: Vec<String> = space.iter().map(ToString::to_string).collect();
                let message = format!(
                    "The subnet `{name}` has {prefix}, which lies outside of its network: {}.",
                    space.join(", ")
                );
                diagnostics.push(Diagnostic::error(Code::Outside, node.span.clone(), message));
            }
        }
    }
}

/// Doubts about names that mean something only where they are there.
pub(super) fn check_others(root: &Node, known: &WorldNames, diagnostics: &mut Diagnostics) {
    let mut not_there = |node: &Node, what: &str| {
        let Some(id) = text_of(node).and_then(|text| ResourceId::parse(text).ok()) else { return };
        if !known.has(&id) {
            let message = format!("{what} `{}`, which is not there.", id.name());
            let mut diagnostic = Diagnostic::warning(Code::NotThere, node.span.clone(), message);
            diagnostic.help = known.meant(&id);
            diagnostics.push(diagnostic);
        }
    };
    for appliance in items(root.get("stopped_appliances")) {
        if let Some(node) = appliance.get("vnet") {
            not_there(node, "This appliance stands in the network");
        }
    }
    for (key, _) in root.get("site_tests").and_then(Node::map).unwrap_or_default() {
        let node = Node {
            span: key.span.clone(),
            value: NodeValue::Scalar { text: key.text.clone(), plain: true },
        };
        not_there(&node, "These tests are of the gateway");
    }
    scopes(root, known, diagnostics);
}

/// Scopes and subscriptions that nothing of the world is in.
fn scopes(root: &Node, known: &WorldNames, diagnostics: &mut Diagnostics) {
    let mut check = |node: &Node, subscription: &str| {
        let own = subscription.to_ascii_lowercase();
        if known.subscriptions.is_empty() || known.subscriptions.contains(&own) {
            return;
        }
        let all: Vec<&str> = known.subscriptions.iter().map(String::as_str).collect();
        let message = format!("Nothing of this world is in the subscription `{subscription}`.");
        let help = match did_you_mean(&own, all.iter().copied()) {
            Some(meant) => format!("Did you mean `{meant}`?"),
            None => format!("It has {}.", all.join(", ")),
        };
        diagnostics
            .push(Diagnostic::warning(Code::NotThere, node.span.clone(), message).with_help(help));
    };
    for key in ["rights", "locks", "deny_assignments", "policies"] {
        for one in items(root.get(key)) {
            let Some(node) = one.get("scope") else { continue };
            let text = text_of(node).unwrap_or_default();
            let mut parts = text.split('/').skip(1);
            match (parts.next(), parts.next()) {
                (Some(word), Some(id)) if word.eq_ignore_ascii_case("subscriptions") => {
                    check(node, id)
                }
                _ => {}
            }
        }
    }
    for node in ["unregistered", "disabled"].iter().flat_map(|key| items(root.get(key))) {
        check(node, text_of(node).unwrap_or_default());
    }
    let tenants = root.get("tenants").and_then(|tenants| tenants.get("subscriptions"));
    for (key, _) in tenants.and_then(Node::map).unwrap_or_default() {
        let node = Node { span: key.span.clone(), value: NodeValue::Map(Vec::new()) };
        check(&node, &key.text);
    }
}

/// Says which events can happen to nothing.
pub(super) fn check_events(root: &Node, known: &WorldNames, diagnostics: &mut Diagnostics) {
    let onprem = root.get("onprem");
    let devices: Vec<&str> = items(onprem.and_then(|onprem| onprem.get("devices")))
        .iter()
        .filter_map(|device| text_of(device.get("address")?))
        .collect();
    let circuits: Vec<&String> = known
        .ids
        .keys()
        .filter(|id| ResourceId::parse(id).is_ok_and(|id| ends_links(&id)))
        .collect();
    for event in items(root.get("events")) {
        check_regions(event.get("up"), known, diagnostics);
        check_regions(event.get("down"), known, diagnostics);
        idle(event, diagnostics);
        let mut never = |node: &Node, message: String| {
            diagnostics.push(Diagnostic::warning(Code::NeverStrikes, node.span.clone(), message));
        };
        for node in ["cut", "mend"].iter().flat_map(|key| items(event.get(key))) {
            let pattern = text_of(node).unwrap_or_default().to_ascii_lowercase();
            if !circuits.iter().any(|id| fits(&pattern, id)) {
                never(node, format!("No circuit of this world is meant by `{pattern}`."));
            }
        }
        for node in ["devices_down", "devices_up"].iter().flat_map(|key| items(event.get(key))) {
            let address = text_of(node).unwrap_or_default();
            if !devices.contains(&address) {
                never(node, format!("There is no VPN device {address} among `onprem.devices`."));
            }
        }
    }
}

/// Says that an event does nothing.
pub(super) fn idle(event: &Node, diagnostics: &mut Diagnostics) {
    let Some(entries) = event.map() else { return };
    let does = |node: &Node| match &node.value {
        NodeValue::List(items) => !items.is_empty(),
        NodeValue::Scalar { .. } | NodeValue::Map(_) => true,
    };
    if !entries.iter().any(|(key, node)| key.text != "after" && does(node)) {
        let message = "This event does nothing.";
        diagnostics.push(
            Diagnostic::error(Code::NeverStrikes, event.span.clone(), message)
                .with_help("Say what happens: up, down, withdraw, cut, mend, change, remove."),
        );
    }
}
