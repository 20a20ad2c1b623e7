//! Numbers and spans of time as people read them, on pages and at the command line.

/// `12,345`. Screen readers and spreadsheets read it as one number, which they do not where spaces part the digits.
pub(crate) fn grouped(number: impl Into<i128>) -> String {
    let number: i128 = number.into();
    let digits = number.unsigned_abs().to_string();
    let mut out = String::from(if number < 0 { "−" } else { "" });
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 call`, `12,345 calls`.
pub(crate) fn count(number: impl Into<i128>, of: &str) -> String {
    let number: i128 = number.into();
    format!("{} {of}{}", grouped(number), if number == 1 { "" } else { "s" })
}

/// `3 s`, `4 min`, `2 h 5 min`; never nothing.
pub(crate) fn span(seconds: impl Into<i128>) -> String {
    let seconds: i128 = seconds.into();
    let minutes = (seconds + 30) / 60;
    match seconds {
        ..=90 => format!("{} s", seconds.max(1)),
        91..=5370 => format!("{minutes} min"),
        _ if minutes % 60 == 0 => format!("{} h", minutes / 60),
        _ => format!("{} h {} min", minutes / 60, minutes % 60),
    }
}

/// `12 ms`, `12 ms, waited 3,400 ms` for a call and its turn before.
pub(crate) fn took(ms: i64, waited_ms: i64) -> String {
    let took = format!("{} ms", grouped(ms));
    if waited_ms > 0 { format!("{took}, waited {} ms", grouped(waited_ms)) } else { took }
}

/// How often had to be asked again; nothing if never.
pub(crate) fn repeated(requests: u64) -> Option<String> {
    (requests > 0).then(|| format!("{} made once more", count(requests, "request")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_in_threes() {
        for (number, want) in [
            (0, "0 calls"),
            (1, "1 call"),
            (999, "999 calls"),
            (-1_234, "−1,234 calls"),
            (1_000, "1,000 calls"),
        ] {
            assert_eq!(count(number, "call"), want);
        }
        assert_eq!(grouped(12_345_678_u64), "12,345,678");
        assert_eq!(grouped(u64::MAX), "18,446,744,073,709,551,615");
    }

    #[test]
    fn spans_are_told_as_exactly_as_they_matter() {
        for (seconds, want) in [
            (-1, "1 s"),
            (0, "1 s"),
            (90, "90 s"),
            (91, "2 min"),
            (5_370, "90 min"),
            (5_371, "1 h 30 min"),
            (7_199, "2 h"),
            (7_500, "2 h 5 min"),
        ] {
            assert_eq!(span(seconds), want, "{seconds}");
        }
    }
}
