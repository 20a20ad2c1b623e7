//! The one thread that writes: pages become rows, and rows and state are kept together or not at all.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    hash::{DefaultHasher, Hasher},
    sync::Arc,
};

use bytes::Bytes;
use keyhaven_connectors::streams::{Each, Flag};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
};

use crate::{
    database::{self, Database},
    error::{Failure, SyncError},
    names::quoted,
    page::{self, Cell, DELETED_AT, Layout, Rows, SYNCED_AT},
    state::{self, StreamState, TABLES},
};

/// Where the state of streams is.
pub(crate) const STREAMS: &str = "keyhaven_streams";
/// Rows that are written before they are kept.
const BATCH: usize = 20_000;
/// A list of so many is short.
const FEW: usize = 10;
/// Misfits that are written down for one page.
const MISFITS: usize = 100;

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
    failed: Option<SyncError>,
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

    /// Makes the table, or adds what it lacks. A table that somebody else made is left alone.
    pub(crate) fn ensure(&mut self, layout: &Layout) -> Result<bool, SyncError> {
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

    /// Keeps what was written, with the state of each stream.
    pub(crate) fn commit(&mut self) -> Result<(), SyncError> {
        self.waiting = 0;
        self.db.commit()
    }

    fn undo(&mut self, error: SyncError) -> SyncError {
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
        let after = self.state(&job.stream).after;
        let keys: Vec<i64> = rows.iter().filter_map(|row| row[layout.key].integer()).collect();
        let is_fresh = match &job.reading {
            Reading::Whole { ordered: true, .. } => {
                self.state(&job.stream).finished.is_none()
                    && keys.iter().all(|key| after.is_none_or(|it| *key > it))
            }
            _ => false,
        };
        let changed = self.db.load(layout, &rows, is_fresh)?;
        let mut written = Written {
            rows: rows.len() as u64,
            changed: changed.len() as u64,
            last: keys.iter().max().copied(),
            keys: rows.iter().map(|row| row[layout.key].text()).collect(),
            ..Written::default()
        };
        written.misfits = self.note_misfits(&rows, layout, &changed, &job.now)?;
        let times = || {
            let slot = layout.updated;
            rows.iter().filter_map(move |row| slot.and_then(|slot| text(&row[slot])))
        };
        written.oldest = times().min().map(str::to_owned);
        written.newest = times().max().map(str::to_owned);
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

    fn note_misfits(
        &mut self,
        rows: &Rows<'_>,
        layout: &Layout,
        changed: &[Cell<'static>],
        now: &str,
    ) -> Result<u64, SyncError> {
        let mut count = 0;
        for misfit in rows.misfits.iter().take(MISFITS) {
            let Some(row) = rows.iter().nth(misfit.row) else { continue };
            let key = &row[layout.key];
            if !changed.contains(key) {
                continue;
            }
            count += 1;
            self.db.execute(
                "INSERT INTO keyhaven_misfits (table_name, record, column_name, value, found_at) \
                 VALUES ($1, $2, $3, $4, $5) ON CONFLICT (table_name, record, column_name) DO UPDATE SET \
                 value = excluded.value, found_at = excluded.found_at",
                &[
                    layout.table.as_str().into(),
                    key.text().into(),
                    layout.columns[misfit.slot].name.as_str().into(),
                    misfit.value.replace('\0', "").into(),
                    now.into(),
                ],
            )?;
        }
        Ok(count)
    }

    /// Records that changed: what hangs on them is read again.
    fn note_dependents(
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

    /// Brings the state up to the page, and finds what is gone.
    fn settle(&mut self, job: &PageJob, written: &Written) -> Result<u64, SyncError> {
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
    fn sweep(
        &mut self,
        job: &PageJob,
        written: &Written,
        ordered: bool,
        last: bool,
    ) -> Result<u64, SyncError> {
        let layout = &job.layout;
        let counted = self.counted.entry(job.stream.clone()).or_default();
        *counted += written.rows;
        let counted = *counted;
        let state = self.state(&job.stream);
        let (after, is_first) = (state.after, state.finished.is_none());
        if last {
            self.counted.remove(&job.stream);
            // A list that is empty all of a sudden is not believed, unless it was short.
            if counted == 0 && after.is_none() && !self.has_few(job)? {
                self.seen.remove(&job.stream);
                return Ok(0);
            }
        }
        let key = quoted(layout.key_name());
        let mut conditions: Vec<String> = job.part.iter().map(part_condition).collect();
        if ordered && layout.has_integer_key() {
            if is_first {
                return Ok(0);
            }
            conditions.extend(after.map(|after| format!("{key} > {after}")));
            match (last, written.last) {
                (true, _) => {}
                (false, Some(end)) => conditions.push(format!("{key} <= {end}")),
                (false, None) => return Ok(0),
            }
            let condition = if conditions.is_empty() { "1 = 1".into() } else { conditions.join(" AND ") };
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
        self.bury_each(layout, &gone, &job.now)
    }

    /// A short list may well become empty; taken wrongly, its rows come back with the next reading.
    fn has_few(&mut self, job: &PageJob) -> Result<bool, SyncError> {
        let (table, deleted) = (quoted(&job.layout.table), quoted(DELETED_AT));
        let part: String = job.part.iter().map(|flag| format!(" AND {}", part_condition(flag))).collect();
        let sql = format!("SELECT 1 FROM {table} WHERE {deleted} IS NULL{part} LIMIT {}", FEW + 1);
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
            Deleted::Remove => format!("DELETE FROM {table} WHERE {condition}"),
        };
        self.db.execute(&sql, values)
    }

    fn bury_each(&mut self, layout: &Layout, keys: &[String], now: &str) -> Result<u64, SyncError> {
        // Keys are numbers or texts.
        let condition = format!("{} = $1", quoted(layout.key_name()));
        keys.iter().try_fold(0, |sum, key| {
            let number = key.parse().ok().filter(|_| layout.has_integer_key());
            let key = number.map_or_else(|| Cell::from(key.as_str()), Cell::Integer);
            Ok(sum + self.bury(layout, &condition, &[key], now)?)
        })
    }

    fn gone(&mut self, layout: &Layout, condition: &str, keys: &[i64], now: &str) -> Result<u64, SyncError> {
        let key = quoted(layout.key_name());
        let others =
            if keys.is_empty() { String::new() } else { format!(" AND {key} NOT IN ({})", list(keys)) };
        self.bury(layout, &format!("{condition}{others}"), &[], now)
    }
}

fn part_condition(flag: &Flag) -> String {
    let column = quoted(&flag.column);
    if flag.is { column } else { format!("({column} IS NULL OR NOT {column})") }
}

fn text<'a>(cell: &'a Cell<'_>) -> Option<&'a str> {
    match cell {
        Cell::Text(text) => Some(text),
        _ => None,
    }
}

fn list(ids: &[i64]) -> String {
    ids.iter().map(i64::to_string).collect::<Vec<_>>().join(",")
}

/// The last row of each key, in their order; none without a key.
fn keep_one_each(rows: &mut Rows<'_>, layout: &Layout) {
    let mut last: HashMap<String, usize> = HashMap::new();
    for (n, row) in rows.iter().enumerate() {
        if row[layout.key] != Cell::Null {
            last.insert(row[layout.key].text(), n);
        }
    }
    keep(rows, &last.into_values().collect());
}

/// Takes out what is deleted in the app, and tells its keys.
fn take_deleted(rows: &mut Rows<'_>, layout: &Layout) -> Vec<String> {
    let deleted = rows.width - 2;
    let is_deleted = |row: &[Cell<'_>]| row[deleted] != Cell::Null;
    let keys = rows.iter().filter(|row| is_deleted(row)).map(|row| row[layout.key].text()).collect();
    let rest = rows.iter().enumerate().filter(|(_, row)| !is_deleted(row)).map(|(n, _)| n).collect();
    keep(rows, &rest);
    keys
}

fn keep(rows: &mut Rows<'_>, which: &BTreeSet<usize>) {
    if which.len() == rows.len() {
        return;
    }
    let places: HashMap<usize, usize> = which.iter().enumerate().map(|(new, old)| (*old, new)).collect();
    let width = rows.width;
    let mut n = 0;
    rows.cells.retain(|_| {
        n += 1;
        which.contains(&((n - 1) / width))
    });
    rows.misfits.retain_mut(|misfit| {
        let place = places.get(&misfit.row).copied();
        misfit.row = place.unwrap_or_default();
        place.is_some()
    });
}

fn not_ours(name: &str) -> SyncError {
    SyncError::destination(
        format!(
            "there is a table or view {name} in the destination that Keyhaven did not make; it was left as it is"
        ),
        "Name another file or schema, or rename that table.",
    )
}

type Job = Box<dyn FnOnce(&mut Writer) + Send>;

/// Hands work to the writer's thread, in order; a little of it may wait.
#[derive(Clone)]
pub(crate) struct Desk(mpsc::Sender<Job>);

/// Pages that wait to be written.
const WAITING: usize = 2;

impl Desk {
    /// The handle tells when the writer has let go of the destination, some time after the last desk is gone.
    pub(crate) fn start(mut writer: Writer) -> (Self, JoinHandle<()>) {
        let (jobs, mut queue) = mpsc::channel::<Job>(WAITING);
        let thread = tokio::task::spawn_blocking(move || {
            while let Some(job) = queue.blocking_recv() {
                job(&mut writer);
            }
            // What was not kept is read again.
            writer.db.rollback();
        });
        (Self(jobs), thread)
    }

    /// Hands in work and goes on; the receiver tells what became of it.
    pub(crate) async fn post<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Writer) -> Result<T, SyncError> + Send + 'static,
    ) -> oneshot::Receiver<Result<T, SyncError>> {
        let (tell, told) = oneshot::channel();
        let job: Job = Box::new(move |writer| {
            let done = match writer.failed.clone() {
                Some(error) => Err(error),
                None => work(writer).map_err(|error| writer.undo(error)),
            };
            let _ = tell.send(done);
        });
        let _ = self.0.send(job).await;
        told
    }

    /// Hands in work and waits for it.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Writer) -> Result<T, SyncError> + Send + 'static,
    ) -> Result<T, SyncError> {
        told(self.post(work).await).await
    }
}

impl Desk {
    /// The last work of a run, also of one that failed. What becomes of it is not told to anybody.
    pub(crate) async fn last(
        &self,
        work: impl FnOnce(&mut Writer) -> Result<(), SyncError> + Send + 'static,
    ) {
        let (tell, told) = oneshot::channel::<()>();
        let job: Job = Box::new(move |writer| {
            writer.db.rollback();
            if let Err(error) = work(writer).and_then(|()| writer.commit()) {
                tracing::warn!(%error, "the run could not be written down in the destination");
                writer.db.rollback();
            }
            let _ = tell.send(());
        });
        let _ = self.0.send(job).await;
        let _ = told.await;
    }
}

/// What became of work.
pub(crate) async fn told<T>(answer: oneshot::Receiver<Result<T, SyncError>>) -> Result<T, SyncError> {
    answer.await.unwrap_or_else(|_| {
        Err(SyncError::destination("the writer ended", "Run the sync again: it goes on where it was."))
    })
}
