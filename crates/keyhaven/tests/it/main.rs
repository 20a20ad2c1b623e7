//! Keyhaven from outside: the real program, a real database, the real sandbox.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what a test does not expect, fails it"
)]

mod access;
mod api;
mod bad_input;
mod canary;
mod cli;
mod common;
mod database;
mod official_client;
mod openapi;
mod proxy;
mod request;
mod run;
mod sync;
mod syncs;
mod terminal;
mod tokens;
mod upstream;
mod usage;
mod web;
