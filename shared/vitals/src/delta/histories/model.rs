//! Servers whose every count is known, and what is reckoned from readings of them.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::Happening;
use crate::delta::tests::at;
use crate::delta::{
    DeltaRow, Deltas, Distribution, NewRows, SINCE_COLUMN, Snapshot, between, between_executions,
};

const EXECUTIONS: Distribution<'_> = Distribution {
    count: "calls",
    sum: "exec_us",
    squares: "squares",
    shortest: "shortest_us",
    longest: "longest_us",
};

/// What is counted, in the order of the values of a [`Life`]. Old servers do not count `rows`.
const COUNTERS: [&str; 4] = ["calls", "exec_us", "squares", "rows"];

/// The counters of one key between two losses.
#[derive(Clone, Debug)]
struct Life {
    number: usize,
    since: i64,
    values: [i64; 4],
    shortest: i64,
    longest: i64,
}

#[derive(Default)]
struct Server {
    epoch: usize,
    clock: i64,
    lives: BTreeMap<u8, Life>,
    /// Since when statements have their place that have not ended once.
    begun: BTreeMap<u8, i64>,
}

impl Server {
    /// What the clock says. However it is set, no two moments (numbered by `now`) are the same to the microsecond.
    fn since(&self, now: i64) -> i64 {
        at(now + self.clock).timestamp_micros() + now % 1_000
    }

    fn lose(&mut self) {
        self.lives.clear();
        self.begun.clear();
    }
}

/// Executions as they truly were.
struct Execution {
    server: usize,
    key: String,
    values: [i64; 4],
    each: i64,
}

#[derive(Clone)]
struct Stored {
    version: usize,
    reading: Reading,
}

#[derive(Clone)]
struct Reading {
    server: usize,
    snapshot: Snapshot,
    lives: BTreeMap<u8, Life>,
    /// How many executions there had been.
    executions: usize,
    /// What was stored when the reading was taken.
    previous: Option<Box<Stored>>,
}

/// Servers whose every count is known, the stored snapshot, and what is reckoned from it.
pub(super) struct Model {
    new_rows: NewRows,
    /// 0: no rows, 1: rows, 2: rows and beginnings.
    extension: u8,
    now: i64,
    servers: [Server; 2],
    active: usize,
    hidden: Vec<u8>,
    born: usize,
    executions: Vec<Execution>,
    stored: Option<Stored>,
    versions: usize,
    readings: [Option<Reading>; 2],
    counted: BTreeMap<String, [i64; 4]>,
    /// Whether deltas have to be exactly what was there to be seen.
    exact: bool,
    /// Whether the rows tell their shortest and longest execution.
    tells_extremes: bool,
}

impl Model {
    pub(super) fn new(extension: u8, new_rows: NewRows, exact: bool) -> Self {
        Self {
            new_rows,
            extension,
            now: 1_000,
            servers: Default::default(),
            active: 0,
            hidden: Vec::new(),
            born: 0,
            executions: Vec::new(),
            stored: None,
            versions: 0,
            readings: [None, None],
            counted: BTreeMap::new(),
            exact,
            tells_extremes: true,
        }
    }

    pub(super) fn of_plain_counters(self) -> Self {
        Self {
            tells_extremes: false,
            ..self
        }
    }

    pub(super) fn play(&mut self, history: &[Happening]) -> Result<(), TestCaseError> {
        for happening in history {
            self.now += 1;
            self.happen(happening)?;
            self.nothing_was_counted_twice()?;
        }
        Ok(())
    }

    fn happen(&mut self, happening: &Happening) -> Result<(), TestCaseError> {
        let now = self.now;
        let server = &mut self.servers[self.active];
        match *happening {
            Happening::Run {
                server,
                key,
                times,
                each,
                rows,
            } => self.run(server, key, [times, each, rows]),
            Happening::Begin { key } => {
                let since = server.since(now);
                if !server.lives.contains_key(&key) {
                    server.begun.entry(key).or_insert(since);
                }
            }
            Happening::Evict { key } => {
                server.lives.remove(&key);
                server.begun.remove(&key);
            }
            Happening::Stamp { key } => {
                let since = server.since(now);
                if let Some(life) = server.lives.get_mut(&key) {
                    life.since = since;
                }
            }
            Happening::Reset { told } => {
                server.epoch += usize::from(told);
                server.lose();
            }
            Happening::Restart { keeps_counters } => {
                server.epoch += 1;
                server.begun.clear();
                if !keeps_counters {
                    server.lose();
                }
            }
            Happening::FailOver => self.active = 1 - self.active,
            Happening::Clock { milliseconds } => server.clock += milliseconds,
            Happening::Update => self.extension = (self.extension + 1).min(2),
            Happening::Hide { key } => match self.hidden.iter().position(|hidden| *hidden == key) {
                Some(index) => drop(self.hidden.remove(index)),
                None => self.hidden.push(key),
            },
            Happening::Forget => (self.stored, self.readings) = (None, [None, None]),
            Happening::Read { collector, early } => self.readings[collector] = Some(self.read(early)),
            Happening::Store { collector } => {
                if let Some(reading) = self.readings[collector].take() {
                    self.store(reading)?;
                }
            }
        }
        Ok(())
    }

    fn run(&mut self, number: usize, key: u8, [times, each, rows]: [i64; 3]) {
        let server = &mut self.servers[number];
        let since = server.begun.remove(&key);
        let since = since.unwrap_or_else(|| server.since(self.now));
        let born = &mut self.born;
        let life = server.lives.entry(key).or_insert_with(|| {
            *born += 1;
            Life {
                number: *born,
                since,
                values: [0; 4],
                shortest: each,
                longest: each,
            }
        });
        let values = [times, times * each, times * each * each, rows];
        add(&mut life.values, values);
        life.shortest = life.shortest.min(each);
        life.longest = life.longest.max(each);
        self.executions.push(Execution {
            server: number,
            key: key.to_string(),
            values,
            each,
        });
    }

    fn read(&self, early: i64) -> Reading {
        let server = &self.servers[self.active];
        let mut lives = server.lives.clone();
        lives.retain(|key, _| !self.hidden.contains(key));
        let with_rows = self.extension > 0;
        let mut columns = vec![SINCE_COLUMN, EXECUTIONS.shortest, EXECUTIONS.longest];
        columns.extend(&COUNTERS[..if with_rows { 4 } else { 3 }]);
        let cells = |life: &Life| {
            let since = if self.extension > 1 { life.since } else { 0 };
            let mut cells = match self.tells_extremes {
                true => vec![since, life.shortest, life.longest],
                false => vec![since, 0, 0],
            };
            cells.extend(&life.values[..columns.len() - 3]);
            cells
        };
        let counters = lives.values().flat_map(cells).collect();
        let snapshot = Snapshot::new(
            at(self.now + server.clock - early),
            format!("{}/{}", self.active, server.epoch),
            columns.iter().map(|name| (*name).to_owned()).collect(),
            lives.keys().map(u8::to_string).collect(),
            counters,
        );
        Reading {
            server: self.active,
            snapshot: snapshot.unwrap(),
            lives,
            executions: self.executions.len(),
            previous: self.stored.clone().map(Box::new),
        }
    }

    fn store(&mut self, mut reading: Reading) -> Result<(), TestCaseError> {
        let previous = reading.previous.take();
        let expected = previous.as_ref().map(|stored| stored.version);
        if self.stored.as_ref().map(|stored| stored.version) != expected {
            return Ok(());
        }
        let before = previous.as_ref().map(|stored| &stored.reading);
        let earlier = before.map(|before| &before.snapshot);
        let deltas = match self.tells_extremes {
            true => between_executions(earlier, &reading.snapshot, self.new_rows, &EXECUTIONS),
            false => between(earlier, &reading.snapshot, self.new_rows),
        };
        self.a_gap_is_a_gap(before, &reading, &deltas)?;
        if let (Some(before), Some(_)) = (before, deltas.measured()) {
            for row in &deltas.rows {
                self.it_truly_happened(before, &reading, &deltas, row)?;
            }
            if self.exact {
                nothing_is_missing(before, &reading, &deltas)?;
            }
        }
        for row in &deltas.rows {
            add(
                self.counted.entry(row.key.clone()).or_default(),
                values(&deltas, row),
            );
        }
        self.versions += 1;
        self.stored = Some(Stored {
            version: self.versions,
            reading,
        });
        Ok(())
    }

    fn a_gap_is_a_gap(
        &self,
        before: Option<&Reading>,
        reading: &Reading,
        deltas: &Deltas,
    ) -> Result<(), TestCaseError> {
        let measured = before.and_then(|before| {
            let elapsed = reading.snapshot.taken_at() - before.snapshot.taken_at();
            let comparable =
                before.snapshot.epoch() == reading.snapshot.epoch() && elapsed.num_milliseconds() > 0;
            comparable.then(|| elapsed.to_std().unwrap())
        });
        prop_assert_eq!(deltas.measured(), measured);
        prop_assert!(measured.is_some() || deltas.rows.is_empty());
        Ok(())
    }

    /// No value is negative or more than what happened in between, and the mean is one that could be observed.
    fn it_truly_happened(
        &self,
        before: &Reading,
        reading: &Reading,
        deltas: &Deltas,
        row: &DeltaRow,
    ) -> Result<(), TestCaseError> {
        let happened: Vec<&Execution> = self.executions[before.executions..reading.executions]
            .iter()
            .filter(|execution| execution.server == reading.server && execution.key == row.key)
            .collect();
        let mut truth = [0; 4];
        for execution in &happened {
            add(&mut truth, execution.values);
        }
        let counted = values(deltas, row);
        prop_assert!(row.values.iter().any(|value| *value > 0));
        for (counted, truth) in counted.iter().zip(&truth) {
            prop_assert!((0..=*truth).contains(counted), "{counted:?} of {truth:?}");
        }
        if !self.tells_extremes {
            return Ok(());
        }
        let [calls, exec_us, ..] = counted;
        let shortest = happened
            .iter()
            .map(|execution| execution.each)
            .min()
            .unwrap_or_default();
        let longest = happened
            .iter()
            .map(|execution| execution.each)
            .max()
            .unwrap_or_default();
        prop_assert!(
            exec_us <= calls * (longest + 1) + 1,
            "{exec_us} in {calls}, none over {longest}"
        );
        prop_assert!(
            exec_us >= calls * (shortest - 1) - 1,
            "{exec_us} in {calls}, none under {shortest}"
        );
        Ok(())
    }

    fn nothing_was_counted_twice(&self) -> Result<(), TestCaseError> {
        let mut truth: BTreeMap<&str, [i64; 4]> = BTreeMap::new();
        for execution in &self.executions {
            add(truth.entry(&execution.key).or_default(), execution.values);
        }
        for (key, counted) in &self.counted {
            let truth = truth[key.as_str()];
            prop_assert!(
                counted
                    .iter()
                    .zip(truth)
                    .all(|(counted, truth)| *counted <= truth)
            );
        }
        Ok(())
    }
}

/// What both readings show is what is counted, to the last call.
fn nothing_is_missing(before: &Reading, reading: &Reading, deltas: &Deltas) -> Result<(), TestCaseError> {
    let mut expected = BTreeMap::new();
    for (key, life) in &reading.lives {
        let mut grown = life.values;
        if let Some(earlier) = before
            .lives
            .get(key)
            .filter(|earlier| earlier.number == life.number)
        {
            for (grown, earlier) in grown.iter_mut().zip(earlier.values) {
                *grown -= earlier;
            }
        }
        if deltas.column("rows").is_none() {
            grown[3] = 0;
        }
        if grown != [0; 4] {
            expected.insert(key.to_string(), grown);
        }
    }
    let counted: BTreeMap<_, _> = deltas
        .rows
        .iter()
        .map(|row| (row.key.clone(), values(deltas, row)))
        .collect();
    prop_assert_eq!(counted, expected);
    Ok(())
}

/// The values of a row in the order of [`COUNTERS`]; 0 for one that only one of the readings has.
fn values(deltas: &Deltas, row: &DeltaRow) -> [i64; 4] {
    COUNTERS.map(|name| deltas.column(name).map_or(0, |column| row.values[column]))
}

fn add(sums: &mut [i64; 4], values: [i64; 4]) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += value;
    }
}
