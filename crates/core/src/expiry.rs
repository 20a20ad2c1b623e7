//! Spans of time and dates as people write them.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use keyhaven_connectors::FieldError;

use crate::ctx::Millis;

/// `30m`, `6h`, `1d`; nothing that is negative.
pub fn parse_span(text: &str) -> Option<Duration> {
    let span = match text.strip_suffix('d') {
        Some(days) => SignedDuration::try_from_hours(days.trim().parse::<i64>().ok()?.checked_mul(24)?)?,
        None => text.parse().ok()?,
    };
    Duration::try_from(span).ok()
}

/// When something ends: after a span such as `30d`, at the end of a day (UTC), or at an RFC 3339 time. Empty: never.
pub(crate) fn parse(text: &str, now: Millis) -> Result<Option<Millis>, FieldError> {
    let text = text.trim();
    let wrong = |message: &str| Err(FieldError { field: "expires_at".into(), message: message.into() });
    if text.is_empty() {
        return Ok(None);
    }
    match end(text, now) {
        Some(end) if end > now => Ok(Some(end)),
        Some(_) => wrong("This time is past. Give a later one, or nothing for no end."),
        None => wrong(
            "Give a span such as 30d or 12h, a day such as 2030-12-31, or a time such as 2030-12-31T18:00:00Z.",
        ),
    }
}

fn end(text: &str, now: Millis) -> Option<Millis> {
    if let Some(span) = parse_span(text) {
        let end = now.checked_add(span.as_millis().try_into().ok()?)?;
        // What cannot be written as a date cannot be shown.
        return Timestamp::from_millisecond(end).ok().map(|_| end);
    }
    // `Date` also reads a time and drops its hours: only a bare day may come to it.
    if text.len() == "2030-12-31".len() {
        let next = text.parse::<Date>().ok()?.tomorrow().ok()?;
        return Some(TimeZone::UTC.to_timestamp(next.at(0, 0, 0, 0)).ok()?.as_millisecond());
    }
    text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_days_and_times_end_when_they_say() {
        const NOW: Millis = 1_800_000_000_000; // 2027-01-15T08:00:00Z
        for (text, want) in [
            ("", Ok(None)),
            (" 12h ", Ok(Some(NOW + 12 * 3_600_000))),
            ("30d", Ok(Some(NOW + 30 * 86_400_000))),
            ("1h30m", Ok(Some(NOW + 5_400_000))),
            ("2027-01-15", Ok(Some(1_800_057_600_000))),
            ("2027-01-15T08:00:01Z", Ok(Some(NOW + 1000))),
            ("2027-01-15T09:00:01+01:00", Ok(Some(NOW + 1000))),
            ("2027-01-15T08:00:00Z", Err("past")),
            ("2027-01-14", Err("past")),
            ("1970-01-01", Err("past")),
            ("0d", Err("past")),
            ("-1d", Err("span")),
            ("soon", Err("span")),
            ("30", Err("span")),
            ("9999999999999d", Err("span")),
            ("99999999d", Err("span")),
            ("2027-13-01", Err("span")),
            ("2027-01-15T10:00:00", Err("span")),
        ] {
            match (parse(text, NOW), want) {
                (Ok(end), Ok(want)) => assert_eq!(end, want, "{text}"),
                (Err(wrong), Err(says)) => assert!(wrong.message.contains(says), "{text}: {}", wrong.message),
                (found, _) => panic!("{text}: {found:?}"),
            }
        }
    }
}
