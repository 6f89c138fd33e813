//! The runs as Prometheus reads them.

use std::collections::{BTreeMap, BTreeSet};

use super::{DRILL, said};

/// Samples by family; panics where the text is none that Prometheus takes.
fn read(text: &str) -> BTreeMap<String, Vec<(String, f64)>> {
    let mut families: BTreeMap<String, Vec<(String, f64)>> = BTreeMap::new();
    let (mut helped, mut typed) = (BTreeSet::new(), BTreeSet::new());
    let mut series = BTreeSet::new();
    assert!(text.ends_with('\n'));
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            assert!(helped.insert(rest.split_once(' ').unwrap().0.to_owned()), "{line}");
            continue;
        }
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert!(typed.insert(name.to_owned()) && kind == "gauge", "{line}");
            families.entry(name.to_owned()).or_default();
            continue;
        }
        let (name, rest) = line.split_once('{').unwrap();
        assert!(helped.contains(name) && typed.contains(name), "{line}");
        let (labels, value) = rest.rsplit_once("} ").unwrap();
        assert!(series.insert(format!("{name}{{{labels}}}")), "twice: {line}");
        let value = value.parse().unwrap();
        families.get_mut(name).unwrap().push((labels.to_owned(), value));
    }
    families
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a drill's success is told by the host's clock")]
fn the_runs_are_told_in_the_exposition_format() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let (code, empty, _) = said(state, &["metrics"]);
    assert_eq!(code, 0);
    assert_eq!(read(&empty)["backroad_build_info"].len(), 1);
    said(state, &DRILL);
    let (_, text, _) = said(state, &["metrics"]);
    let families = read(&text);
    let of = |name: &str| families[name][0].clone();
    assert!(
        of("backroad_runs")
            .0
            .contains("runbook=\"dr-circuit\",mode=\"drill\",standing=\"succeeded\"")
    );
    assert!(of("backroad_run_recovery_seconds").1 > 60.0);
    assert!((of("backroad_run_objective_holds").1 - 1.0).abs() < f64::EPSILON);
    let steps: f64 = families["backroad_run_steps"].iter().map(|(_, value)| value).sum();
    assert!(steps > 5.0);
    // By this host's clock, not by the drill's: an alert on drills that are too long ago reads it.
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let ago = now.as_secs_f64() - of("backroad_last_success_timestamp_seconds").1;
    assert!((-2.0..600.0).contains(&ago), "{ago}");
}

#[test]
fn a_thousand_runs_make_no_thousand_series_and_names_stay_in_their_quotes() {
    use backroad::render::machine::measures::{EventCounts, RunMeasures};
    use backroad::render::truth::{ObjectiveVerdict, RunStanding};
    let run = |n: usize| RunMeasures {
        succeeded_at: None,
        run: format!("run{n}"),
        runbook: format!("book\"{}\\\n", n % 200),
        kind: backroad::engine::RunKind::Drill,
        standing: RunStanding::Succeeded,
        started: backroad::model::Timestamp::from_millis(0),
        elapsed: 1.0,
        recovery: Some(1.0),
        objective: None,
        verdict: ObjectiveVerdict::None,
        steps: BTreeMap::new(),
        asks: 0,
        owed: 0,
        people: 0.0,
        told: EventCounts::default(),
    };
    let runs: Vec<RunMeasures> = (0..1_000).map(run).collect();
    let families = read(&backroad::render::machine::prometheus::metrics(&runs));
    assert!(families.values().all(|samples| samples.len() <= 20 * 10), "bounded");
    assert!(families["backroad_runs"].iter().any(|(labels, _)| labels.contains("other")));
}
