//! Keyhaven: the self-hosted place where a team connects its apps.

mod api;
mod config;
mod demo;
mod serve;
mod server;
mod web;

fn main() {}
