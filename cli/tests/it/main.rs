//! The `pgvitals` command as people use it: the real program on real servers, its whole answer compared.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails, in its helpers as well"
)]

mod alerts;
mod channels;
mod doctor;
mod hostile;
mod init;
mod load;
mod migrate;
mod pgbouncer;
mod responses;
mod rules;
mod seed;
mod show;
mod support;
mod targets;
mod tls;
mod up;
