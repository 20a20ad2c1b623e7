//! A page to write, and what becomes of it.

use std::{
    hash::{DefaultHasher, Hasher},
    sync::Arc,
};

use bytes::Bytes;
use keyhaven_connectors::streams::{Each, Flag, Sql};

use super::{
    Deleted, Writer,
    rows::{keep_one_each, take_deleted},
};
use crate::{
    error::{Failure, SyncError},
    page::{self, Cell, Layout, Rows},
    state,
};

/// Rows that are written before they are kept.
const BATCH: usize = 20_000;

/// How a page was asked for.
#[derive(Clone, Debug)]
pub(crate) enum Reading {
    /// Part of the whole list.
    Whole { ordered: bool, sweeps: bool, next: Option<String>, last: bool, requests: u64 },
    /// What changed.
    Changes { up_to: String },
    /// All there is for these parents.
    Children { each: Each, parents: Vec<i64>, seen: Vec<i64>, last: bool },
}

/// A page to write.
pub(crate) struct PageJob {
    pub stream: String,
    pub layout: Arc<Layout>,
    pub part: Option<Flag>,
    pub body: Bytes,
    pub reading: Reading,
    /// Streams that are read for each record of this one.
    pub dependents: Arc<Vec<(String, Each)>>,
    /// This machine's clock.
    pub now: String,
    /// The app's clock when this reading began.
    pub began: String,
}

/// What became of a page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Written {
    pub rows: u64,
    /// New or different.
    pub changed: u64,
    pub deleted: u64,
    pub misfits: u64,
    /// The largest key, where keys are numbers.
    pub last: Option<i64>,
    pub keys: Vec<String>,
    /// The oldest time of change on the page.
    pub oldest: Option<String>,
    /// The newest one.
    pub newest: Option<String>,
}

impl Writer {
    pub(crate) fn page(&mut self, job: &PageJob) -> Result<Written, SyncError> {
        let layout = &job.layout;
        let mut rows = page::read(&job.body, layout).map_err(|error| {
            SyncError::new(
                Failure::App,
                format!("a page of {} could not be read: {error}", job.stream),
                "Run the sync again: it goes on from the page before.",
            )
        })?;
        let digest = self.digest(job);
        if digest.is_some() && digest == self.state(&job.stream).digest {
            return self.unchanged(job, rows.len() as u64);
        }
        self.state(&job.stream).digest = digest;
        self.mark(&mut rows, job);
        keep_one_each(&mut rows, layout);
        let buried =
            if self.deleted == Deleted::Remove { take_deleted(&mut rows, layout) } else { Vec::new() };
        self.db.begin()?;
        let is_first = matches!(&job.reading, Reading::Whole { ordered: true, .. })
            && self.state(&job.stream).finished.is_none();
        let changed = self.db.load(layout, &rows, is_first)?;
        let mut written = Written {
            rows: rows.len() as u64,
            changed: changed.len() as u64,
            last: rows.iter().filter_map(|row| row[layout.key].integer()).max(),
            keys: rows.iter().map(|row| row[layout.key].text()).collect(),
            ..Written::default()
        };
        if !is_first {
            self.forget_misfits(layout, &changed)?;
        }
        written.misfits = self.note_misfits(&rows, layout, &changed, &job.now)?;
        let times = || {
            let slot = layout.updated;
            rows.iter().filter_map(move |row| slot.and_then(|slot| text(&row[slot])))
        };
        written.oldest = times().min().map(str::to_owned);
        written.newest = times().max().map(str::to_owned);
        if rows.iter().any(|row| row[rows.width - 2] != Cell::Null && changed.contains(&row[layout.key])) {
            self.note_loss(&layout.table)?;
        }
        self.note_dependents(&changed, layout, job)?;
        written.deleted = self.settle(job, &written)?;
        written.deleted += self.bury_each(layout, &buried, &job.now)?;
        self.moved.insert(job.stream.clone());
        self.waiting += rows.len().max(1);
        let ends = match &job.reading {
            Reading::Whole { last, .. } => *last,
            Reading::Children { last, .. } => *last && self.waiting >= BATCH / 20,
            Reading::Changes { .. } => false,
        };
        if ends || self.waiting >= BATCH {
            self.commit()?;
        }
        Ok(written)
    }

    /// What a whole list on one page looks like, with the columns that it fills.
    fn digest(&mut self, job: &PageJob) -> Option<String> {
        let state = self.state(&job.stream);
        let is_one_page = matches!(&job.reading, Reading::Whole { last: true, .. })
            && state.cursor.is_none()
            && state.after.is_none()
            && !self.counted.contains_key(&job.stream);
        is_one_page.then(|| {
            let mut hasher = DefaultHasher::new();
            hasher.write(&job.body);
            job.layout.columns.iter().for_each(|column| hasher.write(column.name.as_bytes()));
            format!("{:016x} {}", hasher.finish(), job.body.len())
        })
    }

    /// The list is as it was: nothing is written but that it was read.
    fn unchanged(&mut self, job: &PageJob, rows: u64) -> Result<Written, SyncError> {
        let state = self.state(&job.stream);
        state.finished = Some(job.now.clone());
        state.began = None;
        let state = state.clone();
        self.db.begin()?;
        state::save_stream(self.db.as_mut(), &job.stream, &state)?;
        self.commit()?;
        Ok(Written { rows, ..Written::default() })
    }

    /// Says of each row when it was written, whether it is deleted, and, where the record does not, which part of a shared
    /// table it belongs to: that of the list that it came from.
    fn mark(&self, rows: &mut Rows<'_>, job: &PageJob) {
        let (deleted, synced) = (rows.width - 2, rows.width - 1);
        let gone = job.layout.gone;
        let is_flag = |slot: &usize| job.layout.columns[*slot].sql == Sql::Boolean;
        let part = job.part.as_ref().and_then(|flag| {
            let slot = job.layout.slot(&flag.column).filter(is_flag)?;
            Some((slot, flag.is))
        });
        for row in rows.iter_mut() {
            if let Some((slot, is)) = part
                && row[slot] == Cell::Null
            {
                row[slot] = Cell::Boolean(is);
            }
            if gone.is_some_and(|(slot, is)| row[slot] == Cell::Boolean(is)) {
                row[deleted] = job.now.clone().into();
            }
            row[synced] = job.now.clone().into();
        }
    }
}

fn text<'a>(cell: &'a Cell<'_>) -> Option<&'a str> {
    match cell {
        Cell::Text(text) => Some(text),
        _ => None,
    }
}
