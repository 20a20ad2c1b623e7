//! Switches for all tokens.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Foreign, Kind};

/// Switches for all tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// What company hosts do with keys of another company.
    pub foreign: Foreign,
    /// How long an answer takes.
    pub latency_ms: u64,
    /// Requests of one token in two seconds; 0 for no limit.
    pub burst_limit: u32,
    /// Searches of one token in two seconds; 0 for no limit.
    pub search_limit: u32,
    /// Tokens that a company may spend in a day; 0 for no limit.
    pub daily_budget: u64,
    /// How many deals, persons, organizations and activities each company has; of other kinds it has fewer. Another
    /// number makes all anew.
    pub records: u64,
    /// Another number makes other records; 0 are those of the demo.
    pub seed: u64,
    /// How many of some kinds there are, whatever `records` says. A change makes all anew.
    pub sizes: BTreeMap<Kind, u64>,
    /// How many custom fields deals, persons, organizations, products and projects have. Another number makes all anew.
    pub custom_fields: usize,
    /// Companies have the add-on for projects and tasks; without it these are 402.
    pub projects: bool,
    /// So many seconds are added to the times that changes are written with; the clock itself is right.
    pub skew_seconds: i64,
    /// Lists of v2 leave out `additional_data` on their last page.
    pub bare_last_page: bool,
    /// Writes the largest pages of all v2 lists of Acme at once, which takes some seconds and gigabytes for a million
    /// records, and answers from memory: for measuring callers.
    pub page_cache: bool,
    /// [`crate::Asked`] keeps query and headers too, secrets and all.
    pub keep_headers: bool,
}

impl Settings {
    /// Limits that nobody reaches, told in each answer as an app does: a caller that is told of none has to be careful.
    pub fn lift_limits(&mut self) {
        (self.burst_limit, self.search_limit, self.daily_budget) = (1_000_000, 1_000_000, 1_000_000_000);
    }

    /// Companies with these settings have the same records.
    pub(crate) fn makes_the_same(&self, other: &Self) -> bool {
        let of = |it: &Self| (it.records, it.seed, it.custom_fields, it.sizes.clone());
        of(self) == of(other)
    }

    /// Lists have the same bytes.
    pub(crate) fn writes_the_same(&self, other: &Self) -> bool {
        let of = |it: &Self| (it.page_cache, it.bare_last_page);
        self.makes_the_same(other) && of(self) == of(other)
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            foreign: Foreign::Refuse,
            latency_ms: 0,
            burst_limit: 20,
            search_limit: 10,
            daily_budget: 60_000,
            records: 300,
            seed: 0,
            sizes: BTreeMap::new(),
            custom_fields: 24,
            projects: false,
            skew_seconds: 0,
            bare_last_page: false,
            page_cache: false,
            keep_headers: false,
        }
    }
}
