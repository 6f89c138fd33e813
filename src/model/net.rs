//! Have two prefixes an address in common?

use ipnet::IpNet;

/// Whether two prefixes have an address in common: one is in the other then.
#[must_use]
pub fn overlap(a: &IpNet, b: &IpNet) -> bool {
    a.contains(b) || b.contains(a)
}

/// The first prefix of a list that overlaps one of another, with that one.
#[must_use]
pub fn clash<'n>(ours: &'n [IpNet], theirs: &'n [IpNet]) -> Option<(&'n IpNet, &'n IpNet)> {
    ours.iter().find_map(|a| theirs.iter().find(|b| overlap(a, b)).map(|b| (a, b)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_overlap_where_one_is_in_the_other() {
        let net = |text: &str| text.parse::<IpNet>().unwrap();
        let (wide, narrow, other) = (net("10.0.0.0/8"), net("10.1.0.0/16"), net("11.0.0.0/8"));
        assert!(overlap(&wide, &narrow) && overlap(&narrow, &wide) && overlap(&wide, &wide));
        assert!(!overlap(&wide, &other) && !overlap(&wide, &net("::/0")));
        let (ours, theirs) = ([other, narrow], [net("12.0.0.0/8"), wide]);
        assert_eq!(clash(&ours, &theirs), Some((&narrow, &wide)));
        assert_eq!(clash(&ours, &[]), None);
    }
}
