//! Where the master key comes from. Without one Keyhaven does not start.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use keyhaven_vault::{KeyError, MasterKey, Secret};

/// Where to find the master key.
pub enum MasterKeySource {
    /// The text itself, from the environment.
    Text(Secret),
    /// A file that somebody else made; it must be there.
    File(PathBuf),
    /// The file in the data folder; made on the first start.
    DataFolder(PathBuf),
}

/// Why there is no master key.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyError {
    /// The text is no master key.
    #[error("the master key {place} cannot be used: {source}")]
    Unusable {
        /// Which source.
        place: String,
        /// What is wrong with it.
        source: KeyError,
    },
    /// The file cannot be read or made.
    #[error("the master key file {path} cannot be used: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Others may change the file.
    #[error("the master key file {path} can be changed by other users; run: chmod 600 {path}")]
    Writable {
        /// The file.
        path: PathBuf,
    },
    /// There are sealed secrets, but the key file is gone.
    #[error(
        "the master key file {path} is missing, but the database holds secrets that were sealed with it; put the file back from your backup"
    )]
    Lost {
        /// The file.
        path: PathBuf,
    },
}

impl MasterKeySource {
    /// Reads the key. Makes one only in a fresh data folder: `sealed_before` tells that the database already
    /// holds something that an older key sealed.
    pub fn load(&self, sealed_before: bool) -> Result<MasterKey, MasterKeyError> {
        match self {
            Self::Text(text) => parse(text.expose(), "in KEYHAVEN_MASTER_KEY"),
            Self::File(path) => read(path),
            Self::DataFolder(path) if path.exists() => read(path),
            Self::DataFolder(path) if sealed_before => Err(MasterKeyError::Lost { path: path.clone() }),
            Self::DataFolder(path) => create(path),
        }
    }

    /// The file, if it is one that other users of the machine can read.
    pub fn readable_by_others(&self) -> Option<PathBuf> {
        let (Self::File(path) | Self::DataFolder(path)) = self else { return None };
        let mode = fs::metadata(path).ok()?.permissions().mode();
        (mode & 0o044 != 0).then(|| path.clone())
    }
}

fn parse(text: &str, place: &str) -> Result<MasterKey, MasterKeyError> {
    MasterKey::from_text(text).map_err(|source| MasterKeyError::Unusable { place: place.into(), source })
}

fn read(path: &Path) -> Result<MasterKey, MasterKeyError> {
    let fail = |source| MasterKeyError::File { path: path.into(), source };
    let mode = fs::metadata(path).map_err(fail)?.permissions().mode();
    if mode & 0o022 != 0 {
        return Err(MasterKeyError::Writable { path: path.into() });
    }
    let text = Secret::new(fs::read_to_string(path).map_err(fail)?);
    parse(text.expose(), &format!("in {}", path.display()))
}

/// Written beside and then linked into place, so that two first starts at once agree on one key.
fn create(path: &Path) -> Result<MasterKey, MasterKeyError> {
    let fail = |source| MasterKeyError::File { path: path.into(), source };
    let key = MasterKey::generate();
    let beside = path.with_extension(format!("new-{}", std::process::id()));
    let mut file =
        fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside).map_err(fail)?;
    file.write_all(key.to_text().expose().as_bytes()).and_then(|()| file.write_all(b"\n")).map_err(fail)?;
    file.sync_all().map_err(fail)?;
    let linked = fs::hard_link(&beside, path);
    fs::remove_file(&beside).map_err(fail)?;
    match linked {
        Ok(()) => Ok(key),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => read(path),
        Err(error) => Err(fail(error)),
    }
}
