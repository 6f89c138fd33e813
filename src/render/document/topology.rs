//! How are networks drawn? Sites on the left, circuits in the middle, regions on the right, always in
//! the same places, so that three pictures can be laid over one another.

use std::collections::{BTreeMap, BTreeSet};

use super::estate::{ChangeMark, NetworkPicture};
use crate::model::ResourceId;
use crate::render::svg::{Rect, Svg, TextAnchor};

const WIDTH: f64 = 900.0;
const SITE: (f64, f64) = (8.0, 124.0);
const CIRCUIT: (f64, f64) = (176.0, 146.0);
const REGION: (f64, f64) = (484.0, 408.0);
const HUB: (f64, f64) = (498.0, 206.0);
const SPOKE: (f64, f64) = (736.0, 142.0);
const SPOKE_HEIGHT: f64 = 56.0;
const HUB_HEIGHT: f64 = 116.0;
const GAP: f64 = 12.0;
const HEAD: f64 = 28.0;

/// Where everything stands.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    regions: Vec<(String, Rect)>,
    networks: BTreeMap<ResourceId, Rect>,
    circuits: BTreeMap<ResourceId, Rect>,
    sites: BTreeMap<String, Rect>,
    devices: BTreeMap<ResourceId, Rect>,
    height: f64,
}

fn region_name(estate: &NetworkPicture, id: &ResourceId) -> String {
    estate
        .networks
        .get(id)
        .and_then(|network| network.region.as_ref())
        .map_or_else(|| "region not known".to_owned(), |region| region.as_str().to_owned())
}

/// Networks in which a gateway stands, or which lend theirs.
fn hubs(estate: &NetworkPicture) -> BTreeSet<ResourceId> {
    let own = estate.gateways.values().map(|gateway| gateway.vnet.clone());
    let lent = estate.peerings.values().filter(|side| side.transit).map(|side| side.vnet.clone());
    own.chain(lent).collect()
}

impl Layout {
    /// The places of everything that any of the moments shows; `all` has it all.
    pub(super) fn of(all: &NetworkPicture) -> Self {
        let by_region = by_region(all);
        let mut layout = Self {
            regions: Vec::new(),
            networks: BTreeMap::new(),
            circuits: BTreeMap::new(),
            sites: BTreeMap::new(),
            devices: BTreeMap::new(),
            height: 0.0,
        };
        let mut top = 8.0;
        for (name, (left, right)) in by_region {
            let stack = |list: &[&ResourceId], height: f64| {
                let count = list.len() as f64;
                (count * height + (count - 1.0).max(0.0) * GAP).max(0.0)
            };
            let inner = stack(&left, HUB_HEIGHT).max(stack(&right, SPOKE_HEIGHT));
            let height = inner + HEAD + 14.0;
            let mut place = |list: &[&ResourceId], (x, w): (f64, f64), h: f64| {
                let used = stack(list, h);
                let mut y = top + HEAD + (inner - used) / 2.0;
                for id in list {
                    layout.networks.insert((*id).clone(), Rect { x, y, w, h });
                    y += h + GAP;
                }
            };
            place(&left, HUB, HUB_HEIGHT);
            place(&right, SPOKE, SPOKE_HEIGHT);
            let rect = Rect { x: REGION.0, y: top, w: REGION.1, h: height };
            layout.regions.push((name, rect));
            top += height + 18.0;
        }
        layout.stand_beside(all, top - 18.0);
        layout
    }

    /// Circuits, devices and sites, beside regions that are so high together.
    fn stand_beside(&mut self, all: &NetworkPicture, regions: f64) {
        let spread = |count: usize, height: f64| {
            let each = (regions / count.max(1) as f64).max(height + GAP);
            (each, (regions - each * count as f64).min(0.0))
        };
        // Devices stand below circuits: both are what a gateway reaches first.
        let (each, _) = spread(all.circuits.len() + all.devices.len(), 66.0);
        let place = |n: usize| {
            let y = 8.0 + each * n as f64 + (each - 66.0) / 2.0;
            Rect { x: CIRCUIT.0, y, w: CIRCUIT.1, h: 66.0 }
        };
        for (n, id) in all.circuits.keys().enumerate() {
            self.circuits.insert(id.clone(), place(n));
        }
        for (n, id) in all.devices.keys().enumerate() {
            self.devices.insert(id.clone(), place(all.circuits.len() + n));
        }
        self.order_circuits(all, regions);
        let names = all.sites.iter().map(|(name, _)| name).chain(&all.vantages);
        let names: Vec<&String> = names.collect();
        let (each, _) = spread(names.len(), 56.0);
        for (n, name) in names.into_iter().enumerate() {
            let y = 8.0 + each * n as f64 + (each - 56.0) / 2.0;
            self.sites.insert(name.clone(), Rect { x: SITE.0, y, w: SITE.1, h: 56.0 });
        }
        let bottom = |rects: &mut dyn Iterator<Item = &Rect>| {
            rects.map(|rect| rect.y + rect.h).fold(regions, f64::max)
        };
        let left = self.circuits.values().chain(self.devices.values());
        self.height = bottom(&mut left.chain(self.sites.values())) + 8.0;
    }

    /// Circuits stand beside what they are connected to, so that lines cross as little as can be.
    fn order_circuits(&mut self, all: &NetworkPicture, height: f64) {
        let mut wanted: Vec<(f64, ResourceId)> = all
            .circuits
            .keys()
            .map(|id| {
                let middles: Vec<f64> = all
                    .links
                    .values()
                    .filter(|link| link.circuit == *id)
                    .filter_map(|link| all.gateways.get(&link.gateway))
                    .filter_map(|gateway| self.networks.get(&gateway.vnet))
                    .map(|rect| rect.middle().1)
                    .collect();
                let count = middles.len().max(1) as f64;
                let middle = middles.iter().sum::<f64>() / count;
                (if middles.is_empty() { height } else { middle }, id.clone())
            })
            .collect();
        wanted.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.cmp(&b.1)));
        let mut places: Vec<Rect> = self.circuits.values().copied().collect();
        places.sort_by(|a, b| a.y.total_cmp(&b.y));
        for ((_, id), place) in wanted.into_iter().zip(places) {
            self.circuits.insert(id, place);
        }
    }
}

/// The networks of each region: hubs and what stands alone on the left, spokes on the right.
fn by_region(all: &NetworkPicture) -> BTreeMap<String, Columns<'_>> {
    let hubs = hubs(all);
    let peered: BTreeSet<&ResourceId> = all
        .peerings
        .values()
        .flat_map(|side| [&side.vnet, &side.remote])
        .filter(|id| !hubs.contains(*id))
        .collect();
    let mut by_region: BTreeMap<String, Columns<'_>> = BTreeMap::new();
    for id in all.networks.keys() {
        let (left, right) = by_region.entry(region_name(all, id)).or_default();
        if peered.contains(id) { right.push(id) } else { left.push(id) }
    }
    by_region
}

/// Networks on the left and on the right.
type Columns<'p> = (Vec<&'p ResourceId>, Vec<&'p ResourceId>);

fn class(base: &str, mark: ChangeMark, dead: bool) -> String {
    let of = match mark {
        _ if dead => " dead",
        ChangeMark::There => "",
        ChangeMark::New => " new",
        ChangeMark::Changed => " changed",
        ChangeMark::Gone => " gone",
        ChangeMark::Working => " working",
        ChangeMark::Coming | ChangeMark::Changing => " coming",
        ChangeMark::Leaving => " leaving",
    };
    format!("{base}{of}")
}

fn marked(text: &str, mark: ChangeMark) -> String {
    match mark {
        ChangeMark::There => text.to_owned(),
        ChangeMark::New => format!("+ {text}"),
        ChangeMark::Changed => format!("↑ {text}"),
        ChangeMark::Gone => format!("− {text}"),
        // What is not done yet stands in brackets: no colour is needed to tell it.
        ChangeMark::Working => format!("~ {text}"),
        ChangeMark::Coming => format!("(+) {text}"),
        ChangeMark::Changing => format!("(↑) {text}"),
        ChangeMark::Leaving => format!("(−) {text}"),
    }
}

fn text_class(mark: ChangeMark) -> &'static str {
    match mark {
        ChangeMark::New => "p-small is-new",
        ChangeMark::Gone | ChangeMark::Leaving => "p-small is-gone",
        ChangeMark::Changed | ChangeMark::Working => "p-small is-warn",
        ChangeMark::There | ChangeMark::Coming | ChangeMark::Changing => "p-small",
    }
}

/// Whether a picture has room for sites on its left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SitesShown {
    Always,
    IfKnown,
}

/// The networks at one moment.
pub(super) fn draw(estate: &NetworkPicture, layout: &Layout, id: &str, title: &str) -> Svg {
    draw_told(estate, layout, (id, title, &sentence(estate)), SitesShown::Always)
}

/// The sites, and from where else it is looked.
fn sites(svg: &mut Svg, estate: &NetworkPicture, layout: &Layout) {
    for (site, prefixes) in &estate.sites {
        let Some(rect) = layout.sites.get(site) else { continue };
        let mut lines = vec![("p-small", "on-premises".to_owned())];
        match prefixes.as_slice() {
            [one] => lines.push(("p-small", one.clone())),
            [one, more @ ..] => lines.push(("p-small", format!("{one} +{}", more.len()))),
            [] => {}
        }
        boxed(svg, "p-box", *rect, site, &lines);
    }
    for vantage in &estate.vantages {
        let Some(rect) = layout.sites.get(vantage) else { continue };
        boxed(svg, "p-box", *rect, vantage, &[("p-small", "it is looked from here".to_owned())]);
    }
}

/// The networks, with what is said of them to those who cannot see it; without the place of sites where none is known.
pub(super) fn draw_told(
    estate: &NetworkPicture,
    layout: &Layout,
    (id, title, words): (&str, &str, &str),
    with_sites: SitesShown,
) -> Svg {
    let mut svg = Svg::new(id, title, words, (WIDTH, layout.height));
    if with_sites == SitesShown::IfKnown && layout.sites.is_empty() {
        svg = svg.without_left(CIRCUIT.0 - SITE.0);
    }
    for (name, rect) in &layout.regions {
        let down = estate.down.iter().any(|region| region.as_str() == name);
        svg.rect(if down { "p-region down" } else { "p-region" }, *rect, 6.0);
        let (x, y) = (rect.x + 14.0, rect.y + 19.0);
        svg.text("p-title", (x, y), TextAnchor::Start, name, 220.0);
        if down {
            let right = (rect.x + rect.w - 14.0, y);
            svg.text("p-text is-gone", right, TextAnchor::End, "region is down", 150.0);
        }
    }
    links_of_sites(&mut svg, estate, layout);
    connections(&mut svg, estate, layout);
    tunnels(&mut svg, estate, layout);
    peerings(&mut svg, estate, layout);
    sites(&mut svg, estate, layout);
    devices(&mut svg, estate, layout);
    for (circuit, state) in &estate.circuits {
        let Some(rect) = layout.circuits.get(circuit) else { continue };
        let place = state.place.clone().unwrap_or_else(|| "ExpressRoute circuit".to_owned());
        let mbps = state.mbps.map(|mbps| format!("{mbps} Mbit/s")).unwrap_or_default();
        let carrier = [state.provider.clone().unwrap_or_default(), marked(&mbps, state.mark)];
        let carrier: Vec<String> = carrier.into_iter().filter(|part| !part.is_empty()).collect();
        boxed(
            &mut svg,
            &class("p-box", state.mark, false),
            *rect,
            circuit.name(),
            &[("p-small", format!("at {place}")), (text_class(state.mark), carrier.join(", "))],
        );
    }
    networks(&mut svg, estate, layout);
    svg
}

/// Networks with their tables, and the gateways in them.
fn networks(svg: &mut Svg, estate: &NetworkPicture, layout: &Layout) {
    for (network, state) in &estate.networks {
        let Some(rect) = layout.networks.get(network) else { continue };
        let dead = state.region.as_ref().is_some_and(|region| estate.down.contains(region));
        let mut lines = vec![("p-small", state.prefixes.join(", "))];
        for (table, mark) in &state.tables {
            lines.push((text_class(*mark), marked(table.name(), *mark)));
        }
        let base = class("p-box", state.mark, dead);
        boxed(svg, &base, *rect, &marked(network.name(), state.mark), &lines);
        let inside = estate.gateways.iter().filter(|(_, gateway)| gateway.vnet == *network);
        for (n, (gateway, state)) in inside.enumerate() {
            let own = gateway_rect(*rect, n);
            svg.rect(&class("p-box", state.mark, dead && state.mark != ChangeMark::Gone), own, 3.0);
            let name = marked(gateway.name(), state.mark);
            let at = (own.x + 8.0, own.y + 16.0);
            svg.text("p-text", at, TextAnchor::Start, &name, own.w - 12.0);
            let below = (own.x + 8.0, own.y + 30.0);
            let what = match &state.sku {
                Some(sku) => format!("gateway, {sku}"),
                None => "gateway".to_owned(),
            };
            svg.text(text_class(state.mark), below, TextAnchor::Start, &what, own.w - 12.0);
        }
    }
}

fn gateway_rect(network: Rect, n: usize) -> Rect {
    Rect {
        x: network.x + 10.0,
        y: network.y + 66.0 - 42.0 * n as f64,
        w: network.w - 20.0,
        h: 40.0,
    }
}

fn boxed(svg: &mut Svg, class: &str, rect: Rect, title: &str, lines: &[(&str, String)]) {
    svg.rect(class, rect, 4.0);
    svg.text("p-text", (rect.x + 9.0, rect.y + 18.0), TextAnchor::Start, title, rect.w - 14.0);
    let shown = lines.iter().filter(|(_, text)| !text.is_empty());
    for (n, (class, text)) in shown.enumerate() {
        let y = rect.y + 33.0 + 14.0 * n as f64;
        svg.text(class, (rect.x + 9.0, y), TextAnchor::Start, text, rect.w - 14.0);
    }
}

/// A line with a soft bend from the right side of one thing to the left side of another.
fn bend(svg: &mut Svg, class: &str, from: (f64, f64), to: (f64, f64)) {
    let middle = (from.0 + to.0) / 2.0;
    svg.path(
        class,
        &[('M', &[from.0, from.1]), ('C', &[middle, from.1, middle, to.1, to.0, to.1])],
    );
}

fn links_of_sites(svg: &mut Svg, estate: &NetworkPicture, layout: &Layout) {
    let mut drawn = BTreeSet::new();
    for (circuit, sites) in &estate.site_links {
        let Some(to) = layout.circuits.get(circuit) else { continue };
        for (site, _) in &estate.sites {
            let behind = sites.is_empty() || sites.contains(site);
            let Some(from) = layout.sites.get(site).filter(|_| behind) else { continue };
            if drawn.insert((circuit, site)) {
                bend(svg, "p-edge", (from.x + from.w, from.middle().1), (to.x, to.middle().1));
            }
        }
    }
    for (id, device) in &estate.devices {
        let Some(to) = layout.devices.get(id) else { continue };
        for (site, prefixes) in &estate.sites {
            let behind = estate.is_behind(device, prefixes);
            let Some(from) = layout.sites.get(site).filter(|_| behind) else { continue };
            bend(svg, "p-edge", (from.x + from.w, from.middle().1), (to.x, to.middle().1));
        }
    }
}

fn devices(svg: &mut Svg, estate: &NetworkPicture, layout: &Layout) {
    for (id, device) in &estate.devices {
        let Some(rect) = layout.devices.get(id) else { continue };
        let address = device.address.as_ref().map(|address| format!(" {address}"));
        let what = format!("VPN device{}", address.unwrap_or_default());
        let prefixes = match device.prefixes.as_slice() {
            [] => String::new(),
            [one] => one.clone(),
            [one, more @ ..] => format!("{one} +{}", more.len()),
        };
        let lines = [("p-small", what), ("p-small", prefixes)];
        let base = class("p-box", device.mark, false);
        boxed(svg, &base, *rect, &marked(id.name(), device.mark), &lines);
    }
}

/// Where a gateway stands, and whether its region is down.
fn end_of(gateway: &ResourceId, estate: &NetworkPicture, layout: &Layout) -> Option<(Rect, bool)> {
    let own = estate.gateways.get(gateway)?;
    let network = layout.networks.get(&own.vnet)?;
    let mut beside = estate.gateways.iter().filter(|(_, other)| other.vnet == own.vnet);
    let n = beside.position(|(other, _)| other == gateway).unwrap_or(0);
    let region = estate.networks.get(&own.vnet).and_then(|network| network.region.as_ref());
    let dead = region.is_some_and(|region| estate.down.contains(region));
    Some((gateway_rect(*network, n), dead))
}

fn tunnels(svg: &mut Svg, estate: &NetworkPicture, layout: &Layout) {
    for (id, tunnel) in &estate.tunnels {
        let end = end_of(&tunnel.gateway, estate, layout);
        let (Some(from), Some((to, dead))) = (layout.devices.get(&tunnel.device), end) else {
            continue;
        };
        let class = class("p-edge", tunnel.mark, dead && tunnel.mark == ChangeMark::There);
        let start = (from.x + from.w, from.middle().1);
        bend(svg, &class, start, (to.x, to.middle().1));
        let aside = if start.1 < to.middle().1 - 1.0 { 29.0 } else { -21.0 };
        let at = (REGION.0 - 4.0, to.middle().1 + aside);
        let label = marked(&format!("{} (tunnel)", id.name()), tunnel.mark);
        let class = format!("{} p-label", text_class(tunnel.mark));
        svg.text(&class, at, TextAnchor::End, &label, REGION.0 - CIRCUIT.0 - CIRCUIT.1 - 8.0);
    }
}

fn connections(svg: &mut Svg, estate: &NetworkPicture, layout: &Layout) {
    let mut labels = Vec::new();
    for (id, link) in &estate.links {
        let end = end_of(&link.gateway, estate, layout);
        let (Some(from), Some((own, dead))) = (layout.circuits.get(&link.circuit), end) else {
            continue;
        };
        let class = class("p-edge", link.mark, dead && link.mark == ChangeMark::There);
        let start = (from.x + from.w, from.middle().1);
        bend(svg, &class, start, (own.x, own.middle().1));
        let label = marked(id.name(), link.mark);
        // Beside the region's box, on the side of the line from which it does not come.
        let aside = if start.1 < own.middle().1 - 1.0 { 15.0 } else { -7.0 };
        let at = (REGION.0 - 4.0, own.middle().1 + aside);
        labels.push((format!("{} p-label", text_class(link.mark)), at, label));
    }
    // After all lines, so that none of them runs over a name.
    for (class, at, label) in labels {
        svg.text(&class, at, TextAnchor::End, &label, REGION.0 - CIRCUIT.0 - CIRCUIT.1 - 8.0);
    }
}

/// A peering is one line; it is whole when both sides are there.
fn peerings(svg: &mut Svg, estate: &NetworkPicture, layout: &Layout) {
    let mut pairs: BTreeMap<(ResourceId, ResourceId), Vec<ChangeMark>> = BTreeMap::new();
    for side in estate.peerings.values() {
        let mut ends = [side.vnet.clone(), side.remote.clone()];
        ends.sort();
        let [a, b] = ends;
        pairs.entry((a, b)).or_default().push(side.mark);
    }
    for ((a, b), marks) in pairs {
        let (Some(a), Some(b)) = (layout.networks.get(&a), layout.networks.get(&b)) else {
            continue;
        };
        let (left, right) = if a.x <= b.x { (a, b) } else { (b, a) };
        // What is being done, or is to be, before what was done; and what goes before what comes.
        let mark = [
            ChangeMark::Working,
            ChangeMark::Leaving,
            ChangeMark::Gone,
            ChangeMark::Coming,
            ChangeMark::New,
        ]
        .into_iter()
        .find(|mark| marks.contains(mark))
        .unwrap_or_default();
        let one_sided = marks.iter().filter(|mark| **mark != ChangeMark::Gone).count() < 2;
        let class = class("p-edge", mark, one_sided && mark != ChangeMark::Gone);
        if (left.x - right.x).abs() < 1.0 {
            // One above the other: between bottom and top.
            let (upper, lower) = if left.y <= right.y { (left, right) } else { (right, left) };
            let x = upper.x + upper.w - 30.0;
            svg.line(&class, &[(x, upper.y + upper.h), (x, lower.y)]);
        } else {
            bend(svg, &class, (left.x + left.w, left.middle().1), (right.x, right.middle().1));
        }
    }
}

/// The picture in words, for those who cannot see it.
pub(super) fn sentence(estate: &NetworkPicture) -> String {
    let alive = |mark: ChangeMark| mark != ChangeMark::Gone;
    let mut parts = Vec::new();
    for region in &estate.down {
        parts.push(format!("The region {} is down.", region.as_str()));
    }
    for (id, link) in estate.links.iter().filter(|(_, link)| alive(link.mark)) {
        let (gateway, circuit) = (link.gateway.name(), link.circuit.name());
        parts.push(format!(
            "Connection {} joins gateway {gateway} to circuit {circuit}.",
            id.name()
        ));
    }
    for (id, tunnel) in estate.tunnels.iter().filter(|(_, tunnel)| alive(tunnel.mark)) {
        let (gateway, device) = (tunnel.gateway.name(), tunnel.device.name());
        let name = id.name();
        parts.push(format!(
            "Tunnel {name} joins gateway {gateway} to the VPN device behind {device}."
        ));
    }
    if parts.is_empty() || estate.links.values().all(|link| !alive(link.mark)) {
        parts.push("No gateway is connected to a circuit.".to_owned());
    }
    let pairs: Vec<String> = estate
        .peerings
        .values()
        .filter(|side| alive(side.mark) && side.transit)
        .map(|side| format!("{} and {}", side.vnet.name(), side.remote.name()))
        .collect();
    if !pairs.is_empty() {
        parts.push(format!("Peered are {}.", pairs.join("; ")));
    }
    parts.join(" ")
}
