//! Rows that stream, statements that change rows, and streams that nobody reads to their end.

use anyhow::{Result, bail};
use spin_sdk::pg::wit::postgres::{Connection, DbValue};

use crate::{Way, expect, plain};

/// More rows than any buffer between the server and a guest would hold.
const MANY: i64 = 100_000;

pub async fn check(address: &str) -> Result<String> {
    let connection = Way::Async.open(address).await.map_err(plain)?;
    stream_all(&connection).await?;
    drop_early(&connection).await?;
    for way in Way::BOTH {
        affected(way, &connection).await?;
    }
    empty(&connection).await?;
    Ok(format!("{MANY} rows"))
}

async fn stream_all(connection: &Connection) -> Result<()> {
    let statement = format!("select n::int8, repeat('x', 100) from generate_series(1, {MANY}) n");
    let (columns, mut rows, outcome) = connection.query_async(statement, vec![]).await.map_err(plain)?;
    expect("columns", &columns.len(), &2)?;
    let mut expected = 0;
    while let Some(row) = rows.next().await {
        expected += 1;
        match row.first() {
            Some(DbValue::Int64(number)) if *number == expected => {}
            found => bail!("row {expected} began with {found:?}"),
        }
    }
    // First how they ended: rows that break off are explained by that.
    outcome.await.map_err(plain)?;
    expect("rows", &expected, &MANY)
}

/// A guest that has seen enough drops the stream; its connection is as good as before.
async fn drop_early(connection: &Connection) -> Result<()> {
    for _ in 0..3 {
        let statement = format!("select n::int8 from generate_series(1, {MANY}) n");
        let (_, mut rows, outcome) = connection.query_async(statement, vec![]).await.map_err(plain)?;
        let first = rows.next().await;
        drop(rows);
        drop(outcome);
        expect("first row", &first, &Some(vec![DbValue::Int64(1)]))?;
        let next = Way::Async
            .value(connection, "select 'still here'::text", &[])
            .await?;
        expect(
            "after a dropped stream",
            &next,
            &DbValue::Str("still here".to_owned()),
        )?;
    }
    Ok(())
}

async fn affected(way: Way, connection: &Connection) -> Result<()> {
    way.execute(connection, "create temporary table fruit (name text)", &[])
        .await
        .map_err(plain)?;
    let inserted = way
        .execute(
            connection,
            "insert into fruit values ('fig'), ('pear'), ('plum')",
            &[],
        )
        .await
        .map_err(plain)?;
    expect("rows inserted", &inserted, &3)?;
    let name = spin_sdk::pg::ParameterValue::Str("p%".to_owned());
    let deleted = way
        .execute(connection, "delete from fruit where name like $1", &[name])
        .await
        .map_err(plain)?;
    expect("rows deleted", &deleted, &2)?;
    way.execute(connection, "drop table fruit", &[])
        .await
        .map_err(plain)?;
    Ok(())
}

/// A result without rows has no columns either. Only the asynchronous way may be taken: see `no_rows`.
async fn empty(connection: &Connection) -> Result<()> {
    let (columns, rows) = Way::Async
        .query(connection, "select 1 as one where false", &[])
        .await
        .map_err(plain)?;
    expect("rows of an empty result", &rows.len(), &0)?;
    expect("columns of an empty result", &columns.len(), &0)
}

/// What a blocking query without rows is answered. On Spin it never is.
pub async fn no_rows(address: &str) -> Result<String> {
    let connection = Way::Blocking.open(address).await.map_err(plain)?;
    match connection.query("select 1 as one where false", &[]) {
        Ok(set) => bail!("a blocking query without rows gave {} rows", set.rows.len()),
        Err(error) => Ok(format!("{:#}", plain(error))),
    }
}
