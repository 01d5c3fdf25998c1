//! What the metrics endpoint shows of a reading: kept by who reads, since only then it is known what was counted by whom.

use db::{Client, DbError};
use store::exposed;
use store::snapshots::Write;
use vitals::delta::Deltas;
use vitals::exposed::{Exposed, Reading};

/// A reading, and what is needed to show it.
pub(crate) struct Showing<'a> {
    pub(crate) target_id: i32,
    pub(crate) collector: &'a str,
    /// The version of the reading that this one replaces.
    pub(crate) expected: Option<i64>,
    pub(crate) reading: Reading<'a>,
    pub(crate) deltas: &'a Deltas,
}

impl Showing<'_> {
    /// Keeps what is shown, in the transaction in which the reading was written; nothing if another was faster, or if all
    /// of the reading can be shown as it is.
    pub(crate) async fn keep<C: Client>(&self, client: &C, write: Write) -> Result<(), DbError> {
        if write == Write::Lost || !exposed::is_bounded(self.collector, &self.reading) {
            return Ok(());
        }
        let previous = exposed::load(client, self.target_id, self.collector).await?;
        let budget = exposed::budget(self.collector);
        let next = Exposed::next(previous.as_ref(), &self.reading, self.deltas, budget);
        let version = self.expected.unwrap_or(0) + 1;
        match next {
            Some(next) => exposed::write(client, self.target_id, self.collector, version, &next).await,
            None => Ok(()),
        }
    }
}
