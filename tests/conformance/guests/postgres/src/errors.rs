//! What a guest is told when something fails: the kind of error, and the fields of the server's.

use anyhow::{Result, bail};
use spin_sdk::pg::wit::postgres::{Connection, DbError, Error, ParameterValue, QueryError};

use crate::{Way, expect, plain};

pub async fn check(address: &str) -> Result<String> {
    for way in Way::BOTH {
        let connection = way.open(address).await.map_err(plain)?;
        constraint(way, &connection).await?;
        missing_table(way, &connection).await?;
        failure_between_rows(way, &connection).await?;
        failure_of_the_first_row(&connection).await?;
        bad_parameters(way, &connection).await?;
        wrong_password(way, address).await?;
    }
    Ok("every error told".to_owned())
}

/// The error that the server gave.
fn from_server(found: Result<impl Sized, Error>) -> Result<DbError> {
    match found {
        Err(Error::QueryFailed(QueryError::DbError(error))) => Ok(error),
        Err(error) => Err(plain(error).context("expected an error of the server")),
        Ok(_) => bail!("expected an error of the server, found none"),
    }
}

fn expect_extra(error: &DbError, name: &str, expected: &str) -> Result<()> {
    let found = error
        .extras
        .iter()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.as_str());
    expect(name, &found, &Some(expected))
}

async fn constraint(way: Way, connection: &Connection) -> Result<()> {
    let create = "create temporary table seat (number int4 constraint one_person_a_seat primary key)";
    way.execute(connection, create, &[]).await.map_err(plain)?;
    way.execute(connection, "insert into seat values (7)", &[])
        .await
        .map_err(plain)?;
    let found = way.execute(connection, "insert into seat values (7)", &[]).await;
    let error = from_server(found)?;
    expect("code", &error.code, &"23505")?;
    expect("severity", &error.severity, &"ERROR")?;
    expect(
        "message",
        &error.message,
        &"duplicate key value violates unique constraint \"one_person_a_seat\"",
    )?;
    expect("detail", &error.detail, &Some("Key (number)=(7) already exists."))?;
    expect_extra(&error, "constraint", "one_person_a_seat")?;
    expect_extra(&error, "table", "seat")?;
    if !error.as_text.contains("one_person_a_seat") {
        bail!(
            "the text of the error does not tell what happened: {}",
            error.as_text
        );
    }
    way.execute(connection, "drop table seat", &[])
        .await
        .map_err(plain)?;
    Ok(())
}

async fn missing_table(way: Way, connection: &Connection) -> Result<()> {
    let found = way.query(connection, "select 1 from no_such_table", &[]).await;
    let error = from_server(found)?;
    expect("code", &error.code, &"42P01")?;
    expect("detail", &error.detail, &None::<String>)
}

/// The server fails after the first rows are on their way: the rows end and the outcome tells why. The blocking way has only
/// a text for it.
async fn failure_between_rows(way: Way, connection: &Connection) -> Result<()> {
    let statement = "select 1 / (3 - n) from generate_series(1, 5) n";
    let found = way.query(connection, statement, &[]).await;
    match way {
        Way::Async => expect("code", &from_server(found)?.code, &"22012")?,
        Way::Blocking => match found {
            Err(Error::QueryFailed(QueryError::Text(text))) if text.contains("division by zero") => {}
            Err(error) => return Err(plain(error).context("expected the error of the server as a text")),
            Ok(_) => bail!("a query that fails in its third row did not fail"),
        },
    }
    let after = way.value(connection, "select 1::int4", &[]).await?;
    expect("after a failed query", &after, &spin_sdk::pg::DbValue::Int32(1))
}

/// The server accepts a statement and then fails before its first row: the call succeeds, and the outcome tells why.
async fn failure_of_the_first_row(connection: &Connection) -> Result<()> {
    let statement = "select 1 / (1 - n) from generate_series(1, 5) n".to_owned();
    let (columns, mut rows, outcome) = connection.query_async(statement, vec![]).await.map_err(plain)?;
    expect("columns", &columns.len(), &0)?;
    expect("first row", &rows.next().await, &None::<()>)?;
    expect("code", &from_server(outcome.await)?.code, &"22012")
}

async fn bad_parameters(way: Way, connection: &Connection) -> Result<()> {
    let bad = [
        ParameterValue::Uuid("not a uuid".to_owned()),
        ParameterValue::Decimal("twelve".to_owned()),
        ParameterValue::Date((2023, 2, 29)),
        ParameterValue::Jsonb(b"{".to_vec()),
    ];
    for parameter in bad {
        let shown = format!("{parameter:?}");
        match way.query(connection, "select $1::text", &[parameter]).await {
            Err(Error::BadParameter(_)) => {}
            Err(error) => return Err(plain(error).context(format!("{shown} was refused as something else"))),
            Ok(_) => bail!("{shown} was taken"),
        }
    }
    // A value of another type than the statement asks for is an error of the statement, not a crash.
    match way
        .query(
            connection,
            "select $1::int4",
            &[ParameterValue::Str("1".to_owned())],
        )
        .await
    {
        Err(Error::QueryFailed(_)) => Ok(()),
        Err(error) => {
            Err(plain(error).context("a parameter of the wrong type was refused as something else"))
        }
        Ok(_) => bail!("a text was taken for an int4"),
    }
}

async fn wrong_password(way: Way, address: &str) -> Result<()> {
    let address = format!("{address}?user=nobody_of_that_name&password=wrong");
    match way.open(&address).await {
        Err(Error::ConnectionFailed(_)) => Ok(()),
        Err(error) => Err(plain(error).context("a wrong login was refused as something else")),
        Ok(_) => bail!("a wrong login was let in"),
    }
}
