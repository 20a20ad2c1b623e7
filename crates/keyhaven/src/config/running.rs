//! Where the server that runs on this data is reached, for commands beside it.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Write},
    path::Path,
    thread,
    time::Duration,
};

const FILE: &str = "server.url";
const TRIES: u32 = 5;
const MOMENT: Duration = Duration::from_millis(20);

/// Held by a server while it runs. The file stays behind; what it says holds only while it is locked, so that a server
/// that was killed is not taken for one that runs.
pub(crate) struct Running {
    _locked: File,
}

impl Running {
    /// Writes down where it is reached; nothing, if another server on this data has done so before.
    pub(crate) fn note(data: &Path, url: &str) -> io::Result<Option<Self>> {
        let mut file = File::options().write(true).create(true).truncate(false).open(data.join(FILE))?;
        // A command that looks holds it for a moment.
        for left in (0..TRIES).rev() {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if left == 0 => return Ok(None),
                Err(TryLockError::WouldBlock) => thread::sleep(MOMENT),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        file.set_len(0)?;
        file.write_all(url.as_bytes())?;
        Ok(Some(Self { _locked: file }))
    }

    /// What a server that runs now has noted.
    pub(crate) fn url(data: &Path) -> Option<String> {
        let path = data.join(FILE);
        match File::open(&path).ok()?.try_lock_shared() {
            Err(TryLockError::WouldBlock) => fs::read_to_string(path).ok().filter(|url| !url.is_empty()),
            _ => None,
        }
    }
}
