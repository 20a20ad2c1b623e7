//! Where a sealed value belongs.

/// The place that a sealed value is bound to; moved anywhere else, it does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// The workspace's id.
    pub workspace: &'a str,
    /// The connection's id.
    pub connection: &'a str,
    /// The field's id.
    pub field: &'a str,
    /// Counts the values that this field has had.
    pub version: i64,
}

impl Place<'_> {
    /// Additional authenticated data. Each part is led by its length, so that no two places look alike.
    pub(crate) fn aad(&self) -> Vec<u8> {
        let mut aad = b"keyhaven/place/1".to_vec();
        for part in [self.workspace, self.connection, self.field] {
            aad.extend((part.len() as u64).to_be_bytes());
            aad.extend(part.as_bytes());
        }
        aad.extend(self.version.to_be_bytes());
        aad
    }
}
