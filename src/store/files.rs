//! How does a file reach the disk so that nobody else can read it and no cut leaves half of it?

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::error::StoreError;
use super::whole::{self, Existing, Readers, WriteError};

/// Creates a directory (and those above it) that only its owner may enter.
pub(super) fn private_dir(path: &Path) -> Result<(), StoreError> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(path).map_err(|e| StoreError::io("create", path, e))
}

/// Creates a directory that was not there, and that only its owner may enter.
pub(super) fn fresh_private_dir(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(path)
}

/// Opens a file for reading and writing, creating it readable for its owner only.
pub(super) fn private_file(path: &Path) -> Result<File, StoreError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path).map_err(|e| StoreError::io("open", path, e))
}

/// Opens a file for adding to it, creating it readable for its owner only; follows no link.
pub(super) fn private_log(path: &Path) -> Result<File, StoreError> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600).custom_flags(libc::O_NOFOLLOW);
    }
    options.open(path).map_err(|e| StoreError::io("open", path, e))
}

/// Makes a directory's entries durable. sled never does (docs/storage.md 3).
pub(super) fn sync_dir(path: &Path) -> Result<(), StoreError> {
    #[cfg(unix)]
    File::open(path).and_then(|dir| dir.sync_all()).map_err(|e| StoreError::io("sync", path, e))?;
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

/// Replaces a file whole: after a cut there is the old one or the new one.
pub(super) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    whole::write(path, bytes, Existing::Replace, Readers::Owner).map_err(|error| match error {
        WriteError::Io { path, source } => StoreError::io("write", &path, source),
        other => StoreError::io("write", path, io::Error::other(other.to_string())),
    })
}

/// Removes a file and makes that durable; a missing file is as good.
pub(super) fn remove_durably(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Ok(()) => path.parent().map_or(Ok(()), sync_dir),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(StoreError::io("remove", path, e)),
    }
}

/// Removes a directory with what is in it; a missing one is as good.
pub(super) fn remove_tree(path: &Path) -> Result<(), StoreError> {
    match fs::remove_dir_all(path) {
        Ok(()) => Ok(()),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(StoreError::io("remove", path, e)),
    }
}

/// Reads a file that may not be there.
pub(super) fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(StoreError::io("read", path, e)),
    }
}

/// The entries of a directory, sorted by name; none when it is not there.
pub(super) fn entries(path: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let listing = match fs::read_dir(path) {
        Ok(listing) => listing,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(StoreError::io("list", path, e)),
    };
    let mut found = listing
        .map(|entry| entry.map(|e| e.path()))
        .collect::<io::Result<Vec<_>>>()
        .map_err(|e| StoreError::io("list", path, e))?;
    found.sort();
    Ok(found)
}

/// Copies a directory, file by file, durably. The target must not exist.
pub(super) fn copy_tree(from: &Path, to: &Path) -> Result<(), StoreError> {
    private_dir(to)?;
    for source in entries(from)? {
        let Some(name) = source.file_name() else {
            continue;
        };
        let target = to.join(name);
        if source.is_dir() {
            copy_tree(&source, &target)?;
        } else {
            let copy = private_file(&target)?;
            io::copy(
                &mut File::open(&source).map_err(|e| StoreError::io("read", &source, e))?,
                &mut &copy,
            )
            .and_then(|_| copy.sync_all())
            .map_err(|e| StoreError::io("copy to", &target, e))?;
        }
    }
    sync_dir(to)
}

/// The digest of a directory's files, names and contents.
pub(super) fn digest_tree(path: &Path) -> Result<String, StoreError> {
    let mut hasher = blake3::Hasher::new_derive_key("backroad store directory v1");
    digest_into(path, &mut hasher)?;
    Ok(hasher.finalize().to_hex().to_string())
}

fn digest_into(path: &Path, hasher: &mut blake3::Hasher) -> Result<(), StoreError> {
    for entry in entries(path)? {
        let name = entry.file_name().unwrap_or_default().to_string_lossy();
        hasher.update(name.as_bytes());
        hasher.update(&[0]);
        if entry.is_dir() {
            digest_into(&entry, hasher)?;
        } else {
            let mut bytes = Vec::new();
            File::open(&entry)
                .and_then(|mut file| file.read_to_end(&mut bytes))
                .map_err(|e| StoreError::io("read", &entry, e))?;
            hasher.update(&(bytes.len() as u64).to_be_bytes());
            hasher.update(&bytes);
        }
    }
    hasher.update(&[1]);
    Ok(())
}

/// Takes other people's rights to the files of a directory away.
pub(super) fn restrict(path: &Path) -> Result<(), StoreError> {
    #[cfg(unix)]
    for entry in entries(path)? {
        use std::os::unix::fs::PermissionsExt;
        let mode = if entry.is_dir() { 0o700 } else { 0o600 };
        match fs::set_permissions(&entry, fs::Permissions::from_mode(mode)) {
            Ok(()) => {}
            // sled removes its old snapshots whenever it likes.
            Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
            Err(e) => return Err(StoreError::io("restrict", &entry, e)),
        }
        if entry.is_dir() {
            restrict(&entry)?;
        }
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}
