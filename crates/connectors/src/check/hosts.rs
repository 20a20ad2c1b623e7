//! Where a connector may send anything at all.

use super::{Findings, kind};
use crate::{FieldKind, definition::Definition, template};

/// `api.example.com`, `{domain}.example.com` with one field as the first label, or `{base_url}`.
pub(super) fn hosts(it: &Definition, found: &mut Findings) {
    found.unless((1..=8).contains(&it.hosts.len()), "hosts", "there must be 1 to 8 hosts");
    for (n, host) in it.hosts.iter().enumerate() {
        let at = format!("hosts.{n}");
        let fields: Vec<_> = template::fields(host).collect();
        if let [field] = fields[..]
            && *host == format!("{{{field}}}")
        {
            let fine = kind(it, field) == Some(FieldKind::Url);
            found.unless(fine, at, "only a field of kind “url” can be a host by itself");
            continue;
        }
        let fixed = match (host.strip_prefix('{').and_then(|rest| rest.split_once("}.")), fields.len()) {
            (Some((field, fixed)), 1) => {
                found.unless(
                    kind(it, field) == Some(FieldKind::Text),
                    &at,
                    "its placeholder must be a field of kind “text”",
                );
                fixed
            }
            (_, 0) => host,
            _ => {
                found.unless(false, at, "one placeholder may stand, and only as the first label");
                continue;
            }
        };
        found.unless(
            is_public_name(fixed),
            at,
            "must be a host name with at least two labels: no address, port, scheme or *",
        );
    }
}

fn is_public_name(host: &str) -> bool {
    let labels: Vec<_> = host.split('.').collect();
    let label = |label: &&str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-')
    };
    labels.len() >= 2
        && labels.iter().all(label)
        && labels.last().is_some_and(|last| {
            last.bytes().all(|c| c.is_ascii_lowercase()) && *last != "local" && *last != "localhost"
        })
}
