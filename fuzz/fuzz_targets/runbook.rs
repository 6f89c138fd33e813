//! Does any text bring the compiler down? It answers with a plan or with diagnostics.
#![no_main]

use backroad::plan::{CompileOptions, compile};
use backroad::runbook::SourceFile;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let source = SourceFile::new("fuzz.yaml", text.to_owned());
    let compiled = compile(&source, &CompileOptions::default());
    assert!(compiled.plan.is_some() || !compiled.diagnostics.is_empty());
});
