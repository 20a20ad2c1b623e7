//! What calls tell about a connection: a refused one has it verified again at once.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use super::{outbound::is_block_page, target::Target};
use crate::{Actor, Keyhaven, connections, ctx::Millis, http1::Head};

/// A connection is verified for this reason at most once within this time.
const PAUSE: Millis = 60 * 1000;

/// When connections were last verified because a call was refused.
#[derive(Default)]
pub(crate) struct Feedback(Mutex<HashMap<Arc<str>, Millis>>);

impl Feedback {
    /// Looks at the head of an answer.
    pub(super) fn answered(&self, app: &Arc<Keyhaven>, target: &Target, answer: &Head, now: Millis) {
        let status = answer.status.as_u16();
        let refused = matches!(status, 401 | 402) || is_block_page(status, &answer.fields);
        if !refused || !target.is_valid() {
            return;
        }
        let Some(wait) = self.wait(&target.id, now) else { return };
        let (on_main, id) = (app.clone(), target.id.clone());
        app.runtime.spawn(async move {
            tokio::time::sleep(wait).await;
            let ctx = on_main.ctx(Actor::System);
            if let Err(error) = connections::verify_after_refusal(&on_main, &ctx, &id, now).await {
                tracing::error!(%error, connection = &*id, "cannot verify a connection whose call was refused");
            }
        });
    }

    /// How long until the next verification may be; `None` if one is coming anyway.
    fn wait(&self, id: &Arc<str>, now: Millis) -> Option<Duration> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let next = all.get(id).map_or(now, |last| last + PAUSE).max(now);
        // One that has been promised for later covers this call, too.
        if all.get(id).is_some_and(|last| *last > now) {
            return None;
        }
        all.insert(id.clone(), next);
        Some(Duration::from_millis((next - now) as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_most_one_a_minute_and_none_is_lost() {
        let feedback = Feedback::default();
        let id: Arc<str> = "cn_1".into();
        let wait = |now| feedback.wait(&id, now).map(|wait| wait.as_millis());
        assert_eq!(wait(1_000_000), Some(0));
        assert_eq!(wait(1_000_001), Some(59_999));
        assert_eq!(wait(1_030_000), None);
        assert_eq!(wait(1_060_001), Some(59_999));
        assert_eq!(wait(1_300_000), Some(0));
    }
}
