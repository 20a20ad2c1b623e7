//! What calls tell about a connection: one whose status they speak against is verified again.

use std::{
    collections::HashMap,
    mem::take,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use keyhaven_connectors::Reason;
use tokio::{sync::watch, task::JoinSet, time::timeout};

use super::{outbound::is_block_page, target::Target};
use crate::{Actor, Keyhaven, connections, ctx::Millis, http1::Head};

/// A connection is verified for this reason at most once within this time.
const PAUSE: Millis = 60 * 1000;
/// One that stays ! although calls speak against it is asked about half as often each time, down to this part.
const SELDOM: u32 = 6;

/// When connections were last verified because of a call.
#[derive(Default)]
pub(crate) struct Feedback {
    last: Mutex<HashMap<Arc<str>, Last>>,
    /// Verifications under way, and promised.
    checks: Mutex<JoinSet<()>>,
    /// No others come.
    ends: watch::Sender<bool>,
}

#[derive(Clone, Copy)]
struct Last {
    /// Also in times to come: then one is promised.
    at: Millis,
    /// The one before.
    before: Millis,
    /// What had made the status then.
    settled: Option<Reason>,
    /// Verifications before that which changed nothing of it.
    again: u32,
}

impl Feedback {
    /// Looks at the head of an answer.
    pub(super) fn answered(&self, app: &Arc<Keyhaven>, target: &Target, answer: &Head) {
        let said = said(answer);
        if !said.is_some_and(|said| speaks_against(said, target.settled)) {
            return;
        }
        let now = app.now();
        let Some(wait) = self.wait(&target.id, target.settled, now) else { return };
        let is_refused = said != Some(Reason::Ok);
        let (on_main, id, mut ends) = (app.clone(), target.id.clone(), self.ends.subscribe());
        let check = async move {
            // What was promised for later is done at once where there is no later.
            let _ = timeout(wait, ends.wait_for(|ends| *ends)).await;
            let ctx = on_main.ctx(Actor::System);
            if let Err(error) = connections::verify_after_call(&on_main, &ctx, &id, now, is_refused).await {
                tracing::error!(%error, connection = &*id, "cannot verify a connection after a call");
            }
        };
        let mut checks = self.checks.lock().unwrap_or_else(PoisonError::into_inner);
        while checks.try_join_next().is_some() {}
        checks.spawn_on(check, &app.runtime);
    }

    /// Waits for the verifications that are under way or promised: a command ends.
    pub(crate) async fn finish(&self) {
        self.ends.send_replace(true);
        let mut checks = take(&mut *self.checks.lock().unwrap_or_else(PoisonError::into_inner));
        while checks.join_next().await.is_some() {}
    }

    /// The connection is no more.
    pub(crate) fn forget(&self, connection: &str) {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).remove(connection);
    }

    /// How long until the next verification may be; `None` if one is coming anyway.
    fn wait(&self, id: &Arc<str>, settled: Option<Reason>, now: Millis) -> Option<Duration> {
        let mut all = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(last) = all.get_mut(id) else {
            all.insert(id.clone(), Last { at: now, before: 0, settled, again: 0 });
            return Some(Duration::ZERO);
        };
        let is_promised = last.at > now;
        // That covers this call, too, unless something else has been found since.
        if is_promised && settled == last.settled {
            return None;
        }
        let ran = if is_promised { last.before } else { last.at };
        let is_in_vain = settled == last.settled && settled != Some(Reason::Ok);
        let again = if is_in_vain { (last.again + 1).min(SELDOM) } else { 0 };
        let at = now.max(ran + (PAUSE << again));
        *last = Last { at, before: ran, settled, again };
        Some(Duration::from_millis((at - now) as u64))
    }
}

/// What an answer says about the credential, if anything.
fn said(Head { status, fields, .. }: &Head) -> Option<Reason> {
    match status.as_u16() {
        200..300 => Some(Reason::Ok),
        401 => Some(Reason::KeyRejected),
        402 => Some(Reason::AccountNotOpen),
        status => is_block_page(status, fields).then_some(Reason::Blocked),
    }
}

/// Is it something else than what had made the status?
fn speaks_against(said: Reason, settled: Option<Reason>) -> bool {
    // An app tells these apart only when it is asked who the key's user is.
    let is_rejected = |it| matches!(it, Reason::KeyRejected | Reason::WrongDomain | Reason::AccessDenied);
    settled != Some(said) && !(is_rejected(said) && settled.is_some_and(is_rejected))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_most_one_a_minute_and_none_is_lost() {
        let feedback = Feedback::default();
        let id: Arc<str> = "cn_1".into();
        let wait = |settled, now| feedback.wait(&id, Some(settled), now).map(|wait| wait.as_millis());
        assert_eq!(wait(Reason::Ok, 1_000_000), Some(0));
        assert_eq!(wait(Reason::Ok, 1_000_001), Some(59_999));
        assert_eq!(wait(Reason::Ok, 1_030_000), None);
        assert_eq!(wait(Reason::Ok, 1_060_001), Some(59_999));
        assert_eq!(wait(Reason::Ok, 1_300_000), Some(0));
        // What does not work is asked about as soon, and then less and less often while that changes nothing.
        assert_eq!(wait(Reason::Blocked, 1_300_001), Some(59_999));
        for pause in [2, 4, 8, 16, 32, 64, 64] {
            let last = feedback.last.lock().unwrap()["cn_1"].at;
            assert_eq!(wait(Reason::Blocked, last), Some(pause * 60_000));
        }
        // News is news, also while one is promised for much later.
        let last = feedback.last.lock().unwrap()["cn_1"];
        assert_eq!(wait(Reason::Blocked, last.at - 10), None);
        assert_eq!(wait(Reason::Ok, last.at - 60_000), Some(0));
        assert_eq!(wait(Reason::KeyRejected, last.at), Some(0));
        assert_eq!(wait(Reason::Blocked, last.at + 1), Some(59_999));
    }

    #[test]
    fn what_a_status_says_already_is_no_news() {
        use Reason::{AccessDenied, AccountNotOpen, Blocked, KeyRejected, Ok, Unreachable, WrongDomain};
        for said in [Ok, KeyRejected, AccountNotOpen, Blocked] {
            assert!(speaks_against(said, None));
            assert!(speaks_against(said, Some(Unreachable)));
            assert!(!speaks_against(said, Some(said)));
            let other = if said == Ok { Blocked } else { Ok };
            assert!(speaks_against(said, Some(other)));
        }
        assert!(
            !speaks_against(KeyRejected, Some(WrongDomain))
                && !speaks_against(KeyRejected, Some(AccessDenied))
        );
        assert!(
            speaks_against(Blocked, Some(AccountNotOpen))
                && speaks_against(AccountNotOpen, Some(WrongDomain))
        );
    }
}
