//! Path patterns: `*` is one segment, `**` at the end is the rest.

use std::borrow::Cow;

/// Does one of the patterns match the path? It is decoded segment by segment. What an app could read as another path
/// (a slash or dots in disguise, doubly encoded, not UTF-8) matches nothing.
pub(super) fn matches_any(patterns: &[String], path: &str) -> bool {
    let Some(path) = path.strip_prefix('/') else { return false };
    let Some(segments) = path.split('/').map(decode).collect::<Option<Vec<_>>>() else { return false };
    patterns.iter().any(|pattern| matches(pattern, &segments))
}

fn matches(pattern: &str, segments: &[Cow<'_, str>]) -> bool {
    let mut segments = segments.iter();
    for wanted in pattern.strip_prefix('/').unwrap_or(pattern).split('/') {
        match (wanted, segments.next()) {
            ("**", rest) => return rest.is_some(),
            ("*", Some(segment)) if !segment.is_empty() => {}
            (wanted, Some(segment)) if wanted == *segment => {}
            _ => return false,
        }
    }
    segments.next().is_none()
}

/// One segment as it is meant; `None` if it could be meant otherwise.
fn decode(segment: &str) -> Option<Cow<'_, str>> {
    let segment = if segment.contains('%') { Cow::Owned(unescape(segment)?) } else { Cow::Borrowed(segment) };
    // Some servers cut a segment at `;` before they look for dots.
    let bare = segment.split(';').next().unwrap_or_default();
    let disguised = segment.contains(['/', '\\', '%']) || segment.chars().any(char::is_control);
    (!disguised && !matches!(bare, "." | "..")).then_some(segment)
}

fn unescape(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        if first != b'%' {
            bytes.push(first);
            continue;
        }
        let (&[high, low], after) = rest.split_first_chunk()?;
        let digit = |c: u8| char::from(c).to_digit(16);
        bytes.push((digit(high)? * 16 + digit(low)?) as u8);
        rest = after;
    }
    String::from_utf8(bytes).ok()
}

/// What is wrong with a pattern, if anything.
pub(super) fn check(pattern: &str) -> Result<(), &'static str> {
    let Some(path) = pattern.strip_prefix('/') else { return Err("begins with no /") };
    if pattern.len() > 500 {
        return Err("is too long: 500 bytes at most");
    }
    if pattern.contains(['?', '#', '\\', '%']) || pattern.contains(|c: char| c.is_control() || c == ' ') {
        return Err(
            "holds a character that cannot stand in a path; leave out the query, and write é instead of %C3%A9",
        );
    }
    let last = path.split('/').count() - 1;
    for (at, segment) in path.split('/').enumerate() {
        match segment {
            "*" => {}
            "**" if at == last => {}
            "**" => return Err("has ** before its end"),
            "." | ".." => return Err("holds . or .. as a segment"),
            other if other.contains('*') => {
                return Err("has * beside other letters; it stands for a whole segment");
            }
            _ => {}
        }
    }
    Ok(())
}
