//! No test file is forgotten: every file beside `main.rs` is named in it.

#[test]
fn every_test_file_is_in_the_binary() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let main = std::fs::read_to_string(folder.join("main.rs")).unwrap();
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if stem != "main" {
            assert!(main.contains(&format!("mod {stem};")), "tests/it/{stem} is not in main.rs");
        }
    }
}
