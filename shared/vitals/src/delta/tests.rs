use std::collections::BTreeMap;

use chrono::TimeDelta;
use proptest::prelude::*;

use super::*;

fn at(milliseconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::milliseconds(milliseconds)
}

fn snapshot(milliseconds: i64, epoch: &str, columns: &[&str], rows: &[(&str, &[i64])]) -> Snapshot {
    let columns = columns.iter().map(|column| (*column).to_owned()).collect();
    let keys = rows.iter().map(|(key, _)| (*key).to_owned()).collect();
    let counters = rows
        .iter()
        .flat_map(|(_, counters)| counters.iter().copied())
        .collect();
    Snapshot::new(at(milliseconds), epoch, columns, keys, counters).unwrap()
}

fn rows(deltas: &Deltas) -> Vec<(&str, &[i64])> {
    deltas
        .rows
        .iter()
        .map(|row| (row.key.as_str(), row.values.as_slice()))
        .collect()
}

#[test]
fn what_grew_is_returned_and_what_did_not_is_left_out() {
    let before = snapshot(
        0,
        "e",
        &["calls", "rows"],
        &[("a", &[1, 10]), ("b", &[5, 5]), ("gone", &[9, 9])],
    );
    let now = snapshot(
        15_000,
        "e",
        &["calls", "rows"],
        &[("b", &[5, 5]), ("a", &[3, 10])],
    );
    let deltas = between(Some(&before), &now, NewRows::Count);
    assert_eq!(deltas.measured(), Some(Duration::from_secs(15)));
    assert_eq!(rows(&deltas), [("a", [2, 0].as_slice())]);
}

#[test]
fn a_gap_has_a_reason_and_no_rows() {
    let before = snapshot(10, "e", &["calls"], &[("a", &[1])]);
    let gap = |previous: Option<&Snapshot>, now: Snapshot| {
        let deltas = between(previous, &now, NewRows::Count);
        assert!(deltas.rows.is_empty() && deltas.measured().is_none());
        deltas.interval
    };
    let row: &[(&str, &[i64])] = &[("a", &[5])];
    assert_eq!(
        gap(None, snapshot(20, "e", &["calls"], row)),
        Interval::Gap(Gap::First)
    );
    assert_eq!(
        gap(Some(&before), snapshot(20, "f", &["calls"], row)),
        Interval::Gap(Gap::Epoch)
    );
    assert_eq!(
        gap(Some(&before), snapshot(10, "e", &["calls"], row)),
        Interval::Gap(Gap::Clock)
    );
    assert_eq!(
        gap(Some(&before), snapshot(5, "e", &["calls"], row)),
        Interval::Gap(Gap::Clock)
    );
    assert_eq!(
        gap(Some(&before), snapshot(20, "e", &["rows"], row)),
        Interval::Gap(Gap::Columns)
    );
}

#[test]
fn one_counter_that_went_back_silences_its_row() {
    let before = snapshot(0, "e", &["calls", "rows"], &[("a", &[4, 100]), ("b", &[1, 1])]);
    let now = snapshot(1, "e", &["calls", "rows"], &[("a", &[9, 99]), ("b", &[2, 1])]);
    let deltas = between(Some(&before), &now, NewRows::Count);
    assert_eq!(rows(&deltas), [("b", [1, 0].as_slice())]);
    assert_eq!(deltas.resets, 1);
}

#[test]
fn a_new_row_counts_if_it_must_be_new() {
    let before = snapshot(0, "e", &["calls"], &[]);
    let now = snapshot(1, "e", &["calls"], &[("a", &[4])]);
    assert_eq!(
        rows(&between(Some(&before), &now, NewRows::Count)),
        [("a", [4].as_slice())]
    );
    let skipped = between(Some(&before), &now, NewRows::Skip);
    assert_eq!((skipped.rows.len(), skipped.unknown), (0, 1));
}

#[test]
fn a_row_that_tells_its_beginning_is_believed() {
    let (old, new) = (at(-5).timestamp_micros(), at(5).timestamp_micros());
    let before = snapshot(0, "e", &["calls", SINCE_COLUMN], &[("a", &[4, old])]);
    let now = snapshot(
        10,
        "e",
        &["calls", SINCE_COLUMN],
        &[("a", &[6, new]), ("b", &[3, new]), ("c", &[2, old])],
    );
    let deltas = between(Some(&before), &now, NewRows::Skip);
    assert_eq!(deltas.columns, ["calls"]);
    assert_eq!(rows(&deltas), [("a", [6].as_slice()), ("b", [3].as_slice())]);
    assert_eq!(
        deltas.unknown, 1,
        "c is older than the reading that did not have it"
    );
}

#[test]
fn columns_are_matched_by_name() {
    let before = snapshot(0, "e", &["calls", "old", "rows"], &[("a", &[1, 7, 10])]);
    let now = snapshot(1, "e", &["rows", "new", "calls"], &[("a", &[15, 100, 2])]);
    let deltas = between(Some(&before), &now, NewRows::Count);
    assert_eq!(deltas.columns, ["rows", "calls"]);
    assert_eq!(deltas.column("calls"), Some(1));
    assert_eq!(rows(&deltas), [("a", [5, 1].as_slice())]);
}

#[test]
fn counters_that_cannot_be_are_no_deltas() {
    let before = snapshot(
        0,
        "e",
        &["calls"],
        &[("a", &[-1]), ("b", &[i64::MIN]), ("c", &[0])],
    );
    let now = snapshot(
        1,
        "e",
        &["calls"],
        &[("a", &[1]), ("b", &[i64::MAX]), ("c", &[-1]), ("d", &[-1])],
    );
    let deltas = between(Some(&before), &now, NewRows::Count);
    assert_eq!((deltas.rows.len(), deltas.resets), (0, 4));
}

#[test]
fn a_snapshot_is_checked() {
    let text = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let new = |columns: &[&str], keys: &[&str], counters: &[i64]| {
        Snapshot::new(at(0), "e", text(columns), text(keys), counters.to_vec())
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        new(&["calls"], &["a", "b"], &[1]),
        "cannot use snapshot: 2 rows of 1 columns make no 1 counters"
    );
    assert_eq!(
        new(&["calls"], &["a", "a"], &[1, 1]),
        "cannot use snapshot: row a appears twice"
    );
    assert_eq!(
        new(&["calls", "calls"], &["a"], &[1, 1]),
        "cannot use snapshot: column calls appears twice"
    );
}

/// Something that happens to a server or to one of two collectors that watch it.
#[derive(Clone, Debug)]
enum Happening {
    Count {
        key: u8,
        calls: i64,
        rows: i64,
    },
    Evict {
        key: u8,
    },
    ResetSilently,
    Restart {
        keeps_counters: bool,
    },
    ClockBack {
        milliseconds: i64,
    },
    /// A collector loads what is stored and reads the server, with a `taken_at` that is a little early.
    Read {
        collector: usize,
        early: i64,
    },
    /// The same collector stores what it read, if nobody else did in between.
    Store {
        collector: usize,
    },
}

fn happening(losses: bool, clock: bool) -> impl Strategy<Value = Happening> {
    let losing = u32::from(losses);
    prop_oneof![
        20 => (0u8..4, 1i64..100, 0i64..100).prop_map(|(key, calls, rows)| Happening::Count { key, calls, rows }),
        2 * losing => (0u8..4).prop_map(|key| Happening::Evict { key }),
        losing => Just(Happening::ResetSilently),
        losing => any::<bool>().prop_map(|keeps_counters| Happening::Restart { keeps_counters }),
        u32::from(clock) => (1i64..30).prop_map(|milliseconds| Happening::ClockBack { milliseconds }),
        6 => (0usize..2, 0i64..3).prop_map(|(collector, early)| Happening::Read { collector, early }),
        6 => (0usize..2).prop_map(|collector| Happening::Store { collector }),
    ]
}

/// The counters of one key between two of its resets.
#[derive(Clone)]
struct Life {
    number: usize,
    since: i64,
    calls: i64,
    rows: i64,
}

struct Reading {
    version: Option<usize>,
    previous: Option<Snapshot>,
    snapshot: Snapshot,
    lives: Vec<Life>,
}

/// A server whose every count is known, the stored snapshot, and what is reckoned from it.
struct Model {
    tells_since: bool,
    now: i64,
    epoch: usize,
    lives: BTreeMap<u8, Life>,
    born: usize,
    true_calls: BTreeMap<String, i64>,
    stored: Option<(usize, Snapshot)>,
    readings: [Option<Reading>; 2],
    /// The calls of each life as of the last stored reading.
    seen: BTreeMap<usize, i64>,
    counted_calls: BTreeMap<String, i64>,
    countable_calls: i64,
}

impl Model {
    fn new(tells_since: bool) -> Self {
        Self {
            tells_since,
            now: 0,
            epoch: 0,
            lives: BTreeMap::new(),
            born: 0,
            true_calls: BTreeMap::new(),
            stored: None,
            readings: [None, None],
            seen: BTreeMap::new(),
            counted_calls: BTreeMap::new(),
            countable_calls: 0,
        }
    }

    fn play(&mut self, happening: &Happening) -> Result<(), TestCaseError> {
        self.now += 1;
        match *happening {
            Happening::Count { key, calls, rows } => self.count(key, calls, rows),
            Happening::Evict { key } => drop(self.lives.remove(&key)),
            Happening::ResetSilently => self.lives.clear(),
            Happening::Restart { keeps_counters } => {
                self.epoch += 1;
                if !keeps_counters {
                    self.lives.clear();
                }
            }
            Happening::ClockBack { milliseconds } => self.now -= milliseconds,
            Happening::Read { collector, early } => self.readings[collector] = Some(self.read(early)),
            Happening::Store { collector } => {
                if let Some(reading) = self.readings[collector].take() {
                    self.store(reading)?;
                }
            }
        }
        Ok(())
    }

    fn count(&mut self, key: u8, calls: i64, rows: i64) {
        let (born, since) = (&mut self.born, at(self.now).timestamp_micros());
        let life = self.lives.entry(key).or_insert_with(|| {
            *born += 1;
            Life {
                number: *born,
                since,
                calls: 0,
                rows: 0,
            }
        });
        life.calls += calls;
        life.rows += rows;
        *self.true_calls.entry(key.to_string()).or_default() += calls;
    }

    fn read(&self, early: i64) -> Reading {
        let columns = ["calls", "rows", SINCE_COLUMN].map(str::to_owned).to_vec();
        let keys = self.lives.keys().map(u8::to_string).collect();
        let cells = |life: &Life| {
            [
                life.calls,
                life.rows,
                if self.tells_since { life.since } else { 0 },
            ]
        };
        let counters = self.lives.values().flat_map(cells).collect();
        Reading {
            version: self.stored.as_ref().map(|(version, _)| *version),
            previous: self.stored.as_ref().map(|(_, snapshot)| snapshot.clone()),
            snapshot: Snapshot::new(
                at(self.now - early),
                self.epoch.to_string(),
                columns,
                keys,
                counters,
            )
            .unwrap(),
            lives: self.lives.values().cloned().collect(),
        }
    }

    fn store(&mut self, reading: Reading) -> Result<(), TestCaseError> {
        let version = self.stored.as_ref().map(|(version, _)| *version);
        if version != reading.version {
            return Ok(());
        }
        let deltas = between(reading.previous.as_ref(), &reading.snapshot, NewRows::Count);
        for row in &deltas.rows {
            prop_assert!(
                row.values.iter().all(|value| *value >= 0) && row.values.iter().any(|value| *value > 0)
            );
            *self.counted_calls.entry(row.key.clone()).or_default() += row.values[0];
        }
        for life in reading.lives {
            let before = self.seen.insert(life.number, life.calls).unwrap_or_default();
            if deltas.measured().is_some() {
                self.countable_calls += life.calls - before;
            }
        }
        self.stored = Some((version.unwrap_or_default() + 1, reading.snapshot));
        Ok(())
    }

    fn nothing_was_counted_twice(&self) -> Result<(), TestCaseError> {
        for (key, counted) in &self.counted_calls {
            prop_assert!(
                counted <= &self.true_calls[key],
                "{key}: {counted} of {}",
                self.true_calls[key]
            );
        }
        Ok(())
    }

    fn counted(&self) -> i64 {
        self.counted_calls.values().sum()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn whatever_happens_nothing_is_counted_twice(
        tells_since: bool,
        happenings in prop::collection::vec(happening(true, true), 1..150),
    ) {
        let mut model = Model::new(tells_since);
        for happening in &happenings {
            model.play(happening)?;
            model.nothing_was_counted_twice()?;
        }
    }

    #[test]
    fn without_losses_everything_is_counted(
        tells_since: bool,
        happenings in prop::collection::vec(happening(false, false), 1..150),
    ) {
        let mut model = Model::new(tells_since);
        for happening in &happenings {
            model.play(happening)?;
        }
        prop_assert_eq!(model.counted(), model.countable_calls);
    }

    /// With the beginnings of rows known, all that is lost is what no reading ever saw.
    #[test]
    fn with_known_beginnings_everything_that_was_seen_is_counted(
        happenings in prop::collection::vec(happening(true, false), 1..150),
    ) {
        let mut model = Model::new(true);
        for happening in &happenings {
            model.play(happening)?;
        }
        prop_assert_eq!(model.counted(), model.countable_calls);
    }
}
