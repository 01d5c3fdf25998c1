//! The collectors of this release in the monitoring database, and views that give their samples and roll-ups by name.

use std::fmt::Write as _;

use db::{Client, DbError, Row};
use serde::Serialize;

use super::{ALL, Collector, ColumnKind, Keeps};
use crate::migrations::run_script;

#[derive(Serialize)]
struct Registration {
    collector: &'static str,
    reads: &'static str,
    scope: &'static str,
    keeps: &'static str,
    interval_seconds: Option<u64>,
    labels: Vec<&'static str>,
    texts: Vec<&'static str>,
    columns: Vec<&'static str>,
    kinds: Vec<&'static str>,
    percentiles: &'static [&'static str],
    target_kind: &'static str,
}

impl From<&Collector> for Registration {
    fn from(collector: &Collector) -> Registration {
        let own = collector.keeps == Keeps::Own;
        let of = |kinds| {
            let names = collector.columns_of(kinds);
            names.filter(|_| !own).collect::<Vec<_>>()
        };
        let columns = of(&[ColumnKind::Counter, ColumnKind::Gauge]);
        let kind = |name: &&'static str| {
            let counters = collector.columns_of(&[ColumnKind::Counter]).collect::<Vec<_>>();
            if counters.contains(name) {
                "counter"
            } else {
                "gauge"
            }
        };
        Registration {
            collector: collector.name,
            reads: collector.reads,
            scope: collector.scope.as_str(),
            keeps: collector.keeps.as_str(),
            interval_seconds: collector.interval.map(|interval| interval.as_secs()),
            labels: of(&[ColumnKind::Key, ColumnKind::Label]),
            texts: of(&[
                ColumnKind::Text,
                ColumnKind::Statement,
                ColumnKind::Expression,
                ColumnKind::Setting,
            ]),
            kinds: columns.iter().map(kind).collect(),
            columns,
            percentiles: collector.percentiles,
            target_kind: collector.target.as_str(),
        }
    }
}

/// Writes the collectors of this release, and makes the views `NAME_history`, `NAME_hourly`, `NAME_daily` and `NAME_now` of
/// each that stores samples. Part of every migration.
///
/// # Errors
///
/// What the server or the connection said.
pub async fn register(client: &impl Client) -> Result<(), DbError> {
    let registrations: Vec<Registration> = ALL.iter().map(Registration::from).collect();
    client
        .execute(
            include_str!("../../sql/collectors/register.sql"),
            &[crate::json::encode(&registrations)?.into()],
        )
        .await?;
    let rows = client
        .query(include_str!("../../sql/collectors/registered.sql"), &[])
        .await?;
    let mut script = String::from("-- The views over the samples of each collector.\n");
    for row in &rows {
        let registered = Registered::read(row)?;
        let views = [
            ("history", registered.history()),
            ("hourly", registered.rolled_up("samples_hourly")),
            ("daily", registered.rolled_up("samples_daily")),
            ("now", registered.now()),
        ];
        for (suffix, select) in views {
            let name = format!("monitoring.{}_{suffix}", registered.collector);
            script.push_str(&replace_view(&name, &select));
        }
    }
    run_script(client, &script).await
}

/// A view whose columns changed other than at its end has to be dropped before it can be made again.
fn replace_view(name: &str, select: &str) -> String {
    format!(
        "do $view$ begin\n\
         create or replace view {name} as {select};\n\
         exception when invalid_table_definition then\n\
         drop view {name};\n\
         create view {name} as {select};\n\
         end $view$;\n"
    )
}

/// A collector as the monitoring database knows it.
struct Registered {
    collector_id: i64,
    collector: String,
    labels: Vec<String>,
    texts: Vec<String>,
    columns: Vec<String>,
    kinds: Vec<String>,
}

impl Registered {
    fn read(row: &Row) -> Result<Registered, DbError> {
        Ok(Registered {
            collector_id: row.get("collector_id")?,
            collector: row.get("collector")?,
            labels: row.get("labels")?,
            texts: row.get("texts")?,
            columns: row.get("columns")?,
            kinds: row.get("kinds")?,
        })
    }

    /// The names of a subject, one column each. All names passed the check of the headers: they need no quotes but those
    /// that keep them apart from the words of SQL.
    fn names(&self) -> String {
        let mut columns = String::from("t.name as target");
        for (place, names) in [("labels", &self.labels), ("texts", &self.texts)] {
            for name in names {
                let _ = write!(columns, ", s.{place} ->> '{name}' as \"{name}\"");
            }
        }
        columns
    }

    /// Every sample.
    fn history(&self) -> String {
        let mut select = format!("select {}, sample.sampled_at, sample.interval_ms", self.names());
        for (position, name) in (1..).zip(&self.columns) {
            let _ = write!(select, ", sample.\"values\"[{position}] as \"{name}\"");
        }
        let _ = write!(
            select,
            " from monitoring.subjects as s join monitoring.targets as t using (target_id) \
             join monitoring.samples as sample using (subject_id) where s.collector_id = {}",
            self.collector_id
        );
        select
    }

    /// Every row of a roll-up: of a counter what was counted, of a gauge its mean, extremes and last value.
    fn rolled_up(&self, table: &str) -> String {
        let mut select = format!(
            "select {}, rolled.starts_at, rolled.samples, rolled.measured_ms",
            self.names()
        );
        for (position, (name, kind)) in (1..).zip(self.columns.iter().zip(&self.kinds)) {
            let _ = match kind.as_str() {
                "counter" => write!(select, ", rolled.sums[{position}]::int8 as \"{name}\""),
                _ => write!(
                    select,
                    ", (rolled.sums[{position}] / nullif(rolled.counts[{position}], 0))::float8 as \"{name}_mean\", \
                     rolled.minima[{position}] as \"{name}_min\", rolled.maxima[{position}] as \"{name}_max\", \
                     rolled.lasts[{position}] as \"{name}_last\""
                ),
            };
        }
        let _ = write!(
            select,
            ", rolled.histograms from monitoring.subjects as s join monitoring.targets as t using (target_id) \
             join monitoring.{table} as rolled using (subject_id) where s.collector_id = {}",
            self.collector_id
        );
        select
    }

    /// The last reading. The arrays are taken out of storage once for all rows, by the concatenation with nothing, and
    /// not once for every element.
    fn now(&self) -> String {
        let mut select = format!("select {}, reading.taken_at", self.names());
        for (name, kind) in self.columns.iter().zip(&self.kinds) {
            let (values, names) = match kind.as_str() {
                "counter" => ("counters", "counter_names"),
                _ => ("gauges", "gauge_names"),
            };
            let _ = write!(
                select,
                ", nullif(reading.{values}[(row.number - 1) * cardinality(reading.{names}) \
                 + array_position(reading.{names}, '{name}')], {}) as \"{name}\"",
                crate::samples::UNKNOWN_IN_SQL
            );
        }
        let _ = write!(
            select,
            " from (select last.target_id, last.taken_at, last.keys, last.columns as counter_names, \
             last.gauge_columns as gauge_names, last.counters || '{{}}'::int8[] as counters, \
             last.gauges || '{{}}'::int8[] as gauges from monitoring.counter_snapshots as last \
             where last.collector = '{}' offset 0) as reading \
             join monitoring.targets as t using (target_id) \
             cross join lateral unnest(reading.keys) with ordinality as row (key, number) \
             join monitoring.subjects as s on s.target_id = reading.target_id and s.collector_id = {} \
             and s.subject_key = row.key",
            self.collector, self.collector_id
        );
        select
    }
}
