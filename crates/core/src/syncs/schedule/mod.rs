//! When a sync runs by itself: in plain words, or as cron text.

mod zoned;

use croner::{Cron, parser::CronParser};
use jiff::{Timestamp, tz::TimeZone};
use zoned::InZone;

use crate::ctx::Millis;

/// A schedule that was understood.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// As it was written, with single spaces.
    pub text: String,
    /// The IANA name of the time zone.
    pub time_zone: String,
    cron: Option<Cron>,
    is_cron_text: bool,
    zone: TimeZone,
}

const MANUAL: &str = "manual";
const LONGEST: usize = 100;
const HOW: &str = "Write it like “every hour”, “every 15 minutes”, “daily at 06:30”, “every monday at 8:00”, \
                   “manual”, or as cron text of five fields such as 30 6 * * 1-5.";
const DAYS: [&str; 7] = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

impl Schedule {
    /// Only when somebody runs it.
    pub fn manual() -> Self {
        let (text, time_zone) = (MANUAL.into(), "UTC".into());
        Self { text, time_zone, cron: None, is_cron_text: false, zone: TimeZone::UTC }
    }

    /// Reads it. Empty is `manual`.
    pub fn parse(text: &str, time_zone: &str) -> Result<Self, (&'static str, String)> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let text = words.join(" ");
        if text.len() > LONGEST {
            return Err(("schedule", format!("This is too long. {HOW}")));
        }
        let (time_zone, zone) = zone(time_zone)?;
        let plain = plain(&text.to_lowercase());
        let is_cron_text = plain.is_none();
        let cron = match plain {
            Some(Plain::Manual) => None,
            Some(Plain::Cron(fields)) => Some(parse_cron(&fields)?),
            None if words.len() == 5 => Some(parse_cron(&text)?),
            None => return Err(("schedule", format!("This is not understood. {HOW}"))),
        };
        let text = if cron.is_none() { MANUAL.to_owned() } else { text };
        let it = Self { text, time_zone, cron, is_cron_text, zone };
        match it.cron {
            Some(_) if it.next(Timestamp::UNIX_EPOCH.as_millisecond()).is_none() => {
                Err(("schedule", "There is no day on which this would run.".into()))
            }
            _ => Ok(it),
        }
    }

    /// The first time after this one.
    pub fn next(&self, after: Millis) -> Option<Millis> {
        let start = Timestamp::from_millisecond(after).ok()?.to_zoned_datetime(self.zone.clone());
        let found = self.cron.as_ref()?.find_next_occurrence(&InZone(start), false).ok()?;
        Some(found.0.timestamp().as_millisecond())
    }

    /// The next times after this one.
    pub fn following(&self, after: Millis, count: usize) -> Vec<Millis> {
        std::iter::successors(self.next(after), |at| self.next(*at)).take(count).collect()
    }

    /// The cron text, where it runs by itself.
    pub fn cron(&self) -> Option<String> {
        self.cron.as_ref().map(|cron| cron.as_str().to_owned())
    }

    /// In words, such as `Daily at 06:30 (Europe/Berlin)`.
    pub fn words(&self) -> String {
        let Some(cron) = &self.cron else { return "Only when somebody runs it".into() };
        let words = if self.is_cron_text {
            cron.describe()
        } else {
            self.text.split(' ').map(shown).collect::<Vec<_>>().join(" ")
        };
        let mut letters = words.trim_end_matches('.').chars();
        let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
        format!("{first}{} ({})", letters.as_str(), self.time_zone)
    }
}

/// A word of a schedule as it is written in a sentence.
fn shown(word: &str) -> String {
    let word = word.to_lowercase();
    if DAYS.contains(&word.trim_end_matches('s')) {
        return word[..1].to_uppercase() + &word[1..];
    }
    word
}

fn zone(name: &str) -> Result<(String, TimeZone), (&'static str, String)> {
    let name = name.trim();
    if name.is_empty() || name.eq_ignore_ascii_case("utc") {
        return Ok(("UTC".into(), TimeZone::UTC));
    }
    let wrong = || {
        let message = "This server knows no such time zone. Write it like Europe/Berlin, or UTC.";
        ("time_zone", message.to_owned())
    };
    let zone = TimeZone::get(name).map_err(|_| wrong())?;
    // In its proper writing.
    let name = zone.iana_name().ok_or_else(wrong)?.to_owned();
    Ok((name, zone))
}

fn parse_cron(fields: &str) -> Result<Cron, (&'static str, String)> {
    CronParser::new()
        .parse(fields)
        .map_err(|error| ("schedule", format!("This is no cron text: {error}. {HOW}")))
}

enum Plain {
    Manual,
    Cron(String),
}

/// Plain words as cron text; `None`: these are none.
fn plain(text: &str) -> Option<Plain> {
    let cron = |text: String| Some(Plain::Cron(text));
    let (when, hour, minute) = match text.split_once(" at ") {
        Some((when, time)) => {
            let (hour, minute) = time_of_day(time)?;
            (when, hour, minute)
        }
        None => (text, 0, 0),
    };
    let day = |days: &str| Some(Plain::Cron(format!("{minute} {hour} * * {days}")));
    let is_timed = text.contains(" at ");
    match when {
        "" | "manual" | "by hand" | "never" if !is_timed => Some(Plain::Manual),
        "every hour" | "hourly" if !is_timed => cron("0 * * * *".into()),
        "every day" | "daily" => day("*"),
        "every weekday" | "every workday" | "on weekdays" => day("1-5"),
        "every week" | "weekly" => day("1"),
        "every month" | "monthly" => cron(format!("{minute} {hour} 1 * *")),
        _ => {
            let mut words = when.split(' ');
            let every = words.next()?;
            let (first, second) = (words.next()?, words.next());
            if words.next().is_some() || !matches!(every, "every" | "on") {
                return None;
            }
            if let Some(number) = DAYS.iter().position(|day| *day == first.trim_end_matches('s'))
                && second.is_none()
            {
                return day(&number.to_string());
            }
            let count: u32 = first.parse().ok().filter(|_| !is_timed && every == "every")?;
            // Only what divides the hour or the day comes at even distances.
            match second? {
                "minutes" | "minute" if (5..60).contains(&count) && 60 % count == 0 => {
                    cron(format!("*/{count} * * * *"))
                }
                "hours" | "hour" if (1..24).contains(&count) && 24 % count == 0 => {
                    cron(format!("0 */{count} * * *"))
                }
                _ => None,
            }
        }
    }
}

/// `8:00`, `06:30`, `18`.
fn time_of_day(text: &str) -> Option<(u8, u8)> {
    let (hour, minute) = text.split_once(':').unwrap_or((text, "0"));
    let number = |text: &str, below: u8| {
        let fits = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u8>().ok().filter(|number| fits && *number < below)
    };
    Some((number(hour, 24)?, number(minute, 60)?))
}

/// Midnight UTC after this time: when apps count the day's budget anew.
pub(super) fn midnight_after(now: Millis) -> Millis {
    const DAY: Millis = 24 * 60 * 60 * 1000;
    now - now.rem_euclid(DAY) + DAY
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Millis = 1_800_014_400_000; // 15 January 2027, 12:00 UTC: a Friday.

    fn at(text: &str) -> Millis {
        text.parse::<Timestamp>().unwrap().as_millisecond()
    }

    #[test]
    fn plain_words_become_cron_text() {
        for (text, cron) in [
            ("every hour", Some("0 * * * *")),
            ("Every 15 minutes", Some("*/15 * * * *")),
            ("every 6 hours", Some("0 */6 * * *")),
            ("daily at 06:30", Some("30 6 * * *")),
            ("every  day at 6", Some("0 6 * * *")),
            ("every monday at 8:00", Some("0 8 * * 1")),
            ("on sundays at 23:59", Some("59 23 * * 0")),
            ("every weekday at 7:05", Some("5 7 * * 1-5")),
            ("weekly", Some("0 0 * * 1")),
            ("monthly at 4:00", Some("0 4 1 * *")),
            ("30 6 * * 1-5", Some("30 6 * * 1-5")),
            ("manual", None),
            ("", None),
        ] {
            let it = Schedule::parse(text, "").unwrap_or_else(|wrong| panic!("{text}: {wrong:?}"));
            assert_eq!(it.cron().as_deref(), cron, "{text}");
        }
        for text in [
            "soon",
            "every 7 minutes",
            "every 1 minutes",
            "every 5 hours",
            "daily at 25:00",
            "daily at 6:5x",
            "every hour at 5",
            "manual at 5:00",
            "61 * * * *",
            "* * * *",
            "0 0 31 2 *",
            "0 30 6 * * *",
            "every mon\0day",
            &"* ".repeat(200),
        ] {
            assert_eq!(Schedule::parse(text, "").unwrap_err().0, "schedule", "{text}");
        }
        assert_eq!(Schedule::parse("daily", "Mars/Olympus").unwrap_err().0, "time_zone");
    }

    #[test]
    fn times_are_those_of_the_zone_also_when_the_clock_is_changed() {
        let it = Schedule::parse("daily at 06:30", "").unwrap();
        assert_eq!(it.next(NOON), Some(at("2027-01-16T06:30:00Z")));
        assert_eq!(it.words(), "Daily at 06:30 (UTC)");
        assert_eq!(Schedule::parse("EVERY monday at 8", "").unwrap().words(), "Every Monday at 8 (UTC)");
        let Ok(it) = Schedule::parse("daily at 02:30", "europe/berlin") else { return };
        assert_eq!(it.time_zone, "Europe/Berlin");
        // The hour from 2 to 3 is left out on 28 March, and comes twice on 31 October: one run in either case.
        let before = at("2027-03-26T12:00:00Z");
        let days = it.following(before, 3);
        assert_eq!(days[0], at("2027-03-27T01:30:00Z"));
        assert_eq!(days[1], at("2027-03-28T01:00:00Z"));
        assert_eq!(days[2], at("2027-03-29T00:30:00Z"));
        let autumn = it.following(at("2027-10-30T12:00:00Z"), 2);
        assert_eq!(autumn, [at("2027-10-31T00:30:00Z"), at("2027-11-01T01:30:00Z")]);
        assert!(Schedule::parse("30 6 * * 1-5", "").unwrap().words().contains("06:30"));
        assert_eq!(Schedule::parse("", "").unwrap().words(), "Only when somebody runs it");
        assert_eq!(midnight_after(NOON), at("2027-01-16T00:00:00Z"));
    }
}
