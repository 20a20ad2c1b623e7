//! JSON that every database takes.

use std::borrow::Cow;

/// SQLite reads to a depth of 1000, PostgreSQL as deep as its stack is.
const DEEPEST: u32 = 100;
/// PostgreSQL keeps numbers digit by digit, and powers of ten in full.
const LONGEST_NUMBER: u32 = 1000;
const LONGEST_POWER: u32 = 4;

/// Is it nested no deeper, and are its numbers no larger, than databases can hold?
pub(super) fn is_tame(json: &str) -> bool {
    let (mut depth, mut digits, mut longest, mut in_text) = (0u32, 0, LONGEST_NUMBER, false);
    let mut bytes = json.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => in_text = !in_text,
            b'\\' if in_text => drop(bytes.next()),
            _ if in_text => {}
            b'0'..=b'9' => digits += 1,
            b'e' | b'E' => (digits, longest) = (0, LONGEST_POWER),
            b'+' | b'-' => {}
            other => {
                (digits, longest) = (0, LONGEST_NUMBER);
                match other {
                    b'[' | b'{' => depth += 1,
                    b']' | b'}' => depth = depth.saturating_sub(1),
                    _ => {}
                }
            }
        }
        if depth > DEEPEST || digits > longest {
            return false;
        }
    }
    true
}

/// PostgreSQL holds no NUL in a text, also none that is written as `\u0000`.
pub(super) fn without_nul(json: Cow<'_, str>) -> Cow<'_, str> {
    const NUL: &str = "\\u0000";
    if memchr::memmem::find(json.as_bytes(), NUL.as_bytes()).is_none() {
        return json;
    }
    let mut clean = String::with_capacity(json.len());
    let mut rest = json.as_ref();
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        clean.push_str(before);
        if let Some(after) = escape.strip_prefix(NUL) {
            rest = after;
            continue;
        }
        // The backslash and what it stands before.
        let length = 1 + escape.chars().nth(1).map_or(0, char::len_utf8);
        clean.push_str(&escape[..length]);
        rest = &escape[length..];
    }
    clean.push_str(rest);
    clean.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_database_takes_is_known() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let many = |count: usize| format!("[{}]", vec!["[1.5e9]"; count].join(","));
        for (json, is) in [
            (nested(100), true),
            (nested(101), false),
            (many(5000), true),
            (r#"{"a":true,"b":12345,"c":"[[[e99999\"e99999"}"#.into(), true),
            ("1e9999".into(), true),
            ("[1E+99999]".into(), false),
            ("1".repeat(1001), false),
        ] {
            assert_eq!(is_tame(&json), is, "{json}");
        }
    }
}
