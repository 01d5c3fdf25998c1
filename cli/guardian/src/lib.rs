//! The reference workload: a healthcare application's database, Guardian, that behaves like one.
//!
//! - [`schema`]: installs `sql/guardian` into a database

#![deny(missing_docs)]

pub mod schema;
