//! The door by `spin:postgres`, for components.
//!
//! The host pools the connections: opening one takes it from the pool, dropping it gives it back. Dropping a future
//! of this module cancels the call that is under way in the host.

use chrono::{DateTime, NaiveDate, Utc};
use spin_sdk::pg::{self, DbDataType, DbValue, ParameterValue, PgError, QueryError};
use spin_sdk::wit_bindgen::StreamResult;

use crate::bare::{Pinning, Sent};
use crate::client::Client;
use crate::encryption::{Attempt, Plan};
use crate::error::{DbError, ErrorKind};
use crate::parameters::typed;
use crate::pinned;
use crate::row::Rows;
use crate::safe_url::SafeUrl;
use crate::timestamp;
use crate::value::Value;

/// How many rows are asked of the host at once. Asking for each alone makes the components' part of `scripts/bench cost`
/// about two fifths dearer.
const ROWS_AT_ONCE: usize = 256;

/// A connection from the host's pool. It goes back when it is dropped.
pub struct Connection {
    plain: Plain,
    pinning: Pinning,
}

/// A session as it is, whose statements run under whatever settings it has.
struct Plain {
    connection: pg::Connection,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Connection").finish_non_exhaustive()
    }
}

/// Takes a connection from the host's pool, or has it open one. Its session is pinned (see `pinned`).
///
/// # Errors
///
/// What kept the connection from being made. See [`DbError::is_connection`].
pub async fn connect(url: &SafeUrl) -> Result<Connection, DbError> {
    let attempt = match pinned::address(url) {
        Some(pinned) => connect_as_given(&pinned).await,
        None => connect_as_given(url).await,
    };
    let plain = match attempt {
        Err(error) if pinned::refuses_options(&error) => {
            let plain = connect_as_given(url).await?;
            pinned::remember_refusal(url);
            plain
        }
        outcome => outcome?,
    };
    let pinning = Pinning::default();
    Ok(Connection { plain, pinning })
}

async fn connect_as_given(url: &SafeUrl) -> Result<Plain, DbError> {
    let mut plan = Plan::of(url);
    loop {
        match open(url, plan.attempt()).await {
            Ok(connection) => return Ok(Plain { connection }),
            Err(error) => plan.after(connect_error(url, error))?,
        }
    }
}

async fn open(url: &SafeUrl, attempt: Attempt<'_>) -> Result<pg::Connection, pg::Error> {
    let address = url.expose_to_host(attempt.mode);
    match attempt.certificate {
        Some(pem) => {
            let ca_root = Some(pg::Certificate::Text(pem.to_owned()));
            pg::Connection::open_with_options(address, pg::OpenOptions { ca_root }).await
        }
        None => pg::Connection::open(address).await,
    }
}

impl Client for Connection {
    async fn query(&self, sql: &str, parameters: &[Value]) -> Result<Rows, DbError> {
        let turn = self.pinning.before(&self.plain, sql).await?;
        let sent = self.plain.query(sql, parameters).await;
        match self.pinning.after(&self.plain, sql, turn, sent).await {
            Sent::Done(outcome) => outcome,
            Sent::Again => self.plain.query(sql, parameters).await,
        }
    }

    async fn execute(&self, sql: &str, parameters: &[Value]) -> Result<u64, DbError> {
        let turn = self.pinning.before(&self.plain, sql).await?;
        let sent = self.plain.execute(sql, parameters).await;
        match self.pinning.after(&self.plain, sql, turn, sent).await {
            Sent::Done(outcome) => outcome,
            Sent::Again => self.plain.execute(sql, parameters).await,
        }
    }
}

impl Client for Plain {
    async fn query(&self, sql: &str, parameters: &[Value]) -> Result<Rows, DbError> {
        let sent = sendable(parameters)?;
        let result = self
            .connection
            .query(typed(sql, parameters), sent)
            .await
            .map_err(statement_error)?;
        let (columns, mut stream, done) = result.into_inner();
        for column in &columns {
            check_carried(column)?;
        }
        let mut rows = Vec::new();
        let mut batch = Vec::with_capacity(ROWS_AT_ONCE);
        loop {
            let (status, read) = stream.read(batch).await;
            batch = read;
            for row in batch.drain(..) {
                rows.push(read_row(&columns, row)?);
            }
            match status {
                StreamResult::Complete(_) => {}
                StreamResult::Dropped | StreamResult::Cancelled => break,
            }
        }
        let names: Vec<String> = columns.into_iter().map(|column| column.name).collect();
        done.await.map_err(|error| stream_error(&names, error))?;
        Ok(Rows::new(names, rows))
    }

    async fn execute(&self, sql: &str, parameters: &[Value]) -> Result<u64, DbError> {
        let sent = sendable(parameters)?;
        self.connection
            .execute(typed(sql, parameters), sent)
            .await
            .map_err(statement_error)
    }
}

fn sendable(parameters: &[Value]) -> Result<Vec<ParameterValue>, DbError> {
    parameters.iter().map(to_parameter).collect()
}

fn to_parameter(value: &Value) -> Result<ParameterValue, DbError> {
    Ok(match value {
        Value::Null => ParameterValue::DbNull,
        Value::Bool(value) => ParameterValue::Boolean(*value),
        Value::Int(value) => ParameterValue::Int64(*value),
        Value::Float(value) => ParameterValue::Floating64(*value),
        Value::Text(value) => ParameterValue::Str(value.clone()),
        Value::Timestamp(value) => ParameterValue::Str(timestamp::to_text(value)?),
        Value::Json(value) => ParameterValue::Jsonb(value.to_string().into_bytes()),
        Value::IntArray(values) => ParameterValue::ArrayInt64(values.clone()),
        Value::TextArray(values) => ParameterValue::ArrayStr(values.clone()),
        Value::Bytes(value) => ParameterValue::Binary(value.clone()),
    })
}

/// Refuses a type before its rows are read, so that a result which holds only nulls is refused as well. A `timestamptz`
/// is not told from a `timestamp` here: the host refuses it itself, with the first row.
fn check_carried(column: &pg::Column) -> Result<(), DbError> {
    match &column.data_type {
        // What a function that gives nothing gives: always read as null.
        DbDataType::Other(name) if name == "void" => Ok(()),
        DbDataType::Other(name) => Err(DbError::unsupported(&column.name, name)),
        DbDataType::Date => Err(DbError::unsupported(&column.name, "date")),
        DbDataType::Time => Err(DbError::unsupported(&column.name, "time")),
        DbDataType::Uuid => Err(DbError::unsupported(&column.name, "uuid")),
        DbDataType::Decimal => Err(DbError::unsupported(&column.name, "numeric")),
        DbDataType::ArrayDecimal => Err(DbError::unsupported(&column.name, "numeric[]")),
        DbDataType::Interval => Err(DbError::unsupported(&column.name, "interval")),
        DbDataType::RangeInt32 | DbDataType::RangeInt64 | DbDataType::RangeDecimal => {
            Err(DbError::unsupported(&column.name, "range"))
        }
        _ => Ok(()),
    }
}

fn read_row(columns: &[pg::Column], row: Vec<DbValue>) -> Result<Vec<Value>, DbError> {
    let values = row.into_iter().enumerate();
    values
        .map(|(index, value)| read_value(columns, index, value))
        .collect()
}

fn read_value(columns: &[pg::Column], index: usize, value: DbValue) -> Result<Value, DbError> {
    let name = || columns.get(index).map_or("", |column| column.name.as_str());
    Ok(match value {
        DbValue::DbNull => Value::Null,
        DbValue::Boolean(value) => Value::Bool(value),
        DbValue::Int8(value) => Value::Int(value.into()),
        DbValue::Int16(value) => Value::Int(value.into()),
        DbValue::Int32(value) => Value::Int(value.into()),
        DbValue::Int64(value) => Value::Int(value),
        DbValue::Floating32(value) => Value::Float(value.into()),
        DbValue::Floating64(value) => Value::Float(value),
        DbValue::Str(value) => Value::Text(value),
        DbValue::Binary(value) => Value::Bytes(value),
        DbValue::Datetime(parts) => Value::Timestamp(timestamp_from(name(), parts)?),
        DbValue::Jsonb(text) => Value::Json(serde_json::from_slice(&text).map_err(|error| {
            DbError::decode(format!("column {} holds no JSON", name())).with_cause(error.to_string())
        })?),
        DbValue::ArrayInt32(values) => {
            Value::IntArray(values.into_iter().map(|value| value.map(i64::from)).collect())
        }
        DbValue::ArrayInt64(values) => Value::IntArray(values),
        DbValue::ArrayStr(values) => Value::TextArray(values),
        DbValue::Unsupported(bytes) if bytes.is_empty() => Value::Null,
        _ => {
            return Err(DbError::unsupported(
                name(),
                "one that the host knows and we do not",
            ));
        }
    })
}

fn timestamp_from(
    column: &str,
    (year, month, day, hour, minute, second, nanosecond): (i32, u8, u8, u8, u8, u8, u32),
) -> Result<DateTime<Utc>, DbError> {
    NaiveDate::from_ymd_opt(year, month.into(), day.into())
        .and_then(|date| date.and_hms_nano_opt(hour.into(), minute.into(), second.into(), nanosecond))
        .map(|time| time.and_utc())
        .ok_or_else(|| DbError::decode(format!("column {column} holds a time that cannot be")))
}

fn connect_error(url: &SafeUrl, error: pg::Error) -> DbError {
    match error {
        pg::Error::PgError(PgError::ConnectionFailed(reason) | PgError::Other(reason)) => {
            DbError::connect(&url.server(), &reason)
        }
        error => DbError::connect(&url.server(), &error.to_string()),
    }
}

/// Why the rows ended early. What the host could not read it tells as text, with the place of the column.
fn stream_error(columns: &[String], error: PgError) -> DbError {
    let unreadable = match &error {
        PgError::QueryFailed(QueryError::Text(reason)) => DbError::unreadable_within(columns, reason),
        _ => None,
    };
    unreadable.unwrap_or_else(|| statement_error(pg::Error::PgError(error)))
}

fn statement_error(error: pg::Error) -> DbError {
    match error {
        pg::Error::Decode(reason) => DbError::decode("a value cannot be read").with_cause(reason),
        pg::Error::PgError(error) => match error {
            PgError::QueryFailed(QueryError::DbError(reported)) => {
                let hint = reported
                    .extras
                    .iter()
                    .find(|(name, _)| name == "hint")
                    .map(|(_, text)| text.as_str());
                DbError::server(&reported.code, &reported.message, hint)
            }
            PgError::QueryFailed(QueryError::Text(reason)) | PgError::Other(reason) => {
                DbError::statement(&reason)
            }
            PgError::ConnectionFailed(reason) => {
                DbError::new(ErrorKind::ConnectionLost, "the connection to the server was lost")
                    .with_cause(reason)
            }
            PgError::BadParameter(reason) => {
                DbError::new(ErrorKind::Other, "a parameter does not fit the statement").with_cause(reason)
            }
            PgError::ValueConversionFailed(reason) => {
                DbError::decode("a value cannot be read").with_cause(reason)
            }
        },
    }
}
