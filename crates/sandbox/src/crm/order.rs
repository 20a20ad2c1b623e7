//! The orders of lists.

use serde_json::Value;

use super::{Record, index::NEVER, time_in};

/// The order of a list.
#[derive(Debug)]
pub(super) struct Order {
    pub field: String,
    pub descending: bool,
}

/// Where a record stands in an order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    /// Of the order of a time.
    pub time: i64,
    /// Of other orders; numbers with zeros before them.
    pub text: String,
    pub id: u64,
}

impl Order {
    pub(super) fn is_of_time(&self) -> bool {
        matches!(self.field.as_str(), "update_time" | "add_time")
    }

    pub(super) fn key(&self, id: u64, record: &Record) -> Key {
        let mut key = Key { time: NEVER, text: String::new(), id };
        if self.is_of_time() {
            key.time = time_in(record, &self.field);
        } else if self.field != "id" {
            key.text = match record.get(&self.field) {
                Some(Value::Number(number)) => format!("{number:0>20}"),
                Some(Value::String(text)) => text.clone(),
                _ => String::new(),
            };
        }
        key
    }
}
