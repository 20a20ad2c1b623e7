//! What stands behind the question mark.

use axum::{extract::Query as Pairs, http::Uri};

use crate::clock::parse;

pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn of(uri: &Uri) -> Self {
        Self(Pairs::try_from_uri(uri).map(|Pairs(pairs)| pairs).unwrap_or_default())
    }

    pub(crate) fn new(pairs: impl Iterator<Item = (&'static str, String)>) -> Self {
        Self(pairs.map(|(name, value)| (name.to_owned(), value)).collect())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn into_pairs(self) -> impl Iterator<Item = (String, String)> {
        self.0.into_iter()
    }

    pub(crate) fn number(&self, name: &str) -> Result<Option<u64>, String> {
        let parsed =
            self.get(name).map(|text| text.parse().map_err(|_| format!("{name}: must be a whole number")));
        parsed.transpose()
    }

    pub(crate) fn one_of(&self, name: &str, words: &[&str]) -> Result<Option<String>, String> {
        match self.get(name) {
            Some(word) if !words.contains(&word) => {
                Err(format!("{name}: must be one of {}", words.join(", ")))
            }
            word => Ok(word.map(str::to_owned)),
        }
    }

    /// All values of a parameter that may come more than once.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// `2026-03-01T08:15:00Z` and nothing else: no fractions of seconds, no space. In milliseconds since 1970.
    pub(crate) fn strict_time(&self, name: &str) -> Result<Option<i64>, String> {
        const FORM: &[u8] = b"0000-00-00T00:00:00Z";
        let Some(text) = self.get(name) else { return Ok(None) };
        let fits = |(byte, form): (u8, u8)| if form == b'0' { byte.is_ascii_digit() } else { byte == form };
        let valid = text.len() == FORM.len() && text.bytes().zip(FORM.iter().copied()).all(fits);
        if valid { self.any_time(name) } else { Err(format!("{name}: not a valid datetime")) }
    }

    /// As v1 takes it: with fractions of seconds or a space too.
    pub(crate) fn any_time(&self, name: &str) -> Result<Option<i64>, String> {
        let parsed =
            self.get(name).map(|text| parse(text).ok_or_else(|| format!("{name}: not a valid datetime")));
        Ok(parsed.transpose()?.map(|ms| ms as i64))
    }

    /// `start` and `limit` of v1.
    pub(crate) fn offset(&self, most: u64, usual: u64) -> Result<(u64, u64), String> {
        let limit = self.number("limit")?.unwrap_or(usual).clamp(1, most);
        Ok((self.number("start")?.unwrap_or(0), limit))
    }
}
