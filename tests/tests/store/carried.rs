//! Every statement gives columns that every host carries.

use std::path::{Path, PathBuf};

use integration_tests::test_versions;
use tokio_postgres::types::Type;

use crate::Monitoring;

/// What Spin reads and `db` takes, apart from arrays and types that a statement has no reason for. `void` is what a
/// function gives that gives nothing.
const CARRIED: [Type; 10] = [
    Type::BOOL,
    Type::INT4,
    Type::INT8,
    Type::FLOAT8,
    Type::TEXT,
    Type::TIMESTAMP,
    Type::JSONB,
    Type::INT8_ARRAY,
    Type::TEXT_ARRAY,
    Type::VOID,
];

/// What cannot be prepared by itself: it is several statements, or for a database of the application.
const NOT_ALONE: [&str; 2] = ["actions/refresh_cache_queue.sql", "migrations/bootstrap.sql"];

/// What is put together: a question of observations, with a metric in it.
const PARTS: [&str; 4] = [
    "observations/asked.sql",
    "observations/days.sql",
    "observations/observe.sql",
    "observations/samples.sql",
];

/// Where a metric has its place in a question.
const METRIC: &str = "/* the metric */";

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name)
}

/// The files of a folder and of those in it, by their paths within it.
fn files(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().display().to_string();
                found.push((name, std::fs::read_to_string(path).unwrap()));
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "{} is empty", folder.display());
    found
}

/// The statements of `store`: the files that are some by themselves, and each question with each metric in it.
fn statements() -> Vec<(String, String)> {
    let (parts, mut statements): (Vec<_>, Vec<_>) = files(&folder("shared/store/sql"))
        .into_iter()
        .filter(|(name, _)| !NOT_ALONE.contains(&name.as_str()))
        .partition(|(name, _)| PARTS.contains(&name.as_str()));
    let [asked, days, observe, samples] = <[_; 4]>::try_from(parts).unwrap();
    let mut metrics = files(&folder("sql/metrics"));
    metrics.push(samples);
    for (question, wanted) in [days, observe] {
        assert!(wanted.contains(METRIC), "{question}");
        for (metric, sql) in &metrics {
            let statement = format!("{}{}", asked.1, wanted.replace(METRIC, sql));
            statements.push((format!("{question} of {metric}"), statement));
        }
    }
    statements
}

#[tokio::test]
async fn no_statement_gives_a_column_that_a_host_cannot_read() {
    for version in test_versions() {
        let room = Monitoring::on(version, "carried").await;
        let client = room.database.connect().await.unwrap();
        let mut columns = 0;
        for (name, sql) in statements() {
            let prepared = client.prepare(&sql).await;
            let prepared = prepared.unwrap_or_else(|error| panic!("{name}: {error:?}"));
            for column in prepared.columns() {
                let of = column.type_();
                assert!(CARRIED.contains(of), "{name}: {} is {of}", column.name());
            }
            columns += prepared.columns().len();
        }
        assert!(columns > 300, "{columns}");
    }
}
