//! The one thread that writes: pages become rows, and rows and state are kept together or not at all.

mod gone;
mod lost;
mod notes;
mod orphans;
mod rows;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    hash::{DefaultHasher, Hasher},
    sync::Arc,
};

use bytes::Bytes;
use keyhaven_connectors::streams::{Each, Flag};

use gone::part_condition;
use rows::{keep_one_each, take_deleted};

use crate::{
    database::{self, Database},
    error::{Failure, SyncError},
    names::quoted,
    page::{self, Cell, DELETED_AT, Layout, Rows},
    state::{self, StreamState, TABLES},
};

/// Where the state of streams is.
pub(crate) const STREAMS: &str = "keyhaven_streams";
/// Rows that are written before they are kept.
const BATCH: usize = 20_000;
/// A list of so many is short.
const FEW: usize = 10;

/// What becomes of records that the app has deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Deleted {
    /// They stay, with the time at which it was found.
    #[default]
    Keep,
    /// They are removed.
    Remove,
}

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

pub(crate) struct Writer {
    pub db: Box<dyn Database>,
    pub objects: BTreeMap<String, Vec<String>>,
    pub ours: BTreeSet<String>,
    pub states: HashMap<String, StreamState>,
    pub deleted: Deleted,
    /// Keys of a whole list that is not ordered.
    seen: HashMap<String, HashSet<String>>,
    /// Rows of whole lists under way.
    counted: HashMap<String, u64>,
    waiting: usize,
    pub failed: Option<SyncError>,
}

impl Writer {
    /// Looks at what is there, and makes the tables of the state.
    pub(crate) fn open(mut db: Box<dyn Database>, source: &str, deleted: Deleted) -> Result<Self, SyncError> {
        let objects = db.objects()?;
        let begun = objects.contains_key("keyhaven_objects") && objects.contains_key("keyhaven_sync");
        if !begun && let Some((taken, _)) = TABLES.iter().find(|(name, _)| objects.contains_key(*name)) {
            return Err(not_ours(taken));
        }
        db.begin()?;
        for (name, columns) in TABLES.iter().filter(|(name, _)| !objects.contains_key(*name)) {
            db.execute(&format!("CREATE TABLE {name} ({columns})"), &[])?;
        }
        let known = db.query("SELECT value FROM keyhaven_sync WHERE name = 'source'", &[])?;
        match known.first().map(|row| row[0].text()) {
            Some(known) if known != source => {
                db.rollback();
                let message = "the destination holds another connection's records";
                return Err(SyncError::destination(
                    message,
                    "Name another file or schema for this connection.",
                ));
            }
            Some(_) => {}
            None => {
                db.execute(
                    "INSERT INTO keyhaven_sync (name, value) VALUES ('source', $1)",
                    &[source.into()],
                )?;
            }
        }
        db.commit()?;
        let ours = db.query("SELECT name FROM keyhaven_objects", &[])?;
        let ours = ours.iter().map(|row| row[0].text()).collect();
        let (states, objects) = (state::streams(db.as_mut())?, db.objects()?);
        Ok(Self {
            db,
            objects,
            ours,
            states,
            deleted,
            seen: HashMap::new(),
            counted: HashMap::new(),
            waiting: 0,
            failed: None,
        })
    }

    pub(crate) fn state(&mut self, stream: &str) -> &mut StreamState {
        self.states.entry(stream.to_owned()).or_default()
    }

    /// The stream is read from its beginning: its table is not there, or not any more.
    pub(crate) fn forget(&mut self, stream: &str) -> Result<(), SyncError> {
        if self.states.remove(stream).is_some() {
            self.db.execute("DELETE FROM keyhaven_streams WHERE stream = $1", &[stream.into()])?;
        }
        Ok(())
    }

    /// Makes the table, or adds what it lacks. A table that somebody else made is left alone.
    pub(crate) fn ensure(&mut self, layout: &Layout) -> Result<bool, SyncError> {
        let there = self.objects.get(&layout.table);
        if there.is_some() && !self.ours.contains(&layout.table) {
            return Err(not_ours(&layout.table));
        }
        let is_new = there.is_none();
        self.db.begin()?;
        let changed = database::ensure(self.db.as_mut(), layout, there.map(Vec::as_slice))?;
        // Somebody may have dropped the column that was added.
        if changed && !is_new {
            self.forget_looks()?;
        }
        self.own(&layout.table, "table")?;
        self.commit()?;
        if changed {
            self.objects = self.db.objects()?;
        }
        Ok(changed)
    }

    pub(crate) fn own(&mut self, name: &str, kind: &str) -> Result<(), SyncError> {
        if self.ours.insert(name.to_owned()) {
            self.db.execute(
                "INSERT INTO keyhaven_objects (name, kind) VALUES ($1, $2)",
                &[name.into(), kind.into()],
            )?;
        }
        Ok(())
    }

    /// A word that is kept in the destination.
    pub(crate) fn remembered(&mut self, name: &str) -> Result<Option<String>, SyncError> {
        let rows = self.db.query("SELECT value FROM keyhaven_sync WHERE name = $1", &[name.into()])?;
        Ok(rows.first().map(|row| row[0].text()))
    }

    pub(crate) fn remember(&mut self, name: &str, value: &str) -> Result<(), SyncError> {
        let sql = "INSERT INTO keyhaven_sync (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET \
                   value = excluded.value";
        self.db.execute(sql, &[name.into(), value.into()])?;
        Ok(())
    }

    /// Keeps what was written, with the state of each stream.
    pub(crate) fn commit(&mut self) -> Result<(), SyncError> {
        self.waiting = 0;
        self.db.commit()
    }

    pub(crate) fn undo(&mut self, error: SyncError) -> SyncError {
        self.db.rollback();
        self.failed = Some(error.clone());
        error
    }

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
        state::save_stream(self.db.as_mut(), &job.stream, &self.states[&job.stream])?;
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

    /// Says of each row when it was written, and whether it is deleted.
    fn mark(&self, rows: &mut Rows<'_>, job: &PageJob) {
        let (deleted, synced) = (rows.width - 2, rows.width - 1);
        let gone = job.layout.gone;
        for row in rows.iter_mut() {
            if gone.is_some_and(|(slot, is)| row[slot] == Cell::Boolean(is)) {
                row[deleted] = job.now.clone().into();
            }
            row[synced] = job.now.clone().into();
        }
    }

    /// A short list may well become empty; taken wrongly, its rows come back with the next reading.
    fn has_few(&mut self, job: &PageJob) -> Result<bool, SyncError> {
        let (table, deleted) = (quoted(&job.layout.table), quoted(DELETED_AT));
        let part: String =
            job.part.iter().map(|flag| format!(" AND {}", part_condition(&job.layout, flag))).collect();
        let sql = format!("SELECT 1 FROM {table} WHERE {deleted} IS NULL{part} LIMIT {}", FEW + 1);
        Ok(self.db.query(&sql, &[])?.len() <= FEW)
    }
}

fn text<'a>(cell: &'a Cell<'_>) -> Option<&'a str> {
    match cell {
        Cell::Text(text) => Some(text),
        _ => None,
    }
}

fn not_ours(name: &str) -> SyncError {
    SyncError::destination(
        format!(
            "there is a table or view {name} in the destination that Keyhaven did not make; it was left as it is"
        ),
        "Name another file or schema, or rename that table.",
    )
}
