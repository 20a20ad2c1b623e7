//! For tests only: a private PostgreSQL server, and a look into databases that were written.

#![expect(clippy::expect_used, clippy::panic, reason = "a test that cannot be set up has failed")]

mod look;
mod postgres;

pub use look::{Look, Record};
pub use postgres::Postgres;
