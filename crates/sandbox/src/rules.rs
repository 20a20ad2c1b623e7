//! Which requests a fault meets.

use serde::{Deserialize, Serialize};

use crate::Fault;

/// A fault, and whom it meets. All conditions must hold; one that is absent always does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// What happens.
    pub fault: Fault,
    /// Only requests with this key.
    #[serde(default)]
    pub key: Option<String>,
    /// Only paths that begin so.
    #[serde(default)]
    pub path: Option<String>,
    /// So many of these requests are let through first.
    #[serde(default)]
    pub skip: u32,
    /// So many requests, then no more.
    #[serde(default)]
    pub times: Option<u32>,
}

impl Rule {
    /// Meets every request.
    pub fn new(fault: Fault) -> Self {
        Self { fault, key: None, path: None, skip: 0, times: None }
    }

    /// Only requests with this key.
    #[must_use]
    pub fn key(self, key: &str) -> Self {
        Self { key: Some(key.to_owned()), ..self }
    }

    /// Only paths that begin so.
    #[must_use]
    pub fn path(self, prefix: &str) -> Self {
        Self { path: Some(prefix.to_owned()), ..self }
    }

    /// So many of these requests are let through first.
    #[must_use]
    pub fn skip(self, skip: u32) -> Self {
        Self { skip, ..self }
    }

    /// So many requests, then no more.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self { times: Some(times), ..self }
    }

    fn meets(&self, key: Option<&str>, path: &str) -> bool {
        self.times != Some(0)
            && self.key.as_deref().is_none_or(|wanted| key == Some(wanted))
            && self.path.as_deref().is_none_or(|prefix| path.starts_with(prefix))
    }
}

/// The faults of a request, in the order in which their rules were added.
pub(crate) fn take(rules: &mut [Rule], key: Option<&str>, path: &str) -> Vec<Fault> {
    let met = rules.iter_mut().filter(|rule| rule.meets(key, path));
    met.filter_map(|rule| {
        if rule.skip > 0 {
            rule.skip -= 1;
            return None;
        }
        rule.times = rule.times.map(|times| times - 1);
        Some(rule.fault.clone())
    })
    .collect()
}
