//! The settings file, and the folder it stands in.

use std::{
    fs, io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Deserializer, de::Error as _};

use super::{ServerSettings, Settings, parse_span, parse_wait};

/// Settings that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// A file or folder.
    #[error("{path} cannot be used: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file does not parse, or holds a key that is no setting.
    #[error("the settings file {path} cannot be used: {message}")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong, with its line.
        message: String,
    },
    /// One setting.
    #[error("the setting {0} cannot be used: {1}")]
    Setting(&'static str, String),
    /// Which of two keys?
    #[error("there are two master keys: KEYHAVEN_MASTER_KEY and --master-key-file; give one of them")]
    TwoMasterKeys,
    /// No data folder.
    #[error("this user has no home folder; say where the data shall be with --data DIR")]
    NoHome,
}

/// Keys of [`ServerSettings`]; the rest belongs to [`Settings`], which refuses what it does not know.
const SERVER_KEYS: [&str; 6] = ["listen", "public-url", "tls-cert", "tls-key", "trusted-proxies", "log"];

/// Reads the named file, or `keyhaven.toml` of the data folder where there is one.
pub(super) fn load(
    named: Option<&Path>,
    data: &Path,
) -> Result<Option<(Settings, ServerSettings)>, ConfigError> {
    let path = named.map_or_else(|| data.join("keyhaven.toml"), Path::to_path_buf);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if named.is_none() && error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(ConfigError::Io { path, source }),
    };
    parse(&text).map(Some).map_err(|error| ConfigError::File { path, message: error.to_string() })
}

fn parse(text: &str) -> Result<(Settings, ServerSettings), toml::de::Error> {
    let mut table: toml::Table = text.parse()?;
    let mut server = toml::Table::new();
    for key in SERVER_KEYS {
        if let Some(value) = table.remove(key) {
            server.insert(key.into(), value);
        }
    }
    Ok((table.try_into()?, server.try_into()?))
}

pub(super) fn span<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    parse_span(&String::deserialize(from)?).map(Some).map_err(D::Error::custom)
}

pub(super) fn wait<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    parse_wait(&String::deserialize(from)?).map(Some).map_err(D::Error::custom)
}

/// Makes the folder with mode 0700; leaves one that is there as it is.
pub(super) fn make_private_folder(path: &Path) -> Result<(), ConfigError> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|source| ConfigError::Io { path: path.into(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_holds_every_setting_under_the_flags_name() {
        let (settings, server) = parse(
            "database = 'postgres://kh@db/kh'\nverify-every = '1d'\nsupport = 'ops@example.com'\nlisten = '0.0.0.0:80'",
        )
        .unwrap();
        assert_eq!(settings.database.as_deref(), Some("postgres://kh@db/kh"));
        assert_eq!(settings.verify_every, Some(Duration::from_secs(86_400)));
        assert_eq!(server.listen, Some(([0, 0, 0, 0], 80).into()));
        for key in SERVER_KEYS.iter().filter(|key| **key != "listen") {
            assert!(parse(&format!("{key} = 'x'")).is_ok(), "{key}");
        }
    }

    #[test]
    fn unknown_keys_and_silly_spans_are_refused() {
        for (text, says) in
            [("lissten = 'x'", "lissten"), ("verify-every = '1s'", "out of range"), ("=", "line 1")]
        {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
