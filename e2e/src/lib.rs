//! Keyhaven, the Pipedrive stand-in and a real browser, each of our own, for one test at a time.
//!
//! [`Stage::open`] starts all three; whatever happens to the test, they end with it. Everything here fails by
//! panicking, with what the browser showed.

#![allow(clippy::expect_used, clippy::panic, reason = "a test harness fails by panicking")]

mod axe;
mod browser;
mod client;
mod driver;
mod process;
mod runs;
mod server;
mod stage;
mod usage;
mod wire;

pub use browser::{Browser, Look};
pub use client::Client;
pub use driver::Options;
pub use server::Server;
pub use stage::Stage;
pub use wire::Request;

/// One address of each screen, where a connection `sales-eu` was saved.
pub const SCREENS: &[&str] = &[
    "/",
    "/connections/new",
    "/connections/new/pipedrive",
    "/connections/sales-eu",
    "/connections/sales-eu/edit",
    "/connections/sales-eu/delete",
    "/connections/deleted",
    "/syncs",
    "/syncs/new?connection=sales-eu",
    "/tokens",
    "/tokens/new",
    "/activity",
    "/docs/api",
];
