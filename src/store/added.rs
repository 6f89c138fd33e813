//! What is added to a file of somebody else's? Bytes at its end, if it is a file.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use super::whole::WriteError;

/// Adds bytes at the end of a file that another program named, and makes it where it is not there.
///
/// # Errors
/// What is there is no file, or the file system refuses.
pub fn add(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    let failed = |source| WriteError::Io { path: path.to_owned(), source };
    // A pipe would wait for its reader.
    match std::fs::metadata(path) {
        Ok(found) if !found.is_file() => {
            let what = if found.is_dir() { "a folder" } else { "no regular file" };
            return Err(WriteError::NotAFile { path: path.to_owned(), what });
        }
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    let mut file = OpenOptions::new().append(true).create(true).open(path).map_err(failed)?;
    file.write_all(bytes).map_err(failed)
}
