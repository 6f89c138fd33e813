//! How is a file of a person's read and written? Only if it is one, only below where it may be; whole.

use std::path::{Component, Path, PathBuf};

use super::error::CliError;
use crate::model::limits::FILE_BYTES_MAX;
use crate::store::regular;
use crate::store::whole::{self, Existing, Readers};

/// Writes a file that is not there yet.
///
/// # Errors
/// The folder cannot be written to, or something is there already.
pub fn write_new(path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    written(path, whole::write(path, bytes, Existing::Keep, Readers::Session))
}

/// Writes a file, in place of the one that is there.
///
/// # Errors
/// The folder cannot be written to, or what is there is no file.
pub fn write_over(path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    written(path, whole::write(path, bytes, Existing::Replace, Readers::Session))
}

/// Whether [`write_new`] would come through, as far as can be known before there is something to write.
///
/// # Errors
/// As [`write_new`].
pub fn may_write_new(path: &Path) -> Result<(), CliError> {
    written(path, whole::try_place(path, Existing::Keep, Readers::Session))
}

/// Whether [`write_over`] would come through, as far as can be known before there is something to write.
///
/// # Errors
/// As [`write_over`].
pub fn may_write_over(path: &Path) -> Result<(), CliError> {
    written(path, whole::try_place(path, Existing::Replace, Readers::Session))
}

/// Writes a file of a run's folder: for its owner only, in place of the one that is there.
///
/// # Errors
/// The folder cannot be written to, or what is there is no file.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<(), whole::WriteError> {
    whole::write(path, bytes, Existing::Replace, Readers::Owner)
}

/// Makes a folder, with those above it, where it is not there yet.
///
/// # Errors
/// It cannot be made, or something else is in its place.
pub fn make_folder(path: &Path) -> Result<(), CliError> {
    if path.is_dir() || path.as_os_str().is_empty() {
        return Ok(());
    }
    std::fs::create_dir_all(path).map_err(|error| {
        CliError::usage(format!("The folder {} cannot be made.", path.display()))
            .because(&error)
            .hint("Name a folder that you may write into.")
    })
}

fn written(path: &Path, written: Result<(), whole::WriteError>) -> Result<(), CliError> {
    written.map_err(|error| {
        let what = format!("{} cannot be written.", path.display());
        let hint = match &error {
            whole::WriteError::Exists { .. } => "Name another file, or move that one away.",
            whole::WriteError::NotAFile { .. } => {
                "Name a file, or leave `-o` out where the data may go to standard output."
            }
            _ => "Check that its folder exists, has room, and may be written to.",
        };
        CliError::usage(what).because(&error).hint(hint)
    })
}

/// Reads a text that a person named.
///
/// # Errors
/// It is not there, is no file, is larger than such a file may be, or is not UTF-8.
pub fn read_text(what: &str, path: &Path) -> Result<String, CliError> {
    regular::read_text(path, FILE_BYTES_MAX).map_err(|error| {
        CliError::usage(format!("The {what} {} cannot be read.", path.display())).because(&error)
    })
}

/// Reads a file that a person named, up to what such a file may have.
///
/// # Errors
/// It is not there, is no file, or is larger.
pub fn read(what: &str, path: &Path, bytes_max: u64) -> Result<Vec<u8>, CliError> {
    regular::read(path, bytes_max).map_err(|error| {
        CliError::usage(format!("The {what} {} cannot be read.", path.display())).because(&error)
    })
}

/// The place that a file names in another one: below that file's folder, by no way out of it.
///
/// # Errors
/// The path is absolute, goes up, or a link in it leads out of the folder; as the end of a sentence.
pub fn below(folder: &Path, written: &str) -> Result<PathBuf, String> {
    let normal = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
    let path = Path::new(written);
    if written.is_empty() || !path.components().all(normal) {
        return Err("its path must lead below the folder of the file that names it".to_owned());
    }
    let place = folder.join(path);
    let here = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    // What is not there leads nowhere; reading it says so.
    if let (Ok(place), Ok(here)) = (place.canonicalize(), here.canonicalize())
        && !place.starts_with(&here)
    {
        return Err(
            "a link in its path leads out of the folder of the file that names it".to_owned()
        );
    }
    Ok(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_file_lies_below_the_one_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(at("in/worlds")).unwrap();
        std::fs::write(at("in/worlds/a.yaml"), "").unwrap();
        std::fs::write(at("out.yaml"), "").unwrap();
        let here = at("in");
        assert_eq!(below(&here, "worlds/a.yaml").unwrap(), here.join("worlds/a.yaml"));
        assert!(below(&here, "./worlds/none.yaml").is_ok());
        let outside = at("out.yaml");
        for bad in ["../out.yaml", "worlds/../../out.yaml", outside.to_str().unwrap(), "", ".."] {
            assert!(below(&here, bad).unwrap_err().contains("below the folder"), "{bad}");
        }
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(at("out.yaml"), at("in/link.yaml")).unwrap();
            std::os::unix::fs::symlink(folder.path(), at("in/up")).unwrap();
            std::os::unix::fs::symlink(at("in/worlds/a.yaml"), at("in/same.yaml")).unwrap();
            for bad in ["link.yaml", "up/out.yaml"] {
                assert!(below(&here, bad).unwrap_err().contains("a link"), "{bad}");
            }
            assert!(
                below(&here, "same.yaml").is_ok(),
                "a link within the folder is none of our business"
            );
        }
    }
}
