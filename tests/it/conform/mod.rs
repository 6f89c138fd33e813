//! The simulated Azure answers as the recorded one did: traffic of Azure's own clients is replayed
//! against it, exchange by exchange. `scripts/conform` prints what this finds.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

mod recordings;
mod replay;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::support::{Extent, arm_data, arm_sample, data_files};
use replay::{Verdict, replay};

#[derive(Default)]
struct Tally {
    matched: u32,
    total: u32,
}

#[test]
fn recorded_traffic_is_answered_as_it_was() {
    let Some((folder, Extent::Whole)) = arm_data("recordings") else { return };
    let mut files = Vec::new();
    data_files(&folder, &mut files);
    files.sort();
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    let mut left_out: BTreeMap<String, u32> = BTreeMap::new();
    let mut told = String::new();
    let mut replayed = 0;
    for file in &files {
        let name = file.strip_prefix(&folder).unwrap().display().to_string();
        let Some(exchanges) = recordings::read(file) else {
            writeln!(told, "{name}: of no known kind").unwrap();
            continue;
        };
        replayed += 1;
        for (place, (kind, verdict)) in replay(&exchanges).into_iter().enumerate() {
            match verdict {
                Verdict::LeftOut(why) => {
                    *left_out.entry(format!("{kind}: {why}")).or_default() += 1
                }
                Verdict::Same => {
                    let tally = tallies.entry(kind).or_default();
                    (tally.matched, tally.total) = (tally.matched + 1, tally.total + 1);
                }
                Verdict::Differs(differences) => {
                    tallies.entry(kind.clone()).or_default().total += 1;
                    let exchange = &exchanges[place];
                    writeln!(
                        told,
                        "{name} #{place} {} {} {}",
                        exchange.method,
                        exchange.url.chars().take(200).collect::<String>(),
                        exchange.status
                    )
                    .unwrap();
                    for difference in differences {
                        writeln!(told, "    {difference}").unwrap();
                    }
                }
            }
        }
    }
    println!("{told}");
    println!("left out:");
    for (why, count) in &left_out {
        println!("  {count:>5}  {why}");
    }
    let (mut matched, mut total) = (0, 0);
    let mut poor = Vec::new();
    for (kind, tally) in &tallies {
        // Where few are on record, three of them are more than two in a hundred.
        if (tally.total - tally.matched) * 100 > tally.total * 2 && tally.total - tally.matched > 3
        {
            poor.push(kind);
        }
        println!("conform: {kind:<60} {:>5} of {:>5}", tally.matched, tally.total);
        (matched, total) = (matched + tally.matched, total + tally.total);
    }
    println!("conform: {matched} of {total} exchanges in {replayed} recordings");
    // Most polls are alike: what is not a poll says more.
    let polls = tallies.get("operations").map_or((0, 0), |polls| (polls.matched, polls.total));
    println!("conform: {} of {} without polls of operations", matched - polls.0, total - polls.1);
    assert!(total > 1_000, "{total} exchanges are too few");
    assert!(poor.is_empty(), "too many answers differ of {poor:?}");
    assert!(matched * 100 >= total * 98, "{matched} of {total} are answered as recorded");
}

#[test]
fn the_sample_is_answered_to_the_last_exchange() {
    let mut files = Vec::new();
    data_files(&arm_sample("recordings"), &mut files);
    assert!(!files.is_empty());
    for file in &files {
        let exchanges = recordings::read(file).unwrap();
        for (exchange, (kind, verdict)) in exchanges.iter().zip(replay(&exchanges)) {
            let at = format!("{} {} ({kind})", exchange.method, exchange.url);
            assert!(matches!(verdict, Verdict::Same), "{at}: {verdict:?}");
        }
    }
}
