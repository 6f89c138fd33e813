//! Which regions does a person take down in a drill, and when? Read from `--region-down`, checked against the
//! world, and laid over it.

use std::collections::BTreeSet;
use std::time::Duration;

use clap::Args;

use super::context::Context;
use super::error::CliError;
use crate::model::geography::{REGIONS, region as known_region};
use crate::model::time::{format_duration, parse_duration};
use crate::model::{Region, RegionDown, Timestamp};
use crate::runbook::did_you_mean;
use crate::sim::World;

/// The regions that a person takes down.
#[derive(Debug, Clone, Default, Args)]
pub struct RegionsDown {
    /// Let a region of the simulated Azure go down as the drill begins, or TIME later (`westeurope@5m`): its
    /// control plane refuses writes and its gateways are dead. May be repeated.
    #[arg(long = "region-down", value_name = "REGION[@TIME]", value_parser = typed)]
    pub regions: Vec<RegionDown>,
}

/// What was typed: a region, and perhaps a time.
fn typed(text: &str) -> Result<RegionDown, String> {
    let (name, time) = match text.split_once('@') {
        Some((name, time)) => (name, Some(time)),
        None => (text, None),
    };
    let region = Region::parse(name.trim()).map_err(|_| {
        "write REGION or REGION@TIME, such as westeurope or westeurope@5m".to_owned()
    })?;
    let after = match time {
        None => Duration::ZERO,
        Some(time) => {
            parse_duration(time.trim()).map_err(|error| format!("the time after `@`: {error}"))?
        }
    };
    Ok(RegionDown { region, after })
}

impl RegionsDown {
    /// Refuses regions where there is no simulated Azure to take them down in.
    ///
    /// # Errors
    /// There are some.
    pub fn refuse_live(&self) -> Result<(), CliError> {
        let Some(first) = self.regions.first() else { return Ok(()) };
        let what = format!(
            "`--region-down {}` takes a region of a simulated Azure down, and this looks at Azure itself.",
            first.region.as_str()
        );
        Err(CliError::usage(what).hint(
            "Name a world with `--world FILE`, or a profile that has one; of Azure itself a run says that \
             its source is out of reach with `run --source-down WHY`.",
        ))
    }

    /// Says of regions that go down later that a look at the beginning does not see it.
    pub fn say_later(&self, context: &Context, verb: &str) {
        for later in self.regions.iter().filter(|down| !down.after.is_zero()) {
            let note = context.ui.err.warn("note:");
            let region = later.region.as_str();
            let after = format_duration(later.after);
            context.ui.say(&format!(
                "{note} {region} goes down {after} after the beginning; `{verb}` looks at the beginning, \
                 where it is up."
            ));
        }
    }
}

/// Lets the regions of a world go down.
///
/// # Errors
/// A region is named twice, is none that Azure has, or the world has nothing there.
pub fn lay_over(world: &mut World, down: &[RegionDown], now: Timestamp) -> Result<(), CliError> {
    let there = world.regions();
    let mut named = BTreeSet::new();
    for one in down {
        if !named.insert(&one.region) {
            let what = format!("`--region-down` names {} twice.", one.region.as_str());
            return Err(
                CliError::usage(what).hint("A region goes down once: leave one of them out.")
            );
        }
        if !there.contains(&one.region) {
            return Err(nothing_there(&one.region, &there));
        }
    }
    for one in down {
        world.take_down(one.region.clone(), one.after, now);
    }
    Ok(())
}

/// A drill without a region that has nothing in it proves nothing.
fn nothing_there(region: &Region, there: &BTreeSet<Region>) -> CliError {
    let name = region.as_str();
    let own = || there.iter().map(Region::as_str);
    let known = known_region(name).is_some();
    let what = if known {
        format!("The world has nothing in {name}: that it goes down would prove nothing.")
    } else {
        format!("There is no region `{name}`, neither in the world nor in Azure as we know it.")
    };
    let all = own().chain(REGIONS.iter().map(|region| region.name));
    // A region of the world is meant before any other.
    let meant = did_you_mean(name, own()).or_else(|| did_you_mean(name, all));
    let mut error = CliError::usage(what);
    if let Some(meant) = meant.filter(|_| !known) {
        error = error.hint(format!("Did you mean `{meant}`?"));
    }
    error.hint(match there.is_empty() {
        true => "The world has no region at all.".to_owned(),
        false => format!("The world has something in {}.", own().collect::<Vec<_>>().join(", ")),
    })
}

/// How a document says it: `, with westeurope down`.
pub(super) fn words(down: &[RegionDown]) -> String {
    if down.is_empty() {
        return String::new();
    }
    let one = |down: &RegionDown| match down.after {
        Duration::ZERO => format!("{} down", down.region.as_str()),
        after => format!("{} down after {}", down.region.as_str(), format_duration(after)),
    };
    format!(", with {}", down.iter().map(one).collect::<Vec<_>>().join(" and "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::{Answers, Scenario};

    const EXAMPLE: &str = include_str!("../../runbooks/worlds/two-circuits.yaml");

    fn world() -> (World, Timestamp) {
        let scenario = Scenario::parse("example", EXAMPLE).unwrap();
        let mut world = World::new(&scenario);
        for region in world.regions_down().clone() {
            world.set_region_down(region, false);
        }
        (world, scenario.now)
    }

    fn down(text: &str) -> RegionDown {
        typed(text).unwrap()
    }

    #[test]
    fn a_region_and_a_time_are_read() {
        let region = Region::parse("westeurope").unwrap();
        assert_eq!(
            down("westeurope"),
            RegionDown { region: region.clone(), after: Duration::ZERO }
        );
        let later = RegionDown { region, after: Duration::from_secs(300) };
        assert_eq!(down("West Europe@5m"), later);
        assert_eq!(words(&[later]), ", with westeurope down after 5m");
        for bad in ["", "@5m", "west-europe", "westeurope@", "westeurope@soon", "westeurope@-5m"] {
            assert!(typed(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_region_goes_down_at_once_or_at_its_time() {
        let (mut world, now) = world();
        let [first, second] = ["eastasia", "southeastasia@10m"].map(down);
        lay_over(&mut world, &[first, second], now).unwrap();
        let names = |world: &World| -> Vec<String> {
            world.regions_down().iter().map(|region| region.as_str().to_owned()).collect()
        };
        assert_eq!(names(&world), ["eastasia"]);
        let snapshot = world.world_file(now + Duration::from_secs(599));
        assert_eq!(snapshot["regions_down"], serde_json::json!(["eastasia"]));
        let snapshot = world.world_file(now + Duration::from_secs(600));
        assert_eq!(snapshot["regions_down"], serde_json::json!(["eastasia", "southeastasia"]));
    }

    #[test]
    fn a_region_where_nothing_is_is_an_error_that_names_those_of_the_world() {
        let (mut world, now) = world();
        let mut refused = |text: &str| lay_over(&mut world, &[down(text)], now).unwrap_err();
        let typo = refused("eastasa");
        assert!(typo.what.contains("no region `eastasa`"), "{typo:?}");
        assert_eq!(typo.hints[0], "Did you mean `eastasia`?");
        let other = refused("ukwest@5m");
        assert!(other.what.contains("nothing in ukwest"), "{other:?}");
        assert!(other.hints[0].contains("eastasia, southeastasia"), "{other:?}");
        let twice = [down("eastasia"), down("eastasia@5m")];
        assert!(lay_over(&mut world, &twice, now).unwrap_err().what.contains("twice"));
        assert!(world.regions_down().is_empty(), "nothing of a refused word is done");
    }
}
