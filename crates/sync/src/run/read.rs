//! Reading lists: whole, or what changed.

use std::collections::VecDeque;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use keyhaven_connectors::streams::Stream;
use tokio::sync::oneshot;

use super::{Run, Table, earlier, fetch::Stop, reader::Reader, written};
use crate::{
    desk::told,
    error::SyncError,
    source::{Answer, Source},
    state::StreamState,
    writer::{PageJob, Reading, Written},
};

type Told = oneshot::Receiver<Result<Written, SyncError>>;

/// Pages that may be on their way into the database while the next is asked for.
const AHEAD: usize = 2;
/// Clocks of two machines differ by less.
const LARGEST_DIFFERENCE: SignedDuration = SignedDuration::from_hours(1);
impl<S: Source> Run<'_, S> {
    /// The whole list, from where it was left.
    pub(super) async fn whole(
        &mut self,
        stream: &Stream,
        layout: &Table,
        state: StreamState,
        is_sweep: bool,
    ) -> Result<(), Stop> {
        let mut reader = Reader::new(stream, layout, stream.whole.clone());
        reader.is_sweep = is_sweep;
        reader.began = state.began.clone();
        reader.cursor = state.cursor.clone().filter(|_| stream.ordered);
        let resumed = reader.cursor.is_some();
        if resumed && state.finished.is_none() {
            reader.requests = state.requests;
        }
        let at_least = if resumed { state.requests } else { 0 };
        let read = self.whole_list(&mut reader, at_least).await;
        let Some(mut reader) = reader.anew(&read) else { return read };
        self.begin_anew(&stream.name).await?;
        let read = self.whole_list(&mut reader, 0).await;
        reader.ended(read)
    }

    /// The next whole reading begins with the first page.
    pub(super) async fn begin_anew(&self, stream: &str) -> Result<(), SyncError> {
        let name = stream.to_owned();
        self.desk
            .ask(move |writer| {
                writer.begin_anew(&name);
                Ok(())
            })
            .await
    }

    async fn whole_list(&mut self, reader: &mut Reader<'_>, at_least: u64) -> Result<(), Stop> {
        let mut waiting = VecDeque::new();
        let read = self.whole_pages(reader, at_least, &mut waiting).await;
        self.settled(&reader.stream.name, &mut waiting, read).await
    }

    async fn whole_pages(
        &mut self,
        reader: &mut Reader<'_>,
        at_least: u64,
        waiting: &mut VecDeque<Told>,
    ) -> Result<(), Stop> {
        loop {
            let Some((answer, next)) = self.next_page(reader).await? else { continue };
            let reading = Reading::Whole {
                ordered: reader.stream.ordered,
                sweeps: reader.stream.table.is_none() || reader.stream.rows.is_some(),
                last: next.is_none(),
                requests: reader.requests.max(at_least),
                next: next.clone(),
            };
            self.write(reader, answer.body, reading, waiting).await?;
            match next {
                None => return Ok(()),
                next => reader.cursor = next,
            }
        }
    }

    /// What changed since the last time.
    pub(super) async fn changes(
        &mut self,
        stream: &Stream,
        layout: &Table,
        state: &StreamState,
    ) -> Result<(), Stop> {
        let since = state.watermark.as_deref().and_then(earlier).map(written).unwrap_or_default();
        let query = match &stream.changes {
            Some(query) => format!("updated_since={since}&{query}"),
            None => stream.newest.clone().unwrap_or_default(),
        };
        let mut reader = Reader::new(stream, layout, query);
        let read = self.changed(&mut reader, state, &since).await;
        let Some(mut reader) = reader.anew(&read) else { return read };
        let read = self.changed(&mut reader, state, &since).await;
        reader.ended(read)
    }

    async fn changed(
        &mut self,
        reader: &mut Reader<'_>,
        state: &StreamState,
        since: &str,
    ) -> Result<(), Stop> {
        match reader.stream.changes {
            Some(_) => self.by_time(reader).await,
            None => self.newest_first(reader, state, since).await,
        }
    }

    async fn by_time(&mut self, reader: &mut Reader<'_>) -> Result<(), Stop> {
        let mut waiting = VecDeque::new();
        let read = self.pages_by_time(reader, &mut waiting).await;
        self.settled(&reader.stream.name, &mut waiting, read).await
    }

    async fn pages_by_time(
        &mut self,
        reader: &mut Reader<'_>,
        waiting: &mut VecDeque<Told>,
    ) -> Result<(), Stop> {
        loop {
            let Some((answer, next)) = self.next_page(reader).await? else { continue };
            let up_to = reader.began.clone().unwrap_or_default();
            self.write(reader, answer.body, Reading::Changes { up_to }, waiting).await?;
            match next {
                None => return Ok(()),
                next => reader.cursor = next,
            }
        }
    }

    /// Nothing is taken as known before all of it is.
    async fn newest_first(
        &mut self,
        reader: &mut Reader<'_>,
        state: &StreamState,
        since: &str,
    ) -> Result<(), Stop> {
        let known = state.watermark.clone().unwrap_or_default();
        let mut newest = None;
        loop {
            let Some((answer, next)) = self.next_page(reader).await? else { continue };
            let job = self.job(reader, answer.body, Reading::Changes { up_to: known.clone() });
            let written = self.desk.ask(move |writer| writer.page(&job)).await?;
            self.count(&reader.stream.name, &written);
            newest = newest.max(written.newest);
            let reaches = written.oldest.is_none_or(|oldest| oldest.as_str() < since);
            match next {
                Some(next) if !reaches => reader.cursor = Some(next),
                _ => break,
            }
        }
        let (name, up_to) = (reader.stream.name.clone(), reader.began.clone());
        self.desk
            .ask(move |writer| {
                let newest = newest.map(|it| up_to.map_or(it.clone(), |up_to| it.min(up_to)));
                let state = writer.state(&name);
                if newest > state.watermark {
                    state.watermark = newest;
                }
                let state = state.clone();
                crate::state::save_stream(writer.db.as_mut(), &name, &state)
            })
            .await?;
        Ok(())
    }

    /// Asks for a page; tells it, and where the next one is. None: it is to be asked for anew, as it did not follow on the
    /// one before or was too large.
    async fn next_page(&mut self, reader: &mut Reader<'_>) -> Result<Option<(Answer, Option<String>)>, Stop> {
        let name = &reader.stream.name;
        let answer = match self.fetcher.page(name, &reader.path(), reader.is_sweep).await {
            Err(Stop::TooLarge(_)) if reader.takes_smaller_pages() => return Ok(None),
            answer => answer?,
        };
        reader.requests += 1;
        if reader.began.is_none() {
            reader.began = Some(self.began(answer.at));
        }
        let next = reader.follow(&answer.body)?;
        Ok(next.map(|next| (answer, next)))
    }

    /// When a reading began, by the app's clock. One that is far ahead would hide all changes until then.
    fn began(&self, told: Option<Timestamp>) -> String {
        let latest = (self.plan.clock)().saturating_add(LARGEST_DIFFERENCE);
        told.zip(latest.ok()).map_or_else(|| self.now(), |(told, latest)| written(told.min(latest)))
    }

    fn job(&self, reader: &Reader<'_>, body: Bytes, reading: Reading) -> PageJob {
        PageJob {
            stream: reader.stream.name.clone(),
            layout: reader.layout.clone(),
            part: reader.stream.rows.clone(),
            body,
            reading,
            dependents: self.dependents(reader.stream.table()),
            now: self.now(),
            began: reader.began.clone().unwrap_or_default(),
        }
    }

    /// Hands a page to the writer; waits for an earlier one if too many wait.
    async fn write(
        &mut self,
        reader: &Reader<'_>,
        body: Bytes,
        reading: Reading,
        waiting: &mut VecDeque<Told>,
    ) -> Result<(), Stop> {
        let job = self.job(reader, body, reading);
        waiting.push_back(self.desk.post(move |writer| writer.page(&job)).await);
        Ok(self.settle(&reader.stream.name, waiting, AHEAD).await?)
    }

    /// What is still on its way when a reading ends counts, however that ended.
    async fn settled(
        &self,
        stream: &str,
        waiting: &mut VecDeque<Told>,
        read: Result<(), Stop>,
    ) -> Result<(), Stop> {
        let kept = self.settle(stream, waiting, 0).await;
        read?;
        Ok(kept?)
    }

    async fn settle(
        &self,
        stream: &str,
        waiting: &mut VecDeque<Told>,
        leave: usize,
    ) -> Result<(), SyncError> {
        while waiting.len() > leave {
            let Some(answer) = waiting.pop_front() else { break };
            self.count(stream, &told(answer).await?);
        }
        Ok(())
    }

    pub(super) fn count(&self, stream: &str, written: &Written) {
        self.fetcher.teller.stream(stream, |it| {
            it.rows += written.rows;
            it.written += written.changed;
            it.deleted += written.deleted;
            it.misfits += written.misfits;
        });
    }
}
