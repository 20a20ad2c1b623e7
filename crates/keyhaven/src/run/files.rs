//! What the program reads: certificates to trust, and a hook for older Node. Nothing of it is secret.

use std::{env, fs, io, os::unix::fs::PermissionsExt, path::PathBuf};

use tempfile::TempDir;

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

    /// The hook.
    pub(super) fn hook(&self) -> PathBuf {
        self.folder.path().join("node-hook.cjs")
    }
}

fn joined(first: &[u8], ours: &str) -> Vec<u8> {
    [first, b"\n", ours.as_bytes()].concat()
}
