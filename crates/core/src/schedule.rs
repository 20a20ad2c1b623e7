//! When a connection is verified next.

use std::time::Duration;

use keyhaven_connectors::Verdict;

use crate::ctx::Millis;

const MINUTE: Millis = 60_000;

/// Pauses after the first, second, … verification in a row that found nothing out.
const PAUSES: [Millis; 6] = [MINUTE, 2 * MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, 60 * MINUTE];

/// How long until the next verification, before jitter. `failures` counts the verifications in a row,
/// this one included, that could not tell (`0`: this one could). What the app asks for is kept to.
pub(crate) fn pause(verdict: &Verdict, failures: i64, every: Duration) -> Millis {
    let every = every.as_millis() as Millis;
    if failures == 0 {
        return every;
    }
    let step = usize::try_from(failures - 1).unwrap_or(0).min(PAUSES.len() - 1);
    let asked = verdict.retry_after.map_or(0, |wait| wait.as_millis() as Millis);
    PAUSES[step].min(every).max(asked)
}

#[cfg(test)]
mod tests {
    use keyhaven_connectors::Reason;

    use super::*;

    #[test]
    fn pauses_grow_and_heed_what_the_app_asks() {
        let every = Duration::from_secs(6 * 3600);
        let mut verdict = Verdict::new(Reason::Maintenance);
        let pauses: Vec<_> = (0..9).map(|failures| pause(&verdict, failures, every) / MINUTE).collect();
        assert_eq!(pauses, [360, 1, 2, 5, 15, 30, 60, 60, 60]);
        verdict.retry_after = Some(Duration::from_secs(3939));
        assert_eq!(pause(&verdict, 1, every), 3_939_000);
        assert_eq!(pause(&Verdict::new(Reason::Unreachable), 6, Duration::from_secs(600)), 600_000);
    }
}
