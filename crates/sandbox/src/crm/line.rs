//! A record on its way into a page.

use super::Record;

/// A record, or only its text.
pub(crate) enum Line {
    Record(Record),
    Text(String),
}

impl Line {
    pub(crate) fn write(&self, out: &mut Vec<u8>) -> serde_json::Result<()> {
        match self {
            Self::Record(record) => serde_json::to_writer(out, record)?,
            Self::Text(text) => out.extend_from_slice(text.as_bytes()),
        }
        Ok(())
    }
}
