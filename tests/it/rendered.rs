//! The promise: a document with its drills is made of every shipped runbook, in every format, within bounds of
//! time and memory: none of its drills is endless.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io::Read as _;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::support::process::binary;
use crate::support::{compiled, file};

/// What a document may take of memory at its peak, in kB.
const MEMORY_MAX: u64 = 500_000;

/// A watchdog for what hangs, not a measure: documents take seconds in a release build, and this one is none,
/// beside other tests.
const HANGS_AFTER: Duration = Duration::from_secs(400);

/// The peak of a process's memory so far, in kB, where the system tells.
fn peak(child: &Child) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id()));
    let status = status.unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// The endings of the formats, which say what is written.
const FORMATS: [&str; 3] = ["html", "md", "sh"];

/// Renders in every format at once, under the watchdog; tells the documents and the peak.
#[expect(clippy::disallowed_methods, reason = "the host's time is what is meant")]
fn render(runbook: &str) -> ([String; 3], u64) {
    let folder = tempfile::tempdir().unwrap();
    let out = FORMATS.map(|format| folder.path().join("document").with_extension(format));
    let mut command = binary();
    command.arg("--state-dir").arg(folder.path().join("state"));
    command.arg("render").arg(file("runbooks").join(runbook));
    command.args(out.iter().flat_map(|out| [OsStr::new("-o"), out.as_os_str()]));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let (began, mut most) = (Instant::now(), 0);
    let status = loop {
        most = most.max(peak(&child));
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        let why = match () {
            () if most > MEMORY_MAX => format!("it takes {most} kB"),
            () if began.elapsed() > HANGS_AFTER => "it does not end".to_owned(),
            () => {
                std::thread::sleep(Duration::from_millis(20));
                continue;
            }
        };
        child.kill().unwrap();
        child.wait().unwrap();
        panic!("{runbook}: {why}");
    };
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(status.success(), "{runbook}: {said}");
    (out.map(|out| std::fs::read_to_string(out).unwrap()), most)
}

/// A runbook and its way back, which is part of its document, with every fault and bad day drilled.
fn documents(runbook: &str) -> String {
    let ([html, md, script], most) = render(runbook);
    assert!(html.starts_with("<!DOCTYPE html>"), "{runbook} as html: {}", &html[..80]);
    assert!(md.starts_with("# "), "{runbook} as md: {}", &md[..80]);
    assert!(script.starts_with("#!/bin/sh"), "{runbook} as sh: {}", &script[..80]);
    for (text, format) in [(html, "html"), (md, "md")] {
        assert!(text.contains("Proven by"), "{runbook} as {format} has no matrix");
        assert!(
            !text.contains("the drill does not end"),
            "{runbook} as {format}: an endless drill"
        );
    }
    format!("rendered: {runbook} in {} formats, {most} kB at most", FORMATS.len())
}

macro_rules! rendered {
    ($($test:ident: $runbook:literal;)*) => {
        $(
            #[test]
            fn $test() {
                println!("{}", documents(concat!($runbook, ".yaml")));
            }
        )*

        #[test]
        fn every_shipped_runbook_has_its_document_or_is_the_way_back_in_another() {
            let mut here = BTreeSet::new();
            for runbook in [$(concat!($runbook, ".yaml")),*] {
                let plan = compiled(runbook, "drill").1.plan.unwrap();
                here.extend(plan.parts().failback.clone());
                here.insert(runbook.to_owned());
            }
            let shipped = std::fs::read_dir(file("runbooks")).unwrap();
            let shipped = shipped.map(|entry| entry.unwrap().file_name().into_string().unwrap());
            let shipped: BTreeSet<String> =
                shipped.filter(|name| name.ends_with(".yaml")).collect();
            assert_eq!(here, shipped);
        }
    };
}

rendered! {
    dr_circuit: "dr-circuit";
    dr_circuit_prepared: "dr-circuit-prepared";
    onprem_to_azure: "onprem-to-azure";
    same_circuit: "same-circuit";
    same_circuit_swap: "same-circuit-swap";
    site_recovery_test: "site-recovery-test";
    two_circuits_one_location: "two-circuits-one-location";
    vpn_last_path: "vpn-last-path";
    vwan_dr_circuit: "vwan-dr-circuit";
}
