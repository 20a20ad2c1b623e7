//! Texts that were cut in the middle of a character, and bytes that are none.

use bytes::Bytes;
use memchr::memmem;

/// `\ud83d`, as JSON writes a character of the upper planes in two parts.
const LENGTH: usize = 6;
/// The sign for what cannot be read.
const UNREADABLE: &[u8; LENGTH] = b"\\ufffd";

/// An app that cuts texts at a number of characters may write one half of a pair. No reader of JSON takes that: it
/// becomes the sign for what cannot be read, and the rest of the page stays readable. So do bytes that are no UTF-8.
pub(crate) fn sound(body: Bytes) -> Bytes {
    let body = match std::str::from_utf8(&body) {
        Ok(_) => body,
        Err(_) => String::from_utf8_lossy(&body).into_owned().into(),
    };
    let halves = halves(&body);
    if halves.is_empty() {
        return body;
    }
    let mut body = Vec::from(body);
    for at in halves {
        body[at..at + LENGTH].copy_from_slice(UNREADABLE);
    }
    body.into()
}

/// Where halves stand alone.
fn halves(body: &[u8]) -> Vec<usize> {
    let mut found = Vec::new();
    if memmem::find(body, b"\\ud").is_none() && memmem::find(body, b"\\uD").is_none() {
        return found;
    }
    let mut at = 0;
    while let Some(next) = memchr::memchr(b'\\', &body[at..]) {
        at += next;
        at += match half(&body[at..]) {
            None => 2,
            Some(Half::First) if matches!(half(&body[at + LENGTH..]), Some(Half::Second)) => 2 * LENGTH,
            Some(_) => {
                found.push(at);
                LENGTH
            }
        };
        if at >= body.len() {
            break;
        }
    }
    found
}

enum Half {
    First,
    Second,
}

/// What begins with half a character, written as an escape.
fn half(text: &[u8]) -> Option<Half> {
    match text {
        [b'\\', b'u', b'd' | b'D', kind, c, d, ..] if c.is_ascii_hexdigit() && d.is_ascii_hexdigit() => {
            match kind.to_ascii_lowercase() {
                b'8' | b'9' | b'a' | b'b' => Some(Half::First),
                b'c'..=b'f' => Some(Half::Second),
                _ => None,
            }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_text_become_signs() {
        assert_eq!(sound(b"[\"a\xff\"]".as_slice().into()), "[\"a\u{fffd}\"]");
    }

    #[test]
    fn halves_become_signs_and_pairs_stay() {
        for (from, to) in [
            (r#"{"a":"plain"}"#, r#"{"a":"plain"}"#),
            (r#"["\ud83d\ude00"]"#, r#"["\ud83d\ude00"]"#),
            (r#"["\uD83D\uDE00\ud83d"]"#, r#"["\uD83D\uDE00\ufffd"]"#),
            (r#"["\ud83d\ud83d\ude00"]"#, r#"["\ufffd\ud83d\ude00"]"#),
            (r#"["\ude00 x"]"#, r#"["\ufffd x"]"#),
            (r#"["\\ud83d"]"#, r#"["\\ud83d"]"#),
            (r#"["\\\ud83d"]"#, r#"["\\\ufffd"]"#),
            (r#"["\ud7ff"]"#, r#"["\ud7ff"]"#),
            (r#"["\ud83d\"#, r#"["\ufffd\"#),
            (r#"["\ud8"#, r#"["\ud8"#),
        ] {
            assert_eq!(sound(from.into()), to, "{from}");
        }
    }
}
