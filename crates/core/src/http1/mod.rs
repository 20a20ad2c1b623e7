//! Plain messages of HTTP/1.1: those that came whole, framed in one way only, with nothing between the lines. Most calls
//! are such, and cost a fraction so. Whatever is not plain is read and written by hyper, from its first byte; both
//! take heads apart with the same parser.

mod fields;
mod names;
mod read;
mod reply;
mod request_target;
mod write;

pub use fields::{Fields, LastNames};
pub(crate) use names::number;
pub use read::{Answer, Last, Request, read_answer, read_request};
pub use reply::{Head, Reply};
pub(crate) use request_target::is_plain;
pub use request_target::{RequestTarget, is_named_once};
pub use write::{Length, write_answer};
pub(crate) use write::{write_lines, write_request};

#[cfg(test)]
mod tests;
