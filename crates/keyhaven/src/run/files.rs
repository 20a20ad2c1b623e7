//! What the program reads: certificates to trust, settings of wget, and a hook for older Node. Nothing of it is a secret of
//! Keyhaven's.

use std::{env, fs, io, os::unix::fs::PermissionsExt, path::PathBuf};

use tempfile::TempDir;

use super::environment::WGETRC;

/// A folder for nobody else, removed at the end.
pub(super) struct Files {
    folder: TempDir,
}

/// Where systems keep the authorities that they trust.
const SYSTEM: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/usr/local/share/certs/ca-root-nss.crt",
];

/// Where whoever starts the command may have said that others are to be trusted.
const SAID: &[&str] = &["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"];

impl Files {
    /// Writes them, with our authority among the others.
    pub(super) fn write(ours: &str) -> io::Result<Self> {
        let mut folder = tempfile::Builder::new();
        folder.prefix("keyhaven-run-").permissions(fs::Permissions::from_mode(0o700));
        let it = Self { folder: folder.tempdir()? };
        let said = SAID.iter().filter_map(env::var_os).map(PathBuf::from);
        let system = SYSTEM.iter().map(PathBuf::from);
        let base = said.chain(system).find_map(|path| fs::read(path).ok()).unwrap_or_default();
        let further = env::var_os("NODE_EXTRA_CA_CERTS").and_then(|path| fs::read(path).ok());
        fs::write(it.bundle(), joined(&base, ours))?;
        fs::write(it.ours(), joined(&further.unwrap_or_default(), ours))?;
        fs::write(it.hook(), include_str!("node-hook.cjs"))?;
        fs::write(it.wgetrc(), [wgets_own(), it.for_wget()].concat())?;
        Ok(it)
    }

    /// All authorities.
    pub(super) fn bundle(&self) -> PathBuf {
        self.folder.path().join("authorities.pem")
    }

    /// Ours alone, for programs that add it to those they have.
    pub(super) fn ours(&self) -> PathBuf {
        self.folder.path().join("keyhaven.pem")
    }

    /// Settings of wget.
    pub(super) fn wgetrc(&self) -> PathBuf {
        self.folder.path().join("wgetrc")
    }

    fn for_wget(&self) -> Vec<u8> {
        format!("\nca_certificate = {}\nuse_proxy = on\n", self.bundle().display()).into()
    }

    /// The hook.
    pub(super) fn hook(&self) -> PathBuf {
        self.folder.path().join("node-hook.cjs")
    }
}

/// The settings of whoever starts the command; ours stand behind them.
fn wgets_own() -> Vec<u8> {
    let home = env::var_os("HOME").map(|home| PathBuf::from(home).join(".wgetrc"));
    let file = env::var_os(WGETRC).map(PathBuf::from).or(home);
    file.and_then(|file| fs::read(file).ok()).unwrap_or_default()
}

fn joined(first: &[u8], ours: &str) -> Vec<u8> {
    [first, b"\n", ours.as_bytes()].concat()
}
