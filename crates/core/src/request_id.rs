//! Names of requests.

use std::fmt;

use crate::Rng;

const PREFIX: &[u8; 3] = b"rq_";
/// What tells the requests of one run from those of others.
const RUN: usize = 10;
/// Sixteenth digits of a request's number within its run; after so many it begins anew.
const NUMBER: usize = 10;

/// Names one request in answers, problem documents and the log: `rq_` and twenty letters or digits.
#[derive(Clone, Copy)]
pub struct RequestId([u8; PREFIX.len() + RUN + NUMBER]);

impl RequestId {
    /// That of one of a run's requests.
    pub(crate) fn new(run: &str, number: u64) -> Self {
        let mut text = *b"rq_00000000000000000000";
        let (beginning, digits) = text.split_at_mut(PREFIX.len() + RUN);
        let plain = run.bytes().filter(u8::is_ascii_alphanumeric);
        beginning[PREFIX.len()..].iter_mut().zip(plain).for_each(|(place, byte)| *place = byte);
        for (at, place) in digits.iter_mut().rev().enumerate() {
            *place = b"0123456789abcdef"[(number >> (4 * at)) as usize & 15];
        }
        Self(text)
    }

    /// One for a request of no run.
    pub fn random(rng: &dyn Rng) -> Self {
        let (mut run, mut number) = ([0; RUN / 2], [0; 8]);
        rng.fill(&mut run);
        rng.fill(&mut number);
        let run: String = run.iter().map(|byte| format!("{byte:02x}")).collect();
        Self::new(&run, u64::from_le_bytes(number))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        // All are letters, digits or `_`.
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_of_a_run_are_named_apart() {
        let id = |run, number| RequestId::new(run, number).to_string();
        assert_eq!(id("0123456789", 0xabc), "rq_01234567890000000abc");
        assert_eq!(id("01234567890", u64::MAX), "rq_0123456789ffffffffff");
        assert_eq!(id("a\r\nb", 1), "rq_ab000000000000000001");
        let random = || RequestId::random(&crate::SystemRng).to_string();
        assert_ne!(random(), random());
    }
}
