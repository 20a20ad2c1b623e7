//! Where files are put: a folder, or a bucket.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use bytes::Bytes;

use super::bucket::Bucket;
use crate::error::SyncError;

pub(super) enum Place {
    Folder(PathBuf),
    Bucket(Bucket),
}

impl Place {
    /// Names of what is there.
    pub(super) async fn list(&self) -> Result<BTreeSet<String>, SyncError> {
        let folder = match self {
            Self::Bucket(bucket) => return bucket.list().await,
            Self::Folder(folder) => folder,
        };
        let list = || {
            let names = fs::read_dir(folder)?.map(|it| Ok(it?.file_name().to_string_lossy().into_owned()));
            names.collect::<io::Result<BTreeSet<String>>>()
        };
        list().map_err(|error| failed(folder, &error))
    }

    /// The last bytes of a file, all of them if it is shorter.
    pub(super) async fn tail(&self, name: &str, length: u64) -> Result<Bytes, SyncError> {
        let path = match self {
            Self::Bucket(bucket) => return bucket.tail(name, length).await,
            Self::Folder(folder) => folder.join(name),
        };
        let read = || {
            let mut file = File::open(&path)?;
            let size = file.metadata()?.len();
            file.seek(SeekFrom::Start(size.saturating_sub(length)))?;
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            io::Result::Ok(bytes.into())
        };
        read().map_err(|error| failed(&path, &error))
    }

    /// Puts a file in the place of what has this name: at once, or not at all.
    pub(super) async fn put(&self, name: &str, part: &Path) -> Result<(), SyncError> {
        let folder = match self {
            Self::Bucket(bucket) => return bucket.put(name, part).await,
            Self::Folder(folder) => folder,
        };
        let path = folder.join(name);
        fs::rename(part, &path).map_err(|error| failed(&path, &error))?;
        // The name is to last as well.
        File::open(folder).and_then(|it| it.sync_all()).map_err(|error| failed(folder, &error))
    }
}

/// What the disk has to say.
pub(super) fn failed(path: &Path, error: &io::Error) -> SyncError {
    let shown = path.display();
    let (message, remedy) = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => (
            format!("{shown} cannot be written: the disk is full"),
            "Make room, then run the sync again: it goes on.",
        ),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => (
            format!("{shown} cannot be written: it is read-only"),
            "Give this user the right to write into the folder, then run the sync again: it goes on.",
        ),
        io::ErrorKind::NotFound => {
            (format!("the folder of {shown} is not there"), "Make the folder, or name another place.")
        }
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
            (format!("{shown} is no folder"), "Name a folder, such as parquet:crm.")
        }
        _ => (
            format!("{shown} cannot be written: {error}"),
            "Look at the disk, then run the sync again: it goes on.",
        ),
    };
    SyncError::destination(message, remedy)
}
