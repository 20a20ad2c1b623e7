//! Parquet files as a destination. A Parquet file cannot be changed row by row: a SQLite database, the mirror, is kept
//! like any other destination, and after each run the tables and views that changed are written as whole files.
//! docs/decisions/0014-parquet-from-a-mirror.md tells why.

mod bucket;
mod column;
mod file;
mod http;
mod object;
mod place;

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use tokio::{sync::watch, task::spawn_blocking};

use crate::{
    database::Mirror,
    error::{Failure, SyncError},
};
use bucket::Bucket;
use place::Place;

/// What Keyhaven keeps beside the files of a folder.
const BESIDE: &str = ".keyhaven";
const MIRROR: &str = "mirror.db";

/// Where Parquet files go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files(Where);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Where {
    Folder(PathBuf),
    Bucket { bucket: String, prefix: String },
}

impl Files {
    /// `parquet:FOLDER` or `s3://BUCKET/PREFIX`.
    pub(crate) fn parse(text: &str) -> Result<Self, SyncError> {
        let wrong = |message: &str, remedy: &str| Err(SyncError::new(Failure::Usage, message, remedy));
        if let Some(folder) = text.strip_prefix("parquet:") {
            let folder = folder.strip_prefix("//").unwrap_or(folder);
            if folder.is_empty() {
                return wrong("the destination names no folder", "Write it like parquet:crm.");
            }
            return Ok(Self(Where::Folder(folder.into())));
        }
        let address = text.strip_prefix("s3://").unwrap_or(text);
        let (bucket, prefix) = address.split_once('/').unwrap_or((address, ""));
        let prefix = prefix.trim_end_matches('/');
        if bucket.contains(['@', ':']) || address.contains(['?', '#']) {
            return wrong(
                "the address of a bucket holds nothing but bucket and prefix",
                "Set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION and AWS_ENDPOINT_URL instead.",
            );
        }
        let is_plain = |part: &str| !part.is_empty() && part != "." && part != ".." && !part.contains('\\');
        if !is_plain(bucket) || !(prefix.is_empty() || prefix.split('/').all(is_plain)) {
            return wrong("the destination names no bucket", "Write it like s3://bucket/crm.");
        }
        Ok(Self(Where::Bucket { bucket: bucket.into(), prefix: prefix.into() }))
    }

    /// The machine word of its kind.
    pub(crate) fn kind(&self) -> &'static str {
        match self.0 {
            Where::Folder(_) => "parquet",
            Where::Bucket { .. } => "s3",
        }
    }

    fn place(&self) -> Result<Place, SyncError> {
        Ok(match &self.0 {
            Where::Folder(folder) => Place::Folder(folder.clone()),
            Where::Bucket { bucket, prefix } => Place::Bucket(Bucket::open(bucket, prefix)?),
        })
    }

    /// The folder of the mirror, and of files that are not done.
    fn beside(&self, place: &Place) -> Result<PathBuf, SyncError> {
        match (&self.0, place) {
            (Where::Bucket { bucket, prefix }, Place::Bucket(there)) => {
                let Some(cache) = dirs::cache_dir() else {
                    return Err(SyncError::destination(
                        "there is no folder to keep the copy in that Parquet files are made from",
                        "Set XDG_CACHE_HOME to a folder.",
                    ));
                };
                let folder = cache.join("keyhaven").join("s3").join(there.host()).join(bucket).join(prefix);
                Ok(folder.join(BESIDE))
            }
            (Where::Folder(folder), _) => Ok(folder.join(BESIDE)),
            (Where::Bucket { .. }, Place::Folder(folder)) => Ok(folder.clone()),
        }
    }

    /// The mirror. Whether files can be written is found out before anything is read.
    pub(crate) async fn open(&self) -> Result<Mirror, SyncError> {
        let place = self.place()?;
        let beside = self.beside(&place)?;
        if let Where::Folder(folder) = &self.0 {
            make(folder, false)?;
        }
        make(&beside, true)?;
        place.list().await?;
        Mirror::open(&beside.join(MIRROR))
    }

    /// Writes what changed. Tells why the run ended early, if it did.
    pub(crate) async fn publish(
        &self,
        source: &str,
        stopped: Option<SyncError>,
        cancelled: &watch::Receiver<bool>,
    ) -> Option<SyncError> {
        if stopped.as_ref().is_some_and(|it| matches!(it.kind, Failure::Cancelled | Failure::Destination)) {
            return stopped;
        }
        let done = self.write(source, cancelled).await.err();
        stopped.or(done)
    }

    async fn write(&self, source: &str, cancelled: &watch::Receiver<bool>) -> Result<(), SyncError> {
        let place = self.place()?;
        let beside = self.beside(&place)?;
        let mirror = beside.join(MIRROR);
        let there = place.list().await?;
        let all = apart({
            let mirror = mirror.clone();
            move || object::all(&mirror)
        });
        for object in all.await? {
            let name = object.file_name();
            let is_there = there.contains(&name);
            if is_there && object.is_written {
                continue;
            }
            if is_there && !object.is_known {
                self.look_whose(&place, &name, source).await?;
            }
            let part = beside.join(format!("{name}.part"));
            let written = apart({
                let (mirror, object, part) = (mirror.clone(), object.clone(), part.clone());
                let (source, cancelled) = (source.to_owned(), cancelled.clone());
                move || file::write(&mirror, &object, &part, &source, &|| *cancelled.borrow())
            });
            let done = match written.await {
                Ok(()) => place.put(&name, &part).await,
                Err(error) => Err(error),
            };
            let _ = fs::remove_file(&part);
            done?;
            let mirror = mirror.clone();
            apart(move || object::note(&mirror, &object)).await?;
        }
        Ok(())
    }

    /// A file that Keyhaven did not make is never touched.
    async fn look_whose(&self, place: &Place, name: &str, source: &str) -> Result<(), SyncError> {
        match file::source(place, name).await? {
            Some(it) if it == source => Ok(()),
            Some(_) => Err(SyncError::destination(
                format!("{self} holds another connection's records"),
                "Name another folder or prefix for this connection.",
            )),
            None => Err(SyncError::destination(
                format!("there is a file {name} in {self} that Keyhaven did not make; it was left as it is"),
                "Name another folder or prefix, or move that file away.",
            )),
        }
    }
}

impl fmt::Display for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Where::Folder(folder) => write!(f, "parquet:{}", folder.display()),
            Where::Bucket { bucket, prefix } if prefix.is_empty() => write!(f, "s3://{bucket}"),
            Where::Bucket { bucket, prefix } => write!(f, "s3://{bucket}/{prefix}"),
        }
    }
}

fn make(folder: &Path, with_parents: bool) -> Result<(), SyncError> {
    if folder.is_dir() {
        return Ok(());
    }
    let made = fs::DirBuilder::new().recursive(with_parents).create(folder);
    made.map_err(|error| place::failed(folder, &error))
}

/// On a thread that may wait for the disk.
async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SyncError> + Send + 'static,
) -> Result<T, SyncError> {
    let done = spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err(SyncError::destination("writing the files ended", "Run the sync again.")))
}
