//! A large database that is watched from another server, and what the collectors cost it: read from its own
//! pg_stat_statements, where every statement of the collector's login is counted like all others.

use std::collections::HashMap;
use std::fs;

use anyhow::{Context, Result};
use integration_tests::monitored::{self, COLLECTOR_PASSWORD, TARGET};
use integration_tests::{DedicatedServer, Monitored, Workload, workload};
use store::logins::Login;
use tokio_postgres::{Client, SimpleQueryMessage};

/// The name of the target.
pub(crate) const LARGE: &str = "large";
/// So that planning is counted too.
const TRACKED: [(&str, &str); 1] = [("pg_stat_statements.track_planning", "on")];
/// What is counted as nobody's: what the engine itself asks.
const OTHERS: &str = "(others)";

/// The large database and the monitoring database that watches it.
#[derive(Debug)]
pub(crate) struct Large {
    pub(crate) server: DedicatedServer,
    pub(crate) monitored: Monitored,
    /// A superuser's connection to the large database.
    pub(crate) client: Client,
    /// Held as long as the monitoring database is used.
    monitoring: Option<DedicatedServer>,
}

/// Where the monitoring database is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the large database itself.
    Same,
    /// On a server of its own.
    Apart,
}

/// What statements cost the server.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Cost {
    /// Planning and running, in milliseconds.
    pub(crate) ms: f64,
    /// Blocks found in shared buffers or read.
    pub(crate) blocks: i64,
}

impl Large {
    /// Builds the large database and the monitoring database.
    pub(crate) async fn build(place: Place) -> Result<Large> {
        Large::with(Some(&Workload::LARGE), place).await
    }

    /// The same around a database with nothing in it.
    pub(crate) async fn empty(place: Place) -> Result<Large> {
        Large::with(None, place).await
    }

    async fn with(workload: Option<&Workload>, place: Place) -> Result<Large> {
        let settings = [&workload::SETTINGS[..], &TRACKED].concat();
        let server = DedicatedServer::start_with(crate::VERSION, &settings).await?;
        monitored::admit(&server.url("postgres")).await?;
        if let Some(workload) = workload {
            workload.build(&server.url("postgres")).await?;
        }
        let client = integration_tests::database::connect(&server.url("postgres")).await?;
        // With everything that a collector may ask for, so that none is skipped.
        client
            .batch_execute(
                "create extension pgstattuple; create extension pg_buffercache; \
                 grant pg_read_all_data to pgvitals_collector",
            )
            .await?;
        let apart = match place {
            Place::Same => None,
            Place::Apart => Some(DedicatedServer::start_with(crate::VERSION, &TRACKED).await?),
        };
        let login =
            |server: &DedicatedServer| server.url_as(Login::Collector.role(), COLLECTOR_PASSWORD, "postgres");
        let monitoring = apart.as_ref().unwrap_or(&server);
        let monitored = Monitored::at(&monitoring.url("postgres"), &login(monitoring)).await?;
        monitored
            .run("create extension if not exists pg_stat_statements")
            .await?;
        monitored
            .run(&format!("delete from monitoring.targets where name = '{TARGET}'"))
            .await?;
        monitored.watch(LARGE, &login(&server)).await?;
        // What is measured is how long it takes, on however slow a machine.
        monitored
            .run("update monitoring.targets set timeout_ms = 45000")
            .await?;
        Ok(Large {
            client,
            server,
            monitored,
            monitoring: apart,
        })
    }

    /// What the statements of our logins have cost so far, by the collector they belong to.
    pub(crate) async fn spent(&self, names: &HashMap<i64, String>) -> Result<HashMap<String, Cost>> {
        let sql = "select queryid, total_plan_time + total_exec_time, shared_blks_hit + shared_blks_read \
                   from pg_stat_statements where pg_get_userbyid(userid) like 'pgvitals\\_%' and queryid is not null";
        let rows = self.client.query(sql, &[]).await?;
        let mut spent: HashMap<String, Cost> = HashMap::new();
        for row in rows {
            let name = names.get(&row.get(0)).map_or(OTHERS, String::as_str);
            let cost = spent.entry(name.to_owned()).or_default();
            cost.ms += row.get::<_, f64>(1);
            cost.blocks += row.get::<_, i64>(2);
        }
        Ok(spent)
    }

    /// What the statements of our logins have cost the monitoring database so far, where that is apart, by
    /// their texts; in milliseconds.
    pub(crate) async fn stored(&self) -> Result<HashMap<String, f64>> {
        let monitoring = self.monitoring.as_ref();
        let monitoring = monitoring.context("there is no monitoring database apart")?;
        let client = integration_tests::database::connect(&monitoring.url("postgres")).await?;
        let sql = "select query, sum(total_plan_time + total_exec_time) from pg_stat_statements \
                   where pg_get_userbyid(userid) like 'pgvitals\\_%' and toplevel group by query";
        let rows = client.query(sql, &[]).await?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
    }

    /// The collectors by the identifiers under which pg_stat_statements counts their statements. The server computes
    /// them from what a statement means, so that it does not matter how it is sent.
    pub(crate) async fn query_ids(&self) -> Result<HashMap<i64, String>> {
        let extension_schema = "public";
        let mut names = HashMap::new();
        for entry in fs::read_dir(integration_tests::project_root().join("sql/collectors"))? {
            let path = entry?.path();
            let file = path
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            let name = file.split('@').next().unwrap_or_default().to_owned();
            let text = fs::read_to_string(&path)?;
            let statement = text
                .replace("extension_schema.", &format!("{extension_schema}."))
                .replace("extension_schema", &format!("'{extension_schema}'"));
            let explain = format!("explain (verbose, generic_plan, format json) {statement}");
            // A variant for another version does not fit here, and its statement is never sent.
            let Ok(answer) = self.client.simple_query(&explain).await else {
                continue;
            };
            names.insert(
                query_id(&answer).with_context(|| format!("{file} has no query identifier"))?,
                name,
            );
        }
        Ok(names)
    }
}

/// The identifier in the answer to an explain.
fn query_id(answer: &[SimpleQueryMessage]) -> Result<i64> {
    let text: String = answer
        .iter()
        .filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0),
            _ => None,
        })
        .collect();
    let plan: serde_json::Value = serde_json::from_str(&text)?;
    plan[0]["Query Identifier"]
        .as_i64()
        .context("the plan tells no identifier")
}
