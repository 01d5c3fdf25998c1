//! A small load, so that there is something to see: a shop with quick statements all the time, and now and then a
//! slow one that is worth an alert.

use std::time::Duration;

use anyhow::{Context, Result};
use db::{Client, Connection, DbError, SafeUrl, connect};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// The database of the load: apart from the one that watches it.
const DATABASE: &str = "demo";
/// A few quick statements a second: enough for figures, too little to be noticed by the machine.
const QUICK_INTERVAL: Duration = Duration::from_millis(250);
/// The slow statement comes in bursts that are longer than two collections are apart, so that the difference between
/// them shows it, with time for the alert to resolve in between.
const SLOW_INTERVAL: Duration = Duration::from_secs(180);
const SLOW_REPETITIONS: usize = 20;
const SLOW_PAUSE: Duration = Duration::from_millis(1500);

/// Idempotent; the data is kept from one start to the next.
const TABLES: [&str; 4] = [
    "create table if not exists public.customers (customer_id int8 generated always as identity primary key, name text not null)",
    "create table if not exists public.orders (order_id int8 generated always as identity primary key, customer_id int8 not \
     null references public.customers, amount int8 not null, placed_at timestamptz not null default now())",
    "insert into public.customers (name) select 'customer ' || n from generate_series(1, 1000) n \
     where not exists (select from public.customers)",
    "insert into public.orders (customer_id, amount) select 1 + n % 1000, n % 500 from generate_series(1, 20000) n \
     where not exists (select from public.orders)",
];

/// The quick statements, in turn. The last keeps the table from growing for ever.
const QUICK: [&str; 5] = [
    "select name::text from public.customers where customer_id = $1",
    "select count(*)::int8, sum(amount)::int8 from public.orders where customer_id = $1",
    "insert into public.orders (customer_id, amount) values ($1, 100)",
    "update public.orders set amount = amount + 1 where order_id = $1",
    "delete from public.orders where order_id in (select order_id from public.orders where customer_id = $1 order by order_id limit 1)",
];

/// What a report without an index might be: about 0.7 s.
const SLOW: &str = "select count(*)::int8, max(pg_catalog.pg_sleep(0.7)::text)::text from public.customers where customer_id = $1";

/// A load that is going on.
#[derive(Debug)]
pub(crate) struct Demo {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Demo {
    /// Makes the database and its tables where they are missing, and begins.
    pub(crate) async fn start(administrator: &SafeUrl) -> Result<Self> {
        prepare(administrator)
            .await
            .context("cannot prepare the database of the demo")?;
        let (stop, stopped) = watch::channel(false);
        let url = administrator
            .clone()
            .with_database(DATABASE)
            .with_application_name("demo shop");
        let task = tokio::spawn(async move {
            let mut wait = stopped.clone();
            let loads = async { tokio::join!(forever(&url, quick), forever(&url, slow)) };
            tokio::select! {
                _ = loads => {}
                _ = wait.wait_for(|stopped| *stopped) => {}
            }
        });
        Ok(Self { stop, task })
    }

    pub(crate) async fn stop(self) {
        // Neither can fail in a way that matters: the load ends with this process in any case.
        let _ = self.stop.send(true);
        let _ = self.task.await;
    }
}

async fn prepare(administrator: &SafeUrl) -> Result<(), DbError> {
    let client = connect(administrator).await?;
    let exists = "select exists (select from pg_catalog.pg_database where datname = $1)::bool as found";
    if !client
        .query(exists, &[DATABASE.into()])
        .await?
        .one()?
        .get::<bool>("found")?
    {
        client
            .execute(&format!("create database {DATABASE}"), &[])
            .await?;
    }
    let client = connect(&administrator.clone().with_database(DATABASE)).await?;
    for statement in TABLES {
        client.execute(statement, &[]).await?;
    }
    Ok(())
}

/// Goes on after a lost connection: the database may be restarted to see what the monitoring makes of it.
async fn forever(url: &SafeUrl, load: impl AsyncFn(&Connection) -> Result<(), DbError>) {
    loop {
        if let Ok(client) = connect(url).await
            && load(&client).await.is_ok()
        {
            continue;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

async fn quick(client: &Connection) -> Result<(), DbError> {
    for number in 1.. {
        for statement in QUICK {
            client
                .execute(statement, &[(1 + number % 1000_i64).into()])
                .await?;
        }
        tokio::time::sleep(QUICK_INTERVAL).await;
    }
    Ok(())
}

async fn slow(client: &Connection) -> Result<(), DbError> {
    for number in 0..SLOW_REPETITIONS {
        client
            .query(SLOW, &[i64::try_from(number + 1).unwrap_or(1).into()])
            .await?;
        tokio::time::sleep(SLOW_PAUSE).await;
    }
    tokio::time::sleep(SLOW_INTERVAL).await;
    Ok(())
}
