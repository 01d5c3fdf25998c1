//! How one SQL type crosses the interface: what a column of it arrives as, and which values a parameter of it takes.

use anyhow::{Result, bail};
use spin_sdk::pg::wit::postgres::{
    Connection, DbValue, Error, Interval, ParameterValue, QueryError, RangeBoundKind,
};

use crate::{Way, plain};

/// Answers what the value of an SQL expression arrives as: the type of its column, and on the next line the value after
/// `= ` or the error after `! `. Both ways of asking must agree.
pub async fn column(address: &str, expression: &str) -> Result<String> {
    let statement = format!("select {expression} as it");
    let connection = Way::Async.open(address).await.map_err(plain)?;
    let mut data_type = String::new();
    let found = match connection.query_async(statement.clone(), vec![]).await {
        Ok((columns, mut rows, outcome)) => {
            if let Some(column) = columns.first() {
                data_type = format!("{:?}", column.data_type).replace("DbDataType::", "");
            }
            let mut values = Vec::new();
            while let Some(row) = rows.next().await {
                values.extend(row);
            }
            match outcome.await {
                Ok(()) => format!("= {}", shown(&values)),
                Err(error) => format!("! {:#}", plain(error)),
            }
        }
        Err(error) => format!("! {:#}", plain(error)),
    };
    let blocking = match connection.query(&statement, &[]) {
        Ok(set) => format!("= {}", shown(&set.rows.concat())),
        // The text is that of the other way inside the debug form of its error.
        Err(Error::QueryFailed(QueryError::Text(_))) if found.starts_with('!') => found.clone(),
        Err(error) => format!("! {:#}", plain(error)),
    };
    if blocking != found {
        bail!("the asynchronous query gave {found:?} and the blocking one {blocking:?}");
    }
    Ok(format!("{data_type}\n{found}"))
}

fn shown(values: &[DbValue]) -> String {
    let values: Vec<String> = values.iter().map(|value| format!("{value:?}")).collect();
    values.join(", ").replace("DbValue::", "")
}

/// Answers which kinds of values the host sends for a parameter of an SQL type, or the server's error where not even a
/// null can be sent.
pub async fn parameter(address: &str, sql_type: &str) -> Result<String> {
    let connection = Way::Async.open(address).await.map_err(plain)?;
    let statement = format!("select $1::{sql_type} is null");
    if let Err(error) = Way::Async
        .query(&connection, &statement, &[ParameterValue::DbNull])
        .await
    {
        return Ok(format!("! {:#}", plain(error)));
    }
    let mut accepted = Vec::new();
    for (name, value) in samples() {
        let queried = Way::Async
            .query(&connection, &statement, std::slice::from_ref(&value))
            .await;
        let executed = connection.execute(&statement, &[value]);
        match (is_sent(queried.map(drop))?, is_sent(executed.map(drop))?) {
            (true, true) => accepted.push(name),
            (false, false) => {}
            (queried, executed) => {
                bail!("{name}: a query sends it: {queried}, a statement sends it: {executed}")
            }
        }
    }
    Ok(accepted.join(" "))
}

/// Whether the host sent a value. What the server then said about it does not matter.
fn is_sent(outcome: Result<(), Error>) -> Result<bool> {
    match outcome {
        Ok(()) | Err(Error::QueryFailed(QueryError::DbError(_))) => Ok(true),
        Err(Error::QueryFailed(QueryError::Text(text))) if text.contains("ToSql") => Ok(false),
        Err(error) => Err(plain(error).context("neither sent nor refused")),
    }
}

/// Runs a statement.
pub async fn execute(address: &str, statement: &str) -> Result<String> {
    let connection: Connection = Way::Async.open(address).await.map_err(plain)?;
    Way::Async
        .execute(&connection, statement, &[])
        .await
        .map_err(plain)?;
    Ok("done".to_owned())
}

/// A value of every kind that a guest can send but null, which fits every type.
fn samples() -> Vec<(&'static str, ParameterValue)> {
    use ParameterValue as P;
    let decimal = || "1.5".to_owned();
    vec![
        ("boolean", P::Boolean(true)),
        ("int8", P::Int8(65)),
        ("int16", P::Int16(1)),
        ("int32", P::Int32(1)),
        ("int64", P::Int64(1)),
        ("floating32", P::Floating32(1.5)),
        ("floating64", P::Floating64(1.5)),
        ("str", P::Str("1".to_owned())),
        ("binary", P::Binary(vec![0])),
        ("date", P::Date((2024, 2, 29))),
        ("time", P::Time((13, 14, 15, 0))),
        ("datetime", P::Datetime((2024, 2, 29, 13, 14, 15, 0))),
        ("timestamp", P::Timestamp(1_709_212_455)),
        ("uuid", P::Uuid("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11".to_owned())),
        ("jsonb", P::Jsonb(b"1".to_vec())),
        ("decimal", P::Decimal(decimal())),
        (
            "range-int32",
            P::RangeInt32((Some((1, RangeBoundKind::Inclusive)), None)),
        ),
        (
            "range-int64",
            P::RangeInt64((Some((1, RangeBoundKind::Inclusive)), None)),
        ),
        (
            "range-decimal",
            P::RangeDecimal((Some((decimal(), RangeBoundKind::Inclusive)), None)),
        ),
        ("array-int32", P::ArrayInt32(vec![Some(1), None])),
        ("array-int64", P::ArrayInt64(vec![Some(1), None])),
        ("array-decimal", P::ArrayDecimal(vec![Some(decimal()), None])),
        ("array-str", P::ArrayStr(vec![Some("1".to_owned()), None])),
        (
            "interval",
            P::Interval(Interval {
                micros: 1,
                days: 1,
                months: 1,
            }),
        ),
    ]
}
