//! The program's environment: the proxy, whom to trust, a placeholder for the key, and nothing of Keyhaven's own.

use std::{env, ffi::OsString};

use tokio::process::Command;

use super::files::Files;

/// Each names a file of all authorities to trust.
const BUNDLE: &[&str] = &[
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "AWS_CA_BUNDLE",
    "PIP_CERT",
    "CARGO_HTTP_CAINFO",
    "DENO_CERT",
];

/// Names wget's settings: it heeds no variable for certificates.
pub(super) const WGETRC: &str = "WGETRC";

/// What leads past the proxy.
const NOT_FOR_CHILDREN: &[&str] = &["NO_PROXY", "no_proxy"];
/// Begins what is Keyhaven's own: tokens, keys, databases, passwords of destinations, and where they are.
const OURS: &str = "KEYHAVEN_";

/// As long as a key, and plainly none.
const PLACEHOLDER: &str = "keyhaven00000000000000000000000000000000";

/// Name the way for https.
const HTTPS: &[&str] = &["HTTPS_PROXY", "https_proxy"];
/// Name the way for everything else: it is closed where other hosts are refused, else left as it is.
const OTHERS: &[&str] = &["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];

pub(super) fn set(command: &mut Command, proxy: &str, strict: bool, files: &Files, variable: Option<&str>) {
    for name in NOT_FOR_CHILDREN {
        command.env_remove(name);
    }
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with(OURS)) {
        command.env_remove(name);
    }
    let others = OTHERS.iter().filter(|_| strict);
    for name in HTTPS.iter().chain(others) {
        command.env(name, proxy);
    }
    for name in BUNDLE {
        command.env(name, files.bundle());
    }
    command.env("NODE_EXTRA_CA_CERTS", files.ours());
    command.env(WGETRC, files.wgetrc());
    // Node 22.21 and 24 heed HTTPS_PROXY if they are told to; the hook is for older ones.
    command.env("NODE_USE_ENV_PROXY", "1");
    let mut options = env::var_os("NODE_OPTIONS").unwrap_or_default();
    if !options.is_empty() {
        options.push(" ");
    }
    options.push(require(files));
    command.env("NODE_OPTIONS", options);
    if let Some(variable) = variable {
        command.env(variable, PLACEHOLDER);
    }
}

/// Quoted, since the folder's name may hold blanks.
fn require(files: &Files) -> OsString {
    let hook = files.hook().to_string_lossy().replace('\\', "\\\\").replace('"', "\\\"");
    format!("--require=\"{hook}\"").into()
}
