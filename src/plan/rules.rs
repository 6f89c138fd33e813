//! What is wrong although each part is right? Rules over the whole plan, one function each.

use std::cell::LazyCell;
use std::collections::BTreeMap;

use super::steps::PlacedStep;
use crate::model::action::RemovalKind;
use crate::model::graph::{Cycle, Dag};
use crate::model::{Action, Condition, ResourceId, StepName};
use crate::runbook::{Code, Diagnostic, Diagnostics};

/// A rule: what it is about, and how it is judged.
pub(super) struct LanguageRule {
    pub(super) judge: fn(&[PlacedStep], &mut Diagnostics),
}

/// The rules, in the order in which they are judged.
pub(super) const RULES: &[LanguageRule] = &[
    LanguageRule { judge: no_cycle },
    LanguageRule { judge: conditions_read_what_has_ended },
    LanguageRule { judge: what_is_taken_in_has_ended },
    LanguageRule { judge: one_writer_at_a_time },
    LanguageRule { judge: networks_are_peered_once },
    LanguageRule { judge: whole_tables_and_single_routes_agree },
    LanguageRule { judge: super::ends::connections_are_where_their_gateways_are },
    LanguageRule { judge: super::ends::bgp_is_spoken_at_both_ends },
];

/// The graph, if it is one.
fn dag(steps: &[PlacedStep]) -> Result<Dag, Cycle> {
    let mut places: BTreeMap<&StepName, usize> = BTreeMap::new();
    for (place, placed) in steps.iter().enumerate() {
        // Of two of one name, which is a mistake told elsewhere, the first is meant.
        places.entry(&placed.step.name).or_insert(place);
    }
    let place = |name: &StepName| places.get(name).copied();
    let needs =
        steps.iter().map(|placed| placed.step.needs.iter().filter_map(place).collect()).collect();
    Dag::new(needs)
}

fn no_cycle(steps: &[PlacedStep], diagnostics: &mut Diagnostics) {
    if let Err(Cycle(way)) = dag(steps) {
        let mut names: Vec<&str> = way.iter().map(|at| steps[*at].step.name.as_str()).collect();
        names.extend(names.first().copied());
        let span = steps[way[0]].span.clone();
        let message = format!("These steps need one another: {}.", names.join(" → "));
        let diagnostic =
            Diagnostic::error(Code::Cycle, span, message).with_help("Take one of these needs out.");
        diagnostics.push(diagnostic);
    }
}

fn conditions_read_what_has_ended(steps: &[PlacedStep], diagnostics: &mut Diagnostics) {
    let Ok(dag) = dag(steps) else { return };
    for (place, placed) in steps.iter().enumerate() {
        let before = LazyCell::new(|| dag.ancestors(place));
        let step = &placed.step;
        for condition in step.when.iter().chain(&step.ensure) {
            for read in condition.steps() {
                let ended = steps
                    .iter()
                    .position(|other| other.step.name == *read)
                    .is_some_and(|at| before.contains(&at));
                let own = *read == step.name && step.when.as_ref() != Some(condition);
                if !ended && !own {
                    let message = format!(
                        "A condition of step `{}` reads `{read}`, which may not have ended by then.",
                        step.name
                    );
                    diagnostics.push(
                        Diagnostic::error(Code::Unordered, placed.span.clone(), message)
                            .with_help(format!("Add `{read}` to its `needs`.")),
                    );
                }
            }
        }
    }
}

fn what_is_taken_in_has_ended(steps: &[PlacedStep], diagnostics: &mut Diagnostics) {
    let Ok(dag) = dag(steps) else { return };
    for (place, placed) in steps.iter().enumerate() {
        let Action::Outside(own) = &placed.step.action else { continue };
        let before = LazyCell::new(|| dag.ancestors(place));
        for (read, output) in own.takes_in() {
            let at = steps.iter().position(|other| other.step.name == read);
            if at.is_some_and(|at| before.contains(&at)) {
                continue;
            }
            let message = format!(
                "Step `{}` takes in `steps.{read}.{output}`, which may not be there by then.",
                placed.step.name
            );
            diagnostics.push(
                Diagnostic::error(Code::Unordered, placed.span.clone(), message)
                    .with_help(format!("Add `{read}` to its `needs`.")),
            );
        }
    }
}

fn one_writer_at_a_time(steps: &[PlacedStep], diagnostics: &mut Diagnostics) {
    let Ok(dag) = dag(steps) else { return };
    let mut writers: BTreeMap<&ResourceId, Vec<usize>> = BTreeMap::new();
    for (place, placed) in steps.iter().enumerate() {
        let Some(written) = placed.step.action.written() else {
            continue;
        };
        let earlier = writers.entry(written).or_default();
        for &other_place in &*earlier {
            let other = &steps[other_place];
            let ordered = dag.ancestors(place).contains(&other_place)
                || dag.ancestors(other_place).contains(&place);
            if !ordered {
                let message = format!(
                    "Steps `{}` and `{}` both write {written}, and neither comes first.",
                    other.step.name, placed.step.name
                );
                diagnostics.push(
                    Diagnostic::error(Code::DoubleWrite, placed.span.clone(), message)
                        .with_help("Let one of them need the other."),
                );
            }
        }
        earlier.push(place);
    }
}

/// Azure takes one peering from a network to another, whatever its name: two items of a list that name one network make
/// two. One that is removed again, or made on a condition, may be meant.
fn networks_are_peered_once(steps: &[PlacedStep], diagnostics: &mut Diagnostics) {
    let runs = |own: &PlacedStep| matches!(own.step.when, None | Some(Condition::Known(true)));
    let removed = |id: &ResourceId| {
        steps.iter().any(|own| matches!(&own.step.action, Action::Remove(spec) if spec.id == *id))
    };
    let sides = steps.iter().filter_map(|placed| {
        let Action::Peering(spec) = &placed.step.action else { return None };
        let network = spec.id.parent().filter(|_| runs(placed))?;
        Some((placed, &spec.id, network, &spec.remote))
    });
    let sides: Vec<_> = sides.filter(|(_, id, ..)| !removed(id)).collect();
    for (place, (placed, id, network, remote)) in sides.iter().enumerate() {
        let twin = sides[..place]
            .iter()
            .find(|(_, other, theirs, far)| other != id && theirs == network && far == remote);
        let Some((other, ..)) = twin else { continue };
        let message = format!(
            "Steps `{}` and `{}` both peer {} with {}, by two names: Azure takes one.",
            other.step.name,
            placed.step.name,
            network.name(),
            remote.name()
        );
        diagnostics.push(
            Diagnostic::error(Code::DoubleWrite, placed.span.clone(), message).with_help(
                "Where two items of a list name one network, take one out; its other subnets go into steps of their own.",
            ),
        );
    }
}

/// A table that is ensured whole takes away what another step puts into it.
fn whole_tables_and_single_routes_agree(steps: &[PlacedStep], diagnostics: &mut Diagnostics) {
    let tables = || {
        steps.iter().filter_map(|placed| {
            let Action::RouteTable(spec) = &placed.step.action else { return None };
            Some((placed, spec))
        })
    };
    for placed in steps {
        let action = &placed.step.action;
        let (id, wanted) = if let Action::Route(spec) = action {
            (&spec.id, Some((&spec.prefix, &spec.next_hop)))
        } else if let Action::Remove(spec) = action
            && spec.kind == RemovalKind::Route
        {
            (&spec.id, None)
        } else {
            continue;
        };
        for (whole, table) in tables().filter(|(_, table)| id.is_child_of(&table.id)) {
            let named = table
                .routes
                .iter()
                .find(|route| route.name.eq_ignore_ascii_case(id.name()))
                .map(|route| (&route.prefix, &route.next_hop));
            if named == wanted {
                continue;
            }
            let message = format!(
                "Step `{}` ensures the table with exactly its routes, and step `{}` wants the route `{}` of \
                 it otherwise.",
                whole.step.name,
                placed.step.name,
                id.name()
            );
            let help = "Say it under `routes` of the table, or ensure all its routes one by one.";
            let span = placed.span.clone();
            diagnostics.push(Diagnostic::error(Code::DoubleWrite, span, message).with_help(help));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::plan::{CompileOptions, compile};
    use crate::runbook::SourceFile;

    fn codes(routes: &str, single: &str) -> Vec<&'static str> {
        let table = "/subscriptions/1/resourceGroups/rg/providers/Microsoft.Network/routeTables/rt";
        let text = format!(
            "runbook: r\ntitle: R\nsteps:\n  whole:\n    action: route_table.ensure\n    with: {{ name: \
             {table}, location: southeastasia, routes: [{routes}] }}\n  one:\n    needs: whole\n    \
             {single}\n"
        );
        let text = text.replace("TABLE", table);
        let compiled = compile(&SourceFile::new("r.yaml", text), &CompileOptions::default());
        compiled.diagnostics.sorted().iter().map(|own| own.code.as_str()).collect()
    }

    #[test]
    fn a_whole_table_and_a_single_route_of_it_say_the_same() {
        let route = "{ name: A, prefix: 10.0.0.0/8, next_hop: none }";
        let ensure = "action: route.ensure\n    with: { route_table: TABLE, name: a, prefix: \
                      10.0.0.0/8, next_hop: none }";
        let absent = "action: route.absent\n    with: { route_table: TABLE, name: a }";
        assert_eq!(codes(route, ensure), [""; 0]);
        assert_eq!(codes("", absent), [""; 0]);
        assert_eq!(codes("", ensure), ["BR0404"]);
        assert_eq!(codes(route, absent), ["BR0404"]);
        assert_eq!(codes(&route.replace("none", "internet"), ensure), ["BR0404"]);
    }

    #[test]
    fn a_network_is_peered_with_another_once() {
        let network =
            "/subscriptions/1/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks";
        let said = |first: &str, second: &str, more: &str| {
            let step = |name: &str, [own, peering, far]: [&str; 3]| {
                format!(
                    "  {name}:\n    action: peering.ensure\n    with: {{ vnet: {network}/{own}, name: {peering}, remote: \
                     {network}/{far} }}\n"
                )
            };
            let text = format!(
                "runbook: r\ntitle: R\nparams:\n  on: {{ type: bool, default: false }}\nsteps:\n{}{}{more}",
                step("one", ["hub", first, "spoke"]),
                step("two", ["HUB", second, "spoke"])
            );
            let compiled = compile(&SourceFile::new("r.yaml", text), &CompileOptions::default());
            let all = compiled.diagnostics.sorted();
            let own = all.iter().find(|own| own.message.contains("by two names"));
            own.map(|own| own.message.clone())
        };
        let why = "Steps `one` and `two` both peer HUB with spoke, by two names: Azure takes one.";
        assert_eq!(said("to-spoke", "to-other", "").as_deref(), Some(why));
        // What both write is said by another rule.
        assert_eq!(said("to-spoke", "to-spoke", ""), None);
        let condition = "    when: ${params.on}\n";
        assert_eq!(said("to-spoke", "to-other", condition), None);
        let removal = format!(
            "  gone:\n    needs: one\n    action: peering.remove\n    with: {{ id: {network}/hub/virtualNetworkPeerings/to-spoke }}\n"
        );
        assert_eq!(said("to-spoke", "to-other", &removal), None);
    }
}
