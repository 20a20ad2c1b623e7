//! Pictures of connectors: small, still, and without reach to anywhere.

const MAX: usize = 64 * 1024;

/// What has no place in a still picture.
const FORBIDDEN: [&str; 12] = [
    "<script",
    "<foreignobject",
    "<iframe",
    "<embed",
    "<object",
    "<image",
    "<!entity",
    "<!doctype",
    "javascript:",
    "data:",
    "@import",
    "<animate",
];

/// The MIME type of a picture by its name.
pub(crate) fn mime(name: &str) -> Option<&'static str> {
    match name.rsplit_once('.')? {
        (_, "svg") => Some("image/svg+xml"),
        (_, "png") => Some("image/png"),
        _ => None,
    }
}

/// May this file be shown?
pub(crate) fn check(name: &str, bytes: &[u8]) -> Result<(), String> {
    let clean = name.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.'))
        && !name.starts_with('.');
    if !clean || bytes.len() > MAX {
        return Err("must have a name of letters, digits, - and _, and at most 64 KiB".into());
    }
    match mime(name) {
        Some("image/png") if bytes.starts_with(b"\x89PNG\r\n\x1a\n") => Ok(()),
        Some("image/png") => Err("is no PNG picture".into()),
        Some(_) => check_svg(bytes),
        None => {
            Err("only connector.toml, guide.md, streams.toml and pictures (.svg, .png) may stand here".into())
        }
    }
}

fn check_svg(bytes: &[u8]) -> Result<(), String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "is no UTF-8 text")?.to_lowercase();
    if !text.trim_start().starts_with("<svg") && !text.trim_start().starts_with("<?xml") {
        return Err("is no SVG picture".into());
    }
    if let Some(bad) = FORBIDDEN.iter().find(|bad| text.contains(**bad)) {
        return Err(format!("holds “{bad}”, which has no place in a still picture"));
    }
    let reaches_out = text.match_indices("href").any(|(at, _)| {
        let value =
            text[at + 4..].trim_start().trim_start_matches('=').trim_start().trim_start_matches(['"', '\'']);
        !value.starts_with('#')
    });
    let urls = text
        .match_indices("url(")
        .any(|(at, _)| !text[at + 4..].trim_start().trim_start_matches(['"', '\'']).starts_with('#'));
    if reaches_out || urls {
        return Err("refers to something outside itself".into());
    }
    if has_event_handler(&text) {
        return Err("holds an event handler".into());
    }
    Ok(())
}

/// An attribute whose name begins with `on`.
fn has_event_handler(text: &str) -> bool {
    text.match_indices("on").any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let name: String = text[at..].chars().take_while(char::is_ascii_alphabetic).collect();
        let after = text[at + name.len()..].trim_start();
        before.is_some_and(|c| c.is_whitespace() || c == '/' || c == '"' || c == '\'')
            && name.len() > 2
            && after.starts_with('=')
    })
}
