//! The stand-in behaves as docs/SANDBOX.md says.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what a test does not expect, fails it"
)]

mod asked;
mod common;
mod company;
mod faults;
mod histories;
mod kept;
mod limits;
mod lists;
mod writes;
