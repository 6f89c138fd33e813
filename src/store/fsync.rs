//! Does "flushed" mean "on the disk"? The one file with `unsafe` in the program.
//!
//! On Linux sled 0.34 ends its `flush()` with `sync_file_range`, which does not make anything
//! durable; it lost acknowledged records in 19 of 20 simulated power cuts (docs/storage.md 2.2). It
//! falls back to a real `fsync` when that call answers `ENOSYS`. So this library defines the symbol
//! itself and always answers so; the linker prefers ours to the C library's (docs/storage.md 3).
#![expect(
    unsafe_code,
    reason = "replacing a C function and asking whether the replacement is called cannot be said in safe Rust"
)]

use super::error::StoreError;

#[cfg(target_os = "linux")]
mod linux {
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

    /// How often ours was called.
    static CALLS: AtomicU64 = AtomicU64::new(0);
    /// Whether the real call is made, to show what would be lost without ours.
    static STOCK: AtomicBool = AtomicBool::new(false);

    /// Takes the place of the C library's function for the whole program.
    ///
    /// # Safety
    /// None needed: it reads its arguments as numbers and writes `errno` of the calling thread.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn sync_file_range(
        fd: libc::c_int,
        offset: libc::off64_t,
        nbytes: libc::off64_t,
        flags: libc::c_uint,
    ) -> libc::c_int {
        CALLS.fetch_add(1, Ordering::Relaxed);
        if STOCK.load(Ordering::Relaxed) {
            // SAFETY: four integers, as the system call takes them; no memory is touched.
            let answer =
                unsafe { libc::syscall(libc::SYS_sync_file_range, fd, offset, nbytes, flags) };
            return if answer == 0 { 0 } else { -1 };
        }
        // SAFETY: the C library answers with a valid pointer to this thread's `errno`.
        unsafe { *libc::__errno_location() = libc::ENOSYS };
        -1
    }

    pub(super) fn probe() -> Result<(), String> {
        let before = CALLS.load(Ordering::Relaxed);
        // SAFETY: -1 is never a file; both functions that may stand here refuse it and touch nothing.
        let answer = unsafe { libc::sync_file_range(-1, 0, 0, 0) };
        let errno = std::io::Error::last_os_error().raw_os_error();
        if CALLS.load(Ordering::Relaxed) == before {
            return Err("the C library's sync_file_range is called instead of ours".to_owned());
        }
        if answer != -1 || errno != Some(libc::ENOSYS) {
            return Err(format!("sync_file_range answered {answer}, errno {errno:?}"));
        }
        Ok(())
    }

    pub(super) fn use_stock() {
        STOCK.store(true, Ordering::Relaxed);
    }
}

/// Shows that sled's flush reaches the disk in this process. Asked at each opening of a store.
///
/// On systems other than Linux sled calls `fsync` by itself, and the answer is yes.
///
/// # Errors
/// Our symbol is not the one that is called; a run must not be driven.
pub fn prove_active() -> Result<(), StoreError> {
    #[cfg(target_os = "linux")]
    linux::probe().map_err(|why| StoreError::NotDurable { why })?;
    Ok(())
}

/// Makes sled behave as it comes, so that the power-cut test can show that it would fail without
/// the replacement. Stores opened afterwards are refused.
#[doc(hidden)]
pub fn use_stock_for_the_power_cut_test() {
    #[cfg(target_os = "linux")]
    linux::use_stock();
}

#[cfg(test)]
mod tests {
    #[test]
    fn our_sync_file_range_is_the_one_that_is_called() {
        super::prove_active().unwrap();
    }
}
