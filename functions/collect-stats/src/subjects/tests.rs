use std::time::Duration;

use db::{Rows, Value};
use store::collectors::{Collector, Column, ColumnKind, Keeps, Look, Scope, TargetKind};
use store::samples::{LastReading, Sample};
use store::snapshots::Stored;

use super::compare::Comparison;
use super::rows::Table;

const COLUMNS: [(&str, ColumnKind); 6] = [
    ("schema", ColumnKind::Key),
    ("table", ColumnKind::Key),
    ("state", ColumnKind::Text),
    ("statement", ColumnKind::Statement),
    ("scans", ColumnKind::Counter),
    ("size_bytes", ColumnKind::Gauge),
];

fn collector(keeps: Keeps) -> &'static Collector {
    let columns: Vec<Column> = COLUMNS
        .iter()
        .map(|(name, kind)| Column { name, kind: *kind })
        .collect();
    Box::leak(Box::new(Collector {
        name: "tables",
        reads: "",
        target: TargetKind::Postgres,
        scope: Scope::Database,
        keeps,
        interval: Some(Duration::from_secs(60)),
        percentiles: &[],
        columns: Box::leak(columns.into_boxed_slice()),
        variants: &[],
    }))
}

fn look(seconds: i64) -> Look {
    let at = |seconds| chrono::DateTime::from_timestamp(seconds, 0).unwrap();
    let row = [
        Value::Int(180_000),
        Value::Timestamp(at(1)),
        Value::Bool(false),
        Value::Timestamp(at(seconds)),
        Value::TextArray(Vec::new()),
        Value::Json(serde_json::json!([])),
        Value::TextArray(Vec::new()),
    ];
    let columns = [
        "server_version",
        "started_at",
        "in_recovery",
        "at",
        "columns",
        "extensions",
        "roles",
    ];
    let rows = Rows::new(columns.map(str::to_owned).to_vec(), vec![row.to_vec()]);
    Look::read(rows.one().unwrap()).unwrap()
}

/// A row of the table: name, state, scans, size.
type Line<'a> = (&'a str, &'a str, Option<i64>, Option<i64>);

fn table(seconds: i64, lines: &[Line<'_>]) -> Table {
    let rows = lines.iter().map(|(name, state, scans, size)| {
        let statement = "select * from patients where name = 'Erika'";
        vec![
            "a/b".into(),
            (*name).into(),
            (*state).into(),
            statement.into(),
            (*scans).into(),
            (*size).into(),
        ]
    });
    let columns = COLUMNS.map(|(name, _)| name.to_owned()).to_vec();
    Table::read(
        collector(Keeps::All),
        &Rows::new(columns, rows.collect()),
        &look(seconds),
    )
    .unwrap()
}

fn last(table: &Table) -> LastReading {
    LastReading {
        stored: Stored {
            version: 1,
            snapshot: table.snapshot.clone(),
        },
        gauge_columns: table
            .gauge_columns
            .iter()
            .map(|name| (*name).to_owned())
            .collect(),
        gauges: table.gauges.clone(),
        fingerprints: table.fingerprints.clone(),
    }
}

fn samples(keeps: Keeps, before: Option<&Table>, now: &Table) -> Vec<Sample> {
    let last = before.map(last);
    let comparison = Comparison::new(collector(keeps), now, last.as_ref()).unwrap();
    comparison.samples(&[
        "size_bytes".to_owned(),
        "gone_column".to_owned(),
        "scans".to_owned(),
    ])
}

fn sample(name: &str, size: Option<i64>, scans: Option<i64>) -> Sample {
    Sample {
        key: format!("a\\/b/{name}"),
        values: vec![size, None, scans],
    }
}

#[test]
fn the_first_reading_knows_gauges_and_no_counters() {
    let now = table(100, &[("t", "", Some(5), Some(8192)), ("u", "", Some(5), None)]);
    assert_eq!(samples(Keeps::All, None, &now), [sample("t", Some(8192), None)]);
}

#[test]
fn counters_become_what_was_counted_and_stand_where_they_belong() {
    let before = table(100, &[("t", "", Some(5), Some(1)), ("u", "", Some(7), Some(1))]);
    let now = table(
        160,
        &[
            ("t", "", Some(9), Some(2)),
            ("u", "", Some(3), Some(1)),
            ("v", "", Some(1), Some(1)),
        ],
    );
    let expected = [
        sample("t", Some(2), Some(4)),
        // Its counters went back, and of a new one nobody knows since when it counts.
        sample("u", Some(1), None),
        sample("v", Some(1), None),
    ];
    assert_eq!(samples(Keeps::All, Some(&before), &now), expected);
}

#[test]
fn a_counter_that_is_null_has_no_value_and_no_spike_when_it_comes() {
    let before = table(100, &[("t", "", None, Some(1)), ("u", "", Some(7), Some(1))]);
    let now = table(160, &[("t", "", Some(900), Some(1)), ("u", "", Some(8), Some(1))]);
    let expected = [sample("t", Some(1), None), sample("u", Some(1), Some(1))];
    assert_eq!(samples(Keeps::All, Some(&before), &now), expected);
}

#[test]
fn what_did_not_change_is_left_out_but_once_a_day() {
    let before = table(
        100,
        &[
            ("t", "", Some(5), Some(1)),
            ("u", "", Some(7), Some(1)),
            ("v", "", Some(1), None),
        ],
    );
    let lines = [
        ("t", "", Some(5), Some(1)),
        ("u", "", Some(8), Some(1)),
        ("v", "", Some(1), Some(2)),
    ];
    let changed = [sample("u", Some(1), Some(1)), sample("v", Some(2), Some(0))];
    assert_eq!(
        samples(Keeps::Changes, Some(&before), &table(160, &lines)),
        changed
    );
    assert_eq!(
        samples(Keeps::Changes, Some(&before), &table(100_000, &lines)).len(),
        3
    );
}

#[test]
fn only_new_names_and_texts_are_described_and_what_is_gone_is_named() {
    let before = table(100, &[("t", "idle", Some(5), None), ("u", "idle", Some(7), None)]);
    let now = table(
        160,
        &[("t", "active", Some(5), None), ("v", "idle", Some(7), None)],
    );
    let last = last(&before);
    let comparison = Comparison::new(collector(Keeps::All), &now, Some(&last)).unwrap();
    let described = comparison.described();
    let keys: Vec<&str> = described.iter().map(|one| one.key.as_str()).collect();
    assert_eq!(keys, ["a\\/b/t", "a\\/b/v"]);
    assert_eq!(described[0].labels, r#"{"schema":"a/b","table":"t"}"#);
    // Literals never get past this door.
    assert_eq!(
        described[0].texts,
        r#"{"state":"active","statement":"select * from patients where name = ?"}"#
    );
    assert_eq!(comparison.gone(), ["a\\/b/u"]);
}
