//! Conversions between the values of `spin:postgres` and those of PostgreSQL.
//!
//! Only conversions: nothing here talks to a server. Values go through the same Rust types as on Spin, so that both accept
//! the same. A type that the interface does not know arrives as the raw bytes of its binary form. A `timestamptz` cannot be
//! read: it is announced as a date and time, and read by a type that takes a `timestamp` only.

use std::error::Error as StdError;

use anyhow::{Context as _, anyhow};
use bytes::BytesMut;
use chrono::{DateTime, Datelike as _, NaiveDate, NaiveDateTime, NaiveTime, Timelike as _, Utc};
use postgres_range::Range;
use rust_decimal::Decimal;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use uuid::Uuid;

use super::bindings::{Column, DbDataType, DbValue, Interval, ParameterValue};
use super::range::{self, RangeDecimal};

/// A parameter as the driver takes it.
pub(crate) type Parameter = Box<dyn ToSql + Send + Sync>;

/// Turns the parameters of a guest into those of the driver.
pub(crate) fn parameters(values: Vec<ParameterValue>) -> anyhow::Result<Vec<Parameter>> {
    values.into_iter().map(parameter).collect()
}

fn parameter(value: ParameterValue) -> anyhow::Result<Parameter> {
    Ok(match value {
        ParameterValue::Boolean(value) => Box::new(value),
        ParameterValue::Int8(value) => Box::new(value),
        ParameterValue::Int16(value) => Box::new(value),
        ParameterValue::Int32(value) => Box::new(value),
        ParameterValue::Int64(value) => Box::new(value),
        ParameterValue::Floating32(value) => Box::new(value),
        ParameterValue::Floating64(value) => Box::new(value),
        ParameterValue::Str(value) => Box::new(value),
        ParameterValue::Binary(value) => Box::new(value),
        ParameterValue::Date((year, month, day)) => Box::new(date(year, month, day)?),
        ParameterValue::Time((hour, minute, second, nanosecond)) => {
            Box::new(time(hour, minute, second, nanosecond)?)
        }
        ParameterValue::Datetime((year, month, day, hour, minute, second, nanosecond)) => Box::new(
            NaiveDateTime::new(date(year, month, day)?, time(hour, minute, second, nanosecond)?),
        ),
        ParameterValue::Timestamp(seconds) => Box::new(
            DateTime::<Utc>::from_timestamp(seconds, 0)
                .ok_or_else(|| anyhow!("invalid epoch timestamp {seconds}"))?,
        ),
        ParameterValue::Uuid(text) => {
            Box::new(Uuid::parse_str(&text).with_context(|| format!("invalid UUID {text}"))?)
        }
        ParameterValue::Jsonb(bytes) => Box::new(json(&bytes)?),
        ParameterValue::Decimal(text) => Box::new(decimal(&text)?),
        ParameterValue::RangeInt32((lower, upper)) => Box::new(range::of_integers(lower, upper, i32::MAX)?),
        ParameterValue::RangeInt64((lower, upper)) => Box::new(range::of_integers(lower, upper, i64::MAX)?),
        ParameterValue::RangeDecimal((lower, upper)) => {
            Box::new(range::of_decimals(decimal_bound(lower)?, decimal_bound(upper)?))
        }
        ParameterValue::ArrayInt32(values) => Box::new(values),
        ParameterValue::ArrayInt64(values) => Box::new(values),
        ParameterValue::ArrayDecimal(values) => Box::new(
            values
                .iter()
                .map(|value| value.as_deref().map(decimal).transpose())
                .collect::<anyhow::Result<Vec<_>>>()?,
        ),
        ParameterValue::ArrayStr(values) => Box::new(values),
        ParameterValue::Interval(value) => Box::new(value),
        ParameterValue::DbNull => Box::new(Null),
    })
}

fn date(year: i32, month: u8, day: u8) -> anyhow::Result<NaiveDate> {
    NaiveDate::from_ymd_opt(year, month.into(), day.into())
        .ok_or_else(|| anyhow!("invalid date y={year}, m={month}, d={day}"))
}

fn time(hour: u8, minute: u8, second: u8, nanosecond: u32) -> anyhow::Result<NaiveTime> {
    NaiveTime::from_hms_nano_opt(hour.into(), minute.into(), second.into(), nanosecond)
        .ok_or_else(|| anyhow!("invalid time {hour}:{minute}:{second}:{nanosecond}"))
}

fn decimal(text: &str) -> anyhow::Result<Decimal> {
    Decimal::from_str_exact(text).with_context(|| format!("invalid decimal {text}"))
}

fn decimal_bound(bound: range::Bound<String>) -> anyhow::Result<range::Bound<Decimal>> {
    bound.map(|(text, kind)| Ok((decimal(&text)?, kind))).transpose()
}

fn json(bytes: &[u8]) -> anyhow::Result<serde_json::Value> {
    serde_json::from_slice(bytes).with_context(|| format!("invalid JSON {}", String::from_utf8_lossy(bytes)))
}

/// The columns of a row, by name and type.
pub(crate) fn columns(row: &Row) -> Vec<Column> {
    row.columns()
        .iter()
        .map(|column| Column {
            name: column.name().to_owned(),
            data_type: data_type(column.type_()),
        })
        .collect()
}

fn data_type(column_type: &Type) -> DbDataType {
    match *column_type {
        Type::BOOL => DbDataType::Boolean,
        Type::BYTEA => DbDataType::Binary,
        Type::INT2 => DbDataType::Int16,
        Type::INT4 => DbDataType::Int32,
        Type::INT8 => DbDataType::Int64,
        Type::FLOAT4 => DbDataType::Floating32,
        Type::FLOAT8 => DbDataType::Floating64,
        Type::TEXT | Type::VARCHAR | Type::BPCHAR => DbDataType::Str,
        Type::DATE => DbDataType::Date,
        Type::TIME => DbDataType::Time,
        Type::TIMESTAMP | Type::TIMESTAMPTZ => DbDataType::Datetime,
        Type::INTERVAL => DbDataType::Interval,
        Type::UUID => DbDataType::Uuid,
        Type::JSONB => DbDataType::Jsonb,
        Type::NUMERIC => DbDataType::Decimal,
        Type::INT4_RANGE => DbDataType::RangeInt32,
        Type::INT8_RANGE => DbDataType::RangeInt64,
        Type::NUM_RANGE => DbDataType::RangeDecimal,
        Type::INT4_ARRAY => DbDataType::ArrayInt32,
        Type::INT8_ARRAY => DbDataType::ArrayInt64,
        Type::NUMERIC_ARRAY => DbDataType::ArrayDecimal,
        Type::TEXT_ARRAY | Type::VARCHAR_ARRAY | Type::BPCHAR_ARRAY => DbDataType::ArrayStr,
        _ => DbDataType::Other(column_type.name().to_owned()),
    }
}

/// Turns a row of the driver into that of the guest.
pub(crate) fn row(row: &Row) -> anyhow::Result<Vec<DbValue>> {
    (0..row.len()).map(|index| value(row, index)).collect()
}

fn value(row: &Row, index: usize) -> anyhow::Result<DbValue> {
    let cell = Cell { row, index };
    match *row.columns()[index].type_() {
        Type::BOOL => cell.read(DbValue::Boolean),
        Type::BYTEA => cell.read(DbValue::Binary),
        Type::INT2 => cell.read(DbValue::Int16),
        Type::INT4 => cell.read(DbValue::Int32),
        Type::INT8 => cell.read(DbValue::Int64),
        Type::FLOAT4 => cell.read(DbValue::Floating32),
        Type::FLOAT8 => cell.read(DbValue::Floating64),
        Type::TEXT | Type::VARCHAR | Type::BPCHAR => cell.read(DbValue::Str),
        Type::DATE => cell.try_read(|date: NaiveDate| {
            Ok(DbValue::Date((
                date.year(),
                date.month().try_into()?,
                date.day().try_into()?,
            )))
        }),
        Type::TIME => cell.try_read(|time: NaiveTime| {
            let (hour, minute, second) = clock(time)?;
            Ok(DbValue::Time((hour, minute, second, time.nanosecond())))
        }),
        // Spin announces both as a date and time and reads both by the type of the first, which refuses the second.
        Type::TIMESTAMP | Type::TIMESTAMPTZ => cell.try_read(datetime),
        Type::INTERVAL => cell.read(DbValue::Interval),
        Type::UUID => cell.read(|uuid: Uuid| DbValue::Uuid(uuid.to_string())),
        Type::JSONB => cell.try_read(|json: serde_json::Value| {
            let bytes = serde_json::to_vec(&json).context("invalid JSON from database")?;
            Ok(DbValue::Jsonb(bytes))
        }),
        Type::NUMERIC => cell.read(|decimal: Decimal| DbValue::Decimal(decimal.to_string())),
        Type::INT4_RANGE => {
            cell.read(|range: Range<i32>| DbValue::RangeInt32(range::bounds(&range, |value| *value)))
        }
        Type::INT8_RANGE => {
            cell.read(|range: Range<i64>| DbValue::RangeInt64(range::bounds(&range, |value| *value)))
        }
        Type::NUM_RANGE => cell.read(|range: Range<RangeDecimal>| {
            DbValue::RangeDecimal(range::bounds(&range, |value| value.0.to_string()))
        }),
        Type::INT4_ARRAY => cell.read(DbValue::ArrayInt32),
        Type::INT8_ARRAY => cell.read(DbValue::ArrayInt64),
        Type::NUMERIC_ARRAY => cell.read(|values: Vec<Option<Decimal>>| {
            DbValue::ArrayDecimal(
                values
                    .iter()
                    .map(|value| value.map(|decimal| decimal.to_string()))
                    .collect(),
            )
        }),
        Type::TEXT_ARRAY | Type::VARCHAR_ARRAY | Type::BPCHAR_ARRAY => cell.read(DbValue::ArrayStr),
        _ => cell.read(|raw: Raw| DbValue::Unsupported(raw.0)),
    }
}

fn datetime(at: NaiveDateTime) -> anyhow::Result<DbValue> {
    let (hour, minute, second) = clock(at.time())?;
    Ok(DbValue::Datetime((
        at.year(),
        at.month().try_into()?,
        at.day().try_into()?,
        hour,
        minute,
        second,
        at.nanosecond(),
    )))
}

fn clock(time: NaiveTime) -> anyhow::Result<(u8, u8, u8)> {
    Ok((
        time.hour().try_into()?,
        time.minute().try_into()?,
        time.second().try_into()?,
    ))
}

/// One value of a row, still in the form of the driver.
struct Cell<'a> {
    row: &'a Row,
    index: usize,
}

impl<'a> Cell<'a> {
    fn read<T: FromSql<'a>>(&self, make: impl FnOnce(T) -> DbValue) -> anyhow::Result<DbValue> {
        self.try_read(|value| Ok(make(value)))
    }

    fn try_read<T: FromSql<'a>>(
        &self,
        make: impl FnOnce(T) -> anyhow::Result<DbValue>,
    ) -> anyhow::Result<DbValue> {
        match self.row.try_get::<_, Option<T>>(self.index)? {
            Some(value) => make(value),
            None => Ok(DbValue::DbNull),
        }
    }
}

/// How much memory a value takes on the host, for the limit on buffered results.
pub(crate) fn memory_size(value: &DbValue) -> usize {
    let heap = match value {
        DbValue::Str(text) | DbValue::Uuid(text) | DbValue::Decimal(text) => text.len(),
        DbValue::Binary(bytes) | DbValue::Jsonb(bytes) | DbValue::Unsupported(bytes) => bytes.len(),
        DbValue::ArrayInt32(values) => size_of_val(values.as_slice()),
        DbValue::ArrayInt64(values) => size_of_val(values.as_slice()),
        DbValue::ArrayStr(values) | DbValue::ArrayDecimal(values) => {
            size_of_val(values.as_slice()) + values.iter().flatten().map(String::len).sum::<usize>()
        }
        DbValue::RangeDecimal((lower, upper)) => [lower, upper]
            .into_iter()
            .flatten()
            .map(|(text, _)| text.len())
            .sum(),
        _ => 0,
    };
    size_of::<DbValue>() + heap
}

/// A null that fits a parameter of any type.
#[derive(Debug)]
struct Null;

impl ToSql for Null {
    fn to_sql(&self, _: &Type, _: &mut BytesMut) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        Ok(IsNull::Yes)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// The binary form of a value whose type the interface does not know.
struct Raw(Vec<u8>);

impl FromSql<'_> for Raw {
    fn from_sql(_: &Type, bytes: &[u8]) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        Ok(Self(bytes.to_owned()))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

impl ToSql for Interval {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        out.extend_from_slice(&self.micros.to_be_bytes());
        out.extend_from_slice(&self.days.to_be_bytes());
        out.extend_from_slice(&self.months.to_be_bytes());
        Ok(IsNull::No)
    }

    fn accepts(column_type: &Type) -> bool {
        *column_type == Type::INTERVAL
    }

    to_sql_checked!();
}

impl FromSql<'_> for Interval {
    fn from_sql(_: &Type, bytes: &[u8]) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        let wrong_length = || "unexpected binary format for Postgres INTERVAL";
        let (micros, rest) = bytes.split_first_chunk::<8>().ok_or_else(wrong_length)?;
        let (days, rest) = rest.split_first_chunk::<4>().ok_or_else(wrong_length)?;
        let months: &[u8; 4] = rest.try_into().map_err(|_| wrong_length())?;
        Ok(Self {
            micros: i64::from_be_bytes(*micros),
            days: i32::from_be_bytes(*days),
            months: i32::from_be_bytes(*months),
        })
    }

    fn accepts(column_type: &Type) -> bool {
        *column_type == Type::INTERVAL
    }
}

#[cfg(test)]
mod tests {
    use super::super::bindings::RangeBoundKind;
    use super::*;

    /// What a parameter looks like on the wire, where the statement expects `parameter_type`.
    #[track_caller]
    fn encode(value: ParameterValue, parameter_type: &Type) -> Vec<u8> {
        let mut bytes = BytesMut::new();
        let parameter = parameter(value).unwrap();
        let is_null = parameter.to_sql_checked(parameter_type, &mut bytes).unwrap();
        assert!(matches!(is_null, IsNull::No));
        bytes.to_vec()
    }

    #[track_caller]
    fn refused(value: ParameterValue) -> String {
        parameter(value).err().unwrap().to_string()
    }

    #[test]
    fn numbers_are_sent_in_network_order() {
        assert_eq!(encode(ParameterValue::Int16(1), &Type::INT2), [0, 1]);
        assert_eq!(encode(ParameterValue::Int32(-1), &Type::INT4), [255; 4]);
        assert_eq!(
            encode(ParameterValue::Int64(258), &Type::INT8),
            [0, 0, 0, 0, 0, 0, 1, 2]
        );
        assert_eq!(encode(ParameterValue::Int8(7), &Type::CHAR), [7]);
    }

    #[test]
    fn a_timestamp_is_in_seconds() {
        // The binary form counts microseconds from the year 2000.
        let bytes = encode(ParameterValue::Timestamp(946_684_801), &Type::TIMESTAMPTZ);
        assert_eq!(bytes, 1_000_000_i64.to_be_bytes());
    }

    #[test]
    fn a_datetime_has_no_zone() {
        let bytes = encode(
            ParameterValue::Datetime((2000, 1, 1, 0, 0, 1, 500)),
            &Type::TIMESTAMP,
        );
        assert_eq!(bytes, 1_000_000_i64.to_be_bytes());
        let zoned = parameter(ParameterValue::Datetime((2000, 1, 1, 0, 0, 1, 0))).unwrap();
        assert!(
            zoned
                .to_sql_checked(&Type::TIMESTAMPTZ, &mut BytesMut::new())
                .is_err()
        );
    }

    #[test]
    fn null_fits_every_type() {
        for parameter_type in [
            Type::INT8,
            Type::TEXT,
            Type::JSONB,
            Type::INT4_RANGE,
            Type::TEXT_ARRAY,
        ] {
            let is_null = parameter(ParameterValue::DbNull)
                .unwrap()
                .to_sql_checked(&parameter_type, &mut BytesMut::new())
                .unwrap();
            assert!(matches!(is_null, IsNull::Yes));
        }
    }

    #[test]
    fn an_interval_comes_back_as_it_was_sent() {
        let interval = Interval {
            micros: -1,
            days: 40,
            months: 14,
        };
        let bytes = encode(ParameterValue::Interval(interval), &Type::INTERVAL);
        let back = Interval::from_sql(&Type::INTERVAL, &bytes).unwrap();
        assert_eq!((back.micros, back.days, back.months), (-1, 40, 14));
        assert!(Interval::from_sql(&Type::INTERVAL, &bytes[1..]).is_err());
    }

    #[test]
    fn what_is_not_what_it_says_is_refused() {
        assert_eq!(refused(ParameterValue::Uuid("x".to_owned())), "invalid UUID x");
        assert_eq!(
            refused(ParameterValue::Decimal("1,5".to_owned())),
            "invalid decimal 1,5"
        );
        assert_eq!(refused(ParameterValue::Jsonb(b"{".to_vec())), "invalid JSON {");
        assert_eq!(
            refused(ParameterValue::Date((2026, 2, 30))),
            "invalid date y=2026, m=2, d=30"
        );
        assert_eq!(
            refused(ParameterValue::Time((24, 0, 0, 0))),
            "invalid time 24:0:0:0"
        );
        assert_eq!(
            refused(ParameterValue::ArrayDecimal(vec![None, Some("x".to_owned())])),
            "invalid decimal x"
        );
        let bound = Some(("x".to_owned(), RangeBoundKind::Inclusive));
        assert_eq!(
            refused(ParameterValue::RangeDecimal((None, bound))),
            "invalid decimal x"
        );
    }

    #[test]
    fn an_unknown_type_is_told_by_its_name() {
        assert!(matches!(data_type(&Type::INET), DbDataType::Other(name) if name == "inet"));
        assert!(matches!(data_type(&Type::TIMESTAMPTZ), DbDataType::Datetime));
        assert!(matches!(data_type(&Type::VARCHAR_ARRAY), DbDataType::ArrayStr));
    }

    #[test]
    fn a_text_takes_as_much_memory_as_it_is_long() {
        let nothing = memory_size(&DbValue::DbNull);
        assert_eq!(memory_size(&DbValue::Str("x".repeat(1000))), nothing + 1000);
        let two = DbValue::ArrayStr(vec![Some("xx".to_owned()), None]);
        assert_eq!(memory_size(&two), nothing + 2 * size_of::<Option<String>>() + 2);
    }
}
