//! What the metrics make of the samples of a window, without a database.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};
use vitals::rule::Rule;

use crate::load::Sample;

/// What a sample adds to a value: how much, and of how much.
type Part = (f64, f64);

/// How the parts of a window become a value.
#[derive(Debug, Clone, Copy)]
enum Whole {
    /// All of the one in percent of all of the other; the other is the traffic.
    Percent,
    /// All of the one by all of the other; the other is the traffic.
    Mean,
    /// All of it per so many seconds; it is the traffic too.
    Per(f64),
    /// The greatest of it.
    Greatest,
    /// Its mean; the number of samples is the traffic.
    Average,
    /// The newest of it.
    Last,
}

/// One rule's view of the samples.
#[derive(Debug)]
pub(crate) struct Model {
    part: fn(&Sample) -> Part,
    whole: Whole,
    window_seconds: i64,
    parts: VecDeque<(DateTime<Utc>, Part)>,
}

impl Model {
    /// The model of the metric that a rule names, over its window.
    pub(crate) fn of(rule: &Rule) -> Model {
        let (part, whole): (fn(&Sample) -> Part, Whole) = match rule.rule_id() {
            "slow_statement" | "average_query_time" => (
                |sample| (sample.exec_us as f64 / 1000.0, sample.calls as f64),
                Whole::Mean,
            ),
            "slow_queries_per_minute" => (
                |sample| {
                    let is_slow = sample.exec_us > sample.calls * 500_000;
                    (if is_slow { sample.calls as f64 } else { 0.0 }, 1.0)
                },
                Whole::Per(60.0),
            ),
            "connection_use" => (|sample| (sample.connections as f64, 1.0), Whole::Greatest),
            "active_connections" => (|sample| (sample.active as f64, 1.0), Whole::Average),
            "blocked_sessions" => (|sample| (sample.waiting_on_lock as f64, 1.0), Whole::Average),
            "lock_wait" => (
                |sample| (sample.lock_wait_ms as f64 / 1000.0, 1.0),
                Whole::Greatest,
            ),
            "idle_in_transaction" => (
                |sample| (sample.idle_in_transaction_ms as f64 / 1000.0, 1.0),
                Whole::Greatest,
            ),
            "long_transaction" => (
                |sample| (sample.longest_transaction_ms as f64 / 1000.0, 1.0),
                Whole::Greatest,
            ),
            "rollbacks" => (
                |sample| {
                    (
                        sample.rollbacks as f64,
                        (sample.commits + sample.rollbacks) as f64,
                    )
                },
                Whole::Percent,
            ),
            "deadlocks" => (|sample| (sample.deadlocks as f64, 1.0), Whole::Per(60.0)),
            "cache_hit" => (
                |sample| {
                    (
                        sample.blocks_hit as f64,
                        (sample.blocks_hit + sample.blocks_read) as f64,
                    )
                },
                Whole::Percent,
            ),
            "temp_files" => (|sample| (sample.temp_bytes as f64, 1.0), Whole::Per(1.0)),
            "replication_lag" => (|sample| (sample.lag_ms as f64, 1.0), Whole::Last),
            other => panic!("there is no model of {other}"),
        };
        Model {
            part,
            whole,
            window_seconds: rule.definition().window_seconds,
            parts: VecDeque::new(),
        }
    }

    /// The value at the moment of a sample, and the traffic behind it.
    pub(crate) fn see(&mut self, sample: &Sample) -> (Option<f64>, i64) {
        self.parts.push_back((sample.at, (self.part)(sample)));
        let window = chrono::Duration::seconds(self.window_seconds);
        while self
            .parts
            .front()
            .is_some_and(|(at, _)| *at <= sample.at - window)
        {
            self.parts.pop_front();
        }
        let sum = |part: fn(&Part) -> f64| self.parts.iter().map(|(_, of)| part(of)).sum::<f64>();
        let (much, of) = (sum(|part| part.0), sum(|part| part.1));
        let samples = self.parts.len();
        let (value, traffic) = match self.whole {
            Whole::Percent => (100.0 * much / of, of),
            Whole::Mean => (much / of, of),
            Whole::Per(seconds) => (much * seconds / self.window_seconds as f64, much),
            Whole::Greatest => (
                self.parts.iter().map(|(_, part)| part.0).fold(0.0, f64::max),
                samples as f64,
            ),
            Whole::Average => (much / samples as f64, samples as f64),
            Whole::Last => (self.parts.back().map_or(0.0, |(_, part)| part.0), samples as f64),
        };
        (Some(value), traffic as i64)
    }
}
