//! The one thread that writes: pages become rows, and rows and state are kept together or not at all.

mod gone;
mod lost;
mod notes;
mod orphans;
mod pages;
mod rows;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    mem,
};

use crate::{
    database::{self, Database},
    error::SyncError,
    page::Layout,
    state::{self, StreamState, TABLES},
};

pub(crate) use pages::{PageJob, Reading, Written};

/// Where the state of streams is.
pub(crate) const STREAMS: &str = "keyhaven_streams";
const LONG_AGO: &str = "1970-01-01T00:00:00Z";

/// What becomes of records that the app has deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Deleted {
    /// They stay, with the time at which it was found.
    #[default]
    Keep,
    /// They are removed.
    Remove,
}

pub(crate) struct Writer {
    pub db: Box<dyn Database>,
    pub objects: BTreeMap<String, Vec<String>>,
    pub ours: BTreeSet<String>,
    pub states: HashMap<String, StreamState>,
    /// Streams whose state is kept with what was written.
    moved: BTreeSet<String>,
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
        let (states, objects) = (state::streams(db.as_mut())?, db.objects()?);
        // Under a name of ours somebody may have made a table or view anew.
        let marked = db.marked()?;
        let is_ours = |name: &String| !objects.contains_key(name) || marked.contains(name);
        let ours = ours.iter().map(|row| row[0].text()).filter(is_ours).collect();
        Ok(Self {
            db,
            objects,
            ours,
            states,
            moved: BTreeSet::new(),
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

    /// The next whole reading begins with the first page.
    pub(crate) fn begin_anew(&mut self, stream: &str) {
        self.seen.remove(stream);
        self.counted.remove(stream);
        let state = self.state(stream);
        (state.cursor, state.after, state.began) = (None, None, None);
    }

    /// The stream is read from its beginning: its table is not there, or not any more.
    pub(crate) fn forget(&mut self, stream: &str) -> Result<(), SyncError> {
        if self.states.remove(stream).is_some() {
            self.db.execute("DELETE FROM keyhaven_streams WHERE stream = $1", &[stream.into()])?;
        }
        Ok(())
    }

    /// Rows of the stream lack something: its whole list is read again as soon as can be.
    pub(crate) fn read_again(&mut self, stream: &str) -> Result<(), SyncError> {
        if !self.states.contains_key(stream) {
            return Ok(());
        }
        self.begin_anew(stream);
        let state = self.state(stream);
        state.digest = None;
        state.finished = state.finished.take().map(|_| LONG_AGO.to_owned());
        let state = state.clone();
        state::save_stream(self.db.as_mut(), stream, &state)
    }

    /// Makes the table, or adds what it lacks. A table that somebody else made is left alone.
    pub(crate) fn ensure(&mut self, layout: &Layout) -> Result<(), SyncError> {
        let there = self.objects.get(&layout.table);
        if there.is_some() && !self.ours.contains(&layout.table) {
            return Err(not_ours(&layout.table));
        }
        self.db.begin()?;
        let changed = database::ensure(self.db.as_mut(), layout, there.map(Vec::as_slice))?;
        self.own(&layout.table, "table")?;
        self.commit()?;
        if changed {
            self.objects = self.db.objects()?;
        }
        Ok(())
    }

    pub(crate) fn own(&mut self, name: &str, kind: &str) -> Result<(), SyncError> {
        if self.ours.insert(name.to_owned()) {
            self.db.execute(
                "INSERT INTO keyhaven_objects (name, kind) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING",
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
        for stream in mem::take(&mut self.moved) {
            if let Some(state) = self.states.get(&stream) {
                state::save_stream(self.db.as_mut(), &stream, state)?;
            }
        }
        self.db.commit()
    }

    /// Keeps nothing of what was written since.
    pub(crate) fn rollback(&mut self) {
        self.moved.clear();
        self.db.rollback();
    }

    pub(crate) fn undo(&mut self, error: SyncError) -> SyncError {
        self.rollback();
        self.failed = Some(error.clone());
        error
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
