//! What single values say about the counters they made up.

use super::Snapshot;

/// The columns of a row that counts executions: how many, how long in all, and the shortest and longest of them.
///
/// `pg_stat_statements` before 1.11 does not tell when a statement began to be counted. A statement that was evicted,
/// returned, and has counted more than before by the next reading cannot be told from one that stayed. Its differences
/// are each less than what happened, but not by the same share, and a mean made of them could be anything: of a
/// statement that takes 2 s, 101 new calls against 100 old ones of 10 ms would make one call of 201 s.
///
/// What one life must satisfy: the longest execution only gets longer, the shortest only shorter, and the executions in
/// between took between the shortest and the longest each. A row that does not began anew. For one that does, the mean
/// lies between executions that did happen since, whichever life it is: a loss can go unnoticed, a spike cannot come
/// of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Distribution<'name> {
    /// The counter of executions.
    pub count: &'name str,
    /// The counter of their durations.
    pub sum: &'name str,
    /// The counter of the squares of their durations. It is reckoned from floating-point numbers, so that a fall by
    /// what they cannot resolve is taken for standing still.
    pub squares: &'name str,
    /// The shortest duration, in the unit of `sum`. No counter.
    pub shortest: &'name str,
    /// The longest duration, in the unit of `sum`. No counter.
    pub longest: &'name str,
}

/// Where the columns of a [`Distribution`] stand in a reading.
#[derive(Clone, Copy, Debug)]
pub(super) struct Positions {
    count: usize,
    sum: usize,
    shortest: usize,
    longest: usize,
}

impl Positions {
    /// None if a column is missing.
    pub(super) fn of(names: &Distribution<'_>, snapshot: &Snapshot) -> Option<Self> {
        Some(Self {
            count: snapshot.column(names.count)?,
            sum: snapshot.column(names.sum)?,
            shortest: snapshot.column(names.shortest)?,
            longest: snapshot.column(names.longest)?,
        })
    }

    /// None if the row is too short.
    pub(super) fn read(&self, row: &[i64]) -> Option<Executions> {
        let at = |position: usize| row.get(position).copied().map(i128::from);
        Some(Executions {
            count: at(self.count)?,
            sum: at(self.sum)?,
            shortest: at(self.shortest)?,
            longest: at(self.longest)?,
        })
    }
}

/// The executions of one row, as of one reading.
#[derive(Clone, Copy, Debug)]
pub(super) struct Executions {
    count: i128,
    sum: i128,
    shortest: i128,
    longest: i128,
}

impl Executions {
    /// Whether these can be what became of those before, without anything lost in between. All but the count are
    /// rounded to one unit, which is allowed for.
    pub(super) fn may_continue(&self, before: &Executions) -> bool {
        let count = self.count - before.count;
        let sum = self.sum - before.sum;
        // A statement that was planned and has not run yet has no shortest execution.
        let shortest_fell = before.count == 0 || self.shortest <= before.shortest;
        shortest_fell
            && self.longest >= before.longest
            && sum <= count * (self.longest + 1) + 1
            && sum >= count * (self.shortest - 1) - 1
    }
}

/// Whether a counter that is reckoned in floating point fell by less than such a number resolves, or by the rounding
/// to a whole one. 1e-9 leaves a margin of a million over the precision of `float8`.
pub(super) fn is_noise(before: i64, delta: i64) -> bool {
    delta < 0 && delta >= -1 - before / 1_000_000_000
}
