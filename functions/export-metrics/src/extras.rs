//! What the exporter makes of several numbers, or of names: not a column under another name.

use std::collections::BTreeMap;

use vitals::exposition::Kind;
use vitals::setting::Setting;

use crate::families::{BACKEND_SYNCS, BACKEND_WRITES, pgbouncer};
use crate::page::Page;
use crate::readings::Reading;

/// The states that `postgres_exporter` tells of every database, whether somebody is in them or not.
const STATES: [&str; 6] = [
    "active",
    "idle",
    "idle in transaction",
    "idle in transaction (aborted)",
    "fastpath function call",
    "disabled",
];

/// Names of the exporter that `promtool check metrics` refuses whatever their type is: a clean page is worth more.
const REFUSED_BY_PROMTOOL: [&str; 1] = ["pg_settings_wal_summary_keep_time_seconds"];

/// Adds what is made of a reading beside its columns, `all` being what else was read. `now` is the time of the page in
/// seconds since 1970.
pub(crate) fn expose(page: &mut Page, reading: &Reading, all: &[Reading], now: f64) {
    match reading.shown.collector.as_str() {
        "settings" => settings(page, reading),
        "connections" => connections(page, reading),
        "archiver" => archiver(page, reading, now),
        "io" if !tells_backend_writes(all, reading) => backend_writes(page, reading),
        "pgbouncer_pools" => longest_wait(page, reading),
        "pgbouncer_lists" => lists(page, reading),
        "pgbouncer_config" => limits(page, reading),
        _ => {}
    }
    let target = reading.shown.target.as_str();
    let labels = [
        ("target", target),
        ("collector", reading.shown.collector.as_str()),
    ];
    page.gauge(
        "pgvitals_reading_age_seconds",
        "How long ago what is shown of a collector was read.",
        &labels,
        reading.shown.age_seconds,
    );
    if let Some(others) = reading.others() {
        page.gauge(
            "pgvitals_other_subjects",
            "How many subjects of a collector are not shown by name but together, as other.",
            &labels,
            others as f64,
        );
    }
}

fn settings(page: &mut Page, reading: &Reading) {
    for row in &reading.rows {
        let name = row.name("setting").unwrap_or_default();
        let setting = Setting {
            name,
            kind: row.name("kind").unwrap_or_default(),
            unit: row.name("unit").unwrap_or_default(),
            value: row.name("value").unwrap_or_default(),
        };
        let metric = setting
            .metric()
            .filter(|metric| !REFUSED_BY_PROMTOOL.contains(&metric.name.as_str()));
        if let Some(metric) = metric {
            let help = format!("Server parameter {name}.");
            let labels: &[(&str, &str)] = &[("target", &reading.shown.target)];
            // A gauge may not end as the number of observations of a histogram does (tcp_keepalives_count).
            let kind = if metric.name.ends_with("_count") {
                Kind::Untyped
            } else {
                Kind::Gauge
            };
            page.add_all(&metric.name, kind, &help, &[(labels, metric.value)]);
        }
    }
}

/// Every database has all states, so that a state nobody is in is a zero and not a gap.
fn connections(page: &mut Page, reading: &Reading) {
    let mut states: BTreeMap<(&str, &str), bool> = BTreeMap::new();
    let mut series = Vec::new();
    for row in &reading.rows {
        let name = |name| row.name(name).unwrap_or_default();
        let database = if row.is_other() { "other" } else { name("database") };
        let labels = [
            ("target", reading.shown.target.as_str()),
            ("datname", database),
            ("state", name("state")),
            ("usename", name("user_name")),
            ("application_name", name("application")),
            ("backend_type", name("backend_type")),
        ];
        let sessions = reading.column(row, "sessions").unwrap_or_default();
        let oldest = reading
            .column(row, "oldest_transaction_ms")
            .filter(|_| row.is_one());
        series.push((labels, sessions, oldest.unwrap_or_default() / 1e3));
        if row.is_one() && !database.is_empty() {
            for state in STATES {
                states.entry((database, state)).or_default();
            }
            states.insert((database, name("state")), true);
        }
    }
    let nobody = states.iter().filter(|(_, somebody)| !**somebody);
    series.extend(nobody.map(|((database, state), _)| {
        let target = reading.shown.target.as_str();
        let labels = [("target", target), ("datname", *database), ("state", *state)];
        let none = [("usename", ""), ("application_name", ""), ("backend_type", "")];
        let [a, b, c] = labels;
        let [d, e, f] = none;
        ([a, b, c, d, e, f], 0.0, 0.0)
    }));
    let counts: Vec<(&[(&str, &str)], f64)> = series
        .iter()
        .map(|(labels, count, _)| (&labels[..], *count))
        .collect();
    page.add_all(
        "pg_stat_activity_count",
        Kind::Untyped,
        "Sessions by state.",
        &counts,
    );
    let ages: Vec<(&[(&str, &str)], f64)> = series
        .iter()
        .map(|(labels, _, age)| (&labels[..], *age))
        .collect();
    let help = "The age of the oldest transaction of sessions in a state, in seconds.";
    page.add_all("pg_stat_activity_max_tx_duration", Kind::Gauge, help, &ages);
}

fn archiver(page: &mut Page, reading: &Reading, now: f64) {
    for row in &reading.rows {
        let last = reading.column(row, "last_archived_at_seconds");
        page.gauge(
            "pg_stat_archiver_last_archive_age",
            "How long ago a segment was last archived, in seconds; not a number if never.",
            &[("target", &reading.shown.target)],
            last.map_or(f64::NAN, |last| (now - last).max(0.0)),
        );
    }
}

/// Whether the background writer's view of the same target has what sessions wrote themselves.
fn tells_backend_writes(all: &[Reading], io: &Reading) -> bool {
    all.iter().any(|reading| {
        reading.shown.target_id == io.shown.target_id
            && reading.shown.collector == "background_writer"
            && reading.place("buffers_backend").is_some()
    })
}

/// From PostgreSQL 17 on the background writer's view does not tell what sessions wrote themselves; `pg_stat_io` does, in
/// writes and extensions, each of a block or, from 18 on, of several. Both were counted before.
fn backend_writes(page: &mut Page, reading: &Reading) {
    let of_sessions = reading.rows.iter().filter(|row| {
        let writer = row.name("backend_type").unwrap_or_default();
        !row.is_other()
            && !["background writer", "checkpointer"].contains(&writer)
            && row.name("object") == Some("relation")
    });
    let (mut writes, mut syncs) = (0.0, 0.0);
    for row in of_sessions {
        let number = |column| reading.column(row, column).unwrap_or_default();
        writes += number("writes") + number("extends");
        syncs += number("fsyncs");
    }
    for ((name, help), value) in [(BACKEND_WRITES, writes), (BACKEND_SYNCS, syncs)] {
        let labels: &[(&str, &str)] = &[("target", &reading.shown.target)];
        page.add_all(name, Kind::Counter, help, &[(labels, value)]);
        let alias = name.strip_suffix("_total").unwrap_or(name);
        page.add_all(alias, Kind::Untyped, help, &[(labels, value)]);
    }
}

/// PgBouncer tells the longest wait in two columns: whole seconds, and the microseconds below one.
fn longest_wait(page: &mut Page, reading: &Reading) {
    for row in reading.rows.iter().filter(|row| row.is_one()) {
        let Some(seconds) = reading.column(row, "maxwait") else {
            continue;
        };
        let below = reading.column(row, "maxwait_us").unwrap_or_default() / 1e6;
        page.gauge(
            "pgbouncer_pools_client_maxwait_seconds",
            "How long the client waits that has waited longest, in seconds.",
            &[
                ("target", &reading.shown.target),
                ("database", row.name("database").unwrap_or_default()),
                ("user", row.name("user").unwrap_or_default()),
            ],
            seconds + below,
        );
    }
}

fn lists(page: &mut Page, reading: &Reading) {
    for row in reading.rows.iter().filter(|row| row.is_one()) {
        let (Some(list), Some(items)) = (row.name("list"), reading.column(row, "items")) else {
            continue;
        };
        let known = pgbouncer::LISTS.iter().find(|(name, _)| *name == list);
        let name = known.map_or(list, |(_, name)| name);
        page.gauge(
            &format!("pgbouncer_{name}"),
            &format!("SHOW LISTS: {list}."),
            &[("target", &reading.shown.target)],
            items,
        );
    }
}

fn limits(page: &mut Page, reading: &Reading) {
    for (setting, name, help) in pgbouncer::SETTINGS {
        let mut rows = reading.rows.iter();
        let row = rows.find(|row| row.name("key") == Some(setting));
        let Some(limit) = row.and_then(|row| row.name("value")?.parse().ok()) else {
            continue;
        };
        page.gauge(
            &format!("pgbouncer_config_{name}"),
            help,
            &[("target", &reading.shown.target)],
            limit,
        );
    }
}
