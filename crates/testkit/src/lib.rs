//! For tests only: a private PostgreSQL server.

#![expect(clippy::expect_used, clippy::panic, reason = "a test that cannot be set up has failed")]

mod postgres;

pub use postgres::Postgres;
