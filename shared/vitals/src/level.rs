//! How bad it is.

use crate::name::names;

names! {
    /// How bad it is: `warning < critical < emergency`.
    "level" pub enum Level {
        /// Worth a look in working hours. Half of what is tolerable, by default.
        Warning = "warning",
        /// What was promised is broken. Needs a person now.
        Critical = "critical",
        /// Twice as bad as critical, or the service is gone.
        Emergency = "emergency",
    }
}
