//! A record on its way into a page.

use super::Record;

/// A record, of whose custom fields there may be only the text.
pub(crate) struct Line {
    pub record: Record,
    /// `{"…": null, …}`; the record has no such field then.
    pub custom: Option<String>,
}

impl Line {
    pub(crate) fn write(&self, out: &mut Vec<u8>) -> serde_json::Result<()> {
        serde_json::to_writer(&mut *out, &self.record)?;
        if let Some(custom) = &self.custom {
            // In place of the closing brace; no record is empty.
            out.pop();
            out.extend_from_slice(b",\"custom_fields\":");
            out.extend_from_slice(custom.as_bytes());
            out.push(b'}');
        }
        Ok(())
    }
}
