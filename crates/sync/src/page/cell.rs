//! One value of a row, and how the app's values become those of a column.

use std::borrow::Cow;

use jiff::{Timestamp, civil};
use keyhaven_connectors::streams::Sql;

use super::json;

/// A value as the database gets it. Texts are borrowed from the page where they can be.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Cell<'a> {
    /// Nothing.
    #[default]
    Null,
    /// A whole number.
    Integer(i64),
    /// A number.
    Number(f64),
    /// Yes or no.
    Boolean(bool),
    /// Text, JSON, a time, a date: as each is written.
    Text(Cow<'a, str>),
}

impl Cell<'_> {
    /// Apart from the page.
    pub(crate) fn owned(self) -> Cell<'static> {
        match self {
            Cell::Null => Cell::Null,
            Cell::Integer(it) => Cell::Integer(it),
            Cell::Number(it) => Cell::Number(it),
            Cell::Boolean(it) => Cell::Boolean(it),
            Cell::Text(it) => Cell::Text(Cow::Owned(it.into_owned())),
        }
    }

    /// As text, for messages and keys.
    pub(crate) fn text(&self) -> String {
        match self {
            Cell::Null => String::new(),
            Cell::Integer(it) => it.to_string(),
            Cell::Number(it) => it.to_string(),
            Cell::Boolean(it) => it.to_string(),
            Cell::Text(it) => it.to_string(),
        }
    }

    /// As a whole number, if it is one.
    pub(crate) fn integer(&self) -> Option<i64> {
        match self {
            Cell::Integer(it) => Some(*it),
            _ => None,
        }
    }
}

impl<'a> From<&'a str> for Cell<'a> {
    fn from(text: &'a str) -> Self {
        Cell::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Cell<'_> {
    fn from(text: String) -> Self {
        Cell::Text(Cow::Owned(text))
    }
}

impl From<i64> for Cell<'_> {
    fn from(number: i64) -> Self {
        Cell::Integer(number)
    }
}

/// The value does not fit its column.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Misfit;

/// Turns a value into what its column holds.
pub(crate) fn fit<'a>(value: Cell<'a>, sql: Sql) -> Result<Cell<'a>, Misfit> {
    Ok(match (sql, value) {
        (_, Cell::Null) => Cell::Null,
        (Sql::Text, Cell::Text(text)) => Cell::Text(without_nul(text)),
        (Sql::Json, Cell::Text(text)) if !json::is_tame(&text) => return Err(Misfit),
        (Sql::Json, Cell::Text(text)) => Cell::Text(json::without_nul(text)),
        (Sql::Text | Sql::Json, other) => other.text().into(),
        // An app that knows no null for numbers and times sends an empty text.
        (_, Cell::Text(text)) if text.trim().is_empty() => Cell::Null,
        (Sql::Integer, Cell::Integer(number)) => Cell::Integer(number),
        (Sql::Integer, Cell::Boolean(it)) => Cell::Integer(it.into()),
        (Sql::Integer, Cell::Number(number)) if number.fract() == 0.0 && number.abs() < 9e15 => {
            Cell::Integer(number as i64)
        }
        (Sql::Integer, Cell::Text(text)) => Cell::Integer(text.trim().parse().map_err(|_| Misfit)?),
        (Sql::Number, Cell::Integer(number)) => Cell::Number(number as f64),
        (Sql::Number, Cell::Number(number)) => Cell::Number(number),
        (Sql::Number, Cell::Text(text)) => {
            let number: f64 = text.trim().parse().map_err(|_| Misfit)?;
            if !number.is_finite() {
                return Err(Misfit);
            }
            Cell::Number(number)
        }
        (Sql::Boolean, Cell::Boolean(it)) => Cell::Boolean(it),
        (Sql::Boolean, Cell::Integer(number @ (0 | 1))) => Cell::Boolean(number == 1),
        (Sql::Boolean, Cell::Text(text)) => match text.as_ref() {
            "1" | "true" => Cell::Boolean(true),
            "0" | "false" => Cell::Boolean(false),
            _ => return Err(Misfit),
        },
        (Sql::Timestamp, Cell::Text(text)) => timestamp(text)?,
        (Sql::Date, Cell::Text(text)) => date(text)?,
        (Sql::Time, Cell::Text(text)) => time(text)?,
        _ => return Err(Misfit),
    })
}

/// PostgreSQL holds no NUL in a text.
fn without_nul(text: Cow<'_, str>) -> Cow<'_, str> {
    if memchr::memchr(0, text.as_bytes()).is_none() { text } else { text.replace('\0', "").into() }
}

fn digits(text: &[u8]) -> Option<i16> {
    text.iter().try_fold(0i16, |sum, byte| {
        let digit = byte.is_ascii_digit().then(|| i16::from(byte - b'0'))?;
        sum.checked_mul(10)?.checked_add(digit)
    })
}

/// `YYYY-MM-DD`.
fn is_date(text: &[u8]) -> bool {
    text.len() == 10 && text[4] == b'-' && text[7] == b'-' && {
        let part = |from: usize, to: usize| digits(&text[from..to]);
        let (Some(year), Some(month), Some(day)) = (part(0, 4), part(5, 7), part(8, 10)) else {
            return false;
        };
        year > 0 && civil::Date::new(year, month as i8, day as i8).is_ok()
    }
}

/// `HH:MM`, `HH:MM:SS`, and fractions down to the billionth.
fn is_time(text: &[u8]) -> bool {
    let part = |at: usize, below: i16| {
        text.get(at..at + 2).and_then(digits).is_some_and(|number| (0..below).contains(&number))
    };
    let seconds = |text: &[u8]| match text {
        [] => true,
        [b':', _, _, rest @ ..] => {
            part(6, 60)
                && (rest.is_empty()
                    || (rest[0] == b'.'
                        && (2..=10).contains(&rest.len())
                        && rest[1..].iter().all(u8::is_ascii_digit)))
        }
        _ => false,
    };
    text.len() >= 5 && part(0, 24) && text[2] == b':' && part(3, 60) && seconds(&text[5..])
}

const NO_DATE: &str = "0000-00-00";
/// When the year 1 begins, in seconds since 1970. PostgreSQL writes what was before in another way.
const FIRST_YEAR: i64 = -62_135_596_800;

fn date(text: Cow<'_, str>) -> Result<Cell<'_>, Misfit> {
    if text.starts_with(NO_DATE) {
        return Ok(Cell::Null);
    }
    if is_date(text.as_bytes()) {
        return Ok(Cell::Text(text));
    }
    match text.get(..10) {
        Some(day) if is_date(day.as_bytes()) => Ok(Cell::Text(day.to_owned().into())),
        _ => Err(Misfit),
    }
}

fn time(text: Cow<'_, str>) -> Result<Cell<'_>, Misfit> {
    if is_time(text.as_bytes()) { Ok(Cell::Text(text)) } else { Err(Misfit) }
}

/// `2024-01-31T10:00:00Z`, whichever way the app writes it. Times without a zone are UTC.
fn timestamp(text: Cow<'_, str>) -> Result<Cell<'_>, Misfit> {
    if text.starts_with(NO_DATE) {
        return Ok(Cell::Null);
    }
    let bytes = text.as_bytes();
    let plain = bytes.len() >= 19 && is_date(&bytes[..10]) && matches!(bytes[10], b'T' | b' ');
    let clock = bytes.get(11..).unwrap_or_default();
    if plain && bytes[10] == b'T' && clock.last() == Some(&b'Z') && is_time(&clock[..clock.len() - 1]) {
        return Ok(Cell::Text(text));
    }
    if plain && is_time(clock) {
        return Ok(Cell::Text(format!("{}T{}Z", &text[..10], &text[11..]).into()));
    }
    let moment: Timestamp = text.parse().map_err(|_| Misfit)?;
    if moment.as_second() < FIRST_YEAR {
        return Err(Misfit);
    }
    Ok(moment.to_string().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_fit_or_are_told() {
        let text = |text: &'static str| Cell::from(text);
        for (sql, from, to) in [
            (Sql::Text, Cell::Integer(7), Ok(text("7"))),
            (Sql::Text, text("a\0b"), Ok(text("ab"))),
            (Sql::Json, text(r#"["a\u0000b","\\u0000"]"#), Ok(text(r#"["ab","\\u0000"]"#))),
            (Sql::Integer, text("3"), Ok(Cell::Integer(3))),
            (Sql::Integer, text(""), Ok(Cell::Null)),
            (Sql::Integer, Cell::Number(2.0), Ok(Cell::Integer(2))),
            (Sql::Integer, Cell::Number(2.5), Err(Misfit)),
            (Sql::Integer, text("three"), Err(Misfit)),
            (Sql::Number, text("1.5"), Ok(Cell::Number(1.5))),
            (Sql::Number, text("inf"), Err(Misfit)),
            (Sql::Boolean, Cell::Integer(1), Ok(Cell::Boolean(true))),
            (Sql::Boolean, text("yes"), Err(Misfit)),
            (Sql::Date, text("2024-02-29"), Ok(text("2024-02-29"))),
            (Sql::Date, text("2023-02-29"), Err(Misfit)),
            (Sql::Date, text("2024-02-01T10:00:00Z"), Ok(text("2024-02-01"))),
            (Sql::Date, text("0000-00-00"), Ok(Cell::Null)),
            (Sql::Time, text("09:30"), Ok(text("09:30"))),
            (Sql::Time, text("24:00"), Err(Misfit)),
            (Sql::Time, text("09:30:00.0123456789"), Err(Misfit)),
            (Sql::Timestamp, text("2024-01-02T03:04:05.0123456789Z"), Err(Misfit)),
            (Sql::Timestamp, text("2024-01-02 03:04:05"), Ok(text("2024-01-02T03:04:05Z"))),
            (Sql::Timestamp, text("2024-01-02T03:04:05.678Z"), Ok(text("2024-01-02T03:04:05.678Z"))),
            (Sql::Timestamp, text("2024-01-02T03:04:05+02:00"), Ok(text("2024-01-02T01:04:05Z"))),
            (Sql::Timestamp, text("yesterday"), Err(Misfit)),
            (Sql::Timestamp, text("0000-01-01T00:00:00Z"), Err(Misfit)),
            (Sql::Timestamp, text("0001-01-01T00:00:00+02:00"), Err(Misfit)),
            (Sql::Timestamp, text("-000500-01-01T00:00:00Z"), Err(Misfit)),
            (Sql::Timestamp, text("0001-01-01T00:00:00-02:00"), Ok(text("0001-01-01T02:00:00Z"))),
            (Sql::Timestamp, text("äää-01-02T03:04:05Z"), Err(Misfit)),
        ] {
            assert_eq!(fit(from.clone(), sql), to, "{from:?} as {sql:?}");
        }
    }
}
