//! What happens as time passes, by a clock that we set.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what a test does not expect, fails it"
)]

mod background;
mod ground;
mod syncs;
mod usage;
