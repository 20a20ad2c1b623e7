//! Plain messages of HTTP/1.1: those that came whole, framed in one way only, with nothing between the lines. Most calls
//! are such, and cost a fraction so. Whatever is not plain is read and written by hyper, from its first byte; both
//! take heads apart with the same parser.

mod read;
mod write;

pub use read::{Answer, Last, read_answer, read_request};
pub(crate) use write::write_request;
pub use write::{Length, write_answer};

#[cfg(test)]
mod tests;
