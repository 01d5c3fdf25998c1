//! The collectors on real servers: each runs with nothing but `pg_monitor`, gives what its header says, and what it gives
//! is what happened.
//!
//! - `reading.rs`: takes the variant that fits a server and reads it, as a target is read;
//! - `watched.rs`: a server with the login that reads it;
//! - `every_collector.rs`: what holds for all that read a server; `every.rs`: for all that read a database;
//! - `tables.rs`, `bloat.rs`, `findings.rs`: what is counted, estimated and found in a database;
//! - `planted.rs`: secrets and names of people that are planted everywhere are found nowhere;
//! - `component.rs`, `stored.rs`: what the component makes of what a server and a database tell;
//! - the other files: what each tells of a server, by making it happen.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod bloat;
mod catalog;
mod component;
mod every;
mod every_collector;
mod findings;
mod planted;
mod reading;
mod replication;
mod server;
mod sessions;
mod stored;
mod tables;
mod watched;
mod work;
