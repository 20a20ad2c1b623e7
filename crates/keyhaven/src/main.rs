//! Keyhaven.
fn main() {}
