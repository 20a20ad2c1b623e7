//! What the inner crates may import. deny.toml says who may import a crate; this says what a crate may import.

use crate::{
    run::{cargo, quietly},
    steps::Done,
};

const ALLOWED: &[(&str, &[&str])] = &[
    ("keyhaven-vault", &["aws-lc-rs", "secrecy", "subtle", "thiserror", "zeroize"]),
    (
        "keyhaven-connectors",
        &[
            "base64",
            "http",
            "httpdate",
            "keyhaven-vault",
            "regex-lite",
            "serde",
            "serde_json",
            "thiserror",
            "toml",
            "url",
        ],
    ),
    ("keyhaven-store", &["keyhaven-vault", "sqlx", "thiserror"]),
];

/// Compares each crate's normal dependencies with its row.
pub(crate) fn run() -> Result<Done, String> {
    for (name, allowed) in ALLOWED {
        let tree = [
            "tree",
            "--package",
            name,
            "--edges",
            "normal,no-proc-macro",
            "--depth",
            "1",
            "--prefix",
            "none",
        ];
        let output = quietly(cargo(tree))?;
        let imported = output.lines().skip(1).filter_map(|line| line.split_whitespace().next());
        let strangers: Vec<&str> = imported.filter(|name| !allowed.contains(name)).collect();
        if !strangers.is_empty() {
            return Err(format!("{name} may not import {}: see docs/ARCHITECTURE.md", strangers.join(", ")));
        }
    }
    Ok(Done::default())
}
