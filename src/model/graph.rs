//! What comes before what? A directed graph without cycles, by index.

use std::collections::BTreeSet;

/// A graph of steps; an edge goes from a step to one that needs it. Has no cycle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dag {
    needs: Vec<Vec<usize>>,
    needed_by: Vec<Vec<usize>>,
    order: Vec<usize>,
}

/// A cycle, as the nodes on its way; the last needs the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cycle(pub Vec<usize>);

impl Dag {
    /// Builds the graph from what each node needs.
    ///
    /// # Errors
    /// The nodes of one cycle, in order.
    ///
    /// # Panics
    /// A need is not an index into `needs`; the caller resolves names first.
    pub fn new(needs: Vec<Vec<usize>>) -> Result<Self, Cycle> {
        let count = needs.len();
        let mut needed_by = vec![Vec::new(); count];
        let mut open: Vec<usize> = Vec::with_capacity(count);
        for (node, list) in needs.iter().enumerate() {
            let unique: BTreeSet<usize> = list.iter().copied().collect();
            open.push(unique.len());
            for need in unique {
                assert!(need < count, "a need must be an index of the graph");
                needed_by[need].push(node);
            }
        }
        // Kahn's algorithm with an ordered frontier: among free nodes the author's order decides.
        let mut free: BTreeSet<usize> = (0..count).filter(|node| open[*node] == 0).collect();
        let mut order = Vec::with_capacity(count);
        while let Some(node) = free.pop_first() {
            order.push(node);
            for &next in &needed_by[node] {
                open[next] -= 1;
                if open[next] == 0 {
                    free.insert(next);
                }
            }
        }
        if order.len() < count {
            return Err(find_cycle(&needs, &open));
        }
        Ok(Self { needs, needed_by, order })
    }

    /// The nodes in an order in which each comes after all it needs.
    #[must_use]
    pub fn order(&self) -> &[usize] {
        &self.order
    }

    /// What the node needs, directly.
    #[must_use]
    pub fn needs(&self, node: usize) -> &[usize] {
        &self.needs[node]
    }

    /// What needs the node, directly.
    #[must_use]
    pub fn needed_by(&self, node: usize) -> &[usize] {
        &self.needed_by[node]
    }

    /// Everything the node needs, directly or not.
    #[must_use]
    pub fn ancestors(&self, node: usize) -> BTreeSet<usize> {
        reach(&self.needs, node)
    }

    /// Everything that needs the node, directly or not.
    #[must_use]
    pub fn descendants(&self, node: usize) -> BTreeSet<usize> {
        reach(&self.needed_by, node)
    }
}

/// Marks first and makes the set of what is marked: a set that grows by one at a time costs several times as much.
fn reach(edges: &[Vec<usize>], from: usize) -> BTreeSet<usize> {
    let mut seen = vec![false; edges.len()];
    let mut stack = edges[from].clone();
    while let Some(node) = stack.pop() {
        if !std::mem::replace(&mut seen[node], true) {
            stack.extend(&edges[node]);
        }
    }
    seen.iter().enumerate().filter_map(|(node, seen)| seen.then_some(node)).collect()
}

/// Every node still open needs another open one, so walking from any of them ends in a cycle.
fn find_cycle(needs: &[Vec<usize>], open: &[usize]) -> Cycle {
    let stuck = |node: &usize| open[*node] > 0;
    let mut path: Vec<usize> = Vec::new();
    let mut node = (0..needs.len()).find(stuck).unwrap_or(0);
    loop {
        if let Some(start) = path.iter().position(|seen| *seen == node) {
            path.drain(..start);
            path.reverse();
            return Cycle(path);
        }
        path.push(node);
        node = needs[node].iter().copied().find(stuck).unwrap_or(node);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_cycle_is_named_by_its_way() {
        let Cycle(mut way) =
            Dag::new(vec![vec![], vec![3], vec![1], vec![2], vec![1]]).unwrap_err();
        way.sort_unstable();
        assert_eq!(way, [1, 2, 3]);
        assert_eq!(Dag::new(vec![vec![0]]).unwrap_err(), Cycle(vec![0]));
    }

    proptest! {
        #[test]
        fn the_order_respects_every_edge(edges in prop::collection::vec(prop::collection::vec(0usize..30, 0..4), 30)) {
            // Only edges to earlier nodes: never a cycle.
            let needs: Vec<Vec<usize>> =
                edges.iter().enumerate().map(|(node, list)| list.iter().copied().filter(|n| *n < node).collect()).collect();
            let dag = Dag::new(needs.clone()).unwrap();
            let place = |node: usize| dag.order().iter().position(|n| *n == node).unwrap();
            for (node, list) in needs.iter().enumerate() {
                for need in list {
                    prop_assert!(place(*need) < place(node));
                    prop_assert!(dag.ancestors(node).contains(need));
                    prop_assert!(dag.descendants(*need).contains(&node));
                }
            }
        }
    }
}
