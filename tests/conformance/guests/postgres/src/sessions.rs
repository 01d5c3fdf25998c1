//! What a connection is to a guest, and what one run may leave behind for the next.

use std::time::Duration;

use anyhow::{Result, bail};
use spin_sdk::pg::wit::postgres::{Connection, DbValue};

use crate::{Way, expect, plain};

/// One connection is one session of the server as long as it lives; two are two.
pub async fn one_backend(address: &str) -> Result<String> {
    for way in Way::BOTH {
        let first = way.open(address).await.map_err(plain)?;
        let second = way.open(address).await.map_err(plain)?;
        let process = backend(way, &first).await?;
        for _ in 0..3 {
            expect("the backend", &backend(way, &first).await?, &process)?;
        }
        if backend(way, &second).await? == process {
            bail!("{way:?}: two connections that are open at once share a session");
        }
        way.execute(
            &first,
            "select set_config('conformance.mark', 'first', false)",
            &[],
        )
        .await
        .map_err(plain)?;
        let mark = way
            .value(&first, "select current_setting('conformance.mark')", &[])
            .await?;
        expect(
            "a setting of the session",
            &mark,
            &DbValue::Str("first".to_owned()),
        )?;
    }
    Ok("one connection, one backend".to_owned())
}

async fn backend(way: Way, connection: &Connection) -> Result<i32> {
    match way.value(connection, "select pg_backend_pid()", &[]).await? {
        DbValue::Int32(process) => Ok(process),
        found => bail!("expected a process, found {found:?}"),
    }
}

/// Leaves a transaction, a setting and a lock behind in the worst way; all that it had was the preamble of a good
/// guest, by which the server ends a session that sleeps in a transaction.
pub async fn trap_in_transaction(address: &str) -> Result<String> {
    let connection = Way::Async.open(address).await.map_err(plain)?;
    for statement in [
        "rollback",
        "create table if not exists conformance_ledger (entry text)",
        "begin",
        "set local idle_in_transaction_session_timeout = '1s'",
        "insert into conformance_ledger values ('of a run that trapped')",
        "lock table conformance_ledger in access exclusive mode",
        "select set_config('conformance.mark', 'left behind', false)",
    ] {
        Way::Async
            .execute(&connection, statement, &[])
            .await
            .map_err(plain)?;
    }
    panic!("this guest was asked to panic");
}

/// Finds nothing of what an earlier run left behind, on any of several connections, one of which may be that run's.
pub async fn clean_session(address: &str) -> Result<String> {
    let mut connections = Vec::new();
    for _ in 0..4 {
        let connection = Way::Async.open(address).await.map_err(plain)?;
        for statement in ["rollback", "set lock_timeout = '10s'"] {
            Way::Async
                .execute(&connection, statement, &[])
                .await
                .map_err(plain)?;
        }
        let entries = Way::Async
            .value(&connection, "select count(*) from conformance_ledger", &[])
            .await?;
        expect("entries of a run that trapped", &entries, &DbValue::Int64(0))?;
        let mark = "select coalesce(current_setting('conformance.mark', true), '')";
        expect(
            "mark",
            &Way::Async.value(&connection, mark, &[]).await?,
            &DbValue::Str(String::new()),
        )?;
        connections.push(connection);
    }
    Ok("nothing was left behind".to_owned())
}

/// Asks the server for something that takes an hour.
pub async fn wait_for_ever(address: &str, way: Way) -> Result<String> {
    let connection = way.open(address).await.map_err(plain)?;
    way.value(&connection, "select pg_sleep(3600)::text", &[]).await?;
    Ok("waited for an hour".to_owned())
}

/// Waits until the server has nothing left to do for a run that was ended.
pub async fn nobody_waits(address: &str) -> Result<String> {
    let connection = Way::Async.open(address).await.map_err(plain)?;
    let statement = "select count(*) from pg_stat_activity \
                     where datname = current_database() and state = 'active' and query like '%pg_sleep(3600)%' \
                     and pid <> pg_backend_pid()";
    for _ in 0..100 {
        if let DbValue::Int64(0) = Way::Async.value(&connection, statement, &[]).await? {
            return Ok("nobody waits".to_owned());
        }
        spin_sdk::time::sleep(Duration::from_millis(100)).await;
    }
    bail!("the server still works for a run that was ended")
}
