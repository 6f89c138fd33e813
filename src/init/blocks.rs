//! Which addresses are free? Room for a subnet in a network, and for a network among others.

use ipnet::{IpNet, Ipv4Net};

use crate::model::net::overlap;

/// The first free block of a length inside of one of these networks; the last one is tried first, since people
/// fill networks from the front.
pub(super) fn free_within(space: &[IpNet], taken: &[IpNet], length: u8) -> Option<IpNet> {
    let fits = |own: &&IpNet| matches!(own, IpNet::V4(net) if net.prefix_len() <= length);
    space.iter().filter(fits).find_map(|own| {
        let IpNet::V4(own) = own else { return None };
        // A network of millions of blocks is looked through from its end, and not for ever.
        let all = own.subnets(length).ok()?;
        let count = 1_u64 << u32::from(length - own.prefix_len()).min(16);
        let blocks: Vec<Ipv4Net> = all.take(usize::try_from(count).unwrap_or(0)).collect();
        blocks.into_iter().rev().map(IpNet::V4).find(|block| !overlaps(block, taken))
    })
}

/// A block of private addresses of a length that nothing has.
pub(super) fn free_anywhere(taken: &[IpNet], length: u8) -> Option<IpNet> {
    let blocks = (64..=255_u8).filter_map(|second| {
        let octets = std::net::Ipv4Addr::new(10, second, 0, 0);
        Ipv4Net::new(octets, length.max(16)).ok()
    });
    blocks.map(IpNet::V4).find(|block| !overlaps(block, taken))
}

fn overlaps(block: &IpNet, taken: &[IpNet]) -> bool {
    taken.iter().any(|own| overlap(own, block))
}

/// Where an address or prefix of one network lies in another: at the same distance from its beginning.
pub(super) fn moved(prefix: &IpNet, from: &[IpNet], to: &[IpNet]) -> Option<IpNet> {
    let place = from.iter().position(|own| own.contains(prefix))?;
    let (IpNet::V4(from), IpNet::V4(prefix)) = (from.get(place)?, prefix) else { return None };
    let IpNet::V4(to) = to.get(place)? else { return None };
    let distance = u32::from(prefix.network()).checked_sub(u32::from(from.network()))?;
    let first = u32::from(to.network()).checked_add(distance)?;
    let moved = Ipv4Net::new(first.into(), prefix.prefix_len()).ok()?;
    to.contains(&moved).then_some(IpNet::V4(moved))
}

/// Where an address of one network lies in another.
pub(super) fn moved_address(
    address: std::net::IpAddr,
    from: &[IpNet],
    to: &[IpNet],
) -> Option<std::net::IpAddr> {
    moved(&IpNet::from(address), from, to).map(|own| own.addr())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(text: &str) -> IpNet {
        text.parse().unwrap()
    }

    #[test]
    fn room_is_found_behind_what_is_there() {
        let space = [net("10.0.0.0/24")];
        let taken = [net("10.0.0.0/25"), net("10.0.0.224/27")];
        assert_eq!(free_within(&space, &taken, 27), Some(net("10.0.0.192/27")));
        assert_eq!(free_within(&space, &space, 27), None);
        assert_eq!(free_within(&space, &[], 23), None);
    }

    #[test]
    fn an_address_keeps_its_distance() {
        let (from, to) = ([net("10.1.0.0/24")], [net("10.21.0.0/24")]);
        assert_eq!(moved(&net("10.1.0.128/25"), &from, &to), Some(net("10.21.0.128/25")));
        let address = "10.1.0.9".parse().unwrap();
        assert_eq!(moved_address(address, &from, &to), "10.21.0.9".parse().ok());
        assert_eq!(moved(&net("10.9.0.0/24"), &from, &to), None);
    }
}
