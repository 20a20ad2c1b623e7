//! Where a stream is after a page, and what is gone.

use keyhaven_connectors::streams::{Flag, Sql};

use super::{Deleted, PageJob, Reading, Writer, Written};
use crate::{
    error::SyncError,
    names::quoted,
    page::{Cell, DELETED_AT, Layout, SYNCED_AT},
};

/// So many rows may be missing at once.
const FEW: usize = 10;

impl Writer {
    /// Brings the state up to the page, and finds what is gone.
    pub(super) fn settle(&mut self, job: &PageJob, written: &Written) -> Result<u64, SyncError> {
        match &job.reading {
            Reading::Whole { ordered, sweeps, next, last, requests } => {
                let deleted = if *sweeps { self.sweep(job, written, *ordered, *last)? } else { 0 };
                let state = self.state(&job.stream);
                state.began.get_or_insert_with(|| job.began.clone());
                state.cursor.clone_from(next);
                state.after = written.last.or(state.after).filter(|_| *ordered);
                if *last || state.finished.is_none() {
                    state.requests = *requests;
                }
                if *last {
                    state.finished = Some(job.now.clone());
                    state.after = None;
                    let began = state.began.take();
                    if state.watermark.is_none() {
                        state.watermark = began;
                    }
                }
                Ok(deleted)
            }
            Reading::Changes { up_to } => {
                let state = self.state(&job.stream);
                // A time that lies ahead of the app's own clock would hide what changes until then.
                let newest = written.newest.clone().map(|it| it.min(up_to.clone()));
                if newest > state.watermark {
                    state.watermark = newest;
                }
                Ok(0)
            }
            Reading::Children { each, parents, seen, last } => {
                if !*last {
                    return Ok(0);
                }
                let all: Vec<i64> = seen
                    .iter()
                    .copied()
                    .chain(written.keys.iter().filter_map(|key| key.parse().ok()))
                    .collect();
                let condition = format!("{} IN ({})", quoted(&each.parent), list(parents));
                let deleted = self.gone(&job.layout, &condition, &all, &job.now)?;
                let done =
                    format!("DELETE FROM keyhaven_todo WHERE stream = $1 AND parent IN ({})", list(parents));
                self.db.execute(&done, &[job.stream.as_str().into()])?;
                Ok(deleted)
            }
        }
    }

    /// Finds rows that the whole list does not hold any more.
    pub(super) fn sweep(
        &mut self,
        job: &PageJob,
        written: &Written,
        ordered: bool,
        last: bool,
    ) -> Result<u64, SyncError> {
        let layout = &job.layout;
        *self.counted.entry(job.stream.clone()).or_default() += written.rows;
        let state = self.state(&job.stream);
        let (after, is_first) = (state.after, state.finished.is_none());
        if last {
            self.counted.remove(&job.stream);
        }
        // A list that is empty all of a sudden, from its beginning or after a page that promised more, is not believed
        // unless little is missing.
        let breaks_off = last && written.rows == 0;
        let key = quoted(layout.key_name());
        let mut conditions: Vec<String> = job.part.iter().map(|flag| part_condition(layout, flag)).collect();
        if ordered && layout.has_integer_key() {
            // What is on one page is cheap to compare.
            if is_first && !(last && after.is_none()) {
                return Ok(0);
            }
            conditions.extend(after.map(|after| format!("{key} > {after}")));
            match (last, written.last) {
                (true, _) => {}
                (false, Some(end)) => conditions.push(format!("{key} <= {end}")),
                (false, None) => return Ok(0),
            }
            let condition = if conditions.is_empty() { "1 = 1".into() } else { conditions.join(" AND ") };
            if breaks_off && !self.has_few(layout, &condition)? {
                return Ok(0);
            }
            let keys: Vec<i64> = written.keys.iter().filter_map(|key| key.parse().ok()).collect();
            return self.gone(layout, &condition, &keys, &job.now);
        }
        let seen = self.seen.entry(job.stream.clone()).or_default();
        seen.extend(written.keys.iter().cloned());
        if !last {
            return Ok(0);
        }
        let seen = self.seen.remove(&job.stream).unwrap_or_default();
        conditions.push(format!("{} IS NULL", quoted(DELETED_AT)));
        let sql = format!(
            "SELECT CAST({key} AS TEXT) FROM {} WHERE {}",
            quoted(&layout.table),
            conditions.join(" AND ")
        );
        let there = self.db.query(&sql, &[])?.into_iter().map(|row| row[0].text());
        let gone: Vec<String> = there.filter(|key| !seen.contains(key)).collect();
        if breaks_off && gone.len() > FEW {
            return Ok(0);
        }
        self.bury_each(layout, &gone, &job.now)
    }

    /// A short list may well become empty; taken wrongly, its rows come back with the next reading.
    fn has_few(&mut self, layout: &Layout, condition: &str) -> Result<bool, SyncError> {
        let (table, deleted) = (quoted(&layout.table), quoted(DELETED_AT));
        let sql = format!("SELECT 1 FROM {table} WHERE {deleted} IS NULL AND {condition} LIMIT {}", FEW + 1);
        Ok(self.db.query(&sql, &[])?.len() <= FEW)
    }

    /// What meets the condition is deleted in the app.
    pub(crate) fn bury(
        &mut self,
        layout: &Layout,
        condition: &str,
        values: &[Cell<'_>],
        now: &str,
    ) -> Result<u64, SyncError> {
        let (table, deleted, synced) = (quoted(&layout.table), quoted(DELETED_AT), quoted(SYNCED_AT));
        let sql = match self.deleted {
            Deleted::Keep => format!(
                "UPDATE {table} SET {deleted} = {moment}, {synced} = {moment} WHERE {deleted} IS NULL AND {condition}",
                moment = self.db.moment(&format!("'{now}'")),
            ),
            Deleted::Remove => {
                let misfits = format!(
                    "DELETE FROM keyhaven_misfits WHERE table_name = '{}' AND record IN \
                     (SELECT CAST({} AS TEXT) FROM {table} WHERE {condition})",
                    layout.table,
                    quoted(layout.key_name())
                );
                self.db.execute(&misfits, values)?;
                format!("DELETE FROM {table} WHERE {condition}")
            }
        };
        let gone = self.db.execute(&sql, values)?;
        if gone > 0 {
            self.note_loss(&layout.table)?;
        }
        Ok(gone)
    }

    /// Rows that were marked while deleted ones were kept go once they are not.
    pub(crate) fn clear_marked(&mut self, layout: &Layout) -> Result<u64, SyncError> {
        let name = format!("deleted {}", layout.table);
        let wish = match self.deleted {
            Deleted::Keep => "keep",
            Deleted::Remove => "remove",
        };
        if self.remembered(&name)?.as_deref() == Some(wish) {
            return Ok(0);
        }
        self.db.begin()?;
        let cleared = match self.deleted {
            Deleted::Keep => 0,
            Deleted::Remove => self.bury(layout, &format!("{} IS NOT NULL", quoted(DELETED_AT)), &[], "")?,
        };
        self.remember(&name, wish)?;
        self.commit()?;
        Ok(cleared)
    }

    pub(super) fn bury_each(
        &mut self,
        layout: &Layout,
        keys: &[String],
        now: &str,
    ) -> Result<u64, SyncError> {
        // Keys are numbers or texts.
        let condition = format!("{} = $1", quoted(layout.key_name()));
        keys.iter().try_fold(0, |sum, key| {
            let number = key.parse().ok().filter(|_| layout.has_integer_key());
            let key = number.map_or_else(|| Cell::from(key.as_str()), Cell::Integer);
            Ok(sum + self.bury(layout, &condition, &[key], now)?)
        })
    }

    pub(super) fn gone(
        &mut self,
        layout: &Layout,
        condition: &str,
        keys: &[i64],
        now: &str,
    ) -> Result<u64, SyncError> {
        let key = quoted(layout.key_name());
        let others =
            if keys.is_empty() { String::new() } else { format!(" AND {key} NOT IN ({})", list(keys)) };
        self.bury(layout, &format!("{condition}{others}"), &[], now)
    }
}

/// The rows of a stream that shares its table.
pub(super) fn part_condition(layout: &Layout, flag: &Flag) -> String {
    let column = quoted(&flag.column);
    let is_boolean = layout.columns.iter().any(|it| it.name == flag.column && it.sql == Sql::Boolean);
    match (is_boolean, flag.is) {
        (true, true) => column,
        (true, false) => format!("({column} IS NULL OR NOT {column})"),
        (false, true) => format!("{column} IS NOT NULL"),
        (false, false) => format!("{column} IS NULL"),
    }
}

pub(super) fn list(ids: &[i64]) -> String {
    ids.iter().map(i64::to_string).collect::<Vec<_>>().join(",")
}
