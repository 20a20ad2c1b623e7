//! Asking the app for pages: patiently, and within what is allowed.

use std::time::Duration;

use tokio::{sync::watch, time::sleep};

use super::allowance::Allowance;
use crate::{
    error::{Failure, SyncError},
    page,
    progress::Teller,
    source::{Answer, Burst, Refused, Source},
};

/// Waits between attempts when the app fails.
const WAITS: [Duration; 4] =
    [Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];
/// “Too many” is waited out so often, and never for longer than this at once.
const TURNS: u32 = 30;
const LONGEST: Duration = Duration::from_secs(10);

/// Why a stream gets no page.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The run ends.
    Run(SyncError),
    /// The stream is left out, if others are not.
    Skip(SyncError),
    /// The same: there is no such list.
    Gone(SyncError),
    /// The page is too large: ask for fewer records, or leave the stream out.
    TooLarge(SyncError),
    /// The cursor is not known any more: begin anew.
    Anew(SyncError),
    /// What may be used for looking for deletions is used up; the rest another time.
    SweepLater,
}

impl From<SyncError> for Stop {
    fn from(error: SyncError) -> Self {
        Self::Run(error)
    }
}

pub(crate) struct Fetcher<'a, S> {
    pub source: &'a S,
    pub allowance: Allowance,
    pub teller: &'a Teller,
    pub cancelled: watch::Receiver<bool>,
}

impl<S: Source> Fetcher<'_, S> {
    /// One page, for a stream.
    pub(crate) async fn page(
        &mut self,
        stream: &str,
        path_and_query: &str,
        is_sweep: bool,
    ) -> Result<Answer, Stop> {
        let path = path_and_query.split('?').next().unwrap_or_default();
        let cost = self.source.cost(path);
        let (mut broken, mut turns) = (WAITS.into_iter(), 0);
        loop {
            self.go_on()?;
            if !self.allowance.permits(cost, is_sweep) {
                return Err(if is_sweep && self.allowance.permits(cost, false) {
                    Stop::SweepLater
                } else {
                    share_used_up(self.allowance.is_untouched())
                });
            }
            let asked = tokio::select! {
                asked = self.source.get(path_and_query) => asked,
                () = cancelled(self.cancelled.clone()) => continue,
            };
            let told = asked.as_ref().ok().and_then(|answer| answer.budget);
            if asked.as_ref().err().is_none_or(Refused::is_the_apps) {
                self.allowance.spend(cost, is_sweep, told);
                self.teller.asked(stream, cost);
            }
            match asked {
                Ok(answer) => {
                    self.pace(answer.burst).await;
                    return Ok(Answer { body: page::sound(answer.body), ..answer });
                }
                Err(Refused::Later(wait)) => {
                    turns += 1;
                    if turns > TURNS {
                        return Err(busy());
                    }
                    let wait = wait.clamp(Duration::from_millis(100), LONGEST);
                    self.waits(stream, wait, "the app allows no more calls just now");
                    self.rest(wait).await;
                }
                Err(Refused::Broken(cause)) => {
                    let Some(wait) = broken.next() else { return Err(failing(&cause)) };
                    self.teller.repeats(stream);
                    self.waits(stream, wait, &cause);
                    self.rest(wait).await;
                }
                Err(refused) => return Err(refusal(refused)),
            }
        }
    }

    fn go_on(&self) -> Result<(), Stop> {
        if !*self.cancelled.borrow() {
            return Ok(());
        }
        Err(SyncError::new(
            Failure::Cancelled,
            "the sync was cancelled",
            "Run it again: it goes on where it was.",
        )
        .into())
    }

    /// Tells whoever watches why nothing moves.
    fn waits(&self, stream: &str, wait: Duration, cause: &str) {
        let why = format!("{cause}; asks again in {:.1} s", wait.as_secs_f64());
        self.teller.stream(stream, |it| it.waits = Some(why));
    }

    async fn rest(&self, wait: Duration) {
        tokio::select! {
            () = sleep(wait) => {}
            () = cancelled(self.cancelled.clone()) => {}
        }
    }

    /// Slows down while there is room, and leaves the last quarter to others.
    async fn pace(&self, burst: Option<Burst>) {
        let Some(burst) = burst else { return };
        if burst.left.saturating_mul(4) < burst.limit {
            self.rest(burst.reset.clamp(Duration::from_millis(100), Duration::from_secs(2))).await;
        }
    }
}

async fn cancelled(mut flag: watch::Receiver<bool>) {
    if flag.wait_for(|it| *it).await.is_err() {
        // Nobody can cancel any more.
        std::future::pending::<()>().await;
    }
}

fn share_used_up(untouched: bool) -> Stop {
    SyncError::new(
        Failure::Budget,
        if untouched {
            "too little is left of the app's requests of today for this sync's share of it"
        } else {
            "this sync has used its share of what was left of the app's requests of today"
        },
        "Wait for tomorrow's budget, or allow a larger share: the next run goes on where this one was.",
    )
    .into()
}

fn busy() -> Stop {
    SyncError::new(
        Failure::App,
        "other programs use this connection so much that there was no turn for the sync",
        "Run it again when less is going on: it goes on where it was.",
    )
    .into()
}

fn failing(cause: &str) -> Stop {
    SyncError::new(
        Failure::App,
        format!("the app does not answer as it should: {cause}"),
        "Run the sync again later: it goes on where it was.",
    )
    .into()
}

/// What becomes of a run because of it.
pub(crate) fn refusal(refused: Refused) -> Stop {
    match refused {
        Refused::BudgetUsedUp => SyncError::new(
            Failure::Budget,
            "the app's requests of today are used up",
            "Wait for the app's new day, mostly at midnight UTC: the next run goes on where this one was.",
        )
        .into(),
        Refused::ShareUsedUp => SyncError::new(
            Failure::Budget,
            "this sync, or its access token, has used its share of the app's requests of today",
            "Wait for tomorrow's budget, or allow a larger share: the next run goes on where this one was.",
        )
        .into(),
        Refused::OutOfReach { message, remedy } => Stop::Skip(SyncError::new(Failure::App, message, remedy)),
        Refused::KeyRejected(cause) => SyncError::new(
            Failure::KeyRejected,
            format!("the app does not accept the connection's key any more: {cause}"),
            "Open the connection in Keyhaven and save a new key, then run the sync again: it goes on where it was.",
        )
        .into(),
        Refused::NotHere { status: 402, message } => {
            Stop::Skip(SyncError::new(
                Failure::App,
                format!("the company does not have it (“{message}”)"),
                "Look in the app whether the company's account is open and paid for, and has what was chosen; then run \
                 the sync again.",
            ))
        }
        Refused::NotHere { status: 403, message } => {
            Stop::Skip(SyncError::new(
                Failure::App,
                format!("this connection's user may not read it (“{message}”)"),
                "Open the connection in Keyhaven and save a key of a user who may, then run the sync again.",
            ))
        }
        Refused::NotHere { status, message } => Stop::Gone(SyncError::new(
            Failure::App,
            format!("the app has no such list (HTTP {status}, “{message}”)"),
            "Look whether the connection leads to the right account, or choose other streams; then run the sync again.",
        )),
        Refused::NotUnderstood(cause) => Stop::Anew(SyncError::new(
            Failure::App,
            format!("the app did not understand the request ({cause})"),
            "Run the sync again later. If it stays so, look for a newer Keyhaven.",
        )),
        Refused::TooLarge => Stop::TooLarge(SyncError::new(
            Failure::App,
            "a record is larger than the 64 MiB that can be worked on",
            "Make it smaller in the app, or choose other streams; then run the sync again.",
        )),
        Refused::Forbidden { message, remedy } => SyncError::new(Failure::App, message, remedy).into(),
        Refused::Later(_) => busy(),
        Refused::Broken(cause) => failing(&cause),
    }
}
