//! Switches for all tokens.

use serde::{Deserialize, Serialize};

use crate::Foreign;

/// Switches for all tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// How many deals, persons and organizations each company has. Another number makes them anew.
    pub records: u64,
    /// Lists of v2 leave out `additional_data` on their last page.
    pub bare_last_page: bool,
    /// [`crate::Asked`] keeps query and headers too, secrets and all.
    pub keep_headers: bool,
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
            bare_last_page: false,
            keep_headers: false,
        }
    }
}
