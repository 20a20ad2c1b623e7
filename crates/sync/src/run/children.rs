//! Streams that are read for each record of another one: only for those that changed.

use keyhaven_connectors::streams::{Each, Stream};

use super::{
    Run, Table,
    fetch::Stop,
    reader::{escaped, unreadable},
    trail::Trail,
};
use crate::{
    error::SyncError,
    names::quoted,
    page,
    source::Source,
    state,
    writer::{PageJob, Reading, Writer, Written},
};

impl<S: Source> Run<'_, S> {
    pub(super) async fn children(
        &mut self,
        stream: &Stream,
        each: &Each,
        layout: &Table,
    ) -> Result<(), Stop> {
        let state = self.state(&stream.name).await?;
        if state.finished.is_none() || self.is_due(&state) {
            self.remind_all(stream, each).await?;
        }
        self.index(stream, each).await?;
        let (name, of) = (stream.name.clone(), each.clone());
        self.desk.ask(move |writer| writer.forget_orphans(&name, &of)).await?;
        let total = self.left(stream).await?;
        let mut done = 0;
        loop {
            let parents = self.todo(stream, each).await?;
            if parents.is_empty() {
                break;
            }
            done += parents.len() as u64;
            self.parents(stream, each, layout, parents).await?;
            self.fetcher.teller.stream(&stream.name, |it| {
                it.permille = u16::try_from(1000 * done.min(total) / total.max(1)).ok();
            });
        }
        let (name, each, layout, now) = (stream.name.clone(), each.clone(), layout.clone(), self.now());
        let orphans = self.desk.ask(move |writer| writer.orphans(&name, &each, &layout, &now)).await?;
        self.count(&stream.name, &Written { deleted: orphans, ..Written::default() });
        Ok(())
    }

    /// All parents are asked for.
    async fn remind_all(&self, stream: &Stream, each: &Each) -> Result<(), Stop> {
        let parents = self.plan.streams.get(&each.of).cloned();
        let Some(parents) = parents else { return Ok(()) };
        let parents = self.prepare(&parents).await?;
        let (name, each, now) = (stream.name.clone(), each.clone(), self.now());
        self.desk
            .ask(move |writer| {
                writer.db.begin()?;
                writer.remind(&name, &each, &parents, None)?;
                let count = left(writer, &name)?;
                let state = writer.state(&name);
                state.finished = Some(now);
                state.requests = count.div_ceil(each.many as u64);
                let state = state.clone();
                state::save_stream(writer.db.as_mut(), &name, &state)?;
                writer.commit()
            })
            .await?;
        Ok(())
    }

    /// Rows of a parent are looked for with each answer.
    async fn index(&self, stream: &Stream, each: &Each) -> Result<(), SyncError> {
        let sql = format!(
            "CREATE INDEX IF NOT EXISTS {} ON {} ({})",
            quoted(&format!("keyhaven_{}_{}", stream.name, each.parent)),
            quoted(stream.table()),
            quoted(&each.parent)
        );
        self.desk.ask(move |writer| writer.db.execute(&sql, &[])).await?;
        Ok(())
    }

    /// How many parents are to be asked for.
    async fn left(&self, stream: &Stream) -> Result<u64, SyncError> {
        let name = stream.name.clone();
        self.desk.ask(move |writer| left(writer, &name)).await
    }

    /// The next parents.
    async fn todo(&self, stream: &Stream, each: &Each) -> Result<Vec<i64>, SyncError> {
        let (name, many) = (stream.name.clone(), each.many as i64);
        self.desk
            .ask(move |writer| {
                let rows = writer.db.query(
                    "SELECT parent FROM keyhaven_todo WHERE stream = $1 ORDER BY parent LIMIT $2",
                    &[name.as_str().into(), many.into()],
                )?;
                Ok(rows.iter().filter_map(|row| row[0].integer()).collect())
            })
            .await
    }

    async fn parents(
        &mut self,
        stream: &Stream,
        each: &Each,
        layout: &Table,
        parents: Vec<i64>,
    ) -> Result<(), Stop> {
        let ids = parents.iter().map(i64::to_string).collect::<Vec<_>>().join(",");
        let base = match &each.param {
            Some(param) => format!("{}?limit={}&{param}={ids}", stream.path, stream.size),
            None => format!("{}?limit={}", stream.path.replace("{id}", &ids), stream.size),
        };
        let (mut cursor, mut seen): (Option<String>, Vec<i64>) = (None, Vec::new());
        let (mut trail, mut began_anew) = (Trail::default(), false);
        loop {
            let path = match &cursor {
                Some(cursor) => format!("{base}&cursor={}", escaped(cursor)),
                None => base.clone(),
            };
            let body = match self.fetcher.page(&stream.name, &path, false).await {
                Ok(answer) => answer.body,
                // The parent went away in the meantime.
                Err(Stop::Gone(_)) if each.param.is_none() => br#"{"data":[]}"#.as_slice().into(),
                // A cursor does not last for ever.
                Err(Stop::Anew(_)) if cursor.is_some() && !began_anew => {
                    (cursor, seen, trail, began_anew) = (None, Vec::new(), Trail::default(), true);
                    continue;
                }
                Err(stop) => return Err(stop),
            };
            let next = page::tail(&body).map_err(|error| unreadable(&stream.name, &error))?.cursor;
            trail.note(&stream.name, next.as_ref())?;
            let job = PageJob {
                stream: stream.name.clone(),
                layout: layout.clone(),
                part: None,
                body,
                reading: Reading::Children {
                    each: each.clone(),
                    parents: parents.clone(),
                    seen: seen.clone(),
                    last: next.is_none(),
                },
                dependents: self.dependents(&stream.name),
                now: self.now(),
                began: self.now(),
            };
            let written = self.desk.ask(move |writer| writer.page(&job)).await?;
            self.count(&stream.name, &written);
            seen.extend(written.keys.iter().filter_map(|key| key.parse::<i64>().ok()));
            if next.is_none() {
                return Ok(());
            }
            cursor = next;
        }
    }
}

fn left(writer: &mut Writer, stream: &str) -> Result<u64, SyncError> {
    let sql = "SELECT CAST(count(*) AS BIGINT) FROM keyhaven_todo WHERE stream = $1";
    let rows = writer.db.query(sql, &[stream.into()])?;
    Ok(rows.first().and_then(|row| row[0].integer()).unwrap_or_default().unsigned_abs())
}
