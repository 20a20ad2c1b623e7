//! One sync at a time into one file.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
};

use crate::error::{Failure, SyncError};

/// A locked file beside the database: two syncs into one file would undo each other's work. The system lets go of it
/// when the process dies.
pub(super) struct Lock(File);

impl Lock {
    pub(super) fn of(path: &Path) -> Result<Self, SyncError> {
        let cannot_be_written = |error: io::Error| {
            let message = format!("{} cannot be written: {error}", path.display());
            SyncError::destination(
                message,
                "Give this user the right to write into the folder, or name another place.",
            )
        };
        let mut name = real_name(path).map_err(cannot_be_written)?.into_os_string();
        name.push(".sync-lock");
        let file = OpenOptions::new().create(true).append(true).open(&name).map_err(cannot_be_written)?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(SyncError::new(
                Failure::Busy,
                format!("another sync is writing to {} now", path.display()),
                "Wait until it is done.",
            )),
            Err(TryLockError::Error(error)) => Err(SyncError::destination(
                format!("{} cannot be locked: {error}", path.display()),
                "Name a place on a disk of this machine.",
            )),
        }
    }
}

impl Drop for Lock {
    /// Closing is not enough: a child that is being started holds the file open too, until its own program runs.
    fn drop(&mut self) {
        // The system lets go of it when the last one closes it.
        let _ = self.0.unlock();
    }
}

/// The same by whatever name the file is called. A link that leads to no file yet makes the file.
fn real_name(path: &Path) -> io::Result<PathBuf> {
    path.canonicalize().or_else(|_| {
        OpenOptions::new().create(true).append(true).open(path)?;
        path.canonicalize()
    })
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_file_is_locked_by_whatever_name_and_let_go_of_at_once() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let (file, link) = (folder.path().join("crm.db"), folder.path().join("link.db"));
        symlink(&file, &link)?;
        let lock = Lock::of(&link).unwrap();
        assert_eq!(Lock::of(&file).err().map(|it| it.kind), Some(Failure::Busy));

        // As a child has it that is being started.
        let _inherited = lock.0.try_clone()?;
        drop(lock);
        Lock::of(&file).unwrap();
        Ok(())
    }
}
