//! Where the next page is: read from the end of a page, so that it can be asked for before the page is read.

use serde::Deserialize;
use serde::de::IgnoredAny;

/// What a page says of the next one.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Tail {
    /// For lists with cursors.
    pub cursor: Option<String>,
    /// For lists with places.
    pub start: Place,
}

/// Where a list by place goes on.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) enum Place {
    /// The page says nothing of it.
    #[default]
    Untold,
    /// There is more, and nothing says where.
    More,
    At(u64),
    End,
}

#[derive(Default, Deserialize)]
struct Additional {
    #[serde(default)]
    next_cursor: Option<String>,
    #[serde(default)]
    pagination: Option<Pagination>,
}

#[derive(Deserialize)]
struct Pagination {
    #[serde(default)]
    more_items_in_collection: Option<bool>,
    #[serde(default)]
    next_start: Option<u64>,
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    additional_data: Option<Additional>,
    #[expect(dead_code, reason = "names the key that is passed over")]
    #[serde(default)]
    data: IgnoredAny,
}

const KEY: &[u8] = b"\"additional_data\":";

pub(crate) fn tail(body: &[u8]) -> Result<Tail, serde_json::Error> {
    let additional = match at_the_end(body) {
        Some(found) => Some(found),
        None => serde_json::from_slice::<Page>(body)?.additional_data,
    };
    let Some(found) = additional else { return Ok(Tail::default()) };
    let start =
        found.pagination.map_or(Place::Untold, |it| match (it.more_items_in_collection, it.next_start) {
            (Some(false), _) => Place::End,
            (_, Some(next)) => Place::At(next),
            (Some(true), None) => Place::More,
            (None, None) => Place::Untold,
        });
    Ok(Tail { cursor: found.next_cursor.filter(|it| !it.is_empty()), start })
}

/// The key as the last one of the page; a text within a record can not hold it without a backslash.
fn at_the_end(body: &[u8]) -> Option<Additional> {
    let from = memchr::memmem::rfind(body, KEY)? + KEY.len();
    let mut values = serde_json::Deserializer::from_slice(&body[from..]).into_iter::<Additional>();
    let found = values.next()?.ok()?;
    let rest = &body[from + values.byte_offset()..];
    (rest.trim_ascii() == b"}").then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_found_wherever_it_stands() {
        let cursor = |text: &str| tail(text.as_bytes()).unwrap().cursor;
        let last = r#"{"data":[{"a":"\"additional_data\":{}"}],"additional_data":{"next_cursor":"x"}}"#;
        assert_eq!(cursor(last), Some("x".into()));
        let first = r#"{"additional_data" : {"next_cursor":"y"},"data":[{"a":1}]}"#;
        assert_eq!(cursor(first), Some("y".into()));
        let inside = r#"{"data":[{"additional_data":{"next_cursor":"no"}}]}"#;
        assert_eq!(cursor(inside), None);
        assert_eq!(cursor(r#"{"data":[],"additional_data":{"next_cursor":null}}"#), None);
        for (pagination, start) in [
            (
                r#""pagination":{"start":0,"limit":1,"more_items_in_collection":true,"next_start":1}"#,
                Place::At(1),
            ),
            (r#""pagination":{"more_items_in_collection":true}"#, Place::More),
            (r#""pagination":{"more_items_in_collection":false,"next_start":1}"#, Place::End),
            ("", Place::Untold),
        ] {
            let old = format!(r#"{{"data":[],"additional_data":{{{pagination}}}}}"#);
            assert_eq!(tail(old.as_bytes()).unwrap().start, start, "{old}");
        }
        assert_eq!(tail(br#"{"data":[]}"#).unwrap().start, Place::Untold);
        assert!(tail(b"<html>").is_err());
    }
}
