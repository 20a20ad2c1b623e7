//! What hangs on a deleted record is deleted too.

use keyhaven_connectors::streams::Each;

use super::Writer;
use crate::{
    error::SyncError,
    names::quoted,
    page::{DELETED_AT, Layout},
};

impl Writer {
    /// Records of this table were deleted: counted with them, so that nobody looks for orphans where there can be none.
    pub(super) fn note_loss(&mut self, table: &str) -> Result<(), SyncError> {
        let next = self.losses(table)?.parse::<u64>().unwrap_or_default() + 1;
        self.remember(&losses_of(table), &next.to_string())
    }

    /// Deletes the rows of deleted parents, if there were any since it was last done. It is done when that is kept.
    pub(crate) fn orphans(
        &mut self,
        stream: &str,
        each: &Each,
        layout: &Layout,
        now: &str,
    ) -> Result<u64, SyncError> {
        let (losses, seen) = (self.losses(&each.of)?, format!("orphans {stream}"));
        if self.remembered(&seen)?.as_ref() == Some(&losses) {
            return Ok(0);
        }
        let parent = format!("{}.{}", quoted(&layout.table), quoted(&each.parent));
        let condition = format!("{parent} IS NOT NULL AND {}", has_no(each, &parent));
        self.db.begin()?;
        let gone = self.bury(layout, &condition, &[], now)?;
        self.remember(&seen, &losses)?;
        self.commit()?;
        Ok(gone)
    }

    /// Nobody asks what hangs on a record that was deleted since it was written down.
    pub(crate) fn forget_orphans(&mut self, stream: &str, each: &Each) -> Result<(), SyncError> {
        let sql = format!(
            "DELETE FROM keyhaven_todo WHERE stream = $1 AND {}",
            has_no(each, "keyhaven_todo.parent")
        );
        self.db.execute(&sql, &[stream.into()])?;
        Ok(())
    }

    fn losses(&mut self, table: &str) -> Result<String, SyncError> {
        Ok(self.remembered(&losses_of(table))?.unwrap_or_else(|| "0".into()))
    }
}

fn losses_of(table: &str) -> String {
    format!("losses {table}")
}

/// This parent is not there any more.
fn has_no(each: &Each, parent: &str) -> String {
    let (of, deleted) = (quoted(&each.of), quoted(DELETED_AT));
    format!("NOT EXISTS (SELECT 1 FROM {of} p WHERE p.id = {parent} AND p.{deleted} IS NULL)")
}
