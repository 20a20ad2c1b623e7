//! What people see and do, in a real browser.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what a test does not expect, fails it"
)]

mod accessibility;
mod form;
mod keyboard;
mod list;
mod saved;
mod syncs;
mod usage;
mod verdicts;
mod weight;
mod without_script;
