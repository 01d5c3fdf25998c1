//! The load of a server as it goes on for weeks: busy by day, quiet at night and at weekends, never twice the same, with
//! deployments of a minute; and, where a breach is planned, with a breach.

use chrono::{DateTime, Datelike, Duration, Timelike, Utc, Weekday};

/// Seconds between two samples.
pub(crate) const EVERY: i64 = 15;

/// What a collection finds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sample {
    pub(crate) at: DateTime<Utc>,
    pub(crate) calls: i64,
    pub(crate) exec_us: i64,
    pub(crate) connections: i64,
    pub(crate) active: i64,
    pub(crate) waiting_on_lock: i64,
    pub(crate) lock_wait_ms: i64,
    pub(crate) longest_transaction_ms: i64,
    pub(crate) idle_in_transaction_ms: i64,
    pub(crate) commits: i64,
    pub(crate) rollbacks: i64,
    pub(crate) deadlocks: i64,
    pub(crate) blocks_hit: i64,
    pub(crate) blocks_read: i64,
    pub(crate) temp_bytes: i64,
    pub(crate) lag_ms: i64,
}

/// What is usual for a server, at its busiest hour.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Profile {
    pub(crate) statement_ms: f64,
    /// Of a hundred that it allows.
    pub(crate) connections: f64,
    pub(crate) active: f64,
    /// The share of blocks that are not in memory.
    pub(crate) missed: f64,
    pub(crate) lag_ms: f64,
}

/// Something that goes wrong for a while, which one rule is there to find.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Breach {
    pub(crate) rule_id: &'static str,
    pub(crate) begins: DateTime<Utc>,
    pub(crate) lasts: Duration,
}

impl Breach {
    pub(crate) fn is_on(&self, at: DateTime<Utc>) -> bool {
        self.begins <= at && at < self.begins + self.lasts
    }

    /// Makes a sample what it would be.
    fn spoil(&self, sample: &mut Sample) {
        match self.rule_id {
            "slow_statement" => sample.exec_us *= 6,
            "average_query_time" => sample.exec_us *= 60,
            // What is slow is tried again.
            "slow_queries_per_minute" => {
                sample.calls *= 5;
                sample.exec_us *= 300;
            }
            "connection_use" => sample.connections = 99,
            "active_connections" => sample.active += 300,
            "blocked_sessions" => sample.waiting_on_lock = 60,
            "lock_wait" => sample.lock_wait_ms = 400_000,
            "idle_in_transaction" => sample.idle_in_transaction_ms = 1_200_000,
            "long_transaction" => sample.longest_transaction_ms = 14_400_000,
            "rollbacks" => sample.rollbacks = sample.commits,
            "deadlocks" => sample.deadlocks = 4,
            "cache_hit" => {
                sample.blocks_read = sample.blocks_hit;
            }
            "temp_files" => sample.temp_bytes = EVERY * 300_000_000,
            "replication_lag" => sample.lag_ms = 700_000,
            other => panic!("nobody knows how to breach {other}"),
        }
    }
}

/// Random numbers that are the same for the same seed (SplitMix64, Steele, Lea and Flood 2014).
#[derive(Debug, Clone)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A factor about 1 whose logarithm is normally distributed (Box and Muller).
    fn noise(&mut self, sigma: f64) -> f64 {
        let (radius, angle) = (self.uniform().max(1e-12), self.uniform());
        let normal = (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos();
        (sigma * normal).exp()
    }
}

/// The samples of a span of time.
pub(crate) struct Load<'a> {
    pub(crate) profile: Profile,
    pub(crate) breaches: &'a [Breach],
    pub(crate) random: Random,
    pub(crate) next: DateTime<Utc>,
    pub(crate) ends: DateTime<Utc>,
}

impl Iterator for Load<'_> {
    type Item = Sample;

    fn next(&mut self) -> Option<Sample> {
        if self.next >= self.ends {
            return None;
        }
        self.next += Duration::seconds(EVERY);
        Some(self.sample(self.next))
    }
}

impl Load<'_> {
    fn sample(&mut self, at: DateTime<Utc>) -> Sample {
        let Profile {
            statement_ms,
            connections,
            active,
            missed,
            lag_ms,
        } = self.profile;
        let rhythm = rhythm(at);
        let deployed = if is_deployment(at) { 1.0 } else { 0.0 };
        let random = &mut self.random;
        let busy = rhythm * random.noise(0.1);
        let calls = (60.0 * busy).ceil();
        let mean_ms = statement_ms * (0.7 + 0.3 * rhythm) * random.noise(0.12) * (1.0 + deployed);
        let accesses = 50_000.0 * busy;
        let missed = (missed * random.noise(0.15) * (1.0 + deployed)).min(1.0);
        let commits = 800.0 * busy;
        let nightly_report = at.hour() == 2 && at.minute() < 20;
        let mut sample = Sample {
            at,
            calls: calls as i64,
            exec_us: (calls * mean_ms * 1000.0) as i64,
            connections: (connections * (0.6 + 0.4 * rhythm) * random.noise(0.04) * (1.0 + 0.2 * deployed))
                .min(99.0) as i64,
            active: (active * busy * random.noise(0.25) * (1.0 + deployed)) as i64,
            waiting_on_lock: (2.0 * busy * random.uniform() * (1.0 + deployed)) as i64,
            lock_wait_ms: (3_000.0 * random.uniform() * (1.0 + 3.0 * deployed)) as i64,
            longest_transaction_ms: match nightly_report {
                true => i64::from(at.minute()) * 60_000,
                false => (20_000.0 * random.uniform()) as i64,
            },
            idle_in_transaction_ms: (8_000.0 * random.uniform()) as i64,
            commits: commits as i64,
            rollbacks: (commits * 0.02 * random.noise(0.3) * (1.0 + 2.0 * deployed)) as i64,
            deadlocks: i64::from(random.uniform() < 0.000_2),
            blocks_hit: (accesses * (1.0 - missed)) as i64,
            blocks_read: (accesses * missed) as i64,
            temp_bytes: (EVERY as f64 * 1_000_000.0 * random.noise(0.5)) as i64,
            lag_ms: (lag_ms * random.noise(0.5) * (1.0 + 4.0 * deployed)) as i64,
        };
        for breach in self.breaches.iter().filter(|breach| breach.is_on(at)) {
            breach.spoil(&mut sample);
        }
        sample
    }
}

/// How busy people are: 0.15 at night, 1 in the afternoon, less than half of it at weekends.
fn rhythm(at: DateTime<Utc>) -> f64 {
    let hour = f64::from(at.num_seconds_from_midnight()) / 3600.0;
    let day = 0.575 + 0.425 * (std::f64::consts::TAU * (hour - 9.0) / 24.0).sin();
    match at.weekday() {
        Weekday::Sat | Weekday::Sun => 0.4 * day,
        _ => day,
    }
}

/// Two deployments every working day, each a minute long.
fn is_deployment(at: DateTime<Utc>) -> bool {
    !matches!(at.weekday(), Weekday::Sat | Weekday::Sun) && matches!(at.hour(), 10 | 16) && at.minute() == 30
}
