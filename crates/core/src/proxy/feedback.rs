//! What calls tell about a connection: one whose status they speak against is verified again.

use std::{
    collections::HashMap,
    mem::take,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use keyhaven_connectors::Reason;
use tokio::task::JoinSet;

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
    /// Verifications under way.
    checks: Mutex<JoinSet<()>>,
}

#[derive(Clone, Copy)]
struct Last {
    at: Millis,
    /// What had made the status then.
    settled: Option<Reason>,
    /// Verifications before that which changed nothing of it.
    again: u32,
}

impl Feedback {
    /// Looks at the head of an answer.
    pub(super) fn answered(&self, app: &Arc<Keyhaven>, target: &Target, answer: &Head, now: Millis) {
        let said = said(answer);
        if !said.is_some_and(|said| speaks_against(said, target.settled)) {
            return;
        }
        let Some(wait) = self.wait(&target.id, target.settled, now) else { return };
        let refused_at = (said != Some(Reason::Ok)).then_some(now);
        let (on_main, id) = (app.clone(), target.id.clone());
        let check = async move {
            tokio::time::sleep(wait).await;
            let ctx = on_main.ctx(Actor::System);
            if let Err(error) = connections::verify_after_call(&on_main, &ctx, &id, refused_at).await {
                tracing::error!(%error, connection = &*id, "cannot verify a connection after a call");
            }
        };
        if !wait.is_zero() {
            app.runtime.spawn(check);
            return;
        }
        let mut checks = self.checks.lock().unwrap_or_else(PoisonError::into_inner);
        while checks.try_join_next().is_some() {}
        checks.spawn_on(check, &app.runtime);
    }

    /// Waits for the verifications under way.
    pub(crate) async fn finish(&self) {
        let checks = take(&mut *self.checks.lock().unwrap_or_else(PoisonError::into_inner));
        checks.join_all().await;
    }

    /// How long until the next verification may be; `None` if one is coming anyway.
    fn wait(&self, id: &Arc<str>, settled: Option<Reason>, now: Millis) -> Option<Duration> {
        let mut all = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(last) = all.get_mut(id) else {
            all.insert(id.clone(), Last { at: now, settled, again: 0 });
            return Some(Duration::ZERO);
        };
        // One that has been promised for later covers this call, too.
        if last.at > now {
            return None;
        }
        let is_in_vain = settled == last.settled && settled != Some(Reason::Ok);
        let again = if is_in_vain { (last.again + 1).min(SELDOM) } else { 0 };
        let at = now.max(last.at + (PAUSE << again));
        *last = Last { at, settled, again };
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
        let last = feedback.last.lock().unwrap()["cn_1"].at;
        assert_eq!(wait(Reason::KeyRejected, last), Some(60_000));
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
