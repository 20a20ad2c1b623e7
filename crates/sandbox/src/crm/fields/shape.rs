//! What values of a type look like.

use serde_json::{Value, json};

/// The shape of a value. Everything can be null, names and titles aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Text,
    Integer,
    Number,
    Flag,
    Integers,
    /// `[{"value": …, "primary": …, "label": …}]`
    Contacts,
    /// An object; for addresses.
    Object,
    /// `{"value": …, "currency": …}`
    Money,
    /// `{"value": …, "timezone_name": …}`
    Time,
    /// `{"value": …, "until": …}`
    Span,
}

impl Shape {
    /// Of the values of a custom field.
    pub(super) fn of(field_type: &str) -> Self {
        match field_type {
            "double" => Self::Number,
            "int" | "enum" | "user" | "org" | "people" => Self::Integer,
            "set" => Self::Integers,
            "monetary" => Self::Money,
            "daterange" | "timerange" => Self::Span,
            "time" => Self::Time,
            "address" => Self::Object,
            _ => Self::Text,
        }
    }

    pub(super) fn fits(self, value: &Value) -> bool {
        if value.is_null() {
            return true;
        }
        let has_value = || value.get("value").is_some();
        match self {
            Self::Text => value.is_string(),
            Self::Integer => value.is_u64(),
            Self::Number => value.is_number(),
            Self::Flag => value.is_boolean(),
            Self::Integers => value.as_array().is_some_and(|all| all.iter().all(Value::is_u64)),
            Self::Contacts => {
                value.as_array().is_some_and(|all| all.iter().all(|one| one["value"].is_string()))
            }
            Self::Object => value.is_object(),
            Self::Money => has_value() && value["currency"].is_string(),
            Self::Time => value["value"].is_string(),
            Self::Span => has_value() && value["until"].is_string(),
        }
    }
}

/// A value of another type in the shape of this one; null where there is no way.
pub(super) fn converted(value: Value, field_type: &str) -> Value {
    let shape = Shape::of(field_type);
    match (&value, shape) {
        _ if shape.fits(&value) => value,
        (Value::Number(number), Shape::Text) => json!(number.to_string()),
        (Value::Number(number), Shape::Integers) if number.is_u64() => json!([value]),
        (Value::Object(parts), Shape::Text) => {
            parts.get("value").filter(|it| it.is_string()).cloned().unwrap_or_default()
        }
        _ => Value::Null,
    }
}

/// What a value of this type is made of, with types; empty where it is one thing.
pub(super) fn parts(field_type: &str) -> &'static [(&'static str, &'static str)] {
    match field_type {
        "monetary" => &[("value", "double"), ("currency", "varchar")],
        "daterange" => &[("value", "date"), ("until", "date")],
        "time" => &[("value", "time"), ("timezone_name", "varchar")],
        "timerange" => &[("value", "time"), ("until", "time"), ("timezone_name", "varchar")],
        "address" => &[
            ("value", "varchar"),
            ("country", "varchar"),
            ("admin_area_level_1", "varchar"),
            ("admin_area_level_2", "varchar"),
            ("locality", "varchar"),
            ("sublocality", "varchar"),
            ("route", "varchar"),
            ("street_number", "varchar"),
            ("subpremise", "varchar"),
            ("postal_code", "varchar"),
        ],
        _ => &[],
    }
}
