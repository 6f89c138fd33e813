//! How does a file come to be whole? The one writer: beside its place first, then moved there in one piece.
//!
//! Whoever reads sees the old file or the new one, after a cut too. No link at the place is followed: what
//! it leads to stays as it is. Everything that this program writes as a file goes through here; what it
//! appends to (the database, the anchor, locks) has its own ways.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// What may be at the place already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// A file there is replaced.
    Replace,
    /// A file there is kept, and the writing refused.
    Keep,
}

/// Who may read what is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readers {
    /// Its owner, whoever could read the one before.
    Owner,
    /// Whom the session's mask lets, as for any file that a person asks for; those of the one before.
    Session,
}

/// Why a file was not written. What was at its place is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// Something is there, and was to be kept.
    #[error("{} is there already", path.display())]
    Exists {
        /// The place.
        path: PathBuf,
    },
    /// What is there is no file.
    #[error("{} is {what}, and only a file is replaced", path.display())]
    NotAFile {
        /// The place.
        path: PathBuf,
        /// What it is, with its article.
        what: &'static str,
    },
    /// The file system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The place.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// How the names of files begin and end that are not whole yet.
const UNFINISHED: (&str, &str) = (".", ".part");

/// Writes of this process so far: two at once at one place are two files.
static WRITES: AtomicU64 = AtomicU64::new(0);

/// Writes a file whole, durably.
///
/// # Errors
/// The place is taken by what is to be kept or is no file, or the file system refuses.
pub fn write(
    path: &Path,
    bytes: &[u8],
    existing: Existing,
    readers: Readers,
) -> Result<(), WriteError> {
    let failed = |source| WriteError::Io { path: path.to_owned(), source };
    let before = at_place(path, existing)?;
    let beside = beside(path).map_err(failed)?;
    let written = fresh(&beside, readers)
        .and_then(|mut file| {
            if let (Some(before), Readers::Session) = (before, readers) {
                file.set_permissions(before)?;
            }
            file.write_all(bytes)?;
            file.sync_all()
        })
        .and_then(|()| match existing {
            Existing::Replace => fs::rename(&beside, path),
            Existing::Keep => claim(&beside, path),
        });
    if written.is_err() || existing == Existing::Keep {
        // What is left of it only takes room.
        drop(fs::remove_file(&beside));
    }
    match written {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(WriteError::Exists { path: path.to_owned() });
        }
        other => other.map_err(failed)?,
    }
    sync_folder(path).map_err(failed)
}

/// Whether a file could be written there now: its beginning is made beside the place, and taken away again.
///
/// # Errors
/// As [`write()`], without the room that the bytes take.
pub fn try_place(path: &Path, existing: Existing, readers: Readers) -> Result<(), WriteError> {
    let failed = |source| WriteError::Io { path: path.to_owned(), source };
    at_place(path, existing)?;
    let beside = beside(path).map_err(failed)?;
    drop(fresh(&beside, readers).map_err(failed)?);
    fs::remove_file(&beside).map_err(failed)
}

/// Where a file begins: beside its place, under a name that nobody else has.
fn beside(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let number = WRITES.fetch_add(1, Ordering::Relaxed);
    let mut beside = std::ffi::OsString::from(UNFINISHED.0);
    beside.push(name);
    beside.push(format!(".{}-{number}{}", std::process::id(), UNFINISHED.1));
    Ok(path.with_file_name(beside))
}

/// Whether a name is that of a file that is not whole yet: its writer was cut, or is at work.
pub(super) fn is_unfinished(name: &str) -> bool {
    name.starts_with(UNFINISHED.0) && name.ends_with(UNFINISHED.1)
}

/// What is at the place: the rights of a file, or a reason not to write.
fn at_place(path: &Path, existing: Existing) -> Result<Option<fs::Permissions>, WriteError> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(WriteError::Io { path: path.to_owned(), source }),
    };
    let what = super::regular::kind(found.file_type());
    match (what, existing) {
        (None, Existing::Replace) => Ok(Some(found.permissions())),
        (_, Existing::Keep) => Err(WriteError::Exists { path: path.to_owned() }),
        (Some(what), Existing::Replace) => {
            Err(WriteError::NotAFile { path: path.to_owned(), what })
        }
    }
}

/// A file that was not there: nobody has it open, and no link leads elsewhere.
fn fresh(path: &Path, readers: Readers) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(match readers {
            Readers::Owner => 0o600,
            Readers::Session => 0o666,
        });
    }
    #[cfg(not(unix))]
    let _ = readers;
    match options.open(path) {
        // A process of the same number that was cut left it.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            fs::remove_file(path)?;
            options.open(path)
        }
        opened => opened,
    }
}

/// Moves a file to a place where nothing is; fails where somebody else was quicker.
fn claim(beside: &Path, path: &Path) -> io::Result<()> {
    match fs::hard_link(beside, path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            // A file system without hard links: the place is taken first, and then filled.
            OpenOptions::new().write(true).create_new(true).open(path)?;
            fs::rename(beside, path).inspect_err(|_| drop(fs::remove_file(path)))
        }
        linked => linked,
    }
}

/// Makes the folder's entry durable, where the file system knows how.
fn sync_folder(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or_else(|| Path::new("."));
        match File::open(folder).and_then(|folder| folder.sync_all()) {
            Err(error)
                if !matches!(
                    error.kind(),
                    // A folder that may be written to and not read; one that cannot be synced.
                    io::ErrorKind::InvalidInput
                        | io::ErrorKind::Unsupported
                        | io::ErrorKind::PermissionDenied
                ) =>
            {
                return Err(error);
            }
            _ => {}
        }
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn put(path: &Path, existing: Existing) -> Result<(), WriteError> {
        write(path, b"new", existing, Readers::Session)
    }

    #[test]
    fn a_file_is_written_whole_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        for existing in [Existing::Keep, Existing::Replace] {
            put(&path, existing).unwrap();
            assert_eq!(fs::read(&path).unwrap(), b"new");
        }
        assert!(matches!(put(&path, Existing::Keep), Err(WriteError::Exists { .. })));
        assert!(put(&folder.path().join("no/such/folder"), Existing::Replace).is_err());
        assert!(put(&folder.path().join(".."), Existing::Replace).is_err());
        assert_eq!(names(folder.path()), ["a"]);
    }

    #[cfg(unix)]
    #[test]
    fn no_link_is_followed_and_nothing_but_a_file_is_replaced() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("victim"), b"old").unwrap();
        symlink(at("victim"), at("link")).unwrap();
        symlink(at("nowhere"), at("dangling")).unwrap();
        symlink("/dev/null", at("device")).unwrap();
        fs::create_dir(at("folder")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
        for name in ["link", "dangling", "device", "folder", "socket"] {
            for existing in [Existing::Keep, Existing::Replace] {
                let error = put(&at(name), existing).unwrap_err();
                assert!(!matches!(error, WriteError::Io { .. }), "{name}: {error}");
            }
        }
        assert_eq!(fs::read(at("victim")).unwrap(), b"old");
        assert!(!at("nowhere").exists() && fs::symlink_metadata(at("link")).unwrap().is_symlink());
        // A second name of a file is not written through either.
        fs::hard_link(at("victim"), at("second")).unwrap();
        put(&at("second"), Existing::Replace).unwrap();
        assert_eq!(fs::read(at("victim")).unwrap(), b"old");
        assert!(names(folder.path()).iter().all(|name| !is_unfinished(name)));
    }

    #[cfg(unix)]
    #[test]
    fn the_rights_of_a_file_are_kept_and_those_of_a_private_one_are_its_owners() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let path = folder.path().join("a");
        write(&path, b"1", Existing::Keep, Readers::Owner).unwrap();
        assert_eq!(mode(&path), 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        write(&path, b"2", Existing::Replace, Readers::Session).unwrap();
        assert_eq!(mode(&path), 0o640);
        write(&path, b"3", Existing::Replace, Readers::Owner).unwrap();
        assert_eq!(mode(&path), 0o600);
    }

    #[test]
    fn of_many_who_write_at_once_each_finds_a_whole_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::thread::scope(|scope| {
            for writer in 0..8_u8 {
                let path = &path;
                scope.spawn(move || {
                    for _ in 0..20 {
                        let bytes = vec![writer; 70_000];
                        write(path, &bytes, Existing::Replace, Readers::Owner).unwrap();
                        let found = fs::read(path).unwrap();
                        assert!(found.len() == 70_000 && found.iter().all(|b| *b == found[0]));
                    }
                });
            }
        });
        assert_eq!(names(folder.path()), ["a"]);
    }
}
