//! Which paths may go out: those that everybody on the way reads alike.

use std::borrow::Cow;

/// Why a path is refused, in words for whoever sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadPath(pub &'static str);

/// The longest path or query that is passed on, in bytes.
pub(crate) const MAX: usize = 16 * 1024;

/// Checks a path as it was sent and tells how it reads, percent-decoded. Refused is whatever two readers could take
/// for two different paths, since rules are judged by one and the app answers by the other.
pub fn read(path: &str) -> Result<Cow<'_, str>, BadPath> {
    if !path.starts_with('/') || path.len() > MAX {
        return Err(BadPath("the path must begin with / and be shorter than 16 KiB"));
    }
    if is_simple(path) {
        return Ok(Cow::Borrowed(path));
    }
    if path.bytes().any(|c| !c.is_ascii_graphic() || matches!(c, b'\\' | b'#' | b'?')) {
        return Err(BadPath("the path holds a character that no path may hold"));
    }
    let mut segments = path[1..].split('/').peekable();
    while let Some(segment) = segments.next() {
        if segment.is_empty() && segments.peek().is_some() {
            return Err(BadPath("the path holds //"));
        }
        check(&decode(segment)?)?;
    }
    decode(path)
}

/// Letters, digits, `_` and `-` between single slashes, as in most paths, read one way only.
fn is_simple(path: &str) -> bool {
    let mut last = 0;
    path.bytes().all(|c| {
        let is_double = c == b'/' && last == b'/';
        last = c;
        !is_double && (c.is_ascii_alphanumeric() || matches!(c, b'/' | b'_' | b'-'))
    })
}

fn check(segment: &str) -> Result<(), BadPath> {
    if segment.chars().any(|c| c.is_control() || matches!(c, '/' | '\\')) {
        return Err(BadPath("the path holds an encoded slash, backslash or control character"));
    }
    // Some servers cut off what stands behind a semicolon before they look for dots.
    if matches!(segment.split(';').next(), Some("." | "..")) {
        return Err(BadPath("the path holds . or .. as a segment"));
    }
    if !segment.contains('%') {
        return Ok(());
    }
    let lower = segment.to_ascii_lowercase();
    if ["%2e", "%2f", "%5c", "%25", "%00", "%3b"].iter().any(|twice| lower.contains(twice)) {
        return Err(BadPath("the path holds something that is encoded twice"));
    }
    Ok(())
}

/// Percent-decodes; refuses what is no UTF-8 or no escape.
pub(super) fn decode(text: &str) -> Result<Cow<'_, str>, BadPath> {
    if !text.contains('%') {
        return Ok(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        if first != b'%' {
            bytes.push(first);
            continue;
        }
        let wrong = BadPath("the path holds a % that no two hexadecimal digits follow");
        let (escape, after) = rest.split_first_chunk::<2>().ok_or(wrong)?;
        let digit = |c: u8| (c as char).to_digit(16).ok_or(wrong);
        bytes.push((digit(escape[0])? * 16 + digit(escape[1])?) as u8);
        rest = after;
    }
    String::from_utf8(bytes).map(Cow::Owned).map_err(|_| BadPath("the path is no UTF-8 text"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_that_read_one_way_pass() {
        for (path, reads) in [
            ("/", "/"),
            ("/api/v2/deals/", "/api/v2/deals/"),
            ("/api/v1/deals/1%20a", "/api/v1/deals/1 a"),
            ("/caf%C3%A9", "/café"),
            ("/a;b=1/c:d@e", "/a;b=1/c:d@e"),
            ("/.well-known/x", "/.well-known/x"),
            ("/...", "/..."),
            ("/100%25", "/100%"),
        ] {
            assert_eq!(read(path).as_deref().unwrap_or_default(), reads, "{path}");
        }
        for path in [
            "",
            "a",
            "//",
            "//evil.example/",
            "/a//b",
            "/..",
            "/a/../b",
            "/a/..",
            "/./a",
            "/%2e%2e/a",
            "/%2E./a",
            "/.%2e",
            "/%252e%252e/",
            "/%252f",
            "/a%2fb",
            "/a%2Fb",
            "/a%5cb",
            "/a\\b",
            "/a%00b",
            "/a%0d%0ab",
            "/a%",
            "/a%2",
            "/a%zz",
            "/a%ff",
            "/..;/a",
            "/..;x=1/a",
            "/%2e%2e;/a",
            "/a?b",
            "/a#b",
            "/a b",
            "/ä",
            "/a\u{7f}",
            "/%7f",
            "/%c0%ae%c0%ae/",
            "/%u002e",
            "/%25%32%65",
        ] {
            assert!(read(path).is_err(), "{path} → {:?}", read(path));
        }
        assert!(read(&format!("/{}", "a".repeat(MAX))).is_err());
    }
}
