//! The way to the thread that writes.

use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
};

use crate::{error::SyncError, writer::Writer};

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
            writer.rollback();
            writer.db.close();
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
            writer.rollback();
            if let Err(error) = work(writer).and_then(|()| writer.commit()) {
                tracing::warn!(%error, "the run could not be written down in the destination");
                writer.rollback();
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
