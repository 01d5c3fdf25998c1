//! How much processor time processes have used, from what Linux says of them.

use std::collections::HashMap;
use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

/// The unit of times in /proc/PID/stat: a hundredth of a second on every Linux there is.
const TICK: Duration = Duration::from_millis(10);

/// The processor time of some processes, each since its start.
#[derive(Debug)]
pub(crate) struct ProcessorTime(HashMap<u32, Duration>);

impl ProcessorTime {
    /// What these processes have used since an earlier look; all of it for those that were not there.
    pub(crate) fn since(&self, earlier: &ProcessorTime) -> Duration {
        let used = self.0.iter().map(|(process, &time)| {
            let before = earlier.0.get(process).copied().unwrap_or_default();
            time.saturating_sub(before)
        });
        used.sum()
    }
}

/// The processor time of processes so far, in user and in kernel mode. One that has ended has none.
pub(crate) fn time_of(processes: &[u32]) -> Result<ProcessorTime> {
    let mut times = HashMap::new();
    for &process in processes {
        let Ok(status) = fs::read_to_string(format!("/proc/{process}/stat")) else {
            continue;
        };
        // The name of the program, in parentheses, may hold spaces; the fields after it are numbered from 3.
        let (_, fields) = status
            .rsplit_once(") ")
            .context("/proc/PID/stat is not as it was")?;
        let fields: Vec<&str> = fields.split(' ').collect();
        let ticks = |number: usize| -> Result<u32> {
            let field = fields.get(number - 3).context("/proc/PID/stat is too short")?;
            Ok(field.parse()?)
        };
        times.insert(process, TICK * (ticks(14)? + ticks(15)?));
    }
    Ok(ProcessorTime(times))
}
