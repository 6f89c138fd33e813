//! Is each route table written once? Tables of the source may come to one name at the target, and one table may be used
//! behind several hubs.

use std::collections::BTreeSet;

use super::draft::{DraftHub, DraftTable};
use super::estate::KnownEstate;
use crate::arm::kind::ROUTE_TABLES;
use crate::model::ResourceId;

/// Lets each table be made by one step: what is the same is one table, what differs has a name of its own.
pub(super) fn once(estate: &KnownEstate, hubs: &mut [DraftHub]) {
    let mut made: Vec<DraftTable> = Vec::new();
    // Where each of those stands, to be given more subnets.
    let mut places: Vec<(usize, usize)> = Vec::new();
    for at in 0..hubs.len() {
        let mut left: Vec<DraftTable> = Vec::new();
        for mut table in std::mem::take(&mut hubs[at].tables) {
            let same = made.iter().position(|other| !table.exists && is_one(other, &table));
            match same {
                Some(place) => {
                    let (hub, nth) = places[place];
                    let own = if hub == at { &mut left } else { &mut hubs[hub].tables };
                    if let Some(own) = own.get_mut(nth) {
                        join(own, table);
                    }
                }
                None => {
                    if !table.exists {
                        name_apart(estate, &mut table, &made);
                        made.push(table.clone());
                        places.push((at, left.len()));
                    }
                    left.push(table);
                }
            }
        }
        hubs[at].tables = left;
    }
}

/// Whether two are one: of one name, with the same routes. A GatewaySubnet waits for its own gateway, and is one's.
fn is_one(one: &DraftTable, other: &DraftTable) -> bool {
    one.id == other.id
        && one.routes == other.routes
        && one.keeps_out == other.keeps_out
        && other.gateway_subnet.is_none()
}

/// The subnets of one use the other, each under a key of its own.
fn join(own: &mut DraftTable, other: DraftTable) {
    for (key, subnet) in other.subnets {
        let taken: BTreeSet<&str> = own.subnets.iter().map(|(key, _)| key.as_str()).collect();
        let mut free = key.clone();
        for n in 2.. {
            if !taken.contains(free.as_str()) {
                break;
            }
            free = format!("{key}_{n}");
        }
        own.subnets.push((free, subnet));
    }
}

/// Gives a table another name where one of its name is made, with other routes.
fn name_apart(estate: &KnownEstate, table: &mut DraftTable, made: &[DraftTable]) {
    let taken = |id: &ResourceId| {
        made.iter().any(|other| other.id == *id) || estate.bodies.contains_key(id)
    };
    let name = table.id.name().to_owned();
    for n in 2.. {
        if !taken(&table.id) {
            return;
        }
        let Ok(free) = table.id.sibling(ROUTE_TABLES, &format!("{name}-{n}")) else { return };
        table.id = free;
    }
}
