//! The stand-in's own time of day: the real one, unless a test puts it elsewhere.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

const DAY: u64 = 86_400;

/// Seconds since 1970, counted on from a moment that can be set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    base: Duration,
    since: Instant,
}

impl Clock {
    pub(crate) fn real() -> Self {
        #[expect(clippy::disallowed_methods, reason = "a stand-in has no `Ctx`; tests set the clock")]
        let now = SystemTime::now();
        Self { base: now.duration_since(UNIX_EPOCH).unwrap_or_default(), since: Instant::now() }
    }

    pub(crate) fn at(unix_seconds: u64) -> Self {
        Self { base: Duration::from_secs(unix_seconds), since: Instant::now() }
    }

    pub(crate) fn now(&self) -> u64 {
        self.base.saturating_add(self.since.elapsed()).as_secs()
    }

    /// The day, which begins at midnight UTC. Which time zone Pipedrive means is not documented.
    pub(crate) fn day(&self) -> u64 {
        self.now() / DAY
    }

    pub(crate) fn until_midnight(&self) -> u64 {
        DAY - self.now() % DAY
    }
}

/// `2026-03-01T08:15:00Z`, as v2 writes times.
pub(crate) fn rfc3339(unix_seconds: u64) -> String {
    let (year, month, day) = date(unix_seconds / DAY);
    let of_day = unix_seconds % DAY;
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Howard Hinnant's `civil_from_days`, for days since 1970.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, of_year - (153 * shifted + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::rfc3339;

    #[test]
    fn times_are_written_as_the_calendar_has_them() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(951_782_399), "2000-02-28T23:59:59Z");
        assert_eq!(rfc3339(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(rfc3339(1_767_225_599), "2025-12-31T23:59:59Z");
    }
}
