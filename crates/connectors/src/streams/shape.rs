//! What stands in a value, and which columns become of it.

use serde::Deserialize;

/// The type of a column, in words that both kinds of database know in their own way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sql {
    /// Text.
    Text,
    /// A whole number of 64 bits.
    Integer,
    /// A number.
    Number,
    /// Yes or no.
    Boolean,
    /// A moment, in UTC.
    Timestamp,
    /// A day.
    Date,
    /// A time of day.
    Time,
    /// JSON.
    Json,
}

impl Sql {
    /// The machine word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Timestamp => "timestamp",
            Self::Date => "date",
            Self::Time => "time",
            Self::Json => "json",
        }
    }
}

/// What stands in a value.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub enum Shape {
    /// One plain value.
    Plain(Sql),
    /// An amount and its currency.
    Money,
    /// Two days.
    DateRange,
    /// A time of day and its time zone.
    ZonedTime,
    /// Two times of day and their time zone.
    TimeRange,
    /// A postal address and its parts.
    Address,
    /// A choice, by its id.
    Option,
    /// Several choices, by their ids.
    Options,
    /// A record of another table, by its id.
    Reference(String),
    /// Mail addresses, telephone numbers: `[{"value": …, "primary": true}]`.
    Contact,
}

/// One of the columns that become of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// What the column's name ends with.
    pub ending: &'static str,
    /// The key within the value, where it is an object.
    pub key: &'static str,
    /// The column's type.
    pub sql: Sql,
}

const fn part(ending: &'static str, key: &'static str, sql: Sql) -> Part {
    Part { ending, key, sql }
}

const MONEY: &[Part] = &[part("", "value", Sql::Number), part("_currency", "currency", Sql::Text)];
const DATE_RANGE: &[Part] = &[part("_from", "value", Sql::Date), part("_until", "until", Sql::Date)];
const ZONED_TIME: &[Part] = &[part("", "value", Sql::Time), part("_timezone", "timezone_name", Sql::Text)];
const TIME_RANGE: &[Part] = &[
    part("_from", "value", Sql::Time),
    part("_until", "until", Sql::Time),
    part("_timezone", "timezone_name", Sql::Text),
];
const ADDRESS: &[Part] = &[
    part("", "value", Sql::Text),
    part("_street_number", "street_number", Sql::Text),
    part("_route", "route", Sql::Text),
    part("_subpremise", "subpremise", Sql::Text),
    part("_sublocality", "sublocality", Sql::Text),
    part("_locality", "locality", Sql::Text),
    part("_admin_area_level_1", "admin_area_level_1", Sql::Text),
    part("_admin_area_level_2", "admin_area_level_2", Sql::Text),
    part("_country", "country", Sql::Text),
    part("_postal_code", "postal_code", Sql::Text),
    part("_formatted_address", "formatted_address", Sql::Text),
];
const OPTION: &[Part] = &[part("", "label", Sql::Text), part("_id", "", Sql::Integer)];
const OPTIONS: &[Part] = &[part("", "label", Sql::Text), part("_ids", "", Sql::Json)];
const REFERENCE: &[Part] = &[part("_id", "", Sql::Integer)];
const CONTACT: &[Part] = &[part("", "value", Sql::Text), part("s", "", Sql::Json)];

impl Shape {
    /// By its word; `reference TABLE` names the table.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "text" => Self::Plain(Sql::Text),
            "integer" => Self::Plain(Sql::Integer),
            "number" => Self::Plain(Sql::Number),
            "boolean" => Self::Plain(Sql::Boolean),
            "timestamp" => Self::Plain(Sql::Timestamp),
            "date" => Self::Plain(Sql::Date),
            "time" => Self::Plain(Sql::Time),
            "json" => Self::Plain(Sql::Json),
            "money" => Self::Money,
            "date_range" => Self::DateRange,
            "zoned_time" => Self::ZonedTime,
            "time_range" => Self::TimeRange,
            "address" => Self::Address,
            "option" => Self::Option,
            "options" => Self::Options,
            "contact" => Self::Contact,
            _ => Self::Reference(text.strip_prefix("reference ")?.to_owned()),
        })
    }

    /// The columns that become of it, in order.
    pub fn parts(&self) -> &'static [Part] {
        match self {
            Self::Plain(Sql::Text) => const { &[part("", "", Sql::Text)] },
            Self::Plain(Sql::Integer) => const { &[part("", "", Sql::Integer)] },
            Self::Plain(Sql::Number) => const { &[part("", "", Sql::Number)] },
            Self::Plain(Sql::Boolean) => const { &[part("", "", Sql::Boolean)] },
            Self::Plain(Sql::Timestamp) => const { &[part("", "", Sql::Timestamp)] },
            Self::Plain(Sql::Date) => const { &[part("", "", Sql::Date)] },
            Self::Plain(Sql::Time) => const { &[part("", "", Sql::Time)] },
            Self::Plain(Sql::Json) => const { &[part("", "", Sql::Json)] },
            Self::Money => MONEY,
            Self::DateRange => DATE_RANGE,
            Self::ZonedTime => ZONED_TIME,
            Self::TimeRange => TIME_RANGE,
            Self::Address => ADDRESS,
            Self::Option => OPTION,
            Self::Options => OPTIONS,
            Self::Reference(_) => REFERENCE,
            Self::Contact => CONTACT,
        }
    }
}

impl TryFrom<String> for Shape {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or_else(|| format!("“{text}” is no type of a column"))
    }
}
