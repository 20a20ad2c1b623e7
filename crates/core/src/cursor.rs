//! Pages, and the cursors between them. To callers a cursor is an opaque word.

use keyhaven_store::Before;

use crate::Error;

const DEFAULT_LIMIT: u32 = 50;
const MAX_LIMIT: u32 = 200;

/// How many items stand on a page: 1 to 200; 0 means 50.
pub(crate) fn limit(limit: u32) -> Result<i64, Error> {
    match limit {
        0 => Ok(DEFAULT_LIMIT.into()),
        1..=MAX_LIMIT => Ok(limit.into()),
        _ => Err(Error::field("limit", "It must be 1 to 200.")),
    }
}

/// Hex of a text.
pub(crate) fn encode(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

/// The text of [`encode`].
pub(crate) fn decode(cursor: &str) -> Result<String, Error> {
    if !cursor.len().is_multiple_of(2) || cursor.len() > 2048 || !cursor.is_ascii() {
        return Err(wrong());
    }
    let bytes: Result<Vec<u8>, _> =
        (0..cursor.len()).step_by(2).map(|at| u8::from_str_radix(&cursor[at..at + 2], 16)).collect();
    let text = String::from_utf8(bytes.map_err(|_| wrong())?).map_err(|_| wrong())?;
    if text.contains('\0') { Err(wrong()) } else { Ok(text) }
}

pub(crate) fn wrong() -> Error {
    Error::field("cursor", "This is no cursor of this list; start again without one.")
}

/// Where a page that goes back in time begins.
pub(crate) fn before(cursor: Option<&str>) -> Result<Before, Error> {
    let Some(cursor) = cursor else { return Ok(Before::end()) };
    let text = decode(cursor)?;
    let (at, id) = text.split_once('\n').ok_or_else(wrong)?;
    Ok(Before { at: at.parse().map_err(|_| wrong())?, id: id.into() })
}

/// Of `limit` + 1 items the last says that there is another page, and where it begins.
pub(crate) fn next<T>(items: &mut Vec<T>, limit: i64, place: impl Fn(&T) -> Before) -> Option<String> {
    if items.len() as i64 <= limit {
        return None;
    }
    items.truncate(limit as usize);
    let Before { at, id } = place(items.last()?);
    Some(encode(&format!("{at}\n{id}")))
}
