//! The door by `tokio-postgres`, for the CLI and the tests.
//!
//! Connections are made by the crate `dial`, as the runner makes those of components: what can be reached here can be
//! reached there.

mod bulk;

use bytes::BytesMut;
use chrono::NaiveDateTime;
use dial::{Authority, DialError, Dialer, Link, Trust};
use tokio_postgres::Config;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

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

pub use bulk::CopyIn;

/// A connection of its own, not pooled. It ends when it is dropped.
#[derive(Debug)]
pub struct Connection {
    plain: Plain,
    pinning: Pinning,
}

/// A session as it is, whose statements run under whatever settings it has.
#[derive(Debug)]
struct Plain {
    client: tokio_postgres::Client,
    link: Option<Link>,
}

impl Connection {
    /// How it was made: whether it is encrypted, and how the password was proved.
    pub fn link(&self) -> Option<Link> {
        self.plain.link
    }
}

/// Opens a connection whose session is pinned (see `pinned`). Must be called within a Tokio runtime, which drives the
/// connection from then on.
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
            Ok(connection) => return Ok(connection),
            Err(error) => plan.after(error)?,
        }
    }
}

async fn open(url: &SafeUrl, attempt: Attempt<'_>) -> Result<Plain, DbError> {
    let config: Config = url
        .expose_to_host(attempt.mode)
        .parse()
        .map_err(|error| connect_error(url, &error))?;
    let trust = match attempt.certificate {
        Some(pem) => {
            let authority = Authority::from_pem(pem);
            Trust::with_authority(
                authority.map_err(|error| DbError::connect(&url.server(), &error.to_string()))?,
            )
        }
        None => Trust::of_machine(),
    };
    let dialer = Dialer::new(trust).with_weak_authentication(url.weak_authentication().clone());
    let (client, connection) = dialer.connect(&config).await.map_err(|error| match error {
        DialError::Postgres(error) => connect_error(url, &error),
        error => DbError::connect(&url.server(), &error.to_string()),
    })?;
    // The task ends with the client. What ended it otherwise is told by the statement that meets the closed connection.
    tokio::spawn(connection);
    Ok(Plain {
        client,
        link: dialer.last_link(),
    })
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
        let statement = self
            .client
            .prepare(&typed(sql, parameters))
            .await
            .map_err(|error| statement_error(&error))?;
        for column in statement.columns() {
            if !is_carried(column.type_()) {
                return Err(DbError::unsupported(column.name(), column.type_().name()));
            }
        }
        let rows = self
            .client
            .query(&statement, &borrowed(&sent))
            .await
            .map_err(|error| statement_error(&error))?;
        let columns = statement
            .columns()
            .iter()
            .map(|column| column.name().to_owned())
            .collect();
        let rows = rows.iter().map(read_row).collect::<Result<_, _>>()?;
        Ok(Rows::new(columns, rows))
    }

    async fn execute(&self, sql: &str, parameters: &[Value]) -> Result<u64, DbError> {
        let sent = sendable(parameters)?;
        let sql = typed(sql, parameters);
        self.client
            .execute(sql.as_ref(), &borrowed(&sent))
            .await
            .map_err(|error| statement_error(&error))
    }
}

type Sendable = Box<dyn ToSql + Sync + Send>;

fn sendable(parameters: &[Value]) -> Result<Vec<Sendable>, DbError> {
    parameters.iter().map(to_sql).collect()
}

fn borrowed(sendable: &[Sendable]) -> Vec<&(dyn ToSql + Sync)> {
    sendable
        .iter()
        .map(|value| value.as_ref() as &(dyn ToSql + Sync))
        .collect()
}

fn to_sql(value: &Value) -> Result<Sendable, DbError> {
    Ok(match value {
        Value::Null => Box::new(Null),
        Value::Bool(value) => Box::new(*value),
        Value::Int(value) => Box::new(*value),
        Value::Float(value) => Box::new(*value),
        Value::Text(value) => Box::new(value.clone()),
        Value::Timestamp(value) => Box::new(timestamp::to_text(value)?),
        Value::Json(value) => Box::new(value.clone()),
        Value::IntArray(values) => Box::new(values.clone()),
        Value::TextArray(values) => Box::new(values.clone()),
        Value::Bytes(value) => Box::new(value.clone()),
    })
}

/// A null that fits every type, as the host's does.
#[derive(Debug)]
struct Null;

impl ToSql for Null {
    fn to_sql(&self, _: &Type, _: &mut BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        Ok(IsNull::Yes)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// The types that `spin:postgres` carries and we read. What a component could not read is refused here too, so that
/// a native test finds the missing cast.
fn is_carried(column_type: &Type) -> bool {
    [
        Type::BOOL,
        Type::INT2,
        Type::INT4,
        Type::INT8,
        Type::FLOAT4,
        Type::FLOAT8,
        Type::TEXT,
        Type::VARCHAR,
        Type::BPCHAR,
        Type::TIMESTAMP,
        Type::JSONB,
        Type::INT4_ARRAY,
        Type::INT8_ARRAY,
        Type::TEXT_ARRAY,
        Type::VARCHAR_ARRAY,
        Type::BYTEA,
        // What a function that gives nothing gives (`pg_notify`, `set_config` has text): always read as null.
        Type::VOID,
    ]
    .contains(column_type)
}

fn read_row(row: &tokio_postgres::Row) -> Result<Vec<Value>, DbError> {
    (0..row.len()).map(|index| read_value(row, index)).collect()
}

fn read_value(row: &tokio_postgres::Row, index: usize) -> Result<Value, DbError> {
    let column = &row.columns()[index];
    match *column.type_() {
        Type::BOOL => read::<bool>(row, index),
        Type::INT2 => read_as::<i16, i64>(row, index, i64::from),
        Type::INT4 => read::<i32>(row, index),
        Type::INT8 => read::<i64>(row, index),
        Type::FLOAT4 => read_as::<f32, f64>(row, index, f64::from),
        Type::FLOAT8 => read::<f64>(row, index),
        Type::TEXT | Type::VARCHAR | Type::BPCHAR => read::<String>(row, index),
        Type::TIMESTAMP => read_as(row, index, |time: NaiveDateTime| time.and_utc()),
        Type::JSONB => read::<serde_json::Value>(row, index),
        Type::INT4_ARRAY => read_as::<Vec<Option<i32>>, Vec<Option<i64>>>(row, index, |values| {
            values.into_iter().map(|value| value.map(i64::from)).collect()
        }),
        Type::INT8_ARRAY => read::<Vec<Option<i64>>>(row, index),
        Type::TEXT_ARRAY | Type::VARCHAR_ARRAY => read::<Vec<Option<String>>>(row, index),
        Type::BYTEA => read::<Vec<u8>>(row, index),
        Type::VOID => Ok(Value::Null),
        ref other => Err(DbError::unsupported(column.name(), other.name())),
    }
}

fn read<'row, T: FromSql<'row> + Into<Value>>(
    row: &'row tokio_postgres::Row,
    index: usize,
) -> Result<Value, DbError> {
    read_as::<T, T>(row, index, |value| value)
}

fn read_as<'row, T: FromSql<'row>, V: Into<Value>>(
    row: &'row tokio_postgres::Row,
    index: usize,
    convert: fn(T) -> V,
) -> Result<Value, DbError> {
    let value: Option<T> = row.try_get(index).map_err(|error| {
        let column = row.columns()[index].name();
        DbError::unreadable(column, &describe(&error))
    })?;
    Ok(value.map(convert).into())
}

fn statement_error(error: &tokio_postgres::Error) -> DbError {
    match error.as_db_error() {
        Some(reported) => DbError::server(reported.code().code(), reported.message(), reported.hint()),
        None if error.is_closed() => DbError::statement("connection closed"),
        None => DbError::statement(&describe(error)),
    }
}

fn connect_error(url: &SafeUrl, error: &tokio_postgres::Error) -> DbError {
    match error.as_db_error() {
        Some(reported) => {
            let mut failure = DbError::connect(&url.server(), reported.message());
            let code = reported.code().code();
            failure.kind = match ErrorKind::from_sqlstate(code) {
                ErrorKind::Other => ErrorKind::ConnectFailed,
                kind => kind,
            };
            failure.sqlstate = Some(code.to_owned());
            failure
        }
        None => DbError::connect(&url.server(), &describe(error)),
    }
}

/// The error and what lies below it, in one line.
fn describe(error: &tokio_postgres::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(below) = source {
        let below_text = below.to_string();
        if !text.contains(&below_text) {
            text = format!("{text}: {below_text}");
        }
        source = below.source();
    }
    text
}
