//! What a sync promises: nothing lost, nothing twice, and words that help where it fails. On both databases.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "what a test does not expect, fails it"
)]

mod acts;
mod chance;
mod common;
mod compare;
mod destinations;
mod expected;
mod faults;
mod model;
mod trouble;
