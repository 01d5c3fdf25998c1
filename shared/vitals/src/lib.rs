//! The domain of pgvitals: what is measured, when it is alarming, and how that is told.
//!
//! Everything here is pure. Nothing does I/O, reads a clock or draws a random number: time comes in as
//! [`chrono::DateTime<Utc>`] (read from the database, the only clock there is) and chance as a number in `0..1`. That
//! is what lets the same code run in a component, in a test that plays a week in a millisecond, and in the command.
//!
//! | module | question it answers |
//! |--|--|
//! | [`statement`] | which statement is this, and what may be shown of its text |
//! | [`delta`] | what happened between two readings of a set of counters |
//! | [`blocking`] | who keeps whom waiting |
//! | [`histogram`] | how values are distributed, hour by hour and day by day |
//! | [`level`], [`rule`], [`alert`] | is that bad, how bad, and is it news |
//! | [`replay`], [`calibration`] | what would a rule have told, and where should it begin |
//! | [`matcher`], [`route`], [`quiet`] | who is told, and when nobody is |
//! | [`notification`], [`channel`] | how to say it, and in whose format |
//! | [`address`] | may a message go there at all |
//! | [`response`] | what may be done about it without asking anybody, and how often |
//! | [`delivery`] | did it arrive, and when to try again |
//! | [`exposition`] | how to say it to Prometheus |
//! | [`exposed`] | which subjects are shown by name, and what the others did together |
//! | [`setting`] | what a server parameter is as a number |
//! | [`outage`] | what is told when nothing can be evaluated at all |
//! | [`outcome`], [`freshness`] | how a run or a collector went, and whether it still runs at all |
//! | [`server`] | which PostgreSQL is this |

#![deny(missing_docs)]

pub mod address;
pub mod alert;
pub mod blocking;
pub mod calibration;
pub mod channel;
pub mod delivery;
pub mod delta;
pub mod exposed;
pub mod exposition;
pub mod freshness;
pub mod histogram;
pub mod level;
pub mod matcher;
mod name;
pub mod notification;
pub mod outage;
pub mod outcome;
pub mod quiet;
pub mod replay;
pub mod response;
pub mod route;
pub mod rule;
pub mod server;
pub mod setting;
pub mod statement;
pub mod text;
pub mod unit;

pub use name::UnknownName;
