//! Every type of the interface, read from the server and sent to it, by both ways.

use anyhow::{Context as _, Result, bail};
use spin_sdk::pg::wit::postgres::{
    Connection, DbDataType, DbValue, Error, Interval, ParameterValue, QueryError, RangeBoundKind,
};

use crate::{Way, expect, plain};

/// One type with one value of it.
struct Case {
    /// Its name in SQL.
    sql_type: &'static str,
    /// The value as PostgreSQL writes it.
    text: &'static str,
    /// The value as a guest sends it; `None` where the interface has no way to.
    parameter: Option<ParameterValue>,
    /// The type as a guest is told.
    data_type: DbDataType,
    /// The value as a guest gets it.
    value: DbValue,
}

macro_rules! both {
    ($sql_type:literal, $text:literal, $variant:ident, $value:expr) => {
        both!($sql_type, $text, $variant, $variant, $value)
    };
    ($sql_type:literal, $text:literal, $variant:ident, $data_type:ident, $value:expr) => {
        Case {
            sql_type: $sql_type,
            text: $text,
            parameter: Some(ParameterValue::$variant($value)),
            data_type: DbDataType::$data_type,
            value: DbValue::$variant($value),
        }
    };
}

/// A type that the interface does not know: its binary form arrives, and nothing can be sent.
fn raw(sql_type: &'static str, text: &'static str, bytes: &[u8]) -> Case {
    let name = sql_type.trim_matches('"').to_owned();
    Case {
        sql_type,
        text,
        parameter: None,
        data_type: DbDataType::Other(name),
        value: DbValue::Unsupported(bytes.to_vec()),
    }
}

fn text(text: &str) -> String {
    text.to_owned()
}

fn numbers_and_texts() -> Vec<Case> {
    vec![
        both!("boolean", "true", Boolean, true),
        both!("int2", "-32768", Int16, i16::MIN),
        both!("int4", "2147483647", Int32, i32::MAX),
        both!("int8", "-9223372036854775808", Int64, i64::MIN),
        both!("float4", "1.5", Floating32, 1.5),
        both!("float8", "0.1", Floating64, 0.1),
        both!("float8", "Infinity", Floating64, f64::INFINITY),
        both!("numeric", "123.4500", Decimal, text("123.4500")),
        both!(
            "numeric",
            "-79228162514264337593543950335",
            Decimal,
            text("-79228162514264337593543950335")
        ),
        both!("text", "naïve ☃", Str, text("naïve ☃")),
        both!("text", "", Str, text("")),
        both!("varchar(10)", "some", Str, text("some")),
        Case {
            text: "ab",
            ..both!("char(4)", "ab  ", Str, text("ab  "))
        },
        both!("bytea", "\\x0001ff", Binary, vec![0, 1, 255]),
        both!(
            "uuid",
            "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
            Uuid,
            text("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")
        ),
        both!(
            "jsonb",
            r#"{"a": [1, null]}"#,
            Jsonb,
            br#"{"a":[1,null]}"#.to_vec()
        ),
        // The one-byte type can be sent as int8 and comes back as the byte that it is.
        Case {
            parameter: Some(ParameterValue::Int8(65)),
            ..raw("\"char\"", "A", b"A")
        },
    ]
}

fn times() -> Vec<Case> {
    let interval = || Interval {
        micros: 14_706_789_000,
        days: 3,
        months: 14,
    };
    vec![
        both!("date", "2024-02-29", Date, (2024, 2, 29)),
        both!("time", "13:14:15.123456", Time, (13, 14, 15, 123_456_000)),
        both!(
            "timestamp",
            "2024-02-29 13:14:15.123456",
            Datetime,
            (2024, 2, 29, 13, 14, 15, 123_456_000)
        ),
        both!(
            "interval",
            "1 year 2 mons 3 days 04:05:06.789",
            Interval,
            interval()
        ),
    ]
}

fn ranges_and_arrays() -> Vec<Case> {
    use RangeBoundKind::{Exclusive, Inclusive};
    vec![
        both!(
            "int4range",
            "[1,10)",
            RangeInt32,
            (Some((1, Inclusive)), Some((10, Exclusive)))
        ),
        both!("int4range", "[5,)", RangeInt32, (Some((5, Inclusive)), None)),
        both!(
            "int8range",
            "(,9000000000)",
            RangeInt64,
            (None, Some((9_000_000_000, Exclusive)))
        ),
        both!(
            "numrange",
            "(1.5,2.75]",
            RangeDecimal,
            (Some((text("1.5"), Exclusive)), Some((text("2.75"), Inclusive)))
        ),
        both!("numrange", "(,)", RangeDecimal, (None, None)),
        both!("int4[]", "{1,NULL,-3}", ArrayInt32, vec![Some(1), None, Some(-3)]),
        both!(
            "int8[]",
            "{9000000000,NULL}",
            ArrayInt64,
            vec![Some(9_000_000_000), None]
        ),
        both!("int8[]", "{}", ArrayInt64, vec![]),
        both!(
            "numeric[]",
            "{1.50,NULL}",
            ArrayDecimal,
            vec![Some(text("1.50")), None]
        ),
        both!(
            "text[]",
            "{one,NULL,\"\",\"a,b\"}",
            ArrayStr,
            vec![Some(text("one")), None, Some(text("")), Some(text("a,b"))]
        ),
        both!("varchar[]", "{one}", ArrayStr, vec![Some(text("one"))]),
    ]
}

fn unknown_types() -> Vec<Case> {
    vec![
        raw("name", "pg_class", b"pg_class"),
        raw("oid", "26", &[0, 0, 0, 26]),
        raw("xid", "7", &[0, 0, 0, 7]),
        raw("json", r#"{"a": 1}"#, br#"{"a": 1}"#),
        raw("inet", "10.0.0.1", &[2, 32, 0, 4, 10, 0, 0, 1]),
        raw("pg_lsn", "0/1", &[0, 0, 0, 0, 0, 0, 0, 1]),
    ]
}

pub async fn check(address: &str) -> Result<String> {
    let cases: Vec<Case> = [numbers_and_texts(), times(), ranges_and_arrays(), unknown_types()]
        .into_iter()
        .flatten()
        .collect();
    for way in Way::BOTH {
        let connection = way.open(address).await.map_err(plain)?;
        way.execute(&connection, "set timezone = 'UTC'", &[])
            .await
            .map_err(plain)?;
        for case in &cases {
            let place = || format!("{way:?} {} {:?}", case.sql_type, case.text);
            read(way, &connection, case).await.with_context(place)?;
            read_null(way, &connection, case).await.with_context(place)?;
            send(way, &connection, case).await.with_context(place)?;
        }
        send_with_zone(way, &connection).await?;
    }
    Ok(format!("{} values, both ways", cases.len()))
}

async fn read(way: Way, connection: &Connection, case: &Case) -> Result<()> {
    let statement = format!("select '{}'::{} as it", case.text, case.sql_type);
    let (columns, rows) = way.query(connection, &statement, &[]).await.map_err(plain)?;
    expect("column", &columns, &[format!("it {:?}", case.data_type)])?;
    expect("value", &rows, &[[&case.value]])
}

async fn read_null(way: Way, connection: &Connection, case: &Case) -> Result<()> {
    let statement = format!("select null::{} as it", case.sql_type);
    let (columns, rows) = way.query(connection, &statement, &[]).await.map_err(plain)?;
    expect(
        "column of a null",
        &columns,
        &[format!("it {:?}", case.data_type)],
    )?;
    expect("null", &rows, &[[DbValue::DbNull]])
}

async fn send(way: Way, connection: &Connection, case: &Case) -> Result<()> {
    let statement = format!("select $1::{} is null", case.sql_type);
    let found = way
        .value(connection, &statement, &[ParameterValue::DbNull])
        .await?;
    expect("null as parameter", &found, &DbValue::Boolean(true))?;
    if let Some(parameter) = &case.parameter {
        let statement = format!("select ($1::{})::text", case.sql_type);
        let found = way
            .value(connection, &statement, std::slice::from_ref(parameter))
            .await?;
        expect("parameter", &found, &DbValue::Str(case.text.to_owned()))?;
    }
    Ok(())
}

/// A time with a zone can be sent, as seconds since 1970, and not be read: it is read as a time without one.
async fn send_with_zone(way: Way, connection: &Connection) -> Result<()> {
    let sent = [ParameterValue::Timestamp(1_709_212_455)];
    let found = way
        .value(connection, "select ($1::timestamptz at time zone 'UTC')", &sent)
        .await?;
    expect(
        "timestamptz as parameter",
        &found,
        &DbValue::Datetime((2024, 2, 29, 13, 14, 15, 0)),
    )?;
    for statement in ["select now()", "select null::timestamptz"] {
        match way.query(connection, statement, &[]).await {
            Err(Error::QueryFailed(QueryError::Text(text))) if text.contains("timestamptz") => {}
            Err(error) => return Err(plain(error).context("a timestamptz was refused as something else")),
            Ok((_, rows)) => bail!("a timestamptz was read as {rows:?}"),
        }
    }
    Ok(())
}
