//! What do the sources say? For tests that hold the house to what was drawn.

use std::path::{Path, PathBuf};

/// The files of Rust below a folder, in their order.
pub(crate) fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The texts of the library, by their paths below `src`.
pub(crate) fn texts() -> Vec<(String, String)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let name = |path: &Path| path.strip_prefix(&src).unwrap().to_str().unwrap().replace('\\', "/");
    sources(&src).iter().map(|path| (name(path), std::fs::read_to_string(path).unwrap())).collect()
}
