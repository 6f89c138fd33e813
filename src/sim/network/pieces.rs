//! Which addresses of a site go one way? Those between the borders that routes draw within its prefixes.
//!
//! The longest prefix wins for each address: a site that is told in two halves is told whole, and a table that drops
//! both halves drops all of it.

use std::collections::BTreeSet;

use ipnet::IpNet;

use super::estate::Estate;
use super::onprem::{OnPrem, Site};
use crate::arm::{self, kind};

/// Most pieces of a prefix: one that routes cut smaller is looked at whole.
const PIECES_MAX: usize = 512;

/// What goes one way within each prefix of a site: the prefix itself, where no route is longer.
pub(super) fn pieces(site: &Site, borders: &BTreeSet<IpNet>) -> Vec<Vec<IpNet>> {
    let each = site.prefixes.iter().map(|prefix| {
        let prefix = prefix.trunc();
        let within: Vec<&IpNet> =
            borders.iter().filter(|own| **own != prefix && prefix.contains(*own)).collect();
        let mut found = Vec::new();
        if cut(prefix, &within, &mut found) { found } else { vec![prefix] }
    });
    each.collect()
}

/// Cuts a prefix along the borders within it; false where that makes too many pieces.
fn cut(whole: IpNet, within: &[&IpNet], found: &mut Vec<IpNet>) -> bool {
    let within: Vec<&IpNet> =
        within.iter().copied().filter(|own| **own != whole && whole.contains(*own)).collect();
    match whole.subnets(whole.prefix_len() + 1) {
        Ok(halves) if !within.is_empty() => {
            halves.into_iter().all(|half| cut(half, &within, found))
        }
        _ => {
            found.push(whole);
            found.len() <= PIECES_MAX
        }
    }
}

/// Every prefix at which ways may part: those that on-premises tells, those behind tunnels, and those of tables.
pub(super) fn borders(estate: &Estate<'_>, onprem: &OnPrem) -> BTreeSet<IpNet> {
    let told = onprem.links.iter().flat_map(|link| onprem.advertised(link));
    let behind = estate.tunnels().iter().flat_map(|tunnel| estate.behind(onprem, tunnel));
    let tables = estate.of_type(kind::ROUTE_TABLES).map(|(id, _)| estate.children(id, "routes"));
    let prefix =
        |route: &&serde_json::Value| arm::RouteView::of(route).destination()?.parse::<IpNet>().ok();
    let routes = tables.flat_map(|routes| routes.values().filter_map(prefix).collect::<Vec<_>>());
    told.chain(behind).chain(routes).map(|own| own.trunc()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::net;
    use super::*;

    fn cut_at(borders: &[&str]) -> Vec<String> {
        let site = Site { name: "dc".to_owned(), prefixes: vec![net("10.100.0.0/16")] };
        let borders = borders.iter().map(|own| net(own)).collect();
        pieces(&site, &borders).concat().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_prefix_is_cut_at_the_longer_ones_within_it_and_nothing_of_it_is_lost() {
        assert_eq!(cut_at(&[]), ["10.100.0.0/16"]);
        assert_eq!(cut_at(&["10.0.0.0/8", "10.100.0.0/16", "10.101.0.0/17"]), ["10.100.0.0/16"]);
        assert_eq!(cut_at(&["10.100.0.0/17"]), ["10.100.0.0/17", "10.100.128.0/17"]);
        let three = ["10.100.0.0/18", "10.100.64.0/18", "10.100.128.0/17"];
        assert_eq!(cut_at(&["10.100.64.0/18"]), three);
    }

    #[test]
    fn what_is_cut_too_small_is_looked_at_whole() {
        let borders: BTreeSet<IpNet> = net("10.100.0.0/16").subnets(28).unwrap().collect();
        let site = Site { name: "dc".to_owned(), prefixes: vec![net("10.100.0.0/16")] };
        assert_eq!(pieces(&site, &borders).concat(), [net("10.100.0.0/16")]);
    }
}
