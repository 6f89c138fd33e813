//! Who drives the run? A lock that the system takes back when a process dies.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use super::error::StoreError;
use super::files;
use crate::model::RunId;
use crate::model::holder::Holder;

/// A reader holds the lock for the time of copying a few megabytes; a driver waits that out. Who
/// holds it cannot be told by the name in the file: a driver that was killed left its own there.
const READER_TRIES: u32 = 20;
const READER_WAIT: Duration = Duration::from_millis(20);

/// The lock of one run, let go when dropped.
#[derive(Debug)]
pub(super) struct RunLock {
    /// None where nobody has ever driven the run and nothing can be written: nobody drives it then.
    file: Option<File>,
    drives: bool,
}

impl RunLock {
    /// Takes the lock for driving the run and writes down who holds it.
    pub(super) fn drive(path: &Path, run: &RunId) -> Result<Self, StoreError> {
        let mut file = files::private_file(path).map_err(|error| unwritable(path, run, error))?;
        let mut tries = 0;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(e)) => return Err(StoreError::io("lock", path, e)),
                Err(TryLockError::WouldBlock) => {
                    tries += 1;
                    if tries >= READER_TRIES {
                        return Err(held(run, holder_of(path)));
                    }
                    std::thread::sleep(READER_WAIT);
                }
            }
        }
        file.set_len(0)
            .and_then(|()| file.seek(SeekFrom::Start(0)))
            .and_then(|_| file.write_all(holder_name().as_bytes()))
            .map_err(|e| StoreError::io("write", path, e))?;
        Ok(Self { file: Some(file), drives: true })
    }

    /// Keeps drivers away for the time of a look; several may look at once. Nothing is written for it.
    pub(super) fn look(path: &Path, run: &RunId) -> Result<Self, StoreError> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                match files::private_file(path) {
                    Ok(file) => file,
                    // Who drives a run has made its lock.
                    Err(_) => return Ok(Self { file: None, drives: false }),
                }
            }
            Err(error) => return Err(StoreError::io("open", path, error)),
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(Self { file: Some(file), drives: false }),
            Err(TryLockError::WouldBlock) => Err(held(run, holder_of(path))),
            Err(TryLockError::Error(e)) => Err(StoreError::io("lock", path, e)),
        }
    }
}

impl Drop for RunLock {
    fn drop(&mut self) {
        let Some(file) = &self.file else { return };
        if self.drives {
            // Only a hint for people; the lock itself is what counts.
            drop(file.set_len(0));
        }
        drop(file.unlock());
    }
}

/// Why a run cannot be driven here: the disk, unless somebody holds it, who can be asked in its place.
fn unwritable(path: &Path, run: &RunId, error: StoreError) -> StoreError {
    match RunLock::look(path, run) {
        Err(held @ StoreError::Held { .. }) => held,
        _ => error,
    }
}

fn held(run: &RunId, holder: Option<String>) -> StoreError {
    StoreError::Held {
        run: run.clone(),
        holder: holder.unwrap_or_else(|| "another process".to_owned()),
    }
}

/// Who wrote their name into the lock file last, if they did not take it out again.
fn holder_of(path: &Path) -> Option<String> {
    let mut text = String::new();
    // Elsewhere than on unix a locked file may be unreadable; the lock is then all that is known.
    File::open(path).and_then(|file| file.take(512).read_to_string(&mut text)).ok()?;
    (!text.is_empty()).then_some(text)
}

/// What somebody called this host, if anybody did.
static GIVEN_NAME: OnceLock<String> = OnceLock::new();

/// Bytes of a host's name, as the DNS has it.
const HOST_NAME_BYTES_MAX: usize = 253;

/// Gives this host a name that stays, where the system's does not: a container whose name is new each time is the
/// same host as before by it. The first name counts.
///
/// # Errors
/// It is no name of a host; the message says which are.
pub fn name_this_host(name: &str) -> Result<(), &'static str> {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    if name.is_empty() || name.len() > HOST_NAME_BYTES_MAX || !name.chars().all(good) {
        return Err("a host's name has letters, digits, `-`, `.` and `_`");
    }
    GIVEN_NAME.get_or_init(|| name.to_owned());
    Ok(())
}

/// This host: as it was called, else as its system has it.
pub(super) fn host_name() -> String {
    if let Some(name) = GIVEN_NAME.get() {
        return name.clone();
    }
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .or_else(|_| std::fs::read_to_string("/etc/hostname"))
        .map_or_else(|_| "this host".to_owned(), |name| name.trim().to_owned())
}

/// This process, for people: its host, the program and its id.
#[must_use]
pub fn holder_name() -> String {
    Holder { host: host_name(), process: std::process::id() }.to_string()
}
