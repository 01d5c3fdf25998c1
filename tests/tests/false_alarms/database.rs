//! The same load in a database: the rules as they are installed, and what the statements make of the samples.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Timelike, Utc};
use db::{Client, Connection, SafeUrl};
use integration_tests::{Database, Monitored, Server, test_versions};
use serde_json::json;
use store::logins::Login;
use store::{observations, rules};
use vitals::alert::Observation;
use vitals::rule::Rule;

use crate::load::{Breach, Load, Profile, Random, Sample};
use crate::model::Model;

/// The rules of an installation by their names.
pub(crate) async fn default_rules(test: &str, names: &[&str]) -> Vec<Rule> {
    let server = Server::shared(test_versions()[0]).await.unwrap();
    let database = Database::new(&server, &format!("false_alarms::{test}"))
        .await
        .unwrap();
    let monitored = Monitored::on(&database).await.unwrap();
    let all = rules::all(&connect(&monitored.url_as(Login::Alerter).unwrap()).await)
        .await
        .unwrap();
    names.iter().map(|name| all.find(name).unwrap().clone()).collect()
}

async fn connect(url: &str) -> Connection {
    db::connect(&url.parse::<SafeUrl>().unwrap()).await.unwrap()
}

/// Stores three hours of load with a breach of everything in it, and compares what rules see with what the model says.
pub(crate) async fn check_values(profile: Profile, seed: u64) {
    let server = Server::shared(test_versions()[0]).await.unwrap();
    let database = Database::new(&server, "false_alarms::values").await.unwrap();
    let monitored = Monitored::on(&database).await.unwrap();
    let client = connect(&monitored.url_as(Login::Alerter).unwrap()).await;
    let now = Utc::now().with_nanosecond(0).unwrap();
    let names = [
        "slow_statement",
        "average_query_time",
        "slow_queries_per_minute",
        "connection_use",
        "active_connections",
        "blocked_sessions",
        "lock_wait",
        "idle_in_transaction",
        "long_transaction",
        "rollbacks",
        "deadlocks",
        "cache_hit",
        "temp_files",
        "replication_lag",
    ];
    let breaches = names.map(|rule_id| Breach {
        rule_id,
        begins: now - Duration::minutes(90),
        lasts: Duration::minutes(15),
    });
    let load = Load {
        profile,
        breaches: &breaches,
        random: Random(seed),
        next: now - Duration::hours(2),
        ends: now,
    };
    let samples: Vec<Sample> = load.collect();
    for day in [now - Duration::hours(2), now] {
        monitored
            .run(&format!(
                "select monitoring.make_partition(t, '{day}') from unnest(array['samples', 'statement_samples',
                 'activity_samples', 'database_samples', 'blocked_sessions']) as t"
            ))
            .await
            .unwrap();
    }
    let admin = monitored.admin().await.unwrap();
    admin
        .execute(include_str!("samples.sql"), &[as_rows(&samples).into()])
        .await
        .unwrap();
    let all = rules::all(&client).await.unwrap();
    for name in names {
        let rule = all.find(name).unwrap();
        assert_eq!(
            seen(&client, rule, &samples).await,
            modelled(rule, &samples),
            "{name}"
        );
    }
}

fn as_rows(samples: &[Sample]) -> serde_json::Value {
    let row = |sample: &Sample| {
        json!({
            "at": sample.at, "calls": sample.calls, "exec_us": sample.exec_us, "connections": sample.connections,
            "active": sample.active, "waiting_on_lock": sample.waiting_on_lock, "lock_wait_ms": sample.lock_wait_ms,
            "longest_transaction_ms": sample.longest_transaction_ms,
            "idle_in_transaction_ms": sample.idle_in_transaction_ms, "commits": sample.commits,
            "rollbacks": sample.rollbacks, "deadlocks": sample.deadlocks, "blocks_hit": sample.blocks_hit,
            "blocks_read": sample.blocks_read, "temp_bytes": sample.temp_bytes, "lag_ms": sample.lag_ms,
        })
    };
    samples.iter().map(row).collect()
}

/// The first hour is that in which the longest window fills.
fn moments(samples: &[Sample]) -> Vec<DateTime<Utc>> {
    samples.iter().skip(40).map(|sample| sample.at).collect()
}

/// What the database sees beyond `resolve`, to six digits.
async fn seen(client: &Connection, rule: &Rule, samples: &[Sample]) -> BTreeMap<DateTime<Utc>, String> {
    let mut seen = BTreeMap::new();
    for moments in moments(samples).chunks(240) {
        for (at, observed) in observations::past(client, rule, moments, None).await.unwrap() {
            if let Observation::Value(value) = observed.observation {
                seen.insert(at, format!("{value:.6e}"));
            }
        }
    }
    seen
}

fn modelled(rule: &Rule, samples: &[Sample]) -> BTreeMap<DateTime<Utc>, String> {
    let mut model = Model::of(rule);
    let mut seen = BTreeMap::new();
    for (place, sample) in samples.iter().enumerate() {
        let (value, traffic) = model.see(sample);
        if let Observation::Value(value) = rule.observe(value, traffic)
            && place >= 40
            && rule.comparison().is_beyond(value, rule.resolve())
        {
            seen.insert(sample.at, format!("{value:.6e}"));
        }
    }
    seen
}
