//! The values that travel between a statement and the server.
//!
//! The list is as short as the narrowest of the two doors: what `spin:postgres` carries both ways without loss.
//! Everything else is cast in the statement (`::int8`, `::float8`, `::text`, ...), so that a column which arrives
//! well in a native test arrives well in a component too.

use chrono::{DateTime, Utc};

use crate::error::DbError;

/// One value: a parameter of a statement, or a column of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// SQL `null`. As a parameter it has no type of its own: cast it in the statement (`$1::text`).
    Null,
    /// `bool`.
    Bool(bool),
    /// `int8`; `int2` and `int4` columns are widened to it.
    Int(i64),
    /// `float8`; `float4` columns are widened to it.
    Float(f64),
    /// `text`, `varchar` or `char(n)`.
    Text(String),
    /// A time, to the microsecond: `timestamptz` as a parameter, `timestamp` in UTC as a column.
    Timestamp(DateTime<Utc>),
    /// `jsonb`.
    Json(serde_json::Value),
    /// `int8[]` of one dimension; `int4[]` columns are widened to it.
    IntArray(Vec<Option<i64>>),
    /// `text[]` of one dimension.
    TextArray(Vec<Option<String>>),
    /// `bytea`.
    Bytes(Vec<u8>),
}

impl Value {
    /// The name of the SQL type, as an error message says it.
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "bool",
            Value::Int(_) => "int8",
            Value::Float(_) => "float8",
            Value::Text(_) => "text",
            Value::Timestamp(_) => "timestamp",
            Value::Json(_) => "jsonb",
            Value::IntArray(_) => "int8[]",
            Value::TextArray(_) => "text[]",
            Value::Bytes(_) => "bytea",
        }
    }
}

macro_rules! value_from {
    ($($source:ty => |$name:ident| $value:expr;)+) => {
        $(impl From<$source> for Value {
            fn from($name: $source) -> Value {
                $value
            }
        })+
    };
}

value_from! {
    bool => |value| Value::Bool(value);
    i32 => |value| Value::Int(i64::from(value));
    i64 => |value| Value::Int(value);
    f64 => |value| Value::Float(value);
    &str => |value| Value::Text(value.to_owned());
    String => |value| Value::Text(value);
    &String => |value| Value::Text(value.clone());
    DateTime<Utc> => |value| Value::Timestamp(value);
    serde_json::Value => |value| Value::Json(value);
    Vec<i64> => |values| Value::IntArray(values.into_iter().map(Some).collect());
    Vec<Option<i64>> => |values| Value::IntArray(values);
    Vec<String> => |values| Value::TextArray(values.into_iter().map(Some).collect());
    Vec<Option<String>> => |values| Value::TextArray(values);
    Vec<u8> => |value| Value::Bytes(value);
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Value {
        value.map_or(Value::Null, Into::into)
    }
}

/// A Rust type that a column can be read as. See [`Row::get`](crate::Row::get).
pub trait FromValue: Sized {
    /// The SQL type that the column should have, as an error message says it.
    const EXPECTED: &'static str;

    /// Reads the value, or gives `None` when it is of another type.
    fn from_value(value: &Value) -> Option<Self>;
}

macro_rules! from_value {
    ($($target:ty, $expected:literal, $pattern:pat => $result:expr;)+) => {
        $(impl FromValue for $target {
            const EXPECTED: &'static str = $expected;

            fn from_value(value: &Value) -> Option<Self> {
                match value {
                    $pattern => $result,
                    _ => None,
                }
            }
        })+
    };
}

from_value! {
    bool, "bool", Value::Bool(value) => Some(*value);
    i64, "int8", Value::Int(value) => Some(*value);
    i32, "int4", Value::Int(value) => i32::try_from(*value).ok();
    f64, "float8", Value::Float(value) => Some(*value);
    String, "text", Value::Text(value) => Some(value.clone());
    DateTime<Utc>, "timestamp", Value::Timestamp(value) => Some(*value);
    serde_json::Value, "jsonb", Value::Json(value) => Some(value.clone());
    Vec<i64>, "int8[] without nulls", Value::IntArray(values) => values.iter().copied().collect();
    Vec<Option<i64>>, "int8[]", Value::IntArray(values) => Some(values.clone());
    Vec<String>, "text[] without nulls", Value::TextArray(values) => values.iter().cloned().collect();
    Vec<Option<String>>, "text[]", Value::TextArray(values) => Some(values.clone());
    Vec<u8>, "bytea", Value::Bytes(value) => Some(value.clone());
}

impl<T: FromValue> FromValue for Option<T> {
    const EXPECTED: &'static str = T::EXPECTED;

    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            value => T::from_value(value).map(Some),
        }
    }
}

/// Reads a value and says what was wrong when it cannot.
pub(crate) fn read<T: FromValue>(column: &str, value: &Value) -> Result<T, DbError> {
    T::from_value(value).ok_or_else(|| DbError::mismatch(column, T::EXPECTED, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check<T: FromValue + PartialEq + std::fmt::Debug>(value: impl Into<Value>, expected: Option<T>) {
        assert_eq!(T::from_value(&value.into()), expected);
    }

    #[test]
    fn a_value_is_read_as_the_type_it_has_and_no_other() {
        check(true, Some(true));
        check(7_i32, Some(7_i64));
        check(7_i64, Some(7_i32));
        check::<i32>(i64::MAX, None);
        check(1.5, Some(1.5));
        check::<f64>(1_i64, None);
        check("seen", Some("seen".to_owned()));
        check::<String>(1_i64, None);
        check(vec![1_i64, 2], Some(vec![1_i64, 2]));
        check::<Vec<i64>>(vec![Some(1_i64), None], None);
        check(vec![Some(1_i64), None], Some(vec![Some(1_i64), None]));
        check(vec!["a".to_owned()], Some(vec!["a".to_owned()]));
        check(serde_json::json!({"a": 1}), Some(serde_json::json!({"a": 1})));
    }

    #[test]
    fn null_is_read_only_as_an_option() {
        check(None::<i64>, Some(None::<i64>));
        check::<i64>(None::<i64>, None);
        check(Some(3_i64), Some(Some(3_i64)));
        check::<Option<i64>>("three", None);
    }

    #[test]
    fn a_mismatch_names_the_column_and_both_types() {
        let error = read::<i64>("calls", &Value::Text("many".to_owned())).unwrap_err();
        assert_eq!(
            error.to_string(),
            "column calls holds text where int8 was expected"
        );
        let error = read::<i64>("calls", &Value::Null).unwrap_err();
        assert_eq!(
            error.to_string(),
            "column calls holds null where int8 was expected"
        );
    }
}
