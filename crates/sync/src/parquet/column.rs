//! How a column of the mirror becomes one of a Parquet file.

use std::sync::Arc;

use jiff::{Timestamp, civil};
use parquet::{
    basic::{LogicalType, Repetition, TimeUnit, Type as Physical},
    column::writer::ColumnWriter,
    data_type::ByteArray,
    errors::{ParquetError, Result},
    schema::types::{Type, TypePtr},
};
use rusqlite::types::ValueRef;

/// What a column holds, by the type that it was declared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Integer,
    Number,
    Boolean,
    /// Milliseconds since 1970, UTC.
    Timestamp,
    /// Days since 1970.
    Date,
    /// Milliseconds of the day, of no zone.
    Time,
    Text,
}

impl Kind {
    pub(super) fn of(declared: &str) -> Self {
        match declared {
            "INTEGER" | "BIGINT" => Self::Integer,
            "REAL" => Self::Number,
            "BOOLEAN" => Self::Boolean,
            "TIMESTAMP" => Self::Timestamp,
            "DATE" => Self::Date,
            "TIME" => Self::Time,
            _ => Self::Text,
        }
    }

    pub(super) fn schema(self, name: &str) -> Result<TypePtr> {
        let (physical, logical) = match self {
            Self::Integer => (Physical::INT64, None),
            Self::Number => (Physical::DOUBLE, None),
            Self::Boolean => (Physical::BOOLEAN, None),
            Self::Timestamp => (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::MILLIS))),
            Self::Date => (Physical::INT32, Some(LogicalType::Date)),
            Self::Time => (Physical::INT32, Some(LogicalType::time(false, TimeUnit::MILLIS))),
            Self::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        };
        let column = Type::primitive_type_builder(name, physical)
            .with_repetition(Repetition::OPTIONAL)
            .with_logical_type(logical);
        column.build().map(Arc::new)
    }
}

enum Values {
    Long(Vec<i64>),
    Int(Vec<i32>),
    Double(Vec<f64>),
    Boolean(Vec<bool>),
    Text(Vec<ByteArray>),
}

/// Some rows' values of one column, on their way into a file.
pub(super) struct Lane {
    kind: Kind,
    values: Values,
    /// 1 where there is a value, 0 where there is none.
    levels: Vec<i16>,
}

impl Lane {
    pub(super) fn new(kind: Kind) -> Self {
        let values = match kind {
            Kind::Integer | Kind::Timestamp => Values::Long(Vec::new()),
            Kind::Date | Kind::Time => Values::Int(Vec::new()),
            Kind::Number => Values::Double(Vec::new()),
            Kind::Boolean => Values::Boolean(Vec::new()),
            Kind::Text => Values::Text(Vec::new()),
        };
        Self { kind, values, levels: Vec::new() }
    }

    /// Adds a row's value; tells about how many bytes that are. What does not fit is left out.
    pub(super) fn push(&mut self, value: ValueRef<'_>) -> usize {
        let size = match (&mut self.values, value) {
            (Values::Long(all), ValueRef::Integer(it)) if self.kind == Kind::Integer => {
                all.push(it);
                Some(8)
            }
            (Values::Long(all), ValueRef::Text(it)) if self.kind == Kind::Timestamp => read::<Timestamp>(it)
                .map(|it| {
                    all.push(it.as_millisecond());
                    8
                }),
            (Values::Int(all), ValueRef::Text(it)) => {
                let number = if self.kind == Kind::Date { day(it) } else { milliseconds(it) };
                number.map(|it| {
                    all.push(it);
                    4
                })
            }
            (Values::Double(all), ValueRef::Real(it)) => {
                all.push(it);
                Some(8)
            }
            (Values::Double(all), ValueRef::Integer(it)) => {
                all.push(it as f64);
                Some(8)
            }
            (Values::Boolean(all), ValueRef::Integer(it)) => {
                all.push(it != 0);
                Some(1)
            }
            (Values::Text(all), ValueRef::Text(it)) => {
                all.push(it.to_vec().into());
                Some(it.len())
            }
            _ => None,
        };
        self.levels.push(size.is_some().into());
        size.unwrap_or_default()
    }

    /// Hands over what was added.
    pub(super) fn flush(&mut self, writer: &mut ColumnWriter<'_>) -> Result<()> {
        let levels = Some(self.levels.as_slice());
        match (&mut self.values, writer) {
            (Values::Long(all), ColumnWriter::Int64ColumnWriter(to)) => {
                to.write_batch(all, levels, None)?;
                all.clear();
            }
            (Values::Int(all), ColumnWriter::Int32ColumnWriter(to)) => {
                to.write_batch(all, levels, None)?;
                all.clear();
            }
            (Values::Double(all), ColumnWriter::DoubleColumnWriter(to)) => {
                to.write_batch(all, levels, None)?;
                all.clear();
            }
            (Values::Boolean(all), ColumnWriter::BoolColumnWriter(to)) => {
                to.write_batch(all, levels, None)?;
                all.clear();
            }
            (Values::Text(all), ColumnWriter::ByteArrayColumnWriter(to)) => {
                to.write_batch(all, levels, None)?;
                all.clear();
            }
            _ => return Err(ParquetError::General("a column changed its type".into())),
        }
        self.levels.clear();
        Ok(())
    }
}

fn read<T: std::str::FromStr>(text: &[u8]) -> Option<T> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

fn day(text: &[u8]) -> Option<i32> {
    let date: civil::Date = read(text)?;
    let days = date.since((jiff::Unit::Day, civil::date(1970, 1, 1))).ok()?;
    Some(days.get_days())
}

fn milliseconds(text: &[u8]) -> Option<i32> {
    let time: civil::Time = read(text)?;
    let seconds = (i32::from(time.hour()) * 60 + i32::from(time.minute())) * 60 + i32::from(time.second());
    Some(seconds * 1000 + time.subsec_nanosecond() / 1_000_000)
}
