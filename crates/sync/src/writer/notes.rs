//! What is written down beside the rows: values that fit nowhere, and whom to ask again.

use std::collections::HashSet;

use keyhaven_connectors::streams::Each;

use super::{PageJob, Writer, gone::list};
use crate::{
    error::SyncError,
    names::quoted,
    page::{Cell, DELETED_AT, Layout, Rows},
};

/// Misfits that are written down for one page; all are counted.
const MISFITS: u64 = 100;

impl Writer {
    /// What did not fit in these records before says nothing any more.
    pub(super) fn forget_misfits(
        &mut self,
        layout: &Layout,
        changed: &[Cell<'static>],
    ) -> Result<(), SyncError> {
        if changed.is_empty() {
            return Ok(());
        }
        let keys: Vec<String> =
            changed.iter().map(|key| format!("'{}'", key.text().replace('\'', "''"))).collect();
        let sql =
            format!("DELETE FROM keyhaven_misfits WHERE table_name = $1 AND record IN ({})", keys.join(","));
        self.db.execute(&sql, &[layout.table.as_str().into()]).map(drop)
    }

    pub(super) fn note_misfits(
        &mut self,
        rows: &Rows<'_>,
        layout: &Layout,
        changed: &[Cell<'static>],
        now: &str,
    ) -> Result<u64, SyncError> {
        if rows.misfits.is_empty() {
            return Ok(0);
        }
        let changed: HashSet<String> = changed.iter().map(Cell::text).collect();
        let mut count = 0;
        for misfit in &rows.misfits {
            let Some(row) = rows.iter().nth(misfit.row) else { continue };
            let key = row[layout.key].text();
            if !changed.contains(&key) {
                continue;
            }
            count += 1;
            if count > MISFITS {
                continue;
            }
            self.db.execute(
                "INSERT INTO keyhaven_misfits (table_name, record, column_name, value, found_at) \
                 VALUES ($1, $2, $3, $4, $5) ON CONFLICT (table_name, record, column_name) DO UPDATE SET \
                 value = excluded.value, found_at = excluded.found_at",
                &[
                    layout.table.as_str().into(),
                    key.into(),
                    layout.columns[misfit.slot].name.as_str().into(),
                    misfit.value.replace('\0', "").into(),
                    now.into(),
                ],
            )?;
        }
        Ok(count)
    }

    /// Records that changed: what hangs on them is read again.
    pub(super) fn note_dependents(
        &mut self,
        changed: &[Cell<'static>],
        layout: &Layout,
        job: &PageJob,
    ) -> Result<(), SyncError> {
        let ids: Vec<i64> = changed.iter().filter_map(Cell::integer).collect();
        if ids.is_empty() {
            return Ok(());
        }
        for (stream, each) in job.dependents.iter() {
            // Before all of them have been asked for once, that will ask for these too.
            if self.state(stream).finished.is_some() {
                self.remind(stream, each, layout, Some(&ids))?;
            }
        }
        Ok(())
    }

    /// Writes down for which parents to ask.
    pub(crate) fn remind(
        &mut self,
        stream: &str,
        each: &Each,
        parents: &Layout,
        only: Option<&[i64]>,
    ) -> Result<(), SyncError> {
        let key = quoted(parents.key_name());
        let mut conditions = vec![format!("{} IS NULL", quoted(DELETED_AT))];
        conditions.extend(only.map(|ids| format!("{key} IN ({})", list(ids))));
        if let Some(counted) = each.counted.as_ref().filter(|it| parents.slot(it).is_some()) {
            let counted = quoted(counted);
            let had = format!("{key} IN (SELECT {} FROM {})", quoted(&each.parent), quoted(stream));
            conditions.push(format!("({counted} IS NULL OR {counted} > 0 OR {had})"));
        }
        let sql = format!(
            "INSERT INTO keyhaven_todo (stream, parent) SELECT $1, {key} FROM {} WHERE {} \
             ON CONFLICT (stream, parent) DO NOTHING",
            quoted(&parents.table),
            conditions.join(" AND ")
        );
        self.db.execute(&sql, &[stream.into()])?;
        Ok(())
    }
}
