//! Connections to apps that are kept for the next request.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use hyper::client::conn::http2;
use tokio::time::sleep;

use super::line::Line;
use crate::{Map, proxy::Payload};

/// Idle connections are kept for the next question, not for long: what is open can be counted. Each time they are
/// looked at they grow older by one; nobody reads a clock for that.
const LOOK: Duration = Duration::from_secs(10);
const OLD: u8 = 3;
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
    /// Each with its age, the youngest at the back.
    lines: VecDeque<(Line, u8)>,
    shared: Option<(Shared, u8)>,
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
        if let Some((shared, age)) = &mut shelf.shared {
            if !shared.is_closed() {
                *age = 0;
                return Some(Taken::Shared(shared.clone()));
            }
            shelf.shared = None;
        }
        while let Some((mut line, _)) = shelf.lines.pop_back() {
            if line.is_open() {
                return Some(Taken::Line(line));
            }
        }
        None
    }

    /// Keeps a connection that is idle again.
    pub(super) fn keep(&self, end: &End, line: Line) {
        self.put(end, |shelf| {
            shelf.lines.push_back((line, 0));
            (shelf.lines.len() > MAX_IDLE).then(|| shelf.lines.pop_front()).flatten().map(|(line, _)| line)
        });
    }

    /// Lets others use a new connection, and gives back the one to use: there may be one already.
    pub(super) fn share(&self, end: &End, shared: Shared) -> Shared {
        self.put(end, |shelf| match &shelf.shared {
            Some((first, _)) if !first.is_closed() => first.clone(),
            _ => {
                shelf.shared = Some((shared.clone(), 0));
                shared
            }
        })
    }

    fn put<T>(&self, end: &End, put: impl FnOnce(&mut Shelf) -> T) -> T {
        let mut shelves = self.lock();
        if !std::mem::replace(&mut shelves.sweeping, true) {
            tokio::spawn(sweep(Arc::downgrade(&self.0)));
        }
        match shelves.ends.get_mut(end) {
            Some(shelf) => put(shelf),
            None => put(shelves.ends.entry(end.clone()).or_default()),
        }
    }
}

/// Closes what has been idle for long, until there is nothing left.
async fn sweep(shelves: Weak<Mutex<Shelves>>) {
    loop {
        sleep(LOOK).await;
        let Some(shelves) = shelves.upgrade() else { return };
        let mut shelves = shelves.lock().unwrap_or_else(PoisonError::into_inner);
        shelves.ends.retain(|_, shelf| {
            let grows_old = |age: &mut u8| {
                *age += 1;
                *age >= OLD
            };
            shelf.lines.retain_mut(|(line, age)| line.is_open() && !grows_old(age));
            shelf.shared.take_if(|(shared, age)| shared.is_closed() || grows_old(age));
            !shelf.lines.is_empty() || shelf.shared.is_some()
        });
        if shelves.ends.is_empty() {
            shelves.sweeping = false;
            return;
        }
    }
}
