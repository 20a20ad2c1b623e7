//! The connection, on which rows may still be on their way.

use std::{io, sync::Arc, time::Duration};

use sqlx::PgConnection;
use tokio::{
    runtime::Handle,
    sync::Mutex,
    task::{AbortHandle, JoinHandle},
    time::timeout,
};

use super::fault::failed;
use crate::error::SyncError;

/// The longest that one statement takes, an index over millions of rows included. A server that is cut off says nothing.
const ANSWER_WITHIN: Duration = Duration::from_secs(600);

pub(super) struct Line {
    connection: Arc<Mutex<PgConnection>>,
    runtime: Handle,
    /// Rows on their way. Whoever asks next hears what became of them.
    copying: Option<JoinHandle<Result<(), sqlx::Error>>>,
    /// It did not answer once, and is not waited for again.
    is_silent: bool,
}

impl Line {
    /// Belongs to the runtime that it is made in.
    pub(super) fn new(connection: PgConnection) -> Self {
        let connection = Arc::new(Mutex::new(connection));
        Self { connection, runtime: Handle::current(), copying: None, is_silent: false }
    }

    /// Asks, as soon as the server has what is on its way.
    pub(super) fn ask<T>(
        &mut self,
        question: impl AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, SyncError> {
        if self.is_silent {
            return Err(silent());
        }
        let copying = self.copying.take();
        let on_its_way = copying.as_ref().map(JoinHandle::abort_handle);
        let answer = async {
            if let Some(copying) = copying {
                copying.await.map_err(|error| sqlx::Error::Io(io::Error::other(error)))??;
            }
            question(&mut *self.connection.lock().await).await
        };
        match self.runtime.block_on(async { timeout(ANSWER_WITHIN, answer).await }) {
            Ok(answer) => answer.map_err(|error| failed(&error)),
            Err(_) => {
                on_its_way.as_ref().map(AbortHandle::abort);
                self.is_silent = true;
                Err(silent())
            }
        }
    }

    /// Sends rows, and goes on while the server takes them.
    pub(super) fn copy(&mut self, sql: String, lines: Vec<u8>) -> Result<(), SyncError> {
        self.settle()?;
        let connection = self.connection.clone();
        self.copying = Some(self.runtime.spawn(async move {
            let mut connection = connection.lock().await;
            let mut copy = connection.copy_in_raw(&sql).await?;
            copy.send(lines).await?;
            copy.finish().await.map(drop)
        }));
        Ok(())
    }

    /// Waits for what is on its way.
    pub(super) fn settle(&mut self) -> Result<(), SyncError> {
        if self.copying.is_some() { self.ask(async |_| Ok(())) } else { Ok(()) }
    }
}

pub(super) fn silent() -> SyncError {
    failed(&sqlx::Error::Io(io::ErrorKind::TimedOut.into()))
}
