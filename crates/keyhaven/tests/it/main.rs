//! Keyhaven from outside: the real program, a real database, the real sandbox.

mod api;
mod canary;
mod cli;
mod common;
mod web;
