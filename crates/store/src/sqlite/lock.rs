//! The lock file by which one `serve` at a time owns a store, and which a migration must hold.

use crate::error::Error;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

/// The lock, held until dropped or until the process ends however it ends.
#[derive(Debug)]
pub(crate) struct Held {
    _file: File,
}

/// Takes the lock of the store in `dir`, or tells that somebody else has it.
pub(crate) fn acquire(dir: &Path) -> Result<Held, Error> {
    let path = dir.join("serve.lock");
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let unavailable =
        |error: std::io::Error| Error::Unavailable(format!("the lock file {} cannot be used: {error}", path.display()));
    let file = options.open(&path).map_err(unavailable)?;
    match file.try_lock() {
        Ok(()) => Ok(Held { _file: file }),
        Err(TryLockError::WouldBlock) => Err(Error::Busy(format!("another bailiwick serve uses {}", dir.display()))),
        Err(TryLockError::Error(error)) => Err(unavailable(error)),
    }
}
