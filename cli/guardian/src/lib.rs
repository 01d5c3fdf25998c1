//! The reference workload: a healthcare application's database, Guardian, that behaves like one.
//!
//! - [`schema`]: installs `sql/guardian` into a database
//! - [`generate`]: makes the data, pure and the same every time
//! - [`copy`]: rows as `copy` takes them
//! - [`seed`]: fills the tables, a cohort of a thousand patients in each transaction
//! - [`request`]: what users ask of it, and how long that may take
//! - [`load`]: load tests, and their reports
//! - [`row_level_security`]: what policies cost

#![deny(missing_docs)]

pub mod copy;
pub mod generate;
pub mod load;
pub mod request;
pub mod row_level_security;
pub mod schema;
pub mod seed;
