//! Which subjects of a collector are shown by name, and what the others did together.
//!
//! A server may have thousands of tables and statements, and a time series for each would be the end of a Prometheus. So
//! that their number is bounded, the subjects with the most to say are shown by name and the rest as one, `other`;
//! partitions are shown as the table they are partitions of.
//!
//! *Who is shown* changes as little as possible: whoever is among the first N of the ranking is shown; who was shown stays
//! until it falls behind place N and a half. To leave and come back a subject has to cross that half, so that two
//! that are close to each other do not take turns. At most N and a half are shown.
//!
//! *What the others did* is a counter, and a counter must not fall because a subject with a large one began to be shown.
//! So it is not the sum of the counters of the others, but the sum of what they counted: each delta is added once, to
//! `other` if the subject was not shown both before and after it, since only then does its own series tell that delta.
//! Nothing is lost and nothing told twice: the growth of all series is the sum of all deltas. The same holds for a
//! partitioned table, whose counters do not fall when a partition is dropped.

use std::collections::{HashMap, HashSet};

use crate::delta::Deltas;

/// Who or what a row is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// A subject by its key.
    One(String),
    /// All partitions of a table, by its name.
    Root(String),
    /// All subjects that are not shown.
    Other,
}

/// A reading of a collector, as far as it matters here. Rows are in the order of the keys, values row by row.
#[derive(Clone, Copy, Debug)]
pub struct Reading<'a> {
    /// The keys of the subjects.
    pub keys: &'a [String],
    /// Of which table each is a partition, if it is one; may be shorter than the keys.
    pub roots: &'a [Option<String>],
    /// The names of the counters.
    pub counter_columns: &'a [String],
    /// The counters; negative where one is not known.
    pub counters: &'a [i64],
    /// The names of the gauges.
    pub gauge_columns: &'a [String],
    /// The gauges, where they are known.
    pub gauges: &'a [Option<i64>],
}

/// How many subjects are shown, and which come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget<'a> {
    /// How many are certainly shown, if there are as many. At most half as many more are.
    pub places: usize,
    /// The counters and gauges by the sum of which subjects are ranked.
    pub by: &'a [&'a str],
}

/// What is shown of a collector on a target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exposed {
    /// The names of the counters.
    pub counter_columns: Vec<String>,
    /// The names of the gauges.
    pub gauge_columns: Vec<String>,
    /// The rows: who is shown, every partitioned table (to go on counting when it is shown again), and the others.
    pub rows: Vec<ExposedRow>,
}

/// A row of what is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExposedRow {
    /// Whom it is about.
    pub subject: Subject,
    /// Whether it is shown.
    pub shown: bool,
    /// How many subjects it stands for.
    pub subjects: usize,
    /// Its counters. Of one subject these are the server's; of several they count what was counted since they are known.
    pub counters: Vec<i64>,
    /// Its gauges; of several subjects the sums of those that are known.
    pub gauges: Vec<Option<i64>>,
}

/// Subjects that are shown as one.
struct Group {
    subject: Subject,
    rows: Vec<usize>,
    score: i128,
    shown: bool,
}

impl Exposed {
    /// What is to be shown after a reading, given what was shown before it and what happened in between.
    ///
    /// `None` if there is nothing to bound: every subject has a place of its own, and always had.
    pub fn next(
        previous: Option<&Exposed>,
        reading: &Reading<'_>,
        deltas: &Deltas,
        budget: Budget<'_>,
    ) -> Option<Exposed> {
        let is_folded = reading.roots.iter().any(Option::is_some);
        if previous.is_none() && !is_folded && reading.keys.len() <= budget.places {
            return None;
        }
        let groups = rank(reading, previous, budget);
        let accounts = Accounts::new(previous, reading, Some(deltas));
        Some(Exposed::of(reading, &groups, &accounts))
    }

    /// What is to be shown of a reading of which nobody knows what was shown before it.
    pub fn first(reading: &Reading<'_>, budget: Budget<'_>) -> Exposed {
        let groups = rank(reading, None, budget);
        let mut exposed = Exposed::of(reading, &groups, &Accounts::new(None, reading, None));
        exposed
            .rows
            .retain(|row| row.subject != Subject::Other || row.subjects > 0);
        exposed
    }

    fn of(reading: &Reading<'_>, groups: &[Group], accounts: &Accounts<'_>) -> Exposed {
        let mut rows: Vec<ExposedRow> = Vec::new();
        for group in groups {
            let is_root = matches!(group.subject, Subject::Root(_));
            if group.shown || is_root {
                rows.push(ExposedRow {
                    subject: group.subject.clone(),
                    shown: group.shown,
                    subjects: group.rows.len(),
                    counters: if is_root {
                        accounts.root(group)
                    } else {
                        accounts.raw(&group.rows)
                    },
                    gauges: accounts.gauges(&group.rows),
                });
            }
        }
        rows.push(accounts.other(groups));
        Exposed {
            counter_columns: reading.counter_columns.to_vec(),
            gauge_columns: reading.gauge_columns.to_vec(),
            rows,
        }
    }

    /// The row of a subject.
    pub fn row(&self, subject: &Subject) -> Option<&ExposedRow> {
        self.rows.iter().find(|row| row.subject == *subject)
    }

    fn shown(&self) -> HashSet<&Subject> {
        let shown = self.rows.iter().filter(|row| row.shown);
        shown.map(|row| &row.subject).collect()
    }
}

/// The subjects that are shown as one, the first of the ranking first, and which are shown. Among equals the name
/// decides, so that the ranking does not depend on the order of the rows.
fn rank(reading: &Reading<'_>, previous: Option<&Exposed>, budget: Budget<'_>) -> Vec<Group> {
    let mut groups: HashMap<Subject, Group> = HashMap::with_capacity(reading.keys.len());
    let scores = Scores::new(reading, budget.by);
    for (row, key) in reading.keys.iter().enumerate() {
        let root = reading.roots.get(row).and_then(Option::as_ref);
        let subject = root.map_or_else(|| Subject::One(key.clone()), |root| Subject::Root(root.clone()));
        let group = groups.entry(subject.clone()).or_insert(Group {
            subject,
            rows: Vec::new(),
            score: 0,
            shown: false,
        });
        group.rows.push(row);
        group.score += scores.of(row);
    }
    let mut groups: Vec<Group> = groups.into_values().collect();
    groups.sort_unstable_by(|a, b| b.score.cmp(&a.score).then_with(|| a.subject.cmp(&b.subject)));
    let was_shown = previous.map(Exposed::shown).unwrap_or_default();
    for (place, group) in groups.iter_mut().enumerate() {
        let stays = place < budget.places + budget.places / 2 && was_shown.contains(&group.subject);
        group.shown = place < budget.places || stays;
    }
    groups
}

/// By what subjects are ranked.
struct Scores<'a> {
    reading: &'a Reading<'a>,
    counters: Vec<usize>,
    gauges: Vec<usize>,
}

impl<'a> Scores<'a> {
    fn new(reading: &'a Reading<'a>, by: &[&str]) -> Self {
        let among = |columns: &[String]| {
            let positions = by
                .iter()
                .map(|name| columns.iter().position(|column| column == name));
            positions.flatten().collect()
        };
        Self {
            reading,
            counters: among(reading.counter_columns),
            gauges: among(reading.gauge_columns),
        }
    }

    fn of(&self, row: usize) -> i128 {
        let counters = cells(self.reading.counters, row, self.reading.counter_columns.len());
        let gauges = cells(self.reading.gauges, row, self.reading.gauge_columns.len());
        let counters = self.counters.iter().filter_map(|column| counters.get(*column));
        let gauges = self
            .gauges
            .iter()
            .filter_map(|column| gauges.get(*column)?.as_ref());
        counters.chain(gauges).map(|value| i128::from(*value)).sum()
    }
}

/// The values of one row.
fn cells<T>(values: &[T], row: usize, width: usize) -> &[T] {
    values.get(row * width..(row + 1) * width).unwrap_or_default()
}

/// What is added up.
struct Accounts<'a> {
    previous: Option<&'a Exposed>,
    was_shown: HashSet<&'a Subject>,
    reading: &'a Reading<'a>,
    deltas: HashMap<&'a str, &'a [i64]>,
    /// Where each counter is in the deltas.
    positions: Vec<Option<usize>>,
}

impl<'a> Accounts<'a> {
    fn new(previous: Option<&'a Exposed>, reading: &'a Reading<'a>, deltas: Option<&'a Deltas>) -> Self {
        let rows = deltas.into_iter().flat_map(|deltas| &deltas.rows);
        let columns = reading.counter_columns.iter();
        Self {
            previous,
            was_shown: previous.map(Exposed::shown).unwrap_or_default(),
            reading,
            deltas: rows
                .map(|row| (row.key.as_str(), row.values.as_slice()))
                .collect(),
            positions: columns.map(|name| deltas?.column(name)).collect(),
        }
    }

    /// The counters of some rows as the server has them. Of one row they may be unknown.
    fn raw(&self, rows: &[usize]) -> Vec<i64> {
        let width = self.reading.counter_columns.len();
        if let [row] = rows {
            return cells(self.reading.counters, *row, width).to_vec();
        }
        let mut sums = vec![0_i64; width];
        for row in rows {
            for (sum, counter) in sums.iter_mut().zip(cells(self.reading.counters, *row, width)) {
                *sum = sum.saturating_add((*counter).max(0));
            }
        }
        sums
    }

    /// What some rows counted since the previous reading.
    fn grown(&self, rows: &[usize]) -> Vec<i64> {
        let mut sums = vec![0_i64; self.positions.len()];
        for row in rows {
            let key = self
                .reading
                .keys
                .get(*row)
                .map(String::as_str)
                .unwrap_or_default();
            let Some(values) = self.deltas.get(key) else {
                continue;
            };
            for (sum, position) in sums.iter_mut().zip(&self.positions) {
                let delta = position.and_then(|position| values.get(position).copied());
                *sum = sum.saturating_add(delta.unwrap_or_default());
            }
        }
        sums
    }

    /// The counters of a row as they were before, and what was counted since; where there were none, `begin`.
    fn continued(&self, subject: &Subject, grown: &[i64], begin: &[i64]) -> Vec<i64> {
        let before = self
            .previous
            .and_then(|previous| Some((previous, previous.row(subject)?)));
        let values = self.reading.counter_columns.iter().zip(grown.iter().zip(begin));
        let continued = values.map(|(name, (grown, begin))| {
            let before = before.and_then(|(previous, row)| {
                let column = previous
                    .counter_columns
                    .iter()
                    .position(|column| column == name)?;
                row.counters.get(column)
            });
            before.map_or((*begin).max(0), |before| before.saturating_add(*grown))
        });
        continued.collect()
    }

    fn root(&self, group: &Group) -> Vec<i64> {
        self.continued(&group.subject, &self.grown(&group.rows), &self.raw(&group.rows))
    }

    /// The row of the others: who is not shown now, and the last deltas of who was not shown before.
    fn other(&self, groups: &[Group]) -> ExposedRow {
        let told_by_itself = |group: &Group| group.shown && self.was_shown.contains(&group.subject);
        let rows_of = |wanted: &dyn Fn(&Group) -> bool| -> Vec<usize> {
            let groups = groups.iter().filter(|group| wanted(group));
            groups.flat_map(|group| group.rows.iter().copied()).collect()
        };
        let hidden = rows_of(&|group| !group.shown);
        let grown = self.grown(&rows_of(&|group| !told_by_itself(group)));
        ExposedRow {
            subject: Subject::Other,
            shown: true,
            subjects: hidden.len(),
            counters: self.continued(&Subject::Other, &grown, &self.raw(&hidden)),
            gauges: self.gauges(&hidden),
        }
    }

    /// The sums of the gauges of some rows; not known where none is.
    fn gauges(&self, rows: &[usize]) -> Vec<Option<i64>> {
        let width = self.reading.gauge_columns.len();
        let mut sums = vec![None; width];
        for row in rows {
            for (sum, value) in sums.iter_mut().zip(cells(self.reading.gauges, *row, width)) {
                if let Some(value) = value {
                    *sum = Some(sum.unwrap_or(0_i64).saturating_add(*value));
                }
            }
        }
        sums
    }
}

#[cfg(test)]
mod tests;
