//! How does a file come to be? Whole or not at all, and never over another one.

use std::io::Write;
use std::path::Path;

use super::error::CliError;

/// Writes a file that is not there yet: beside its place first, then moved there in one piece.
///
/// # Errors
/// The folder cannot be written to, or the file is there already.
pub fn write_new(path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    let failed = |error: &std::io::Error| {
        CliError::usage(format!("{} cannot be written.", path.display())).because(error)
    };
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let beside = path.with_file_name(format!(".{name}.part"));
    let write = || -> std::io::Result<()> {
        let mut file = std::fs::File::create(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        // Fails where somebody else has made it meanwhile.
        std::fs::hard_link(&beside, path)
    };
    let written = write();
    drop(std::fs::remove_file(&beside));
    written.map_err(|error| failed(&error))
}
