//! For tests only: a private PostgreSQL server.

mod postgres;

pub use postgres::Postgres;
