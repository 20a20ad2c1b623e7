//! Connections to apps that are kept for the next request.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use hyper::client::conn::http2;
use tokio::time::{Instant, sleep};

use super::line::Line;
use crate::{Map, proxy::Payload};

/// Idle connections are kept for the next question, not for long: what is open can be counted.
const IDLE: Duration = Duration::from_secs(30);
const MAX_IDLE: usize = 64;

/// Names the other end: scheme, host and port.
pub(super) type End = Arc<str>;

/// A connection of HTTP/2, which any number of requests use at the same time.
pub(super) type Shared = http2::SendRequest<Payload>;

/// What is kept.
#[derive(Clone, Default)]
pub(super) struct Pool(Arc<Mutex<Shelves>>);

#[derive(Default)]
struct Shelves {
    ends: Map<End, Shelf>,
    sweeping: bool,
}

/// What is kept for one end.
#[derive(Default)]
struct Shelf {
    /// Each with the time of its last use, the latest at the back.
    lines: VecDeque<(Line, Instant)>,
    shared: Option<(Shared, Instant)>,
}

/// A connection to use.
pub(super) enum Taken {
    Line(Line),
    Shared(Shared),
}

impl Pool {
    fn lock(&self) -> MutexGuard<'_, Shelves> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One that is free now, and was open when it was last looked at.
    pub(super) fn take(&self, end: &str) -> Option<Taken> {
        let mut shelves = self.lock();
        let shelf = shelves.ends.get_mut(end)?;
        if let Some((shared, used)) = &mut shelf.shared {
            if !shared.is_closed() {
                *used = Instant::now();
                return Some(Taken::Shared(shared.clone()));
            }
            shelf.shared = None;
        }
        while let Some((mut line, used)) = shelf.lines.pop_back() {
            if used.elapsed() >= IDLE {
                // The others have been idle for even longer.
                shelf.lines.clear();
            } else if line.is_open() {
                return Some(Taken::Line(line));
            }
        }
        None
    }

    /// Keeps a connection that is idle again.
    pub(super) fn keep(&self, end: &End, line: Line) {
        self.put(end, |shelf, now| {
            shelf.lines.push_back((line, now));
            (shelf.lines.len() > MAX_IDLE).then(|| shelf.lines.pop_front()).flatten().map(|(line, _)| line)
        });
    }

    /// Lets others use a new connection, and gives back the one to use: there may be one already.
    pub(super) fn share(&self, end: &End, shared: Shared) -> Shared {
        self.put(end, |shelf, now| match &shelf.shared {
            Some((first, _)) if !first.is_closed() => first.clone(),
            _ => {
                shelf.shared = Some((shared.clone(), now));
                shared
            }
        })
    }

    fn put<T>(&self, end: &End, put: impl FnOnce(&mut Shelf, Instant) -> T) -> T {
        let mut shelves = self.lock();
        if !std::mem::replace(&mut shelves.sweeping, true) {
            tokio::spawn(sweep(Arc::downgrade(&self.0)));
        }
        let now = Instant::now();
        match shelves.ends.get_mut(end) {
            Some(shelf) => put(shelf, now),
            None => put(shelves.ends.entry(end.clone()).or_default(), now),
        }
    }
}

/// Closes what has been idle for long, until there is nothing left.
async fn sweep(shelves: Weak<Mutex<Shelves>>) {
    loop {
        sleep(IDLE).await;
        let Some(shelves) = shelves.upgrade() else { return };
        let mut shelves = shelves.lock().unwrap_or_else(PoisonError::into_inner);
        shelves.ends.retain(|_, shelf| {
            shelf.lines.retain_mut(|(line, used)| line.is_open() && used.elapsed() < IDLE);
            shelf.shared.take_if(|(shared, used)| shared.is_closed() || used.elapsed() >= IDLE);
            !shelf.lines.is_empty() || shelf.shared.is_some()
        });
        if shelves.ends.is_empty() {
            shelves.sweeping = false;
            return;
        }
    }
}
