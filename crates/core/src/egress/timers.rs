//! Timers that are used again. Each call has one and hardly ever needs it: to move one to a later time costs a fraction of
//! making it, having it registered, and taking it out again.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Poll,
};

use tokio::{
    task::unconstrained,
    time::{Instant, Sleep, sleep_until},
};

/// More than so many are not kept.
const MAX_IDLE: usize = 64;

/// Timers that nobody needs now.
#[derive(Clone, Default)]
pub(super) struct Timers(Arc<Mutex<Vec<Pin<Box<Sleep>>>>>);

impl Timers {
    /// What comes of it, unless that takes longer than until `end`.
    pub(super) async fn until<T>(&self, end: Instant, future: impl Future<Output = T>) -> Option<T> {
        let mut future = pin!(future);
        let mut timer = self.take(end);
        let came = poll_fn(|cx| match future.as_mut().poll(cx) {
            Poll::Ready(came) => Poll::Ready(Some(came)),
            // Also where the future leaves nothing of what a task may do at once.
            Poll::Pending => pin!(unconstrained(&mut timer)).poll(cx).map(|()| None),
        })
        .await;
        self.give_back(timer);
        came
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Pin<Box<Sleep>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, end: Instant) -> Pin<Box<Sleep>> {
        let Some(mut idle) = self.lock().pop() else { return Box::pin(sleep_until(end)) };
        idle.as_mut().reset(end);
        idle
    }

    fn give_back(&self, timer: Pin<Box<Sleep>>) {
        let mut idle = self.lock();
        if idle.len() < MAX_IDLE {
            idle.push(timer);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{future::pending, time::Duration};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_timer_that_is_used_again_ends_when_it_should() {
        let (timers, second) = (Timers::default(), Duration::from_secs(1));
        // Earlier, later, after its time, and all at once.
        for (at, wait) in [(0, 5), (0, 3), (1, 9), (20, 2), (0, 0)] {
            tokio::time::sleep(second * at).await;
            let began = Instant::now();
            assert_eq!(timers.until(began + second, async { 7 }).await, Some(7));
            let (one, other) = tokio::join!(
                timers.until(began + second * wait, pending::<()>()),
                timers.until(began + second * 2 * wait, pending::<()>())
            );
            assert_eq!((one, other, began.elapsed()), (None, None, second * 2 * wait));
            assert_eq!(timers.0.lock().unwrap().len(), 2);
        }
    }
}
