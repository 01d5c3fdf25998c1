//! The reference workload on real servers: its schema, who may see what, and its machinery.
//!
//! Each test runs on every version of the run, in a database of its own with the schema as `pgvitals seed` installs it and
//! the people and records that `fixture.sql` makes.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod bulk;
mod clinic;
mod critical;
mod documents;
mod invalidation;
mod jobs;
mod orphans;
mod partitions;
mod policies;
mod schema;
mod shards;
mod views;
