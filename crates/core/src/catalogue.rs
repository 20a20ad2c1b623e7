//! Reads further connectors from a folder: `DIR/<id>/{connector.toml, guide.md, *.svg}`.

use std::{collections::BTreeMap, fs, io, path::Path};

use keyhaven_connectors::{Catalogue, ConnectorFiles};

use crate::OpenError;

/// A connector is small; whatever is larger was put there by mistake or malice.
const MAX_FILE: u64 = 256 * 1024;
const MAX_FILES: usize = 32;

/// The connectors that are compiled in, and those of the folder.
pub(crate) fn load(folder: Option<&Path>) -> Result<Catalogue, OpenError> {
    let mut catalogue = Catalogue::built_in().map_err(OpenError::Catalogue)?;
    let Some(folder) = folder else { return Ok(catalogue) };
    let mut errors = Vec::new();
    for entry in sorted(folder)? {
        if !entry.is_dir() {
            continue;
        }
        if let Err(wrong) = catalogue.add(read(&entry)?) {
            errors.extend(wrong);
        }
    }
    if errors.is_empty() { Ok(catalogue) } else { Err(OpenError::Catalogue(errors)) }
}

fn read(folder: &Path) -> Result<ConnectorFiles, OpenError> {
    let mut files = BTreeMap::new();
    for path in sorted(folder)? {
        let fail = |source| OpenError::ConnectorsFolder { path: path.clone(), source };
        let about = fs::symlink_metadata(&path).map_err(fail)?;
        if !about.is_file() {
            return Err(fail(io::Error::other("only plain files may stand here, no links and no folders")));
        }
        if about.len() > MAX_FILE || files.len() == MAX_FILES {
            return Err(fail(io::Error::other("a connector has at most 32 files of 256 KiB each")));
        }
        files.insert(name_of(&path), fs::read(&path).map_err(fail)?);
    }
    Ok(ConnectorFiles { folder: name_of(folder), files })
}

fn sorted(folder: &Path) -> Result<Vec<std::path::PathBuf>, OpenError> {
    let fail = |source| OpenError::ConnectorsFolder { path: folder.into(), source };
    let mut paths = fs::read_dir(folder)
        .and_then(|entries| {
            entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()
        })
        .map_err(fail)?;
    paths.retain(|path| !name_of(path).starts_with('.'));
    paths.sort();
    Ok(paths)
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
