//! Counting tests: adds up the closing lines of `cargo test`.

use std::{fmt, time::Duration};

/// How many tests did what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub passed: u64,
    pub failed: u64,
    pub ignored: u64,
}

impl Tally {
    /// Adds up every `test result: ok. 3 passed; 0 failed; 0 ignored; …` of a text.
    pub(crate) fn of(output: &str) -> Self {
        let closing = output.lines().filter_map(|line| line.trim().strip_prefix("test result: "));
        closing.fold(Self::default(), |sum, line| {
            let count = |word: &str| {
                let part = line.split([';', '.']).find_map(|part| part.trim().strip_suffix(word));
                part.and_then(|number| number.trim().parse().ok()).unwrap_or(0)
            };
            sum + Self { passed: count("passed"), failed: count("failed"), ignored: count("ignored") }
        })
    }

    /// As `cargo test` closes, over everything that ran.
    pub(crate) fn closing_line(self, took: Duration) -> String {
        let verdict = if self.failed == 0 { "ok" } else { "FAILED" };
        format!(
            "test result: {verdict}. {} passed; {} failed; {} ignored; 0 measured; 0 filtered out; finished in {:.2}s",
            self.passed,
            self.failed,
            self.ignored,
            took.as_secs_f64()
        )
    }
}

impl std::ops::Add for Tally {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            passed: self.passed + other.passed,
            failed: self.failed + other.failed,
            ignored: self.ignored + other.ignored,
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.ignored > 0 { write!(f, ", {} ignored", self.ignored) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds_up_closing_lines_and_nothing_else() {
        let output = "running 3 tests\ntest a ... ok\n\
            test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.10s\n\
            the 9 passed; here are no result\n\
            test result: FAILED. 10 passed; 2 failed; 0 ignored; 0 measured; 5 filtered out; finished in 1.50s\n";
        let tally = Tally::of(output);
        assert_eq!(tally, Tally { passed: 13, failed: 2, ignored: 1 });
        assert_eq!(tally.to_string(), "13 passed, 2 failed, 1 ignored");
        assert!(
            tally
                .closing_line(Duration::from_secs(2))
                .starts_with("test result: FAILED. 13 passed; 2 failed;")
        );
    }
}
