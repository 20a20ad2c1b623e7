//! Apps that answer what no app should, and databases in which others have worked.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what a test does not expect, fails it"
)]

mod app;
mod lists;
mod meddling;
mod values;
