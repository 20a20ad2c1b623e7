//! The stand-in's own time of day: the real one, unless a test puts it elsewhere.

use std::{
    ops::Range,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tokio::time::Instant;

const DAY: u64 = 86_400;

/// Seconds since 1970, counted on from a moment that can be set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    base: Duration,
    since: Instant,
    frozen: bool,
}

impl Clock {
    pub(crate) fn real() -> Self {
        #[expect(clippy::disallowed_methods, reason = "a stand-in has no `Ctx`; tests set the clock")]
        let now = SystemTime::now();
        Self {
            base: now.duration_since(UNIX_EPOCH).unwrap_or_default(),
            since: Instant::now(),
            frozen: false,
        }
    }

    /// `frozen`: it does not go on from there.
    pub(crate) fn at(unix_seconds: u64, frozen: bool) -> Self {
        Self { base: Duration::from_secs(unix_seconds), since: Instant::now(), frozen }
    }

    pub(crate) fn now(&self) -> u64 {
        let passed = if self.frozen { Duration::ZERO } else { self.since.elapsed() };
        self.base.saturating_add(passed).as_secs()
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
    // A million records are made of such: `format!` is slow.
    let mut text = String::with_capacity(20);
    for (number, after) in [
        (year / 100, ""),
        (year % 100, "-"),
        (month, "-"),
        (day, "T"),
        (hour, ":"),
        (minute, ":"),
        (second, "Z"),
    ] {
        text.push(char::from(b'0' + (number / 10 % 10) as u8));
        text.push(char::from(b'0' + (number % 10) as u8));
        text.push_str(after);
    }
    text
}

/// `Sun, 01 Mar 2026 08:15:00 GMT`, as heads of answers have it.
pub(crate) fn in_a_head(unix_seconds: u64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (days, written) = (unix_seconds / DAY, rfc3339(unix_seconds));
    let (year, month, day) = date(days);
    let (weekday, month) = (DAYS[(days % 7) as usize], MONTHS[month as usize - 1]);
    format!("{weekday}, {day:02} {month} {year:04} {} GMT", &written[11..19])
}

/// The same with milliseconds.
pub(crate) fn rfc3339_ms(unix_ms: u64) -> String {
    let seconds = rfc3339(unix_ms / 1000);
    format!("{}.{:03}Z", seconds.trim_end_matches('Z'), unix_ms % 1000)
}

/// Milliseconds since 1970 of a time in UTC, with `T` or a space, with or without parts of a second and `Z`.
pub(crate) fn parse(text: &str) -> Option<u64> {
    let part = |range: Range<usize>| text.get(range).and_then(|digits| digits.parse::<u64>().ok());
    let (year, month, day) = (part(0..4)?, part(5..7)?, part(8..10)?);
    let of_day = part(11..13)? * 3600 + part(14..16)? * 60 + part(17..19)?;
    let valid = (1970..10_000).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    let rest = text.get(19..)?.trim_end_matches('Z').trim_start_matches('.');
    let ms: u64 = if rest.is_empty() { 0 } else { format!("{rest:0<3}").get(..3)?.parse().ok()? };
    valid.then(|| (days(year, month, day) * DAY + of_day) * 1000 + ms)
}

/// Howard Hinnant's `days_from_civil`: days since 1970.
fn days(year: u64, month: u64, day: u64) -> u64 {
    let year = year - u64::from(month <= 2);
    let (era, of_era) = (year / 400, year % 400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
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
    use super::{in_a_head, parse, rfc3339, rfc3339_ms};

    #[test]
    fn times_are_written_as_the_calendar_has_them() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(951_782_399), "2000-02-28T23:59:59Z");
        assert_eq!(rfc3339(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(rfc3339(1_767_225_599), "2025-12-31T23:59:59Z");
        assert_eq!(in_a_head(1_767_225_599), "Wed, 31 Dec 2025 23:59:59 GMT");
        assert_eq!(in_a_head(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
        for seconds in (0..4_000_000_000).step_by(86_399_777) {
            assert_eq!(parse(&rfc3339(seconds)), Some(seconds * 1000));
            assert_eq!(parse(&rfc3339_ms(seconds * 1000 + 7)), Some(seconds * 1000 + 7));
        }
        assert_eq!(parse("2025-12-31 23:59:59"), Some(1_767_225_599_000));
        assert_eq!(parse("yesterday"), None);
    }
}
